/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/replay/mr_capture.h"
#include "drivers/replay/mr_replay_conf.h"

#define MR_REPLAY_NO_L3 0xff

/**
 * One packet ready to be played. Times are relative to the round's start: add what the round says.
 * Played in order and once each round: two in a cache line.
 */
struct mr_replay_entry {
	const uint8_t *data;
	uint64_t time_ns;
	uint64_t clock_ns; /* highest time_ns of the source so far; when paced: when it is due */
	uint32_t wire_len;
	uint16_t cap_len;
	uint8_t link;	/* enum mr_link */
	uint8_t l3_off; /* of the IP header whose addresses may be shifted, or MR_REPLAY_NO_L3 */
};

static_assert(sizeof(struct mr_replay_entry) == 32, "memory per packet is part of the contract");

/** Where packets stand in time; goes along with mr_replay_entries_make(). */
struct mr_replay_timeline {
	uint64_t rate_pps; /* 0: by the capture's times */
	bool timing; /* relative to the first packet */
	uint64_t packets; /* so far */
	uint64_t first_ns; /* time of the first packet */
	uint64_t min_ns, clock_ns; /* lowest and highest time_ns given out so far */
};

void mr_replay_timeline_init(struct mr_replay_timeline *t, const struct mr_replay_conf *conf);

/** The next packets of the source; l3_off is MR_REPLAY_NO_L3. */
void mr_replay_entries_make(struct mr_replay_timeline *t, const struct mr_capture_packet *pkts, uint32_t count,
			    struct mr_replay_entry *ret);

/** How much later a round is than the one before. */
uint64_t mr_replay_round_ns(const struct mr_replay_timeline *t);

/** All packets of a source by queue, each queue's in the order of the source. */
struct mr_replay_index {
	struct mr_replay_entry *entries;
	size_t *first; /* queue q has entries[first[q]] to entries[first[q + 1] - 1] */
	uint16_t shift_cap_max; /* longest packet with l3_off */
};

/**
 * Read the capture to its end. Needs 32 octets a packet, and twice that for a moment with several queues.
 * @param shift  find IP headers, and spread so that shifted flows stay on one queue
 * Errors: -ENOMEM with a line.
 */
int mr_replay_index_build(struct mr_capture *capture, struct mr_replay_timeline *timeline, uint16_t queues,
			  bool shift, const struct mr_packet_conf *packet, struct mr_replay_index *ret_index,
			  struct mr_err *err);

void mr_replay_index_free(struct mr_replay_index *index);
