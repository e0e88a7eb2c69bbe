/* SPDX-License-Identifier: Apache-2.0 */
#define ALLOW_EXPERIMENTAL_API /* rte_ring_peek_zc.h, in DPDK since 20.11 */
#include "app/mr_worker.h"

#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_ring_peek_zc.h>

#include "app/mr_time.h"
#include "drivers/mr_mbuf.h"
#include "flow/mr_flow_detail.h"

#define CLOCK_ROUNDS  4
#define PLACE_AHEAD   4	   /* records whose memory in the ring is asked for in advance */
#define AGE_RECORDS   64   /* per round: bounds how long a mass expiry keeps the worker from its ports */
#define DRAIN_RECORDS 1024 /* per round */

/* The table builds its records in the ring, as long as there is room. */
static struct mr_flow_rec *place(void *ctx)
{
	struct mr_worker *w = ctx;
	struct rte_ring_zc_data zc;

	w->placed = NULL;
	if (likely(rte_ring_enqueue_zc_bulk_elem_start(w->records, sizeof(*w->placed), 1, &zc, &w->room) ==
		   1)) {
		w->placed = zc.ptr1;
		for (unsigned i = 0; i < sizeof(*w->placed); i += RTE_CACHE_LINE_SIZE)
			rte_prefetch0_write((uint8_t *)(w->placed + PLACE_AHEAD) + i);
	}
	return w->placed;
}

/* Takes records from the table. */
static void emit(void *ctx, const struct mr_flow_rec *rec)
{
	struct mr_worker *w = ctx;

	if (likely(rec == w->placed)) {
		rte_ring_enqueue_zc_elem_finish(w->records, 1);
		return;
	}
	while (unlikely(rte_ring_sp_enqueue_elem(w->records, (void *)(uintptr_t)rec, sizeof(*rec)) != 0)) {
		/* with packets waiting at a port there is no time to wait for the exporter */
		if (!w->capture_clock && mr_worker_state_get(w) != MR_WORKER_DRAIN) {
			mr_counter_add(&w->counters, MR_C_EXPORT_RING_FULL,
				       rec->packets[0] + rec->packets[1]);
			mr_counter_add(&w->counters, MR_C_RECORDS_NOT_SENT, 1);
			mr_flow_detail_give_back(rec->detail);
			return;
		}
		if (w->make_room != NULL)
			w->make_room(w->make_room_ctx);
		else
			rte_pause();
	}
}

static int fill(struct mr_worker *w, const struct mr_flow_conf *flow, struct mr_err *err)
{
	struct mr_flow_conf conf = *flow;
	char name[RTE_RING_NAMESIZE];

	w->id = flow->worker;
	w->packet = flow->packet;
	for (unsigned i = 0; i < RTE_DIM(w->burst) && w->packet.tunnel_key != MR_TUNNEL_KEY_OUTER; i++)
		w->burst[i].batch.tunnels = w->burst[i].scratch.tunnel;
	snprintf(name, sizeof(name), "mr_records_%u", w->id);
	w->records = rte_ring_create_elem(name, sizeof(struct mr_flow_rec), MR_WORKER_RING, flow->socket,
					  RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (w->records == NULL)
		return mr_err_set(err, rte_errno, "no memory for the record ring of worker %u: %s", w->id,
				  rte_strerror(rte_errno));
	w->room = rte_ring_free_count(w->records);
	conf.max_details = MR_WORKER_DETAILS;
	conf.emit = emit;
	conf.place = place;
	conf.emit_ctx = w;
	conf.counters = &w->counters;
	return mr_flow_table_new(&conf, &w->table, err);
}

int mr_worker_new(const struct mr_flow_conf *flow, struct mr_worker **ret_worker, struct mr_err *err)
{
	struct mr_worker *w = rte_zmalloc_socket("mr_worker", sizeof(*w), RTE_CACHE_LINE_SIZE, flow->socket);
	int rc;

	if (w == NULL)
		return mr_err_set(err, ENOMEM, "no memory for worker %u", flow->worker);
	rc = fill(w, flow, err);
	if (rc < 0) {
		mr_worker_free(w);
		return rc;
	}
	*ret_worker = w;
	return 0;
}

/* Of records that nobody took. */
static void give_details_back(struct mr_worker *w)
{
	struct mr_flow_rec rec;

	while (w->records != NULL && rte_ring_sc_dequeue_elem(w->records, &rec, sizeof(rec)) == 0)
		mr_flow_detail_give_back(rec.detail);
}

void mr_worker_close(struct mr_worker *w)
{
	if (w == NULL)
		return;
	give_details_back(w);
	mr_flow_table_free(w->table);
	w->table = NULL;
	rte_ring_free(w->records);
	w->records = NULL;
}

void mr_worker_free(struct mr_worker *w)
{
	mr_worker_close(w);
	rte_free(w);
}

static void set_times(struct mr_worker *w, struct mr_worker_burst *b)
{
	uint16_t n = b->batch.n;

	if (!(b->rx->port->flags & MR_PORT_HAS_TIME)) {
		for (uint16_t i = 0; i < n; i++)
			b->pkts[i].time_ns = b->pkts[i].clock_ns = w->clock_ns;
		return;
	}
	for (uint16_t i = 0; i < n; i++) {
		const struct mr_port_stamp *stamp = mr_port_stamp(b->mbufs[i]);

		b->pkts[i].time_ns = stamp->time_ns;
		b->pkts[i].clock_ns = stamp->clock_ns;
	}
	if (w->clock_ns < b->pkts[n - 1].clock_ns)
		w->clock_ns = b->pkts[n - 1].clock_ns;
}

static void forward(struct mr_worker *w, const struct mr_worker_rx *rx, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent = rx->peer->ops->tx_burst(rx->peer, rx->queue, mbufs, n);

	mr_counter_add(&w->counters, MR_C_FORWARDED, sent);
	if (unlikely(sent < n)) {
		mr_counter_add(&w->counters, MR_C_FORWARD_FAILED, (uint64_t)(n - sent));
		mr_mbuf_free_burst(mbufs + sent, (unsigned)(n - sent));
	}
}

/* The last stage of a burst, if there is one. */
static void finish(struct mr_worker *w, struct mr_worker_burst *b)
{
	uint16_t n = b->batch.n;

	if (n == 0)
		return;
	mr_flow_meter(w->table, b->pkts, &b->batch);
	w->metered_clock_ns = RTE_MAX(w->metered_clock_ns, b->pkts[n - 1].clock_ns);
	if (b->rx->peer != NULL)
		forward(w, b->rx, b->mbufs, n);
	else
		mr_mbuf_free_burst(b->mbufs, n);
	b->batch.n = 0;
}

/*
 * Take a burst through its first stages and the one before through its last, in turns: so the memory that
 * each stage needs has the time of another burst's stage to arrive.
 */
static uint16_t receive(struct mr_worker *w, struct mr_worker_rx *rx)
{
	struct mr_worker_burst *b = &w->burst[w->turn];
	struct mr_port *port = rx->port;
	uint16_t n = mr_port_rx_burst(port, rx->queue, b->mbufs, MR_WORKER_BURST);

	if (n == 0)
		return 0;
	b->rx = rx;
	b->batch.n = n;
	mr_packet_decode_burst(&w->packet, b->mbufs, n, rx->port_id, (port->flags & MR_PORT_HAS_LINK) != 0,
			       &b->scratch, b->pkts);
	set_times(w, b);
	mr_flow_fetch(w->table, b->pkts, &b->batch);
	w->turn = !w->turn;
	finish(w, &w->burst[w->turn]);
	mr_flow_look_up(w->table, b->pkts, &b->batch);
	return n;
}

void mr_worker_flush(struct mr_worker *w)
{
	finish(w, &w->burst[!w->turn]);
	w->metered_clock_ns = w->clock_ns;
}

/* True when every port has ended for good. */
static bool all_finished(struct mr_worker *w)
{
	for (unsigned i = 0; i < w->n_rx; i++) {
		struct mr_worker_rx *rx = &w->rx[i];

		if (!(rx->port->flags & MR_PORT_FINITE) || !rx->port->ops->finished(rx->port, rx->queue))
			return false;
		if (!rx->finished && rx->port->end_clock_ns > w->clock_ns)
			w->clock_ns = rx->port->end_clock_ns;
		rx->finished = true;
	}
	return true;
}

/* Flows that have ended can wait in the table for an exporter that is behind, within the second that they
 * have. */
static bool has_to_wait(struct mr_worker *w)
{
	if (likely(w->room >= MR_WORKER_RING / 4) || w->capture_clock)
		return false;
	w->room = rte_ring_free_count(w->records);
	return w->room < MR_WORKER_RING / 4 && w->metered_clock_ns - w->aged_clock_ns < MR_NS_PER_S / 2;
}

/* Returns false when there is more to do. */
static bool age(struct mr_worker *w)
{
	bool aged;

	if (has_to_wait(w))
		return false;
	w->aged_clock_ns = w->metered_clock_ns;
	do
		aged = mr_flow_age(w->table, w->metered_clock_ns, AGE_RECORDS);
	while (!aged && w->capture_clock);
	return aged;
}

/*
 * Once a round; once in CLOCK_ROUNDS while ports give whole bursts: those packets have waited for longer in
 * their queues than the rounds in between take.
 */
static void read_clock(struct mr_worker *w, unsigned got_before)
{
	if (got_before >= MR_WORKER_BURST && ++w->clock_rounds < CLOCK_ROUNDS)
		return;
	w->clock_rounds = 0;
	w->clock_ns = mr_time_utc_ns();
}

static bool run(struct mr_worker *w)
{
	unsigned got = 0;
	bool aged;

	if (!w->capture_clock)
		read_clock(w, w->got);
	for (unsigned i = 0; i < w->n_rx; i++)
		got += receive(w, &w->rx[i]);
	w->got = got;
	if (got == 0)
		mr_worker_flush(w);
	aged = age(w);
	if (got == 0 && all_finished(w))
		mr_worker_state_set(w, MR_WORKER_DRAIN);
	return got != 0 || !aged;
}

bool mr_worker_poll(struct mr_worker *w)
{
	__atomic_store_n(&w->heartbeat, w->heartbeat + 1, __ATOMIC_RELAXED);
	switch (mr_worker_state_get(w)) {
	case MR_WORKER_RUN:
		return run(w);
	case MR_WORKER_DRAIN:
		if (!w->capture_clock)
			w->clock_ns = mr_time_utc_ns();
		mr_worker_flush(w);
		if (mr_flow_drain(w->table, w->clock_ns, DRAIN_RECORDS))
			mr_worker_state_set(w, MR_WORKER_DONE);
		return true;
	case MR_WORKER_DONE:
		break;
	}
	return false;
}
