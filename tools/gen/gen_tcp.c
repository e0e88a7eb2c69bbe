/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections in all the ways that they begin and end. */
#include "tools/gen/gen.h"

#include "base/mr_clock.h"

#define DATA 100

/* Correct sequence numbers on both sides. */
struct connection {
	struct gen_pair pair;
	uint32_t seq[2];
};

static struct connection connect_to(uint8_t family, uint16_t client_port)
{
	return (struct connection){ .pair = { family, 9, 9, client_port, 80 }, .seq = { 1000, 5000 } };
}

static void segment(struct gen *g, struct connection *c, int side, uint8_t flags, uint32_t payload)
{
	gen_begin(g, &c->pair, side, payload);
	gen_tcp(g, &c->pair, side, flags, c->seq[side], flags & MR_TCP_ACK ? c->seq[!side] : 0);
	gen_ip(g, NULL);
	gen_send(g, 0);
	c->seq[side] += payload + ((flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0);
}

static void handshake(struct gen *g, struct connection *c)
{
	segment(g, c, GEN_CLIENT, MR_TCP_SYN, 0);
	segment(g, c, GEN_SERVER, MR_TCP_SYN | MR_TCP_ACK, 0);
	segment(g, c, GEN_CLIENT, MR_TCP_ACK, 0);
}

static void exchange(struct gen *g, struct connection *c)
{
	segment(g, c, GEN_CLIENT, MR_TCP_PSH | MR_TCP_ACK, DATA);
	segment(g, c, GEN_SERVER, MR_TCP_PSH | MR_TCP_ACK, 3 * DATA);
	segment(g, c, GEN_CLIENT, MR_TCP_ACK, 0);
}

static void close_by(struct gen *g, struct connection *c, int side)
{
	segment(g, c, side, MR_TCP_FIN | MR_TCP_ACK, 0);
	segment(g, c, !side, MR_TCP_FIN | MR_TCP_ACK, 0);
	segment(g, c, side, MR_TCP_ACK, 0);
}

/* Both FINs are on their way before either side sees the other's (RFC 9293 section 3.6). */
static void close_both(struct gen *g, struct connection *c)
{
	uint32_t server_seq = c->seq[GEN_SERVER];

	segment(g, c, GEN_CLIENT, MR_TCP_FIN | MR_TCP_ACK, 0);
	c->seq[GEN_CLIENT]--; /* the server hasn't seen it */
	segment(g, c, GEN_SERVER, MR_TCP_FIN | MR_TCP_ACK, 0);
	c->seq[GEN_CLIENT]++;
	c->seq[GEN_SERVER] = server_seq + 1;
	segment(g, c, GEN_CLIENT, MR_TCP_ACK, 0);
	segment(g, c, GEN_SERVER, MR_TCP_ACK, 0);
}

static void connections(struct gen *g, uint8_t family)
{
	struct connection c = connect_to(family, 50001); /* FIN */

	handshake(g, &c);
	exchange(g, &c);
	close_by(g, &c, GEN_CLIENT);

	c = connect_to(family, 50002); /* RST */
	handshake(g, &c);
	exchange(g, &c);
	segment(g, &c, GEN_SERVER, MR_TCP_RST | MR_TCP_ACK, 0);

	c = connect_to(family, 50003); /* refused */
	segment(g, &c, GEN_CLIENT, MR_TCP_SYN, 0);
	c.seq[GEN_SERVER] = 0;
	segment(g, &c, GEN_SERVER, MR_TCP_RST | MR_TCP_ACK, 0);

	c = connect_to(family, 50004); /* simultaneous close */
	handshake(g, &c);
	exchange(g, &c);
	close_both(g, &c);

	c = connect_to(family, 50005); /* half open: the SYN repeated, no answer */
	segment(g, &c, GEN_CLIENT, MR_TCP_SYN, 0);
	c.seq[GEN_CLIENT]--;
	segment(g, &c, GEN_CLIENT, MR_TCP_SYN, 0);

	c = connect_to(family, 50006); /* midstream, the server first */
	segment(g, &c, GEN_SERVER, MR_TCP_PSH | MR_TCP_ACK, DATA);
	segment(g, &c, GEN_CLIENT, MR_TCP_ACK, 0);
	exchange(g, &c);
}

/* The same ports for a second connection, a second later: two records. */
static void ports_again(struct gen *g, uint8_t family)
{
	struct connection c = connect_to(family, 50007);

	handshake(g, &c);
	exchange(g, &c);
	close_by(g, &c, GEN_SERVER);
	gen_wait(g, MR_NS_PER_S);
	c.seq[GEN_CLIENT] += 1000000;
	c.seq[GEN_SERVER] += 1000000;
	handshake(g, &c);
	exchange(g, &c);
	close_by(g, &c, GEN_CLIENT);
}

void gen_tcp_flows(struct gen *g)
{
	for (uint8_t family = 4; family <= 6; family += 2) {
		connections(g, family);
		ports_again(g, family);
	}
}
