/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_err.h"
#include "flow/mr_frag.h"
#include "packet/mr_packet.h"

/**
 * Which queue a packet goes to: a function of its flow, the same in every run. Fragments follow the flow of their
 * datagram's first one, also those before it: the flow table's own fragment map says which, so that both agree.
 */
struct mr_replay_spread {
	struct mr_packet_conf packet;
	uint16_t queues;
	bool shift;
	struct mr_frag_map map;
	void *map_memory;
	struct mr_counters counters; /* the map wants some */
};

/** Errors: -ENOMEM with a line. */
int mr_replay_spread_init(struct mr_replay_spread *s, const struct mr_packet_conf *packet, uint16_t queues,
			  bool shift, struct mr_err *err);

/**
 * Say the queue of packet number @p number in queue_of[number], and of packets before it that waited for this one.
 * @param pkt  decoded with s->packet; changed
 * @param tunnel  of pkt; not looked at when it has none
 * @param clock_ns  capture's clock
 */
void mr_replay_spread_packet(struct mr_replay_spread *s, struct mr_packet *pkt, const struct mr_tunnel *tunnel,
			     uint64_t clock_ns, size_t number, uint16_t *queue_of);

void mr_replay_spread_free(struct mr_replay_spread *s);
