/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_layout.h"

#include <assert.h>
#include <netinet/in.h>

#include "ipfix/mr_ipfix_encode.h"
#include "ipfix/mr_ipfix_ie.h"

/* Where the value of an element comes from. */
struct source {
	uint16_t id;
	uint8_t len; /* octets on the wire; less than the element's natural length is reduced-size encoding */
	uint8_t op;  /* enum mr_ipfix_op */
	uint8_t flags;
	uint16_t off[2]; /* in struct mr_flow_rec, seen from the forward and from the reverse direction */
};

#define OFF(member) offsetof(struct mr_flow_rec, member)
#define BOTH(member)                                                                                         \
	{                                                                                                    \
		OFF(member[0]), OFF(member[1])                                                               \
	}
#define ONE(member)                                                                                          \
	{                                                                                                    \
		OFF(member), OFF(member)                                                                     \
	}
#define SWAP(a, b)                                                                                           \
	{                                                                                                    \
		OFF(a), OFF(b)                                                                               \
	}
#define KEY	   MR_IPFIX_F_KEY
#define REVERSIBLE MR_IPFIX_F_REVERSIBLE
#define NOT_JSON   MR_IPFIX_F_NOT_JSON
#define TCP	   MR_IPFIX_F_TCP
#define NONZERO	   MR_IPFIX_F_NONZERO

/* clang-format off */
static const struct source sources[] = {
	{   1,  8, MR_IPFIX_OP_U64,       REVERSIBLE,            BOTH(octets) },
	{   2,  8, MR_IPFIX_OP_U64,       REVERSIBLE,            BOTH(packets) },
	{   4,  1, MR_IPFIX_OP_U8,        KEY,                   ONE(proto) },
	{   5,  1, MR_IPFIX_OP_U8,        REVERSIBLE,            BOTH(tos) },
	{   6,  1, MR_IPFIX_OP_U8,        REVERSIBLE | TCP,      BOTH(tcp_flags) },
	{   7,  2, MR_IPFIX_OP_U16,       KEY,                   SWAP(port[0], port[1]) },
	{   8,  4, MR_IPFIX_OP_COPY4,     KEY,                   SWAP(addr[0], addr[1]) },
	{  10,  4, MR_IPFIX_OP_U8_TO_U32, 0,                     SWAP(ingress, egress) },
	{  11,  2, MR_IPFIX_OP_U16,       KEY,                   SWAP(port[1], port[0]) },
	{  12,  4, MR_IPFIX_OP_COPY4,     KEY,                   SWAP(addr[1], addr[0]) },
	{  14,  4, MR_IPFIX_OP_U8_TO_U32, 0,                     SWAP(egress, ingress) },
	{  25,  2, MR_IPFIX_OP_U16,       REVERSIBLE,            BOTH(min_len) },
	{  26,  2, MR_IPFIX_OP_U16,       REVERSIBLE,            BOTH(max_len) },
	{  27, 16, MR_IPFIX_OP_COPY16,    KEY,                   SWAP(addr[0], addr[1]) },
	{  28, 16, MR_IPFIX_OP_COPY16,    KEY,                   SWAP(addr[1], addr[0]) },
	{  32,  2, MR_IPFIX_OP_ICMP,      0,                     ONE(icmp) },
	{  52,  1, MR_IPFIX_OP_U8,        REVERSIBLE,            BOTH(min_ttl) },
	{  53,  1, MR_IPFIX_OP_U8,        REVERSIBLE,            BOTH(max_ttl) },
	{  56,  6, MR_IPFIX_OP_COPY6,     NONZERO,               SWAP(mac[0], mac[1]) },
	{  58,  2, MR_IPFIX_OP_VLAN,      NONZERO,               ONE(vlan) },
	{  60,  1, MR_IPFIX_OP_U8,        0,                     ONE(family) },
	{  70,  3, MR_IPFIX_OP_MPLS,      NONZERO,               ONE(mpls_label) },
	{  80,  6, MR_IPFIX_OP_COPY6,     NONZERO,               SWAP(mac[1], mac[0]) },
	{ 136,  1, MR_IPFIX_OP_U8,        0,                     ONE(end_reason) },
	{ 138,  8, MR_IPFIX_OP_POINT,     0,                     { 0, 0 } },
	{ 139,  2, MR_IPFIX_OP_ICMP,      0,                     ONE(icmp) },
	{ 148,  8, MR_IPFIX_OP_U64,       0,                     ONE(flow_id) },
	{ 152,  8, MR_IPFIX_OP_MS,        REVERSIBLE | NOT_JSON, BOTH(start_ns) },
	{ 153,  8, MR_IPFIX_OP_MS,        REVERSIBLE | NOT_JSON, BOTH(end_ns) },
	{ 156,  8, MR_IPFIX_OP_NTP,       REVERSIBLE,            BOTH(start_ns) },
	{ 157,  8, MR_IPFIX_OP_NTP,       REVERSIBLE,            BOTH(end_ns) },
	{ 186,  2, MR_IPFIX_OP_FORWARD16, TCP,                   ONE(tcp_window) },
	{ 197,  1, MR_IPFIX_OP_U8,        0,                     ONE(frag_flags) },
	{ 209,  8, MR_IPFIX_OP_U32_TO_U64, TCP,                  ONE(tcp_options) },
	{ 239,  1, MR_IPFIX_OP_DIRECTION, 0,                     ONE(direction) },
	{ 243,  2, MR_IPFIX_OP_VLAN,      NONZERO,               ONE(vlan) },
	{ 245,  2, MR_IPFIX_OP_VLAN,      NONZERO,               ONE(inner_vlan) },
	{ 352,  8, MR_IPFIX_OP_U64,       REVERSIBLE,            BOTH(layer2_octets) },
};
/* clang-format on */

/* Blocks of element ids, ended by 0. REVERSE() asks for the reverse element. */
#define REVERSE(id) (0x8000 | (id))

static const uint16_t block_key4[] = { 8, 12, 0 };
static const uint16_t block_key6[] = { 27, 28, 0 };
static const uint16_t block_ports[] = { 7, 11, 0 };
static const uint16_t block_icmp4[] = { 32, 0 };
static const uint16_t block_icmp6[] = { 139, 0 };
static const uint16_t block_proto[] = { 4, 5, 0 };
static const uint16_t block_reverse[] = { REVERSE(1), REVERSE(2), REVERSE(6), REVERSE(152), REVERSE(153), 0 };
static const uint16_t block_forward[] = { 6, 152, 153, 1, 2, 10, 14, 58, 136, 0 };
static const uint16_t block_direction[] = { 239, 0 };
static const uint16_t block_full_reverse_tos[] = { REVERSE(5), 0 };
static const uint16_t block_full_reverse[] = { REVERSE(352), REVERSE(52),  REVERSE(53),	 REVERSE(25),
					       REVERSE(26),  REVERSE(156), REVERSE(157), 0 };
static const uint16_t block_full[] = { 148, 138, 60, 52, 53, 25,  26,  197, 209, 186,
				       243, 245, 56, 80, 70, 352, 156, 157, 0 };

static const uint16_t *const head_addresses[MR_IPFIX_HEAD_MAX] = { block_key4, block_key6, block_key4,
								   block_key6 };
static const uint16_t *const head_ports[MR_IPFIX_HEAD_MAX] = { block_ports, block_ports, block_icmp4,
							       block_icmp6 };

static const struct source *source_find(uint16_t id)
{
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
		if (sources[i].id == id)
			return &sources[i];
	return NULL;
}

static void field_add(struct mr_ipfix_layout *l, uint16_t ref)
{
	bool reverse = (ref & 0x8000) != 0;
	const struct source *s = source_find(ref & 0x7fff);
	unsigned i = l->n++;

	assert(s != NULL && i < MR_IPFIX_LAYOUT_FIELDS_MAX && (!reverse || (s->flags & REVERSIBLE) != 0));
	l->field[i] = (struct mr_ipfix_field){ .pen = reverse ? MR_IPFIX_PEN_REVERSE : 0,
					       .id = s->id,
					       .len = s->len };
	l->flags[i] = s->flags;
	l->len = (uint16_t)(l->len + s->len);
	for (unsigned dir = 0; dir < 2; dir++)
		l->step[dir][i] =
			(struct mr_ipfix_step){ .off = s->off[dir ^ (unsigned)reverse], .op = s->op };
	if ((s->flags & KEY) != 0)
		l->keys |= 1ULL << i;
}

static void block_add(struct mr_ipfix_layout *l, const uint16_t *block)
{
	for (; *block != 0; block++)
		field_add(l, *block);
}

/*
 * A reverse element always stands before its forward twin: collectors that don't know RFC 5103 and drop the
 * enterprise number keep the last value, which so is the forward one.
 */
static void layout_make(struct mr_ipfix_layout *l, uint16_t id, bool full, enum mr_ipfix_head head,
			bool biflow)
{
	*l = (struct mr_ipfix_layout){ .id = (uint16_t)(id + head) };
	block_add(l, head_addresses[head]);
	block_add(l, head_ports[head]);
	if (full && biflow)
		block_add(l, block_full_reverse_tos);
	block_add(l, block_proto);
	if (biflow)
		block_add(l, block_reverse);
	if (full && biflow)
		block_add(l, block_full_reverse);
	block_add(l, block_forward);
	if (full || biflow)
		block_add(l, block_direction);
	if (full)
		block_add(l, block_full);
}

unsigned mr_ipfix_layouts_make(enum mr_ipfix_profile profile, uint8_t generation,
			       struct mr_ipfix_layout ret[MR_IPFIX_LAYOUTS_MAX])
{
	uint16_t base = mr_ipfix_id_base(generation);
	bool full = profile == MR_IPFIX_FULL;
	unsigned n = 0;

	for (unsigned h = 0; h < MR_IPFIX_HEAD_MAX; h++)
		layout_make(&ret[n++],
			    (uint16_t)(base + (full ? MR_IPFIX_ID_FULL_UNIFLOW : MR_IPFIX_ID_UNIFLOW)), full,
			    (enum mr_ipfix_head)h, false);
	if (profile == MR_IPFIX_COMPAT)
		return n;
	for (unsigned h = 0; h < MR_IPFIX_HEAD_MAX; h++)
		layout_make(&ret[n++], (uint16_t)(base + (full ? MR_IPFIX_ID_FULL : MR_IPFIX_ID_BIFLOW)),
			    full, (enum mr_ipfix_head)h, true);
	return n;
}

unsigned mr_ipfix_split(enum mr_ipfix_profile profile, const struct mr_flow_rec *rec,
			struct mr_ipfix_part ret[2])
{
	bool v6 = rec->family == 6;
	bool icmp = rec->proto == (v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	uint8_t head = (uint8_t)((v6 ? 1 : 0) + (icmp ? 2 : 0));
	bool forward = rec->packets[MR_FLOW_FORWARD] != 0, reverse = rec->packets[MR_FLOW_REVERSE] != 0;

	if (!reverse || !forward) {
		ret[0] = (struct mr_ipfix_part){ head, reverse ? MR_FLOW_REVERSE : MR_FLOW_FORWARD };
		return 1;
	}
	if (profile != MR_IPFIX_COMPAT) {
		ret[0] = (struct mr_ipfix_part){ (uint8_t)(head + MR_IPFIX_HEAD_MAX), MR_FLOW_FORWARD };
		return 1;
	}
	ret[0] = (struct mr_ipfix_part){ head, MR_FLOW_FORWARD };
	ret[1] = (struct mr_ipfix_part){ head, MR_FLOW_REVERSE };
	return 2;
}
