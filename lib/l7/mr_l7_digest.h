/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @file Digests for fingerprints and key derivation. No allocation. Thread: any. */

#define MR_L7_MD5_OCTETS    16u
#define MR_L7_SHA1_OCTETS   20u
#define MR_L7_SHA256_OCTETS 32u

void mr_l7_sha1(const void *data, size_t len, uint8_t ret_digest[MR_L7_SHA1_OCTETS]);
void mr_l7_sha256(const void *data, size_t len, uint8_t ret_digest[MR_L7_SHA256_OCTETS]);

/** MD5 in hex, no end mark: what JA3 and HASSH are. */
void mr_l7_md5_hex(const void *data, size_t len, char ret_text[2 * MR_L7_MD5_OCTETS]);

/** Lower-case hex, 2 * @p len characters, no end mark. */
void mr_l7_hex(const uint8_t *data, size_t len, char *ret_text);

#ifdef __cplusplus
}
#endif
