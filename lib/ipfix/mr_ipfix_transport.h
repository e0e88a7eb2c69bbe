/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/mr_err.h"
#include "ipfix/mr_ipfix_exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * How IPFIX messages leave: one ops table for UDP, TCP, TLS and the RFC 5655 file. Whole messages in, nothing
 * known of their content. Never blocks. Thread: the exporter's.
 */

struct mr_ipfix_transport;

enum mr_ipfix_state {
	MR_IPFIX_DOWN,    /* not connected; poll() retries with back-off (100 ms doubling to 10 s) */
	MR_IPFIX_UP,      /* messages are taken */
};

struct mr_ipfix_transport_stats {
	uint64_t messages; /* handed to the kernel (UDP, file) or queued for it (TCP, TLS) */
	uint64_t octets;
	uint64_t errors;
	uint64_t reconnects;
	uint64_t queued_octets; /* TCP, TLS: waiting now */
};

struct mr_ipfix_transport_ops {
	enum mr_ipfix_proto proto;
	const char *name;
	bool reliable; /* TCP, TLS: templates once per connection, withdrawal allowed */

	int (*open)(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns, struct mr_ipfix_transport **ret,
		    struct mr_err *err);
	/**
	 * Send whole messages in order (UDP: sendmmsg).
	 * @return how many of the first were taken; the rest was refused (queue full, down, error) and is counted by
	 *         the caller as not sent. UDP: a message with a send error counts as refused and in stats.errors, and
	 *         the ones after it are still tried: @p ret_taken[i] says which.
	 */
	unsigned (*send)(struct mr_ipfix_transport *t, const struct iovec *msgs, unsigned n, bool *ret_taken);
	/** Connect, reconnect, write what waits. Returns the state; @p ret_generation grows with every new connection. */
	enum mr_ipfix_state (*poll)(struct mr_ipfix_transport *t, uint64_t now_ns, uint32_t *ret_generation);
	void (*stats)(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret);
	/** Wait up to @p limit_ms for queued octets, then close and free. */
	void (*close)(struct mr_ipfix_transport *t, unsigned limit_ms);
};

/** By enum mr_ipfix_proto. */
extern const struct mr_ipfix_transport_ops *const mr_ipfix_transport_all[MR_IPFIX_PROTO_MAX];

#ifdef __cplusplus
}
#endif
