/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_bench.h"

#include <stdlib.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <rte_ring_elem.h>

#include "app/mr_output.h"
#include "app/mr_time.h"
#include "app/mr_worker.h"
#include "drivers/mr_mbuf.h"

#define CHUNK_BURSTS   256
#define FOREVER_NS     (12 * 3600 * MR_NS_PER_S) /* no flow of a measurement gets that old */
#define SWEEP_NS       (MR_NS_PER_S / 4)
#define RATE_NS	       (MR_NS_PER_S / 2) /* rates: over this before the measurement too, to see enough messages */
#define SETTLE_MAX     1000000		 /* packets: more than there are lines in a processor's cache */
#define CLOSE_LIMIT_MS 1000

/* One row while it runs. */
struct run {
	const struct mr_bench_row *row;
	const struct mr_bench_effort *effort;
	struct mr_port *port;
	struct mr_worker *worker;
	struct mr_bench_floor *floor;
	struct mr_bench_sink *sink;
	struct mr_output output;
};

enum stage { SOURCE, DECODE, WORKER, FLOOR, STAGES };

struct samples {
	double ns[STAGES][MR_BENCH_REPEAT_MAX];
	unsigned n;
	uint64_t cpu_ns, wall_ns;	    /* while the worker was measured */
	uint64_t created, records, rate_ns; /* while that and just before */
};

/* Records that the table needs: spare room as a user would leave, and those that wait for their idle timeout.
 */
static uint64_t slots_for(const struct mr_bench_row *row, const struct mr_bench_effort *effort)
{
	uint64_t waiting_s = effort->idle_timeout_ns / MR_NS_PER_S + 2;

	return RTE_MAX(row->flows + row->flows / 4 + row->new_per_s * waiting_s, (uint64_t)1024);
}

static struct mr_flow_conf table_conf(const struct mr_bench_row *row, const struct mr_bench_effort *effort)
{
	return (struct mr_flow_conf){
		.max_flows = (uint32_t)slots_for(row, effort),
		.ipv6_percent = (uint8_t)RTE_MAX(row->ipv6_pct, 1u),
		.idle_timeout_ns = row->new_per_s != 0 ? effort->idle_timeout_ns : FOREVER_NS,
		.active_timeout_ns = FOREVER_NS,
		.tcp_linger_ns = 0,
		.fragment_timeout_ns = 15 * MR_NS_PER_S,
		.max_fragments = 64, /* the traffic has none */
		.socket = (int)rte_socket_id(),
		.packet = { .seed = mr_hash_seed_fixed(1), .vlan_in_key = true },
	};
}

uint64_t mr_bench_row_memory(const struct mr_bench_row *row, const struct mr_bench_effort *effort)
{
	struct mr_flow_conf conf = table_conf(row, effort);

	return mr_flow_memory(&conf) + mr_bench_floor_memory(row->flows, conf.max_flows);
}

/* ---- what is measured ---- */

static uint64_t source_chunk(void *ctx)
{
	struct run *r = ctx;
	struct rte_mbuf *mbufs[MR_WORKER_BURST];
	uint64_t got = 0;

	for (unsigned i = 0; i < CHUNK_BURSTS; i++) {
		uint16_t n = mr_port_rx_burst(r->port, 0, mbufs, MR_WORKER_BURST);

		mr_mbuf_free_burst(mbufs, n);
		got += n;
	}
	return got;
}

static uint64_t decode_chunk(void *ctx)
{
	struct run *r = ctx;
	struct mr_worker *w = r->worker;
	struct mr_worker_burst *b = &w->burst[w->turn];
	struct rte_mbuf *mbufs[MR_WORKER_BURST];
	uint64_t got = 0;

	for (unsigned i = 0; i < CHUNK_BURSTS; i++) {
		uint16_t n = mr_port_rx_burst(r->port, 0, mbufs, MR_WORKER_BURST);

		mr_packet_decode_burst(&w->packet, mbufs, n, 0, false, &b->scratch, b->pkts);
		mr_mbuf_free_burst(mbufs, n);
		got += n;
	}
	return got;
}

static uint64_t worker_chunk(void *ctx)
{
	struct run *r = ctx;
	uint64_t before = mr_counter_get(&r->worker->counters, MR_C_RECEIVED);

	for (unsigned i = 0; i < CHUNK_BURSTS; i++)
		mr_worker_poll(r->worker);
	return mr_counter_get(&r->worker->counters, MR_C_RECEIVED) - before;
}

/* ---- up and down ---- */

static int open_port(struct run *r, const char *keys, unsigned reply_pct, struct mr_err *err)
{
	const struct mr_bench_row *row = r->row;
	struct mr_port_conf conf = { .name = "bench", .queues = 1 };
	char size[32] = "imix", device[256];
	int rc;

	if (row->size != 0)
		snprintf(size, sizeof(size), "%lu", row->size);
	snprintf(device, sizeof(device), "synth:flows=%lu,size=%s,ipv6=%u,reply=%u,time=real,%s", row->flows,
		 size, row->ipv6_pct, reply_pct, keys);
	conf.device = device;
	rc = mr_port_open(&conf, &r->port, err);
	if (rc < 0)
		return rc;
	r->worker->rx[0] = (struct mr_worker_rx){ .port = r->port };
	r->worker->n_rx = 1;
	return 0;
}

static void close_port(struct run *r)
{
	if (r->worker != NULL)
		mr_worker_flush(r->worker);
	if (r->port != NULL)
		r->port->ops->close(r->port);
	r->port = NULL;
}

/* Every flow gets its first packet of one direction: by turns, so one round is enough. */
static int meet_all_flows(struct run *r, unsigned reply_pct, struct mr_err *err)
{
	uint64_t all =
		mr_counter_get(&r->worker->counters, MR_C_RECEIVED) + r->row->flows + MR_PORT_BURST_MAX;
	int rc = open_port(r, "order=roundrobin", reply_pct, err);

	if (rc < 0)
		return rc;
	while (mr_counter_get(&r->worker->counters, MR_C_RECEIVED) < all)
		mr_worker_poll(r->worker);
	close_port(r);
	return 0;
}

static int open_worker(struct run *r, struct mr_err *err)
{
	struct mr_flow_conf conf = table_conf(r->row, r->effort);

	return mr_worker_new(&conf, &r->worker, err);
}

/* The table as it is in steady work: every flow there, with packets both ways. */
static int warm_up(struct run *r, struct mr_err *err)
{
	int rc = meet_all_flows(r, 0, err);

	return rc == 0 ? meet_all_flows(r, 100, err) : rc;
}

static int output_main(void *arg)
{
	mr_output_run(arg);
	return 0;
}

static int open_output(struct run *r, struct mr_err *err)
{
	int rc = mr_bench_sink_new(r->effort->sink_cpu, &r->sink, err);

	if (rc == 0)
		rc = mr_bench_exporter_new(r->sink, &r->output.ipfix, err);
	if (rc < 0)
		return rc;
	r->output.rings[r->output.n_rings++] = r->worker->records;
	rc = rte_eal_remote_launch(output_main, &r->output, MR_BENCH_EXPORTER_LCORE);
	return rc == 0 ? 0 : mr_err_set(err, -rc, "cannot start the exporter's thread: %s", strerror(-rc));
}

static int open_all(struct run *r, struct mr_err *err)
{
	char keys[64];
	int rc = mr_bench_floor_new(r->row->flows, slots_for(r->row, r->effort), &r->floor, err);

	if (rc == 0)
		rc = open_worker(r, err);
	if (rc == 0)
		rc = open_output(r, err);
	if (rc == 0)
		rc = warm_up(r, err);
	snprintf(keys, sizeof(keys), "new=%lu", r->row->new_per_s);
	return rc == 0 ? open_port(r, keys, 50, err) : rc;
}

static void stop_output(struct run *r)
{
	__atomic_store_n(&r->output.stop, 1, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(MR_BENCH_EXPORTER_LCORE);
}

/* End the flows: their packets have been exported, or lost by name, when this returns. */
static void drain(struct run *r)
{
	mr_worker_state_set(r->worker, MR_WORKER_DRAIN);
	while (mr_worker_state_get(r->worker) != MR_WORKER_DONE)
		mr_worker_poll(r->worker);
}

/* What became of the records that the table gave away. */
static void finish_output(struct run *r, struct mr_bench_result *ret)
{
	struct mr_ipfix_totals totals;
	struct mr_ipfix_collector_stats stats;

	while (!mr_output_idle(&r->output))
		rte_pause();
	stop_output(r);
	mr_ipfix_exporter_close(r->output.ipfix, r->output.clock_ns, &r->output.metering, CLOSE_LIMIT_MS,
				&stats, &totals);
	r->output.ipfix = NULL;
	mr_output_set_totals(&r->output, &totals);
	ret->udp_lost = stats.records - mr_bench_sink_close(r->sink);
	r->sink = NULL;
}

static void close_all(struct run *r)
{
	stop_output(r);
	if (r->output.ipfix != NULL)
		mr_ipfix_exporter_close(r->output.ipfix, r->output.clock_ns, &r->output.metering, 0, NULL,
					NULL);
	mr_bench_sink_close(r->sink);
	close_port(r);
	mr_worker_free(r->worker);
	mr_bench_floor_free(r->floor);
}

/* ---- measuring ---- */

/* Bring the caches, and with new flows the number of records, back to where they are in steady work. */
static void settle(const struct run *r, mr_bench_chunk_fn chunk, void *ctx, uint64_t wall_ns)
{
	uint64_t packets = RTE_MIN(2 * r->row->flows, (uint64_t)SETTLE_MAX), done = 0;
	uint64_t start_ns = mr_clock_mono_ns();

	while (done < packets || mr_clock_mono_ns() - start_ns < wall_ns)
		done += chunk(ctx);
}

static void measure_worker(struct run *r, struct samples *s)
{
	struct mr_counters *c = &r->worker->counters;
	bool new_flows = r->row->new_per_s != 0;
	uint64_t created, records, since_ns;
	struct mr_bench_lap lap;

	settle(r, worker_chunk, r, new_flows ? r->effort->idle_timeout_ns + SWEEP_NS : 0);
	created = mr_counter_get(c, MR_C_FLOWS_CREATED);
	records = mr_bench_sink_records(r->sink);
	since_ns = mr_clock_mono_ns();
	if (new_flows)
		settle(r, worker_chunk, r, RATE_NS);
	lap = mr_bench_lap(r->effort, worker_chunk, r);
	s->ns[WORKER][s->n] = mr_bench_ns(&lap);
	s->cpu_ns += lap.cpu_ns;
	s->wall_ns += lap.wall_ns;
	s->rate_ns += mr_clock_mono_ns() - since_ns;
	s->created += mr_counter_get(c, MR_C_FLOWS_CREATED) - created;
	s->records += mr_bench_sink_records(r->sink) - records;
}

static void repetition(struct run *r, struct samples *s)
{
	struct mr_bench_lap lap = mr_bench_lap(r->effort, source_chunk, r);

	s->ns[SOURCE][s->n] = mr_bench_ns(&lap);
	lap = mr_bench_lap(r->effort, decode_chunk, r);
	s->ns[DECODE][s->n] = mr_bench_ns(&lap);
	settle(r, mr_bench_floor_chunk, r->floor, 0);
	lap = mr_bench_lap(r->effort, mr_bench_floor_chunk, r->floor);
	s->ns[FLOOR][s->n] = mr_bench_ns(&lap);
	measure_worker(r, s);
	s->n++;
}

static void add_up(struct samples *s, struct mr_bench_result *ret)
{
	ret->source_ns = mr_bench_median(s->ns[SOURCE], s->n);
	ret->decode_ns = mr_bench_median(s->ns[DECODE], s->n);
	ret->floor_ns = mr_bench_median(s->ns[FLOOR], s->n);
	ret->worker_ns = mr_bench_median(s->ns[WORKER], s->n);
	ret->worker_min_ns = s->ns[WORKER][0];
	ret->worker_max_ns = s->ns[WORKER][s->n - 1];
	ret->cpu_share = (double)s->cpu_ns / (double)s->wall_ns;
	ret->created_per_s = (double)s->created * MR_NS_PER_S / (double)s->rate_ns;
	ret->records_per_s = (double)s->records * MR_NS_PER_S / (double)s->rate_ns;
}

static void settle_accounts(const struct run *r, struct mr_bench_result *ret)
{
	struct mr_account *a = &ret->account;

	mr_counters_sum(ret->sum, &r->worker->counters);
	mr_counters_sum(ret->sum, &r->output.counters);
	*a = mr_account_make(ret->sum, 0);
	if (mr_worker_state_get(r->worker) != MR_WORKER_DONE) /* the rest is in the table */
		*a = mr_account_make(ret->sum, a->metered - a->exported - a->not_sent);
}

int mr_bench_row_run(const struct mr_bench_row *row, const struct mr_bench_effort *effort,
		     mr_bench_progress_fn progress, void *ctx, struct mr_bench_result *ret,
		     struct mr_err *err)
{
	struct run r = { .row = row, .effort = effort, .output.metering.start_ns = mr_time_utc_ns() };
	struct mr_flow_conf conf = table_conf(row, effort);
	struct samples samples = { 0 };
	int rc = open_all(&r, err);

	*ret = (struct mr_bench_result){ .memory_per_flow = mr_flow_memory(&conf) / conf.max_flows };
	if (rc == 0) {
		while (samples.n < effort->repeat) {
			progress(ctx, samples.n);
			repetition(&r, &samples);
		}
		add_up(&samples, ret);
		if (row->new_per_s != 0) /* without, the collector would drown in all flows at once */
			drain(&r);
		finish_output(&r, ret);
		settle_accounts(&r, ret);
	}
	close_all(&r);
	return rc;
}

int mr_bench_make_records(uint64_t flows, struct mr_flow_rec *ret_recs, unsigned max, struct mr_err *err)
{
	const struct mr_bench_row row = { .flows = flows, .size = 64 };
	const struct mr_bench_effort effort = { 0 };
	struct run r = { .row = &row, .effort = &effort };
	int rc = open_worker(&r, err);

	if (rc == 0)
		rc = warm_up(&r, err);
	if (rc == 0) {
		drain(&r);
		rc = (int)rte_ring_sc_dequeue_burst_elem(r.worker->records, ret_recs, sizeof(*ret_recs), max,
							 NULL);
	}
	close_all(&r);
	return rc;
}
