/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/replay/mr_replay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_malloc.h>
#include <rte_mempool.h>

#include "base/mr_buf.h"
#include "base/mr_clock.h"
#include "drivers/replay/mr_replay_index.h"

#define REPLAY_MBUFS_PER_QUEUE 2048
#define REPLAY_CACHE_MAX       256

/** One queue. Written by its worker only. */
struct replay_queue {
	const struct mr_replay_entry *next, *end; /* left of this round, or of the window */
	uint64_t round;
	bool finished; /* read by any thread */
} __rte_cache_aligned;

struct mr_replay {
	struct mr_port port; /* must be first */
	struct mr_replay_conf conf;
	struct mr_capture *capture;
	struct rte_mempool *pool;
	struct mr_replay_timeline timeline; /* streaming: the worker's; else constant */
	/* One queue and one round stream: the window is filled from the capture again and again. Otherwise all packets
	 * are in the index. */
	bool streaming;
	bool paced; /* rate or timing */
	struct mr_replay_index index;
	struct mr_replay_entry window[MR_PORT_BURST_MAX];
	uint64_t round_ns; /* one round is that much later than the one before */
	uint64_t start_ns; /* paced: monotonic time of the first poll of any queue, set by that one; 0: not yet */
	uint64_t wall_offset_ns; /* paced: wall clock - monotonic clock at open */
	struct replay_queue queue[];
};

/* ---- pace and rounds ---- */

static uint64_t replay_start(struct mr_replay *r, uint64_t now_ns)
{
	uint64_t start_ns = __atomic_load_n(&r->start_ns, __ATOMIC_RELAXED);

	if (start_ns == 0 && __atomic_compare_exchange_n(&r->start_ns, &start_ns, now_ns, false, __ATOMIC_RELAXED,
							 __ATOMIC_RELAXED))
		return now_ns;
	return start_ns;
}

/* What to add to entries' times in a round. */
static uint64_t replay_base(const struct mr_replay *r, uint64_t round)
{
	uint64_t base_ns = round * r->round_ns;

	if (r->paced)
		base_ns += __atomic_load_n(&r->start_ns, __ATOMIC_RELAXED) + r->wall_offset_ns;
	return base_ns;
}

/* How many of the next @p n are due. */
static uint16_t replay_due(struct mr_replay *r, const struct replay_queue *q, uint16_t n)
{
	uint64_t now_ns = mr_clock_mono_ns();
	uint64_t since_ns = now_ns - replay_start(r, now_ns);
	uint64_t round_start_ns = q->round * r->round_ns;
	uint16_t due = 0;

	while (due < n && round_start_ns + q->next[due].clock_ns <= since_ns)
		due++;
	return due;
}

static bool replay_next_window(struct mr_replay *r, struct replay_queue *q)
{
	struct mr_capture_packet pkts[MR_PORT_BURST_MAX];
	uint32_t n = mr_capture_read(r->capture, pkts, MR_PORT_BURST_MAX);

	mr_replay_entries_make(&r->timeline, pkts, n, r->window);
	q->next = r->window;
	q->end = r->window + n;
	return n != 0;
}

static bool replay_next_round(struct mr_replay *r, struct replay_queue *q)
{
	size_t number = (size_t)(q - r->queue);
	const struct mr_replay_entry *begin = r->index.entries + r->index.first[number];

	if (begin == q->end || q->round + 1 == r->conf.loop)
		return false;
	q->round++;
	q->next = begin;
	return true;
}

/* Every queue comes to the same end clock. */
static void replay_finish(struct mr_replay *r, struct replay_queue *q)
{
	if (r->conf.loop != 0)
		__atomic_store_n(&r->port.end_clock_ns, replay_base(r, r->conf.loop - 1u) + r->timeline.clock_ns,
				 __ATOMIC_RELAXED);
	__atomic_store_n(&q->finished, true, __ATOMIC_RELEASE);
}

static bool replay_refill(struct mr_replay *r, struct replay_queue *q)
{
	if (q->finished)
		return false;
	if (r->streaming ? replay_next_window(r, q) : replay_next_round(r, q))
		return true;
	replay_finish(r, q);
	return false;
}

/* ---- frames ---- */

static void replay_shift_ipv4(uint8_t *ip, uint32_t round)
{
	uint32_t sum = (uint16_t)~mr_get_u16(ip + 10);

	/* RFC 1624: ~(~HC + ~m + m') over the words that change */
	for (unsigned off = 12; off < 20; off += 4) {
		uint32_t old = mr_get_u32(ip + off), new = old + round;

		sum += (uint16_t)~(old >> 16) + (uint16_t)~old + (new >> 16) + (uint16_t)new;
		mr_put_u32(ip + off, new);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	mr_put_u16(ip + 10, (uint16_t)~sum);
}

static void replay_shift_ipv6(uint8_t *ip, uint32_t round)
{
	for (unsigned off = 8; off < 40; off += 16)
		mr_put_u32(ip + off + 12, mr_get_u32(ip + off + 12) + round);
}

/* Use the mbuf's own data room for a changed copy. */
static void replay_shift(struct mr_replay *r, struct rte_mbuf *m, const struct mr_replay_entry *e, uint32_t round)
{
	uint8_t *data = (uint8_t *)rte_mbuf_buf_addr(m, r->pool), *ip = data + e->l3_off;

	memcpy(data, e->data, e->cap_len);
	m->buf_addr = data;
	if (ip[0] >> 4 == 4)
		replay_shift_ipv4(ip, round);
	else
		replay_shift_ipv6(ip, round);
}

static inline void replay_fill(struct rte_mbuf *m, const struct mr_replay_entry *e, uint64_t base_ns)
{
	struct mr_port_stamp *stamp = mr_port_stamp(m);

	m->buf_addr = (void *)(uintptr_t)e->data;
	m->buf_len = e->cap_len;
	m->data_off = 0;
	m->ol_flags = 0;
	m->packet_type = e->link;
	m->pkt_len = e->wire_len;
	m->data_len = e->cap_len;
	stamp->time_ns = e->time_ns + base_ns;
	stamp->clock_ns = e->clock_ns + base_ns;
}

static uint16_t replay_rx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_replay *r = (struct mr_replay *)port;
	struct replay_queue *q = &r->queue[queue];
	uint64_t base_ns;

	if (q->next == q->end && !replay_refill(r, q))
		return 0;
	n = (uint16_t)RTE_MIN((size_t)n, (size_t)(q->end - q->next));
	if (r->paced)
		n = replay_due(r, q, n);
	/* no buffer free: the packets wait, nothing is lost */
	if (n == 0 || rte_mempool_get_bulk(r->pool, (void **)pkts, n) != 0)
		return 0;
	base_ns = replay_base(r, q->round);
	for (uint16_t i = 0; i < n; i++)
		replay_fill(pkts[i], &q->next[i], base_ns);
	if (r->conf.shift && q->round != 0)
		for (uint16_t i = 0; i < n; i++)
			if (q->next[i].l3_off != MR_REPLAY_NO_L3)
				replay_shift(r, pkts[i], &q->next[i], (uint32_t)q->round);
	q->next += n;
	return n;
}

/* ---- port ---- */

static bool replay_finished(const struct mr_port *port, uint16_t queue)
{
	const struct mr_replay *r = (const struct mr_replay *)port;

	return __atomic_load_n(&r->queue[queue].finished, __ATOMIC_ACQUIRE);
}

static void replay_stats(const struct mr_port *port, struct mr_port_stats *ret_stats)
{
	const struct mr_replay *r = (const struct mr_replay *)port;

	/* of each torn file the record that isn't whole */
	*ret_stats = (struct mr_port_stats){ .errors = mr_capture_damaged(r->capture) };
}

static int replay_verdict(const struct mr_port *port, struct mr_err *err)
{
	return mr_capture_verdict(((const struct mr_replay *)port)->capture, err);
}

static void replay_close(struct mr_port *port)
{
	struct mr_replay *r = (struct mr_replay *)port;

	rte_mempool_free(r->pool);
	mr_replay_index_free(&r->index);
	mr_capture_close(r->capture);
	mr_replay_conf_free(&r->conf);
	rte_free(r);
}

/* Mbufs without data room, but with shift=yes. */
static int replay_make_pool(struct mr_replay *r, const struct mr_port_conf *conf, struct mr_err *err)
{
	static unsigned pools; /* control thread only */
	uint32_t n = conf->mbufs != 0 ? conf->mbufs : (uint32_t)conf->queues * REPLAY_MBUFS_PER_QUEUE;
	uint32_t cache = RTE_MIN(n / 4 / conf->queues, (uint32_t)REPLAY_CACHE_MAX);
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "replay_%u", pools++);
	r->pool = rte_pktmbuf_pool_create(name, n, cache, 0, r->index.shift_cap_max, SOCKET_ID_ANY);
	if (r->pool == NULL)
		return mr_err_set(err, ENOMEM,
				  "%s: no memory for %u packet buffers of %u octets; give EAL more or set mbufs lower",
				  conf->name, n, r->index.shift_cap_max);
	return 0;
}

static int replay_make_index(struct mr_replay *r, const struct mr_port_conf *conf, struct mr_err *err)
{
	int rc = mr_replay_index_build(r->capture, &r->timeline, conf->queues, r->conf.shift, &conf->packet, &r->index,
				       err);

	if (rc != 0)
		return rc;
	for (uint16_t q = 0; q < conf->queues; q++) {
		r->queue[q].next = r->index.entries + r->index.first[q];
		r->queue[q].end = r->index.entries + r->index.first[q + 1];
	}
	r->round_ns = mr_replay_round_ns(&r->timeline);
	return 0;
}

static int replay_start_up(struct mr_replay *r, const struct mr_port_conf *conf, struct mr_err *err)
{
	int rc = mr_replay_conf_parse(conf->device, &r->conf, err);

	if (rc != 0)
		return rc;
	mr_replay_timeline_init(&r->timeline, &r->conf);
	r->streaming = conf->queues == 1 && r->conf.loop == 1;
	r->paced = r->conf.timing || r->conf.rate_pps != 0;
	r->wall_offset_ns = mr_clock_wall_ns() - mr_clock_mono_ns();
	rc = mr_capture_open((const char *const *)r->conf.files, r->conf.file_count, &r->capture, err);
	if (rc == 0 && r->streaming)
		mr_capture_set_once(r->capture);
	else if (rc == 0)
		rc = replay_make_index(r, conf, err);
	if (rc == 0)
		rc = replay_make_pool(r, conf, err);
	return rc;
}

static int replay_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err)
{
	struct mr_replay *r;
	int rc;

	if (conf->queues == 0)
		return mr_err_set(err, EINVAL, "%s: a port needs at least one queue", conf->name);
	r = rte_zmalloc("mr_replay", sizeof(*r) + conf->queues * sizeof(r->queue[0]), RTE_CACHE_LINE_SIZE);
	if (r == NULL)
		return mr_err_set(err, ENOMEM, "%s: no memory for %u queues; give EAL more", conf->name, conf->queues);
	rc = replay_start_up(r, conf, err);
	if (rc != 0) {
		replay_close(&r->port);
		return mr_errno(-rc);
	}
	r->port.ops = &mr_replay_ops;
	snprintf(r->port.name, sizeof(r->port.name), "%s", conf->name);
	r->port.flags = MR_PORT_HAS_TIME | MR_PORT_HAS_LINK | MR_PORT_LOSSLESS | MR_PORT_FLOW_QUEUES;
	if (r->conf.loop != 0)
		r->port.flags |= MR_PORT_FINITE;
	r->port.queues = conf->queues;
	r->port.socket = -1;
	*ret_port = &r->port;
	return 0;
}

const struct mr_port_ops mr_replay_ops = {
	.kind = "replay",
	.help = "replay:FILE[,FILE...][;loop=N][;shift=yes][;rate=PPS|;timing=captured]  captures, pcap or pcapng, "
		"also gzip or zstd; loop=0 has no end, shift=yes makes new flows each round",
	.open = replay_open,
	.rx_burst = replay_rx_burst,
	.finished = replay_finished,
	.stats = replay_stats,
	.verdict = replay_verdict,
	.close = replay_close,
};
