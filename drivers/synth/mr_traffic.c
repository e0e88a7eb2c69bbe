/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/synth/mr_traffic_priv.h"

#include <stdlib.h>

#include "base/mr_clock.h"

#define DEFAULT_RATE_PPS 1000000
/* SYN, SYN-ACK, ACK, one packet of data, FIN, FIN, ACK, and one for the rounding of the lanes */
#define SESSION_PKTS_MIN 8

/* Steady traffic: every packet is a function of its number and flow, so nothing has to be remembered. */
static inline void steady(struct mr_traffic *t, uint32_t slot, uint64_t number, uint64_t h,
			  struct mr_traffic_pkt *p)
{
	struct mr_traffic_flow f = mr_traffic_flow(t, number);
	bool reply = mr_traffic_is_reply(t, h);
	/* no packet of a flow overlaps an earlier one in sequence space; what lies between counts as lost */
	uint32_t progress = (uint32_t)p->number * MR_TRAFFIC_WIRE_MAX;

	mr_traffic_direct(p, &f, reply);
	p->size = mr_traffic_size(h);
	p->seq = f.seq[reply] + progress;
	p->ack = f.seq[!reply] + progress;
	p->tcp_flags = MR_TCP_ACK;
	p->icmp_reply = reply;
	if (f.head >= MR_TRAFFIC_ICMP) {
		p->src_port = f.client_port;
		p->dst_port = (uint16_t)p->number;
	}
}

const struct mr_traffic_kind mr_traffic_steady = {
	.name = "steady",
	.help = "flows without beginning or end and without state, the fast one",
	.background = steady,
};

const struct mr_traffic_kind *const mr_traffic_kinds[] = { &mr_traffic_steady, &mr_traffic_session,
							    &mr_traffic_synflood, NULL };

static void lanes_init(struct mr_traffic *t)
{
	while (2u << t->lane_shift <= t->flows && 2u << t->lane_shift <= MR_TRAFFIC_LANES_MAX)
		t->lane_shift++;
	t->lane_mask = (1u << t->lane_shift) - 1;
	t->lanes_more = t->flows & t->lane_mask;
	t->lane_slots[1] = t->flows >> t->lane_shift;
	t->lane_slots[0] = t->lane_slots[1] + 1;
}

static uint32_t share(uint64_t pct)
{
	return (uint32_t)((pct * SHARE_ALL + 50) / 100);
}

static void shares_init(struct mr_traffic *t)
{
	t->ipv6_share = share(t->conf.ipv6_pct);
	t->icmp_share = share(t->conf.icmp_pct);
	t->tcp_share = share(t->conf.icmp_pct + t->conf.tcp_pct); /* the rest below it is TCP, above it UDP */
	t->reply_share = share(t->conf.reply_pct);
	t->attack_share = t->conf.attack == NULL ? 0 : share(t->conf.attack_pct);
}

static uint64_t times(uint64_t a, uint64_t b, uint64_t by)
{
	__extension__ unsigned __int128 v = (unsigned __int128)a * b / by;

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

static void time_init(struct mr_traffic *t)
{
	struct mr_traffic_conf *c = &t->conf;

	if (c->rate_pps == 0)
		c->rate_pps = DEFAULT_RATE_PPS;
	t->step_fp = (MR_NS_PER_S << 32) / c->rate_pps;
	if (c->new_per_s != 0) {
		__extension__ unsigned __int128 fp = ((unsigned __int128)c->new_per_s << 64) / c->rate_pps + 1;

		t->new_fp = fp > UINT64_MAX ? UINT64_MAX : (uint64_t)fp;
	}
	t->packets = c->packets == 0 ? UINT64_MAX : c->packets;
	if (c->duration_ns != 0) {
		uint64_t n = times(c->duration_ns, c->rate_pps, MR_NS_PER_S);

		if (n < t->packets)
			t->packets = n;
	}
}

static int conf_check(const struct mr_traffic_conf *c, struct mr_err *err)
{
	if (c->tcp_pct + c->icmp_pct > 100)
		return mr_err_set(err, EINVAL, "tcp=%lu and icmp=%lu are more than 100 per cent together",
				  c->tcp_pct, c->icmp_pct);
	if (c->new_per_s > c->rate_pps)
		return mr_err_set(err, EINVAL, "new=%lu needs rate=%lu or more: a flow has a packet at least",
				  c->new_per_s, c->new_per_s);
	if (c->handshake && c->new_per_s * SESSION_PKTS_MIN > c->rate_pps)
		return mr_err_set(err, EINVAL, "new=%lu with handshake=yes needs rate=%lu or more: %d packets a flow",
				  c->new_per_s, c->new_per_s * SESSION_PKTS_MIN, SESSION_PKTS_MIN);
	return 0;
}

int mr_traffic_create(const struct mr_traffic_conf *conf, struct mr_traffic **ret_traffic, struct mr_err *err)
{
	struct mr_traffic *t = aligned_alloc(64, sizeof(*t));
	int rc;

	if (t == NULL)
		return mr_err_set(err, ENOMEM, "no memory for the traffic model");
	*t = (struct mr_traffic){ .conf = *conf, .flows = (uint32_t)conf->flows };
	t->background = conf->handshake ? &mr_traffic_session : &mr_traffic_steady;
	t->salt = mr_traffic_mix64(conf->seed + 1);
	t->flow_salt = (uint32_t)mr_traffic_mix64(t->salt);
	lanes_init(t);
	shares_init(t);
	time_init(t);
	mr_traffic_templates_init(t);
	rc = conf_check(&t->conf, err);
	if (rc == 0 && conf->handshake) {
		t->sessions = calloc(t->flows, sizeof(*t->sessions));
		if (t->sessions == NULL)
			rc = mr_err_set(err, ENOMEM, "no memory for the state of %u flows, use fewer", t->flows);
	}
	if (rc != 0) {
		mr_traffic_free(t);
		return rc;
	}
	*ret_traffic = t;
	return 0;
}

void mr_traffic_free(struct mr_traffic *t)
{
	if (t == NULL)
		return;
	free(t->sessions);
	free(t);
}

uint64_t mr_traffic_packets(const struct mr_traffic *t)
{
	return t->packets;
}

uint64_t mr_traffic_time(const struct mr_traffic *t, uint64_t k)
{
	__extension__ unsigned __int128 ns = (unsigned __int128)k * t->step_fp >> 32;

	return t->conf.start_ns + (uint64_t)ns;
}

uint64_t mr_traffic_due(const struct mr_traffic *t, uint64_t elapsed_ns)
{
	__extension__ unsigned __int128 ns = (unsigned __int128)elapsed_ns << 32;

	return (uint64_t)(ns / t->step_fp) + 1;
}

/* The flows of a round are those from @p base on. */
static void cursor_base(struct mr_traffic_cursor *cur, uint64_t base)
{
	uint32_t flows = cur->t->flows;

	if (base - cur->base_lo >= flows)
		cur->base_lo = base - base % flows;
	cur->base = base;
	cur->base_slot = (uint32_t)(base - cur->base_lo);
}

static uint64_t base_by_number(const struct mr_traffic *t, uint64_t k)
{
	__extension__ unsigned __int128 base = (unsigned __int128)k * t->new_fp;

	return (uint64_t)(base >> 64);
}

void mr_traffic_cursor_init(struct mr_traffic *t, uint16_t queue, uint16_t queues, struct mr_traffic_cursor *ret)
{
	*ret = (struct mr_traffic_cursor){ .t = t, .queue = queue, .queues = queues, .next = queue };
	if (queue > t->lane_mask || queue >= t->packets)
		ret->next = UINT64_MAX;
}

static inline void cursor_advance(struct mr_traffic_cursor *cur, bool by_number)
{
	struct mr_traffic *t = cur->t;
	uint64_t round = cur->next & ~(uint64_t)t->lane_mask;

	cur->next += cur->queues;
	if (cur->next - round <= t->lane_mask)
		return;
	round += t->lane_mask + 1;
	cur->next = round + cur->queue;
	for (int i = 0; i < 2; i++)
		if (++cur->turn[i] >= t->lane_slots[i])
			cur->turn[i] = 0;
	if (by_number && t->new_fp != 0)
		cursor_base(cur, base_by_number(t, round));
}

static inline uint32_t pick_slot(const struct mr_traffic_cursor *cur, uint64_t k, uint64_t h)
{
	const struct mr_traffic *t = cur->t;
	uint32_t lane = (uint32_t)k & t->lane_mask;
	int few = lane >= t->lanes_more;
	uint32_t i = t->conf.order == MR_TRAFFIC_ROUNDROBIN ? cur->turn[few]
							    : (uint32_t)((h >> 32) * t->lane_slots[few] >> 32);

	return lane + (i << t->lane_shift);
}

static inline void describe(struct mr_traffic_cursor *cur, uint64_t k, struct mr_traffic_pkt *p)
{
	struct mr_traffic *t = cur->t;
	uint64_t h = mr_traffic_mix64(k + t->salt);
	uint32_t slot;
	uint64_t flow;

	p->number = k;
	if (mr_traffic_is_attack(t, h)) {
		t->conf.attack->attack(t, h, p);
		return;
	}
	slot = pick_slot(cur, k, h);
	flow = cur->base_lo + slot + (slot < cur->base_slot ? t->flows : 0);
	if (t->sessions == NULL)
		steady(t, slot, flow, h, p); /* not through the pointer: this is the fast one */
	else
		t->background->background(t, slot, flow, h, p);
}

uint16_t mr_traffic_burst(struct mr_traffic_cursor *cur, uint8_t *const data[], struct mr_traffic_pkt ret_pkts[],
			  uint16_t n, uint64_t end, uint64_t elapsed_ns)
{
	struct mr_traffic *t = cur->t;
	bool by_number = elapsed_ns == MR_TRAFFIC_BY_NUMBER;
	uint16_t made;

	if (end > t->packets)
		end = t->packets;
	if (!by_number)
		cursor_base(cur, times(elapsed_ns, t->conf.new_per_s, MR_NS_PER_S));
	for (made = 0; made < n && cur->next < end; made++) {
		describe(cur, cur->next, &ret_pkts[made]);
		cursor_advance(cur, by_number);
	}
	for (uint16_t i = 0; i < made; i++)
		mr_traffic_write(t, &ret_pkts[i], data[i]);
	if (cur->next >= t->packets)
		cur->next = UINT64_MAX;
	return made;
}

uint8_t mr_traffic_proto(const struct mr_traffic_pkt *p)
{
	static const uint8_t protos[MR_TRAFFIC_HEAD_MAX] = {
		MR_PROTO_UDP,  MR_PROTO_UDP,   MR_PROTO_TCP, MR_PROTO_TCP,
		MR_PROTO_ICMP, MR_PROTO_ICMP6, MR_PROTO_TCP, MR_PROTO_TCP,
	};

	return protos[p->head];
}
