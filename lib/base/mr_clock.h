/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The only clock reads of the program outside of a capture's own time. All times are nanoseconds.
 * Everything below lib/base takes `now_ns` as an argument.
 */

#define MR_NS_PER_S  UINT64_C(1000000000)
#define MR_NS_PER_MS UINT64_C(1000000)
#define MR_NS_PER_US UINT64_C(1000)

static inline uint64_t mr_clock_read(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * MR_NS_PER_S + (uint64_t)ts.tv_nsec;
}

/** Monotonic time, ns since some point before start. */
static inline uint64_t mr_clock_mono_ns(void)
{
	return mr_clock_read(CLOCK_MONOTONIC);
}

/** Wall clock, ns since 1970 UTC; may step, so never subtract two of them to get a duration. */
static inline uint64_t mr_clock_wall_ns(void)
{
	return mr_clock_read(CLOCK_REALTIME);
}

#define MR_CLOCK_TEXT_MAX 32

/** RFC 3339 in UTC with nine digits of fraction, e.g. 2026-01-02T03:04:05.000000006Z. Returns @p buf. */
char *mr_clock_format(uint64_t utc_ns, char buf[MR_CLOCK_TEXT_MAX]);

#ifdef __cplusplus
}
#endif
