/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_net.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mr_clock.h"
#include "base/mr_log.h"

MR_LOG_REGISTER(ipfix);

#define NEW_TEXT_NS  (1 * MR_NS_PER_S)
#define SAME_TEXT_NS (60 * MR_NS_PER_S)

int mr_ipfix_net_resolve(const struct mr_ipfix_collector_conf *conf, int socktype, uint16_t default_port,
			 struct addrinfo **ret_list, struct mr_err *err)
{
	struct addrinfo hints = { .ai_socktype = socktype, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	char service[8];
	int rc;

	if (conf->host == NULL || conf->host[0] == '\0')
		return mr_err_set(err, EINVAL, "no host; give a name or an address");
	snprintf(service, sizeof(service), "%u", conf->port != 0 ? conf->port : default_port);
	rc = getaddrinfo(conf->host, service, &hints, ret_list);
	if (rc == EAI_NONAME) { /* not a literal */
		hints.ai_flags = AI_NUMERICSERV;
		rc = getaddrinfo(conf->host, service, &hints, ret_list);
	}
	if (rc == 0)
		return 0;
	return mr_err_set(err, EHOSTUNREACH,
			  "host '%s' can't be resolved (%s); correct the name, repair DNS, or give an address",
			  conf->host, rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
}

const char *mr_ipfix_net_text(const struct addrinfo *ai, char buf[MR_IPFIX_ADDR_TEXT_MAX])
{
	char host[INET6_ADDRSTRLEN + 20], service[8];
	int flags = NI_NUMERICHOST | NI_NUMERICSERV;

	if (getnameinfo(ai->ai_addr, ai->ai_addrlen, host, sizeof(host), service, sizeof(service), flags) !=
	    0)
		snprintf(buf, MR_IPFIX_ADDR_TEXT_MAX, "?");
	else
		snprintf(buf, MR_IPFIX_ADDR_TEXT_MAX, ai->ai_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
			 service);
	return buf;
}

void mr_ipfix_complain(struct mr_ipfix_complaint *c, uint64_t now_ns, const char *collector, const char *text)
{
	bool same = strncmp(text, c->last, sizeof(c->last) - 1) == 0;
	uint64_t age_ns = now_ns - c->logged_ns; /* huge when the clock stepped back: then we log */

	if (c->last[0] != '\0' && age_ns < (same ? SAME_TEXT_NS : NEW_TEXT_NS)) {
		c->suppressed++;
		return;
	}
	if (c->suppressed > 0)
		mr_log_warning("collector=%s %s suppressed=%" PRIu64, collector, text, c->suppressed);
	else
		mr_log_warning("collector=%s %s", collector, text);
	snprintf(c->last, sizeof(c->last), "%s", text);
	c->logged_ns = now_ns;
	c->suppressed = 0;
}
