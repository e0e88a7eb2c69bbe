/* SPDX-License-Identifier: Apache-2.0 */
/* Fragmented datagrams, each a flow of its own; a perfect meter puts every fragment into it. */
#include "tools/gen/gen.h"

#include <string.h>

#define DATAGRAM 3008 /* octets with the UDP header */
#define PIECE	 1008
#define IP4_MF	 0x2000

struct piece {
	uint32_t off, len;
};

static uint32_t next_id = 0x1000;

/* A whole datagram, of which the pieces are sent in the given order. */
struct datagram {
	struct gen_pair pair;
	uint32_t id;
	uint8_t octets[DATAGRAM];
};

static void datagram_init(struct gen *g, struct datagram *d, uint8_t family)
{
	d->id = next_id++;
	d->pair = (struct gen_pair){ family, 7, 7, (uint16_t)(40000 + (d->id & 0xfff)), 9 };
	gen_begin(g, &d->pair, GEN_CLIENT, DATAGRAM - 8);
	gen_udp(g, &d->pair, GEN_CLIENT);
	memcpy(d->octets, mr_build_data(&g->frame), DATAGRAM);
}

static void send_piece(struct gen *g, const struct datagram *d, struct piece piece)
{
	bool more = piece.off + piece.len < DATAGRAM;
	struct mr_build_ip ip = { .id = (uint16_t)d->id };

	gen_begin(g, &d->pair, GEN_CLIENT, 0);
	mr_build_append(&g->frame, d->octets + piece.off, piece.len);
	g->packet.proto = g->frame.proto = MR_PROTO_UDP;
	g->packet.src_port = d->pair.client_port; /* known to who made it, also in the later ones */
	g->packet.dst_port = d->pair.server_port;
	if (d->pair.family == 4)
		ip.frag = (uint16_t)(piece.off / 8 | (more ? IP4_MF : 0));
	else
		mr_build_ip6_fragment(&g->frame, piece.off, more, d->id);
	gen_ip(g, &ip);
	gen_send(g, 0);
}

static void send_pieces(struct gen *g, uint8_t family, const struct piece *pieces, unsigned n)
{
	struct datagram d;

	datagram_init(g, &d, family);
	for (unsigned i = 0; i < n; i++)
		send_piece(g, &d, pieces[i]);
}

/* Two datagrams whose fragments take turns. */
static void interleaved(struct gen *g, uint8_t family, const struct piece *pieces, unsigned n)
{
	struct datagram d[2];

	for (int i = 0; i < 2; i++)
		datagram_init(g, &d[i], family);
	for (unsigned i = 0; i < n; i++)
		for (int k = 0; k < 2; k++)
			send_piece(g, &d[k], pieces[i]);
}

/* Nobody ever learns the ports. */
static void orphan(struct gen *g, uint8_t family)
{
	struct datagram d;

	datagram_init(g, &d, family);
	d.pair.client = 8;
	d.pair.client_port = d.pair.server_port = 0;
	send_piece(g, &d, (struct piece){ 2 * PIECE, DATAGRAM - 2 * PIECE });
}

void gen_fragments(struct gen *g)
{
	static const struct piece in_order[] = { { 0, PIECE },
						 { PIECE, PIECE },
						 { 2 * PIECE, DATAGRAM - 2 * PIECE } };
	static const struct piece first_last[] = { { 2 * PIECE, DATAGRAM - 2 * PIECE },
						   { PIECE, PIECE },
						   { 0, PIECE } };
	static const struct piece first_second[] = { { PIECE, PIECE },
						     { 0, PIECE },
						     { 2 * PIECE, DATAGRAM - 2 * PIECE } };
	static const struct piece overlapping[] = { { 0, PIECE },
						    { PIECE - 104, PIECE + 104 },
						    { 2 * PIECE - 8, DATAGRAM - 2 * PIECE + 8 } };

	for (uint8_t family = 4; family <= 6; family += 2) {
		send_pieces(g, family, in_order, 3);
		send_pieces(g, family, first_last, 3);
		send_pieces(g, family, first_second, 3);
		send_pieces(g, family, overlapping, 3);
		interleaved(g, family, in_order, 3);
		orphan(g, family);
	}
}
