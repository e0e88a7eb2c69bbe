/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An RFC 5655 file: the messages one after the other. Written as PATH.part and renamed to PATH by close(), so
 * PATH never holds half a message; without a single message no file is left at all. When the disk is full the
 * file is cut back to its last whole message and later messages are tried again.
 */
#include "ipfix/mr_ipfix_transport.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mr_log.h"

MR_LOG_REGISTER(ipfix_file);

struct file {
	int fd;
	uint64_t end; /* octets in whole messages */
	struct mr_ipfix_transport_stats stats;
	char *path;
	char *part; /* PATH.part */
};

static void file_free(struct file *f)
{
	if (f == NULL)
		return;
	if (f->fd >= 0)
		close(f->fd);
	free(f->path);
	free(f->part);
	free(f);
}

static int file_open(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		     struct mr_ipfix_transport **ret, struct mr_err *err)
{
	struct file *f;
	struct stat st;
	int code;

	if (conf->path == NULL || conf->path[0] == '\0')
		return mr_err_set(err, EINVAL, "no path: name the file to write");
	if (stat(conf->path, &st) == 0 && !S_ISREG(st.st_mode))
		return mr_err_set(err, EINVAL, "%s: not a regular file; choose another path", conf->path);
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return mr_err_set(err, ENOMEM, "%s: out of memory", conf->path);
	f->fd = -1;
	f->path = strdup(conf->path);
	if (f->path == NULL || asprintf(&f->part, "%s.part", conf->path) < 0) {
		f->part = NULL;
		file_free(f);
		return mr_err_set(err, ENOMEM, "%s: out of memory", conf->path);
	}
	f->fd = open(f->part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (f->fd < 0) {
		code = errno;
		mr_err_set(err, code, "%s: can't be written: %s", f->part, strerror(code));
		file_free(f);
		return mr_errno(code);
	}
	*ret = (struct mr_ipfix_transport *)f;
	return 0;
}

/* Cut off what a failed write left of a message. */
static void file_cut(struct file *f, int code)
{
	if (f->stats.errors++ == 0)
		mr_log_error("file=%s %s: flows can't be stored; make room", f->part, strerror(code));
	if (ftruncate(f->fd, (off_t)f->end) != 0 || lseek(f->fd, (off_t)f->end, SEEK_SET) < 0)
		mr_log_error("file=%s %s: the file may end with half a message", f->part, strerror(errno));
}

static unsigned file_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			  const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken)
{
	struct file *f = (struct file *)t;
	ssize_t wrote;
	uint64_t left;
	unsigned taken = 0;

	do
		wrote = writev(f->fd, msgs, (int)n);
	while (wrote < 0 && errno == EINTR);
	left = wrote < 0 ? 0 : (uint64_t)wrote;
	while (taken < n && msgs[taken].iov_len <= left)
		left -= msgs[taken++].iov_len;
	for (unsigned i = 0; i < n; i++) {
		ret_taken[i] = i < taken;
		f->end += i < taken ? msgs[i].iov_len : 0;
	}
	f->stats.messages += taken;
	if (taken < n)
		file_cut(f, wrote < 0 ? errno : ENOSPC);
	return taken;
}

static enum mr_ipfix_state file_poll(struct mr_ipfix_transport *t, uint64_t now_ns, uint32_t *ret_generation)
{
	*ret_generation = 1;
	return MR_IPFIX_UP;
}

static void file_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret)
{
	const struct file *f = (const struct file *)t;

	*ret = f->stats;
	ret->octets = f->end;
	ret->delivered_messages = f->stats.messages;
}

static void file_close(struct mr_ipfix_transport *t, unsigned limit_ms,
		       struct mr_ipfix_transport_stats *ret_stats)
{
	struct file *f = (struct file *)t;
	int rc;

	rc = close(f->fd); /* network file systems report a full disk only here */
	f->fd = -1;
	if (rc != 0) {
		f->stats.errors++;
		mr_log_error("file=%s %s: the end of the file may be missing", f->part, strerror(errno));
	}
	if (f->end == 0) {
		unlink(f->part);
	} else if (rename(f->part, f->path) != 0) {
		f->stats.errors++;
		mr_log_error("file=%s %s: can't be renamed to %s, the flows are in the former", f->part,
			     strerror(errno), f->path);
	}
	if (ret_stats != NULL)
		file_stats(t, ret_stats);
	file_free(f);
}

const struct mr_ipfix_transport_ops mr_ipfix_transport_file = {
	.proto = MR_IPFIX_FILE,
	.name = "file",
	.reliable = true,
	.open = file_open,
	.send = file_send,
	.poll = file_poll,
	.stats = file_stats,
	.close = file_close,
};
