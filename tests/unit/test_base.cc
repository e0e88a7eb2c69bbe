// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "base/mr_buf.h"
#include "base/mr_clock.h"
#include "base/mr_counter.h"
#include "base/mr_cpu.h"
#include "base/mr_err.h"
#include "base/mr_hash.h"
#include "base/mr_log.h"

TEST(Err, SetsMessageAndErrno)
{
	struct mr_err err = {};

	EXPECT_EQ(-ENOENT, mr_err_set(&err, ENOENT, "%s: not there", "x.pcap"));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_STREQ("x.pcap: not there", err.msg);
	mr_err_prefix(&err, "port %d", 3);
	EXPECT_STREQ("port 3: x.pcap: not there", err.msg);
}

TEST(Err, TruncatesAndAcceptsNull)
{
	struct mr_err err = {};
	std::string longer(2 * MR_ERR_MAX, 'a');

	mr_err_set(&err, EIO, "%s", longer.c_str());
	EXPECT_EQ(MR_ERR_MAX - 1u, strlen(err.msg));
	mr_err_prefix(&err, "%s", longer.c_str());
	EXPECT_EQ(MR_ERR_MAX - 1u, strlen(err.msg));
	EXPECT_EQ(-EIO, mr_err_set(nullptr, EIO, "ignored"));
	mr_err_prefix(nullptr, "ignored");
}

TEST(Wbuf, OverflowIsStickyAndWritesNothing)
{
	uint8_t room[8] = { 0 };
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, 7);
	mr_wbuf_put_u32(&w, 0x01020304);
	mr_wbuf_put_u32(&w, 0x05060708);
	EXPECT_TRUE(w.overflow);
	mr_wbuf_put_u8(&w, 9);
	EXPECT_EQ(4u, w.len);
	EXPECT_EQ(0, memcmp(room, "\x01\x02\x03\x04\0\0\0\0", 8));
}

TEST(Rbuf, UnderflowIsStickyAndReadsZero)
{
	const uint8_t in[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	struct mr_rbuf r;

	mr_rbuf_init(&r, in, sizeof(in));
	EXPECT_EQ(0x0102030405060708u, mr_rbuf_get_u64(&r));
	EXPECT_EQ(0u, mr_rbuf_get_u32(&r));
	EXPECT_TRUE(r.underflow);
	EXPECT_EQ(0u, mr_rbuf_get_u8(&r));
}

TEST(Hash, DependsOnSeedAndOnEveryWord)
{
	struct mr_hash_seed a = mr_hash_seed_fixed(1), b = mr_hash_seed_fixed(2);
	std::set<uint64_t> seen;

	for (int word = 0; word < 3; word++)
		for (int bit = 0; bit < 64; bit++) {
			uint64_t w[3] = { 1, 2, 3 };

			w[word] ^= 1ULL << bit;
			seen.insert(mr_hash_3(&a, w[0], w[1], w[2]));
			seen.insert(mr_hash_3(&b, w[0], w[1], w[2]));
		}
	EXPECT_EQ(2u * 3 * 64, seen.size());
}

TEST(Hash, RandomSeedsDiffer)
{
	struct mr_hash_seed a, b;

	ASSERT_EQ(0, mr_hash_seed_random(&a));
	ASSERT_EQ(0, mr_hash_seed_random(&b));
	EXPECT_NE(0, memcmp(&a, &b, sizeof(a)));
}

TEST(Clock, FormatsRfc3339)
{
	char text[MR_CLOCK_TEXT_MAX];

	EXPECT_STREQ("1970-01-01T00:00:00.000000000Z", mr_clock_format(0, text));
	EXPECT_STREQ("2024-02-29T12:34:56.000000789Z", mr_clock_format(1709210096000000789, text));
}

TEST(Log, ParsesLevels)
{
	enum mr_log_level level = MR_LOG_ERROR;

	EXPECT_EQ(0, mr_log_level_parse("debug", &level));
	EXPECT_EQ(MR_LOG_DEBUG, level);
	EXPECT_EQ(-EINVAL, mr_log_level_parse("loud", &level));
	EXPECT_EQ(MR_LOG_DEBUG, level);
}

TEST(Counters, EveryRowHasUniqueKeyAndHelp)
{
	std::set<std::string> keys;

	for (const auto &info : mr_counter_info) {
		EXPECT_TRUE(keys.insert(info.key).second) << info.key;
		EXPECT_GT(strlen(info.help), 10u) << info.key;
	}
}

TEST(Counters, TheManualIsTheTable)
{
	char *text = nullptr;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	std::string want, got;

	mr_counter_doc(out);
	fclose(out);
	want.assign(text, len);
	free(text);
	std::ifstream in(std::string(getenv("MILLRACE_SOURCE")) + "/docs/counters.md");
	got.assign(std::istreambuf_iterator<char>(in), {});
	EXPECT_TRUE(want == got) << "docs/counters.md is old: run `ninja -C build counter-doc` and commit it";
}

TEST(Account, ClosesOnlyWhenBothEquationsHold)
{
	uint64_t sum[MR_C_MAX] = { 0 };

	sum[MR_C_RECEIVED] = 10;
	sum[MR_C_NON_IP] = 2;
	sum[MR_C_IPV4_TRUNCATED] = 1;
	sum[MR_C_METERED] = 7;
	sum[MR_C_EXPORTED] = 4;
	sum[MR_C_EXPORT_RING_FULL] = 1;
	EXPECT_TRUE(mr_account_make(sum, 2).closes);
	EXPECT_FALSE(mr_account_make(sum, 3).closes);
	sum[MR_C_RECEIVED]++;
	EXPECT_FALSE(mr_account_make(sum, 2).closes);
	EXPECT_EQ(3u, mr_account_make(sum, 2).not_metered);
}

TEST(Cpu, ALimitLowersTheLevelAndIsLifted)
{
	enum mr_cpu_level best = mr_cpu_level();

	ASSERT_LT(best, MR_CPU_MAX);
	for (int limit = MR_CPU_BASE; limit <= MR_CPU_MAX; limit++) {
		mr_cpu_limit(static_cast<enum mr_cpu_level>(limit));
		EXPECT_EQ(std::min<int>(limit, best), mr_cpu_level());
	}
	EXPECT_EQ(best, mr_cpu_level());
}

/// The kernel's names of the deciding features, as second opinion.
TEST(Cpu, LevelAgreesWithTheKernel)
{
	std::ifstream file("/proc/cpuinfo");
	std::string word;
	std::set<std::string> flags;

	while (file >> word)
		flags.insert(word);
	EXPECT_EQ(mr_cpu_level() >= MR_CPU_V3,
		  flags.count("avx2") && flags.count("bmi2") && flags.count("movbe"));
	EXPECT_EQ(mr_cpu_level() >= MR_CPU_V4, flags.count("avx512bw") && flags.count("avx512vl"));
}

TEST(Cpu, LevelsHaveNames)
{
	EXPECT_STREQ("baseline", mr_cpu_level_name(MR_CPU_BASE));
	EXPECT_STREQ("x86-64-v3", mr_cpu_level_name(MR_CPU_V3));
	EXPECT_STREQ("x86-64-v4", mr_cpu_level_name(MR_CPU_V4));
	EXPECT_STREQ("unknown", mr_cpu_level_name(MR_CPU_MAX));
}
