/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mr_clock.h"
#include "base/mr_counter.h"
#include "base/mr_err.h"
#include "base/mr_histogram.h"

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
	unsigned repeat;      /* 1 .. MR_BENCH_REPEAT_MAX; the median counts */
	uint64_t packets;     /* per measurement; 0: by time */
	uint64_t measure_ns;  /* CPU time per measurement */
	uint64_t idle_min_ns; /* shortest idle timeout of flows in rows with new flows */
	bool whole_waves;     /* rows with new flows: measure as long as all of ageing takes at least */
	int sink_cpu;	      /* where the collector's thread runs, beside the exporter */
};

enum mr_bench_kind {
	MR_BENCH_STEADY,   /* generated: flows in random order, new ones replace old ones */
	MR_BENCH_FLOOD,	   /* generated: every packet a new flow, into a table full of others */
	MR_BENCH_NET_PCAP, /* a capture of the flows, a packet each, played by DPDK's net_pcap for ever */
	MR_BENCH_DEVICE,   /* what comes from a DPDK device */
	MR_BENCH_KIND_MAX
};

/** The traffic of one row. */
struct mr_bench_row {
	enum mr_bench_kind kind;
	const char *device;    /* MR_BENCH_DEVICE: as mr_ethdev_ops takes it; borrowed */
	uint64_t kept_packets; /* that the device keeps in buffers; set by mr_bench_device_check() */
	uint64_t flows;	       /* at a time; MR_BENCH_DEVICE: that the table is made for */
	uint64_t new_per_s;
	uint64_t size;	   /* octets on the wire with FCS; 0: imix or any */
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

#define MR_BENCH_SILENCE_NS MR_NS_PER_S

/** Chunks until effort->packets items, or effort->measure_ns, are done, or nothing came for
 * MR_BENCH_SILENCE_NS. */
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

#define MR_BENCH_ROWS_MAX 256
#define MR_BENCH_NEW_MAX  10000000 /* flows a second */

/** What the user asked for; NULL or false: nothing said. */
struct mr_bench_choice {
	const char *flows, *new_, *size, *family; /* lists */
	const char *device;
	bool flood, net_pcap; /* at most one of these two and device */
	bool targets, matrix, quick;
};

struct mr_bench_rows {
	struct mr_bench_row row[MR_BENCH_ROWS_MAX];
	unsigned n;
};

/** Errors: -EINVAL with a line that names the option and what it takes. */
int mr_bench_rows_make(const struct mr_bench_choice *choice, struct mr_bench_rows *ret_rows,
		       struct mr_err *err);

/** A number above 0 as the traffic model reads them: 500k, 10M. Errors: -EINVAL. */
int mr_bench_parse_count(const char *text, uint64_t *ret);

/** ns are medians over the repetitions, of CPU time per packet. */
struct mr_bench_result {
	double source_ns; /* received and freed */
	double decode_ns; /* received, decoded and freed */
	double worker_ns; /* the whole worker */
	double worker_min_ns, worker_max_ns;
	double floor_ns;
	double cpu_share;	  /* of the measuring CPU that we had while the worker was measured */
	double created_per_s;	  /* flows, for each second of the worker's CPU time */
	double records_per_s;	  /* that the collector got, likewise */
	uint64_t flows;		  /* at a time: of the row; with a device those that were there in the end */
	uint64_t established;	  /* MR_BENCH_FLOOD: of the row's flows those in the table before it */
	uint64_t survived;	  /* ... and after it */
	uint64_t idle_ns;	  /* how long a flow of the row was idle before it ended */
	uint64_t memory_per_flow; /* octets of the table for each flow that it has room for */
	struct mr_histogram late; /* ns after its due time that the exporter took a record, in steady work */
	uint64_t sum[MR_C_MAX];	  /* counters of worker and exporter over the whole row */
	struct mr_account account;
	uint64_t udp_lost; /* records that the kernel dropped between exporter and collector */
};

/** Octets of memory for the row's table and memory floor, at most. */
uint64_t mr_bench_row_memory(const struct mr_bench_row *row, const struct mr_bench_effort *effort);

/** Called before each repetition, which counts from 0. */
typedef void (*mr_bench_progress_fn)(void *ctx, unsigned repetition);

int mr_bench_row_run(const struct mr_bench_row *row, const struct mr_bench_effort *effort,
		     mr_bench_progress_fn progress, void *ctx, struct mr_bench_result *ret,
		     struct mr_err *err);

/* ---- devices ---- */

bool mr_bench_row_is_device(const struct mr_bench_row *row);

/** Judge the row's device by its text, and count the packets that it will keep. */
int mr_bench_device_check(struct mr_bench_row *row, bool *ret_pci, struct mr_err *err);

/** Octets of memory for its buffers. */
uint64_t mr_bench_device_memory(const struct mr_bench_row *row);

struct mr_port;

int mr_bench_device_open(const struct mr_bench_row *row, struct mr_port **ret_port, struct mr_err *err);

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

/** All that was measured. */
struct mr_bench_report {
	const struct mr_bench_machine *machine;
	const struct mr_bench_effort *effort;
	const struct mr_bench_rows *rows;
	const struct mr_bench_result *results; /* as many as rows */
	const struct mr_bench_rows *skipped;   /* rows that didn't fit memory */
	const struct mr_bench_records *records;
};

int mr_bench_print_json(const struct mr_bench_report *report, FILE *out);

/* What both forms of the report say. */
const char *mr_bench_family(const struct mr_bench_row *row);
double mr_bench_own_ns(const struct mr_bench_result *r); /* worker less source */
uint64_t mr_bench_lost(const struct mr_bench_result *r); /* packets lost by us, any reason */
uint64_t mr_bench_frame(const struct mr_bench_row *row, const struct mr_bench_result *r);
bool mr_bench_counts_loss(int counter); /* is the counter a reason of mr_bench_lost()? */

/** "10k", "1M", or all digits. */
#define MR_BENCH_COUNT_MAX 24
char *mr_bench_count(uint64_t n, char buf[MR_BENCH_COUNT_MAX]);
