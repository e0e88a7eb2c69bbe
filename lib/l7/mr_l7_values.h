/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What the parsers found in a flow, as a chain of small chunks: written by the flow's worker, then handed to
 * an exporter with the flow's record, read there and given back. No DPDK, no allocation after start.
 *
 * A chain is a number that fits 32 bits, 0 for an empty one. It has one owner at a time; handing it over
 * needs a release/acquire pair, which a ring between two threads has.
 */

#define MR_L7_CHUNK	128u  /* octets */
#define MR_L7_VALUE_MAX 4096u /* no value is longer than this */

/** The chunks of one worker. */
struct mr_l7_chunks {
	uint8_t *memory;
	uint32_t max;	 /* chunks */
	uint32_t fresh;	 /* those from here on were never in use */
	uint32_t unused; /* chain of free ones */
	uint64_t taken;	 /* in all; written by the worker */
	/* what other threads write has a line of its own */
	uint32_t returned __attribute__((aligned(64))); /* chain of those given back */
	uint64_t given_back;				/* in all */
};

/** @param memory  64 octet aligned, octets of it are used for chunks; borrowed */
void mr_l7_chunks_init(struct mr_l7_chunks *c, void *memory, uint64_t octets);

/** Give a chain back. Any thread. @param first  0: nothing to do */
void mr_l7_chunks_give_back(struct mr_l7_chunks *c, uint32_t first);

/** Chunks in use. Any thread; a moment's figure. */
uint64_t mr_l7_chunks_used(const struct mr_l7_chunks *c);

/** Bits of a value. */
enum {
	MR_L7_CUT = 1 << 0,		/* it was longer */
	MR_L7_NEW_TRANSACTION = 1 << 1, /* the first of another transaction than the values before */
};

/** Where the next value of a flow goes. Zeroed: an empty chain. Thread: the worker. */
struct mr_l7_writer {
	uint32_t first;	  /* of the chain */
	uint32_t chunk;	  /* last of the chain */
	uint32_t open;	  /* chunk with the header of the last value */
	uint16_t open_at; /* and where in it */
	uint16_t octets;  /* that the chain takes up in all */
};

enum mr_l7_written {
	MR_L7_WRITTEN,
	MR_L7_WRITTEN_CUT,  /* the chain has reached octets_max */
	MR_L7_WRITTEN_SHED, /* no chunk is free */
};

/**
 * Begin a value, without its octets.
 * @param octets_max  of the whole chain, at most UINT16_MAX
 * @return MR_L7_WRITTEN, or nothing was written
 */
enum mr_l7_written mr_l7_value_begin(struct mr_l7_chunks *c, struct mr_l7_writer *w, enum mr_l7_field field,
				     uint8_t bits, uint16_t octets_max);

/** Add octets to the value begun last: all of them, or as many as there is room for and the bit MR_L7_CUT. */
enum mr_l7_written mr_l7_value_add(struct mr_l7_chunks *c, struct mr_l7_writer *w, const void *data,
				   uint16_t len, uint16_t octets_max);

/** Set bits of the value begun last. */
void mr_l7_value_mark(struct mr_l7_chunks *c, struct mr_l7_writer *w, uint8_t bits);

/** Octets of the value begun last. */
uint16_t mr_l7_value_len(const struct mr_l7_chunks *c, const struct mr_l7_writer *w);

struct mr_l7_value {
	enum mr_l7_field field;
	uint16_t len;
	uint8_t bits;	     /* MR_L7_CUT, MR_L7_NEW_TRANSACTION */
	const uint8_t *data; /* valid until the next value is read; numbers: see number */
	uint64_t number;     /* of a numeric field */
};

/** Reads a chain. Thread: the chain's owner. */
struct mr_l7_reader {
	const struct mr_l7_chunks *chunks;
	uint32_t chunk;
	uint16_t at;
	uint8_t copy[MR_L7_VALUE_MAX]; /* of a value that lies in several chunks */
};

void mr_l7_reader_init(struct mr_l7_reader *r, const struct mr_l7_chunks *c, uint32_t first);

/** The next value, in the order in which they were found. @return false: there is none */
bool mr_l7_reader_next(struct mr_l7_reader *r, struct mr_l7_value *ret);

#ifdef __cplusplus
}
#endif
