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

/** False: not that kind of packet, *pkt holds nothing of use. */
static inline bool mr_decode_fast(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
				  uint8_t port_id, struct mr_packet *pkt)
{
	uint32_t l3 = MR_ETH_HEADER;
	uint16_t type, vlan = MR_VLAN_NONE;

	if (cap < MR_ETH_HEADER + MR_IPV4_HEADER + MR_TCP_HEADER)
		return false; /* from here on all that both transports need may be read */
	type = mr_get_u16(data + 12);
	if (type != MR_ETHERTYPE_IPV4) {
		if (type != MR_ETHERTYPE_VLAN || mr_get_u16(data + 16) != MR_ETHERTYPE_IPV4 ||
		    cap < MR_ETH_HEADER + 4 + MR_IPV4_HEADER + MR_TCP_HEADER)
			return false;
		vlan = mr_get_u16(data + 14) & 0xfff;
		l3 += 4;
	}

	const uint8_t *ip = data + l3;
	const uint8_t *l4 = ip + MR_IPV4_HEADER;
	uint32_t frame_len = wire < cap ? cap : wire;
	uint32_t ip_len = mr_get_u16(ip + 2);
	uint32_t l4_off = l3 + MR_IPV4_HEADER;
	uint16_t frag = mr_get_u16(ip + 6);
	uint8_t proto = ip[9];
	bool tcp = proto == MR_PROTO_TCP;
	uint32_t header = tcp ? (uint32_t)(l4[12] >> 4) * 4 : MR_UDP_HEADER;
	uint32_t header_min = tcp ? MR_TCP_HEADER : MR_UDP_HEADER;
	uint32_t l4_len = tcp ? ip_len - MR_IPV4_HEADER : mr_get_u16(l4 + 4);

	/* when ip_len is below its header, the difference wraps: the first comparison of it catches that */
	if (!((ip[0] == 0x45) & ((frag & 0x3fff) == 0) & (tcp | (proto == MR_PROTO_UDP)) &
	      (ip_len >= MR_IPV4_HEADER + header_min) & (ip_len <= frame_len - l3) & (header >= header_min) &
	      (header <= l4_len) & (l4_len <= ip_len - MR_IPV4_HEADER) & (l4_off + header <= cap)))
		return false;

	uint32_t payload_off = l4_off + header;
	uint32_t payload_len = l4_len - header;
	uint32_t payload_cap = cap - payload_off;
	struct mr_ports ports = { mr_get_u16(l4), mr_get_u16(l4 + 2) };

	pkt->ip_len = ip_len;
	pkt->frame_len = frame_len;
	pkt->data = data;
	pkt->proto = proto;
	pkt->flags = MR_PACKET_L4 | MR_PACKET_MAC;
	pkt->tcp_flags = tcp ? l4[13] : 0;
	pkt->ttl = ip[8];
	pkt->tos = ip[1];
	pkt->frag = MR_FRAG_NONE;
	pkt->not_metered = 0;
	pkt->note = 0;
	pkt->l3_off = (uint16_t)l3;
	pkt->l4_off = (uint16_t)l4_off;
	pkt->cap_len = cap;
	pkt->frag_id = 0;
	pkt->mpls_label = 0;
	pkt->vlan = vlan;
	pkt->inner_vlan = MR_VLAN_NONE;
	pkt->payload_off = (uint16_t)payload_off;
	pkt->payload_len = (uint16_t)(payload_len < payload_cap ? payload_len : payload_cap);
	pkt->icmp = 0;
	pkt->port_id = port_id;
	pkt->frag_flags = (uint8_t)(frag >> 8 & 0xe0);
	mr_key_ipv4(conf, pkt, mr_get_u32(ip + 12), mr_get_u32(ip + 16), ports);
	return true;
}

#ifdef __cplusplus
}
#endif
