/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_quic_frames.h"

#include <string.h>

#include "l7/mr_l7_quic_varint.h"
#include "l7/mr_l7_tls_hello.h"

#define MESSAGE_HEADER 4u

enum { /* the frames that Initial packets may have, RFC 9000 section 12.4 */
       FRAME_PADDING = 0x00,
       FRAME_PING = 0x01,
       FRAME_ACK = 0x02,
       FRAME_ACK_ECN = 0x03,
       FRAME_CRYPTO = 0x06,
       FRAME_CLOSE = 0x1c,
};

/* Joins begin..end with the pieces that it overlaps or touches. */
static bool add_piece(struct mr_l7_quic_crypto *c, uint16_t begin, uint16_t end)
{
	struct mr_l7_quic_piece *p = c->pieces;
	unsigned int first = 0, last;

	while (first < c->count && p[first].end < begin)
		first++;
	for (last = first; last < c->count && p[last].begin <= end; last++) {
		begin = p[last].begin < begin ? p[last].begin : begin;
		end = p[last].end > end ? p[last].end : end;
	}
	if (last == first && c->count == MR_L7_QUIC_PIECES_MAX)
		return false;
	memmove(p + first + 1, p + last, (c->count - last) * sizeof(*p));
	p[first] = (struct mr_l7_quic_piece){ begin, end };
	c->count = (uint16_t)(c->count + 1 - (last - first));
	return true;
}

static bool take_crypto(struct mr_l7_quic_crypto *c, struct mr_rbuf *r)
{
	uint64_t offset = mr_l7_quic_varint(r), len = mr_l7_quic_varint(r);
	const uint8_t *p = len <= MR_L7_QUIC_HELLO_MAX ? mr_rbuf_take(r, len) : NULL;

	if (p == NULL || offset > MR_L7_QUIC_HELLO_MAX - len)
		return false;
	memcpy(c->data + offset, p, len);
	return len == 0 || add_piece(c, (uint16_t)offset, (uint16_t)(offset + len));
}

static void skip_ack(struct mr_rbuf *r, uint8_t type)
{
	uint64_t ranges;

	mr_l7_quic_varint(r); /* largest acknowledged */
	mr_l7_quic_varint(r); /* delay */
	ranges = mr_l7_quic_varint(r);
	mr_l7_quic_varint(r); /* first range */
	for (uint64_t i = 0; i < ranges && !r->underflow; i++) {
		mr_l7_quic_varint(r);
		mr_l7_quic_varint(r);
	}
	for (unsigned int i = 0; type == FRAME_ACK_ECN && i < 3; i++)
		mr_l7_quic_varint(r);
}

bool mr_l7_quic_frames(struct mr_l7_quic_crypto *crypto, const uint8_t *payload, uint32_t len)
{
	struct mr_rbuf r;

	mr_rbuf_init(&r, payload, len);
	while (mr_rbuf_left(&r) != 0 && !r.underflow) {
		uint8_t type = mr_rbuf_get_u8(&r);

		switch (type) {
		case FRAME_PADDING: /* hundreds of them, one octet each */
			while (r.pos < r.len && r.data[r.pos] == FRAME_PADDING)
				r.pos++;
			break;
		case FRAME_PING:
			break;
		case FRAME_ACK:
		case FRAME_ACK_ECN:
			skip_ack(&r, type);
			break;
		case FRAME_CRYPTO:
			if (!take_crypto(crypto, &r))
				return false;
			break;
		case FRAME_CLOSE:
			return true; /* nothing of use comes with it */
		default:
			return false;
		}
	}
	return !r.underflow;
}

uint32_t mr_l7_quic_hello(const struct mr_l7_quic_crypto *crypto, bool *ret_never)
{
	uint32_t len;

	*ret_never = false;
	if (crypto->count == 0 || crypto->pieces[0].begin != 0 || crypto->pieces[0].end < MESSAGE_HEADER)
		return 0;
	len = MESSAGE_HEADER + (mr_get_u32(crypto->data) & 0xffffff);
	*ret_never = len > MR_L7_QUIC_HELLO_MAX ||
		     (crypto->data[0] != MR_L7_TLS_CLIENT_HELLO && crypto->data[0] != MR_L7_TLS_SERVER_HELLO);
	return *ret_never || len > crypto->pieces[0].end ? 0 : len;
}
