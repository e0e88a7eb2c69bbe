/* SPDX-License-Identifier: Apache-2.0 */
/* Header lines of HTTP/1.x: what is of use, and what frames the body. */
#include "l7/mr_l7_http_priv.h"

/* A value without its folds: each is one blank (RFC 9112 section 5.2). */
static void put_unfolded(struct http_run *r, enum mr_l7_field field, struct http_text value)
{
	const char *lf;

	while (r->folded && (lf = memchr(value.s, '\n', value.len)) != NULL) {
		size_t n = (size_t)(lf - value.s);
		struct http_text line = http_trim((struct http_text){ value.s, n });

		r->sink->value(r->sink, field, line.s, line.len, true);
		r->sink->value(r->sink, field, " ", 1, true);
		value = http_trim((struct http_text){ lf + 1, value.len - n - 1 });
	}
	mr_l7_put(r->sink, field, value.s, value.len);
}

static void header_text(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	put_unfolded(r, field, value);
}

static void header_hidden(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	if (mr_l7_wanted(r->sink, field))
		put_unfolded(r, field, value);
}

static void header_host(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	if ((r->d->flags & HTTP_HAS_HOST) == 0)
		put_unfolded(r, field, value);
}

/* Of the answer, when it changes the protocol. */
static void header_upgrade(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	if (r->d->status != 101)
		return;
	put_unfolded(r, field, value);
	r->state->next = !http_is(value, "websocket");
}

/* A list of equal numbers is allowed (RFC 9110 section 8.6); anything else is somebody's trick. */
static void header_length(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	struct http_dir *d = r->d;
	uint64_t n = 0;
	size_t digits = 0;

	while (digits < value.len && value.s[digits] >= '0' && value.s[digits] <= '9' && digits < 18)
		n = n * 10 + (uint64_t)(value.s[digits++] - '0');
	if (digits == 0 || (digits < value.len && value.s[digits] != ',')) {
		http_note(r, "bad_length");
		return;
	}
	if ((d->flags & HTTP_HAS_LENGTH) != 0 && n != d->left)
		http_note(r, "two_lengths");
	if ((d->flags & HTTP_HAS_LENGTH) != 0)
		return;
	d->flags |= HTTP_HAS_LENGTH;
	d->left = n;
	mr_l7_put_number(r->sink, field, n);
}

/* The last coding decides (RFC 9112 section 6.3). */
static void header_transfer(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	const char *comma = memrchr(value.s, ',', value.len);

	if (comma != NULL)
		value = (struct http_text){ comma + 1, value.len - (size_t)(comma + 1 - value.s) };
	value = http_trim(value);
	if (http_is(value, "chunked"))
		r->d->flags = (uint8_t)((r->d->flags & ~HTTP_OTHER_CODING) | HTTP_CHUNKED);
	else if (!http_is(value, "identity"))
		r->d->flags |= HTTP_OTHER_CODING;
}

static void header_coding(struct http_run *r, struct http_text value, enum mr_l7_field field)
{
	if (http_is(value, "gzip") || http_is(value, "x-gzip"))
		r->d->coding = MR_L7_CODING_GZIP;
	else if (http_is(value, "deflate"))
		r->d->coding = MR_L7_CODING_DEFLATE;
}

#define NO_FIELD MR_L7_FIELD_MAX /* of no use in this kind of message */

#define NAME(literal) literal, sizeof(literal) - 1

/* field[0] in an answer, field[1] in a request */
static const struct header {
	const char *name; /* lower case */
	size_t len;
	void (*put)(struct http_run *r, struct http_text value, enum mr_l7_field field);
	enum mr_l7_field field[2];
} headers[] = {
	{ NAME("host"), header_host, { NO_FIELD, MR_L7_F_HTTP_HOST } },
	{ NAME("user-agent"), header_text, { NO_FIELD, MR_L7_F_HTTP_USER_AGENT } },
	{ NAME("content-type"), header_text, { MR_L7_F_HTTP_CONTENT_TYPE, MR_L7_F_HTTP_REQUEST_TYPE } },
	{ NAME("content-length"), header_length, { MR_L7_F_HTTP_LENGTH, MR_L7_F_HTTP_REQUEST_LENGTH } },
	{ NAME("transfer-encoding"), header_transfer, { MR_L7_F_HTTP_LENGTH, MR_L7_F_HTTP_REQUEST_LENGTH } },
	{ NAME("content-encoding"), header_coding, { MR_L7_F_HTTP_BODY, MR_L7_F_HTTP_REQUEST_BODY } },
	{ NAME("referer"), header_text, { NO_FIELD, MR_L7_F_HTTP_REFERER } },
	{ NAME("server"), header_text, { MR_L7_F_HTTP_SERVER, NO_FIELD } },
	{ NAME("location"), header_text, { MR_L7_F_HTTP_LOCATION, NO_FIELD } },
	{ NAME("cookie"), header_hidden, { NO_FIELD, MR_L7_F_HTTP_COOKIE } },
	{ NAME("upgrade"), header_upgrade, { MR_L7_F_HTTP_UPGRADE, NO_FIELD } },
};

static const struct header *find_header(struct http_text name)
{
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		if (name.len == headers[i].len && strncasecmp(name.s, headers[i].name, name.len) == 0)
			return &headers[i];
	return NULL;
}

void http_header_put(struct http_run *r, struct http_text line)
{
	bool request = (r->d->flags & HTTP_IS_REQUEST) != 0;
	enum mr_l7_field whole = request ? MR_L7_F_HTTP_REQUEST_HEADER : MR_L7_F_HTTP_HEADER;
	const char *colon = memchr(line.s, ':', line.len);
	const struct header *h;
	struct http_text name;

	if (mr_l7_wanted(r->sink, whole))
		put_unfolded(r, whole, line);
	if (colon == NULL || colon == line.s)
		return;
	name = http_trim((struct http_text){ line.s, (size_t)(colon - line.s) });
	if (name.len == 0)
		return;
	h = find_header(name);
	if (h != NULL && h->field[request] != NO_FIELD)
		h->put(r, http_trim((struct http_text){ colon + 1, line.len - (size_t)(colon + 1 - line.s) }),
		       h->field[request]);
}
