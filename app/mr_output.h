/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <rte_ring.h>

#include "app/mr_jsonl.h"
#include "app/mr_summary.h"
#include "base/mr_counter.h"
#include "base/mr_histogram.h"
#include "ipfix/mr_ipfix_exporter.h"

/**
 * @file
 * The exporter role: takes finished records from the workers' rings and gives them to every destination:
 * IPFIX collectors and file, flows.jsonl, the summary of `read`.
 */

#define MR_OUTPUT_WORKERS_MAX 128

struct mr_output {
	struct mr_counters counters;
	struct rte_ring *rings[MR_OUTPUT_WORKERS_MAX];
	unsigned n_rings;
	struct mr_ipfix_exporter *ipfix;   /* NULL: none */
	struct mr_jsonl *jsonl;		   /* NULL: none */
	struct mr_summary *summary;	   /* NULL: none */
	struct mr_ipfix_metering metering; /* for options records; control refreshes it */
	bool capture_clock;		   /* time is what the records say, not the wall clock */
	uint64_t clock_ns;		   /* UTC; 0: not known yet, no record came from the capture */
	uint64_t next_tick_ns;		   /* monotonic */
	struct mr_histogram late_ns;	   /* how long after its due time a record was taken, live only */
	uint64_t heartbeat;
	uint32_t stop; /* atomic: mr_output_run() returns; written by control */
};

/** One round over all rings, and the exporter's timers. Returns false when there was nothing to do. */
bool mr_output_poll(struct mr_output *out);

/** mr_output_poll() until out->stop, asleep while there is nothing to do: the exporter's own thread. */
void mr_output_run(struct mr_output *out);

/** mr_output_poll() for struct mr_worker.make_room. */
void mr_output_make_room(void *out);

/** Take over what the IPFIX exporter says became of its records. */
void mr_output_set_totals(struct mr_output *out, const struct mr_ipfix_totals *totals);

/** Are all rings empty? */
bool mr_output_idle(const struct mr_output *out);
