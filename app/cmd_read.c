/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/mr_command.h"
#include "app/mr_options.h"
#include "app/mr_probe.h"
#include "app/mr_report.h"
#include "app/mr_time.h"
#include "base/mr_log.h"
#include "drivers/replay/mr_replay.h"

#define WORKERS_MAX	64
#define PROGRESS_NS	(2 * MR_NS_PER_S)
#define EXPORT_HOST_MAX 256
#define SETTINGS_MAX	64

struct read_opts {
	const char *config;
	const char *dir;
	unsigned workers;
	bool quiet;
	const char *settings[SETTINGS_MAX];
	unsigned n_settings;
	struct mr_config_collector collectors[MR_CONFIG_COLLECTORS_MAX];
	char hosts[MR_CONFIG_COLLECTORS_MAX][EXPORT_HOST_MAX];
	unsigned n_collectors;
	enum mr_config_profile profile;
	char *ipfix, *jsonl, *stats; /* paths below dir */
	char *device;		     /* the captures as a port */
};

enum { OPT_SET = 256 };

static const struct option options[] = {
	{ "output", required_argument, NULL, 'o' }, { "workers", required_argument, NULL, 'w' },
	{ "export", required_argument, NULL, 'e' }, { "profile", required_argument, NULL, 'p' },
	{ "config", required_argument, NULL, 'c' }, { "set", required_argument, NULL, OPT_SET },
	{ "quiet", no_argument, NULL, 'q' },	    { "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },	    { NULL, 0, NULL, 0 },
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: millrace read FILE... [OPTION]...\n\n"
		"Meter captures (pcap or pcapng, plain, gzip or zstd) as if they came from a port. The capture's time is\n"
		"the only clock, so the result does not depend on the machine. Needs neither root nor hugepages.\n\n"
		"  -o, --output DIR     write DIR/flows.ipfix (RFC 5655), DIR/flows.jsonl and DIR/stats.json\n"
		"  -e, --export URL     also send the flows to udp|tcp://HOST[:PORT]; may be repeated. A collector that wants\n"
		"                       TLS needs certificates: describe it in a configuration, see -c\n"
		"  -p, --profile NAME   IPFIX profile for -e: compat (default), biflow or full\n"
		"  -w, --workers N      worker threads, 1 to %d (default 1); the records are the same for any N\n"
		"  -c, --config FILE    take flow and export settings from a configuration; its ports are not touched\n"
		"      --set KEY=VALUE  one setting, e.g. --set flow.idle_timeout=60s; `millrace check --keys` lists them\n"
		"  -q, --quiet          no summary and no progress\n"
		"  -v, --verbose        more log lines\n"
		"  -h, --help           this text\n\n"
		"exit status: 0 all packets are accounted for, 1 a file is damaged or something failed, 2 wrong usage\n",
		WORKERS_MAX);
}

static int usage(const char *fmt, const char *what)
{
	fprintf(stderr, "millrace read: ");
	fprintf(stderr, fmt, what);
	fprintf(stderr, "; see `millrace read --help`\n");
	return MR_EXIT_USAGE;
}

/* ---- options ---- */

static int parse_workers(const char *text, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || n < 1 || n > WORKERS_MAX)
		return -1;
	*ret = (unsigned)n;
	return 0;
}

static int parse_profile(const char *text, enum mr_config_profile *ret)
{
	static const char *const names[MR_CONFIG_PROFILE_MAX] = { "compat", "biflow", "full" };

	for (int i = 0; i < MR_CONFIG_PROFILE_MAX; i++)
		if (strcmp(text, names[i]) == 0) {
			*ret = (enum mr_config_profile)i;
			return 0;
		}
	return -1;
}

/* "udp://host:port", "tcp://[2001:db8::1]:4739" */
static int parse_export(struct read_opts *o, const char *url)
{
	static const char *const schemes[] = { [MR_CONFIG_UDP] = "udp://", [MR_CONFIG_TCP] = "tcp://" };
	const int n_schemes = sizeof(schemes) / sizeof(schemes[0]);
	struct mr_config_collector *c = &o->collectors[o->n_collectors];
	char *host = o->hosts[o->n_collectors], *port;
	unsigned long n;
	int t = 0;

	while (t < n_schemes && strncmp(url, schemes[t], strlen(schemes[t])) != 0)
		t++;
	if (t == n_schemes || o->n_collectors == MR_CONFIG_COLLECTORS_MAX || strlen(url) >= EXPORT_HOST_MAX)
		return -1;
	snprintf(host, EXPORT_HOST_MAX, "%s", url + strlen(schemes[t]));
	port = strrchr(host, ':');
	if (host[0] == '[') {
		char *close = strchr(host, ']');

		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return -1;
		port = close[1] == ':' ? close + 1 : NULL;
		*close = '\0';
		memmove(host, host + 1, strlen(host));
	}
	n = MR_IPFIX_PORT;
	if (port != NULL) {
		char *end;

		*port++ = '\0';
		/* behind a removed '[' the text moved by one, the digits did not */
		n = strtoul(port, &end, 10);
		if (*port == '\0' || *end != '\0' || n < 1 || n > 65535)
			return -1;
	}
	if (host[0] == '\0')
		return -1;
	*c = (struct mr_config_collector){ .name = url, .host = host, .port = (uint16_t)n };
	c->transport = (enum mr_config_transport)t;
	o->n_collectors++;
	return 0;
}

static int parse_options(int argc, char **argv, struct read_opts *o)
{
	int opt;

	*o = (struct read_opts){ .workers = 1 };
	while ((opt = mr_options_next(argc, argv, "o:w:e:p:c:qvh", options)) != -1)
		switch (opt) {
		case 'o':
			o->dir = optarg;
			break;
		case 'w':
			if (parse_workers(optarg, &o->workers) < 0)
				return usage("--workers '%s' is not a number from 1 to 64", optarg);
			break;
		case 'e':
			if (strncmp(optarg, "tls://", 6) == 0)
				return usage(
					"--export '%s': TLS needs a certificate authority, which only a "
					"configuration can name; give one with -c that has this collector "
					"under export.collectors with transport: tls and tls.ca (and "
					"tls.certificate with tls.key, should it ask for yours)",
					optarg);
			if (parse_export(o, optarg) < 0)
				return usage("--export '%s' is not udp|tcp://HOST[:PORT], or one too many",
					     optarg);
			break;
		case 'p':
			if (parse_profile(optarg, &o->profile) < 0)
				return usage("--profile '%s' is none of compat, biflow, full", optarg);
			break;
		case 'c':
			o->config = optarg;
			break;
		case OPT_SET:
			if (o->n_settings == SETTINGS_MAX)
				return usage("'%s' is one --set too many", optarg);
			o->settings[o->n_settings++] = optarg;
			break;
		case 'q':
			o->quiet = true;
			break;
		case 'v':
			mr_log_level_set((enum mr_log_level)(mr_log_level_get() + 1));
			break;
		case 'h':
			help(stdout);
			exit(MR_EXIT_OK);
		default:
			return MR_EXIT_USAGE;
		}
	if (optind == argc)
		return usage("%s", "give one or more capture files");
	return MR_EXIT_OK;
}

/* ---- configuration ---- */

static char *below(const char *dir, const char *name)
{
	char *path;

	return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

static int make_dir(struct read_opts *o, struct mr_err *err)
{
	struct stat st;

	if (mkdir(o->dir, 0777) < 0 && errno != EEXIST)
		return mr_err_set(err, errno, "%s: cannot make this folder: %s", o->dir, strerror(errno));
	if (stat(o->dir, &st) < 0 || !S_ISDIR(st.st_mode))
		return mr_err_set(err, ENOTDIR, "%s: is not a folder; give another one with -o", o->dir);
	o->ipfix = below(o->dir, "flows.ipfix");
	o->jsonl = below(o->dir, "flows.jsonl");
	o->stats = below(o->dir, "stats.json");
	return o->ipfix == NULL || o->jsonl == NULL || o->stats == NULL
		       ? mr_err_set(err, ENOMEM, "out of memory")
		       : 0;
}

static struct mr_config *load_config(const struct read_opts *o, struct mr_err *err)
{
	static struct mr_config_errors errors;
	struct mr_config *cfg = NULL;

	if (o->config == NULL) {
		cfg = mr_config_defaults();
	} else if (mr_config_load(o->config, &cfg, &errors) < 0) {
		mr_config_errors_print(&errors, stderr);
		mr_err_set(err, EINVAL, "%s: cannot be used", o->config);
		return NULL;
	}
	if (cfg == NULL)
		mr_err_set(err, ENOMEM, "out of memory");
	for (unsigned i = 0; cfg != NULL && i < o->n_settings; i++)
		if (mr_config_set(cfg, o->settings[i], err) < 0) {
			mr_err_prefix(err, "--set");
			mr_config_free(cfg);
			return NULL;
		}
	return cfg;
}

/* The configuration of a probe whose only port is the captures. */
static int prepare(struct read_opts *o, struct mr_config *cfg, struct mr_config_port *port,
		   struct mr_err *err)
{
	const struct mr_config_collector defaults = { .mtu = 1420,
						      .template_refresh_ms = 60000,
						      .template_refresh_messages = 4096,
						      .send_buffer = 4 << 20 };

	*port = (struct mr_config_port){ .name = "capture", .device = o->device };
	cfg->ports = port;
	cfg->n_ports = 1;
	for (unsigned i = 0; i < o->n_collectors; i++) {
		struct mr_config_collector *c = &o->collectors[i];

		c->profile = o->profile;
		c->mtu = defaults.mtu;
		c->template_refresh_ms = defaults.template_refresh_ms;
		c->template_refresh_messages = defaults.template_refresh_messages;
		c->send_buffer = defaults.send_buffer;
	}
	if (o->n_collectors != 0) {
		cfg->export_.collectors = o->collectors;
		cfg->export_.n_collectors = o->n_collectors;
	}
	if (o->dir == NULL)
		return 0;
	if (make_dir(o, err) < 0)
		return -errno;
	cfg->export_.file = o->ipfix;
	cfg->export_.file_profile = MR_CONFIG_FULL;
	cfg->export_.jsonl = o->jsonl;
	return 0;
}

/* ---- the run ---- */

static void show_progress(const struct mr_probe *p)
{
	uint64_t sum[MR_C_MAX];
	struct mr_account account;

	mr_probe_counters(p, sum, &account);
	fprintf(stderr, "\r%lu packets, %lu records ", account.received, sum[MR_C_RECORDS_EXPORTED]);
}

static void loop(struct mr_probe *p, bool progress)
{
	uint64_t next_ns = p->start_mono_ns + PROGRESS_NS;
	bool shown = false;

	while (mr_probe_poll(p)) {
		if (!progress || mr_clock_mono_ns() < next_ns)
			continue;
		next_ns += PROGRESS_NS;
		show_progress(p);
		shown = true;
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
}

static int report(const struct read_opts *o, struct mr_probe *p, uint64_t elapsed_ns)
{
	uint64_t sum[MR_C_MAX];
	struct mr_account account;
	struct mr_err err;
	int status;

	mr_probe_counters(p, sum, &account);
	status = account.closes && p->output_error.msg[0] == '\0' ? MR_EXIT_OK : MR_EXIT_FAILURE;
	if (p->output_error.msg[0] != '\0')
		fprintf(stderr, "millrace read: %s\n", p->output_error.msg);
	if (!o->quiet) {
		mr_summary_print(p->output.summary, sum, elapsed_ns, stdout);
		if (p->n_final != 0)
			printf("\nexport\n");
		mr_report_collectors(p->final, p->n_final, stdout);
		mr_report_account(sum, &account, stdout);
	}
	if (o->stats != NULL && mr_report_json(o->stats, sum, &account, p->final, p->n_final, &err) < 0) {
		fprintf(stderr, "millrace read: %s\n", err.msg);
		status = MR_EXIT_FAILURE;
	}
	return status;
}

static int run(const struct read_opts *o, const struct mr_config *cfg)
{
	struct mr_probe_conf conf = { .cfg = cfg, .summary = true, .full_tables = true };
	struct mr_probe *p;
	struct mr_err err = { "" };
	uint64_t start_ns;
	int status;

	conf.plan = (struct mr_plan){ .main_cpu = -1, .exporter_cpu = -1, .n_workers = o->workers };
	conf.plan.all_on_main = o->workers == 1;
	for (unsigned i = 0; i < o->workers; i++)
		conf.plan.worker_cpu[i] = -1;
	start_ns = mr_clock_mono_ns();
	if (mr_probe_up(&conf, &p, &err) < 0) {
		fprintf(stderr, "millrace read: %s\n", err.msg);
		return MR_EXIT_FAILURE;
	}
	loop(p, !o->quiet && isatty(STDERR_FILENO));
	status = p->ports[0]->ops->verdict(p->ports[0], &err) < 0 ? MR_EXIT_FAILURE : MR_EXIT_OK;
	mr_probe_down(p);
	if (report(o, p, mr_clock_mono_ns() - start_ns) != MR_EXIT_OK || status != MR_EXIT_OK) {
		if (status != MR_EXIT_OK)
			fprintf(stderr, "millrace read: %s\n", err.msg);
		status = MR_EXIT_FAILURE;
	}
	mr_probe_free(p);
	return status;
}

int mr_command_read(int argc, char **argv)
{
	struct read_opts o;
	struct mr_config_port port;
	struct mr_config *cfg;
	struct mr_err err = { "" };
	int status = parse_options(argc, argv, &o);

	if (status != MR_EXIT_OK)
		return status;
	o.device = mr_replay_device((const char *const *)argv + optind, (size_t)(argc - optind), NULL);
	cfg = o.device == NULL ? NULL : load_config(&o, &err);
	if (cfg == NULL || prepare(&o, cfg, &port, &err) < 0) {
		fprintf(stderr, "millrace read: %s\n", err.msg);
		status =
			cfg == NULL && o.config == NULL && o.device != NULL ? MR_EXIT_USAGE : MR_EXIT_FAILURE;
	} else {
		status = run(&o, cfg);
	}
	mr_config_free(cfg);
	free(o.device);
	free(o.ipfix);
	free(o.jsonl);
	free(o.stats);
	return status;
}
