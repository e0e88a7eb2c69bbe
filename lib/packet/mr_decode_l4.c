/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_priv.h"

/* The IP payload from the transport header on. */
struct segment {
	const uint8_t *data;
	uint32_t cap; /* octets that may be read */
	uint32_t len; /* octets by the IP length, >= cap */
};

static struct mr_ports read_ports(const struct segment *s)
{
	if (s->cap < 4)
		return (struct mr_ports){ 0, 0 };
	return (struct mr_ports){ mr_get_u16(s->data), mr_get_u16(s->data + 2) };
}

/* Are @p header octets there? If not, the note says whose fault it is. */
static bool header_whole(const struct segment *s, uint32_t header, struct mr_packet *pkt)
{
	if (header <= s->cap)
		return true;
	mr_packet_note(pkt, header > s->len ? MR_C_L4_MALFORMED : MR_C_L4_TRUNCATED);
	return false;
}

/* Payload from @p header (<= s->cap) to @p end (<= s->len), both counted from the transport header. */
static void set_payload(const struct segment *s, uint32_t header, uint32_t end, struct mr_packet *pkt)
{
	uint32_t len = (end < s->cap ? end : s->cap) - header;

	pkt->payload_off = (uint16_t)(pkt->l4_off + header);
	pkt->payload_len = (uint16_t)(len < UINT16_MAX ? len : UINT16_MAX);
}

/* Protocols whose header says nothing that matters here beyond its fixed size. */
static void decode_fixed(const struct segment *s, uint32_t header, struct mr_packet *pkt)
{
	if (!header_whole(s, header, pkt))
		return;
	pkt->flags |= MR_PACKET_L4;
	set_payload(s, header, s->len, pkt);
}

/* A fixed part of @p fixed octets; when it is there, @p header is the size of the whole header. */
static void decode_variable(const struct segment *s, uint32_t fixed, uint32_t header, struct mr_packet *pkt)
{
	if (!header_whole(s, fixed, pkt))
		return;
	pkt->flags |= MR_PACKET_L4;
	if (header < fixed)
		mr_packet_note(pkt, MR_C_L4_MALFORMED);
	else if (header_whole(s, header, pkt))
		set_payload(s, header, s->len, pkt);
}

static struct mr_ports decode_tcp(const struct segment *s, struct mr_packet *pkt)
{
	if (s->cap >= 14)
		pkt->tcp_flags = s->data[13];
	decode_variable(s, 20, s->cap >= 20 ? (s->data[12] >> 4) * 4u : 0, pkt);
	return read_ports(s);
}

static struct mr_ports decode_dccp(const struct segment *s, struct mr_packet *pkt)
{
	decode_variable(s, 12, s->cap >= 12 ? s->data[4] * 4u : 0, pkt); /* RFC 4340 section 5.1 */
	return read_ports(s);
}

static struct mr_ports decode_udp(const struct segment *s, struct mr_packet *pkt)
{
	uint32_t len;

	if (!header_whole(s, 8, pkt))
		return read_ports(s);
	pkt->flags |= MR_PACKET_L4;
	len = mr_get_u16(s->data + 4);
	if (len == 0 && s->len > UINT16_MAX) /* jumbogram, RFC 2675 section 4 */
		len = s->len;
	if (len > s->len && pkt->frag == MR_FRAG_FIRST) /* the rest is in the later fragments */
		len = s->len;
	if (len < 8 || len > s->len) {
		mr_packet_note(pkt, MR_C_L4_MALFORMED);
		len = s->len;
	}
	set_payload(s, 8, len, pkt);
	return read_ports(s);
}

/* Messages that carry an identifier, in a request and its answer. */
static bool icmp_has_id(uint8_t type)
{
	switch (type) {
	case 0:	 /* echo reply */
	case 8:	 /* echo */
	case 13: /* timestamp */
	case 14:
	case 15: /* information */
	case 16:
	case 17: /* address mask */
	case 18:
		return true;
	default:
		return false;
	}
}

static bool icmpv6_has_id(uint8_t type)
{
	return type == 128 || type == 129; /* echo */
}

static struct mr_ports decode_icmp(const struct segment *s, bool (*has_id)(uint8_t), struct mr_packet *pkt)
{
	uint16_t id = 0;

	decode_fixed(s, 8, pkt);
	if (s->cap >= 2)
		pkt->icmp = mr_get_u16(s->data);
	if (s->cap >= 6 && has_id(s->data[0]))
		id = mr_get_u16(s->data + 4);
	return (struct mr_ports){ id, id };
}

struct mr_ports mr_decode_l4(const struct mr_frame *f, struct mr_packet *pkt)
{
	const struct mr_ports none = { 0, 0 };
	bool v6 = pkt->flags & MR_PACKET_V6;
	uint32_t before = pkt->l4_off - pkt->l3_off; /* octets of IP header and extensions, <= ip_len */
	struct segment s = { .data = f->data + pkt->l4_off, .len = pkt->ip_len - before };

	s.cap = f->cap - pkt->l4_off < s.len ? f->cap - pkt->l4_off : s.len;
	if (f->l4_hidden || pkt->frag == MR_FRAG_LATER)
		return none;
	switch (pkt->proto) {
	case MR_PROTO_TCP:
		return decode_tcp(&s, pkt);
	case MR_PROTO_UDP:
		return decode_udp(&s, pkt);
	case MR_PROTO_UDPLITE: /* the length field is the checksum's coverage, RFC 3828 */
		decode_fixed(&s, 8, pkt);
		return read_ports(&s);
	case MR_PROTO_SCTP:
		decode_fixed(&s, 12, pkt);
		return read_ports(&s);
	case MR_PROTO_DCCP:
		return decode_dccp(&s, pkt);
	case MR_PROTO_ICMP:
		if (!v6)
			return decode_icmp(&s, icmp_has_id, pkt);
		break;
	case MR_PROTO_ICMPV6:
		if (v6)
			return decode_icmp(&s, icmpv6_has_id, pkt);
		break;
	case MR_PROTO_ESP:
		decode_fixed(&s, 8, pkt);
		return none;
	case MR_PROTO_GRE: /* optional fields belong to whoever opens the tunnel */
		decode_fixed(&s, 4, pkt);
		return none;
	}
	set_payload(&s, 0, s.len, pkt);
	return none;
}
