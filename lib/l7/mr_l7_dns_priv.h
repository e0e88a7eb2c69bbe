/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mr_buf.h"
#include "l7/mr_l7_priv.h"

/** @file DNS (RFC 1035), between the files of the parser. Allocates nothing. */

#define DNS_HEADER    12u
#define DNS_NAME_TEXT 1024u /* octets: 254 of labels and dots, each escaped */
#define DNS_DATA_TEXT 4096u /* octets of one record's data as text; what is beyond is left out */

/** Record types (IANA registry) whose data is shown in a form of its own. */
enum {
	DNS_A = 1,
	DNS_NS = 2,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_DNAME = 39,
	DNS_OPT = 41,
	DNS_SVCB = 64,
	DNS_HTTPS = 65,
	DNS_SPF = 99,
	DNS_CAA = 257,
};

struct dns_record {
	uint16_t type, class;
	uint32_t ttl;
	size_t data_pos;
	uint16_t data_len;
};

/**
 * The name at @p r's position, labels escaped as in zone files, no dot at its end, "." for the root. The
 * reader goes behind it; it underflows when the name is none. Compression points backwards only, so there are
 * no loops.
 * @param text  NULL: only skip it
 */
void dns_name_read(struct mr_rbuf *r, struct mr_wbuf *text);

/**
 * A record's data as text (RFC 1035 section 5, RFC 9460 section 2.1; unknown types RFC 3597 section 5).
 * @param msg  the whole message, since names in the data may point into it
 */
void dns_data_text(const struct mr_rbuf *msg, const struct dns_record *rec, struct mr_wbuf *text);
