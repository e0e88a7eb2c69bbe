/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "app/mr_command.h"
#include "app/mr_options.h"
#include "app/mr_probe.h"
#include "app/mr_report.h"
#include "app/mr_time.h"
#include "base/mr_log.h"

MR_LOG_REGISTER(run);

#define HOUSEKEEPING_NS (10 * MR_NS_PER_MS)

struct run {
	struct mr_probe *probe;
	int signals;					 /* signalfd */
	uint64_t next_ns, next_second_ns, next_stats_ns; /* monotonic */
	uint64_t stats_every_ns;			 /* 0: off */
	bool draining;
};

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "stats", required_argument, NULL, 's' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: millrace run -c FILE [-v]\n\n"
		"Meter the ports of the configuration and export their flows. SIGTERM or SIGINT ends all records,\n"
		"exports them and prints the loss account.\n\n"
		"  -c, --config FILE  the configuration, see config/millrace.yaml and docs/config.md\n"
		"  -s, --stats FILE   at the end write all counters and the account as JSON\n"
		"  -v, --verbose      more log lines; twice: debugging, with DPDK's own messages\n"
		"  -h, --help         this text\n\n"
		"exit status: 0 the account closes, 1 failed, 2 wrong usage\n");
}

static int block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -1;
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

static void print_stats(struct run *r)
{
	uint64_t sum[MR_C_MAX];
	struct mr_account account;
	struct mr_histogram late;

	mr_probe_counters(r->probe, sum, &account);
	mr_histogram_read(&r->probe->output.late_ns, &late);
	mr_log_notice("received=%lu metered=%lu flows=%lu records=%lu not_sent=%lu lost=%lu late_max_ms=%lu",
		      account.received, account.metered, mr_probe_flows(r->probe), sum[MR_C_RECORDS_EXPORTED],
		      account.not_sent, account.lost, mr_histogram_quantile(&late, 1) / MR_NS_PER_MS);
}

static void refresh_metering(struct mr_probe *p)
{
	uint64_t sum[MR_C_MAX];
	struct mr_account account;

	mr_probe_counters(p, sum, &account);
	__atomic_store_n(&p->output.metering.not_metered_packets, account.not_metered + account.lost,
			 __ATOMIC_RELAXED);
}

static void housekeeping(struct run *r, uint64_t now_ns)
{
	struct signalfd_siginfo info;

	if (read(r->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		info.ssi_signo = 0;
	if (info.ssi_signo == SIGHUP) {
		mr_log_notice("SIGHUP: the configuration is read at start only; restart to change it");
	} else if (info.ssi_signo != 0 && !r->draining) {
		mr_log_notice("signal=%u: no more packets, ending and exporting all records", info.ssi_signo);
		mr_probe_drain(r->probe);
		r->draining = true;
	}
	if (now_ns >= r->next_second_ns) {
		r->next_second_ns = now_ns + MR_NS_PER_S;
		mr_time_discipline();
		refresh_metering(r->probe);
	}
	if (r->stats_every_ns != 0 && now_ns >= r->next_stats_ns) {
		r->next_stats_ns = now_ns + r->stats_every_ns;
		print_stats(r);
	}
}

static void loop(struct run *r)
{
	while (mr_probe_poll(r->probe)) {
		uint64_t now_ns = mr_clock_mono_ns();

		if (now_ns < r->next_ns)
			continue;
		r->next_ns = now_ns + HOUSEKEEPING_NS;
		housekeeping(r, now_ns);
	}
}

static int finish(struct run *r, const char *stats)
{
	struct mr_err err = { "" };
	uint64_t sum[MR_C_MAX];
	struct mr_account account;

	mr_probe_down(r->probe);
	mr_probe_counters(r->probe, sum, &account);
	mr_report_collectors(r->probe->final, r->probe->n_final, stdout);
	mr_report_account(sum, &account, stdout);
	if (stats != NULL)
		mr_report_json(stats, sum, &account, r->probe->final, r->probe->n_final, &err);
	if (r->probe->output_error.msg[0] != '\0')
		err = r->probe->output_error;
	mr_probe_free(r->probe);
	if (err.msg[0] != '\0')
		fprintf(stderr, "millrace run: %s\n", err.msg);
	return account.closes && err.msg[0] == '\0' ? MR_EXIT_OK : MR_EXIT_FAILURE;
}

static int load(const char *path, struct mr_config **ret_cfg)
{
	static struct mr_config_errors errors;
	int rc = mr_config_load(path, ret_cfg, &errors);

	if (rc == 0)
		rc = mr_config_check(*ret_cfg, &errors);
	mr_config_errors_print(&errors, stderr);
	return rc;
}

static int run(const struct mr_config *cfg, const char *stats)
{
	struct mr_probe_conf conf = { .cfg = cfg, .live = true };
	struct run r = { .stats_every_ns = cfg->telemetry.stats_interval_ms * MR_NS_PER_MS };
	struct mr_err err = { "" };
	int status;

	r.signals = block_signals();
	if (r.signals < 0) {
		perror("millrace run: signalfd");
		return MR_EXIT_FAILURE;
	}
	if (mr_plan_make(&cfg->cores, &conf.plan, &err) < 0 || mr_probe_up(&conf, &r.probe, &err) < 0) {
		fprintf(stderr, "millrace run: %s\n", err.msg);
		close(r.signals);
		return MR_EXIT_FAILURE;
	}
	mr_plan_print(&conf.plan, stdout);
	printf("metering %u port%s, exporting to %u collector%s; stop with SIGTERM or Ctrl-C\n", cfg->n_ports,
	       cfg->n_ports == 1 ? "" : "s", cfg->export_.n_collectors,
	       cfg->export_.n_collectors == 1 ? "" : "s");
	fflush(stdout);
	loop(&r);
	status = finish(&r, stats);
	close(r.signals);
	return status;
}

int mr_command_run(int argc, char **argv)
{
	struct mr_config *cfg = NULL;
	const char *path = NULL, *stats = NULL;
	int opt, verbose = 0, status = MR_EXIT_FAILURE;

	while ((opt = mr_options_next(argc, argv, "c:s:vh", options)) != -1)
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 's':
			stats = optarg;
			break;
		case 'v':
			verbose++;
			break;
		case 'h':
			help(stdout);
			return MR_EXIT_OK;
		default:
			return MR_EXIT_USAGE;
		}
	if (path == NULL || optind != argc) {
		fprintf(stderr, "millrace run: give the configuration with -c FILE and nothing else; "
				"config/millrace.yaml is one to start from\n");
		return MR_EXIT_USAGE;
	}
	if (load(path, &cfg) == 0) {
		mr_log_level_set((enum mr_log_level)(cfg->probe.log_level + (unsigned)verbose));
		status = run(cfg, stats);
	}
	mr_config_free(cfg);
	return status;
}
