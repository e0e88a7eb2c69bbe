/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP/2 in the clear (RFC 9113): by prior knowledge, or behind an Upgrade of HTTP/1. Header blocks are read
 * by libnghttp2's HPACK (RFC 7541), everything else is skipped. Allocates the two HPACK tables and the fields
 * being read, MEMORY_MAX octets a flow at most, freed in close.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <nghttp2/nghttp2.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_priv.h"

#define PREFACE	     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define PREFACE_LEN  (sizeof(PREFACE) - 1)
#define FRAME_HEADER 9u
#define MEMORY_MAX   65536u /* octets for libnghttp2 a flow */
#define FIELDS_MAX   256u   /* of a header block */
#define BLOCK_MAX    65536u /* octets of names and values of a header block */

/* Frame types and flags, RFC 9113 section 6 */
enum {
	FRAME_HEADERS = 1,
	FRAME_SETTINGS = 4,
	FRAME_PUSH_PROMISE = 5,
	FRAME_CONTINUATION = 9,
};
enum {
	FLAG_ACK = 0x1,
	FLAG_END_HEADERS = 0x4,
	FLAG_PADDED = 0x8,
	FLAG_PRIORITY = 0x20,
};
#define SETTING_TABLE_SIZE 1u
#define TABLE_SIZE	   4096u /* octets, before anything else is said */
#define SETTING_OCTETS	   6u

/* What a direction reads next. */
enum http2_step {
	HTTP2_PREFACE, /* or the first frame, when it is the server's */
	HTTP2_FRAME,
	HTTP2_PREFIX, /* what a frame has before its header block */
	HTTP2_BLOCK,
	HTTP2_SETTINGS,
	HTTP2_SKIP,
	HTTP2_LOST, /* behind a gap, which leaves HPACK in the dark */
	HTTP2_STEP_MAX
};

/* Whose header block. */
enum http2_kind {
	HTTP2_TRAILER, /* until a pseudo-header says otherwise */
	HTTP2_REQUEST,
	HTTP2_ANSWER,
};

/* What libnghttp2 has of a flow, from the first header block on. It keeps a pointer to mem. */
struct http2_hpack {
	nghttp2_hd_inflater *hd[2];
	nghttp2_mem mem;
	uint32_t memory; /* octets */
};

struct http2_dir {
	uint32_t table_max; /* octets that the other side allows this one's HPACK table beyond 4096; else 0 */
	uint32_t left;	    /* octets of the frame; of its part of the header block */
	uint32_t stream;
	uint32_t block;	 /* octets of the header block so far, decoded */
	uint16_t fields; /* of the header block so far */
	uint16_t status;
	uint8_t pad;  /* octets behind the part of the header block */
	uint8_t step; /* enum http2_step */
	uint8_t type;
	uint8_t flags;
	uint8_t kind;	/* enum http2_kind */
	bool table_due; /* libnghttp2 doesn't know of table_max yet */
	bool in_block;	/* only CONTINUATION may follow */
	bool has_host;
};

struct http2_state {
	struct http2_hpack *hpack; /* owned */
	struct http2_dir dir[2];
	bool has_request; /* the transaction has its request already */
};

struct http2_run {
	struct http2_state *state;
	struct http2_dir *d;
	const struct mr_l7_input *in;
	struct mr_l7_sink *sink;
	uint32_t pos;
};

#define WAIT (-1) /* else a step returns enum mr_l7_want */

/* An allocator that counts: each block has its size before it. */
struct block {
	size_t size;
	_Alignas(16) uint8_t data[];
};

static void *http2_realloc(void *old, size_t size, void *user)
{
	struct http2_hpack *s = user;
	struct block *b =
		old == NULL ? NULL : (struct block *)((uint8_t *)old - offsetof(struct block, data));
	size_t old_size = b == NULL ? 0 : b->size;

	if (size > MEMORY_MAX || s->memory - old_size + size > MEMORY_MAX)
		return NULL;
	b = realloc(b, sizeof(*b) + size);
	if (b == NULL)
		return NULL;
	b->size = size;
	s->memory = (uint32_t)(s->memory - old_size + size);
	return b->data;
}

static void *http2_malloc(size_t size, void *user)
{
	return http2_realloc(NULL, size, user);
}

static void *http2_calloc(size_t n, size_t size, void *user)
{
	void *p = n != 0 && size > MEMORY_MAX / n ? NULL : http2_malloc(n * size, user);

	return p == NULL ? NULL : memset(p, 0, n * size);
}

static void http2_free(void *p, void *user)
{
	struct http2_hpack *s = user;
	struct block *b;

	if (p == NULL)
		return;
	b = (struct block *)((uint8_t *)p - offsetof(struct block, data));
	s->memory -= (uint32_t)b->size;
	free(b);
}

static int http2_broken(struct http2_run *r, const char *note)
{
	mr_l7_put(r->sink, MR_L7_F_HTTP_NOTE, note, strlen(note));
	return MR_L7_BROKEN;
}

/* A header block starts: the table is there, as large as its sender may think by now. */
static bool hd_open(struct http2_run *r)
{
	struct http2_hpack *h = r->state->hpack;
	nghttp2_hd_inflater **hd;

	if (h == NULL) {
		r->state->hpack = h = calloc(1, sizeof(*h));
		if (h == NULL)
			return false;
		h->mem = (nghttp2_mem){ h, http2_malloc, http2_free, http2_calloc, http2_realloc };
	}
	hd = &h->hd[r->in->dir & 1];
	if (*hd == NULL && nghttp2_hd_inflate_new2(hd, &h->mem) != 0)
		return false;
	if (r->d->table_due && nghttp2_hd_inflate_change_table_size(*hd, r->d->table_max) != 0)
		return false;
	r->d->table_due = false;
	return true;
}

static void put_number(struct http2_run *r, enum mr_l7_field field, const uint8_t *s, size_t len)
{
	uint64_t n = 0;

	if (len == 0 || len > 18)
		return;
	for (size_t i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return;
		n = n * 10 + (uint64_t)(s[i] - '0');
	}
	mr_l7_put_number(r->sink, field, n);
	if (field == MR_L7_F_HTTP_STATUS && n < UINT16_MAX)
		r->d->status = (uint16_t)n;
}

/* The first pseudo-header of a block tells whose it is. */
static void block_is(struct http2_run *r, enum http2_kind kind)
{
	struct http2_state *s = r->state;

	if (r->d->kind != HTTP2_TRAILER)
		return;
	if (kind == HTTP2_REQUEST) {
		if (s->has_request)
			mr_l7_end_transaction(r->sink);
		s->has_request = true;
	}
	if (kind == HTTP2_REQUEST || !s->has_request)
		mr_l7_put(r->sink, MR_L7_F_HTTP_VERSION, "HTTP/2", 6);
	r->d->kind = (uint8_t)kind;
	mr_l7_put_number(r->sink, MR_L7_F_HTTP2_STREAM, r->d->stream);
}

#define NO_FIELD MR_L7_FIELD_MAX

/* What is of use in an answer and in a request. */
static const struct {
	const char *name;
	enum mr_l7_field answer, request;
} names[] = {
	{ ":method", NO_FIELD, MR_L7_F_HTTP_METHOD },
	{ ":path", NO_FIELD, MR_L7_F_HTTP_URI },
	{ ":authority", NO_FIELD, MR_L7_F_HTTP_HOST },
	{ ":scheme", NO_FIELD, MR_L7_F_HTTP2_SCHEME },
	{ ":status", MR_L7_F_HTTP_STATUS, NO_FIELD },
	{ "host", NO_FIELD, MR_L7_F_HTTP_HOST },
	{ "user-agent", NO_FIELD, MR_L7_F_HTTP_USER_AGENT },
	{ "content-type", MR_L7_F_HTTP_CONTENT_TYPE, MR_L7_F_HTTP_REQUEST_TYPE },
	{ "content-length", MR_L7_F_HTTP_LENGTH, MR_L7_F_HTTP_REQUEST_LENGTH },
	{ "referer", NO_FIELD, MR_L7_F_HTTP_REFERER },
	{ "server", MR_L7_F_HTTP_SERVER, NO_FIELD },
	{ "location", MR_L7_F_HTTP_LOCATION, NO_FIELD },
	{ "cookie", NO_FIELD, MR_L7_F_HTTP_COOKIE },
};

static enum mr_l7_field field_of(const struct http2_run *r, const nghttp2_nv *nv)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (nv->namelen == strlen(names[i].name) && memcmp(nv->name, names[i].name, nv->namelen) == 0)
			return r->d->kind == HTTP2_REQUEST ? names[i].request : names[i].answer;
	return NO_FIELD;
}

/* "name: value", as a line of HTTP/1 would be */
static void put_line(struct http2_run *r, const nghttp2_nv *nv)
{
	enum mr_l7_field field =
		r->d->kind == HTTP2_REQUEST ? MR_L7_F_HTTP_REQUEST_HEADER : MR_L7_F_HTTP_HEADER;

	if (!mr_l7_wanted(r->sink, field))
		return;
	r->sink->value(r->sink, field, nv->name, nv->namelen, true);
	r->sink->value(r->sink, field, ": ", 2, true);
	r->sink->value(r->sink, field, nv->value, nv->valuelen, false);
}

static void field_put(struct http2_run *r, const nghttp2_nv *nv)
{
	enum mr_l7_field field;
	bool pseudo = nv->namelen != 0 && nv->name[0] == ':';

	if (pseudo)
		block_is(r, nv->namelen == 7 && memcmp(nv->name, ":status", 7) == 0 ? HTTP2_ANSWER
										    : HTTP2_REQUEST);
	if (r->d->kind == HTTP2_TRAILER)
		return;
	if (!pseudo)
		put_line(r, nv);
	field = field_of(r, nv);
	if (field == NO_FIELD || (field == MR_L7_F_HTTP_COOKIE && !mr_l7_wanted(r->sink, field)))
		return;
	if (field == MR_L7_F_HTTP_HOST && r->d->has_host)
		return;
	r->d->has_host |= field == MR_L7_F_HTTP_HOST;
	if (mr_l7_field_info[field].type == MR_L7_NUMBER)
		put_number(r, field, nv->value, nv->valuelen);
	else
		mr_l7_put(r->sink, field, nv->value, nv->valuelen);
}

/* A piece of a header block. */
static int block_put(struct http2_run *r, const uint8_t *data, size_t len, bool last)
{
	nghttp2_hd_inflater *hd = r->state->hpack->hd[r->in->dir & 1];
	struct http2_dir *d = r->d;
	nghttp2_nv nv;
	ssize_t n;
	int flags;

	do {
		flags = 0;
		n = nghttp2_hd_inflate_hd2(hd, &nv, &flags, data, len, last);
		if (n < 0)
			return http2_broken(r, n == NGHTTP2_ERR_NOMEM ? "header_bomb" : "bad_hpack");
		data += n;
		len -= (size_t)n;
		if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0)
			continue;
		d->block += (uint32_t)(nv.namelen + nv.valuelen);
		if (++d->fields > FIELDS_MAX || d->block > BLOCK_MAX)
			return http2_broken(r, "header_bomb");
		field_put(r, &nv);
	} while ((flags & NGHTTP2_HD_INFLATE_FINAL) == 0 &&
		 (len != 0 || (flags & NGHTTP2_HD_INFLATE_EMIT) != 0));
	if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0)
		nghttp2_hd_inflate_end_headers(hd);
	return MR_L7_MORE;
}

static void block_end(struct http2_run *r)
{
	r->d->in_block = false;
	if (r->d->kind == HTTP2_ANSWER && r->d->status >= 200) {
		mr_l7_end_transaction(r->sink);
		r->state->has_request = false;
	}
}

static uint32_t unread(const struct http2_run *r)
{
	return r->in->len - r->pos;
}

static const uint8_t *here(const struct http2_run *r)
{
	return r->in->data + r->pos;
}

static int step_preface(struct http2_run *r)
{
	size_t n = unread(r) < PREFACE_LEN ? unread(r) : PREFACE_LEN;

	if (n == 0)
		return WAIT;
	if (*here(r) != PREFACE[0]) {
		r->d->step = HTTP2_FRAME;
		return MR_L7_MORE;
	}
	if (memcmp(here(r), PREFACE, n) != 0)
		return http2_broken(r, "bad_start");
	if (n < PREFACE_LEN)
		return WAIT;
	r->pos += PREFACE_LEN;
	r->d->step = HTTP2_FRAME;
	return MR_L7_MORE;
}

static enum http2_step frame_step(const struct http2_dir *d)
{
	switch (d->type) {
	case FRAME_HEADERS:
	case FRAME_PUSH_PROMISE:
	case FRAME_CONTINUATION:
		return HTTP2_PREFIX;
	case FRAME_SETTINGS:
		return (d->flags & FLAG_ACK) != 0 ? HTTP2_SKIP : HTTP2_SETTINGS;
	default:
		return HTTP2_SKIP;
	}
}

static int step_frame(struct http2_run *r)
{
	struct http2_dir *d = r->d;
	const uint8_t *p = here(r);
	uint32_t stream;

	if (unread(r) < FRAME_HEADER)
		return WAIT;
	d->left = mr_get_u32(p) >> 8;
	d->type = p[3];
	d->flags = p[4];
	stream = mr_get_u32(p + 5) & 0x7fffffff;
	if (d->in_block != (d->type == FRAME_CONTINUATION) || (d->in_block && stream != d->stream))
		return http2_broken(r, "bad_frame");
	d->stream = stream;
	d->step = (uint8_t)frame_step(d);
	r->pos += FRAME_HEADER;
	return MR_L7_MORE;
}

/* Pad length, priority, promised stream: RFC 9113 sections 6.2 and 6.6. */
static int step_prefix(struct http2_run *r)
{
	struct http2_dir *d = r->d;
	bool padded = d->type != FRAME_CONTINUATION && (d->flags & FLAG_PADDED) != 0;
	uint32_t size = padded;

	if (d->type == FRAME_HEADERS && (d->flags & FLAG_PRIORITY) != 0)
		size += 5;
	if (d->type == FRAME_PUSH_PROMISE)
		size += 4;
	if (unread(r) < size)
		return WAIT;
	d->pad = padded ? *here(r) : 0;
	if (size + d->pad > d->left)
		return http2_broken(r, "bad_frame");
	if (!d->in_block) {
		if (!hd_open(r))
			return http2_broken(r, "no_memory");
		d->in_block = true;
		d->has_host = false;
		d->block = 0;
		d->fields = 0;
		d->status = 0;
		d->kind = HTTP2_TRAILER;
	}
	d->left -= size + d->pad;
	d->step = HTTP2_BLOCK;
	r->pos += size;
	return MR_L7_MORE;
}

static int step_block(struct http2_run *r)
{
	struct http2_dir *d = r->d;
	uint32_t n = unread(r) < d->left ? unread(r) : d->left;
	bool last = n == d->left && (d->flags & FLAG_END_HEADERS) != 0;
	int rc;

	if (n == 0 && d->left != 0)
		return WAIT;
	rc = block_put(r, here(r), n, last);
	if (rc != MR_L7_MORE)
		return rc;
	r->pos += n;
	d->left -= n;
	if (d->left != 0)
		return MR_L7_MORE;
	if (last)
		block_end(r);
	d->left = d->pad;
	d->step = HTTP2_SKIP;
	return MR_L7_MORE;
}

/*
 * A larger table for the other side's HPACK. A smaller one it announces itself in a header block (RFC 7541
 * section 4.2), and who knows which of its blocks are on the way already.
 */
static int step_settings(struct http2_run *r)
{
	struct http2_dir *d = r->d, *other = &r->state->dir[!(r->in->dir & 1)];
	uint32_t value;

	if (d->left < SETTING_OCTETS) {
		d->step = HTTP2_SKIP;
		return MR_L7_MORE;
	}
	if (unread(r) < SETTING_OCTETS)
		return WAIT;
	value = mr_get_u32(here(r) + 2);
	if (mr_get_u16(here(r)) == SETTING_TABLE_SIZE && value > TABLE_SIZE && value > other->table_max) {
		other->table_max = value;
		other->table_due = true;
	}
	d->left -= SETTING_OCTETS;
	r->pos += SETTING_OCTETS;
	return MR_L7_MORE;
}

static int step_skip(struct http2_run *r)
{
	uint32_t n = unread(r) < r->d->left ? unread(r) : r->d->left;

	r->pos += n;
	r->d->left -= n;
	if (r->d->left != 0)
		return WAIT;
	r->d->step = HTTP2_FRAME;
	return MR_L7_MORE;
}

static int step_lost(struct http2_run *r)
{
	r->pos = r->in->len;
	return WAIT;
}

static int (*const steps[])(struct http2_run *r) = {
	[HTTP2_PREFACE] = step_preface, [HTTP2_FRAME] = step_frame,	  [HTTP2_PREFIX] = step_prefix,
	[HTTP2_BLOCK] = step_block,	[HTTP2_SETTINGS] = step_settings, [HTTP2_SKIP] = step_skip,
	[HTTP2_LOST] = step_lost,
};

static_assert(sizeof(steps) / sizeof(steps[0]) == HTTP2_STEP_MAX, "a function for each step");

static enum mr_l7_want http2_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				   uint32_t *ret_used)
{
	struct http2_state *s = state;
	struct http2_run r = { .state = s, .d = &s->dir[in->dir & 1], .in = in, .sink = sink };
	int rc = MR_L7_MORE;

	if (in->gap)
		r.d->step = HTTP2_LOST;
	if (s->dir[0].step == HTTP2_LOST && s->dir[1].step == HTTP2_LOST)
		rc = MR_L7_BROKEN;
	while (rc == MR_L7_MORE)
		rc = steps[r.d->step](&r);
	*ret_used = r.pos;
	return rc == WAIT ? MR_L7_MORE : (enum mr_l7_want)rc;
}

static void http2_close(void *state, struct mr_l7_sink *sink)
{
	struct http2_state *s = state;

	if (s->hpack == NULL)
		return;
	for (unsigned i = 0; i < 2; i++)
		if (s->hpack->hd[i] != NULL)
			nghttp2_hd_inflate_del(s->hpack->hd[i]);
	free(s->hpack);
	s->hpack = NULL;
}

/* The first frame of a server: SETTINGS, of whole entries, of stream 0. */
static enum mr_l7_probe probe_server(const struct mr_l7_input *in)
{
	static const uint8_t rest[] = { FRAME_SETTINGS, 0, 0, 0, 0, 0 };
	size_t n = in->len < FRAME_HEADER ? in->len : FRAME_HEADER;

	if ((n > 0 && in->data[0] != 0) || (n > 1 && in->data[1] != 0) ||
	    (n > 2 && in->data[2] % SETTING_OCTETS != 0))
		return MR_L7_NO;
	if (n > 3 && memcmp(in->data + 3, rest, n - 3) != 0)
		return MR_L7_NO;
	return n < FRAME_HEADER ? MR_L7_MAYBE : MR_L7_YES;
}

static enum mr_l7_probe http2_probe(const struct mr_l7_input *in)
{
	size_t n = in->len < PREFACE_LEN ? in->len : PREFACE_LEN;

	if (n == 0 || in->data[0] != PREFACE[0])
		return probe_server(in);
	if (memcmp(in->data, PREFACE, n) != 0)
		return MR_L7_NO;
	return n < PREFACE_LEN ? MR_L7_MAYBE : MR_L7_YES;
}

const struct mr_l7_ops mr_l7_http2 = {
	.name = "http2",
	.description = "HyperText Transfer Protocol 2",
	.selector = 2,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct http2_state),
	.probe = http2_probe,
	.parse = http2_parse,
	.close = http2_close,
};
