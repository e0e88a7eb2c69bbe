/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_text.h"

bool mr_l7_line(struct mr_rbuf *r, bool *skip, struct mr_l7_text *ret)
{
	while (mr_rbuf_left(r) > 0) {
		const uint8_t *start = r->data + r->pos;
		size_t left = mr_rbuf_left(r);
		const uint8_t *end = memchr(start, '\n', left);
		size_t len = end != NULL ? (size_t)(end - start) : left;

		/* by the line's length alone, so that it doesn't matter in how many pieces it came */
		if (len > MR_L7_LINE_MAX)
			*skip = true;
		if (end == NULL) {
			r->pos += *skip ? len : 0;
			return false;
		}
		r->pos += len + 1;
		if (!*skip) {
			ret->data = start;
			ret->len = len > 0 && start[len - 1] == '\r' ? len - 1 : len;
			return true;
		}
		*skip = false;
	}
	return false;
}

bool mr_l7_contains(struct mr_l7_text t, const char *word)
{
	for (; t.len >= strlen(word); t = mr_l7_behind(t, 1))
		if (mr_l7_starts(t, word))
			return true;
	return false;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct mr_l7_text mr_l7_trim(struct mr_l7_text t)
{
	while (t.len > 0 && is_blank(t.data[0]))
		t = mr_l7_behind(t, 1);
	while (t.len > 0 && is_blank(t.data[t.len - 1]))
		t.len--;
	return t;
}

struct mr_l7_text mr_l7_word(struct mr_l7_text *rest)
{
	struct mr_l7_text word = { rest->data, 0 };

	while (word.len < rest->len && !is_blank(rest->data[word.len]))
		word.len++;
	*rest = mr_l7_behind(*rest, word.len);
	while (rest->len > 0 && is_blank(rest->data[0]))
		*rest = mr_l7_behind(*rest, 1);
	return word;
}

unsigned mr_l7_reply_code(struct mr_l7_text line)
{
	unsigned code = 0;

	if (line.len < 3 || (line.len > 3 && line.data[3] != ' ' && line.data[3] != '-'))
		return 0;
	for (unsigned i = 0; i < 3; i++) {
		if (line.data[i] < '0' || line.data[i] > '9')
			return 0;
		code = code * 10 + line.data[i] - '0';
	}
	return code >= 100 && code < 700 ? code : 0;
}

void mr_l7_write_decimal(struct mr_wbuf *w, uint32_t number)
{
	char digits[10];
	size_t n = sizeof(digits);

	do {
		digits[--n] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	mr_wbuf_put_bytes(w, digits + n, sizeof(digits) - n);
}

void mr_l7_put_ipv4(struct mr_l7_sink *sink, enum mr_l7_field field, const uint8_t *addr)
{
	char room[16];
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, sizeof(room));
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			mr_wbuf_put_u8(&w, '.');
		mr_l7_write_decimal(&w, addr[i]);
	}
	mr_l7_put(sink, field, w.data, w.len);
}

/* The character at *at, which is moved behind it. There is at least one unit. */
static uint32_t utf16_next(const uint8_t *data, size_t len, size_t *at)
{
	uint32_t high = (uint32_t)(data[*at] | data[*at + 1] << 8);
	uint32_t low;

	*at += 2;
	if (high < 0xd800 || high > 0xdfff)
		return high;
	if (high > 0xdbff || len - *at < 2)
		return 0xfffd;
	low = (uint32_t)(data[*at] | data[*at + 1] << 8);
	if (low < 0xdc00 || low > 0xdfff)
		return 0xfffd;
	*at += 2;
	return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

static size_t utf8_write(uint8_t *p, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const uint8_t first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = n - 1; i > 0; i--) {
		p[i] = (uint8_t)(0x80 | (c & 0x3f));
		c >>= 6;
	}
	p[0] = (uint8_t)(first[n] | c);
	return n;
}

void mr_l7_put_utf16(struct mr_l7_sink *sink, enum mr_l7_field field, const uint8_t *data, size_t len)
{
	uint8_t room[512];
	size_t n = 0, at = 0;

	while (len - at >= 2) {
		uint32_t c = utf16_next(data, len, &at);

		if (c == 0)
			break;
		if (n > sizeof(room) - 4) {
			sink->value(sink, field, room, n, true);
			n = 0;
		}
		n += utf8_write(room + n, c);
	}
	if (n > 0)
		mr_l7_put(sink, field, room, n);
}
