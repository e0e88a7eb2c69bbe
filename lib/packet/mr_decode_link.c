/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_priv.h"

#define LLC_MAX 1500 /* IEEE 802.3: up to here the type field is a length and LLC follows */

enum {
	PPP_IPV4 = 0x0021,
	PPP_IPV6 = 0x0057,
	PPP_MPLS = 0x0281,
	PPP_MPLS_MULTICAST = 0x0283,
};

enum {
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_PPPOE_DISCOVERY = 0x8863,
	ETHERTYPE_NSH = 0x894f,
};

enum {
	NLPID_SNAP = 0x80,
	NLPID_IPV6 = 0x8e,
	NLPID_IPV4 = 0xcc,
};

enum {
	ARISTA_SUBTYPE_TIME = 1,
	ARISTA_TIME_64 = 1,
	ARISTA_TIME_48 = 2,
};

#define OUI_ETHERTYPE	  0x000000 /* RFC 1042: an ethertype follows */
#define OUI_BRIDGE_TUNNEL 0x0000f8 /* IEEE 802.1H: the same */
#define OUI_BRIDGED	  0x0080c2 /* RFC 2427: a bridged frame follows, of the kind in the PID */
#define PID_ETHERNET_FCS  0x0001
#define PID_ETHERNET	  0x0007

/* IPv4 or IPv6 by the version nibble, where nothing else says it. */
uint16_t mr_decode_guess(const struct mr_frame *f, enum mr_net *ret_net)
{
	if (mr_frame_left(f) == 0)
		return MR_C_LINK_TRUNCATED;
	switch (f->data[f->off] >> 4) {
	case 4:
		*ret_net = MR_NET_IPV4;
		return 0;
	case 6:
		*ret_net = MR_NET_IPV6;
		return 0;
	default:
		return MR_C_NON_IP;
	}
}

/* Could an Ethernet frame start here? By its type field, since addresses can be anything. */
static bool looks_like_ethernet(const struct mr_frame *f, uint32_t off)
{
	uint16_t type;

	if (f->cap < off + 14)
		return false;
	type = mr_get_u16(f->data + off + 12);
	switch (type) {
	case MR_ETHERTYPE_IPV4:
	case MR_ETHERTYPE_IPV6:
	case ETHERTYPE_ARP:
	case MR_ETHERTYPE_VLAN:
	case MR_ETHERTYPE_VLAN_STAG:
	case MR_ETHERTYPE_MPLS:
	case MR_ETHERTYPE_PPPOE:
	case ETHERTYPE_PPPOE_DISCOVERY:
		return true;
	default:
		return type <= LLC_MAX && f->cap >= off + 17 && f->data[off + 14] == f->data[off + 15] &&
		       f->data[off + 16] == 0x03; /* LLC, both SAPs the same, unnumbered */
	}
}

/*
 * An Ethernet pseudowire, RFC 4448, with a control word (first nibble 0, RFC 4385) or without: nothing in the
 * packet says which.
 */
static uint16_t decode_pseudowire(struct mr_frame *f, uint32_t label, struct mr_packet *pkt,
				  enum mr_net *ret_net)
{
	bool word = f->data[f->off] >> 4 == 0 && looks_like_ethernet(f, f->off + 4);

	if (!word && !looks_like_ethernet(f, f->off))
		return MR_C_NON_IP;
	if (f->ethernets++ == MR_ETHERNETS_MAX)
		return MR_C_LINK_TOO_DEEP;
	f->off += word ? 4 : 0;
	mr_frame_wrapped(f, MR_TUNNEL_PW, label);
	return mr_decode_ethernet(f, pkt, ret_net);
}

/* RFC 3032. Label and payload say nothing of the payload's kind, hence the guess. */
uint16_t mr_decode_mpls(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	for (unsigned labels = 0; labels < MR_MPLS_LABELS_MAX; labels++) {
		uint32_t entry;

		if (mr_frame_left(f) < 4)
			return MR_C_LINK_TRUNCATED;
		entry = mr_get_u32(f->data + f->off);
		f->off += 4;
		if (pkt->mpls_label == 0)
			pkt->mpls_label = entry >> 8;
		mr_frame_label(f, entry >> 8, labels);
		if (!(entry & 0x100)) /* not the bottom of the stack */
			continue;
		if (mr_decode_guess(f, ret_net) == 0)
			return 0;
		if (mr_frame_left(f) == 0)
			return MR_C_LINK_TRUNCATED;
		return decode_pseudowire(f, entry >> 12, pkt, ret_net);
	}
	return MR_C_LINK_TOO_DEEP;
}

/* The protocol field of PPP, one octet when compressed (RFC 1661 section 6.5), and what follows. */
static uint16_t decode_ppp_protocol(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	uint32_t left = mr_frame_left(f);
	uint16_t protocol;

	if (left < 1 || (!(f->data[f->off] & 1) && left < 2))
		return MR_C_LINK_TRUNCATED;
	if (f->data[f->off] & 1) {
		protocol = f->data[f->off];
		f->off += 1;
	} else {
		protocol = mr_get_u16(f->data + f->off);
		f->off += 2;
	}
	switch (protocol) {
	case PPP_IPV4:
		*ret_net = MR_NET_IPV4;
		return 0;
	case PPP_IPV6:
		*ret_net = MR_NET_IPV6;
		return 0;
	case PPP_MPLS:
	case PPP_MPLS_MULTICAST:
		return mr_decode_mpls(f, pkt, ret_net);
	default:
		return MR_C_NON_IP;
	}
}

/* RFC 2516 section 4. */
static uint16_t decode_pppoe(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;

	if (mr_frame_left(f) < 6)
		return MR_C_LINK_TRUNCATED;
	if (p[0] != 0x11) /* version 1, type 1 */
		return MR_C_LINK_MALFORMED;
	if (p[1] != 0) /* code of session data */
		return MR_C_NON_IP;
	mr_frame_wrapped(f, MR_TUNNEL_PPPOE, mr_get_u16(p + 2));
	f->off += 6;
	return decode_ppp_protocol(f, pkt, ret_net);
}

/* Network service header, RFC 8300 section 2.2: its length in words, and what follows. */
static uint16_t decode_nsh(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint32_t len;

	if (mr_frame_left(f) < 8)
		return MR_C_LINK_TRUNCATED;
	len = (p[1] & 0x3fu) * 4;
	if (p[0] >> 6 != 0 || len < 8)
		return MR_C_LINK_MALFORMED;
	if (mr_frame_left(f) < len)
		return MR_C_LINK_TRUNCATED;
	f->off += len;
	return mr_decode_next_protocol(f, p[3], pkt, ret_net);
}

uint16_t mr_decode_next_protocol(struct mr_frame *f, uint8_t next, struct mr_packet *pkt,
				 enum mr_net *ret_net)
{
	switch (next) {
	case 1:
		*ret_net = MR_NET_IPV4;
		return 0;
	case 2:
		*ret_net = MR_NET_IPV6;
		return 0;
	case 3:
		return f->ethernets++ == MR_ETHERNETS_MAX ? MR_C_LINK_TOO_DEEP
							  : mr_decode_ethernet(f, pkt, ret_net);
	case 4:
		return f->ethernets++ == MR_ETHERNETS_MAX ? MR_C_LINK_TOO_DEEP : decode_nsh(f, pkt, ret_net);
	case 5:
		return mr_decode_mpls(f, pkt, ret_net);
	default:
		return MR_C_NON_IP;
	}
}

static bool is_vlan(uint16_t type)
{
	return type == MR_ETHERTYPE_VLAN || type == MR_ETHERTYPE_VLAN_STAG || type == MR_ETHERTYPE_VLAN_OLD;
}

/* What follows an ethertype, which has been read already. */
uint16_t mr_decode_ethertype(struct mr_frame *f, uint16_t type, struct mr_packet *pkt, enum mr_net *ret_net)
{
	while (is_vlan(type)) {
		uint16_t vid;

		if (f->vlan_tags == MR_VLAN_TAGS_MAX)
			return MR_C_LINK_TOO_DEEP;
		if (mr_frame_left(f) < 4)
			return MR_C_LINK_TRUNCATED;
		vid = mr_get_u16(f->data + f->off) & 0xfff;
		type = mr_get_u16(f->data + f->off + 2);
		f->off += 4;
		if (f->vlan_tags == 0)
			pkt->vlan = vid;
		else if (f->vlan_tags == 1)
			pkt->inner_vlan = vid;
		f->vlan_tags++;
		if (type <= LLC_MAX)
			return mr_decode_llc(f, pkt, ret_net); /* comes back here at most once a tag */
	}
	switch (type) {
	case MR_ETHERTYPE_IPV4:
		*ret_net = MR_NET_IPV4;
		return 0;
	case MR_ETHERTYPE_IPV6:
		*ret_net = MR_NET_IPV6;
		return 0;
	case MR_ETHERTYPE_MPLS:
	case MR_ETHERTYPE_MPLS_MULTICAST:
		return mr_decode_mpls(f, pkt, ret_net);
	case MR_ETHERTYPE_PPPOE:
		return decode_pppoe(f, pkt, ret_net);
	case ETHERTYPE_NSH:
		return decode_nsh(f, pkt, ret_net);
	case MR_ETHERTYPE_MACSEC:
		return MR_C_LINK_ENCRYPTED;
	default:
		return MR_C_NON_IP;
	}
}

uint16_t mr_decode_llc(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint32_t oui;

	if (mr_frame_left(f) < 3)
		return MR_C_LINK_TRUNCATED;
	if (p[0] == 0x06 && p[1] == 0x06 && p[2] == 0x03) { /* the SAP of IP itself, RFC 1010 */
		*ret_net = MR_NET_IPV4;
		f->off += 3;
		return 0;
	}
	if (p[0] != 0xaa || p[1] != 0xaa || p[2] != 0x03)
		return MR_C_NON_IP;
	if (mr_frame_left(f) < 8)
		return MR_C_LINK_TRUNCATED;
	oui = mr_get_u32(p + 2) & 0xffffff;
	if (oui != OUI_ETHERTYPE && oui != OUI_BRIDGE_TUNNEL)
		return MR_C_NON_IP;
	f->off += 8;
	return mr_decode_ethertype(f, mr_get_u16(p + 6), pkt, ret_net);
}

/*
 * Switches of Arista that collect from TAPs put the time between the addresses and the ethertype: subtype,
 * version (timescale, format, hardware), time, then the ethertype that was there (white paper "Overview of
 * Arista Timestamps").
 */
static uint16_t skip_arista_time(struct mr_frame *f, uint16_t *type)
{
	const uint8_t *p = f->data + f->off;
	uint32_t len;

	if (mr_frame_left(f) < 4)
		return MR_C_LINK_TRUNCATED;
	if (mr_get_u16(p) != ARISTA_SUBTYPE_TIME)
		return MR_C_NON_IP;
	switch (p[3] >> 4) {
	case ARISTA_TIME_64:
		len = 4 + 8 + 2;
		break;
	case ARISTA_TIME_48:
		len = 4 + 6 + 2;
		break;
	default:
		return MR_C_NON_IP;
	}
	if (mr_frame_left(f) < len)
		return MR_C_LINK_TRUNCATED;
	*type = mr_get_u16(p + len - 2);
	f->off += len;
	return 0;
}

uint16_t mr_decode_ethernet(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	uint16_t type, reason;

	if (mr_frame_left(f) < 14)
		return MR_C_LINK_TRUNCATED;
	type = mr_get_u16(f->data + f->off + 12);
	f->off += 14;
	if (type == MR_ETHERTYPE_ARISTA) {
		reason = skip_arista_time(f, &type);
		if (reason != 0)
			return reason;
	}
	if (type <= LLC_MAX)
		return mr_decode_llc(f, pkt, ret_net);
	return mr_decode_ethertype(f, type, pkt, ret_net);
}

/* Four octets of address family, in the byte order of the host that captured or, for LOOP, of the network. */
static uint16_t decode_null(struct mr_frame *f, enum mr_net *ret_net)
{
	uint32_t family;

	if (mr_frame_left(f) < 4)
		return MR_C_LINK_TRUNCATED;
	family = mr_get_u32(f->data + f->off);
	if (family > 0xffff)
		family = __builtin_bswap32(family);
	f->off += 4;
	switch (family) {
	case 2: /* AF_INET everywhere */
		*ret_net = MR_NET_IPV4;
		return 0;
	case 10: /* AF_INET6 of Linux, */
	case 24: /* of NetBSD and OpenBSD, */
	case 28: /* of FreeBSD, */
	case 30: /* of Darwin */
		*ret_net = MR_NET_IPV6;
		return 0;
	default:
		return MR_C_NON_IP;
	}
}

/* Linux cooked: @p header octets, with protocol and ARPHRD type at the given offsets. */
static uint16_t decode_sll(struct mr_frame *f, uint32_t header, uint32_t protocol_at, uint32_t arphrd_at,
			   struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint16_t protocol;

	if (mr_frame_left(f) < header)
		return MR_C_LINK_TRUNCATED;
	if (mr_get_u16(p + arphrd_at) == 824) /* ARPHRD_NETLINK: protocol is a netlink family */
		return MR_C_NON_IP;
	protocol = mr_get_u16(p + protocol_at);
	f->off += header;
	if (protocol == 4) /* ETH_P_802_2 */
		return mr_decode_llc(f, pkt, ret_net);
	return mr_decode_ethertype(f, protocol, pkt, ret_net);
}

static uint16_t decode_chdlc(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	uint16_t protocol;

	if (mr_frame_left(f) < 4)
		return MR_C_LINK_TRUNCATED;
	protocol = mr_get_u16(f->data + f->off + 2);
	f->off += 4;
	return mr_decode_ethertype(f, protocol, pkt, ret_net);
}

/* With or without address and control field (RFC 1662); either serial link may also speak Cisco HDLC. */
uint16_t mr_decode_ppp(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;

	if (mr_frame_left(f) < 2)
		return MR_C_LINK_TRUNCATED;
	if ((p[0] == 0x0f || p[0] == 0x8f) && p[1] == 0) /* unicast, broadcast */
		return decode_chdlc(f, pkt, ret_net);
	if (p[0] == 0xff && p[1] == 0x03)
		f->off += 2;
	return decode_ppp_protocol(f, pkt, ret_net);
}

/* SNAP behind the NLPID of a Frame Relay header. */
static uint16_t decode_frelay_snap(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint32_t oui;
	uint16_t pid;

	if (mr_frame_left(f) < 5)
		return MR_C_LINK_TRUNCATED;
	oui = mr_get_u32(p) >> 8;
	pid = mr_get_u16(p + 3);
	f->off += 5;
	if (oui == OUI_ETHERTYPE)
		return mr_decode_ethertype(f, pid, pkt, ret_net);
	if (oui == OUI_BRIDGED && (pid == PID_ETHERNET || pid == PID_ETHERNET_FCS))
		return mr_decode_ethernet(f, pkt, ret_net);
	return MR_C_NON_IP;
}

/* RFC 2427 section 3: Q.922 address, control, optional pad, NLPID. Cisco's older way: address, ethertype. */
static uint16_t decode_frelay(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data;
	uint32_t end = f->off + 2; /* of the address, 2 to 4 octets; the last one has its low bit set */

	while (end <= f->cap && !(p[end - 1] & 1) && end < f->off + 4)
		end++;
	if (end + 2 > f->cap)
		return MR_C_LINK_TRUNCATED;
	f->off = end + 1;
	if (p[end] != 0x03) {
		f->off = end + 2;
		return mr_decode_ethertype(f, mr_get_u16(p + end), pkt, ret_net);
	}
	if (p[f->off] == 0)
		f->off++;
	if (mr_frame_left(f) < 1)
		return MR_C_LINK_TRUNCATED;
	switch (p[f->off++]) {
	case NLPID_IPV4:
		*ret_net = MR_NET_IPV4;
		return 0;
	case NLPID_IPV6:
		*ret_net = MR_NET_IPV6;
		return 0;
	case NLPID_SNAP:
		return decode_frelay_snap(f, pkt, ret_net);
	default:
		return MR_C_NON_IP;
	}
}

uint16_t mr_decode_link(struct mr_frame *f, enum mr_link link, struct mr_packet *pkt, enum mr_net *ret_net)
{
	switch (link) {
	case MR_LINK_ETHERNET:
		pkt->flags |= MR_PACKET_MAC;
		return mr_decode_ethernet(f, pkt, ret_net);
	case MR_LINK_RAW:
		return mr_decode_guess(f, ret_net);
	case MR_LINK_NULL:
		return decode_null(f, ret_net);
	case MR_LINK_SLL:
		return decode_sll(f, 16, 14, 2, pkt, ret_net);
	case MR_LINK_SLL2:
		return decode_sll(f, 20, 0, 8, pkt, ret_net);
	case MR_LINK_PPP:
		return mr_decode_ppp(f, pkt, ret_net);
	case MR_LINK_CHDLC:
		return decode_chdlc(f, pkt, ret_net);
	case MR_LINK_FRELAY:
		return decode_frelay(f, pkt, ret_net);
	case MR_LINK_IEEE802_11:
		return mr_decode_wlan(f, pkt, ret_net);
	case MR_LINK_RADIOTAP:
		return mr_decode_radiotap(f, pkt, ret_net);
	case MR_LINK_UNSUPPORTED:
	case MR_LINK_MAX:
		break;
	}
	return MR_C_LINK_UNSUPPORTED;
}
