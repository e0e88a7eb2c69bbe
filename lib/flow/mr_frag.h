/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Gives the fragments of a datagram the ports that only its first fragment carries. Keeps facts, not packets.
 * Bounded: a fixed number of datagrams, and as many later fragments that wait for a first one.
 * Thread: the owning worker.
 */

struct mr_frag_entry;

struct mr_frag_map {
	struct mr_frag_entry *entries; /* [1 + max]: 0 means none */
	struct mr_packet *held; /* [1 + max] later fragments that wait */
	/* what they were wrapped in, and of an entry what is part of its key; NULL: tunnels aren't opened */
	struct mr_tunnel *held_tunnel, *entry_tunnel; /* [1 + max] */
	uint32_t *held_next;
	uint32_t *buckets; /* chains of entries */
	uint32_t bucket_mask;
	uint32_t free_entry, free_held;
	uint32_t oldest, newest; /* entries in the order of their expiry */
	uint32_t n_held;
	uint64_t timeout_ns;
	struct mr_packet_conf packet;
	struct mr_counters *counters;
};

/** What to do with a packet. */
enum mr_frag_verdict {
	MR_FRAG_GO, /* meter it now */
	MR_FRAG_HELD, /* the map keeps a copy */
};

/** Octets of memory that mr_frag_init() needs, a multiple of 64. */
uint64_t mr_frag_memory(uint32_t max, const struct mr_packet_conf *packet);

/** @param memory  zeroed, 64 octet aligned, mr_frag_memory() octets; borrowed for the life of the map */
void mr_frag_init(struct mr_frag_map *map, void *memory, uint32_t max, uint64_t timeout_ns,
		  const struct mr_packet_conf *packet, struct mr_counters *counters);

/** Is there anything that ends at or before @p clock_ns? */
bool mr_frag_due(const struct mr_frag_map *map, uint64_t clock_ns);

/**
 * Look at a fragment (frag != MR_FRAG_NONE). A first one is remembered; a later one gets its ports, or is held.
 * @param tunnel  of the packet; not looked at when it has none
 */
enum mr_frag_verdict mr_frag_packet(struct mr_frag_map *map, struct mr_packet *p, const struct mr_tunnel *tunnel);

/**
 * Next held fragment that can go: its first one has come, or (with port 0) its time is over. Call until false,
 * after mr_frag_packet() and before each packet when mr_frag_due().
 * @param clock_ns  UINT64_MAX: let all go (drain)
 * @param ret  its clock_ns is the clock of what set it free
 * @param ret_tunnel  filled in when the packet has one
 */
bool mr_frag_release(struct mr_frag_map *map, uint64_t clock_ns, struct mr_packet *ret,
		     struct mr_tunnel *ret_tunnel);

#ifdef __cplusplus
}
#endif
