/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>

#include "packet/mr_decode_priv.h"

/* What holds for every decoded packet, whatever its octets. Plain C: the fuzz target uses it too. */

static inline uint64_t packet_hash_again(const struct mr_packet_conf *conf, const struct mr_tunnel *tunnel,
					 const struct mr_packet *p)
{
	uint64_t hash =
		mr_packet_hash(&conf->seed, p->addr_key, p->port_key, p->proto, p->flags & MR_PACKET_V6);

	if (p->flags & MR_PACKET_TUNNEL)
		hash ^= mr_tunnel_key_fold(tunnel, (enum mr_tunnel_key)conf->tunnel_key, &conf->seed);
	return hash;
}

static inline const char *packet_broken_tunnel(const struct mr_packet_conf *conf, const struct mr_tunnel *t)
{
	if (conf->tunnel_key == MR_TUNNEL_KEY_OUTER)
		return "opened a tunnel";
	if (t->levels > MR_TUNNEL_LEVELS || t->labels > MR_TUNNEL_LABELS || t->levels + t->labels == 0)
		return "tunnel levels or labels";
	for (unsigned i = 0; i < t->levels; i++) {
		const struct mr_tunnel_level *l = &t->level[i];

		if (l->kind == MR_TUNNEL_NONE || l->kind >= MR_TUNNEL_KIND_MAX ||
		    (l->family != 0 && l->family != 4 && l->family != 6) || (!l->has_id && l->id != 0))
			return "tunnel level";
	}
	return NULL;
}

static inline const char *packet_broken_key(const struct mr_packet_conf *conf, const struct mr_tunnel *tunnel,
					    const struct mr_packet *p)
{
	bool v6 = (p->flags & MR_PACKET_V6) != 0;
	uint16_t port_0 = (uint16_t)(p->port_key >> 16), port_1 = (uint16_t)p->port_key;
	const uint8_t *ip = p->data + p->l3_off;
	bool swapped = (p->flags & MR_PACKET_SWAPPED) != 0;
	int order;

	if (v6) {
		order = memcmp(p->addr6[0], p->addr6[1], 16);
		if (memcmp(p->addr6[swapped], ip + 8, 16) != 0 ||
		    memcmp(p->addr6[!swapped], ip + 24, 16) != 0)
			return "addr6 holds other addresses than the packet";
	} else {
		uint32_t a = (uint32_t)(p->addr_key >> 32), b = (uint32_t)p->addr_key;

		order = a < b ? -1 : a > b;
		if ((swapped ? b : a) != mr_get_u32(ip + 12) || (swapped ? a : b) != mr_get_u32(ip + 16))
			return "addr_key holds other addresses than the packet";
	}
	if (order > 0 || (order == 0 && port_0 > port_1))
		return "key isn't in canonical order";
	if (order == 0 && port_0 == port_1 && swapped)
		return "swapped without need";
	if (p->port_key >> 32 != mr_key_scope(conf, p))
		return "scope";
	if (p->hash != packet_hash_again(conf, tunnel, p))
		return "hash";
	return NULL;
}

/* The first thing that is wrong with @p p, or NULL. */
static inline const char *packet_broken(const struct mr_packet_conf *conf, const struct mr_tunnel *tunnel,
					const struct mr_packet *p, uint32_t cap, uint32_t wire)
{
	uint32_t frame = wire < cap ? cap : wire;
	uint32_t ip_end = p->l3_off + p->ip_len;

	if (p->cap_len != cap || p->frame_len != frame)
		return "cap_len or frame_len";
	if (p->not_metered != 0) {
		if (p->not_metered >= MR_C_MAX ||
		    mr_counter_info[p->not_metered].class_ != MR_COUNTER_NOT_METERED)
			return "not_metered is no reason";
		return p->note != 0 ? "a note on a packet that isn't metered" : NULL;
	}
	if (p->note != 0 && (p->note >= MR_C_MAX || mr_counter_info[p->note].class_ != MR_COUNTER_NOTE))
		return "note is no note";
	if (p->l3_off + (p->flags & MR_PACKET_V6 ? 40u : 20u) > p->l4_off || p->l4_off > cap ||
	    p->l4_off > ip_end)
		return "l3_off or l4_off";
	if (ip_end > frame)
		return "IP beyond the frame";
	if ((p->flags & MR_PACKET_L4) && (p->l4_off + 4u > cap || p->frag == MR_FRAG_LATER))
		return "L4 without a header";
	if (p->payload_off > cap || p->payload_off < p->l4_off)
		return "payload_off";
	if (p->payload_len != 0 &&
	    (p->payload_off + p->payload_len > cap || p->payload_off + p->payload_len > ip_end))
		return "payload ends too late";
	if (p->flags & MR_PACKET_TUNNEL) {
		const char *broken = packet_broken_tunnel(conf, tunnel);

		if (broken != NULL)
			return broken;
	}
	return packet_broken_key(conf, tunnel, p);
}

/* Decodes with and without the fast path and compares every octet. Leaves the result in @p ret. */
static inline const char *packet_decode_checked(const struct mr_packet_conf *conf, const uint8_t *data,
						uint32_t cap, uint32_t wire, enum mr_link link,
						uint8_t port_id, struct mr_tunnel *ret_tunnel,
						struct mr_packet *ret)
{
	struct mr_packet general, again;
	struct mr_tunnel general_tunnel;

	memset(ret, 0xa5, sizeof(*ret));
	memset(&general, 0xa5, sizeof(general));
	mr_packet_decode(conf, data, cap, wire, link, port_id, ret_tunnel, ret);
	mr_packet_decode_general(conf, data, cap, wire, link, port_id, &general_tunnel, &general);
	if (general.not_metered != 0 ? general.not_metered != ret->not_metered
				     : memcmp(ret, &general, sizeof(general)) != 0)
		return "fast and general path differ";
	if (ret->not_metered == 0) {
		again = *ret;
		mr_packet_set_ports(conf, &again, ret_tunnel, mr_packet_src_port(ret),
				    mr_packet_dst_port(ret));
		if (memcmp(&again, ret, sizeof(again)) != 0)
			return "set_ports with the same ports changes the packet";
	}
	return packet_broken(conf, ret_tunnel, ret, cap, wire);
}
