/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "app/mr_command.h"
#include "app/mr_options.h"
#include "config/mr_config.h"

static const struct option options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "keys", no_argument, NULL, 'k' },
	{ "dump", no_argument, NULL, 'd' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void help(FILE *out)
{
	fprintf(out,
		"usage: millrace check -c FILE [--dump]\n\n"
		"Judge a configuration: every fault with file, line and key. Touches no hardware, needs no root.\n\n"
		"  -c, --config FILE  the configuration\n"
		"      --dump         print it with all defaults filled in\n"
		"      --keys         list all keys with what they allow and their defaults\n"
		"  -h, --help         this text\n\n"
		"exit status: 0 it can run, 1 it has faults, 2 wrong usage\n");
}

int mr_command_check(int argc, char **argv)
{
	static struct mr_config_errors errors;
	struct mr_config *cfg = NULL;
	const char *path = NULL;
	bool dump = false;
	int opt, rc;

	while ((opt = mr_options_next(argc, argv, "c:h", options)) != -1)
		switch (opt) {
		case 'c':
			path = optarg;
			break;
		case 'd':
			dump = true;
			break;
		case 'k':
			mr_config_keys(stdout);
			return MR_EXIT_OK;
		case 'h':
			help(stdout);
			return MR_EXIT_OK;
		default:
			return MR_EXIT_USAGE;
		}
	if (path == NULL || optind != argc) {
		fprintf(stderr, "millrace check: give the configuration with -c FILE and nothing else; see `millrace check --help`\n");
		return MR_EXIT_USAGE;
	}
	rc = mr_config_load(path, &cfg, &errors);
	if (rc == 0)
		rc = mr_config_check(cfg, &errors);
	mr_config_errors_print(&errors, stderr);
	if (rc == 0 && dump)
		mr_config_dump(cfg, stdout);
	else if (rc == 0)
		printf("%s: good, %u ports, %u collectors\n", path, cfg->n_ports, cfg->export_.n_collectors);
	mr_config_free(cfg);
	return rc == 0 ? MR_EXIT_OK : MR_EXIT_FAILURE;
}
