/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_community_id.h"

#include <assert.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <string.h>

#include "base/mr_buf.h"

/* what is hashed: seed, addresses, protocol, padding, ports */
#define HASHED_OCTETS_MAX (2 + 2 * 16 + 2 + 4)

static_assert(MR_COMMUNITY_ID_OCTETS == 2 + (SHA_DIGEST_LENGTH + 2) / 3 * 4, "base64 with its padding");

/* Message types that ask, each followed by the one that answers. */
static const uint8_t icmp_pairs[][2] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 10, 9 }, { 17, 18 } };
static const uint8_t icmpv6_pairs[][2] = { { 128, 129 }, { 133, 134 }, { 135, 136 },
					   { 130, 131 }, { 139, 140 }, { 144, 145 } };

/* The type that goes the other way, or -1. */
static int counterpart(const uint8_t (*pairs)[2], size_t n, uint8_t type)
{
	for (size_t i = 0; i < n; i++)
		for (unsigned j = 0; j < 2; j++)
			if (pairs[i][j] == type)
				return pairs[i][!j];
	return -1;
}

/* What stands for ports. ICMP messages without an answer have type and code, and a direction. */
struct ends {
	uint16_t port[2];
	bool has_ports;
	bool one_way;
};

static struct ends icmp_ends(const struct mr_flow_rec *rec)
{
	uint8_t type = (uint8_t)(rec->icmp >> 8), code = (uint8_t)rec->icmp;
	int other = rec->proto == IPPROTO_ICMP ?
			    counterpart(icmp_pairs, sizeof(icmp_pairs) / sizeof(icmp_pairs[0]), type) :
			    counterpart(icmpv6_pairs, sizeof(icmpv6_pairs) / sizeof(icmpv6_pairs[0]), type);

	return (struct ends){ .port = { type, other < 0 ? code : (uint16_t)other },
			      .has_ports = true,
			      .one_way = other < 0 };
}

static struct ends ends_of(const struct mr_flow_rec *rec)
{
	switch (rec->proto) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
		return icmp_ends(rec);
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
		return (struct ends){ .port = { rec->port[0], rec->port[1] }, .has_ports = true };
	default:
		return (struct ends){ .has_ports = false };
	}
}

/* Does the lower endpoint come first? */
static bool in_order(const struct mr_flow_rec *rec, const struct ends *e)
{
	int order = memcmp(rec->addr[0], rec->addr[1], sizeof(rec->addr[0]));

	return order != 0 ? order < 0 : e->port[0] <= e->port[1];
}

void mr_community_id(const struct mr_flow_rec *rec, char ret_text[MR_COMMUNITY_ID_OCTETS])
{
	uint8_t hashed[HASHED_OCTETS_MAX], digest[SHA_DIGEST_LENGTH], text[MR_COMMUNITY_ID_OCTETS - 2 + 1];
	struct ends e = ends_of(rec);
	unsigned first = !e.one_way && !in_order(rec, &e);
	size_t addr_octets = rec->family == 6 ? 16 : 4;
	struct mr_wbuf w;

	mr_wbuf_init(&w, hashed, sizeof(hashed));
	mr_wbuf_put_u16(&w, 0); /* seed */
	mr_wbuf_put_bytes(&w, rec->addr[first], addr_octets);
	mr_wbuf_put_bytes(&w, rec->addr[!first], addr_octets);
	mr_wbuf_put_u8(&w, rec->proto);
	mr_wbuf_put_u8(&w, 0);
	if (e.has_ports) {
		mr_wbuf_put_u16(&w, e.port[first]);
		mr_wbuf_put_u16(&w, e.port[!first]);
	}
	SHA1(hashed, w.len, digest);
	EVP_EncodeBlock(text, digest, sizeof(digest)); /* puts an end mark */
	ret_text[0] = '1';
	ret_text[1] = ':';
	memcpy(ret_text + 2, text, sizeof(text) - 1);
}
