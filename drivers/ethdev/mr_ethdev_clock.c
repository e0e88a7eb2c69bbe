/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ethdev/mr_ethdev_clock.h"

#include <stdlib.h>

#include "base/mr_clock.h"

#define STEP_NS	      (10 * (int64_t)MR_NS_PER_MS) /* error above which time steps instead of bending */
#define SAMPLE_MIN_NS (100 * (int64_t)MR_NS_PER_MS)

void mr_ethdev_clock_init(struct mr_ethdev_clock *clock, uint64_t ticks, uint64_t utc_ns, double ns_per_tick)
{
	*clock = (struct mr_ethdev_clock){ ticks, utc_ns, ticks, utc_ns, ns_per_tick };
}

void mr_ethdev_clock_sample(struct mr_ethdev_clock *clock, uint64_t ticks, uint64_t utc_ns)
{
	uint64_t predicted_ns = mr_ethdev_clock_utc(clock, ticks);
	int64_t error_ns = (int64_t)(utc_ns - predicted_ns);
	int64_t passed_ns = (int64_t)(utc_ns - clock->sample_utc_ns);
	double passed_ticks = (double)(int64_t)(ticks - clock->sample_ticks);
	double rate;

	if (llabs(error_ns) > STEP_NS) { /* one of the two was set: keep the rate, take the new time */
		mr_ethdev_clock_init(clock, ticks, utc_ns, clock->ns_per_tick);
		return;
	}
	if (passed_ns < SAMPLE_MIN_NS || passed_ticks <= 0)
		return;
	rate = (double)passed_ns / passed_ticks;
	*clock = (struct mr_ethdev_clock){
		.base_ticks = ticks,
		.base_utc_ns = predicted_ns, /* no jump here; the error goes away during the next interval */
		.sample_ticks = ticks,
		.sample_utc_ns = utc_ns,
		.ns_per_tick = rate * (1.0 + (double)error_ns / (double)passed_ns),
	};
}
