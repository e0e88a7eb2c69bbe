/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_encode.h"

#include <string.h>

#include "ipfix/mr_ipfix_layout.h"

#define VLAN_NONE 0xfff /* as in struct mr_flow_rec */

void mr_ipfix_put_varlen(struct mr_wbuf *w, const void *data, uint16_t len)
{
	if (len < 255) {
		mr_wbuf_put_u8(w, (uint8_t)len);
	} else {
		mr_wbuf_put_u8(w, 255);
		mr_wbuf_put_u16(w, len);
	}
	mr_wbuf_put_bytes(w, data, len);
}

uint16_t mr_ipfix_icmp_answer(uint8_t family, uint16_t icmp)
{
	/* request, answer: echo, timestamp, information, address mask; router and neighbour discovery, node
	 * info */
	static const uint8_t pairs[][3] = {
		{ 4, 8, 0 },	 { 4, 13, 14 },	  { 4, 15, 16 },   { 4, 17, 18 },
		{ 6, 128, 129 }, { 6, 133, 134 }, { 6, 135, 136 }, { 6, 139, 140 }
	};
	uint8_t type = (uint8_t)(icmp >> 8);

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		if (pairs[i][0] != family)
			continue;
		if (pairs[i][1] == type)
			return (uint16_t)(pairs[i][2] << 8);
		if (pairs[i][2] == type)
			return (uint16_t)(pairs[i][1] << 8);
	}
	return icmp;
}

static inline uint16_t load_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t load_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint8_t *put_u16(uint8_t *p, uint16_t v)
{
	mr_put_u16(p, v);
	return p + 2;
}

static inline uint8_t *put_u32(uint8_t *p, uint32_t v)
{
	mr_put_u32(p, v);
	return p + 4;
}

static inline uint8_t *put_u64(uint8_t *p, uint64_t v)
{
	mr_put_u64(p, v);
	return p + 8;
}

static inline uint8_t *put_copy(uint8_t *p, const uint8_t *src, size_t n)
{
	memcpy(p, src, n);
	return p + n;
}

static inline uint8_t *put_mpls(uint8_t *p, uint32_t entry)
{
	*p++ = (uint8_t)(entry >> 16);
	return put_u16(p, (uint16_t)entry);
}

static inline uint16_t icmp_of(unsigned dir, const struct mr_flow_rec *rec, uint16_t icmp)
{
	return dir == MR_FLOW_FORWARD ? icmp : mr_ipfix_icmp_answer(rec->family, icmp);
}

uint8_t *mr_ipfix_encode(const struct mr_ipfix_layout *layout, unsigned dir, const struct mr_flow_rec *rec,
			 uint64_t observation_point, uint8_t *p)
{
	const struct mr_ipfix_step *step = layout->step[dir], *end = step + layout->n;
	uint16_t vlan;

	for (; step < end; step++) {
		const uint8_t *src = (const uint8_t *)rec + step->off;

		switch ((enum mr_ipfix_op)step->op) {
		case MR_IPFIX_OP_U8:
			*p++ = *src;
			break;
		case MR_IPFIX_OP_U16:
			p = put_u16(p, load_u16(src));
			break;
		case MR_IPFIX_OP_U64:
			p = put_u64(p, load_u64(src));
			break;
		case MR_IPFIX_OP_COPY4:
			p = put_copy(p, src, 4);
			break;
		case MR_IPFIX_OP_COPY6:
			p = put_copy(p, src, 6);
			break;
		case MR_IPFIX_OP_COPY16:
			p = put_copy(p, src, 16);
			break;
		case MR_IPFIX_OP_U8_TO_U32:
			p = put_u32(p, *src);
			break;
		case MR_IPFIX_OP_U32_TO_U64:
			p = put_u64(p, load_u32(src));
			break;
		case MR_IPFIX_OP_MS:
			p = put_u64(p, load_u64(src) / MR_NS_PER_MS);
			break;
		case MR_IPFIX_OP_NTP:
			p = put_u64(p, mr_ipfix_ntp(load_u64(src)));
			break;
		case MR_IPFIX_OP_VLAN:
			vlan = load_u16(src);
			p = put_u16(p, vlan == VLAN_NONE ? 0 : vlan);
			break;
		case MR_IPFIX_OP_MPLS:
			p = put_mpls(p, load_u32(src));
			break;
		case MR_IPFIX_OP_ICMP:
			p = put_u16(p, icmp_of(dir, rec, load_u16(src)));
			break;
		case MR_IPFIX_OP_FORWARD16:
			p = put_u16(p, dir == MR_FLOW_FORWARD ? load_u16(src) : 0);
			break;
		case MR_IPFIX_OP_DIRECTION:
			*p++ = dir == MR_FLOW_REVERSE && *src == 1 ? 2 : *src;
			break;
		case MR_IPFIX_OP_POINT:
			p = put_u64(p, observation_point);
			break;
		}
	}
	return p;
}
