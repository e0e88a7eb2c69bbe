/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Blocks of 256 octets to 16 KiB, powers of two, out of one piece of memory that the caller gives at the
 * start: a buddy allocator. Getting and putting back take a bounded number of steps; nothing else is ever
 * allocated, so the memory is also the limit. A block is named by a number that fits 32 bits; 0 names none.
 * Thread: one per allocator.
 */

#define MR_BUDDY_MIN	256u /* octets of the smallest block */
#define MR_BUDDY_ORDERS 7u   /* 256 << 0 .. 256 << 6 */
#define MR_BUDDY_MAX	(MR_BUDDY_MIN << (MR_BUDDY_ORDERS - 1))

struct mr_buddy {
	uint8_t *blocks;
	uint8_t *map;	/* one octet per 256: at the first of a block its order, and whether it is free */
	uint32_t units; /* of 256 octets */
	uint32_t fresh; /* units from here on have never been in use: their memory isn't touched before it
			   must be */
	uint32_t used;	/* units in blocks that are in use */
	uint32_t head[MR_BUDDY_ORDERS]; /* free blocks by order, chained through their own memory */
};

/** Octets of memory that mr_buddy_init() needs for blocks of @p octets in total; a multiple of 64. */
uint64_t mr_buddy_memory(uint64_t octets);

/**
 * @param memory  64 octet aligned, mr_buddy_memory(octets) octets, whatever content; borrowed
 * @param octets  rounded down to whole blocks of MR_BUDDY_MAX; at most 1 TiB - 16 KiB
 */
void mr_buddy_init(struct mr_buddy *b, void *memory, uint64_t octets);

/** A block of at least @p octets (1..MR_BUDDY_MAX), 256 octet aligned if the memory is; 0: none is free. */
uint32_t mr_buddy_get(struct mr_buddy *b, uint32_t octets);

/** @param id  from mr_buddy_get(), not 0; its memory is no longer the caller's */
void mr_buddy_put(struct mr_buddy *b, uint32_t id);

static inline void *mr_buddy_at(const struct mr_buddy *b, uint32_t id)
{
	assert(id != 0 && id <= b->units);
	return b->blocks + (uint64_t)(id - 1) * MR_BUDDY_MIN;
}

/** Octets of a block that is in use. */
static inline uint32_t mr_buddy_size(const struct mr_buddy *b, uint32_t id)
{
	return MR_BUDDY_MIN << b->map[id - 1];
}

/** Octets in blocks that are in use. */
static inline uint64_t mr_buddy_used(const struct mr_buddy *b)
{
	return (uint64_t)b->used * MR_BUDDY_MIN;
}

#ifdef __cplusplus
}
#endif
