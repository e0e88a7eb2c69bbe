/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet costs one of 1, 2, 4 and 8 workers that share the same traffic: with more workers than CPUs
 * they take turns, and only CPU time counts. Where nothing is shared the figures are equal. */
#include <stdio.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>

#include "app/mr_time.h"
#include "app/mr_worker.h"

#define WORKERS_MAX 8
#define FLOWS	    100000u
#define PACKETS	    16000000u /* of all workers, a round */
#define ROUNDS	    5
#define DEVICE	    "synth:flows=100k"

struct job {
	struct mr_worker *worker;
	uint64_t packets;
	uint64_t cpu_ns; /* of the last round */
};

static int work(void *arg)
{
	struct job *job = arg;
	uint64_t end = mr_counter_get(&job->worker->counters, MR_C_RECEIVED) + job->packets;
	uint64_t start_ns = mr_clock_read(CLOCK_THREAD_CPUTIME_ID);

	while (mr_counter_get(&job->worker->counters, MR_C_RECEIVED) < end)
		mr_worker_poll(job->worker);
	job->cpu_ns = mr_clock_read(CLOCK_THREAD_CPUTIME_ID) - start_ns;
	return 0;
}

/* CPU time of all workers for a packet, ns. */
static double round_ns(struct job *jobs, unsigned n)
{
	uint64_t sum_ns = 0;

	for (unsigned i = 0; i < n; i++)
		rte_eal_remote_launch(work, &jobs[i], i + 1);
	for (unsigned i = 0; i < n; i++) {
		while (rte_eal_get_lcore_state(i + 1) == RUNNING) /* not rte_eal_wait_lcore(): that polls */
			usleep(1000);
		rte_eal_wait_lcore(i + 1);
		sum_ns += jobs[i].cpu_ns;
	}
	return (double)sum_ns / PACKETS;
}

static int new_job(struct mr_port *port, unsigned id, unsigned n, struct job *job, struct mr_err *err)
{
	struct mr_flow_conf flow = {
		.max_flows = FLOWS / n * 5 / 4,
		.ipv6_percent = 1,
		.idle_timeout_ns = 3600 * MR_NS_PER_S,
		.active_timeout_ns = 3600 * MR_NS_PER_S,
		.tcp_linger_ns = MR_NS_PER_S,
		.fragment_timeout_ns = MR_NS_PER_S,
		.max_fragments = 64,
		.socket = -1,
		.packet.seed = mr_hash_seed_fixed(1),
		.worker = (uint8_t)id,
	};

	if (mr_worker_new(&flow, &job->worker, err) < 0)
		return -1;
	job->worker->rx[job->worker->n_rx++] = (struct mr_worker_rx){ .port = port, .queue = (uint16_t)id };
	job->packets = PACKETS / n;
	return 0;
}

static int measure(unsigned n, double *ret_ns, struct mr_err *err)
{
	struct mr_port_conf conf = { .name = "bench", .device = DEVICE, .queues = (uint16_t)n };
	struct job jobs[WORKERS_MAX] = { { .worker = NULL } };
	struct mr_port *port;
	int rc = 0;

	if (mr_port_open(&conf, &port, err) < 0)
		return -1;
	for (unsigned i = 0; rc == 0 && i < n; i++)
		rc = new_job(port, i, n, &jobs[i], err);
	*ret_ns = 1e9;
	if (rc == 0)
		round_ns(jobs, n); /* all flows into the tables */
	for (int r = 0; rc == 0 && r < ROUNDS; r++) {
		double ns = round_ns(jobs, n);

		*ret_ns = ns < *ret_ns ? ns : *ret_ns;
	}
	for (unsigned i = 0; i < n; i++)
		mr_worker_free(jobs[i].worker);
	port->ops->close(port);
	return rc;
}

int main(int argc, char **argv)
{
	const char *eal[] = { argv[0], "--no-huge", "--no-shconf", "--no-pci",	 "--no-telemetry",
			      "-m",    "512",	    "--lcores",	   "(0-8)@(0-1)" };
	struct mr_err err = { 0 };

	if (rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])), (char **)eal) < 0 || mr_port_init(&err) != 0)
		return 1;
	mr_time_discipline();
	printf("workers  CPU ns per packet on 2 CPUs, best of %d (" DEVICE ")\n", ROUNDS);
	for (unsigned n = 1; n <= WORKERS_MAX; n *= 2) {
		double ns;

		if (measure(n, &ns, &err) < 0) {
			fprintf(stderr, "%u workers: %s\n", n, err.msg);
			return 1;
		}
		printf("%7u  %.1f\n", n, ns);
	}
	rte_eal_cleanup();
	return 0;
}
