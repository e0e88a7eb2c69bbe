/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ipfix/mr_ipfix_net.h"
#include "ipfix/mr_ipfix_queue.h"
#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What TCP and TLS have in common: connecting, back-off, the send queue, the account. Private to them.
 *
 *	WAIT -- pause over --> CONNECT -- connected --> HANDSHAKE -- done --> OPEN
 *	  ^                       |                         |                   |
 *	  '----- failed: next address at once, after the last one a pause -----'
 */

struct mr_ipfix_stream;

enum mr_ipfix_phase { MR_IPFIX_WAIT, MR_IPFIX_CONNECT, MR_IPFIX_HANDSHAKE, MR_IPFIX_OPEN };

/** What lies between messages and socket. Failures leave their reason by mr_ipfix_stream_because(). */
struct mr_ipfix_layer {
	bool framed; /* see mr_ipfix_queue_written() */
	/** The socket is connected. 0: ready for messages, -EAGAIN: call again, other: failed. */
	int (*handshake)(struct mr_ipfix_stream *s);
	/** Octets taken (> 0), -EAGAIN (come back with the same octets, perhaps more), other: failed. */
	ssize_t (*write)(struct mr_ipfix_stream *s, const void *data, size_t len);
	/** Octets that the peer sent (> 0), -EAGAIN, other: the connection is over. */
	ssize_t (*read)(struct mr_ipfix_stream *s, void *room, size_t len);
	/** Say goodbye if the connection is in a state for it, and forget it. The socket is closed next. */
	void (*stop)(struct mr_ipfix_stream *s);
};

/** First member of the TCP and TLS transports. */
struct mr_ipfix_stream {
	const struct mr_ipfix_layer *layer;
	char *name; /* the collector's */
	struct addrinfo *addrs; /* never empty */
	const struct addrinfo *addr; /* the one tried or connected now, or the next to be tried */

	enum mr_ipfix_phase phase;
	int fd; /* -1 in WAIT */
	uint64_t now_ns; /* of the last poll() */
	uint64_t since_ns; /* start of the phase */
	uint64_t pause_ns; /* WAIT lasts so long */
	uint64_t next_pause_ns;
	uint32_t generation;

	uint64_t wire_octets; /* handed to the kernel on this connection by the layer */
	struct mr_ipfix_queue queue;
	struct mr_ipfix_transport_stats stats; /* queued_octets and pending_messages come from the queue */

	char reason[160]; /* of the failure at hand */
	char round[MR_IPFIX_COMPLAINT_MAX]; /* what every address failed of since the last pause */
	struct mr_ipfix_complaint complaint;
};

/**
 * Resolve, make the queue, start the first attempt at the next poll(). @p s is all zero; after an error
 * mr_ipfix_stream_fini() is still to be called.
 */
int mr_ipfix_stream_init(struct mr_ipfix_stream *s, const struct mr_ipfix_layer *layer, uint16_t default_port,
			 const struct mr_ipfix_collector_conf *conf, uint64_t now_ns, struct mr_err *err);
void mr_ipfix_stream_fini(struct mr_ipfix_stream *s);

/** Wait up to @p limit_ms until the peer has acknowledged everything, and end the connection. */
void mr_ipfix_stream_finish(struct mr_ipfix_stream *s, unsigned limit_ms,
			    struct mr_ipfix_transport_stats *ret_stats);

/* The ops of struct mr_ipfix_transport_ops. */
unsigned mr_ipfix_stream_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			      const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken);
enum mr_ipfix_state mr_ipfix_stream_poll(struct mr_ipfix_transport *t, uint64_t now_ns,
					 uint32_t *ret_generation);
void mr_ipfix_stream_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret);

/* For layers: the socket. Octets (> 0) or negative errno; -EPIPE: the peer has closed. Never SIGPIPE. */
ssize_t mr_ipfix_stream_raw_write(struct mr_ipfix_stream *s, const void *data, size_t len);
ssize_t mr_ipfix_stream_raw_read(struct mr_ipfix_stream *s, void *room, size_t len);

/** Why it fails, for the log. Returns -@p code. */
int mr_ipfix_stream_because(struct mr_ipfix_stream *s, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#endif
