/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_buddy.h"
#include "base/mr_counter.h"
#include "base/mr_err.h"
#include "l7/mr_l7.h"
#include "l7/mr_l7_values.h"
#include "stream/mr_stream.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The inspection of one flow: which application is it, and what does its parser find. The flow table keeps a
 * struct mr_l7_flow beside each record and calls here with packets, as long as mr_l7_flow_wants(). No DPDK,
 * no allocation after start (but what a parser's ops row names). Thread: the worker that owns the flow.
 *
 *   identify   Every protocol's probe is asked about the first octets of either direction. The first that
 * says yes is taken; one that says no isn't asked again. When none is left, or after identify_octets octets
 * or identify_packets packets, the flow is unknown, and its application that of its port, as a guess. parse
 * Octets in order (TCP, lib/stream) or datagrams to the parser, first the direction that spoke first. over
 * When the parser is done or lost, the depth is reached, or memory has run out: what the flow held is given
 * back but for its values, and the rest of the flow costs the caller one test. next       A parser may say
 * that another protocol follows (STARTTLS, CONNECT, Upgrade): back to identify, at most MR_L7_CHANGES times.
 * The flow stays what it was first; values of the next protocol join its own.
 */

#define MR_L7_PROTOCOLS_MAX 64u
#define MR_L7_CHANGES	    4u

/** Application of a port, when content doesn't tell. The table ends with a NULL name. */
struct mr_l7_port {
	uint16_t port;
	uint8_t transport; /* MR_L7_TCP | MR_L7_UDP */
	const char *name;  /* of the ops row; one that isn't there guesses nothing */
};

extern const struct mr_l7_port mr_l7_ports[];

struct mr_l7_conf {
	const struct mr_l7_ops *const *ops; /* ended by NULL, at most MR_L7_PROTOCOLS_MAX; borrowed */
	const struct mr_l7_port *ports;	    /* NULL: no guess; borrowed */
	uint64_t memory_octets;		    /* for streams and parsers; whole multiples of 16 KiB count */
	uint64_t values_octets;		    /* for the values of all flows, until they are exported */
	uint32_t depth_octets;		    /* payload per flow, both directions, that is inspected */
	uint32_t identify_octets;	    /* per direction */
	uint32_t identify_packets;	    /* with payload, both directions */
	uint32_t store_pages;		    /* mr_stream_worker.pages_max */
	uint16_t value_octets;		    /* longest value, <= MR_L7_VALUE_MAX */
	uint16_t uri_octets;		    /* the same for URIs */
	uint16_t flow_octets;		    /* all values of a flow, with 6 octets for each */
};

/** mr_l7_all[], mr_l7_ports[] and the defaults of the limits. */
struct mr_l7_conf mr_l7_conf_default(void);

/** Why inspection is over. 0: it isn't. */
enum mr_l7_over {
	MR_L7_OVER_DONE = 1,
	MR_L7_OVER_BROKEN,
	MR_L7_OVER_UNKNOWN,
	MR_L7_OVER_DEPTH,
	MR_L7_OVER_WINDOW,
	MR_L7_OVER_SHED,
	MR_L7_OVER_ENDED, /* the flow or its connection */
};

/** Beside each flow record. Zeroed: nothing seen yet. The caller reads `over` and nothing else. */
struct mr_l7_flow {
	uint32_t work;	  /* block with what is needed while inspected, from the first payload on; 0: none */
	uint32_t values;  /* chain, once inspection is over */
	uint32_t next[2]; /* where the SYNs say that the directions start */
	uint16_t value_octets;
	uint8_t over; /* enum mr_l7_over */
	uint8_t flags;
	uint8_t protocol; /* 1 + index in ops of what it was first; 0: not known */
	uint8_t parser;	  /* the same of what it is now */
	uint8_t changes;  /* of protocol */
};

static_assert(sizeof(struct mr_l7_flow) == 24, "state of a flow that isn't being inspected");

/** One packet, as the decoder saw it. */
struct mr_l7_packet {
	const uint8_t *data; /* payload; borrowed for the call */
	uint32_t len;	     /* octets of it that were captured */
	uint32_t seq, ack;   /* TCP only, host order */
	uint8_t tcp_flags;
	uint8_t dir;	   /* 0: from the initiator */
	uint8_t transport; /* MR_L7_TCP or MR_L7_UDP */
	uint16_t port[2];  /* of the initiator, of the responder */
	uint64_t time_ns;  /* UTC */
};

/** What is known of a flow, for its record. */
struct mr_l7_result {
	uint32_t application_id; /* applicationId(95): 6 << 24 | selector; 0: not known */
	uint32_t values;	 /* chain, now the caller's: mr_l7_reader, then mr_l7_chunks_give_back() */
	uint8_t protocol;	 /* 1 + index in ops; 0: not known */
	bool guessed;		 /* by port */
	bool cut;		 /* values were cut or left out */
};

/** What the flows of a worker share. Public for its size; of use to others: chunks, memory. */
struct mr_l7_worker {
	struct mr_stream_inspector inspector;
	struct mr_l7_sink sink;
	struct mr_l7_chunks chunks;
	struct mr_buddy memory;
	struct mr_stream_worker stream;
	struct mr_counters *counters;
	struct mr_l7_conf conf;
	uint64_t candidates[2]; /* bit n: ops[n] runs over TCP, UDP */
	/* during a call */
	struct mr_l7_flow *flow;
	struct mr_l7_work *work;
	const struct mr_l7_packet *packet;
};

/** Octets of memory that mr_l7_worker_init() needs; a multiple of 64. */
uint64_t mr_l7_worker_memory(const struct mr_l7_conf *conf);

/**
 * @param conf  copied
 * @param memory  64 octet aligned, mr_l7_worker_memory(conf) octets; borrowed
 * @param counters  of the worker; borrowed
 * Errors: -EINVAL with a line in @p err.
 */
int mr_l7_worker_init(struct mr_l7_worker *w, const struct mr_l7_conf *conf, void *memory,
		      struct mr_counters *counters, struct mr_err *err);

/** The one test that a packet of a flow costs whose inspection is over. */
static inline bool mr_l7_flow_wants(const struct mr_l7_flow *f)
{
	return f->over == 0;
}

/**
 * A packet of a flow that wants them: of TCP each one, payload or not (the SYNs say where octets start, the
 * acknowledgments what is lost), of UDP those with payload. Others have no business here.
 * @return whether the flow wants more, for a caller that keeps that nearer than here
 */
bool mr_l7_flow_packet(struct mr_l7_worker *w, struct mr_l7_flow *f, const struct mr_l7_packet *p);

/** What is known so far, for a record of a flow that goes on; its values go with it. */
void mr_l7_flow_report(struct mr_l7_worker *w, struct mr_l7_flow *f, struct mr_l7_result *ret);

/**
 * The flow ends: what waits is inspected, its memory given back and @p f zeroed.
 * @param last  ports, transport and time count, of any packet of the flow
 */
void mr_l7_flow_end(struct mr_l7_worker *w, struct mr_l7_flow *f, const struct mr_l7_packet *last,
		    struct mr_l7_result *ret);

#ifdef __cplusplus
}
#endif
