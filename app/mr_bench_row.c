/* SPDX-License-Identifier: Apache-2.0 */
/* One row measured: source, decoding, worker and memory floor by turns. */
#include <stdlib.h>

#include <rte_common.h>
#include <rte_ring_elem.h>

#include "app/mr_bench_rig.h"
#include "app/mr_time.h"
#include "drivers/mr_mbuf.h"

#define SWEEP_NS   (MR_NS_PER_S * 5 / 4) /* from due, in whole seconds, to seen by the sweep */
#define RATE_NS	   (MR_NS_PER_S / 2)	 /* of wall time at least, for rates: to see enough messages */
#define SETTLE_MIN 10000		 /* packets */
#define SETTLE_MAX 1000000		 /* packets: more than there are lines in a processor's cache */
#define DEVICE_NS  MR_NS_PER_S		 /* to see the flows that a device brings */
#define DRAIN_MAX  2000000		 /* flows that are ended and exported after the row: more take long */
#define RESERVE	   2			 /* so much slower than in a trial no flow ends too early */
#define GUESS_NS   30.0			 /* a packet, to choose the share of new flows in the first trial */
#define FIRST_NS   70.0			 /* a packet, as the first trial may come out */

enum stage { SOURCE, DECODE, WORKER, FLOOR, STAGES };

struct samples {
	double ns[STAGES][MR_BENCH_REPEAT_MAX];
	unsigned n[STAGES];
	uint64_t cpu_ns, wall_ns;    /* while the worker was measured */
	struct mr_port_stats missed; /* by the port, while the worker was measured */
};

/* One row while it runs. */
struct run {
	struct mr_bench_rig rig;
	struct mr_bench_floor *floor;
	uint64_t established; /* MR_BENCH_FLOOD: flows in the table before it */
	struct samples samples;
	mr_bench_progress_fn progress;
	void *progress_ctx;
};

/* Figures that grow, at one moment. */
struct mark {
	uint64_t mono_ns;
	uint64_t received, created, records;
	struct mr_histogram late;
};

/* ---- what is measured ---- */

static struct mr_port *source_of(const struct mr_bench_rig *rig)
{
	return rig->source != NULL ? rig->source : rig->port;
}

static uint64_t source_chunk(void *ctx)
{
	struct mr_port *port = source_of(ctx);
	struct rte_mbuf *mbufs[MR_WORKER_BURST];
	uint64_t got = 0;

	for (unsigned i = 0; i < MR_BENCH_CHUNK_BURSTS; i++) {
		uint16_t n = mr_port_rx_burst(port, 0, mbufs, MR_WORKER_BURST);

		mr_mbuf_free_burst(mbufs, n);
		got += n;
	}
	return got;
}

static uint64_t decode_chunk(void *ctx)
{
	struct mr_bench_rig *rig = ctx;
	struct mr_port *port = source_of(rig);
	struct mr_worker *w = rig->worker;
	struct mr_worker_burst *b = &w->burst[w->turn]; /* the other may be on its way */
	struct rte_mbuf *mbufs[MR_WORKER_BURST];
	uint64_t got = 0;

	for (unsigned i = 0; i < MR_BENCH_CHUNK_BURSTS; i++) {
		uint16_t n = mr_port_rx_burst(port, 0, mbufs, MR_WORKER_BURST);

		if (n != 0)
			mr_packet_decode_burst(&w->packet, mbufs, n, 0, false, &b->scratch, b->pkts);
		mr_mbuf_free_burst(mbufs, n);
		got += n;
	}
	return got;
}

/* ---- measuring ---- */

/* Bring caches and, where flows end, the number of records to where they are in steady work. */
static void settle(const struct run *run, mr_bench_chunk_fn chunk, void *ctx, uint64_t wall_ns)
{
	uint64_t least = RTE_MAX(2 * run->rig.row->flows, (uint64_t)SETTLE_MIN);
	uint64_t packets = RTE_MIN(least, (uint64_t)SETTLE_MAX);
	uint64_t start_ns = mr_clock_mono_ns(), now_ns = start_ns, limit_ns = MR_BENCH_SILENCE_NS, done = 0;

	while ((done < packets && now_ns - start_ns < limit_ns + wall_ns) || now_ns - start_ns < wall_ns) {
		done += chunk(ctx);
		now_ns = mr_clock_mono_ns();
	}
}

/*
 * Where flows end, the table is looked through in waves: a bucket is due again an idle timeout after its last
 * visit, in whole seconds. A measurement takes in whole waves.
 */
static struct mr_bench_effort effort_of(const struct run *run, enum stage stage)
{
	struct mr_bench_effort effort = *run->rig.effort;
	uint64_t wave_ns = RTE_ALIGN_MUL_CEIL(mr_bench_rig_idle_ns(&run->rig), MR_NS_PER_S);

	if (stage == WORKER && run->rig.row->new_per_s != 0 && effort.whole_waves)
		effort.measure_ns = RTE_MAX(effort.measure_ns, wave_ns);
	return effort;
}

static int measure(struct run *run, enum stage stage, mr_bench_chunk_fn chunk, void *ctx, struct mr_err *err)
{
	struct samples *s = &run->samples;
	const struct mr_bench_effort effort = effort_of(run, stage);
	struct mr_bench_lap lap = mr_bench_lap(&effort, chunk, ctx);

	if (lap.items == 0)
		return mr_err_set(err, ENODATA,
				  "no packet came in a second: does anything send to the port?");
	s->ns[stage][s->n[stage]++] = mr_bench_ns(&lap);
	if (stage == WORKER) {
		s->cpu_ns += lap.cpu_ns;
		s->wall_ns += lap.wall_ns;
	}
	return 0;
}

/* Everything but the worker. */
static int measure_others(struct run *run, struct mr_err *err)
{
	int rc = measure(run, SOURCE, source_chunk, &run->rig, err);

	if (rc == 0)
		rc = measure(run, DECODE, decode_chunk, &run->rig, err);
	if (rc < 0)
		return rc;
	settle(run, mr_bench_floor_chunk, run->floor, 0);
	return measure(run, FLOOR, mr_bench_floor_chunk, run->floor, err);
}

static int measure_worker(struct run *run, struct mr_err *err)
{
	const struct mr_port *port = run->rig.port;
	struct mr_port_stats *missed = &run->samples.missed, before, after;
	int rc;

	port->ops->stats(port, &before);
	rc = measure(run, WORKER, mr_bench_worker_chunk, &run->rig, err);
	port->ops->stats(port, &after);
	missed->missed += after.missed - before.missed;
	missed->no_mbuf += after.no_mbuf - before.no_mbuf;
	missed->errors += after.errors - before.errors;
	return rc;
}

static void take_mark(const struct mr_bench_rig *rig, struct mark *ret)
{
	const struct mr_counters *c = &rig->worker->counters;

	ret->mono_ns = mr_clock_mono_ns();
	ret->received = mr_counter_get(c, MR_C_RECEIVED);
	ret->created = mr_counter_get(c, MR_C_FLOWS_CREATED);
	ret->records = mr_bench_sink_records(rig->sink);
	mr_histogram_read(&rig->output.late_ns, &ret->late);
}

/* ---- a row ---- */

/* In rows with new flows the worker must not pause: all flows that end in it would end at once afterwards. */
static bool may_pause(const struct run *run)
{
	return run->rig.row->new_per_s == 0;
}

static int open_floor(struct run *run, uint64_t flows, struct mr_err *err)
{
	struct mr_flow_conf conf = mr_bench_rig_table(&run->rig);

	return mr_bench_floor_new(flows, conf.max_flows, &run->floor, err);
}

/* A device's flows are known when they have been seen. */
static int start_device(struct run *run, struct mr_err *err)
{
	struct mr_bench_rig *rig = &run->rig;
	int rc = mr_bench_rig_open_port(rig, err);

	if (rc < 0)
		return rc;
	settle(run, mr_bench_worker_chunk, rig, RTE_MIN(DEVICE_NS, 4 * rig->effort->measure_ns));
	return open_floor(run, RTE_MAX(mr_flow_count(rig->worker->table), 1u), err);
}

static int start_synth(struct run *run, bool trial, struct mr_err *err)
{
	struct mr_bench_rig *rig = &run->rig;
	int rc = mr_bench_rig_open_source(rig, err);

	if (rc == 0)
		rc = open_floor(run, rig->row->flows, err);
	for (unsigned i = 0; i < rig->effort->repeat && rc == 0 && !may_pause(run) && !trial; i++)
		rc = measure_others(run, err);
	if (rc == 0)
		rc = mr_bench_rig_fill(rig, err);
	if (rc == 0 && rig->row->kind == MR_BENCH_FLOOD)
		rc = mr_bench_rig_count_flows(rig, &run->established, err);
	return rc == 0 ? mr_bench_rig_open_port(rig, err) : rc;
}

static int repeat(struct run *run, struct mr_err *err)
{
	struct mr_bench_rig *rig = &run->rig;
	int rc = 0;

	for (unsigned i = 0; i < rig->effort->repeat && rc == 0; i++) {
		run->progress(run->progress_ctx, i);
		if (may_pause(run)) {
			rc = measure_others(run, err);
			settle(run, mr_bench_worker_chunk, rig, 0);
		}
		if (rc == 0)
			rc = measure_worker(run, err);
	}
	return rc;
}

static double median(struct samples *s, enum stage stage)
{
	return s->n[stage] == 0 ? 0 : mr_bench_median(s->ns[stage], s->n[stage]);
}

static void add_up(struct samples *s, struct mr_bench_result *ret)
{
	ret->source_ns = median(s, SOURCE);
	ret->decode_ns = median(s, DECODE);
	ret->floor_ns = median(s, FLOOR);
	ret->worker_ns = median(s, WORKER);
	ret->worker_min_ns = s->ns[WORKER][0];
	ret->worker_max_ns = s->ns[WORKER][s->n[WORKER] - 1];
	ret->cpu_share = (double)s->cpu_ns / (double)s->wall_ns;
}

static void add_up_rates(const struct mark *from, const struct mark *to, struct mr_bench_result *ret)
{
	double packets_per_s = (double)MR_NS_PER_S / ret->worker_ns;
	double packets = (double)(to->received - from->received);

	ret->created_per_s = (double)(to->created - from->created) / packets * packets_per_s;
	ret->records_per_s = (double)(to->records - from->records) / packets * packets_per_s;
	ret->late = to->late;
	mr_histogram_subtract(&ret->late, &from->late);
}

/* From the worker in steady work on. */
static int measure_all(struct run *run, struct mr_bench_result *ret, struct mr_err *err)
{
	struct mr_bench_rig *rig = &run->rig;
	struct mark from, to;
	int rc;

	settle(run, mr_bench_worker_chunk, rig, may_pause(run) ? 0 : mr_bench_rig_idle_ns(rig) + SWEEP_NS);
	take_mark(rig, &from);
	rc = repeat(run, err);
	take_mark(rig, &to);
	while (rc == 0 && rig->row->new_per_s != 0 && to.mono_ns - from.mono_ns < RATE_NS) {
		mr_bench_worker_chunk(rig);
		take_mark(rig, &to);
	}
	if (rc == 0) {
		add_up(&run->samples, ret);
		add_up_rates(&from, &to, ret);
	}
	return rc;
}

static void settle_accounts(const struct run *run, struct mr_bench_result *ret)
{
	const struct mr_worker *w = run->rig.worker;
	const struct mr_port_stats *missed = &run->samples.missed;
	struct mr_account *a = &ret->account;

	mr_counters_sum(ret->sum, &w->counters);
	mr_counters_sum(ret->sum, &run->rig.output.counters);
	ret->sum[MR_C_NIC_MISSED] = missed->missed;
	ret->sum[MR_C_NIC_NO_MBUF] = missed->no_mbuf;
	ret->sum[MR_C_NIC_ERRORS] = missed->errors;
	*a = mr_account_make(ret->sum, 0);
	if (mr_worker_state_get(w) != MR_WORKER_DONE) /* the rest is in the table */
		*a = mr_account_make(ret->sum, a->metered - a->exported - a->not_sent);
}

/* What became of all flows, after the last measurement. */
static int finish(struct run *run, bool trial, struct mr_bench_result *ret, struct mr_err *err)
{
	struct mr_bench_rig *rig = &run->rig;
	const struct mr_bench_row *row = rig->row;
	int rc = 0;

	ret->flows = row->flows;
	ret->established = run->established;
	if (mr_bench_row_is_device(row))
		ret->flows = mr_flow_count(rig->worker->table);
	if (row->kind == MR_BENCH_FLOOD)
		rc = mr_bench_rig_count_flows(rig, &ret->survived, err);
	if (!trial && row->flows <= DRAIN_MAX)
		mr_bench_rig_drain(rig);
	if (rc == 0)
		ret->udp_lost = mr_bench_rig_finish(rig);
	settle_accounts(run, ret);
	return rc;
}

static int run_once(const struct run *what, bool trial, struct mr_bench_result *ret, struct mr_err *err)
{
	struct run *run = malloc(sizeof(*run));
	struct mr_flow_conf conf;
	int rc;

	if (run == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	*run = *what;
	conf = mr_bench_rig_table(&run->rig);
	*ret = (struct mr_bench_result){ .memory_per_flow = mr_flow_memory(&conf) / conf.max_flows,
					 .idle_ns = conf.idle_timeout_ns };
	rc = mr_bench_rig_open(&run->rig, err);
	if (rc == 0)
		rc = mr_bench_row_is_device(run->rig.row) ? start_device(run, err)
							  : start_synth(run, trial, err);
	if (rc == 0)
		rc = measure_all(run, ret, err);
	if (rc == 0)
		rc = finish(run, trial, ret, err);
	mr_bench_rig_close(&run->rig);
	mr_bench_floor_free(run->floor);
	free(run);
	return rc;
}

/* What a trial found: the share of packets that opened a flow, and the time of a packet then. */
struct trial {
	double share, ns;
};

/*
 * The time of a packet when new_per_s flows come in a second of the worker's time: ns = a + b * share, and
 * share = new_per_s * ns / 10^9. Two trials with different shares give a and b, and so ns.
 */
static double solve(double new_per_s, const struct trial t[2])
{
	double most = (double)MR_NS_PER_S / new_per_s; /* every packet opens a flow: no more can come */
	double b = (t[1].ns - t[0].ns) / (t[1].share - t[0].share);
	double a = t[0].ns - b * t[0].share;

	if (!(b > 0) || !(a > 0)) /* too close together to tell, hence near enough */
		return RTE_MIN(t[1].ns, most);
	return b >= most ? most : RTE_MIN(a / (1 - b / most), most);
}

/*
 * New flows come by the packet, so that neither the clock nor how much of the CPU was ours changes what is
 * measured. How many packets make a second is what two trials are for.
 */
static int run_new_flows(const struct run *what, struct mr_bench_result *ret, struct mr_err *err)
{
	double new_per_s = (double)what->rig.row->new_per_s, most = (double)MR_NS_PER_S / new_per_s;
	struct mr_bench_effort once = *what->rig.effort;
	struct run run = *what;
	struct trial trials[2];

	once.repeat = 1;
	run.rig.effort = &once;
	run.rig.model_ns = RTE_MIN(GUESS_NS, most);
	run.rig.packet_ns = RESERVE * FIRST_NS;
	for (unsigned i = 0; i < RTE_DIM(trials); i++) {
		int rc = run_once(&run, true, ret, err);

		if (rc < 0)
			return rc;
		trials[i] =
			(struct trial){ ret->created_per_s * ret->worker_ns / MR_NS_PER_S, ret->worker_ns };
		run.rig.model_ns = RTE_MIN(ret->worker_ns, most);
		run.rig.packet_ns = RESERVE * ret->worker_ns / ret->cpu_share;
	}
	run.rig.effort = what->rig.effort;
	run.rig.model_ns = solve(new_per_s, trials);
	return run_once(&run, false, ret, err);
}

int mr_bench_row_run(const struct mr_bench_row *row, const struct mr_bench_effort *effort,
		     mr_bench_progress_fn progress, void *ctx, struct mr_bench_result *ret,
		     struct mr_err *err)
{
	const struct run run = { .rig = { .row = row, .effort = effort },
				 .progress = progress,
				 .progress_ctx = ctx };

	return row->new_per_s == 0 ? run_once(&run, false, ret, err) : run_new_flows(&run, ret, err);
}

int mr_bench_make_records(uint64_t flows, struct mr_flow_rec *ret_recs, unsigned max, struct mr_err *err)
{
	const struct mr_bench_row row = { .flows = flows, .size = 64 };
	const struct mr_bench_effort effort = { 0 };
	struct mr_bench_rig rig = { .row = &row, .effort = &effort };
	int rc = mr_bench_rig_open_worker(&rig, err);

	if (rc == 0)
		rc = mr_bench_rig_fill(&rig, err);
	if (rc == 0) {
		mr_bench_rig_drain(&rig);
		rc = (int)rte_ring_sc_dequeue_burst_elem(rig.worker->records, ret_recs, sizeof(*ret_recs),
							 max, NULL);
	}
	mr_bench_rig_close(&rig);
	return rc;
}
