/* SPDX-License-Identifier: Apache-2.0 */
/* SNMP versions 1 (RFC 1157), 2c (RFC 1901, 3416) and 3 (RFC 3412, 3414): one BER message in a datagram. */
#include "l7/mr_l7_ber.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define MESSAGES_MAX 64u   /* of a flow; a poller goes on for ever */
#define OID_TEXT_MAX 1024u /* octets; what is longer is left out */

enum {
	PDU_FIRST = 0xa0,
	PDU_RESPONSE = 0xa2,
	PDU_TRAP_V1 = 0xa4,
	PDU_TRAP_V2 = 0xa7,
	PDU_LAST = 0xa8,
};

struct state {
	uint8_t messages;
	bool version_told;
};

/* What a message says; all borrowed from it. */
struct message {
	uint32_t version;	/* 0, 1, 3 */
	struct mr_l7_text name; /* community or user */
	unsigned pdu;		/* tag; 0: encrypted */
	struct mr_rbuf content; /* of the PDU */
};

static struct mr_l7_text text_of(const struct mr_rbuf *r)
{
	return (struct mr_l7_text){ r->data, r->len };
}

/* USM security parameters: engine id, boots, time, user name, two more. */
static bool read_user(struct mr_rbuf *r, struct mr_l7_text *ret)
{
	struct mr_rbuf wrap, usm, item;
	uint32_t number;

	if (!mr_ber_get(r, MR_BER_OCTETS, &wrap))
		return false;
	/* another security model than USM has another form */
	if (mr_ber_get(&wrap, MR_BER_SEQUENCE, &usm) && mr_ber_get(&usm, MR_BER_OCTETS, &item) &&
	    mr_ber_get_number(&usm, &number) && mr_ber_get_number(&usm, &number) &&
	    mr_ber_get(&usm, MR_BER_OCTETS, &item))
		*ret = text_of(&item);
	return true;
}

static bool read_v3(struct mr_rbuf *r, struct message *ret)
{
	struct mr_rbuf global, flags, item, scoped;
	uint32_t id, max_len, model;
	unsigned tag;

	if (!mr_ber_get(r, MR_BER_SEQUENCE, &global) || !mr_ber_get_number(&global, &id) ||
	    !mr_ber_get_number(&global, &max_len) || !mr_ber_get(&global, MR_BER_OCTETS, &flags) ||
	    flags.len != 1 || !mr_ber_get_number(&global, &model) || !read_user(r, &ret->name) ||
	    !mr_ber_next(r, &tag, &scoped))
		return false;
	if (tag == MR_BER_OCTETS)
		return true; /* encrypted */
	return tag == MR_BER_SEQUENCE && mr_ber_get(&scoped, MR_BER_OCTETS, &item) &&
	       mr_ber_get(&scoped, MR_BER_OCTETS, &item) && mr_ber_next(&scoped, &ret->pdu, &ret->content) &&
	       ret->pdu >= PDU_FIRST && ret->pdu <= PDU_LAST;
}

static bool read_message(const uint8_t *data, size_t len, struct message *ret)
{
	struct mr_rbuf r, body, community;

	*ret = (struct message){ 0 };
	mr_rbuf_init(&r, data, len);
	if (!mr_ber_get(&r, MR_BER_SEQUENCE, &body) || !mr_ber_get_number(&body, &ret->version))
		return false;
	if (ret->version == 3)
		return read_v3(&body, ret);
	if (ret->version > 1 || !mr_ber_get(&body, MR_BER_OCTETS, &community))
		return false;
	ret->name = text_of(&community);
	return mr_ber_next(&body, &ret->pdu, &ret->content) && ret->pdu >= PDU_FIRST && ret->pdu <= PDU_LAST;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	struct message m;

	return in->transport == MR_L7_UDP && read_message(in->data, in->len, &m) ? MR_L7_YES : MR_L7_NO;
}

/* In a version 1 trap the enterprise comes first, elsewhere three integers and the list of variables. */
static bool find_oid(unsigned pdu, struct mr_rbuf *r, struct mr_rbuf *ret)
{
	struct mr_rbuf item, list, variable;

	if (pdu == PDU_TRAP_V1)
		return mr_ber_get(r, MR_BER_OID, ret);
	for (unsigned i = 0; i < 3; i++)
		if (!mr_ber_get(r, MR_BER_INTEGER, &item))
			return false;
	return mr_ber_get(r, MR_BER_SEQUENCE, &list) && mr_ber_get(&list, MR_BER_SEQUENCE, &variable) &&
	       mr_ber_get(&variable, MR_BER_OID, ret);
}

static void put_oid(struct mr_rbuf *oid, struct mr_l7_sink *sink)
{
	char room[OID_TEXT_MAX];
	struct mr_wbuf w;
	uint32_t number = 0;
	bool first = true;

	mr_wbuf_init(&w, room, sizeof(room));
	while (mr_rbuf_left(oid) > 0) {
		uint8_t octet = mr_rbuf_get_u8(oid);

		number = number << 7 | (octet & 0x7f);
		if (octet & 0x80)
			continue;
		if (first) { /* two in one: 40 * x + y, x below 3 */
			uint32_t x = number < 80 ? number / 40 : 2;

			mr_l7_write_decimal(&w, x);
			number -= 40 * x;
		}
		mr_wbuf_put_u8(&w, '.');
		mr_l7_write_decimal(&w, number);
		number = 0;
		first = false;
	}
	if (w.len > 0 && !w.overflow)
		mr_l7_put(sink, MR_L7_F_SNMP_OID, w.data, w.len);
}

static const char *pdu_name(unsigned pdu)
{
	static const char *const names[] = {
		"get-request",	    "get-next-request", "response",    "set-request", "trap",
		"get-bulk-request", "inform-request",	"snmpV2-trap", "report"
	};

	return pdu == 0 ? "encrypted" : names[pdu - PDU_FIRST];
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	struct message m;
	struct mr_rbuf oid;

	*ret_used = in->len;
	if (++s->messages > MESSAGES_MAX)
		return MR_L7_DONE;
	if (!read_message(in->data, in->len, &m))
		return MR_L7_MORE;
	if (!s->version_told)
		mr_l7_put_string(sink, MR_L7_F_SNMP_VERSION,
				 m.version == 0	  ? "1"
				 : m.version == 1 ? "2c"
						  : "3");
	s->version_told = true;
	if (m.version != 3)
		mr_l7_put_text(sink, MR_L7_F_SNMP_COMMUNITY, m.name);
	else if (m.name.len > 0)
		mr_l7_put_text(sink, MR_L7_F_SNMP_USER, m.name);
	mr_l7_put_string(sink, MR_L7_F_SNMP_PDU_TYPE, pdu_name(m.pdu));
	if (m.pdu != 0 && find_oid(m.pdu, &m.content, &oid))
		put_oid(&oid, sink);
	if (m.pdu == PDU_RESPONSE || m.pdu == PDU_TRAP_V1 || m.pdu == PDU_TRAP_V2)
		mr_l7_end_transaction(sink);
	return MR_L7_MORE;
}

const struct mr_l7_ops mr_l7_snmp = {
	.name = "snmp",
	.description = "Simple Network Management Protocol",
	.selector = 161,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
