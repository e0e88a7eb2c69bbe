/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_clock.h"

/* Digits by hand: this is done for every time of every record that is printed, and snprintf() takes ten times as
 * long. */
static char *put_digits(char *p, unsigned value, unsigned n)
{
	for (unsigned i = n; i > 0; i--, value /= 10)
		p[i - 1] = (char)('0' + value % 10);
	return p + n;
}

char *mr_clock_format(uint64_t utc_ns, char buf[MR_CLOCK_TEXT_MAX])
{
	time_t s = (time_t)(utc_ns / MR_NS_PER_S);
	struct tm tm;
	char *p = buf;

	gmtime_r(&s, &tm);
	p = put_digits(p, (unsigned)(tm.tm_year + 1900), 4);
	*p++ = '-';
	p = put_digits(p, (unsigned)(tm.tm_mon + 1), 2);
	*p++ = '-';
	p = put_digits(p, (unsigned)tm.tm_mday, 2);
	*p++ = 'T';
	p = put_digits(p, (unsigned)tm.tm_hour, 2);
	*p++ = ':';
	p = put_digits(p, (unsigned)tm.tm_min, 2);
	*p++ = ':';
	p = put_digits(p, (unsigned)tm.tm_sec, 2);
	*p++ = '.';
	p = put_digits(p, (unsigned)(utc_ns % MR_NS_PER_S), 9);
	*p++ = 'Z';
	*p = '\0';
	return buf;
}
