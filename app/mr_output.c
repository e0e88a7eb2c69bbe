/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_output.h"

#include <unistd.h>

#include <rte_ring_elem.h>

#include "app/mr_time.h"
#include "flow/mr_flow_detail.h"

#define BURST	      64
#define TICK_NS	      (50 * MR_NS_PER_MS)
#define IDLE_SLEEP_US 200

static void note_lateness(struct mr_output *out, const struct mr_flow_rec *rec)
{
	mr_histogram_add(&out->late_ns, out->clock_ns > rec->due_ns ? out->clock_ns - rec->due_ns : 0);
}

static void count_exported(struct mr_output *out, uint64_t records, uint64_t packets)
{
	mr_counter_add(&out->counters, MR_C_EXPORTED, packets);
	mr_counter_add(&out->counters, MR_C_RECORDS_EXPORTED, records);
}

/* jsonl and summary take everything at once; of IPFIX alone only the exporter knows what became of a record.
 */
static bool is_local(const struct mr_output *out)
{
	return out->jsonl != NULL || out->summary != NULL;
}

void mr_output_set_totals(struct mr_output *out, const struct mr_ipfix_totals *totals)
{
	if (is_local(out))
		return;
	mr_counter_set(&out->counters, MR_C_EXPORTED, totals->exported_packets);
	mr_counter_set(&out->counters, MR_C_RECORDS_EXPORTED, totals->exported_flows);
	mr_counter_set(&out->counters, MR_C_EXPORT_REFUSED, totals->refused_packets);
	mr_counter_set(&out->counters, MR_C_RECORDS_NOT_SENT, totals->refused_flows);
}

static void hand_out(struct mr_output *out, const struct mr_flow_rec *recs, unsigned n)
{
	uint64_t packets = 0;

	for (unsigned i = 0; i < n; i++) {
		packets += recs[i].packets[0] + recs[i].packets[1];
		if (out->jsonl != NULL)
			mr_jsonl_put(out->jsonl, &recs[i]);
		if (out->summary != NULL)
			mr_summary_add(out->summary, &recs[i]);
	}
	if (out->ipfix != NULL)
		mr_ipfix_exporter_put(out->ipfix, recs, n, out->clock_ns);
	for (unsigned i = 0; i < n; i++)
		mr_flow_detail_give_back(recs[i].detail);
	if (is_local(out)) {
		count_exported(out, n, packets);
	} else if (out->ipfix == NULL) {
		mr_counter_add(&out->counters, MR_C_EXPORT_NONE, packets);
		mr_counter_add(&out->counters, MR_C_RECORDS_NOT_SENT, n);
	}
}

static void tick(struct mr_output *out)
{
	struct mr_ipfix_totals totals;

	mr_ipfix_exporter_tick(out->ipfix, out->clock_ns, &out->metering);
	mr_ipfix_exporter_totals(out->ipfix, &totals);
	mr_output_set_totals(out, &totals);
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
		unsigned n =
			rte_ring_sc_dequeue_burst_elem(out->rings[r], recs, sizeof(recs[0]), BURST, NULL);

		if (n == 0)
			continue;
		busy = true;
		if (out->clock_ns == 0) /* a capture's, which begins here */
			out->metering.start_ns = recs[0].due_ns;
		for (unsigned i = 0; i < n; i++) {
			if (out->capture_clock && out->clock_ns < recs[i].due_ns)
				out->clock_ns = recs[i].due_ns;
			else if (!out->capture_clock)
				note_lateness(out, &recs[i]);
		}
		hand_out(out, recs, n);
	}
	/* without a time no message can have its Export Time */
	if (out->ipfix != NULL && out->clock_ns != 0 && mono_ns >= out->next_tick_ns) {
		out->next_tick_ns = mono_ns + TICK_NS;
		tick(out);
	}
	return busy;
}

void mr_output_run(struct mr_output *out)
{
	while (__atomic_load_n(&out->stop, __ATOMIC_ACQUIRE) == 0)
		if (!mr_output_poll(out))
			usleep(IDLE_SLEEP_US);
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
