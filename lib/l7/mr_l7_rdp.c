/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RDP (MS-RDPBCGR): the negotiation before TLS, and what the client says of itself where the connection is
 * not encrypted by TLS (section 2.2.1). Messages are TPKT (RFC 1006) with X.224 in them.
 */
#include "l7/mr_l7_ber.h"
#include "l7/mr_l7_frame.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define SHOWN_MAX 4096u
#define ISO_PORT  102 /* others use the same X.224 there */

enum {
	X224_REQUEST = 0xe0,
	X224_CONFIRM = 0xd0,
	X224_DATA = 0xf0,
	X224_FIXED_LEN = 11, /* TPKT header, length, code, two references, class */
};

enum {
	NEG_REQUEST = 1,
	NEG_RESPONSE = 2,
	NEG_FAILURE = 3,
	NEG_LEN = 8,
};

#define MCS_CONNECT_INITIAL 0x7f65u
#define CLIENT_CORE	    0xc001u

struct state {
	struct mr_l7_frames frames;
};

static uint32_t tpkt_length(const uint8_t *data, uint32_t len)
{
	uint32_t whole;

	if (len < 4)
		return data[0] == 3 ? 0 : MR_L7_FRAME_BAD;
	whole = mr_get_u16(data + 2);
	return data[0] == 3 && data[1] == 0 && whole >= 7 ? whole : MR_L7_FRAME_BAD;
}

/* The line of a request: "Cookie: mstshash=NAME" or a routing token. Empty: there is none. */
static struct mr_l7_text find_cookie(const uint8_t *p, uint32_t len)
{
	struct mr_l7_text t = { p + X224_FIXED_LEN, len - X224_FIXED_LEN };
	const uint8_t *end = t.len > 0 ? memchr(t.data, '\r', t.len) : NULL;

	if (end == NULL || (!mr_l7_starts(t, "Cookie: ") && !mr_l7_starts(t, "tsv://")))
		return (struct mr_l7_text){ 0 };
	t.len = (size_t)(end - t.data);
	if (mr_l7_starts(t, "Cookie: mstshash="))
		return mr_l7_behind(t, strlen("Cookie: mstshash="));
	return mr_l7_starts(t, "Cookie: ") ? mr_l7_behind(t, strlen("Cookie: ")) : t;
}

/* Negotiation data of this type, behind the line of a request if there is one; or NULL. */
static const uint8_t *find_negotiation(const uint8_t *p, uint32_t len, uint8_t type)
{
	struct mr_l7_text t = { p + X224_FIXED_LEN, len - X224_FIXED_LEN };
	const uint8_t *end = find_cookie(p, len).data != NULL ? memchr(t.data, '\n', t.len) : NULL;

	if (end != NULL)
		t = mr_l7_behind(t, (size_t)(end + 1 - t.data));
	/* the length is little-endian */
	return t.len >= NEG_LEN && t.data[0] == type && t.data[2] == NEG_LEN && t.data[3] == 0 ? t.data
											       : NULL;
}

static bool is_connect_initial(const uint8_t *p, uint32_t len)
{
	return len >= 9 && p[4] == 2 && p[5] == X224_DATA && p[6] == 0x80 &&
	       mr_get_u16(p + 7) == MCS_CONNECT_INITIAL;
}

/* A request or confirm without RDP's own data: old clients send it, and so do other users of X.224. */
static enum mr_l7_probe probe_bare(const struct mr_l7_input *in, uint32_t len)
{
	if (in->port[0] == ISO_PORT || in->port[1] == ISO_PORT)
		return MR_L7_NO;
	if (in->port[0] == 3389 || in->port[1] == 3389)
		return MR_L7_YES;
	return in->len >= len + 9 && is_connect_initial(in->data + len, in->len - len) ? MR_L7_YES
										       : MR_L7_MAYBE;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	const uint8_t *p = in->data;
	uint32_t len;

	if (in->transport != MR_L7_TCP || in->len == 0 || (len = tpkt_length(p, in->len)) == MR_L7_FRAME_BAD)
		return MR_L7_NO;
	if (in->len >= 9 && is_connect_initial(p, in->len))
		return MR_L7_YES;
	if (len == 0 || in->len < X224_FIXED_LEN)
		return MR_L7_MAYBE;
	/* X.224 fills the message; a request goes to nobody yet */
	if (len < X224_FIXED_LEN || len > 512 || p[4] + 5u != len ||
	    (p[5] != X224_CONFIRM && (p[5] != X224_REQUEST || mr_get_u16(p + 6) != 0)))
		return MR_L7_NO;
	if (len == X224_FIXED_LEN)
		return probe_bare(in, len);
	if (in->len < len)
		return MR_L7_MAYBE;
	if (p[5] == X224_REQUEST)
		return find_cookie(p, len).data != NULL || find_negotiation(p, len, NEG_REQUEST) != NULL
			       ? MR_L7_YES
			       : MR_L7_NO;
	return find_negotiation(p, len, NEG_RESPONSE) != NULL || find_negotiation(p, len, NEG_FAILURE) != NULL
		       ? MR_L7_YES
		       : MR_L7_NO;
}

static uint32_t get_le32(const uint8_t *p)
{
	return __builtin_bswap32(mr_get_u32(p));
}

static uint32_t get_le16(const uint8_t *p)
{
	return __builtin_bswap16(mr_get_u16(p));
}

static void read_request(const uint8_t *p, uint32_t len, struct mr_l7_sink *sink)
{
	struct mr_l7_text cookie = find_cookie(p, len);
	const uint8_t *neg = find_negotiation(p, len, NEG_REQUEST);

	if (cookie.data != NULL)
		mr_l7_put_text(sink, MR_L7_F_RDP_COOKIE, cookie);
	if (neg != NULL)
		mr_l7_put_number(sink, MR_L7_F_RDP_REQUESTED_PROTOCOLS, get_le32(neg + 4));
}

static enum mr_l7_want read_confirm(const uint8_t *p, uint32_t len, struct mr_l7_sink *sink)
{
	const uint8_t *neg;
	uint32_t protocol = 0; /* a server without negotiation knows this one only */

	neg = find_negotiation(p, len, NEG_FAILURE);
	if (neg != NULL) {
		mr_l7_put_number(sink, MR_L7_F_RDP_FAILURE_CODE, get_le32(neg + 4));
		return MR_L7_DONE;
	}
	neg = find_negotiation(p, len, NEG_RESPONSE);
	if (neg != NULL)
		protocol = get_le32(neg + 4);
	mr_l7_put_number(sink, MR_L7_F_RDP_SELECTED_PROTOCOL, protocol);
	return protocol == 0 ? MR_L7_MORE : MR_L7_NEXT; /* all others start with TLS */
}

/* The client's core data; fields at fixed places (section 2.2.1.3.2). */
static void put_core(const uint8_t *core, size_t len, struct mr_l7_sink *sink)
{
	enum { VERSION = 4, BUILD = 20, NAME = 24, NAME_LEN = 32 };

	if (len < NAME + NAME_LEN)
		return;
	mr_l7_put_number(sink, MR_L7_F_RDP_CLIENT_VERSION, get_le32(core + VERSION));
	mr_l7_put_number(sink, MR_L7_F_RDP_CLIENT_BUILD, get_le32(core + BUILD));
	mr_l7_put_utf16(sink, MR_L7_F_RDP_CLIENT_NAME, core + NAME, NAME_LEN);
}

/* BER up to the user data; therein T.124 in PER, whose length octets depend, up to the client's key "Duca".
 */
static void read_connect_initial(const uint8_t *p, uint32_t len, struct mr_l7_sink *sink)
{
	struct mr_rbuf r, initial, item;
	const uint8_t *core, *end;
	unsigned tag;

	mr_rbuf_init(&r, p + 7, len - 7);
	if (!mr_ber_get(&r, MCS_CONNECT_INITIAL, &initial))
		return;
	for (unsigned i = 0; i < 7; i++) /* two selectors, a flag, three sets of parameters, the data */
		if (!mr_ber_next(&initial, &tag, &item))
			return;
	end = item.data + item.len;
	core = tag == MR_BER_OCTETS ? memmem(item.data, item.len, "Duca", 4) : NULL;
	if (core == NULL || end - core < 6)
		return;
	core += 4 + (core[4] & 0x80 ? 2 : 1);
	if (end - core >= 4 && get_le16(core) == CLIENT_CORE && get_le16(core + 2) <= (size_t)(end - core))
		put_core(core, get_le16(core + 2), sink);
}

static enum mr_l7_want read_message(void *state, const struct mr_l7_input *in, const uint8_t *p, uint32_t len,
				    struct mr_l7_sink *sink)
{
	if (is_connect_initial(p, len)) {
		read_connect_initial(p, len, sink);
		mr_l7_end_transaction(sink);
		return MR_L7_DONE;
	}
	if (len < X224_FIXED_LEN || p[4] + 5u != len)
		return MR_L7_MORE;
	if (p[5] == X224_REQUEST)
		read_request(p, len, sink);
	else if (p[5] == X224_CONFIRM)
		return read_confirm(p, len, sink);
	return MR_L7_MORE;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	static const struct mr_l7_framing framing = {
		.shown = SHOWN_MAX,
		.length = tpkt_length,
		.message = read_message,
	};
	struct state *s = state;

	return mr_l7_frames_parse(&framing, &s->frames, s, in, sink, ret_used);
}

const struct mr_l7_ops mr_l7_rdp = {
	.name = "rdp",
	.description = "Remote Desktop Protocol",
	.selector = 3389,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
