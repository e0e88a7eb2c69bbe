/* SPDX-License-Identifier: Apache-2.0 */
/* A packet for each reason and each note that a decoder has for damaged headers (mr_counter.h). */
#include "tools/gen/gen.h"

#include "base/mr_buf.h"

#define ETHERNET 14
#define PAYLOAD	 32

static struct gen_pair pair_of(uint8_t family)
{
	static uint16_t port = 30000;

	return (struct gen_pair){ family, 4, 4, port++, 9 };
}

static void begin_udp(struct gen *g, uint8_t family)
{
	struct gen_pair pair = pair_of(family);

	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	gen_udp(g, &pair, GEN_CLIENT);
	gen_ip(g, NULL);
}

/* An octet counted from the outermost header so far. */
static uint8_t *octet(struct gen *g, uint32_t at)
{
	return g->frame.room + g->frame.at + at;
}

static void refuse(struct gen *g, const char *reason, uint32_t cap)
{
	g->packet.not_metered = reason;
	gen_send(g, cap);
}

static void link_layer(struct gen *g)
{
	begin_udp(g, 4);
	refuse(g, "link_truncated", 10);

	begin_udp(g, 4);
	for (int i = 0; i < 24; i++)
		mr_build_vlan(&g->frame, 0x8100, 1);
	refuse(g, "link_too_deep", 0);
}

static void ipv4(struct gen *g)
{
	begin_udp(g, 4);
	refuse(g, "ipv4_truncated", ETHERNET + 19);

	begin_udp(g, 4);
	*octet(g, 0) = 0x55;
	refuse(g, "ipv4_version", 0);

	begin_udp(g, 4);
	*octet(g, 0) = 0x44;
	refuse(g, "ipv4_header_length", 0);

	begin_udp(g, 4);
	mr_put_u16(octet(g, 2), 19);
	refuse(g, "ipv4_total_length", 0);
}

static void ipv6(struct gen *g)
{
	begin_udp(g, 6);
	refuse(g, "ipv6_truncated", ETHERNET + 39);

	begin_udp(g, 6);
	*octet(g, 0) = 0x50;
	refuse(g, "ipv6_version", 0);
}

/* Metered, but the length field says more than the frame had: its octets count. */
static void beyond_frame(struct gen *g)
{
	begin_udp(g, 6);
	mr_put_u16(octet(g, 4), 1400);
	g->packet.note = "ip_length_beyond_frame";
	gen_send(g, 0);
}

/* Metered without ports, the headers are hidden or cut. */
static void without_ports(struct gen *g, const char *note, uint8_t proto, uint32_t cap)
{
	g->packet.src_port = g->packet.dst_port = 0;
	g->packet.proto = proto;
	g->packet.note = note;
	gen_send(g, cap);
}

static void extensions(struct gen *g)
{
	struct gen_pair pair = { 6, 5, 1, 30900, 9 };

	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	gen_udp(g, &pair, GEN_CLIENT);
	mr_build_ip6_options(&g->frame, MR_PROTO_DSTOPT, 64);
	gen_ip(g, NULL);
	without_ports(g, "ipv6_ext_truncated", MR_PROTO_DSTOPT, ETHERNET + 40 + 32);

	pair.server = 2;
	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	gen_udp(g, &pair, GEN_CLIENT);
	for (int i = 0; i < 40; i++)
		mr_build_ip6_options(&g->frame, MR_PROTO_DSTOPT, 8);
	gen_ip(g, NULL);
	without_ports(g, "ipv6_ext_too_many", MR_PROTO_DSTOPT, 0);
}

static void transport(struct gen *g)
{
	struct gen_pair pair = { 4, 6, 1, 30950, 9 };

	begin_udp(g, 4); /* cut behind the ports, which count */
	g->packet.note = "l4_truncated";
	gen_send(g, ETHERNET + 20 + 4);

	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD); /* cut before them */
	gen_udp(g, &pair, GEN_CLIENT);
	gen_ip(g, NULL);
	without_ports(g, "l4_truncated", MR_PROTO_UDP, ETHERNET + 20 + 2);

	begin_udp(g, 4);
	mr_put_u16(octet(g, 20 + 4), 7); /* UDP length below its header */
	g->packet.note = "l4_malformed";
	gen_send(g, 0);

	pair = pair_of(4);
	gen_begin(g, &pair, GEN_CLIENT, PAYLOAD);
	gen_tcp(g, &pair, GEN_CLIENT, MR_TCP_ACK, 1, 1);
	*octet(g, 12) = 4 << 4; /* data offset below its header */
	gen_ip(g, NULL);
	g->packet.note = "l4_malformed";
	gen_send(g, 0);
}

void gen_malformed(struct gen *g)
{
	link_layer(g);
	ipv4(g);
	ipv6(g);
	beyond_frame(g);
	extensions(g);
	transport(g);
}
