/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any packets to the inspection of a flow, with all protocols and one more, whose lines say what it wants.
 * Input: an octet of options (bits 0..1: memory, bit 2: UDP, bit 3: few chunks for values), then packets:
 * flags (FIN 0, SYN 1, RST 2, ACK 3, direction 4, a report 5), place (2 octets), acknowledgment (2), length
 * (2), the octets.
 *
 * Whatever comes, all memory is given back at the end and no value is longer than allowed.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_flow.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MEMORY_MAX (16u * MR_BUDDY_MAX)
#define VALUES_MAX (64u * MR_L7_CHUNK)

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	static const char name[] = "wish:";
	uint32_t n = in->len < 5 ? in->len : 5;

	if (memcmp(in->data, name, n) != 0)
		return MR_L7_NO;
	return n < 5 ? MR_L7_MAYBE : MR_L7_YES;
}

static enum mr_l7_want wish(uint8_t what, const uint8_t *line, uint32_t len, struct mr_l7_sink *sink)
{
	switch (what) {
	case 'h':
		mr_l7_put(sink, MR_L7_F_HTTP_HOST, line, len);
		break;
	case 'p':
		sink->value(sink, MR_L7_F_HTTP_URI, line, len, true);
		break;
	case 'l':
		sink->value(sink, MR_L7_F_HTTP_URI, line, len, false);
		break;
	case 's':
		mr_l7_put_number(sink, MR_L7_F_HTTP_STATUS, len);
		break;
	case 't':
		mr_l7_end_transaction(sink);
		break;
	case 'n':
		return MR_L7_NEXT;
	case 'd':
		return MR_L7_DONE;
	case 'b':
		return MR_L7_BROKEN;
	default:
		break;
	}
	return MR_L7_MORE;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	const uint8_t *at = in->data, *end = in->data + in->len, *newline;
	enum mr_l7_want want = MR_L7_MORE;

	memset(state, in->dir, 700); /* all of it is ours */
	while (want == MR_L7_MORE && at < end && (newline = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		want = wish(at[0], at, (uint32_t)(newline - at), sink);
		at = newline + 1;
	}
	*ret_used = (uint32_t)(at - in->data);
	return want;
}

static const struct mr_l7_ops wishes = { "wishes", "", 1, MR_L7_TCP | MR_L7_UDP, 700, probe, parse, NULL };

static void give_back(struct mr_l7_worker *w, const struct mr_l7_result *result)
{
	static struct mr_l7_reader reader;
	struct mr_l7_value value;
	volatile uint8_t sum = 0;

	mr_l7_reader_init(&reader, &w->chunks, result->values);
	while (mr_l7_reader_next(&reader, &value)) {
		if (value.field >= MR_L7_FIELD_MAX || value.len > w->conf.uri_octets)
			abort();
		for (uint16_t i = 0; i < value.len; i++)
			sum = (uint8_t)(sum + value.data[i]);
	}
	mr_l7_chunks_give_back(&w->chunks, result->values);
}

static void run(struct mr_l7_worker *w, struct mr_rbuf *r, bool udp)
{
	struct mr_l7_packet p = { .port = { 40000, 443 }, .transport = udp ? MR_L7_UDP : MR_L7_TCP };
	struct mr_l7_flow flow = { 0 };
	struct mr_l7_result result;

	while (mr_l7_flow_wants(&flow) && mr_rbuf_left(r) >= 7) {
		uint8_t flags = mr_rbuf_get_u8(r);
		size_t len;

		p.seq = mr_rbuf_get_u16(r) - 1000u;
		p.ack = mr_rbuf_get_u16(r) - 1000u;
		len = mr_rbuf_get_u16(r);
		p.len = (uint32_t)(len < mr_rbuf_left(r) ? len : mr_rbuf_left(r));
		p.data = mr_rbuf_take(r, p.len);
		p.tcp_flags = (uint8_t)((flags & 7) | ((flags & 8) != 0 ? MR_TCP_ACK : 0));
		p.dir = flags >> 4 & 1;
		mr_l7_flow_packet(w, &flow, &p);
		if ((flags & 32) != 0) {
			mr_l7_flow_report(w, &flow, &result);
			give_back(w, &result);
		}
	}
	mr_l7_flow_end(w, &flow, &p, &result);
	give_back(w, &result);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_l7_ops *ops[MR_L7_PROTOCOLS_MAX + 1];
	static uint8_t memory[2 * MEMORY_MAX + VALUES_MAX] __attribute__((aligned(64)));
	static struct mr_l7_worker w;
	static struct mr_counters counters;
	struct mr_l7_conf conf = mr_l7_conf_default();
	struct mr_rbuf r;
	unsigned n = 0;

	if (size == 0)
		return 0;
	for (; mr_l7_all[n] != NULL && n < MR_L7_PROTOCOLS_MAX - 1; n++)
		ops[n] = mr_l7_all[n];
	ops[n] = &wishes;
	conf.ops = ops;
	conf.memory_octets = (uint64_t[]){ 0, MR_BUDDY_MAX, 3 * MR_BUDDY_MAX, MEMORY_MAX }[data[0] & 3];
	conf.values_octets = (data[0] & 8) != 0 ? 4 * MR_L7_CHUNK : VALUES_MAX;
	if (mr_l7_worker_memory(&conf) > sizeof(memory) ||
	    mr_l7_worker_init(&w, &conf, memory, &counters, NULL) != 0)
		abort();
	mr_rbuf_init(&r, data + 1, size - 1);
	run(&w, &r, (data[0] & 4) != 0);
	if (mr_buddy_used(&w.memory) != 0 || mr_l7_chunks_used(&w.chunks) != 0)
		abort();
	return 0;
}
