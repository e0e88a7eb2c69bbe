/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_clock.h"

#include <stdio.h>

char *mr_clock_format(uint64_t utc_ns, char buf[MR_CLOCK_TEXT_MAX])
{
	time_t s = (time_t)(utc_ns / MR_NS_PER_S);
	struct tm tm;

	gmtime_r(&s, &tm);
	snprintf(buf, MR_CLOCK_TEXT_MAX, "%04u-%02u-%02uT%02u:%02u:%02u.%09uZ", (unsigned)(tm.tm_year + 1900) % 10000,
		 (unsigned)(tm.tm_mon + 1) % 100, (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		 (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100, (unsigned)(utc_ns % MR_NS_PER_S));
	return buf;
}
