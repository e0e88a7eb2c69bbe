/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_ring.h>

#include "base/mr_counter.h"
#include "base/mr_err.h"
#include "drivers/port.h"
#include "flow/mr_flow.h"
#include "packet/mr_packet_burst.h"

/**
 * @file
 * The worker role: one queue of each port to flow records. It owns its table and counters; the only things
 * that it shares are the ring to the exporter and the command word below.
 */

#define MR_WORKER_RX_MAX 32
#define MR_WORKER_BURST	 32
#define MR_WORKER_RING	 16384 /* records that may wait for the exporter */
#define MR_WORKER_DETAILS (MR_WORKER_RING + 1024) /* of records: what waits, and what the exporter has in hand */

/** What the worker does. Written by control, except DRAIN at the end of finite ports and DONE. */
enum mr_worker_state {
	MR_WORKER_RUN,
	MR_WORKER_DRAIN, /* no more packets; records are ended and handed over */
	MR_WORKER_DONE,
};

struct mr_worker_rx {
	struct mr_port *port;
	struct mr_port *peer; /* inline: where frames leave; NULL: receive only */
	uint16_t queue;
	uint8_t port_id; /* index of the port in the configuration */
	bool finished;
};

/** A burst on its way: received and looked up in one round, metered and let go in the next. */
struct mr_worker_burst {
	struct mr_worker_rx *rx;
	struct mr_flow_batch batch; /* n == 0: none is on its way */
	struct rte_mbuf *mbufs[MR_WORKER_BURST];
	struct mr_packet pkts[MR_WORKER_BURST];
	struct mr_packet_scratch scratch;
};

struct mr_worker {
	struct mr_counters counters;
	struct mr_flow_table *table;
	struct rte_ring *records;   /* of struct mr_flow_rec, to the exporter */
	struct mr_flow_rec *placed; /* in the ring, being built; NULL: none */
	unsigned room;		    /* records that the ring had room for when last looked at */
	uint64_t aged_clock_ns;	    /* when flows were last aged */
	struct mr_worker_rx rx[MR_WORKER_RX_MAX];
	unsigned n_rx;
	struct mr_packet_conf packet;
	uint8_t id;
	bool capture_clock; /* all ports bring their own time and wait for us: nothing may be dropped */
	void (*make_room)(void *ctx); /* lets the exporter work when it shares this core; or NULL */
	void *make_room_ctx;
	uint64_t clock_ns;	   /* of the packets received so far, or now */
	unsigned got;		   /* packets in the last round */
	unsigned clock_rounds;	   /* since the clock was read */
	uint64_t metered_clock_ns; /* of the packets metered so far: ageing must not overtake the others */
	uint32_t state;		   /* enum mr_worker_state, atomic */
	uint64_t heartbeat;	   /* grows with every poll; watched by control */
	unsigned turn;		   /* the burst that is received into next; the other may be on its way */
	struct mr_worker_burst burst[2];
} __attribute__((aligned(64)));

/**
 * A worker with its table and ring, without ports yet.
 * @param flow  of its table; socket is that of the worker's lcore; emit, emit_ctx and counters are set here
 * Errors: -EINVAL, -ENOMEM with a line. Thread: control.
 */
int mr_worker_new(const struct mr_flow_conf *flow, struct mr_worker **ret_worker, struct mr_err *err);

/** Free table and ring; the counters stay readable. The worker's thread has left. NULL is fine. */
void mr_worker_close(struct mr_worker *w);
void mr_worker_free(struct mr_worker *w);

/**
 * One round: a burst from each port, ageing, state. Waits for nothing but the exporter, and for that only
 * with capture_clock or in a drain, when no packet can be lost by it.
 * @return false when there was nothing to do
 * Thread: the worker's.
 */
bool mr_worker_poll(struct mr_worker *w);

/**
 * Meter the burst that is on its way and let its mbufs go. mr_worker_poll() does it by itself when no packet
 * comes and in a drain; this is for who closes a port of a worker that goes on. Thread: the worker's.
 */
void mr_worker_flush(struct mr_worker *w);

static inline enum mr_worker_state mr_worker_state_get(const struct mr_worker *w)
{
	return (enum mr_worker_state)__atomic_load_n(&w->state, __ATOMIC_ACQUIRE);
}

static inline void mr_worker_state_set(struct mr_worker *w, enum mr_worker_state state)
{
	__atomic_store_n(&w->state, (uint32_t)state, __ATOMIC_RELEASE);
}
