/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "packet/mr_decode_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The way that nearly all packets take: Ethernet with at most one 802.1Q tag, IPv4 without options or IPv6
 * without extension headers, not a fragment, TCP or UDP, nothing cut or wrong. Whatever the packet, this
 * either does exactly what mr_packet_decode_general() does or declines.
 *
 * It costs as much as it has instructions, so: words are loaded whole, all checks of lengths are differences
 * whose signs are looked at once, choices between TCP and UDP are masks, since no predictor could know them.
 */

#define MR_ETH_HEADER  14u
#define MR_VLAN_HEADER 4u
#define MR_IPV4_HEADER 20u
#define MR_IPV6_HEADER 40u
#define MR_UDP_HEADER  8
#define MR_TCP_HEADER  20

__extension__ typedef unsigned __int128 mr_u128;

/** What is the same for all packets of a burst. */
struct mr_fast {
	const struct mr_packet_conf *conf;
	uint64_t scope;		      /* the scope's part of port_key, VLAN ids left out */
	uint64_t vlan_mask;	      /* all ones when VLAN ids aren't part of the key */
	const uint64_t *tunnel_maybe; /* as in struct mr_tunnel_ports; all 0 when tunnels aren't opened */
	uint8_t port_id;
};

static inline struct mr_fast mr_fast_make(const struct mr_packet_conf *conf, uint8_t port_id)
{
	static const uint64_t no_tunnels[64];

	return (struct mr_fast){
		.conf = conf,
		.tunnel_maybe =
			conf->tunnel_key == MR_TUNNEL_KEY_OUTER ? no_tunnels : conf->tunnel_ports->maybe,
		.scope = (uint64_t)MR_SCOPE(conf->port_in_key ? port_id : 0, 0, 0) << 32,
		.vlan_mask = conf->vlan_in_key ? 0 : (uint64_t)MR_SCOPE(0, MR_VLAN_NONE, MR_VLAN_NONE) << 32,
		.port_id = port_id,
	};
}

/** A frame on its way through the layers; @p l3 is a constant wherever this is used. */
struct mr_fast_frame {
	const uint8_t *data;
	int64_t cap, wire; /* octets; cap <= wire */
	uint32_t l3;	   /* offset of the IP header */
	uint16_t vlan;
};

/* Might a packet with these ports carry a tunnel? Of TCP a yes costs only time. */
static inline __attribute__((always_inline)) bool mr_fast_tunnel(const struct mr_fast *fast, uint32_t ports)
{
	uint64_t to = fast->tunnel_maybe[ports >> 6 & 63] >> (ports & 63);
	uint64_t from = fast->tunnel_maybe[ports >> 22 & 63] >> (ports >> 16 & 63);

	return ((to | from) & 1) != 0;
}

/*
 * The transport header at @p l4_off, of which 8 octets may be read. @p room is what the IP header leaves for
 * it. False: declined.
 */
static inline __attribute__((always_inline)) bool mr_fast_l4(const struct mr_fast_frame *f, uint32_t l4_off,
							     int64_t room, uint32_t proto,
							     struct mr_packet *pkt)
{
	const uint8_t *l4 = f->data + l4_off;
	int64_t left = f->cap - l4_off;
	int64_t tcp = -(int64_t)(proto == MR_PROTO_TCP); /* all bits or none */
	int64_t header_min = MR_UDP_HEADER + ((MR_TCP_HEADER - MR_UDP_HEADER) & tcp);
	int64_t header, len, payload_len, udp_len;
	uint32_t off_flags;

	if (((proto ^ MR_PROTO_UDP) & ~tcp) != 0 || left < header_min)
		return false;
	off_flags = mr_get_u16(l4 + (12 & tcp)); /* of UDP it is not used */
	udp_len = mr_get_u16(l4 + 4);
	header = MR_UDP_HEADER + (((off_flags >> 10 & 0x3c) - MR_UDP_HEADER) & tcp);
	len = udp_len + ((room - udp_len) & tcp);
	if (((header - header_min) | (len - header) | (room - len) | (left - header)) < 0)
		return false;

	payload_len = len - header;
	left -= header;
	pkt->proto = (uint8_t)proto;
	pkt->tcp_flags = (uint8_t)(off_flags & tcp);
	pkt->l3_off = (uint16_t)f->l3;
	pkt->l4_off = (uint16_t)l4_off;
	pkt->note = 0;
	pkt->not_metered = 0;
	pkt->frag = MR_FRAG_NONE;
	pkt->payload_off = (uint16_t)(l4_off + header);
	pkt->payload_len = (uint16_t)(payload_len < left ? payload_len : left);
	return true;
}

/* All that neither IP nor the transport header decide. */
static inline __attribute__((always_inline)) void
mr_fast_frame_put(const struct mr_fast *fast, const struct mr_fast_frame *f, struct mr_packet *pkt)
{
	pkt->frame_len = (uint32_t)f->wire;
	pkt->data = f->data;
	pkt->cap_len = (uint32_t)f->cap;
	pkt->frag_id = 0;
	pkt->mpls_label = 0;
	pkt->vlan = f->vlan;
	pkt->inner_vlan = MR_VLAN_NONE;
	pkt->icmp = 0;
	pkt->port_id = fast->port_id;
}

/* @param ports  as sent, source in the high half */
static inline __attribute__((always_inline)) void mr_fast_key(const struct mr_fast *fast,
							      const struct mr_fast_frame *f, uint32_t ports,
							      uint64_t swap, bool v6, struct mr_packet *pkt)
{
	uint64_t vlans = (uint64_t)MR_SCOPE(0, f->vlan, MR_VLAN_NONE) << 32;
	uint32_t turned = ports << 16 | ports >> 16;

	pkt->flags = (uint8_t)(MR_PACKET_L4 | MR_PACKET_MAC | (v6 ? MR_PACKET_V6 : 0) |
			       (swap & MR_PACKET_SWAPPED));
	pkt->port_key = fast->scope | fast->vlan_mask | vlans | (ports ^ ((ports ^ turned) & (uint32_t)swap));
	pkt->hash = mr_packet_hash(&fast->conf->seed, pkt->addr_key, pkt->port_key, pkt->proto, v6);
}

/* At least the IPv4 header and 8 octets behind it may be read. */
static inline __attribute__((always_inline)) bool
mr_fast_ipv4(const struct mr_fast *fast, const struct mr_fast_frame *f, struct mr_packet *pkt)
{
	const uint8_t *p = f->data + f->l3;
	uint64_t word_0 = mr_get_u64(p);      /* version, header length, TOS, total length, id, fragment */
	uint64_t word_1 = mr_get_u64(p + 8);  /* TTL, protocol, checksum, source */
	uint64_t word_2 = mr_get_u64(p + 16); /* destination, ports */
	uint32_t ip_len = (uint16_t)(word_0 >> 32), ports = (uint32_t)word_2;
	uint64_t from = word_1 << 32 | word_2 >> 32, to = from << 32 | from >> 32;
	uint64_t swap;

	if ((word_0 & 0xff00000000003fff) != 0x4500000000000000 || f->wire - f->l3 < ip_len)
		return false;
	if (mr_fast_tunnel(fast, ports) ||
	    !mr_fast_l4(f, f->l3 + MR_IPV4_HEADER, (int64_t)ip_len - MR_IPV4_HEADER, (uint8_t)(word_1 >> 48),
			pkt))
		return false;
	swap = 0 - (uint64_t)(from > to);
	if (__builtin_expect(from == to, 0))
		swap = 0 - (uint64_t)(ports > (uint32_t)(ports << 16 | ports >> 16));
	mr_fast_frame_put(fast, f, pkt);
	pkt->ip_len = ip_len;
	pkt->ttl = (uint8_t)(word_1 >> 56);
	pkt->tos = (uint8_t)(word_0 >> 48);
	pkt->frag_flags = (uint8_t)(word_0 >> 8 & 0xe0);
	pkt->addr_key = from ^ ((from ^ to) & swap);
	mr_fast_key(fast, f, ports, swap, false, pkt);
	return true;
}

/* as a number */
static inline __attribute__((always_inline)) mr_u128 mr_fast_address(const uint8_t *p)
{
	return (mr_u128)mr_get_u64(p) << 64 | mr_get_u64(p + 8);
}

/* At least the IPv6 header and 8 octets behind it may be read. */
static inline __attribute__((always_inline)) bool
mr_fast_ipv6(const struct mr_fast *fast, const struct mr_fast_frame *f, struct mr_packet *pkt)
{
	const uint8_t *p = f->data + f->l3;
	uint64_t word_0 =
		mr_get_u64(p); /* version, traffic class, flow label, length, next header, hop limit */
	uint32_t len = (uint16_t)(word_0 >> 16), ports = mr_get_u32(p + MR_IPV6_HEADER);
	mr_u128 from = mr_fast_address(p + 8), to = mr_fast_address(p + 24);
	uint64_t swap, words[4];

	if (word_0 >> 60 != 6 || f->wire - f->l3 - MR_IPV6_HEADER < len)
		return false;
	if (mr_fast_tunnel(fast, ports) ||
	    !mr_fast_l4(f, f->l3 + MR_IPV6_HEADER, len, (uint8_t)(word_0 >> 8), pkt))
		return false;
	swap = 0 - (uint64_t)(from > to);
	if (__builtin_expect(from == to, 0))
		swap = 0 - (uint64_t)(ports > (uint32_t)(ports << 16 | ports >> 16));
	mr_fast_frame_put(fast, f, pkt);
	pkt->ip_len = len + MR_IPV6_HEADER;
	pkt->ttl = (uint8_t)word_0;
	pkt->tos = (uint8_t)(word_0 >> 52);
	pkt->frag_flags = 0;
	memcpy(pkt->addr6[swap & 1], p + 8, 16);
	memcpy(pkt->addr6[~swap & 1], p + 24, 16);
	memcpy(words, pkt->addr6, sizeof(words));
	pkt->addr_key = mr_hash_4to1(&fast->conf->seed, words);
	mr_fast_key(fast, f, ports, swap, true, pkt);
	return true;
}

static inline __attribute__((always_inline)) bool
mr_fast_ip(const struct mr_fast *fast, const struct mr_fast_frame *f, uint16_t type, struct mr_packet *pkt)
{
	if (type == MR_ETHERTYPE_IPV4)
		return f->cap >= f->l3 + MR_IPV4_HEADER + MR_UDP_HEADER && mr_fast_ipv4(fast, f, pkt);
	return type == MR_ETHERTYPE_IPV6 && f->cap >= f->l3 + MR_IPV6_HEADER + MR_UDP_HEADER &&
	       mr_fast_ipv6(fast, f, pkt);
}

/** False: not that kind of packet, *pkt holds nothing of use. */
static inline __attribute__((always_inline)) bool mr_decode_fast(const struct mr_fast *fast,
								 const uint8_t *data, uint32_t cap,
								 uint32_t wire, struct mr_packet *pkt)
{
	struct mr_fast_frame f = { data, cap, wire < cap ? cap : wire, MR_ETH_HEADER, MR_VLAN_NONE };
	uint16_t type;

	if (cap < MR_ETH_HEADER + MR_VLAN_HEADER)
		return false;
	type = mr_get_u16(data + 12);
	if (type != MR_ETHERTYPE_VLAN)
		return mr_fast_ip(fast, &f, type, pkt);
	f.vlan = mr_get_u16(data + 14) & 0xfff;
	f.l3 = MR_ETH_HEADER + MR_VLAN_HEADER;
	return mr_fast_ip(fast, &f, mr_get_u16(data + 16), pkt);
}

#ifdef __cplusplus
}
#endif
