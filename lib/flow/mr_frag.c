/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_frag.h"

#include <string.h>

struct mr_frag_entry {
	uint64_t addr_key;
	uint64_t expiry_ns;
	uint8_t addr6[2][16];
	uint32_t id;
	uint32_t scope;
	uint32_t chain;	       /* next entry of the bucket; free entries: next free one */
	uint32_t newer, older; /* in order of expiry */
	uint32_t held;	       /* later fragments that wait, latest first */
	uint16_t src_port, dst_port;
	uint8_t proto;
	bool v6, swapped;
	bool first_seen;
};

static uint64_t align64(uint64_t n)
{
	return (n + 63) & ~63ULL;
}

static uint32_t bucket_count(uint32_t max)
{
	uint32_t n = 64;

	while (n < max)
		n *= 2;
	return n;
}

static uint64_t tunnels_memory(uint32_t max, const struct mr_packet_conf *packet)
{
	return packet->tunnel_key == MR_TUNNEL_KEY_OUTER ? 0
							 : align64(((uint64_t)max + 1) * sizeof(struct mr_tunnel));
}

uint64_t mr_frag_memory(uint32_t max, const struct mr_packet_conf *packet)
{
	uint64_t n = (uint64_t)max + 1;

	return 2 * tunnels_memory(max, packet) + align64(n * sizeof(struct mr_packet)) + align64(n * sizeof(struct mr_frag_entry)) +
	       align64(n * sizeof(uint32_t)) + align64(bucket_count(max) * sizeof(uint32_t));
}

void mr_frag_init(struct mr_frag_map *map, void *memory, uint32_t max, uint64_t timeout_ns,
		  const struct mr_packet_conf *packet, struct mr_counters *counters)
{
	uint64_t n = (uint64_t)max + 1;
	uint8_t *at = memory;

	memset(map, 0, sizeof(*map));
	map->held = (void *)at;
	at += align64(n * sizeof(struct mr_packet));
	map->entries = (void *)at;
	at += align64(n * sizeof(struct mr_frag_entry));
	if (packet->tunnel_key != MR_TUNNEL_KEY_OUTER) {
		map->held_tunnel = (void *)at;
		at += tunnels_memory(max, packet);
		map->entry_tunnel = (void *)at;
		at += tunnels_memory(max, packet);
	}
	map->held_next = (void *)at;
	at += align64(n * sizeof(uint32_t));
	map->buckets = (void *)at;
	map->bucket_mask = bucket_count(max) - 1;
	map->timeout_ns = timeout_ns;
	map->packet = *packet;
	map->counters = counters;
	for (uint32_t i = 1; i <= max; i++) {
		map->entries[i].chain = i < max ? i + 1 : 0;
		map->held_next[i] = i < max ? i + 1 : 0;
	}
	map->free_entry = map->free_held = max == 0 ? 0 : 1;
}

static bool sender_is_1(const struct mr_packet *p)
{
	/* with equal addresses the order comes from the ports, which later fragments lack */
	bool same = p->flags & MR_PACKET_V6 ? memcmp(p->addr6[0], p->addr6[1], 16) == 0
					    : p->addr_key >> 32 == (p->addr_key & UINT32_MAX);

	return !same && (p->flags & MR_PACKET_SWAPPED) != 0;
}

static uint32_t *bucket_of(const struct mr_frag_map *map, uint64_t addr_key, uint32_t id, uint8_t proto)
{
	return &map->buckets[mr_hash_3(&map->packet.seed, addr_key, id, proto) & map->bucket_mask];
}

/* Is the entry of a datagram in the same tunnel? One without any is one of no levels. */
static bool same_tunnel(const struct mr_frag_map *map, uint32_t i, const struct mr_packet *p,
			const struct mr_tunnel *tunnel)
{
	static const struct mr_tunnel none;

	return map->entry_tunnel == NULL ||
	       mr_tunnel_key_equal(&map->entry_tunnel[i], p->flags & MR_PACKET_TUNNEL ? tunnel : &none,
				   (enum mr_tunnel_key)map->packet.tunnel_key);
}

static uint32_t find(const struct mr_frag_map *map, const struct mr_packet *p, const struct mr_tunnel *tunnel)
{
	uint32_t scope = (uint32_t)(p->port_key >> 32);
	bool v6 = (p->flags & MR_PACKET_V6) != 0;

	for (uint32_t i = *bucket_of(map, p->addr_key, p->frag_id, p->proto); i != 0;
	     i = map->entries[i].chain) {
		const struct mr_frag_entry *e = &map->entries[i];

		if (e->addr_key == p->addr_key && e->id == p->frag_id && e->proto == p->proto &&
		    e->scope == scope && e->v6 == v6 && e->swapped == sender_is_1(p) &&
		    (!v6 || memcmp(e->addr6, p->addr6, sizeof(e->addr6)) == 0) && same_tunnel(map, i, p, tunnel))
			return i;
	}
	return 0;
}

static void unlink_entry(struct mr_frag_map *map, uint32_t i)
{
	struct mr_frag_entry *e = &map->entries[i];
	uint32_t *at = bucket_of(map, e->addr_key, e->id, e->proto);

	while (*at != i)
		at = &map->entries[*at].chain;
	*at = e->chain;
	if (e->older != 0)
		map->entries[e->older].newer = e->newer;
	else
		map->oldest = e->newer;
	if (e->newer != 0)
		map->entries[e->newer].older = e->older;
	else
		map->newest = e->older;
	e->chain = map->free_entry;
	map->free_entry = i;
}

/*
 * Held fragments which may go lie on one list; its head is held_next[0]. Their clock is the one that set them
 * free, so that what happens to them doesn't depend on when the next packet comes.
 */
static void make_ready(struct mr_frag_map *map, struct mr_frag_entry *e, uint64_t clock_ns)
{
	while (e->held != 0) {
		uint32_t h = e->held;

		e->held = map->held_next[h];
		if (e->first_seen)
			mr_packet_set_ports(&map->packet, &map->held[h],
					    map->held_tunnel == NULL ? NULL : &map->held_tunnel[h], e->src_port,
					    e->dst_port);
		else
			mr_counter_add(map->counters, MR_C_FRAGMENT_UNMATCHED, 1);
		map->held[h].clock_ns = clock_ns;
		map->held_next[h] = map->held_next[0];
		map->held_next[0] = h;
	}
}

static uint32_t add(struct mr_frag_map *map, const struct mr_packet *p, const struct mr_tunnel *tunnel)
{
	struct mr_frag_entry *e;
	uint32_t i, *bucket;

	if (map->free_entry == 0) {
		if (map->oldest == 0)
			return 0;
		mr_counter_add(map->counters, MR_C_FRAGMENT_MAP_FULL, 1);
		make_ready(map, &map->entries[map->oldest], p->clock_ns);
		unlink_entry(map, map->oldest);
	}
	i = map->free_entry;
	e = &map->entries[i];
	map->free_entry = e->chain;
	bucket = bucket_of(map, p->addr_key, p->frag_id, p->proto);
	*e = (struct mr_frag_entry){
		.addr_key = p->addr_key,
		.expiry_ns = p->clock_ns + map->timeout_ns,
		.id = p->frag_id,
		.scope = (uint32_t)(p->port_key >> 32),
		.chain = *bucket,
		.older = map->newest,
		.proto = p->proto,
		.v6 = (p->flags & MR_PACKET_V6) != 0,
		.swapped = sender_is_1(p),
	};
	if (e->v6)
		memcpy(e->addr6, p->addr6, sizeof(e->addr6));
	if (map->entry_tunnel != NULL)
		map->entry_tunnel[i].levels = 0;
	if (p->flags & MR_PACKET_TUNNEL)
		map->entry_tunnel[i] = *tunnel;
	*bucket = i;
	if (map->newest != 0)
		map->entries[map->newest].newer = i;
	else
		map->oldest = i;
	map->newest = i;
	return i;
}

static enum mr_frag_verdict hold(struct mr_frag_map *map, struct mr_frag_entry *e, const struct mr_packet *p,
				 const struct mr_tunnel *tunnel)
{
	uint32_t h = map->free_held;

	if (h == 0) {
		mr_counter_add(map->counters, MR_C_FRAGMENT_MAP_FULL, 1);
		return MR_FRAG_GO;
	}
	map->free_held = map->held_next[h];
	map->held[h] = *p;
	map->held[h].data = NULL; /* the frame is gone by then */
	map->held[h].cap_len = 0;
	if (p->flags & MR_PACKET_TUNNEL)
		map->held_tunnel[h] = *tunnel;
	map->held_next[h] = e->held;
	e->held = h;
	map->n_held++;
	return MR_FRAG_HELD;
}

enum mr_frag_verdict mr_frag_packet(struct mr_frag_map *map, struct mr_packet *p, const struct mr_tunnel *tunnel)
{
	uint32_t i = find(map, p, tunnel);
	struct mr_frag_entry *e;

	if (i == 0)
		i = add(map, p, tunnel);
	if (i == 0)
		return MR_FRAG_GO;
	e = &map->entries[i];
	if (p->frag == MR_FRAG_FIRST) {
		e->first_seen = true;
		e->src_port = mr_packet_src_port(p);
		e->dst_port = mr_packet_dst_port(p);
		make_ready(map, e, p->clock_ns);
		return MR_FRAG_GO;
	}
	if (!e->first_seen)
		return hold(map, e, p, tunnel);
	mr_packet_set_ports(&map->packet, p, tunnel, e->src_port, e->dst_port);
	return MR_FRAG_GO;
}

bool mr_frag_due(const struct mr_frag_map *map, uint64_t clock_ns)
{
	return map->held_next[0] != 0 ||
	       (map->oldest != 0 && map->entries[map->oldest].expiry_ns <= clock_ns);
}

bool mr_frag_release(struct mr_frag_map *map, uint64_t clock_ns, struct mr_packet *ret,
		     struct mr_tunnel *ret_tunnel)
{
	uint32_t h;

	while (map->held_next[0] == 0 && map->oldest != 0 &&
	       map->entries[map->oldest].expiry_ns <= clock_ns) {
		make_ready(map, &map->entries[map->oldest], map->entries[map->oldest].expiry_ns);
		unlink_entry(map, map->oldest);
	}
	h = map->held_next[0];
	if (h == 0)
		return false;
	map->held_next[0] = map->held_next[h];
	*ret = map->held[h];
	if (ret->flags & MR_PACKET_TUNNEL)
		*ret_tunnel = map->held_tunnel[h];
	map->held_next[h] = map->free_held;
	map->free_held = h;
	map->n_held--;
	return true;
}
