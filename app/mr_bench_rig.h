/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "app/mr_bench.h"
#include "app/mr_output.h"
#include "app/mr_worker.h"
#include "drivers/port.h"

/**
 * @file
 * What a row is measured on: traffic, a worker and an exporter on another CPU with a collector, as in
 * `millrace run`. Nothing here measures. Thread: main.
 */

#define MR_BENCH_CHUNK_BURSTS 256

struct mr_bench_rig {
	const struct mr_bench_row *row;
	const struct mr_bench_effort *effort;
	double model_ns;  /* with new flows: one comes for every 10^9 / row->new_per_s of these, one a packet
			   */
	double packet_ns; /* with new flows: time between packets as the clock sees it, which timeouts go by
			   */
	struct mr_worker *worker;
	struct mr_port *port;	/* the worker's; NULL: none open */
	struct mr_port *source; /* the same traffic for others, so that the worker's goes on where it was;
				 * a device is there only once: NULL */
	struct mr_bench_sink *sink;
	struct mr_output output;
};

/** Worker, exporter and collector, without traffic. After an error too: mr_bench_rig_close(). */
int mr_bench_rig_open(struct mr_bench_rig *rig, struct mr_err *err);
void mr_bench_rig_close(struct mr_bench_rig *rig);

/** Only a worker, whose records stay in its ring. */
int mr_bench_rig_open_worker(struct mr_bench_rig *rig, struct mr_err *err);

/** rig->source. */
int mr_bench_rig_open_source(struct mr_bench_rig *rig, struct mr_err *err);

/** rig->port with the row's traffic. */
int mr_bench_rig_open_port(struct mr_bench_rig *rig, struct mr_err *err);

/** The table as in steady work: every flow of the row there, with packets both ways. No port is open. */
int mr_bench_rig_fill(struct mr_bench_rig *rig, struct mr_err *err);

/** How many of the row's flows are in the table? Each gets a packet to find out. Closes rig->port. */
int mr_bench_rig_count_flows(struct mr_bench_rig *rig, uint64_t *ret_flows, struct mr_err *err);

/** End all flows; their packets are in records then that the exporter took, or lost by name. */
void mr_bench_rig_drain(struct mr_bench_rig *rig);

/** Stop the exporter when it has sent all it has. @return records that the collector didn't get */
uint64_t mr_bench_rig_finish(struct mr_bench_rig *rig);

/** The table. */
struct mr_flow_conf mr_bench_rig_table(const struct mr_bench_rig *rig);

/** How long a flow is idle before it ends. */
uint64_t mr_bench_rig_idle_ns(const struct mr_bench_rig *rig);

/** The worker's work on MR_BENCH_CHUNK_BURSTS bursts; returns the packets. @p rig  a struct mr_bench_rig */
uint64_t mr_bench_worker_chunk(void *rig);
