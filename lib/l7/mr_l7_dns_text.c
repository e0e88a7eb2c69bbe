/* SPDX-License-Identifier: Apache-2.0 */
/* Names and data of DNS records as text. */
#include <arpa/inet.h>

#include "l7/mr_l7_dns_priv.h"

#define JUMPS_MAX      127u /* of compression in one name: it has no more labels */
#define WIRE_MAX       254u /* octets of a name without its last zero */
#define RAW_OCTETS_MAX 64u  /* shown of data in no known form */

static void put_text(struct mr_wbuf *text, const char *s)
{
	mr_wbuf_put_bytes(text, s, strlen(s));
}

static void put_number(struct mr_wbuf *text, uint32_t n)
{
	uint8_t s[10];
	size_t at = sizeof(s);

	do {
		s[--at] = (uint8_t)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	mr_wbuf_put_bytes(text, s + at, sizeof(s) - at);
}

static bool is_plain(uint8_t c)
{
	return (uint8_t)((c | 0x20) - 'a') < 26 || (uint8_t)(c - '0') < 10 || c == '-' || c == '_';
}

/* One octet of a label or string; those of @p special get a backslash. */
static void put_escaped(struct mr_wbuf *text, uint8_t c, const char *special)
{
	uint8_t s[4] = { '\\', (uint8_t)('0' + c / 100), (uint8_t)('0' + c / 10 % 10),
			 (uint8_t)('0' + c % 10) };

	if (is_plain(c)) {
		mr_wbuf_put_u8(text, c);
		return;
	}
	if (c < ' ' || c > '~') {
		mr_wbuf_put_bytes(text, s, sizeof(s));
		return;
	}
	if (strchr(special, c) != NULL)
		mr_wbuf_put_u8(text, '\\');
	mr_wbuf_put_u8(text, c);
}

/* Most labels need no escapes. */
static void put_label(struct mr_wbuf *text, const uint8_t *label, size_t len)
{
	size_t plain = 0;

	while (plain < len && is_plain(label[plain]))
		plain++;
	mr_wbuf_put_bytes(text, label, plain);
	for (size_t i = plain; i < len; i++)
		put_escaped(text, label[i], ".\\\"();@$ ");
}

static void fail(struct mr_rbuf *r)
{
	r->underflow = true;
}

/* Where the name goes on; only before @p before, or there would be loops, and behind the message's header. */
static bool follow(struct mr_rbuf *at, uint8_t high, size_t before)
{
	size_t target = (size_t)(high & 0x3f) << 8 | mr_rbuf_get_u8(at);

	if (at->underflow || target >= before || target < DNS_HEADER)
		return false;
	at->pos = target;
	return true;
}

void dns_name_read(struct mr_rbuf *r, struct mr_wbuf *text)
{
	struct mr_rbuf at = *r;
	size_t lowest = r->pos, end = 0, wire = 0;
	unsigned jumps = 0;
	uint8_t n;

	while ((n = mr_rbuf_get_u8(&at)) != 0) {
		const uint8_t *label;

		if (n >= 0xc0) {
			if (end == 0)
				end = at.pos + 1;
			if (text == NULL) /* what it points to is read by those who want the text */
				break;
			if (++jumps > JUMPS_MAX || !follow(&at, n, lowest)) {
				fail(r);
				return;
			}
			lowest = at.pos;
			continue;
		}
		label = n > 63 ? NULL : mr_rbuf_take(&at, n);
		if (label == NULL || wire + n + 1 > WIRE_MAX) {
			fail(r);
			return;
		}
		if (text != NULL) {
			if (wire != 0)
				mr_wbuf_put_u8(text, '.');
			put_label(text, label, n);
		}
		wire += n + 1u;
	}
	if (end == 0)
		end = at.pos;
	if (at.underflow || end > r->len) {
		fail(r);
		return;
	}
	if (wire == 0 && text != NULL)
		mr_wbuf_put_u8(text, '.');
	r->pos = end;
}

static void put_ipv4(struct mr_rbuf *r, struct mr_wbuf *text)
{
	const uint8_t *addr = mr_rbuf_take(r, 4);

	for (unsigned i = 0; addr != NULL && i < 4; i++) {
		if (i != 0)
			mr_wbuf_put_u8(text, '.');
		put_number(text, addr[i]);
	}
}

static void put_ipv6(struct mr_rbuf *r, struct mr_wbuf *text)
{
	const uint8_t *addr = mr_rbuf_take(r, 16);
	char s[INET6_ADDRSTRLEN];

	if (addr != NULL && inet_ntop(AF_INET6, addr, s, sizeof(s)) != NULL)
		put_text(text, s);
}

static void put_numbers(struct mr_rbuf *r, struct mr_wbuf *text, unsigned n)
{
	while (n-- != 0) {
		put_number(text, mr_rbuf_get_u16(r));
		mr_wbuf_put_u8(text, ' ');
	}
}

static void put_quoted(struct mr_wbuf *text, const uint8_t *s, size_t len)
{
	mr_wbuf_put_u8(text, '"');
	for (size_t i = 0; i < len; i++)
		put_escaped(text, s[i], "\"\\");
	mr_wbuf_put_u8(text, '"');
}

static void put_strings(struct mr_rbuf *r, struct mr_wbuf *text)
{
	while (!r->underflow && mr_rbuf_left(r) != 0) {
		uint8_t n = mr_rbuf_get_u8(r);
		const uint8_t *s = mr_rbuf_take(r, n);

		if (s == NULL)
			return;
		if (text->len != 0)
			mr_wbuf_put_u8(text, ' ');
		put_quoted(text, s, n);
	}
}

static void put_soa(struct mr_rbuf *r, struct mr_wbuf *text)
{
	dns_name_read(r, text);
	mr_wbuf_put_u8(text, ' ');
	dns_name_read(r, text);
	for (unsigned i = 0; i < 5; i++) {
		mr_wbuf_put_u8(text, ' ');
		put_number(text, mr_rbuf_get_u32(r));
	}
}

static void put_hex(struct mr_wbuf *text, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		mr_wbuf_put_u8(text, (uint8_t)digits[data[i] >> 4]);
		mr_wbuf_put_u8(text, (uint8_t)digits[data[i] & 15]);
	}
}

static void put_raw(struct mr_rbuf *r, struct mr_wbuf *text)
{
	size_t len = mr_rbuf_left(r), shown = len < RAW_OCTETS_MAX ? len : RAW_OCTETS_MAX;

	put_text(text, "\\# ");
	put_number(text, (uint32_t)len);
	if (len != 0)
		mr_wbuf_put_u8(text, ' ');
	put_hex(text, mr_rbuf_take(r, shown), shown);
}

static void put_caa(struct mr_rbuf *r, struct mr_wbuf *text)
{
	uint8_t flags = mr_rbuf_get_u8(r), n = mr_rbuf_get_u8(r);
	const uint8_t *tag = mr_rbuf_take(r, n);

	if (tag == NULL)
		return;
	put_number(text, flags);
	mr_wbuf_put_u8(text, ' ');
	for (unsigned i = 0; i < n; i++)
		put_escaped(text, tag[i], "\\\" ");
	mr_wbuf_put_u8(text, ' ');
	n = (uint8_t)(mr_rbuf_left(r) < 255 ? mr_rbuf_left(r) : 255);
	put_quoted(text, mr_rbuf_take(r, n), n);
}

/* Parameters that hold a list: protocols (key 1), addresses of IPv4 (4) and IPv6 (6); see RFC 9460
 * section 14.3. */
static void put_param_list(struct mr_rbuf *r, struct mr_wbuf *text, uint16_t key)
{
	for (bool first = true; !r->underflow && mr_rbuf_left(r) != 0; first = false) {
		if (!first)
			mr_wbuf_put_u8(text, ',');
		if (key == 1) {
			uint8_t n = mr_rbuf_get_u8(r);
			const uint8_t *s = mr_rbuf_take(r, n);

			for (unsigned i = 0; s != NULL && i < n; i++)
				put_escaped(text, s[i], "\\\", ");
		} else if (key == 4) {
			put_ipv4(r, text);
		} else {
			put_ipv6(r, text);
		}
	}
}

static void put_param(struct mr_rbuf *r, struct mr_wbuf *text)
{
	static const char *const names[] = { "mandatory", "alpn", "no-default-alpn", "port",
					     "ipv4hint",  "ech",  "ipv6hint" };
	uint16_t key = mr_rbuf_get_u16(r), len = mr_rbuf_get_u16(r);
	const uint8_t *value = mr_rbuf_take(r, len);
	struct mr_rbuf v;

	if (value == NULL)
		return;
	mr_rbuf_init(&v, value, len);
	mr_wbuf_put_u8(text, ' ');
	if (key < sizeof(names) / sizeof(names[0])) {
		put_text(text, names[key]);
	} else {
		put_text(text, "key");
		put_number(text, key);
	}
	if (len == 0)
		return;
	mr_wbuf_put_u8(text, '=');
	if (key == 1 || key == 4 || key == 6)
		put_param_list(&v, text, key);
	else if (key == 3)
		put_number(text, mr_rbuf_get_u16(&v));
	else
		put_hex(text, value, len < RAW_OCTETS_MAX ? len : RAW_OCTETS_MAX);
	if (v.underflow)
		fail(r);
}

static void put_service(struct mr_rbuf *r, struct mr_wbuf *text)
{
	put_numbers(r, text, 1);
	dns_name_read(r, text);
	while (!r->underflow && mr_rbuf_left(r) != 0)
		put_param(r, text);
}

void dns_data_text(const struct mr_rbuf *msg, const struct dns_record *rec, struct mr_wbuf *text)
{
	struct mr_rbuf r = { .data = msg->data, .len = rec->data_pos + rec->data_len, .pos = rec->data_pos };

	switch (rec->type) {
	case DNS_A:
		put_ipv4(&r, text);
		break;
	case DNS_AAAA:
		put_ipv6(&r, text);
		break;
	case DNS_NS:
	case DNS_CNAME:
	case DNS_PTR:
	case DNS_DNAME:
		dns_name_read(&r, text);
		break;
	case DNS_MX:
		put_numbers(&r, text, 1);
		dns_name_read(&r, text);
		break;
	case DNS_SRV:
		put_numbers(&r, text, 3);
		dns_name_read(&r, text);
		break;
	case DNS_SOA:
		put_soa(&r, text);
		break;
	case DNS_TXT:
	case DNS_SPF:
		put_strings(&r, text);
		break;
	case DNS_CAA:
		put_caa(&r, text);
		break;
	case DNS_SVCB:
	case DNS_HTTPS:
		put_service(&r, text);
		break;
	default:
		put_raw(&r, text);
	}
	if (r.underflow) { /* not what its type says: the octets */
		r.pos = rec->data_pos;
		r.underflow = false;
		text->len = 0;
		put_raw(&r, text);
	}
}
