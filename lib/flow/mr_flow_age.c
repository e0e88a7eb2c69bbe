/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_flow_priv.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Time of the record's first packet; only for records with packets. */
static uint64_t record_start(const struct mr_flow_hot *h, const struct mr_flow_cold *c, uint64_t clock_ns)
{
	uint64_t start = UINT64_MAX;

	for (int d = 0; d < 2; d++)
		if (h->packets[d] != 0)
			start = earlier(start, mr_t48_full(clock_ns, mr_flow_start48(c, d)));
	return start;
}

/* A counter that could wrap before the next sweep ends the record early. */
static bool counter_high(const struct mr_flow_hot *h)
{
	return (h->packets[0] | h->packets[1]) >> 31 != 0 || (h->octets[0] | h->octets[1]) >> 63 != 0;
}

static void start_afresh(struct mr_flow_hot *h, struct mr_flow_cold *c)
{
	for (int d = 0; d < 2; d++) {
		h->packets[d] = 0;
		h->octets[d] = 0;
		h->max_len[d] = 0;
		h->last[d] &= ~0xffULL; /* TCP flags are per record */
		c->l2_extra[d] = 0;
	}
	h->state |= MR_FLOW_EMPTY;
}

bool mr_flow_expire(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot, uint64_t clock_ns,
		    uint64_t *ret_next_ns)
{
	uint32_t idx = b->idx[slot];
	struct mr_flow_hot *h = &t->hot[idx];
	uint64_t wait_ns = h->state & MR_FLOW_CLOSED ? t->linger_ns : t->idle_ns;
	uint64_t last_ns = clock_ns - mr_flow_quiet_ns(h, clock_ns);
	uint64_t quiet_end = last_ns + wait_ns, active_end = UINT64_MAX;

	if (!(h->state & MR_FLOW_EMPTY)) {
		active_end = mr_flow_start_least_ns(t, h, last_ns) + t->active_ns;
		if (active_end <= clock_ns)
			active_end = record_start(h, &t->cold[idx], clock_ns) + t->active_ns;
		if (counter_high(h))
			active_end = earlier(active_end, clock_ns);
	}
	if (active_end < quiet_end && active_end <= clock_ns) {
		mr_flow_emit(t, idx, MR_FLOW_END_ACTIVE, active_end, clock_ns);
		start_afresh(h, &t->cold[idx]);
		active_end = UINT64_MAX;
	}
	if (quiet_end <= clock_ns) {
		if (!(h->state & MR_FLOW_EMPTY))
			mr_flow_emit(t, idx,
				     h->state & MR_FLOW_CLOSED ? MR_FLOW_END_DETECTED : MR_FLOW_END_IDLE,
				     quiet_end, clock_ns);
		mr_flow_remove(t, b, slot);
		return true;
	}
	*ret_next_ns = earlier(active_end, quiet_end);
	return false;
}

/* Of the buckets ahead of the hand, the records are asked for, and nearer to it the cold parts of those that
 * end. */
#define FETCH_AHEAD 16
#define CHECK_AHEAD 6

static void fetch_records(const struct mr_flow_table *t, const struct mr_flow_bucket *b)
{
	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++)
		if (b->tag[s] != 0)
			rte_prefetch1(&t->hot[b->idx[s]]);
}

static void fetch_ending(const struct mr_flow_table *t, const struct mr_flow_bucket *b, uint64_t clock_ns)
{
	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++)
		if (b->tag[s] != 0 && mr_flow_quiet_ns(&t->hot[b->idx[s]], clock_ns) >= t->idle_ns)
			mr_flow_fetch_cold(t, b->idx[s]);
}

static bool is_due(const struct mr_flow_bucket *b, uint64_t clock_ns)
{
	return mr_flow_expiry_ns(b) <= clock_ns;
}

static void look_ahead(const struct mr_flow_table *t, uint32_t at, uint32_t end, uint64_t clock_ns)
{
	if (at + FETCH_AHEAD < end && is_due(&t->buckets[at + FETCH_AHEAD], clock_ns))
		fetch_records(t, &t->buckets[at + FETCH_AHEAD]);
	if (at + CHECK_AHEAD < end && is_due(&t->buckets[at + CHECK_AHEAD], clock_ns))
		fetch_ending(t, &t->buckets[at + CHECK_AHEAD], clock_ns);
}

/* Visit all records of one bucket. Returns how many that were. */
static unsigned sweep_bucket(struct mr_flow_table *t, struct mr_flow_bucket *b, uint64_t clock_ns)
{
	uint64_t min_ns = UINT64_MAX;
	unsigned looked = 0;

	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++) {
		uint64_t next_ns;

		if (b->tag[s] == 0)
			continue;
		looked++;
		if (!mr_flow_expire(t, b, s, clock_ns, &next_ns))
			min_ns = earlier(min_ns, next_ns);
	}
	mr_flow_set_expiry(b, min_ns);
	return looked;
}

/* Go on with the group under the hand. Returns true at its end; takes what it looked at off *budget. */
static bool sweep_group(struct mr_flow_table *t, uint64_t clock_ns, unsigned *budget)
{
	uint32_t group = t->hand >> MR_GROUP_SHIFT;
	uint32_t end = RTE_MIN((group + 1) << MR_GROUP_SHIFT, t->n_buckets);

	if (*budget == 0) /* before anything of the group is changed: it would pass for visited */
		return false;
	if (t->group_expiry_ns[group] > clock_ns && (t->hand & (MR_GROUP_SIZE - 1)) == 0) {
		t->hand = end;
		return true;
	}
	if ((t->hand & (MR_GROUP_SIZE - 1)) == 0) {
		t->bucket_min_ns = UINT64_MAX;
		t->group_expiry_ns[group] = UINT64_MAX; /* inserts during the visit lower it again */
	}
	while (t->hand < end) {
		struct mr_flow_bucket *b = &t->buckets[t->hand];

		if (*budget == 0)
			return false;
		look_ahead(t, t->hand, t->n_buckets, clock_ns);
		if (is_due(b, clock_ns)) {
			unsigned looked = sweep_bucket(t, b, clock_ns);

			*budget -= RTE_MIN(looked, *budget);
		}
		t->bucket_min_ns = RTE_MIN(t->bucket_min_ns, mr_flow_expiry_ns(b));
		t->hand++;
	}
	t->group_expiry_ns[group] = RTE_MIN(t->group_expiry_ns[group], t->bucket_min_ns);
	return true;
}

/* The share of the sweep since the last call; a whole one at most. */
static void hand_out_share(struct mr_flow_table *t, uint64_t clock_ns)
{
	uint64_t elapsed, groups;

	if (clock_ns <= t->swept_ns)
		return;
	elapsed = clock_ns - t->swept_ns;
	if (likely(elapsed < t->group_share_ns))
		return;
	if (elapsed >= t->scan_ns) {
		t->debt = t->n_groups;
		t->swept_ns = clock_ns;
		return;
	}
	groups = elapsed * t->n_groups / t->scan_ns;
	t->swept_ns += groups * t->scan_ns / t->n_groups;
	t->debt = (uint32_t)RTE_MIN(t->debt + groups, (uint64_t)t->n_groups);
}

static void meter_released(struct mr_flow_table *t, uint64_t clock_ns)
{
	struct mr_tunnel tunnel;
	struct mr_packet p;

	t->inspect.now = &tunnel;
	while (mr_frag_release(&t->frag, clock_ns, &p, &tunnel)) {
		p.clock_ns = RTE_MIN(p.clock_ns, t->clock_ns); /* a drain lets them go before their time */
		mr_flow_one(t, &p);
	}
}

static bool sweep_until(struct mr_flow_table *t, uint64_t clock_ns, unsigned *budget)
{
	if (unlikely(mr_frag_due(&t->frag, clock_ns)))
		meter_released(t, clock_ns);
	hand_out_share(t, clock_ns);
	while (t->debt != 0) {
		if (!sweep_group(t, clock_ns, budget))
			return false;
		if (t->hand == t->n_buckets)
			t->hand = 0;
		t->debt--;
	}
	return true;
}

bool mr_flow_age(struct mr_flow_table *t, uint64_t clock_ns, unsigned max_records)
{
	uint64_t longest = RTE_MAX(t->idle_ns, t->frag.timeout_ns);
	unsigned budget = max_records;

	clock_ns = RTE_MAX(clock_ns, t->clock_ns);
	/* Across a long silence: all that is there ends before the new clock, and is judged by a clock that
	 * is near enough for 48 bit times. */
	if (unlikely(clock_ns - t->clock_ns > MR_FLOW_JUMP_NS && (t->live != 0 || t->frag.oldest != 0)) &&
	    clock_ns - t->clock_ns > longest && !sweep_until(t, t->clock_ns + longest, &budget))
		return false;
	t->clock_ns = clock_ns;
	return sweep_until(t, clock_ns, &budget);
}

static void force_end(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot, uint64_t clock_ns)
{
	uint8_t state = t->hot[b->idx[slot]].state;

	if (!(state & MR_FLOW_EMPTY)) /* a connection that only waits for stragglers has ended by itself */
		mr_flow_emit(t, b->idx[slot],
			     state & MR_FLOW_CLOSED ? MR_FLOW_END_DETECTED : MR_FLOW_END_FORCED, clock_ns,
			     clock_ns);
	mr_flow_remove(t, b, slot);
}

bool mr_flow_drain(struct mr_flow_table *t, uint64_t clock_ns, unsigned max_records)
{
	unsigned budget = max_records;

	if (clock_ns < t->clock_ns)
		clock_ns = t->clock_ns;
	/* another worker's packets may have come much later than ours */
	if (clock_ns - t->clock_ns > MR_FLOW_JUMP_NS && !mr_flow_age(t, clock_ns, max_records))
		return false;
	t->clock_ns = clock_ns;
	meter_released(t, UINT64_MAX);
	t->hand %= t->n_buckets;
	while (t->live != 0) {
		struct mr_flow_bucket *b = &t->buckets[t->hand];

		for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++) {
			uint64_t next_ns;

			if (b->tag[s] == 0)
				continue;
			if (budget-- == 0)
				return false;
			if (mr_flow_expire(t, b, s, clock_ns, &next_ns))
				continue;
			force_end(t, b, s, clock_ns);
		}
		t->hand = t->hand + 1 == t->n_buckets ? 0 : t->hand + 1;
	}
	return true;
}
