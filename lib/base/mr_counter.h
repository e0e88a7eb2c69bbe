/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Every counter of the program, one row each: enum, metric, JSON key and documentation come from the row.
 * A block of counters has one writer (a role on its core); readers add the blocks up.
 *
 * The classes are the terms of the loss account (see struct mr_account):
 *   RECEIVED     packets that a source handed to a worker
 *   METERED      packets counted in a flow record
 *   NOT_METERED  packets left out, by reason
 *   EXPORTED     packets in records that at least one destination accepted
 *   NOT_SENT     packets in records that no destination accepted, by reason
 *   LOSS         packets that never reached a worker, by reason
 *   NOTE         something worth knowing about packets or records that are in one of the terms above
 */
enum mr_counter_class {
	MR_COUNTER_RECEIVED,
	MR_COUNTER_METERED,
	MR_COUNTER_NOT_METERED,
	MR_COUNTER_EXPORTED,
	MR_COUNTER_NOT_SENT,
	MR_COUNTER_LOSS,
	MR_COUNTER_NOTE,
	MR_COUNTER_CLASS_MAX
};

/* clang-format off */
#define MR_COUNTERS(X) \
	X(RECEIVED,            RECEIVED,    "received_packets",        "packets handed to a worker by its source") \
	X(METERED,             METERED,     "metered_packets",         "packets counted in a flow record") \
	X(NON_IP,              NOT_METERED, "non_ip",                  "neither IPv4 nor IPv6 behind the link layer (ARP, STP, ...)") \
	X(LINK_UNSUPPORTED,    NOT_METERED, "link_unsupported",        "the capture's link type has no decoder") \
	X(LINK_TRUNCATED,      NOT_METERED, "link_truncated",          "the frame ends inside its link layer, VLAN, MPLS or PPPoE header") \
	X(LINK_TOO_DEEP,       NOT_METERED, "link_too_deep",           "more VLAN tags or MPLS labels than the decoder follows") \
	X(LINK_MALFORMED,      NOT_METERED, "link_malformed",          "a link header has a version or length that cannot be") \
	X(LINK_ENCRYPTED,      NOT_METERED, "link_encrypted",          "the link layer hides its payload (protected 802.11 frame, MACsec)") \
	X(IPV4_TRUNCATED,      NOT_METERED, "ipv4_truncated",          "captured octets end inside the IPv4 header") \
	X(IPV4_VERSION,        NOT_METERED, "ipv4_version",            "announced as IPv4 but the version field isn't 4") \
	X(IPV4_HEADER_LENGTH,  NOT_METERED, "ipv4_header_length",      "IPv4 header length below 20 octets") \
	X(IPV4_TOTAL_LENGTH,   NOT_METERED, "ipv4_total_length",       "IPv4 total length below the header length") \
	X(IPV6_TRUNCATED,      NOT_METERED, "ipv6_truncated",          "captured octets end inside the IPv6 header") \
	X(IPV6_VERSION,        NOT_METERED, "ipv6_version",            "announced as IPv6 but the version field isn't 6") \
	X(TABLE_FULL,          NOT_METERED, "table_full",              "no record free and none that may be evicted for a new flow") \
	X(TUNNELS_FULL,        NOT_METERED, "tunnels_full",            "no room for the tunnel of a new flow, which would have to be told apart by it") \
	X(FILTERED,            NOT_METERED, "filtered",                "left out by configuration") \
	X(EXPORTED,            EXPORTED,    "exported_packets",        "packets in records that a destination accepted") \
	X(EXPORT_RING_FULL,    NOT_SENT,    "export_ring_full",        "packets in records dropped because the exporter's ring had no room") \
	X(EXPORT_REFUSED,      NOT_SENT,    "export_refused",          "packets in records that every destination refused") \
	X(EXPORT_NONE,         NOT_SENT,    "export_no_destination",   "packets in records finished while no destination was configured") \
	X(NIC_MISSED,          LOSS,        "nic_missed",              "dropped by the port because its RX queue was full (imissed)") \
	X(NIC_NO_MBUF,         LOSS,        "nic_no_mbuf",             "dropped by the port because no buffer was free (rx_nombuf)") \
	X(NIC_ERRORS,          LOSS,        "nic_errors",              "dropped by the port as damaged (ierrors)") \
	X(HANDOVER_FULL,       LOSS,        "handover_ring_full",      "dropped because the ring to the flow's worker had no room") \
	X(RECEIVED_OCTETS,     NOTE,        "received_octets",         "octets of received frames, link layer included, without FCS") \
	X(METERED_OCTETS,      NOTE,        "metered_octets",          "octets of metered packets from the IP header on") \
	X(IPV4,                NOTE,        "ipv4_packets",            "metered IPv4 packets") \
	X(IPV6,                NOTE,        "ipv6_packets",            "metered IPv6 packets") \
	X(IP_BEYOND_FRAME,     NOTE,        "ip_length_beyond_frame",  "metered, IP length above what the frame had on the wire; the frame's octets were counted") \
	X(IPV6_EXT_TRUNCATED,  NOTE,        "ipv6_ext_truncated",      "metered without ports, captured octets or the payload end inside an IPv6 extension header") \
	X(IPV6_EXT_TOO_MANY,   NOTE,        "ipv6_ext_too_many",       "metered without ports, more extension headers than the decoder follows") \
	X(L4_TRUNCATED,        NOTE,        "l4_truncated",            "metered, captured octets end inside the transport header") \
	X(L4_MALFORMED,        NOTE,        "l4_malformed",            "metered, lengths in the transport header contradict themselves or the IP payload") \
	X(TUNNEL_MALFORMED,    NOTE,        "tunnel_malformed",        "metered as packets of the tunnel itself: its header or what it carries contradicts itself or was cut") \
	X(FRAGMENTS,           NOTE,        "fragments",               "metered packets that are IP fragments") \
	X(FRAGMENT_UNMATCHED,  NOTE,        "fragment_unmatched",      "fragments metered without ports: the first one was not seen in time") \
	X(FRAGMENT_MAP_FULL,   NOTE,        "fragment_map_full",       "fragments metered without ports: the fragment map had no room") \
	X(FLOWS_CREATED,       NOTE,        "flows_created",           "records opened") \
	X(FLOWS_IDLE,          NOTE,        "flows_idle",              "records ended by the idle timeout (flowEndReason 1)") \
	X(FLOWS_ACTIVE,        NOTE,        "flows_active",            "records ended by the active timeout (flowEndReason 2)") \
	X(FLOWS_END,           NOTE,        "flows_end",               "records ended by FIN or RST (flowEndReason 3)") \
	X(FLOWS_FORCED,        NOTE,        "flows_forced",            "records ended by drain or reload (flowEndReason 4)") \
	X(FLOWS_EVICTED,       NOTE,        "flows_evicted",           "records ended for lack of room (flowEndReason 5)") \
	X(RECORDS_EXPORTED,    NOTE,        "records_exported",        "records that a destination accepted") \
	X(RECORDS_NOT_SENT,    NOTE,        "records_not_sent",        "records that no destination accepted") \
	X(FORWARDED,           NOTE,        "forwarded_packets",       "inline packets sent on the peer port") \
	X(FORWARD_FAILED,      NOTE,        "forward_failed",          "inline packets that the peer port didn't take") \
	X(RECORDS_BARE,        NOTE,        "records_without_detail",  "records that left without what inspection found: the exporter is behind and memory for details had run out") \
	X(STREAM_GAPS,         NOTE,        "stream_gaps",             "holes in TCP streams that were given up, the octets behind them inspected without") \
	X(STREAM_SHED,         NOTE,        "stream_shed",             "times that memory for TCP streams had run out: a hole given up early, or octets forgotten") \
	X(STREAM_OVERLAP_DIFFERS, NOTE,     "stream_overlap_differs",  "TCP segments that repeat octets still held, with other content; the first ones counted") \
	X(STREAM_OLD,          NOTE,        "stream_old",              "TCP segments with no new octets: retransmissions, keep-alive packets") \
	X(STREAM_FAR_AHEAD,    NOTE,        "stream_far_ahead",        "TCP segments ignored, too far ahead of what was inspected") \
	X(STREAM_BEYOND_FIN,   NOTE,        "stream_beyond_fin",       "TCP segments with octets beyond the FIN, which were ignored") \
	X(STREAM_RST_IGNORED,  NOTE,        "stream_rst_ignored",      "TCP resets ignored, their sequence number isn't where the stream is") \
	X(L7_IDENTIFIED,       NOTE,        "l7_identified",           "flows whose application was found by content; once more behind a change of protocol") \
	X(L7_GUESSED,          NOTE,        "l7_guessed",              "flows whose application was taken from a port, their content fits none") \
	X(L7_UNKNOWN,          NOTE,        "l7_unknown",              "flows with payload whose application isn't known") \
	X(L7_BROKEN,           NOTE,        "l7_broken",               "flows not inspected further: the application's messages can't be read on") \
	X(L7_WINDOW_FULL,      NOTE,        "l7_window_full",          "flows not inspected further: a message longer than the 16 KiB that are kept") \
	X(L7_DEPTH,            NOTE,        "l7_depth",                "flows not inspected further: the configured depth was reached") \
	X(L7_SHED,             NOTE,        "l7_shed",                 "flows not inspected, or no further: memory for inspection had run out") \
	X(L7_VALUES_CUT,       NOTE,        "l7_values_cut",           "application values cut or left out for their configured size") \
	X(L7_VALUES_SHED,      NOTE,        "l7_values_shed",          "application values cut or left out: memory for values had run out")
/* clang-format on */

enum mr_counter {
#define X(id, class_, key, help) MR_C_##id,
	MR_COUNTERS(X)
#undef X
		MR_C_MAX
};

struct mr_counter_info {
	const char *key; /* stable name: metric millrace_<key>_total, key in stats.json */
	const char *help;
	enum mr_counter_class class_;
};

extern const struct mr_counter_info mr_counter_info[MR_C_MAX];

/** docs/counters.md: every row with its class, as Markdown. */
void mr_counter_doc(FILE *out);

/** A block of counters. Written by one thread; zeroed before use; cache-line aligned by its owner. */
struct mr_counters {
	uint64_t v[MR_C_MAX];
};

/** Add; only by the block's writer, hence no locked instruction. */
static inline void mr_counter_add(struct mr_counters *c, enum mr_counter id, uint64_t n)
{
	uint64_t v = __atomic_load_n(&c->v[id], __ATOMIC_RELAXED);

	__atomic_store_n(&c->v[id], v + n, __ATOMIC_RELAXED);
}

/** For a total that is kept elsewhere; only by the block's writer. */
static inline void mr_counter_set(struct mr_counters *c, enum mr_counter id, uint64_t n)
{
	__atomic_store_n(&c->v[id], n, __ATOMIC_RELAXED);
}

static inline uint64_t mr_counter_get(const struct mr_counters *c, enum mr_counter id)
{
	return __atomic_load_n(&c->v[id], __ATOMIC_RELAXED);
}

/** sum[i] += block[i]. Any thread. */
void mr_counters_sum(uint64_t sum[MR_C_MAX], const struct mr_counters *block);

/**
 * The loss account:
 *   received = metered + not_metered
 *   metered  = exported + in_table + not_sent
 * lost stands beside it: those packets never reached a worker. All are packets.
 */
struct mr_account {
	uint64_t received;
	uint64_t metered;
	uint64_t not_metered;
	uint64_t exported;
	uint64_t in_table; /* packets of records that haven't ended, in rings included */
	uint64_t not_sent;
	uint64_t lost;
	bool closes; /* both equations hold */
};

/** @param in_table  packets in live records and rings, 0 after a drain */
struct mr_account mr_account_make(const uint64_t sum[MR_C_MAX], uint64_t in_table);

#ifdef __cplusplus
}
#endif
