/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_x509.h"

#include <string.h>

#include "base/mr_buf.h"

enum { /* ITU-T X.690 section 8: universal tags, constructed ones with their bit */
       DER_INTEGER = 0x02,
       DER_OID = 0x06,
       DER_UNIVERSAL_STRING = 0x1c,
       DER_BMP_STRING = 0x1e,
       DER_UTC_TIME = 0x17,
       DER_GENERALIZED_TIME = 0x18,
       DER_SEQUENCE = 0x30,
       DER_SET = 0x31,
       DER_VERSION = 0xa0, /* [0] of a TBSCertificate */
};

/* The next element; underflow where it isn't whole, tag 0 then. */
static uint8_t next(struct mr_rbuf *r, struct mr_l7_der *ret_value)
{
	uint8_t tag = mr_rbuf_get_u8(r);
	size_t len = mr_rbuf_get_u8(r);

	if (len & 0x80) {
		unsigned int n = len & 0x7f;

		if (n == 0 || n > 3) /* indefinite lengths aren't DER, more than 16 MB don't fit a message */
			r->underflow = true;
		for (len = 0; n != 0 && !r->underflow; n--)
			len = len << 8 | mr_rbuf_get_u8(r);
	}
	ret_value->data = mr_rbuf_take(r, len);
	ret_value->len = ret_value->data == NULL ? 0 : len;
	return r->underflow ? 0 : tag;
}

/* The next element if it has @p tag, else underflow. */
static struct mr_l7_der expect(struct mr_rbuf *r, uint8_t tag)
{
	struct mr_l7_der value;

	if (next(r, &value) != tag) {
		r->underflow = true;
		value = (struct mr_l7_der){ 0 };
	}
	return value;
}

static struct mr_rbuf reader(struct mr_l7_der der)
{
	struct mr_rbuf r;

	mr_rbuf_init(&r, der.data, der.len);
	return r;
}

/* Days from 1970-01-01 in the Gregorian calendar: years begin in March, so that the leap day is their last.
 */
static int64_t days_since_1970(unsigned int year, unsigned int month, unsigned int day)
{
	int64_t y = (int64_t)year - (month <= 2);
	unsigned int from_march = (month + 9) % 12;

	return y * 365 + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 1 - 719468;
}

/* RFC 5280 section 4.1.2.5: YYMMDDHHMMSSZ of 1950..2049, or with four digits of the year. */
static int64_t get_time(struct mr_rbuf *r)
{
	struct mr_l7_der value;
	uint8_t tag = next(r, &value);
	unsigned int pairs[7] = { 0 }, n = tag == DER_GENERALIZED_TIME ? 7 : 6, *p = pairs;
	unsigned int year;

	if ((tag != DER_UTC_TIME && tag != DER_GENERALIZED_TIME) || value.len != 2 * n + 1 ||
	    value.data[2 * n] != 'Z') {
		r->underflow = true;
		return 0;
	}
	for (unsigned int i = 0; i < 2 * n; i++) {
		if (value.data[i] < '0' || value.data[i] > '9') {
			r->underflow = true;
			return 0;
		}
		pairs[i / 2] = pairs[i / 2] * 10 + value.data[i] - '0';
	}
	year = n == 7 ? *p++ * 100 : (pairs[0] < 50 ? 2000 : 1900);
	year += *p++;
	if (p[0] < 1 || p[0] > 12 || p[1] < 1 || p[1] > 31) {
		r->underflow = true;
		return 0;
	}
	return days_since_1970(year, p[0], p[1]) * 86400 + p[2] * 3600 + p[3] * 60 + p[4];
}

bool mr_l7_x509_parse(const uint8_t *data, size_t len, struct mr_l7_x509 *ret_cert)
{
	struct mr_l7_der whole = { data, len };
	struct mr_rbuf r = reader(whole), tbs, validity;
	struct mr_l7_x509 cert;

	r = reader(expect(&r, DER_SEQUENCE)); /* Certificate */
	tbs = reader(expect(&r, DER_SEQUENCE));
	if (mr_rbuf_left(&tbs) != 0 && tbs.data[0] == DER_VERSION)
		expect(&tbs, DER_VERSION);
	cert.serial = expect(&tbs, DER_INTEGER);
	expect(&tbs, DER_SEQUENCE); /* algorithm of the signature */
	cert.issuer = expect(&tbs, DER_SEQUENCE);
	validity = reader(expect(&tbs, DER_SEQUENCE));
	cert.not_before_s = get_time(&validity);
	cert.not_after_s = get_time(&validity);
	cert.subject = expect(&tbs, DER_SEQUENCE);
	if (tbs.underflow || validity.underflow)
		return false;
	*ret_cert = cert;
	return true;
}

/* Attributes that names have, as OpenSSL calls them. */
static const struct {
	const char *name;
	uint8_t len;
	uint8_t oid[11];
} attributes[] = {
	{ "CN", 3, { 0x55, 0x04, 0x03 } },
	{ "SN", 3, { 0x55, 0x04, 0x04 } },
	{ "serialNumber", 3, { 0x55, 0x04, 0x05 } },
	{ "C", 3, { 0x55, 0x04, 0x06 } },
	{ "L", 3, { 0x55, 0x04, 0x07 } },
	{ "ST", 3, { 0x55, 0x04, 0x08 } },
	{ "street", 3, { 0x55, 0x04, 0x09 } },
	{ "O", 3, { 0x55, 0x04, 0x0a } },
	{ "OU", 3, { 0x55, 0x04, 0x0b } },
	{ "title", 3, { 0x55, 0x04, 0x0c } },
	{ "description", 3, { 0x55, 0x04, 0x0d } },
	{ "businessCategory", 3, { 0x55, 0x04, 0x0f } },
	{ "postalCode", 3, { 0x55, 0x04, 0x11 } },
	{ "name", 3, { 0x55, 0x04, 0x29 } },
	{ "GN", 3, { 0x55, 0x04, 0x2a } },
	{ "initials", 3, { 0x55, 0x04, 0x2b } },
	{ "dnQualifier", 3, { 0x55, 0x04, 0x2e } },
	{ "pseudonym", 3, { 0x55, 0x04, 0x41 } },
	{ "organizationIdentifier", 3, { 0x55, 0x04, 0x61 } },
	{ "emailAddress", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01 } },
	{ "unstructuredName", 9, { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x02 } },
	{ "UID", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x01 } },
	{ "DC", 10, { 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19 } },
	{ "jurisdictionL", 11, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x01 } },
	{ "jurisdictionST", 11, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x02 } },
	{ "jurisdictionC", 11, { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x3c, 0x02, 0x01, 0x03 } },
};

static void put_text(struct mr_wbuf *w, const char *text)
{
	mr_wbuf_put_bytes(w, text, strlen(text));
}

static void put_decimal(struct mr_wbuf *w, uint64_t v)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	mr_wbuf_put_bytes(w, digits + at, sizeof(digits) - at);
}

/* Dotted decimal, X.690 section 8.19; numbers beyond 57 bits come out wrong, and no register has one. */
static void put_oid(struct mr_wbuf *w, struct mr_l7_der oid)
{
	uint64_t v = 0;
	bool first = true;

	for (size_t i = 0; i < oid.len; i++) {
		v = v << 7 | (oid.data[i] & 0x7f);
		if (oid.data[i] & 0x80)
			continue;
		if (first) {
			uint64_t root = v < 80 ? v / 40 : 2;

			put_decimal(w, root);
			v -= root * 40;
			first = false;
		}
		mr_wbuf_put_u8(w, '.');
		put_decimal(w, v);
		v = 0;
	}
}

static void put_type(struct mr_wbuf *w, struct mr_l7_der oid)
{
	for (unsigned int i = 0; i < sizeof(attributes) / sizeof(attributes[0]); i++) {
		if (attributes[i].len == oid.len && memcmp(attributes[i].oid, oid.data, oid.len) == 0) {
			put_text(w, attributes[i].name);
			return;
		}
	}
	put_oid(w, oid);
}

static void put_utf8(struct mr_wbuf *w, uint32_t c)
{
	if (c < 0x80) {
		mr_wbuf_put_u8(w, (uint8_t)c);
	} else if (c < 0x800) {
		mr_wbuf_put_u16(w, (uint16_t)(0xc080 | (c << 2 & 0x1f00) | (c & 0x3f)));
	} else if (c < 0x10000) {
		mr_wbuf_put_u8(w, (uint8_t)(0xe0 | c >> 12));
		mr_wbuf_put_u16(w, (uint16_t)(0x8080 | (c << 2 & 0x3f00) | (c & 0x3f)));
	} else {
		mr_wbuf_put_u16(w, (uint16_t)(0xf080 | (c >> 10 & 0x0700) | (c >> 12 & 0x3f)));
		mr_wbuf_put_u16(w, (uint16_t)(0x8080 | (c << 2 & 0x3f00) | (c & 0x3f)));
	}
}

static void put_string(struct mr_wbuf *w, uint8_t tag, struct mr_l7_der value)
{
	struct mr_rbuf r = reader(value);

	if (tag == DER_BMP_STRING)
		while (mr_rbuf_left(&r) >= 2)
			put_utf8(w, mr_rbuf_get_u16(&r));
	else if (tag == DER_UNIVERSAL_STRING)
		while (mr_rbuf_left(&r) >= 4)
			put_utf8(w, mr_rbuf_get_u32(&r) & 0x1fffff);
	else
		mr_wbuf_put_bytes(w, value.data, value.len);
}

size_t mr_l7_x509_name(struct mr_l7_der name, char *ret_text, size_t cap)
{
	struct mr_rbuf rdns = reader(name);
	struct mr_wbuf w;

	mr_wbuf_init(&w, ret_text, cap);
	while (mr_rbuf_left(&rdns) != 0 && !rdns.underflow && !w.overflow) {
		struct mr_rbuf set = reader(expect(&rdns, DER_SET));
		const char *separator = w.len == 0 ? "" : ", ";

		while (mr_rbuf_left(&set) != 0 && !set.underflow) {
			struct mr_rbuf pair = reader(expect(&set, DER_SEQUENCE));
			struct mr_l7_der type = expect(&pair, DER_OID), value;
			uint8_t tag = next(&pair, &value);

			if (pair.underflow)
				break;
			put_text(&w, separator);
			put_type(&w, type);
			mr_wbuf_put_u8(&w, '=');
			put_string(&w, tag, value);
			separator = " + ";
		}
	}
	return w.len;
}
