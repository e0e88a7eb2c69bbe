/* SPDX-License-Identifier: Apache-2.0 */
/* Cost of a TCP segment in lib/stream, whose inspector does nothing; best of 5. */
#include <stdlib.h>
#include <string.h>

#include "mr_bench_time.h"
#include "stream/mr_stream.h"

#define SEGMENTS 16000u
#define REPEATS	 5
#define OCTETS	 1400u /* of a full segment */
#define MEMORY	 (1u << 20)

struct bench {
	struct mr_stream_inspector base;
	struct mr_stream_worker worker;
	struct mr_stream stream;
	struct mr_buddy buddy;
	struct mr_counters counters;
	uint32_t use_from; /* uses nothing before it has as many octets */
	uint64_t sum;
};

static uint32_t inspect(struct mr_stream_inspector *to, const struct mr_stream_piece *piece)
{
	struct bench *b = (struct bench *)to;

	b->sum += piece->data[0];
	return piece->len < b->use_from ? 0 : piece->len;
}

static uint8_t octets[OCTETS];

static void send_one(struct bench *b, uint32_t seq, uint32_t len)
{
	struct mr_stream_segment seg = { octets, len, seq, 1, MR_TCP_ACK, 0 };

	mr_stream_packet(&b->worker, &b->stream, &seg, &b->base);
}

static void in_order(struct bench *b)
{
	for (uint32_t i = 0; i < SEGMENTS; i++)
		send_one(b, i * OCTETS, OCTETS);
}

static void two_exchanged(struct bench *b)
{
	send_one(b, 0, OCTETS);
	for (uint32_t i = 1; i + 1 < SEGMENTS; i += 2) {
		send_one(b, (i + 1) * OCTETS, OCTETS);
		send_one(b, i * OCTETS, OCTETS);
	}
}

static void sixteen_behind_a_hole(struct bench *b)
{
	send_one(b, 0, OCTETS);
	for (uint32_t i = 1; i + 16 < SEGMENTS; i += 16) {
		for (uint32_t k = 1; k < 16; k++)
			send_one(b, (i + k) * OCTETS, OCTETS);
		send_one(b, i * OCTETS, OCTETS);
	}
}

static void repeated(struct bench *b)
{
	for (uint32_t i = 0; i < SEGMENTS; i++)
		send_one(b, 0, OCTETS);
}

static void four_kilobytes_needed(struct bench *b)
{
	b->use_from = 4000;
	in_order(b);
}

static void tiny_with_holes(struct bench *b)
{
	send_one(b, 0, 1);
	for (uint32_t i = 1; i < SEGMENTS; i++)
		send_one(b, 2 * i, 1);
}

static void tiny_backwards(struct bench *b)
{
	send_one(b, 0, 1);
	for (uint32_t i = SEGMENTS; i != 0; i--)
		send_one(b, i, 1);
}

static void tiny_never_used(struct bench *b)
{
	b->use_from = UINT32_MAX;
	for (uint32_t i = 0; i < SEGMENTS; i++)
		send_one(b, i, 1);
}

static const struct {
	const char *name;
	void (*run)(struct bench *b);
} rows[] = {
	{ "in order", in_order },
	{ "two exchanged", two_exchanged },
	{ "16 behind a hole", sixteen_behind_a_hole },
	{ "repeated", repeated },
	{ "4000 octets needed", four_kilobytes_needed },
	{ "1 octet, every other", tiny_with_holes },
	{ "1 octet, backwards", tiny_backwards },
	{ "1 octet, never used", tiny_never_used },
};

int main(void)
{
	static struct bench b;
	void *memory = aligned_alloc(64, mr_buddy_memory(MEMORY));

	if (memory == NULL) {
		perror("bench_stream");
		return 1;
	}
	mr_buddy_init(&b.buddy, memory, MEMORY);
	b.worker = (struct mr_stream_worker){ &b.buddy, &b.counters, 36 };
	b.base.inspect = inspect;
	for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
		struct mr_bench_time best = { 0 };

		for (int repeat = 0; repeat < REPEATS; repeat++) {
			struct mr_bench_time start = mr_bench_now();

			b.use_from = 0;
			rows[k].run(&b);
			mr_stream_free(&b.worker, &b.stream);
			mr_bench_best(&best, start);
		}
		mr_bench_print(rows[k].name, best, SEGMENTS);
	}
	printf("(check %016lx)\n", (unsigned long)b.sum);
	free(memory);
	return 0;
}
