/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <netdb.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What the network transports share: addresses and complaints. Private to them.
 */

#define MR_IPFIX_ADDR_TEXT_MAX (INET6_ADDRSTRLEN + 32) /* [address%interface]:port */

/**
 * The collector's addresses for sockets of @p socktype, in the order of preference; free with freeaddrinfo().
 * Blocks for DNS unless conf->host is a literal address. Errors: -EINVAL no host, -EHOSTUNREACH unknown name.
 */
int mr_ipfix_net_resolve(const struct mr_ipfix_collector_conf *conf, int socktype, uint16_t default_port,
			 struct addrinfo **ret_list, struct mr_err *err);

/** "192.0.2.1:4739" or "[2001:db8::1]:4739". Returns @p buf. */
const char *mr_ipfix_net_text(const struct addrinfo *ai, char buf[MR_IPFIX_ADDR_TEXT_MAX]);

#define MR_IPFIX_COMPLAINT_MAX 384

/** Decides whether a warning about a collector is worth a line. All zero at start. */
struct mr_ipfix_complaint {
	char last[MR_IPFIX_COMPLAINT_MAX];
	uint64_t logged_ns;
	uint64_t suppressed; /* since the last line */
};

/** Log @p text as a warning: a new text at most once a second, the same text once a minute. */
void mr_ipfix_complain(struct mr_ipfix_complaint *c, uint64_t now_ns, const char *collector,
		       const char *text);

#ifdef __cplusplus
}
#endif
