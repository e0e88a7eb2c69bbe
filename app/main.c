/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/mr_command.h"

const struct mr_command mr_command_all[] = {
	{ "run", "the probe on live ports, until SIGTERM or SIGINT", mr_command_run },
	{ "read", "the same pipeline over captures; needs no root and no configuration", mr_command_read },
	{ "check", "judge a configuration without touching hardware", mr_command_check },
	{ "bench", "how fast this machine meters, on built-in traffic", mr_command_bench },
	{ NULL, NULL, NULL },
};

static void help(FILE *out)
{
	fprintf(out, "millrace " MR_VERSION
		     ": flow probe, packets in, IPFIX out\n\nusage: millrace COMMAND [OPTION]...\n\n");
	for (const struct mr_command *c = mr_command_all; c->name != NULL; c++)
		fprintf(out, "  %-8s %s\n", c->name, c->help);
	fprintf(out, "\n`millrace COMMAND --help` tells more. First try: millrace read FILE.pcap\n");
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	signal(SIGPIPE, SIG_IGN); /* a closed pipe or connection is an error code, not an end */
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
		help(stdout);
		return MR_EXIT_OK;
	}
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
		printf("millrace " MR_VERSION "\n");
		return MR_EXIT_OK;
	}
	for (const struct mr_command *c = mr_command_all; c->name != NULL; c++)
		if (strcmp(word, c->name) == 0)
			return c->main(argc - 1, argv + 1);
	if (word[0] == '\0')
		fprintf(stderr, "millrace: which command? See `millrace --help`\n");
	else
		fprintf(stderr,
			"millrace: no command '%s'; there are run, read, check and bench, see `millrace --help`\n",
			word);
	return MR_EXIT_USAGE;
}
