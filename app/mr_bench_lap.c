/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "app/mr_bench.h"
#include "base/mr_clock.h"

struct mr_bench_lap mr_bench_lap(const struct mr_bench_effort *effort, mr_bench_chunk_fn chunk, void *ctx)
{
	uint64_t cpu_ns = mr_clock_read(CLOCK_THREAD_CPUTIME_ID), wall_ns = mr_clock_mono_ns();
	uint64_t heard_ns = wall_ns, now_ns;
	struct mr_bench_lap lap = { 0 };

	do {
		uint64_t items = chunk(ctx);

		lap.items += items;
		lap.cpu_ns = mr_clock_read(CLOCK_THREAD_CPUTIME_ID) - cpu_ns;
		now_ns = mr_clock_mono_ns();
		heard_ns = items != 0 ? now_ns : heard_ns;
	} while (now_ns - heard_ns < MR_BENCH_SILENCE_NS &&
		 (effort->packets != 0 ? lap.items < effort->packets : lap.cpu_ns < effort->measure_ns));
	lap.wall_ns = now_ns - wall_ns;
	return lap;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double mr_bench_median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}
