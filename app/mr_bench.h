/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mr_counter.h"
#include "base/mr_err.h"

/**
 * @file
 * The parts of `millrace bench`: a flow meter's throughput in the spirit of RFC 6645, on
 * built-in traffic, with the program's own worker, exporter loop and exporter.
 *
 * Time is CPU time of the measuring thread, so what other programs take from its core isn't counted; what
 * they take from its caches is. Thread: main, which is lcore 0 and stays on one CPU. Lcore 1 is the
 * exporter's.
 */

#define MR_BENCH_REPEAT_MAX	99
#define MR_BENCH_EXPORTER_LCORE 1

/** How long and how often. */
struct mr_bench_effort {
	unsigned repeat;	  /* 1 .. MR_BENCH_REPEAT_MAX; the median counts */
	uint64_t packets;	  /* per measurement; 0: by time */
	uint64_t measure_ns;	  /* CPU time per measurement */
	uint64_t idle_timeout_ns; /* of flows in rows with new flows */
	int sink_cpu;		  /* where the collector's thread runs, beside the exporter */
};

/** The traffic of one row. */
struct mr_bench_row {
	uint64_t flows; /* at a time */
	uint64_t new_per_s;
	uint64_t size;	   /* octets on the wire with FCS; 0: imix */
	unsigned ipv6_pct; /* of the flows */
};

/* ---- measuring ---- */

struct mr_bench_lap {
	uint64_t items;
	uint64_t cpu_ns;
	uint64_t wall_ns;
};

/** Some work, long enough that looking at a clock after it costs nothing; returns the items (packets,
 * records) done. */
typedef uint64_t (*mr_bench_chunk_fn)(void *ctx);

/** Chunks until effort->packets items, or effort->measure_ns, are done. */
struct mr_bench_lap mr_bench_lap(const struct mr_bench_effort *effort, mr_bench_chunk_fn chunk, void *ctx);

static inline double mr_bench_ns(const struct mr_bench_lap *lap)
{
	return (double)lap->cpu_ns / (double)lap->items;
}

/** Sorts @p v; @p n >= 1. */
double mr_bench_median(double *v, unsigned n);

/* ---- the memory floor ---- */

/**
 * What the flow table's memory alone costs: per packet of a random flow one bucket line is read and one
 * record line, which the bucket names, is written, in prefetched bursts as the worker's.
 */
struct mr_bench_floor;

/** @param slots  flows that the table was made for: sets the number of its buckets */
int mr_bench_floor_new(uint64_t flows, uint64_t slots, struct mr_bench_floor **ret_floor, struct mr_err *err);
void mr_bench_floor_free(struct mr_bench_floor *floor);		/* NULL is fine */
uint64_t mr_bench_floor_memory(uint64_t flows, uint64_t slots); /* octets */
uint64_t mr_bench_floor_chunk(void *floor);

/* ---- the collector ---- */

/** A UDP collector on the loopback interface, with a thread that decodes and counts. */
struct mr_bench_sink;

int mr_bench_sink_new(int cpu, struct mr_bench_sink **ret_sink, struct mr_err *err);
uint16_t mr_bench_sink_port(const struct mr_bench_sink *sink);
/** Flow records received so far: data records without those of options. */
uint64_t mr_bench_sink_records(const struct mr_bench_sink *sink);
/** Take what has arrived, stop and free; returns the records received. NULL is fine. */
uint64_t mr_bench_sink_close(struct mr_bench_sink *sink);

struct mr_ipfix_exporter;

/** An exporter to the sink: UDP, profile compat. */
int mr_bench_exporter_new(const struct mr_bench_sink *sink, struct mr_ipfix_exporter **ret_exp,
			  struct mr_err *err);

/* ---- rows ---- */

/** ns are medians over the repetitions, of CPU time per packet. */
struct mr_bench_result {
	double source_ns; /* received and freed */
	double decode_ns; /* received, decoded and freed */
	double worker_ns; /* the whole worker */
	double worker_min_ns, worker_max_ns;
	double floor_ns;
	double cpu_share;	  /* of the measuring CPU that we had while the worker was measured */
	double created_per_s;	  /* flows, while the worker was measured, of wall time */
	double records_per_s;	  /* that the collector got, likewise */
	uint64_t memory_per_flow; /* octets of the table for each flow that it has room for */
	uint64_t sum[MR_C_MAX];	  /* counters of worker and exporter over the whole row */
	struct mr_account account;
	uint64_t udp_lost; /* records that the kernel dropped between exporter and collector */
};

/** Octets of memory that the row needs. */
uint64_t mr_bench_row_memory(const struct mr_bench_row *row, const struct mr_bench_effort *effort);

/** Called before each repetition, which counts from 0. */
typedef void (*mr_bench_progress_fn)(void *ctx, unsigned repetition);

int mr_bench_row_run(const struct mr_bench_row *row, const struct mr_bench_effort *effort,
		     mr_bench_progress_fn progress, void *ctx, struct mr_bench_result *ret,
		     struct mr_err *err);

/* ---- records ---- */

struct mr_flow_rec;

/** Finished records of @p flows flows with packets both ways; returns how many were made. */
int mr_bench_make_records(uint64_t flows, struct mr_flow_rec *ret_recs, unsigned max, struct mr_err *err);

struct mr_bench_records {
	double ns_per_record; /* median; an IPFIX data record: two per flow in profile compat */
	double records_per_s; /* of one exporter that does nothing else */
	uint64_t records;     /* that the exporter sent in all */
	uint64_t refused;     /* flows that it didn't send */
	uint64_t udp_lost;    /* records, as above */
};

int mr_bench_records_run(const struct mr_bench_effort *effort, struct mr_bench_records *ret,
			 struct mr_err *err);

/* ---- report ---- */

struct mr_bench_machine {
	char cpu[64]; /* model name */
	char kernel[160];
	unsigned cpus; /* that we may use */
	int worker_cpu, exporter_cpu;
	double tsc_ghz;
	bool hugepages;		 /* used */
	uint64_t hugepages_free; /* octets, before we took ours */
};

void mr_bench_machine_read(struct mr_bench_machine *ret);
void mr_bench_print_machine(const struct mr_bench_machine *m, const struct mr_bench_effort *effort,
			    FILE *out);
void mr_bench_print_head(FILE *out);
void mr_bench_print_row(const struct mr_bench_machine *m, const struct mr_bench_row *row,
			const struct mr_bench_result *r, FILE *out);
void mr_bench_print_records(const struct mr_bench_records *r, FILE *out);
/** @p results and @p rows have @p n entries. */
int mr_bench_print_json(const struct mr_bench_machine *m, const struct mr_bench_effort *effort,
			const struct mr_bench_row *rows, const struct mr_bench_result *results, unsigned n,
			const struct mr_bench_records *records, FILE *out);

/** "10k", "1M", or all digits. */
#define MR_BENCH_COUNT_MAX 24
char *mr_bench_count(uint64_t n, char buf[MR_BENCH_COUNT_MAX]);
