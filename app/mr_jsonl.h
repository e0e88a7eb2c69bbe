/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_err.h"
#include "flow/mr_flow_rec.h"

/**
 * @file
 * flows.jsonl: one JSON object a record (docs/formats.md). Written beside its final name and renamed at
 * close, so that a file with that name is always whole. Thread: the exporter's.
 */

struct mr_jsonl;

int mr_jsonl_open(const char *path, uint64_t observation_point, struct mr_jsonl **ret_jsonl,
		  struct mr_err *err);

/** Errors: -errno of the first failed write; nothing more is written then. */
int mr_jsonl_put(struct mr_jsonl *jsonl, const struct mr_flow_rec *rec);

/** Finish and rename; without @p keep and on an earlier or new error the file is removed. NULL is fine. */
int mr_jsonl_close(struct mr_jsonl *jsonl, bool keep, struct mr_err *err);
