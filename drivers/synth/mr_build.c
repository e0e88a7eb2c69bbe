/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/synth/mr_build.h"

#include <string.h>

#include "base/mr_buf.h"

#define HEADERS_ROOM 1024 /* before the payload */
#define ETHERNET_MIN 60	  /* octets without FCS */

/* locally administered, so that no real host is named */
static const uint8_t mac[2][6] = { { 0x02, 0, 0, 0, 0, 0x01 }, { 0x02, 0, 0, 0, 0, 0x02 } };

uint32_t mr_build_sum(const void *data, size_t n, uint32_t sum)
{
	const uint8_t *p = data;
	uint64_t total = sum;
	uint16_t word;

	for (; n >= 2; n -= 2, p += 2) {
		memcpy(&word, p, 2);
		total += word;
	}
	if (n != 0) {
		word = 0;
		memcpy(&word, p, 1);
		total += word;
	}
	return mr_build_fold(total);
}

static void put_sum(uint8_t *p, uint32_t sum)
{
	uint16_t v = (uint16_t)~sum;

	memcpy(p, &v, 2);
}

/* of the transport header and payload at f->at (RFC 9293 section 3.1, RFC 8200 section 8.1) */
static uint32_t transport_sum(const struct mr_build *f, uint8_t proto)
{
	uint32_t len = mr_build_len(f);
	uint32_t alen = f->family == 4 ? 4 : 16;
	uint8_t pseudo[8] = { 0 };
	uint32_t sum;

	mr_put_u32(pseudo, len);
	pseudo[7] = proto;
	sum = mr_build_sum(pseudo, sizeof(pseudo), 0);
	sum = mr_build_sum(f->src, alen, sum);
	sum = mr_build_sum(f->dst, alen, sum);
	return mr_build_sum(mr_build_data(f), len, sum);
}

void mr_build_address(struct mr_build *f, unsigned family, const uint8_t *src, const uint8_t *dst)
{
	size_t n = family == 4 ? 4 : 16;

	f->family = (uint8_t)family;
	memset(f->src, 0, sizeof(f->src));
	memset(f->dst, 0, sizeof(f->dst));
	memcpy(f->src, src, n);
	memcpy(f->dst, dst, n);
}

void mr_build_init(struct mr_build *f, unsigned family, const uint8_t *src, const uint8_t *dst)
{
	f->at = f->end = HEADERS_ROOM;
	f->proto = family == 4 ? 253 : MR_PROTO_NONE; /* 253: for experiments (RFC 3692) */
	f->ether_type = 0x88b5;			      /* for experiments (IEEE 802) */
	f->overflow = false;
	mr_build_address(f, family, src, dst);
}

uint8_t *mr_build_push(struct mr_build *f, uint32_t n)
{
	if (f->overflow || n > f->at) {
		f->overflow = true;
		return NULL;
	}
	f->at -= n;
	return memset(f->room + f->at, 0, n);
}

void mr_build_append(struct mr_build *f, const void *src, uint32_t n)
{
	if (f->overflow || n > sizeof(f->room) - f->end) {
		f->overflow = true;
		return;
	}
	if (src == NULL)
		memset(f->room + f->end, 0, n);
	else
		memcpy(f->room + f->end, src, n);
	f->end += n;
}

void mr_build_udp(struct mr_build *f, uint16_t src_port, uint16_t dst_port)
{
	uint8_t *p = mr_build_push(f, 8);
	uint32_t sum;

	if (p == NULL)
		return;
	mr_put_u16(p, src_port);
	mr_put_u16(p + 2, dst_port);
	mr_put_u16(p + 4, (uint16_t)mr_build_len(f));
	sum = transport_sum(f, MR_PROTO_UDP);
	put_sum(p + 6, sum == 0xffff ? 0 : sum); /* 0 on the wire would mean "none" (RFC 768) */
	f->proto = MR_PROTO_UDP;
}

void mr_build_tcp(struct mr_build *f, const struct mr_build_tcp *tcp)
{
	uint8_t *p = mr_build_push(f, 20u + tcp->options_len);

	if (p == NULL)
		return;
	mr_put_u16(p, tcp->src_port);
	mr_put_u16(p + 2, tcp->dst_port);
	mr_put_u32(p + 4, tcp->seq);
	mr_put_u32(p + 8, tcp->ack);
	p[12] = (uint8_t)((20 + tcp->options_len) / 4 << 4);
	p[13] = tcp->flags;
	mr_put_u16(p + 14, tcp->window);
	if (tcp->options_len != 0)
		memcpy(p + 20, tcp->options, tcp->options_len);
	put_sum(p + 16, transport_sum(f, MR_PROTO_TCP));
	f->proto = MR_PROTO_TCP;
}

void mr_build_icmp(struct mr_build *f, uint8_t type, uint8_t code, uint32_t rest)
{
	uint8_t *p = mr_build_push(f, 8);

	if (p == NULL)
		return;
	p[0] = type;
	p[1] = code;
	mr_put_u32(p + 4, rest);
	f->proto = f->family == 4 ? MR_PROTO_ICMP : MR_PROTO_ICMP6;
	/* only ICMPv6 has a pseudo header */
	put_sum(p + 2,
		f->family == 4 ? mr_build_sum(p, mr_build_len(f), 0) : transport_sum(f, MR_PROTO_ICMP6));
}

void mr_build_echo(struct mr_build *f, bool reply, uint16_t id, uint16_t seq)
{
	uint8_t type = f->family == 4 ? (reply ? 0 : 8) : (reply ? 129 : 128);

	mr_build_icmp(f, type, 0, (uint32_t)id << 16 | seq);
}

static void put_ip4(struct mr_build *f, const struct mr_build_ip *ip)
{
	uint32_t hlen = 20u + ip->options_len;
	uint8_t *p = mr_build_push(f, hlen);

	if (p == NULL)
		return;
	p[0] = (uint8_t)(0x40 | hlen / 4);
	p[1] = ip->tos;
	mr_put_u16(p + 2, (uint16_t)mr_build_len(f));
	mr_put_u16(p + 4, ip->id);
	mr_put_u16(p + 6, ip->frag);
	p[8] = ip->ttl == 0 ? 64 : ip->ttl;
	p[9] = f->proto;
	memcpy(p + 12, f->src, 4);
	memcpy(p + 16, f->dst, 4);
	if (ip->options_len != 0)
		memcpy(p + 20, ip->options, ip->options_len);
	put_sum(p + 10, mr_build_sum(p, hlen, 0));
	f->proto = MR_PROTO_IPIP;
	f->ether_type = 0x0800;
}

static void put_ip6(struct mr_build *f, const struct mr_build_ip *ip)
{
	uint32_t len = mr_build_len(f);
	uint8_t *p = mr_build_push(f, 40);

	if (p == NULL)
		return;
	mr_put_u32(p, 6u << 28 | (uint32_t)ip->tos << 20);
	mr_put_u16(p + 4, (uint16_t)len);
	p[6] = f->proto;
	p[7] = ip->ttl == 0 ? 64 : ip->ttl;
	memcpy(p + 8, f->src, 16);
	memcpy(p + 24, f->dst, 16);
	f->proto = MR_PROTO_IPV6;
	f->ether_type = 0x86dd;
}

void mr_build_ip(struct mr_build *f, const struct mr_build_ip *ip)
{
	static const struct mr_build_ip usual;

	if (ip == NULL)
		ip = &usual;
	if (f->family == 4)
		put_ip4(f, ip);
	else
		put_ip6(f, ip);
}

void mr_build_ip6_options(struct mr_build *f, uint8_t proto, uint32_t n)
{
	uint8_t *p = mr_build_push(f, n);

	if (p == NULL)
		return;
	p[0] = f->proto;
	p[1] = (uint8_t)(n / 8 - 1);
	p[2] = 1; /* PadN */
	p[3] = (uint8_t)(n - 4);
	f->proto = proto;
}

void mr_build_ip6_fragment(struct mr_build *f, uint32_t off, bool more, uint32_t id)
{
	uint8_t *p = mr_build_push(f, 8);

	if (p == NULL)
		return;
	p[0] = f->proto;
	mr_put_u16(p + 2, (uint16_t)((off & 0xfff8) | more));
	mr_put_u32(p + 4, id);
	f->proto = MR_PROTO_FRAGMENT;
}

void mr_build_vlan(struct mr_build *f, uint16_t tpid, uint16_t vlan)
{
	uint8_t *p = mr_build_push(f, 4);

	if (p == NULL)
		return;
	mr_put_u16(p, vlan);
	mr_put_u16(p + 2, f->ether_type);
	f->ether_type = tpid;
}

void mr_build_ethernet_bare(struct mr_build *f)
{
	uint8_t *p = mr_build_push(f, 14);

	if (p == NULL)
		return;
	memcpy(p, mac[1], 6);
	memcpy(p + 6, mac[0], 6);
	mr_put_u16(p + 12, f->ether_type);
}

void mr_build_ethernet(struct mr_build *f)
{
	mr_build_ethernet_bare(f);
	if (mr_build_len(f) < ETHERNET_MIN)
		mr_build_append(f, NULL, ETHERNET_MIN - mr_build_len(f));
}
