/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/replay/mr_replay_index.h"

#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "drivers/replay/mr_replay_spread.h"

#define INDEX_READ_BURST 64

/* ---- time ---- */

void mr_replay_timeline_init(struct mr_replay_timeline *t, const struct mr_replay_conf *conf)
{
	*t = (struct mr_replay_timeline){ .rate_pps = conf->rate_pps, .timing = conf->timing, .min_ns = UINT64_MAX };
}

/* When packet number @p n is due. */
static uint64_t timeline_due(const struct mr_replay_timeline *t, uint64_t n)
{
	return n / t->rate_pps * MR_NS_PER_S + n % t->rate_pps * MR_NS_PER_S / t->rate_pps;
}

static uint64_t timeline_paced(const struct mr_replay_timeline *t, uint32_t ahead, uint64_t captured_ns)
{
	if (t->rate_pps != 0)
		return timeline_due(t, t->packets + ahead);
	return captured_ns > t->first_ns ? captured_ns - t->first_ns : 0;
}

void mr_replay_entries_make(struct mr_replay_timeline *t, const struct mr_capture_packet *pkts, uint32_t count,
			    struct mr_replay_entry *ret)
{
	const bool captured = t->rate_pps == 0 && !t->timing;
	uint64_t min_ns = t->min_ns, clock_ns = t->clock_ns;

	if (t->packets == 0 && count != 0)
		t->first_ns = pkts[0].time_ns;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t time_ns = captured ? pkts[i].time_ns : timeline_paced(t, i, pkts[i].time_ns);

		min_ns = time_ns < min_ns ? time_ns : min_ns;
		clock_ns = time_ns > clock_ns ? time_ns : clock_ns;
		ret[i].data = pkts[i].data;
		ret[i].time_ns = time_ns;
		ret[i].clock_ns = clock_ns;
		ret[i].wire_len = pkts[i].wire_len;
		ret[i].cap_len = pkts[i].cap_len < UINT16_MAX ? (uint16_t)pkts[i].cap_len : UINT16_MAX;
		ret[i].link = pkts[i].link;
		ret[i].l3_off = MR_REPLAY_NO_L3;
	}
	t->packets += count;
	t->min_ns = min_ns;
	t->clock_ns = clock_ns;
}

uint64_t mr_replay_round_ns(const struct mr_replay_timeline *t)
{
	if (t->packets == 0)
		return 0;
	return t->rate_pps != 0 ? timeline_due(t, t->packets) : t->clock_ns - t->min_ns + MR_NS_PER_S;
}

/* ---- index ---- */

/** The index while it is made: all packets in the order of the source. */
struct index_work {
	struct mr_replay_entry *entries;
	uint16_t *queue_of; /* NULL with one queue */
	size_t count, cap;
	bool decode;
	struct mr_replay_spread spread; /* in use when decode */
	uint16_t shift_cap_max;
};

static int index_grow(struct index_work *w, bool queues, struct mr_err *err)
{
	size_t cap = w->cap == 0 ? 4096 : 2 * w->cap;
	void *p;

	if (w->cap - w->count >= INDEX_READ_BURST)
		return 0;
	p = realloc(w->entries, cap * sizeof(*w->entries));
	if (p == NULL)
		goto fail;
	w->entries = p;
	if (queues) {
		p = realloc(w->queue_of, cap * sizeof(*w->queue_of));
		if (p == NULL)
			goto fail;
		w->queue_of = p;
	}
	w->cap = cap;
	return 0;
fail:
	return mr_err_set(err, ENOMEM, "replay: no memory to index more than %zu packets; use one queue and no loop",
			  w->count);
}

static void index_decode(struct index_work *w, size_t number)
{
	struct mr_replay_entry *e = &w->entries[number];
	struct mr_tunnel tunnel;
	struct mr_packet pkt;

	mr_packet_decode(&w->spread.packet, e->data, e->cap_len, e->wire_len, (enum mr_link)e->link, 0,
			 &tunnel, &pkt);
	if (w->spread.shift && !pkt.not_metered && pkt.l3_off < MR_REPLAY_NO_L3) {
		e->l3_off = (uint8_t)pkt.l3_off;
		if (e->cap_len > w->shift_cap_max)
			w->shift_cap_max = e->cap_len;
	}
	if (w->queue_of != NULL)
		mr_replay_spread_packet(&w->spread, &pkt, &tunnel, e->clock_ns, number, w->queue_of);
}

static int index_read(struct index_work *w, struct mr_capture *capture, struct mr_replay_timeline *timeline,
		      uint16_t queues, struct mr_err *err)
{
	struct mr_capture_packet pkts[INDEX_READ_BURST];
	uint32_t n;
	int rc;

	do {
		rc = index_grow(w, queues > 1, err);
		if (rc != 0)
			return rc;
		n = mr_capture_read(capture, pkts, INDEX_READ_BURST);
		mr_replay_entries_make(timeline, pkts, n, &w->entries[w->count]);
		for (uint32_t i = 0; w->decode && i < n; i++)
			index_decode(w, w->count + i);
		w->count += n;
	} while (n != 0);
	return 0;
}

/* Sort by queue, keeping the order within each. */
static int index_sort(struct index_work *w, uint16_t queues, struct mr_replay_index *index, struct mr_err *err)
{
	size_t *first = index->first, at = 0;
	struct mr_replay_entry *sorted;

	first[queues] = w->count;
	if (queues == 1)
		return 0;
	sorted = malloc((w->count + 1) * sizeof(*sorted));
	if (sorted == NULL)
		return mr_err_set(err, ENOMEM, "replay: no memory to sort %zu packets by queue; use one queue", w->count);
	for (size_t i = 0; i < w->count; i++)
		first[w->queue_of[i]]++;
	for (uint16_t q = 0; q < queues; q++) {
		size_t n = first[q];

		first[q] = at;
		at += n;
	}
	for (size_t i = 0; i < w->count; i++)
		sorted[first[w->queue_of[i]]++] = w->entries[i];
	/* each first is now the next one's */
	memmove(first + 1, first, (queues - 1u) * sizeof(*first));
	first[0] = 0;
	free(w->entries);
	w->entries = sorted;
	return 0;
}

int mr_replay_index_build(struct mr_capture *capture, struct mr_replay_timeline *timeline, uint16_t queues,
			  bool shift, const struct mr_packet_conf *packet, struct mr_replay_index *ret_index,
			  struct mr_err *err)
{
	struct index_work w = { .decode = queues > 1 || shift };
	struct mr_replay_index index = { .first = calloc(queues + 1u, sizeof(*index.first)) };
	int rc;

	if (index.first == NULL)
		return mr_err_set(err, ENOMEM, "replay: no memory for %u queues", queues);
	rc = w.decode ? mr_replay_spread_init(&w.spread, packet, queues, shift, err) : 0;
	if (rc == 0)
		rc = index_read(&w, capture, timeline, queues, err);
	if (rc == 0)
		rc = index_sort(&w, queues, &index, err);
	mr_replay_spread_free(&w.spread);
	free(w.queue_of);
	index.entries = w.entries;
	index.shift_cap_max = w.shift_cap_max;
	if (rc != 0) {
		mr_replay_index_free(&index);
		return rc;
	}
	*ret_index = index;
	return 0;
}

void mr_replay_index_free(struct mr_replay_index *index)
{
	free(index->entries);
	free(index->first);
	*index = (struct mr_replay_index){ 0 };
}
