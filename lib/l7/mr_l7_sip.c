/* SPDX-License-Identifier: Apache-2.0 */
/* SIP (RFC 3261) over UDP and TCP: start lines and the header lines that say who calls whom. */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define MESSAGES_MAX 64u /* of a flow; a trunk to a provider goes on for ever */
#define STRAY_MAX                                                                                            \
	16u /* lines in a row that start no message; empty ones don't count, they keep a flow alive */
#define METHOD_MAX 16u
#define BODY_MAX   (1u << 20)

struct stream {
	uint32_t body;	    /* octets of a body that are still to come; of a datagram: all that is left */
	uint32_t body_told; /* by this message's Content-Length */
	bool skip_line;
	bool in_headers;
	bool final; /* this message is the last answer to a request */
	uint8_t stray;
};

struct state {
	struct stream stream[2];
	uint8_t messages;
};

/* The status of a response, or 0. */
static unsigned status_of(struct mr_l7_text line)
{
	static const char version[] = "SIP/2.0 ";

	return mr_l7_starts(line, version) ? mr_l7_reply_code(mr_l7_behind(line, strlen(version))) : 0;
}

/* Octets of the method that the line starts with, in capitals as all known ones; 0: none. */
static size_t method_len(struct mr_l7_text line)
{
	size_t n = 0;

	while (n < line.len && n < METHOD_MAX &&
	       ((line.data[n] >= 'A' && line.data[n] <= 'Z') || line.data[n] == '_'))
		n++;
	return n < line.len && line.data[n] == ' ' ? n : 0;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	struct mr_l7_text text = { in->data, in->len }, uri;
	size_t n;

	if (status_of((struct mr_l7_text){ text.data, text.len < 12 ? text.len : 12 }) != 0)
		return MR_L7_YES;
	if (text.len < 12 && in->transport == MR_L7_TCP && !in->end)
		return text.len > 0 && text.data[0] >= 'A' && text.data[0] <= 'Z' ? MR_L7_MAYBE : MR_L7_NO;
	n = method_len(text);
	uri = mr_l7_behind(text, n + 1);
	if (n < 3)
		return MR_L7_NO;
	if (mr_l7_starts(uri, "sip:") || mr_l7_starts(uri, "sips:") || mr_l7_starts(uri, "tel:"))
		return MR_L7_YES;
	return uri.len < 5 && in->transport == MR_L7_TCP ? MR_L7_MAYBE : MR_L7_NO;
}

static void start_message(struct stream *st, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	unsigned status = status_of(line);
	struct mr_l7_text rest = line, method, uri;

	if (status != 0) {
		mr_l7_put_number(sink, MR_L7_F_SIP_STATUS, status);
	} else {
		method = mr_l7_word(&rest);
		uri = mr_l7_word(&rest);
		if (method_len(line) != method.len || method.len == 0 || !mr_l7_starts(rest, "SIP/2.")) {
			st->stray = (uint8_t)(st->stray + (line.len > 0));
			return;
		}
		mr_l7_put_text(sink, MR_L7_F_SIP_METHOD, method);
		mr_l7_put_text(sink, MR_L7_F_SIP_URI, uri);
	}
	st->in_headers = true;
	st->final = status >= 200;
	st->body_told = 0;
	st->stray = 0;
}

static uint32_t read_length(struct mr_l7_text value)
{
	uint32_t n = 0;

	for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9' && n < BODY_MAX; i++)
		n = n * 10 + (uint32_t)(value.data[i] - '0');
	return n;
}

/* Names have a long and some a compact form (RFC 3261 section 7.3.3). */
static void read_header(struct stream *st, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	static const struct {
		const char *name;
		uint8_t len;
		char compact;
		enum mr_l7_field field; /* MR_L7_FIELD_MAX: Content-Length, for ourselves */
	} known[] = {
		{ "From", 4, 'f', MR_L7_F_SIP_FROM },
		{ "To", 2, 't', MR_L7_F_SIP_TO },
		{ "Call-ID", 7, 'i', MR_L7_F_SIP_CALL_ID },
		{ "User-Agent", 10, 0, MR_L7_F_SIP_USER_AGENT },
		{ "Server", 6, 0, MR_L7_F_SIP_USER_AGENT },
		{ "Content-Length", 14, 'l', MR_L7_FIELD_MAX },
	};
	const uint8_t *colon = line.len > 0 ? memchr(line.data, ':', line.len) : NULL;
	struct mr_l7_text name = line, value;

	if (colon == NULL)
		return;
	name.len = (size_t)(colon - line.data);
	value = mr_l7_behind(line, name.len + 1);
	name = mr_l7_trim(name);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!(name.len == 1 && (name.data[0] | 0x20) == known[i].compact) &&
		    !(name.len == known[i].len && mr_l7_starts(name, known[i].name)))
			continue;
		value = mr_l7_trim(value);
		if (known[i].field == MR_L7_FIELD_MAX)
			st->body_told = read_length(value);
		else
			mr_l7_put_text(sink, known[i].field, value);
		break;
	}
}

static void read_line(struct state *s, struct stream *st, struct mr_l7_text line, bool datagram,
		      struct mr_l7_sink *sink)
{
	if (!st->in_headers) {
		start_message(st, line, sink);
		s->messages += st->in_headers;
	} else if (line.len > 0) {
		read_header(st, line, sink);
	} else {
		st->in_headers = false;
		st->body = datagram ? UINT32_MAX : st->body_told;
		if (st->final)
			mr_l7_end_transaction(sink);
	}
}

static void skip_body(struct stream *st, struct mr_rbuf *r)
{
	size_t n = mr_rbuf_left(r) < st->body ? mr_rbuf_left(r) : st->body;

	r->pos += n;
	st->body -= (uint32_t)n;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	struct stream *st = &s->stream[in->dir & 1];
	struct mr_l7_text line;
	struct mr_rbuf r;

	bool datagram = in->transport == MR_L7_UDP, done = false;

	if (datagram || in->gap)
		*st = (struct stream){ .skip_line = !datagram };
	mr_rbuf_init(&r, in->data, in->len);
	while (!done && st->stray < STRAY_MAX) {
		skip_body(st, &r);
		if (!mr_l7_line(&r, &st->skip_line, &line))
			break;
		read_line(s, st, line, datagram, sink);
		done = s->messages >= MESSAGES_MAX && !st->in_headers;
	}
	*ret_used = (uint32_t)r.pos;
	if (done)
		return MR_L7_DONE;
	return st->stray < STRAY_MAX ? MR_L7_MORE : MR_L7_BROKEN;
}

const struct mr_l7_ops mr_l7_sip = {
	.name = "sip",
	.description = "Session Initiation Protocol",
	.selector = 5060,
	.transports = MR_L7_TCP | MR_L7_UDP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
