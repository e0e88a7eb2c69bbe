/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_histogram.h"

#define STEPS (1u << MR_HISTOGRAM_STEP_BITS)

uint64_t mr_histogram_bucket_top(unsigned bucket)
{
	unsigned shift = bucket < 2 * STEPS ? 0 : (bucket >> MR_HISTOGRAM_STEP_BITS) - 1;
	uint64_t first = bucket - (shift << MR_HISTOGRAM_STEP_BITS);

	return (first << shift) + ((UINT64_C(1) << shift) - 1);
}

void mr_histogram_read(const struct mr_histogram *h, struct mr_histogram *ret_copy)
{
	for (unsigned b = 0; b < MR_HISTOGRAM_BUCKETS; b++)
		ret_copy->count[b] = __atomic_load_n(&h->count[b], __ATOMIC_RELAXED);
}

void mr_histogram_subtract(struct mr_histogram *h, const struct mr_histogram *before)
{
	for (unsigned b = 0; b < MR_HISTOGRAM_BUCKETS; b++)
		h->count[b] -= before->count[b];
}

uint64_t mr_histogram_total(const struct mr_histogram *h)
{
	uint64_t total = 0;

	for (unsigned b = 0; b < MR_HISTOGRAM_BUCKETS; b++)
		total += h->count[b];
	return total;
}

uint64_t mr_histogram_quantile(const struct mr_histogram *h, double share)
{
	uint64_t total = mr_histogram_total(h), up_to = 0;
	unsigned last = 0;

	for (unsigned b = 0; b < MR_HISTOGRAM_BUCKETS; b++) {
		if (h->count[b] == 0)
			continue;
		up_to += h->count[b];
		last = b;
		if ((double)up_to >= share * (double)total)
			break;
	}
	return total == 0 ? 0 : mr_histogram_bucket_top(last);
}
