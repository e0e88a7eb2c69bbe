/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_plan.h"

#include <sched.h>
#include <string.h>

#include <numa.h>

#define EXPORTER_ALONE_FROM 4 /* workers: beyond, one core for control and export is too little */

struct cpus {
	int v[MR_PLAN_CPUS_MAX];
	unsigned n;
};

static int allowed_cpus(struct cpus *ret, struct mr_err *err)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return mr_err_set(err, errno, "cannot read the CPU affinity: %s", strerror(errno));
	ret->n = 0;
	for (int c = 0; c < CPU_SETSIZE && ret->n < MR_PLAN_CPUS_MAX; c++)
		if (CPU_ISSET(c, &set))
			ret->v[ret->n++] = c;
	return 0;
}

static bool has(const struct cpus *cpus, int cpu)
{
	for (unsigned i = 0; i < cpus->n; i++)
		if (cpus->v[i] == cpu)
			return true;
	return false;
}

static int check_cpu(const struct cpus *allowed, const char *key, int cpu, struct mr_err *err)
{
	if (cpu == MR_CONFIG_CPU_AUTO || has(allowed, cpu))
		return 0;
	return mr_err_set(err, EINVAL,
			  "cores.%s: CPU %d does not exist or is not allowed to this process (see "
			  "`taskset -p $$` and `lscpu -e`)",
			  key, cpu);
}

static int check_all(const struct mr_config_cores *cores, const struct cpus *allowed, struct mr_err *err)
{
	int rc = check_cpu(allowed, "main", cores->main, err);

	if (rc == 0)
		rc = check_cpu(allowed, "exporter", cores->exporter, err);
	for (unsigned i = 0; rc == 0 && i < cores->workers.n; i++)
		rc = check_cpu(allowed, "workers", cores->workers.v[i], err);
	return rc;
}

static int first_other(const struct cpus *allowed, const struct mr_config_cores *cores)
{
	for (unsigned i = 0; i < allowed->n; i++) {
		bool taken = false;

		for (unsigned w = 0; w < cores->workers.n; w++)
			taken |= cores->workers.v[w] == allowed->v[i];
		if (!taken)
			return allowed->v[i];
	}
	return allowed->v[0];
}

static void give_workers(const struct mr_config_cores *cores, const struct cpus *allowed,
			 struct mr_plan *plan)
{
	unsigned want = cores->worker_count;

	if (cores->workers.n != 0) {
		for (unsigned i = 0; i < cores->workers.n; i++)
			plan->worker_cpu[plan->n_workers++] = cores->workers.v[i];
		return;
	}
	for (unsigned i = 0; i < allowed->n && (want == 0 || plan->n_workers < want); i++)
		if (allowed->v[i] != plan->main_cpu && allowed->v[i] != plan->exporter_cpu)
			plan->worker_cpu[plan->n_workers++] = allowed->v[i];
	if (plan->n_workers == 0)
		plan->worker_cpu[plan->n_workers++] = plan->main_cpu;
}

int mr_plan_make(const struct mr_config_cores *cores, struct mr_plan *ret_plan, struct mr_err *err)
{
	struct mr_plan plan = { 0 };
	struct cpus allowed = { .n = 0 };
	int rc = allowed_cpus(&allowed, err);

	if (rc == 0)
		rc = check_all(cores, &allowed, err);
	if (rc < 0)
		return rc;
	plan.main_cpu = cores->main != MR_CONFIG_CPU_AUTO ? cores->main : first_other(&allowed, cores);
	plan.exporter_cpu = cores->exporter != MR_CONFIG_CPU_AUTO ? cores->exporter : plan.main_cpu;
	if (cores->exporter == MR_CONFIG_CPU_AUTO && cores->workers.n == 0 &&
	    allowed.n > EXPORTER_ALONE_FROM + 2)
		for (unsigned i = 0; i < allowed.n; i++)
			if (allowed.v[i] != plan.main_cpu) {
				plan.exporter_cpu = allowed.v[i];
				break;
			}
	give_workers(cores, &allowed, &plan);
	if (cores->worker_count > plan.n_workers)
		return mr_err_set(err, EINVAL,
				  "cores.worker_count is %u but only %u CPUs are left for workers",
				  cores->worker_count, plan.n_workers);
	for (unsigned i = 0; i < plan.n_workers; i++)
		if (plan.worker_cpu[i] == plan.main_cpu || plan.worker_cpu[i] == plan.exporter_cpu) {
			if (plan.n_workers > 1 || cores->allow_shared == MR_CONFIG_NO)
				return mr_err_set(
					err, EINVAL,
					"CPU %d would run a worker beside control or export: give workers "
					"CPUs of their own (cores.workers), or one worker only",
					plan.worker_cpu[i]);
			plan.all_on_main = true;
			plan.exporter_cpu = plan.main_cpu;
		}
	plan.exporter_alone = plan.exporter_cpu != plan.main_cpu;
	*ret_plan = plan;
	return 0;
}

static int node_of(int cpu)
{
	return cpu < 0 || numa_available() < 0 ? -1 : numa_node_of_cpu(cpu);
}

void mr_plan_print(const struct mr_plan *plan, FILE *out)
{
	fprintf(out, "core plan: control on CPU %d", plan->main_cpu);
	fprintf(out, ", exporter on CPU %d%s", plan->exporter_cpu, plan->exporter_alone ? "" : " (shared)");
	fprintf(out, ", %u worker%s on CPU", plan->n_workers, plan->n_workers == 1 ? "" : "s");
	for (unsigned i = 0; i < plan->n_workers; i++)
		fprintf(out, " %d", plan->worker_cpu[i]);
	fprintf(out, "%s; NUMA node %d\n", plan->all_on_main ? " (one CPU for all)" : "",
		node_of(plan->main_cpu));
}
