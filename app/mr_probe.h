/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "app/mr_output.h"
#include "app/mr_plan.h"
#include "app/mr_worker.h"
#include "config/mr_config.h"

/**
 * @file
 * The whole probe from a configuration: an ordered life cycle in which each stage has an up and a down, and a
 * failure at stage n takes n-1 .. 0 down again. Thread: main, which also is lcore 0.
 */

/** Stages in the order of going up. */
enum mr_probe_stage {
	MR_PROBE_EAL,
	MR_PROBE_PORTS,	  /* with their buffer pools */
	MR_PROBE_OUTPUT,  /* collectors, files */
	MR_PROBE_WORKERS, /* flow tables, rings */
	MR_PROBE_THREADS,
	MR_PROBE_STAGE_MAX
};

struct mr_probe_conf {
	const struct mr_config *cfg; /* checked; borrowed for the probe's life */
	struct mr_plan plan;
	bool live;	  /* `run`: hugepages and NICs as configured; otherwise neither is touched */
	bool summary;	  /* gather what mr_summary_print() shows */
	bool full_tables; /* every worker gets flow.max_flows records instead of its share */
};

struct mr_probe {
	struct mr_probe_conf conf;
	struct mr_port *ports[MR_CONFIG_PORTS_MAX];
	struct mr_worker *workers[MR_PLAN_CPUS_MAX];
	struct mr_output output;
	struct mr_ipfix_collector_stats final[MR_CONFIG_COLLECTORS_MAX + 1];
	unsigned n_final; /* valid after mr_probe_down() */
	uint8_t egress[256];
	struct mr_tunnel_ports tunnel_ports; /* of the workers and of ports that spread packets by flow */
	struct mr_l7_conf l7;
	const char *interfaces[MR_CONFIG_PORTS_MAX];
	uint64_t start_mono_ns;
	bool ran;		    /* every stage came up: from then on output files replace older ones */
	uint64_t lost_at_stop[3];   /* port losses, kept when the ports are closed: missed, no mbuf, errors */
	enum mr_probe_stage stage;  /* the next one to bring up */
	struct mr_err output_error; /* what a destination said when it was closed; empty: nothing */
};

/** Bring all stages up. On failure everything is down again and @p err says why. */
int mr_probe_up(const struct mr_probe_conf *conf, struct mr_probe **ret_probe, struct mr_err *err);

/**
 * Run lcore 0's roles for one round: control's duties and, where they share it, exporter and worker.
 * @return false when all workers are done and all records are handed out
 */
bool mr_probe_poll(struct mr_probe *probe);

/** Ask the workers to take no more packets and to end their records; go on with mr_probe_poll(). */
void mr_probe_drain(struct mr_probe *probe);

/** Stop threads, close destinations and ports. The counters stay readable until mr_probe_free(). */
void mr_probe_down(struct mr_probe *probe);
void mr_probe_free(struct mr_probe *probe);

/** Counters of all roles and the losses of the ports; the account from them. */
void mr_probe_counters(const struct mr_probe *probe, uint64_t ret_sum[MR_C_MAX],
		       struct mr_account *ret_account);

/** Live flow records now. */
uint64_t mr_probe_flows(const struct mr_probe *probe);
