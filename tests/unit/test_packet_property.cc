// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <random>

#include "../packet/decode.h"
#include "../packet/samples.h"

using namespace build;

TEST(PacketProperty, BothDirectionsHaveOneKey)
{
	std::mt19937 rng(1);
	auto below = [&rng](uint32_t n) { return static_cast<uint32_t>(rng() % n); };

	for (int i = 0; i < 20000; i++) {
		// few values, so that equal addresses and ports come up
		uint32_t a4 = 0x0a000000 + below(3), b4 = below(2) ? a4 : 0xc0a80000 + below(3);
		Bytes a6 = addr6(static_cast<uint16_t>(below(3))),
		      b6 = addr6(static_cast<uint16_t>(below(3)));
		uint16_t ap = static_cast<uint16_t>(below(4)), bp = static_cast<uint16_t>(below(4));
		uint8_t proto = below(2) ? 6 : 17;
		bool v6 = below(2);
		auto make = [&](bool back) {
			uint16_t s = back ? bp : ap, d = back ? ap : bp;
			Bytes l4 = proto == 6 ? tcp(s, d, fill(5)) : udp(s, d, fill(5));

			return decode(
				v6 ? eth(0x86dd,
					 ip6({ .next = proto, .src = back ? b6 : a6, .dst = back ? a6 : b6 },
					     l4))
				   : eth(0x0800,
					 ip4({ .proto = proto, .src = back ? b4 : a4, .dst = back ? a4 : b4 },
					     l4)));
		};
		struct mr_packet there = make(false), back = make(true);

		ASSERT_EQ(there.addr_key, back.addr_key);
		ASSERT_EQ(there.port_key, back.port_key);
		ASSERT_EQ(there.hash, back.hash);
		if (v6) {
			ASSERT_EQ(0, memcmp(there.addr6, back.addr6, sizeof(there.addr6)));
		}
		ASSERT_EQ(ap, mr_packet_src_port(&there));
		ASSERT_EQ(bp, mr_packet_dst_port(&there));
		ASSERT_EQ(bp, mr_packet_src_port(&back));
		bool same = ap == bp && (v6 ? a6 == b6 : a4 == b4);
		ASSERT_EQ(!same, ((there.flags ^ back.flags) & MR_PACKET_SWAPPED) != 0);
	}
}

TEST(PacketProperty, EveryPrefixOfEverySample)
{
	for (const Sample &s : samples()) {
		struct mr_packet whole = decode(s.frame, s.link);
		auto wire = static_cast<uint32_t>(s.frame.size());

		for (size_t cap = 0; cap <= s.frame.size(); cap++) {
			struct mr_packet p = decode(s.frame, s.link, cap, wire);

			if (p.not_metered != 0)
				continue;
			SCOPED_TRACE(testing::Message() << s.name << " cut to " << cap);
			EXPECT_EQ(whole.ip_len, p.ip_len);
			EXPECT_EQ(whole.l3_off, p.l3_off);
			EXPECT_EQ(whole.addr_key, p.addr_key);
			EXPECT_EQ(whole.frame_len, p.frame_len);
			if (p.note == 0) {
				EXPECT_EQ(whole.port_key, p.port_key);
				EXPECT_EQ(whole.hash, p.hash);
				EXPECT_EQ(whole.proto, p.proto);
				EXPECT_EQ(whole.payload_off == wire ? cap : whole.payload_off, p.payload_off);
			}
		}
	}
}

TEST(PacketProperty, MutatedSamplesKeepTheInvariants)
{
	std::mt19937 rng(7);
	std::map<uint16_t, int> seen;
	const struct mr_packet_conf confs[] = { make_conf(false, false), make_conf(true, true) };

	for (int i = 0; i < 400000; i++) {
		const Sample &s = samples()[rng() % samples().size()];
		Bytes frame = s.frame;
		auto link = rng() % 16 == 0 ? static_cast<enum mr_link>(rng() % MR_LINK_MAX) : s.link;
		static const uint8_t odd[] = { 0, 1, 4, 6, 17, 44, 51, 0x45, 0x46, 0x60, 0x81, 0x88, 0xff };

		for (unsigned n = rng() % 4; n > 0; n--)
			frame[rng() % std::min<size_t>(frame.size(), 120)] =
				rng() % 2 ? odd[rng() % sizeof(odd)] : static_cast<uint8_t>(rng());
		struct mr_packet p =
			decode(frame, link, rng() % 4 == 0 ? rng() % (frame.size() + 1) : frame.size(),
			       rng() % 2 ? rng() % 3000 : 0, confs[i & 1]);
		seen[p.not_metered != 0 ? p.not_metered : p.note]++;
		if (HasFailure())
			FAIL() << s.name << " round " << i;
	}
	for (uint16_t c :
	     { MR_C_NON_IP, MR_C_LINK_UNSUPPORTED, MR_C_LINK_TRUNCATED, MR_C_LINK_MALFORMED,
	       MR_C_LINK_ENCRYPTED, MR_C_IPV4_TRUNCATED, MR_C_IPV4_VERSION, MR_C_IPV4_HEADER_LENGTH,
	       MR_C_IPV4_TOTAL_LENGTH, MR_C_IPV6_TRUNCATED, MR_C_IPV6_VERSION, MR_C_IP_BEYOND_FRAME,
	       MR_C_IPV6_EXT_TRUNCATED, MR_C_L4_TRUNCATED, MR_C_L4_MALFORMED })
		EXPECT_GT(seen[c], 0) << mr_counter_info[c].key << " never came up";
}

// The fuzzer starts from the samples. After a change of them: MILLRACE_WRITE_CORPUS=1 writes the files anew.
TEST(PacketCorpus, HoldsTheSamples)
{
	const char *source = getenv("MILLRACE_SOURCE");
	bool write = getenv("MILLRACE_WRITE_CORPUS") != nullptr;
	uint8_t options = 0;

	if (source == nullptr)
		GTEST_SKIP() << "MILLRACE_SOURCE isn't set: run by meson test";
	for (const Sample &s : samples()) {
		std::string path = std::string(source) + "/tests/fuzz/corpus/packet/" + s.name;
		std::string want(1, static_cast<char>(s.link | options));

		options = static_cast<uint8_t>(options + 0x10);
		want.append(s.frame.begin(), s.frame.end());
		if (write)
			std::ofstream(path, std::ios::binary) << want;
		std::ifstream file(path, std::ios::binary);
		std::string have((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
		EXPECT_EQ(want, have) << path;
	}
}
