/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Log lines on standard error: `LEVEL type: text`, key=value pairs in the text. Coloured on a terminal only.
 * Thread: any, but never per packet; workers count instead of logging.
 */

enum mr_log_level {
	MR_LOG_ERROR,
	MR_LOG_WARNING,
	MR_LOG_NOTICE,
	MR_LOG_INFO,
	MR_LOG_DEBUG,
	MR_LOG_LEVEL_MAX
};

/** Name this file's log type: `MR_LOG_REGISTER(flow)` once at the top of a .c file. */
#define MR_LOG_REGISTER(type) static const char mr_log_type[] __attribute__((unused)) = #type

void mr_log_write(enum mr_log_level level, const char *type, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/** Lines above @p level are dropped. Default MR_LOG_NOTICE. */
void mr_log_level_set(enum mr_log_level level);
enum mr_log_level mr_log_level_get(void);

/** "error" … "debug" to a level; -EINVAL for another word. */
int mr_log_level_parse(const char *word, enum mr_log_level *ret_level);

#define mr_log_error(...)   mr_log_write(MR_LOG_ERROR, mr_log_type, __VA_ARGS__)
#define mr_log_warning(...) mr_log_write(MR_LOG_WARNING, mr_log_type, __VA_ARGS__)
#define mr_log_notice(...)  mr_log_write(MR_LOG_NOTICE, mr_log_type, __VA_ARGS__)
#define mr_log_info(...)    mr_log_write(MR_LOG_INFO, mr_log_type, __VA_ARGS__)
#define mr_log_debug(...)   mr_log_write(MR_LOG_DEBUG, mr_log_type, __VA_ARGS__)

#ifdef __cplusplus
}
#endif
