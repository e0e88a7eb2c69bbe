/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_queue.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t wrap(size_t pos, size_t cap)
{
	return pos < cap ? pos : pos - cap;
}

static size_t min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

int mr_ipfix_queue_init(struct mr_ipfix_queue *q, size_t cap)
{
	memset(q, 0, sizeof(*q));
	q->cap = cap;
	q->n_cap = cap / 128 + 64; /* messages with data are larger */
	q->ring = malloc(q->cap);
	q->entries = calloc(q->n_cap, sizeof(*q->entries));
	if (q->ring != NULL && q->entries != NULL)
		return 0;
	mr_ipfix_queue_fini(q);
	return mr_errno(ENOMEM);
}

void mr_ipfix_queue_fini(struct mr_ipfix_queue *q)
{
	free(q->ring);
	free(q->entries);
	memset(q, 0, sizeof(*q));
}

static struct mr_ipfix_queue_entry *entry(struct mr_ipfix_queue *q, size_t i)
{
	return &q->entries[wrap(q->first + i, q->n_cap)];
}

bool mr_ipfix_queue_put(struct mr_ipfix_queue *q, const struct iovec *msg, const struct mr_ipfix_load *load)
{
	size_t n_used = q->n_written + q->n_waiting;
	size_t tail, piece;

	if (msg->iov_len > q->cap - q->pending || n_used == q->n_cap)
		return false;
	tail = wrap(q->head + q->len, q->cap);
	piece = min_size(msg->iov_len, q->cap - tail);
	memcpy(q->ring + tail, msg->iov_base, piece);
	memcpy(q->ring, (const uint8_t *)msg->iov_base + piece, msg->iov_len - piece);
	q->len += msg->iov_len;
	q->pending += msg->iov_len;
	*entry(q, n_used) = (struct mr_ipfix_queue_entry){
		.load = load != NULL ? *load : (struct mr_ipfix_load){ 0 },
		.len = (uint32_t)msg->iov_len,
	};
	q->n_waiting++;
	return true;
}

size_t mr_ipfix_queue_peek(const struct mr_ipfix_queue *q, const uint8_t **ret_data)
{
	*ret_data = q->ring + q->head;
	return min_size(q->len, q->cap - q->head);
}

void mr_ipfix_queue_written(struct mr_ipfix_queue *q, size_t n, uint64_t wire, bool framed)
{
	assert(n <= q->len);
	q->head = wrap(q->head + n, q->cap);
	q->len -= n;
	q->partial += n;
	while (q->n_waiting > 0) {
		struct mr_ipfix_queue_entry *e = entry(q, q->n_written);

		if (e->len > q->partial)
			break;
		q->partial -= e->len;
		/* partial is now how many of the n octets came after this message */
		e->wire_end = framed ? wire : wire - q->partial;
		q->n_written++;
		q->n_waiting--;
	}
}

size_t mr_ipfix_queue_delivered(struct mr_ipfix_queue *q, uint64_t wire)
{
	size_t n = 0;

	while (q->n_written > 0 && q->entries[q->first].wire_end <= wire) {
		q->pending -= q->entries[q->first].len;
		q->first = wrap(q->first + 1, q->n_cap);
		q->n_written--;
		n++;
	}
	return n;
}

void mr_ipfix_queue_lose(struct mr_ipfix_queue *q, struct mr_ipfix_transport_stats *stats)
{
	size_t n = q->n_written + q->n_waiting;

	for (size_t i = 0; i < n; i++) {
		const struct mr_ipfix_load *load = &entry(q, i)->load;

		stats->lost_packets += load->packets;
		stats->lost_octets += load->octets;
		stats->lost_records += load->records;
		stats->lost_flows += load->flows;
	}
	stats->lost_messages += n;
	q->pending = q->head = q->len = q->partial = 0;
	q->first = q->n_written = q->n_waiting = 0;
}
