/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_tls_hello.h"

#include <stdio.h>
#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_digest.h"

#define RANDOM_OCTETS 32u

/* Extensions, IANA "TLS ExtensionType Values". */
enum {
	EXT_SERVER_NAME = 0,
	EXT_GROUPS = 10,
	EXT_FORMATS = 11,
	EXT_SIGNATURES = 13,
	EXT_ALPN = 16,
	EXT_PSK = 41,
	EXT_VERSIONS = 43,
	EXT_QUIC = 57,
	EXT_ECH = 0xfe0d,
	EXT_ESNI = 0xffce,
	EXT_QUIC_DRAFT = 0xffa5,
};

/* SHA-256("HelloRetryRequest"), RFC 8446 section 4.1.3. */
static const uint8_t retry_random[RANDOM_OCTETS] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* The next @p len octets, as far as they are there. */
static struct mr_l7_tls_span take(struct mr_rbuf *r, uint16_t len)
{
	const uint8_t *p = mr_rbuf_take(r, len);

	return (struct mr_l7_tls_span){ .data = p, .len = p == NULL ? 0 : len };
}

static struct mr_l7_tls_span take_u8(struct mr_rbuf *r)
{
	return take(r, mr_rbuf_get_u8(r));
}

static struct mr_l7_tls_span take_u16(struct mr_rbuf *r)
{
	return take(r, mr_rbuf_get_u16(r));
}

static struct mr_rbuf reader(struct mr_l7_tls_span span)
{
	struct mr_rbuf r;

	mr_rbuf_init(&r, span.data, span.len);
	return r;
}

bool mr_l7_tls_next_extension(struct mr_rbuf *r, uint16_t *ret_type, struct mr_l7_tls_span *ret_value)
{
	if (mr_rbuf_left(r) == 0 || r->underflow)
		return false;
	*ret_type = mr_rbuf_get_u16(r);
	*ret_value = take_u16(r);
	return !r->underflow;
}

/* The first host name (RFC 6066 section 3). */
static struct mr_l7_tls_span server_name(struct mr_l7_tls_span value)
{
	struct mr_rbuf r = reader(value);
	struct mr_rbuf names = reader(take_u16(&r));
	struct mr_l7_tls_span name;
	uint8_t type;

	do {
		type = mr_rbuf_get_u8(&names);
		name = take_u16(&names);
	} while (type != 0 && !names.underflow);
	return name;
}

static uint16_t highest_version(struct mr_l7_tls_span value)
{
	struct mr_rbuf r = reader(value);
	struct mr_rbuf list = reader(take_u8(&r));
	uint16_t highest = 0;

	while (mr_rbuf_left(&list) >= 2) {
		uint16_t v = mr_rbuf_get_u16(&list);

		if (!mr_l7_tls_is_grease(v) && v > highest)
			highest = v;
	}
	return highest;
}

static void hello_extension(struct mr_l7_tls_hello *h, uint16_t type, struct mr_l7_tls_span value)
{
	struct mr_rbuf r = reader(value);
	uint16_t version;

	switch (type) {
	case EXT_SERVER_NAME:
		h->sni = true;
		h->server_name = server_name(value);
		break;
	case EXT_GROUPS:
		h->groups = take_u16(&r);
		break;
	case EXT_FORMATS:
		h->formats = take_u8(&r);
		break;
	case EXT_SIGNATURES:
		h->signatures = take_u16(&r);
		break;
	case EXT_ALPN:
		h->alpn = take_u16(&r);
		break;
	case EXT_VERSIONS:
		version = highest_version(value);
		if (version != 0)
			h->max_version = version;
		break;
	case EXT_QUIC:
	case EXT_QUIC_DRAFT:
		h->quic_parameters = value;
		break;
	case EXT_ECH:
		h->ech = true;
		break;
	case EXT_ESNI:
		h->esni = true;
		break;
	default:
		break;
	}
}

bool mr_l7_tls_hello_parse(const uint8_t *body, uint32_t len, struct mr_l7_tls_hello *ret_hello)
{
	struct mr_l7_tls_hello h = { 0 };
	struct mr_l7_tls_span value;
	struct mr_rbuf r, extensions;
	uint16_t type;

	mr_rbuf_init(&r, body, len);
	h.version = h.max_version = mr_rbuf_get_u16(&r);
	mr_rbuf_take(&r, RANDOM_OCTETS);
	take_u8(&r); /* session id */
	h.ciphers = take_u16(&r);
	take_u8(&r); /* compression methods */
	if (r.underflow)
		return false;
	if (mr_rbuf_left(&r) != 0) /* without any before TLS 1.2, RFC 5246 section 7.4.1.2 */
		h.extensions = take_u16(&r);
	if (r.underflow)
		return false;
	extensions = reader(h.extensions);
	while (mr_l7_tls_next_extension(&extensions, &type, &value))
		hello_extension(&h, type, value);
	*ret_hello = h;
	return true;
}

static void answer_extension(struct mr_l7_tls_answer *a, uint16_t type, struct mr_l7_tls_span value)
{
	struct mr_rbuf r = reader(value);

	if (type == EXT_VERSIONS && value.len == 2) {
		a->chosen = mr_rbuf_get_u16(&r);
	} else if (type == EXT_PSK) {
		a->psk = true;
	} else if (type == EXT_ALPN) {
		struct mr_rbuf list = reader(take_u16(&r));

		a->alpn = take_u8(&list);
	}
}

bool mr_l7_tls_answer_parse(const uint8_t *body, uint32_t len, struct mr_l7_tls_answer *ret_answer)
{
	struct mr_l7_tls_answer a = { 0 };
	struct mr_l7_tls_span value;
	struct mr_rbuf r, extensions;
	const uint8_t *random;
	uint16_t type;

	mr_rbuf_init(&r, body, len);
	a.version = a.chosen = mr_rbuf_get_u16(&r);
	random = mr_rbuf_take(&r, RANDOM_OCTETS);
	/* the drafts of TLS 1.3 before 22 have neither session id nor compression method here */
	if ((a.version & 0xff00) != 0x7f00)
		take_u8(&r);
	a.cipher = mr_rbuf_get_u16(&r);
	if ((a.version & 0xff00) != 0x7f00)
		mr_rbuf_get_u8(&r);
	if (!r.underflow && mr_rbuf_left(&r) != 0)
		a.extensions = take_u16(&r);
	if (r.underflow)
		return false;
	a.retry = memcmp(random, retry_random, RANDOM_OCTETS) == 0;
	extensions = reader(a.extensions);
	while (mr_l7_tls_next_extension(&extensions, &type, &value))
		answer_extension(&a, type, value);
	*ret_answer = a;
	return true;
}

void mr_l7_tls_put_version(enum mr_l7_field field, uint16_t version, struct mr_l7_sink *sink)
{
	static const char *const tls[] = { "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3" };
	char number[8];
	const char *name = number;

	if (version == MR_L7_TLS_SSL2)
		name = "SSL 2.0";
	else if (version >= 0x0300 && version <= MR_L7_TLS_13)
		name = tls[version & 0xff];
	else
		snprintf(number, sizeof(number), "0x%04x", version);
	mr_l7_put(sink, field, name, strlen(name));
}

static void put_decimal(struct mr_wbuf *w, uint16_t v)
{
	unsigned int n = v < 10 ? 1 : v < 100 ? 2 : v < 1000 ? 3 : v < 10000 ? 4 : 5;
	uint8_t *p = mr_wbuf_reserve(w, n);

	for (; p != NULL && n != 0; v /= 10)
		p[--n] = (uint8_t)('0' + v % 10);
}

/* The numbers of a list of @p width octets each, joined by '-', GREASE left out. */
static void put_list(struct mr_wbuf *w, struct mr_l7_tls_span list, unsigned int width)
{
	bool first = true;

	for (unsigned int at = 0; at + width <= list.len; at += width) {
		uint16_t v = width == 1 ? list.data[at] : mr_get_u16(list.data + at);

		if (width == 2 && mr_l7_tls_is_grease(v))
			continue;
		if (!first)
			mr_wbuf_put_u8(w, '-');
		put_decimal(w, v);
		first = false;
	}
}

static void put_extensions(struct mr_wbuf *w, struct mr_l7_tls_span extensions)
{
	struct mr_rbuf r = reader(extensions);
	struct mr_l7_tls_span value;
	bool first = true;
	uint16_t type;

	while (mr_l7_tls_next_extension(&r, &type, &value)) {
		if (mr_l7_tls_is_grease(type))
			continue;
		if (!first)
			mr_wbuf_put_u8(w, '-');
		put_decimal(w, type);
		first = false;
	}
}

/* A fingerprint string and its MD5; one too long for the buffer is no client's and gives none. */
static void put_md5(const struct mr_wbuf *w, enum mr_l7_field string, enum mr_l7_field md5,
		    struct mr_l7_sink *sink)
{
	char hex[2 * MR_L7_MD5_OCTETS];

	if (w->overflow)
		return;
	mr_l7_md5_hex(w->data, w->len, hex);
	mr_l7_put(sink, md5, hex, sizeof(hex));
	if (mr_l7_wanted(sink, string))
		mr_l7_put(sink, string, w->data, w->len);
}

static void put_ja3(const struct mr_l7_tls_hello *h, struct mr_l7_sink *sink)
{
	uint8_t text[4096];
	struct mr_wbuf w;

	mr_wbuf_init(&w, text, sizeof(text));
	put_decimal(&w, h->version);
	mr_wbuf_put_u8(&w, ',');
	put_list(&w, h->ciphers, 2);
	mr_wbuf_put_u8(&w, ',');
	put_extensions(&w, h->extensions);
	mr_wbuf_put_u8(&w, ',');
	put_list(&w, h->groups, 2);
	mr_wbuf_put_u8(&w, ',');
	put_list(&w, h->formats, 1);
	put_md5(&w, MR_L7_F_TLS_JA3_STRING, MR_L7_F_TLS_JA3, sink);
}

static void put_ja3s(const struct mr_l7_tls_answer *a, struct mr_l7_sink *sink)
{
	uint8_t text[4096];
	struct mr_wbuf w;

	mr_wbuf_init(&w, text, sizeof(text));
	put_decimal(&w, a->version);
	mr_wbuf_put_u8(&w, ',');
	put_decimal(&w, a->cipher);
	mr_wbuf_put_u8(&w, ',');
	put_extensions(&w, a->extensions);
	put_md5(&w, MR_L7_F_TLS_JA3S_STRING, MR_L7_F_TLS_JA3S, sink);
}

void mr_l7_tls_hello_put(const struct mr_l7_tls_hello *hello, char transport, struct mr_l7_sink *sink)
{
	struct mr_rbuf alpn = reader(hello->alpn);
	char ja4[MR_L7_TLS_JA4_LEN];

	mr_l7_tls_put_version(MR_L7_F_TLS_CLIENT_VERSION, hello->max_version, sink);
	if (hello->server_name.len != 0)
		mr_l7_put(sink, MR_L7_F_TLS_SNI, hello->server_name.data, hello->server_name.len);
	while (mr_rbuf_left(&alpn) != 0 && !alpn.underflow) {
		struct mr_l7_tls_span name = take_u8(&alpn);

		if (name.len != 0)
			mr_l7_put(sink, MR_L7_F_TLS_ALPN_OFFERED, name.data, name.len);
	}
	if (hello->ech || hello->esni)
		mr_l7_put_number(sink, MR_L7_F_TLS_ECH, hello->ech ? 1 : 2);
	put_ja3(hello, sink);
	if (mr_l7_tls_ja4(hello, transport, ja4))
		mr_l7_put(sink, MR_L7_F_TLS_JA4, ja4, sizeof(ja4));
}

void mr_l7_tls_answer_put(const struct mr_l7_tls_answer *answer, struct mr_l7_sink *sink)
{
	mr_l7_tls_put_version(MR_L7_F_TLS_VERSION, answer->chosen, sink);
	mr_l7_put_number(sink, MR_L7_F_TLS_CIPHER, answer->cipher);
	if (answer->alpn.len != 0)
		mr_l7_put(sink, MR_L7_F_TLS_ALPN, answer->alpn.data, answer->alpn.len);
	if (answer->psk)
		mr_l7_put_number(sink, MR_L7_F_TLS_RESUMED, 1);
	put_ja3s(answer, sink);
}
