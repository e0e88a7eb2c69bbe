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

/* The IP header and what follows, and the ports. Returns why the packet isn't metered, or 0. */
static uint16_t decode_ip(struct mr_frame *f, enum mr_net net, struct mr_packet *pkt,
			  struct mr_ports *ret_ports)
{
	uint16_t reason = net == MR_NET_IPV4 ? mr_decode_ipv4(f, pkt) : mr_decode_ipv6(f, pkt);

	if (reason == 0)
		*ret_ports = mr_decode_l4(f, pkt);
	return reason;
}

static void add_tunnel_to_key(const struct mr_packet_conf *conf, const struct mr_tunnel *tunnel,
			      struct mr_packet *pkt)
{
	if (pkt->flags & MR_PACKET_TUNNEL)
		pkt->hash = mr_packet_hash_tunnel(
			pkt->hash,
			mr_tunnel_key_fold(tunnel, (enum mr_tunnel_key)conf->tunnel_key, &conf->seed));
}

/* What the inner packet may leave as the outer one had it. */
static void reset_inner(struct mr_packet *pkt)
{
	pkt->flags &= MR_PACKET_MAC;
	pkt->tcp_flags = 0;
	pkt->frag_flags = 0;
	pkt->icmp = 0;
	pkt->payload_off = (uint16_t)(pkt->cap_len < UINT16_MAX ? pkt->cap_len : UINT16_MAX);
	pkt->payload_len = 0;
}

/*
 * One tunnel further in. When what is inside can't be metered, the packet stays that of the tunnel's own
 * flow. Returns whether it went in.
 */
static bool go_in(const struct mr_packet_conf *conf, struct mr_frame *f, struct mr_packet *pkt,
		  struct mr_ports *ports)
{
	const struct mr_packet outer = *pkt;
	const struct mr_ports outer_ports = *ports;
	const uint8_t levels = f->tunnel->levels, labels = f->tunnel->labels;
	enum mr_net net;
	uint16_t reason = mr_decode_tunnel(conf, f, pkt, *ports, &net);

	if (reason == 0) {
		f->ethernets = 0;
		reset_inner(pkt);
		reason = decode_ip(f, net, pkt, ports);
		if (reason == 0)
			return true;
	}
	*pkt = outer;
	*ports = outer_ports;
	f->tunnel->levels = levels;
	f->tunnel->labels = labels;
	if (reason != MR_TUNNEL_NOT && reason != MR_C_NON_IP)
		mr_packet_note(pkt, MR_C_TUNNEL_MALFORMED);
	return false;
}

/* Fragments stay with their tunnel's flow: only the first of them has the inner headers. */
static void open_tunnels(const struct mr_packet_conf *conf, struct mr_frame *f, struct mr_packet *pkt,
			 struct mr_ports *ports)
{
	unsigned depth = 0;

	while (depth < conf->tunnel_depth && f->tunnel->levels < MR_TUNNEL_LEVELS &&
	       pkt->frag == MR_FRAG_NONE && !f->l4_hidden && go_in(conf, f, pkt, ports))
		depth++;
}

void mr_packet_decode_general(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap,
			      uint32_t wire, enum mr_link link, uint8_t port_id, struct mr_tunnel *ret_tunnel,
			      struct mr_packet *ret)
{
	struct mr_frame f = { .data = data, .cap = cap, .wire = wire < cap ? cap : wire };
	enum mr_net net;
	struct mr_ports ports;

	packet_reset(ret, &f, port_id);
	if (conf->tunnel_key != MR_TUNNEL_KEY_OUTER) {
		f.tunnel = ret_tunnel;
		ret_tunnel->levels = 0;
		ret_tunnel->labels = 0;
	}
	ret->not_metered = mr_decode_link(&f, link, ret, &net);
	if (ret->not_metered != 0)
		return;
	ret->not_metered = decode_ip(&f, net, ret, &ports);
	if (ret->not_metered != 0)
		return;
	if (conf->tunnel_key != MR_TUNNEL_KEY_OUTER) {
		open_tunnels(conf, &f, ret, &ports);
		if (ret_tunnel->levels + ret_tunnel->labels != 0)
			ret->flags |= MR_PACKET_TUNNEL;
	}

	const uint8_t *ip = data + ret->l3_off;
	if (ret->flags & MR_PACKET_V6)
		mr_key_ipv6(conf, ret, ip + 8, ip + 24, ports);
	else
		mr_key_ipv4(conf, ret, mr_get_u32(ip + 12), mr_get_u32(ip + 16), ports);
	add_tunnel_to_key(conf, ret_tunnel, ret);
}

void mr_packet_decode(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
		      enum mr_link link, uint8_t port_id, struct mr_tunnel *ret_tunnel, struct mr_packet *ret)
{
	struct mr_fast fast = mr_fast_make(conf, port_id);

	if (link != MR_LINK_ETHERNET || !mr_decode_fast(&fast, data, cap, wire, ret))
		mr_packet_decode_general(conf, data, cap, wire, link, port_id, ret_tunnel, ret);
}

void mr_packet_set_ports(const struct mr_packet_conf *conf, struct mr_packet *pkt,
			 const struct mr_tunnel *tunnel, uint16_t src_port, uint16_t dst_port)
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
	add_tunnel_to_key(conf, tunnel, pkt);
}
