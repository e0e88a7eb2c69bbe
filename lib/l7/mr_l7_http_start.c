/* SPDX-License-Identifier: Apache-2.0 */
/* Start lines of HTTP/1.x: of requests and of answers. */
#include "l7/mr_l7_http_priv.h"

#define METHOD_MAX  32u /* octets; the longest registered one has 17 */
#define VERSION_MAX 12u

/* RFC 9110 section 5.6.2 */
static bool is_token(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1"; some programs have more numbers behind */
static bool is_version(struct http_text t)
{
	if (t.len < 8 || t.len > VERSION_MAX || memcmp(t.s, "HTTP/", 5) != 0 ||
	    (t.s[5] != '0' && t.s[5] != '1') || t.s[6] != '.')
		return false;
	for (size_t i = 7; i < t.len; i++)
		if (!is_digit(t.s[i]) && t.s[i] != '.')
			return false;
	return true;
}

static bool read_answer(struct http_text line, struct http_start_line *ret)
{
	const char *space = memchr(line.s, ' ', line.len < VERSION_MAX + 1 ? line.len : VERSION_MAX + 1);
	struct http_text rest;

	if (space == NULL)
		return false;
	ret->version = (struct http_text){ line.s, (size_t)(space - line.s) };
	if (!is_version(ret->version))
		return false;
	rest = (struct http_text){ space, line.len - ret->version.len };
	while (rest.len != 0 && rest.s[0] == ' ') {
		rest.s++;
		rest.len--;
	}
	if (rest.len < 3 || !is_digit(rest.s[0]) || !is_digit(rest.s[1]) || !is_digit(rest.s[2]))
		return false;
	if (rest.s[0] == '0' || (rest.len > 3 && rest.s[3] != ' '))
		return false;
	ret->status = (uint16_t)((rest.s[0] - '0') * 100 + (rest.s[1] - '0') * 10 + (rest.s[2] - '0'));
	ret->reason = http_trim((struct http_text){ rest.s + 3, rest.len - 3 });
	return true;
}

/* Only GET exists in HTTP/0.9, and its target is a path. */
static bool is_old(const struct http_start_line *s)
{
	return s->method.len == 3 && memcmp(s->method.s, "GET", 3) == 0 && s->target.len != 0 &&
	       s->target.s[0] == '/';
}

static bool read_request(struct http_text line, struct http_start_line *ret)
{
	struct http_text rest;
	const char *space;
	size_t n = 0;

	while (n < line.len && n <= METHOD_MAX && is_token(line.s[n]))
		n++;
	if (n == 0 || n > METHOD_MAX || n == line.len || !http_is_space(line.s[n]))
		return false;
	ret->method = (struct http_text){ line.s, n };
	rest = http_trim((struct http_text){ line.s + n, line.len - n });
	space = memrchr(rest.s, ' ', rest.len);
	if (space != NULL)
		ret->version = (struct http_text){ space + 1, rest.len - (size_t)(space + 1 - rest.s) };
	ret->old = space == NULL || !is_version(ret->version);
	if (!ret->old)
		rest.len = (size_t)(space - rest.s);
	ret->target = http_trim(rest);
	if (ret->old)
		return is_old(ret) && memchr(ret->target.s, ' ', ret->target.len) == NULL;
	return ret->target.len != 0;
}

enum http_start http_start_read(struct http_text line, struct http_start_line *ret)
{
	*ret = (struct http_start_line){ 0 };
	if (line.len >= 5 && memcmp(line.s, "HTTP/", 5) == 0)
		return read_answer(line, ret) ? HTTP_START_ANSWER : HTTP_START_NONE;
	return read_request(line, ret) ? HTTP_START_REQUEST : HTTP_START_NONE;
}

struct http_text http_target_host(struct http_text method, struct http_text target)
{
	static const struct http_text none = { "", 0 };
	struct http_text host = target;
	const char *p;

	if (http_is(method, "CONNECT"))
		return target;
	if (http_starts(target, "http://"))
		host = (struct http_text){ target.s + 7, target.len - 7 };
	else if (http_starts(target, "https://"))
		host = (struct http_text){ target.s + 8, target.len - 8 };
	else
		return none;
	for (size_t i = 0; i < host.len; i++)
		if (host.s[i] == '/' || host.s[i] == '?' || host.s[i] == '#')
			host.len = i;
	p = memchr(host.s, '@', host.len);
	if (p != NULL) {
		host.len -= (size_t)(p + 1 - host.s);
		host.s = p + 1;
	}
	return host;
}
