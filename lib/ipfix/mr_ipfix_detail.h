/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdio.h>

#include "flow/mr_flow_detail.h"
#include "flow/mr_flow_rec.h"
#include "ipfix/mr_ipfix_ie.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The elements for what a record has in struct mr_flow_detail, but for the fields of application protocols:
 * those are the rows of mr_l7_fields.h. A row here makes the element, its place in templates, its key in
 * flows.jsonl and its row in docs/fields.md.
 */

#define MR_IPFIX_APPLICATION_ENGINE 6u /* of applicationId(95): user defined, RFC 6759 section 4.1 */

/** Which templates have an element, see mr_ipfix_tail.h. */
enum mr_ipfix_block {
	MR_IPFIX_B_APPLICATION, /* all with details */
	MR_IPFIX_B_TCP,		/* those of TCP */
	MR_IPFIX_B_OTHER,	/* those of all but TCP */
	MR_IPFIX_B_TUNNEL,	/* those of flows from within tunnels */
};

/** How flows.jsonl has it. */
enum mr_ipfix_json {
	MR_IPFIX_J_ALWAYS,
	MR_IPFIX_J_NOT_0,   /* left out when it is 0 */
	MR_IPFIX_J_NOT_255, /* left out when it is 255 */
	MR_IPFIX_J_NAME,    /* its name instead of the number */
	MR_IPFIX_J_OTHER,   /* in another form */
};

/*
 * IANA's: X(ID, block, element, octets, json, doc). Octets 65535: variable.
 * Ours:   X(ID, block, element, octets, name, type, semantics, units, json, doc).
 * The number of a private element never changes and is never used for anything else. 16 is tls_sni, from 100
 * on they belong to the application protocols.
 */
/* clang-format off */
#define MR_IPFIX_DETAILS_IANA(X) \
	X(APPLICATION_ID, APPLICATION, 95, 4, NOT_0, "engine 6 and selector, RFC 6759; options 327 names all") \
	X(APPLICATION_NAME, APPLICATION, 96, 65535, OTHER, "name of the application protocol") \
	X(LABEL_2, TUNNEL, 71, 3, OTHER, "second MPLS label from the top, with class and bottom bit; 0: none") \
	X(LABEL_3, TUNNEL, 72, 3, OTHER, "third") \
	X(LABEL_4, TUNNEL, 73, 3, OTHER, "fourth") \
	X(LABEL_5, TUNNEL, 74, 3, OTHER, "fifth") \
	X(LABEL_6, TUNNEL, 75, 3, OTHER, "sixth") \
	X(GRE_KEY, TUNNEL, 296, 4, OTHER, "key of the innermost wrapping if that is GRE, else 0") \
	X(SEGMENT, TUNNEL, 351, 8, OTHER, \
	  "VNI or VSID of the innermost wrapping and its type (RFC 7133): VXLAN 1, NVGRE 2; else 0")

#define MR_IPFIX_DETAILS_OWN(X) \
	X(CLIENT_RTT, TCP, 1, 4, "clientRttMicroseconds", U32, QUANTITY, US, NOT_0, \
	  "round trip from the probe to the initiator, SYN ACK to ACK; 0: not seen") \
	X(SERVER_RTT, TCP, 2, 4, "serverRttMicroseconds", U32, QUANTITY, US, NOT_0, \
	  "round trip from the probe to the responder, SYN to SYN ACK; 0: not seen") \
	X(RESPONSE, TCP, 3, 4, "applicationRttMicroseconds", U32, QUANTITY, US, NOT_0, \
	  "longest wait for an answer: end of a request to the answer's first octet; 0: not seen") \
	X(RETRANSMITTED, TCP, 4, 4, "retransmittedPackets", U32, DELTA, PACKETS, ALWAYS, \
	  "packets with octets that were sent before") \
	X(RETRANSMITTED_BACK, TCP, 5, 4, "reverseRetransmittedPackets", U32, DELTA, PACKETS, ALWAYS, "the same of the other direction") \
	X(OUT_OF_ORDER, TCP, 6, 4, "outOfOrderPackets", U32, DELTA, PACKETS, ALWAYS, \
	  "packets that others of the same direction had overtaken") \
	X(ZERO_WINDOW, TCP, 7, 4, "zeroWindowPackets", U32, DELTA, PACKETS, ALWAYS, \
	  "packets whose sender could take no more") \
	X(OUT_OF_ORDER_BACK, TCP, 8, 4, "reverseOutOfOrderPackets", U32, DELTA, PACKETS, ALWAYS, "the same of the other direction") \
	X(ZERO_WINDOW_BACK, TCP, 9, 4, "reverseZeroWindowPackets", U32, DELTA, PACKETS, ALWAYS, "the same of the other direction") \
	X(LOST, TCP, 10, 4, "lostSegments", U32, DELTA, NONE, ALWAYS, \
	  "times that octets were missing: lost before the probe, or by it") \
	X(LOST_BACK, TCP, 11, 4, "reverseLostSegments", U32, DELTA, NONE, ALWAYS, "the same of the other direction") \
	X(DUPLICATE_ACKS, TCP, 12, 4, "duplicateAcks", U32, DELTA, PACKETS, ALWAYS, "as of RFC 5681") \
	X(DUPLICATE_ACKS_BACK, TCP, 13, 4, "reverseDuplicateAcks", U32, DELTA, PACKETS, ALWAYS, "the same of the other direction") \
	X(MSS, TCP, 14, 2, "tcpMss", U16, QUANTITY, OCTETS, NOT_0, "maximum segment size option of the SYN; 0: none") \
	X(MSS_BACK, TCP, 15, 2, "reverseTcpMss", U16, QUANTITY, OCTETS, NOT_0, "the same of the other direction") \
	X(SCALE, TCP, 17, 1, "tcpWindowScale", U8, QUANTITY, NONE, NOT_255, "shift of the window scale option; 255: none") \
	X(SCALE_BACK, TCP, 18, 1, "reverseTcpWindowScale", U8, QUANTITY, NONE, NOT_255, "the same of the other direction") \
	X(STATE, TCP, 19, 1, "tcpConnectionState", U8, ID, NONE, NAME, \
	  "how far the connection came: 0 unknown, 1 attempted, 2 rejected, 3 half-open, 4 established, 5 closed, 6 reset") \
	X(OUTCOME, OTHER, 20, 1, "flowOutcome", U8, ID, NONE, NAME, \
	  "0 unknown, 1 unanswered, 2 answered, 3 unreachable (an ICMP error said so)") \
	X(TUNNEL_LEVELS, TUNNEL, 21, 1, "tunnelLevels", U8, QUANTITY, NONE, OTHER, "wrappings around the packets of the flow") \
	X(TUNNEL_KIND, TUNNEL, 22, 1, "tunnelKind", U8, ID, NONE, OTHER, "of the innermost wrapping, numbers below") \
	X(TUNNEL_ID, TUNNEL, 23, 4, "tunnelId", U32, ID, NONE, OTHER, "its id by kind, e.g. VNI or TEID; 0: none") \
	X(TUNNEL_ID_BACK, TUNNEL, 24, 4, "reverseTunnelId", U32, ID, NONE, OTHER, "its id in the other direction; 0: not seen") \
	X(TUNNEL_SOURCE, TUNNEL, 25, 16, "tunnelSourceAddress", IPV6, DEFAULT, NONE, OTHER, \
	  "of the innermost wrapping that has addresses; IPv4 is ::ffff:a.b.c.d") \
	X(TUNNEL_DESTINATION, TUNNEL, 26, 16, "tunnelDestinationAddress", IPV6, DEFAULT, NONE, OTHER, "of the same wrapping") \
	X(TUNNEL_PATH, TUNNEL, 27, 65535, "tunnelPath", STRING, DEFAULT, NONE, OTHER, \
	  "all wrappings, outermost first: `kind id source destination, ...`, with - for what there is none of") \
	X(FLAGS, APPLICATION, 28, 1, "applicationFlags", U8, FLAGS, NONE, OTHER, \
	  "1: application guessed by port; 2: the probe left out or shortened values; 4: shortened to fit the message") \
	X(INDICATOR, APPLICATION, 29, 8, "applicationFieldIndicator", U64, FLAGS, NONE, OTHER, \
	  "bit n, from 0: the n-th field of an application protocol in the template has a value")
/* clang-format on */

enum mr_ipfix_detail {
#define X(ID, ...) MR_IPFIX_D_##ID,
	MR_IPFIX_DETAILS_IANA(X) MR_IPFIX_DETAILS_OWN(X)
#undef X
		MR_IPFIX_D_MAX
};

struct mr_ipfix_detail_info {
	uint32_t pen;
	uint16_t element;
	uint16_t octets;
	uint8_t block; /* enum mr_ipfix_block */
	uint8_t json;  /* enum mr_ipfix_json */
	const char *doc;
};

extern const struct mr_ipfix_detail_info mr_ipfix_detail_info[MR_IPFIX_D_MAX];

/** Bits of MR_IPFIX_D_FLAGS. */
enum {
	MR_IPFIX_APPLICATION_GUESSED = 1 << 0,
	MR_IPFIX_VALUES_CUT = 1 << 1,
	MR_IPFIX_VALUES_SHORTENED = 1 << 2,
};

/**
 * The value of a numeric element.
 * @param dir  the direction of the record that is written as forward
 */
uint64_t mr_ipfix_detail_number(const struct mr_flow_detail *d, enum mr_ipfix_detail detail, unsigned dir);

/** A wrapping's addresses as they are to be written: ends[0] is the source seen from @p dir. */
struct mr_ipfix_tunnel_ends {
	const uint8_t *addr[2]; /* NULL: it has none */
};

struct mr_ipfix_tunnel_ends mr_ipfix_tunnel_ends(const struct mr_tunnel_level *level, unsigned dir);

/** Id of level @p i in the forward direction, or the one of the way back. */
uint32_t mr_ipfix_tunnel_id(const struct mr_flow_detail *d, unsigned i, unsigned dir, bool back);

/** The innermost wrapping that has addresses; NULL: none. */
const struct mr_tunnel_level *mr_ipfix_tunnel_outer(const struct mr_tunnel *tunnel);

#define MR_IPFIX_TUNNEL_PATH_MAX 512

/** The text of MR_IPFIX_D_TUNNEL_PATH. Returns its length. */
unsigned mr_ipfix_tunnel_path(const struct mr_flow_detail *d, unsigned dir,
			      char ret[MR_IPFIX_TUNNEL_PATH_MAX]);

/** Is there anything to say about wrappings? */
static inline bool mr_ipfix_has_tunnel(const struct mr_flow_detail *d)
{
	return d->tunnel.levels != 0 || d->tunnel.labels > 1; /* the top label is in every record */
}

/** "answered" ... */
const char *mr_ipfix_outcome_name(unsigned outcome);

/** docs/fields.md. */
void mr_ipfix_fields_doc(FILE *out);

#ifdef __cplusplus
}
#endif
