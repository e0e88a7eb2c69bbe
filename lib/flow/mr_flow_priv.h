/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <rte_vect.h>

#include "base/mr_clock.h"
#include "flow/mr_flow.h"
#include "flow/mr_flow_inspect.h"
#include "flow/mr_frag.h"

/*
 * Memory layout. A packet of a known IPv4 flow touches one bucket (64 octets) and one hot record (64 octets);
 * an IPv6 packet also the 32 octets of its addresses. All that changes seldom lies in the cold record.
 *
 * Times are kept in 48 bits: nanoseconds modulo 78 hours. A live record is never older than idle + active
 * timeout (36 h at most) plus one sweep, so the full time follows from the current clock (mr_t48_full()).
 */

#define MR_T48_MASK ((1ULL << 48) - 1)

/** clock_ns minus the 48 bit time; negative when the time is ahead of the clock. */
static inline int64_t mr_t48_since(uint64_t clock_ns, uint64_t t48)
{
	return (int64_t)((clock_ns - t48) << 16) >> 16;
}

static inline uint64_t mr_t48_full(uint64_t clock_ns, uint64_t t48)
{
	return clock_ns - (uint64_t)mr_t48_since(clock_ns, t48);
}

/* A clock that goes on by more than this at once needs the care of mr_flow_age(). */
#define MR_FLOW_JUMP_NS (3600 * MR_NS_PER_S)

/* A packet further behind its clock (captures that aren't in order) is a record of its own, ended at once. */
#define MR_FLOW_LATE_NS (36 * 3600 * MR_NS_PER_S)

/** Bits of mr_flow_hot.state. */
enum {
	MR_FLOW_LIVE = 1 << 0,
	MR_FLOW_FORWARD_IS_1 = 1 << 1, /* the initiator is endpoint 1 of the canonical key */
	MR_FLOW_KNOWN = 1 << 2,	       /* the initiator was seen opening the flow */
	MR_FLOW_FIN_0 = 1 << 3,	       /* endpoint 0 sent FIN */
	MR_FLOW_FIN_1 = 1 << 4,
	MR_FLOW_CLOSED = 1 << 5,     /* FIN both ways or RST: waits for the linger */
	MR_FLOW_EMPTY = 1 << 6,	     /* its record left by active timeout and no packet came since */
	MR_FLOW_WIDE = MR_PACKET_V6, /* IPv6: addresses in addr6[] */
};

/** What every packet touches. Index 0: sent by endpoint 0 of the canonical key. */
struct mr_flow_hot {
	uint64_t addr_key;  /* as in mr_packet; free records: index of the next free one */
	uint64_t port_key;  /* as in mr_packet, but the scope says what was seen, part of the key or not */
	uint64_t last[2];   /* time (48 bits) | TTL of the last packet (8) | TCP flags union (8) */
	uint64_t octets[2]; /* octets (48) | minimum length (16) */
	uint32_t packets[2];
	uint16_t max_len[2];
	uint8_t l2_overhead; /* frame minus IP octets of the first packet; others are made up for in the cold
				part */
	uint8_t start_hint;  /* see mr_flow_start_least_ns() */
	uint8_t proto;	     /* this and the next are compared as one word, as struct mr_packet has them */
	uint8_t state;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct mr_flow_hot) == RTE_CACHE_LINE_MIN_SIZE, "one prefetch covers the hot record");

/** What only the first packet of a direction, a change of TTL or overhead, and the end of a record touch. */
struct mr_flow_cold {
	uint16_t start[2][3]; /* 48 bit time of the first packet, least significant first */
	int32_t l2_extra[2];  /* octets to add to packets * l2_overhead */
	uint32_t tcp_options;
	uint32_t birth; /* fold of the time of the flow's first packet, for flow_id */
	uint8_t mac[2][6];
	uint8_t min_ttl[2];
	uint8_t max_ttl[2];
	uint16_t window_or_icmp; /* TCP: window of the first forward packet; ICMP: type << 8 | code */
	uint8_t tos[2];
	uint8_t mpls_label[3];
	uint8_t frag_flags;
};

_Static_assert(sizeof(struct mr_flow_cold) == 52, "memory per flow is part of the contract");

/** Eviction rank of a slot: the lowest goes first. */
enum mr_flow_class {
	MR_FLOW_CLASS_CLOSED,
	MR_FLOW_CLASS_SINGLE, /* one packet so far */
	MR_FLOW_CLASS_ONE_WAY,
	MR_FLOW_CLASS_BOTH_WAYS,
};

#define MR_BUCKET_SLOTS 8

struct mr_flow_bucket {
	uint16_t tag[MR_BUCKET_SLOTS];	 /* 16 bits of the hash, 0: slot empty */
	uint32_t idx[MR_BUCKET_SLOTS];	 /* record */
	uint8_t class_[MR_BUCKET_SLOTS]; /* enum mr_flow_class, so that a victim is found without touching
					    records */
	/* Two in one: see mr_flow_expiry_ns(); in the low 16 bits the number of records which have this as
	 * first bucket but live in their second one. */
	uint64_t expiry_overflow;
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct mr_flow_bucket) == RTE_CACHE_LINE_MIN_SIZE, "one prefetch covers the bucket");

#define MR_OVERFLOW_MASK 0xffffULL

/* Buckets of a group share one earliest expiry, so that the sweep skips 64 of them by one comparison. */
#define MR_GROUP_SHIFT 6
#define MR_GROUP_SIZE  (1u << MR_GROUP_SHIFT)

/** Records of one kind: never used ones are taken in order, freed ones last in first out. */
struct mr_flow_pool {
	uint32_t next_new, end; /* [next_new, end) was never used */
	uint32_t free_head;	/* 0: none */
};

/**
 * Where flows began that may be over as soon, oldest first: what a flood leaves is given up again from here.
 * Entries may be outdated; of more than fit the oldest are forgotten, and end by their timeout.
 */
struct mr_flow_young {
	uint32_t *bucket; /* [mask + 1] */
	uint32_t mask;
	uint32_t head, tail; /* added and taken so far, modulo 2^32 */
};

enum { MR_POOL_NARROW, MR_POOL_WIDE, MR_POOL_MAX };

struct mr_flow_table {
	/* read for each packet */
	struct mr_flow_bucket *buckets;
	struct mr_flow_hot *hot; /* [1 + max_flows]; index 0 means none */
	struct mr_flow_cold *cold;
	uint8_t (*addr6)[2][16]; /* of wide records: [idx - first_wide] */
	uint32_t n_buckets;
	uint32_t first_wide;
	uint64_t idle_ns, active_ns, linger_ns;
	unsigned hint_shift; /* 2^this ns are the unit of start_hint */
	uint64_t key_mask;   /* bits of port_key that are part of the key */
	uint64_t key_rest;   /* what a packet's port_key has in the other bits */
	uint64_t clock_ns;   /* highest clock seen */

	/* the sweep */
	uint64_t *group_expiry_ns;
	uint32_t n_groups;
	uint32_t hand;	   /* bucket where the sweep goes on */
	uint64_t swept_ns; /* clock up to which the sweep's share has been handed out */
	uint64_t scan_ns;
	uint64_t group_share_ns; /* of it for one group, at most */
	uint32_t debt;		/* groups still to visit of the share */
	uint64_t bucket_min_ns; /* earliest expiry seen so far in the group under the hand */

	struct mr_flow_pool pool[MR_POOL_MAX];
	uint32_t live;
	uint32_t victim_turn; /* rotates among equal victims, and through the buckets in search of some */
	struct mr_flow_young young;
	struct mr_frag_map frag;
	struct mr_flow_conf conf;
	struct mr_hash_seed id_seed; /* fixed: flow ids don't depend on the run */
	void *memory;
	size_t memory_size;
	bool memory_is_rte;
	struct mr_flow_inspect inspect;
};

/** Is there more to be known of flows than what the records count? */
static inline bool mr_flow_is_deep(const struct mr_flow_table *t)
{
	return t->inspect.aside != NULL;
}

static inline uint32_t mr_flow_bucket_1(const struct mr_flow_table *t, uint64_t hash)
{
	return (uint32_t)((hash >> 32) * t->n_buckets >> 32);
}

static inline uint32_t mr_flow_bucket_2(const struct mr_flow_table *t, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * t->n_buckets >> 32);
}

static inline uint16_t mr_flow_tag(uint64_t hash)
{
	uint16_t tag = (uint16_t)(hash >> 32);

	return tag == 0 ? 1 : tag;
}

/** Bit s is set when slot s has this tag. */
static inline unsigned mr_flow_tag_mask(const struct mr_flow_bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	__m128i eq = _mm_cmpeq_epi16(_mm_load_si128((const __m128i *)b->tag), _mm_set1_epi16((short)tag));

	return (unsigned)_mm_movemask_epi8(_mm_packs_epi16(eq, _mm_setzero_si128()));
#else
	unsigned mask = 0;

	for (unsigned s = 0; s < MR_BUCKET_SLOTS; s++)
		mask |= (unsigned)(b->tag[s] == tag) << s;
	return mask;
#endif
}

/** No record in the bucket ends before this, to 65 us; its packets may have put the end off since. */
static inline uint64_t mr_flow_expiry_ns(const struct mr_flow_bucket *b)
{
	return b->expiry_overflow & ~MR_OVERFLOW_MASK;
}

static inline uint64_t mr_flow_overflow(const struct mr_flow_bucket *b)
{
	return b->expiry_overflow & MR_OVERFLOW_MASK;
}

static inline void mr_flow_set_expiry(struct mr_flow_bucket *b, uint64_t expiry_ns)
{
	b->expiry_overflow = (expiry_ns & ~MR_OVERFLOW_MASK) | mr_flow_overflow(b);
}

/** Of the bucket's group. */
static inline uint64_t *mr_flow_group_expiry(const struct mr_flow_table *t, const struct mr_flow_bucket *b)
{
	return &t->group_expiry_ns[(b - t->buckets) >> MR_GROUP_SHIFT];
}

/** The record's port_key as its packets carry it. */
static inline uint64_t mr_flow_key_word(const struct mr_flow_table *t, const struct mr_flow_hot *h)
{
	return (h->port_key & t->key_mask) | t->key_rest;
}

static inline uint64_t mr_flow_start48(const struct mr_flow_cold *c, int d)
{
	return c->start[d][0] | (uint64_t)c->start[d][1] << 16 | (uint64_t)c->start[d][2] << 32;
}

static inline void mr_flow_set_start48(struct mr_flow_cold *c, int d, uint64_t t)
{
	c->start[d][0] = (uint16_t)t;
	c->start[d][1] = (uint16_t)(t >> 16);
	c->start[d][2] = (uint16_t)(t >> 32);
}

static inline uint64_t mr_flow_last48(const struct mr_flow_hot *h, int d)
{
	return h->last[d] >> 16;
}

/** Time since the last packet in either direction. */
static inline uint64_t mr_flow_quiet_ns(const struct mr_flow_hot *h, uint64_t clock_ns)
{
	int64_t a = mr_t48_since(clock_ns, mr_flow_last48(h, 0));
	int64_t b = mr_t48_since(clock_ns, mr_flow_last48(h, 1));
	int64_t least = a < b ? a : b;

	return least < 0 ? 0 : (uint64_t)least; /* a held fragment may bring an old clock */
}

/*
 * The start of a record lies in its cold part, but tells only whether the active timeout has passed. Eight
 * bits of it are enough to know that it hasn't: the unit is such that 256 of them are longer than any record,
 * and they count back from the last packet. 0: look at the cold part.
 */
static inline uint8_t mr_flow_start_hint(const struct mr_flow_table *t, uint64_t start_ns)
{
	uint8_t unit = (uint8_t)(start_ns >> t->hint_shift);

	return unit == 0 ? UINT8_MAX : unit; /* one unit too early does no harm */
}

/** The record started at this time or later; 0: nobody knows. */
static inline uint64_t mr_flow_start_least_ns(const struct mr_flow_table *t, const struct mr_flow_hot *h,
					      uint64_t last_ns)
{
	uint64_t last = last_ns >> t->hint_shift;

	return h->start_hint == 0 ? 0 : (last - (uint8_t)(last - h->start_hint)) << t->hint_shift;
}

/** Ask for the cold part, which may lie in two lines. */
static inline void mr_flow_fetch_cold(const struct mr_flow_table *t, uint32_t idx)
{
	rte_prefetch0(&t->cold[idx]);
	rte_prefetch0((const uint8_t *)&t->cold[idx + 1] - 1);
}

static inline bool mr_flow_is_wide(const struct mr_flow_table *t, uint32_t idx)
{
	return idx >= t->first_wide;
}

/** A flow in @p b has one packet so far, or is closed. */
static inline void mr_flow_young_add(struct mr_flow_table *t, const struct mr_flow_bucket *b)
{
	struct mr_flow_young *y = &t->young;

	if (y->head - y->tail > y->mask)
		y->tail++;
	y->bucket[y->head++ & y->mask] = (uint32_t)(b - t->buckets);
}

/** Of a wide record. */
static inline bool mr_flow_addr6_equal(const struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	uint64_t a[4], b[4];

	memcpy(a, t->addr6[idx - t->first_wide], sizeof(a));
	memcpy(b, p->addr6, sizeof(b));
	return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
}

/** Do addresses (IPv6: their fold) and ports, and what else is part of the key, agree? */
static inline bool mr_flow_words_equal(const struct mr_flow_table *t, const struct mr_flow_hot *h,
				       const struct mr_packet *p)
{
#ifdef __SSE4_1__
	__m128i differ = _mm_xor_si128(_mm_load_si128((const __m128i *)&h->addr_key),
				       _mm_load_si128((const __m128i *)&p->addr_key));

	return _mm_testz_si128(differ, _mm_set_epi64x((long long)t->key_mask, -1));
#else
	return ((h->addr_key ^ p->addr_key) | ((h->port_key ^ p->port_key) & t->key_mask)) == 0;
#endif
}

/** Is the packet in the tunnel that the record's packets are in? No tunnel is one of no levels. */
static inline bool mr_flow_tunnel_equal(const struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	static const struct mr_tunnel none;
	const struct mr_flow_inspect *in = &t->inspect;
	uint32_t at = in->aside[idx].tunnel;

	if (((p->flags & MR_PACKET_TUNNEL) | at) == 0)
		return true;
	return mr_tunnel_key_equal(at == 0 ? &none : &in->tunnel[at].facts,
				   p->flags & MR_PACKET_TUNNEL ? in->now : &none,
				   (enum mr_tunnel_key)t->conf.packet.tunnel_key);
}

static inline bool mr_flow_key_equal(const struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	const struct mr_flow_hot *h = &t->hot[idx];
	bool wide = (h->state & MR_FLOW_WIDE) != 0;

	if (!mr_flow_words_equal(t, h, p) || h->proto != p->proto || wide != ((p->flags & MR_PACKET_V6) != 0))
		return false;
	if (wide && !mr_flow_addr6_equal(t, idx, p))
		return false;
	return !mr_flow_is_deep(t) || mr_flow_tunnel_equal(t, idx, p);
}

/* mr_flow_table.c */
struct mr_flow_slot {
	struct mr_flow_bucket *bucket;
	unsigned slot;
	uint32_t idx; /* 0: not found */
};

struct mr_flow_slot mr_flow_find(const struct mr_flow_table *t, const struct mr_packet *p);
/** A slot with a new, zeroed, live record for p's key, whose end the caller announces by mr_flow_expect()
 * when the packet is counted; idx 0 when none may be evicted for it. */
struct mr_flow_slot mr_flow_insert(struct mr_flow_table *t, const struct mr_packet *p);
void mr_flow_remove(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot);
/** Tell the sweep that something in @p b may end at @p expiry_ns. */
void mr_flow_expect(struct mr_flow_table *t, struct mr_flow_bucket *b, uint64_t expiry_ns);

/* mr_flow_evict.c */
/** Give up a record of @p a or @p b whose class is @p most or lower. False: there is none. */
bool mr_flow_evict_from(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b,
			bool need_wide, enum mr_flow_class most);
/** Give up the record that is missed least, for a flow of @p a and @p b. False: there is none of the kind. */
bool mr_flow_evict_one(struct mr_flow_table *t, struct mr_flow_bucket *a, struct mr_flow_bucket *b,
		       bool need_wide);

/* mr_flow_age.c */
/**
 * Emit and end what has passed at @p clock_ns.
 * @param ret_next_ns  when the flow stays: the next time at which something can end
 * @return true when the flow is over and its slot was freed
 */
bool mr_flow_expire(struct mr_flow_table *t, struct mr_flow_bucket *b, unsigned slot, uint64_t clock_ns,
		    uint64_t *ret_next_ns);

/* mr_flow_emit.c */
/** Emit the record, which had to leave at @p due_ns, for @p reason. */
void mr_flow_emit(struct mr_flow_table *t, uint32_t idx, enum mr_flow_end reason, uint64_t due_ns,
		  uint64_t clock_ns);

/* mr_flow_inspect.c: all but the first two for deep tables only */
/** Octets of memory that mr_flow_inspect_init() needs, a multiple of 64; 0: the table isn't deep. */
uint64_t mr_flow_inspect_memory(const struct mr_flow_conf *conf);
/** @param memory  zeroed, 64 octet aligned; borrowed for the life of the table. Errors: -EINVAL with a line. */
int mr_flow_inspect_init(struct mr_flow_table *t, void *memory, struct mr_err *err);
/** Room for the tunnel of a new flow of @p p? False: there is none, the flow can't be told from others. */
bool mr_flow_inspect_room(struct mr_flow_table *t, const struct mr_packet *p);
/** A new record: nothing is known of its flow but its tunnel. */
void mr_flow_inspect_open(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p);
/** A packet has been counted in the record. */
void mr_flow_inspect_packet(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p);
/** All that is known, for a record of the flow that leaves now; NULL: no memory. @param last  the flow ends */
struct mr_flow_detail *mr_flow_inspect_detail(struct mr_flow_table *t, uint32_t idx, bool last, uint64_t clock_ns);
/** The record is given up. */
void mr_flow_inspect_close(struct mr_flow_table *t, uint32_t idx);
/** What the tunnel of the record adds to the hash of its key. */
uint64_t mr_flow_inspect_fold(const struct mr_flow_table *t, uint32_t idx);
/** Ask for what mr_flow_inspect_packet() will look at first. */
static inline void mr_flow_inspect_fetch(const struct mr_flow_table *t, uint32_t idx)
{
	rte_prefetch0(&t->inspect.aside[idx]);
	if (t->inspect.tcp != NULL) {
		rte_prefetch0(&t->inspect.tcp[idx]);
		rte_prefetch0((const uint8_t *)&t->inspect.tcp[idx] + RTE_CACHE_LINE_SIZE);
	}
}

/** Ask for what a flow has while it is inspected. */
static inline void mr_flow_inspect_fetch_work(const struct mr_flow_table *t, uint32_t idx)
{
	uint32_t work = t->inspect.aside[idx].l7.work;

	if (work == 0)
		return;
	for (unsigned i = 0; i < 4; i++)
		rte_prefetch0((const uint8_t *)mr_buddy_at(&t->inspect.l7.memory, work) + i * RTE_CACHE_LINE_SIZE);
}

/* mr_flow_update.c */

/** What packets add to the counters, kept in registers until the burst is done. */
struct mr_flow_tally {
	uint64_t metered, octets, v6;
};

static inline void mr_flow_tally_up(struct mr_flow_table *t, const struct mr_flow_tally *sum)
{
	mr_counter_add(t->conf.counters, MR_C_METERED, sum->metered);
	mr_counter_add(t->conf.counters, MR_C_METERED_OCTETS, sum->octets);
	mr_counter_add(t->conf.counters, MR_C_IPV4, sum->metered - sum->v6);
	mr_counter_add(t->conf.counters, MR_C_IPV6, sum->v6);
}

/** How much older it could be before mr_flow_is_late(). */
static inline int64_t mr_flow_late_in(const struct mr_packet *p)
{
	return (int64_t)(MR_FLOW_LATE_NS + p->time_ns - p->clock_ns);
}

/** Is the packet too old for the times of a record that lives on? */
static inline bool mr_flow_is_late(const struct mr_packet *p)
{
	return mr_flow_late_in(p) < 0;
}

/** Meter one packet that is neither a fragment nor late, whatever the state of its flow. */
void mr_flow_plain(struct mr_flow_table *t, const struct mr_packet *p, struct mr_flow_tally *sum);
/** Meter one packet whose fragment question is settled. */
void mr_flow_one(struct mr_flow_table *t, const struct mr_packet *p);
