/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#include "base/mr_buf.h"
#include "flow/mr_flow_detail.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Append what a record has beyond its counters as `,"key":value` ... Keys: docs/fields.md.
 * @param tcp  the flow is TCP
 * @param dir  the direction of the record that is written as forward
 */
void mr_flow_json_detail_put(struct mr_wbuf *w, const struct mr_flow_detail *d, bool tcp, unsigned dir);

#ifdef __cplusplus
}
#endif
