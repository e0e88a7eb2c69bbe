/* SPDX-License-Identifier: Apache-2.0 */
/* One packet of each kind that a decoder must know, each a flow of its own. */
#include "tools/gen/gen.h"

#include <string.h>

#include "base/mr_buf.h"

#define PAYLOAD 32

/* The next flow: the client's port numbers them. */
static struct gen_pair pair_of(uint8_t family)
{
	static uint16_t port = 20000;

	return (struct gen_pair){ family, 1, 1, port++, 9 };
}

/* A UDP packet up to its IP header. */
static void begin_udp(struct gen *g, uint8_t family)
{
	struct gen_pair pair = pair_of(family);

	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	gen_udp(g, &pair, GEN_CLIENT);
}

static void vlan(struct gen *g)
{
	begin_udp(g, 4);
	gen_ip(g, NULL);
	mr_build_vlan(&g->frame, 0x8100, 100);
	gen_send(g, 0);

	begin_udp(g, 6); /* QinQ */
	gen_ip(g, NULL);
	mr_build_vlan(&g->frame, 0x8100, 100);
	mr_build_vlan(&g->frame, 0x88a8, 200);
	gen_send(g, 0);
}

static void mpls(struct gen *g)
{
	uint8_t *p;

	begin_udp(g, 4);
	gen_ip(g, NULL);
	p = mr_build_push(&g->frame, 8);
	if (p != NULL) {
		mr_put_u32(p, 1000 << 12 | 64);
		mr_put_u32(p + 4, 2000 << 12 | 1 << 8 | 64); /* bottom of the stack */
	}
	g->frame.ether_type = 0x8847;
	gen_send(g, 0);
}

static void pppoe(struct gen *g)
{
	uint8_t *p;

	begin_udp(g, 4);
	gen_ip(g, NULL);
	p = mr_build_push(&g->frame, 8);
	if (p != NULL) { /* RFC 2516 section 4, RFC 1332 */
		p[0] = 0x11;
		mr_put_u16(p + 2, 7);
		mr_put_u16(p + 4, (uint16_t)(mr_build_len(&g->frame) - 6));
		mr_put_u16(p + 6, 0x0021);
	}
	g->frame.ether_type = 0x8864;
	gen_send(g, 0);
}

static void options(struct gen *g)
{
	static const uint8_t router_alert[4] = { 148, 4, 0, 0 };

	begin_udp(g, 4);
	gen_ip(g, &(struct mr_build_ip){ .options = router_alert, .options_len = sizeof(router_alert) });
	gen_send(g, 0);

	begin_udp(g, 6); /* in the order of RFC 8200 section 4.1 */
	mr_build_ip6_options(&g->frame, MR_PROTO_DSTOPT, 8);
	mr_build_ip6_fragment(&g->frame, 0, false, 1); /* an atomic fragment (RFC 6946) */
	mr_build_ip6_options(&g->frame, MR_PROTO_HOPOPT, 16);
	gen_ip(g, NULL);
	gen_send(g, 0);
}

static void put_be32(struct gen *g, uint32_t v)
{
	uint8_t *p = mr_build_push(&g->frame, 4);

	if (p != NULL)
		mr_put_u32(p, v);
}

/* CRC-32c (RFC 9260 appendix A), the slow way: it's one packet. */
static uint32_t crc32c(const uint8_t *p, uint32_t n)
{
	uint32_t crc = UINT32_MAX;

	while (n-- != 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

/* Common header and a COOKIE ACK chunk. */
static void sctp(struct gen *g, uint8_t family)
{
	struct gen_pair pair = pair_of(family);
	uint32_t crc;

	gen_begin(g, &pair, GEN_CLIENT, 0);
	put_be32(g, 11u << 24 | 4);
	put_be32(g, 0);
	put_be32(g, 0x12345678);
	put_be32(g, (uint32_t)pair.client_port << 16 | pair.server_port);
	crc = crc32c(mr_build_data(&g->frame), 16);
	memcpy(g->frame.room + g->frame.at + 8, &crc, sizeof(crc)); /* least significant octet first */
	g->frame.proto = g->packet.proto = MR_PROTO_SCTP;
	g->packet.src_port = pair.client_port;
	g->packet.dst_port = pair.server_port;
	gen_ip(g, NULL);
	gen_send(g, 0);
}

/* A protocol without ports: whatever @p first is, as its first four octets. */
static void portless(struct gen *g, uint8_t family, uint8_t proto, uint32_t first)
{
	struct gen_pair pair = { family, 2, proto, 0, 0 };

	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	put_be32(g, first);
	g->frame.proto = g->packet.proto = proto;
	gen_ip(g, NULL);
	gen_send(g, 0);
}

/* Authentication header before UDP (RFC 4302): passed over like an extension header. */
static void ah(struct gen *g, uint8_t family)
{
	uint8_t *p;

	begin_udp(g, family);
	p = mr_build_push(&g->frame, 24);
	if (p != NULL) {
		p[0] = MR_PROTO_UDP;
		p[1] = 24 / 4 - 2;
		mr_put_u32(p + 4, 0x1000); /* security parameters index */
		mr_put_u32(p + 8, 1);
	}
	g->frame.proto = MR_PROTO_AH;
	gen_ip(g, NULL);
	gen_send(g, 0);
}

static void icmp(struct gen *g, uint8_t family)
{
	struct gen_pair pair = { family, 3, 3, 0, 0 };

	for (int side = GEN_CLIENT; side <= GEN_SERVER; side++) {
		gen_begin(g, &pair, side, PAYLOAD);
		gen_echo(g, side == GEN_SERVER, 77, 1);
		gen_ip(g, NULL);
		gen_send(g, 0);
	}
	gen_begin(g, &pair, GEN_SERVER, 0);			/* has no identifier */
	mr_build_icmp(&g->frame, family == 4 ? 10 : 133, 0, 0); /* router solicitation */
	g->packet.proto = g->frame.proto;
	gen_ip(g, NULL);
	gen_send(g, 0);
}

static void not_ip(struct gen *g)
{
	static const uint8_t arp[28] = { 0,   1, 8, 0, 6, 4, 0, 1, 2, 0, 0,   0, 0, 1,
					 192, 0, 2, 1, 0, 0, 0, 0, 0, 0, 192, 0, 2, 2 };
	struct gen_pair pair = pair_of(4);

	gen_begin(g, &pair, GEN_CLIENT, 0);
	mr_build_append(&g->frame, arp, sizeof(arp));
	g->frame.ether_type = 0x0806;
	g->packet.not_metered = "non_ip";
	gen_send(g, 0);
}

void gen_odd(struct gen *g)
{
	vlan(g);
	mpls(g);
	pppoe(g);
	options(g);
	for (uint8_t family = 4; family <= 6; family += 2) {
		sctp(g, family);
		portless(g, family, MR_PROTO_ESP, 0x2000); /* security parameters index */
		portless(g, family, MR_PROTO_GRE, 0x88b5); /* no flags, an experimental protocol inside */
		ah(g, family);
		icmp(g, family);
	}
	gen_fragments(g);
	not_ip(g);
	gen_malformed(g);
}
