/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions to octets: a template for headers and size, then the fields that differ, and checksums. */
#include "drivers/synth/mr_traffic_priv.h"

#include <string.h>

#include "base/mr_buf.h"
#include "packet/mr_packet.h"

static const uint16_t imix_wire[3] = { 64, 594, 1518 };
/* maximum segment size, selective acknowledgment, padding (RFC 9293, 2018) */
static const uint8_t syn_options[8] = { 2, 4, 0x05, 0xb4, 4, 2, 1, 1 };

static void put_transport(struct mr_build *f, enum mr_traffic_head head)
{
	struct mr_build_tcp tcp = { .window = 65535 };

	switch (head) {
	case MR_TRAFFIC_UDP:
		mr_build_udp(f, 0, 0);
		break;
	case MR_TRAFFIC_ICMP:
		mr_build_icmp(f, 0, 0, 0);
		break;
	case MR_TRAFFIC_TCP_SYN:
		tcp.options = syn_options;
		tcp.options_len = sizeof(syn_options);
		mr_build_tcp(f, &tcp);
		break;
	default:
		mr_build_tcp(f, &tcp);
	}
}

static uint32_t header_octets(enum mr_traffic_head head)
{
	static const uint8_t octets[MR_TRAFFIC_HEAD_MAX / 2] = { 8, 20, 8, 20 + sizeof(syn_options) };

	return octets[head / 2];
}

static uint32_t checksum_off(enum mr_traffic_head head)
{
	static const uint8_t off[MR_TRAFFIC_HEAD_MAX / 2] = { 6, 16, 2, 16 };

	return off[head / 2];
}

/* the sum behind a checksum field, which is cleared */
static uint32_t take_sum(uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	memset(p, 0, 2);
	return (uint16_t)~v;
}

static void template_init(struct mr_traffic_template *tm, unsigned head, uint32_t wire_octets, uint64_t vlan,
			  bool long_heads)
{
	static const uint8_t prefix6[16] = { 0x20, 0x01, 0, 0x02 }; /* RFC 5180 section 8 */
	static const uint8_t none4[4];
	bool v6 = head & 1;
	uint32_t l3_off = vlan == MR_VLAN_NONE ? 14 : 18;
	uint32_t l4_off = l3_off + (v6 ? 40 : 20);
	uint32_t headers = l4_off + header_octets(head & ~1u);
	uint32_t payload =
		wire_octets > headers + MR_TRAFFIC_FCS ? wire_octets - MR_TRAFFIC_FCS - headers : 0;
	uint32_t copied;
	struct mr_build f;

	mr_build_init(&f, v6 ? 6 : 4, v6 ? prefix6 : none4, v6 ? prefix6 : none4);
	mr_build_append(&f, NULL, payload);
	put_transport(&f, head & ~1u);
	mr_build_ip(&f, &(struct mr_build_ip){ .frag = 0x4000 });
	tm->ip_len = (uint16_t)mr_build_len(&f);
	if (vlan != MR_VLAN_NONE)
		mr_build_vlan(&f, 0x8100, (uint16_t)vlan);
	mr_build_ethernet(&f);

	tm->frame_len = (uint16_t)mr_build_len(&f);
	tm->payload_len = (uint16_t)payload;
	copied = tm->frame_len < MR_TRAFFIC_HEAD ? tm->frame_len : MR_TRAFFIC_HEAD;
	memcpy(tm->head, mr_build_data(&f), copied);
	tm->src_off = (uint8_t)(l3_off + (v6 ? 20 : 12));
	tm->dst_off = (uint8_t)(l3_off + (v6 ? 36 : 16));
	tm->l4_off = (uint8_t)l4_off;
	tm->l4_sum = take_sum(tm->head + l4_off + checksum_off(head & ~1u));
	if (!v6) {
		tm->ip_sum_off = (uint8_t)(l3_off + 10);
		tm->ip_sum = take_sum(tm->head + tm->ip_sum_off);
	}
	tm->long_head = headers > 64 || long_heads;
}

/* One kind of headers, one size? Shares of 0 and all are exact. */
static bool all_alike(const struct mr_traffic *t)
{
	bool one_proto = t->icmp_share == 0 ? t->tcp_share == 0 || t->tcp_share == SHARE_ALL
					    : t->icmp_share == SHARE_ALL;
	bool one_family = t->ipv6_share == 0 || t->ipv6_share == SHARE_ALL;

	if (t->attack_share != 0)
		return t->attack_share == SHARE_ALL; /* every attack has one kind of packet */
	return one_proto && one_family && t->conf.size != 0 && t->sessions == NULL;
}

void mr_traffic_templates_init(struct mr_traffic *t)
{
	/* a shorter header must overwrite all that a longer one left in the same buffer */
	bool long_heads = t->conf.ipv6_pct != 0 || t->conf.vlan != MR_VLAN_NONE;

	t->alike = all_alike(t);
	for (unsigned head = 0; head < MR_TRAFFIC_HEAD_MAX; head++)
		for (unsigned i = 0; i < MR_TRAFFIC_SIZES; i++) {
			uint32_t wire = t->conf.size == 0 && i < 3 ? imix_wire[i] : (uint32_t)t->conf.size;

			template_init(&t->templates[head][i], head, i == MR_TRAFFIC_SIZES - 1 ? 0 : wire,
				      t->conf.vlan, long_heads);
		}
}

uint32_t mr_traffic_frame_max(const struct mr_traffic *t)
{
	uint32_t max = 0;

	for (unsigned head = 0; head < MR_TRAFFIC_HEAD_MAX; head++)
		for (unsigned i = 0; i < MR_TRAFFIC_SIZES; i++)
			if (t->templates[head][i].frame_len > max)
				max = t->templates[head][i].frame_len;
	return max;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void put16(uint8_t *p, uint32_t v)
{
	uint16_t w = (uint16_t)v;

	memcpy(p, &w, sizeof(w));
}

/* two octets in memory order as a word to put or to sum */
static inline uint32_t octets(uint8_t first, uint8_t second)
{
	uint16_t w = __builtin_bswap16((uint16_t)(first << 8 | second));

	return w;
}

static inline void put_udp(uint8_t *l4, uint32_t ports, uint64_t sum)
{
	uint32_t check = ~mr_build_fold(sum + ports) & 0xffff;

	put32(l4, ports);
	put16(l4 + 6, check == 0 ? 0xffff : check); /* 0 would mean "none" (RFC 768) */
}

static inline void put_tcp(uint8_t *l4, const struct mr_traffic_batch *b, unsigned i, uint64_t sum)
{
	uint32_t ports = b->ports[i], seq = b->seq[i], ack = b->ack[i];
	uint8_t flags = (uint8_t)b->flags[i];

	put32(l4, ports);
	put32(l4 + 4, seq);
	put32(l4 + 8, ack);
	l4[13] = flags;
	put16(l4 + 16, ~mr_build_fold(sum + ports + seq + ack + octets(0, flags)));
}

static inline void put_echo(uint8_t *l4, const struct mr_traffic_batch *b, unsigned i, uint64_t sum)
{
	static const uint8_t types[2][2] = { { 8, 0 }, { 128, 129 } };
	uint8_t type = types[b->head[i] & 1][b->flags[i] & 1];
	uint32_t id_seq = b->ports[i];

	l4[0] = type;
	put32(l4 + 4, id_seq);
	put16(l4 + 2, ~mr_build_fold(sum + id_seq + octets(type, 0)));
}

/*
 * A frame from its template, which the caller made a local variable: else the compiler would have to read it
 * again after each octet put, since @p data may lie anywhere.
 */
static inline __attribute__((always_inline)) void write_one(const struct mr_traffic_template *tm,
							    uint32_t head, const struct mr_traffic_batch *b,
							    unsigned i, uint8_t *data)
{
	uint32_t src = b->src[i], dst = b->dst[i], ports = b->ports[i];
	uint64_t addresses = (uint64_t)src + dst;
	uint8_t *l4 = data + tm->l4_off;

	memcpy(data, tm->head, 64);
	if (tm->long_head)
		memcpy(data + 64, tm->head + 64, MR_TRAFFIC_HEAD - 64);
	put32(data + tm->src_off, src);
	put32(data + tm->dst_off, dst);
	if (tm->ip_sum_off != 0)
		put16(data + tm->ip_sum_off, ~mr_build_fold(tm->ip_sum + addresses));
	switch (head & ~1u) {
	case MR_TRAFFIC_UDP:
		put_udp(l4, ports, tm->l4_sum + addresses);
		break;
	case MR_TRAFFIC_ICMP: /* only ICMPv6 has a pseudo header */
		put_echo(l4, b, i, tm->l4_sum + (head & 1 ? addresses : 0));
		break;
	default:
		put_tcp(l4, b, i, tm->l4_sum + addresses);
	}
}

/* All packets of the traffic are alike: their template stays in registers. */
static void write_alike(const struct mr_traffic *t, uint32_t head, uint32_t size, struct mr_traffic_batch *b,
			uint8_t *const data[], unsigned n)
{
	struct mr_traffic_template tm = t->templates[head][size];

	for (unsigned i = 0; i < n; i++) {
		b->frame_len[i] = tm.frame_len;
		b->ip_len[i] = tm.ip_len;
	}
	for (unsigned i = 0; i < n; i++)
		write_one(&tm, head, b, i, data[i]);
}

void mr_traffic_write(const struct mr_traffic *t, struct mr_traffic_batch *b, uint8_t *const data[],
		      unsigned n)
{
	if (t->alike && n != 0) {
		write_alike(t, b->head[0], b->size[0], b, data, n);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		const struct mr_traffic_template *tm = &t->templates[b->head[i]][b->size[i]];

		b->frame_len[i] = tm->frame_len;
		b->ip_len[i] = tm->ip_len;
		write_one(tm, b->head[i], b, i, data[i]);
	}
}
