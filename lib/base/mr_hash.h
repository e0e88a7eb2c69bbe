/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Keyed hash for tables which strangers fill. Folded 64 x 64 bit multiplication with secret words: unlike CRC
 * or Toeplitz it isn't linear, so nobody who doesn't know the seed can aim collisions. Not for signatures.
 */

struct mr_hash_seed {
	uint64_t s[4];
};

/** A seed from the kernel's random source; -errno when that fails. */
int mr_hash_seed_random(struct mr_hash_seed *ret_seed);

/** A seed that is a function of @p n only: for tests, and for names which must not depend on the run. */
struct mr_hash_seed mr_hash_seed_fixed(uint64_t n);

static inline uint64_t mr_hash_fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/** Hash of three words. */
static inline uint64_t mr_hash_3(const struct mr_hash_seed *seed, uint64_t a, uint64_t b, uint64_t c)
{
	uint64_t h = mr_hash_fold(a ^ seed->s[0], b ^ seed->s[1]);

	return mr_hash_fold(h ^ seed->s[2], c ^ seed->s[3]);
}

/** One word from four, for folding IPv6 addresses before mr_hash_3(). */
static inline uint64_t mr_hash_4to1(const struct mr_hash_seed *seed, const uint64_t w[4])
{
	return mr_hash_fold(w[0] ^ seed->s[1], w[1] ^ seed->s[2]) ^
	       __builtin_bswap64(mr_hash_fold(w[2] ^ seed->s[3], w[3] ^ seed->s[0]));
}

#ifdef __cplusplus
}
#endif
