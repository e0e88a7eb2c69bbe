/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * How a TCP connection did, seen from where the probe stands: round trips, what was sent again, what came
 * late. No DPDK. Thread: the worker that owns the flow. Index of all arrays: the sender, as in the flow
 * record's hot part (0: endpoint 0 of the canonical key).
 */

/** Of one direction, what changes from packet to packet. */
struct mr_flow_tcp_way {
	uint32_t next_seq; /* behind the highest octet sent so far */
	uint32_t last_ack;
	uint32_t next_us;  /* when next_seq went up the last time; microseconds modulo 2^32 */
	uint16_t window;   /* of the last packet, unscaled */
	uint8_t same_acks; /* that came one after the other, up to 255 */
	uint8_t bits;	   /* private */
	/* since the last record, up to their maximum */
	uint32_t retransmitted; /* packets with octets that were sent before (not a keep-alive, not only late)
				 */
	uint32_t out_of_order;	/* packets that others of the same direction had overtaken */
	uint32_t duplicate_acks; /* RFC 5681 section 2 */
	uint32_t zero_windows;	 /* packets that said so, RST, SYN and FIN not counted */
	uint32_t lost; /* times that octets were missing before a packet: lost before the probe, or by it */
	uint16_t mss;  /* option of the SYN, octets; 0: none */
	uint8_t window_scale; /* option of the SYN, shift; 0xff: none */
	uint8_t reserved;
};

/** How far a connection came. The order is that of progress. */
enum mr_flow_tcp_state {
	MR_FLOW_TCP_UNKNOWN,   /* its start was not seen */
	MR_FLOW_TCP_ATTEMPTED, /* SYN, no answer */
	MR_FLOW_TCP_REJECTED,  /* SYN, answered by RST */
	MR_FLOW_TCP_HALF_OPEN, /* SYN and its answer, which was not acknowledged */
	MR_FLOW_TCP_ESTABLISHED,
	MR_FLOW_TCP_CLOSED, /* FIN both ways */
	MR_FLOW_TCP_RESET,  /* RST after it was established */
	MR_FLOW_TCP_STATE_MAX
};

/** Of a connection; zeroed: no packet yet. */
struct mr_flow_tcp {
	struct mr_flow_tcp_way way[2];
	uint32_t syn_us, syn_ack_us, request_us; /* private */
	uint32_t server_rtt_us; /* probe to responder and back: SYN to SYN ACK; 0: not seen */
	uint32_t client_rtt_us; /* probe to initiator and back: SYN ACK to ACK; 0: not seen */
	uint32_t response_us;	/* longest wait since the last record: end of a request to the answer's first
				   octet */
	uint8_t state;		/* enum mr_flow_tcp_state */
	uint8_t client;		/* who sent SYN: sender index, valid from ATTEMPTED on */
	uint8_t bits;		/* private */
	uint8_t reserved;
};

static_assert(sizeof(struct mr_flow_tcp) == 108, "memory per flow is part of the contract");

/** "attempted", "established" ... */
const char *mr_flow_tcp_state_name(enum mr_flow_tcp_state state);

/** One packet of the connection, in the order of the wire. Not TCP or its header cut: nothing happens. */
void mr_flow_tcp_packet(struct mr_flow_tcp *tcp, const struct mr_packet *pkt);

/** A record has left: counts start again at 0, the connection goes on. */
void mr_flow_tcp_record(struct mr_flow_tcp *tcp);

#ifdef __cplusplus
}
#endif
