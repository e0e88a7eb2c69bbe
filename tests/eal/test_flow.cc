// SPDX-License-Identifier: Apache-2.0
// The flow table against a plain model, and its rules one by one, on a scripted clock.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "flow/mr_flow.h"

namespace
{

constexpr uint64_t S = 1000000000ull, MS = 1000000ull;
constexpr uint64_t T0 = 1700000000ull * S;
constexpr uint8_t FIN = 1, SYN = 2, RST = 4, ACK = 16;

struct Spec {
	uint32_t src = 1, dst = 2;
	uint16_t sport = 1000, dport = 80;
	uint8_t proto = 17, flags = 0, ttl = 64;
	uint32_t len = 100, frame = 114;
	uint64_t t = T0;
	bool v6 = false;
	enum mr_frag frag = MR_FRAG_NONE;
	uint32_t frag_id = 0;
	uint16_t vlan = MR_VLAN_NONE;
	uint8_t tos = 0;
};

// A packet as the decoder would describe it, key made by mr_packet_set_ports().
struct mr_packet make(const struct mr_packet_conf &conf, const Spec &s)
{
	struct mr_packet p = {};
	uint32_t lo = std::min(s.src, s.dst), hi = std::max(s.src, s.dst);
	bool swapped = s.src > s.dst || (s.src == s.dst && s.sport > s.dport);

	p.time_ns = p.clock_ns = s.t;
	p.proto = s.proto;
	p.tcp_flags = s.flags;
	p.ttl = s.ttl;
	p.tos = s.tos;
	p.ip_len = s.len;
	p.frame_len = s.frame;
	p.frag = s.frag;
	p.frag_id = s.frag_id;
	p.vlan = s.vlan;
	p.inner_vlan = MR_VLAN_NONE;
	p.addr_key = (uint64_t)lo << 32 | hi;
	if (s.v6) {
		memset(p.addr6, 0x20, sizeof(p.addr6));
		memcpy(&p.addr6[0][12], &lo, 4);
		memcpy(&p.addr6[1][12], &hi, 4);
	}
	p.flags = (uint8_t)((s.v6 ? MR_PACKET_V6 : 0) | (swapped ? MR_PACKET_SWAPPED : 0));
	uint32_t scope = MR_SCOPE(0, conf.vlan_in_key ? s.vlan : MR_VLAN_NONE, MR_VLAN_NONE);
	bool later = s.frag == MR_FRAG_LATER;
	uint16_t a = later ? 0 : swapped ? s.dport : s.sport, b = later ? 0 : swapped ? s.sport : s.dport;
	p.port_key = (uint64_t)scope << 32 | (uint32_t)a << 16 | b;
	p.hash = mr_packet_hash(&conf.seed, p.addr_key, p.port_key, p.proto, s.v6);
	return p;
}

class Table : public testing::Test
{
      protected:
	struct mr_flow_conf conf = {};
	struct mr_flow_table *table = nullptr;
	struct mr_counters counters = {};
	std::vector<struct mr_flow_rec> recs;
	uint64_t now = T0;

	void SetUp() override
	{
		conf.max_flows = 4096;
		conf.ipv6_percent = 50;
		conf.idle_timeout_ns = 30 * S;
		conf.active_timeout_ns = 300 * S;
		conf.tcp_linger_ns = 1 * S;
		conf.fragment_timeout_ns = 5 * S;
		conf.max_fragments = 64;
		conf.socket = -1;
		conf.packet.seed = mr_hash_seed_fixed(7);
		conf.packet.vlan_in_key = true;
		conf.emit = [](void *ctx, const struct mr_flow_rec *r) {
			static_cast<Table *>(ctx)->on_record(*r);
		};
		conf.emit_ctx = this;
		conf.counters = &counters;
	}

	void on_record(const struct mr_flow_rec &r)
	{
		for (int d = 0; d < 2; d++)
			EXPECT_LE(r.start_ns[d], r.end_ns[d]);
		recs.push_back(r);
	}

	void open()
	{
		struct mr_err err = {};
		ASSERT_EQ(0, mr_flow_table_new(&conf, &table, &err)) << err.msg;
	}

	void TearDown() override
	{
		mr_flow_table_free(table);
	}

	void send(Spec s)
	{
		struct mr_packet p = make(conf.packet, s);
		now = std::max(now, s.t);
		p.clock_ns = now;
		mr_flow_burst(table, &p, 1);
	}

	void age_until(uint64_t t)
	{
		for (now += 10 * MS; now < t; now += 10 * MS)
			mr_flow_age(table, now, 64);
		now = t;
		mr_flow_age(table, now, 64);
	}

	void drain()
	{
		while (!mr_flow_drain(table, now, 16))
			;
	}

	uint64_t count(enum mr_counter c)
	{
		return mr_counter_get(&counters, c);
	}
};

TEST_F(Table, BothDirectionsShareOneRecordFromTheInitiator)
{
	open();
	send({ .src = 9, .dst = 4, .sport = 5000, .dport = 53, .len = 60, .frame = 74, .t = T0 });
	send({ .src = 4,
	       .dst = 9,
	       .sport = 53,
	       .dport = 5000,
	       .ttl = 50,
	       .len = 200,
	       .frame = 214,
	       .t = T0 + 5 });
	send({ .src = 9,
	       .dst = 4,
	       .sport = 5000,
	       .dport = 53,
	       .ttl = 60,
	       .len = 40,
	       .frame = 60,
	       .t = T0 + 9 });
	drain();
	ASSERT_EQ(1u, recs.size());
	const auto &r = recs[0];
	EXPECT_EQ(2u, r.packets[0]);
	EXPECT_EQ(1u, r.packets[1]);
	EXPECT_EQ(100u, r.octets[0]);
	EXPECT_EQ(200u, r.octets[1]);
	EXPECT_EQ(134u, r.layer2_octets[0]);
	EXPECT_EQ(214u, r.layer2_octets[1]);
	EXPECT_EQ(0, memcmp(r.addr[0], "\0\0\0\x09", 4));
	EXPECT_EQ(5000, r.port[0]);
	EXPECT_EQ(53, r.port[1]);
	EXPECT_EQ(T0, r.start_ns[0]);
	EXPECT_EQ(T0 + 9, r.end_ns[0]);
	EXPECT_EQ(T0 + 5, r.start_ns[1]);
	EXPECT_EQ(40, r.min_len[0]);
	EXPECT_EQ(60, r.max_len[0]);
	EXPECT_EQ(60, r.min_ttl[0]);
	EXPECT_EQ(64, r.max_ttl[0]);
	EXPECT_EQ(50, r.min_ttl[1]);
	EXPECT_EQ(MR_FLOW_END_FORCED, r.end_reason);
	EXPECT_EQ(1, r.direction);
	EXPECT_EQ(3u, count(MR_C_METERED));
}

TEST_F(Table, SynAckFirstStillFindsTheInitiator)
{
	open();
	send({ .src = 9, .dst = 4, .sport = 80, .dport = 5000, .proto = 6, .flags = SYN | ACK });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(5000, recs[0].port[0]);
	EXPECT_EQ(0u, recs[0].packets[0]);
	EXPECT_EQ(1u, recs[0].packets[1]);
	EXPECT_EQ(0u, recs[0].start_ns[0]);
}

TEST_F(Table, IdleTimeoutWithoutTrafficIsPunctual)
{
	open();
	for (uint32_t i = 0; i < 1000; i++)
		send({ .src = i, .t = T0 + i * MS });
	age_until(T0 + 40 * S);
	ASSERT_EQ(1000u, recs.size());
	for (const auto &r : recs) {
		EXPECT_EQ(MR_FLOW_END_IDLE, r.end_reason);
		EXPECT_EQ(r.end_ns[0] + conf.idle_timeout_ns, r.due_ns);
	}
	EXPECT_EQ(0u, mr_flow_count(table));
}

TEST_F(Table, EveryRecordLeavesWithinASecondOfItsTimeout)
{
	open();
	std::mt19937 rng(3);
	conf.emit = nullptr;
	uint64_t worst = 0;
	for (int step = 0; step < 12000; step++) { // 120 s in steps of 10 ms
		uint64_t t = T0 + step * 10 * MS;
		if (step < 6000)
			send({ .src = (uint32_t)(rng() % 700), .t = t });
		now = t;
		size_t before = recs.size();
		mr_flow_age(table, t, 64);
		for (size_t i = before; i < recs.size(); i++)
			worst = std::max(worst, t - recs[i].due_ns);
	}
	EXPECT_EQ(0u, mr_flow_count(table));
	EXPECT_GE(recs.size(), 700u);
	EXPECT_LT(worst, 1 * S);
}

TEST_F(Table, ActiveTimeoutSplitsAndKeepsTheFlowsIdentity)
{
	open();
	for (int i = 0; i <= 700; i++)
		send({ .src = 9, .dst = 4, .t = T0 + i * S });
	drain();
	ASSERT_EQ(3u, recs.size());
	EXPECT_EQ(300u, recs[0].packets[0]);
	EXPECT_EQ(300u, recs[1].packets[0]);
	EXPECT_EQ(101u, recs[2].packets[0]);
	EXPECT_EQ(MR_FLOW_END_ACTIVE, recs[0].end_reason);
	EXPECT_EQ(T0 + 300 * S, recs[0].due_ns);
	EXPECT_EQ(T0 + 300 * S, recs[1].start_ns[0]);
	EXPECT_EQ(recs[0].flow_id, recs[2].flow_id);
	EXPECT_EQ(recs[0].port[0], recs[2].port[0]);
	EXPECT_EQ(1u, count(MR_C_FLOWS_CREATED));
}

TEST_F(Table, ActiveTimeoutFromTheSweepLeavesNothingToExportTwice)
{
	conf.idle_timeout_ns = 600 * S;
	open();
	send({ .t = T0 });
	age_until(T0 + 301 * S);
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(1u, mr_flow_count(table)); // known, but empty
	age_until(T0 + 602 * S);
	EXPECT_EQ(0u, mr_flow_count(table));
	EXPECT_EQ(1u, recs.size());
}

TEST_F(Table, FinBothWaysEndsAfterTheLinger)
{
	open();
	send({ .src = 9, .dst = 4, .sport = 5000, .proto = 6, .flags = SYN, .t = T0 });
	send({ .src = 9, .dst = 4, .sport = 5000, .proto = 6, .flags = FIN | ACK, .t = T0 + 1 * S });
	age_until(T0 + 5 * S);
	EXPECT_TRUE(recs.empty()); // one side only
	send({ .src = 4,
	       .dst = 9,
	       .sport = 80,
	       .dport = 5000,
	       .proto = 6,
	       .flags = FIN | ACK,
	       .t = T0 + 5 * S });
	send({ .src = 9, .dst = 4, .sport = 5000, .proto = 6, .flags = ACK, .t = T0 + 5 * S + 1 });
	age_until(T0 + 5 * S + 900 * MS);
	EXPECT_TRUE(recs.empty());
	age_until(T0 + 7 * S);
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(MR_FLOW_END_DETECTED, recs[0].end_reason);
	EXPECT_EQ(3u, recs[0].packets[0]);
	EXPECT_EQ(SYN | FIN | ACK, recs[0].tcp_flags[0]);
}

TEST_F(Table, PortReuseWithinTheLingerIsANewFlow)
{
	open();
	Spec s = { .src = 9, .dst = 4, .sport = 5000, .proto = 6, .flags = SYN, .t = T0 };
	send(s);
	send({ .src = 4, .dst = 9, .sport = 80, .dport = 5000, .proto = 6, .flags = RST, .t = T0 + 1 });
	s.t = T0 + 2;
	send(s);
	drain();
	ASSERT_EQ(2u, recs.size());
	EXPECT_EQ(MR_FLOW_END_DETECTED, recs[0].end_reason);
	EXPECT_NE(recs[0].flow_id, recs[1].flow_id);
	EXPECT_EQ(1u, recs[1].packets[0]);
}

TEST_F(Table, VlanSeparatesOnlyWhenInTheKey)
{
	open();
	send({ .vlan = 10 });
	send({ .vlan = 20 });
	drain();
	EXPECT_EQ(2u, recs.size());
	mr_flow_table_free(table);
	recs.clear();
	conf.packet.vlan_in_key = false;
	open();
	send({ .vlan = 10 });
	send({ .vlan = 20 });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(10, recs[0].vlan); // what was seen first is still told
}

TEST_F(Table, AFloodOfSinglePacketsDoesNotPushOutEstablishedFlows)
{
	conf.max_flows = 1024;
	open();
	for (uint32_t i = 0; i < 300; i++) {
		send({ .src = 9, .dst = 4, .sport = (uint16_t)i });
		send({ .src = 4, .dst = 9, .sport = 80, .dport = (uint16_t)i });
	}
	for (uint32_t i = 0; i < 100000; i++)
		send({ .src = 0x10000 + i, .dst = 5, .proto = 6, .flags = SYN });
	for (uint32_t i = 0; i < 300; i++)
		send({ .src = 9, .dst = 4, .sport = (uint16_t)i });
	size_t evicted = recs.size();
	for (const auto &r : recs) {
		EXPECT_EQ(MR_FLOW_END_RESOURCES, r.end_reason);
		EXPECT_EQ(1u, r.packets[0] + r.packets[1]);
	}
	drain();
	uint64_t established = 0, packets = 0;
	for (size_t i = 0; i < recs.size(); i++) {
		packets += recs[i].packets[0] + recs[i].packets[1];
		established += i >= evicted && recs[i].packets[0] == 2 && recs[i].packets[1] == 1;
	}
	EXPECT_EQ(300u, established);
	EXPECT_EQ(count(MR_C_METERED), packets);
	EXPECT_EQ(count(MR_C_RECEIVED), count(MR_C_METERED) + count(MR_C_TABLE_FULL));
	EXPECT_EQ(0u, count(MR_C_TABLE_FULL));
}

TEST_F(Table, EstablishedFlowsSurviveAFloodOfANearlyFullTable)
{
	constexpr uint32_t ESTABLISHED = 3900; // of 4096
	open();
	for (uint32_t i = 0; i < ESTABLISHED; i++) {
		send({ .src = 0x20000000 + i, .dst = 4, .sport = 5000, .v6 = i % 2 == 0 });
		send({ .src = 4, .dst = 0x20000000 + i, .sport = 80, .dport = 5000, .v6 = i % 2 == 0 });
	}
	ASSERT_EQ(ESTABLISHED, mr_flow_count(table));
	for (uint32_t i = 0; i < 200000; i++)
		send({ .src = 0x10000 + i,
		       .dst = 5,
		       .proto = 6,
		       .flags = SYN,
		       .t = T0 + i * 1000ull,
		       .v6 = i % 16 == 0 });
	for (const auto &r : recs) {
		EXPECT_EQ(MR_FLOW_END_RESOURCES, r.end_reason);
		EXPECT_EQ(1u, r.packets[0] + r.packets[1]);
	}
	// the oldest went first: the newest are still there
	EXPECT_GT(mr_flow_count(table), conf.max_flows - 64);
	drain();
	uint64_t established = 0, packets = 0;
	for (const auto &r : recs) {
		packets += r.packets[0] + r.packets[1];
		established += r.packets[0] == 1 && r.packets[1] == 1;
	}
	EXPECT_EQ(ESTABLISHED, established);
	EXPECT_EQ(count(MR_C_METERED), packets);
	EXPECT_EQ(count(MR_C_RECEIVED), count(MR_C_METERED) + count(MR_C_TABLE_FULL));
	EXPECT_LT(count(MR_C_TABLE_FULL), 200000u / 20); // both buckets full of established ones: seldom
}

TEST_F(Table, AFullTableOfEstablishedFlowsStillTakesNewOnes)
{
	conf.max_flows = 600;
	conf.ipv6_percent = 100;
	open();
	for (uint32_t i = 0; i < 2000; i++) {
		send({ .src = 0x20000000 + i, .dst = 4, .sport = 5000 });
		send({ .src = 4, .dst = 0x20000000 + i, .sport = 80, .dport = 5000 });
	}
	EXPECT_EQ(600u, mr_flow_count(table));
	drain();
	uint64_t packets = 0;
	for (const auto &r : recs)
		packets += r.packets[0] + r.packets[1];
	EXPECT_EQ(count(MR_C_METERED), packets);
	EXPECT_EQ(4000u, count(MR_C_METERED) + count(MR_C_TABLE_FULL));
}

TEST_F(Table, TimeoutsBelowASecondArePunctual)
{
	conf.idle_timeout_ns = 300 * MS;
	conf.active_timeout_ns = 700 * MS;
	conf.tcp_linger_ns = 50 * MS;
	open();
	std::mt19937 rng(5);
	size_t seen = 0;
	for (int step = 0; step < 6000; step++) { // 30 s in steps of 5 ms
		uint64_t t = T0 + step * 5 * MS;
		for (int i = 0; i < 10 && step < 5600;
		     i++) // most flows pause longer than the idle timeout at times
			send({ .src = (uint32_t)(rng() % 900), .dst = 1000, .t = t });
		now = t;
		mr_flow_age(table, t, 64);
		for (; seen < recs.size(); seen++) {
			const auto &r = recs[seen];
			bool idle = r.end_reason == MR_FLOW_END_IDLE;
			EXPECT_EQ(r.due_ns, idle ? r.end_ns[0] + conf.idle_timeout_ns
						 : r.start_ns[0] + conf.active_timeout_ns);
			EXPECT_LT(r.end_ns[0] - r.start_ns[0], conf.active_timeout_ns);
			EXPECT_LE(r.due_ns, t);
			EXPECT_LT(t - r.due_ns, 1 * S);
		}
	}
	EXPECT_EQ(0u, mr_flow_count(table));
	EXPECT_GT(recs.size(), 1000u);
	EXPECT_GT(count(MR_C_FLOWS_ACTIVE), 100u);
}

// However small the steps of the sweep are and wherever they end in the table, no part of it is left out.
TEST_F(Table, SweepInSmallStepsIsPunctual)
{
	conf.max_flows = 20000;
	conf.idle_timeout_ns = 2 * S;
	open();
	std::mt19937 rng(6);
	size_t seen = 0;

	for (int step = 0; step < 8000; step++) { // 8 s in steps of 1 ms
		uint64_t t = T0 + step * MS;

		for (int i = 0; i < 4; i++)
			send({ .src = (uint32_t)rng(), .dst = 1000, .t = t });
		now = t;
		for (unsigned i = 0; i < 5; i++)
			mr_flow_age(table, t, 1 + rng() % 2);
		for (; seen < recs.size(); seen++)
			ASSERT_LT(t - recs[seen].due_ns, 1 * S) << "at step " << step;
	}
	EXPECT_GT(recs.size(), 20000u);
}

TEST_F(Table, FillsToItsLastRecordWithoutEviction)
{
	conf.max_flows = 100000;
	conf.ipv6_percent = 100;
	open();
	for (uint32_t i = 0; i < conf.max_flows; i++)
		send({ .src = i, .dst = 0x80000000, .v6 = i % 2 == 0 });
	EXPECT_EQ(0u, count(MR_C_FLOWS_EVICTED));
	EXPECT_EQ(conf.max_flows, mr_flow_count(table));
	for (uint32_t i = 0; i < conf.max_flows; i++)
		send({ .src = i, .dst = 0x80000000, .v6 = i % 2 == 0 });
	EXPECT_EQ(conf.max_flows, count(MR_C_FLOWS_CREATED)); // all were found again
	drain();
	EXPECT_EQ(conf.max_flows, recs.size());
}

TEST_F(Table, FragmentsInAnyOrderJoinTheirFlow)
{
	open();
	auto frag = [&](enum mr_frag kind, uint32_t id, uint64_t t) {
		send({ .src = 9, .dst = 4, .sport = 700, .dport = 800, .t = t, .frag = kind, .frag_id = id });
	};
	frag(MR_FRAG_FIRST, 1, T0);
	frag(MR_FRAG_LATER, 1, T0 + 1);
	frag(MR_FRAG_LATER, 2, T0 + 2); // held
	frag(MR_FRAG_LATER, 2, T0 + 3);
	frag(MR_FRAG_FIRST, 2, T0 + 4);
	send({ .src = 9, .dst = 4, .sport = 700, .dport = 800, .t = T0 + 5 });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(6u, recs[0].packets[0]);
	EXPECT_EQ(700, recs[0].port[0]);
	EXPECT_EQ(5u, count(MR_C_FRAGMENTS));
	EXPECT_EQ(0u, count(MR_C_FRAGMENT_UNMATCHED));
}

TEST_F(Table, FragmentWithoutFirstIsMeteredWhenItsTimeIsOver)
{
	open();
	send({ .src = 9, .dst = 4, .t = T0, .frag = MR_FRAG_LATER, .frag_id = 5 });
	EXPECT_EQ(0u, count(MR_C_METERED));
	age_until(T0 + 6 * S);
	EXPECT_EQ(1u, count(MR_C_METERED));
	EXPECT_EQ(1u, count(MR_C_FRAGMENT_UNMATCHED));
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(0, recs[0].port[0]);
	EXPECT_EQ(T0, recs[0].start_ns[0]);
}

TEST_F(Table, FragmentFloodIsBoundedAndCounted)
{
	open();
	for (uint32_t i = 0; i < 10000; i++)
		send({ .src = 9, .dst = 4, .t = T0 + i, .frag = MR_FRAG_LATER, .frag_id = i });
	drain();
	EXPECT_EQ(10000u, count(MR_C_METERED));
	EXPECT_GT(count(MR_C_FRAGMENT_MAP_FULL), 9000u);
}

TEST_F(Table, ClockJumpsBeyondTheTimeBitsEndRecordsProperly)
{
	open();
	send({ .t = T0 });
	send({ .t = T0 + 79 * 3600 * S }); // more than 48 bits of nanoseconds
	drain();
	ASSERT_EQ(2u, recs.size());
	EXPECT_EQ(T0, recs[0].end_ns[0]);
	EXPECT_EQ(MR_FLOW_END_IDLE, recs[0].end_reason);
}

TEST_F(Table, TimesOutOfOrderKeepStartBeforeEnd)
{
	open();
	send({ .t = T0 + 5 * S });
	send({ .t = T0 + 2 * S });
	send({ .t = T0 + 3 * S });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(T0 + 2 * S, recs[0].start_ns[0]);
	EXPECT_EQ(T0 + 5 * S, recs[0].end_ns[0]);
}

TEST_F(Table, PacketsOlderThanTheTimeBitsAreRecordsOfTheirOwn)
{
	open();
	send({});
	// the second would look like the present: 48 bits of nanoseconds ago
	for (uint64_t ago : { 37 * 3600 * S, 1ul << 48, 20000 * 3600 * S, T0 }) {
		recs.clear();
		send({ .src = 2, .dst = 1, .sport = 80, .dport = 1000, .t = T0 - ago });
		ASSERT_EQ(1u, recs.size());
		EXPECT_EQ(T0 - ago, recs[0].start_ns[0]);
		EXPECT_EQ(T0 - ago, recs[0].end_ns[0]);
		EXPECT_EQ(1u, recs[0].packets[0]);
		EXPECT_EQ(0u, recs[0].packets[1]);
		EXPECT_EQ(MR_FLOW_END_IDLE, recs[0].end_reason);
		EXPECT_EQ(1u, mr_flow_count(table)) << "the flow of today goes on";
	}
	send({ .t = T0 + S });
	recs.clear();
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(2u, recs[0].packets[0]);
	EXPECT_EQ(T0, recs[0].start_ns[0]);
}

TEST_F(Table, RefusesConfigurationsThatCannotWork)
{
	struct mr_err err = {};
	conf.max_flows = 1;
	EXPECT_EQ(-EINVAL, mr_flow_table_new(&conf, &table, &err));
	EXPECT_NE(nullptr, strstr(err.msg, "max_flows"));
	conf.max_flows = 100;
	conf.active_timeout_ns = 40 * 3600 * S;
	EXPECT_EQ(-EINVAL, mr_flow_table_new(&conf, &table, &err));
	EXPECT_EQ(nullptr, table);
}

// ---- against a model ----

struct ModelFlow {
	uint64_t packets[2] = { 0, 0 }, octets[2] = { 0, 0 };
};
using Key = std::tuple<bool, uint32_t, uint32_t, uint16_t, uint16_t>;

TEST_F(Table, TotalsPerFlowEqualAMapUnderRandomTraffic)
{
	conf.max_flows = 100000;
	conf.active_timeout_ns = 60 * S;
	conf.idle_timeout_ns = 3 * S;
	open();
	std::mt19937 rng(11);
	std::map<Key, ModelFlow> model;
	std::vector<struct mr_packet> burst;
	uint64_t t = T0;

	for (int i = 0; i < 200000; i++) {
		Spec s;
		s.v6 = rng() % 3 == 0;
		s.src = 10 + rng() % 60;
		s.dst = 10 + rng() % 60;
		s.sport = (uint16_t)(1 + rng() % 3);
		s.dport = (uint16_t)(1 + rng() % 3);
		s.len = 40 + rng() % 1400;
		s.frame = s.len + (rng() % 5 == 0 ? 20 : 14);
		s.proto = 6;
		s.flags = rng() % 50 == 0 ? FIN : rng() % 70 == 0 ? RST : ACK;
		t += rng() % (1 * MS);
		s.t = t;
		bool swap = s.src > s.dst || (s.src == s.dst && s.sport > s.dport);
		Key k = swap ? Key(s.v6, s.dst, s.src, s.dport, s.sport)
			     : Key(s.v6, s.src, s.dst, s.sport, s.dport);
		model[k].packets[swap]++;
		model[k].octets[swap] += s.len;
		burst.push_back(make(conf.packet, s));
		if (burst.size() == 1 + rng() % 64 || burst.size() == 64) {
			mr_flow_burst(table, burst.data(), (uint16_t)burst.size());
			mr_flow_age(table, t, 32);
			burst.clear();
		}
	}
	mr_flow_burst(table, burst.data(), (uint16_t)burst.size());
	now = t;
	drain();

	std::map<Key, ModelFlow> got;
	for (const auto &r : recs) {
		uint32_t a, b;
		int at = r.family == 6 ? 12 : 0;
		memcpy(&a, &r.addr[0][at], 4);
		memcpy(&b, &r.addr[1][at], 4);
		if (r.family == 4) {
			a = __builtin_bswap32(a);
			b = __builtin_bswap32(b);
		}
		bool swap = a > b || (a == b && r.port[0] > r.port[1]);
		Key k = swap ? Key(r.family == 6, b, a, r.port[1], r.port[0])
			     : Key(r.family == 6, a, b, r.port[0], r.port[1]);
		for (int d = 0; d < 2; d++) {
			got[k].packets[d ^ swap] += r.packets[d];
			got[k].octets[d ^ swap] += r.octets[d];
		}
	}
	ASSERT_EQ(model.size(), got.size());
	for (const auto &[k, m] : model)
		for (int d = 0; d < 2; d++) {
			EXPECT_EQ(m.packets[d], got[k].packets[d]);
			EXPECT_EQ(m.octets[d], got[k].octets[d]);
		}
	EXPECT_GT(recs.size(), model.size()); // the timeouts did something
	EXPECT_EQ(0u, count(MR_C_FLOWS_EVICTED));
}

// What comes out may not depend on where bursts end or how far the sweep is.
TEST_F(Table, RecordsDoNotDependOnBurstsOrSweep)
{
	conf.idle_timeout_ns = 400 * MS;
	conf.active_timeout_ns = 2 * S;
	conf.tcp_linger_ns = 50 * MS;
	conf.fragment_timeout_ns = 100 * MS;
	std::vector<Spec> packets;
	std::mt19937 rng(5);
	uint64_t t = T0;
	for (int i = 0; i < 30000; i++) {
		Spec s;
		s.src = rng() % 40;
		s.dst = rng() % 40;
		s.proto = 6;
		s.flags = rng() % 20 == 0 ? FIN : rng() % 20 == 0 ? SYN : ACK;
		s.frag = rng() % 10 == 0 ? MR_FRAG_LATER : rng() % 15 == 0 ? MR_FRAG_FIRST : MR_FRAG_NONE;
		s.frag_id = rng() % 50;
		t += rng() % 3 == 0 ? rng() % (20 * MS) : 0;
		s.t = t - rng() % (1 * MS);
		packets.push_back(s);
	}
	auto run = [&](unsigned seed, bool sweep) {
		std::mt19937 r(seed);
		std::vector<struct mr_packet> burst;
		recs.clear();
		counters = {};
		open();
		now = T0;
		for (const auto &s : packets) {
			now = std::max(now, s.t);
			burst.push_back(make(conf.packet, s));
			burst.back().clock_ns = now;
			if (burst.size() >= 1 + r() % 64) {
				mr_flow_burst(table, burst.data(), (uint16_t)burst.size());
				burst.clear();
				if (sweep)
					mr_flow_age(table, now, 1 + r() % 100);
			}
		}
		mr_flow_burst(table, burst.data(), (uint16_t)burst.size());
		drain();
		mr_flow_table_free(table);
		table = nullptr;
		std::vector<std::string> out;
		for (const auto &rec : recs)
			out.emplace_back(reinterpret_cast<const char *>(&rec), sizeof(rec));
		std::sort(out.begin(), out.end());
		return out;
	};
	auto first = run(1, true);
	EXPECT_GT(first.size(), 1000u);
	EXPECT_EQ(first, run(2, true));
	EXPECT_EQ(first, run(3, false));
}

} // namespace

// In a replay the clock at the end is that of the last packet, whichever worker had it.
TEST_F(Table, DrainLongAfterTheLastPacket)
{
	open();
	send({});
	now += 40ull * 24 * 3600 * S;
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(T0, recs[0].start_ns[0]);
	EXPECT_EQ(T0, recs[0].end_ns[0]);
	EXPECT_EQ(MR_FLOW_END_IDLE, recs[0].end_reason);
	EXPECT_EQ(T0 + conf.idle_timeout_ns, recs[0].due_ns);
}
