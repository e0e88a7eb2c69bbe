/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_bench_rig.h"

#include <math.h>
#include <string.h>

#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "app/mr_time.h"

#define FOREVER_NS     (12 * 3600 * MR_NS_PER_S) /* no flow of a measurement gets that old */
#define PACKET_NS_MAX  200.0 /* the slowest worker that rows with new flows are made for */
#define SLOTS_MIN      1024
#define CLOSE_LIMIT_MS 1000

/*
 * A flow gets its packets at random, one in flows * packet_ns on average, so a share e^(-timeout / that) of
 * the packets finds its flow ended too early, which makes new flows that nobody asked for. The timeout makes
 * that a twentieth of those asked for: a longer one only needs memory for more ended flows.
 */
static uint64_t idle_ns(const struct mr_bench_row *row, const struct mr_bench_effort *effort,
			double packet_ns)
{
	double share = (double)row->new_per_s * packet_ns / MR_NS_PER_S;
	double wait_ns = (double)row->flows * packet_ns * log(20 / RTE_MIN(share, 1.0));

	return RTE_MAX(effort->idle_min_ns, (uint64_t)wait_ns);
}

uint64_t mr_bench_rig_idle_ns(const struct mr_bench_rig *rig)
{
	return rig->row->new_per_s == 0
		       ? FOREVER_NS
		       : idle_ns(rig->row, rig->effort, RTE_MIN(rig->packet_ns, PACKET_NS_MAX));
}

/* Spare room as a user would leave, and records that wait for their timeout and the sweep. */
static uint64_t slots_for(const struct mr_bench_row *row, uint64_t idle)
{
	uint64_t wait_ms = (idle + MR_NS_PER_S) / MR_NS_PER_MS;
	uint64_t waiting = row->new_per_s == 0 ? 0 : row->new_per_s * wait_ms / 1000;

	return RTE_MAX(row->flows + row->flows / 4 + waiting, (uint64_t)SLOTS_MIN);
}

static struct mr_flow_conf table_conf(const struct mr_bench_row *row, uint64_t idle)
{
	return (struct mr_flow_conf){
		.max_flows = (uint32_t)RTE_MIN(slots_for(row, idle), (uint64_t)UINT32_MAX),
		.ipv6_percent = (uint8_t)RTE_MAX(row->ipv6_pct, 1u),
		.idle_timeout_ns = idle,
		.active_timeout_ns = FOREVER_NS,
		.tcp_linger_ns = 0,
		.fragment_timeout_ns = 15 * MR_NS_PER_S,
		.max_fragments = 64, /* the traffic has none */
		.socket = (int)rte_socket_id(),
		.packet = { .seed = mr_hash_seed_fixed(1), .vlan_in_key = true },
	};
}

struct mr_flow_conf mr_bench_rig_table(const struct mr_bench_rig *rig)
{
	return table_conf(rig->row, mr_bench_rig_idle_ns(rig));
}

uint64_t mr_bench_row_memory(const struct mr_bench_row *row, const struct mr_bench_effort *effort)
{
	struct mr_flow_conf conf =
		table_conf(row, row->new_per_s == 0 ? FOREVER_NS : idle_ns(row, effort, PACKET_NS_MAX));

	return mr_flow_memory(&conf) + mr_bench_floor_memory(row->flows, conf.max_flows);
}

uint64_t mr_bench_worker_chunk(void *rig)
{
	struct mr_worker *w = ((struct mr_bench_rig *)rig)->worker;
	uint64_t before = mr_counter_get(&w->counters, MR_C_RECEIVED);

	for (unsigned i = 0; i < MR_BENCH_CHUNK_BURSTS; i++)
		mr_worker_poll(w);
	return mr_counter_get(&w->counters, MR_C_RECEIVED) - before;
}

/* ---- traffic ---- */

static int open_synth(const struct mr_bench_rig *rig, const char *keys, struct mr_port **ret_port,
		      struct mr_err *err)
{
	const struct mr_bench_row *row = rig->row;
	struct mr_port_conf conf = { .name = "bench", .queues = 1 };
	char size[32] = "imix", device[256];
	int rc;

	if (row->size != 0)
		snprintf(size, sizeof(size), "%lu", row->size);
	/* those who hold out against a flood of SYNs are TCP too */
	snprintf(device, sizeof(device), "synth:flows=%lu,size=%s,ipv6=%u,tcp=%u,%s", row->flows, size,
		 row->ipv6_pct, row->kind == MR_BENCH_FLOOD ? 100 : 0, keys);
	conf.device = device;
	rc = mr_port_open(&conf, ret_port, err);
	if (rc == 0) /* the worker goes by its own clock as with most NICs: timeouts and lateness are real */
		(*ret_port)->flags &= ~(uint32_t)MR_PORT_HAS_TIME;
	return rc;
}

static int open_traffic(struct mr_bench_rig *rig, struct mr_port **ret_port, struct mr_err *err)
{
	char keys[96] = "time=real";

	if (mr_bench_row_is_device(rig->row))
		return mr_bench_device_open(rig->row, ret_port, err);
	if (rig->row->kind == MR_BENCH_FLOOD)
		snprintf(keys, sizeof(keys), "time=real,attack=synflood");
	else if (rig->row->new_per_s != 0) /* new flows by the packet: our share of the CPU varies */
		snprintf(keys, sizeof(keys), "time=model,new=%lu,rate=%lu", rig->row->new_per_s,
			 (uint64_t)(MR_NS_PER_S / rig->model_ns));
	return open_synth(rig, keys, ret_port, err);
}

static void give_to_worker(struct mr_bench_rig *rig)
{
	rig->worker->rx[0] = (struct mr_worker_rx){ .port = rig->port };
	rig->worker->n_rx = 1;
}

static void close_port(struct mr_port **port)
{
	if (*port != NULL)
		(*port)->ops->close(*port);
	*port = NULL;
}

/* The worker may still hold the port's last packets. */
static void take_from_worker(struct mr_bench_rig *rig)
{
	if (rig->worker != NULL)
		mr_worker_flush(rig->worker);
	close_port(&rig->port);
}

int mr_bench_rig_open_source(struct mr_bench_rig *rig, struct mr_err *err)
{
	return open_traffic(rig, &rig->source, err);
}

int mr_bench_rig_open_port(struct mr_bench_rig *rig, struct mr_err *err)
{
	int rc = open_traffic(rig, &rig->port, err);

	if (rc == 0)
		give_to_worker(rig);
	return rc;
}

/* One packet of every flow to the worker, in turn. */
static int meet_all_flows(struct mr_bench_rig *rig, unsigned reply_pct, struct mr_err *err)
{
	struct mr_counters *c = &rig->worker->counters;
	uint64_t all = mr_counter_get(c, MR_C_RECEIVED) + rig->row->flows + MR_PORT_BURST_MAX;
	char keys[64];
	int rc;

	snprintf(keys, sizeof(keys), "time=real,order=roundrobin,reply=%u", reply_pct);
	rc = open_synth(rig, keys, &rig->port, err);
	if (rc < 0)
		return rc;
	give_to_worker(rig);
	while (mr_counter_get(c, MR_C_RECEIVED) < all)
		mr_worker_poll(rig->worker);
	take_from_worker(rig);
	return 0;
}

int mr_bench_rig_fill(struct mr_bench_rig *rig, struct mr_err *err)
{
	int rc = meet_all_flows(rig, 0, err);

	return rc == 0 ? meet_all_flows(rig, 100, err) : rc;
}

int mr_bench_rig_count_flows(struct mr_bench_rig *rig, uint64_t *ret_flows, struct mr_err *err)
{
	struct mr_counters *c = &rig->worker->counters;
	uint64_t created;
	int rc;

	take_from_worker(rig); /* its last burst opens flows too */
	created = mr_counter_get(c, MR_C_FLOWS_CREATED);
	rc = meet_all_flows(rig, 0, err);
	created = mr_counter_get(c, MR_C_FLOWS_CREATED) - created;
	if (rc == 0)
		*ret_flows = rig->row->flows - RTE_MIN(created, rig->row->flows);
	return rc;
}

/* ---- up and down ---- */

static int output_main(void *arg)
{
	mr_output_run(arg);
	return 0;
}

static int open_output(struct mr_bench_rig *rig, struct mr_err *err)
{
	int rc = mr_bench_sink_new(rig->effort->sink_cpu, &rig->sink, err);

	if (rc == 0)
		rc = mr_bench_exporter_new(rig->sink, &rig->output.ipfix, err);
	if (rc < 0)
		return rc;
	rig->output.metering.start_ns = mr_time_utc_ns();
	rig->output.rings[rig->output.n_rings++] = rig->worker->records;
	rc = rte_eal_remote_launch(output_main, &rig->output, MR_BENCH_EXPORTER_LCORE);
	return rc == 0 ? 0 : mr_err_set(err, -rc, "cannot start the exporter's thread: %s", strerror(-rc));
}

int mr_bench_rig_open_worker(struct mr_bench_rig *rig, struct mr_err *err)
{
	struct mr_flow_conf conf = mr_bench_rig_table(rig);

	return mr_worker_new(&conf, &rig->worker, err);
}

int mr_bench_rig_open(struct mr_bench_rig *rig, struct mr_err *err)
{
	int rc = mr_bench_rig_open_worker(rig, err);

	return rc == 0 ? open_output(rig, err) : rc;
}

static void stop_output(struct mr_bench_rig *rig)
{
	__atomic_store_n(&rig->output.stop, 1, __ATOMIC_RELEASE);
	rte_eal_wait_lcore(MR_BENCH_EXPORTER_LCORE);
}

void mr_bench_rig_drain(struct mr_bench_rig *rig)
{
	mr_worker_state_set(rig->worker, MR_WORKER_DRAIN);
	while (mr_worker_state_get(rig->worker) != MR_WORKER_DONE)
		mr_worker_poll(rig->worker);
}

uint64_t mr_bench_rig_finish(struct mr_bench_rig *rig)
{
	struct mr_output *out = &rig->output;
	struct mr_ipfix_collector_stats stats;
	struct mr_ipfix_totals totals;
	uint64_t got;

	while (!mr_output_idle(out))
		rte_pause();
	stop_output(rig);
	mr_ipfix_exporter_close(out->ipfix, out->clock_ns, &out->metering, CLOSE_LIMIT_MS, &stats, &totals);
	out->ipfix = NULL;
	mr_output_set_totals(out, &totals);
	got = mr_bench_sink_close(rig->sink);
	rig->sink = NULL;
	return stats.records - got;
}

void mr_bench_rig_close(struct mr_bench_rig *rig)
{
	struct mr_output *out = &rig->output;

	stop_output(rig);
	if (out->ipfix != NULL)
		mr_ipfix_exporter_close(out->ipfix, out->clock_ns, &out->metering, 0, NULL, NULL);
	mr_bench_sink_close(rig->sink);
	close_port(&rig->source);
	take_from_worker(rig);
	mr_worker_free(rig->worker);
}
