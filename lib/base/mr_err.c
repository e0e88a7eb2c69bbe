/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_err.h"

#include <stdio.h>
#include <string.h>

int mr_err_set(struct mr_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err != NULL) {
		va_start(ap, fmt);
		vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
		va_end(ap);
	}
	return mr_errno(code);
}

void mr_err_prefix(struct mr_err *err, const char *fmt, ...)
{
	char old[MR_ERR_MAX];
	va_list ap;
	int n;

	if (err == NULL)
		return;
	memcpy(old, err->msg, sizeof(old));
	va_start(ap, fmt);
	n = vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(err->msg))
		snprintf(err->msg + n, sizeof(err->msg) - (size_t)n, ": %s", old);
}
