/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Ticks of a NIC to UTC: a line through the last sample, bent so that the next sample finds no error. */
struct mr_ethdev_clock {
	uint64_t base_ticks;
	uint64_t base_utc_ns;  /* what base_ticks was translated to */
	uint64_t sample_ticks; /* the last sample as it was read */
	uint64_t sample_utc_ns;
	double ns_per_tick;
};

void mr_ethdev_clock_init(struct mr_ethdev_clock *clock, uint64_t ticks, uint64_t utc_ns, double ns_per_tick);

/** A pair read at the same moment, about once a second. Steps when the two are apart by more than 10 ms. */
void mr_ethdev_clock_sample(struct mr_ethdev_clock *clock, uint64_t ticks, uint64_t utc_ns);

static inline uint64_t mr_ethdev_clock_utc(const struct mr_ethdev_clock *clock, uint64_t ticks)
{
	return clock->base_utc_ns +
	       (uint64_t)(int64_t)((double)(int64_t)(ticks - clock->base_ticks) * clock->ns_per_tick);
}

#ifdef __cplusplus
}
#endif
