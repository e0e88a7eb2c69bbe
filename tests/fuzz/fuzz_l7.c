/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any octets to any application parser. Input: an octet that chooses the protocol (the low one of its
 * selector, or any), then pieces: an octet of direction (bit 0), gap (bit 1), end (bit 2) and transport (bit
 * 3), two of length, the octets.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct held {
	uint8_t data[MR_L7_WINDOW];
	uint32_t len;
};

static void take(struct mr_l7_sink *sink, enum mr_l7_field field, const void *data, size_t len, bool more)
{
	volatile uint8_t sum = 0;

	(void)sink;
	(void)more;
	if (field >= MR_L7_FIELD_MAX || (mr_l7_field_info[field].type == MR_L7_NUMBER && len != 8))
		abort();
	for (size_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)data)[i]);
}

/* Shows @p in to the parser in memory of exactly its size. */
static enum mr_l7_want show(const struct mr_l7_ops *ops, void *state, struct mr_l7_input *in,
			    struct mr_l7_sink *sink, uint32_t *ret_used)
{
	uint8_t *copy = malloc(in->len == 0 ? 1 : in->len);
	enum mr_l7_want want;

	if (copy == NULL)
		abort();
	memcpy(copy, in->data, in->len);
	in->data = copy;
	ops->probe(in);
	want = ops->parse(state, in, sink, ret_used);
	if (*ret_used > in->len)
		abort();
	free(copy);
	return want;
}

static void run(const struct mr_l7_ops *ops, struct mr_rbuf *r, struct held held[2], void *state)
{
	struct mr_l7_set all;
	struct mr_l7_sink sink = { .value = take, .hidden = &all };
	enum mr_l7_want want = MR_L7_MORE;

	memset(&all, 0xff, sizeof(all));
	while (want == MR_L7_MORE && mr_rbuf_left(r) >= 3) {
		uint8_t bits = mr_rbuf_get_u8(r);
		size_t len = mr_rbuf_get_u16(r);
		struct held *h = &held[bits & 1];
		struct mr_l7_input in = { .dir = bits & 1, .gap = bits & 2, .end = bits & 4 };
		uint32_t used = 0;

		in.transport = bits & 8 ? MR_L7_UDP : MR_L7_TCP;
		if ((ops->transports & in.transport) == 0)
			in.transport = ops->transports & (MR_L7_TCP | MR_L7_UDP);
		if (in.gap || in.transport == MR_L7_UDP)
			h->len = 0;
		len = len < mr_rbuf_left(r) ? len : mr_rbuf_left(r);
		len = len < MR_L7_WINDOW - h->len ? len : MR_L7_WINDOW - h->len;
		memcpy(h->data + h->len, mr_rbuf_take(r, len), len);
		h->len += (uint32_t)len;
		in.data = h->data;
		in.len = h->len;
		want = show(ops, state, &in, &sink, &used);
		memmove(h->data, h->data + used, h->len - used);
		h->len -= used;
		if (h->len == MR_L7_WINDOW)
			break;
	}
	if (ops->close != NULL)
		ops->close(state, &sink);
}

/* Seeds choose by selector, so that a new protocol doesn't turn them into another's. */
static const struct mr_l7_ops *choose(uint8_t octet)
{
	size_t n = 0;

	for (; mr_l7_all[n] != NULL; n++)
		if ((mr_l7_all[n]->selector & 0xff) == octet)
			return mr_l7_all[n];
	return n == 0 ? NULL : mr_l7_all[octet % n];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct held held[2];
	const struct mr_l7_ops *ops;
	struct mr_rbuf r;
	void *state;

	ops = size == 0 ? NULL : choose(data[0]);
	if (ops == NULL)
		return 0;
	held[0].len = held[1].len = 0;
	mr_rbuf_init(&r, data + 1, size - 1);
	state = calloc(1, ops->state_size + 1);
	if (state == NULL)
		abort();
	run(ops, &r, held, state);
	free(state);
	return 0;
}
