/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <getopt.h>

/**
 * @file
 * Options of the subcommands, so that all of them say the same about a mistake: one line on standard error.
 */

/**
 * As getopt_long(), '?' after a mistake included, for which the command returns MR_EXIT_USAGE. argv[0] is the
 * subcommand's name. @p options has a long name for every option that takes a value.
 */
int mr_options_next(int argc, char **argv, const char *letters, const struct option *options);
