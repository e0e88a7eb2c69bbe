/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "packet/mr_decode_priv.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The way that nearly all packets take: Ethernet with at most one 802.1Q tag, IPv4 without options and not a
 * fragment, TCP or UDP, nothing cut or wrong. Whatever the packet, this either does exactly what
 * mr_packet_decode_general() does or declines. Checks are joined with & so that one branch decides.
 */

#define MR_ETH_HEADER  14u
#define MR_IPV4_HEADER 20u
#define MR_TCP_HEADER  20u
#define MR_UDP_HEADER  8u

/*
 * From the IPv4 header on. Inlined once for each @p l3, which makes the offsets constants; the words are
 * loaded whole, since the count of loads and stores is what this function costs.
 */
static inline __attribute__((always_inline)) bool
mr_decode_fast_ipv4(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
		    uint32_t l3, uint16_t vlan, uint8_t port_id, struct mr_packet *pkt)
{
	const uint8_t *l4 = data + l3 + MR_IPV4_HEADER;
	const uint32_t l4_off = l3 + MR_IPV4_HEADER;
	uint64_t word_0 = mr_get_u64(data + l3); /* version, header length, TOS, total length, id, fragment */
	uint64_t word_1 = mr_get_u64(data + l3 + 8);  /* TTL, protocol, checksum, source */
	uint64_t word_2 = mr_get_u64(data + l3 + 16); /* destination, ports */
	uint32_t frame_len = wire < cap ? cap : wire;
	uint32_t ip_len = (uint16_t)(word_0 >> 32);
	uint32_t room = ip_len - MR_IPV4_HEADER; /* wraps when ip_len is too small: checked below */
	uint8_t proto = (uint8_t)(word_1 >> 48);
	/* all bits for TCP, none for UDP: masks instead of branches, which a mix of both would mispredict */
	uint32_t tcp = 0 - (uint32_t)(proto == MR_PROTO_TCP);
	uint32_t header_min = MR_UDP_HEADER + ((MR_TCP_HEADER - MR_UDP_HEADER) & tcp);
	uint32_t header = MR_UDP_HEADER + (((l4[12] >> 4) * 4 - MR_UDP_HEADER) & tcp);
	uint32_t udp_len = mr_get_u16(l4 + 4);
	uint32_t len = udp_len + ((room - udp_len) & tcp);

	if (!(((word_0 & 0xff00000000003fff) == 0x4500000000000000) & ((tcp != 0) | (proto == MR_PROTO_UDP)) &
	      (ip_len >= MR_IPV4_HEADER) & (ip_len <= frame_len - l3) & (header >= header_min) &
	      (header <= len) & (len <= room) & (header <= cap - l4_off)))
		return false;

	uint32_t payload_len = len - header;
	uint32_t payload_cap = cap - l4_off - header;
	struct mr_ports ports = { (uint16_t)(word_2 >> 16), (uint16_t)word_2 };

	pkt->ip_len = ip_len;
	pkt->frame_len = frame_len;
	pkt->data = data;
	pkt->proto = proto;
	pkt->flags = MR_PACKET_L4 | MR_PACKET_MAC;
	pkt->tcp_flags = (uint8_t)(l4[13] & tcp);
	pkt->ttl = (uint8_t)(word_1 >> 56);
	pkt->tos = (uint8_t)(word_0 >> 48);
	pkt->frag = MR_FRAG_NONE;
	pkt->not_metered = 0;
	pkt->note = 0;
	pkt->l3_off = (uint16_t)l3;
	pkt->l4_off = (uint16_t)l4_off;
	pkt->payload_off = (uint16_t)(l4_off + header);
	pkt->cap_len = cap;
	pkt->frag_id = 0;
	pkt->mpls_label = 0;
	pkt->vlan = vlan;
	pkt->inner_vlan = MR_VLAN_NONE;
	pkt->payload_len = (uint16_t)(payload_len < payload_cap ? payload_len : payload_cap);
	pkt->icmp = 0;
	pkt->port_id = port_id;
	pkt->frag_flags = (uint8_t)(word_0 >> 8 & 0xe0);
	mr_key_ipv4(conf, pkt, (uint32_t)word_1, (uint32_t)(word_2 >> 32), ports);
	return true;
}

/** False: not that kind of packet, *pkt holds nothing of use. */
static inline bool mr_decode_fast(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap,
				  uint32_t wire, uint8_t port_id, struct mr_packet *pkt)
{
	/* with these lengths all that both transports need may be read */
	const uint32_t least = MR_ETH_HEADER + MR_IPV4_HEADER + MR_TCP_HEADER;

	if (cap < least)
		return false;
	if (mr_get_u16(data + 12) == MR_ETHERTYPE_IPV4)
		return mr_decode_fast_ipv4(conf, data, cap, wire, MR_ETH_HEADER, MR_VLAN_NONE, port_id, pkt);
	if (mr_get_u16(data + 12) != MR_ETHERTYPE_VLAN || mr_get_u16(data + 16) != MR_ETHERTYPE_IPV4 ||
	    cap < least + 4)
		return false;
	return mr_decode_fast_ipv4(conf, data, cap, wire, MR_ETH_HEADER + 4, mr_get_u16(data + 14) & 0xfff,
				   port_id, pkt);
}

#ifdef __cplusplus
}
#endif
