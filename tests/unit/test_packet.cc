// SPDX-License-Identifier: Apache-2.0
#include "../packet/decode.h"

using namespace build;

namespace
{

const Bytes kUdp = udp(1000, 53, fill(12));
const Bytes kTcp = tcp(40000, 443, fill(30));
const Bytes kUdp4 = ip4({}, kUdp);
const Bytes kTcp4 = ip4({ .proto = 6 }, kTcp);
const Bytes kUdp6 = ip6({}, kUdp);

void expect_udp4(const struct mr_packet &p, size_t l3_off)
{
	EXPECT_EQ(0, p.not_metered);
	EXPECT_EQ(0, p.note);
	EXPECT_EQ(l3_off, p.l3_off);
	EXPECT_EQ(l3_off + 20, p.l4_off);
	EXPECT_EQ(l3_off + 28, p.payload_off);
	EXPECT_EQ(12, p.payload_len);
	EXPECT_EQ(40u, p.ip_len);
	EXPECT_EQ(17, p.proto);
	EXPECT_EQ(0x0a0000010a000002u, p.addr_key);
	EXPECT_EQ(1000, mr_packet_src_port(&p));
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(MR_PACKET_L4, p.flags & ~MR_PACKET_MAC);
}

void expect_udp6(const struct mr_packet &p, size_t l3_off)
{
	EXPECT_EQ(0, p.not_metered);
	EXPECT_EQ(0, p.note);
	EXPECT_EQ(l3_off, p.l3_off);
	EXPECT_EQ(60u, p.ip_len);
	EXPECT_EQ(addr6(1), Bytes(p.addr6[0], p.addr6[0] + 16));
	EXPECT_EQ(addr6(2), Bytes(p.addr6[1], p.addr6[1] + 16));
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(MR_PACKET_L4 | MR_PACKET_V6, p.flags & ~MR_PACKET_MAC);
}

uint16_t reason(const Bytes &frame, enum mr_link link = MR_LINK_ETHERNET, size_t cap = SIZE_MAX)
{
	return decode(frame, link, cap).not_metered;
}

uint16_t note(const Bytes &frame, size_t cap = SIZE_MAX)
{
	struct mr_packet p = decode(frame, MR_LINK_ETHERNET, cap, static_cast<uint32_t>(frame.size()));

	EXPECT_EQ(0, p.not_metered);
	return p.note;
}

} // namespace

TEST(PacketLink, Ethernet)
{
	struct mr_packet p = decode(eth(0x0800, kUdp4));

	expect_udp4(p, 14);
	EXPECT_EQ(MR_PACKET_L4 | MR_PACKET_MAC, p.flags);
	EXPECT_EQ(MR_VLAN_NONE, p.vlan);
	EXPECT_EQ(MR_VLAN_NONE, p.inner_vlan);
	EXPECT_EQ(kPort, p.port_id);
	EXPECT_EQ(0u, p.mpls_label);
	expect_udp6(decode(eth(0x86dd, kUdp6)), 14);
}

TEST(PacketLink, Ieee8023)
{
	expect_udp4(decode(eth_llc(snap(0x0800, kUdp4))), 22);
	expect_udp6(decode(eth_llc(snap(0x86dd, kUdp6, 0x0000f8))), 22);
	expect_udp4(decode(eth_llc(cat({ { 6, 6, 3 }, kUdp4 }))), 17);
	expect_udp4(decode(eth(0x8100, vlan(5, 48, snap(0x0800, kUdp4)))), 26);
	EXPECT_EQ(MR_C_NON_IP, reason(eth_llc(snap(0x2000, fill(40), 0x00000c)))) << "CDP";
	EXPECT_EQ(MR_C_NON_IP, reason(eth_llc(cat({ { 0x42, 0x42, 3 }, fill(40) })))) << "STP";
	EXPECT_EQ(MR_C_NON_IP, reason(eth(1501, fill(40)))) << "neither length nor type";
}

TEST(PacketLink, VlanTags)
{
	struct mr_packet p = decode(eth(0x8100, vlan(0xe005, 0x0800, kUdp4)));

	expect_udp4(p, 18);
	EXPECT_EQ(5, p.vlan);
	EXPECT_EQ(MR_VLAN_NONE, p.inner_vlan);
	for (uint16_t tpid : { 0x8100, 0x88a8, 0x9100 }) {
		p = decode(
			eth(tpid, vlan(5, 0x8100, vlan(6, 0x8100, vlan(7, 0x8100, vlan(8, 0x86dd, kUdp6))))));
		expect_udp6(p, 30);
		EXPECT_EQ(5, p.vlan);
		EXPECT_EQ(6, p.inner_vlan);
	}
}

TEST(PacketLink, AristaTimestamp)
{
	// time of 64 or 48 bits, in TAI or UTC, of either hardware generation
	for (uint16_t version : { 0x0010, 0x0110, 0x0011, 0x0020, 0x0121 }) {
		Bytes time = cat({ be(1, 2), be(version, 2), fill((version & 0xf0) == 0x10 ? 8 : 6) });
		Bytes frame = eth(0xd28b, cat({ time, be(0x0800, 2), kUdp4 }));

		expect_udp4(decode(frame), 16 + time.size());
		expect_udp6(decode(eth(0xd28b, cat({ time, be(0x8100, 2), vlan(5, 0x86dd, kUdp6) }))),
			    20 + time.size());
		for (size_t cap = 14; cap < 16 + time.size(); cap++)
			EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(frame, MR_LINK_ETHERNET, cap));
	}
	// another subtype, another format, a second header
	for (uint64_t header : { 0x00020010u, 0x00010030u })
		EXPECT_EQ(MR_C_NON_IP, reason(eth(0xd28b, cat({ be(header, 4), fill(8), be(0x0800, 2), kUdp4 }))));
	EXPECT_EQ(MR_C_NON_IP, reason(eth(0xd28b, cat({ be(0x00010020, 4), fill(6), be(0xd28b, 2), kUdp4 }))));
}

TEST(PacketLink, Mpls)
{
	struct mr_packet p = decode(eth(0x8847, mpls(1000, false, mpls(3, true, kUdp4))));

	expect_udp4(p, 22);
	EXPECT_EQ(1000u << 4, p.mpls_label) << "label, no exp bits, not the bottom";
	p = decode(eth(0x8848, mpls(77, true, kUdp6)));
	expect_udp6(p, 18);
	EXPECT_EQ(77u << 4 | 1, p.mpls_label);
	expect_udp4(decode(eth(0x8847, mpls(77, true, cat({ be(0, 4), eth(0x0800, kUdp4) })))), 36);
	EXPECT_EQ(MR_C_NON_IP, reason(eth(0x8847, mpls(77, true, cat({ be(0x1000, 2), fill(30) })))))
		<< "associated channel of a pseudowire, RFC 5586";
}

TEST(PacketLink, Pppoe)
{
	expect_udp4(decode(padded(eth(0x8864, pppoe(0x0021, kUdp4)), 70)), 22);
	expect_udp6(decode(eth(0x8864, pppoe(0x0057, kUdp6))), 22);
	expect_udp4(decode(eth(0x8864, pppoe(0x0281, mpls(5, true, kUdp4)))), 26);
	EXPECT_EQ(MR_C_NON_IP, reason(eth(0x8864, pppoe(0xc021, fill(10))))) << "LCP";
	EXPECT_EQ(MR_C_NON_IP, reason(eth(0x8864, pppoe(0x0021, kUdp4, 0xa7)))) << "PADT";
	EXPECT_EQ(MR_C_LINK_MALFORMED, reason(eth(0x8864, pppoe(0x0021, kUdp4, 0, 0x21))));
}

TEST(PacketLink, Raw)
{
	expect_udp4(decode(kUdp4, MR_LINK_RAW), 0);
	expect_udp6(decode(kUdp6, MR_LINK_RAW), 0);
	EXPECT_EQ(MR_C_NON_IP, reason(Bytes(40, 0x55), MR_LINK_RAW));
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason({}, MR_LINK_RAW));
}

TEST(PacketLink, NullAndLoop)
{
	expect_udp4(decode(cat({ { 2, 0, 0, 0 }, kUdp4 }), MR_LINK_NULL), 4);
	expect_udp4(decode(cat({ { 0, 0, 0, 2 }, kUdp4 }), MR_LINK_NULL), 4);
	for (uint8_t family : { 10, 24, 28, 30 }) {
		expect_udp6(decode(cat({ { family, 0, 0, 0 }, kUdp6 }), MR_LINK_NULL), 4);
		expect_udp6(decode(cat({ { 0, 0, 0, family }, kUdp6 }), MR_LINK_NULL), 4);
	}
	EXPECT_EQ(MR_C_NON_IP, reason(cat({ { 7, 0, 0, 0 }, kUdp4 }), MR_LINK_NULL));
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason({ 2, 0, 0 }, MR_LINK_NULL));
}

TEST(PacketLink, LinuxCooked)
{
	expect_udp4(decode(sll(0x0800, kUdp4), MR_LINK_SLL), 16);
	expect_udp6(decode(sll2(0x86dd, kUdp6), MR_LINK_SLL2), 20);
	struct mr_packet p = decode(sll2(0x8100, vlan(12, 0x0800, kUdp4)), MR_LINK_SLL2);
	expect_udp4(p, 24);
	EXPECT_EQ(12, p.vlan);
	EXPECT_FALSE(p.flags & MR_PACKET_MAC);
	expect_udp4(decode(sll(4, snap(0x0800, kUdp4)), MR_LINK_SLL), 24);
	EXPECT_EQ(MR_C_NON_IP, reason(sll(1, kUdp4), MR_LINK_SLL)) << "Novell 802.3";
	EXPECT_EQ(MR_C_NON_IP, reason(sll(0x0800, kUdp4, 824), MR_LINK_SLL)) << "netlink";
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(sll(0x0800, kUdp4), MR_LINK_SLL, 15));
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(sll2(0x0800, kUdp4), MR_LINK_SLL2, 19));
}

TEST(PacketLink, PppAndCiscoHdlc)
{
	expect_udp4(decode(cat({ be(0xff030021, 4), kUdp4 }), MR_LINK_PPP), 4);
	expect_udp4(decode(cat({ be(0x0021, 2), kUdp4 }), MR_LINK_PPP), 2);
	expect_udp6(decode(cat({ { 0x57 }, kUdp6 }), MR_LINK_PPP), 1);
	expect_udp4(decode(cat({ be(0x0f000800, 4), kUdp4 }), MR_LINK_PPP), 4);
	expect_udp4(decode(cat({ be(0x0283, 2), mpls(4, true, kUdp4) }), MR_LINK_PPP), 6);
	expect_udp4(decode(cat({ be(0x0f000800, 4), kUdp4 }), MR_LINK_CHDLC), 4);
	expect_udp6(decode(cat({ be(0x8f0086dd, 4), kUdp6 }), MR_LINK_CHDLC), 4);
	EXPECT_EQ(MR_C_NON_IP, reason(cat({ be(0x8f008035, 4), fill(18) }), MR_LINK_CHDLC)) << "SLARP";
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason({ 0xff, 0x03, 0x00 }, MR_LINK_PPP));
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason({ 0x0f, 0x00, 0x08 }, MR_LINK_CHDLC));
}

TEST(PacketLink, FrameRelay)
{
	expect_udp4(decode(cat({ be(0x184103cc, 4), kUdp4 }), MR_LINK_FRELAY), 4);
	expect_udp6(decode(cat({ be(0x1841038e, 4), kUdp6 }), MR_LINK_FRELAY), 4);
	expect_udp4(decode(cat({ be(0x1840400103cc, 6), kUdp4 }), MR_LINK_FRELAY), 6); // a 4-octet address
	expect_udp4(decode(cat({ be(0x18410800, 4), kUdp4 }), MR_LINK_FRELAY), 4);     // Cisco
	expect_udp4(decode(cat({ be(0x1841030080, 5), be(0x0000000800, 5), kUdp4 }), MR_LINK_FRELAY),
		    10); // SNAP
	Bytes bridged = cat({ be(0x1841, 2), be(0x0300800080c20007, 8), eth(0x0800, kUdp4) });
	struct mr_packet p = decode(bridged, MR_LINK_FRELAY);
	expect_udp4(p, 24);
	EXPECT_FALSE(p.flags & MR_PACKET_MAC) << "the addresses don't stand at the start";
	EXPECT_EQ(MR_C_NON_IP, reason(cat({ be(0x18410308, 4), fill(20) }), MR_LINK_FRELAY)) << "Q.933";
	EXPECT_EQ(MR_C_NON_IP,
		  reason(cat({ be(0x1841, 2), be(0x0300800080c2000b, 8), fill(20) }), MR_LINK_FRELAY));
	for (size_t cap = 0; cap < 10; cap++)
		EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(bridged, MR_LINK_FRELAY, cap)) << cap;
}

TEST(PacketLink, Wlan)
{
	Bytes llc = snap(0x0800, kUdp4);

	expect_udp4(decode(wlan({}, llc), MR_LINK_IEEE802_11), 32);
	expect_udp4(decode(wlan({ .fc1 = 0x03 }, llc), MR_LINK_IEEE802_11), 38);
	expect_udp4(decode(wlan({ .fc0 = 0x88 }, llc), MR_LINK_IEEE802_11), 34);
	expect_udp4(decode(wlan({ .fc0 = 0x88, .fc1 = 0x81 }, llc), MR_LINK_IEEE802_11), 38);
	expect_udp4(decode(radiotap(0, wlan({}, llc)), MR_LINK_RADIOTAP), 25 + 32);
	expect_udp4(decode(radiotap(0x20, wlan({ .fc0 = 0x88, .pad = 2 }, llc)), MR_LINK_RADIOTAP), 25 + 36);
	EXPECT_EQ(MR_C_NON_IP, reason(wlan({ .fc0 = 0x80 }, llc), MR_LINK_IEEE802_11)) << "beacon";
	EXPECT_EQ(MR_C_NON_IP, reason(wlan({ .fc0 = 0x48 }, llc), MR_LINK_IEEE802_11)) << "null function";
	EXPECT_EQ(MR_C_NON_IP, reason(wlan({ .fragment = 1 }, llc), MR_LINK_IEEE802_11));
	EXPECT_EQ(MR_C_NON_IP, reason(wlan({ .fc0 = 0x88, .qos = 0x80 }, llc), MR_LINK_IEEE802_11))
		<< "A-MSDU";
	EXPECT_EQ(MR_C_LINK_ENCRYPTED, reason(wlan({ .fc1 = 0x41 }, llc), MR_LINK_IEEE802_11));
	for (size_t cap = 0; cap < 32; cap++)
		EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(wlan({}, llc), MR_LINK_IEEE802_11, cap)) << cap;
}

TEST(PacketLink, RadiotapThatLies)
{
	Bytes frame = radiotap(0, wlan({}, snap(0x0800, kUdp4)));

	for (uint16_t len : { 0, 7, 4097, 65535 }) {
		frame[2] = static_cast<uint8_t>(len);
		frame[3] = static_cast<uint8_t>(len >> 8);
		EXPECT_EQ(MR_C_LINK_MALFORMED, reason(frame, MR_LINK_RADIOTAP)) << len;
	}
	frame[2] = 0xff;
	frame[3] = 0;
	EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(frame, MR_LINK_RADIOTAP));
	frame[0] = 1;
	EXPECT_EQ(MR_C_LINK_MALFORMED, reason(frame, MR_LINK_RADIOTAP)) << "version";
	Bytes endless(64, 0xff); // presence words that never end
	endless[0] = 0;
	endless[2] = 32;
	endless[3] = 0;
	EXPECT_EQ(MR_C_NON_IP, reason(endless, MR_LINK_RADIOTAP));
}

TEST(PacketReason, Link)
{
	EXPECT_EQ(MR_C_LINK_UNSUPPORTED, reason(kUdp4, MR_LINK_UNSUPPORTED));
	EXPECT_EQ(MR_C_NON_IP, reason(eth(0x0806, fill(28))));
	EXPECT_EQ(MR_C_LINK_ENCRYPTED, reason(eth(0x88e5, fill(60))));
	Bytes tagged = eth(0x8100, vlan(5, 0x8847, mpls(7, true, kUdp4)));
	for (size_t cap = 0; cap <= 22; cap++)
		EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(tagged, MR_LINK_ETHERNET, cap)) << cap;
	Bytes session = eth(0x8864, pppoe(0x0021, kUdp4));
	for (size_t cap = 14; cap < 22; cap++)
		EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(session, MR_LINK_ETHERNET, cap)) << cap;
	Bytes llc = eth_llc(snap(0x0800, kUdp4));
	for (size_t cap = 14; cap < 22; cap++)
		EXPECT_EQ(MR_C_LINK_TRUNCATED, reason(llc, MR_LINK_ETHERNET, cap)) << cap;
}

TEST(PacketReason, LinkTooDeep)
{
	Bytes tags = kUdp4, labels = mpls(1, true, kUdp4), snaps = kUdp4;

	for (int i = 0; i < 5; i++)
		tags = vlan(1, i == 0 ? 0x0800 : 0x8100, tags);
	EXPECT_EQ(MR_C_LINK_TOO_DEEP, reason(eth(0x8100, tags)));
	for (int i = 0; i < 15; i++)
		labels = mpls(1, false, labels);
	expect_udp4(decode(eth(0x8847, labels)), 14 + 64);
	EXPECT_EQ(MR_C_LINK_TOO_DEEP, reason(eth(0x8847, mpls(1, false, labels))));
	for (int i = 0; i < 1000; i++) // SNAP with a tag with a length with SNAP ...
		snaps = snap(0x8100, vlan(1, 1000, snaps));
	EXPECT_EQ(MR_C_LINK_TOO_DEEP, reason(eth(1000, snaps)));
}

TEST(PacketReason, Ip)
{
	Bytes v4 = eth(0x0800, ip4({ .options = fill(8) }, kUdp)), v6 = eth(0x86dd, kUdp6);

	for (size_t cap = 14; cap < 14 + 28; cap++)
		EXPECT_EQ(MR_C_IPV4_TRUNCATED, reason(v4, MR_LINK_ETHERNET, cap)) << cap;
	for (size_t cap = 14; cap < 14 + 40; cap++)
		EXPECT_EQ(MR_C_IPV6_TRUNCATED, reason(v6, MR_LINK_ETHERNET, cap)) << cap;
	EXPECT_EQ(MR_C_IPV4_VERSION, reason(eth(0x0800, kUdp6)));
	EXPECT_EQ(MR_C_IPV6_VERSION, reason(eth(0x86dd, kUdp4)));
	for (int ihl = 0; ihl < 5; ihl++)
		EXPECT_EQ(MR_C_IPV4_HEADER_LENGTH, reason(eth(0x0800, ip4({ .ihl = ihl }, kUdp))));
	for (int len = 1; len < 20; len++)
		EXPECT_EQ(MR_C_IPV4_TOTAL_LENGTH, reason(eth(0x0800, ip4({ .total_len = len }, kUdp))));
}

TEST(PacketIp, FieldsOfTheHeader)
{
	struct mr_packet p = decode(eth(0x0800, ip4({ .frag = 0x4000, .tos = 0xb8, .ttl = 9 }, kUdp)));

	EXPECT_EQ(0xb8, p.tos);
	EXPECT_EQ(9, p.ttl);
	EXPECT_EQ(0x40, p.frag_flags);
	EXPECT_EQ(MR_FRAG_NONE, p.frag);
	p = decode(eth(0x86dd, ip6({ .tc = 0xb8, .hops = 9 }, kUdp)));
	EXPECT_EQ(0xb8, p.tos);
	EXPECT_EQ(9, p.ttl);
	EXPECT_EQ(0, p.frag_flags);
}

TEST(PacketIp, OptionsArePassed)
{
	struct mr_packet p = decode(eth(0x0800, ip4({ .options = fill(40) }, kUdp)));

	EXPECT_EQ(14 + 60, p.l4_off);
	EXPECT_EQ(80u, p.ip_len);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(12, p.payload_len);
}

TEST(PacketIp, PaddingIsNoPayload)
{
	struct mr_packet p = decode(padded(eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, {}))), 60));

	EXPECT_EQ(40u, p.ip_len);
	EXPECT_EQ(60u, p.frame_len);
	EXPECT_EQ(54, p.payload_off);
	EXPECT_EQ(0, p.payload_len);
	EXPECT_EQ(0, p.note);
	p = decode(padded(eth(0x0800, ip4({}, udp(1, 2, fill(2)))), 60));
	EXPECT_EQ(2, p.payload_len);
	p = decode(padded(eth(0x86dd, ip6({ .next = 99 }, fill(4))), 100));
	EXPECT_EQ(4, p.payload_len);
	p = decode(padded(eth(0x0800, ip4({ .proto = 99 }, {})), 60));
	EXPECT_EQ(0, p.payload_len);
}

TEST(PacketIp, LengthsBeyondTheFrame)
{
	Bytes frame = eth(0x0800, ip4({ .total_len = 1500 }, kUdp));
	struct mr_packet p = decode(frame);

	EXPECT_EQ(MR_C_IP_BEYOND_FRAME, p.note);
	EXPECT_EQ(40u, p.ip_len);
	p = decode(frame, MR_LINK_ETHERNET, SIZE_MAX, 1514);
	EXPECT_EQ(0, p.not_metered);
	EXPECT_EQ(1500u, p.ip_len) << "cut by the snap length only";
	EXPECT_EQ(1514u, p.frame_len);
	frame = eth(0x86dd, ip6({ .payload_len = 65535 }, kUdp));
	p = decode(frame);
	EXPECT_EQ(MR_C_IP_BEYOND_FRAME, p.note);
	EXPECT_EQ(60u, p.ip_len);
	EXPECT_EQ(12, p.payload_len);
}

TEST(PacketIp, SegmentationOffload)
{
	struct mr_packet p = decode(eth(0x0800, ip4({ .proto = 6, .total_len = 0 }, kTcp)), MR_LINK_ETHERNET,
				    SIZE_MAX, 80014);

	EXPECT_EQ(80000u, p.ip_len);
	EXPECT_EQ(30, p.payload_len);
	EXPECT_EQ(0, p.note);
	p = decode(eth(0x86dd, ip6({ .next = 6, .payload_len = 0 }, kTcp)), MR_LINK_ETHERNET, SIZE_MAX,
		   80014);
	EXPECT_EQ(80000u, p.ip_len);
	EXPECT_EQ(30, p.payload_len);
	// whatever the protocol: no IPv4 packet has length 0, but an IPv6 packet may have no payload
	p = decode(eth(0x0800, ip4({ .proto = 1, .total_len = 0 }, icmp(8, 0, 7, fill(56)))));
	EXPECT_EQ(84u, p.ip_len);
	EXPECT_EQ(56, p.payload_len);
	EXPECT_EQ(0, p.note);
	p = decode(eth(0x86dd, ip6({ .next = 58, .payload_len = 0 }, fill(64))));
	EXPECT_EQ(40u, p.ip_len);
	// a tunnel around it, too large for the length fields of both IP and UDP
	for (bool v6 : { false, true }) {
		Bytes frame = v6 ? eth(0x86dd, ip6({ .payload_len = 0 }, udp(1, 4789, fill(50), 0)))
				 : eth(0x0800, ip4({ .total_len = 0 }, udp(1, 4789, fill(50), 0)));

		p = decode(frame, MR_LINK_ETHERNET, SIZE_MAX, 80014);
		EXPECT_EQ(80000u, p.ip_len);
		EXPECT_EQ(50, p.payload_len);
		EXPECT_EQ(0, p.note);
	}
}

TEST(PacketIp6, ExtensionHeaders)
{
	struct mr_packet p = decode(
		eth(0x86dd,
		    ip6({ .next = 0 },
			ext6(43, ext6(60, ext6(51, ah(135, ext6(139, ext6(140, ext6(17, kUdp)))), 3), 2)))));

	EXPECT_EQ(0, p.note);
	EXPECT_EQ(17, p.proto);
	EXPECT_EQ(14 + 40 + 8 + 24 + 32 + 24 + 3 * 8, p.l4_off);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(12, p.payload_len);
}

TEST(PacketIp6, ProtocolsThatLookLikeExtensionHeaders)
{
	for (uint8_t proto : { 135, 139, 140 }) {
		struct mr_packet p = decode(eth(0x86dd, ip6({ .next = proto }, ext6(59, {}, 1))));

		EXPECT_EQ(proto, p.proto);
		EXPECT_EQ(0, p.note);
		EXPECT_EQ(16, p.payload_len);
	}
	EXPECT_EQ(59, decode(eth(0x86dd, ip6({ .next = 60 }, ext6(59, {})))).proto);
}

TEST(PacketIp6, TruncatedExtensionHeader)
{
	Bytes frame = eth(0x86dd, ip6({ .next = 0 }, ext6(60, ext6(17, kUdp, 1))));

	for (size_t cap = 14 + 40; cap < 14 + 40 + 8 + 16; cap++) {
		struct mr_packet p =
			decode(frame, MR_LINK_ETHERNET, cap, static_cast<uint32_t>(frame.size()));

		EXPECT_EQ(MR_C_IPV6_EXT_TRUNCATED, p.note) << cap;
		EXPECT_EQ(cap < 14 + 40 + 8 ? 0 : 60, p.proto);
		EXPECT_EQ(0, p.payload_len);
		EXPECT_EQ(0u, p.port_key & 0xffffffff);
	}
	EXPECT_EQ(MR_C_IPV6_EXT_TRUNCATED,
		  note(eth(0x86dd, ip6({ .next = 0, .payload_len = 7 }, ext6(17, kUdp)))));
	EXPECT_EQ(MR_C_IPV6_EXT_TRUNCATED,
		  note(eth(0x86dd, ip6({ .next = 0, .payload_len = 0 }, ext6(17, kUdp)))));
}

TEST(PacketIp6, TooManyExtensionHeaders)
{
	Bytes rest = kUdp;
	uint8_t next = 17;

	for (int i = 0; i < 8; i++, next = 60)
		rest = ext6(next, rest);
	struct mr_packet p = decode(eth(0x86dd, ip6({ .next = 60 }, rest)));
	EXPECT_EQ(17, p.proto);
	EXPECT_EQ(0, p.note);
	p = decode(eth(0x86dd, ip6({ .next = 60 }, ext6(60, rest))));
	EXPECT_EQ(60, p.proto);
	EXPECT_EQ(MR_C_IPV6_EXT_TOO_MANY, p.note);
	EXPECT_EQ(0, mr_packet_dst_port(&p));
}

TEST(PacketIp6, Jumbograms)
{
	Bytes frame =
		eth(0x86dd, ip6({ .next = 0, .payload_len = 0 }, jumbo6(17, 100000, udp(5, 6, fill(30), 0))));
	struct mr_packet p = decode(frame, MR_LINK_ETHERNET, SIZE_MAX, 100054);

	EXPECT_EQ(100040u, p.ip_len);
	EXPECT_EQ(0, p.note);
	EXPECT_EQ(30, p.payload_len);
	EXPECT_EQ(6, mr_packet_dst_port(&p));
	p = decode(frame);
	EXPECT_EQ(MR_C_IP_BEYOND_FRAME, p.note);
	EXPECT_EQ(frame.size() - 14, p.ip_len);
	p = decode(eth(0x86dd, ip6({ .next = 0, .payload_len = 0 }, jumbo6(17, UINT32_MAX, kUdp))));
	EXPECT_EQ(MR_C_IP_BEYOND_FRAME, p.note);
	p = decode(eth(0x86dd, ip6({ .next = 0 }, jumbo6(17, 100000, kUdp))));
	EXPECT_EQ(68u, p.ip_len) << "the option counts only when the length field is 0";
}

TEST(PacketFrag, Ipv4)
{
	struct mr_packet p =
		decode(eth(0x0800, ip4({ .frag = 0x2000, .id = 0xbeef }, udp(1000, 53, fill(24), 3000))));

	EXPECT_EQ(MR_FRAG_FIRST, p.frag);
	EXPECT_EQ(0xbeefu, p.frag_id);
	EXPECT_EQ(0x20, p.frag_flags);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(24, p.payload_len);
	EXPECT_EQ(0, p.note);
	for (uint16_t frag : { 0x2001, 0x0001, 0x1fff }) {
		p = decode(eth(0x0800, ip4({ .frag = frag, .id = 0xbeef }, kUdp)));
		EXPECT_EQ(MR_FRAG_LATER, p.frag);
		EXPECT_EQ(0xbeefu, p.frag_id);
		EXPECT_EQ(17, p.proto);
		EXPECT_EQ(0u, p.port_key & 0xffffffff);
		EXPECT_EQ(0, p.flags & MR_PACKET_L4);
		EXPECT_EQ(0, p.payload_len);
		EXPECT_EQ(0, p.note);
	}
	EXPECT_EQ(MR_C_L4_MALFORMED, note(eth(0x0800, ip4({ .proto = 6, .frag = 0x2000 }, fill(8)))))
		<< "a first fragment too small for the header";
}

TEST(PacketFrag, Ipv6)
{
	struct mr_packet p = decode(
		eth(0x86dd, ip6({ .next = 0 }, ext6(44, frag6(60, 0, true, 0xdeadbeef, ext6(17, kUdp))))));

	EXPECT_EQ(MR_FRAG_FIRST, p.frag);
	EXPECT_EQ(0xdeadbeefu, p.frag_id);
	EXPECT_EQ(0x20, p.frag_flags);
	EXPECT_EQ(17, p.proto);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	p = decode(eth(0x86dd, ip6({ .next = 44 }, frag6(60, 1448, true, 0xdeadbeef, kUdp))));
	EXPECT_EQ(MR_FRAG_LATER, p.frag);
	EXPECT_EQ(60, p.proto) << "what follows can't be known";
	EXPECT_EQ(0u, p.port_key & 0xffffffff);
	EXPECT_EQ(0, p.note);
	p = decode(eth(0x86dd, ip6({ .next = 44 }, frag6(17, 0, false, 0xdeadbeef, kUdp))));
	EXPECT_EQ(MR_FRAG_NONE, p.frag) << "an atomic fragment";
	EXPECT_EQ(0u, p.frag_id);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
}

TEST(PacketFrag, SetPortsMakesTheKeyOfTheWholePacket)
{
	for (bool v6 : { false, true })
		for (bool reverse : { false, true }) {
			uint16_t sport = reverse ? 53 : 1000, dport = reverse ? 1000 : 53;
			Bytes a = addr6(reverse ? 2 : 1), b = addr6(reverse ? 1 : 2);
			uint32_t a4 = reverse ? 0x0a000002 : 0x0a000001,
				 b4 = reverse ? 0x0a000001 : 0x0a000002;
			Bytes whole_udp = udp(sport, dport, fill(4));
			struct mr_packet whole =
				decode(v6 ? eth(0x86dd, ip6({ .src = a, .dst = b }, whole_udp))
					  : eth(0x0800, ip4({ .src = a4, .dst = b4 }, whole_udp)));
			struct mr_packet later =
				decode(v6 ? eth(0x86dd, ip6({ .next = 44, .src = a, .dst = b },
							    frag6(17, 8, false, 1, fill(8))))
					  : eth(0x0800, ip4({ .src = a4, .dst = b4, .frag = 1 }, fill(8))));

			EXPECT_NE(whole.hash, later.hash);
			mr_packet_set_ports(&kConf, &later, nullptr, sport, dport);
			EXPECT_EQ(whole.addr_key, later.addr_key);
			EXPECT_EQ(whole.port_key, later.port_key);
			EXPECT_EQ(whole.hash, later.hash);
			EXPECT_EQ(whole.flags & MR_PACKET_SWAPPED, later.flags & MR_PACKET_SWAPPED);
			EXPECT_EQ(MR_FRAG_LATER, later.frag);
		}
}

TEST(PacketL4, Tcp)
{
	struct mr_packet p = decode(
		eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, fill(7), { .flags = 0xc2, .options = fill(40) }))));

	EXPECT_EQ(0xc2, p.tcp_flags);
	EXPECT_EQ(34 + 60, p.payload_off);
	EXPECT_EQ(7, p.payload_len);
	for (bool v6 : { false, true })
		for (int words : { 0, 4, 15 }) {
			Bytes bad = tcp(1, 2, fill(7), { .data_offset = words });

			p = decode(v6 ? eth(0x86dd, ip6({ .next = 6 }, bad))
				      : eth(0x0800, ip4({ .proto = 6 }, bad)));
			EXPECT_EQ(MR_C_L4_MALFORMED, p.note) << words;
			EXPECT_EQ(2, mr_packet_dst_port(&p));
			EXPECT_EQ(0x18, p.tcp_flags);
			EXPECT_TRUE(p.flags & MR_PACKET_L4);
			EXPECT_EQ(0, p.payload_len);
			EXPECT_EQ(p.cap_len, p.payload_off);
		}
}

TEST(PacketL4, TruncatedTcp)
{
	Bytes frame = eth(0x0800, ip4({ .proto = 6 }, tcp(1, 2, fill(7), { .options = fill(8) })));

	for (size_t cap = 34; cap < 34 + 28; cap++) {
		struct mr_packet p =
			decode(frame, MR_LINK_ETHERNET, cap, static_cast<uint32_t>(frame.size()));

		EXPECT_EQ(MR_C_L4_TRUNCATED, p.note) << cap;
		EXPECT_EQ(55u, p.ip_len);
		EXPECT_EQ(cap < 38 ? 0 : 2, mr_packet_dst_port(&p));
		EXPECT_EQ(cap < 48 ? 0 : 0x18, p.tcp_flags);
		EXPECT_EQ(cap >= 54, (p.flags & MR_PACKET_L4) != 0);
		EXPECT_EQ(cap, p.payload_off);
	}
	EXPECT_EQ(0, note(frame, 34 + 28));
	EXPECT_EQ(MR_C_L4_MALFORMED, note(eth(0x0800, ip4({ .proto = 6 }, fill(19)))))
		<< "not the capture's fault";
}

TEST(PacketL4, UdpLengths)
{
	for (bool v6 : { false, true }) {
		auto frame = [v6](int len) {
			Bytes u = udp(1, 2, fill(20), len);
			return v6 ? eth(0x86dd, ip6({}, u)) : eth(0x0800, ip4({}, u));
		};

		for (int len : { 0, 7, 29, 65535 }) {
			struct mr_packet p = decode(frame(len));

			EXPECT_EQ(MR_C_L4_MALFORMED, p.note) << len;
			EXPECT_EQ(20, p.payload_len);
			EXPECT_EQ(2, mr_packet_dst_port(&p));
		}
		EXPECT_EQ(5, decode(frame(13)).payload_len);
		EXPECT_EQ(0, decode(frame(13)).note);
		EXPECT_EQ(0, decode(frame(8)).payload_len);
	}
}

TEST(PacketL4, OthersWithPorts)
{
	Bytes ports = be(0x00070008, 4);
	struct {
		uint8_t proto;
		Bytes header;
	} const table[] = {
		{ 136, cat({ ports, fill(4) }) },
		{ 132, cat({ ports, fill(8) }) },
		{ 33, cat({ ports, { 4 }, fill(11) }) },
	};

	for (const auto &row : table) {
		struct mr_packet p =
			decode(eth(0x0800, ip4({ .proto = row.proto }, cat({ row.header, fill(9) }))));

		EXPECT_EQ(row.proto, p.proto);
		EXPECT_EQ(0, p.note);
		EXPECT_EQ(7, mr_packet_src_port(&p));
		EXPECT_EQ(8, mr_packet_dst_port(&p));
		EXPECT_EQ(34 + row.header.size(), p.payload_off);
		EXPECT_EQ(9, p.payload_len);
		p = decode(eth(0x86dd, ip6({ .next = row.proto }, ports)));
		EXPECT_EQ(MR_C_L4_MALFORMED, p.note);
		EXPECT_EQ(8, mr_packet_dst_port(&p)) << "ports are there, the rest of the header isn't";
	}
	EXPECT_EQ(MR_C_L4_MALFORMED,
		  note(eth(0x0800, ip4({ .proto = 33 }, cat({ ports, { 2 }, fill(20) })))));
}

TEST(PacketL4, WithoutPorts)
{
	struct {
		uint8_t proto;
		unsigned header;
		bool known;
	} const table[] = {
		{ 50, 8, true }, { 47, 4, true }, { 4, 0, false }, { 89, 0, false }, { 255, 0, false }
	};

	for (const auto &row : table)
		for (bool v6 : { false, true }) {
			struct mr_packet p = decode(v6 ? eth(0x86dd, ip6({ .next = row.proto }, fill(50)))
						       : eth(0x0800, ip4({ .proto = row.proto }, fill(50))));

			EXPECT_EQ(row.proto, p.proto);
			EXPECT_EQ(0u, p.port_key & 0xffffffff);
			EXPECT_EQ(row.known, (p.flags & MR_PACKET_L4) != 0);
			EXPECT_EQ(p.l4_off + row.header, p.payload_off);
			EXPECT_EQ(50 - row.header, p.payload_len);
			EXPECT_EQ(0, p.note);
		}
}

TEST(PacketL4, AhInIpv4)
{
	struct mr_packet p = decode(eth(0x0800, ip4({ .proto = 51 }, ah(51, ah(17, kUdp)))));

	EXPECT_EQ(17, p.proto);
	EXPECT_EQ(34 + 48, p.l4_off);
	EXPECT_EQ(53, mr_packet_dst_port(&p));
	EXPECT_EQ(MR_C_L4_TRUNCATED, note(eth(0x0800, ip4({ .proto = 51 }, ah(17, kUdp))), 34 + 23));
	p = decode(eth(0x0800, ip4({ .proto = 60 }, ext6(17, kUdp))));
	EXPECT_EQ(60, p.proto) << "IPv6 extension headers mean nothing in IPv4";
}

TEST(PacketIcmp, IdentifierStandsForPorts)
{
	for (uint8_t type : { 0, 8, 13, 14, 15, 16, 17, 18 }) {
		struct mr_packet p =
			decode(eth(0x0800, ip4({ .proto = 1 }, icmp(type, 0, 0x1234, fill(12)))));

		EXPECT_EQ(0x12341234u, p.port_key & 0xffffffff);
		EXPECT_EQ(type << 8, p.icmp);
		EXPECT_EQ(12, p.payload_len);
	}
	for (uint8_t type : { 3, 4, 5, 9, 10, 11, 12, 128 })
		EXPECT_EQ(0u, decode(eth(0x0800, ip4({ .proto = 1 }, icmp(type, 1, 0x1234)))).port_key &
				      0xffffffff);
	for (uint8_t type : { 128, 129 })
		EXPECT_EQ(0x12341234u,
			  decode(eth(0x86dd, ip6({ .next = 58 }, icmp(type, 0, 0x1234)))).port_key &
				  0xffffffff);
	struct mr_packet p = decode(eth(0x86dd, ip6({ .next = 58 }, icmp(1, 4, 0x1234, fill(48)))));
	EXPECT_EQ(0u, p.port_key & 0xffffffff);
	EXPECT_EQ(0x0104, p.icmp);
}

TEST(PacketIcmp, TruncatedAndOfTheOtherFamily)
{
	Bytes frame = eth(0x0800, ip4({ .proto = 1 }, icmp(8, 0, 0x1234, fill(12))));

	for (size_t cap = 34; cap < 42; cap++) {
		struct mr_packet p =
			decode(frame, MR_LINK_ETHERNET, cap, static_cast<uint32_t>(frame.size()));

		EXPECT_EQ(MR_C_L4_TRUNCATED, p.note);
		EXPECT_EQ(cap < 36 ? 0 : 0x0800, p.icmp);
		EXPECT_EQ(cap < 40 ? 0 : 0x1234, mr_packet_src_port(&p));
	}
	EXPECT_EQ(0, decode(eth(0x86dd, ip6({ .next = 1 }, icmp(8, 0, 5)))).icmp);
	EXPECT_EQ(0, decode(eth(0x0800, ip4({ .proto = 58 }, icmp(128, 0, 5)))).icmp);
}

TEST(PacketKey, ScopeIsWhatTheConfigurationSays)
{
	Bytes frame = eth(0x88a8, vlan(100, 0x8100, vlan(200, 0x0800, kUdp4)));

	for (bool vlans : { false, true })
		for (bool port : { false, true }) {
			struct mr_packet p =
				decode(frame, MR_LINK_ETHERNET, SIZE_MAX, 0, make_conf(vlans, port));

			EXPECT_EQ(MR_SCOPE(port ? kPort : 0, vlans ? 100 : MR_VLAN_NONE,
					   vlans ? 200 : MR_VLAN_NONE),
				  p.port_key >> 32);
			EXPECT_EQ(100, p.vlan);
			EXPECT_EQ(200, p.inner_vlan);
			EXPECT_EQ(kPort, p.port_id);
		}
}

TEST(PacketKey, Ipv6FoldDependsOnTheOrder)
{
	// other pairs made of the same octets must not share a key by construction
	struct mr_packet p = decode(eth(0x86dd, kUdp6));
	Bytes x = addr6(1), y = addr6(2);
	std::swap(x[15], x[7]);
	std::swap(y[15], y[7]);
	struct mr_packet q = decode(eth(0x86dd, ip6({ .src = x, .dst = y }, kUdp)));

	EXPECT_NE(p.addr_key, q.addr_key);
}
