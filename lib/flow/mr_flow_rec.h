/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The finished flow record: what the flow table hands to the exporter and what every output encodes.
 * No DPDK. Host byte order; addresses in network order.
 */

/** flowEndReason(136), RFC 5102 section 5.11.3. */
enum mr_flow_end {
	MR_FLOW_END_IDLE = 1,
	MR_FLOW_END_ACTIVE = 2,
	MR_FLOW_END_DETECTED = 3,
	MR_FLOW_END_FORCED = 4,
	MR_FLOW_END_RESOURCES = 5,
};

/** Index into the arrays of a record. Forward is the initiator's direction (RFC 5103 section 2). */
enum { MR_FLOW_FORWARD, MR_FLOW_REVERSE };

struct mr_flow_detail;

struct mr_flow_rec {
	uint64_t flow_id; /* flowId(148): function of key and first packet's time; same in all records of a flow */
	uint64_t start_ns[2]; /* UTC, first packet per direction; 0 when that direction has no packet */
	uint64_t end_ns[2]; /* UTC, last packet per direction, >= start_ns */
	uint64_t octets[2]; /* from the IP header on, since the last record of this flow (delta) */
	uint64_t layer2_octets[2]; /* frames on the wire, without FCS */
	uint64_t packets[2];
	uint64_t due_ns; /* UTC, when the record had to leave; lateness is measured against it */

	uint8_t addr[2][16]; /* source (initiator), destination; IPv4 in the first 4 octets, rest 0 */
	uint16_t port[2]; /* source, destination; 0 for protocols without ports */
	uint16_t icmp; /* type << 8 | code of the first packet; ICMP and ICMPv6 only */
	uint16_t vlan; /* outer VLAN id, 0xfff: none */
	uint16_t inner_vlan;
	uint16_t min_len[2]; /* octets from the IP header on, clamped to 65535 */
	uint16_t max_len[2];
	uint16_t tcp_window; /* of the first forward packet, as sent */
	uint32_t tcp_options; /* bit n: option kind n (0..31) seen in a packet that opened the record or a direction */
	uint32_t mpls_label; /* top label entry as in mr_packet, 0: none */

	uint8_t family; /* 4 or 6 */
	uint8_t proto;
	uint8_t end_reason; /* enum mr_flow_end */
	uint8_t tcp_flags[2]; /* union over the packets */
	uint8_t tos[2]; /* of the first packet per direction */
	uint8_t min_ttl[2];
	uint8_t max_ttl[2];
	uint8_t frag_flags; /* fragmentFlags(197) of the first packet */
	uint8_t direction; /* biflowDirection(239): 1 initiator known (SYN or request seen first), 0 arbitrary */
	uint8_t ingress; /* 1 + index of the port in the configuration; 0 means unknown to collectors */
	uint8_t egress; /* the same of the peer port for inline, else equal to ingress */
	uint8_t mac[2][6]; /* source, destination of the first packet; 0 when the link has none */
	uint8_t worker; /* which worker metered it; diagnostics only, never exported */
	/* what only some records have, see mr_flow_detail.h; NULL: nothing. It goes with the record: whoever takes the
	 * record gives the detail back when done. */
	struct mr_flow_detail *detail;
};

static_assert(sizeof(struct mr_flow_rec) == 192, "three cache lines without a hole: records are compared as memory");

#ifdef __cplusplus
}
#endif
