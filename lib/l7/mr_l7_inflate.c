/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_inflate.h"

#include <assert.h>
#include <stdlib.h>

#include <zlib.h>

#define WINDOW_BITS 14
#define GZIP	    16	 /* added to windowBits: zlib reads gzip's header */
#define PIECE	    2048 /* octets out at a time */

static_assert(1u << WINDOW_BITS == MR_L7_INFLATE_MAX, "the window holds all that may come out");

struct mr_l7_inflate {
	z_stream z;
	uint32_t in;	/* compressed octets so far */
	uint32_t out;	/* octets that came out, <= MR_L7_INFLATE_MAX */
	uint8_t n_head; /* deflate: octets of head that are there */
	uint8_t head[2];
	bool headless; /* deflate: it's known whether a zlib header is there; gzip: always */
};

struct mr_l7_inflate *mr_l7_inflate_new(enum mr_l7_coding coding)
{
	struct mr_l7_inflate *z = calloc(1, sizeof(*z));

	if (z == NULL)
		return NULL;
	z->headless = coding == MR_L7_CODING_GZIP;
	if (inflateInit2(&z->z, z->headless ? WINDOW_BITS + GZIP : -WINDOW_BITS) != Z_OK) {
		free(z);
		return NULL;
	}
	return z;
}

static enum mr_l7_inflated inflate_piece(struct mr_l7_inflate *z, const uint8_t *data, size_t len,
					 struct mr_l7_sink *sink, enum mr_l7_field field)
{
	uint8_t piece[PIECE];
	int rc = Z_OK;

	z->z.next_in = (Bytef *)data;
	z->z.avail_in = (uInt)len;
	z->in += (uint32_t)len;
	do {
		uint32_t room = MR_L7_INFLATE_MAX - z->out < PIECE ? MR_L7_INFLATE_MAX - z->out : PIECE;
		uint32_t n;

		z->z.next_out = piece;
		z->z.avail_out = room;
		rc = inflate(&z->z, Z_SYNC_FLUSH);
		n = room - z->z.avail_out;
		if (n != 0)
			sink->value(sink, field, piece, n, true);
		z->out += n;
		if (z->out == MR_L7_INFLATE_MAX)
			return z->out / MR_L7_INFLATE_RATIO > z->in - z->z.avail_in ? MR_L7_INFLATED_BOMB
										    : MR_L7_INFLATED_END;
	} while (rc == Z_OK && z->z.avail_out == 0);
	if (rc == Z_OK || rc == Z_BUF_ERROR)
		return MR_L7_INFLATED_MORE;
	return rc == Z_STREAM_END ? MR_L7_INFLATED_END : MR_L7_INFLATED_BAD;
}

/* Is this zlib's header (RFC 1950 section 2.2)? The window size in it is of no interest: see WINDOW_BITS. */
static bool is_zlib_header(const uint8_t head[2])
{
	return (head[0] & 0xf) == 8 && (head[1] & 0x20) == 0 && (head[0] << 8 | head[1]) % 31 == 0;
}

enum mr_l7_inflated mr_l7_inflate_put(struct mr_l7_inflate *z, const uint8_t *data, size_t len,
				      struct mr_l7_sink *sink, enum mr_l7_field field)
{
	while (!z->headless && len != 0) {
		z->head[z->n_head++] = *data++;
		len--;
		if (z->n_head < sizeof(z->head))
			continue;
		z->headless = true;
		if (!is_zlib_header(z->head)) {
			enum mr_l7_inflated r = inflate_piece(z, z->head, sizeof(z->head), sink, field);

			if (r != MR_L7_INFLATED_MORE)
				return r;
		}
	}
	return len == 0 ? MR_L7_INFLATED_MORE : inflate_piece(z, data, len, sink, field);
}

void mr_l7_inflate_free(struct mr_l7_inflate *z)
{
	if (z == NULL)
		return;
	inflateEnd(&z->z);
	free(z);
}
