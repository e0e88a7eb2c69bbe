/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Digests of OpenSSL for fingerprints and key derivation. Each thread makes one context a digest at its first use
 * and keeps it until it ends: after that nothing is allocated.
 */

enum mr_l7_digest {
	MR_L7_MD5,
	MR_L7_SHA1,
	MR_L7_SHA256,
	MR_L7_DIGEST_MAX
};

#define MR_L7_MD5_OCTETS    16u
#define MR_L7_SHA1_OCTETS   20u
#define MR_L7_SHA256_OCTETS 32u

/** @return false when OpenSSL refuses (no memory, or MD5 where only FIPS digests are allowed); nothing written then */
bool mr_l7_digest(enum mr_l7_digest which, const void *data, size_t len, uint8_t *ret_digest);

/** Lower-case hex, 2 * @p len characters, no end mark. */
void mr_l7_hex(const uint8_t *data, size_t len, char *ret_text);

/** MD5 in hex: what JA3 and HASSH are. */
bool mr_l7_md5_hex(const void *data, size_t len, char ret_text[2 * MR_L7_MD5_OCTETS]);

#ifdef __cplusplus
}
#endif
