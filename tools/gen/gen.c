/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/gen/gen.h"

#include <string.h>

#include "base/mr_clock.h"

#define READ_AS_GOOD "\"http_uri\": [\"/good\"], \"http_host\": [\"evasion.example.com\"]"

const struct gen_scenario gen_scenarios[] = {
	{ "odd", "one of each: tags, tunnels, options, extension headers, fragments, malformed packets",
	  gen_odd, NULL },
	{ "fragments", "IPv4 and IPv6 fragments in order, out of order, overlapping, without a first one",
	  gen_fragments, NULL },
	{ "tcp", "connections: FIN, RST, simultaneous close, ports used again, half open, midstream",
	  gen_tcp_flows, NULL },
	{ "timeouts", "gaps around the idle and the active timeout", gen_timeouts, NULL },
	{ "evasion-overlap", "TCP segments overlap with other content; the first octets count",
	  gen_evasion_overlap,
	  "{" READ_AS_GOOD ", \"counters\": {\"stream_overlap_differs\": 1, \"stream_old\": 1}}" },
	{ "evasion-tiny", "TCP segments of one octet; read as if whole", gen_evasion_tiny,
	  "{" READ_AS_GOOD ", \"http_status\": [200]}" },
	{ "evasion-checksum", "other data and a reset with wrong TCP checksums, which a receiver drops",
	  gen_evasion_checksum, "{" READ_AS_GOOD ", \"http_status\": [204]}" },
	{ "evasion-wrap", "sequence numbers pass 2^32 within a request and an answer; read as if not",
	  gen_evasion_wrap, "{" READ_AS_GOOD ", \"http_status\": [200]}" },
	{ "evasion-fragments", "fragments of 8 octets of three datagrams in turn, some twice; six flows",
	  gen_evasion_fragments, NULL },
	{ "evasion-nested", "IP in IP, seven times; metered as the packet of the fourth tunnel",
	  gen_evasion_nested, NULL },
	{ "evasion-gzip", "16 MiB of zeros packed in an answer; not unpacked in whole", gen_evasion_gzip,
	  "{" READ_AS_GOOD ", \"http_status\": [200], \"http_note\": [\"decompression_bomb\"]}" },
	{ "evasion-headers", "2000 header lines in a request; the reading ends", gen_evasion_headers,
	  "{" READ_AS_GOOD ", \"http_note\": [\"header_flood\"]}" },
	{ "evasion-dns", "names in DNS queries that point to themselves; malformed", gen_evasion_dns,
	  "{\"dns_note\": [\"malformed\", \"malformed\"]}" },
	{ 0 },
};

/* 192.0.2.n and 198.51.100.n; 2001:db8::n and 2001:db8:1::n */
static void host_address(const struct gen_pair *pair, int side, uint8_t out[16])
{
	static const uint8_t prefix4[2][3] = { { 192, 0, 2 }, { 198, 51, 100 } };
	uint8_t host = side == GEN_CLIENT ? pair->client : pair->server;

	memset(out, 0, 16);
	if (pair->family == 4) {
		memcpy(out, prefix4[side], 3);
		out[3] = host;
		return;
	}
	memcpy(out, "\x20\x01\x0d\xb8", 4);
	out[5] = (uint8_t)side;
	out[15] = host;
}

void gen_begin(struct gen *g, const struct gen_pair *pair, int side, uint32_t payload)
{
	struct gen_packet *p = &g->packet;

	*p = (struct gen_packet){ .family = pair->family };
	host_address(pair, side, p->src);
	host_address(pair, !side, p->dst);
	mr_build_init(&g->frame, pair->family, p->src, p->dst);
	mr_build_append(&g->frame, NULL, payload);
}

void gen_udp(struct gen *g, const struct gen_pair *pair, int side)
{
	g->packet.src_port = side == GEN_CLIENT ? pair->client_port : pair->server_port;
	g->packet.dst_port = side == GEN_CLIENT ? pair->server_port : pair->client_port;
	g->packet.proto = MR_PROTO_UDP;
	mr_build_udp(&g->frame, g->packet.src_port, g->packet.dst_port);
}

void gen_tcp(struct gen *g, const struct gen_pair *pair, int side, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct mr_build_tcp tcp = { .seq = seq, .ack = ack, .flags = flags, .window = 65535 };

	tcp.src_port = g->packet.src_port = side == GEN_CLIENT ? pair->client_port : pair->server_port;
	tcp.dst_port = g->packet.dst_port = side == GEN_CLIENT ? pair->server_port : pair->client_port;
	g->packet.proto = MR_PROTO_TCP;
	g->packet.tcp_flags = flags;
	mr_build_tcp(&g->frame, &tcp);
}

void gen_echo(struct gen *g, bool reply, uint16_t id, uint16_t seq)
{
	mr_build_echo(&g->frame, reply, id, seq);
	g->packet.proto = g->frame.proto;
	g->packet.id = id;
}

void gen_ip(struct gen *g, const struct mr_build_ip *ip)
{
	mr_build_ip(&g->frame, ip);
	g->packet.ip_len = mr_build_len(&g->frame);
}

void gen_send_raw(struct gen *g, uint32_t cap)
{
	uint32_t len = mr_build_len(&g->frame);

	if (g->frame.overflow && g->rc == 0)
		g->rc = -ENOBUFS;
	g->packet.time_ns = g->now_ns;
	gen_file_put(g->file, g->now_ns, mr_build_data(&g->frame), cap == 0 ? len : cap, len);
	if (g->expect != NULL && gen_expect_put(g->expect, &g->packet) != 0)
		g->rc = -ENOMEM;
	g->now_ns += MR_NS_PER_MS;
}

void gen_send(struct gen *g, uint32_t cap)
{
	mr_build_ethernet(&g->frame);
	gen_send_raw(g, cap);
}

void gen_datagram(struct gen *g, const struct gen_pair *pair, int side, uint32_t payload)
{
	gen_begin(g, pair, side, payload);
	gen_udp(g, pair, side);
	gen_ip(g, NULL);
	gen_send(g, 0);
}

void gen_wait(struct gen *g, uint64_t ns)
{
	g->now_ns += ns;
}
