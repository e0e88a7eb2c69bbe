/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_value.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mr_clock.h"
#include "ipfix/mr_ipfix_encode.h"
#include "ipfix/mr_ipfix_text.h"

static const char hex_digits[] = "0123456789abcdef";

static uint64_t read_be(const uint8_t *data, uint16_t len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++)
		v = v << 8 | data[i];
	return v;
}

/* Octets that the integer types have unless reduced. */
static unsigned int_size(enum mr_ipfix_type type)
{
	switch (type) {
	case MR_IPFIX_T_U8:
	case MR_IPFIX_T_S8:
		return 1;
	case MR_IPFIX_T_U16:
	case MR_IPFIX_T_S16:
		return 2;
	case MR_IPFIX_T_U32:
	case MR_IPFIX_T_S32:
		return 4;
	case MR_IPFIX_T_U64:
	case MR_IPFIX_T_S64:
		return 8;
	default:
		return 0;
	}
}

bool mr_ipfix_value_u64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, uint64_t *ret)
{
	if (type < MR_IPFIX_T_U8 || type > MR_IPFIX_T_U64 || len == 0 || len > int_size(type))
		return false;
	*ret = read_be(data, len);
	return true;
}

bool mr_ipfix_value_s64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, int64_t *ret)
{
	unsigned unused_bits;

	if (type < MR_IPFIX_T_S8 || type > MR_IPFIX_T_S64 || len == 0 || len > int_size(type))
		return false;
	unused_bits = 64 - 8u * len;
	*ret = (int64_t)(read_be(data, len) << unused_bits) >> unused_bits;
	return true;
}

bool mr_ipfix_value_f64(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, double *ret)
{
	uint64_t bits64;
	uint32_t bits32;
	float f;

	if (type == MR_IPFIX_T_F64 && len == 8) {
		bits64 = read_be(data, len);
		memcpy(ret, &bits64, sizeof(bits64));
		return true;
	}
	if ((type != MR_IPFIX_T_F64 && type != MR_IPFIX_T_F32) || len != 4)
		return false;
	bits32 = (uint32_t)read_be(data, len);
	memcpy(&f, &bits32, sizeof(bits32));
	*ret = (double)f;
	return true;
}

bool mr_ipfix_value_time_ns(enum mr_ipfix_type type, const uint8_t *data, uint16_t len, uint64_t *ret)
{
	uint64_t v;

	if (type < MR_IPFIX_T_SECONDS || type > MR_IPFIX_T_NS || len != (type == MR_IPFIX_T_SECONDS ? 4 : 8))
		return false;
	v = read_be(data, len);
	if (type == MR_IPFIX_T_SECONDS)
		*ret = v * MR_NS_PER_S;
	else if (type == MR_IPFIX_T_MS && v > UINT64_MAX / MR_NS_PER_MS)
		return false;
	else if (type == MR_IPFIX_T_MS)
		*ret = v * MR_NS_PER_MS;
	else
		*ret = mr_ipfix_ntp_to_ns(v);
	return true;
}

void mr_ipfix_json_raw(struct mr_wbuf *w, const char *text)
{
	mr_wbuf_put_bytes(w, text, strlen(text));
}

void mr_ipfix_json_u64(struct mr_wbuf *w, uint64_t v)
{
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	mr_wbuf_put_bytes(w, text + i, sizeof(text) - i);
}

void mr_ipfix_json_key(struct mr_wbuf *w, uint32_t pen, uint16_t id, unsigned nth,
		       const struct mr_ipfix_ie *ie)
{
	char name[MR_IPFIX_NAME_MAX];

	mr_wbuf_put_u8(w, '"');
	mr_ipfix_json_raw(w, ie != NULL && pen == 0 ? ie->name : mr_ipfix_ie_name(pen, id, name));
	if (nth > 1) {
		mr_wbuf_put_u8(w, '_');
		mr_ipfix_json_u64(w, nth);
	}
	mr_wbuf_put_bytes(w, "\":", 2);
}

void mr_ipfix_json_string(struct mr_wbuf *w, const char *text, size_t len)
{
	const uint8_t *s = (const uint8_t *)text;
	char escape[8];

	mr_wbuf_put_u8(w, '"');
	for (size_t i = 0, n; i < len; i += n == 0 ? 1 : n) {
		n = mr_ipfix_utf8_len(s + i, len - i);
		if (n == 0) {
			mr_ipfix_json_raw(w, "\\ufffd");
		} else if (s[i] == '"' || s[i] == '\\') {
			mr_wbuf_put_u8(w, '\\');
			mr_wbuf_put_u8(w, s[i]);
		} else if (s[i] < 0x20 || s[i] == 0x7f) {
			snprintf(escape, sizeof(escape), "\\u%04x", s[i]);
			mr_ipfix_json_raw(w, escape);
		} else {
			mr_wbuf_put_bytes(w, s + i, n);
		}
	}
	mr_wbuf_put_u8(w, '"');
}

static void put_hex(struct mr_wbuf *w, const uint8_t *data, uint16_t len, const char *separator)
{
	mr_wbuf_put_u8(w, '"');
	for (unsigned i = 0; i < len; i++) {
		if (i != 0)
			mr_ipfix_json_raw(w, separator);
		mr_wbuf_put_u8(w, (uint8_t)hex_digits[data[i] >> 4]);
		mr_wbuf_put_u8(w, (uint8_t)hex_digits[data[i] & 0xf]);
	}
	mr_wbuf_put_u8(w, '"');
}

static bool put_unsigned(struct mr_wbuf *w, const struct mr_ipfix_ie *ie, const uint8_t *data, uint16_t len)
{
	bool quote = ie->type == MR_IPFIX_T_U64 && ie->semantics == MR_IPFIX_S_ID;
	uint64_t v;

	if (!mr_ipfix_value_u64((enum mr_ipfix_type)ie->type, data, len, &v))
		return false;
	if (quote)
		mr_wbuf_put_u8(w, '"');
	mr_ipfix_json_u64(w, v);
	if (quote)
		mr_wbuf_put_u8(w, '"');
	return true;
}

static bool put_signed(struct mr_wbuf *w, enum mr_ipfix_type type, const uint8_t *data, uint16_t len)
{
	int64_t v;

	if (!mr_ipfix_value_s64(type, data, len, &v))
		return false;
	if (v < 0)
		mr_wbuf_put_u8(w, '-');
	mr_ipfix_json_u64(w, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
	return true;
}

static bool put_float(struct mr_wbuf *w, enum mr_ipfix_type type, const uint8_t *data, uint16_t len)
{
	char text[40];
	double v;

	if (!mr_ipfix_value_f64(type, data, len, &v))
		return false;
	if (isfinite(v))
		snprintf(text, sizeof(text), "%.17g", v);
	mr_ipfix_json_raw(w, isfinite(v) ? text : "null"); /* JSON has no infinity */
	return true;
}

static bool put_time(struct mr_wbuf *w, enum mr_ipfix_type type, const uint8_t *data, uint16_t len)
{
	char text[MR_CLOCK_TEXT_MAX];
	uint64_t ns;

	if (!mr_ipfix_value_time_ns(type, data, len, &ns))
		return false;
	mr_wbuf_put_u8(w, '"');
	mr_ipfix_json_raw(w, mr_clock_format(ns, text));
	mr_wbuf_put_u8(w, '"');
	return true;
}

static bool put_address(struct mr_wbuf *w, int family, const uint8_t *data, uint16_t len)
{
	char text[INET6_ADDRSTRLEN];

	if (len != (family == AF_INET ? 4 : 16) || inet_ntop(family, data, text, sizeof(text)) == NULL)
		return false;
	mr_wbuf_put_u8(w, '"');
	mr_ipfix_json_raw(w, text);
	mr_wbuf_put_u8(w, '"');
	return true;
}

static bool put_bool(struct mr_wbuf *w, const uint8_t *data, uint16_t len)
{
	if (len != 1 || (data[0] != 1 && data[0] != 2))
		return false;
	mr_ipfix_json_raw(w, data[0] == 1 ? "true" : "false");
	return true;
}

static bool put_string(struct mr_wbuf *w, const uint8_t *data, uint16_t len)
{
	while (len > 0 && data[len - 1] == 0)
		len--;
	mr_ipfix_json_string(w, (const char *)data, len);
	return true;
}

static bool put_mac(struct mr_wbuf *w, const uint8_t *data, uint16_t len)
{
	if (len != 6)
		return false;
	put_hex(w, data, len, ":");
	return true;
}

/* False, and nothing written, when the value isn't one of its type. */
static bool put_typed(struct mr_wbuf *w, const struct mr_ipfix_ie *ie, const uint8_t *data, uint16_t len)
{
	enum mr_ipfix_type type = (enum mr_ipfix_type)ie->type;

	switch (type) {
	case MR_IPFIX_T_U8:
	case MR_IPFIX_T_U16:
	case MR_IPFIX_T_U32:
	case MR_IPFIX_T_U64:
		return put_unsigned(w, ie, data, len);
	case MR_IPFIX_T_S8:
	case MR_IPFIX_T_S16:
	case MR_IPFIX_T_S32:
	case MR_IPFIX_T_S64:
		return put_signed(w, type, data, len);
	case MR_IPFIX_T_F32:
	case MR_IPFIX_T_F64:
		return put_float(w, type, data, len);
	case MR_IPFIX_T_BOOL:
		return put_bool(w, data, len);
	case MR_IPFIX_T_MAC:
		return put_mac(w, data, len);
	case MR_IPFIX_T_STRING:
		return put_string(w, data, len);
	case MR_IPFIX_T_SECONDS:
	case MR_IPFIX_T_MS:
	case MR_IPFIX_T_US:
	case MR_IPFIX_T_NS:
		return put_time(w, type, data, len);
	case MR_IPFIX_T_IPV4:
		return put_address(w, AF_INET, data, len);
	case MR_IPFIX_T_IPV6:
		return put_address(w, AF_INET6, data, len);
	default:
		return false;
	}
}

void mr_ipfix_value_json(struct mr_wbuf *w, const struct mr_ipfix_ie *ie, const uint8_t *data, uint16_t len)
{
	if (ie == NULL || !put_typed(w, ie, data, len))
		put_hex(w, data, len, "");
}
