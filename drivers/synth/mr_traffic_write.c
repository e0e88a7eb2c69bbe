/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptions to octets: a template for headers and size, then the fields that differ, and checksums. */
#include "drivers/synth/mr_traffic_priv.h"

#include <string.h>

#include "base/mr_buf.h"
#include "drivers/synth/mr_traffic_mix.h"
#include "drivers/synth/mr_traffic_tunnel.h"
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

static uint32_t l3_offset(uint64_t vlan)
{
	return vlan == MR_VLAN_NONE ? 14 : 18;
}

/* the sum behind a checksum field, which is cleared */
static uint32_t take_sum(uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	memset(p, 0, 2);
	return (uint16_t)~v;
}

void mr_traffic_template_address(struct mr_build *f, bool v6)
{
	static const uint8_t prefix6[16] = { 0x20, 0x01, 0, 0x02 }; /* RFC 5180 section 8 */
	static const uint8_t none4[4];

	mr_build_init(f, v6 ? 6 : 4, v6 ? prefix6 : none4, v6 ? prefix6 : none4);
}

void mr_traffic_template_make(struct mr_traffic_template *tm, unsigned head, struct mr_build *f,
			      uint64_t vlan)
{
	bool v6 = head & 1;
	uint32_t l3_off = l3_offset(vlan);
	uint32_t l4_off = l3_off + (v6 ? 40 : 20);
	uint32_t copied;

	tm->payload_len = (uint16_t)mr_build_len(f);
	put_transport(f, head & ~1u);
	mr_build_ip(f, &(struct mr_build_ip){ .frag = 0x4000 });
	tm->ip_len = (uint16_t)mr_build_len(f);
	if (vlan != MR_VLAN_NONE)
		mr_build_vlan(f, 0x8100, (uint16_t)vlan);
	mr_build_ethernet(f);

	tm->frame_len = (uint16_t)mr_build_len(f);
	copied = tm->frame_len < MR_TRAFFIC_HEAD ? tm->frame_len : MR_TRAFFIC_HEAD;
	memcpy(tm->head, mr_build_data(f), copied);
	tm->src_off = (uint8_t)(l3_off + (v6 ? 20 : 12));
	tm->dst_off = (uint8_t)(l3_off + (v6 ? 36 : 16));
	tm->l4_off = (uint8_t)l4_off;
	tm->ip_sum_off = (uint8_t)(l4_off + checksum_off(head & ~1u));
	tm->l4_sum = take_sum(tm->head + tm->ip_sum_off);
	if (!v6) {
		tm->ip_sum_off = (uint8_t)(l3_off + 10);
		tm->ip_sum = take_sum(tm->head + tm->ip_sum_off);
	}
	tm->long_head = l4_off + header_octets(head & ~1u) > 64;
}

static void template_init(struct mr_traffic_template *tm, unsigned head, uint32_t wire_octets, uint64_t vlan,
			  bool long_heads)
{
	uint32_t headers = l3_offset(vlan) + (head & 1 ? 40 : 20) + header_octets(head & ~1u);
	struct mr_build f;

	mr_traffic_template_address(&f, head & 1);
	if (wire_octets > headers + MR_TRAFFIC_FCS)
		mr_build_append(&f, NULL, wire_octets - MR_TRAFFIC_FCS - headers);
	mr_traffic_template_make(tm, head, &f, vlan);
	tm->long_head |= long_heads;
}

/* One kind of headers, one size? Shares of 0 and all are exact. */
static bool all_alike(const struct mr_traffic *t)
{
	bool one_proto = t->icmp_share == 0 ? t->tcp_share == 0 || t->tcp_share == SHARE_ALL
					    : t->icmp_share == SHARE_ALL;
	bool one_family = t->ipv6_share == 0 || t->ipv6_share == SHARE_ALL;

	if (t->attack_share != 0)
		return t->attack_share == SHARE_ALL; /* every attack has one kind of packet */
	return one_proto && one_family && t->conf.size != 0 && t->sessions == NULL && t->mix == NULL;
}

void mr_traffic_templates_init(struct mr_traffic *t)
{
	/* a shorter header must overwrite all that a longer one left in the same buffer */
	bool long_heads = t->conf.ipv6_pct != 0 || t->conf.vlan != MR_VLAN_NONE;

	t->alike = all_alike(t);
	t->udp_only = t->tcp_share == 0 && t->icmp_share == 0 && t->attack_share == 0 && t->mix == NULL;
	for (unsigned head = 0; head < MR_TRAFFIC_HEAD_MAX; head++)
		for (unsigned i = 0; i < MR_TRAFFIC_SIZES; i++) {
			uint32_t wire = t->conf.size == 0 && i < 3 ? imix_wire[i] : (uint32_t)t->conf.size;

			template_init(&t->templates[head][i], head, i == MR_TRAFFIC_SIZES - 1 ? 0 : wire,
				      t->conf.vlan, long_heads);
		}
}

uint32_t mr_traffic_frame_max(const struct mr_traffic *t)
{
	/* headers of IPv6 and TCP, a tag */
	uint32_t max = t->mix == NULL ? 0 : MR_TRAFFIC_MSS + 78;

	for (unsigned head = 0; head < MR_TRAFFIC_HEAD_MAX; head++)
		for (unsigned i = 0; i < MR_TRAFFIC_SIZES; i++)
			if (t->templates[head][i].frame_len > max)
				max = t->templates[head][i].frame_len;
	return max + (t->tunnel == NULL ? 0 : t->tunnel->len);
}

uint32_t mr_traffic_room(const struct mr_traffic *t)
{
	uint32_t max = mr_traffic_frame_max(t);
	uint32_t least = MR_TRAFFIC_HEAD + (t->tunnel == NULL ? 0 : t->tunnel->len);

	return max > least ? max : least;
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

/* the two halves of a word, as a part of a one's complement sum */
static inline uint32_t halves(uint32_t v)
{
	return (v & 0xffff) + (v >> 16);
}

/* all bits or none */
static inline uint32_t mask(bool yes)
{
	return 0 - (uint32_t)yes;
}

/* What a transport header of these fields adds to its sum, in memory order. */
static inline uint32_t transport_part(const struct mr_traffic_batch *b, unsigned i)
{
	uint32_t head = b->head[i] & ~1u, v6 = mask(b->head[i] & 1), flags = b->flags[i];
	uint32_t tcp = mask(head == MR_TRAFFIC_TCP || head == MR_TRAFFIC_TCP_SYN);
	uint32_t icmp = mask(head == MR_TRAFFIC_ICMP);
	uint32_t echo_type = ((128 + flags) & v6) | ((8 - 8 * flags) & ~v6);

	return ((halves(b->seq[i]) + halves(b->ack[i]) + (flags << 8)) & tcp) + (echo_type & icmp);
}

/* The checksums, of which ip_check and l4_check hold what the templates fix. */
static inline __attribute__((always_inline)) void checksums(struct mr_traffic_batch *b, unsigned n,
							    bool udp_only)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t addresses = halves(b->src[i]) + halves(b->dst[i]);
		/* only ICMP over IPv4 has no pseudo header */
		uint32_t pseudo = udp_only ? addresses : addresses & mask(b->head[i] != MR_TRAFFIC_ICMP);
		uint32_t ip = halves(halves(b->ip_check[i] + addresses));
		uint32_t l4 = b->l4_check[i] + pseudo + halves(b->ports[i]);

		if (!udp_only)
			l4 += transport_part(b, i);
		l4 = ~halves(halves(halves(l4))) & 0xffff;
		/* 0 would mean "none" in UDP (RFC 768) */
		l4 |= mask(l4 == 0) & (udp_only ? UINT32_MAX : mask(b->head[i] < MR_TRAFFIC_TCP));
		b->ip_check[i] = ~ip;
		b->l4_check[i] = l4;
	}
}

static inline void put_tcp(uint8_t *l4, const struct mr_traffic_batch *b, unsigned i)
{
	put32(l4, b->ports[i]);
	put32(l4 + 4, b->seq[i]);
	put32(l4 + 8, b->ack[i]);
	l4[13] = (uint8_t)b->flags[i];
	put16(l4 + 16, b->l4_check[i]);
}

static inline void put_udp(uint8_t *l4, const struct mr_traffic_batch *b, unsigned i)
{
	put32(l4, b->ports[i]);
	put16(l4 + 6, b->l4_check[i]);
}

static inline void put_echo(uint8_t *l4, const struct mr_traffic_batch *b, unsigned i)
{
	static const uint8_t types[2][2] = { { 8, 0 }, { 128, 129 } };

	l4[0] = types[b->head[i] & 1][b->flags[i] & 1];
	put32(l4 + 4, b->ports[i]);
	put16(l4 + 2, b->l4_check[i]);
}

/* As much as the clones for wide vectors copy at once; the others take parts. */
typedef uint64_t octets32 __attribute__((vector_size(32), aligned(1), may_alias));

static inline void copy32(uint8_t *to, const uint8_t *from)
{
	*(octets32 *)to = *(const octets32 *)from;
}

/*
 * A frame from its template. Where that is the same for all the caller made it a local variable: else the
 * compiler would have to read it again after each octet put, since @p data may lie anywhere.
 */
static inline __attribute__((always_inline)) void write_one(const struct mr_traffic_template *tm,
							    uint32_t head, const struct mr_traffic_batch *b,
							    unsigned i, uint8_t *data)
{
	copy32(data, tm->head);
	copy32(data + 32, tm->head + 32);
	if (tm->long_head)
		copy32(data + 64, tm->head + 64);
	put32(data + tm->src_off, b->src[i]);
	put32(data + tm->dst_off, b->dst[i]);
	put16(data + tm->ip_sum_off, b->ip_check[i]);
	switch (head & ~1u) {
	case MR_TRAFFIC_UDP:
		put_udp(data + tm->l4_off, b, i);
		break;
	case MR_TRAFFIC_ICMP:
		put_echo(data + tm->l4_off, b, i);
		break;
	default:
		put_tcp(data + tm->l4_off, b, i);
	}
}

/* What the template says of packet @p i. */
static inline void describe(struct mr_traffic_batch *b, unsigned i, const struct mr_traffic_template *tm)
{
	b->frame_len[i] = tm->frame_len;
	b->ip_len[i] = tm->ip_len;
	b->ip_check[i] = tm->ip_sum;
	b->l4_check[i] = tm->l4_sum;
}

/* All packets of the traffic are alike: their template stays in registers. */
static inline __attribute__((always_inline)) void write_alike(const struct mr_traffic *t,
							      struct mr_traffic_batch *b,
							      uint8_t *const data[], size_t data_off,
							      unsigned n, bool udp_only)
{
	uint32_t head = b->head[0];
	const struct mr_traffic_template tm = t->templates[head][b->size[0]];

	for (unsigned i = 0; i < n; i++)
		describe(b, i, &tm);
	checksums(b, n, udp_only);
	for (unsigned i = 0; i < n; i++)
		write_one(&tm, udp_only ? MR_TRAFFIC_UDP : head, b, i, data[i] + data_off);
}

static inline __attribute__((always_inline)) void write_mixed(const struct mr_traffic *t,
							      struct mr_traffic_batch *b,
							      uint8_t *const data[], size_t data_off,
							      unsigned n, bool udp_only)
{
	for (unsigned i = 0; i < n; i++)
		describe(b, i, &t->templates[b->head[i]][b->size[i]]);
	checksums(b, n, udp_only);
	for (unsigned i = 0; i < n; i++)
		write_one(&t->templates[b->head[i]][b->size[i]], udp_only ? MR_TRAFFIC_UDP : b->head[i], b, i,
			  data[i] + data_off);
}

MR_TRAFFIC_CLONES static void write_udp(const struct mr_traffic *t, struct mr_traffic_batch *b,
					uint8_t *const data[], size_t data_off, unsigned n)
{
	if (t->alike)
		write_alike(t, b, data, data_off, n, true);
	else
		write_mixed(t, b, data, data_off, n, true);
}

MR_TRAFFIC_CLONES static void write_any(const struct mr_traffic *t, struct mr_traffic_batch *b,
					uint8_t *const data[], size_t data_off, unsigned n)
{
	if (t->alike)
		write_alike(t, b, data, data_off, n, false);
	else
		write_mixed(t, b, data, data_off, n, false);
}

/* A message of a script: what it has beyond its template. */
static inline void describe_message(struct mr_traffic_batch *b, unsigned i)
{
	const struct mr_traffic_message *m = b->message[i];

	describe(b, i, &m->tm);
	if (m->name_off != 0)
		b->l4_check[i] += mr_traffic_digits_sum(b->digits[i], m->name_off);
	if (m->id_off != 0)
		b->l4_check[i] += b->seq[i];
}

static inline void write_message(const struct mr_traffic_batch *b, unsigned i, uint8_t *data)
{
	const struct mr_traffic_message *m = b->message[i];

	write_one(&m->tm, b->head[i], b, i, data);
	if (m->tm.frame_len > MR_TRAFFIC_HEAD)
		memcpy(data + MR_TRAFFIC_HEAD, m->rest, m->tm.frame_len - MR_TRAFFIC_HEAD);
	if (m->name_off != 0) {
		put32(data + m->name_off, (uint32_t)b->digits[i]);
		put16(data + m->name_off + 4, (uint32_t)(b->digits[i] >> 32));
	}
	if (m->id_off != 0)
		put16(data + m->id_off, b->seq[i]);
}

MR_TRAFFIC_CLONES static void write_mix(const struct mr_traffic *t, struct mr_traffic_batch *b,
					uint8_t *const data[], size_t data_off, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (b->message[i] != NULL)
			describe_message(b, i);
		else
			describe(b, i, &t->templates[b->head[i]][b->size[i]]);
	checksums(b, n, false);
	for (unsigned i = 0; i < n; i++)
		if (b->message[i] != NULL)
			write_message(b, i, data[i] + data_off);
		else
			write_one(&t->templates[b->head[i]][b->size[i]], b->head[i], b, i,
				  data[i] + data_off);
}

void mr_traffic_write(const struct mr_traffic *t, struct mr_traffic_batch *b, uint8_t *const data[],
		      size_t data_off, unsigned n)
{
	if (n == 0)
		return;
	if (t->mix != NULL && !t->alike)
		write_mix(t, b, data, data_off, n);
	else if (t->udp_only)
		write_udp(t, b, data, data_off, n);
	else
		write_any(t, b, data, data_off, n);
}
