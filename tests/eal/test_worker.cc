// SPDX-License-Identifier: Apache-2.0
// What different workers write never lies in one cache line.
#include <gtest/gtest.h>

#include <rte_malloc.h>
#include <rte_ring.h>

#include "base/mr_clock.h"
#include "drivers/port.h"
#include "flow/mr_flow.h"
#include "packet/mr_packet_burst.h"

extern "C" {
#include "app/mr_worker.h"
}

namespace
{

constexpr size_t LINE = 64;
static_assert(alignof(mr_worker) == LINE && sizeof(mr_worker) % LINE == 0, "whole lines");
static_assert(offsetof(mr_worker, counters) == 0, "the counters begin a line");

mr_worker *make(uint8_t id)
{
	mr_flow_conf flow = {};
	mr_worker *w = nullptr;
	mr_err err = {};

	flow.max_flows = 4096;
	flow.ipv6_percent = 50;
	flow.idle_timeout_ns = flow.active_timeout_ns = flow.fragment_timeout_ns = MR_NS_PER_S;
	flow.max_fragments = 64;
	flow.socket = SOCKET_ID_ANY;
	flow.worker = id;
	EXPECT_EQ(0, mr_worker_new(&flow, &w, &err)) << err.msg;
	return w;
}

// A block of DPDK's heap begins a line, and its end is rounded up to one: two blocks have no line in common.
void expect_whole_lines(const void *block)
{
	size_t size = 0;

	EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(block) % LINE);
	ASSERT_EQ(0, rte_malloc_validate(block, &size));
	EXPECT_EQ(0u, size % LINE);
}

} // namespace

TEST(Worker, ShareNoCacheLine)
{
	for (uint8_t id = 0; id < 4; id++) {
		mr_worker *w = make(id);

		ASSERT_NE(nullptr, w);
		expect_whole_lines(w);
		expect_whole_lines(w->table);
		// its own memory zone, in which producer and consumer have lines of their own
		EXPECT_EQ(0u, reinterpret_cast<uintptr_t>(w->records) % LINE);
		mr_worker_free(w);
	}
}

TEST(Worker, RecordRingKeepsItsSidesApart)
{
	static_assert(offsetof(rte_ring, prod) % LINE == 0 && offsetof(rte_ring, cons) % LINE == 0);
	static_assert(offsetof(rte_ring, cons) - offsetof(rte_ring, prod) >= LINE);
	mr_worker *w = make(0);

	ASSERT_NE(nullptr, w);
	EXPECT_TRUE(rte_ring_is_prod_single(w->records) && rte_ring_is_cons_single(w->records));
	mr_worker_free(w);
}
