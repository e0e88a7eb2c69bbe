/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_priv.h"

#define IPV6_HEADER  40u
#define OPTION_PAD1  0x00
#define OPTION_JUMBO 0xc2 /* RFC 2675 */

#define IPV4_MF	     0x2000
#define IPV6_MF	     0x0001
#define FRAG_FLAG_MF 0x20

/* Lengths above what the frame had on the wire are lies (or a damaged capture): count what was there. */
static void set_ip_len(const struct mr_frame *f, struct mr_packet *pkt, uint32_t ip_len)
{
	uint32_t room = f->wire - pkt->l3_off;

	if (ip_len > room) {
		mr_packet_note(pkt, MR_C_IP_BEYOND_FRAME);
		ip_len = room;
	}
	pkt->ip_len = ip_len;
}

/* End of what was captured of the IP packet, link padding excluded. */
static uint32_t captured_end(const struct mr_frame *f, const struct mr_packet *pkt)
{
	return pkt->ip_len < f->cap - pkt->l3_off ? pkt->l3_off + pkt->ip_len : f->cap;
}

/*
 * Whether a payload length of 0 means a packet captured before the NIC segmented it, or one too large for the
 * field: then the frame's length, @p room octets, is the packet's. IPv6 may also have nothing behind it.
 */
static bool is_offloaded(uint8_t proto, uint32_t room)
{
	return proto == MR_PROTO_TCP || room > UINT16_MAX;
}

static void set_frag(struct mr_packet *pkt, uint32_t offset, bool more, uint32_t id)
{
	if (offset == 0 && !more)
		return; /* whole; in IPv6 an atomic fragment, RFC 6946 */
	pkt->frag = offset == 0 ? MR_FRAG_FIRST : MR_FRAG_LATER;
	pkt->frag_id = id;
}

static bool is_ext(uint8_t proto, bool v6)
{
	switch (proto) {
	case MR_PROTO_AH:
		return true;
	case MR_PROTO_HOPOPTS:
	case MR_PROTO_ROUTING:
	case MR_PROTO_FRAGMENT:
	case MR_PROTO_DSTOPTS:
	case MR_PROTO_MOBILITY:
	case MR_PROTO_HIP:
	case MR_PROTO_SHIM6:
		return v6;
	default:
		return false;
	}
}

/* Protocols of their own that look like extension headers: with nothing behind, they are the protocol. */
static bool is_last(uint8_t proto, uint8_t next)
{
	return next == MR_PROTO_NONE &&
	       (proto == MR_PROTO_MOBILITY || proto == MR_PROTO_HIP || proto == MR_PROTO_SHIM6);
}

static uint32_t ext_len(uint8_t proto, const uint8_t *p)
{
	switch (proto) {
	case MR_PROTO_FRAGMENT:
		return 8;
	case MR_PROTO_AH: /* RFC 4302 section 2.2: 32-bit words minus 2 */
		return (p[1] + 2u) * 4;
	default:
		return (p[1] + 1u) * 8;
	}
}

/*
 * Follow extension headers, pkt->proto being the first one. Stops with proto and l4_off at the first header
 * that isn't one, or that can't be followed. In IPv4 only AH is followed, and its notes are those of a
 * transport header.
 */
static void follow_ext(struct mr_frame *f, struct mr_packet *pkt)
{
	bool v6 = pkt->flags & MR_PACKET_V6;
	uint32_t end = captured_end(f, pkt);

	for (unsigned n = 0; is_ext(pkt->proto, v6) && pkt->frag != MR_FRAG_LATER; n++) {
		const uint8_t *p = f->data + f->off;
		uint32_t len;

		f->l4_hidden = true; /* until this header has been passed */
		if (n == MR_IP_EXT_MAX) {
			mr_packet_note(pkt, MR_C_IPV6_EXT_TOO_MANY);
			break;
		}
		len = end - f->off < 8 ? UINT32_MAX : ext_len(pkt->proto, p);
		if (len > end - f->off) {
			mr_packet_note(pkt, v6 ? MR_C_IPV6_EXT_TRUNCATED : MR_C_L4_TRUNCATED);
			break;
		}
		f->l4_hidden = false;
		if (is_last(pkt->proto, p[0]))
			break;
		if (pkt->proto == MR_PROTO_FRAGMENT) {
			uint16_t field = mr_get_u16(p + 2);

			set_frag(pkt, field & ~7u, field & IPV6_MF, mr_get_u32(p + 4));
			pkt->frag_flags |= field & IPV6_MF ? FRAG_FLAG_MF : 0;
		}
		pkt->proto = p[0];
		f->off += len;
	}
	pkt->l4_off = (uint16_t)f->off;
}

uint16_t mr_decode_ipv4(struct mr_frame *f, struct mr_packet *pkt)
{
	const uint8_t *p = f->data + f->off;
	uint32_t left = mr_frame_left(f);
	uint32_t header, ip_len;
	uint16_t frag;

	if (left < 1)
		return MR_C_IPV4_TRUNCATED;
	if (p[0] >> 4 != 4)
		return MR_C_IPV4_VERSION;
	header = (p[0] & 0xfu) * 4;
	if (header < 20)
		return MR_C_IPV4_HEADER_LENGTH;
	if (left < header)
		return MR_C_IPV4_TRUNCATED;
	ip_len = mr_get_u16(p + 2);
	if (ip_len == 0) /* segmentation offload: no packet is that short, so the frame's length it is */
		ip_len = f->wire - f->off;
	if (ip_len < header)
		return MR_C_IPV4_TOTAL_LENGTH;

	pkt->l3_off = (uint16_t)f->off;
	set_ip_len(f, pkt, ip_len);
	pkt->tos = p[1];
	pkt->ttl = p[8];
	pkt->proto = p[9];
	frag = mr_get_u16(p + 6);
	pkt->frag_flags = (uint8_t)(frag >> 8 & 0xe0);
	set_frag(pkt, frag & 0x1fff, frag & IPV4_MF, mr_get_u16(p + 4));
	f->off += header;
	follow_ext(f, pkt);
	return 0;
}

/*
 * Payload length from the jumbo option of the hop-by-hop header at @p p, of which @p left octets were
 * captured; 0: has none. When the header was cut, @p room is the best guess: without that option the packet
 * made no sense.
 */
static uint32_t jumbo_len(const uint8_t *p, uint32_t left, uint32_t room)
{
	uint32_t end = left < 8 ? UINT32_MAX : ext_len(MR_PROTO_HOPOPTS, p);

	if (end > left)
		return room;
	for (uint32_t at = 2; at + 6 <= end; at += p[at] == OPTION_PAD1 ? 1 : 2u + p[at + 1]) {
		if (p[at] == OPTION_JUMBO && p[at + 1] == 4)
			return mr_get_u32(p + at + 2);
	}
	return 0;
}

/* Octets behind the IPv6 header at @p p. Length 0 has other sources: the jumbo option or the frame. */
static uint32_t ipv6_payload_len(const struct mr_frame *f, const uint8_t *p)
{
	uint32_t len = mr_get_u16(p + 4);
	uint32_t room = f->wire - f->off - IPV6_HEADER;

	if (len != 0)
		return len;
	if (p[6] == MR_PROTO_HOPOPTS)
		return jumbo_len(p + IPV6_HEADER, mr_frame_left(f) - IPV6_HEADER, room);
	return is_offloaded(p[6], room) ? room : 0;
}

uint16_t mr_decode_ipv6(struct mr_frame *f, struct mr_packet *pkt)
{
	const uint8_t *p = f->data + f->off;
	uint32_t left = mr_frame_left(f);
	uint32_t payload_len;

	if (left < 1)
		return MR_C_IPV6_TRUNCATED;
	if (p[0] >> 4 != 6)
		return MR_C_IPV6_VERSION;
	if (left < IPV6_HEADER)
		return MR_C_IPV6_TRUNCATED;
	payload_len = ipv6_payload_len(f, p);
	if (payload_len > UINT32_MAX - IPV6_HEADER) /* of a jumbo option that lies */
		payload_len = UINT32_MAX - IPV6_HEADER;

	pkt->flags |= MR_PACKET_V6;
	pkt->l3_off = (uint16_t)f->off;
	set_ip_len(f, pkt, IPV6_HEADER + payload_len);
	pkt->tos = (uint8_t)(mr_get_u16(p) >> 4);
	pkt->ttl = p[7];
	pkt->proto = p[6];
	f->off += IPV6_HEADER;
	follow_ext(f, pkt);
	return 0;
}
