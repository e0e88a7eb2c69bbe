/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/mr_clock.h"

/* Time and cycles of a piece of a benchmark. Cycles are those of the time-stamp counter, 0 without one. */

struct mr_bench_time {
	uint64_t ns;
	uint64_t cycles;
};

static inline uint64_t mr_bench_cycles(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static inline struct mr_bench_time mr_bench_now(void)
{
	return (struct mr_bench_time){ .ns = mr_clock_mono_ns(), .cycles = mr_bench_cycles() };
}

/* Keeps the better of @p best (zero: none yet) and what passed since @p start. */
static inline void mr_bench_best(struct mr_bench_time *best, struct mr_bench_time start)
{
	struct mr_bench_time now = mr_bench_now();

	if (best->ns == 0 || now.ns - start.ns < best->ns)
		*best = (struct mr_bench_time){ .ns = now.ns - start.ns,
						.cycles = now.cycles - start.cycles };
}

static inline void mr_bench_print(const char *name, struct mr_bench_time best, double items)
{
	printf("%-24s %8.2f ns %8.1f cycles\n", name, (double)best.ns / items, (double)best.cycles / items);
}
