/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any segments to a TCP stream. Input: an octet of options (bits 0..2: memory in units of 16 KiB, bits 3..5:
 * how much the inspector uses, bit 6: pages, bit 7: octets that contradict each other), then segments of 7
 * octets: flags (FIN 0, SYN 1, RST 2, ACK 3, direction 4, far 5), place, length, acknowledgment.
 *
 * Unless they contradict each other, octets say their place (its low 8 bits): so what is shown must go on
 * from what was shown before it, but for gaps.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "stream/mr_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ISN	     0xffff8000u /* the wrap is within reach of a place */
#define LEN_MAX	     2047u
#define MEMORY_MAX   (7u * MR_BUDDY_MAX)
#define SEGMENTS_MAX 4096u

struct inspector {
	struct mr_stream_inspector base;
	uint32_t use; /* of 8; 0: all */
	bool honest;
	bool begun[2], ended[2];
	uint8_t next[2]; /* place of the first octet not used */
};

static uint32_t inspect(struct mr_stream_inspector *to, const struct mr_stream_piece *piece)
{
	struct inspector *in = (struct inspector *)to;
	uint8_t *next = &in->next[piece->dir];
	uint32_t used;

	if (piece->data == NULL || in->ended[piece->dir] || (piece->len == 0 && !piece->end))
		abort();
	if (piece->len != 0 && (piece->gap || !in->begun[piece->dir]))
		*next = piece->data[0];
	in->begun[piece->dir] |= piece->len != 0;
	in->ended[piece->dir] = piece->end;
	for (uint32_t i = 0; i < piece->len; i++)
		if (in->honest && piece->data[i] != (uint8_t)(*next + i))
			abort();
	used = in->use == 0 || piece->end ? piece->len : piece->len / 8 * in->use;
	*next = (uint8_t)(*next + used);
	return used;
}

static enum mr_stream_want take(struct mr_stream_worker *w, struct mr_stream *s, struct mr_rbuf *r,
				struct inspector *in)
{
	static uint8_t octets[LEN_MAX];
	uint8_t flags = mr_rbuf_get_u8(r);
	uint32_t place = mr_rbuf_get_u16(r), scale = (flags & 32) != 0 ? 16 : 1;
	struct mr_stream_segment seg = { .data = octets, .seq = ISN + place * scale };

	seg.len = mr_rbuf_get_u16(r) & LEN_MAX;
	seg.ack = ISN + mr_rbuf_get_u16(r) * scale;
	seg.dir = flags >> 4 & 1;
	seg.tcp_flags = (uint8_t)((flags & 7) | ((flags & 8) != 0 ? MR_TCP_ACK : 0));
	for (uint32_t i = 0; i < seg.len; i++)
		octets[i] = (uint8_t)(seg.seq + ((flags & 2) != 0) + i + (in->honest ? 0 : place));
	return mr_stream_packet(w, s, &seg, &in->base);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t memory[MEMORY_MAX + MEMORY_MAX / MR_BUDDY_MIN + 64] __attribute__((aligned(64)));
	static struct mr_counters counters;
	struct mr_buddy buddy;
	struct mr_stream_worker w = { &buddy, &counters, 3 };
	struct mr_stream s = { 0 };
	struct inspector in = { .base = { inspect } };
	enum mr_stream_want want = MR_STREAM_MORE;
	struct mr_rbuf r;

	if (size == 0)
		return 0;
	mr_buddy_init(&buddy, memory, (data[0] & 7u) * MR_BUDDY_MAX);
	in.use = data[0] >> 3 & 7;
	w.pages_max = (data[0] & 64) != 0 ? MR_STREAM_PAGES_MAX : 3;
	in.honest = (data[0] & 128) == 0;
	mr_rbuf_init(&r, data + 1, size - 1);
	for (unsigned i = 0; i < SEGMENTS_MAX && want == MR_STREAM_MORE && mr_rbuf_left(&r) >= 7; i++)
		want = take(&w, &s, &r, &in);
	if (want == MR_STREAM_MORE) {
		mr_stream_end(&w, &s, &in.base);
		if (!in.ended[0] || !in.ended[1])
			abort();
	}
	mr_stream_free(&w, &s);
	if (mr_buddy_used(&buddy) != 0)
		abort();
	return 0;
}
