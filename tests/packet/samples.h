// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "build.h"

/// One frame for each way through the decoder. Property tests start from these, and so does the fuzzer's
/// corpus.
struct Sample {
	const char *name;
	enum mr_link link;
	build::Bytes frame;
};

inline const std::vector<Sample> &samples()
{
	using namespace build;
	static const Bytes u4 = ip4({}, udp(1000, 53, fill(12)));
	static const Bytes t4 = ip4({ .proto = 6 }, tcp(40000, 443, fill(30)));
	static const Bytes u6 = ip6({}, udp(1000, 53, fill(12)));
	static const Bytes t6 = ip6({ .next = 6 }, tcp(40000, 443, fill(30), { .options = fill(12) }));
	static const std::vector<Sample> all = {
		{ "eth-udp4", MR_LINK_ETHERNET, padded(eth(0x0800, u4), 60) },
		{ "eth-tcp4", MR_LINK_ETHERNET, eth(0x0800, t4) },
		{ "eth-tcp4-options", MR_LINK_ETHERNET,
		  eth(0x0800,
		      ip4({ .proto = 6, .options = fill(8) }, tcp(1, 2, fill(3), { .options = fill(20) }))) },
		{ "eth-vlan-tcp4", MR_LINK_ETHERNET, eth(0x8100, vlan(0x6005, 0x0800, t4)) },
		{ "eth-qinq-udp6", MR_LINK_ETHERNET, eth(0x88a8, vlan(100, 0x8100, vlan(200, 0x86dd, u6))) },
		{ "eth-4-tags", MR_LINK_ETHERNET,
		  eth(0x9100, vlan(1, 0x9100, vlan(2, 0x8100, vlan(3, 0x8100, vlan(4, 0x0800, u4))))) },
		{ "eth-mpls-udp4", MR_LINK_ETHERNET, eth(0x8847, mpls(16, false, mpls(17, true, u4))) },
		{ "eth-mpls-tcp6", MR_LINK_ETHERNET, eth(0x8848, mpls(18, true, t6)) },
		{ "eth-pppoe-tcp4", MR_LINK_ETHERNET, eth(0x8864, pppoe(0x0021, t4)) },
		{ "eth-snap-udp4", MR_LINK_ETHERNET, eth_llc(snap(0x0800, u4)) },
		{ "eth-llc-ip", MR_LINK_ETHERNET, eth_llc(cat({ { 6, 6, 3 }, u4 })) },
		{ "eth-tcp6", MR_LINK_ETHERNET, eth(0x86dd, t6) },
		{ "eth-ext6", MR_LINK_ETHERNET,
		  eth(0x86dd,
		      ip6({ .next = 0 }, ext6(43, ext6(60, ext6(51, ah(6, tcp(1, 2, fill(9))), 1), 2)))) },
		{ "eth-frag6-first", MR_LINK_ETHERNET,
		  eth(0x86dd,
		      ip6({ .next = 44 }, frag6(17, 0, true, 0xdeadbeef, udp(7, 8, fill(16), 600)))) },
		{ "eth-frag6-later", MR_LINK_ETHERNET,
		  eth(0x86dd, ip6({ .next = 44 }, frag6(17, 1448, false, 0xdeadbeef, fill(24)))) },
		{ "eth-jumbo6", MR_LINK_ETHERNET,
		  eth(0x86dd,
		      ip6({ .next = 0, .payload_len = 0 }, jumbo6(17, 70000, udp(5, 6, fill(30), 0)))) },
		{ "eth-frag4-first", MR_LINK_ETHERNET,
		  eth(0x0800, ip4({ .frag = 0x2000 }, udp(1000, 53, fill(24), 3000))) },
		{ "eth-frag4-later", MR_LINK_ETHERNET, eth(0x0800, ip4({ .frag = 0x00b9 }, fill(24))) },
		{ "eth-ah4", MR_LINK_ETHERNET,
		  eth(0x0800, ip4({ .proto = 51 }, ah(17, udp(3, 4, fill(5))))) },
		{ "eth-icmp4", MR_LINK_ETHERNET, eth(0x0800, ip4({ .proto = 1 }, icmp(8, 0, 77, fill(20)))) },
		{ "eth-icmp6", MR_LINK_ETHERNET,
		  eth(0x86dd, ip6({ .next = 58 }, icmp(129, 0, 77, fill(20)))) },
		{ "eth-sctp4", MR_LINK_ETHERNET,
		  eth(0x0800, ip4({ .proto = 132 }, cat({ be(0x00070008, 4), fill(24) }))) },
		{ "eth-dccp6", MR_LINK_ETHERNET,
		  eth(0x86dd, ip6({ .next = 33 }, cat({ be(0x00070008, 4), { 4 }, fill(24) }))) },
		{ "eth-gre4", MR_LINK_ETHERNET,
		  eth(0x0800, ip4({ .proto = 47 }, cat({ be(0x0800, 4), u4 }))) },
		{ "eth-esp6", MR_LINK_ETHERNET, eth(0x86dd, ip6({ .next = 50 }, fill(40))) },
		{ "eth-ipip", MR_LINK_ETHERNET, eth(0x0800, ip4({ .proto = 4 }, u4)) },
		{ "eth-arp", MR_LINK_ETHERNET, padded(eth(0x0806, fill(28)), 60) },
		{ "raw4", MR_LINK_RAW, t4 },
		{ "raw6", MR_LINK_RAW, u6 },
		{ "null6", MR_LINK_NULL, cat({ { 30, 0, 0, 0 }, t6 }) },
		{ "loop4", MR_LINK_NULL, cat({ { 0, 0, 0, 2 }, t4 }) },
		{ "sll", MR_LINK_SLL, sll(0x0800, u4) },
		{ "sll-vlan", MR_LINK_SLL, sll(0x8100, vlan(9, 0x86dd, u6)) },
		{ "sll2", MR_LINK_SLL2, sll2(0x86dd, t6) },
		{ "ppp", MR_LINK_PPP, cat({ be(0xff030021, 4), t4 }) },
		{ "ppp-compressed", MR_LINK_PPP, cat({ { 0x57 }, u6 }) },
		{ "chdlc", MR_LINK_CHDLC, cat({ be(0x0f000800, 4), u4 }) },
		{ "frelay", MR_LINK_FRELAY, cat({ be(0x184103cc, 4), u4 }) },
		{ "frelay-bridged", MR_LINK_FRELAY,
		  cat({ be(0x184103, 3), be(0x00800080c20007, 7), eth(0x0800, t4) }) },
		{ "wlan-qos", MR_LINK_IEEE802_11, wlan({ .fc0 = 0x88, .fc1 = 0x02 }, snap(0x0800, u4)) },
		{ "radiotap-wds", MR_LINK_RADIOTAP,
		  radiotap(0x20, wlan({ .fc0 = 0x88, .fc1 = 0x03 }, snap(0x86dd, t6))) },
		{ "unsupported", MR_LINK_UNSUPPORTED, u4 },
		{ "eth-arista-udp4", MR_LINK_ETHERNET,
		  eth(0xd28b, cat({ be(0x00010010, 4), fill(8), be(0x0800, 2), u4 })) },
	};

	return all;
}
