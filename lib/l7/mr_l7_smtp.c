/* SPDX-License-Identifier: Apache-2.0 */
/* SMTP and LMTP (RFC 5321, STARTTLS RFC 3207, BDAT RFC 3030): the envelope and the subject of each mail. */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define VALUES_MAX 256u /* of a flow: recipients, senders, subjects */
#define STRAY_MAX  32u	/* lines of the client that are no command; answers to AUTH aren't either */
#define CHUNK_MAX  (1u << 30)

enum phase {
	COMMANDS,
	HEADERS, /* of a mail */
	BODY,
};

struct state {
	uint32_t chunk; /* octets of BDAT that are still to come */
	uint16_t values;
	bool skip[2];	/* the rest of a line that is too long, by direction */
	uint8_t phase;	/* enum phase */
	uint8_t server; /* 1 + direction of the server, 0: not known */
	uint8_t stray;
	bool banner_told;
	bool data_fresh; /* DATA was said, nothing of the mail has come */
	bool data_refused;
	bool mail_ended;   /* the next reply ends the transaction */
	bool subject_open; /* its last part hasn't been put */
	bool tls_asked;
};

static bool at_port(const struct mr_l7_input *in)
{
	for (unsigned i = 0; i < 2; i++)
		if (in->port[i] == 25 || in->port[i] == 587 || in->port[i] == 465 || in->port[i] == 2525)
			return true;
	return false;
}

/* FTP and others greet with 220 too: the banner says which, or the port, or what the client says then. */
static enum mr_l7_probe probe_greeting(struct mr_l7_text start, const struct mr_l7_input *in)
{
	if (mr_l7_contains(start, "SMTP") || mr_l7_contains(start, "LMTP"))
		return MR_L7_YES;
	if (mr_l7_contains(start, "FTP") || mr_l7_contains(start, "\n331 "))
		return MR_L7_NO;
	return at_port(in) ? MR_L7_YES : MR_L7_MAYBE;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	static const char *const starts[] = { "EHLO ", "HELO ", "LHLO ", "MAIL FROM:", "RCPT TO:" };
	struct mr_l7_text start = mr_l7_start(in);
	unsigned code;

	if (in->transport != MR_L7_TCP)
		return MR_L7_NO;
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		if (mr_l7_starts(start, starts[i]))
			return MR_L7_YES;
		if (mr_l7_may_start(start, starts[i]))
			return MR_L7_MAYBE;
	}
	if (start.len < 4)
		return mr_l7_may_start(start, "220 ") || mr_l7_may_start(start, "354 ") ? MR_L7_MAYBE
											: MR_L7_NO;
	code = mr_l7_reply_code(start);
	if (code == 220 || ((code == 421 || code == 554) && mr_l7_contains(start, "SMTP")))
		return probe_greeting(start, in);
	return code == 354 ? MR_L7_YES : MR_L7_NO;
}

static void end_subject(struct state *s, struct mr_l7_sink *sink)
{
	if (s->subject_open)
		mr_l7_put(sink, MR_L7_F_SMTP_SUBJECT, "", 0);
	s->subject_open = false;
}

/* A line of the mail. A folded header goes on in lines that start with a blank (RFC 5322 section 2.2.3). */
static void read_mail(struct state *s, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	bool folded = line.len > 0 && (line.data[0] == ' ' || line.data[0] == '\t');

	s->data_fresh = false;
	if (s->subject_open && folded) {
		sink->value(sink, MR_L7_F_SMTP_SUBJECT, line.data, line.len, true);
		return;
	}
	end_subject(s, sink);
	if (line.len == 1 && line.data[0] == '.') {
		s->phase = COMMANDS;
		s->mail_ended = true;
	} else if (line.len == 0) {
		s->phase = BODY;
	} else if (s->phase == HEADERS && mr_l7_starts(line, "Subject:")) {
		line = mr_l7_trim(mr_l7_behind(line, strlen("Subject:")));
		sink->value(sink, MR_L7_F_SMTP_SUBJECT, line.data, line.len, true);
		s->subject_open = true;
		s->values++;
	}
}

/* "<name@example.org> SIZE=1" without what is around the address. */
static struct mr_l7_text address_of(struct mr_l7_text t)
{
	const uint8_t *end;

	t = mr_l7_trim(t);
	if (t.len == 0 || t.data[0] != '<')
		return mr_l7_word(&t);
	t = mr_l7_behind(t, 1);
	end = t.len > 0 ? memchr(t.data, '>', t.len) : NULL;
	if (end != NULL)
		t.len = (size_t)(end - t.data);
	return t;
}

static void read_command(struct state *s, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	struct mr_l7_text rest = line, verb = mr_l7_word(&rest);

	s->tls_asked = mr_l7_equals(verb, "STARTTLS");
	s->data_refused = false;
	if (mr_l7_equals(verb, "EHLO") || mr_l7_equals(verb, "HELO") || mr_l7_equals(verb, "LHLO")) {
		mr_l7_put_text(sink, MR_L7_F_SMTP_HELO, mr_l7_trim(rest));
		s->values++;
	} else if (mr_l7_starts(line, "MAIL FROM:")) {
		mr_l7_put_text(sink, MR_L7_F_SMTP_MAIL_FROM, address_of(mr_l7_behind(line, 10)));
		s->values++;
	} else if (mr_l7_starts(line, "RCPT TO:")) {
		mr_l7_put_text(sink, MR_L7_F_SMTP_RCPT_TO, address_of(mr_l7_behind(line, 8)));
		s->values++;
	} else if (mr_l7_equals(verb, "DATA")) {
		s->phase = HEADERS;
		s->data_fresh = true;
	} else if (mr_l7_equals(verb, "BDAT")) {
		for (size_t i = 0; i < rest.len && rest.data[i] >= '0' && rest.data[i] <= '9'; i++)
			s->chunk = s->chunk < CHUNK_MAX / 10 ? s->chunk * 10 + rest.data[i] - '0' : CHUNK_MAX;
	} else if (!s->tls_asked && (verb.len != 4 || mr_l7_reply_code(line) != 0)) {
		s->stray++;
	}
}

/* Pipelined commands have several answers to come; one that refuses DATA must not be taken for one to RCPT.
 */
static void read_reply(struct state *s, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	unsigned code = mr_l7_reply_code(line);

	if (!s->banner_told && (code == 220 || code == 421 || code == 554))
		mr_l7_put_text(sink, MR_L7_F_SMTP_BANNER, mr_l7_trim(mr_l7_behind(line, 4)));
	s->banner_told = true;
	if (code == 0 || !mr_l7_reply_ends(line))
		return;
	if (s->phase == HEADERS && s->data_fresh && code >= 400) {
		s->phase = COMMANDS;
		s->data_refused = true;
	} else if (s->data_refused && code == 354) {
		s->phase = HEADERS;
		s->data_refused = false;
	}
	if (s->mail_ended) {
		s->mail_ended = false;
		mr_l7_end_transaction(sink);
	}
}

static enum mr_l7_want read_line(struct state *s, unsigned dir, struct mr_l7_text line,
				 struct mr_l7_sink *sink)
{
	bool tls_asked = s->tls_asked;

	if (s->server == 0)
		s->server = (uint8_t)(1 + (mr_l7_reply_code(line) != 0 ? dir : 1 - dir));
	if (dir + 1 == s->server) {
		read_reply(s, line, sink);
		if (tls_asked && mr_l7_reply_code(line) == 220) {
			mr_l7_put_number(sink, MR_L7_F_SMTP_STARTTLS, 1);
			return MR_L7_NEXT;
		}
		s->tls_asked = tls_asked && !mr_l7_reply_ends(line);
	} else if (s->phase == COMMANDS) {
		read_command(s, line, sink);
	} else {
		read_mail(s, line, sink);
	}
	if (s->stray >= STRAY_MAX)
		return MR_L7_BROKEN;
	return s->values < VALUES_MAX || s->subject_open ? MR_L7_MORE : MR_L7_DONE;
}

static void skip_chunk(struct state *s, unsigned dir, struct mr_rbuf *r)
{
	size_t n = mr_rbuf_left(r) < s->chunk ? mr_rbuf_left(r) : s->chunk;

	if (dir + 1 == s->server)
		return;
	r->pos += n;
	s->chunk -= (uint32_t)n;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	unsigned dir = in->dir & 1;
	enum mr_l7_want want = MR_L7_MORE;
	struct mr_l7_text line;
	struct mr_rbuf r;

	if (in->gap)
		s->skip[dir] = true;
	mr_rbuf_init(&r, in->data, in->len);
	while (want == MR_L7_MORE) {
		skip_chunk(s, dir, &r);
		if (!mr_l7_line(&r, &s->skip[dir], &line))
			break;
		want = read_line(s, dir, line, sink);
	}
	*ret_used = (uint32_t)r.pos;
	return want;
}

static void close_state(void *state, struct mr_l7_sink *sink)
{
	end_subject(state, sink);
}

const struct mr_l7_ops mr_l7_smtp = {
	.name = "smtp",
	.description = "Simple Mail Transfer Protocol",
	.selector = 25,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
	.close = close_state,
};
