/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>
#include <strings.h>

#include "base/mr_buf.h"
#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What several parsers need of text: lines, words, numbers and addresses in print, UTF-16. Nothing here reads
 * or writes past what it is given.
 */

#define MR_L7_LINE_MAX 4096u /* octets of a line, its end not counted; longer ones are passed over */

/** Octets that are part of something else; not ended by a zero. */
struct mr_l7_text {
	const uint8_t *data;
	size_t len;
};

/**
 * The next line without its LF or CR LF.
 * @param skip  state of this direction: the rest of a line is to be passed over. Set it behind a gap.
 * @return false: no whole line is left, what was used is behind r->pos
 */
bool mr_l7_line(struct mr_rbuf *r, bool *skip, struct mr_l7_text *ret);

/** Does it start with @p prefix, whatever the case of ASCII letters? */
static inline bool mr_l7_starts(struct mr_l7_text t, const char *prefix)
{
	size_t len = strlen(prefix);

	return t.len >= len && strncasecmp((const char *)t.data, prefix, len) == 0;
}

/** Is it a part of what starts with @p prefix, cut before that is whole? */
static inline bool mr_l7_may_start(struct mr_l7_text t, const char *prefix)
{
	return t.len > 0 && t.len < strlen(prefix) && strncasecmp((const char *)t.data, prefix, t.len) == 0;
}

/** Is @p word somewhere in it, whatever the case of ASCII letters? For texts of a few hundred octets. */
bool mr_l7_contains(struct mr_l7_text t, const char *word);

/** What a probe looks at of a protocol of lines: the first 256 octets. */
static inline struct mr_l7_text mr_l7_start(const struct mr_l7_input *in)
{
	return (struct mr_l7_text){ in->data, in->len < 256 ? in->len : 256 };
}

static inline bool mr_l7_equals(struct mr_l7_text t, const char *other)
{
	return t.len == strlen(other) && mr_l7_starts(t, other);
}

/** Without its first @p n octets, or empty. */
static inline struct mr_l7_text mr_l7_behind(struct mr_l7_text t, size_t n)
{
	n = n < t.len ? n : t.len;
	return (struct mr_l7_text){ t.data + n, t.len - n };
}

/** Without blanks at both ends. */
struct mr_l7_text mr_l7_trim(struct mr_l7_text t);

/** Takes what stands before the next blank, and the blanks behind it, from @p rest. */
struct mr_l7_text mr_l7_word(struct mr_l7_text *rest);

/** The three digits that a reply starts with, 100 to 699; 0: it is none. */
unsigned mr_l7_reply_code(struct mr_l7_text line);

/** Is this line the last one of its reply? */
static inline bool mr_l7_reply_ends(struct mr_l7_text line)
{
	return line.len < 4 || line.data[3] != '-';
}

static inline void mr_l7_put_text(struct mr_l7_sink *sink, enum mr_l7_field field, struct mr_l7_text t)
{
	mr_l7_put(sink, field, t.data, t.len);
}

static inline void mr_l7_put_string(struct mr_l7_sink *sink, enum mr_l7_field field, const char *s)
{
	mr_l7_put(sink, field, s, strlen(s));
}

void mr_l7_write_decimal(struct mr_wbuf *w, uint32_t number);

/** "192.0.2.1". @param addr  4 octets, network order */
void mr_l7_put_ipv4(struct mr_l7_sink *sink, enum mr_l7_field field, const uint8_t *addr);

/**
 * Little-endian UTF-16 as UTF-8; what is no character becomes U+FFFD. Ends before the first zero.
 * @param len  octets; an odd last one is left out. Nothing is put when there is no character.
 */
void mr_l7_put_utf16(struct mr_l7_sink *sink, enum mr_l7_field field, const uint8_t *data, size_t len);

#ifdef __cplusplus
}
#endif
