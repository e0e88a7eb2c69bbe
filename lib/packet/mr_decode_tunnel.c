/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tunnels over IP. Each opener reads its header at f->off, says what its level is, and goes on with the layer
 * that its header names. What isn't surely a tunnel is none: the packet is metered as what it is on the
 * outside.
 */
#include "packet/mr_decode_priv.h"

enum {
	PROTO_IPV4 = 4,
	PROTO_IPV6 = 41,
	PROTO_ETHERIP = 97,
	PROTO_MPLS = 137,
};

enum {
	GRE_CHECKSUM = 0x8000,
	GRE_ROUTING = 0x4000,
	GRE_KEY = 0x2000,
	GRE_SEQUENCE = 0x1000,
	GRE_ACK = 0x0080, /* version 1 only */
	GRE_VERSION = 0x0007,
};

/* What GRE's protocol field says beyond ethertypes. */
enum {
	GRE_WCCP = 0x883e,
	GRE_PPP = 0x880b,
	GRE_ETHERNET = 0x6558,
	GRE_EOIP = 0x6400,
	GRE_ERSPAN = 0x88be, /* type I without sequence number, else II */
	GRE_ERSPAN3 = 0x22eb,
};

/* The level being opened; the first that stands at its place after this one is the next inner one. */
struct opener {
	struct mr_frame *f;
	struct mr_packet *pkt;
	struct mr_tunnel_level level;
	enum mr_net net;
};

static const uint8_t *here(const struct opener *o)
{
	return o->f->data + o->f->off;
}

static bool has(const struct opener *o, uint32_t n)
{
	return mr_frame_left(o->f) >= n;
}

static void is_kind(struct opener *o, enum mr_tunnel_kind kind)
{
	o->level.kind = (uint8_t)kind;
}

static void has_id(struct opener *o, uint32_t id)
{
	o->level.id = id;
	o->level.has_id = true;
}

/* All that the level says is known: put it down, so that wrappings further in come behind it. */
static void put_level(const struct opener *o)
{
	struct mr_tunnel *t = o->f->tunnel;

	if (t != NULL && t->levels < MR_TUNNEL_LEVELS)
		t->level[t->levels++] = o->level;
}

static uint16_t then_ethernet(struct opener *o)
{
	put_level(o);
	return mr_decode_ethernet(o->f, o->pkt, &o->net);
}

static uint16_t then_ethertype(struct opener *o, uint16_t type)
{
	put_level(o);
	return mr_decode_ethertype(o->f, type, o->pkt, &o->net);
}

static uint16_t then_ip(struct opener *o)
{
	put_level(o);
	return mr_decode_guess(o->f, &o->net);
}

static uint16_t then_ppp(struct opener *o)
{
	put_level(o);
	return mr_decode_ppp(o->f, o->pkt, &o->net);
}

/* Draft "Cisco Systems' Encapsulated Remote Switch Port Analyzer", sections 4.2 and 4.3. */
static uint16_t open_erspan(struct opener *o, bool type_3)
{
	const uint8_t *p = here(o);
	uint32_t len = type_3 ? 12 : 8;

	if (!has(o, len))
		return MR_C_LINK_TRUNCATED;
	if (p[0] >> 4 != (type_3 ? 2 : 1))
		return MR_C_LINK_MALFORMED;
	is_kind(o, type_3 ? MR_TUNNEL_ERSPAN3 : MR_TUNNEL_ERSPAN2);
	has_id(o, mr_get_u16(p + 2) & 0x3ff);
	if (type_3 && p[11] & 1) { /* a platform specific subheader */
		len += 8;
		if (!has(o, len))
			return MR_C_LINK_TRUNCATED;
	}
	o->f->off += len;
	if (type_3 && (p[10] >> 2 & 0x1f) == 2) /* frame type: IP without Ethernet */
		return then_ip(o);
	return then_ethernet(o);
}

/* MikroTik's: looks like version 1 of GRE, its key is payload length and, least octet first, tunnel id. */
static uint16_t open_eoip(struct opener *o)
{
	const uint8_t *p = here(o);

	if (!has(o, 8))
		return MR_C_LINK_TRUNCATED;
	is_kind(o, MR_TUNNEL_EOIP);
	has_id(o, p[6] | (uint32_t)p[7] << 8);
	o->f->off += 8;
	return then_ethernet(o);
}

/* PPTP, RFC 2637 section 4.1. A packet without payload only acknowledges. */
static uint16_t open_pptp(struct opener *o, uint16_t flags)
{
	const uint8_t *p = here(o);
	uint32_t len = 8 + (flags & GRE_SEQUENCE ? 4 : 0) + (flags & GRE_ACK ? 4 : 0);

	if (mr_get_u16(p + 2) != GRE_PPP || !(flags & GRE_KEY) || !(flags & GRE_SEQUENCE))
		return MR_TUNNEL_NOT;
	if (!has(o, len))
		return MR_C_LINK_TRUNCATED;
	has_id(o, mr_get_u16(p + 6));
	o->f->off += len;
	return then_ppp(o);
}

/* What Cisco's WCCP puts before a redirected packet in its second version can't be a version of IP. */
static uint16_t then_wccp(struct opener *o)
{
	if (has(o, 4) && here(o)[0] >> 4 != 4)
		o->f->off += 4;
	return then_ip(o);
}

static uint16_t then_gre_protocol(struct opener *o, uint16_t type, bool sequence)
{
	switch (type) {
	case GRE_ETHERNET:
		if (o->level.has_id) { /* RFC 7637 section 3.2: the key is VSID << 8 | flow id */
			is_kind(o, MR_TUNNEL_NVGRE);
			o->level.id >>= 8;
		}
		return then_ethernet(o);
	case GRE_ERSPAN:
		if (sequence)
			return open_erspan(o, false);
		is_kind(o, MR_TUNNEL_ERSPAN1);
		return then_ethernet(o);
	case GRE_ERSPAN3:
		return open_erspan(o, true);
	case GRE_PPP:
		return then_ppp(o);
	case GRE_WCCP:
		return then_wccp(o);
	default:
		return then_ethertype(o, type);
	}
}

/* RFC 2784 section 2, RFC 2890 section 2. */
static uint16_t open_gre(struct opener *o)
{
	const uint8_t *p = here(o);
	uint16_t flags, type;
	uint32_t len = 4;

	if (!has(o, 4))
		return MR_C_LINK_TRUNCATED;
	flags = mr_get_u16(p);
	type = mr_get_u16(p + 2);
	is_kind(o, MR_TUNNEL_GRE);
	if ((flags & GRE_VERSION) == 1)
		return type == GRE_EOIP ? open_eoip(o) : open_pptp(o, flags);
	if ((flags & (GRE_VERSION | GRE_ROUTING)) != 0)
		return MR_TUNNEL_NOT;
	len += flags & GRE_CHECKSUM ? 4 : 0;
	if (flags & GRE_KEY) {
		if (!has(o, len + 4))
			return MR_C_LINK_TRUNCATED;
		has_id(o, mr_get_u32(p + len));
		len += 4;
	}
	len += flags & GRE_SEQUENCE ? 4 : 0;
	if (!has(o, len))
		return MR_C_LINK_TRUNCATED;
	o->f->off += len;
	return then_gre_protocol(o, type, (flags & GRE_SEQUENCE) != 0);
}

/* RFC 3378 section 3: version 3, the rest 0. */
static uint16_t open_etherip(struct opener *o)
{
	if (!has(o, 2) || mr_get_u16(here(o)) != 0x3000)
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_ETHERIP);
	o->f->off += 2;
	return then_ethernet(o);
}

static uint16_t open_mpls(struct opener *o)
{
	if (!has(o, 4))
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_MPLS);
	has_id(o, mr_get_u32(here(o)) >> 12);
	put_level(o);
	return mr_decode_mpls(o->f, o->pkt, &o->net);
}

/* RFC 7348 section 5: the I bit must be set. */
static uint16_t open_vxlan(struct opener *o)
{
	const uint8_t *p = here(o);

	if (!has(o, 8) || !(p[0] & 0x08))
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_VXLAN);
	has_id(o, mr_get_u32(p + 4) >> 8);
	o->f->off += 8;
	return then_ethernet(o);
}

/* Draft-ietf-nvo3-vxlan-gpe section 3: bits I and P, then the next protocol. */
static uint16_t open_vxlan_gpe(struct opener *o)
{
	const uint8_t *p = here(o);

	if (!has(o, 8) || !(p[0] & 0x08))
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_VXLAN_GPE);
	has_id(o, mr_get_u32(p + 4) >> 8);
	o->f->off += 8;
	if (!(p[0] & 0x04))
		return then_ethernet(o);
	put_level(o);
	return mr_decode_next_protocol(o->f, p[3], o->pkt, &o->net);
}

/* RFC 8926 section 3.4. */
static uint16_t open_geneve(struct opener *o)
{
	const uint8_t *p = here(o);
	uint32_t len;
	uint16_t type;

	if (!has(o, 8) || p[0] >> 6 != 0)
		return MR_TUNNEL_NOT;
	len = 8 + (p[0] & 0x3fu) * 4;
	if (!has(o, len))
		return MR_C_LINK_TRUNCATED;
	type = mr_get_u16(p + 2);
	is_kind(o, MR_TUNNEL_GENEVE);
	has_id(o, mr_get_u32(p + 4) >> 8);
	o->f->off += len;
	return type == GRE_ETHERNET ? then_ethernet(o) : then_ethertype(o, type);
}

/* 3GPP TS 29.281 section 5: only user data (G-PDU) of version 1, extension headers followed. */
static uint16_t open_gtpu(struct opener *o)
{
	const uint8_t *p = here(o);
	uint32_t len = 8, left = mr_frame_left(o->f);
	uint8_t next;

	if (left < 8 || (p[0] & 0xf0) != 0x30 || p[1] != 0xff)
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_GTPU);
	has_id(o, mr_get_u32(p + 4));
	if (p[0] & 0x07) { /* extension, sequence or N-PDU number: all three are there then */
		if (left < 12)
			return MR_C_LINK_TRUNCATED;
		len = 12;
		next = p[0] & 0x04 ? p[11] : 0;
		for (unsigned n = 0; next != 0; n++) {
			uint32_t ext = len < left ? p[len] * 4u : 0;

			if (n == MR_IP_EXT_MAX || ext == 0)
				return MR_C_LINK_MALFORMED;
			len += ext;
			if (len > left)
				return MR_C_LINK_TRUNCATED;
			next = p[len - 1];
		}
	}
	o->f->off += len;
	return then_ip(o);
}

/* RFC 2661 section 3.1: only data messages of version 2. */
static uint16_t open_l2tp(struct opener *o)
{
	const uint8_t *p = here(o);
	uint32_t left = mr_frame_left(o->f), at = 2;
	uint16_t bits;

	if (left < 6)
		return MR_TUNNEL_NOT;
	bits = mr_get_u16(p);
	if ((bits & 0x800f) != 0x0002) /* T: control; version */
		return MR_TUNNEL_NOT;
	at += bits & 0x4000 ? 2 : 0; /* length */
	if (left < at + 4)
		return MR_C_LINK_TRUNCATED;
	is_kind(o, MR_TUNNEL_L2TP);
	has_id(o, mr_get_u32(p + at));
	at += 4 + (bits & 0x0800 ? 4 : 0); /* sequence numbers */
	if (bits & 0x0200) {		   /* offset */
		if (left < at + 2)
			return MR_C_LINK_TRUNCATED;
		at += 2u + mr_get_u16(p + at);
	}
	if (left < at)
		return MR_C_LINK_TRUNCATED;
	o->f->off += at;
	return then_ppp(o);
}

/* RFC 4380 section 5.1.1: authentication and origin indication may stand before the IPv6 packet. */
static uint16_t open_teredo(struct opener *o)
{
	const uint8_t *p = here(o);
	uint32_t left = mr_frame_left(o->f), at = 0;

	if (left >= 4 && mr_get_u16(p) == 0x0001)
		at += 4u + p[2] + p[3] + 8 + 1;
	if (left >= at + 8 && mr_get_u16(p + at) == 0x0000)
		at += 8;
	if (left < at + 40 || p[at] >> 4 != 6 || mr_get_u16(p + at + 4) > left - at - 40)
		return MR_TUNNEL_NOT;
	is_kind(o, MR_TUNNEL_TEREDO);
	o->f->off += at;
	return then_ip(o);
}

/* Version 1, received (0) or to transmit (1), of Ethernet; then tagged fields up to the end tag. */
static uint16_t open_tzsp(struct opener *o)
{
	const uint8_t *p = here(o);
	uint32_t left = mr_frame_left(o->f), at = 4;

	if (left < 5 || p[0] != 1 || p[1] > 1 || mr_get_u16(p + 2) != 1)
		return MR_TUNNEL_NOT;
	while (at < left && p[at] != 1)					       /* end */
		at += p[at] == 0 ? 1u : at + 1 < left ? 2u + p[at + 1] : left; /* padding has no length */
	if (at >= left)
		return MR_C_LINK_TRUNCATED;
	is_kind(o, MR_TUNNEL_TZSP);
	o->f->off += at + 1;
	return then_ethernet(o);
}

static enum mr_tunnel_kind kind_of_port(const struct mr_tunnel_ports *ports, uint16_t port)
{
	for (unsigned i = 0; i < ports->n; i++)
		if (ports->port[i].port == port)
			return (enum mr_tunnel_kind)ports->port[i].kind;
	return MR_TUNNEL_NONE;
}

static uint16_t open_udp(struct opener *o, const struct mr_tunnel_ports *known, struct mr_ports ports)
{
	enum mr_tunnel_kind kind = kind_of_port(known, ports.dst);

	/* only these answer from the port */
	if (kind == MR_TUNNEL_NONE) {
		kind = kind_of_port(known, ports.src);
		if (kind != MR_TUNNEL_TEREDO && kind != MR_TUNNEL_L2TP)
			return MR_TUNNEL_NOT;
	}
	switch (kind) {
	case MR_TUNNEL_VXLAN:
		return open_vxlan(o);
	case MR_TUNNEL_VXLAN_GPE:
		return open_vxlan_gpe(o);
	case MR_TUNNEL_GENEVE:
		return open_geneve(o);
	case MR_TUNNEL_GTPU:
		return open_gtpu(o);
	case MR_TUNNEL_L2TP:
		return open_l2tp(o);
	case MR_TUNNEL_TEREDO:
		return open_teredo(o);
	case MR_TUNNEL_MPLS:
		return open_mpls(o);
	case MR_TUNNEL_TZSP:
		return open_tzsp(o);
	default:
		return MR_TUNNEL_NOT;
	}
}

static uint16_t open_proto(struct opener *o, const struct mr_packet_conf *conf, struct mr_ports ports)
{
	switch (o->pkt->proto) {
	case MR_PROTO_UDP:
		return open_udp(o, conf->tunnel_ports, ports);
	case MR_PROTO_GRE:
		return open_gre(o);
	case PROTO_IPV4:
	case PROTO_IPV6:
		is_kind(o, MR_TUNNEL_IPIP);
		put_level(o);
		o->net = o->pkt->proto == PROTO_IPV4 ? MR_NET_IPV4 : MR_NET_IPV6;
		return 0;
	case PROTO_ETHERIP:
		return open_etherip(o);
	case PROTO_MPLS:
		return open_mpls(o);
	default:
		return MR_TUNNEL_NOT;
	}
}

static void outer_addresses(struct mr_tunnel_level *level, const struct mr_packet *pkt)
{
	const uint8_t *ip = pkt->data + pkt->l3_off;

	if (pkt->flags & MR_PACKET_V6) {
		level->family = 6;
		memcpy(level->addr, ip + 8, 32);
	} else {
		level->family = 4;
		memcpy(level->addr[0], ip + 12, 4);
		memcpy(level->addr[1], ip + 16, 4);
	}
}

uint16_t mr_decode_tunnel(const struct mr_packet_conf *conf, struct mr_frame *f, struct mr_packet *pkt,
			  struct mr_ports ports, enum mr_net *ret_net)
{
	struct opener o = { .f = f, .pkt = pkt };
	uint32_t end = pkt->l3_off + pkt->ip_len;
	uint16_t reason;

	outer_addresses(&o.level, pkt);
	f->off = pkt->proto == MR_PROTO_UDP ? pkt->l4_off + 8u : pkt->l4_off;
	f->wire = f->wire < end ? f->wire : end;
	f->cap = f->cap < f->wire ? f->cap : f->wire;
	if (f->off > f->cap)
		return MR_TUNNEL_NOT;
	reason = open_proto(&o, conf, ports);
	*ret_net = o.net;
	return reason;
}
