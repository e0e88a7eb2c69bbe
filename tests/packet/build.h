// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "packet/mr_packet.h"

/// Packets for tests, built from the inside out: eth(0x0800, ip4({.proto = 17}, udp(1000, 53, fill(12)))).
/// Lengths are right unless an option says otherwise; checksums are 0, since nobody looks at them.
namespace build
{

using Bytes = std::vector<uint8_t>;

inline Bytes be(uint64_t v, unsigned octets)
{
	Bytes b;

	while (octets-- > 0)
		b.push_back(static_cast<uint8_t>(v >> 8 * octets));
	return b;
}

inline Bytes cat(std::initializer_list<Bytes> parts)
{
	Bytes b;

	for (const Bytes &part : parts)
		b.insert(b.end(), part.begin(), part.end());
	return b;
}

/// n octets that differ from each other and from zero
inline Bytes fill(size_t n)
{
	Bytes b(n);

	for (size_t i = 0; i < n; i++)
		b[i] = static_cast<uint8_t>(i % 251 + 1);
	return b;
}

inline Bytes padded(Bytes b, size_t to)
{
	if (b.size() < to)
		b.resize(to, 0xee);
	return b;
}

inline Bytes udp(uint16_t src, uint16_t dst, const Bytes &payload, int len = -1)
{
	uint64_t n = len < 0 ? payload.size() + 8 : static_cast<uint64_t>(len);

	return cat({ be(src, 2), be(dst, 2), be(n, 2), be(0, 2), payload });
}

struct Tcp {
	uint8_t flags = 0x18;
	Bytes options;	      // a multiple of 4
	int data_offset = -1; // in words; -1: the right one
};

inline Bytes tcp(uint16_t src, uint16_t dst, const Bytes &payload, const Tcp &t = {})
{
	uint64_t words = t.data_offset < 0 ? 5 + t.options.size() / 4 : static_cast<uint64_t>(t.data_offset);

	return cat({ be(src, 2), be(dst, 2), be(0x01020304, 4), be(0x05060708, 4), be(words << 4, 1),
		     be(t.flags, 1), be(0x2000, 2), be(0, 4), t.options, payload });
}

inline Bytes icmp(uint8_t type, uint8_t code, uint16_t id, const Bytes &payload = {})
{
	return cat({ be(type, 1), be(code, 1), be(0, 2), be(id, 2), be(1, 2), payload });
}

struct Ip4 {
	uint8_t proto = 17;
	uint32_t src = 0x0a000001, dst = 0x0a000002;
	uint16_t frag = 0; // flags and offset as on the wire
	uint16_t id = 0x1234;
	uint8_t tos = 0, ttl = 64;
	Bytes options; // a multiple of 4
	int total_len = -1;
	int ihl = -1; // in words
	uint8_t version = 4;
};

inline Bytes ip4(const Ip4 &ip, const Bytes &payload)
{
	uint64_t header = 20 + ip.options.size();
	uint64_t ihl = ip.ihl < 0 ? header / 4 : static_cast<uint64_t>(ip.ihl);
	uint64_t total = ip.total_len < 0 ? header + payload.size() : static_cast<uint64_t>(ip.total_len);

	return cat({ be(static_cast<uint64_t>(ip.version) << 4 | ihl, 1), be(ip.tos, 1), be(total, 2),
		     be(ip.id, 2), be(ip.frag, 2), be(ip.ttl, 1), be(ip.proto, 1), be(0, 2), be(ip.src, 4),
		     be(ip.dst, 4), ip.options, payload });
}

/// 2001:db8::n
inline Bytes addr6(uint16_t n)
{
	return cat({ be(0x20010db8, 4), be(0, 8), be(n, 4) });
}

struct Ip6 {
	uint8_t next = 17;
	Bytes src = addr6(1), dst = addr6(2);
	uint8_t tc = 0, hops = 64;
	int payload_len = -1;
	uint8_t version = 6;
};

inline Bytes ip6(const Ip6 &ip, const Bytes &payload)
{
	uint64_t len = ip.payload_len < 0 ? payload.size() : static_cast<uint64_t>(ip.payload_len);

	return cat(
		{ be(static_cast<uint64_t>(ip.version) << 28 | static_cast<uint64_t>(ip.tc) << 20 | 0xabcde,
		     4),
		  be(len, 2), be(ip.next, 1), be(ip.hops, 1), ip.src, ip.dst, payload });
}

/// Hop-by-hop, routing, destination options, mobility, HIP, shim6: all of one shape. 8 + 8 * words octets.
inline Bytes ext6(uint8_t next, const Bytes &rest, unsigned words = 0)
{
	Bytes header = cat({ be(next, 1), be(words, 1), { 1, 4, 0, 0, 0, 0 } });

	header.resize(8 + 8 * words); // zeros are Pad1 options
	return cat({ header, rest });
}

inline Bytes frag6(uint8_t next, uint16_t offset_octets, bool more, uint32_t id, const Bytes &rest)
{
	return cat({ be(next, 1), be(0, 1), be(offset_octets | (more ? 1 : 0), 2), be(id, 4), rest });
}

inline Bytes jumbo6(uint8_t next, uint32_t len, const Bytes &rest)
{
	return cat({ be(next, 1), be(0, 1), be(0xc204, 2), be(len, 4), rest });
}

/// 24 octets, as with a 96-bit integrity check value
inline Bytes ah(uint8_t next, const Bytes &rest)
{
	return cat({ be(next, 1), be(4, 1), be(0, 2), be(0x100, 4), be(1, 4), fill(12), rest });
}

inline Bytes eth(uint16_t type, const Bytes &payload)
{
	return cat({ be(0x020000000002, 6), be(0x020000000001, 6), be(type, 2), payload });
}

/// One VLAN tag for where an ethertype stands: eth(0x8100, vlan(5, 0x0800, ...))
inline Bytes vlan(uint16_t tci, uint16_t type, const Bytes &payload)
{
	return cat({ be(tci, 2), be(type, 2), payload });
}

inline Bytes snap(uint16_t type, const Bytes &payload, uint32_t oui = 0)
{
	return cat({ be(0xaaaa03, 3), be(oui, 3), be(type, 2), payload });
}

/// 802.3: a length in place of the type
inline Bytes eth_llc(const Bytes &llc)
{
	return eth(static_cast<uint16_t>(llc.size()), llc);
}

inline Bytes mpls(uint32_t label, bool bottom, const Bytes &rest)
{
	return cat({ be(label << 12 | (bottom ? 0x100u : 0) | 64, 4), rest });
}

inline Bytes pppoe(uint16_t protocol, const Bytes &payload, uint8_t code = 0, uint8_t version_type = 0x11)
{
	return cat({ be(version_type, 1), be(code, 1), be(7, 2), be(payload.size() + 2, 2), be(protocol, 2),
		     payload });
}

inline Bytes sll(uint16_t protocol, const Bytes &payload, uint16_t arphrd = 1)
{
	return cat({ be(0, 2), be(arphrd, 2), be(6, 2), fill(8), be(protocol, 2), payload });
}

inline Bytes sll2(uint16_t protocol, const Bytes &payload, uint16_t arphrd = 1)
{
	return cat(
		{ be(protocol, 2), be(0, 2), be(1, 4), be(arphrd, 2), be(0, 1), be(6, 1), fill(8), payload });
}

struct Wlan {
	uint8_t fc0 = 0x08; // data
	uint8_t fc1 = 0x01; // to the distribution system
	uint8_t fragment = 0;
	uint8_t qos = 0;
	unsigned pad = 0;
};

inline Bytes wlan(const Wlan &w, const Bytes &llc)
{
	Bytes b = cat({ { w.fc0, w.fc1 }, be(0, 2), fill(18), { w.fragment, 0x10 } });

	if ((w.fc1 & 3) == 3)
		b = cat({ b, fill(6) });
	if (w.fc0 & 0x80)
		b = cat({ b, { w.qos, 0 } });
	if ((w.fc0 & 0x80) && (w.fc1 & 0x80))
		b = cat({ b, fill(4) });
	return cat({ b, Bytes(w.pad, 0), llc });
}

/// TSFT and flags fields, a second presence word
inline Bytes radiotap(uint8_t flags, const Bytes &frame)
{
	return cat({ { 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0 }, Bytes(4, 0), fill(8), { flags }, frame });
}

} // namespace build
