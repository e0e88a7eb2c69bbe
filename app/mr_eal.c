/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_eal.h"

#include <dirent.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "base/mr_log.h"

#define HUGEPAGES_DIR "/sys/kernel/mm/hugepages"
#define ARGS_MAX      24

struct args {
	char *v[ARGS_MAX];
	int n;
};

static void add(struct args *a, const char *arg)
{
	if (a->n < ARGS_MAX - 1)
		a->v[a->n++] = strdup(arg);
}

/* "0@2,1@3" or, floating, "0@(0-1)" with all CPUs that this process may use. */
static int lcores(const struct mr_eal_conf *conf, char *out, size_t size)
{
	char all[512] = "";
	size_t at = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return -errno;
	for (int c = 0; c < CPU_SETSIZE && strlen(all) < sizeof(all) - 8; c++)
		if (CPU_ISSET(c, &set))
			snprintf(all + strlen(all), sizeof(all) - strlen(all), "%s%d",
				 all[0] == '\0' ? "" : ",", c);
	for (unsigned i = 0; i < conf->n_lcores && at < size; i++) {
		int n = conf->cpu[i] < 0
				? snprintf(out + at, size - at, "%s%u@(%s)", i == 0 ? "" : ",", i, all)
				: snprintf(out + at, size - at, "%s%u@%d", i == 0 ? "" : ",", i,
					   conf->cpu[i]);

		at += n < 0 ? size : (size_t)n;
	}
	return at < size ? 0 : -E2BIG;
}

int mr_eal_start(const struct mr_eal_conf *conf, struct mr_err *err)
{
	static char map[16384];
	char number[32];
	struct args a = { 0 };
	int rc = lcores(conf, map, sizeof(map));

	if (rc < 0)
		return mr_err_set(err, -rc, "cannot lay out %u lcores", conf->n_lcores);
	add(&a, "millrace");
	add(&a, "--lcores");
	add(&a, map);
	add(&a, "--in-memory"); /* no files left behind, several probes on one host */
	add(&a, "--no-telemetry");
	add(&a, mr_log_level_get() >= MR_LOG_DEBUG ? "--log-level=*:info" : "--log-level=*:critical");
	if (!conf->pci)
		add(&a, "--no-pci");
	if (!conf->hugepages) {
		free(a.v[3]);
		a.v[3] = strdup("--no-huge"); /* refuses --in-memory */
		add(&a, "--no-shconf");
		snprintf(number, sizeof(number), "%u", conf->memory_mb);
		add(&a, "-m");
		add(&a, number);
	}
	rc = rte_eal_init(a.n, a.v);
	/* EAL keeps pointers into its arguments, so they stay */
	if (rc >= 0)
		return 0;
	return mr_err_set(err, rte_errno == 0 ? EIO : rte_errno, "DPDK did not start: %s%s",
			  rte_strerror(rte_errno),
			  geteuid() == 0    ? "; run with -v for its own messages"
			  : conf->hugepages ? "; hugepages and NICs need root (or CAP_IPC_LOCK and access to "
					      "/dev/hugepages and /dev/vfio)"
					    : "");
}

void mr_eal_stop(void)
{
	rte_eal_cleanup();
}

static uint64_t read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned long long n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%llu", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

uint64_t mr_eal_free_hugepages(void)
{
	DIR *dir = opendir(HUGEPAGES_DIR);
	struct dirent *e;
	uint64_t sum = 0;

	if (dir == NULL)
		return 0;
	while ((e = readdir(dir)) != NULL) {
		char path[512];
		unsigned long kb;

		if (sscanf(e->d_name, "hugepages-%lukB", &kb) != 1)
			continue;
		snprintf(path, sizeof(path), HUGEPAGES_DIR "/%s/free_hugepages", e->d_name);
		sum += read_number(path) * kb * 1024;
	}
	closedir(dir);
	return sum;
}

uint64_t mr_eal_available_memory(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	uint64_t octets = UINT64_MAX;
	unsigned long kb;
	char line[128];

	if (f == NULL)
		return octets;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "MemAvailable: %lu kB", &kb) == 1)
			octets = (uint64_t)kb * 1024;
	fclose(f);
	return octets;
}
