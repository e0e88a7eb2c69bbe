/* SPDX-License-Identifier: Apache-2.0 */
/* DHCP for IPv6 (RFC 8415). A relay's messages have the client's in them; that one is read. */
#include <arpa/inet.h>

#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define HEADER_LEN   4u	 /* type, transaction */
#define RELAY_LEN    34u /* type, hops, two addresses */
#define RELAYS_MAX   8u	 /* within each other */
#define MESSAGES_MAX 64u /* of a flow */

enum {
	REPLY = 7,
	RELAY_FORWARD = 12,
	RELAY_REPLY = 13,
	TYPE_MAX = 14,
};

enum {
	OPTION_CLIENT_ID = 1,
	OPTION_SERVER_ID = 2,
	OPTION_IA_NA = 3,
	OPTION_ADDRESS = 5,
	OPTION_RELAYED = 9,
	OPTION_VENDOR_CLASS = 16,
	OPTION_FQDN = 39,
};

struct state {
	uint32_t transaction; /* the last one whose client was told */
	uint8_t messages;
	bool known; /* transaction is one */
};

/* The next option; false: none is left, or it is cut (r->underflow). */
static bool next_option(struct mr_rbuf *r, unsigned *ret_code, struct mr_l7_text *ret)
{
	if (mr_rbuf_left(r) == 0)
		return false;
	*ret_code = mr_rbuf_get_u16(r);
	ret->len = mr_rbuf_get_u16(r);
	ret->data = mr_rbuf_take(r, ret->len);
	return ret->data != NULL;
}

/*
 * The options of the client's or server's message, which may be in those of relays; false: it isn't whole, or
 * its options don't fill it. A client names itself, a server does.
 */
static bool find_message(const struct mr_l7_input *in, struct mr_l7_text *ret)
{
	struct mr_l7_text message = { in->data, in->len }, inner, value;
	bool identified;

	for (unsigned i = 0; i < RELAYS_MAX && message.len > HEADER_LEN; i++) {
		bool relay = message.data[0] == RELAY_FORWARD || message.data[0] == RELAY_REPLY;
		struct mr_l7_text options = mr_l7_behind(message, relay ? RELAY_LEN : HEADER_LEN);
		struct mr_rbuf r;
		unsigned code;

		if (message.data[0] == 0 || message.data[0] >= TYPE_MAX)
			return false;
		inner = (struct mr_l7_text){ 0 };
		identified = false;
		mr_rbuf_init(&r, options.data, options.len);
		while (next_option(&r, &code, &value)) {
			/* a DUID starts with its type, 1 to 4 */
			if ((code == OPTION_CLIENT_ID || code == OPTION_SERVER_ID) && value.len > 2)
				identified = identified ||
					     (mr_get_u16(value.data) >= 1 && mr_get_u16(value.data) <= 4);
			if (code == OPTION_RELAYED)
				inner = value;
		}
		if (r.underflow)
			return false;
		if (!relay) {
			*ret = message;
			return identified;
		}
		message = inner;
	}
	return false;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	struct mr_l7_text message;

	return in->transport == MR_L7_UDP && find_message(in, &message) ? MR_L7_YES : MR_L7_NO;
}

static void put_addresses(struct mr_l7_text ia, struct mr_l7_sink *sink)
{
	struct mr_l7_text options = mr_l7_behind(ia, 12), value; /* identity and two times come first */
	char room[INET6_ADDRSTRLEN];
	struct mr_rbuf r;
	unsigned code;

	mr_rbuf_init(&r, options.data, options.len);
	while (next_option(&r, &code, &value))
		if (code == OPTION_ADDRESS && value.len >= 16 &&
		    inet_ntop(AF_INET6, value.data, room, sizeof(room)) != NULL)
			mr_l7_put_string(sink, MR_L7_F_DHCPV6_ADDRESS, room);
}

/* Flags, then labels with their lengths (RFC 4704). */
static void put_fqdn(struct mr_l7_text value, struct mr_l7_sink *sink)
{
	struct mr_l7_text name = mr_l7_behind(value, 1);
	char room[255];
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, sizeof(room));
	while (name.len > 0 && name.data[0] != 0 && name.data[0] < name.len) {
		if (w.len > 0)
			mr_wbuf_put_u8(&w, '.');
		mr_wbuf_put_bytes(&w, name.data + 1, name.data[0]);
		name = mr_l7_behind(name, 1u + name.data[0]);
	}
	if (w.len > 0)
		mr_l7_put(sink, MR_L7_F_DHCPV6_FQDN, w.data, w.len);
}

static void put_options(struct state *s, struct mr_l7_text message, struct mr_l7_sink *sink)
{
	struct mr_l7_text options = mr_l7_behind(message, HEADER_LEN), value;
	uint32_t transaction = mr_get_u32(message.data) & 0xffffff;
	bool told = s->known && s->transaction == transaction;
	struct mr_rbuf r;
	unsigned code;

	s->transaction = transaction;
	s->known = true;
	mr_rbuf_init(&r, options.data, options.len);
	while (next_option(&r, &code, &value)) {
		if (code == OPTION_CLIENT_ID && !told)
			mr_l7_put_text(sink, MR_L7_F_DHCPV6_CLIENT_ID, value);
		else if (code == OPTION_VENDOR_CLASS && value.len > 6 && !told) /* enterprise, length */
			mr_l7_put_text(sink, MR_L7_F_DHCPV6_VENDOR_CLASS, mr_l7_behind(value, 6));
		else if (code == OPTION_FQDN && !told)
			put_fqdn(value, sink);
		else if (code == OPTION_IA_NA && message.data[0] == REPLY)
			put_addresses(value, sink);
	}
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	static const char *const names[RELAY_FORWARD] = {
		"",	  "SOLICIT", "ADVERTISE", "REQUEST", "CONFIRM",	    "RENEW",
		"REBIND", "REPLY",   "RELEASE",	  "DECLINE", "RECONFIGURE", "INFORMATION-REQUEST",
	};
	struct state *s = state;
	struct mr_l7_text message;

	*ret_used = in->len;
	if (++s->messages > MESSAGES_MAX)
		return MR_L7_DONE;
	if (!find_message(in, &message))
		return MR_L7_MORE;
	mr_l7_put_string(sink, MR_L7_F_DHCPV6_MESSAGE_TYPE, names[message.data[0]]);
	put_options(s, message, sink);
	if (message.data[0] == REPLY)
		mr_l7_end_transaction(sink);
	return MR_L7_MORE;
}

const struct mr_l7_ops mr_l7_dhcpv6 = {
	.name = "dhcpv6",
	.description = "DHCP for IPv6",
	.selector = 547,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
