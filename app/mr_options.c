/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_options.h"

#include <stdio.h>
#include <string.h>

static const struct option *find(const struct option *options, int value)
{
	while (options->name != NULL && options->val != value)
		options++;
	return options->name != NULL && value != 0 ? options : NULL;
}

/* getopt leaves optopt 0 for a long option that it doesn't know, else the option's value or letter. */
static void complain(const char *command, const char *word, const struct option *options)
{
	const struct option *known = find(options, optopt);

	fprintf(stderr, "millrace %s: ", command);
	if (known != NULL && known->has_arg == required_argument)
		fprintf(stderr, "option '--%s' needs a value", known->name);
	else if (known != NULL && strncmp(word, "--", 2) == 0 && strchr(word, '=') != NULL)
		fprintf(stderr, "option '--%s' takes no value", known->name);
	else if (optopt != 0)
		fprintf(stderr, "unknown option '-%c'", optopt);
	else
		fprintf(stderr, "unknown option '%s'", word);
	fprintf(stderr, "; see `millrace %s --help`\n", command);
}

int mr_options_next(int argc, char **argv, const char *letters, const struct option *options)
{
	int opt;

	opterr = 0;
	opt = getopt_long(argc, argv, letters, options, NULL);
	if (opt == '?')
		complain(argv[0], argv[optind - 1], options);
	return opt;
}
