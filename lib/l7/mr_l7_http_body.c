/* SPDX-License-Identifier: Apache-2.0 */
/* The start of a body for rules, decompressed. */
#include "l7/mr_l7_http_priv.h"

static enum mr_l7_field body_field(const struct http_run *r)
{
	return (r->d->flags & HTTP_IS_REQUEST) != 0 ? MR_L7_F_HTTP_REQUEST_BODY : MR_L7_F_HTTP_BODY;
}

static void put_plain(struct http_run *r, const uint8_t *data, size_t len)
{
	size_t room = HTTP_BODY_MAX - r->d->body;
	size_t n = len < room ? len : room;

	r->sink->value(r->sink, body_field(r), data, n, true);
	r->d->flags |= HTTP_BODY_OPEN;
	r->d->body = (uint16_t)(r->d->body + n);
	if (n == room)
		http_body_end(r);
}

static void put_compressed(struct http_run *r, const uint8_t *data, size_t len)
{
	struct http_dir *d = r->d;
	enum mr_l7_inflated result;

	if (d->inflate == NULL)
		d->inflate = mr_l7_inflate_new(d->coding);
	if (d->inflate == NULL) {
		http_note(r, "no_memory");
		http_body_end(r);
		return;
	}
	result = mr_l7_inflate_put(d->inflate, data, len, r->sink, body_field(r));
	d->flags |= HTTP_BODY_OPEN;
	if (result == MR_L7_INFLATED_MORE)
		return;
	if (result == MR_L7_INFLATED_BOMB) {
		http_note(r, "decompression_bomb");
		r->state->no_inflate = true;
	} else if (result == MR_L7_INFLATED_BAD) {
		http_note(r, "bad_compression");
	}
	http_body_end(r);
}

void http_body_put(struct http_run *r, const uint8_t *data, size_t len)
{
	struct http_dir *d = r->d;

	if ((d->flags & HTTP_BODY_DONE) != 0 || len == 0 || !mr_l7_wanted(r->sink, body_field(r)))
		return;
	if (d->coding == MR_L7_CODING_NONE)
		put_plain(r, data, len);
	else if (!r->state->no_inflate)
		put_compressed(r, data, len);
}

void http_body_end(struct http_run *r)
{
	struct http_dir *d = r->d;

	if ((d->flags & HTTP_BODY_OPEN) != 0)
		r->sink->value(r->sink, body_field(r), NULL, 0, false);
	d->flags = (uint8_t)((d->flags & ~HTTP_BODY_OPEN) | HTTP_BODY_DONE);
	mr_l7_inflate_free(d->inflate);
	d->inflate = NULL;
}
