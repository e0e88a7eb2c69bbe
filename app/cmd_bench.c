/* SPDX-License-Identifier: Apache-2.0 */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "app/mr_bench.h"
#include "app/mr_command.h"
#include "app/mr_eal.h"
#include "app/mr_options.h"
#include "app/mr_time.h"
#include "drivers/port.h"

#define SECONDS_MAX 60
#define MEMORY_MB   128 /* EAL's own: buffers, ring */
#define IDLE_NS	    MR_NS_PER_S
#define MEASURE_NS  (MR_NS_PER_S / 4)
#define QUICK_NS    (5 * MR_NS_PER_MS)

struct bench {
	struct mr_bench_choice choice;
	struct mr_bench_effort effort;
	struct mr_bench_rows rows, skipped;
	struct mr_bench_result results[MR_BENCH_ROWS_MAX];
	unsigned at; /* the row being measured */
	struct mr_bench_records records;
	struct mr_bench_machine machine;
	bool json, progress, pci;
};

enum {
	OPT_FLOWS = 256,
	OPT_NEW,
	OPT_SIZE,
	OPT_FAMILY,
	OPT_MATRIX,
	OPT_TARGETS,
	OPT_FLOOD,
	OPT_NET_PCAP,
	OPT_DEVICE,
	OPT_IDLE,
	OPT_PACKETS,
	OPT_SECONDS,
	OPT_REPEAT,
	OPT_QUICK,
	OPT_JSON
};

static const struct option options[] = {
	{ "flows", required_argument, NULL, OPT_FLOWS },
	{ "new", required_argument, NULL, OPT_NEW },
	{ "size", required_argument, NULL, OPT_SIZE },
	{ "family", required_argument, NULL, OPT_FAMILY },
	{ "matrix", no_argument, NULL, OPT_MATRIX },
	{ "targets", no_argument, NULL, OPT_TARGETS },
	{ "flood", no_argument, NULL, OPT_FLOOD },
	{ "net-pcap", no_argument, NULL, OPT_NET_PCAP },
	{ "device", required_argument, NULL, OPT_DEVICE },
	{ "idle", required_argument, NULL, OPT_IDLE },
	{ "packets", required_argument, NULL, OPT_PACKETS },
	{ "seconds", required_argument, NULL, OPT_SECONDS },
	{ "repeat", required_argument, NULL, OPT_REPEAT },
	{ "quick", no_argument, NULL, OPT_QUICK },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void help(FILE *out)
{
	fputs("usage: millrace bench [OPTION]...\n\n"
	      "How fast this machine meters: a worker on one CPU with built-in traffic, in the spirit of RFC 6645. "
	      "Without\n"
	      "options: 64 octet packets of 10k to 16M flows, 1M flows over IPv6 and with 100k new ones a second; "
	      "about a\n"
	      "minute. Needs no network and no root; uses hugepages when enough are free, and skips rows that "
	      "don't fit\n"
	      "memory. `taskset` chooses the CPUs.\n\n"
	      "Rows; with any of the first four, every combination is one:\n"
	      "  --flows LIST     flows at a time, e.g. 10k,1M (default 10k,100k,1M,16M)\n"
	      "  --new LIST       new flows a second, up to 10M (default 0); as many end and are exported over UDP\n"
	      "  --size LIST      octets of a frame with FCS, 64 to 9018, or imix (default 64)\n"
	      "  --family LIST    4, 6 or both (default 4)\n"
	      "  --matrix         the same with larger defaults: 10k,100k,1M,4M,16M flows, 0,100k,1M,3M new ones,\n"
	      "                   64,imix,1500 octets, 4,6: 120 rows, most of an hour\n"
	      "  --targets        the rows that Millrace promises figures for\n"
	      "  --flood          SYN flood: every packet a new flow, into a table of --flows others (1M)\n"
	      "  --net-pcap       source: DPDK's net_pcap plays a capture of --flows flows (60k), a packet each, again "
	      "and\n"
	      "                   again\n"
	      "  --device DEV     source: what comes from a NIC or other DPDK device, named as in `ports`; --flows is "
	      "what\n"
	      "                   the table is made for (1M)\n"
	      "  --idle S         idle timeout of rows with new flows (default 1, more where flows are many): so often\n"
	      "                   every flow is looked at, and so long a measurement takes\n\n"
	      "Effort:\n"
	      "  --seconds S      CPU time of one measurement (default 0.25)\n"
	      "  --packets N      packets of one measurement, instead of a time\n"
	      "  --repeat N       repetitions, of which the median counts (default 5)\n"
	      "  --quick          a few small rows in a second or two: does it work, not how fast\n"
	      "  --json           for programs: one JSON object instead of the table\n"
	      "  -h, --help       this text\n\n"
	      "exit status: 0 measured, 1 something failed, 2 wrong usage\n",
	      out);
}

static int usage(const char *option, const char *text, const char *takes)
{
	fprintf(stderr, "millrace bench: --%s '%s': takes %s; see `millrace bench --help`\n", option, text,
		takes);
	return MR_EXIT_USAGE;
}

/* ---- options ---- */

static int parse_seconds(const char *text, uint64_t *ret_ns)
{
	char *end;
	double s = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end != '\0' || !(s >= 0.001 && s <= SECONDS_MAX))
		return -1;
	*ret_ns = (uint64_t)(s * MR_NS_PER_S);
	return 0;
}

static int parse_repeat(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > MR_BENCH_REPEAT_MAX)
		return -1;
	*ret = (unsigned)n;
	return 0;
}

static int parse_options(int argc, char **argv, struct bench *b)
{
	int opt;

	while ((opt = mr_options_next(argc, argv, "h", options)) != -1)
		switch (opt) {
		case OPT_FLOWS:
			b->choice.flows = optarg;
			break;
		case OPT_NEW:
			b->choice.new_ = optarg;
			break;
		case OPT_SIZE:
			b->choice.size = optarg;
			break;
		case OPT_FAMILY:
			b->choice.family = optarg;
			break;
		case OPT_MATRIX:
			b->choice.matrix = true;
			break;
		case OPT_TARGETS:
			b->choice.targets = true;
			break;
		case OPT_FLOOD:
			b->choice.flood = true;
			break;
		case OPT_NET_PCAP:
			b->choice.net_pcap = true;
			break;
		case OPT_DEVICE:
			b->choice.device = optarg;
			break;
		case OPT_PACKETS:
			if (mr_bench_parse_count(optarg, &b->effort.packets) < 0)
				return usage("packets", optarg, "a number above 0 like 500k or 10M");
			break;
		case OPT_SECONDS:
			if (parse_seconds(optarg, &b->effort.measure_ns) < 0)
				return usage("seconds", optarg, "0.001 to 60");
			break;
		case OPT_IDLE:
			if (parse_seconds(optarg, &b->effort.idle_min_ns) < 0)
				return usage("idle", optarg, "0.001 to 60");
			break;
		case OPT_REPEAT:
			if (parse_repeat(optarg, &b->effort.repeat) < 0)
				return usage("repeat", optarg, "1 to 99");
			break;
		case OPT_QUICK:
			b->choice.quick = true;
			break;
		case OPT_JSON:
			b->json = true;
			break;
		case 'h':
			help(stdout);
			exit(MR_EXIT_OK);
		default:
			return MR_EXIT_USAGE;
		}
	if (optind != argc) {
		fprintf(stderr, "millrace bench: '%s' is no option; see `millrace bench --help`\n",
			argv[optind]);
		return MR_EXIT_USAGE;
	}
	return MR_EXIT_OK;
}

static void make_effort(struct bench *b)
{
	struct mr_bench_effort *e = &b->effort;
	bool quick = b->choice.quick;

	if (e->repeat == 0)
		e->repeat = quick ? 2 : 5;
	if (e->measure_ns == 0)
		e->measure_ns = quick ? QUICK_NS : MEASURE_NS;
	if (e->idle_min_ns == 0)
		e->idle_min_ns = quick ? IDLE_NS / 5 : IDLE_NS;
	e->whole_waves = !quick;
}

/* All that can be judged without DPDK. */
static int make_rows(struct bench *b, struct mr_err *err)
{
	int rc = mr_bench_rows_make(&b->choice, &b->rows, err);

	for (unsigned i = 0; i < b->rows.n && rc == 0; i++) {
		rc = mr_bench_device_check(&b->rows.row[i], &b->pci, err);
		if (rc < 0)
			mr_err_prefix(err, "--device");
	}
	return rc;
}

/* ---- the machine ---- */

/* The worker on the last CPU, since the first one has most interrupts, everything else on the first. */
static int choose_cpus(struct mr_bench_machine *m, struct mr_err *err)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		return mr_err_set(err, errno, "cannot read the CPU affinity: %s", strerror(errno));
	m->exporter_cpu = -1;
	for (int c = 0; c < CPU_SETSIZE; c++)
		if (CPU_ISSET(c, &set)) {
			m->worker_cpu = c;
			m->exporter_cpu = m->exporter_cpu < 0 ? c : m->exporter_cpu;
			m->cpus++;
		}
	return 0;
}

static uint64_t memory_needed(const struct bench *b, const struct mr_bench_row *row)
{
	return mr_bench_row_memory(row, &b->effort) + mr_bench_device_memory(row) +
	       ((uint64_t)MEMORY_MB << 20);
}

/* How many rows fit, and what the largest of them needs. */
static unsigned rows_within(const struct bench *b, uint64_t memory, uint64_t *ret_needed)
{
	unsigned n = 0;

	*ret_needed = 0;
	for (unsigned i = 0; i < b->rows.n; i++) {
		uint64_t needed = memory_needed(b, &b->rows.row[i]);

		if (needed <= memory) {
			n++;
			*ret_needed = RTE_MAX(*ret_needed, needed);
		}
	}
	return n;
}

/* Take the rows out that need more. */
static void skip_rows_beyond(struct bench *b, uint64_t memory)
{
	unsigned n = 0;

	for (unsigned i = 0; i < b->rows.n; i++) {
		const struct mr_bench_row row = b->rows.row[i];

		if (memory_needed(b, &row) <= memory)
			b->rows.row[n++] = row;
		else
			b->skipped.row[b->skipped.n++] = row;
	}
	b->rows.n = n;
}

static void tell_skipped(const struct bench *b, uint64_t memory)
{
	char flows[MR_BENCH_COUNT_MAX], new_[MR_BENCH_COUNT_MAX];

	for (unsigned i = 0; i < b->skipped.n; i++) {
		const struct mr_bench_row *row = &b->skipped.row[i];

		fprintf(stderr,
			"millrace bench: row skipped: %s flows, %s new a second, IPv%s need %lu MiB of %s, "
			"%lu MiB are free\n",
			mr_bench_count(row->flows, flows), mr_bench_count(row->new_per_s, new_),
			mr_bench_family(row), memory_needed(b, row) >> 20,
			b->machine.hugepages ? "hugepages" : "memory", memory >> 20);
	}
}

/* Hugepages when they are enough for as many rows as memory is. */
static int choose_memory(struct bench *b, struct mr_err *err)
{
	struct mr_bench_machine *m = &b->machine;
	uint64_t available = mr_eal_available_memory(), largest_huge, largest, memory;
	unsigned n_huge, n;

	m->hugepages_free = mr_eal_free_hugepages();
	n_huge = rows_within(b, m->hugepages_free, &largest_huge);
	n = rows_within(b, available, &largest);
	m->hugepages = n_huge != 0 && n_huge >= n;
	memory = m->hugepages ? m->hugepages_free : available;
	skip_rows_beyond(b, memory);
	if (b->rows.n == 0)
		return mr_err_set(err, ENOMEM,
				  "the smallest row needs more memory than the %lu MiB that are free; choose "
				  "fewer flows with --flows",
				  memory >> 20);
	tell_skipped(b, memory);
	if (!m->hugepages)
		fprintf(stderr,
			"millrace bench: without hugepages figures are lower, most with many flows; "
			"`tools/setup --hugepages %lu` reserves what this needs (free: %lu MiB)\n",
			largest >> 20, m->hugepages_free >> 20);
	return 0;
}

static unsigned device_mb(const struct bench *b)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < b->rows.n; i++)
		most = RTE_MAX(most, mr_bench_device_memory(&b->rows.row[i]));
	return (unsigned)(most >> 20) + 1;
}

static int start(struct bench *b, struct mr_err *err)
{
	struct mr_bench_machine *m = &b->machine;
	struct mr_eal_conf eal = { .n_lcores = 2, .pci = b->pci };
	int rc = choose_cpus(m, err);

	if (rc == 0)
		rc = choose_memory(b, err);
	if (rc < 0)
		return rc;
	mr_bench_machine_read(m);
	b->effort.sink_cpu = m->exporter_cpu;
	eal.cpu[0] = m->worker_cpu;
	eal.cpu[MR_BENCH_EXPORTER_LCORE] = m->exporter_cpu;
	eal.hugepages = m->hugepages;
	eal.memory_mb = MEMORY_MB + device_mb(b);
	rc = mr_eal_start(&eal, err);
	if (rc == 0)
		rc = mr_port_init(err);
	mr_time_discipline();
	m->tsc_ghz = (double)rte_get_tsc_hz() / 1e9;
	return rc;
}

/* ---- the run ---- */

static void show(void *ctx, unsigned repetition)
{
	const struct bench *b = ctx;

	if (b->progress)
		fprintf(stderr, "\r\033[Krow %u of %u, repetition %u of %u ", b->at + 1, b->rows.n,
			repetition + 1, b->effort.repeat);
}

static void hide(const struct bench *b)
{
	if (b->progress)
		fprintf(stderr, "\r\033[K");
}

static int measure_rows(struct bench *b, struct mr_err *err)
{
	int rc = 0;

	for (b->at = 0; b->at < b->rows.n && rc == 0; b->at++) {
		const struct mr_bench_row *row = &b->rows.row[b->at];

		rc = mr_bench_row_run(row, &b->effort, show, b, &b->results[b->at], err);
		hide(b);
		if (rc == 0 && !b->json)
			mr_bench_print_row(&b->machine, row, &b->results[b->at], stdout);
		fflush(stdout);
	}
	return rc;
}

static int measure(struct bench *b, struct mr_err *err)
{
	const struct mr_bench_report report = { &b->machine, &b->effort,  &b->rows,
						b->results,  &b->skipped, &b->records };
	int rc;

	if (!b->json) {
		mr_bench_print_machine(&b->machine, &b->effort, stdout);
		mr_bench_print_head(stdout);
	}
	rc = measure_rows(b, err);
	if (rc == 0)
		rc = mr_bench_records_run(&b->effort, &b->records, err);
	if (rc < 0)
		return rc;
	if (!b->json)
		mr_bench_print_records(&b->records, stdout);
	else if (mr_bench_print_json(&report, stdout) < 0)
		rc = mr_err_set(err, EIO, "cannot write the JSON object");
	return rc;
}

static int run(struct bench *b, struct mr_err *err)
{
	int rc = make_rows(b, err);

	if (rc < 0)
		return MR_EXIT_USAGE;
	rc = start(b, err);
	if (rc == 0)
		rc = measure(b, err);
	return rc == 0 ? MR_EXIT_OK : MR_EXIT_FAILURE;
}

int mr_command_bench(int argc, char **argv)
{
	struct bench *b = calloc(1, sizeof(*b));
	struct mr_err err = { "out of memory" };
	int status;

	if (b == NULL) {
		fprintf(stderr, "millrace bench: %s\n", err.msg);
		return MR_EXIT_FAILURE;
	}
	status = parse_options(argc, argv, b);
	if (status == MR_EXIT_OK) {
		make_effort(b);
		b->progress = isatty(STDERR_FILENO);
		status = run(b, &err);
		if (status != MR_EXIT_OK)
			fprintf(stderr, "millrace bench: %s\n", err.msg);
	}
	free(b);
	return status;
}
