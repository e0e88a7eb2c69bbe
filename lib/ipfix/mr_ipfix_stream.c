/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_stream.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mr_clock.h"
#include "base/mr_log.h"

MR_LOG_REGISTER(ipfix);

#define SEND_BUFFER_DEFAULT (4u << 20)
#define SEND_BUFFER_MIN     65536u /* any IPFIX message fits */
#define PAUSE_MIN_NS        (100 * MR_NS_PER_MS)
#define PAUSE_MAX_NS        (10 * MR_NS_PER_S)
#define ATTEMPT_MAX_S       5 /* for the connection, and again for the handshake */
#define SILENCE_MAX_S       25 /* a peer that acknowledges nothing for so long is gone */
#define DISCARD_READS       4 /* of DISCARD_OCTETS each at a time: a chatty peer can't keep us */
#define DISCARD_OCTETS      16384

int mr_ipfix_stream_because(struct mr_ipfix_stream *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->reason, sizeof(s->reason), fmt, ap);
	va_end(ap);
	return -code;
}

static int because_errno(struct mr_ipfix_stream *s, int code)
{
	return mr_ipfix_stream_because(s, code, "%s", strerror(code));
}

ssize_t mr_ipfix_stream_raw_write(struct mr_ipfix_stream *s, const void *data, size_t len)
{
	ssize_t n = send(s->fd, data, len, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : because_errno(s, errno);
	s->wire_octets += (uint64_t)n;
	return n;
}

ssize_t mr_ipfix_stream_raw_read(struct mr_ipfix_stream *s, void *room, size_t len)
{
	ssize_t n = recv(s->fd, room, len, 0);

	if (n > 0)
		return n;
	if (n == 0)
		return mr_ipfix_stream_because(s, EPIPE, "the collector closed the connection");
	return errno == EINTR ? -EAGAIN : because_errno(s, errno);
}

static void enter(struct mr_ipfix_stream *s, enum mr_ipfix_phase phase)
{
	s->phase = phase;
	s->since_ns = s->now_ns;
}

static uint64_t phase_age_ns(const struct mr_ipfix_stream *s)
{
	return s->now_ns - s->since_ns;
}

static void drop_socket(struct mr_ipfix_stream *s)
{
	if (s->fd < 0)
		return;
	s->layer->stop(s);
	close(s->fd);
	s->fd = -1;
}

/* After the last address: a pause that doubles, then the first one again. */
static void pause_round(struct mr_ipfix_stream *s)
{
	s->round[0] = '\0';
	s->addr = s->addrs;
	s->pause_ns = s->next_pause_ns;
	s->next_pause_ns = s->pause_ns < PAUSE_MAX_NS / 2 ? 2 * s->pause_ns : PAUSE_MAX_NS;
	enter(s, MR_IPFIX_WAIT);
}

static void attempt_failed(struct mr_ipfix_stream *s)
{
	char peer[MR_IPFIX_ADDR_TEXT_MAX];
	size_t len = strlen(s->round);

	s->stats.errors++;
	snprintf(s->round + len, sizeof(s->round) - len, "%s %s: %s", len == 0 ? "not connected," : ";",
		 mr_ipfix_net_text(s->addr, peer), s->reason);
	drop_socket(s);
	if (s->addr->ai_next != NULL) {
		s->addr = s->addr->ai_next;
		s->pause_ns = 0;
		enter(s, MR_IPFIX_WAIT);
		return;
	}
	mr_ipfix_complain(&s->complaint, s->now_ns, s->name, s->round);
	pause_round(s);
}

/* What the peer's TCP has acknowledged is off our hands. Works on a reset connection, too. */
static void reap(struct mr_ipfix_stream *s)
{
	int unacked;

	if (ioctl(s->fd, SIOCOUTQ, &unacked) == 0 && (uint64_t)unacked <= s->wire_octets)
		s->stats.delivered_messages +=
			mr_ipfix_queue_delivered(&s->queue, s->wire_octets - (uint64_t)unacked);
}

static void connection_lost(struct mr_ipfix_stream *s)
{
	char peer[MR_IPFIX_ADDR_TEXT_MAX], text[MR_IPFIX_COMPLAINT_MAX];

	reap(s);
	s->stats.errors++;
	mr_ipfix_queue_lose(&s->queue, &s->stats);
	snprintf(text, sizeof(text), "connection lost, %s: %s", mr_ipfix_net_text(s->addr, peer), s->reason);
	mr_ipfix_complain(&s->complaint, s->now_ns, s->name, text);
	drop_socket(s);
	/* one that accepts and hangs up again and again isn't better than one that refuses */
	if (phase_age_ns(s) >= PAUSE_MAX_NS)
		s->next_pause_ns = PAUSE_MIN_NS;
	pause_round(s);
}

/*
 * Keepalive finds a silent peer when there is nothing to send, TCP_USER_TIMEOUT when there is. Nagle's
 * algorithm stays on: it joins small messages while others are under way, and delays nothing else.
 */
static void set_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 10 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 5 },
		{ IPPROTO_TCP, TCP_KEEPCNT, (SILENCE_MAX_S - 10) / 5 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE_MAX_S * 1000 },
	};

	for (unsigned i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
			mr_log_warning("socket option %d/%d: %s", options[i].level, options[i].name,
				       strerror(errno));
}

/* Never -EAGAIN, which connect() has its own meaning for: no port is free. */
static int start_connecting(struct mr_ipfix_stream *s)
{
	s->wire_octets = 0;
	s->fd = socket(s->addr->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return mr_ipfix_stream_because(s, EIO, "socket: %s", strerror(errno));
	set_options(s->fd);
	if (connect(s->fd, s->addr->ai_addr, s->addr->ai_addrlen) < 0 && errno != EINPROGRESS)
		return mr_ipfix_stream_because(s, EIO, "%s", strerror(errno));
	return 0;
}

/* Nobody listens on a local port, and the kernel happened to give us that port as our own: TCP allows it. */
static bool connected_to_self(int fd)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t here_len = sizeof(here), there_len = sizeof(there);

	return getsockname(fd, (struct sockaddr *)&here, &here_len) == 0 &&
	       getpeername(fd, (struct sockaddr *)&there, &there_len) == 0 && here_len == there_len &&
	       memcmp(&here, &there, here_len) == 0;
}

static int check_connected(struct mr_ipfix_stream *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = POLLOUT };
	int code = 0;
	socklen_t len = sizeof(code);

	if (poll(&pfd, 1, 0) <= 0)
		return -EAGAIN;
	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &code, &len) < 0)
		code = errno;
	if (code == 0 && connected_to_self(s->fd))
		code = ECONNREFUSED;
	return code == 0 ? 0 : because_errno(s, code);
}

static void connection_opened(struct mr_ipfix_stream *s)
{
	char peer[MR_IPFIX_ADDR_TEXT_MAX];

	if (s->generation++ > 0)
		s->stats.reconnects++;
	enter(s, MR_IPFIX_OPEN);
	mr_log_notice("collector=%s connected to %s", s->name, mr_ipfix_net_text(s->addr, peer));
}

/* Collectors have nothing to say; reading shows when they hang up. */
static int discard_input(struct mr_ipfix_stream *s)
{
	uint8_t scratch[DISCARD_OCTETS];
	ssize_t n = 0;

	for (int i = 0; i < DISCARD_READS && n >= 0; i++)
		n = s->layer->read(s, scratch, sizeof(scratch));
	return n >= 0 || n == -EAGAIN ? 0 : (int)n;
}

static int flush(struct mr_ipfix_stream *s)
{
	const uint8_t *data;
	size_t len;

	while ((len = mr_ipfix_queue_peek(&s->queue, &data)) > 0) {
		ssize_t n = s->layer->write(s, data, len);

		if (n == -EAGAIN)
			break;
		if (n < 0)
			return (int)n;
		mr_ipfix_queue_written(&s->queue, (size_t)n, s->wire_octets, s->layer->framed);
	}
	reap(s);
	return 0;
}

/* False: the connection is gone. */
static bool tend(struct mr_ipfix_stream *s)
{
	if (flush(s) == 0)
		return true;
	connection_lost(s);
	return false;
}

/* The result of an attempt's phase: go on, wait until its time is up, or give it up. */
static bool attempt_step(struct mr_ipfix_stream *s, int rc)
{
	if (rc == -EAGAIN && phase_age_ns(s) < ATTEMPT_MAX_S * MR_NS_PER_S)
		return false;
	if (rc == -EAGAIN)
		mr_ipfix_stream_because(s, ETIMEDOUT, "no answer within %d s", ATTEMPT_MAX_S);
	if (rc < 0)
		attempt_failed(s);
	else if (s->phase == MR_IPFIX_HANDSHAKE)
		connection_opened(s);
	else
		enter(s, s->phase == MR_IPFIX_WAIT ? MR_IPFIX_CONNECT : MR_IPFIX_HANDSHAKE);
	return true;
}

/* Returns whether another step may get further at once; at the latest false after a try of each address. */
static bool step(struct mr_ipfix_stream *s)
{
	switch (s->phase) {
	case MR_IPFIX_WAIT:
		return phase_age_ns(s) >= s->pause_ns && attempt_step(s, start_connecting(s));
	case MR_IPFIX_CONNECT:
		return attempt_step(s, check_connected(s));
	case MR_IPFIX_HANDSHAKE:
		return attempt_step(s, s->layer->handshake(s));
	case MR_IPFIX_OPEN:
		if (discard_input(s) < 0)
			connection_lost(s);
		else
			tend(s);
		return false;
	}
	return false;
}

enum mr_ipfix_state mr_ipfix_stream_poll(struct mr_ipfix_transport *t, uint64_t now_ns,
					 uint32_t *ret_generation)
{
	struct mr_ipfix_stream *s = (struct mr_ipfix_stream *)t;

	s->now_ns = now_ns;
	if (now_ns < s->since_ns) /* the clock stepped back: what we wait for starts again */
		s->since_ns = now_ns;
	while (step(s))
		;
	*ret_generation = s->generation;
	return s->phase == MR_IPFIX_OPEN ? MR_IPFIX_UP : MR_IPFIX_DOWN;
}

/* Into the queue, making room if that is needed and possible. */
static bool take(struct mr_ipfix_stream *s, const struct iovec *msg, const struct mr_ipfix_load *load)
{
	if (s->phase != MR_IPFIX_OPEN)
		return false;
	if (!mr_ipfix_queue_put(&s->queue, msg, load) &&
	    !(tend(s) && mr_ipfix_queue_put(&s->queue, msg, load)))
		return false;
	s->stats.messages++;
	s->stats.octets += msg->iov_len;
	return true;
}

unsigned mr_ipfix_stream_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			      const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken)
{
	struct mr_ipfix_stream *s = (struct mr_ipfix_stream *)t;
	unsigned n_taken = 0;

	while (n_taken < n && take(s, &msgs[n_taken], loads != NULL ? &loads[n_taken] : NULL))
		n_taken++;
	for (unsigned i = 0; i < n; i++)
		ret_taken[i] = i < n_taken;
	if (s->phase == MR_IPFIX_OPEN)
		tend(s);
	return n_taken;
}

void mr_ipfix_stream_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret)
{
	const struct mr_ipfix_stream *s = (const struct mr_ipfix_stream *)t;

	*ret = s->stats;
	ret->queued_octets = s->queue.pending;
	ret->pending_messages = s->queue.n_written + s->queue.n_waiting;
}

int mr_ipfix_stream_init(struct mr_ipfix_stream *s, const struct mr_ipfix_layer *layer, uint16_t default_port,
			 const struct mr_ipfix_collector_conf *conf, uint64_t now_ns, struct mr_err *err)
{
	uint32_t send_buffer = conf->send_buffer != 0 ? conf->send_buffer : SEND_BUFFER_DEFAULT;
	int rc;

	s->fd = -1;
	s->layer = layer;
	if (send_buffer < SEND_BUFFER_MIN)
		return mr_err_set(err, EINVAL,
				  "send_buffer %u is too small; give at least %u octets", send_buffer,
				  SEND_BUFFER_MIN);
	s->name = strdup(conf->name);
	if (s->name == NULL || mr_ipfix_queue_init(&s->queue, send_buffer) < 0)
		return mr_err_set(err, ENOMEM, "out of memory");
	rc = mr_ipfix_net_resolve(conf, SOCK_STREAM, default_port, &s->addrs, err);
	if (rc < 0)
		return rc;
	s->now_ns = now_ns;
	s->next_pause_ns = PAUSE_MIN_NS;
	s->addr = s->addrs;
	enter(s, MR_IPFIX_WAIT);
	return 0;
}

void mr_ipfix_stream_fini(struct mr_ipfix_stream *s)
{
	drop_socket(s);
	mr_ipfix_queue_fini(&s->queue);
	if (s->addrs != NULL)
		freeaddrinfo(s->addrs);
	free(s->name);
}

/* Closing waits in real time, so it reads the clock itself. */
static int left_ms(uint64_t deadline_ns)
{
	uint64_t now_ns = mr_clock_mono_ns();

	return now_ns >= deadline_ns ? 0 : (int)((deadline_ns - now_ns + MR_NS_PER_MS - 1) / MR_NS_PER_MS);
}

static int drain(struct mr_ipfix_stream *s, uint64_t deadline_ns)
{
	int rc = flush(s);

	while (rc == 0 && s->queue.len > 0) {
		struct pollfd pfd = { .fd = s->fd, .events = POLLIN | POLLOUT };
		int wait_ms = left_ms(deadline_ns);

		if (wait_ms == 0)
			return -ETIMEDOUT;
		poll(&pfd, 1, wait_ms);
		rc = discard_input(s);
		if (rc == 0)
			rc = flush(s);
	}
	return rc;
}

/* End our side, then wait for the acknowledgements. Nothing wakes us when one comes, so we look each ms. */
static void hang_up(struct mr_ipfix_stream *s, uint64_t deadline_ns)
{
	uint8_t scratch[DISCARD_OCTETS];
	ssize_t n;

	s->layer->stop(s);
	if (shutdown(s->fd, SHUT_WR) < 0)
		return;
	s->wire_octets++; /* the FIN is acknowledged like an octet */
	for (;;) {
		n = mr_ipfix_stream_raw_read(s, scratch,
					     sizeof(scratch)); /* unread, it makes close() a reset */
		reap(s);
		if (s->queue.n_written == 0 || left_ms(deadline_ns) == 0)
			return;
		if (n < 0 && n != -EAGAIN && n != -EPIPE)
			return;
		poll(NULL, 0, 1);
	}
}

void mr_ipfix_stream_finish(struct mr_ipfix_stream *s, unsigned limit_ms,
			    struct mr_ipfix_transport_stats *ret_stats)
{
	uint64_t deadline_ns = mr_clock_mono_ns() + limit_ms * MR_NS_PER_MS;
	size_t n_left;

	if (s->phase == MR_IPFIX_OPEN && drain(s, deadline_ns) == 0)
		hang_up(s, deadline_ns);
	n_left = s->queue.n_written + s->queue.n_waiting;
	if (n_left > 0)
		mr_log_warning("collector=%s closed with %zu messages not acknowledged; they count as lost",
			       s->name, n_left);
	mr_ipfix_queue_lose(&s->queue, &s->stats);
	drop_socket(s);
	if (ret_stats != NULL)
		mr_ipfix_stream_stats((struct mr_ipfix_transport *)s, ret_stats);
}
