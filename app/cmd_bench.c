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
#include "drivers/synth/mr_traffic.h"

#define ROWS_MAX    256
#define LIST_MAX    16
#define NEW_MAX	    1000000
#define SECONDS_MAX 60
#define MEMORY_MB   128 /* EAL's own: buffers, ring */
#define IDLE_NS	    (2 * MR_NS_PER_S)
#define MEASURE_NS  (MR_NS_PER_S / 4)
#define QUICK_NS    (5 * MR_NS_PER_MS)

/* A dimension of the benchmark as given: NULL when it was not. */
struct lists {
	const char *flows, *new_, *size, *family;
};

struct bench {
	struct lists lists;
	struct mr_bench_effort effort;
	struct mr_bench_row rows[ROWS_MAX];
	struct mr_bench_result results[ROWS_MAX];
	unsigned n;
	unsigned at; /* the row being measured */
	struct mr_bench_records records;
	struct mr_bench_machine machine;
	bool json, quick, progress;
};

enum {
	OPT_FLOWS = 256,
	OPT_NEW,
	OPT_SIZE,
	OPT_FAMILY,
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
	fprintf(out, "usage: millrace bench [OPTION]...\n\n"
		     "How fast this machine meters: a worker on one CPU with built-in traffic, in the spirit "
		     "of RFC 6645. Without\n"
		     "options: 64 octet packets of 10k to 10M flows, and 1M flows with 100k new ones a "
		     "second and over IPv6; about\n"
		     "two minutes. Needs no network and no root; uses hugepages when enough are free. "
		     "`taskset` chooses the CPUs.\n\n"
		     "  --flows LIST     flows at a time, e.g. 10k,1M (default 10k,100k,1M,10M)\n"
		     "  --new LIST       new flows a second, up to 1M (default 0); as many end and are "
		     "exported over UDP\n"
		     "  --size LIST      octets of a frame with FCS, 64 to 9018, or imix (default 64)\n"
		     "  --family LIST    4, 6 or both (default 4)\n"
		     "                   with any of these four, every combination is a row\n"
		     "  --seconds S      CPU time of one measurement (default 0.25)\n"
		     "  --packets N      packets of one measurement, instead of a time\n"
		     "  --repeat N       repetitions, of which the median counts (default 5)\n"
		     "  --quick          a few small rows in a second or two: does it work, not how fast\n"
		     "  --json           for programs: one JSON object instead of the table\n"
		     "  -h, --help       this text\n\n"
		     "exit status: 0 measured, 1 something failed, 2 wrong usage\n");
}

static int usage(const char *option, const char *text, const char *takes)
{
	fprintf(stderr, "millrace bench: --%s '%s': takes %s; see `millrace bench --help`\n", option, text,
		takes);
	return MR_EXIT_USAGE;
}

/* ---- options ---- */

/* A number as the traffic model reads its @p key: 10k, 1M. */
static int parse_traffic(const char *key, const char *text, struct mr_traffic_conf *ret)
{
	char pair[64];

	if (strlen(text) > 32 || strchr(text, ',') != NULL)
		return -1;
	snprintf(pair, sizeof(pair), "%s=%s", key, text);
	return mr_traffic_conf_parse(pair, ret, NULL);
}

static int parse_packets(const char *text, uint64_t *ret)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("packets", text, &conf) < 0 || conf.packets == 0)
		return -1;
	*ret = conf.packets;
	return 0;
}

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
			b->lists.flows = optarg;
			break;
		case OPT_NEW:
			b->lists.new_ = optarg;
			break;
		case OPT_SIZE:
			b->lists.size = optarg;
			break;
		case OPT_FAMILY:
			b->lists.family = optarg;
			break;
		case OPT_PACKETS:
			if (parse_packets(optarg, &b->effort.packets) < 0)
				return usage("packets", optarg, "a number above 0 like 500k or 10M");
			break;
		case OPT_SECONDS:
			if (parse_seconds(optarg, &b->effort.measure_ns) < 0)
				return usage("seconds", optarg, "0.001 to 60");
			break;
		case OPT_REPEAT:
			if (parse_repeat(optarg, &b->effort.repeat) < 0)
				return usage("repeat", optarg, "1 to 99");
			break;
		case OPT_QUICK:
			b->quick = true;
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

/* ---- rows ---- */

typedef int (*item_fn)(const char *text, struct mr_bench_row *row);

static int item_flows(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("flows", text, &conf) < 0)
		return -1;
	row->flows = conf.flows;
	return 0;
}

static int item_new(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("new", text, &conf) < 0 || conf.new_per_s > NEW_MAX)
		return -1;
	row->new_per_s = conf.new_per_s;
	return 0;
}

static int item_size(const char *text, struct mr_bench_row *row)
{
	struct mr_traffic_conf conf;

	if (parse_traffic("size", text, &conf) < 0)
		return -1;
	row->size = conf.size;
	return 0;
}

static int item_family(const char *text, struct mr_bench_row *row)
{
	if (strcmp(text, "4") == 0)
		row->ipv6_pct = 0;
	else if (strcmp(text, "6") == 0)
		row->ipv6_pct = 100;
	else if (strcmp(text, "both") == 0)
		row->ipv6_pct = 50;
	else
		return -1;
	return 0;
}

/* Put every item of @p list into a copy of each row. */
static int multiply(struct bench *b, const char *option, const char *list, item_fn set, const char *takes)
{
	struct mr_bench_row *old = malloc(sizeof(b->rows));
	unsigned n = b->n;
	int status = MR_EXIT_OK;

	if (old == NULL)
		return MR_EXIT_FAILURE;
	memcpy(old, b->rows, sizeof(b->rows));
	b->n = 0;
	for (const char *at = list; status == MR_EXIT_OK; at += strcspn(at, ",") + 1) {
		char item[64];

		snprintf(item, sizeof(item), "%.*s", (int)strcspn(at, ","), at);
		for (unsigned i = 0; i < n && status == MR_EXIT_OK; i++) {
			struct mr_bench_row row = old[i];

			if (b->n == ROWS_MAX)
				status = usage(option, list, "fewer items: 256 rows at most");
			else if (set(item, &row) < 0)
				status = usage(option, item, takes);
			else
				b->rows[b->n++] = row;
		}
		if (at[strcspn(at, ",")] == '\0')
			break;
	}
	free(old);
	return status;
}

static int make_rows(struct bench *b)
{
	static const struct mr_bench_row all[] = {
		{ .flows = 10000, .size = 64 },
		{ .flows = 100000, .size = 64 },
		{ .flows = 1000000, .size = 64 },
		{ .flows = 10000000, .size = 64 },
		{ .flows = 1000000, .new_per_s = 100000, .size = 64 },
		{ .flows = 1000000, .size = 64, .ipv6_pct = 100 },
	};
	static const struct mr_bench_row quick[] = {
		{ .flows = 1000, .size = 64 },
		{ .flows = 2000, .new_per_s = 10000, .size = 64 },
		{ .flows = 1000, .size = 64, .ipv6_pct = 100 },
	};
	const struct lists *l = &b->lists;
	const char *flows = b->quick ? "1k" : "10k,100k,1M,10M";
	int status;

	if (l->flows == NULL && l->new_ == NULL && l->size == NULL && l->family == NULL) {
		b->n = b->quick ? RTE_DIM(quick) : RTE_DIM(all);
		memcpy(b->rows, b->quick ? quick : all, b->n * sizeof(b->rows[0]));
		return MR_EXIT_OK;
	}
	b->n = 1;
	/* the first varies fastest */
	status = multiply(b, "flows", l->flows ? l->flows : flows, item_flows,
			  "1 to 268435456 or a list like 10k,1M");
	if (status == MR_EXIT_OK)
		status = multiply(b, "new", l->new_ ? l->new_ : "0", item_new,
				  "0 to 1M or a list like 0,100k");
	if (status == MR_EXIT_OK)
		status = multiply(b, "size", l->size ? l->size : "64", item_size,
				  "64 to 9018, imix or a list of them");
	if (status == MR_EXIT_OK)
		status = multiply(b, "family", l->family ? l->family : "4", item_family,
				  "4, 6, both or a list of them");
	return status;
}

static void make_effort(struct bench *b)
{
	struct mr_bench_effort *e = &b->effort;

	if (e->repeat == 0)
		e->repeat = b->quick ? 2 : 5;
	if (e->measure_ns == 0)
		e->measure_ns = b->quick ? QUICK_NS : MEASURE_NS;
	/* no flow may time out while the other measurements of a repetition keep the worker from it */
	e->idle_timeout_ns = (b->quick ? IDLE_NS / 10 : IDLE_NS) + 8 * e->measure_ns;
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

static uint64_t memory_needed(const struct bench *b)
{
	uint64_t most = 0;

	for (unsigned i = 0; i < b->n; i++)
		most = RTE_MAX(most, mr_bench_row_memory(&b->rows[i], &b->effort));
	return most + ((uint64_t)MEMORY_MB << 20);
}

static int start(struct bench *b, struct mr_err *err)
{
	struct mr_bench_machine *m = &b->machine;
	uint64_t needed = memory_needed(b);
	struct mr_eal_conf eal = { .n_lcores = 2, .memory_mb = MEMORY_MB };
	int rc = choose_cpus(m, err);

	if (rc < 0)
		return rc;
	mr_bench_machine_read(m);
	m->hugepages_free = mr_eal_free_hugepages();
	m->hugepages = m->hugepages_free >= needed;
	if (!m->hugepages && needed > mr_eal_available_memory())
		return mr_err_set(err, ENOMEM,
				  "the largest row needs %lu MiB of memory, %lu MiB are available; choose "
				  "fewer flows with --flows",
				  needed >> 20, mr_eal_available_memory() >> 20);
	if (!m->hugepages)
		fprintf(stderr,
			"millrace bench: without hugepages figures are lower, most with many flows; "
			"`tools/setup "
			"--hugepages %lu` reserves what this needs (free: %lu MiB)\n",
			needed >> 20, m->hugepages_free >> 20);
	b->effort.sink_cpu = m->exporter_cpu;
	eal.cpu[0] = m->worker_cpu;
	eal.cpu[MR_BENCH_EXPORTER_LCORE] = m->exporter_cpu;
	eal.hugepages = m->hugepages;
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
		fprintf(stderr, "\r\033[Krow %u of %u, repetition %u of %u ", b->at + 1, b->n, repetition + 1,
			b->effort.repeat);
}

static void hide(const struct bench *b)
{
	if (b->progress)
		fprintf(stderr, "\r\033[K");
}

static int measure(struct bench *b, struct mr_err *err)
{
	int rc = 0;

	if (!b->json) {
		mr_bench_print_machine(&b->machine, &b->effort, stdout);
		mr_bench_print_head(stdout);
	}
	for (b->at = 0; b->at < b->n && rc == 0; b->at++) {
		rc = mr_bench_row_run(&b->rows[b->at], &b->effort, show, b, &b->results[b->at], err);
		hide(b);
		if (rc == 0 && !b->json)
			mr_bench_print_row(&b->machine, &b->rows[b->at], &b->results[b->at], stdout);
		fflush(stdout);
	}
	if (rc == 0)
		rc = mr_bench_records_run(&b->effort, &b->records, err);
	if (rc < 0)
		return rc;
	if (!b->json)
		mr_bench_print_records(&b->records, stdout);
	else if (mr_bench_print_json(&b->machine, &b->effort, b->rows, b->results, b->n, &b->records,
				     stdout) < 0)
		rc = mr_err_set(err, EIO, "cannot write the JSON object");
	return rc;
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
	make_effort(b);
	if (status == MR_EXIT_OK)
		status = make_rows(b);
	b->progress = isatty(STDERR_FILENO);
	if (status == MR_EXIT_OK && (start(b, &err) < 0 || measure(b, &err) < 0)) {
		fprintf(stderr, "millrace bench: %s\n", err.msg);
		status = MR_EXIT_FAILURE;
	}
	free(b);
	return status;
}
