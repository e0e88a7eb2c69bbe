/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <signal.h>
#include <stdbool.h>

#include "ipfix/mr_ipfix_decode.h"

/**
 * @file
 * Where messages come from. Each transport session (file, UDP peer, TCP connection) has a decoder of its own;
 * all share the callbacks and the sum of figures.
 */

struct input {
	struct mr_ipfix_decoder_ops ops;
	void *ctx;
	struct mr_ipfix_decoder_stats stats; /* of all sessions */
	bool faulty;		    /* something was malformed or couldn't be read: said on standard error */
	volatile sig_atomic_t stop; /* set by a signal or a callback: return soon */
};

/** A file, or standard input for "-". False when it can't be read. */
bool input_file(struct input *in, const char *path);

/** Listen on HOST:PORT (the text behind "udp://" or "tcp://") until in->stop. False when that's impossible.
 */
bool input_udp(struct input *in, const char *endpoint);
bool input_tcp(struct input *in, const char *endpoint);

/** Add up and free. */
void input_decoder_end(struct input *in, struct mr_ipfix_decoder *d);

/** Decode the whole messages at the head of @p data. Returns how many octets these were, -1 when it's no
 * IPFIX. */
long input_stream(struct input *in, struct mr_ipfix_decoder *d, const char *who, const uint8_t *data,
		  size_t len);

/** One line on standard error; the input is faulty then. */
void input_fault(struct input *in, const char *who, const char *what);
