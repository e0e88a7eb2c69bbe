/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Bounded writer and reader for wire formats (network byte order). Both carry a sticky flag that is checked
 * once at the end: after the first access past the end a writer writes nothing and a reader returns zeros.
 * Memory is borrowed. Thread: the one that owns the buffer.
 */

struct mr_wbuf {
	uint8_t *data;
	size_t cap;    /* octets */
	size_t len;    /* octets written, <= cap */
	bool overflow; /* sticky */
};

static inline void mr_wbuf_init(struct mr_wbuf *w, void *data, size_t cap)
{
	w->data = (uint8_t *)data;
	w->cap = cap;
	w->len = 0;
	w->overflow = false;
}

/** Room for @p n octets, or NULL (and overflow set). The caller fills all of it. */
static inline uint8_t *mr_wbuf_reserve(struct mr_wbuf *w, size_t n)
{
	uint8_t *p;

	if (w->overflow || n > w->cap - w->len) {
		w->overflow = true;
		return NULL;
	}
	p = w->data + w->len;
	w->len += n;
	return p;
}

static inline void mr_put_u16(uint8_t *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void mr_put_u32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void mr_put_u64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static inline uint16_t mr_get_u16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t mr_get_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t mr_get_u64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline void mr_wbuf_put_u8(struct mr_wbuf *w, uint8_t v)
{
	uint8_t *p = mr_wbuf_reserve(w, 1);

	if (p != NULL)
		*p = v;
}

static inline void mr_wbuf_put_u16(struct mr_wbuf *w, uint16_t v)
{
	uint8_t *p = mr_wbuf_reserve(w, 2);

	if (p != NULL)
		mr_put_u16(p, v);
}

static inline void mr_wbuf_put_u32(struct mr_wbuf *w, uint32_t v)
{
	uint8_t *p = mr_wbuf_reserve(w, 4);

	if (p != NULL)
		mr_put_u32(p, v);
}

static inline void mr_wbuf_put_u64(struct mr_wbuf *w, uint64_t v)
{
	uint8_t *p = mr_wbuf_reserve(w, 8);

	if (p != NULL)
		mr_put_u64(p, v);
}

static inline void mr_wbuf_put_bytes(struct mr_wbuf *w, const void *src, size_t n)
{
	uint8_t *p = mr_wbuf_reserve(w, n);

	if (p != NULL && n != 0)
		memcpy(p, src, n);
}

struct mr_rbuf {
	const uint8_t *data;
	size_t len;     /* octets in data */
	size_t pos;     /* next octet to read, <= len */
	bool underflow; /* sticky */
};

static inline void mr_rbuf_init(struct mr_rbuf *r, const void *data, size_t len)
{
	r->data = (const uint8_t *)data;
	r->len = len;
	r->pos = 0;
	r->underflow = false;
}

static inline size_t mr_rbuf_left(const struct mr_rbuf *r)
{
	return r->len - r->pos;
}

/** The next @p n octets, borrowed, or NULL (and underflow set). */
static inline const uint8_t *mr_rbuf_take(struct mr_rbuf *r, size_t n)
{
	const uint8_t *p;

	if (r->underflow || n > r->len - r->pos) {
		r->underflow = true;
		return NULL;
	}
	p = r->data + r->pos;
	r->pos += n;
	return p;
}

static inline uint8_t mr_rbuf_get_u8(struct mr_rbuf *r)
{
	const uint8_t *p = mr_rbuf_take(r, 1);

	return p == NULL ? 0 : *p;
}

static inline uint16_t mr_rbuf_get_u16(struct mr_rbuf *r)
{
	const uint8_t *p = mr_rbuf_take(r, 2);

	return p == NULL ? 0 : mr_get_u16(p);
}

static inline uint32_t mr_rbuf_get_u32(struct mr_rbuf *r)
{
	const uint8_t *p = mr_rbuf_take(r, 4);

	return p == NULL ? 0 : mr_get_u32(p);
}

static inline uint64_t mr_rbuf_get_u64(struct mr_rbuf *r)
{
	const uint8_t *p = mr_rbuf_take(r, 8);

	return p == NULL ? 0 : mr_get_u64(p);
}

#ifdef __cplusplus
}
#endif
