/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "base/mr_counter.h"
#include "base/mr_err.h"
#include "ipfix/mr_ipfix_exporter.h"

/** The loss account with every reason that occurred, for a person. */
void mr_report_account(const uint64_t sum[MR_C_MAX], const struct mr_account *account, FILE *out);

/** One line a collector or file: what it took and what it did not. */
void mr_report_collectors(const struct mr_ipfix_collector_stats *stats, unsigned n, FILE *out);

/** {"version", "account": {...}, "counters": {...}, "collectors": [...]} to a file. */
int mr_report_json(const char *path, const uint64_t sum[MR_C_MAX], const struct mr_account *account,
		   const struct mr_ipfix_collector_stats *stats, unsigned n, struct mr_err *err);
