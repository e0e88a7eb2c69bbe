/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "base/mr_buf.h"
#include "packet/mr_packet.h"
#include "packet/mr_tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What the layers of the decoder share; private to lib/packet and its tests. Each layer reads at frame->off
 * and moves it behind itself. A layer returns 0 or why the packet isn't metered (enum mr_counter).
 */

enum {
	MR_ETHERTYPE_IPV4 = 0x0800,
	MR_ETHERTYPE_IPV6 = 0x86dd,
	MR_ETHERTYPE_VLAN = 0x8100,
	MR_ETHERTYPE_VLAN_STAG = 0x88a8,
	MR_ETHERTYPE_VLAN_OLD = 0x9100,
	MR_ETHERTYPE_MPLS = 0x8847,
	MR_ETHERTYPE_MPLS_MULTICAST = 0x8848,
	MR_ETHERTYPE_PPPOE = 0x8864,
	MR_ETHERTYPE_MACSEC = 0x88e5,
	MR_ETHERTYPE_ARISTA = 0xd28b,
};

enum {
	MR_PROTO_HOPOPTS = 0,
	MR_PROTO_ICMP = 1,
	MR_PROTO_TCP = 6,
	MR_PROTO_UDP = 17,
	MR_PROTO_DCCP = 33,
	MR_PROTO_ROUTING = 43,
	MR_PROTO_FRAGMENT = 44,
	MR_PROTO_GRE = 47,
	MR_PROTO_ESP = 50,
	MR_PROTO_AH = 51,
	MR_PROTO_ICMPV6 = 58,
	MR_PROTO_NONE = 59,
	MR_PROTO_DSTOPTS = 60,
	MR_PROTO_SCTP = 132,
	MR_PROTO_MOBILITY = 135,
	MR_PROTO_UDPLITE = 136,
	MR_PROTO_HIP = 139,
	MR_PROTO_SHIM6 = 140,
};

/* Limits of what one packet may cost. With them every header offset fits 16 bits. */
#define MR_VLAN_TAGS_MAX   4
#define MR_MPLS_LABELS_MAX 16
#define MR_IP_EXT_MAX	   8
#define MR_ETHERNETS_MAX   4
#define MR_RADIOTAP_MAX	   4096 /* octets */

enum mr_net {
	MR_NET_IPV4 = 4,
	MR_NET_IPV6 = 6,
};

struct mr_frame {
	const uint8_t *data;
	uint32_t cap;		  /* octets that may be read */
	uint32_t wire;		  /* octets on the wire, >= cap */
	uint32_t off;		  /* of the next header, <= cap */
	uint8_t vlan_tags;	  /* seen so far */
	bool l4_hidden;		  /* behind an extension header that couldn't be followed */
	uint8_t ethernets;	  /* frames within frames so far, tunnels over IP not counted */
	struct mr_tunnel *tunnel; /* takes what wraps the packet; NULL: not wanted */
};

static inline uint32_t mr_frame_left(const struct mr_frame *f)
{
	return f->cap - f->off;
}

/** Only the first thing found wrong is kept: what follows from it would mislead. */
static inline void mr_packet_note(struct mr_packet *pkt, enum mr_counter note)
{
	if (pkt->note == 0)
		pkt->note = (uint16_t)note;
}

/** Remember one more wrapping without IP addresses. */
static inline void mr_frame_wrapped(struct mr_frame *f, enum mr_tunnel_kind kind, uint32_t id)
{
	struct mr_tunnel *t = f->tunnel;

	if (t == NULL || t->levels == MR_TUNNEL_LEVELS)
		return;
	t->level[t->levels++] = (struct mr_tunnel_level){ .id = id, .kind = (uint8_t)kind, .has_id = true };
}

/** Remember a label of the outermost stack. @param at  its place there, 0: on top */
static inline void mr_frame_label(struct mr_frame *f, uint32_t label, unsigned at)
{
	struct mr_tunnel *t = f->tunnel;

	if (t != NULL && t->labels == at && at < MR_TUNNEL_LABELS)
		t->label[t->labels++] = label;
}

/** From the link layer to the IP header; sets VLAN and MPLS facts of @p pkt. */
uint16_t mr_decode_link(struct mr_frame *f, enum mr_link link, struct mr_packet *pkt, enum mr_net *ret_net);
/* Parts of it, for what may follow a tunnel's header. */
uint16_t mr_decode_ethernet(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);
/** @param type  the ethertype of what follows */
uint16_t mr_decode_ethertype(struct mr_frame *f, uint16_t type, struct mr_packet *pkt, enum mr_net *ret_net);
uint16_t mr_decode_ppp(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);
uint16_t mr_decode_mpls(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);
/** IPv4 or IPv6 by the version nibble. */
uint16_t mr_decode_guess(const struct mr_frame *f, enum mr_net *ret_net);
/** By the numbers that NSH and VXLAN-GPE share. */
uint16_t mr_decode_next_protocol(struct mr_frame *f, uint8_t next, struct mr_packet *pkt,
				 enum mr_net *ret_net);
/** LLC header (RFC 1042), after Ethernet, SLL or 802.11. */
uint16_t mr_decode_llc(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);
uint16_t mr_decode_radiotap(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);
uint16_t mr_decode_wlan(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net);

/** The IP header and what extends it, up to the transport header: ip_len, l3_off, l4_off, proto, frag. */
uint16_t mr_decode_ipv4(struct mr_frame *f, struct mr_packet *pkt);
uint16_t mr_decode_ipv6(struct mr_frame *f, struct mr_packet *pkt);

struct mr_ports {
	uint16_t src;
	uint16_t dst;
};

/** The transport header at pkt->l4_off: flags, payload, and the ports for the key. Always metered. */
struct mr_ports mr_decode_l4(const struct mr_frame *f, struct mr_packet *pkt);

#define MR_TUNNEL_NOT UINT16_MAX

/**
 * Open the tunnel whose packet @p pkt is: moves @p f behind its headers and bounds it by its payload.
 * @param ports  of pkt, as sent
 * @return 0 with the inner network protocol; MR_TUNNEL_NOT: no tunnel; or why its content isn't IP (enum
 * mr_counter)
 */
uint16_t mr_decode_tunnel(const struct mr_packet_conf *conf, struct mr_frame *f, struct mr_packet *pkt,
			  struct mr_ports ports, enum mr_net *ret_net);

/** The decoder without its fast path. Same contract and same result as mr_packet_decode(). */
void mr_packet_decode_general(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap,
			      uint32_t wire, enum mr_link link, uint8_t port_id, struct mr_tunnel *ret_tunnel,
			      struct mr_packet *ret);

static inline uint32_t mr_key_scope(const struct mr_packet_conf *conf, const struct mr_packet *pkt)
{
	uint32_t port = conf->port_in_key ? pkt->port_id : 0;
	uint32_t hide =
		conf->vlan_in_key ? 0 : MR_SCOPE(0, MR_VLAN_NONE, MR_VLAN_NONE); /* these are all ones */

	return MR_SCOPE(port, pkt->vlan, pkt->inner_vlan) | hide;
}

static inline void mr_key_finish(const struct mr_packet_conf *conf, struct mr_packet *pkt, bool v6,
				 uint16_t port_0, uint16_t port_1)
{
	pkt->port_key = (uint64_t)mr_key_scope(conf, pkt) << 32 | (uint32_t)port_0 << 16 | port_1;
	pkt->hash = mr_packet_hash(&conf->seed, pkt->addr_key, pkt->port_key, pkt->proto, v6);
}

/** Key of an IPv4 packet. Addresses as numbers; the order is found without a branch that traffic decides. */
static inline void mr_key_ipv4(const struct mr_packet_conf *conf, struct mr_packet *pkt, uint32_t src,
			       uint32_t dst, struct mr_ports ports)
{
	uint64_t from = (uint64_t)src << 16 | ports.src;
	uint64_t to = (uint64_t)dst << 16 | ports.dst;
	uint64_t swap = 0 - (uint64_t)(from > to); /* all bits or none */
	uint64_t change = (from ^ to) & swap;
	uint64_t low = from ^ change;
	uint64_t high = to ^ change;

	pkt->flags = (uint8_t)((pkt->flags & ~MR_PACKET_SWAPPED) | (swap & MR_PACKET_SWAPPED));
	pkt->addr_key = low >> 16 << 32 | high >> 16;
	mr_key_finish(conf, pkt, false, (uint16_t)low, (uint16_t)high);
}

/** Key of an IPv6 packet. @param src, dst  16 octets each, not inside pkt->addr6 */
static inline void mr_key_ipv6(const struct mr_packet_conf *conf, struct mr_packet *pkt, const uint8_t *src,
			       const uint8_t *dst, struct mr_ports ports)
{
	int order = memcmp(src, dst, 16);
	bool swap = order > 0 || (order == 0 && ports.src > ports.dst);
	uint64_t words[4];

	pkt->flags = (uint8_t)((pkt->flags & ~MR_PACKET_SWAPPED) | (swap ? MR_PACKET_SWAPPED : 0));
	memcpy(pkt->addr6[swap], src, 16);
	memcpy(pkt->addr6[!swap], dst, 16);
	memcpy(words, pkt->addr6, sizeof(words));
	pkt->addr_key = mr_hash_4to1(&conf->seed, words);
	mr_key_finish(conf, pkt, true, swap ? ports.dst : ports.src, swap ? ports.src : ports.dst);
}

#ifdef __cplusplus
}
#endif
