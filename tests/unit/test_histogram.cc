// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "base/mr_histogram.h"

TEST(Histogram, BucketsFollowEachOtherWithoutGaps)
{
	EXPECT_EQ(0u, mr_histogram_bucket(0));
	for (unsigned b = 0; b + 1 < MR_HISTOGRAM_BUCKETS; b++) {
		uint64_t top = mr_histogram_bucket_top(b);

		ASSERT_EQ(b, mr_histogram_bucket(top));
		ASSERT_EQ(b + 1, mr_histogram_bucket(top + 1));
	}
	EXPECT_EQ(UINT64_MAX, mr_histogram_bucket_top(MR_HISTOGRAM_BUCKETS - 1));
	EXPECT_EQ(MR_HISTOGRAM_BUCKETS - 1, mr_histogram_bucket(UINT64_MAX));
}

TEST(Histogram, SmallValuesAreExactAndOthersToAnEighth)
{
	for (uint64_t v = 0; v < 16; v++)
		EXPECT_EQ(v, mr_histogram_bucket_top(mr_histogram_bucket(v)));
	for (uint64_t v = 16; v < UINT64_MAX / 5; v = v * 5 / 4 + 1) {
		uint64_t top = mr_histogram_bucket_top(mr_histogram_bucket(v));

		EXPECT_GE(top, v);
		EXPECT_LE(top - v, v / 8);
	}
}

TEST(Histogram, EmptyHasNothing)
{
	struct mr_histogram h = {};

	EXPECT_EQ(0u, mr_histogram_total(&h));
	EXPECT_EQ(0u, mr_histogram_quantile(&h, 0.5));
	EXPECT_EQ(0u, mr_histogram_quantile(&h, 1));
}

TEST(Histogram, QuantilesAreThoseOfTheSortedValues)
{
	struct mr_histogram h = {};
	std::mt19937_64 random(1);
	std::vector<uint64_t> values;

	for (int i = 0; i < 9999; i++)
		values.push_back(random() >> (random() % 64));
	for (uint64_t v : values)
		mr_histogram_add(&h, v);
	std::sort(values.begin(), values.end());
	EXPECT_EQ(values.size(), mr_histogram_total(&h));
	for (double share : { 0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0 }) {
		double rank = std::max(1.0, std::ceil(share * (double)values.size()));
		uint64_t exact = values[(size_t)rank - 1], got = mr_histogram_quantile(&h, share);

		EXPECT_GE(got, exact) << share;
		EXPECT_LE(got - exact, exact / 8) << share;
	}
}

TEST(Histogram, OneValueIsEveryQuantile)
{
	struct mr_histogram h = {};

	mr_histogram_add(&h, 11);
	EXPECT_EQ(11u, mr_histogram_quantile(&h, 0));
	EXPECT_EQ(11u, mr_histogram_quantile(&h, 0.5));
	EXPECT_EQ(11u, mr_histogram_quantile(&h, 1));
}

TEST(Histogram, WhatCameAfterACopyIsTheDifference)
{
	struct mr_histogram h = {}, before, after;

	mr_histogram_add(&h, 15);
	mr_histogram_add(&h, 15);
	mr_histogram_read(&h, &before);
	mr_histogram_add(&h, 3);
	mr_histogram_read(&h, &after);
	mr_histogram_subtract(&after, &before);
	EXPECT_EQ(1u, mr_histogram_total(&after));
	EXPECT_EQ(3u, mr_histogram_quantile(&after, 1));
	EXPECT_EQ(15u, mr_histogram_quantile(&before, 1));
}
