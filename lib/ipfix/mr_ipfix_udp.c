/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/errqueue.h> /* needs time.h */

#include "ipfix/mr_ipfix_net.h"
#include "ipfix/mr_ipfix_transport.h"

#define BATCH_MSGS      64
#define SNDBUF_OCTETS   (4 << 20) /* the kernel clamps it to net.core.wmem_max */
#define ICMP_ERRORS_MAX 1024 /* looked at in one go */

struct udp {
	int fd;
	char *name;
	char peer[MR_IPFIX_ADDR_TEXT_MAX];
	uint64_t now_ns; /* of the last poll() */
	struct mr_ipfix_transport_stats stats;
	struct mr_ipfix_complaint complaint;
};

static struct udp *udp_of(struct mr_ipfix_transport *t)
{
	return (struct udp *)t;
}

/*
 * DF: the kernel tells us of a message beyond the path MTU instead of sending fragments, which collectors
 * lose. RECVERR: ICMP errors wait in a queue of their own, so that we can tell them from those of the send at
 * hand, and datagrams that the local qdisc drops are no longer called sent. The IPv4 options go on an IPv6
 * socket, too, which carries IPv4 when the address is ::ffff:192.0.2.1.
 */
static int set_options(int fd, int family)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO },
		{ IPPROTO_IP, IP_RECVERR, 1 },
		{ IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DO },
		{ IPPROTO_IPV6, IPV6_RECVERR, 1 },
	};
	unsigned n = family == AF_INET6 ? 4 : 2;
	int sndbuf = SNDBUF_OCTETS;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &sndbuf, sizeof(sndbuf)); /* a smaller buffer works, too */
	for (unsigned i = 0; i < n; i++)
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int)) < 0)
			return -errno;
	return 0;
}

static int connect_one(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int rc;

	if (fd < 0)
		return -errno;
	rc = set_options(fd, ai->ai_family);
	if (rc == 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) < 0)
		rc = -errno;
	if (rc == 0)
		return fd;
	close(fd);
	return rc;
}

/* The first address that has a route. */
static int connect_any(struct udp *u, const struct mr_ipfix_collector_conf *conf, struct mr_err *err)
{
	struct addrinfo *list;
	int rc = mr_ipfix_net_resolve(conf, SOCK_DGRAM, MR_IPFIX_PORT, &list, err);

	if (rc < 0)
		return rc;
	for (const struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
		mr_ipfix_net_text(ai, u->peer);
		rc = u->fd = connect_one(ai);
		if (rc >= 0)
			break;
	}
	freeaddrinfo(list);
	if (rc >= 0)
		return 0;
	return mr_err_set(err, -rc,
			  "can't send UDP to %s: %s; correct the address or add a route to it", u->peer,
			  strerror(-rc));
}

static void udp_free(struct udp *u)
{
	if (u->fd >= 0)
		close(u->fd);
	free(u->name);
	free(u);
}

static int udp_open(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		    struct mr_ipfix_transport **ret, struct mr_err *err)
{
	struct udp *u = calloc(1, sizeof(*u));
	int rc;

	if (u == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	u->fd = -1;
	u->now_ns = now_ns;
	u->name = strdup(conf->name);
	rc = u->name != NULL ? connect_any(u, conf, err)
			     : mr_err_set(err, ENOMEM, "out of memory");
	if (rc < 0) {
		udp_free(u);
		return rc;
	}
	*ret = (struct mr_ipfix_transport *)u;
	return 0;
}

static void count_error(struct udp *u, int code, size_t msg_octets)
{
	char text[MR_IPFIX_COMPLAINT_MAX];

	u->stats.errors++;
	if (code == EMSGSIZE)
		snprintf(text, sizeof(text),
			 "peer=%s a message of %zu octets is larger than the path takes; lower mtu", u->peer,
			 msg_octets);
	else
		snprintf(text, sizeof(text), "peer=%s %s", u->peer, strerror(code));
	mr_ipfix_complain(&u->complaint, u->now_ns, u->name, text);
}

/* Was this control message an ICMP error? Then its errno. */
static int icmp_errno(const struct cmsghdr *c)
{
	struct sock_extended_err ee;

	if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
	    !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
		return 0;
	memcpy(&ee, CMSG_DATA(c), sizeof(ee));
	return ee.ee_origin == SO_EE_ORIGIN_ICMP || ee.ee_origin == SO_EE_ORIGIN_ICMP6 ? (int)ee.ee_errno : 0;
}

/* Count what earlier datagrams met on their way. Returns how many; none is left, so the next send is
 * undisturbed. */
static unsigned take_icmp_errors(struct udp *u)
{
	union {
		struct cmsghdr align;
		char room[512];
	} control;
	unsigned n = 0;

	for (unsigned i = 0; i < ICMP_ERRORS_MAX; i++) {
		struct msghdr hdr = { .msg_control = control.room, .msg_controllen = sizeof(control.room) };

		if (recvmsg(u->fd, &hdr, MSG_ERRQUEUE) < 0)
			break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c)) {
			int code = icmp_errno(c);

			if (code == 0)
				continue;
			count_error(u, code, 0);
			n++;
		}
	}
	return n;
}

static void count_taken(struct udp *u, const struct iovec *msgs, unsigned n, bool *ret_taken)
{
	u->stats.messages += n;
	u->stats.delivered_messages += n;
	for (unsigned i = 0; i < n; i++) {
		u->stats.octets += msgs[i].iov_len;
		ret_taken[i] = true;
	}
}

static int send_batch(struct udp *u, const struct iovec *msgs, unsigned n)
{
	struct mmsghdr hdrs[BATCH_MSGS];
	int rc;

	memset(hdrs, 0, n * sizeof(hdrs[0]));
	for (unsigned i = 0; i < n; i++) {
		hdrs[i].msg_hdr.msg_iov = (struct iovec *)&msgs[i]; /* only read */
		hdrs[i].msg_hdr.msg_iovlen = 1;
	}
	rc = sendmmsg(u->fd, hdrs, n, MSG_NOSIGNAL);
	return rc < 0 ? -errno : rc;
}

/* Message i wasn't sent. True: by the fault of earlier datagrams, so it's worth another attempt. */
static bool not_its_fault(struct udp *u, int code, size_t msg_octets)
{
	if (take_icmp_errors(u) > 0)
		return true;
	count_error(u, code, msg_octets);
	return false;
}

static unsigned udp_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			 const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken)
{
	struct udp *u = udp_of(t);
	unsigned n_taken = 0, i = 0;
	bool retried = false; /* message i was */

	memset(ret_taken, 0, n * sizeof(*ret_taken));
	while (i < n) {
		unsigned batch = n - i < BATCH_MSGS ? n - i : BATCH_MSGS;
		int sent = send_batch(u, &msgs[i], batch);

		if (sent > 0) {
			count_taken(u, &msgs[i], (unsigned)sent, &ret_taken[i]);
			n_taken += (unsigned)sent;
			i += (unsigned)sent;
			retried = false;
			if ((unsigned)sent < batch) /* the kernel keeps the reason to itself */
				take_icmp_errors(u);
			continue;
		}
		if (not_its_fault(u, -sent, msgs[i].iov_len) && !retried) {
			retried = true;
			continue;
		}
		if (sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM)
			break; /* the socket is full: waiting is not for us, and trying on would be a spin */
		retried = false;
		i++;
	}
	return n_taken;
}

static enum mr_ipfix_state udp_poll(struct mr_ipfix_transport *t, uint64_t now_ns, uint32_t *ret_generation)
{
	struct udp *u = udp_of(t);

	u->now_ns = now_ns;
	take_icmp_errors(u);
	*ret_generation = 1;
	return MR_IPFIX_UP;
}

static void udp_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret)
{
	*ret = ((const struct udp *)t)->stats;
}

static void udp_close(struct mr_ipfix_transport *t, unsigned limit_ms,
		      struct mr_ipfix_transport_stats *ret_stats)
{
	struct udp *u = udp_of(t);

	take_icmp_errors(u);
	if (ret_stats != NULL)
		*ret_stats = u->stats;
	udp_free(u);
}

const struct mr_ipfix_transport_ops mr_ipfix_transport_udp = {
	.proto = MR_IPFIX_UDP,
	.name = "udp",
	.reliable = false,
	.open = udp_open,
	.send = udp_send,
	.poll = udp_poll,
	.stats = udp_stats,
	.close = udp_close,
};
