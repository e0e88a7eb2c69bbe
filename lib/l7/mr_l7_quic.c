/* SPDX-License-Identifier: Apache-2.0 */
/*
 * QUIC 1 (RFC 9000), 2 (RFC 9369) and its drafts 21 to 34: the hellos in the Initial packets of both sides.
 * Google's QUIC before the standard is only recognised. What is not Initial is encrypted with keys that
 * nobody outside has.
 *
 * Memory is allocated while a hello lies in more than one packet, at most one struct mr_l7_quic_crypto for
 * each side.
 */
#include <stdlib.h>
#include <string.h>

#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_quic_frames.h"
#include "l7/mr_l7_quic_keys.h"
#include "l7/mr_l7_quic_varint.h"
#include "l7/mr_l7_tls_hello.h"

#define FAILURES_MAX	     8u /* packets that can't be decrypted: lost beginnings, or somebody's game */
#define MESSAGE_HEADER	     4u
#define PARAMETER_USER_AGENT 0x3129u /* Google's, a transport parameter of Chrome and Cronet */

enum { CLIENT, SERVER };

enum packet_type { PACKET_INITIAL, PACKET_0RTT, PACKET_HANDSHAKE, PACKET_RETRY };

struct quic {
	struct mr_l7_quic_keys keys[2];	     /* of the client, of the server; valid with key_version */
	struct mr_l7_quic_crypto *crypto[2]; /* owned; an incomplete hello, else NULL */
	uint32_t key_version[2];	     /* 0: not derived */
	uint32_t version;		     /* as put */
	uint8_t id[MR_L7_QUIC_ID_MAX];	     /* which the keys come from: the client's first destination */
	uint8_t id_len;
	uint8_t failures;
	bool has_id, put_ids, retry;
	bool hello[2]; /* told */
};

/* The header of a long packet (RFC 9000 section 17.2). */
struct header {
	uint32_t version;
	const uint8_t *dcid, *scid;
	uint8_t dcid_len, scid_len;
	uint8_t first;
};

/* Google's versions from Q024 to Q050, T050 and T051: ASCII. */
static bool is_google(uint32_t version)
{
	return (version >> 24 == 'Q' || version >> 24 == 'T') && (version >> 16 & 0xff) == '0' &&
	       (version >> 8 & 0xff) >= '2' && (version >> 8 & 0xff) <= '5' && (version & 0xff) >= '0' &&
	       (version & 0xff) <= '9';
}

/* Versions that tell QUIC from other protocols: those that are read, and those that only have a name. */
static bool is_known(uint32_t version)
{
	return mr_l7_quic_is_readable(version) || is_google(version) ||
	       (version & 0x0f0f0f0f) == 0x0a0a0a0a || /* reserved to force a Version Negotiation */
	       version >> 8 == 0xff0000 ||	       /* drafts of the IETF */
	       (version >> 4 == 0xfaceb00);	       /* Facebook's */
}

/* The version flag of Google's old public header, with or without its connection id of 8 octets. */
static uint32_t google_public_version(const uint8_t *p, uint32_t len)
{
	uint32_t at = p[0] & 0x08 ? 9 : 1;

	return (p[0] & 0x81) == 0x01 && len >= at + 4 && is_google(mr_get_u32(p + at)) ? mr_get_u32(p + at)
										       : 0;
}

static bool read_header(struct mr_rbuf *r, struct header *ret_header)
{
	struct header h = { 0 };

	h.first = mr_rbuf_get_u8(r);
	h.version = mr_rbuf_get_u32(r);
	h.dcid_len = mr_rbuf_get_u8(r);
	h.dcid = mr_rbuf_take(r, h.dcid_len);
	h.scid_len = mr_rbuf_get_u8(r);
	h.scid = mr_rbuf_take(r, h.scid_len);
	*ret_header = h;
	return !r->underflow && h.dcid_len <= MR_L7_QUIC_ID_MAX && h.scid_len <= MR_L7_QUIC_ID_MAX;
}

static bool has_known_version(struct mr_rbuf r)
{
	if (mr_rbuf_left(&r) % 4 != 0)
		return false;
	for (unsigned int i = 0; i < 16 && mr_rbuf_left(&r) != 0; i++)
		if (is_known(mr_rbuf_get_u32(&r)))
			return true;
	return false;
}

static enum mr_l7_probe quic_probe(const struct mr_l7_input *in)
{
	struct mr_rbuf r;
	struct header h;

	if (in->len == 0)
		return MR_L7_NO;
	if (google_public_version(in->data, in->len) != 0)
		return MR_L7_YES;
	mr_rbuf_init(&r, in->data, in->len);
	if ((in->data[0] & 0x80) == 0 || in->len < 5)
		return MR_L7_NO;
	if (is_google(mr_get_u32(in->data + 1))) /* Q046 has another layout behind its version */
		return MR_L7_YES;
	if (!read_header(&r, &h))
		return MR_L7_NO;
	if (h.version == 0)
		return has_known_version(r) ? MR_L7_YES : MR_L7_NO;
	return is_known(h.version) && mr_rbuf_left(&r) != 0 ? MR_L7_YES : MR_L7_NO;
}

static enum packet_type packet_type(const struct header *h)
{
	unsigned int bits = h->first >> 4 & 3;

	/* RFC 9369 section 3.2 turns the types by one */
	return (enum packet_type)(h->version == MR_L7_QUIC_V2 ? (bits + 3) & 3 : bits);
}

static void put_version(struct quic *q, uint32_t version, struct mr_l7_sink *sink)
{
	if (q->version == 0)
		mr_l7_put_number(sink, MR_L7_F_QUIC_VERSION, version);
	q->version = version;
}

/* The client begins anew: with another version, or with a token and another connection id. */
static void forget_keys(struct quic *q)
{
	q->has_id = false;
	q->key_version[CLIENT] = q->key_version[SERVER] = 0;
}

static void version_negotiation(struct quic *q, struct mr_rbuf *r, struct mr_l7_sink *sink)
{
	while (mr_rbuf_left(r) >= 4)
		mr_l7_put_number(sink, MR_L7_F_QUIC_OFFERED_VERSION, mr_rbuf_get_u32(r));
	forget_keys(q);
	q->version = 0;
}

static void put_user_agent(struct mr_l7_tls_span parameters, struct mr_l7_sink *sink)
{
	struct mr_rbuf r;

	mr_rbuf_init(&r, parameters.data, parameters.len);
	while (mr_rbuf_left(&r) != 0 && !r.underflow) {
		uint64_t id = mr_l7_quic_varint(&r);
		uint64_t len = mr_l7_quic_varint(&r);
		const uint8_t *value = mr_rbuf_take(&r, len);

		if (id == PARAMETER_USER_AGENT && value != NULL && len != 0) {
			mr_l7_put(sink, MR_L7_F_QUIC_USER_AGENT, value, len);
			return;
		}
	}
}

/* A whole hello. false: malformed. */
static bool put_hello(struct quic *q, unsigned int side, const uint8_t *message, uint32_t len,
		      struct mr_l7_sink *sink)
{
	const uint8_t *body = message + MESSAGE_HEADER;
	struct mr_l7_tls_answer answer;
	struct mr_l7_tls_hello hello;

	len -= MESSAGE_HEADER;
	q->hello[side] = true;
	if (side == CLIENT) {
		if (message[0] != MR_L7_TLS_CLIENT_HELLO || !mr_l7_tls_hello_parse(body, len, &hello))
			return false;
		mr_l7_tls_hello_put(&hello, 'q', sink);
		put_user_agent(hello.quic_parameters, sink);
		return true;
	}
	if (message[0] != MR_L7_TLS_SERVER_HELLO || !mr_l7_tls_answer_parse(body, len, &answer))
		return false;
	mr_l7_tls_answer_put(&answer, sink);
	return true;
}

/* The frames of a decrypted Initial. false: malformed, or no memory for a hello in several packets. */
static bool take_frames(struct quic *q, unsigned int side, const uint8_t *plain, uint32_t len,
			struct mr_l7_sink *sink)
{
	struct mr_l7_quic_crypto here, *crypto = q->crypto[side];
	bool never;
	uint32_t n;

	here.count = 0;
	if (crypto == NULL)
		crypto = &here;
	if (!mr_l7_quic_frames(crypto, plain, len))
		return false;
	n = mr_l7_quic_hello(crypto, &never);
	if (n != 0) {
		bool good = put_hello(q, side, crypto->data, n, sink);

		free(q->crypto[side]);
		q->crypto[side] = NULL;
		return good;
	}
	if (crypto == &here && here.count != 0 && !never) {
		q->crypto[side] = malloc(sizeof(here));
		if (q->crypto[side] == NULL)
			return false;
		memcpy(q->crypto[side], &here, sizeof(here));
	}
	return !never;
}

/* Makes sure that there are keys of @p side for this version. */
static bool have_keys(struct quic *q, unsigned int side, uint32_t version)
{
	if (q->key_version[side] == version)
		return true;
	if (!mr_l7_quic_derive(version, side == SERVER, q->id, q->id_len, &q->keys[side]))
		return false;
	q->key_version[side] = version;
	return true;
}

static void take_id(struct quic *q, const struct header *h)
{
	forget_keys(q);
	memcpy(q->id, h->dcid, h->dcid_len);
	q->id_len = h->dcid_len;
	q->has_id = true;
}

static uint32_t open_with_id(struct quic *q, unsigned int side, const struct header *h, const uint8_t *packet,
			     uint32_t len, uint32_t number_at, uint8_t *plain)
{
	return have_keys(q, side, h->version) ? mr_l7_quic_open(&q->keys[side], packet, len, number_at, plain)
					      : 0;
}

/* One Initial packet; @p len octets from its first one. false: not to be read any further. */
static bool initial(struct quic *q, unsigned int side, const struct header *h, const uint8_t *packet,
		    uint32_t len, uint32_t number_at, struct mr_l7_sink *sink)
{
	uint8_t plain[MR_L7_QUIC_PLAIN_MAX];
	uint32_t n;

	if (side == CLIENT && !q->put_ids) {
		mr_l7_put_number(sink, MR_L7_F_QUIC_DCID_OCTETS, h->dcid_len);
		mr_l7_put_number(sink, MR_L7_F_QUIC_SCID_OCTETS, h->scid_len);
		q->put_ids = true;
	}
	if (side == CLIENT && !q->has_id)
		take_id(q, h);
	if (q->hello[side] || !q->has_id)
		return true;
	n = open_with_id(q, side, h, packet, len, number_at, plain);
	if (n == 0 && side == CLIENT &&
	    (q->id_len != h->dcid_len || memcmp(q->id, h->dcid, q->id_len) != 0)) {
		take_id(q, h); /* a Retry that was lost on its way to us */
		n = open_with_id(q, side, h, packet, len, number_at, plain);
	}
	if (n == 0)
		return ++q->failures < FAILURES_MAX;
	return take_frames(q, side, plain, n, sink);
}

/* A packet with a long header; *at moves behind it. */
static enum mr_l7_want long_packet(struct quic *q, const struct mr_l7_input *in, uint32_t *at,
				   struct mr_l7_sink *sink)
{
	unsigned int side = in->dir == 0 ? CLIENT : SERVER;
	const uint8_t *packet = in->data + *at;
	enum packet_type type;
	struct mr_rbuf r;
	struct header h;
	uint64_t len;

	mr_rbuf_init(&r, packet, in->len - *at);
	*at = in->len; /* unless a packet with a length is found */
	if (mr_rbuf_left(&r) >= 5 && is_google(mr_get_u32(packet + 1))) {
		put_version(q, mr_get_u32(packet + 1), sink);
		return MR_L7_DONE;
	}
	if (!read_header(&r, &h))
		return MR_L7_MORE;
	if (h.version == 0) {
		if (side == SERVER)
			version_negotiation(q, &r, sink);
		return MR_L7_MORE;
	}
	if (side == CLIENT)
		put_version(q, h.version, sink);
	if (!mr_l7_quic_is_readable(h.version)) /* the server may offer one that is */
		return MR_L7_MORE;
	type = packet_type(&h);
	if (type == PACKET_RETRY) {
		if (side == SERVER && !q->retry) {
			mr_l7_put_number(sink, MR_L7_F_QUIC_RETRY, 1);
			q->retry = true;
			forget_keys(q);
		}
		return MR_L7_MORE;
	}
	if (type == PACKET_INITIAL)
		mr_rbuf_take(&r, mr_l7_quic_varint(&r)); /* token */
	len = mr_l7_quic_varint(&r);
	if (r.underflow || len > mr_rbuf_left(&r))
		return MR_L7_MORE;
	*at = (uint32_t)((size_t)(packet - in->data) + r.pos + len);
	if (type == PACKET_INITIAL &&
	    !initial(q, side, &h, packet, (uint32_t)(r.pos + len), (uint32_t)r.pos, sink))
		return MR_L7_BROKEN;
	return MR_L7_MORE;
}

static enum mr_l7_want quic_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				  uint32_t *ret_used)
{
	struct quic *q = state;
	enum mr_l7_want want = MR_L7_MORE;
	uint32_t at = 0;

	*ret_used = in->len;
	if (in->len == 0)
		return MR_L7_MORE;
	if (google_public_version(in->data, in->len) != 0) {
		put_version(q, google_public_version(in->data, in->len), sink);
		return MR_L7_DONE;
	}
	if ((in->data[0] & 0x80) == 0) /* data of an established connection */
		return q->hello[CLIENT] ? MR_L7_DONE : MR_L7_MORE;
	while (want == MR_L7_MORE && at < in->len && (in->data[at] & 0x80) != 0)
		want = long_packet(q, in, &at, sink);
	if (q->hello[CLIENT] && (q->hello[SERVER] || want == MR_L7_BROKEN))
		return MR_L7_DONE;
	return want;
}

static void quic_close(void *state, struct mr_l7_sink *sink)
{
	struct quic *q = state;

	(void)sink;
	free(q->crypto[CLIENT]);
	free(q->crypto[SERVER]);
	q->crypto[CLIENT] = q->crypto[SERVER] = NULL;
}

const struct mr_l7_ops mr_l7_quic = {
	.name = "quic",
	.description = "QUIC",
	.selector = 4433,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct quic),
	.probe = quic_probe,
	.parse = quic_parse,
	.close = quic_close,
};
