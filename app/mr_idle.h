/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "app/mr_power.h"
#include "app/mr_worker.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The worker's loop with `power: save`: the rules of mr_power.h carried out by receive interrupts where all
 * its ports have them, else by sleeping. Ageing goes on, every MR_POWER_WOKEN_MAX_NS at least.
 */

/** Poll, and rest between, until the worker is done. Thread: the worker's. */
void mr_idle_run(struct mr_worker *w);

#ifdef __cplusplus
}
#endif
