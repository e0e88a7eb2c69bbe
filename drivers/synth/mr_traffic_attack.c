/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile traffic. One function and one row of mr_traffic_kinds[] for each pattern. */
#include "drivers/synth/mr_traffic_priv.h"

/* The one server that is flooded, in the range of the others. */
#define VICTIM_ADDR (198u << 24 | 18u << 16 | 15u << 8 | 80)
#define VICTIM_PORT 443

/* A SYN from a forged source each time: 2^32 different pairs of address and port. */
static void synflood(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned i)
{
	uint32_t y = mr_traffic_mix32((uint32_t)b->number[i] ^ t->flow_salt);
	/* 16.0.0.0 - 79.255.255.255: public, no loopback or multicast, none of our clients */
	uint32_t src = (16 + (y >> 26)) << 24 | (y & 0xffffff);
	uint32_t src_port = 0x2000 + ((y >> 24 & 3) << 13 | (b->bits[i] & 0x1fff));

	b->src[i] = __builtin_bswap32(src);
	b->dst[i] = __builtin_bswap32(VICTIM_ADDR);
	b->ports[i] = __builtin_bswap32(src_port << 16 | VICTIM_PORT);
	b->head[i] = MR_TRAFFIC_TCP;
	b->size[i] = MR_TRAFFIC_SIZES - 1;
	b->flags[i] = MR_TCP_SYN;
	b->seq[i] = y;
	b->ack[i] = 0;
}

const struct mr_traffic_kind mr_traffic_synflood = {
	.name = "synflood",
	.help = "TCP SYNs from forged sources to one server, a new flow each",
	.attack = synflood,
};
