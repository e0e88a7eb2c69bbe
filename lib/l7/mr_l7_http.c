/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of HTTP/1.x and their framing. */
#include <assert.h>

#include "l7/mr_l7_http_priv.h"

#define LOST_LINE_MAX 2048u /* octets of a start line that is looked for behind a gap */
#define PROBE_MAX     128u  /* octets */

/* What a step did: enum mr_l7_want, with MR_L7_MORE for "go on", or this. */
#define WAIT (-1) /* nothing can be done without more octets */

static bool is_answer_interim(const struct http_dir *d)
{
	return d->status >= 100 && d->status < 200 && d->status != 101;
}

static int http_broken(struct http_run *r, const char *note)
{
	http_note(r, note);
	return MR_L7_BROKEN;
}

/* The octets that aren't read yet. */
static struct http_text unread(const struct http_run *r)
{
	return (struct http_text){ (const char *)r->in->data + r->pos, r->in->len - r->pos };
}

/* The end of a line that starts at @p t and may be folded; 0: not known yet. Each octet is looked at once. */
static size_t line_end(struct http_run *r, struct http_text t, bool may_fold)
{
	size_t at = r->d->scanned;
	const char *lf;

	r->folded = at != 0; /* what was looked at before may have had folds */
	while ((lf = at < t.len ? memchr(t.s + at, '\n', t.len - at) : NULL) != NULL) {
		at = (size_t)(lf + 1 - t.s);
		if (!may_fold || at == 1 || (at == 2 && t.s[0] == '\r'))
			return at;
		if (at == t.len && !r->in->end) { /* the next octet says whether this is a fold */
			r->d->scanned = (uint32_t)at - 1;
			return 0;
		}
		if (at == t.len || !http_is_space(t.s[at]))
			return at;
		r->folded = true;
	}
	r->d->scanned = (uint32_t)t.len;
	return 0;
}

/* Takes the next line, without its end. 0, WAIT or MR_L7_BROKEN. */
static int next_line(struct http_run *r, bool may_fold, struct http_text *ret)
{
	struct http_text t = unread(r);
	size_t end = line_end(r, t, may_fold);

	if (end > HTTP_LINE_MAX || (end == 0 && t.len > HTTP_LINE_MAX))
		return http_broken(r, "long_line");
	if (end == 0)
		return WAIT;
	r->d->scanned = 0;
	r->pos += (uint32_t)end;
	end--;
	if (end != 0 && t.s[end - 1] == '\r')
		end--;
	*ret = (struct http_text){ t.s, end };
	return 0;
}

static void transaction_end(struct http_run *r)
{
	mr_l7_end_transaction(r->sink);
	r->state->has_request = false;
	r->state->has_answer = false;
}

static void request_push(struct http_state *s, enum http_kind kind)
{
	if (s->n_requests == HTTP_REQUESTS_MAX) { /* answers that nobody sees: forget the oldest */
		s->requests >>= 2;
		s->n_requests--;
	}
	s->requests |= (uint64_t)kind << 2 * s->n_requests++;
}

static enum http_kind request_oldest(const struct http_state *s)
{
	return s->n_requests == 0 ? HTTP_KIND_PLAIN : (enum http_kind)(s->requests & 3);
}

static void request_pop(struct http_state *s)
{
	if (s->n_requests == 0)
		return;
	s->requests >>= 2;
	s->n_requests--;
}

/* The request that was sent last asks for a tunnel. */
static bool connect_asked(const struct http_state *s)
{
	return s->n_requests != 0 && (s->requests >> 2 * (s->n_requests - 1) & 3) == HTTP_KIND_CONNECT;
}

static void message_start(struct http_dir *d, uint8_t flags)
{
	d->flags = flags;
	d->left = 0;
	d->body = 0;
	d->lines = 0;
	d->status = 0;
	d->coding = MR_L7_CODING_NONE;
	d->step = HTTP_HEADER;
}

static void message_end(struct http_run *r)
{
	struct http_dir *d = r->d;

	http_body_end(r);
	d->lines = 0;
	d->step = HTTP_START;
	if ((d->flags & HTTP_IS_REQUEST) == 0 && !is_answer_interim(d))
		transaction_end(r);
}

static void request_start(struct http_run *r, const struct http_start_line *line)
{
	struct http_state *s = r->state;
	struct http_text host = http_target_host(line->method, line->target);
	enum http_kind kind = HTTP_KIND_PLAIN;

	if (s->has_request || s->has_answer)
		transaction_end(r);
	s->has_request = true;
	if (line->old)
		kind = HTTP_KIND_OLD;
	else if (http_is(line->method, "HEAD"))
		kind = HTTP_KIND_HEAD;
	else if (http_is(line->method, "CONNECT"))
		kind = HTTP_KIND_CONNECT;
	request_push(s, kind);
	s->requester = r->in->dir;
	message_start(r->d, HTTP_IS_REQUEST);
	mr_l7_put(r->sink, MR_L7_F_HTTP_METHOD, line->method.s, line->method.len);
	mr_l7_put(r->sink, MR_L7_F_HTTP_URI, line->target.s, line->target.len);
	if (line->old)
		mr_l7_put(r->sink, MR_L7_F_HTTP_VERSION, "HTTP/0.9", 8);
	else
		mr_l7_put(r->sink, MR_L7_F_HTTP_VERSION, line->version.s, line->version.len);
	if (host.len != 0) {
		mr_l7_put(r->sink, MR_L7_F_HTTP_HOST, host.s, host.len);
		r->d->flags |= HTTP_HAS_HOST;
	}
	if (line->old)
		message_end(r);
}

static void answer_start(struct http_run *r, const struct http_start_line *line)
{
	struct http_state *s = r->state;

	if (s->has_answer)
		transaction_end(r);
	message_start(r->d, 0);
	r->d->status = line->status;
	s->has_answer = !is_answer_interim(r->d);
	if (!s->has_request)
		mr_l7_put(r->sink, MR_L7_F_HTTP_VERSION, line->version.s, line->version.len);
	mr_l7_put_number(r->sink, MR_L7_F_HTTP_STATUS, line->status);
	if (line->reason.len != 0)
		mr_l7_put(r->sink, MR_L7_F_HTTP_REASON, line->reason.s, line->reason.len);
}

static void lose(struct http_run *r)
{
	http_body_end(r);
	r->state->n_requests = 0;
	r->state->requests = 0;
	r->d->left = 0;
	r->d->scanned = 0;
	r->d->step = HTTP_LOST;
}

static int step_start_line(struct http_run *r, struct http_text line)
{
	struct http_start_line start;

	switch (http_start_read(line, &start)) {
	case HTTP_START_REQUEST:
		request_start(r, &start);
		break;
	case HTTP_START_ANSWER:
		answer_start(r, &start);
		break;
	default:
		if (!r->state->started)
			return http_broken(r, "bad_start");
		http_note(r, "bad_start");
		lose(r);
	}
	r->state->started = true;
	return MR_L7_MORE;
}

/* An answer to HTTP/0.9 is all body, but most servers answer as in 1.0. 0: it has a start line. */
static int step_old_answer(struct http_run *r)
{
	struct http_text t = unread(r);
	size_t n = t.len < 5 ? t.len : 5;

	if (memcmp(t.s, "HTTP/", n) == 0)
		return n == 5 ? 0 : WAIT;
	if (r->state->has_answer)
		transaction_end(r);
	message_start(r->d, 0);
	request_pop(r->state);
	r->state->has_answer = true;
	r->d->step = HTTP_BODY_CLOSE;
	return MR_L7_MORE;
}

static int step_start(struct http_run *r)
{
	struct http_text line;
	int rc;

	if (r->in->dir == r->state->requester && connect_asked(r->state))
		return WAIT; /* the answer says whether what comes is HTTP */
	if (r->in->dir != r->state->requester && request_oldest(r->state) == HTTP_KIND_OLD) {
		rc = step_old_answer(r);
		if (rc == WAIT || r->d->step == HTTP_BODY_CLOSE)
			return rc;
	}
	rc = next_line(r, false, &line);
	if (rc != 0)
		return rc;
	if (line.len != 0)
		return step_start_line(r, line);
	return ++r->d->lines > HTTP_EMPTY_LINES_MAX ? http_broken(r, "empty_lines") : MR_L7_MORE;
}

/* The step that reads the body of the message in hand; HTTP_START: there is none (RFC 9112 section 6.3). */
static enum http_step body_step(const struct http_dir *d, enum http_kind kind)
{
	bool answer = (d->flags & HTTP_IS_REQUEST) == 0;

	if (answer && (kind == HTTP_KIND_HEAD || d->status < 200 || d->status == 204 || d->status == 304))
		return HTTP_START;
	if ((d->flags & HTTP_OTHER_CODING) != 0)
		return HTTP_BODY_CLOSE;
	if ((d->flags & HTTP_CHUNKED) != 0)
		return HTTP_CHUNK_SIZE;
	if ((d->flags & HTTP_HAS_LENGTH) != 0)
		return d->left == 0 ? HTTP_START : HTTP_BODY_LENGTH;
	return answer ? HTTP_BODY_CLOSE : HTTP_START;
}

static int header_end(struct http_run *r)
{
	struct http_dir *d = r->d;
	struct http_state *s = r->state;
	bool answer = (d->flags & HTTP_IS_REQUEST) == 0;
	enum http_kind kind = answer ? request_oldest(s) : HTTP_KIND_PLAIN;

	if ((d->flags & HTTP_CHUNKED) != 0 && (d->flags & HTTP_HAS_LENGTH) != 0)
		http_note(r, "length_and_chunked");
	if (answer && !is_answer_interim(d))
		request_pop(s);
	d->lines = 0;
	d->step = (uint8_t)body_step(d, kind);
	if (answer && kind == HTTP_KIND_CONNECT && d->status >= 200 && d->status < 300) {
		message_end(r);
		return MR_L7_NEXT;
	}
	if (d->step == HTTP_START)
		message_end(r);
	if (answer && d->status == 101)
		return s->next ? MR_L7_NEXT : MR_L7_DONE;
	return MR_L7_MORE;
}

static int step_header(struct http_run *r)
{
	struct http_text line;
	int rc = next_line(r, true, &line);

	if (rc != 0)
		return rc;
	if (line.len == 0)
		return header_end(r);
	if (++r->d->lines > HTTP_LINES_MAX)
		return http_broken(r, "header_flood");
	if (r->folded && (r->d->flags & HTTP_FOLDED) == 0 && memchr(line.s, '\n', line.len) != NULL) {
		r->d->flags |= HTTP_FOLDED;
		http_note(r, "folded_header");
	}
	http_header_put(r, line);
	return MR_L7_MORE;
}

/* Skips what is there of `left` octets. */
static int skip_body(struct http_run *r)
{
	struct http_text t = unread(r);
	size_t n = t.len < r->d->left ? t.len : (size_t)r->d->left;

	if (n == 0)
		return WAIT;
	http_body_put(r, (const uint8_t *)t.s, n);
	r->pos += (uint32_t)n;
	r->d->left -= n;
	return MR_L7_MORE;
}

static int step_body_length(struct http_run *r)
{
	int rc = skip_body(r);

	if (rc == MR_L7_MORE && r->d->left == 0)
		message_end(r);
	return rc;
}

static int step_body_close(struct http_run *r)
{
	r->d->left = UINT64_MAX;
	return skip_body(r);
}

static int step_chunk(struct http_run *r)
{
	int rc = skip_body(r);

	if (rc == MR_L7_MORE && r->d->left == 0)
		r->d->step = HTTP_CHUNK_END;
	return rc;
}

static int bad_chunk(struct http_run *r)
{
	http_note(r, "bad_chunk");
	lose(r);
	return MR_L7_MORE;
}

static int step_chunk_end(struct http_run *r)
{
	struct http_text line;
	int rc = next_line(r, false, &line);

	if (rc != 0)
		return rc;
	if (line.len != 0)
		return bad_chunk(r);
	r->d->step = HTTP_CHUNK_SIZE;
	return MR_L7_MORE;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
		return (c | 0x20) - 'a' + 10;
	return -1;
}

static int step_chunk_size(struct http_run *r)
{
	struct http_text line;
	uint64_t size = 0;
	size_t n = 0;
	int rc = next_line(r, false, &line);

	if (rc != 0)
		return rc;
	line = http_trim(line);
	while (n < line.len && n < 15 && hex_value(line.s[n]) >= 0)
		size = size << 4 | (uint64_t)hex_value(line.s[n++]);
	if (n == 0 || (n < line.len && line.s[n] != ';' && !http_is_space(line.s[n])))
		return bad_chunk(r);
	r->d->left = size;
	r->d->step = size == 0 ? HTTP_TRAILER : HTTP_CHUNK;
	return MR_L7_MORE;
}

static int step_trailer(struct http_run *r)
{
	struct http_text line;
	int rc = next_line(r, false, &line);

	if (rc != 0)
		return rc;
	if (line.len == 0)
		message_end(r);
	else if (++r->d->lines > HTTP_LINES_MAX)
		return http_broken(r, "header_flood");
	return MR_L7_MORE;
}

/* Not just any three words of a text. */
static bool is_surely_start(struct http_text line)
{
	struct http_start_line start;

	switch (http_start_read(line, &start)) {
	case HTTP_START_ANSWER:
		return true;
	case HTTP_START_REQUEST:
		return !start.old &&
		       (start.target.s[0] == '/' || http_target_host(start.method, start.target).len != 0);
	default:
		return false;
	}
}

/* Looks for a line that starts a message; `left` is 1 in the middle of a line that is too long to be one. */
static int step_lost(struct http_run *r)
{
	struct http_text t = unread(r);
	size_t end = line_end(r, t, false);

	if (end == 0 && t.len <= LOST_LINE_MAX)
		return WAIT;
	r->d->scanned = 0;
	if (end == 0 || end > LOST_LINE_MAX || r->d->left != 0) {
		r->d->left = end == 0;
		r->pos += (uint32_t)(end == 0 ? t.len : end);
		return MR_L7_MORE;
	}
	t.len = end - (end > 1 && t.s[end - 2] == '\r' ? 2 : 1);
	r->pos += (uint32_t)end;
	return is_surely_start(t) ? step_start_line(r, t) : MR_L7_MORE;
}

static int (*const steps[])(struct http_run *r) = {
	[HTTP_START] = step_start,
	[HTTP_HEADER] = step_header,
	[HTTP_BODY_LENGTH] = step_body_length,
	[HTTP_BODY_CLOSE] = step_body_close,
	[HTTP_CHUNK_SIZE] = step_chunk_size,
	[HTTP_CHUNK] = step_chunk,
	[HTTP_CHUNK_END] = step_chunk_end,
	[HTTP_TRAILER] = step_trailer,
	[HTTP_LOST] = step_lost,
};

static_assert(sizeof(steps) / sizeof(steps[0]) == HTTP_STEP_MAX, "a function for each step");

/* What has no end but that of the connection goes on behind a gap, but for rules it's over. */
static void gap(struct http_run *r)
{
	if (r->d->step == HTTP_BODY_CLOSE)
		http_body_end(r);
	else
		lose(r);
}

/* The direction ends: so does the message in hand, whole or not. */
static void direction_end(struct http_run *r)
{
	if (r->d->step == HTTP_START || r->d->step == HTTP_LOST)
		return;
	message_end(r);
}

static enum mr_l7_want http_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				  uint32_t *ret_used)
{
	struct http_state *s = state;
	struct http_run r = { .state = s, .d = &s->dir[in->dir & 1], .in = in, .sink = sink };
	int rc = MR_L7_MORE;

	if (in->gap)
		gap(&r);
	while (rc == MR_L7_MORE && r.pos < in->len)
		rc = steps[r.d->step](&r);
	*ret_used = r.pos;
	if (rc != MR_L7_MORE && rc != WAIT)
		return (enum mr_l7_want)rc;
	if (in->end)
		direction_end(&r);
	return MR_L7_MORE;
}

static void http_close(void *state, struct mr_l7_sink *sink)
{
	struct http_state *s = state;

	for (unsigned i = 0; i < 2; i++) {
		struct http_run r = { .state = s, .d = &s->dir[i], .sink = sink };

		http_body_end(&r);
	}
}

static bool is_known_method(struct http_text t)
{
	static const char *const methods[] = { "GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "PATCH " };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (t.len > strlen(methods[i]) && memcmp(t.s, methods[i], strlen(methods[i])) == 0 &&
		    t.s[strlen(methods[i])] == '/')
			return true;
	return false;
}

/* RTSP, SIP and others look the same but for the name of the protocol, which nobody leaves out of a long
 * line. */
static enum mr_l7_probe http_probe(const struct mr_l7_input *in)
{
	struct http_text t = { (const char *)in->data, in->len };
	struct http_start_line start;
	const char *lf;

	if (t.len == 0)
		return MR_L7_MAYBE;
	for (unsigned i = 0; i < HTTP_EMPTY_LINES_MAX && t.len != 0 && (t.s[0] == '\r' || t.s[0] == '\n');
	     i++) {
		t.s++;
		t.len--;
	}
	lf = memchr(t.s, '\n', t.len < PROBE_MAX ? t.len : PROBE_MAX);
	if (lf != NULL) {
		t.len = (size_t)(lf - t.s);
		if (t.len != 0 && t.s[t.len - 1] == '\r')
			t.len--;
		return http_start_read(t, &start) != HTTP_START_NONE ? MR_L7_YES : MR_L7_NO;
	}
	if (t.len >= PROBE_MAX)
		return is_known_method(t) || http_starts(t, "CONNECT ") || http_starts(t, "GET http") ||
				       http_starts(t, "POST http") || http_starts(t, "HTTP/1.")
			       ? MR_L7_YES
			       : MR_L7_NO;
	for (size_t i = 0; i < t.len; i++)
		if (t.s[i] < ' ')
			return t.s[i] == '\r' && i == t.len - 1 ? MR_L7_MAYBE : MR_L7_NO;
	return MR_L7_MAYBE;
}

const struct mr_l7_ops mr_l7_http = {
	.name = "http",
	.description = "HyperText Transfer Protocol 1.x",
	.selector = 80,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct http_state),
	.probe = http_probe,
	.parse = http_parse,
	.close = http_close,
};
