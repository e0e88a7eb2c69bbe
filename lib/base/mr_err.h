/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Errors. Functions return 0 or a negative errno; a function that can fail for a reason that its user must
 * read also takes a struct mr_err and leaves one line there, which says what to do.
 */

#define MR_ERR_MAX 512

/** One line for a person. Empty string: no error. Owned by the caller; any thread, one at a time. */
struct mr_err {
	char msg[MR_ERR_MAX];
};

/** Set errno to @p code (positive) and return -code. */
static inline int mr_errno(int code)
{
	errno = code;
	return -code;
}

/** Write the line (truncated to fit) and return -code. @p err may be NULL. */
int mr_err_set(struct mr_err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** Put "prefix: " before the line that is there. @p err may be NULL. */
void mr_err_prefix(struct mr_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __cplusplus
}
#endif
