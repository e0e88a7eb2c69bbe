/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/mr_err.h"
#include "ipfix/mr_ipfix_exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * How IPFIX messages leave: one ops table for UDP, TCP, TLS and the RFC 5655 file. Whole messages in, nothing
 * known of their content. Never blocks, except close(), which is bounded. Thread: the exporter's.
 *
 * Names are resolved once, at open; a collector that moves to another address needs a reload. A literal
 * address never asks DNS. A lookup at run time would block the exporter.
 *
 * UDP (RFC 7011 section 10.3): one connected socket, always UP, generation 1. Fragmentation is forbidden
 * (DF), so a message beyond the path MTU is EMSGSIZE, counted. An ICMP error that an earlier datagram brought
 * home is counted, and the message that met it is tried once more. A full socket buffer refuses the rest of
 * the call.
 *
 * TCP and TLS (sections 10.4, 11.3): each address of the collector is tried in turn, 5 s for the connection
 * and 5 s for the handshake; after a round of failures a pause of 100 ms, doubling to 10 s. It starts at
 * 100 ms again when a connection has lived for 10 s. A peer that acknowledges nothing, or takes nothing, for
 * 25 s is given up. One that closes, or shuts down its sending side, is seen at the next poll(): collectors
 * send nothing, so an end can only mean that. What a peer does send is read and thrown away.
 *
 * A transport session starts with templates and sequence number 0, so what an ended connection did not
 * deliver can't be repeated on the next one: it is lost, and counted with its load. The boundary is the
 * acknowledgement of the peer's TCP; what its program does with the octets is unknowable, IPFIX has no answer
 * of its own. Up to there a message is pending, and counts towards send_buffer.
 *
 * TLS is 1.2 or later. The peer's certificate must chain to tls_ca and name tls_name (default: host); a
 * connection that fails this carries nothing. Failures are logged with collector, address and reason: a new
 * reason at most once a second, the same one once a minute.
 */

struct mr_ipfix_transport;

enum mr_ipfix_state {
	MR_IPFIX_DOWN, /* not connected; poll() retries with back-off (100 ms doubling to 10 s) */
	MR_IPFIX_UP, /* messages are taken */
};

/** What is in a message, in the caller's terms; a transport only adds it up when it loses messages. */
struct mr_ipfix_load {
	uint64_t packets;
	uint64_t octets; /* of the flows, octetDeltaCount */
	uint32_t records;
	uint32_t flows;
};

/** Totals since open. messages = delivered + pending + lost, always. */
struct mr_ipfix_transport_stats {
	uint64_t messages; /* taken by send() */
	uint64_t octets;
	uint64_t errors; /* by kernel or peer: a failed send or attempt to connect, a connection that ended */
	uint64_t reconnects; /* connections after the first */
	uint64_t queued_octets; /* TCP, TLS: in pending messages, <= send_buffer */
	uint64_t delivered_messages; /* TCP, TLS: the peer's TCP has them; UDP, file: the kernel has */
	uint64_t pending_messages; /* TCP, TLS: queued, or with the kernel and not yet acknowledged */
	uint64_t lost_messages; /* TCP, TLS: pending when their connection ended, half-written ones too */
	uint64_t lost_packets, lost_octets, lost_records, lost_flows; /* the loads of lost_messages */
};

struct mr_ipfix_transport_ops {
	enum mr_ipfix_proto proto;
	const char *name;
	bool reliable; /* TCP, TLS: templates once per connection, withdrawal allowed */

	/**
	 * @param now_ns  as for poll()
	 * @param err  what is wrong; the caller puts the collector's name in front
	 */
	int (*open)(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		    struct mr_ipfix_transport **ret, struct mr_err *err);
	/**
	 * Send whole messages in order (UDP: sendmmsg).
	 * @param loads  of each message; NULL when nobody asks what was lost
	 * @return how many were taken; the rest was refused (queue full, down, error) and is counted by the
	 * caller as not sent; @p ret_taken[i] says which. TCP, TLS: what follows a refused message of the
	 * same call is refused too. UDP: a message with a send error counts as refused and in stats.errors,
	 * and the ones after it are still tried.
	 */
	unsigned (*send)(struct mr_ipfix_transport *t, const struct iovec *msgs,
			 const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken);
	/**
	 * Connect, reconnect, write what waits. Returns the state. send() never connects, so between two
	 * calls of poll() all messages taken belong to one connection.
	 * @param now_ns  real time, monotonic or UTC, not the clock of a capture: time limits are measured on
	 * it
	 * @param ret_generation  grows by one with every new connection; 0: none yet
	 */
	enum mr_ipfix_state (*poll)(struct mr_ipfix_transport *t, uint64_t now_ns, uint32_t *ret_generation);
	void (*stats)(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret);
	/**
	 * Wait up to @p limit_ms until the peer has all, then close and free.
	 * @param ret_stats  NULL, or the final figures: nothing is pending any more
	 */
	void (*close)(struct mr_ipfix_transport *t, unsigned limit_ms,
		      struct mr_ipfix_transport_stats *ret_stats);
};

extern const struct mr_ipfix_transport_ops mr_ipfix_transport_udp, mr_ipfix_transport_tcp,
	mr_ipfix_transport_tls, mr_ipfix_transport_file;

/** By enum mr_ipfix_proto. */
extern const struct mr_ipfix_transport_ops *const mr_ipfix_transport_all[MR_IPFIX_PROTO_MAX];

#ifdef __cplusplus
}
#endif
