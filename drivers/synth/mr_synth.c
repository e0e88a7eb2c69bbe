/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/synth/mr_synth.h"

#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "base/mr_clock.h"
#include "drivers/mr_mbuf.h"
#include "drivers/synth/mr_traffic.h"

#define PREFIX "synth:"

/* The caches take the mbufs freed last first: a small pool stays in the core's own cache. */
#define POOL_CACHE	 256
#define MBUFS_PER_QUEUE	 2048u
#define PAYLOAD_ROOM_MIN 128

/* Written by the queue's worker only. */
struct synth_queue {
	struct mr_traffic_cursor cursor;
	uint64_t sent; /* packets; read by any thread */
} __attribute__((aligned(RTE_CACHE_LINE_SIZE)));

struct synth {
	struct mr_port port;
	struct mr_traffic *traffic;
	struct rte_mempool *pool;
	uint64_t start_mono_ns;
	bool pace;
	bool by_clock; /* flows come and go by the machine's clock */
	struct synth_queue queues[];
};

static struct synth *synth_of(struct mr_port *port)
{
	return (struct synth *)port;
}

/* The payload is zeros for good: bursts write the headers only. */
static void mbuf_init(struct rte_mempool *pool, void *arg, void *obj, unsigned i)
{
	struct rte_mbuf *m = obj;

	rte_pktmbuf_init(pool, NULL, obj, i);
	memset(m->buf_addr, 0, m->buf_len);
}

static struct rte_mempool *pool_create(const struct mr_port_conf *conf, const struct mr_traffic *t)
{
	static unsigned number; /* names of pools are global in EAL; opened by the control thread only */
	uint32_t room = RTE_MAX(mr_traffic_room(t), (uint32_t)PAYLOAD_ROOM_MIN) + RTE_PKTMBUF_HEADROOM;
	uint32_t count = conf->mbufs != 0 ? conf->mbufs : conf->queues * MBUFS_PER_QUEUE;
	struct rte_pktmbuf_pool_private priv = { 0 };
	char name[RTE_MEMPOOL_NAMESIZE];

	/* with less than a burst nothing would ever come */
	count = RTE_MAX(count, 2u * MR_PORT_BURST_MAX * conf->queues);
	room = RTE_ALIGN_CEIL(RTE_MAX(room, (uint32_t)conf->mbuf_size), RTE_CACHE_LINE_SIZE);
	priv.mbuf_data_room_size = (uint16_t)room;
	snprintf(name, sizeof(name), "synth-%u", number++);
	return rte_mempool_create(name, count, (uint32_t)sizeof(struct rte_mbuf) + room,
				  RTE_MIN((uint32_t)POOL_CACHE, count / 2), sizeof(priv),
				  rte_pktmbuf_pool_init, &priv, mbuf_init, NULL, SOCKET_ID_ANY, 0);
}

static void set_flags(struct synth *s, const struct mr_traffic_conf *c)
{
	bool finite = mr_traffic_packets(s->traffic) != UINT64_MAX;
	bool model = c->time == MR_TRAFFIC_TIME_MODEL ||
		     (c->time == MR_TRAFFIC_TIME_AUTO && (finite || c->rate_pps != 0));

	s->pace = c->pace;
	s->by_clock = !model && c->new_per_s != 0;
	s->port.flags = MR_PORT_LOSSLESS | MR_PORT_FLOW_QUEUES | MR_PORT_CAN_TX;
	if (model)
		s->port.flags |= MR_PORT_HAS_TIME;
	if (finite) {
		s->port.flags |= MR_PORT_FINITE;
		s->port.end_clock_ns = mr_traffic_time(s->traffic, mr_traffic_packets(s->traffic) - 1);
	}
}

static void synth_close(struct mr_port *port)
{
	struct synth *s = synth_of(port);

	rte_mempool_free(s->pool);
	mr_traffic_free(s->traffic);
	free(s);
}

static void cursor_init(struct synth *s, uint16_t queue, uint16_t queues)
{
	struct mr_traffic_cursor *cursor = &s->queues[queue].cursor;

	mr_traffic_cursor_init(s->traffic, queue, queues, cursor);
	cursor->data_off = sizeof(struct rte_mbuf) + RTE_PKTMBUF_HEADROOM;
}

static int synth_start(struct synth *s, const struct mr_port_conf *conf, struct mr_err *err)
{
	struct mr_traffic_conf c;
	int rc = mr_traffic_conf_parse(conf->device + strlen(PREFIX), &c, err);

	if (rc == 0)
		rc = mr_traffic_create(&c, &s->traffic, err);
	if (rc != 0)
		return rc;
	set_flags(s, &c);
	if (s->port.flags & MR_PORT_HAS_TIME && mr_port_stamp_off < 0)
		return mr_err_set(err, EINVAL, "time stamps are not set up, call mr_port_init() first");
	s->pool = pool_create(conf, s->traffic);
	if (s->pool == NULL)
		return mr_err_set(err, rte_errno,
				  "no memory for packet buffers: %s; give EAL more (-m) or hugepages",
				  rte_strerror(rte_errno));
	for (uint16_t q = 0; q < conf->queues; q++)
		cursor_init(s, q, conf->queues);
	s->start_mono_ns = mr_clock_mono_ns();
	return 0;
}

static int synth_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err)
{
	struct synth *s;
	int rc;

	if (conf->queues == 0 || strncmp(conf->device, PREFIX, strlen(PREFIX)) != 0)
		return mr_err_set(err, EINVAL, "%s: want \"" PREFIX "key=value,...\" and a queue at least",
				  conf->device);
	s = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*s) + conf->queues * sizeof(s->queues[0]));
	if (s == NULL)
		return mr_err_set(err, ENOMEM, "no memory for the port");
	memset(s, 0, sizeof(*s) + conf->queues * sizeof(s->queues[0]));
	s->port = (struct mr_port){ .ops = &mr_synth_ops, .queues = conf->queues, .socket = SOCKET_ID_ANY };
	snprintf(s->port.name, sizeof(s->port.name), "%s", conf->name);
	rc = synth_start(s, conf, err);
	if (rc != 0) {
		synth_close(&s->port);
		return rc;
	}
	*ret_port = &s->port;
	return 0;
}

static inline void put64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* Two neighbours of 8 octets in a register. */
typedef uint64_t pair __attribute__((vector_size(16), aligned(8), may_alias));

_Static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, rearm_data) + 8 &&
		       offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4 &&
		       offsetof(struct rte_mbuf, vlan_tci) == offsetof(struct rte_mbuf, data_len) + 2,
	       "neighbours are written together");

/* All fields that a driver owes for a received packet; those of a free mbuf are right otherwise. */
static void fill(struct rte_mbuf **pkts, const uint32_t frame_len[], uint16_t n)
{
	const pair rearm_and_flags = { mr_mbuf_rearm(RTE_PKTMBUF_HEADROOM, 1, 1, RTE_MBUF_PORT_INVALID), 0 };

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = pkts[i];

		*(pair *)&m->rearm_data = rearm_and_flags;
		put64(&m->packet_type, (uint64_t)frame_len[i] << 32);
		put64(&m->data_len, frame_len[i]);
	}
}

static void stamp(const struct synth *s, struct rte_mbuf **pkts, const struct mr_traffic_batch *made,
		  uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		uint64_t ns = mr_traffic_time(s->traffic, made->number[i]);

		*mr_port_stamp(pkts[i]) = (struct mr_port_stamp){ .time_ns = ns, .clock_ns = ns };
	}
}

static uint16_t synth_rx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct synth *s = synth_of(port);
	struct synth_queue *q = &s->queues[queue];
	struct mr_traffic_batch made;
	uint64_t elapsed_ns = s->pace || s->by_clock ? mr_clock_mono_ns() - s->start_mono_ns : 0;
	uint64_t end = s->pace ? mr_traffic_due(s->traffic, elapsed_ns) : UINT64_MAX;
	uint16_t got;

	if (q->cursor.next >= end || !mr_mbuf_get_burst(s->pool, pkts, n))
		return 0;
	got = mr_traffic_burst(&q->cursor, (uint8_t *const *)pkts, &made, n, end,
			       s->by_clock ? elapsed_ns : MR_TRAFFIC_BY_NUMBER);
	fill(pkts, made.frame_len, got);
	if (port->flags & MR_PORT_HAS_TIME)
		stamp(s, pkts, &made, got);
	if (got < n)
		rte_mempool_put_bulk(s->pool, (void **)pkts + got, n - got);
	return got;
}

/* The other end of the wire is a sink. */
static uint16_t synth_tx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct synth_queue *q = &synth_of(port)->queues[queue];

	mr_mbuf_free_burst(pkts, n);
	__atomic_store_n(&q->sent, q->sent + n, __ATOMIC_RELAXED);
	return n;
}

uint64_t mr_synth_sent(const struct mr_port *port)
{
	const struct synth *s = (const struct synth *)port;
	uint64_t sent = 0;

	for (uint16_t q = 0; q < port->queues; q++)
		sent += __atomic_load_n(&s->queues[q].sent, __ATOMIC_RELAXED);
	return sent;
}

static bool synth_finished(const struct mr_port *port, uint16_t queue)
{
	return ((const struct synth *)port)->queues[queue].cursor.next == UINT64_MAX;
}

/* Nothing is ever lost: without a buffer the packet is made later. */
static void synth_stats(const struct mr_port *port, struct mr_port_stats *ret_stats)
{
	*ret_stats = (struct mr_port_stats){ 0 };
}

const struct mr_port_ops mr_synth_ops = {
	.kind = "synth",
	.help = "synth:flows=10k,new=1k,size=imix,...  generated traffic, the same for the same seed",
	.open = synth_open,
	.rx_burst = synth_rx_burst,
	.tx_burst = synth_tx_burst,
	.finished = synth_finished,
	.stats = synth_stats,
	.close = synth_close,
};
