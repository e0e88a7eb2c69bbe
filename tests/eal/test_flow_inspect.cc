// SPDX-License-Identifier: Apache-2.0
// What records carry beyond counters: decoded packets in, details out, and every detail comes back.
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../packet/build.h"
#include "flow/mr_flow.h"
#include "flow/mr_flow_detail.h"

using namespace build;

namespace
{

constexpr uint64_t S = 1000000000ull, MS = 1000000ull;
constexpr uint64_t T0 = 1700000000ull * S;
constexpr uint8_t FIN = 1, SYN = 2, ACK = 16;
constexpr uint32_t CLIENT = 0x0a000009, SERVER = 0x0a000002; // the server is the lower endpoint

Bytes text(const std::string &s)
{
	return { s.begin(), s.end() };
}

/// TCP with numbers of its own; build::tcp() has fixed ones.
Bytes segment(uint16_t src, uint16_t dst, uint32_t seq, uint32_t ack, uint8_t flags,
	      const Bytes &payload = {})
{
	return cat({ be(src, 2),
		     be(dst, 2),
		     be(seq, 4),
		     be(ack, 4),
		     { 0x50, flags },
		     be(0x2000, 2),
		     be(0, 4),
		     payload });
}

Bytes vxlan(uint32_t vni, const Bytes &inner)
{
	return cat({ be(0x08000000, 4), be(vni << 8, 4), inner });
}

class Inspect : public testing::Test
{
      protected:
	struct Kept {
		struct mr_flow_rec rec;
		std::map<std::string, std::string> values;
	};

	struct mr_flow_conf conf = {};
	struct mr_l7_conf l7 = mr_l7_conf_default();
	struct mr_tunnel_ports ports = {};
	struct mr_flow_table *table = nullptr;
	struct mr_counters counters = {};
	std::vector<struct mr_flow_rec> recs;
	std::vector<std::unique_ptr<Bytes>> frames;
	bool give_back_at_once = false;
	uint64_t now = T0;

	void SetUp() override
	{
		mr_tunnel_ports_default(&ports);
		conf.max_flows = 4096;
		conf.ipv6_percent = 50;
		conf.idle_timeout_ns = 30 * S;
		conf.active_timeout_ns = 300 * S;
		conf.tcp_linger_ns = 1 * S;
		conf.fragment_timeout_ns = 5 * S;
		conf.max_fragments = 64;
		conf.socket = -1;
		conf.packet.seed = mr_hash_seed_fixed(7);
		conf.packet.tunnel_key = MR_TUNNEL_KEY_INNER;
		conf.packet.tunnel_depth = 4;
		conf.packet.tunnel_ports = &ports;
		conf.tcp_performance = true;
		l7.memory_octets = l7.values_octets = 1 << 20;
		conf.inspect = &l7;
		conf.max_details = 1024;
		conf.emit = [](void *ctx, const struct mr_flow_rec *r) {
			static_cast<Inspect *>(ctx)->on_record(*r);
		};
		conf.emit_ctx = this;
		conf.counters = &counters;
	}

	void on_record(const struct mr_flow_rec &r)
	{
		recs.push_back(r);
		if (give_back_at_once)
			mr_flow_detail_give_back(r.detail);
	}

	void open()
	{
		struct mr_err err = {};
		ASSERT_EQ(0, mr_flow_table_new(&conf, &table, &err)) << err.msg;
	}

	// Whatever a test did: all that was taken has come back.
	void TearDown() override
	{
		if (table == nullptr)
			return;
		drain();
		if (!give_back_at_once)
			for (const auto &r : recs)
				mr_flow_detail_give_back(r.detail);
		EXPECT_EQ(0u, mr_flow_details_out(table));
		EXPECT_EQ(0u, mr_flow_values_used(table));
		mr_flow_table_free(table);
	}

	// All in one burst.
	void send(const std::vector<Bytes> &burst, uint64_t step_ns = MS)
	{
		std::vector<struct mr_packet> pkts(burst.size());
		std::vector<struct mr_tunnel> tunnels(burst.size());
		struct mr_flow_batch batch = {};

		for (size_t i = 0; i < burst.size(); i++) {
			frames.push_back(std::make_unique<Bytes>(burst[i]));
			auto len = static_cast<uint32_t>(burst[i].size());
			mr_packet_decode(&conf.packet, frames.back()->data(), len, len, MR_LINK_ETHERNET, 0,
					 &tunnels[i], &pkts[i]);
			pkts[i].time_ns = pkts[i].clock_ns = now += step_ns;
		}
		batch.n = static_cast<uint16_t>(burst.size());
		batch.tunnels = tunnels.data();
		mr_flow_fetch(table, pkts.data(), &batch);
		mr_flow_look_up(table, pkts.data(), &batch);
		mr_flow_meter(table, pkts.data(), &batch);
	}

	void age(uint64_t for_ns)
	{
		for (uint64_t end = now + for_ns; now < end;) {
			now += 50 * MS;
			mr_flow_age(table, now, UINT32_MAX);
		}
	}

	void drain()
	{
		while (!mr_flow_drain(table, now, 16))
			;
	}

	std::map<std::string, std::string> values(const struct mr_flow_rec &r)
	{
		std::map<std::string, std::string> ret;
		auto reader = std::make_unique<struct mr_l7_reader>();
		struct mr_l7_value v;

		mr_l7_reader_init(reader.get(), r.detail->chunks, r.detail->values);
		while (mr_l7_reader_next(reader.get(), &v))
			ret[mr_l7_field_info[v.field].name] =
				mr_l7_field_info[v.field].type == MR_L7_NUMBER
					? std::to_string(v.number)
					: std::string(reinterpret_cast<const char *>(v.data), v.len);
		return ret;
	}

	uint64_t count(enum mr_counter c)
	{
		return mr_counter_get(&counters, c);
	}

	// client and server by turns; a whole connection with one request
	std::vector<Bytes> http(uint16_t port = 40000)
	{
		Bytes get = text("GET /a HTTP/1.1\r\nHost: www.example.com\r\n\r\n");
		Bytes ok = text("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		auto g = static_cast<uint32_t>(get.size()), o = static_cast<uint32_t>(ok.size());
		auto up = [&](uint32_t seq, uint32_t ack, uint8_t flags, const Bytes &p = {}) {
			return ip4({ .proto = 6, .src = CLIENT, .dst = SERVER },
				   segment(port, 80, seq, ack, flags, p));
		};
		auto down = [&](uint32_t seq, uint32_t ack, uint8_t flags, const Bytes &p = {}) {
			return ip4({ .proto = 6, .src = SERVER, .dst = CLIENT },
				   segment(80, port, seq, ack, flags, p));
		};

		return { up(100, 0, SYN),
			 down(500, 101, SYN | ACK),
			 up(101, 501, ACK),
			 up(101, 501, ACK, get),
			 up(101, 501, ACK, get),
			 down(501, 101 + g, ACK, ok),
			 up(101 + g, 501 + o, ACK),
			 up(101 + g, 501 + o, FIN | ACK),
			 down(501 + o, 102 + g, FIN | ACK) };
	}

	static std::vector<Bytes> on_ethernet(std::vector<Bytes> packets)
	{
		for (Bytes &p : packets)
			p = eth(0x0800, p);
		return packets;
	}

	void expect_http(const struct mr_flow_rec &r)
	{
		const struct mr_flow_detail *d = r.detail;

		ASSERT_NE(nullptr, d);
		EXPECT_EQ(80, r.port[1]);
		ASSERT_TRUE(d->has_tcp);
		EXPECT_EQ(MR_FLOW_TCP_CLOSED, d->tcp.state);
		EXPECT_EQ(0, d->tcp.client);
		EXPECT_EQ(1u, d->tcp.way[0].retransmitted);
		EXPECT_EQ(0u, d->tcp.way[1].retransmitted);
		EXPECT_EQ(1000u, d->tcp.server_rtt_us);
		EXPECT_EQ(MR_FLOW_OUTCOME_UNKNOWN, d->outcome);
		EXPECT_STREQ("http", d->application);
		EXPECT_EQ(6u, d->application_id >> 24);
		EXPECT_FALSE(d->application_guessed);
		EXPECT_EQ("www.example.com", values(r)["http_host"]);
		EXPECT_EQ("200", values(r)["http_status"]);
	}
};

} // namespace

TEST_F(Inspect, DetailOfATcpFlow)
{
	open();
	send(on_ethernet(http()));
	age(3 * S);
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(MR_FLOW_END_DETECTED, recs[0].end_reason);
	expect_http(recs[0]);
	EXPECT_EQ(0, recs[0].detail->tunnel.levels);
}

TEST_F(Inspect, DetailsDoNotDependOnBursts)
{
	open();
	for (const Bytes &frame : on_ethernet(http()))
		send({ frame });
	drain();
	ASSERT_EQ(1u, recs.size());
	expect_http(recs[0]);
}

TEST_F(Inspect, NothingAskedForNothingGiven)
{
	conf.inspect = nullptr;
	conf.tcp_performance = false;
	conf.packet.tunnel_key = MR_TUNNEL_KEY_OUTER;
	open();
	send(on_ethernet(http()));
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(nullptr, recs[0].detail);
}

TEST_F(Inspect, EachPartByItself)
{
	for (int part = 0; part < 3; part++) {
		conf.inspect = part == 0 ? &l7 : nullptr;
		conf.tcp_performance = part == 1;
		conf.packet.tunnel_key = part == 2 ? MR_TUNNEL_KEY_INNER : MR_TUNNEL_KEY_OUTER;
		recs.clear();
		open();
		send(on_ethernet(http()));
		drain();
		ASSERT_EQ(1u, recs.size());
		ASSERT_NE(nullptr, recs[0].detail);
		EXPECT_EQ(part == 0, recs[0].detail->application != nullptr);
		EXPECT_EQ(part == 1, recs[0].detail->has_tcp);
		mr_flow_detail_give_back(recs[0].detail);
		recs.clear();
		mr_flow_table_free(table);
		table = nullptr;
	}
}

TEST_F(Inspect, ActiveTimeoutTellsWhatIsKnownAndGoesOn)
{
	std::vector<Bytes> packets = on_ethernet(http());
	conf.active_timeout_ns = 20 * S;
	open();
	send({ packets.begin(), packets.begin() + 5 }); // up to the request, sent twice
	age(21 * S);
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(MR_FLOW_END_ACTIVE, recs[0].end_reason);
	EXPECT_EQ(MR_FLOW_TCP_ESTABLISHED, recs[0].detail->tcp.state);
	EXPECT_EQ(1u, recs[0].detail->tcp.way[0].retransmitted);
	EXPECT_EQ("www.example.com", values(recs[0])["http_host"]);
	send({ packets.begin() + 5, packets.end() });
	drain();
	ASSERT_EQ(2u, recs.size());
	EXPECT_EQ(recs[0].flow_id, recs[1].flow_id);
	EXPECT_EQ(0u, recs[1].detail->tcp.way[0].retransmitted);
	EXPECT_STREQ("http", recs[1].detail->application);
	EXPECT_EQ("200", values(recs[1])["http_status"]);
	EXPECT_EQ(0u, values(recs[1]).count("http_host"));
}

TEST_F(Inspect, AFlowThatEndsInSilenceAfterItsRecordLeavesNothing)
{
	std::vector<Bytes> packets = on_ethernet(http());
	conf.active_timeout_ns = 5 * S;
	open();
	send({ packets.begin(), packets.begin() + 4 });
	age(60 * S);
	EXPECT_EQ(1u, recs.size());
	EXPECT_EQ(0u, mr_flow_count(table));
}

TEST_F(Inspect, TunnelledFlowInBothDirections)
{
	std::vector<Bytes> packets;
	bool up[] = { true, false, true, true, true, false, true, true, false };
	size_t i = 0;

	for (const Bytes &inner : http()) { // GTP-U with a TEID for each way
		uint32_t teid = up[i] ? 0x11 : 0x22;
		Bytes gtp = cat({ { 0x30, 0xff }, be(inner.size(), 2), be(teid, 4), inner });
		packets.push_back(eth(0x0800, ip4({ .src = up[i] ? 1u : 2u, .dst = up[i] ? 2u : 1u },
						  udp(2152, 2152, gtp))));
		i++;
	}
	open();
	send(packets);
	drain();
	ASSERT_EQ(1u, recs.size());
	expect_http(recs[0]);
	const struct mr_flow_detail *d = recs[0].detail;
	ASSERT_EQ(1, d->tunnel.levels);
	EXPECT_EQ(MR_TUNNEL_GTPU, d->tunnel.level[0].kind);
	EXPECT_EQ(0x11u, d->tunnel.level[0].id);
	EXPECT_EQ(0x22u, d->tunnel_reverse_id[0]);
	EXPECT_EQ(1, d->tunnel.level[0].addr[0][3]);
}

TEST_F(Inspect, TunnelOfTheInitiatorWhenTheResponderCameFirst)
{
	Bytes down =
		ip4({ .proto = 6, .src = SERVER, .dst = CLIENT }, segment(80, 40000, 500, 101, SYN | ACK));
	Bytes up = ip4({ .proto = 6, .src = CLIENT, .dst = SERVER }, segment(40000, 80, 101, 501, ACK));

	open();
	send({ eth(0x0800,
		   ip4({ .src = 2, .dst = 1 },
		       udp(2152, 2152, cat({ { 0x30, 0xff }, be(down.size(), 2), be(0x22, 4), down })))),
	       eth(0x0800,
		   ip4({ .src = 1, .dst = 2 },
		       udp(2152, 2152, cat({ { 0x30, 0xff }, be(up.size(), 2), be(0x11, 4), up })))) });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(80, recs[0].port[1]);
	EXPECT_EQ(0x11u, recs[0].detail->tunnel.level[0].id);
	EXPECT_EQ(0x22u, recs[0].detail->tunnel_reverse_id[0]);
	EXPECT_EQ(1, recs[0].detail->tunnel.level[0].addr[0][3]);
}

TEST_F(Inspect, TunnelKeyModes)
{
	Bytes inner = eth(0x0800, ip4({}, udp(1000, 2000, fill(20))));
	auto in = [&](uint32_t vni, uint32_t src, uint32_t dst) {
		return eth(0x0800, ip4({ .src = src, .dst = dst }, udp(5000, 4789, vxlan(vni, inner))));
	};
	std::vector<Bytes> packets;

	for (int i = 0; i < 4; i++) // the short way takes what comes often
		for (const Bytes &p : { in(1, 1, 2), in(2, 1, 2), in(1, 2, 1), in(1, 3, 4), inner })
			packets.push_back(p);
	const std::map<int, size_t> flows = { { MR_TUNNEL_KEY_OUTER, 4 },
					      { MR_TUNNEL_KEY_INNER, 3 },
					      { MR_TUNNEL_KEY_BOTH, 4 } };
	for (auto [key, n] : flows) {
		conf.packet.tunnel_key = static_cast<uint8_t>(key);
		recs.clear();
		open();
		send(packets);
		send(packets);
		drain();
		EXPECT_EQ(n, recs.size()) << key;
		for (const auto &r : recs) {
			EXPECT_EQ(0u, (r.packets[0] + r.packets[1]) % 8) << key;
			mr_flow_detail_give_back(r.detail);
		}
		recs.clear();
		mr_flow_table_free(table);
		table = nullptr;
	}
}

TEST_F(Inspect, ShortWayAsksForTheTunnel)
{
	// a packet without a tunnel must not be taken for the closed record's, nor the other way round
	Bytes inner = ip4({ .proto = 6, .src = CLIENT, .dst = SERVER }, segment(40000, 80, 100, 0, ACK));
	Bytes reset = ip4({ .proto = 6, .src = CLIENT, .dst = SERVER }, segment(40000, 80, 100, 0, 4));
	Bytes vx = vxlan(7, eth(0x0800, inner));

	open();
	send({ eth(0x0800, inner), eth(0x0800, inner), eth(0x0800, inner), eth(0x0800, reset) });
	for (int i = 0; i < 3; i++)
		send({ eth(0x0800, ip4({}, udp(5000, 4789, vx))),
		       eth(0x0800, ip4({}, udp(5000, 4789, vx))) });
	drain();
	ASSERT_EQ(2u, recs.size());
	for (const auto &r : recs)
		EXPECT_EQ(r.detail->tunnel.levels == 0 ? 4u : 6u, r.packets[0]);
}

TEST_F(Inspect, MplsLabelsOfOneWayOnly)
{
	Bytes up = ip4({ .src = CLIENT, .dst = SERVER }, udp(1000, 53, fill(9)));
	Bytes down = ip4({ .src = SERVER, .dst = CLIENT }, udp(53, 1000, fill(9)));

	open();
	send({ eth(0x8847, cat({ be(0x00010140, 4), up })), eth(0x0800, down) });
	drain();
	ASSERT_EQ(1u, recs.size());
	EXPECT_EQ(1, recs[0].detail->tunnel.labels);
	EXPECT_EQ(MR_FLOW_OUTCOME_ANSWERED, recs[0].detail->outcome);
}

TEST_F(Inspect, HeldFragmentsKeepTheirTunnels)
{
	// the same datagram in two segments, later fragments first
	std::vector<Bytes> packets;

	for (uint32_t vni : { 1u, 2u }) {
		Bytes later = eth(0x0800, ip4({ .frag = 2, .id = 77 }, fill(8)));
		packets.push_back(
			eth(0x0800, ip4({ .src = 1, .dst = 2 }, udp(5000, 4789, vxlan(vni, later)))));
	}
	for (uint32_t vni : { 1u, 2u }) {
		Bytes first = eth(0x0800, ip4({ .frag = 0x2000, .id = 77 },
					      udp(static_cast<uint16_t>(1000 + vni), 53, fill(8), 24)));
		packets.push_back(
			eth(0x0800, ip4({ .src = 1, .dst = 2 }, udp(5000, 4789, vxlan(vni, first)))));
	}
	open();
	send(packets);
	drain();
	ASSERT_EQ(2u, recs.size());
	for (const auto &r : recs) {
		EXPECT_EQ(2u, r.packets[0] + r.packets[1]);
		ASSERT_EQ(1, r.detail->tunnel.levels);
		EXPECT_EQ(1000u + r.detail->tunnel.level[0].id, r.port[0]);
	}
}

TEST_F(Inspect, OutcomesOfUdpAndIcmp)
{
	Bytes ask = ip4({ .src = CLIENT, .dst = SERVER }, udp(1000, 53, fill(9)));
	Bytes lost = ip4({ .src = CLIENT, .dst = SERVER }, udp(1001, 53, fill(9)));
	Bytes refused = ip4({ .src = CLIENT, .dst = SERVER }, udp(1002, 53, fill(9)));
	Bytes unreachable = ip4({ .proto = 1, .src = SERVER, .dst = CLIENT },
				icmp(3, 3, 0, Bytes(refused.begin(), refused.begin() + 28)));

	open();
	send(on_ethernet({ ask, ip4({ .src = SERVER, .dst = CLIENT }, udp(53, 1000, fill(9))), lost, refused,
			   unreachable, ip4({ .proto = 1, .src = CLIENT, .dst = SERVER }, icmp(8, 0, 5)),
			   ip4({ .proto = 1, .src = SERVER, .dst = CLIENT }, icmp(0, 0, 5)) }));
	drain();
	std::map<std::pair<int, int>, int> got;
	for (const auto &r : recs)
		got[{ r.proto, r.proto == 1 ? r.icmp >> 8 : r.port[0] }] = r.detail->outcome;
	const std::map<std::pair<int, int>, int> want = { { { 17, 1000 }, MR_FLOW_OUTCOME_ANSWERED },
							  { { 17, 1001 }, MR_FLOW_OUTCOME_UNANSWERED },
							  { { 17, 1002 }, MR_FLOW_OUTCOME_UNREACHABLE },
							  { { 1, 3 }, MR_FLOW_OUTCOME_UNKNOWN },
							  { { 1, 8 }, MR_FLOW_OUTCOME_ANSWERED } };
	EXPECT_EQ(want, got);
}

TEST_F(Inspect, UnreachableOfIpv6AndInTunnels)
{
	Bytes six = ip6({}, udp(1000, 53, fill(9)));
	Bytes error6 = ip6({ .next = 58, .src = addr6(2), .dst = addr6(1) }, icmp(1, 4, 0, six));
	Bytes four = ip4({}, udp(1000, 53, fill(9)));
	Bytes error4 = ip4({ .proto = 1, .src = 0x0a000002, .dst = 0x0a000001 }, icmp(3, 3, 0, four));
	auto in = [](uint32_t vni, const Bytes &p) {
		return eth(0x0800, ip4({ .src = 1, .dst = 2 }, udp(5000, 4789, vxlan(vni, eth(0x0800, p)))));
	};

	open();
	send({ eth(0x86dd, six), in(1, four), in(2, four), eth(0x86dd, error6), in(2, error4) });
	drain();
	for (const auto &r : recs) {
		if (r.proto != 17)
			continue;
		bool reached = r.detail->tunnel.levels == 1 && r.detail->tunnel.level[0].id == 1;
		EXPECT_EQ(reached ? MR_FLOW_OUTCOME_UNANSWERED : MR_FLOW_OUTCOME_UNREACHABLE,
			  r.detail->outcome);
	}
	EXPECT_EQ(5u, recs.size());
}

TEST_F(Inspect, BrokenErrorsQuoteNothing)
{
	Bytes four = ip4({}, udp(1000, 53, fill(9)));

	open();
	send({ eth(0x0800, four) });
	for (size_t n = 0; n < 24; n++)
		send({ eth(0x0800,
			   ip4({ .proto = 1, .src = 0x0a000002, .dst = 0x0a000001 },
			       icmp(3, 3, 0, Bytes(four.begin(), four.begin() + static_cast<long>(n))))) });
	send({ eth(0x0800,
		   ip4({ .proto = 1, .src = 0x0a000002, .dst = 0x0a000001 }, icmp(3, 3, 0, fill(40)))) });
	drain();
	for (const auto &r : recs)
		EXPECT_NE(MR_FLOW_OUTCOME_UNREACHABLE, r.detail->outcome);
}

TEST_F(Inspect, WithoutRoomForDetailsRecordsLeaveBare)
{
	conf.max_details = 2;
	open();
	for (uint16_t port = 1; port <= 5; port++)
		send(on_ethernet(http(port)));
	drain();
	ASSERT_EQ(5u, recs.size());
	EXPECT_EQ(3u, count(MR_C_RECORDS_BARE));
	EXPECT_EQ(2u, mr_flow_details_out(table));
	for (auto &r : recs) {
		mr_flow_detail_give_back(r.detail);
		r.detail = nullptr;
	}
	EXPECT_EQ(0u, mr_flow_details_out(table));
	send(on_ethernet(http(9)));
	drain();
	EXPECT_NE(nullptr, recs.back().detail);
}

TEST_F(Inspect, WithoutRoomForTunnelsFlowsThatSaidLittleGo)
{
	conf.max_tunnel_flows = 8;
	give_back_at_once = true;
	open();
	for (uint32_t i = 0; i < 100; i++)
		send({ eth(0x0800,
			   ip4({ .src = 1, .dst = 2 },
			       udp(5000, 4789, vxlan(i, eth(0x0800, ip4({}, udp(1000, 53, fill(9)))))))) });
	EXPECT_EQ(100u, count(MR_C_METERED) + count(MR_C_TUNNELS_FULL));
	EXPECT_EQ(0u, count(MR_C_TUNNELS_FULL));
	EXPECT_LE(mr_flow_count(table), 8u);
	drain();
	EXPECT_EQ(100u, recs.size());
}

TEST_F(Inspect, EvictionAndReuseLeaveNothingBehind)
{
	conf.max_flows = 64;
	give_back_at_once = true;
	open();
	for (uint16_t port = 1; port <= 3000; port++) {
		std::vector<Bytes> packets = on_ethernet(http(port));
		send({ packets.begin(), packets.begin() + 2 + port % 8 });
	}
	EXPECT_LT(0u, count(MR_C_FLOWS_EVICTED));
	drain();
	EXPECT_EQ(0u, count(MR_C_RECORDS_BARE));
	EXPECT_EQ(0u, mr_flow_details_out(table));
}
