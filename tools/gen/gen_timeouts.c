/* SPDX-License-Identifier: Apache-2.0 */
/* Flows with gaps a little below and a little above the timeouts. */
#include "tools/gen/gen.h"

#include "base/mr_clock.h"

#define MARGIN_NS (100 * MR_NS_PER_MS)

/* Two packets @p gap_ns apart. */
static void gap(struct gen *g, uint16_t port, uint64_t gap_ns)
{
	struct gen_pair pair = { 4, 10, 10, port, 9 };
	uint64_t start_ns = g->now_ns;

	gen_datagram(g, &pair, GEN_CLIENT, 10);
	g->now_ns = start_ns + gap_ns;
	gen_datagram(g, &pair, GEN_SERVER, 20);
}

/* Packets in steps that never let the flow idle, until @p last_ns after the first. */
static void stretch(struct gen *g, uint16_t port, uint64_t last_ns)
{
	struct gen_pair pair = { 6, 10, 10, port, 9 };
	uint64_t start_ns = g->now_ns;
	uint64_t step_ns = g->idle_ns / 2;

	for (uint64_t at_ns = 0; at_ns < last_ns; at_ns += step_ns) {
		g->now_ns = start_ns + at_ns;
		gen_datagram(g, &pair, at_ns / step_ns % 2, 30);
	}
	g->now_ns = start_ns + last_ns;
	gen_datagram(g, &pair, GEN_CLIENT, 40);
}

void gen_timeouts(struct gen *g)
{
	gap(g, 60001, g->idle_ns - MARGIN_NS);
	gap(g, 60002, g->idle_ns + MARGIN_NS);
	stretch(g, 60003, g->active_ns - MARGIN_NS);
	stretch(g, 60004, g->active_ns + MARGIN_NS);
	stretch(g, 60005, 2 * g->active_ns + MARGIN_NS);
}
