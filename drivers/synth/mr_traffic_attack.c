/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile traffic. One function and one row of mr_traffic_kinds[] for each pattern. */
#include "drivers/synth/mr_traffic_priv.h"

/* The one server that is flooded, in the range of the others. */
#define VICTIM_ADDR (198u << 24 | 18u << 16 | 15u << 8 | 80)
#define VICTIM_PORT 443

/* A SYN from a forged source each time: 2^32 different pairs of address and port. */
static void synflood(const struct mr_traffic *t, uint64_t h, struct mr_traffic_pkt *p)
{
	uint32_t y = mr_traffic_mix32((uint32_t)p->number ^ t->flow_salt);

	/* 16.0.0.0 - 79.255.255.255: public, no loopback or multicast, none of our clients */
	p->src = ((16 + (y >> 26)) << 24) | (y & 0xffffff);
	p->src_port = (uint16_t)(0x2000 + ((y >> 24 & 3) << 13 | ((uint32_t)h & 0x1fff)));
	p->dst = VICTIM_ADDR;
	p->dst_port = VICTIM_PORT;
	p->head = MR_TRAFFIC_TCP;
	p->size = MR_TRAFFIC_SIZES - 1;
	p->tcp_flags = MR_TCP_SYN;
	p->seq = y;
	p->ack = 0;
	p->icmp_reply = 0;
}

const struct mr_traffic_kind mr_traffic_synflood = {
	.name = "synflood",
	.help = "TCP SYNs from forged sources to one server, a new flow each",
	.attack = synflood,
};
