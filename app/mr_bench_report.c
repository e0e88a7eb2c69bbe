/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_bench.h"

#include <string.h>
#include <sys/utsname.h>

#include "app/mr_bench_build.h"
#include "base/mr_clock.h"
#include "base/mr_cpu.h"

#define SHARE_LOW   0.9 /* below it somebody else was busy on our CPU */
#define CREATED_OFF 0.1 /* of the new flows asked for */
#define FCS_OCTETS  4

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
	fprintf(out, "built by " MR_COMPILER " for " MR_BENCH_TARGET ", " MR_BUILD_TYPE "; decode: %s\n",
		mr_cpu_level_name(mr_cpu_level()));
	if (e->packets != 0)
		fprintf(out, "median of %u repetitions of %lu packets\n", e->repeat, e->packets);
	else
		fprintf(out, "median of %u repetitions of %lu ms\n", e->repeat, e->measure_ns / MR_NS_PER_MS);
	if (!MR_BENCH_OPTIMIZED)
		fprintf(out, "WARNING: built without optimisation, the figures mean nothing; use "
			     "`meson setup --buildtype=release`\n");
	if (m->worker_cpu == m->exporter_cpu)
		fprintf(out, "WARNING: one CPU for worker, exporter and collector: rows with new flows are "
			     "slower\n");
}

void mr_bench_print_head(FILE *out)
{
	fprintf(out, "\n%35s  ns per packet\n", "");
	fprintf(out, "%6s %6s %5s %4s | %6s %6s %6s %6s %6s | %6s %7s %6s %6s | %9s %6s\n", "flows", "new/s",
		"size", "IP", "source", "decode", "worker", "own", "floor", "Mpps", "cycles", "ratio",
		"B/flow", "records/s", "lost");
}

const char *mr_bench_family(const struct mr_bench_row *row)
{
	if (row->kind == MR_BENCH_DEVICE)
		return "any";
	return row->ipv6_pct == 0 ? "4" : row->ipv6_pct == 100 ? "6" : "both";
}

double mr_bench_own_ns(const struct mr_bench_result *r)
{
	return r->worker_ns - r->source_ns;
}

uint64_t mr_bench_lost(const struct mr_bench_result *r)
{
	return r->account.lost + r->account.not_sent + r->account.not_metered;
}

uint64_t mr_bench_frame(const struct mr_bench_row *row, const struct mr_bench_result *r)
{
	uint64_t packets = r->sum[MR_C_RECEIVED];

	if (row->kind != MR_BENCH_DEVICE)
		return row->size;
	return packets == 0 ? 0 : r->sum[MR_C_RECEIVED_OCTETS] / packets + FCS_OCTETS;
}

bool mr_bench_counts_loss(int counter)
{
	enum mr_counter_class c = mr_counter_info[counter].class_;

	return c == MR_COUNTER_LOSS || c == MR_COUNTER_NOT_SENT || c == MR_COUNTER_NOT_METERED;
}

static void print_kind(const struct mr_bench_row *row, const struct mr_bench_result *r, FILE *out)
{
	switch (row->kind) {
	case MR_BENCH_FLOOD:
		fprintf(out,
			"       SYN flood, every packet a new flow: %lu of %lu established flows survived "
			"(%.2f %%)\n",
			r->survived, r->established, 100 * (double)r->survived / (double)r->established);
		break;
	case MR_BENCH_NET_PCAP:
		fprintf(out,
			"       source: DPDK's net_pcap, infinite_rx, a capture of as many UDP packets\n");
		break;
	case MR_BENCH_DEVICE:
		fprintf(out, "       source: %s\n", row->device);
		break;
	case MR_BENCH_STEADY:
	case MR_BENCH_KIND_MAX:
		break;
	}
}

static double late_ms(const struct mr_bench_result *r, double share)
{
	return (double)mr_histogram_quantile(&r->late, share) / MR_NS_PER_MS;
}

static void print_new_flows(const struct mr_bench_row *row, const struct mr_bench_result *r, FILE *out)
{
	if (mr_histogram_total(&r->late) != 0)
		fprintf(out,
			"       records left %.1f ms after they were due (median; 99 %% %.1f, maximum %.1f)\n",
			late_ms(r, 0.5), late_ms(r, 0.99), late_ms(r, 1));
	if (row->new_per_s == 0)
		return;
	if (r->created_per_s < (1 - CREATED_OFF) * (double)row->new_per_s)
		fprintf(out, "       note: %.0f new flows a second are all that this CPU takes\n",
			r->created_per_s);
	else if (r->created_per_s > (1 + CREATED_OFF) * (double)row->new_per_s)
		fprintf(out,
			"       note: %.0f new flows a second: the worker got slower, by other programs, and old flows ended between packets\n",
			r->created_per_s);
}

static void print_losses(const struct mr_bench_result *r, FILE *out)
{
	for (int i = 0; i < MR_C_MAX; i++)
		if (mr_bench_counts_loss(i) && r->sum[i] != 0)
			fprintf(out, "       lost: %lu packets, %s\n", r->sum[i], mr_counter_info[i].help);
	if (r->udp_lost != 0)
		fprintf(out,
			"       note: %lu records were sent and then dropped by the kernel at the bench's own "
			"collector\n",
			r->udp_lost);
}

static void print_notes(const struct mr_bench_result *r, FILE *out)
{
	if (r->sum[MR_C_FLOWS_EVICTED] != 0)
		fprintf(out, "       note: %lu flows ended early for lack of room\n",
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
	uint64_t frame = mr_bench_frame(row, r);

	if (frame != 0)
		snprintf(size, sizeof(size), "%lu", frame);
	mr_bench_count(row->new_per_s, new_);
	fprintf(out,
		"%6s %6s %5s %4s | %6.1f %6.1f %6.1f %6.1f %6.1f | %6.2f %7.1f %6.2f %6lu | %9.0f %6lu\n",
		mr_bench_count(r->flows, flows), row->kind == MR_BENCH_FLOOD ? "all" : new_, size,
		mr_bench_family(row), r->source_ns, r->decode_ns, r->worker_ns, mr_bench_own_ns(r),
		r->floor_ns, 1000 / r->worker_ns, r->worker_ns * m->tsc_ghz, mr_bench_own_ns(r) / r->floor_ns,
		r->memory_per_flow, r->records_per_s, mr_bench_lost(r));
	print_kind(row, r, out);
	print_new_flows(row, r, out);
	print_losses(r, out);
	print_notes(r, out);
}

void mr_bench_print_records(const struct mr_bench_records *r, FILE *out)
{
	fprintf(out, "\nrecords encoded and sent by one exporter, UDP, compat: %.2f M/s, %.0f ns each",
		r->records_per_s / 1e6, r->ns_per_record);
	fprintf(out,
		"; %lu flows refused by the socket, %lu of %lu records dropped by the kernel at the collector\n",
		r->refused, r->udp_lost, r->records);
	fprintf(out,
		"\nsource: received and freed. decode: also decoded. worker: all, with metering and "
		"ageing. own: worker\n"
		"less source. floor: memory alone, one bucket and one record line a packet. ratio: own "
		"to floor. cycles:\n"
		"of the time-stamp counter, worker. B/flow: memory of the table. Times are CPU time, also the "
		"second of new/s\n"
		"and records/s, which is what the collector got. lost: packets that Millrace lost.\n");
}
