/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of DNS over UDP and TCP, of mDNS (RFC 6762) and of LLMNR (RFC 4795). */
#include "l7/mr_l7_dns_priv.h"

#define RECORDS_MAX	 32u /* of each section that are shown */
#define QUESTIONS_MAX	 32u /* shown; no message that makes sense has more */
#define TCP_MESSAGE_MAX	 8192u /* octets of a message over TCP that are read */
#define FLAG_ANSWER	 0x8000u
#define FLAG_RESERVED	 0x0040u
#define MDNS_CLASS_FLAG	 0x8000u /* cache flush, or unicast answer wanted */
#define MDNS_PORT	 5353u
#define LLMNR_PORT	 5355u
#define NBNS_NAME_OCTETS 32u /* of a NetBIOS name, whose protocol looks the same (RFC 1002 section 4.1) */

struct dns_state {
	uint32_t skip[2]; /* TCP: octets left of a message that is read no further */
	uint16_t id;
	bool open; /* a query with this id waits for its answer */
};

struct dns_header {
	uint16_t id, flags;
	uint16_t count[4]; /* questions, answers, authority, additional */
};

/* One message. */
struct dns_run {
	struct dns_state *state;
	struct mr_l7_sink *sink;
	struct mr_rbuf r;
	struct dns_header h;
	uint16_t rcode;
	bool mdns;
	bool cut; /* the message goes on behind what is here */
};

static void dns_note(struct mr_l7_sink *sink, const char *name)
{
	mr_l7_put(sink, MR_L7_F_DNS_NOTE, name, strlen(name));
}

static void header_read(struct mr_rbuf *r, struct dns_header *ret)
{
	ret->id = mr_rbuf_get_u16(r);
	ret->flags = mr_rbuf_get_u16(r);
	for (unsigned i = 0; i < 4; i++)
		ret->count[i] = mr_rbuf_get_u16(r);
}

static void put_name(struct mr_l7_sink *sink, enum mr_l7_field field, const struct mr_wbuf *name)
{
	mr_l7_put(sink, field, name->data, name->len);
}

static uint16_t class_of(const struct dns_run *d, uint16_t class)
{
	return d->mdns ? (uint16_t)(class & ~MDNS_CLASS_FLAG) : class;
}

static void questions_read(struct dns_run *d, bool put)
{
	uint8_t room[DNS_NAME_TEXT];

	for (unsigned i = 0; i < d->h.count[0] && !d->r.underflow; i++) {
		bool show = put && i < QUESTIONS_MAX;
		uint16_t type, class;
		struct mr_wbuf name;

		mr_wbuf_init(&name, room, sizeof(room));
		dns_name_read(&d->r, show ? &name : NULL);
		type = mr_rbuf_get_u16(&d->r);
		class = class_of(d, mr_rbuf_get_u16(&d->r));
		if (!show || d->r.underflow)
			continue;
		put_name(d->sink, MR_L7_F_DNS_NAME, &name);
		mr_l7_put_number(d->sink, MR_L7_F_DNS_TYPE, type);
		mr_l7_put_number(d->sink, MR_L7_F_DNS_CLASS, class);
	}
}

static void record_read(struct mr_rbuf *r, struct mr_wbuf *name, struct dns_record *ret)
{
	dns_name_read(r, name);
	ret->type = mr_rbuf_get_u16(r);
	ret->class = mr_rbuf_get_u16(r);
	ret->ttl = mr_rbuf_get_u32(r);
	ret->data_len = mr_rbuf_get_u16(r);
	ret->data_pos = r->pos;
	mr_rbuf_take(r, ret->data_len);
}

/* RFC 6891 section 6.1.3 */
static void edns_put(struct dns_run *d, const struct dns_record *rec)
{
	d->rcode |= (uint16_t)(rec->ttl >> 24 << 4);
	mr_l7_put_number(d->sink, MR_L7_F_DNS_EDNS_SIZE, rec->class);
}

static void record_put(struct dns_run *d, const struct dns_record *rec, const struct mr_wbuf *name,
		       unsigned section)
{
	static const enum mr_l7_field fields[] = { MR_L7_F_DNS_NAME, MR_L7_F_DNS_ANSWER,
						   MR_L7_F_DNS_AUTHORITY, MR_L7_F_DNS_ADDITIONAL };
	uint8_t room[DNS_DATA_TEXT];
	struct mr_wbuf text;

	if (section == 1) {
		put_name(d->sink, MR_L7_F_DNS_ANSWER_NAME, name);
		mr_l7_put_number(d->sink, MR_L7_F_DNS_ANSWER_TYPE, rec->type);
		mr_l7_put_number(d->sink, MR_L7_F_DNS_ANSWER_TTL, rec->ttl);
	}
	mr_wbuf_init(&text, room, sizeof(room));
	dns_data_text(&d->r, rec, &text);
	put_name(d->sink, fields[section], &text);
}

static void section_read(struct dns_run *d, unsigned section)
{
	uint8_t room[DNS_NAME_TEXT];

	for (unsigned i = 0; i < d->h.count[section] && !d->r.underflow; i++) {
		bool show = i < RECORDS_MAX;
		struct dns_record rec;
		struct mr_wbuf name;

		mr_wbuf_init(&name, room, sizeof(room));
		record_read(&d->r, show && section == 1 ? &name : NULL, &rec);
		if (d->r.underflow)
			return;
		if (rec.type == DNS_OPT)
			edns_put(d, &rec);
		else if (show)
			record_put(d, &rec, &name, section);
	}
}

/* Which transaction the message belongs to; true: its question is known from the query. */
static bool transaction_of(struct dns_run *d, bool answer)
{
	struct dns_state *s = d->state;
	bool known = answer && s->open && s->id == d->h.id;

	if (s->open && !known)
		mr_l7_end_transaction(d->sink);
	s->open = !answer;
	s->id = d->h.id;
	return known;
}

static void message_read(struct dns_run *d)
{
	unsigned opcode;
	bool answer, known;

	header_read(&d->r, &d->h);
	if (d->r.underflow) {
		dns_note(d->sink, "malformed");
		return;
	}
	answer = (d->h.flags & FLAG_ANSWER) != 0;
	opcode = d->h.flags >> 11 & 15;
	d->rcode = d->h.flags & 15;
	known = transaction_of(d, answer);
	if (!known) {
		mr_l7_put_number(d->sink, MR_L7_F_DNS_ID, d->h.id);
		if (opcode != 0)
			mr_l7_put_number(d->sink, MR_L7_F_DNS_OPCODE, opcode);
	}
	if (answer) {
		mr_l7_put_number(d->sink, MR_L7_F_DNS_FLAGS, d->h.flags);
		mr_l7_put_number(d->sink, MR_L7_F_DNS_ANSWERS, d->h.count[1]);
	}
	questions_read(d, !known);
	for (unsigned section = 1; section < 4; section++)
		section_read(d, section);
	if (answer)
		mr_l7_put_number(d->sink, MR_L7_F_DNS_RCODE, d->rcode);
	if (d->r.underflow && !d->cut)
		dns_note(d->sink, "malformed");
	if (answer)
		mr_l7_end_transaction(d->sink);
}

/* Messages behind their length (RFC 1035 section 4.2.2). The start of a long one must do. */
static enum mr_l7_want stream_read(struct dns_state *s, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				   bool mdns, uint32_t *ret_used)
{
	uint32_t *skip = &s->skip[in->dir & 1];
	uint32_t pos = 0;

	while (pos < in->len) {
		struct dns_run d = { .state = s, .sink = sink, .mdns = mdns };
		uint32_t left = in->len - pos, size, shown;

		if (*skip != 0) {
			size = *skip < left ? *skip : left;
			*skip -= size;
			pos += size;
			continue;
		}
		size = left < 2 ? 0 : mr_get_u16(in->data + pos);
		shown = size < TCP_MESSAGE_MAX ? size : TCP_MESSAGE_MAX;
		if (left < 2 || left - 2 < shown)
			break;
		if (size < DNS_HEADER) {
			dns_note(sink, "malformed");
			*ret_used = pos;
			return MR_L7_BROKEN;
		}
		d.cut = shown < size;
		mr_rbuf_init(&d.r, in->data + pos + 2, shown);
		message_read(&d);
		*skip = size - shown;
		pos += 2 + shown;
	}
	*ret_used = pos;
	return MR_L7_MORE;
}

/* @p mdns: as in RFC 6762 */
static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink, bool mdns,
			     uint32_t *ret_used)
{
	struct dns_run d = { .state = state, .sink = sink, .mdns = mdns };

	*ret_used = 0;
	if (in->transport == MR_L7_TCP && in->gap)
		return MR_L7_BROKEN; /* nothing tells where the next message starts */
	if (in->transport == MR_L7_TCP)
		return stream_read(state, in, sink, mdns, ret_used);
	mr_rbuf_init(&d.r, in->data, in->len);
	message_read(&d);
	*ret_used = in->len;
	return MR_L7_MORE;
}

static enum mr_l7_want dns_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				 uint32_t *ret_used)
{
	return parse(state, in, sink, false, ret_used);
}

static enum mr_l7_want mdns_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				  uint32_t *ret_used)
{
	return parse(state, in, sink, true, ret_used);
}

static bool is_class(uint16_t class)
{
	class &= (uint16_t)~MDNS_CLASS_FLAG;
	return class == 1 || class == 3 || class == 4 || class == 254 || class == 255;
}

/* Two octets for each of a NetBIOS name: letters from A to P. */
static bool is_netbios_name(const struct mr_rbuf *at)
{
	const uint8_t *name = at->data + at->pos;

	if (mr_rbuf_left(at) < NBNS_NAME_OCTETS + 1 || name[0] != NBNS_NAME_OCTETS)
		return false;
	for (unsigned i = 1; i <= NBNS_NAME_OCTETS; i++)
		if (name[i] < 'A' || name[i] > 'P')
			return false;
	return true;
}

static bool is_header(const struct dns_header *h)
{
	bool answer = (h->flags & FLAG_ANSWER) != 0;
	unsigned opcode = h->flags >> 11 & 15;

	if (opcode > 6 || opcode == 3 || (h->flags & FLAG_RESERVED) != 0)
		return false;
	if (!answer && (h->flags & 15) != 0)
		return false;
	return h->count[0] == 0 ? answer && h->count[1] != 0 : h->count[0] <= QUESTIONS_MAX;
}

/* A header that makes sense, and a first question, or record when there is none, of a known class. */
static enum mr_l7_probe probe_message(struct mr_rbuf *r, bool whole)
{
	struct dns_record rec = { 0 };
	struct dns_header h;

	header_read(r, &h);
	if (r->underflow)
		return whole ? MR_L7_NO : MR_L7_MAYBE;
	if (!is_header(&h) || is_netbios_name(r))
		return MR_L7_NO;
	if (h.count[0] != 0) {
		dns_name_read(r, NULL);
		rec.type = mr_rbuf_get_u16(r);
		rec.class = mr_rbuf_get_u16(r);
	} else {
		record_read(r, NULL, &rec);
	}
	if (r->underflow)
		return whole || mr_rbuf_left(r) > DNS_NAME_TEXT ? MR_L7_NO : MR_L7_MAYBE;
	return rec.type != 0 && is_class(rec.class) ? MR_L7_YES : MR_L7_NO;
}

/* DNS, mDNS and LLMNR differ by their ports only; the rows of the latter two come first. */
static enum mr_l7_probe dns_probe(const struct mr_l7_input *in)
{
	struct mr_rbuf r;
	uint32_t size;

	if (in->transport == MR_L7_UDP) {
		mr_rbuf_init(&r, in->data, in->len);
		return probe_message(&r, true);
	}
	if (in->len < 2)
		return MR_L7_MAYBE;
	size = mr_get_u16(in->data);
	if (size < DNS_HEADER + 5)
		return MR_L7_NO;
	mr_rbuf_init(&r, in->data + 2, in->len - 2 < size ? in->len - 2 : size);
	return probe_message(&r, in->len - 2 >= size);
}

static bool is_at(const struct mr_l7_input *in, uint16_t port)
{
	return in->port[0] == port || in->port[1] == port;
}

static enum mr_l7_probe mdns_probe(const struct mr_l7_input *in)
{
	return is_at(in, MDNS_PORT) ? dns_probe(in) : MR_L7_NO;
}

static enum mr_l7_probe llmnr_probe(const struct mr_l7_input *in)
{
	return is_at(in, LLMNR_PORT) ? dns_probe(in) : MR_L7_NO;
}

const struct mr_l7_ops mr_l7_dns = {
	.name = "dns",
	.description = "Domain Name System",
	.selector = 53,
	.transports = MR_L7_TCP | MR_L7_UDP,
	.state_size = sizeof(struct dns_state),
	.probe = dns_probe,
	.parse = dns_parse,
};

const struct mr_l7_ops mr_l7_mdns = {
	.name = "mdns",
	.description = "Multicast Domain Name System",
	.selector = MDNS_PORT,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct dns_state),
	.probe = mdns_probe,
	.parse = mdns_parse,
};

const struct mr_l7_ops mr_l7_llmnr = {
	.name = "llmnr",
	.description = "Link-Local Multicast Name Resolution",
	.selector = LLMNR_PORT,
	.transports = MR_L7_TCP | MR_L7_UDP,
	.state_size = sizeof(struct dns_state),
	.probe = llmnr_probe,
	.parse = dns_parse,
};
