/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_output.h"

#include <rte_ring_elem.h>

#include "app/mr_time.h"

#define BURST        64
#define TICK_NS      (50 * MR_NS_PER_MS)

static void note_lateness(struct mr_output *out, const struct mr_flow_rec *rec)
{
	if (out->clock_ns > rec->due_ns && out->clock_ns - rec->due_ns > out->late_max_ns)
		out->late_max_ns = out->clock_ns - rec->due_ns;
}

static void hand_out(struct mr_output *out, const struct mr_flow_rec *recs, unsigned n)
{
	bool accepted[BURST] = { false };
	bool local = out->jsonl != NULL || out->summary != NULL;

	if (out->ipfix != NULL)
		mr_ipfix_exporter_put(out->ipfix, recs, n, out->clock_ns, accepted);
	for (unsigned i = 0; i < n; i++) {
		uint64_t packets = recs[i].packets[0] + recs[i].packets[1];

		if (out->jsonl != NULL)
			mr_jsonl_put(out->jsonl, &recs[i]);
		if (out->summary != NULL)
			mr_summary_add(out->summary, &recs[i]);
		if (accepted[i] || local) {
			mr_counter_add(&out->counters, MR_C_EXPORTED, packets);
			mr_counter_add(&out->counters, MR_C_RECORDS_EXPORTED, 1);
		} else {
			mr_counter_add(&out->counters, out->ipfix == NULL ? MR_C_EXPORT_NONE : MR_C_EXPORT_REFUSED, packets);
			mr_counter_add(&out->counters, MR_C_RECORDS_NOT_SENT, 1);
		}
	}
}

bool mr_output_poll(struct mr_output *out)
{
	struct mr_flow_rec recs[BURST];
	uint64_t mono_ns = mr_clock_mono_ns();
	bool busy = false;

	__atomic_store_n(&out->heartbeat, out->heartbeat + 1, __ATOMIC_RELAXED);
	if (!out->capture_clock)
		out->clock_ns = mr_time_utc_ns();
	for (unsigned r = 0; r < out->n_rings; r++) {
		unsigned n = rte_ring_sc_dequeue_burst_elem(out->rings[r], recs, sizeof(recs[0]), BURST, NULL);

		if (n == 0)
			continue;
		busy = true;
		for (unsigned i = 0; i < n; i++) {
			if (out->capture_clock && out->clock_ns < recs[i].due_ns)
				out->clock_ns = recs[i].due_ns;
			else if (!out->capture_clock)
				note_lateness(out, &recs[i]);
		}
		hand_out(out, recs, n);
	}
	if (out->ipfix != NULL && mono_ns >= out->next_tick_ns) {
		out->next_tick_ns = mono_ns + TICK_NS;
		mr_ipfix_exporter_tick(out->ipfix, out->clock_ns, &out->metering);
	}
	return busy;
}

void mr_output_make_room(void *out)
{
	mr_output_poll(out);
}

bool mr_output_idle(const struct mr_output *out)
{
	for (unsigned r = 0; r < out->n_rings; r++)
		if (rte_ring_count(out->rings[r]) != 0)
			return false;
	return true;
}
