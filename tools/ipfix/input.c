/* SPDX-License-Identifier: Apache-2.0 */
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_LEN (1 << 20) /* holds a message of 65535 octets and what was read with it */

void input_fault(struct input *in, const char *who, const char *what)
{
	fprintf(stderr, "millrace-ipfix: %s: %s\n", who, what);
	in->faulty = true;
}

void input_decoder_end(struct input *in, struct mr_ipfix_decoder *d)
{
	struct mr_ipfix_decoder_stats s;

	mr_ipfix_decoder_stats(d, &s);
	in->stats.messages += s.messages;
	in->stats.octets += s.octets;
	in->stats.records += s.records;
	in->stats.options_records += s.options_records;
	in->stats.templates += s.templates;
	in->stats.withdrawals += s.withdrawals;
	in->stats.skipped_sets += s.skipped_sets;
	in->stats.gaps += s.gaps;
	in->stats.missing_records += s.missing_records;
	in->stats.faults += s.faults;
	mr_ipfix_decoder_free(d);
}

long input_stream(struct input *in, struct mr_ipfix_decoder *d, const char *who, const uint8_t *data,
		  size_t len)
{
	struct mr_err err;
	size_t done = 0;

	while (!in->stop) {
		int n = mr_ipfix_message_len(data + done, len - done, &err);

		if (n < 0) {
			input_fault(in, who, err.msg);
			return -1;
		}
		if (n == 0 || (size_t)n > len - done)
			break;
		if (mr_ipfix_decode_message(d, data + done, (size_t)n, &err) != 0)
			input_fault(in, who, err.msg);
		done += (size_t)n;
	}
	return (long)done;
}

/* Everything from fd, message by message. */
static void read_all(struct input *in, struct mr_ipfix_decoder *d, int fd, const char *who, uint8_t *buffer)
{
	size_t have = 0;
	ssize_t n;
	long done;

	while (!in->stop) {
		n = read(fd, buffer + have, BUFFER_LEN - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			input_fault(in, who, strerror(errno));
		if (n <= 0)
			break;
		have += (size_t)n;
		done = input_stream(in, d, who, buffer, have);
		if (done < 0)
			return;
		have -= (size_t)done;
		memmove(buffer, buffer + done, have);
	}
	if (have != 0 && !in->stop)
		input_fault(in, who, "ends inside a message");
}

bool input_file(struct input *in, const char *path)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct mr_ipfix_decoder *d = mr_ipfix_decoder_new(&in->ops, in->ctx);
	uint8_t *buffer = malloc(BUFFER_LEN);
	const char *who = is_stdin ? "standard input" : path;

	if (fd < 0 || d == NULL || buffer == NULL)
		input_fault(in, who, strerror(fd < 0 ? errno : ENOMEM));
	else
		read_all(in, d, fd, who, buffer);
	if (fd >= 0 && !is_stdin)
		close(fd);
	if (d != NULL)
		input_decoder_end(in, d);
	free(buffer);
	return !in->faulty;
}
