/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_counter.h"
#include "base/mr_err.h"
#include "flow/mr_flow_rec.h"
#include "l7/mr_l7_flow.h"
#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The flow table of one worker: packets in, finished records out. Both directions of a flow share one record.
 *
 * Thread: everything here by the worker that owns the table, except new and free (control thread).
 * Nothing allocates, locks, logs or reads a clock after mr_flow_table_new().
 *
 * Time: each packet brings clock_ns, which never goes back. What a record says depends on the packets and their
 * clocks alone: a record that the sweep hasn't reached yet is ended by the next packet of its flow exactly as the
 * sweep would have done it, so neither burst sizes nor the number of workers show in the output.
 */

struct mr_flow_table;

/** Takes a finished record, borrowed for the call, and the detail that it may have for good. */
typedef void (*mr_flow_emit_fn)(void *ctx, const struct mr_flow_rec *rec);

/** Where the next record is to be built, to be given to emit() right after; NULL: wherever the table likes. */
typedef struct mr_flow_rec *(*mr_flow_place_fn)(void *ctx);

struct mr_flow_conf {
	uint32_t max_flows; /* records, at least 64 */
	uint8_t ipv6_percent; /* share of the records that can hold IPv6 addresses, 1..100; IPv4 may use them too */
	uint64_t idle_timeout_ns;
	uint64_t active_timeout_ns; /* idle + active: at most 36 h */
	uint64_t tcp_linger_ns; /* a closed TCP flow waits this long for stragglers */
	uint64_t fragment_timeout_ns;
	uint32_t max_fragments; /* datagrams in the fragment map, and later fragments held for a first one */
	uint64_t scan_ns; /* the sweep visits every record within this time, default 250 ms */
	int socket; /* NUMA node of the memory, -1: any */
	struct mr_packet_conf packet; /* as given to the decoder */
	bool tcp_performance; /* see mr_flow_tcp.h */
	const struct mr_l7_conf *inspect; /* of applications; NULL: none; borrowed for mr_flow_table_new() */
	uint32_t max_tunnel_flows; /* flows in tunnels; 0: all may be. Of use when packet.tunnel_key opens tunnels */
	uint32_t max_details; /* that may be out at once: in records on their way. Of use with any of these three */
	const uint8_t *egress; /* [256] egress port of an ingress port; NULL: the same; borrowed, kept */
	uint8_t worker; /* goes into the records */
	mr_flow_emit_fn emit;
	mr_flow_place_fn place; /* NULL: records are built in the table's own memory */
	void *emit_ctx;
	struct mr_counters *counters; /* this worker's block, borrowed, kept */
};

/** Errors: -EINVAL, -ENOMEM with a line that says how much was asked for. */
int mr_flow_table_new(const struct mr_flow_conf *conf, struct mr_flow_table **ret_table, struct mr_err *err);

/** Live records are dropped without being emitted: drain first. NULL is fine. */
void mr_flow_table_free(struct mr_flow_table *table);

#define MR_FLOW_BURST_MAX 64

struct mr_flow_bucket;
struct mr_flow_hot;

/** What the table remembers of a burst from one stage to the next. The caller sets n and tunnels only. */
struct mr_flow_batch {
	uint16_t n; /* packets, 1 .. MR_FLOW_BURST_MAX */
	bool plain; /* no packet with a note, a reason not to meter, a fragment, or times far apart */
	uint64_t octets; /* of all frames */
	struct mr_flow_bucket *bucket[MR_FLOW_BURST_MAX]; /* where a packet's flow is looked for first */
	struct mr_flow_hot *hot[MR_FLOW_BURST_MAX]; /* the record in which it probably is counted */
	/* of the packets with MR_PACKET_TUNNEL, at the same index; borrowed; NULL where tunnels aren't opened */
	const struct mr_tunnel *tunnels;
};

/*
 * A burst is metered in three stages, so that the memory of each is fetched while the caller does something
 * else, best one stage of the burst before and the decoding of the one after. The packets have time_ns and
 * clock_ns set and stay as they are between the stages; nothing is counted in a record before mr_flow_meter().
 * Between mr_flow_look_up() and mr_flow_meter() of a burst no other may be metered.
 */

/** Ask for the buckets. */
void mr_flow_fetch(struct mr_flow_table *table, const struct mr_packet *pkts, struct mr_flow_batch *batch);

/** Look into the buckets and ask for the records. */
void mr_flow_look_up(struct mr_flow_table *table, const struct mr_packet *pkts, struct mr_flow_batch *batch);

/** Count the burst as received, and each packet in a record, as held fragment, or as not metered. */
void mr_flow_meter(struct mr_flow_table *table, struct mr_packet *pkts, const struct mr_flow_batch *batch);

/** All three stages at once, for packets without tunnels. @param n  0 .. MR_FLOW_BURST_MAX */
void mr_flow_burst(struct mr_flow_table *table, struct mr_packet *pkts, uint16_t n);

/**
 * Age: call once per burst and per idle poll. Does the share of the sweep that is due since the last call, but
 * looks at no more than @p max_records records.
 * @return false when the limit was hit before the share was done: call again soon
 */
bool mr_flow_age(struct mr_flow_table *table, uint64_t clock_ns, unsigned max_records);

/**
 * End every record: those whose timeout has passed as usual, the rest as forced end (4). At most @p max_records.
 * @return true when the table and the fragment map are empty
 */
bool mr_flow_drain(struct mr_flow_table *table, uint64_t clock_ns, unsigned max_records);

/** Details that are out now, and chunks of values in use. Any thread, approximate. */
uint64_t mr_flow_details_out(const struct mr_flow_table *table);
uint64_t mr_flow_values_used(const struct mr_flow_table *table);

/** Live records now. Any thread, approximate. */
uint32_t mr_flow_count(const struct mr_flow_table *table);

/** Octets of memory for @p conf, records, buckets and fragments. */
uint64_t mr_flow_memory(const struct mr_flow_conf *conf);

#ifdef __cplusplus
}
#endif
