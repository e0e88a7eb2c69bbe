/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_fast.h"

/* Every field but time_ns and, for IPv4, addr6. */
static void packet_reset(struct mr_packet *pkt, const struct mr_frame *f, uint8_t port_id)
{
	pkt->addr_key = 0;
	pkt->port_key = 0;
	pkt->hash = 0;
	pkt->ip_len = 0;
	pkt->frame_len = f->wire;
	pkt->data = f->data;
	pkt->proto = 0;
	pkt->flags = 0;
	pkt->tcp_flags = 0;
	pkt->ttl = 0;
	pkt->tos = 0;
	pkt->frag = MR_FRAG_NONE;
	pkt->not_metered = 0;
	pkt->note = 0;
	pkt->l3_off = 0;
	pkt->l4_off = 0;
	pkt->cap_len = f->cap;
	pkt->frag_id = 0;
	pkt->mpls_label = 0;
	pkt->vlan = MR_VLAN_NONE;
	pkt->inner_vlan = MR_VLAN_NONE;
	pkt->payload_off = (uint16_t)(f->cap < UINT16_MAX ? f->cap : UINT16_MAX);
	pkt->payload_len = 0;
	pkt->icmp = 0;
	pkt->port_id = port_id;
	pkt->frag_flags = 0;
}

void mr_packet_decode_general(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap,
			      uint32_t wire, enum mr_link link, uint8_t port_id, struct mr_packet *ret)
{
	struct mr_frame f = { .data = data, .cap = cap, .wire = wire < cap ? cap : wire };
	enum mr_net net;
	struct mr_ports ports;

	packet_reset(ret, &f, port_id);
	ret->not_metered = mr_decode_link(&f, link, ret, &net);
	if (ret->not_metered != 0)
		return;
	ret->not_metered = net == MR_NET_IPV4 ? mr_decode_ipv4(&f, ret) : mr_decode_ipv6(&f, ret);
	if (ret->not_metered != 0)
		return;
	ports = mr_decode_l4(&f, ret);

	const uint8_t *ip = data + ret->l3_off;
	if (net == MR_NET_IPV4)
		mr_key_ipv4(conf, ret, mr_get_u32(ip + 12), mr_get_u32(ip + 16), ports);
	else
		mr_key_ipv6(conf, ret, ip + 8, ip + 24, ports);
}

void mr_packet_decode(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
		      enum mr_link link, uint8_t port_id, struct mr_packet *ret)
{
	struct mr_fast fast = mr_fast_make(conf, port_id);

	if (link != MR_LINK_ETHERNET || !mr_decode_fast(&fast, data, cap, wire, ret))
		mr_packet_decode_general(conf, data, cap, wire, link, port_id, ret);
}

void mr_packet_set_ports(const struct mr_packet_conf *conf, struct mr_packet *pkt, uint16_t src_port,
			 uint16_t dst_port)
{
	struct mr_ports ports = { src_port, dst_port };
	bool swapped = pkt->flags & MR_PACKET_SWAPPED;

	if (pkt->flags & MR_PACKET_V6) {
		uint8_t addr[2][16];

		memcpy(addr, pkt->addr6, sizeof(addr));
		mr_key_ipv6(conf, pkt, addr[swapped], addr[!swapped], ports);
	} else {
		uint32_t addr[2] = { (uint32_t)(pkt->addr_key >> 32), (uint32_t)pkt->addr_key };

		mr_key_ipv4(conf, pkt, addr[swapped], addr[!swapped], ports);
	}
}
