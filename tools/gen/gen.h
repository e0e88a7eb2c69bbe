/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "drivers/synth/mr_build.h"
#include "tools/gen/gen_expect.h"
#include "tools/gen/gen_file.h"

/**
 * @file
 * A capture in the making, and the scenarios: hand-made packets for tests.
 *
 * A packet is begun, built from the inside out with the functions of mr_build.h on g->frame, and sent. What
 * it means is kept in g->packet on the way.
 */

struct gen {
	struct gen_file *file;
	struct gen_expect *expect;   /* NULL: not wanted */
	uint64_t now_ns;	     /* UTC, of the next packet */
	uint64_t idle_ns, active_ns; /* around which scenarios put their gaps */
	int rc;			     /* the first failure, sticky */
	struct mr_build frame;
	struct gen_packet packet;
};

/** A pair of hosts; host numbers 1 .. 250 in the documentation ranges (RFC 5737, RFC 3849). */
struct gen_pair {
	uint8_t family;
	uint8_t client, server;
	uint16_t client_port, server_port;
};

enum { GEN_CLIENT, GEN_SERVER };

/** Begin a packet from @p side, with @p payload octets in it. */
void gen_begin(struct gen *g, const struct gen_pair *pair, int side, uint32_t payload);
/** Transport headers with the pair's ports. */
void gen_udp(struct gen *g, const struct gen_pair *pair, int side);
void gen_tcp(struct gen *g, const struct gen_pair *pair, int side, uint8_t flags, uint32_t seq, uint32_t ack);
void gen_echo(struct gen *g, bool reply, uint16_t id, uint16_t seq);
/** The IP header of the metered packet (NULL: the usual). */
void gen_ip(struct gen *g, const struct mr_build_ip *ip);
/** Ethernet around it, then write @p cap octets (0: all) and count. The clock goes on by a millisecond. */
void gen_send(struct gen *g, uint32_t cap);
/** The same without an Ethernet header of its own, for frames that were finished by hand. */
void gen_send_raw(struct gen *g, uint32_t cap);
/** UDP from end to end, the usual. */
void gen_datagram(struct gen *g, const struct gen_pair *pair, int side, uint32_t payload);
void gen_wait(struct gen *g, uint64_t ns);

/** One scenario: all are in gen_scenarios[]. */
struct gen_scenario {
	const char *name;
	const char *help;
	void (*make)(struct gen *g);
	/* JSON, or NULL: values of applications and counters that a probe must come to; README.md says more
	 */
	const char *outcome;
};

extern const struct gen_scenario gen_scenarios[]; /* name NULL: end */

void gen_odd(struct gen *g);
void gen_malformed(struct gen *g);
void gen_fragments(struct gen *g);
void gen_tcp_flows(struct gen *g);
void gen_timeouts(struct gen *g);
void gen_evasion_overlap(struct gen *g);
void gen_evasion_tiny(struct gen *g);
void gen_evasion_checksum(struct gen *g);
void gen_evasion_wrap(struct gen *g);
void gen_evasion_fragments(struct gen *g);
void gen_evasion_nested(struct gen *g);
void gen_evasion_gzip(struct gen *g);
void gen_evasion_headers(struct gen *g);
void gen_evasion_dns(struct gen *g);
