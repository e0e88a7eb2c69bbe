/* SPDX-License-Identifier: Apache-2.0 */
/* The way of nearly all packets through the table: a burst whose memory is fetched before it is needed. */
#include "flow/mr_flow_priv.h"

#define TCP_FIN 0x01
#define TCP_RST 0x04

#define ODD_MASK 0xffffffffffULL /* note, not_metered and frag of a packet, in one word */

/* What of a record's state says whether a packet may simply be counted; the rest is about its past. */
#define STATE_MASK (MR_FLOW_LIVE | MR_FLOW_CLOSED | MR_FLOW_EMPTY | MR_FLOW_WIDE)

static void meter_released(struct mr_flow_table *t)
{
	struct mr_tunnel tunnel;
	struct mr_packet p;

	t->inspect.now = &tunnel;
	while (mr_frag_due(&t->frag, t->clock_ns) && mr_frag_release(&t->frag, t->clock_ns, &p, &tunnel))
		mr_flow_one(t, &p);
}

/* One packet with all that fragments, held fragments, notes and jumps of the clock add to it. */
static void careful(struct mr_flow_table *t, struct mr_packet *p, const struct mr_tunnel *tunnel)
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
		if (mr_frag_packet(&t->frag, p, tunnel) == MR_FRAG_HELD)
			return;
	}
	t->inspect.now = tunnel;
	mr_flow_one(t, p);
	meter_released(t);
}

/* The words that mr_packet_odd() reads, as one. */
static inline uint64_t odd_word(const struct mr_packet *p)
{
	uint64_t word;

	_Static_assert(offsetof(struct mr_packet, not_metered) == offsetof(struct mr_packet, note) + 2 &&
			       offsetof(struct mr_packet, frag) == offsetof(struct mr_packet, note) + 4,
		       "ODD_MASK");
	memcpy(&word, &p->note, sizeof(word));
	return word;
}

void mr_flow_fetch(struct mr_flow_table *t, const struct mr_packet *pkts, struct mr_flow_batch *batch)
{
	uint64_t odd = 0, octets = 0;
	int64_t early = 0;

	for (size_t i = 0; i < batch->n; i++) {
		const struct mr_packet *p = &pkts[i];

		batch->bucket[i] = &t->buckets[mr_flow_bucket_1(t, p->hash)];
		rte_prefetch1(batch->bucket[i]);
		odd |= odd_word(p);
		early |= mr_flow_late_in(p); /* the sign stays */
		octets += p->frame_len;
	}
	batch->plain = (odd & ODD_MASK) == 0 && early >= 0;
	batch->octets = octets;
}

/*
 * The record in which a packet probably is counted: of the first slot of the bucket whose tag fits. That of
 * index 0, which never fits: none, or something in the bucket may have to end first.
 */
static inline struct mr_flow_hot *guess(const struct mr_flow_table *t, const struct mr_flow_bucket *b,
					const struct mr_packet *p, uint64_t clock_ns)
{
	unsigned mask = mr_flow_tag_mask(b, mr_flow_tag(p->hash));
	uint32_t idx;

	if (unlikely(mask == 0)) {
		rte_prefetch0(mr_flow_group_expiry(t, b)); /* a new flow lowers it */
		return t->hot;
	}
	idx = b->idx[__builtin_ctz(mask)];
	rte_prefetch1(&t->hot[idx]);
	if (p->flags & MR_PACKET_V6 && idx >= t->first_wide)
		rte_prefetch1(&t->addr6[idx - t->first_wide]);
	if (unlikely(p->frame_len - p->ip_len != p->l3_off)) /* padded */
		rte_prefetch1(&t->cold[idx].l2_extra);
	return likely(mr_flow_expiry_ns(b) > clock_ns) ? &t->hot[idx] : t->hot;
}

/* Is it the live record of the packet's flow, and neither closed nor waiting for its first packet? */
static __rte_always_inline bool is_open(const struct mr_flow_table *t, const struct mr_flow_hot *h,
					const struct mr_packet *p, unsigned flags)
{
	unsigned differ = (unsigned)(h->proto | h->state << 8) ^ (unsigned)(p->proto | flags << 8);

	_Static_assert(
		((MR_PACKET_L4 | MR_PACKET_MAC | MR_PACKET_SWAPPED | MR_PACKET_CHAINED) & STATE_MASK) == 0,
		"of the packet's flags only MR_PACKET_V6 is compared with the record's state");
	if (unlikely(((differ ^ MR_FLOW_LIVE << 8) & (STATE_MASK << 8 | 0xff)) != 0 ||
		     !mr_flow_words_equal(t, h, p)))
		return false;
	return likely(!(p->flags & MR_PACKET_V6)) || mr_flow_addr6_equal(t, (uint32_t)(h - t->hot), p);
}

/*
 * Count the packet when it changes nothing but what every packet changes. False: not counted, since it is the
 * first or second of its direction, out of order, longer or shorter than all before, or ends the connection.
 */
static __rte_always_inline bool count(const struct mr_flow_table *t, struct mr_flow_hot *h,
				      const struct mr_packet *p)
{
	size_t d = p->flags / MR_PACKET_SWAPPED & 1;
	uint64_t last = h->last[d], octets = h->octets[d];
	uint64_t now = p->time_ns << 16 | (uint16_t)(p->ttl << 8 | p->tcp_flags) | (uint8_t)last;
	int32_t extremes = (int32_t)(p->ip_len - (uint16_t)octets) | (int32_t)(h->max_len[d] - p->ip_len);
	uint32_t extra = p->frame_len - p->ip_len - h->l2_overhead;

	if (unlikely(h->packets[d] <= 1 || (int64_t)(now - last) < 0 || ((now ^ last) & 0xff00) != 0 ||
		     extremes < 0 || (p->tcp_flags & (TCP_FIN | TCP_RST)) != 0))
		return false;
	if (unlikely(extra != 0))
		t->cold[h - t->hot].l2_extra[d] += (int32_t)extra;
	h->last[d] = now;
	h->octets[d] = octets + ((uint64_t)p->ip_len << 16);
	h->packets[d]++;
	return true;
}

void mr_flow_look_up(struct mr_flow_table *t, const struct mr_packet *pkts, struct mr_flow_batch *batch)
{
	uint64_t clock_ns = RTE_MAX(t->clock_ns, pkts[batch->n - 1].clock_ns);
	uint8_t second[MR_FLOW_BURST_MAX]; /* packets whose flow can only be in its second bucket */
	size_t n_second = 0;

	if (unlikely(!batch->plain))
		return;
	for (size_t i = 0; i < batch->n; i++) {
		batch->hot[i] = guess(t, batch->bucket[i], &pkts[i], clock_ns);
		if (unlikely(batch->hot[i] == t->hot && mr_flow_overflow(batch->bucket[i]) != 0)) {
			batch->bucket[i] = &t->buckets[mr_flow_bucket_2(t, pkts[i].hash)];
			rte_prefetch0(batch->bucket[i]);
			second[n_second++] = (uint8_t)i;
		}
	}
	for (size_t k = 0; k < n_second; k++) {
		size_t i = second[k];

		batch->hot[i] = guess(t, batch->bucket[i], &pkts[i], clock_ns);
	}
	if (mr_flow_is_deep(t))
		for (size_t i = 0; i < batch->n; i++)
			mr_flow_inspect_fetch(t, (uint32_t)(batch->hot[i] - t->hot));
}

/* Can all packets go the short way? Not when the clock jumps or a held fragment has to go first. */
static bool is_plain(const struct mr_flow_table *t, const struct mr_flow_batch *batch, uint64_t clock_ns)
{
	return batch->plain && clock_ns <= t->clock_ns + MR_FLOW_JUMP_NS && !mr_frag_due(&t->frag, clock_ns);
}

#define AHEAD 6 /* packets */

/* The first packet of a direction writes to the cold part. */
static inline void fetch_cold(const struct mr_flow_table *t, const struct mr_flow_hot *h,
			      const struct mr_packet *p)
{
	if (unlikely(h->packets[p->flags / MR_PACKET_SWAPPED & 1] == 0))
		mr_flow_fetch_cold(t, (uint32_t)(h - t->hot));
}

/* The same for a deep table. Of one that isn't no packet has MR_PACKET_TUNNEL. */
static bool is_open_deep(const struct mr_flow_table *t, const struct mr_flow_hot *h, const struct mr_packet *p)
{
	return is_open(t, h, p, p->flags & (unsigned)~MR_PACKET_TUNNEL) &&
	       mr_flow_tunnel_equal(t, (uint32_t)(h - t->hot), p);
}

/* All packets of a plain burst of a deep table. */
static __rte_noinline void meter_deep(struct mr_flow_table *t, const struct mr_packet *pkts,
				      const struct mr_flow_batch *batch)
{
	struct mr_flow_tally sum = { 0 };

	for (size_t i = 0; i < batch->n; i++) {
		const struct mr_packet *p = &pkts[i];

		if (likely(i + AHEAD < batch->n)) {
			fetch_cold(t, batch->hot[i + AHEAD], &pkts[i + AHEAD]);
			mr_flow_inspect_fetch_work(t, (uint32_t)(batch->hot[i + AHEAD] - t->hot));
		}
		t->inspect.now = batch->tunnels == NULL ? NULL : &batch->tunnels[i];
		if (unlikely(!is_open_deep(t, batch->hot[i], p) || !count(t, batch->hot[i], p))) {
			mr_flow_plain(t, p, &sum);
			continue;
		}
		mr_flow_inspect_packet(t, (uint32_t)(batch->hot[i] - t->hot), p);
		sum.metered++;
		sum.octets += p->ip_len;
		sum.v6 += p->flags / MR_PACKET_V6;
	}
	mr_flow_tally_up(t, &sum);
}

/* All packets of a plain burst. */
static __rte_noinline void meter_plain(struct mr_flow_table *t, const struct mr_packet *pkts,
				       const struct mr_flow_batch *batch)
{
	struct mr_flow_tally sum = { 0 }; /* the slow way's */
	uint64_t metered = batch->n, octets = 0, v6 = 0;

	for (size_t i = 0; i < batch->n; i++) {
		const struct mr_packet *p = &pkts[i];

		if (likely(i + AHEAD < batch->n))
			fetch_cold(t, batch->hot[i + AHEAD], &pkts[i + AHEAD]);
		if (unlikely(!is_open(t, batch->hot[i], p, p->flags) || !count(t, batch->hot[i], p))) {
			metered--;
			mr_flow_plain(t, p, &sum);
			continue;
		}
		octets += p->ip_len;
		v6 += p->flags / MR_PACKET_V6;
	}
	sum.metered += metered;
	sum.octets += octets;
	sum.v6 += v6;
	mr_flow_tally_up(t, &sum);
}

void mr_flow_meter(struct mr_flow_table *t, struct mr_packet *pkts, const struct mr_flow_batch *batch)
{
	uint64_t clock_ns = pkts[batch->n - 1].clock_ns;

	mr_counter_add(t->conf.counters, MR_C_RECEIVED, batch->n);
	mr_counter_add(t->conf.counters, MR_C_RECEIVED_OCTETS, batch->octets);
	if (unlikely(!is_plain(t, batch, clock_ns))) {
		for (uint16_t i = 0; i < batch->n; i++)
			careful(t, &pkts[i], batch->tunnels == NULL ? NULL : &batch->tunnels[i]);
		return;
	}
	t->clock_ns = RTE_MAX(t->clock_ns, clock_ns);
	if (mr_flow_is_deep(t))
		meter_deep(t, pkts, batch);
	else
		meter_plain(t, pkts, batch);
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
