/* SPDX-License-Identifier: Apache-2.0 */
/* Who goes when there is no room: what a flood leaves first, a flow with packets both ways last. */
#include "flow/mr_flow_priv.h"

#include <assert.h>

#define REACH 32 /* buckets looked at for one packet */

/* The slot that may best be given up in one bucket: lowest class, rotating among equals. */
static unsigned best_victim(const struct mr_flow_table *t, const struct mr_flow_bucket *b, bool need_wide,
			    unsigned *ret_class)
{
	unsigned best = MR_BUCKET_SLOTS;

	*ret_class = UINT32_MAX;
	for (unsigned i = 0; i < MR_BUCKET_SLOTS; i++) {
		unsigned s = (i + t->victim_turn) % MR_BUCKET_SLOTS;

		if (b->tag[s] == 0 || b->class_[s] >= *ret_class ||
		    (need_wide && !mr_flow_is_wide(t, b->idx[s])))
			continue;
		*ret_class = b->class_[s];
		best = s;
	}
	return best;
}

static void evict(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot)
{
	uint64_t next_ns;

	t->victim_turn++;
	/* what has timed out anyway is no eviction */
	if (mr_flow_expire(t, b, slot, t->clock_ns, &next_ns))
		return;
	if (!(t->hot[b->idx[slot]].state & MR_FLOW_EMPTY))
		mr_flow_emit(t, b->idx[slot], MR_FLOW_END_RESOURCES, t->clock_ns, t->clock_ns);
	mr_flow_remove(t, b, slot);
}

bool mr_flow_evict_from(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b,
			bool need_wide, enum mr_flow_class most)
{
	unsigned class_a, class_b;
	unsigned slot_a = best_victim(t, a, need_wide, &class_a);
	unsigned slot_b = best_victim(t, b, need_wide, &class_b);

	if (RTE_MIN(class_a, class_b) > most)
		return false;
	if (class_a <= class_b)
		evict(t, a, slot_a);
	else
		evict(t, b, slot_b);
	return true;
}

/* A slot with a flow that is closed or has one packet; MR_BUCKET_SLOTS: none. */
static unsigned young_slot(const struct mr_flow_bucket *b)
{
	static_assert(MR_FLOW_CLASS_SINGLE == 1 && MR_FLOW_CLASS_BOTH_WAYS == 3, "bit 1 tells");
	uint64_t classes;

	memcpy(&classes, b->class_, sizeof(classes));
	for (uint64_t m = ~classes & 0x0202020202020202; m != 0; m &= m - 1) {
		unsigned s = (unsigned)__builtin_ctzll(m) / 8;

		if (b->tag[s] != 0)
			return s;
	}
	return MR_BUCKET_SLOTS;
}

/* In a flood every packet gives up the next one: the one after it is asked for in time, in two steps. */
static void fetch_young(const struct mr_flow_table *t)
{
	const struct mr_flow_young *y = &t->young;
	const struct mr_flow_bucket *b = &t->buckets[y->bucket[(y->tail + 4) & y->mask]];
	unsigned s = young_slot(b);

	rte_prefetch0(&t->buckets[y->bucket[(y->tail + 8) & y->mask]]);
	if (s == MR_BUCKET_SLOTS)
		return;
	rte_prefetch0(&t->hot[b->idx[s]]);
	mr_flow_fetch_cold(t, b->idx[s]);
}

/* The flow that has waited longest for its second packet. */
static bool evict_young(struct mr_flow_table *t, bool need_wide)
{
	struct mr_flow_young *y = &t->young;

	for (unsigned i = 0; i < REACH && y->head != y->tail; i++) {
		struct mr_flow_bucket *b = &t->buckets[y->bucket[y->tail & y->mask]];
		unsigned s = young_slot(b);

		fetch_young(t);
		y->tail++;
		if (s == MR_BUCKET_SLOTS)
			continue;
		if (!need_wide || mr_flow_is_wide(t, b->idx[s])) {
			evict(t, b, s);
			return true;
		}
		mr_flow_young_add(t, b); /* of use to others */
	}
	return false;
}

/* One that goes without much loss, wherever it is. */
static bool evict_elsewhere(struct mr_flow_table *t, bool need_wide)
{
	for (unsigned i = 0; i < REACH; i++) {
		struct mr_flow_bucket *b = &t->buckets[t->victim_turn++ % t->n_buckets];

		if (mr_flow_evict_from(t, b, b, need_wide, MR_FLOW_CLASS_ONE_WAY))
			return true;
	}
	return false;
}

bool mr_flow_evict_one(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b,
		       bool need_wide)
{
	return evict_young(t, need_wide) || mr_flow_evict_from(t, a, b, need_wide, MR_FLOW_CLASS_ONE_WAY) ||
	       evict_elsewhere(t, need_wide) ||
	       mr_flow_evict_from(t, a, b, need_wide, MR_FLOW_CLASS_BOTH_WAYS);
}
