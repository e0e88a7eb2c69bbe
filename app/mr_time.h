/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/mr_clock.h"

/**
 * @file
 * The probe's idea of UTC for live traffic: the monotonic clock plus an offset, so that it never goes back.
 * Control corrects the offset once a second (mr_time_discipline()): forward at once, backward by slewing.
 */

extern uint64_t mr_time_offset_ns;

static inline uint64_t mr_time_utc_ns(void)
{
	return mr_clock_mono_ns() + __atomic_load_n(&mr_time_offset_ns, __ATOMIC_RELAXED);
}

/** Control thread: first before any worker starts, then about once a second. */
void mr_time_discipline(void);
