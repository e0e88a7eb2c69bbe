/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "ipfix/mr_ipfix_ie.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Values as they stand on the wire, read by type. Reduced-size encoding (RFC 7011 section 6.2) is understood
 * everywhere. A length that the type can't have gives false, and text becomes hexadecimal.
 */

bool mr_ipfix_value_u64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, uint64_t *ret);
bool mr_ipfix_value_s64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, int64_t *ret);
bool mr_ipfix_value_f64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, double *ret);

/** The four date types; ns UTC. */
bool mr_ipfix_value_time_ns(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, uint64_t *ret);

/**
 * Append the value as JSON: numbers, true and false; text for times (RFC 3339, nine digits), addresses, MACs
 * and strings (invalid UTF-8 replaced by U+FFFD, trailing NULs cut off); hexadecimal text for octets, lists
 * and whatever has no element (@p ie NULL). A 64-bit identifier is decimal text: JSON readers that use
 * doubles or signed integers would damage it.
 */
void mr_ipfix_value_json(struct mr_wbuf *w, const struct mr_ipfix_ie *ie, const uint8_t *data, uint16_t len);

/** Append text as a JSON string, quotes included. */
void mr_ipfix_json_string(struct mr_wbuf *w, const char *text, size_t len);

/** Append `"name":` for an element, `"name_2":` when @p nth is 2. @param ie  of mr_ipfix_ie_find(), may be
 * NULL */
void mr_ipfix_json_key(struct mr_wbuf *w, uint32_t pen, uint16_t id, unsigned nth,
		       const struct mr_ipfix_ie *ie);

/** Append a NUL-terminated literal as it is. */
void mr_ipfix_json_raw(struct mr_wbuf *w, const char *text);

/** Append a decimal number. */
void mr_ipfix_json_u64(struct mr_wbuf *w, uint64_t v);

#ifdef __cplusplus
}
#endif
