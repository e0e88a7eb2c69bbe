// SPDX-License-Identifier: Apache-2.0
#include "../packet/decode.h"

using namespace build;

namespace
{

struct mr_tunnel_ports ports()
{
	struct mr_tunnel_ports p;

	mr_tunnel_ports_default(&p);
	return p;
}

const struct mr_tunnel_ports kPorts = ports();

struct mr_packet_conf tunnel_conf(enum mr_tunnel_key key = MR_TUNNEL_KEY_INNER,
				  uint8_t depth = MR_TUNNEL_LEVELS)
{
	struct mr_packet_conf conf = make_conf(false, false);

	conf.tunnel_key = key;
	conf.tunnel_depth = depth;
	conf.tunnel_ports = &kPorts;
	return conf;
}

constexpr uint32_t kInnerA = 0x0a000001, kInnerB = 0x0a000002, kOuterA = 0xc0000201, kOuterB = 0xc0000202;

// The inner packet of every case: IPv4, TCP 1000 -> 80, 10 octets of payload.
Bytes inner(uint32_t src = kInnerA, uint32_t dst = kInnerB)
{
	Ip4 ip;

	ip.src = src;
	ip.dst = dst;
	ip.proto = 6;
	return ip4(ip, src == kInnerA ? tcp(1000, 80, fill(10)) : tcp(80, 1000, fill(10)));
}

Bytes outer4(uint8_t proto, const Bytes &payload, uint32_t src = kOuterA, uint32_t dst = kOuterB)
{
	Ip4 ip;

	ip.src = src;
	ip.dst = dst;
	ip.proto = proto;
	return eth(0x0800, ip4(ip, payload));
}

Bytes over_udp(uint16_t port, const Bytes &payload)
{
	return outer4(17, udp(50000, port, payload));
}

Bytes vxlan(uint32_t vni, const Bytes &frame)
{
	return cat({ be(0x08, 1), be(0, 3), be(vni << 8, 4), frame });
}

struct Opened {
	struct mr_packet p;
	struct mr_tunnel t;
};

Opened open(const Bytes &frame, const struct mr_packet_conf &conf = tunnel_conf(), size_t cap = SIZE_MAX)
{
	Opened o = {};

	o.p = decode(frame, MR_LINK_ETHERNET, cap, (uint32_t)frame.size(), conf, &o.t);
	if (!(o.p.flags & MR_PACKET_TUNNEL))
		o.t.levels = o.t.labels = 0;
	return o;
}

void expect_inner(const Opened &o)
{
	EXPECT_EQ(o.p.not_metered, 0);
	EXPECT_EQ(o.p.addr_key, (uint64_t)kInnerA << 32 | kInnerB);
	EXPECT_EQ(mr_packet_src_port(&o.p), 1000);
	EXPECT_EQ(mr_packet_dst_port(&o.p), 80);
	EXPECT_EQ(o.p.proto, 6);
	EXPECT_EQ(o.p.ip_len, 50u);
	EXPECT_EQ(o.p.payload_len, 10);
	EXPECT_TRUE(o.p.flags & MR_PACKET_TUNNEL);
}

struct Case {
	const char *name;
	Bytes frame;
	enum mr_tunnel_kind kind;
	bool has_id;
	uint32_t id;
};

void PrintTo(const Case &c, std::ostream *out)
{
	*out << c.name;
}

Bytes gre(uint16_t flags, uint16_t type, const Bytes &rest)
{
	return outer4(47, cat({ be(flags, 2), be(type, 2), rest }));
}

const Bytes kEthInner = eth(0x0800, inner());

const Case kCases[] = {
	{ "ip in ip", outer4(4, inner()), MR_TUNNEL_IPIP, false, 0 },
	{ "gre", gre(0, 0x0800, inner()), MR_TUNNEL_GRE, false, 0 },
	{ "gre with all", gre(0xb000, 0x0800, cat({ be(0, 4), be(77, 4), be(1, 4), inner() })), MR_TUNNEL_GRE,
	  true, 77 },
	{ "gre vlan", gre(0, 0x8100, vlan(5, 0x0800, inner())), MR_TUNNEL_GRE, false, 0 },
	{ "gre wccp", gre(0, 0x883e, cat({ be(0, 4), inner() })), MR_TUNNEL_GRE, false, 0 },
	{ "gre bridged", gre(0, 0x6558, kEthInner), MR_TUNNEL_GRE, false, 0 },
	{ "nvgre", gre(0x2000, 0x6558, cat({ be(0x123456 << 8 | 9, 4), kEthInner })), MR_TUNNEL_NVGRE, true,
	  0x123456 },
	{ "pptp",
	  gre(0x3081, 0x880b,
	      cat({ be(50, 2), be(9, 2), be(1, 4), be(2, 4), be(0xff03, 2), be(0x0021, 2), inner() })),
	  MR_TUNNEL_GRE, true, 9 },
	{ "erspan 1", gre(0, 0x88be, kEthInner), MR_TUNNEL_ERSPAN1, false, 0 },
	{ "erspan 2",
	  gre(0x1000, 0x88be, cat({ be(1, 4), be(0x1064, 2), be(0x0801, 2), be(7, 4), kEthInner })),
	  MR_TUNNEL_ERSPAN2, true, 1 },
	{ "erspan 3",
	  gre(0x1000, 0x22eb, cat({ be(1, 4), be(0x2064, 2), be(0x0802, 2), be(7, 4), be(0, 4), kEthInner })),
	  MR_TUNNEL_ERSPAN3, true, 2 },
	{ "erspan 3 with subheader",
	  gre(0x1000, 0x22eb,
	      cat({ be(1, 4), be(0x2064, 2), be(0x0802, 2), be(7, 4), be(1, 4), be(0, 8), kEthInner })),
	  MR_TUNNEL_ERSPAN3, true, 2 },
	{ "eoip", gre(0x2001, 0x6400, cat({ be(64, 2), be(0x0500, 2), kEthInner })), MR_TUNNEL_EOIP, true,
	  5 },
	{ "etherip", outer4(97, cat({ be(0x3000, 2), kEthInner })), MR_TUNNEL_ETHERIP, false, 0 },
	{ "mpls in ip", outer4(137, mpls(33, true, inner())), MR_TUNNEL_MPLS, true, 33 },
	{ "mpls in udp", over_udp(6635, mpls(34, true, inner())), MR_TUNNEL_MPLS, true, 34 },
	{ "vxlan", over_udp(4789, vxlan(42, kEthInner)), MR_TUNNEL_VXLAN, true, 42 },
	{ "vxlan of Linux", over_udp(8472, vxlan(43, kEthInner)), MR_TUNNEL_VXLAN, true, 43 },
	{ "vxlan-gpe", over_udp(4790, cat({ be(0x0c, 1), be(0, 2), be(1, 1), be(44 << 8, 4), inner() })),
	  MR_TUNNEL_VXLAN_GPE, true, 44 },
	{ "geneve", over_udp(6081, cat({ be(0, 2), be(0x6558, 2), be(45 << 8, 4), kEthInner })),
	  MR_TUNNEL_GENEVE, true, 45 },
	{ "geneve with options",
	  over_udp(6081, cat({ be(0x02, 1), be(0, 1), be(0x0800, 2), be(46 << 8, 4), fill(8), inner() })),
	  MR_TUNNEL_GENEVE, true, 46 },
	{ "gtp-u", over_udp(2152, cat({ be(0x30ff, 2), be(50, 2), be(0xdeadbeef, 4), inner() })),
	  MR_TUNNEL_GTPU, true, 0xdeadbeef },
	{ "gtp-u with extension",
	  over_udp(2152, cat({ be(0x34ff, 2), be(58, 2), be(47, 4), be(0, 3), be(0x85, 1), be(1, 1),
			       be(0x1001, 2), be(0, 1), inner() })),
	  MR_TUNNEL_GTPU, true, 47 },
	{ "l2tp",
	  over_udp(1701, cat({ be(0x0002, 2), be(48, 2), be(49, 2), be(0xff03, 2), be(0x0021, 2), inner() })),
	  MR_TUNNEL_L2TP, true, 48 << 16 | 49 },
	{ "l2tp with all",
	  over_udp(1701, cat({ be(0x4a02, 2), be(70, 2), be(48, 2), be(50, 2), be(1, 4), be(2, 2), be(0, 2),
			       be(0x21, 1), inner() })),
	  MR_TUNNEL_L2TP, true, 48 << 16 | 50 },
	{ "tzsp",
	  over_udp(37008, cat({ be(0x01000001, 4), be(0x00, 1), be(0x0a01, 2), be(0xc8, 1), be(0x01, 1),
				kEthInner })),
	  MR_TUNNEL_TZSP, false, 0 },
	{ "pppoe", eth(0x8864, pppoe(0x0021, inner())), MR_TUNNEL_PPPOE, true, 7 },
	{ "pseudowire", eth(0x8847, mpls(50, true, kEthInner)), MR_TUNNEL_PW, true, 50 },
	{ "pseudowire with control word", eth(0x8847, mpls(51, true, cat({ be(0, 4), kEthInner }))),
	  MR_TUNNEL_PW, true, 51 },
};

class Kinds : public testing::TestWithParam<Case>
{
};

TEST_P(Kinds, OpensToTheInnerPacket)
{
	const Case &c = GetParam();
	Opened o = open(c.frame);

	expect_inner(o);
	ASSERT_EQ(o.t.levels, 1);
	EXPECT_STREQ(mr_tunnel_name((enum mr_tunnel_kind)o.t.level[0].kind), mr_tunnel_name(c.kind));
	EXPECT_EQ(o.t.level[0].has_id, c.has_id);
	EXPECT_EQ(o.t.level[0].id, c.id);
	if (o.t.level[0].family == 4) {
		EXPECT_EQ(mr_get_u32(o.t.level[0].addr[0]), kOuterA);
		EXPECT_EQ(mr_get_u32(o.t.level[0].addr[1]), kOuterB);
	}
	EXPECT_EQ(o.p.frame_len, c.frame.size());
}

// Cut anywhere: metered by what can be read, or not at all for a reason; sanitizers watch.
TEST_P(Kinds, CutAnywhere)
{
	const Case &c = GetParam();

	for (size_t cap = 0; cap < c.frame.size(); cap++)
		open(c.frame, tunnel_conf(), cap);
}

TEST_P(Kinds, StaysOutsideWhenToldSo)
{
	Opened o = open(GetParam().frame, tunnel_conf(MR_TUNNEL_KEY_OUTER));

	EXPECT_FALSE(o.p.flags & MR_PACKET_TUNNEL);
}

std::string case_name(const testing::TestParamInfo<Case> &info)
{
	std::string name = info.param.name;

	for (char &c : name)
		if (!isalnum((unsigned char)c))
			c = '_';
	return name;
}

INSTANTIATE_TEST_SUITE_P(Tunnel, Kinds, testing::ValuesIn(kCases), case_name);

TEST(Tunnel, TeredoWithOriginIndication)
{
	Ip6 ip;
	Bytes v6 = ip6(ip, udp(1, 2, fill(4)));
	Opened o = open(over_udp(3544, cat({ be(0, 2), be(0x1234, 2), be(0x01020304, 4), v6 })));

	EXPECT_TRUE(o.p.flags & MR_PACKET_V6);
	ASSERT_EQ(o.t.levels, 1);
	EXPECT_EQ(o.t.level[0].kind, MR_TUNNEL_TEREDO);
}

TEST(Tunnel, SixInFourAndFourInSix)
{
	Ip6 ip;

	ip.next = 4;
	Opened o = open(eth(0x86dd, ip6(ip, inner())));

	expect_inner(o);
	EXPECT_EQ(o.t.level[0].family, 6);
	ip.next = 17;
	o = open(outer4(41, ip6(ip, udp(7, 9, fill(3)))));
	EXPECT_TRUE(o.p.flags & MR_PACKET_V6);
	EXPECT_EQ(o.p.ip_len, 40u + 8 + 3);
	EXPECT_EQ(o.t.level[0].family, 4);
}

TEST(Tunnel, DepthIsBounded)
{
	Bytes frame = inner();

	for (uint8_t i = 0; i < 6; i++) {
		Ip4 ip;

		ip.src = kOuterA + i;
		ip.proto = 4;
		frame = ip4(ip, frame);
	}
	for (uint8_t depth = 1; depth <= MR_TUNNEL_LEVELS; depth++) {
		Opened o = open(eth(0x0800, frame), tunnel_conf(MR_TUNNEL_KEY_INNER, depth));

		EXPECT_EQ(o.t.levels, depth);
		EXPECT_EQ(o.p.proto, 4) << "metered as the next tunnel's own packet";
	}
}

TEST(Tunnel, NestedFactsStandOutermostFirst)
{
	Ip4 ip;

	ip.proto = 17;
	Bytes frame =
		eth(0x8847,
		    mpls(16, false,
			 mpls(17, true,
			      ip4(ip, udp(50000, 4789, vxlan(5, eth(0x8100, vlan(3, 0x0800, inner()))))))));
	Opened o = open(frame);

	expect_inner(o);
	ASSERT_EQ(o.t.labels, 2);
	EXPECT_EQ(o.t.label[0] >> 4, 16u);
	EXPECT_EQ(o.t.label[1] >> 4, 17u);
	ASSERT_EQ(o.t.levels, 1);
	EXPECT_EQ(o.t.level[0].id, 5u);
}

TEST(Tunnel, BothDirectionsHaveOneKey)
{
	for (enum mr_tunnel_key key : { MR_TUNNEL_KEY_INNER, MR_TUNNEL_KEY_BOTH }) {
		struct mr_packet_conf conf = tunnel_conf(key);
		Opened a = open(outer4(17, udp(50000, 4789, vxlan(7, kEthInner))), conf);
		Opened b = open(outer4(17, udp(50001, 4789, vxlan(7, eth(0x0800, inner(kInnerB, kInnerA)))),
				       kOuterB, kOuterA),
				conf);

		EXPECT_EQ(a.p.hash, b.p.hash);
		EXPECT_TRUE(mr_tunnel_key_equal(&a.t, &b.t, key));
	}
}

TEST(Tunnel, SegmentsSeparateTheSameAddresses)
{
	Opened a = open(over_udp(4789, vxlan(7, kEthInner))), b = open(over_udp(4789, vxlan(8, kEthInner)));

	EXPECT_NE(a.p.hash, b.p.hash);
	EXPECT_FALSE(mr_tunnel_key_equal(&a.t, &b.t, MR_TUNNEL_KEY_INNER));
}

TEST(Tunnel, OnlyKeyBothAsksBetweenWhom)
{
	Opened a = open(outer4(4, inner())), b = open(outer4(4, inner(), kOuterA, kOuterB + 1));

	EXPECT_EQ(a.p.hash, b.p.hash);
	EXPECT_TRUE(mr_tunnel_key_equal(&a.t, &b.t, MR_TUNNEL_KEY_INNER));
	EXPECT_FALSE(mr_tunnel_key_equal(&a.t, &b.t, MR_TUNNEL_KEY_BOTH));
	a = open(outer4(4, inner()), tunnel_conf(MR_TUNNEL_KEY_BOTH));
	b = open(outer4(4, inner(), kOuterA, kOuterB + 1), tunnel_conf(MR_TUNNEL_KEY_BOTH));
	EXPECT_NE(a.p.hash, b.p.hash);
}

// What isn't surely a tunnel stays the outer flow, with all its octets.
TEST(Tunnel, UncertainIsOutside)
{
	const Bytes frames[] = {
		over_udp(4789, cat({ be(0, 8), kEthInner })),		    // I bit missing
		over_udp(2152, cat({ be(0x3001, 2), be(4, 2), be(0, 8) })), // echo request
		over_udp(1701, cat({ be(0xc802, 2), fill(20) })),	    // control message
		over_udp(3544, fill(60)),
		over_udp(4789, {}),
		gre(0x4000, 0x0800, inner()), // source routing
		gre(0, 0x2001, fill(30)),     // not IP
		outer4(97, fill(40)),
		over_udp(4789, vxlan(1, eth(0x0806, fill(28)))), // ARP inside
	};

	for (const Bytes &f : frames) {
		Opened o = open(f);

		EXPECT_EQ(o.p.not_metered, 0);
		EXPECT_FALSE(o.p.flags & MR_PACKET_TUNNEL);
		EXPECT_EQ(o.p.addr_key, (uint64_t)kOuterA << 32 | kOuterB);
		EXPECT_EQ(o.p.note, 0);
		EXPECT_EQ(o.p.ip_len, f.size() - 14);
	}
}

TEST(Tunnel, BrokenInsideIsNotedAndOutside)
{
	Bytes bad = inner();

	bad[0] = 0x42; // header length 8
	const Bytes frames[] = {
		outer4(4, bad), over_udp(4789, vxlan(1, eth(0x0800, bad))),
		over_udp(6081, cat({ be(0x3f, 1), be(0, 1), be(0x0800, 2), be(0, 4),
				     fill(8) })), // options beyond the end
		over_udp(2152, cat({ be(0x34ff, 2), be(58, 2), be(47, 4), be(0, 3), be(0x85, 1), be(0, 4),
				     inner() })), // extension of 0
	};

	for (const Bytes &f : frames) {
		Opened o = open(f);

		EXPECT_EQ(o.p.not_metered, 0);
		EXPECT_FALSE(o.p.flags & MR_PACKET_TUNNEL);
		EXPECT_EQ(o.p.note, MR_C_TUNNEL_MALFORMED);
		EXPECT_EQ(o.p.addr_key, (uint64_t)kOuterA << 32 | kOuterB);
	}
}

TEST(Tunnel, FragmentsOfATunnelStayOutside)
{
	Ip4 ip;

	ip.proto = 4;
	ip.src = kOuterA;
	ip.dst = kOuterB;
	ip.frag = 0x2000;
	Opened o = open(eth(0x0800, ip4(ip, inner())));

	EXPECT_EQ(o.p.frag, MR_FRAG_FIRST);
	EXPECT_FALSE(o.p.flags & MR_PACKET_TUNNEL);
}

TEST(Tunnel, PaddingAndTrailersAreNotInside)
{
	Opened o = open(padded(outer4(4, inner()), 100));

	expect_inner(o);
}

TEST(TunnelPorts, NewOnesAndRoom)
{
	struct mr_tunnel_ports p = ports();

	EXPECT_TRUE(mr_tunnel_ports_maybe(&p, 4789));
	EXPECT_FALSE(mr_tunnel_ports_maybe(&p, 80));
	EXPECT_TRUE(mr_tunnel_ports_add(&p, 80, MR_TUNNEL_VXLAN));
	EXPECT_TRUE(mr_tunnel_ports_maybe(&p, 80));
	for (uint16_t port = 60000; p.n < MR_TUNNEL_PORTS_MAX; port++)
		EXPECT_TRUE(mr_tunnel_ports_add(&p, port, MR_TUNNEL_GENEVE));
	EXPECT_FALSE(mr_tunnel_ports_add(&p, 81, MR_TUNNEL_VXLAN));
	EXPECT_TRUE(mr_tunnel_ports_add(&p, 80, MR_TUNNEL_GTPU));
	EXPECT_EQ(p.n, MR_TUNNEL_PORTS_MAX);
}

} // namespace
