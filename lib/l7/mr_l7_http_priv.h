/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string.h>
#include <strings.h>

#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_inflate.h"

/**
 * @file
 * HTTP/1.x (RFC 9110, 9112) and 0.9, between the files of the parser. Lines are read whole; bodies are
 * skipped as they come. Allocates only while the sink wants a body and that body is compressed: struct
 * mr_l7_inflate.
 */

#define HTTP_LINE_MAX	     12288u	       /* octets of a line with all its folds and its end */
#define HTTP_LINES_MAX	     256u	       /* header lines of a message */
#define HTTP_BODY_MAX	     MR_L7_INFLATE_MAX /* octets of a body that a sink gets */
#define HTTP_REQUESTS_MAX    32u /* without an answer yet: for each 2 bits of http_state.requests */
#define HTTP_EMPTY_LINES_MAX 8u	 /* before a start line */

/** What a direction reads next. */
enum http_step {
	HTTP_START,
	HTTP_HEADER,
	HTTP_BODY_LENGTH, /* `left` octets */
	HTTP_BODY_CLOSE,  /* until the connection ends */
	HTTP_CHUNK_SIZE,
	HTTP_CHUNK,	/* `left` octets */
	HTTP_CHUNK_END, /* the empty line behind a chunk */
	HTTP_TRAILER,
	HTTP_LOST, /* behind a gap: any line until one starts a message */
	HTTP_STEP_MAX
};

/** Of a message, http_dir.flags. */
enum {
	HTTP_IS_REQUEST = 1 << 0,
	HTTP_HAS_LENGTH = 1 << 1,
	HTTP_CHUNKED = 1 << 2,
	HTTP_OTHER_CODING = 1 << 3, /* a transfer coding that isn't chunked comes last */
	HTTP_HAS_HOST =
		1
		<< 4, /* the target named one, which the Host line doesn't change (RFC 9112 section 3.2.2) */
	HTTP_BODY_OPEN = 1 << 5, /* the sink got a part of the body and waits for the last */
	HTTP_BODY_DONE = 1 << 6, /* the sink gets no more of this body */
	HTTP_FOLDED = 1 << 7,	 /* a note about folds was made */
};

/** What the framing of an answer depends on: the request's method. */
enum http_kind {
	HTTP_KIND_PLAIN,
	HTTP_KIND_HEAD,
	HTTP_KIND_CONNECT,
	HTTP_KIND_OLD, /* HTTP/0.9: the answer has no header */
};

struct http_dir {
	struct mr_l7_inflate *inflate; /* owned; of the body that is being read */
	uint64_t left;
	uint32_t scanned; /* octets of the unused tail that need no second look for an end of line */
	uint16_t body;	  /* octets of the body that the sink got, while not compressed */
	uint16_t lines;	  /* of the header so far; of empty lines before a start line */
	uint16_t status;
	uint8_t step; /* enum http_step */
	uint8_t flags;
	uint8_t coding; /* enum mr_l7_coding, of the content */
};

struct http_state {
	struct http_dir dir[2];
	uint64_t requests; /* enum http_kind, 2 bits each, those that wait for an answer, oldest lowest */
	uint8_t n_requests;
	bool has_request; /* the transaction has its request already */
	bool has_answer;
	bool started;	   /* a start line was seen */
	bool next;	   /* the server changes to a protocol that can be recognised by its content */
	uint8_t requester; /* direction of the last request */
	bool no_inflate;   /* a bomb was found: no further body of this flow is decompressed */
};

/** One call of the parser. */
struct http_run {
	struct http_state *state;
	struct http_dir *d;
	const struct mr_l7_input *in;
	struct mr_l7_sink *sink;
	uint32_t pos; /* next octet of in->data */
	bool folded;  /* the header line in hand may be; false: it isn't */
};

struct http_text {
	const char *s;
	size_t len;
};

static inline void http_note(struct http_run *r, const char *name)
{
	mr_l7_put(r->sink, MR_L7_F_HTTP_NOTE, name, strlen(name));
}

/** Case of ASCII letters doesn't matter. */
static inline bool http_is(struct http_text t, const char *word)
{
	return t.len == strlen(word) && strncasecmp(t.s, word, t.len) == 0;
}

static inline bool http_starts(struct http_text t, const char *word)
{
	return t.len >= strlen(word) && strncasecmp(t.s, word, strlen(word)) == 0;
}

static inline bool http_is_space(char c)
{
	return c == ' ' || c == '\t';
}

/** Without blanks around it. */
static inline struct http_text http_trim(struct http_text t)
{
	while (t.len != 0 && http_is_space(t.s[0])) {
		t.s++;
		t.len--;
	}
	while (t.len != 0 && (http_is_space(t.s[t.len - 1]) || t.s[t.len - 1] == '\r'))
		t.len--;
	return t;
}

/** What a start line may be. */
enum http_start {
	HTTP_START_NONE,
	HTTP_START_REQUEST,
	HTTP_START_ANSWER,
};

struct http_start_line {
	struct http_text method, target, version, reason;
	uint16_t status;
	bool old; /* HTTP/0.9: no version */
};

/** Is this whole line one that starts a message? @p ret is filled when it does. mr_l7_http_start.c */
enum http_start http_start_read(struct http_text line, struct http_start_line *ret);

/** The host of an absolute target or of CONNECT's; empty when the target names none. */
struct http_text http_target_host(struct http_text method, struct http_text target);

/** One header line, folds in it; what it says goes to the sink and into the direction's flags.
 * mr_l7_http_header.c */
void http_header_put(struct http_run *r, struct http_text line);

/** Octets of the body in hand, transfer coding taken off. mr_l7_http_body.c */
void http_body_put(struct http_run *r, const uint8_t *data, size_t len);

/** The body has ended, or its rest is lost. */
void http_body_end(struct http_run *r);
