/* SPDX-License-Identifier: Apache-2.0 */
/* The capture reader over any octets: every packet lies inside what was given, and the count is the status's. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "drivers/replay/mr_capture.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink; /* so that octets are really read */

static void check(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mr_capture_packet pkts[8];
	struct mr_capture_status status;
	struct mr_capture *c;
	struct mr_err err = { "" };
	uint64_t total = 0;
	uint32_t n;

	if (mr_capture_open_memory("fuzz", data, size, &c, &err) != 0) {
		check(err.msg[0] != '\0');
		return 0;
	}
	while ((n = mr_capture_read(c, pkts, 8)) != 0) {
		for (uint32_t i = 0; i < n; i++) {
			check(pkts[i].wire_len >= pkts[i].cap_len && pkts[i].link < MR_LINK_MAX);
			check(pkts[i].time_ns <= INT64_MAX);
			/* a sanitizer tells when this isn't readable */
			for (uint32_t k = 0; k < pkts[i].cap_len; k++)
				sink ^= pkts[i].data[k];
		}
		total += n;
	}
	status = mr_capture_get_status(c, 0);
	check(status.end != MR_CAPTURE_OPEN && status.packets == total);
	check((mr_capture_verdict(c, &err) == 0) == (status.end == MR_CAPTURE_WHOLE));
	mr_capture_close(c);
	return 0;
}
