/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_err.h"

#define MR_EAL_LCORES_MAX 128

/** How to start DPDK's environment. lcore i runs on cpu[i], or floats over all allowed CPUs when that is -1.
 */
struct mr_eal_conf {
	int cpu[MR_EAL_LCORES_MAX];
	unsigned n_lcores; /* lcore 0 is the calling thread */
	bool hugepages;
	bool pci;	    /* look for NICs */
	unsigned memory_mb; /* without hugepages: what pools and rings need; with: 0 */
};

/** Once per process. Thread: main. */
int mr_eal_start(const struct mr_eal_conf *conf, struct mr_err *err);
void mr_eal_stop(void);

/** Memory that the kernel can give without swapping, octets; UINT64_MAX when it doesn't say. */
uint64_t mr_eal_available_memory(void);

/** Free hugepages of all sizes, octets. */
uint64_t mr_eal_free_hugepages(void);
