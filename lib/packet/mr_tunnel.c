/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_tunnel.h"

#include <string.h>

const char *mr_tunnel_name(enum mr_tunnel_kind kind)
{
	static const char *const names[MR_TUNNEL_KIND_MAX] = { [MR_TUNNEL_NONE] = "",
#define X(id, name, doc) [MR_TUNNEL_##id] = name,
							       MR_TUNNEL_KINDS(X)
#undef X
	};

	return names[kind];
}

bool mr_tunnel_ports_add(struct mr_tunnel_ports *ports, uint16_t port, enum mr_tunnel_kind kind)
{
	unsigned i = 0;

	while (i < ports->n && ports->port[i].port != port)
		i++;
	if (i == MR_TUNNEL_PORTS_MAX)
		return false;
	ports->port[i].port = port;
	ports->port[i].kind = (uint8_t)kind;
	ports->n = (uint8_t)(i == ports->n ? i + 1 : ports->n);
	ports->maybe[port / 64 % 64] |= 1ULL << (port % 64);
	return true;
}

void mr_tunnel_ports_default(struct mr_tunnel_ports *ports)
{
	static const struct {
		uint16_t port;
		enum mr_tunnel_kind kind;
	} known[] = {
		{ 4789, MR_TUNNEL_VXLAN },     { 8472, MR_TUNNEL_VXLAN }, /* before the number was assigned:
									     Linux */
		{ 4790, MR_TUNNEL_VXLAN_GPE }, { 6081, MR_TUNNEL_GENEVE }, { 2152, MR_TUNNEL_GTPU },
		{ 1701, MR_TUNNEL_L2TP },      { 3544, MR_TUNNEL_TEREDO }, { 6635, MR_TUNNEL_MPLS },
		{ 37008, MR_TUNNEL_TZSP },
	};

	memset(ports, 0, sizeof(*ports));
	for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		mr_tunnel_ports_add(ports, known[i].port, known[i].kind);
}

/* Without regard to direction: sums of what may be swapped. */
static uint64_t level_fold(const struct mr_tunnel_level *l, enum mr_tunnel_key key,
			   const struct mr_hash_seed *seed)
{
	uint64_t w[4], sum = mr_tunnel_is_segment(l->kind) ? l->id : 0;

	if (key != MR_TUNNEL_KEY_BOTH)
		return sum;
	memcpy(w, l->addr, sizeof(w));
	return sum ^ (mr_hash_fold(w[0] ^ seed->s[0], w[1] ^ seed->s[1]) +
		      mr_hash_fold(w[2] ^ seed->s[0], w[3] ^ seed->s[1]));
}

uint64_t mr_tunnel_key_fold(const struct mr_tunnel *tunnel, enum mr_tunnel_key key,
			    const struct mr_hash_seed *seed)
{
	uint64_t h = 0;

	for (unsigned i = 0; i < tunnel->levels; i++)
		h = mr_hash_fold(h ^ level_fold(&tunnel->level[i], key, seed) ^ seed->s[2], seed->s[3]);
	return h;
}

static bool level_equal(const struct mr_tunnel_level *a, const struct mr_tunnel_level *b,
			enum mr_tunnel_key key)
{
	if (mr_tunnel_is_segment(a->kind) != mr_tunnel_is_segment(b->kind) ||
	    (mr_tunnel_is_segment(a->kind) && a->id != b->id))
		return false;
	if (key != MR_TUNNEL_KEY_BOTH)
		return true;
	return memcmp(a->addr, b->addr, sizeof(a->addr)) == 0 ||
	       (memcmp(a->addr[0], b->addr[1], 16) == 0 && memcmp(a->addr[1], b->addr[0], 16) == 0);
}

bool mr_tunnel_key_equal(const struct mr_tunnel *a, const struct mr_tunnel *b, enum mr_tunnel_key key)
{
	if (a->levels != b->levels)
		return false;
	for (unsigned i = 0; i < a->levels; i++)
		if (!level_equal(&a->level[i], &b->level[i], key))
			return false;
	return true;
}
