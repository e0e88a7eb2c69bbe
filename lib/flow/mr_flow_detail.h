/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "flow/mr_flow_tcp.h"
#include "l7/mr_l7_values.h"
#include "packet/mr_tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What a flow record says beyond its counters: how TCP did, what wrapped the packets, which application it was and what
 * its parser found. Filled in by the flow's worker, then owned by whoever has the record. No DPDK.
 */

/** Of UDP, ICMP and others without connections. */
enum mr_flow_outcome {
	MR_FLOW_OUTCOME_UNKNOWN, /* TCP: see tcp.state */
	MR_FLOW_OUTCOME_UNANSWERED,
	MR_FLOW_OUTCOME_ANSWERED,
	MR_FLOW_OUTCOME_UNREACHABLE, /* an ICMP error said so */
	MR_FLOW_OUTCOME_MAX
};

struct mr_flow_detail {
	/* of TCP flows: way[0] is the initiator's direction here, as everywhere in records; client is 0 */
	struct mr_flow_tcp tcp;
	bool has_tcp;
	uint8_t outcome; /* enum mr_flow_outcome */
	struct mr_tunnel tunnel; /* as the initiator's first packet had it; levels 0 and labels 0: none */
	uint32_t tunnel_reverse_id[MR_TUNNEL_LEVELS]; /* ids of the way back (TEIDs, GRE keys), 0: not seen */

	uint32_t application_id; /* applicationId(95): 6 << 24 | selector; 0: not known */
	const char *application; /* its name, static; NULL: not known */
	bool application_guessed; /* by port */
	bool values_cut; /* some were left out or shortened */
	uint32_t values; /* chain in *chunks; 0: none */
	struct mr_l7_chunks *chunks;

	struct mr_flow_details *home; /* where it goes back to */
	struct mr_flow_detail *next; /* private */
};

/** The details of one worker, in memory taken at start. */
struct mr_flow_details;

/** The values and the detail itself go back to their worker. Any thread. NULL is fine. */
void mr_flow_detail_give_back(struct mr_flow_detail *detail);

#ifdef __cplusplus
}
#endif
