/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/mr_counter.h"
#include "flow/mr_flow_rec.h"

/**
 * @file
 * What a person wants to read after `millrace read`: totals, protocols, top talkers. Bounded memory: hosts
 * beyond MR_SUMMARY_HOSTS are added up as "others". Thread: the exporter's, then control's.
 */

#define MR_SUMMARY_HOSTS 65536

struct mr_summary;

struct mr_summary *mr_summary_new(void);
void mr_summary_free(struct mr_summary *s);
void mr_summary_add(struct mr_summary *s, const struct mr_flow_rec *rec);
/** @param elapsed_ns  wall time of the run, for the throughput */
void mr_summary_print(const struct mr_summary *s, const uint64_t counters[MR_C_MAX], uint64_t elapsed_ns,
		      FILE *out);
