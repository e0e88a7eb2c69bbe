/* SPDX-License-Identifier: Apache-2.0 */
/* What an attacker sends to be misread, or to make a probe work: each scenario has its outcome beside it, in
 * the terms of a probe that reads as the receiver does and where the first octets of two that overlap win. */
#include "tools/gen/gen.h"

#include <string.h>
#include <zlib.h>

#include "base/mr_buf.h"

#define SEGMENT	      1400
#define BOMB_OCTETS   (16u << 20) /* unpacked */
#define BOMB_ROOM     (64u << 10) /* packed */
#define FLOOD_LINES   2000
#define NESTED_LEVELS 7
#define DECODED	      4 /* tunnels that a decoder opens at most (MR_TUNNEL_LEVELS) */

struct connection {
	struct gen_pair pair;
	uint32_t seq[2]; /* next ones */
};

/* Octets at @p at behind the side's next sequence number, which stays. */
static void put_at(struct gen *g, struct connection *c, int side, uint8_t flags, const void *data, uint32_t n,
		   uint32_t at)
{
	gen_begin(g, &c->pair, side, 0);
	mr_build_append(&g->frame, data, n);
	gen_tcp(g, &c->pair, side, flags, c->seq[side] + at, flags & MR_TCP_ACK ? c->seq[!side] : 0);
	gen_ip(g, NULL);
}

static void send_at(struct gen *g, struct connection *c, int side, const char *text, uint32_t n, uint32_t at)
{
	put_at(g, c, side, MR_TCP_PSH | MR_TCP_ACK, text + at, n, at);
	gen_send(g, 0);
}

static void control(struct gen *g, struct connection *c, int side, uint8_t flags)
{
	put_at(g, c, side, flags, NULL, 0, 0);
	gen_send(g, 0);
	c->seq[side] += (flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0;
}

/* Data in segments of @p max octets, acknowledged at the end. */
static void stream(struct gen *g, struct connection *c, int side, const void *data, uint32_t n, uint32_t max)
{
	for (uint32_t at = 0; at < n; at += max) {
		put_at(g, c, side, MR_TCP_PSH | MR_TCP_ACK, (const uint8_t *)data + at,
		       n - at < max ? n - at : max, at);
		gen_send(g, 0);
	}
	c->seq[side] += n;
	control(g, c, !side, MR_TCP_ACK);
}

static struct connection open_http(struct gen *g, uint16_t client_port, uint32_t client_seq,
				   uint32_t server_seq)
{
	struct connection c = { .pair = { 4, 30, 30, client_port, 80 }, .seq = { client_seq, server_seq } };

	control(g, &c, GEN_CLIENT, MR_TCP_SYN);
	control(g, &c, GEN_SERVER, MR_TCP_SYN | MR_TCP_ACK);
	control(g, &c, GEN_CLIENT, MR_TCP_ACK);
	return c;
}

static void close_http(struct gen *g, struct connection *c)
{
	control(g, c, GEN_SERVER, MR_TCP_FIN | MR_TCP_ACK);
	control(g, c, GEN_CLIENT, MR_TCP_FIN | MR_TCP_ACK);
	control(g, c, GEN_SERVER, MR_TCP_ACK);
}

static void answer_and_close(struct gen *g, struct connection *c)
{
	static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";

	stream(g, c, GEN_SERVER, answer, sizeof(answer) - 1, SEGMENT);
	close_http(g, c);
}

#define REQUEST(uri) "GET " uri " HTTP/1.1\r\nHost: evasion.example.com\r\n\r\n"
static const char good[] = REQUEST("/good"), evil[] = REQUEST("/evil");
#define LENGTH (sizeof(good) - 1)

/* While octets 0 and 1 are missing, others come in two versions; later the whole comes again in the second.
 */
void gen_evasion_overlap(struct gen *g)
{
	struct connection c = open_http(g, 60001, 1000, 5000);

	send_at(g, &c, GEN_CLIENT, good, LENGTH - 4, 4);
	send_at(g, &c, GEN_CLIENT, evil, 10, 2);
	send_at(g, &c, GEN_CLIENT, good, 2, 0);
	send_at(g, &c, GEN_CLIENT, evil, LENGTH, 0);
	c.seq[GEN_CLIENT] += LENGTH;
	answer_and_close(g, &c);
}

void gen_evasion_tiny(struct gen *g)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntiny";
	struct connection c = open_http(g, 60002, 1000, 5000);

	stream(g, &c, GEN_CLIENT, good, LENGTH, 1);
	stream(g, &c, GEN_SERVER, answer, sizeof(answer) - 1, 1);
	close_http(g, &c);
}

static void spoil_checksum(struct gen *g)
{
	g->frame.room[g->frame.at + 20 + 16] ^= 0x5a; /* of TCP, behind an IPv4 header without options */
}

/* A receiver drops the first request and the reset. */
void gen_evasion_checksum(struct gen *g)
{
	struct connection c = open_http(g, 60003, 1000, 5000);

	put_at(g, &c, GEN_CLIENT, MR_TCP_PSH | MR_TCP_ACK, evil, LENGTH, 0);
	spoil_checksum(g);
	gen_send(g, 0);
	put_at(g, &c, GEN_CLIENT, MR_TCP_RST | MR_TCP_ACK, NULL, 0, 0);
	spoil_checksum(g);
	gen_send(g, 0);
	stream(g, &c, GEN_CLIENT, good, LENGTH, SEGMENT);
	answer_and_close(g, &c);
}

/* Both directions pass 2^32 within a message, one of them out of order there. */
void gen_evasion_wrap(struct gen *g)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwrap";
	struct connection c = open_http(g, 60004, UINT32_MAX - 10, UINT32_MAX - 20);

	send_at(g, &c, GEN_CLIENT, good, LENGTH - 5, 5);
	send_at(g, &c, GEN_CLIENT, good, 5, 0);
	c.seq[GEN_CLIENT] += LENGTH;
	stream(g, &c, GEN_SERVER, answer, sizeof(answer) - 1, 9);
	close_http(g, &c);
}

#define DATAGRAM 72 /* octets with the UDP header */
#define PIECE	 8

static void send_fragment(struct gen *g, const struct gen_pair *pair, uint16_t id, const uint8_t *data,
			  uint32_t off, uint32_t len)
{
	bool more = off + len < DATAGRAM;
	struct mr_build_ip ip = { .id = id };

	gen_begin(g, pair, GEN_CLIENT, 0);
	mr_build_append(&g->frame, data, len);
	g->packet.proto = g->frame.proto = MR_PROTO_UDP;
	g->packet.src_port = pair->client_port;
	g->packet.dst_port = pair->server_port;
	if (pair->family == 4)
		ip.frag = (uint16_t)(off / 8 | (more ? 0x2000 : 0));
	else
		mr_build_ip6_fragment(&g->frame, off, more, id);
	gen_ip(g, &ip);
	gen_send(g, 0);
}

/* Three datagrams take turns in pieces of 8 octets, backwards; each but the first piece once more, changed.
 */
void gen_evasion_fragments(struct gen *g)
{
	static const uint8_t changed[2 * PIECE] = "changed changed";
	uint8_t octets[3][DATAGRAM];
	struct gen_pair pair[3];

	for (uint8_t family = 4; family <= 6; family += 2) {
		for (uint16_t i = 0; i < 3; i++) {
			pair[i] = (struct gen_pair){ family, 31, 31, (uint16_t)(61000 + i), 9 };
			gen_begin(g, &pair[i], GEN_CLIENT, DATAGRAM - 8);
			gen_udp(g, &pair[i], GEN_CLIENT);
			memcpy(octets[i], mr_build_data(&g->frame), DATAGRAM);
		}
		for (uint32_t off = DATAGRAM; off > 0; off -= PIECE)
			for (uint16_t i = 0; i < 3; i++) {
				uint32_t at = off - PIECE;

				send_fragment(g, &pair[i], (uint16_t)(0x7000 + i), octets[i] + at, at, PIECE);
				if (at != 0 && at + PIECE < DATAGRAM)
					send_fragment(g, &pair[i], (uint16_t)(0x7000 + i), changed, at,
						      2 * PIECE);
			}
	}
}

/* A datagram in IP headers in IP headers, each between two other hosts. What is opened last is metered. */
void gen_evasion_nested(struct gen *g)
{
	struct gen_pair pair = { 4, 32, 32, 62000, 9 };
	struct gen_packet metered;

	gen_begin(g, &pair, GEN_CLIENT, 100);
	gen_udp(g, &pair, GEN_CLIENT);
	gen_ip(g, NULL);
	metered = g->packet;
	for (uint8_t level = NESTED_LEVELS; level-- > 0;) {
		uint8_t src[16] = { 192, 0, 2, (uint8_t)(100 + level) }, dst[16] = { 198, 51, 100, src[3] };

		mr_build_address(&g->frame, 4, src, dst);
		mr_build_ip(&g->frame, NULL);
		if (level != DECODED)
			continue;
		metered.proto = MR_PROTO_IPIP;
		metered.src_port = metered.dst_port = 0;
		metered.ip_len = mr_build_len(&g->frame);
		memcpy(metered.src, src, sizeof(src));
		memcpy(metered.dst, dst, sizeof(dst));
	}
	g->packet = metered;
	gen_send(g, 0);
}

/* Zeros, packed; returns octets, or 0. */
static uint32_t pack_bomb(uint8_t out[BOMB_ROOM])
{
	static const uint8_t zeros[1 << 16];
	z_stream z = { 0 };
	int rc = Z_OK;

	if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	z.next_out = out;
	z.avail_out = BOMB_ROOM;
	for (uint32_t done = 0; rc == Z_OK && done < BOMB_OCTETS; done += sizeof(zeros)) {
		z.next_in = (uint8_t *)(uintptr_t)zeros;
		z.avail_in = sizeof(zeros);
		rc = deflate(&z, done + sizeof(zeros) == BOMB_OCTETS ? Z_FINISH : Z_NO_FLUSH);
	}
	deflateEnd(&z);
	return rc == Z_STREAM_END ? (uint32_t)(BOMB_ROOM - z.avail_out) : 0;
}

void gen_evasion_gzip(struct gen *g)
{
	static uint8_t bomb[BOMB_ROOM];
	struct connection c = open_http(g, 60005, 1000, 5000);
	uint32_t n = pack_bomb(bomb);
	char head[128];
	int len = snprintf(head, sizeof(head),
			   "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %u\r\n\r\n", n);

	if (n == 0)
		g->rc = -ENOMEM;
	stream(g, &c, GEN_CLIENT, good, LENGTH, SEGMENT);
	stream(g, &c, GEN_SERVER, head, (uint32_t)len, SEGMENT);
	stream(g, &c, GEN_SERVER, bomb, n, SEGMENT);
	close_http(g, &c);
}

void gen_evasion_headers(struct gen *g)
{
	static char flood[64 + FLOOD_LINES * 20];
	struct connection c = open_http(g, 60006, 1000, 5000);
	size_t n =
		(size_t)snprintf(flood, sizeof(flood), "GET /good HTTP/1.1\r\nHost: evasion.example.com\r\n");

	for (int i = 0; i < FLOOD_LINES; i++)
		n += (size_t)snprintf(flood + n, sizeof(flood) - n, "X-Flood-%04d: %04d\r\n", i, i);
	n += (size_t)snprintf(flood + n, sizeof(flood) - n, "\r\n");
	stream(g, &c, GEN_CLIENT, flood, (uint32_t)n, SEGMENT);
	answer_and_close(g, &c);
}

/* A name that points to itself, and two that point to each other. */
void gen_evasion_dns(struct gen *g)
{
	static const uint8_t loops[2][6] = { { 0xc0, 0x0c }, { 0xc0, 0x0e, 0xc0, 0x0c } };
	static const uint8_t tail[4] = { 0, 1, 0, 1 };

	for (uint16_t i = 0; i < 2; i++) {
		struct gen_pair pair = { 4, 33, 33, (uint16_t)(63000 + i), 53 };
		uint8_t head[12] = { 0x12, (uint8_t)i, 1, 0, 0, 1 };

		gen_begin(g, &pair, GEN_CLIENT, 0);
		mr_build_append(&g->frame, head, sizeof(head));
		mr_build_append(&g->frame, loops[i], 2u + 2u * i);
		mr_build_append(&g->frame, tail, sizeof(tail));
		gen_udp(g, &pair, GEN_CLIENT);
		gen_ip(g, NULL);
		gen_send(g, 0);
	}
}
