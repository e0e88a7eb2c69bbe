/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_err.h"

/** What the device's text says; see mr_replay.h. */
struct mr_replay_conf {
	char **files; /* into text */
	size_t file_count;
	char *text;
	uint32_t loop; /* rounds, 0: without end */
	bool shift;
	bool timing; /* captured gaps */
	uint64_t rate_pps; /* 0: none */
};

/** @param device  with or without its prefix. Errors: -EINVAL, -ENOMEM with a line; then nothing is kept. */
int mr_replay_conf_parse(const char *device, struct mr_replay_conf *ret_conf, struct mr_err *err);

void mr_replay_conf_free(struct mr_replay_conf *conf);
