/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of inspecting a flow without the parsers' own: 24 protocols whose probes compare a few octets, the
 * last of which says yes, and whose parser takes all; best of 5.
 */
#include <stdlib.h>
#include <string.h>

#include "l7/mr_l7_flow.h"
#include "mr_bench_time.h"

#define FLOWS	  (1u << 20)
#define NEW_FLOWS 20000u
#define AT_ONCE	  60000u
#define PACKETS	  20u
#define REPEATS	  5
#define PROTOCOLS 24u

static enum mr_l7_probe probe_no(const struct mr_l7_input *in)
{
	return in->len >= 4 && memcmp(in->data, "none", 4) == 0 ? MR_L7_YES : MR_L7_NO;
}

static enum mr_l7_probe probe_yes(const struct mr_l7_input *in)
{
	return in->len >= 4 && memcmp(in->data, "some", 4) == 0 ? MR_L7_YES : MR_L7_NO;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	uint32_t *seen = state;

	if (*seen == 0)
		mr_l7_put(sink, MR_L7_F_HTTP_HOST, in->data, 16);
	*seen += in->len;
	*ret_used = in->len;
	return MR_L7_MORE;
}

struct bench {
	struct mr_l7_worker worker;
	struct mr_counters counters;
	struct mr_l7_flow *flows;
	uint32_t seq; /* of the next round */
	uint64_t sum;
};

static const uint8_t octets[1400] = "some thing that is said first";

static void exchange(struct bench *b, struct mr_l7_flow *f, unsigned packets)
{
	struct mr_l7_packet p = { .data = octets, .len = sizeof(octets), .tcp_flags = MR_TCP_ACK };

	p.transport = MR_L7_TCP;
	for (unsigned i = 0; i < packets; i++) {
		if (mr_l7_flow_wants(f))
			b->sum += mr_l7_flow_packet(&b->worker, f, &p);
		p.seq += p.len;
	}
}

static void end(struct bench *b, struct mr_l7_flow *f)
{
	struct mr_l7_packet p = { .transport = MR_L7_TCP };
	struct mr_l7_result result;

	mr_l7_flow_end(&b->worker, f, &p, &result);
	b->sum += result.application_id;
	mr_l7_chunks_give_back(&b->worker.chunks, result.values);
}

/* Packets of flows all over the table whose inspection is over: as the flow table would test, 8 flows ahead
 * prefetched. */
static void over(struct bench *b)
{
	uint32_t at = 1;

	for (uint32_t i = 0; i < FLOWS; i++) {
		uint32_t ahead = at + 8 * 786433u;

		__builtin_prefetch(&b->flows[ahead % FLOWS]);
		b->sum += mr_l7_flow_wants(&b->flows[at % FLOWS]);
		at += 786433u;
	}
}

static void first_packet(struct bench *b)
{
	for (uint32_t i = 0; i < NEW_FLOWS; i++) {
		exchange(b, &b->flows[i], 1);
		end(b, &b->flows[i]);
	}
}

static void many_packets(struct bench *b)
{
	for (uint32_t i = 0; i < NEW_FLOWS; i++) {
		exchange(b, &b->flows[i], 1 + PACKETS);
		end(b, &b->flows[i]);
	}
}

/* A round of packets of flows that are all being inspected, one after the other. */
static void at_once(struct bench *b)
{
	struct mr_l7_packet p = {
		.data = octets, .len = 1000, .tcp_flags = MR_TCP_ACK, .transport = MR_L7_TCP
	};

	for (uint32_t i = 0; i < AT_ONCE; i++) {
		uint32_t n = (i * 7919u) % AT_ONCE;

		p.seq = b->seq;
		b->sum += mr_l7_flow_packet(&b->worker, &b->flows[n], &p);
	}
	b->seq += p.len;
}

static struct mr_bench_time measure(struct bench *b, void (*run)(struct bench *b))
{
	struct mr_bench_time best = { 0 };

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		struct mr_bench_time start = mr_bench_now();

		run(b);
		mr_bench_best(&best, start);
	}
	return best;
}

int main(void)
{
	static const struct mr_l7_ops no = { "no", "", 1, MR_L7_TCP | MR_L7_UDP, 4, probe_no, parse, NULL };
	static const struct mr_l7_ops yes = { "yes", "", 2, MR_L7_TCP, 128, probe_yes, parse, NULL };
	static const struct mr_l7_ops *ops[PROTOCOLS + 1];
	static struct bench b;
	struct mr_l7_conf conf = mr_l7_conf_default();
	struct mr_bench_time first, many;
	struct mr_err err;
	void *memory;

	for (unsigned i = 0; i < PROTOCOLS; i++)
		ops[i] = i + 1 < PROTOCOLS ? &no : &yes;
	conf.ops = ops;
	memory = aligned_alloc(64, mr_l7_worker_memory(&conf));
	b.flows = aligned_alloc(64, FLOWS * sizeof(*b.flows));
	if (memory == NULL || b.flows == NULL ||
	    mr_l7_worker_init(&b.worker, &conf, memory, &b.counters, &err) != 0) {
		fprintf(stderr, "bench_l7_flow: %s\n",
			memory == NULL || b.flows == NULL ? "no memory" : err.msg);
		return 1;
	}
	memset(b.flows, 0, FLOWS * sizeof(*b.flows));
	mr_bench_print("over, 1M flows", measure(&b, over), FLOWS);
	first = measure(&b, first_packet);
	mr_bench_print("new flow, start to end", first, NEW_FLOWS);
	many = measure(&b, many_packets);
	many.ns -= first.ns;
	many.cycles -= first.cycles;
	mr_bench_print("payload in order", many, (double)NEW_FLOWS * PACKETS);
	at_once(&b); /* opens them */
	mr_bench_print("same, 60k flows at once", measure(&b, at_once), AT_ONCE);
	printf("(check %016lx)\n", (unsigned long)b.sum);
	free(b.flows);
	free(memory);
	return 0;
}
