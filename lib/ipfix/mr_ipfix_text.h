/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Text from the wire as UTF-8. A string element must not carry anything else (RFC 7011 section 6.1.6), so
 * each octet that isn't part of a character becomes U+FFFD, as in JSON.
 */

/** Octets of the character at @p s, 0 when it isn't one (RFC 3629: no overlong form, no surrogate). @p left
 * >= 1 */
size_t mr_ipfix_utf8_len(const uint8_t *s, size_t left);

/** Octets of the text as it is exported: up to three times @p len. */
size_t mr_ipfix_text_len(const void *text, size_t len);

/** The same, with the last characters left out that don't fit in @p max. */
size_t mr_ipfix_text_fit(const void *text, size_t len, size_t max);

/** Write these octets to @p p. Returns how many. */
size_t mr_ipfix_text_copy(uint8_t *p, const void *text, size_t len, size_t max);

#ifdef __cplusplus
}
#endif
