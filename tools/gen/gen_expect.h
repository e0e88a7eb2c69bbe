/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mr_err.h"

/**
 * @file
 * What a perfect meter would report of the packets that the generator made: bookkeeping of what was meant, so
 * that it can't repeat a decoder's mistakes.
 *
 * A record ends when its flow is idle for idle_ns, when a packet comes active_ns or more after the record's
 * first, or when a SYN opens the connection anew after FINs of both sides or a RST; and at the end.
 */

/** What the model knows of a packet beyond its headers. */
struct gen_depth {
	bool known;	    /* false: nothing of what follows */
	uint32_t flow;	    /* number in the model */
	uint8_t app, fault; /* enum mr_traffic_app, enum mr_traffic_fault */
	uint8_t tunnel[2];  /* enum mr_traffic_tunnel_kind, outermost first */
	bool reply;
};

/** One packet as it was meant. */
struct gen_packet {
	uint64_t time_ns; /* UTC */
	uint8_t family;	  /* 4 or 6 */
	uint8_t proto;
	uint8_t tcp_flags;
	uint8_t src[16], dst[16];    /* IPv4 in the first 4 octets */
	uint16_t src_port, dst_port; /* 0 where there are none */
	uint16_t id;		     /* of ICMP messages that have one, both directions of it are one flow */
	uint32_t ip_len;	     /* octets from the IP header on */
	const char *not_metered;     /* the reason's key in mr_counter.h; NULL: metered, the above counts */
	struct gen_depth depth;
	const char *note; /* the key of the note that a decoder owes, or NULL */
};

struct gen_expect;

/** @param idle_ns, active_ns  0: records don't end by it. NULL: no memory. */
struct gen_expect *gen_expect_create(uint64_t idle_ns, uint64_t active_ns);

/** -ENOMEM, or 0. */
int gen_expect_put(struct gen_expect *e, const struct gen_packet *p);

/** One JSON object; @p outcome (JSON, or NULL) is a part of it. */
void gen_expect_print(const struct gen_expect *e, const char *outcome, FILE *out);

void gen_expect_free(struct gen_expect *e);
