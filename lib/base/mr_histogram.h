/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * How values are spread, in buckets of eight to an octave: a value is known to an eighth, the values below 16
 * exactly. Takes any uint64_t, has no limit to set and no memory to give.
 *
 * Thread: one writer, as with counters; readers take a copy by mr_histogram_read() any time.
 */

#define MR_HISTOGRAM_STEP_BITS 3
#define MR_HISTOGRAM_BUCKETS   ((64 - MR_HISTOGRAM_STEP_BITS + 1) << MR_HISTOGRAM_STEP_BITS)

/** All zeros is empty. */
struct mr_histogram {
	uint64_t count[MR_HISTOGRAM_BUCKETS];
};

static inline unsigned mr_histogram_bucket(uint64_t value)
{
	unsigned shift;

	if (value < 1u << MR_HISTOGRAM_STEP_BITS)
		return (unsigned)value;
	shift = 63 - (unsigned)__builtin_clzll(value) - MR_HISTOGRAM_STEP_BITS;
	return (shift << MR_HISTOGRAM_STEP_BITS) + (unsigned)(value >> shift);
}

/** Only by the histogram's writer. */
static inline void mr_histogram_add(struct mr_histogram *h, uint64_t value)
{
	uint64_t *count = &h->count[mr_histogram_bucket(value)];

	__atomic_store_n(count, __atomic_load_n(count, __ATOMIC_RELAXED) + 1, __ATOMIC_RELAXED);
}

/** The highest value that falls into the bucket. */
uint64_t mr_histogram_bucket_top(unsigned bucket);

/** A copy while the writer goes on. Any thread. */
void mr_histogram_read(const struct mr_histogram *h, struct mr_histogram *ret_copy);

/** Take off what was there before: @p before is an earlier copy of the same histogram. */
void mr_histogram_subtract(struct mr_histogram *h, const struct mr_histogram *before);

uint64_t mr_histogram_total(const struct mr_histogram *h);

/**
 * A value that @p share (0 .. 1) of the values don't exceed, up to an eighth too high; 1 gives the maximum.
 * 0 when empty.
 */
uint64_t mr_histogram_quantile(const struct mr_histogram *h, double share);

#ifdef __cplusplus
}
#endif
