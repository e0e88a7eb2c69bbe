/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/mr_bench.h"
#include "app/mr_time.h"
#include "ipfix/mr_ipfix_decode.h"
#include "ipfix/mr_ipfix_exporter.h"

#define BATCH	    32
#define MESSAGE_MAX 2048       /* above the exporter's MTU here */
#define BUFFER	    (32 << 20) /* octets, of the socket */
#define WAIT_MS	    20

struct mr_bench_sink {
	int fd;
	uint16_t port;
	pthread_t thread;
	struct mr_ipfix_decoder *decoder;
	uint64_t records; /* atomic; written by the thread */
	uint32_t stop;	  /* atomic; written by control */
	uint8_t buf[BATCH][MESSAGE_MAX];
};

/* One batch; false when nothing was there. */
static bool take(struct mr_bench_sink *s)
{
	struct iovec iov[BATCH];
	struct mmsghdr msgs[BATCH] = { 0 };
	struct mr_ipfix_decoder_stats stats;
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ .iov_base = s->buf[i], .iov_len = sizeof(s->buf[i]) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	n = recvmmsg(s->fd, msgs, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		mr_ipfix_decode_message(s->decoder, s->buf[i], msgs[i].msg_len, NULL);
	mr_ipfix_decoder_stats(s->decoder, &stats);
	__atomic_store_n(&s->records, stats.records - stats.options_records, __ATOMIC_RELEASE);
	return n > 0;
}

static void *loop(void *arg)
{
	struct mr_bench_sink *s = arg;
	struct pollfd ready = { .fd = s->fd, .events = POLLIN };

	while (take(s) || __atomic_load_n(&s->stop, __ATOMIC_ACQUIRE) == 0)
		poll(&ready, 1, WAIT_MS);
	return NULL;
}

static int listen_on_loopback(struct mr_bench_sink *s, struct mr_err *err)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int size = BUFFER;

	s->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&addr, len) < 0 ||
	    getsockname(s->fd, (struct sockaddr *)&addr, &len) < 0)
		return mr_err_set(err, errno, "no UDP socket on 127.0.0.1 for the collector: %s",
				  strerror(errno));
	/* with less than asked for, more records are lost on the way and named as such */
	if (setsockopt(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(s->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	s->port = ntohs(addr.sin_port);
	return 0;
}

static int start(struct mr_bench_sink *s, int cpu, struct mr_err *err)
{
	pthread_attr_t attr;
	cpu_set_t set;
	int rc;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, sizeof(set), &set);
	rc = pthread_create(&s->thread, &attr, loop, s);
	pthread_attr_destroy(&attr);
	return rc == 0 ? 0
		       : mr_err_set(err, rc, "no thread for the collector on CPU %d: %s", cpu, strerror(rc));
}

static void release(struct mr_bench_sink *s)
{
	if (s->fd >= 0)
		close(s->fd);
	mr_ipfix_decoder_free(s->decoder);
	free(s);
}

int mr_bench_sink_new(int cpu, struct mr_bench_sink **ret_sink, struct mr_err *err)
{
	static const struct mr_ipfix_decoder_ops ops = {
		0
	}; /* the decoder's own figures are all that counts */
	struct mr_bench_sink *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	s->fd = -1;
	s->decoder = mr_ipfix_decoder_new(&ops, NULL);
	rc = s->decoder == NULL ? mr_err_set(err, ENOMEM, "out of memory") : listen_on_loopback(s, err);
	if (rc == 0)
		rc = start(s, cpu, err);
	if (rc < 0) {
		release(s);
		return rc;
	}
	*ret_sink = s;
	return 0;
}

uint16_t mr_bench_sink_port(const struct mr_bench_sink *s)
{
	return s->port;
}

uint64_t mr_bench_sink_records(const struct mr_bench_sink *s)
{
	return __atomic_load_n(&s->records, __ATOMIC_ACQUIRE);
}

uint64_t mr_bench_sink_close(struct mr_bench_sink *s)
{
	uint64_t records;

	if (s == NULL)
		return 0;
	__atomic_store_n(&s->stop, 1, __ATOMIC_RELEASE);
	pthread_join(s->thread, NULL);
	records = s->records;
	release(s);
	return records;
}

int mr_bench_exporter_new(const struct mr_bench_sink *sink, struct mr_ipfix_exporter **ret_exp,
			  struct mr_err *err)
{
	const struct mr_ipfix_collector_conf collector = {
		.name = "bench",
		.proto = MR_IPFIX_UDP,
		.profile = MR_IPFIX_COMPAT,
		.host = "127.0.0.1",
		.port = sink->port,
		.mtu = 1420,
		.template_refresh_s = 60,
		.template_refresh_msgs = 4096,
	};
	const struct mr_ipfix_exporter_conf conf = {
		.odid = 1,
		.stats_interval_s = 60,
		.collectors = &collector,
		.n_collectors = 1,
	};

	return mr_ipfix_exporter_open(&conf, mr_time_utc_ns(), ret_exp, err);
}
