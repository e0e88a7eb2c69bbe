/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "ipfix/mr_ipfix_stream.h"

static int tcp_handshake(struct mr_ipfix_stream *s)
{
	return 0;
}

static void tcp_stop(struct mr_ipfix_stream *s)
{
}

static const struct mr_ipfix_layer tcp_layer = {
	.framed = false,
	.handshake = tcp_handshake,
	.write = mr_ipfix_stream_raw_write,
	.read = mr_ipfix_stream_raw_read,
	.stop = tcp_stop,
};

static int tcp_open(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		    struct mr_ipfix_transport **ret, struct mr_err *err)
{
	struct mr_ipfix_stream *s = calloc(1, sizeof(*s));
	int rc;

	if (s == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	rc = mr_ipfix_stream_init(s, &tcp_layer, MR_IPFIX_PORT, conf, now_ns, err);
	if (rc < 0) {
		mr_ipfix_stream_fini(s);
		free(s);
		return rc;
	}
	*ret = (struct mr_ipfix_transport *)s;
	return 0;
}

static void tcp_close(struct mr_ipfix_transport *t, unsigned limit_ms,
		      struct mr_ipfix_transport_stats *ret_stats)
{
	struct mr_ipfix_stream *s = (struct mr_ipfix_stream *)t;

	mr_ipfix_stream_finish(s, limit_ms, ret_stats);
	mr_ipfix_stream_fini(s);
	free(s);
}

const struct mr_ipfix_transport_ops mr_ipfix_transport_tcp = {
	.proto = MR_IPFIX_TCP,
	.name = "tcp",
	.reliable = true,
	.open = tcp_open,
	.send = mr_ipfix_stream_send,
	.poll = mr_ipfix_stream_poll,
	.stats = mr_ipfix_stream_stats,
	.close = tcp_close,
};
