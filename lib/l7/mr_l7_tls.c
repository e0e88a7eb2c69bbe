/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS 1.0 to 1.3 (RFC 8446 section 5.1, RFC 5246 section 6.2) and SSL 3 (RFC 6101); of SSL 2 only the hellos.
 *
 * A direction is a stream of handshake octets cut into records. It is read in items that are wanted whole
 * (the header of a message, a hello, one certificate) and are consumed at once: what is incomplete stays in
 * the window, so the state only knows where in the record and in the message the next item begins.
 *
 * After STARTTLS or the like: a zeroed state and what follows the other protocol's last octet in each
 * direction, be it by MR_L7_NEXT or by another parser that calls mr_l7_tls.parse itself. Which side is the
 * client shows from the messages, not from who opened the connection (FTP in active mode).
 */
#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_tls_cert.h"
#include "l7/mr_l7_tls_hello.h"

#define RECORD_HEADER  5u
#define RECORD_MAX     (16384u + 2048u) /* RFC 5246 section 6.2.3 */
#define MESSAGE_HEADER 4u
#define CERTS_MAX      16u /* of a chain; more are not looked at */

enum { RECORD_CCS = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22, RECORD_DATA = 23, RECORD_HEARTBEAT = 24 };

enum { /* handshake messages besides the hellos */
       MESSAGE_CERTIFICATE = 11,
       MESSAGE_KEY_EXCHANGE = 12,
       MESSAGE_HELLO_DONE = 14,
};

/* The item that comes next in a direction. */
enum step {
	STEP_START,	  /* anything: the first record, perhaps of SSL 2 */
	STEP_MESSAGE,	  /* the header of a message */
	STEP_HELLO,	  /* the body of a hello of either side */
	STEP_CERT_LIST,	  /* the length of the list of certificates */
	STEP_CERT_LENGTH, /* the length of a certificate */
	STEP_CERT,
	STEP_SKIP_CERT, /* one that is longer than the window */
	STEP_SKIP,	/* a message of no interest */
	STEP_REST	/* nothing more of interest but that application data begins */
};

struct side {
	uint32_t message_left; /* octets of the message behind the last item */
	uint32_t item_left;    /* of the certificate that comes next or is skipped */
	uint16_t record_left;  /* octets of the record behind the last item */
	uint16_t record_version;
	uint8_t record_type;
	uint8_t message_type;
	uint8_t step;
	bool client, server; /* a hello of that side came this way */
};

struct tls {
	struct side side[2];
	uint8_t certs;	   /* of the server, so far */
	bool client_hello; /* the first one has been told */
	bool server_hello;
	bool retry; /* a HelloRetryRequest came: its direction goes on after a ChangeCipherSpec */
};

static bool is_record_header(const uint8_t *p)
{
	uint16_t len = mr_get_u16(p + 3);

	return p[0] >= RECORD_CCS && p[0] <= RECORD_HEARTBEAT && p[1] == 3 && p[2] <= 4 && len <= RECORD_MAX;
}

/*
 * A ClientHello or ServerHello in the framing of SSL 2: 2 octets of length with the top bit set. The lengths
 * of the parts must add up.
 */
static bool is_ssl2_hello(const uint8_t *p, uint32_t len)
{
	uint32_t record = (uint32_t)(mr_get_u16(p) & 0x7fff);
	uint16_t version;

	if (len < 13 || (p[0] & 0x80) == 0)
		return false;
	if (p[2] == 1) {
		uint16_t ciphers = mr_get_u16(p + 5), id = mr_get_u16(p + 7), challenge = mr_get_u16(p + 9);

		version = mr_get_u16(p + 3);
		return (version == MR_L7_TLS_SSL2 || version >> 8 == 3) && ciphers != 0 && ciphers % 3 == 0 &&
		       (id == 0 || id == 16) && challenge >= 16 && challenge <= 32 &&
		       record == 9u + ciphers + id + challenge;
	}
	version = mr_get_u16(p + 5);
	return p[2] == 4 && p[3] <= 1 && version == MR_L7_TLS_SSL2 &&
	       record == 11u + mr_get_u16(p + 7) + mr_get_u16(p + 9) + mr_get_u16(p + 11);
}

static enum mr_l7_probe tls_probe(const struct mr_l7_input *in)
{
	const uint8_t *p = in->data;

	if (in->len == 0)
		return MR_L7_MAYBE;
	if (p[0] & 0x80) {
		if (in->len < 13)
			return in->len < 3 || p[2] == 1 || p[2] == 4 ? MR_L7_MAYBE : MR_L7_NO;
		return is_ssl2_hello(p, in->len) ? MR_L7_YES : MR_L7_NO;
	}
	if (p[0] < RECORD_CCS || p[0] > RECORD_DATA || (in->len > 1 && p[1] != 3) ||
	    (in->len > 2 && p[2] > 4))
		return MR_L7_NO;
	if (in->len < RECORD_HEADER)
		return MR_L7_MAYBE;
	return is_record_header(p) && mr_get_u16(p + 3) != 0 ? MR_L7_YES : MR_L7_NO;
}

/* Begins the next record. false: its header isn't whole, or no record begins here (and *ret_want says so). */
static bool next_record(struct side *s, const struct mr_l7_input *in, uint32_t *at, enum mr_l7_want *ret_want)
{
	*ret_want = MR_L7_MORE;
	if (in->len - *at < RECORD_HEADER)
		return false;
	if (!is_record_header(in->data + *at)) {
		*ret_want = MR_L7_BROKEN;
		return false;
	}
	s->record_type = in->data[*at];
	s->record_version = mr_get_u16(in->data + *at + 1);
	s->record_left = mr_get_u16(in->data + *at + 3);
	*at += RECORD_HEADER;
	return true;
}

/*
 * The next @p n octets of handshake from *at on: where they lie when one record has them all, else collected
 * in
 * @p scratch. NULL: not all there yet, or (*ret_want is MR_L7_BROKEN) something else is between.
 */
static const uint8_t *take_item(struct side *s, const struct mr_l7_input *in, uint32_t n, uint32_t *at,
				uint8_t scratch[MR_L7_WINDOW], enum mr_l7_want *ret_want)
{
	struct side walk = *s;
	uint32_t pos = *at, have = 0;
	const uint8_t *item = scratch;

	*ret_want = MR_L7_MORE;
	if (n > in->len - pos) /* spares walking over many short records again and again */
		return NULL;
	while (have < n) {
		uint32_t part = walk.record_left < n - have ? walk.record_left : n - have;

		if (part > in->len - pos)
			return NULL;
		if (part == n)
			item = in->data + pos;
		else
			memcpy(scratch + have, in->data + pos, part);
		walk.record_left = (uint16_t)(walk.record_left - part);
		pos += part;
		have += part;
		if (have == n)
			break;
		if (!next_record(&walk, in, &pos, ret_want))
			return NULL;
		if (walk.record_type != RECORD_HANDSHAKE) {
			*ret_want = MR_L7_BROKEN;
			return NULL;
		}
	}
	*s = walk;
	*at = pos;
	return item;
}

static bool client_hello(struct tls *t, struct side *s, const uint8_t *body, uint32_t len,
			 struct mr_l7_sink *sink)
{
	struct mr_l7_tls_hello hello;

	if (!mr_l7_tls_hello_parse(body, len, &hello))
		return false;
	if (!t->client_hello)
		mr_l7_tls_hello_put(&hello, 't', sink);
	t->client_hello = s->client = true;
	return true;
}

static bool server_hello(struct tls *t, struct side *s, const uint8_t *body, uint32_t len,
			 struct mr_l7_sink *sink)
{
	struct mr_l7_tls_answer answer;

	if (!mr_l7_tls_answer_parse(body, len, &answer))
		return false;
	s->step = STEP_MESSAGE;
	if (answer.retry) {
		t->retry = true;
		return true;
	}
	if (!t->server_hello)
		mr_l7_tls_answer_put(&answer, sink);
	t->server_hello = s->server = true;
	if (answer.chosen >= MR_L7_TLS_13) /* the drafts of 1.3 too: what follows is encrypted */
		s->step = STEP_REST;
	return true;
}

/* The header of a message has been read: what of it is wanted? */
static enum step message_begins(const struct side *s)
{
	switch (s->message_type) {
	case MR_L7_TLS_CLIENT_HELLO:
	case MR_L7_TLS_SERVER_HELLO:
		return STEP_HELLO;
	case MESSAGE_CERTIFICATE:
		return s->message_left < 3 ? STEP_SKIP : STEP_CERT_LIST;
	case MESSAGE_KEY_EXCHANGE:
	case MESSAGE_HELLO_DONE:
		return STEP_REST; /* the certificate would have come before */
	default:
		return s->message_left == 0 ? STEP_MESSAGE : STEP_SKIP;
	}
}

/* Octets of the item that @p s is at; 0: the list of certificates ends. */
static uint32_t item_size(const struct side *s)
{
	switch (s->step) {
	case STEP_MESSAGE:
		return MESSAGE_HEADER;
	case STEP_HELLO:
		return s->message_left;
	case STEP_CERT:
		return s->item_left;
	default:
		return 3; /* a length */
	}
}

/* The step after the certificates that have been read. */
static uint8_t next_certificate(const struct tls *t, const struct side *s)
{
	return s->message_left >= 3 && t->certs < CERTS_MAX ? STEP_CERT_LENGTH : STEP_REST;
}

static bool item(struct tls *t, struct side *s, const uint8_t *p, uint32_t n, struct mr_l7_sink *sink)
{
	if (s->step != STEP_MESSAGE)
		s->message_left -= n;
	switch (s->step) {
	case STEP_MESSAGE:
		s->message_type = p[0];
		s->message_left = mr_get_u32(p) & 0xffffff;
		s->step = (uint8_t)message_begins(s);
		if (s->message_type == MR_L7_TLS_CLIENT_HELLO && !t->client_hello)
			mr_l7_tls_put_version(MR_L7_F_TLS_RECORD_VERSION, s->record_version, sink);
		return s->step != STEP_HELLO || s->message_left != 0;
	case STEP_HELLO:
		s->step = STEP_REST;
		if (s->message_type == MR_L7_TLS_CLIENT_HELLO)
			return client_hello(t, s, p, n, sink);
		return server_hello(t, s, p, n, sink);
	case STEP_CERT_LIST:
		s->step = next_certificate(t, s);
		return true;
	case STEP_CERT_LENGTH:
		s->item_left = (uint32_t)p[0] << 16 | mr_get_u16(p + 1);
		s->step = STEP_CERT;
		if (s->item_left > MR_L7_TLS_CERT_MAX) {
			s->step = STEP_SKIP_CERT;
			t->certs++;
		}
		return s->item_left != 0 && s->item_left <= s->message_left;
	default: /* STEP_CERT */
		mr_l7_tls_cert_put(p, n, t->certs++ == 0, sink);
		s->step = next_certificate(t, s);
		return true;
	}
}

/* Octets of the record that needn't be kept: those of a message or certificate that is skipped. */
static void skip_message(const struct tls *t, struct side *s, uint32_t there, uint32_t *at)
{
	uint32_t *left = s->step == STEP_SKIP_CERT ? &s->item_left : &s->message_left;
	uint32_t n = *left < there ? *left : there;

	*left -= n;
	if (s->step == STEP_SKIP_CERT)
		s->message_left -= n;
	s->record_left = (uint16_t)(s->record_left - n);
	*at += n;
	if (*left == 0)
		s->step = s->step == STEP_SKIP ? STEP_MESSAGE : next_certificate(t, s);
}

/* A ChangeCipherSpec: from here on this direction is encrypted, and a server without certificate resumes. */
static void cipher_changes(struct tls *t, struct side *s, struct mr_l7_sink *sink)
{
	if (t->retry && !t->server_hello) /* for old middleboxes only, RFC 8446 appendix D.4 */
		return;
	if (s->server && s->step == STEP_MESSAGE)
		mr_l7_put_number(sink, MR_L7_F_TLS_RESUMED, 1);
	s->step = STEP_REST;
}

static void ssl2_client_hello(struct tls *t, const uint8_t *p, struct mr_l7_sink *sink)
{
	if (!t->client_hello)
		mr_l7_tls_put_version(MR_L7_F_TLS_CLIENT_VERSION, mr_get_u16(p + 3), sink);
	t->client_hello = true;
}

static void ssl2_server_hello(struct tls *t, const uint8_t *p, uint32_t len, struct mr_l7_sink *sink)
{
	uint32_t cert = mr_get_u16(p + 7);

	t->server_hello = true;
	mr_l7_tls_put_version(MR_L7_F_TLS_VERSION, MR_L7_TLS_SSL2, sink);
	if (cert != 0 && 13 + cert <= len)
		mr_l7_tls_cert_put(p + 13, cert, t->certs++ == 0, sink);
}

/* The first octets of a direction: is this the framing of SSL 2? */
static enum mr_l7_want start(struct tls *t, struct side *s, const struct mr_l7_input *in, uint32_t *at,
			     struct mr_l7_sink *sink)
{
	uint32_t len;

	if (in->len == 0 || (in->data[0] & 0x80) == 0) {
		s->step = STEP_MESSAGE;
		return MR_L7_MORE;
	}
	if (in->len < 13)
		return MR_L7_MORE;
	if (!is_ssl2_hello(in->data, in->len))
		return MR_L7_BROKEN;
	len = 2u + (mr_get_u16(in->data) & 0x7fff);
	if (in->len < len)
		return MR_L7_MORE;
	*at = len;
	if (in->data[2] == 1)
		ssl2_client_hello(t, in->data, sink);
	else
		ssl2_server_hello(t, in->data, len, sink);
	/* SSL 2 itself is encrypted from here on; an answer in records means that only the first hello was in
	 * its form */
	s->step = STEP_REST;
	return t->server_hello ? MR_L7_DONE : MR_L7_MORE;
}

/* Application data which the client sends before the server has answered, RFC 8446 section 2.3. */
static bool is_early_data(const struct tls *t, const struct side *s)
{
	return s->client && !t->server_hello;
}

/* Reads on in a record or begins the next one. false: nothing more can be read now, *ret_want says what
 * follows. */
static bool advance(struct tls *t, struct side *s, const struct mr_l7_input *in, uint32_t *at,
		    uint8_t *scratch, struct mr_l7_sink *sink, enum mr_l7_want *ret_want)
{
	uint32_t there, n;
	const uint8_t *p;

	*ret_want = MR_L7_MORE;
	if (s->record_left == 0) {
		if (!next_record(s, in, at, ret_want))
			return false;
		if (s->record_type == RECORD_CCS)
			cipher_changes(t, s, sink);
		if (s->record_type == RECORD_DATA && !is_early_data(t, s))
			*ret_want = MR_L7_DONE;
		return *ret_want == MR_L7_MORE;
	}
	there = in->len - *at < s->record_left ? in->len - *at : s->record_left;
	if (s->record_type != RECORD_HANDSHAKE || s->step == STEP_REST) {
		s->record_left = (uint16_t)(s->record_left - there);
		*at += there;
		return there != 0;
	}
	if (s->step == STEP_SKIP || s->step == STEP_SKIP_CERT) {
		skip_message(t, s, there, at);
		return there != 0;
	}
	n = item_size(s);
	*ret_want = MR_L7_BROKEN;
	if (n > MR_L7_WINDOW)
		return false;
	p = take_item(s, in, n, at, scratch, ret_want);
	if (p == NULL)
		return false;
	*ret_want = item(t, s, p, n, sink) ? MR_L7_MORE : MR_L7_BROKEN;
	return *ret_want == MR_L7_MORE;
}

static enum mr_l7_want tls_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				 uint32_t *ret_used)
{
	struct tls *t = state;
	struct side *s = &t->side[in->dir];
	uint8_t scratch[MR_L7_WINDOW]; /* for items that span records */
	enum mr_l7_want want;
	uint32_t at = 0;

	if (in->gap) /* records are found again only where one begins behind the gap */
		*s = (struct side){ .step = s->step == STEP_START ? STEP_START : STEP_REST };
	*ret_used = 0;
	if (s->step == STEP_START) {
		want = start(t, s, in, &at, sink);
		if (s->step == STEP_START || want != MR_L7_MORE)
			return want;
	}
	while (advance(t, s, in, &at, scratch, sink, &want))
		;
	*ret_used = at;
	if (want == MR_L7_MORE && t->side[0].step == STEP_REST && t->side[1].step == STEP_REST)
		want = MR_L7_DONE;
	return want;
}

const struct mr_l7_ops mr_l7_tls = {
	.name = "tls",
	.description = "Transport Layer Security",
	.selector = 443,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct tls),
	.probe = tls_probe,
	.parse = tls_parse,
};
