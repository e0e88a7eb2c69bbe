/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * When a worker that finds no packets rests, and for how long: the rules alone, without clock or device.
 *
 * After MR_POWER_SPIN empty polls the worker waits. Ports that can wake it are armed first and polled once
 * more, so that a frame which came in between is not slept over. Others are slept over: shortly at first,
 * then twice as long each time, up to what the shortest receive ring holds. Any packet brings it back to
 * polling.
 */

#define MR_POWER_SPIN	       256 /* empty polls: more than lie between two packets at 100 kpps */
#define MR_POWER_SLEEP_MIN_NS  10000
#define MR_POWER_SLEEP_MAX_NS  1000000	/* saves all there is to save; ageing is due every few ms */
#define MR_POWER_WOKEN_MAX_NS  10000000 /* with ports that wake: for ageing and control only */
#define MR_POWER_ASSUMED_PPS   1000000	/* that a queue may get while its worker sleeps */
#define MR_POWER_RING_FRACTION 4 /* of a ring that a sleep may fill: timers and schedulers are late too */

enum mr_power_act {
	MR_POWER_POLL, /* at once */
	MR_POWER_ARM,  /* ask the ports to wake us, then poll */
	MR_POWER_WAIT, /* mr_power.wait_ns, or until woken, then poll */
};

struct mr_power {
	uint32_t limit_ns; /* longest wait */
	uint32_t wait_ns;  /* of MR_POWER_WAIT; the last one */
	uint32_t empty;	   /* polls in a row, up to MR_POWER_SPIN */
	bool wakes;	   /* all ports wake us */
	bool armed;	   /* by the last step */
};

/** @param ring_pkts  the shortest receive ring, 0: no ring that could overflow */
struct mr_power mr_power_new(uint32_t ring_pkts, bool wakes);

/** What to do after a poll that had something to do or not. */
enum mr_power_act mr_power_step(struct mr_power *p, bool busy);

#ifdef __cplusplus
}
#endif
