/* SPDX-License-Identifier: Apache-2.0 */
/* Collecting over UDP and TCP, for tests and for a look at what an exporter sends; one thread, poll(). */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "input.h"

#define PEERS_MAX    256
#define DATAGRAM_MAX 65535
#define STREAM_LEN   131072 /* a message of 65535 octets and what was read with it */
#define POLL_MS	     100    /* a signal between the check of in->stop and poll() is seen after this */
#define BACKLOG	     16

struct peer {
	int fd;					/* TCP: the connection */
	char name[NI_MAXHOST + NI_MAXSERV + 2]; /* address:port */
	struct mr_ipfix_decoder *decoder;
	uint8_t *data; /* TCP: octets that aren't a whole message yet */
	size_t have;
};

struct listener {
	struct input *in;
	int fd;
	bool full_said; /* that there are too many peers */
	unsigned n_peers;
	struct peer peers[PEERS_MAX];
};

/* "HOST:PORT", "[V6]:PORT" or ":PORT" to its parts, in place. */
static bool endpoint_split(char *text, const char **ret_host, const char **ret_port)
{
	char *colon = strrchr(text, ':');

	if (colon == NULL || colon[1] == '\0')
		return false;
	*colon = '\0';
	*ret_port = colon + 1;
	if (text[0] == '[' && colon > text + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		text++;
	}
	*ret_host = text[0] == '\0' ? NULL : text;
	return true;
}

static int socket_open(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol);
	int one = 1;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 &&
	    (ai->ai_socktype == SOCK_DGRAM || listen(fd, BACKLOG) == 0))
		return fd;
	close(fd);
	return -1;
}

static bool listener_open(struct listener *l, const char *endpoint, int socktype)
{
	struct addrinfo hints = { .ai_socktype = socktype, .ai_flags = AI_PASSIVE }, *list = NULL;
	char *text = strdup(endpoint);
	const char *host = NULL, *port = NULL;
	int rc = 0;

	l->fd = -1;
	if (text == NULL || !endpoint_split(text, &host, &port))
		input_fault(l->in, endpoint, "write it as HOST:PORT, [ADDRESS]:PORT or :PORT");
	else if ((rc = getaddrinfo(host, port, &hints, &list)) != 0)
		input_fault(l->in, endpoint, gai_strerror(rc));
	else
		l->fd = socket_open(list);
	if (list != NULL && l->fd < 0)
		input_fault(l->in, endpoint, strerror(errno));
	if (list != NULL)
		freeaddrinfo(list);
	free(text);
	return l->fd >= 0;
}

static void name_make(const struct sockaddr_storage *sa, socklen_t sa_len, struct peer *p)
{
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";

	getnameinfo((const struct sockaddr *)sa, sa_len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	snprintf(p->name, sizeof(p->name), "%s:%s", host, port);
}

/* A place for a new peer, named; NULL (said once) when there are too many. */
static struct peer *peer_add(struct listener *l, const struct peer *named)
{
	struct peer *p = &l->peers[l->n_peers];

	if (l->n_peers == PEERS_MAX) {
		if (!l->full_said)
			input_fault(l->in, named->name, "left out: there are 256 other exporters");
		l->full_said = true;
		return NULL;
	}
	*p = *named;
	p->decoder = mr_ipfix_decoder_new(&l->in->ops, l->in->ctx);
	if (p->decoder == NULL) {
		input_fault(l->in, named->name, "out of memory");
		return NULL;
	}
	l->n_peers++;
	return p;
}

static void peer_end(struct listener *l, struct peer *p)
{
	input_decoder_end(l->in, p->decoder);
	if (p->fd >= 0)
		close(p->fd);
	free(p->data);
	*p = l->peers[--l->n_peers];
}

static void listener_close(struct listener *l)
{
	while (l->n_peers > 0)
		peer_end(l, &l->peers[l->n_peers - 1]);
	if (l->fd >= 0)
		close(l->fd);
	free(l);
}

static struct listener *listener_new(struct input *in)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		input_fault(in, "listen", "out of memory");
		return NULL;
	}
	l->in = in;
	return l;
}

static struct peer *udp_peer(struct listener *l, const struct sockaddr_storage *sa, socklen_t sa_len)
{
	struct peer named = { .fd = -1 };

	name_make(sa, sa_len, &named);
	for (unsigned i = 0; i < l->n_peers; i++)
		if (strcmp(l->peers[i].name, named.name) == 0)
			return &l->peers[i];
	return peer_add(l, &named);
}

static void udp_receive(struct listener *l, uint8_t *data)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t sa_len = sizeof(sa);
	ssize_t n = recvfrom(l->fd, data, DATAGRAM_MAX, 0, (struct sockaddr *)&sa, &sa_len);
	struct peer *p = n < 0 ? NULL : udp_peer(l, &sa, sa_len);
	struct mr_err err;

	if (p != NULL && mr_ipfix_decode_message(p->decoder, data, (size_t)n, &err) != 0)
		input_fault(l->in, p->name, err.msg);
}

bool input_udp(struct input *in, const char *endpoint)
{
	static uint8_t data[DATAGRAM_MAX];
	struct listener *l = listener_new(in);
	bool open = l != NULL && listener_open(l, endpoint, SOCK_DGRAM);

	while (open && !in->stop) {
		struct pollfd pfd = { .fd = l->fd, .events = POLLIN };

		if (poll(&pfd, 1, POLL_MS) > 0)
			udp_receive(l, data);
	}
	if (l != NULL)
		listener_close(l);
	return open;
}

static void tcp_accept(struct listener *l)
{
	struct sockaddr_storage sa = { 0 };
	socklen_t sa_len = sizeof(sa);
	struct peer named = { .fd = accept4(l->fd, (struct sockaddr *)&sa, &sa_len, SOCK_CLOEXEC) };
	struct peer *p;

	if (named.fd < 0)
		return;
	name_make(&sa, sa_len, &named);
	named.data = malloc(STREAM_LEN);
	p = named.data == NULL ? NULL : peer_add(l, &named);
	if (p == NULL) {
		close(named.fd);
		free(named.data);
	}
}

static void tcp_receive(struct listener *l, struct peer *p)
{
	ssize_t n = read(p->fd, p->data + p->have, STREAM_LEN - p->have);
	long done;

	if (n <= 0) {
		if (p->have != 0)
			input_fault(l->in, p->name, "connection ended inside a message");
		peer_end(l, p);
		return;
	}
	p->have += (size_t)n;
	done = input_stream(l->in, p->decoder, p->name, p->data, p->have);
	if (done < 0) {
		peer_end(l, p);
		return;
	}
	p->have -= (size_t)done;
	memmove(p->data, p->data + done, p->have);
}

bool input_tcp(struct input *in, const char *endpoint)
{
	struct listener *l = listener_new(in);
	bool open = l != NULL && listener_open(l, endpoint, SOCK_STREAM);

	while (open && !in->stop) {
		struct pollfd pfd[PEERS_MAX + 1];
		unsigned n = l->n_peers;

		pfd[n] = (struct pollfd){ .fd = l->fd, .events = POLLIN };
		for (unsigned i = 0; i < n; i++)
			pfd[i] = (struct pollfd){ .fd = l->peers[i].fd, .events = POLLIN };
		if (poll(pfd, n + 1, POLL_MS) <= 0)
			continue;
		/* backwards: a peer that ends is replaced by the last one, which then is done already */
		for (unsigned i = n; i-- > 0 && !in->stop;)
			if (pfd[i].revents != 0)
				tcp_receive(l, &l->peers[i]);
		if (pfd[n].revents != 0)
			tcp_accept(l);
	}
	if (l != NULL)
		listener_close(l);
	return open;
}
