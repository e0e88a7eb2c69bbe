/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/**
 * @file
 * The subcommands of millrace. Each one gets the arguments behind `millrace` (argv[0] is its own name) and
 * returns the exit status: 0 done, 1 failed, 2 used wrongly.
 */

enum { MR_EXIT_OK = 0, MR_EXIT_FAILURE = 1, MR_EXIT_USAGE = 2 };

struct mr_command {
	const char *name;
	const char *help; /* one line */
	int (*main)(int argc, char **argv);
};

int mr_command_run(int argc, char **argv);
int mr_command_read(int argc, char **argv);
int mr_command_check(int argc, char **argv);
int mr_command_bench(int argc, char **argv);

/** All of them, ended by a NULL name. */
extern const struct mr_command mr_command_all[];
