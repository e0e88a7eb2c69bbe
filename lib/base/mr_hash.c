/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_hash.h"

#include <errno.h>
#include <sys/random.h>

/* A multiplier near zero or with few bits folds badly. */
static uint64_t spread(uint64_t x)
{
	return x | 1ULL << 63 | 1;
}

int mr_hash_seed_random(struct mr_hash_seed *ret_seed)
{
	struct mr_hash_seed seed;

	if (getrandom(&seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		return -errno;
	for (int i = 0; i < 4; i++)
		seed.s[i] = spread(seed.s[i]);
	*ret_seed = seed;
	return 0;
}

struct mr_hash_seed mr_hash_seed_fixed(uint64_t n)
{
	struct mr_hash_seed seed;

	for (int i = 0; i < 4; i++) { /* splitmix64 */
		uint64_t z = n += 0x9e3779b97f4a7c15;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
		z = (z ^ z >> 27) * 0x94d049bb133111eb;
		seed.s[i] = spread(z ^ z >> 31);
	}
	return seed;
}
