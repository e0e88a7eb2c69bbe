/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_time.h"

#include "base/mr_log.h"

MR_LOG_REGISTER(time);

#define SLEW_NS (500 * MR_NS_PER_US) /* per call: at one call a second time goes on at 99.95 % at least */
#define STEP_NS MR_NS_PER_S

uint64_t mr_time_offset_ns;

void mr_time_discipline(void)
{
	uint64_t wanted = mr_clock_wall_ns() - mr_clock_mono_ns();
	uint64_t now = mr_time_offset_ns;
	int64_t behind = (int64_t)(wanted - now);

	if (now != 0 && behind > (int64_t)STEP_NS)
		mr_log_warning("the system clock stepped forward by %lld ms, flow times follow",
			       (long long)behind / (long long)MR_NS_PER_MS);
	if (now != 0 && behind < -(int64_t)SLEW_NS)
		wanted = now - SLEW_NS;
	__atomic_store_n(&mr_time_offset_ns, wanted, __ATOMIC_RELAXED);
}
