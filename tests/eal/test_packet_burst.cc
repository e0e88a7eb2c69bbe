// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include <rte_mbuf.h>
#include <rte_net.h>

#include "../packet/invariants.h"
#include "../packet/samples.h"
#include "base/mr_cpu.h"
#include "packet/mr_decode_lanes.h"
#include "packet/mr_packet_burst.h"

using namespace build;

namespace
{

/// Once for each level of instructions that the machine has.
class PacketBurst : public testing::TestWithParam<int>
{
      protected:
	static void SetUpTestSuite()
	{
		pool = rte_pktmbuf_pool_create("packet_burst", 1023, 0, 0, 4096, SOCKET_ID_ANY);
		ASSERT_NE(nullptr, pool);
	}

	static void TearDownTestSuite()
	{
		EXPECT_EQ(1023u, rte_mempool_avail_count(pool));
		rte_mempool_free(pool);
	}

	void SetUp() override
	{
		mr_cpu_limit(static_cast<enum mr_cpu_level>(GetParam()));
		conf.seed = mr_hash_seed_fixed(42);
		conf.vlan_in_key = conf.port_in_key = true;
		memset(scratch.get(), 0x5a, sizeof(*scratch));
	}

	void TearDown() override
	{
		mr_cpu_limit(MR_CPU_MAX);
	}

	/// A chain whose segments end at @p cuts, which rise and stay below the frame's size.
	static struct rte_mbuf *chain(const Bytes &frame, const std::vector<size_t> &cuts)
	{
		struct rte_mbuf *head = nullptr;
		size_t from = 0;

		for (size_t i = 0; i <= cuts.size(); i++) {
			size_t to = i < cuts.size() ? cuts[i] : frame.size();
			struct rte_mbuf *m = rte_pktmbuf_alloc(pool);

			memcpy(rte_pktmbuf_append(m, static_cast<uint16_t>(to - from)), frame.data() + from,
			       to - from);
			if (head == nullptr)
				head = m;
			else
				EXPECT_EQ(0, rte_pktmbuf_chain(head, m));
			from = to;
		}
		return head;
	}

	struct mr_packet one(struct rte_mbuf *m, enum mr_link link = MR_LINK_ETHERNET)
	{
		struct mr_packet p;

		memset(&p, 0xa5, sizeof(p));
		m->packet_type = link;
		mr_packet_decode_burst(&conf, &m, 1, 3, true, scratch.get(), &p);
		return p;
	}

	struct mr_packet flat(const Bytes &frame, uint32_t cap, enum mr_link link = MR_LINK_ETHERNET)
	{
		struct mr_packet p;

		memset(&p, 0xa5, sizeof(p));
		mr_packet_decode(&conf, frame.data(), cap, static_cast<uint32_t>(frame.size()), link, 3, nullptr, &p);
		return p;
	}

	/// Equal but for where the octets lie.
	static bool equal(const struct mr_packet &x, const struct mr_packet &y)
	{
		struct mr_packet a = x, b = y;

		if (a.not_metered != 0)
			return a.not_metered == b.not_metered;
		a.data = b.data = nullptr;
		a.flags &= static_cast<uint8_t>(~MR_PACKET_CHAINED);
		b.flags &= static_cast<uint8_t>(~MR_PACKET_CHAINED);
		return memcmp(&a, &b, sizeof(a)) == 0;
	}

	static inline struct rte_mempool *pool;
	struct mr_packet_conf conf = {};
	std::unique_ptr<struct mr_packet_scratch> scratch = std::make_unique<struct mr_packet_scratch>();
};

} // namespace

TEST_P(PacketBurst, OneSegmentIsTheDecoder)
{
	for (const Sample &s : samples()) {
		struct rte_mbuf *m = chain(s.frame, {});
		struct mr_packet p = one(m, s.link);

		EXPECT_TRUE(equal(flat(s.frame, static_cast<uint32_t>(s.frame.size()), s.link), p)) << s.name;
		EXPECT_EQ(rte_pktmbuf_mtod(m, const uint8_t *), p.data);
		EXPECT_FALSE(p.flags & MR_PACKET_CHAINED);
		rte_pktmbuf_free(m);
	}
}

TEST_P(PacketBurst, PacketLengthAboveDataLengthIsACutCapture)
{
	Bytes frame = eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, fill(1400))));

	for (uint16_t cap : { 60, 40, 30, 10, 0 }) {
		struct rte_mbuf *m = chain(frame, {});

		m->data_len = cap;
		struct mr_packet p = one(m);
		EXPECT_TRUE(equal(flat(frame, cap), p)) << cap;
		EXPECT_EQ(frame.size(), p.frame_len);
		m->data_len = static_cast<uint16_t>(frame.size());
		rte_pktmbuf_free(m);
	}
}

TEST_P(PacketBurst, AnySplitGivesTheSame)
{
	for (const Sample &s : samples()) {
		ASSERT_LE(s.frame.size(), MR_PACKET_HEAD);
		struct mr_packet whole = flat(s.frame, static_cast<uint32_t>(s.frame.size()), s.link);

		for (size_t a = 0; a < s.frame.size(); a++)
			for (size_t b : { a, a + 1, (a + s.frame.size()) / 2, s.frame.size() }) {
				struct rte_mbuf *m = chain(s.frame, { a, std::min(b, s.frame.size()) });
				struct mr_packet p = one(m, s.link);

				ASSERT_TRUE(equal(whole, p)) << s.name << " split at " << a << " and " << b;
				ASSERT_TRUE(p.flags & MR_PACKET_CHAINED);
				ASSERT_EQ(scratch->head[0], p.data);
				rte_pktmbuf_free(m);
			}
	}
}

TEST_P(PacketBurst, LongChains)
{
	Bytes frame = eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, fill(3000))));

	// the first segment is long enough: used in place
	for (size_t cut : { 256, 257, 1000 }) {
		struct rte_mbuf *m = chain(frame, { cut, 2000 });
		struct mr_packet p = one(m);

		EXPECT_TRUE(equal(flat(frame, static_cast<uint32_t>(cut)), p)) << cut;
		EXPECT_EQ(rte_pktmbuf_mtod(m, const uint8_t *), p.data);
		EXPECT_TRUE(p.flags & MR_PACKET_CHAINED);
		EXPECT_EQ(3040u, p.ip_len);
		rte_pktmbuf_free(m);
	}
	// too short: the head is copied, no octet more
	for (size_t cut : { 0, 20, 255 }) {
		struct rte_mbuf *m = chain(frame, { cut, cut + 3, 2000 });
		struct mr_packet p = one(m);

		EXPECT_TRUE(equal(flat(frame, MR_PACKET_HEAD), p)) << cut;
		EXPECT_EQ(scratch->head[0], p.data);
		EXPECT_EQ(0, memcmp(scratch->head[0], frame.data(), MR_PACKET_HEAD));
		EXPECT_EQ(0x5a, scratch->head[1][0]);
		EXPECT_EQ(3054u, p.frame_len);
		rte_pktmbuf_free(m);
	}
}

TEST_P(PacketBurst, WholeBurstsOfAnything)
{
	std::mt19937 rng(3);

	for (int round = 0; round < 200; round++) {
		struct rte_mbuf *mbufs[MR_PACKET_BURST_MAX];
		const Sample *sample[MR_PACKET_BURST_MAX];
		struct mr_packet ret[MR_PACKET_BURST_MAX];
		auto n = static_cast<uint16_t>(rng() % (MR_PACKET_BURST_MAX + 1));

		memset(ret, 0xa5, sizeof(ret));
		for (uint16_t i = 0; i < n; i++) {
			sample[i] = &samples()[rng() % samples().size()];
			size_t size = sample[i]->frame.size();
			std::vector<size_t> cuts;
			if (rng() % 2)
				cuts.push_back(rng() % size);
			mbufs[i] = chain(sample[i]->frame, cuts);
			mbufs[i]->packet_type = sample[i]->link;
		}
		mr_packet_decode_burst(&conf, mbufs, n, 3, true, scratch.get(), ret);
		for (uint16_t i = 0; i < n; i++) {
			struct mr_packet want =
				flat(sample[i]->frame, static_cast<uint32_t>(sample[i]->frame.size()),
				     sample[i]->link);

			ASSERT_TRUE(equal(want, ret[i])) << sample[i]->name;
			if (want.not_metered == 0) {
				ASSERT_EQ(nullptr,
					  packet_broken(&conf, nullptr, &ret[i], ret[i].cap_len, ret[i].frame_len));
			}
			rte_pktmbuf_free(mbufs[i]);
		}
	}
}

TEST_P(PacketBurst, LinkTypeOnlyWherePortsSaySo)
{
	struct rte_mbuf *m = chain(eth(0x0800, ip4({}, udp(1, 2, fill(30)))), {});
	struct mr_packet p;

	m->packet_type = RTE_PTYPE_L2_ETHER | RTE_PTYPE_L3_IPV4; // what a NIC may leave there
	mr_packet_decode_burst(&conf, &m, 1, 3, false, scratch.get(), &p);
	EXPECT_EQ(0, p.not_metered);
	EXPECT_EQ(MR_C_LINK_UNSUPPORTED, one(m, MR_LINK_UNSUPPORTED).not_metered);
	EXPECT_EQ(MR_C_LINK_UNSUPPORTED, one(m, static_cast<enum mr_link>(1000)).not_metered);
	rte_pktmbuf_free(m);
}

/// DPDK's own parser as second opinion, for what both know.
TEST_P(PacketBurst, AgreesWithRteNet)
{
	int compared = 0;

	for (const Sample &s : samples()) {
		if (s.link != MR_LINK_ETHERNET)
			continue;
		struct rte_mbuf *m = chain(s.frame, {});
		struct rte_net_hdr_lens lens = {};
		uint32_t all = RTE_PTYPE_L2_MASK | RTE_PTYPE_L3_MASK | RTE_PTYPE_L4_MASK;
		uint32_t type = rte_net_get_ptype(m, &lens, all);
		struct mr_packet p = one(m);
		std::string name = s.name;
		rte_pktmbuf_free(m);

		// it opens the label stack of MPLS for no IP, knows neither LLC nor PPPoE, two tags at most,
		// no AH
		if ((type & RTE_PTYPE_L3_MASK) == 0 || name == "eth-ah4" || name == "eth-ext6" ||
		    name == "eth-jumbo6")
			continue;
		SCOPED_TRACE(name);
		compared++;
		EXPECT_EQ(0, p.not_metered);
		EXPECT_EQ(RTE_ETH_IS_IPV6_HDR(type) != 0, (p.flags & MR_PACKET_V6) != 0);
		EXPECT_EQ(lens.l2_len, p.l3_off);
		EXPECT_EQ(lens.l2_len + lens.l3_len, p.l4_off);
		switch (type & RTE_PTYPE_L4_MASK) {
		case RTE_PTYPE_L4_TCP:
			EXPECT_EQ(6, p.proto);
			EXPECT_EQ(lens.l2_len + lens.l3_len + lens.l4_len, p.payload_off);
			break;
		case RTE_PTYPE_L4_UDP:
			EXPECT_EQ(17, p.proto);
			EXPECT_EQ(lens.l2_len + lens.l3_len + lens.l4_len, p.payload_off);
			break;
		case RTE_PTYPE_L4_SCTP:
			EXPECT_EQ(132, p.proto);
			break;
		case RTE_PTYPE_L4_FRAG:
			EXPECT_NE(MR_FRAG_NONE, p.frag);
			break;
		}
	}
	EXPECT_GT(compared, 12);
}

namespace
{

mr_decode_lanes_fn *lanes_of(int level)
{
#ifdef __x86_64__
	return level == MR_CPU_V4   ? mr_decode_lanes_v4
	       : level == MR_CPU_V3 ? mr_decode_lanes_v3
				    : mr_decode_lanes_base;
#else
	return mr_decode_lanes_base;
#endif
}

/// A frame in a block of exactly its captured size, so that a sanitizer sees one octet too many.
struct Exact {
	std::unique_ptr<uint8_t[]> octets;
	struct rte_mbuf mbuf = {};

	Exact(const Bytes &frame, size_t cap, uint32_t wire)
	{
		cap = std::min(cap, frame.size());
		octets.reset(new uint8_t[cap]);
		std::copy_n(frame.begin(), cap, octets.get());
		mbuf.buf_addr = octets.get();
		mbuf.data_len = static_cast<uint16_t>(cap);
		mbuf.pkt_len = wire;
		mbuf.nb_segs = 1;
	}
};

/// Packets that are plain but for what @p rng does to them; few values, so that equal ones come up.
Bytes nearly_plain(std::mt19937 &rng)
{
	auto below = [&rng](uint32_t n) { return static_cast<uint32_t>(rng() % n); };
	bool v6 = below(2), is_tcp = below(2);
	auto src = static_cast<uint16_t>(below(3)), dst = static_cast<uint16_t>(below(3));
	Bytes a = addr6(static_cast<uint16_t>(below(3))), b = addr6(static_cast<uint16_t>(below(3)));
	Bytes payload = below(4) == 0 ? cat({ { 8, 0, 0, 0, 0, 0, 1, 0 },
					      eth(0x0800, ip4({ .src = below(3) }, udp(1, 2, fill(below(9))))) })
				      : fill(below(4) ? below(20) : below(140));
	Bytes l4 = is_tcp ? tcp(src, dst, payload,
				{ .flags = static_cast<uint8_t>(rng()),
				  .options = fill(4 * (below(4) ? 0 : below(11))) })
			  : udp(src, dst, payload);
	uint8_t proto = is_tcp ? 6 : 17;

	if (below(4) == 0)
		a[below(16)] = b[below(16)] = static_cast<uint8_t>(rng());
	Bytes ip = v6 ? ip6({ .next = proto, .src = a, .dst = b, .tc = static_cast<uint8_t>(rng()) }, l4)
		      : ip4({ .proto = proto,
			      .src = below(4) ? below(3) : static_cast<uint32_t>(rng()),
			      .dst = below(4) ? below(3) : static_cast<uint32_t>(rng()),
			      .frag = static_cast<uint16_t>(below(2) << 14),
			      .tos = static_cast<uint8_t>(rng()) },
			    l4);
	uint16_t type = v6 ? 0x86dd : 0x0800;

	return padded(below(3) ? eth(type, ip) : eth(0x8100, vlan(static_cast<uint16_t>(rng()), type, ip)),
		      below(2) ? 60 : below(200));
}

void mutate(Bytes &frame, std::mt19937 &rng)
{
	static const uint8_t odd[] = { 0,    1,	   4,	 6,    8,    17,   44,	 0x40,
				       0x45, 0x46, 0x50, 0x60, 0x81, 0x86, 0xf0, 0xff };

	for (unsigned n = rng() % 3 == 0 ? rng() % 4 : 0; n > 0; n--)
		frame[12 + rng() % std::min<size_t>(frame.size() - 12, 70)] =
			rng() % 2 ? odd[rng() % sizeof(odd)] : static_cast<uint8_t>(rng());
}

uint32_t any_wire(size_t size, std::mt19937 &rng)
{
	switch (rng() % 8) {
	case 0:
		return static_cast<uint32_t>(rng() % 300);
	case 1:
		return static_cast<uint32_t>(rng());
	default:
		return static_cast<uint32_t>(size);
	}
}

} // namespace

TEST_P(PacketBurst, RandomPacketsAreAsTheGeneralDecoderSays)
{
	std::mt19937 rng(11);
	struct mr_tunnel_ports ports = {};
	int plain = 0, tunnels = 0;

	mr_tunnel_ports_add(&ports, 1, MR_TUNNEL_VXLAN);
	mr_tunnel_ports_add(&ports, 4098, MR_TUNNEL_GENEVE); // 2 looks like it at first
	conf.tunnel_depth = 2;
	conf.tunnel_ports = &ports;

	for (int round = 0; round < 4000; round++) {
		auto n = static_cast<uint16_t>(rng() % 4 ? 32 : rng() % (MR_PACKET_BURST_MAX + 1));
		std::vector<Exact> exact;
		struct rte_mbuf *mbufs[MR_PACKET_BURST_MAX];
		struct mr_packet ret[MR_PACKET_BURST_MAX];

		conf.vlan_in_key = rng() % 2;
		conf.port_in_key = rng() % 2;
		conf.tunnel_key = static_cast<uint8_t>(rng() % 3);
		exact.reserve(n);
		Bytes alike = nearly_plain(rng);
		bool uniform = rng() % 4 == 0;
		for (uint16_t i = 0; i < n; i++) {
			Bytes frame = uniform ? alike : nearly_plain(rng);
			mutate(frame, rng);
			size_t cap = rng() % 8 ? frame.size() : rng() % (frame.size() + 1);
			exact.emplace_back(frame, cap, any_wire(frame.size(), rng));
			mbufs[i] = &exact[i].mbuf;
		}
		memset(ret, 0xa5, sizeof(ret));
		mr_packet_decode_burst(&conf, mbufs, n, 3, false, scratch.get(), ret);
		for (uint16_t i = 0; i < n; i++) {
			const struct rte_mbuf *m = mbufs[i];
			struct mr_tunnel tunnel;
			struct mr_packet want;

			memset(&want, 0xa5, sizeof(want));
			mr_packet_decode_general(&conf, exact[i].octets.get(), m->data_len, m->pkt_len,
						 MR_LINK_ETHERNET, 3, &tunnel, &want);
			if (want.not_metered != 0) {
				ASSERT_EQ(want.not_metered, ret[i].not_metered) << round << " " << i;
				continue;
			}
			plain += want.note == 0;
			if (!(want.flags & MR_PACKET_V6)) // what is there says nothing
				memcpy(want.addr6, ret[i].addr6, sizeof(want.addr6));
			ASSERT_EQ(0, memcmp(&want, &ret[i], sizeof(want))) << round << " " << i;
			if (want.flags & MR_PACKET_TUNNEL) {
				tunnels++;
				ASSERT_TRUE(mr_tunnel_key_equal(&tunnel, &scratch->tunnel[i], MR_TUNNEL_KEY_BOTH));
			}
		}
	}
	EXPECT_GT(plain, 10000);
	EXPECT_GT(tunnels, 100);
}

TEST_P(PacketBurst, PlainPacketsOfAllKindsGoThroughTheLanes)
{
	const Bytes frames[] = {
		padded(eth(0x0800, ip4({}, udp(1, 2, {}))), 60),
		padded(eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, {}))), 60),
		eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, fill(90), { .options = fill(12) }))),
		padded(eth(0x8100, vlan(7, 0x0800, ip4({}, udp(1, 2, {})))), 60),
		eth(0x86dd, ip6({}, udp(1, 2, {}))),
		eth(0x86dd, ip6({ .next = 6 }, tcp(1, 2, {}))),
		eth(0x8100, vlan(7, 0x86dd, ip6({}, udp(1, 2, {})))),
		eth(0x8100, vlan(7, 0x86dd, ip6({ .next = 6 }, tcp(1, 2, {})))),
	};
	const size_t kinds = sizeof(frames) / sizeof(frames[0]);

	for (uint16_t n = 1; n <= MR_PACKET_BURST_MAX; n++)
		for (size_t same = 0; same <= kinds; same++) { // the last one: all kinds by turns
			std::vector<Exact> exact;
			struct rte_mbuf *mbufs[MR_PACKET_BURST_MAX];
			struct mr_packet ret[MR_PACKET_BURST_MAX];

			exact.reserve(n);
			for (uint16_t i = 0; i < n; i++) {
				const Bytes &frame = frames[same < kinds ? same : i % kinds];
				exact.emplace_back(frame, frame.size(), frame.size());
				mbufs[i] = &exact[i].mbuf;
			}
			uint64_t left = lanes_of(GetParam())(&conf, mbufs, n, 3, false, ret);
			ASSERT_EQ(0u, left) << n << " of kind " << same;
		}
}

INSTANTIATE_TEST_SUITE_P(Level, PacketBurst, testing::Range<int>(MR_CPU_BASE, mr_cpu_level() + 1),
			 [](const testing::TestParamInfo<int> &info) {
				 std::string name =
					 mr_cpu_level_name(static_cast<enum mr_cpu_level>(info.param));

				 std::replace(name.begin(), name.end(), '-', '_');
				 return name;
			 });
