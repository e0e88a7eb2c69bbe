/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_buddy.h"
#include "base/mr_counter.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * TCP segments in, octets in order out, per direction. No DPDK. Thread: the worker that owns the flow.
 *
 * What happens to a segment (section numbers are those of RFC 9293):
 *
 *   start        A SYN says where a direction starts (3.4, 3.5); octets that it carries count from there on.
 * Without a SYN a direction starts with its first octets (mid-stream pickup). Another SYN starts it anew as
 *                long as no octet of it has come.
 *   in order     Octets at the next sequence number are shown at once, straight from the packet. Zero-window
 * probes are such octets (3.8.6.1). old          Octets before the next sequence number are left out:
 * retransmissions, keep-alive packets (3.8.4). too early    Octets behind a hole wait in the store of their
 * direction. The octets that came first win (3.10.7.4 leaves that open, and receivers differ): a later copy
 * with other content changes nothing and is counted (stream_overlap_differs). far ahead    Octets more than
 * MR_STREAM_REACH ahead of the next are ignored, so that a forged segment can't move a direction on
 * (3.10.7.4, first check) — unless the other side has acknowledged what is between. gap          A hole is
 * given up when the other side has acknowledged all of it (it won't be sent again), when the store of the
 * direction or the memory of the worker is full, and at the end. The next octets shown then have `gap` set,
 * octets left unused before it are dropped, and what arrives later for the hole is old. FIN          Ends its
 * direction behind its octets, once all before it were shown or given up (3.6). The first FIN wins, octets
 * beyond it are ignored and counted (stream_beyond_fin). RST          Ends both directions when it is at the
 * next sequence number, or where the other side's acknowledgments stand (3.10.7.4, RFC 5961 section 3); else
 * it is ignored. Octets in it are no data (3.5.3). numbers      All comparisons are modulo 2^32 (3.4).
 *
 * Checksums are the caller's business: a segment that a receiver would drop must not come here. So is the
 * urgent pointer (3.8.5): urgent octets are shown where they are.
 *
 * The inspector says how much it has used. The rest is kept and shown again with what follows behind it,
 * contiguous, up to MR_STREAM_WINDOW octets. All memory comes from one allocator per worker; a direction with
 * nothing left unused and no hole holds none of it.
 */

/** With this much unused, a stream ends: nothing more would fit. */
#define MR_STREAM_WINDOW 16384u

/** With this many gaps in a direction a stream ends: what is left of it tells nothing. */
#define MR_STREAM_GAPS_MAX 255u

/** Octets of a page of the store; a direction has as many as it needs, up to mr_stream_worker.pages_max. */
#define MR_STREAM_PAGE	    1792u
#define MR_STREAM_PAGES_MAX 252u
#define MR_STREAM_REACH	    ((MR_STREAM_PAGES_MAX - 1) * MR_STREAM_PAGE) /* some 440 KiB */

/** As in the TCP header. */
enum {
	MR_TCP_FIN = 1 << 0,
	MR_TCP_SYN = 1 << 1,
	MR_TCP_RST = 1 << 2,
	MR_TCP_ACK = 1 << 4,
};

struct mr_stream_segment {
	const uint8_t *data; /* borrowed for the call */
	uint32_t len;	     /* octets of payload; may be 0 */
	uint32_t seq, ack;   /* host order */
	uint8_t tcp_flags;   /* MR_TCP_*, others are ignored */
	uint8_t dir;	     /* 0 or 1 */
};

/** What an inspector gets to see. */
struct mr_stream_piece {
	const uint8_t *data; /* borrowed for the call, never NULL */
	uint32_t len;	     /* 0 only with end */
	uint8_t dir;
	bool gap; /* octets are missing before data */
	bool end; /* nothing follows in this direction: FIN, RST or the flow is over */
};

/** What an inspector may say instead of a number of octets: show nothing more. */
#define MR_STREAM_STOP UINT32_MAX

struct mr_stream_inspector {
	/**
	 * @return how many octets of the piece, <= len, needn't be shown again; or MR_STREAM_STOP.
	 * May call mr_stream_unused() and mr_stream_use() for the other direction, no other function of the
	 * stream.
	 */
	uint32_t (*inspect)(struct mr_stream_inspector *to, const struct mr_stream_piece *piece);
};

/** What all streams of a worker share. */
struct mr_stream_worker {
	struct mr_buddy *memory;
	struct mr_counters *counters;
	uint32_t pages_max; /* pages of the store of one direction, 1..MR_STREAM_PAGES_MAX */
};

struct mr_stream_dir {
	uint32_t next;	 /* sequence number of the first octet that was neither shown nor given up */
	uint32_t fin;	 /* that of the FIN, once seen */
	uint32_t acked;	 /* highest acknowledgment of the other side */
	uint32_t unused; /* block with the octets before next that were shown and not used; 0: none */
	uint32_t store;	 /* block with the directory of octets that came too early; 0: none */
	uint16_t unused_len;
	uint8_t flags; /* of mr_stream.c; MR_STREAM_STARTED */
	uint8_t gaps;  /* so far, up to MR_STREAM_GAPS_MAX */
};

/** Start known: next is valid. */
#define MR_STREAM_STARTED 1

/** One TCP connection. Zeroed: nothing seen yet. */
struct mr_stream {
	struct mr_stream_dir dir[2];
};

static_assert(sizeof(struct mr_stream) <= 64, "state of a connection with nothing pending");

enum mr_stream_want {
	MR_STREAM_MORE,
	MR_STREAM_OVER,	   /* both directions have ended */
	MR_STREAM_STOPPED, /* the inspector said so */
	MR_STREAM_LOST,	   /* MR_STREAM_GAPS_MAX gaps */
	MR_STREAM_FULL,	   /* MR_STREAM_WINDOW octets before it and the inspector used none */
};

/**
 * Take one segment and show what is in order with it, of either direction.
 * Work is linear in the octets of the segment and those that it sets free, whatever they are.
 * @return when not MR_STREAM_MORE, show it no further segment: mr_stream_free() is next
 */
enum mr_stream_want mr_stream_packet(struct mr_stream_worker *w, struct mr_stream *s,
				     const struct mr_stream_segment *seg, struct mr_stream_inspector *to);

/** The flow is over: show what waits, holes given up, and the end of the directions that haven't ended yet.
 */
void mr_stream_end(struct mr_stream_worker *w, struct mr_stream *s, struct mr_stream_inspector *to);

/** Give back all memory. The stream is zeroed. */
void mr_stream_free(struct mr_stream_worker *w, struct mr_stream *s);

/** The first octet that direction @p dir will have is at @p next, as a SYN said; only while none has come. */
static inline void mr_stream_start(struct mr_stream *s, unsigned dir, uint32_t next)
{
	s->dir[dir].next = next;
	s->dir[dir].flags |= MR_STREAM_STARTED;
}

/** The octets of @p dir that were shown and left unused. */
const uint8_t *mr_stream_unused(const struct mr_stream_worker *w, const struct mr_stream *s, unsigned dir,
				uint32_t *ret_len);

/** The first @p used of them are used now. */
void mr_stream_use(struct mr_stream_worker *w, struct mr_stream *s, unsigned dir, uint32_t used);

#ifdef __cplusplus
}
#endif
