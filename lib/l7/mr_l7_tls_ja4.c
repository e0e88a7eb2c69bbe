/* SPDX-License-Identifier: Apache-2.0 */
/* JA4, TLS client fingerprint: https://github.com/FoxIO-LLC/ja4/blob/main/technical_details/JA4.md */
#include "base/mr_buf.h"
#include "l7/mr_l7_digest.h"
#include "l7/mr_l7_tls_hello.h"

#define VALUES_MAX                                                                                           \
	512u /* ciphers, extensions or signature algorithms: 4 times what the longest known hello has */

#define EXT_SERVER_NAME 0u
#define EXT_ALPN	16u

struct values {
	uint16_t v[VALUES_MAX];
	unsigned int n;
};

static bool add(struct values *values, uint16_t v)
{
	if (mr_l7_tls_is_grease(v))
		return true;
	if (values->n == VALUES_MAX)
		return false;
	values->v[values->n++] = v;
	return true;
}

static bool add_list(struct values *values, struct mr_l7_tls_span list)
{
	for (unsigned int at = 0; at + 2 <= list.len; at += 2)
		if (!add(values, mr_get_u16(list.data + at)))
			return false;
	return true;
}

/* Types of the extensions without those that the first part of a JA4 tells of; @p ret_count counts these too.
 */
static bool add_extensions(struct values *values, struct mr_l7_tls_span extensions, unsigned int *ret_count)
{
	struct mr_l7_tls_span value;
	struct mr_rbuf r;
	uint16_t type;

	mr_rbuf_init(&r, extensions.data, extensions.len);
	*ret_count = 0;
	while (mr_l7_tls_next_extension(&r, &type, &value)) {
		if (!mr_l7_tls_is_grease(type))
			++*ret_count;
		if (type != EXT_SERVER_NAME && type != EXT_ALPN && !add(values, type))
			return false;
	}
	return true;
}

/* Shell sort: short lists in any order, and no worse than n^1.5 for the longest. */
static void sort(struct values *values)
{
	static const unsigned int gaps[] = { 121, 40, 13, 4, 1 };

	for (unsigned int g = 0; g < sizeof(gaps) / sizeof(gaps[0]); g++) {
		for (unsigned int i = gaps[g]; i < values->n; i++) {
			uint16_t v = values->v[i];
			unsigned int j = i;

			for (; j >= gaps[g] && values->v[j - gaps[g]] > v; j -= gaps[g])
				values->v[j] = values->v[j - gaps[g]];
			values->v[j] = v;
		}
	}
}

static void put_values(struct mr_wbuf *w, const struct values *values)
{
	for (unsigned int i = 0; i < values->n; i++) {
		uint8_t *text = mr_wbuf_reserve(w, 5), octets[2];

		if (text == NULL)
			return;
		mr_put_u16(octets, values->v[i]);
		mr_l7_hex(octets, 2, (char *)text);
		text[4] = ',';
	}
	if (values->n != 0) /* no comma behind the last */
		w->len--;
}

/* The first 12 digits of the SHA-256; of nothing they are zeros. */
static void put_hash(struct mr_wbuf *w, const struct mr_wbuf *text)
{
	uint8_t digest[MR_L7_SHA256_OCTETS] = { 0 };

	if (text->len != 0)
		mr_l7_sha256(text->data, text->len, digest);
	mr_wbuf_put_u8(w, '_');
	mr_l7_hex(digest, 6, (char *)mr_wbuf_reserve(w, 12));
}

static void put_two_digits(struct mr_wbuf *w, unsigned int n)
{
	if (n > 99)
		n = 99;
	mr_wbuf_put_u8(w, (uint8_t)('0' + n / 10));
	mr_wbuf_put_u8(w, (uint8_t)('0' + n % 10));
}

static const char *version_name(uint16_t version)
{
	static const char *const tls[] = { "s3", "10", "11", "12", "13" };

	if (version == MR_L7_TLS_SSL2)
		return "s2";
	return version >= 0x0300 && version <= MR_L7_TLS_13 ? tls[version & 0xff] : "00";
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* First and last character of the first protocol, or of its hex where one of them is no letter or digit. */
static void put_alpn(struct mr_wbuf *w, struct mr_l7_tls_span alpn)
{
	unsigned int len = alpn.len == 0 ? 0 : alpn.data[0];
	char first[2], last[2];

	if (len == 0 || len >= alpn.len) {
		mr_wbuf_put_bytes(w, "00", 2);
		return;
	}
	if (is_alphanumeric(alpn.data[1]) && is_alphanumeric(alpn.data[len])) {
		mr_wbuf_put_u8(w, alpn.data[1]);
		mr_wbuf_put_u8(w, alpn.data[len]);
		return;
	}
	mr_l7_hex(alpn.data + 1, 1, first);
	mr_l7_hex(alpn.data + len, 1, last);
	mr_wbuf_put_u8(w, (uint8_t)first[0]);
	mr_wbuf_put_u8(w, (uint8_t)last[1]);
}

bool mr_l7_tls_ja4(const struct mr_l7_tls_hello *hello, char transport, char ret_ja4[MR_L7_TLS_JA4_LEN])
{
	struct values ciphers, extensions, signatures;
	uint8_t text[5 * 2 * VALUES_MAX + 1];
	struct mr_wbuf w, list;
	unsigned int extension_count;

	ciphers.n = extensions.n = signatures.n = 0;
	if (!add_list(&ciphers, hello->ciphers) || !add_list(&signatures, hello->signatures) ||
	    !add_extensions(&extensions, hello->extensions, &extension_count))
		return false;
	sort(&ciphers);
	sort(&extensions);

	mr_wbuf_init(&w, ret_ja4, MR_L7_TLS_JA4_LEN);
	mr_wbuf_put_u8(&w, (uint8_t)transport);
	mr_wbuf_put_bytes(&w, version_name(hello->max_version), 2);
	mr_wbuf_put_u8(&w, hello->sni ? 'd' : 'i');
	put_two_digits(&w, ciphers.n);
	put_two_digits(&w, extension_count);
	put_alpn(&w, hello->alpn);

	mr_wbuf_init(&list, text, sizeof(text));
	put_values(&list, &ciphers);
	put_hash(&w, &list);

	mr_wbuf_init(&list, text, sizeof(text));
	put_values(&list, &extensions);
	if (extensions.n != 0 && signatures.n != 0) {
		mr_wbuf_put_u8(&list, '_');
		put_values(&list, &signatures);
	}
	put_hash(&w, &list);
	return true;
}
