// SPDX-License-Identifier: Apache-2.0
// What different workers write never lies in one cache line, and details come back wherever records go.
#include <gtest/gtest.h>

#include <rte_malloc.h>
#include <rte_ring_elem.h>

#include "base/mr_clock.h"
#include "drivers/port.h"
#include "flow/mr_flow.h"
#include "flow/mr_flow_detail.h"
#include "packet/mr_packet_burst.h"

extern "C" {
#include "app/mr_worker.h"
}

namespace
{

constexpr size_t LINE = 64;
static_assert(alignof(mr_worker) == LINE && sizeof(mr_worker) % LINE == 0, "whole lines");
static_assert(offsetof(mr_worker, counters) == 0, "the counters begin a line");

mr_worker *make(uint8_t id, bool deep = false)
{
	mr_l7_conf l7 = mr_l7_conf_default();
	mr_flow_conf flow = {};
	mr_worker *w = nullptr;
	mr_err err = {};

	flow.max_flows = 4096;
	flow.ipv6_percent = 50;
	flow.idle_timeout_ns = flow.active_timeout_ns = flow.fragment_timeout_ns = MR_NS_PER_S;
	flow.max_fragments = 64;
	flow.socket = SOCKET_ID_ANY;
	flow.worker = id;
	l7.memory_octets = l7.values_octets = 1 << 20;
	flow.inspect = deep ? &l7 : nullptr;
	flow.tcp_performance = deep;
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

// One packet each of flows from @p first on, as UDP datagrams with nothing in them.
void send_flows(mr_worker *w, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n; i++) {
		mr_packet p = {};

		p.proto = 17;
		p.addr_key = (uint64_t)1 << 32 | 2;
		p.port_key = (uint64_t)MR_SCOPE(0, MR_VLAN_NONE, MR_VLAN_NONE) << 32 | i;
		p.vlan = p.inner_vlan = MR_VLAN_NONE;
		p.hash = mr_packet_hash(&w->packet.seed, p.addr_key, p.port_key, p.proto, false);
		p.ip_len = p.frame_len = 28;
		p.time_ns = p.clock_ns = MR_NS_PER_S;
		mr_flow_burst(w->table, &p, 1);
	}
}

} // namespace

TEST(Worker, DetailsGoWithRecords)
{
	mr_worker *w = make(0, true);
	mr_flow_rec rec;

	ASSERT_NE(nullptr, w);
	send_flows(w, 1, 3);
	while (!mr_flow_drain(w->table, MR_NS_PER_S, 64))
		;
	EXPECT_EQ(3u, mr_flow_details_out(w->table));
	ASSERT_EQ(0, rte_ring_sc_dequeue_elem(w->records, &rec, sizeof(rec)));
	ASSERT_NE(nullptr, rec.detail);
	EXPECT_EQ(MR_FLOW_OUTCOME_UNANSWERED, rec.detail->outcome);
	mr_flow_detail_give_back(rec.detail);
	EXPECT_EQ(2u, mr_flow_details_out(w->table));
	mr_worker_free(w); // with the others still in the ring
}

TEST(Worker, DetailsOfDroppedRecordsComeBack)
{
	mr_worker *w = make(0, true);
	uint32_t sent = 0;

	ASSERT_NE(nullptr, w);
	for (; sent < MR_WORKER_RING + 3000; sent += 1000) { // in the state RUN nobody waits for the exporter
		send_flows(w, 1 + sent, 1000);
		while (!mr_flow_drain(w->table, MR_NS_PER_S, 64))
			;
	}
	EXPECT_EQ(rte_ring_count(w->records), mr_flow_details_out(w->table));
	EXPECT_EQ(sent - rte_ring_count(w->records), mr_counter_get(&w->counters, MR_C_RECORDS_NOT_SENT));
	EXPECT_LT(0u, mr_counter_get(&w->counters, MR_C_RECORDS_NOT_SENT));
	EXPECT_EQ(0u, mr_counter_get(&w->counters, MR_C_RECORDS_BARE));
	mr_worker_free(w);
}

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
