/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_bench.h"

#include <string.h>
#include <sys/utsname.h>

#include <jansson.h>

#include "base/mr_clock.h"

#ifdef __OPTIMIZE__
#define OPTIMIZED true
#else
#define OPTIMIZED false
#endif

/* What the compiler was allowed to use, as the levels of the x86-64 psABI call it. */
#if defined(__AVX512BW__)
#define TARGET "x86-64-v4"
#elif defined(__AVX2__)
#define TARGET "x86-64-v3"
#elif defined(__SSE4_2__)
#define TARGET "x86-64-v2"
#else
#define TARGET "baseline"
#endif

#define SHARE_LOW 0.9 /* below it somebody else was busy on our CPU */

char *mr_bench_count(uint64_t n, char buf[MR_BENCH_COUNT_MAX])
{
	const char *unit = "";

	if (n != 0 && n % 1000000 == 0) {
		n /= 1000000;
		unit = "M";
	} else if (n != 0 && n % 1000 == 0) {
		n /= 1000;
		unit = "k";
	}
	snprintf(buf, MR_BENCH_COUNT_MAX, "%lu%s", n, unit);
	return buf;
}

static void cpu_model(char *out, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(out, size, "unknown");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "model name", 10) == 0 && strchr(line, ':') != NULL) {
			snprintf(out, size, "%s", strchr(line, ':') + 2);
			out[strcspn(out, "\n")] = '\0';
			break;
		}
	if (f != NULL)
		fclose(f);
}

void mr_bench_machine_read(struct mr_bench_machine *m)
{
	struct utsname u;

	cpu_model(m->cpu, sizeof(m->cpu));
	if (uname(&u) == 0)
		snprintf(m->kernel, sizeof(m->kernel), "%s %s", u.sysname, u.release);
}

void mr_bench_print_machine(const struct mr_bench_machine *m, const struct mr_bench_effort *e, FILE *out)
{
	fprintf(out, "millrace " MR_VERSION " on %s, %u CPU%s, %s\n", m->cpu, m->cpus,
		m->cpus == 1 ? "" : "s", m->kernel);
	fprintf(out,
		"worker on CPU %d, exporter and collector on CPU %d; hugepages %s; time-stamp counter %.2f "
		"GHz\n",
		m->worker_cpu, m->exporter_cpu, m->hugepages ? "used" : "NOT used", m->tsc_ghz);
	fprintf(out, "built by " MR_COMPILER " for " TARGET ", " MR_BUILD_TYPE "\n");
	if (e->packets != 0)
		fprintf(out, "median of %u repetitions of %lu packets\n", e->repeat, e->packets);
	else
		fprintf(out, "median of %u repetitions of %lu ms\n", e->repeat, e->measure_ns / MR_NS_PER_MS);
	if (!OPTIMIZED)
		fprintf(out, "WARNING: built without optimisation, the figures mean nothing; use "
			     "`meson setup --buildtype=release`\n");
	if (m->worker_cpu == m->exporter_cpu)
		fprintf(out, "WARNING: one CPU for worker, exporter and collector: rows with new flows are "
			     "slower\n");
}

void mr_bench_print_head(FILE *out)
{
	fprintf(out, "\n%35s  ns per packet\n", "");
	fprintf(out, "%6s %6s %5s %4s | %6s %6s %6s %6s %6s | %6s %7s %6s | %9s %6s\n", "flows", "new/s",
		"size", "IP", "source", "decode", "worker", "own", "floor", "Mpps", "cycles", "ratio",
		"records/s", "lost");
}

static const char *family(const struct mr_bench_row *row)
{
	return row->ipv6_pct == 0 ? "4" : row->ipv6_pct == 100 ? "6" : "both";
}

static double own_ns(const struct mr_bench_result *r)
{
	return r->worker_ns - r->source_ns;
}

static uint64_t lost(const struct mr_bench_result *r)
{
	return r->account.lost + r->account.not_sent + r->account.not_metered;
}

static bool is_loss(int counter)
{
	enum mr_counter_class c = mr_counter_info[counter].class_;

	return c == MR_COUNTER_LOSS || c == MR_COUNTER_NOT_SENT || c == MR_COUNTER_NOT_METERED;
}

static void print_notes(const struct mr_bench_result *r, FILE *out)
{
	for (int i = 0; i < MR_C_MAX; i++)
		if (is_loss(i) && r->sum[i] != 0)
			fprintf(out, "       lost: %lu packets, %s\n", r->sum[i], mr_counter_info[i].help);
	if (r->udp_lost != 0)
		fprintf(out,
			"       lost: %lu records between exporter and collector, in the socket's buffer\n",
			r->udp_lost);
	if (r->sum[MR_C_FLOWS_EVICTED] != 0)
		fprintf(out, "       note: %lu flows ended early for lack of room in their buckets\n",
			r->sum[MR_C_FLOWS_EVICTED]);
	if (r->cpu_share < SHARE_LOW)
		fprintf(out,
			"       note: only %.0f %% of the CPU was ours: other programs made this slower\n",
			100 * r->cpu_share);
	if (!r->account.closes)
		fprintf(out, "       the account DOES NOT CLOSE: please report this as a bug\n");
}

void mr_bench_print_row(const struct mr_bench_machine *m, const struct mr_bench_row *row,
			const struct mr_bench_result *r, FILE *out)
{
	char flows[MR_BENCH_COUNT_MAX], new_[MR_BENCH_COUNT_MAX], size[MR_BENCH_COUNT_MAX] = "imix";

	if (row->size != 0)
		snprintf(size, sizeof(size), "%lu", row->size);
	fprintf(out, "%6s %6s %5s %4s | %6.1f %6.1f %6.1f %6.1f %6.1f | %6.2f %7.1f %6.2f | %9.0f %6lu\n",
		mr_bench_count(row->flows, flows), mr_bench_count(row->new_per_s, new_), size, family(row),
		r->source_ns, r->decode_ns, r->worker_ns, own_ns(r), r->floor_ns, 1000 / r->worker_ns,
		r->worker_ns * m->tsc_ghz, own_ns(r) / r->floor_ns, r->records_per_s, lost(r));
	print_notes(r, out);
}

void mr_bench_print_records(const struct mr_bench_records *r, FILE *out)
{
	fprintf(out, "\nrecords encoded and sent by one exporter, UDP, compat: %.2f M/s, %.0f ns each",
		r->records_per_s / 1e6, r->ns_per_record);
	fprintf(out,
		"; lost: %lu flows refused by the socket, %lu of %lu records in the collector's buffer\n",
		r->refused, r->udp_lost, r->records);
	fprintf(out, "\nsource: received and freed. decode: also decoded. worker: all, with metering and "
		     "ageing. own: worker\n"
		     "less source. floor: memory alone, one bucket and one record line a packet. ratio: own "
		     "to floor. cycles:\n"
		     "of the time-stamp counter, worker. Times are CPU time; records/s is what the collector "
		     "got.\n");
}

/* ---- JSON ---- */

static json_t *machine_json(const struct mr_bench_machine *m, const struct mr_bench_effort *e)
{
	return json_pack("{ss ss si si si sb sI sf ss ss ss sb si sI sI}", "cpu", m->cpu, "kernel", m->kernel,
			 "cpus", (int)m->cpus, "worker_cpu", m->worker_cpu, "exporter_cpu", m->exporter_cpu,
			 "hugepages", m->hugepages, "hugepages_free", (json_int_t)m->hugepages_free,
			 "tsc_ghz", m->tsc_ghz, "compiler", MR_COMPILER, "target", TARGET, "build_type",
			 MR_BUILD_TYPE, "optimized", OPTIMIZED, "repeat", (int)e->repeat, "packets",
			 (json_int_t)e->packets, "measure_ns", (json_int_t)e->measure_ns);
}

static json_t *losses_json(const struct mr_bench_result *r)
{
	json_t *o = json_object();

	for (int i = 0; i < MR_C_MAX; i++)
		if (is_loss(i) && r->sum[i] != 0)
			json_object_set_new(o, mr_counter_info[i].key, json_integer((json_int_t)r->sum[i]));
	return o;
}

static json_t *row_json(const struct mr_bench_machine *m, const struct mr_bench_row *row,
			const struct mr_bench_result *r)
{
	json_t *size = row->size == 0 ? json_string("imix") : json_integer((json_int_t)row->size);
	json_t *what = json_pack("{sI sI so ss}", "flows", (json_int_t)row->flows, "new_per_s",
				 (json_int_t)row->new_per_s, "size", size, "family", family(row));
	json_t *times =
		json_pack("{sf sf sf sf sf sf sf sf sf sf sf}", "source_ns", r->source_ns, "decode_ns",
			  r->decode_ns, "ns_per_packet", r->worker_ns, "ns_per_packet_min", r->worker_min_ns,
			  "ns_per_packet_max", r->worker_max_ns, "own_ns", own_ns(r), "floor_ns", r->floor_ns,
			  "own_to_floor", own_ns(r) / r->floor_ns, "cycles_per_packet",
			  r->worker_ns * m->tsc_ghz, "mpps", 1000 / r->worker_ns, "cpu_share", r->cpu_share);
	json_t *flows =
		json_pack("{sf sf sI sI sI so sI sb}", "created_per_s", r->created_per_s, "records_per_s",
			  r->records_per_s, "memory_per_flow", (json_int_t)r->memory_per_flow, "evicted",
			  (json_int_t)r->sum[MR_C_FLOWS_EVICTED], "lost", (json_int_t)lost(r), "lost_by",
			  losses_json(r), "udp_lost_records", (json_int_t)r->udp_lost, "account_closes",
			  r->account.closes);

	json_object_update(what, times);
	json_object_update(what, flows);
	json_decref(times);
	json_decref(flows);
	return what;
}

int mr_bench_print_json(const struct mr_bench_machine *m, const struct mr_bench_effort *effort,
			const struct mr_bench_row *rows, const struct mr_bench_result *results, unsigned n,
			const struct mr_bench_records *r, FILE *out)
{
	json_t *list = json_array(), *root;
	int rc;

	for (unsigned i = 0; i < n; i++)
		json_array_append_new(list, row_json(m, &rows[i], &results[i]));
	root = json_pack("{ss so so s{sf sf sI sI sI}}", "version", MR_VERSION, "machine",
			 machine_json(m, effort), "rows", list, "records", "ns_per_record", r->ns_per_record,
			 "records_per_s", r->records_per_s, "records", (json_int_t)r->records,
			 "refused_flows", (json_int_t)r->refused, "udp_lost_records",
			 (json_int_t)r->udp_lost);
	rc = root == NULL ? -1 : json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(root);
	return rc == 0 && fputc('\n', out) != EOF && fflush(out) == 0 ? 0 : -1;
}
