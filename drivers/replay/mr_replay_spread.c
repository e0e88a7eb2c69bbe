/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/replay/mr_replay_spread.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"

/* As the flow table's defaults (flow.fragment_timeout, flow.max_fragments). */
#define SPREAD_FRAG_TIMEOUT_NS (30 * MR_NS_PER_S)
#define SPREAD_FRAG_MAX	       16384 /* each worker has as many */

int mr_replay_spread_init(struct mr_replay_spread *s, const struct mr_packet_conf *packet, uint16_t queues,
			  bool shift, struct mr_err *err)
{
	const uint32_t frags_max = (uint32_t)queues * SPREAD_FRAG_MAX;
	const size_t octets = mr_frag_memory(frags_max, packet);

	*s = (struct mr_replay_spread){ .packet = *packet, .queues = queues, .shift = shift };
	/* not a secret one: the same packet shall meet the same worker in every run */
	s->packet.seed = mr_hash_seed_fixed(1);
	s->map_memory = aligned_alloc(64, octets);
	if (s->map_memory == NULL)
		return mr_err_set(err, ENOMEM, "replay: no memory to sort fragments by queue");
	memset(s->map_memory, 0, octets);
	mr_frag_init(&s->map, s->map_memory, frags_max, SPREAD_FRAG_TIMEOUT_NS, &s->packet, &s->counters);
	return 0;
}

void mr_replay_spread_free(struct mr_replay_spread *s)
{
	free(s->map_memory);
}

/* The part of an IPv6 address that no shift touches, and the one that it does. */
static uint64_t spread_high(const struct mr_hash_seed *seed, const uint8_t a[16])
{
	uint64_t w[4] = { 0 };

	memcpy(w, a, 12);
	return mr_hash_4to1(seed, w);
}

static uint32_t spread_low(const uint8_t a[16])
{
	uint32_t v;

	memcpy(&v, a + 12, sizeof(v));
	return __builtin_bswap32(v);
}

/* The same for a flow and for what it becomes when both addresses grow by the same number, and for both directions:
 * the sum of one hash for each order of the endpoints, whose addresses count by their difference only. */
static uint64_t spread_shift_hash(const struct mr_replay_spread *s, const struct mr_packet *p)
{
	const struct mr_hash_seed *seed = &s->packet.seed;
	uint32_t low0 = (uint32_t)(p->addr_key >> 32), low1 = (uint32_t)p->addr_key;
	uint32_t ports = (uint32_t)p->port_key;
	uint64_t high0 = 0, high1 = 0;

	if (p->flags & MR_PACKET_V6) {
		low0 = spread_low(p->addr6[0]);
		low1 = spread_low(p->addr6[1]);
		high0 = spread_high(seed, p->addr6[0]);
		high1 = spread_high(seed, p->addr6[1]);
	}
	return mr_hash_3(seed, high0 + p->proto, high1, (uint64_t)(low1 - low0) << 32 | ports) +
	       mr_hash_3(seed, high1 + p->proto, high0, (uint64_t)(low0 - low1) << 32 | ports << 16 | ports >> 16);
}

/*
 * What two hosts say to each other without TCP goes to one worker: a host's ICMP error tells what became of a flow,
 * and the ports of the two differ.
 */
static uint64_t spread_pair_hash(const struct mr_replay_spread *s, const struct mr_packet *p)
{
	return mr_hash_3(&s->packet.seed, p->addr_key, p->port_key >> 32, p->flags & MR_PACKET_V6);
}

static uint16_t spread_queue(const struct mr_replay_spread *s, const struct mr_packet *p)
{
	uint64_t hash = s->shift		 ? spread_shift_hash(s, p)
			: p->proto == IPPROTO_TCP ? p->hash
						 : spread_pair_hash(s, p);

	return (uint16_t)((hash >> 32) * s->queues >> 32);
}

/* Fragments that have waited long enough, or whose first one has come. */
static void spread_release(struct mr_replay_spread *s, uint64_t clock_ns, uint16_t *queue_of)
{
	struct mr_tunnel tunnel;
	struct mr_packet p;

	while (mr_frag_due(&s->map, clock_ns) && mr_frag_release(&s->map, clock_ns, &p, &tunnel))
		queue_of[p.time_ns] = spread_queue(s, &p);
}

void mr_replay_spread_packet(struct mr_replay_spread *s, struct mr_packet *pkt, const struct mr_tunnel *tunnel,
			     uint64_t clock_ns, size_t number, uint16_t *queue_of)
{
	queue_of[number] = 0; /* no flow: any will do, always the same one */
	if (pkt->not_metered)
		return;
	if (pkt->frag != MR_FRAG_NONE) {
		pkt->clock_ns = clock_ns;
		pkt->time_ns = number; /* the map keeps the packet, so that this comes back with it */
		spread_release(s, clock_ns, queue_of);
		mr_frag_packet(&s->map, pkt, tunnel);
		spread_release(s, clock_ns, queue_of);
	}
	/* one that waits goes where those without ports go, unless its first one comes */
	queue_of[number] = spread_queue(s, pkt);
}
