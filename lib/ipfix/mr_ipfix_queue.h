/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The send queue of one connection: whole messages go in, octets come out, and each message is remembered
 * until the peer has acknowledged it. Private to the transports. Thread: the exporter's.
 *
 * A message is waiting (octets in the ring), then written (only its entry is left), then delivered or lost.
 * The capacity bounds the waiting and the written ones together: that is what a dead connection can cost,
 * however much of it the kernel takes.
 */

struct mr_ipfix_queue_entry {
	struct mr_ipfix_load load;
	uint64_t wire_end; /* written messages: octets on the connection up to this message's last one */
	uint32_t len;
};

struct mr_ipfix_queue {
	uint8_t *ring;
	size_t cap; /* octets */
	size_t pending; /* octets of the messages in here, waiting or written, <= cap */
	size_t head; /* next octet to write */
	size_t len; /* octets in the ring, <= pending */
	size_t partial; /* octets of the first waiting message that are written already */

	struct mr_ipfix_queue_entry *entries; /* ring, too: first the written, then the waiting ones */
	size_t n_cap;
	size_t first;
	size_t n_written;
	size_t n_waiting;
};

/** Room for @p cap octets in up to cap / 128 + 64 messages. -ENOMEM. */
int mr_ipfix_queue_init(struct mr_ipfix_queue *q, size_t cap);
void mr_ipfix_queue_fini(struct mr_ipfix_queue *q);

/** Copy a message of 1 to UINT32_MAX octets. False: no room, nothing changed. @p load may be NULL. */
bool mr_ipfix_queue_put(struct mr_ipfix_queue *q, const struct iovec *msg, const struct mr_ipfix_load *load);

/** The octets to write next, as far as they lie in one piece; 0: nothing waits. */
size_t mr_ipfix_queue_peek(const struct mr_ipfix_queue *q, const uint8_t **ret_data);

/**
 * The first @p n of the octets peeked at are written.
 * @param wire  octets on the connection up to the last one of these
 * @param framed  they arrive all together or not at all (a TLS record), not octet by octet (TCP)
 */
void mr_ipfix_queue_written(struct mr_ipfix_queue *q, size_t n, uint64_t wire, bool framed);

/** The peer has the first @p wire octets of the connection. Returns how many messages that completes. */
size_t mr_ipfix_queue_delivered(struct mr_ipfix_queue *q, uint64_t wire);

/** The connection is gone: empty the queue and add what was in it to stats.lost_*. */
void mr_ipfix_queue_lose(struct mr_ipfix_queue *q, struct mr_ipfix_transport_stats *stats);

#ifdef __cplusplus
}
#endif
