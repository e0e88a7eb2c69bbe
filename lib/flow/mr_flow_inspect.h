/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <rte_prefetch.h>

#include "flow/mr_flow_details.h"
#include "flow/mr_flow_tcp.h"
#include "l7/mr_l7_flow.h"
#include "packet/mr_packet.h"

/*
 * What a table keeps beside its records to say more of a flow than counters do, and only a table that is
 * asked to (mr_flow_is_deep()): private to lib/flow. Thread: the worker.
 */

/** Of each record; zeroed with it. */
struct mr_flow_aside {
	struct mr_l7_flow l7;
	uint32_t tunnel;  /* index of what wraps its packets; 0: nothing seen */
	bool answered;	  /* a record of the flow had packets both ways */
	bool unreachable; /* an ICMP error quoted one of its packets */
};

static_assert(sizeof(struct mr_flow_aside) == 32, "two in a line");

/** Of TCP flows, at the record's index. */
struct mr_flow_tcp_line {
	struct mr_flow_tcp tcp;
} __attribute__((aligned(64)));

/** What wraps the packets of a flow, as its first packet had it. */
struct mr_flow_tunnel {
	struct mr_tunnel facts;
	uint32_t reverse_id[MR_TUNNEL_LEVELS];
	uint32_t next_free;
	uint8_t sender; /* endpoint of the key that sent what facts says */
};

struct mr_flow_inspect {
	struct mr_flow_aside
		*aside; /* [1 + max_flows]; NULL: the table isn't deep, nothing else here is valid */
	struct mr_flow_tcp_line *tcp;  /* [1 + max_flows]; NULL: not wanted */
	struct mr_flow_tunnel *tunnel; /* [1 + tunnels_max]; NULL: tunnels aren't opened */
	uint32_t tunnels_max, tunnel_fresh, tunnel_free;
	bool l7_on;
	const struct mr_tunnel *now; /* of the packet that is being metered, where it has MR_PACKET_TUNNEL */
	struct mr_l7_worker l7;
	struct mr_flow_details details;
};
