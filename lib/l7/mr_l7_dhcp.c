/* SPDX-License-Identifier: Apache-2.0 */
/* DHCP for IPv4 (RFC 2131, options RFC 2132) in BOOTP messages. A flow between relay and server has many
 * clients. */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define COOKIE_OFF   236u
#define OPTIONS_OFF  240u
#define MESSAGES_MAX 64u /* of a flow */

enum { OP_REQUEST = 1, OP_REPLY = 2 };

enum { TYPE_ACK = 5, TYPE_NAK = 6, TYPE_MAX = 19 };

/* Fields that a transaction tells once; in the order of their bits in state.told. */
enum {
	TOLD_HOSTNAME,
	TOLD_VENDOR_CLASS,
	TOLD_MAC,
	TOLD_ASSIGNED,
	TOLD_SERVER,
	TOLD_PARAMETERS,
	TOLD_FQDN,
};

struct state {
	/* the transaction: its number, and the client's address, since some use the same number for ever */
	uint32_t xid;
	uint8_t mac[6];
	uint8_t told; /* in this transaction */
	uint8_t messages;
	uint32_t requested; /* told last in this transaction: a client asks for what it had, then for what is
			       offered */
};

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	static const uint8_t cookie[] = { 0x63, 0x82, 0x53, 0x63 };

	if (in->transport != MR_L7_UDP || in->len < OPTIONS_OFF || in->data[0] < OP_REQUEST ||
	    in->data[0] > OP_REPLY || in->data[2] > 16)
		return MR_L7_NO;
	return memcmp(in->data + COOKIE_OFF, cookie, sizeof(cookie)) == 0 ? MR_L7_YES : MR_L7_NO;
}

/* Is it the first time in this transaction? */
static bool first(struct state *s, unsigned told)
{
	bool was = s->told >> told & 1;

	s->told |= (uint8_t)(1u << told);
	return !was;
}

static void put_mac(struct state *s, const uint8_t *p, struct mr_l7_sink *sink)
{
	static const char hex[] = "0123456789abcdef";
	char room[16 * 3];
	size_t n = 0;

	if (p[2] == 0 || p[2] > 16 || !first(s, TOLD_MAC))
		return;
	for (unsigned i = 0; i < p[2]; i++) {
		room[n++] = hex[p[28 + i] >> 4];
		room[n++] = hex[p[28 + i] & 15];
		room[n++] = ':';
	}
	mr_l7_put(sink, MR_L7_F_DHCP_CLIENT_MAC, room, n - 1);
}

static void put_type(unsigned type, struct mr_l7_sink *sink)
{
	static const char *const names[TYPE_MAX] = {
		"BOOTP",
		"DISCOVER",
		"OFFER",
		"REQUEST",
		"DECLINE",
		"ACK",
		"NAK",
		"RELEASE",
		"INFORM",
		"FORCERENEW",
		"LEASEQUERY",
		"LEASEUNASSIGNED",
		"LEASEUNKNOWN",
		"LEASEACTIVE",
		"BULKLEASEQUERY",
		"LEASEQUERYDONE",
		"ACTIVELEASEQUERY",
		"LEASEQUERYSTATUS",
		"TLS",
	};

	mr_l7_put_string(sink, MR_L7_F_DHCP_MESSAGE_TYPE, type < TYPE_MAX ? names[type] : "unknown");
}

static void put_address(struct state *s, unsigned told, enum mr_l7_field field, struct mr_l7_text value,
			struct mr_l7_sink *sink)
{
	if (value.len == 4 && first(s, told))
		mr_l7_put_ipv4(sink, field, value.data);
}

static void put_requested(struct state *s, struct mr_l7_text value, struct mr_l7_sink *sink)
{
	if (value.len != 4 || mr_get_u32(value.data) == s->requested)
		return;
	s->requested = mr_get_u32(value.data);
	mr_l7_put_ipv4(sink, MR_L7_F_DHCP_REQUESTED_ADDRESS, value.data);
}

/* Names come with a zero at the end from some clients. */
static void put_name(struct state *s, unsigned told, enum mr_l7_field field, struct mr_l7_text value,
		     struct mr_l7_sink *sink)
{
	while (value.len > 0 && value.data[value.len - 1] == 0)
		value.len--;
	if (value.len > 0 && first(s, told))
		mr_l7_put_text(sink, field, value);
}

/* Flags, two result codes, then the name: as text, or as labels with their lengths (RFC 4702). */
static void put_fqdn(struct state *s, struct mr_l7_text value, struct mr_l7_sink *sink)
{
	struct mr_l7_text name = mr_l7_behind(value, 3);
	bool labels = value.len > 0 && (value.data[0] & 4) != 0;
	char room[255];
	size_t n = 0, label;

	if (!labels) {
		put_name(s, TOLD_FQDN, MR_L7_F_DHCP_FQDN, name, sink);
		return;
	}
	while (name.len > 0 && name.data[0] != 0 && name.data[0] < name.len) {
		label = name.data[0];
		if (n > 0)
			room[n++] = '.';
		memcpy(room + n, name.data + 1,
		       label); /* fits: an option has no more than 252 octets of labels */
		n += label;
		name = mr_l7_behind(name, label + 1);
	}
	put_name(s, TOLD_FQDN, MR_L7_F_DHCP_FQDN, (struct mr_l7_text){ (const uint8_t *)room, n }, sink);
}

static void put_option(struct state *s, unsigned code, struct mr_l7_text value, struct mr_l7_sink *sink)
{
	switch (code) {
	case 12:
		put_name(s, TOLD_HOSTNAME, MR_L7_F_DHCP_HOSTNAME, value, sink);
		break;
	case 50:
		put_requested(s, value, sink);
		break;
	case 54:
		put_address(s, TOLD_SERVER, MR_L7_F_DHCP_SERVER_ID, value, sink);
		break;
	case 55:
		if (value.len > 0 && first(s, TOLD_PARAMETERS))
			mr_l7_put_text(sink, MR_L7_F_DHCP_PARAMETERS, value);
		break;
	case 60:
		put_name(s, TOLD_VENDOR_CLASS, MR_L7_F_DHCP_VENDOR_CLASS, value, sink);
		break;
	case 81:
		put_fqdn(s, value, sink);
		break;
	default:
		break;
	}
}

/* All options. Returns what option 53 says, the type of the message; 0: there is none. */
static unsigned read_options(struct state *s, const struct mr_l7_input *in, struct mr_l7_sink *sink)
{
	struct mr_rbuf r;
	unsigned type = 0;

	mr_rbuf_init(&r, in->data + OPTIONS_OFF, in->len - OPTIONS_OFF);
	while (mr_rbuf_left(&r) >= 2) {
		uint8_t code = mr_rbuf_get_u8(&r);
		struct mr_l7_text value;

		if (code == 0)
			continue;
		if (code == 255)
			break;
		value.len = mr_rbuf_get_u8(&r);
		value.data = mr_rbuf_take(&r, value.len);
		if (value.data == NULL)
			break;
		if (code == 53 && value.len == 1)
			type = value.data[0];
		put_option(s, code, value, sink);
	}
	return type;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	const uint8_t *p = in->data;
	unsigned type;

	*ret_used = in->len;
	if (++s->messages > MESSAGES_MAX)
		return MR_L7_DONE;
	if (probe(in) != MR_L7_YES)
		return MR_L7_MORE;
	if (s->xid != mr_get_u32(p + 4) || memcmp(s->mac, p + 28, sizeof(s->mac)) != 0) {
		s->xid = mr_get_u32(p + 4);
		memcpy(s->mac, p + 28, sizeof(s->mac));
		s->told = 0;
		s->requested = 0;
	}
	put_mac(s, p, sink);
	if (mr_get_u32(p + 16) != 0)
		put_address(s, TOLD_ASSIGNED, MR_L7_F_DHCP_ASSIGNED_ADDRESS, (struct mr_l7_text){ p + 16, 4 },
			    sink);
	type = read_options(s, in, sink);
	put_type(type, sink);
	if (type == TYPE_ACK || type == TYPE_NAK || (type == 0 && p[0] == OP_REPLY))
		mr_l7_end_transaction(sink);
	return MR_L7_MORE;
}

const struct mr_l7_ops mr_l7_dhcp = {
	.name = "dhcp",
	.description = "Dynamic Host Configuration Protocol",
	.selector = 67,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
