/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "flow/mr_flow_rec.h"
#include "ipfix/mr_ipfix_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * A flow record as one JSON object: the fields of IPFIX profile full under their IANA names, times as RFC
 * 3339 with nine digits. Left out: what says nothing about this flow (no VLAN, TCP fields of a UDP flow,
 * ...), and the millisecond times, which the nanosecond ones repeat. Details follow under the names of
 * docs/fields.md.
 */

#define MR_FLOW_JSON_PLAIN_MAX 2048 /* no record without details needs more */
/* with them: a chain of values has at most UINT16_MAX octets, the worst of them becomes 6; keys, TCP and
 * tunnels */
#define MR_FLOW_JSON_MAX     (MR_FLOW_JSON_PLAIN_MAX + 6 * 65536 + 16384)
#define MR_FLOW_JSON_KEY_MAX 64

struct mr_flow_json {
	uint64_t observation_point;
	struct mr_ipfix_layout layout[MR_IPFIX_LAYOUTS_MAX];
	/* of each field, ready to print: `"name":` */
	uint8_t key_len[MR_IPFIX_LAYOUTS_MAX][MR_IPFIX_LAYOUT_FIELDS_MAX];
	char key[MR_IPFIX_LAYOUTS_MAX][MR_IPFIX_LAYOUT_FIELDS_MAX][MR_FLOW_JSON_KEY_MAX];
};

void mr_flow_json_init(struct mr_flow_json *json, uint64_t observation_point);

/** Append one object, no newline. Thread: any, @p json is only read. */
void mr_flow_json_put(const struct mr_flow_json *json, const struct mr_flow_rec *rec, struct mr_wbuf *w);

#ifdef __cplusplus
}
#endif
