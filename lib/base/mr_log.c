/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
	const char *name;
	const char *colour;
} levels[MR_LOG_LEVEL_MAX] = {
	[MR_LOG_ERROR] = { "error", "\033[31m" },
	[MR_LOG_WARNING] = { "warning", "\033[33m" },
	[MR_LOG_NOTICE] = { "notice", "" },
	[MR_LOG_INFO] = { "info", "\033[2m" },
	[MR_LOG_DEBUG] = { "debug", "\033[2m" },
};

static _Atomic int current_level = MR_LOG_NOTICE;

void mr_log_level_set(enum mr_log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

enum mr_log_level mr_log_level_get(void)
{
	return (enum mr_log_level)atomic_load_explicit(&current_level, memory_order_relaxed);
}

int mr_log_level_parse(const char *word, enum mr_log_level *ret_level)
{
	for (int i = 0; i < MR_LOG_LEVEL_MAX; i++)
		if (strcmp(word, levels[i].name) == 0) {
			*ret_level = (enum mr_log_level)i;
			return 0;
		}
	errno = EINVAL;
	return -EINVAL;
}

void mr_log_write(enum mr_log_level level, const char *type, const char *fmt, ...)
{
	char line[1024];
	va_list ap;
	bool colour;

	if (level > mr_log_level_get())
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	colour = levels[level].colour[0] != '\0' && isatty(STDERR_FILENO);
	/* one call, so that lines of different threads don't mix */
	fprintf(stderr, "%s%s %s: %s%s\n", colour ? levels[level].colour : "", levels[level].name, type, line,
		colour ? "\033[0m" : "");
}
