/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_flow_priv.h"

#include <netinet/in.h>

/* flowId(148): the same for every record of a flow, whatever the run, the seed or the number of workers. */
static uint64_t flow_id(const struct mr_flow_table *t, const struct mr_flow_hot *h,
			const uint8_t addr6[2][16], uint32_t birth)
{
	uint64_t addr = h->addr_key;

	if (addr6 != NULL) {
		uint64_t w[4];

		memcpy(w, addr6, sizeof(w));
		addr = mr_hash_4to1(&t->id_seed, w);
	}
	return mr_hash_3(&t->id_seed, addr, mr_flow_key_word(t, h), (uint64_t)birth << 8 | h->proto);
}

static void put_addresses(struct mr_flow_rec *r, const struct mr_flow_hot *h, const uint8_t addr6[2][16],
			  int src)
{
	if (addr6 != NULL) {
		r->family = 6;
		memcpy(r->addr[0], addr6[src], 16);
		memcpy(r->addr[1], addr6[!src], 16);
		return;
	}
	for (int i = 0; i < 2; i++) { /* endpoint 0 is in the high half */
		const uint32_t a[4] = { htonl((uint32_t)(h->addr_key >> (src == i ? 32 : 0))) };

		memcpy(r->addr[i], a, sizeof(a));
	}
	r->family = 4;
}

/* One direction: endpoint e of the key is the sender, i the index in the record. Counts of a direction that has no
 * packet are 0 in the table too. */
static void put_direction(struct mr_flow_rec *r, int i, const struct mr_flow_hot *h,
			  const struct mr_flow_cold *c, int e, uint64_t clock_ns)
{
	bool seen = h->packets[e] != 0;

	r->packets[i] = h->packets[e];
	r->octets[i] = h->octets[e] >> 16;
	r->layer2_octets[i] =
		r->octets[i] + r->packets[i] * h->l2_overhead + (uint64_t)(int64_t)c->l2_extra[e];
	r->start_ns[i] = seen ? mr_t48_full(clock_ns, mr_flow_start48(c, e)) : 0;
	r->end_ns[i] = seen ? mr_t48_full(clock_ns, mr_flow_last48(h, e)) : 0;
	r->min_len[i] = (uint16_t)h->octets[e];
	r->max_len[i] = h->max_len[e];
	r->tcp_flags[i] = (uint8_t)h->last[e];
	r->min_ttl[i] = seen ? c->min_ttl[e] : 0;
	r->max_ttl[i] = seen ? c->max_ttl[e] : 0;
	r->tos[i] = seen ? c->tos[e] : 0;
}

/* What is the same for both directions. */
static void put_flow(const struct mr_flow_table *t, struct mr_flow_rec *r, const struct mr_flow_hot *h,
		     const struct mr_flow_cold *c, int src)
{
	uint32_t scope = (uint32_t)(h->port_key >> 32), ports = (uint32_t)h->port_key;
	uint8_t port = (uint8_t)(scope >> 24);
	bool icmp = h->proto == IPPROTO_ICMP || h->proto == IPPROTO_ICMPV6;

	r->proto = h->proto;
	r->direction = (h->state & MR_FLOW_KNOWN) != 0;
	r->frag_flags = c->frag_flags;
	r->tcp_window = icmp ? 0 : c->window_or_icmp;
	r->icmp = icmp ? c->window_or_icmp : 0;
	r->port[0] = (uint16_t)(icmp ? 0 : ports >> (src == 0 ? 16 : 0));
	r->port[1] = (uint16_t)(icmp ? 0 : ports >> (src == 0 ? 0 : 16));
	r->tcp_options = c->tcp_options;
	r->mpls_label =
		(uint32_t)c->mpls_label[0] << 16 | (uint32_t)c->mpls_label[1] << 8 | c->mpls_label[2];
	r->vlan = (uint16_t)(scope >> 12 & 0xfff);
	r->inner_vlan = (uint16_t)(scope & 0xfff);
	r->ingress = (uint8_t)(1 + port);
	r->egress = (uint8_t)(1 + (t->conf.egress == NULL ? port : t->conf.egress[port]));
	r->worker = t->conf.worker;
	memcpy(r->mac, c->mac, sizeof(r->mac));
}

/* Every field of the record is written: zeroing it before would cost as much as half of them. */
void mr_flow_emit(struct mr_flow_table *t, uint32_t idx, enum mr_flow_end reason, uint64_t due_ns,
		  uint64_t clock_ns)
{
	const struct mr_flow_hot *h = &t->hot[idx];
	const struct mr_flow_cold *c = &t->cold[idx];
	const uint8_t(*addr6)[16] = h->state & MR_FLOW_WIDE ? t->addr6[idx - t->first_wide] : NULL;
	int src = (h->state & MR_FLOW_FORWARD_IS_1) != 0;
	struct mr_flow_rec own, *r = t->conf.place == NULL ? NULL : t->conf.place(t->conf.emit_ctx);

	if (r == NULL)
		r = &own;
	r->flow_id = flow_id(t, h, addr6, c->birth);
	r->due_ns = due_ns;
	r->end_reason = (uint8_t)reason;
	put_flow(t, r, h, c, src);
	put_addresses(r, h, addr6, src);
	put_direction(r, MR_FLOW_FORWARD, h, c, src, clock_ns);
	put_direction(r, MR_FLOW_REVERSE, h, c, !src, clock_ns);
	mr_counter_add(t->conf.counters, MR_C_FLOWS_IDLE + (enum mr_counter)(reason - MR_FLOW_END_IDLE), 1);
	t->conf.emit(t->conf.emit_ctx, r);
}
