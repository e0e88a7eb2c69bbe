/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_flow_priv.h"

#include <netinet/in.h>

#include "base/mr_buf.h"

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10

#define PADDED_MAX 64 /* octets of an Ethernet frame which padding fills up to, FCS included */

/* Option kinds below 32 in the TCP header, one bit each (RFC 9293 section 3.1). */
static uint32_t tcp_options(const uint8_t *tcp, uint32_t avail)
{
	uint32_t len = (uint32_t)(tcp[12] >> 4) * 4, seen = 0;

	len = RTE_MIN(len, avail);
	for (uint32_t at = 20; at < len;) {
		uint8_t kind = tcp[at];

		if (kind < 32)
			seen |= 1u << kind;
		if (kind == 0)
			break;
		if (kind == 1) {
			at++;
			continue;
		}
		if (at + 1 >= len || tcp[at + 1] < 2)
			break;
		at += tcp[at + 1];
	}
	return seen;
}

static bool has_tcp_header(const struct mr_packet *p)
{
	return p->proto == IPPROTO_TCP && (p->flags & MR_PACKET_L4) && p->data != NULL &&
	       (uint32_t)p->l4_off + 20 <= p->cap_len;
}

/* What the link layer adds to packets of this flow. A short frame may have padding, others not. */
static uint32_t overhead(const struct mr_packet *p)
{
	return p->frame_len <= PADDED_MAX ? p->l3_off : p->frame_len - p->ip_len;
}

/* What only the flow's first packet tells. */
static void open_flow(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p, unsigned d)
{
	struct mr_flow_hot *h = &t->hot[idx];
	struct mr_flow_cold *c = &t->cold[idx];
	bool syn_ack = p->proto == IPPROTO_TCP && (p->tcp_flags & (TCP_SYN | TCP_ACK)) == (TCP_SYN | TCP_ACK);
	unsigned forward = syn_ack ? !d : d;
	uint64_t birth = p->time_ns ^ p->time_ns >> 32;

	if (forward == 1)
		h->state |= MR_FLOW_FORWARD_IS_1;
	if (p->proto != IPPROTO_TCP || (p->tcp_flags & TCP_SYN))
		h->state |= MR_FLOW_KNOWN;
	c->birth = (uint32_t)birth;
	h->l2_overhead = (uint8_t)RTE_MIN(overhead(p), 255u);
	c->frag_flags = p->frag_flags;
	c->mpls_label[0] = (uint8_t)(p->mpls_label >> 16);
	c->mpls_label[1] = (uint8_t)(p->mpls_label >> 8);
	c->mpls_label[2] = (uint8_t)p->mpls_label;
	if (p->proto == IPPROTO_ICMP || p->proto == IPPROTO_ICMPV6)
		c->window_or_icmp = p->icmp;
	else if (has_tcp_header(p))
		c->window_or_icmp = mr_get_u16(p->data + p->l4_off + 14);
	if ((p->flags & MR_PACKET_MAC) && p->data != NULL) {
		memcpy(c->mac[forward == d ? 1 : 0], p->data, 6); /* destination comes first in a frame */
		memcpy(c->mac[forward == d ? 0 : 1], p->data + 6, 6);
	}
}

/* What only the first packet of a direction in this record tells. */
static void open_direction(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p, unsigned d)
{
	struct mr_flow_hot *h = &t->hot[idx];
	struct mr_flow_cold *c = &t->cold[idx];
	uint64_t t48 = p->time_ns & MR_T48_MASK;

	mr_flow_set_start48(c, (int)d, t48);
	if (h->packets[!d] == 0)
		h->start_hint = mr_flow_start_hint(t, p->time_ns);
	else if (mr_t48_since(t48, mr_flow_start48(c, !d)) < 0)
		h->start_hint = 0;
	c->tos[d] = p->tos;
	c->min_ttl[d] = c->max_ttl[d] = p->ttl;
	h->last[d] = t48 << 16 | (uint64_t)p->ttl << 8;
	h->octets[d] = UINT16_MAX; /* the first packet lowers the minimum */
	if (has_tcp_header(p))
		c->tcp_options |= tcp_options(p->data + p->l4_off, p->cap_len - p->l4_off);
}

static void open_record(struct mr_flow_table *t, struct mr_flow_bucket *b, uint32_t idx,
			const struct mr_packet *p, unsigned d)
{
	struct mr_flow_hot *h = &t->hot[idx];

	if (h->last[0] == 0 && h->last[1] == 0)
		open_flow(t, idx, p, d);
	h->state &= (uint8_t)~MR_FLOW_EMPTY;
	/* the unseen direction must not look older than the seen one */
	if (h->last[!d] == 0)
		h->last[!d] = (p->time_ns & MR_T48_MASK) << 16;
	mr_flow_expect(t, b, p->time_ns + RTE_MIN(t->idle_ns, t->active_ns));
}

/* A packet older than one that was counted already: captures that aren't in order. */
static uint64_t out_of_order(struct mr_flow_table *t, struct mr_flow_bucket *b, uint32_t idx,
			     const struct mr_packet *p, unsigned d)
{
	struct mr_flow_cold *c = &t->cold[idx];
	uint64_t start = mr_t48_full(p->clock_ns, mr_flow_start48(c, (int)d));

	if (p->time_ns < start) {
		mr_flow_set_start48(c, (int)d, p->time_ns & MR_T48_MASK);
		t->hot[idx].start_hint = 0;
		mr_flow_expect(t, b, p->time_ns + t->active_ns);
	}
	return mr_flow_last48(&t->hot[idx], (int)d);
}

static void ttl_changed(struct mr_flow_cold *c, uint8_t ttl, unsigned d)
{
	if (ttl < c->min_ttl[d])
		c->min_ttl[d] = ttl;
	if (ttl > c->max_ttl[d])
		c->max_ttl[d] = ttl;
}

static void tcp_control(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot,
			const struct mr_packet *p, unsigned d)
{
	struct mr_flow_hot *h = &t->hot[b->idx[slot]];
	uint8_t fins;

	if (p->tcp_flags & TCP_FIN)
		h->state |= d == 0 ? MR_FLOW_FIN_0 : MR_FLOW_FIN_1;
	fins = h->state & (MR_FLOW_FIN_0 | MR_FLOW_FIN_1);
	if (!(p->tcp_flags & TCP_RST) && fins != (MR_FLOW_FIN_0 | MR_FLOW_FIN_1))
		return;
	h->state |= MR_FLOW_CLOSED;
	if (b->class_[slot] != MR_FLOW_CLASS_CLOSED)
		mr_flow_young_add(t, b);
	b->class_[slot] = MR_FLOW_CLASS_CLOSED;
	mr_flow_expect(t, b, p->clock_ns + t->linger_ns);
}

/* Count the packet in its record. */
static inline void count(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot,
			 const struct mr_packet *p)
{
	uint32_t idx = b->idx[slot];
	struct mr_flow_hot *h = &t->hot[idx];
	unsigned d = (p->flags & MR_PACKET_SWAPPED) != 0;
	uint16_t len = (uint16_t)RTE_MIN(p->ip_len, (uint32_t)UINT16_MAX);
	uint64_t t48 = p->time_ns & MR_T48_MASK, octets, last;
	uint32_t overhead;
	uint8_t class_;

	if (unlikely(h->state & MR_FLOW_EMPTY))
		open_record(t, b, idx, p, d);
	if (unlikely(h->packets[d] == 0))
		open_direction(t, idx, p, d);

	last = h->last[d];
	if (unlikely(mr_t48_since(t48, last >> 16) < 0))
		t48 = out_of_order(t, b, idx, p, d);
	if (unlikely((uint8_t)(last >> 8) != p->ttl))
		ttl_changed(&t->cold[idx], p->ttl, d);
	h->last[d] = t48 << 16 | (uint64_t)p->ttl << 8 | (last & 0xff) | p->tcp_flags;

	octets = h->octets[d] + ((uint64_t)p->ip_len << 16);
	if (unlikely(len < (uint16_t)octets))
		octets = (octets & ~0xffffULL) | len;
	h->octets[d] = octets;
	h->packets[d]++;
	if (unlikely(len > h->max_len[d]))
		h->max_len[d] = len;
	overhead = p->frame_len - p->ip_len;
	if (unlikely(overhead != h->l2_overhead))
		t->cold[idx].l2_extra[d] += (int32_t)(overhead - h->l2_overhead);

	class_ = b->class_[slot];
	if (unlikely(class_ == MR_FLOW_CLASS_SINGLE || class_ == MR_FLOW_CLASS_ONE_WAY)) {
		class_ = h->packets[!d] != 0 ? MR_FLOW_CLASS_BOTH_WAYS
			 : h->packets[d] > 1 ? MR_FLOW_CLASS_ONE_WAY
					     : class_;
		if (b->class_[slot] != class_)
			b->class_[slot] = class_;
	}
	if (unlikely(p->tcp_flags & (TCP_FIN | TCP_RST)))
		tcp_control(t, b, slot, p, d);
}

/* Could anything of the record end at this packet? False for nearly all packets. */
static bool may_expire(const struct mr_flow_slot *f, const struct mr_flow_hot *h, const struct mr_packet *p)
{
	return mr_flow_expiry_ns(f->bucket) <= p->clock_ns ||
	       (h->state & (MR_FLOW_CLOSED | MR_FLOW_EMPTY)) != 0;
}

/* End what has ended by the clock of this packet. Returns true when the flow's slot is free now. */
static bool settle(struct mr_flow_table *t, struct mr_flow_slot f, const struct mr_packet *p)
{
	struct mr_flow_hot *h = &t->hot[f.idx];
	bool reopened = (h->state & MR_FLOW_CLOSED) && p->proto == IPPROTO_TCP &&
			(p->tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
	uint64_t next_ns;

	if (mr_flow_expire(t, f.bucket, f.slot, p->clock_ns, &next_ns))
		return true;
	if (!reopened)
		return false;
	/* the ports are used again within the linger: a new connection */
	if (!(h->state & MR_FLOW_EMPTY))
		mr_flow_emit(t, f.idx, MR_FLOW_END_DETECTED, p->clock_ns, p->clock_ns);
	mr_flow_remove(t, f.bucket, f.slot);
	return true;
}

/* Returns where the packet was counted; idx 0: there was no room. */
static struct mr_flow_slot meter(struct mr_flow_table *t, struct mr_flow_slot f, const struct mr_packet *p,
				 struct mr_flow_tally *sum)
{
	if (f.idx != 0 && may_expire(&f, &t->hot[f.idx], p) && settle(t, f, p))
		f.idx = 0;
	if (unlikely(f.idx == 0)) {
		if (mr_flow_is_deep(t) && !mr_flow_inspect_room(t, p)) {
			mr_counter_add(t->conf.counters, MR_C_TUNNELS_FULL, 1);
			return f;
		}
		f = mr_flow_insert(t, p);
		if (unlikely(f.idx == 0)) {
			mr_counter_add(t->conf.counters, MR_C_TABLE_FULL, 1);
			return f;
		}
	}
	count(t, f.bucket, f.slot, p);
	if (mr_flow_is_deep(t))
		mr_flow_inspect_packet(t, f.idx, p);
	sum->metered++;
	sum->octets += p->ip_len;
	sum->v6 += (p->flags & MR_PACKET_V6) != 0;
	return f;
}

void mr_flow_plain(struct mr_flow_table *t, const struct mr_packet *p, struct mr_flow_tally *sum)
{
	meter(t, mr_flow_find(t, p), p, sum);
}

void mr_flow_one(struct mr_flow_table *t, const struct mr_packet *p)
{
	struct mr_flow_tally sum = { 0 };
	struct mr_flow_slot f = { 0 };

	if (likely(!mr_flow_is_late(p))) {
		mr_flow_plain(t, p, &sum);
	} else {
		f = meter(t, f, p, &sum);
		if (f.idx != 0) {
			mr_flow_emit(t, f.idx, MR_FLOW_END_IDLE, p->clock_ns, p->time_ns);
			mr_flow_remove(t, f.bucket, f.slot);
		}
	}
	mr_flow_tally_up(t, &sum);
}
