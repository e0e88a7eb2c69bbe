/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "flow/mr_flow_detail.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @file The details of one worker: taken by it, given back by whoever took the record. No DPDK. */

struct mr_flow_details {
	struct mr_flow_detail *memory;
	uint32_t max;
	uint32_t fresh; /* those from here on were never in use */
	struct mr_flow_detail *unused;
	uint64_t taken; /* in all; written by the worker */
	/* what other threads write has a line of its own */
	struct mr_flow_detail *returned __attribute__((aligned(64)));
	uint64_t given_back; /* in all */
};

/** @param memory  64 octet aligned, for @p max details; borrowed */
void mr_flow_details_init(struct mr_flow_details *d, struct mr_flow_detail *memory, uint32_t max);

/** Zeroed but for its home; NULL: all are in use. Thread: the worker. */
struct mr_flow_detail *mr_flow_details_get(struct mr_flow_details *d);

/** Details in use. Any thread; a moment's figure. */
uint64_t mr_flow_details_used(const struct mr_flow_details *d);

#ifdef __cplusplus
}
#endif
