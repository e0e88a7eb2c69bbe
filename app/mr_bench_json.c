/* SPDX-License-Identifier: Apache-2.0 */
/* The benchmark's report for programs. Keys are there in every row; null where a row has no such figure. */
#include <jansson.h>

#include "app/mr_bench.h"
#include "app/mr_bench_build.h"
#include "base/mr_cpu.h"

static const char *const kinds[MR_BENCH_KIND_MAX] = {
	[MR_BENCH_STEADY] = "steady",
	[MR_BENCH_FLOOD] = "flood",
	[MR_BENCH_NET_PCAP] = "net_pcap",
	[MR_BENCH_DEVICE] = "device",
};

static json_t *number_or_null(bool there, uint64_t n)
{
	return there ? json_integer((json_int_t)n) : json_null();
}

static json_t *machine_json(const struct mr_bench_machine *m, const struct mr_bench_effort *e)
{
	return json_pack("{ss ss si si si sb sI sf ss ss ss ss sb si sI sI}", "cpu", m->cpu, "kernel",
			 m->kernel, "cpus", (int)m->cpus, "worker_cpu", m->worker_cpu, "exporter_cpu",
			 m->exporter_cpu, "hugepages", m->hugepages, "hugepages_free",
			 (json_int_t)m->hugepages_free, "tsc_ghz", m->tsc_ghz, "compiler", MR_COMPILER,
			 "target", MR_BENCH_TARGET, "decode", mr_cpu_level_name(mr_cpu_level()), "build_type",
			 MR_BUILD_TYPE, "optimized", MR_BENCH_OPTIMIZED, "repeat", (int)e->repeat, "packets",
			 (json_int_t)e->packets, "measure_ns", (json_int_t)e->measure_ns);
}

static json_t *losses_json(const struct mr_bench_result *r)
{
	json_t *o = json_object();

	for (int i = 0; i < MR_C_MAX; i++)
		if (mr_bench_counts_loss(i) && r->sum[i] != 0)
			json_object_set_new(o, mr_counter_info[i].key, json_integer((json_int_t)r->sum[i]));
	return o;
}

static json_t *traffic_json(const struct mr_bench_row *row, uint64_t flows, uint64_t frame)
{
	return json_pack("{ss ss? sI sI so ss}", "kind", kinds[row->kind], "device", row->device, "flows",
			 (json_int_t)flows, "new_per_s", (json_int_t)row->new_per_s, "size",
			 frame == 0 ? json_string("imix") : json_integer((json_int_t)frame), "family",
			 mr_bench_family(row));
}

static json_t *times_json(const struct mr_bench_machine *m, const struct mr_bench_result *r)
{
	return json_pack("{sf sf sf sf sf sf sf sf sf sf sf}", "source_ns", r->source_ns, "decode_ns",
			 r->decode_ns, "ns_per_packet", r->worker_ns, "ns_per_packet_min", r->worker_min_ns,
			 "ns_per_packet_max", r->worker_max_ns, "own_ns", mr_bench_own_ns(r), "floor_ns",
			 r->floor_ns, "own_to_floor", mr_bench_own_ns(r) / r->floor_ns, "cycles_per_packet",
			 r->worker_ns * m->tsc_ghz, "mpps", 1000 / r->worker_ns, "cpu_share", r->cpu_share);
}

static json_t *flows_json(const struct mr_bench_row *row, const struct mr_bench_result *r)
{
	bool any = mr_histogram_total(&r->late) != 0, flood = row->kind == MR_BENCH_FLOOD;

	return json_pack("{so sf sf so so so sI sI so so sI so sI sb}", "idle_timeout_ns",
			 number_or_null(row->new_per_s != 0, r->idle_ns), "created_per_s", r->created_per_s,
			 "records_per_s", r->records_per_s, "late_p50_ns",
			 number_or_null(any, mr_histogram_quantile(&r->late, 0.5)), "late_p99_ns",
			 number_or_null(any, mr_histogram_quantile(&r->late, 0.99)), "late_max_ns",
			 number_or_null(any, mr_histogram_quantile(&r->late, 1)), "memory_per_flow",
			 (json_int_t)r->memory_per_flow, "evicted", (json_int_t)r->sum[MR_C_FLOWS_EVICTED],
			 "established", number_or_null(flood, r->established), "survived",
			 number_or_null(flood, r->survived), "lost", (json_int_t)mr_bench_lost(r), "lost_by",
			 losses_json(r), "udp_lost_records", (json_int_t)r->udp_lost, "account_closes",
			 r->account.closes);
}

/* Move all that is in @p from into @p what. */
static void merge(json_t *what, json_t *from)
{
	json_object_update(what, from);
	json_decref(from);
}

static json_t *rows_json(const struct mr_bench_report *rep)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rep->rows->n; i++) {
		const struct mr_bench_row *row = &rep->rows->row[i];
		const struct mr_bench_result *r = &rep->results[i];
		json_t *o = traffic_json(row, r->flows, mr_bench_frame(row, r));

		merge(o, times_json(rep->machine, r));
		merge(o, flows_json(row, r));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *skipped_json(const struct mr_bench_report *rep)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < rep->skipped->n; i++) {
		const struct mr_bench_row *row = &rep->skipped->row[i];
		json_t *o = traffic_json(row, row->flows, row->size);

		json_object_set_new(o, "memory",
				    json_integer((json_int_t)mr_bench_row_memory(row, rep->effort)));
		json_array_append_new(list, o);
	}
	return list;
}

int mr_bench_print_json(const struct mr_bench_report *rep, FILE *out)
{
	const struct mr_bench_records *r = rep->records;
	json_t *root =
		json_pack("{ss so so so s{sf sf sI sI sI}}", "version", MR_VERSION, "machine",
			  machine_json(rep->machine, rep->effort), "rows", rows_json(rep), "skipped",
			  skipped_json(rep), "records", "ns_per_record", r->ns_per_record, "records_per_s",
			  r->records_per_s, "records", (json_int_t)r->records, "refused_flows",
			  (json_int_t)r->refused, "udp_lost_records", (json_int_t)r->udp_lost);
	int rc = root == NULL ? -1 : json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));

	json_decref(root);
	return rc == 0 && fputc('\n', out) != EOF && fflush(out) == 0 ? 0 : -1;
}
