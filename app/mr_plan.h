/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "base/mr_err.h"
#include "config/mr_config.h"

#define MR_PLAN_CPUS_MAX 128

/** Which role runs on which CPU. -1: floats over all allowed CPUs. */
struct mr_plan {
	int main_cpu; /* control; lcore 0 */
	int exporter_cpu;
	int worker_cpu[MR_PLAN_CPUS_MAX]; /* worker i is lcore 1 + i unless it shares lcore 0 */
	unsigned n_workers;
	bool exporter_alone; /* has its own lcore, the last one */
	bool all_on_main;    /* one CPU: workers, exporter and control take turns on lcore 0 */
};

/**
 * Lay the roles out: as configured, or a worker for every CPU that is left beside control and exporter.
 * Errors: -EINVAL for CPUs that this process may not use or that two busy roles would share without leave.
 */
int mr_plan_make(const struct mr_config_cores *cores, struct mr_plan *ret_plan, struct mr_err *err);

/** The layout with NUMA nodes, one line a role. */
void mr_plan_print(const struct mr_plan *plan, FILE *out);
