/* SPDX-License-Identifier: Apache-2.0 */
/* The way of nearly all packets through the table: a burst whose memory is fetched before it is needed. */
#include "flow/mr_flow_priv.h"

#define TCP_FIN 0x01
#define TCP_RST 0x04

static void meter_released(struct mr_flow_table *t)
{
	struct mr_packet p;

	while (mr_frag_due(&t->frag, t->clock_ns) && mr_frag_release(&t->frag, t->clock_ns, &p))
		mr_flow_one(t, &p);
}

/* One packet with all that fragments, held fragments, notes and jumps of the clock add to it. */
static void careful(struct mr_flow_table *t, struct mr_packet *p)
{
	if (p->note != 0)
		mr_counter_add(t->conf.counters, (enum mr_counter)p->note, 1);
	if (p->not_metered != 0) {
		mr_counter_add(t->conf.counters, (enum mr_counter)p->not_metered, 1);
		return;
	}
	if (p->clock_ns > t->clock_ns + MR_FLOW_JUMP_NS)
		while (!mr_flow_age(t, p->clock_ns, UINT32_MAX))
			;
	t->clock_ns = RTE_MAX(t->clock_ns, p->clock_ns);
	meter_released(t);
	if (p->frag != MR_FRAG_NONE) {
		mr_counter_add(t->conf.counters, MR_C_FRAGMENTS, 1);
		if (mr_frag_packet(&t->frag, p) == MR_FRAG_HELD)
			return;
	}
	mr_flow_one(t, p);
	meter_released(t);
}

void mr_flow_fetch(struct mr_flow_table *t, const struct mr_packet *pkts, struct mr_flow_batch *batch)
{
	uint64_t odd = 0, octets = 0;
	bool late = false;

	for (uint16_t i = 0; i < batch->n; i++) {
		const struct mr_packet *p = &pkts[i];

		rte_prefetch1(&t->buckets[mr_flow_bucket_1(t, p->hash)]);
		odd |= mr_packet_odd(p);
		late |= mr_flow_is_late(p);
		octets += p->frame_len;
	}
	batch->plain = odd == 0 && !late;
	batch->octets = octets;
}

/*
 * The record in which a packet probably is counted: of the first slot of its first bucket whose tag fits. 0,
 * which never fits: none, or something in the bucket may have to end first.
 */
static inline uint32_t guess(const struct mr_flow_table *t, const struct mr_packet *p, uint64_t clock_ns)
{
	const struct mr_flow_bucket *b = &t->buckets[mr_flow_bucket_1(t, p->hash)];
	unsigned mask = mr_flow_tag_mask(b, mr_flow_tag(p->hash));
	uint32_t idx;

	if (unlikely(mask == 0)) {
		if (mr_flow_overflow(b) != 0)
			rte_prefetch0(&t->buckets[mr_flow_bucket_2(t, p->hash)]);
		return 0;
	}
	idx = b->idx[__builtin_ctz(mask)];
	rte_prefetch1(&t->hot[idx]);
	if (p->flags & MR_PACKET_V6 && idx >= t->first_wide)
		rte_prefetch1(&t->addr6[idx - t->first_wide]);
	return likely(mr_flow_expiry_ns(b) > clock_ns) ? idx : 0;
}

/* Is it the live record of the packet's flow, and neither closed nor waiting for its first packet? */
static inline bool is_open(const struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	const struct mr_flow_hot *h = &t->hot[idx];
	const uint8_t state_mask = MR_FLOW_LIVE | MR_FLOW_CLOSED | MR_FLOW_EMPTY | MR_FLOW_WIDE;
	uint8_t state = (p->flags & MR_PACKET_V6) | MR_FLOW_LIVE;
	uint64_t differ = (h->addr_key ^ p->addr_key) | ((h->port_key ^ p->port_key) & t->key_mask) |
			  (uint64_t)(h->proto ^ p->proto) | (uint64_t)((h->state ^ state) & state_mask);

	if (unlikely(differ != 0))
		return false;
	return likely(!(p->flags & MR_PACKET_V6)) || mr_flow_addr6_equal(t, idx, p);
}

/*
 * Count the packet when it changes nothing but what every packet changes. False: not counted, since it is the
 * first or second of its direction, out of order, longer or shorter than all before, or ends the connection.
 */
static inline bool count(struct mr_flow_hot *h, const struct mr_packet *p)
{
	unsigned d = (p->flags & MR_PACKET_SWAPPED) != 0;
	uint64_t last = h->last[d], octets = h->octets[d];
	uint64_t now = p->time_ns << 16 | (uint64_t)p->ttl << 8 | (last & 0xff) | p->tcp_flags;
	int32_t extremes = (int32_t)(p->ip_len - (uint16_t)octets) | (int32_t)(h->max_len[d] - p->ip_len);

	if (unlikely(h->packets[d] <= 1 || (int64_t)(now - last) < 0 || ((now ^ last) & 0xff00) != 0 ||
		     extremes < 0 || p->frame_len - p->ip_len != h->l2_overhead ||
		     (p->tcp_flags & (TCP_FIN | TCP_RST)) != 0))
		return false;
	h->last[d] = now;
	h->octets[d] = octets + ((uint64_t)p->ip_len << 16);
	h->packets[d]++;
	return true;
}

void mr_flow_look_up(struct mr_flow_table *t, const struct mr_packet *pkts, struct mr_flow_batch *batch)
{
	uint64_t clock_ns = RTE_MAX(t->clock_ns, pkts[batch->n - 1].clock_ns);

	if (unlikely(!batch->plain))
		return;
	for (uint16_t i = 0; i < batch->n; i++)
		batch->idx[i] = guess(t, &pkts[i], clock_ns);
}

/* Can all packets go the short way? Not when the clock jumps or a held fragment has to go first. */
static bool is_plain(const struct mr_flow_table *t, const struct mr_flow_batch *batch, uint64_t clock_ns)
{
	return batch->plain && clock_ns <= t->clock_ns + MR_FLOW_JUMP_NS && !mr_frag_due(&t->frag, clock_ns);
}

void mr_flow_meter(struct mr_flow_table *t, struct mr_packet *pkts, const struct mr_flow_batch *batch)
{
	uint64_t clock_ns = pkts[batch->n - 1].clock_ns;
	struct mr_flow_tally sum = { 0 };

	mr_counter_add(t->conf.counters, MR_C_RECEIVED, batch->n);
	mr_counter_add(t->conf.counters, MR_C_RECEIVED_OCTETS, batch->octets);
	if (unlikely(!is_plain(t, batch, clock_ns))) {
		for (uint16_t i = 0; i < batch->n; i++)
			careful(t, &pkts[i]);
		return;
	}
	t->clock_ns = RTE_MAX(t->clock_ns, clock_ns);
	for (uint16_t i = 0; i < batch->n; i++) {
		const struct mr_packet *p = &pkts[i];
		uint32_t idx = batch->idx[i];

		if (unlikely(!is_open(t, idx, p) || !count(&t->hot[idx], p))) {
			mr_flow_plain(t, p, &sum);
			continue;
		}
		sum.metered++;
		sum.octets += p->ip_len;
		sum.v6 += (p->flags & MR_PACKET_V6) != 0;
	}
	mr_flow_tally_up(t, &sum);
}

void mr_flow_burst(struct mr_flow_table *t, struct mr_packet *pkts, uint16_t n)
{
	struct mr_flow_batch batch = { .n = n };

	if (n == 0)
		return;
	mr_flow_fetch(t, pkts, &batch);
	mr_flow_look_up(t, pkts, &batch);
	mr_flow_meter(t, pkts, &batch);
}
