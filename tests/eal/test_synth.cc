// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/mr_clock.h"
#include "drivers/synth/mr_synth.h"
#include "drivers/synth/mr_traffic.h"

namespace
{

struct Port {
	mr_port *port = nullptr;
	mr_err err = {};
	int rc;

	explicit Port(const std::string &device, uint16_t queues = 1, uint32_t mbufs = 0)
	{
		mr_port_conf conf = {};

		EXPECT_EQ(0, mr_port_init(&err)) << err.msg;
		conf.name = "t";
		conf.device = device.c_str();
		conf.queues = queues;
		conf.mbufs = mbufs;
		rc = mr_port_open(&conf, &port, &err);
	}
	~Port()
	{
		if (port != nullptr)
			port->ops->close(port);
	}
	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;
};

std::string content(const rte_mbuf *m)
{
	return std::string(rte_pktmbuf_mtod(m, const char *), m->data_len);
}

/* All frames of a queue in order. */
std::vector<std::string> drain(mr_port *port, uint16_t queue, uint16_t burst = 32)
{
	std::vector<std::string> out;
	rte_mbuf *pkts[MR_PORT_BURST_MAX];

	while (!port->ops->finished(port, queue)) {
		uint16_t n = mr_port_rx_burst(port, queue, pkts, burst);

		for (uint16_t i = 0; i < n; i++)
			out.push_back(content(pkts[i]));
		rte_pktmbuf_free_bulk(pkts, n);
	}
	EXPECT_EQ(0, mr_port_rx_burst(port, queue, pkts, burst)) << "finished is for good";
	return out;
}

/* addresses and ports of an IPv4 frame without the direction */
std::string key(const std::string &f)
{
	std::string a = f.substr(26, 4) + f.substr(34, 2), b = f.substr(30, 4) + f.substr(36, 2);

	return a < b ? a + b : b + a;
}

} // namespace

TEST(Synth, FiniteAndWhole)
{
	Port p("synth:packets=10007,flows=100");

	ASSERT_EQ(0, p.rc) << p.err.msg;
	EXPECT_EQ((uint32_t)(MR_PORT_FINITE | MR_PORT_HAS_TIME | MR_PORT_LOSSLESS | MR_PORT_FLOW_QUEUES |
			     MR_PORT_CAN_TX),
		  p.port->flags);
	EXPECT_FALSE(p.port->ops->finished(p.port, 0));
	auto frames = drain(p.port, 0);
	EXPECT_EQ(10007u, frames.size());
	for (auto &f : frames)
		ASSERT_EQ(60u, f.size());
	Port again("synth:packets=10007,flows=100");
	EXPECT_EQ(frames, drain(again.port, 0, 17));
}

TEST(Synth, MbufsAreAsADriverGivesThem)
{
	Port p("synth:size=1518");
	rte_mbuf *pkts[32];

	ASSERT_EQ(0, p.rc) << p.err.msg;
	EXPECT_EQ((uint32_t)(MR_PORT_LOSSLESS | MR_PORT_FLOW_QUEUES | MR_PORT_CAN_TX), p.port->flags);
	for (int round = 0; round < 500; round++) { /* more than the pool has */
		ASSERT_EQ(32, mr_port_rx_burst(p.port, 0, pkts, 32));
		for (auto *m : pkts) {
			const char *reason = nullptr;

			ASSERT_EQ(0, rte_mbuf_check(m, 1, &reason)) << reason;
			ASSERT_EQ(1514u, m->pkt_len);
			ASSERT_EQ(1514u, m->data_len);
			ASSERT_EQ(1, m->nb_segs);
			ASSERT_EQ(0u, m->packet_type);
			m->packet_type = 77; /* what a worker may leave behind */
			m->ol_flags = 0;
			rte_pktmbuf_adj(m, 14);
		}
		rte_pktmbuf_free_bulk(pkts, 32);
	}
}

TEST(Synth, StampsFollowTheModel)
{
	Port p("synth:packets=1000,rate=1k");
	rte_mbuf *pkts[8];
	uint64_t k = 0;

	ASSERT_EQ(0, p.rc) << p.err.msg;
	while (!p.port->ops->finished(p.port, 0)) {
		uint16_t n = mr_port_rx_burst(p.port, 0, pkts, 8);

		for (uint16_t i = 0; i < n; i++, k++) {
			EXPECT_EQ(MR_TRAFFIC_START_NS + k * MR_NS_PER_MS, mr_port_stamp(pkts[i])->time_ns);
			EXPECT_EQ(mr_port_stamp(pkts[i])->time_ns, mr_port_stamp(pkts[i])->clock_ns);
		}
		rte_pktmbuf_free_bulk(pkts, n);
	}
	EXPECT_EQ(1000u, k);
	EXPECT_EQ(MR_TRAFFIC_START_NS + 999 * MR_NS_PER_MS, p.port->end_clock_ns);
}

TEST(Synth, QueuesAreDisjointAndAddUp)
{
	const char *device = "synth:packets=20k,flows=333,new=100k";
	Port one(device), two(device, 2);
	std::map<std::string, int> queue_of, whole, parts;

	ASSERT_EQ(0, two.rc) << two.err.msg;
	for (auto &f : drain(one.port, 0))
		whole[f]++;
	for (uint16_t q = 0; q < 2; q++)
		for (auto &f : drain(two.port, q)) {
			EXPECT_EQ(q, queue_of.emplace(key(f), q).first->second) << "a flow on two queues";
			parts[f]++;
		}
	EXPECT_EQ(whole, parts);
}

TEST(Synth, QueuesRunAtOnce)
{
	Port p("synth:packets=40k,flows=1000,handshake=yes,tcp=100,new=50k", 2);
	size_t count[2] = {};
	std::thread other([&] { count[1] = drain(p.port, 1).size(); });

	ASSERT_EQ(0, p.rc) << p.err.msg;
	count[0] = drain(p.port, 0).size();
	other.join();
	EXPECT_EQ(40000u, count[0] + count[1]);
}

TEST(Synth, ExhaustedPoolLosesNothing)
{
	Port p("synth:packets=5000,flows=10", 1, 300);
	std::vector<rte_mbuf *> held;
	std::vector<std::string> frames;
	rte_mbuf *pkts[32];
	uint16_t n;

	ASSERT_EQ(0, p.rc) << p.err.msg;
	while ((n = mr_port_rx_burst(p.port, 0, pkts, 32)) != 0)
		held.insert(held.end(), pkts, pkts + n);
	EXPECT_GE(held.size(), 200u);
	EXPECT_LE(held.size(), 300u);
	EXPECT_FALSE(p.port->ops->finished(p.port, 0));
	for (auto *m : held) {
		frames.push_back(content(m));
		rte_pktmbuf_free(m);
	}
	for (auto &f : drain(p.port, 0))
		frames.push_back(f);
	Port free_flow("synth:packets=5000,flows=10");
	EXPECT_EQ(drain(free_flow.port, 0), frames);
	mr_port_stats stats;
	p.port->ops->stats(p.port, &stats);
	EXPECT_EQ(0u, stats.missed + stats.no_mbuf + stats.errors);
}

TEST(Synth, SendsIntoASink)
{
	Port p("synth:packets=5000", 1, 256);
	rte_mbuf *pkts[32];
	uint64_t sent = 0;

	ASSERT_EQ(0, p.rc) << p.err.msg;
	while (!p.port->ops->finished(p.port, 0)) {
		uint16_t n = mr_port_rx_burst(p.port, 0, pkts, 32);

		EXPECT_EQ(n, p.port->ops->tx_burst(p.port, 0, pkts, n));
		sent += n;
	}
	EXPECT_EQ(5000u, sent) << "more than the pool has: they were freed";
	EXPECT_EQ(5000u, mr_synth_sent(p.port));
}

TEST(Synth, PaceHoldsPacketsBack)
{
	uint64_t start_ns = mr_clock_mono_ns();
	Port p("synth:packets=500,rate=5k,pace=yes");

	ASSERT_EQ(0, p.rc) << p.err.msg;
	EXPECT_EQ(500u, drain(p.port, 0).size());
	EXPECT_GE(mr_clock_mono_ns() - start_ns, 99 * MR_NS_PER_MS); /* the last one is due after 99.8 ms */
}

TEST(Synth, FlowsComeAndGoByTheClock)
{
	Port p("synth:flows=10,new=1k");
	std::map<std::string, int> keys;
	uint64_t start_ns = mr_clock_mono_ns(), now_ns;
	rte_mbuf *pkts[32];

	ASSERT_EQ(0, p.rc) << p.err.msg;
	EXPECT_FALSE(p.port->flags & MR_PORT_HAS_TIME);
	do {
		uint16_t n = mr_port_rx_burst(p.port, 0, pkts, 32);

		for (uint16_t i = 0; i < n; i++)
			keys[key(content(pkts[i]))]++;
		rte_pktmbuf_free_bulk(pkts, n);
		now_ns = mr_clock_mono_ns();
	} while (now_ns < start_ns + 100 * MR_NS_PER_MS);
	/* a descheduled test may miss some that came and went, never see more */
	EXPECT_LE(keys.size(), 10 + (now_ns - start_ns) / MR_NS_PER_MS + 1);
	EXPECT_GT(keys.size(), 20u);
}

TEST(Synth, RefusesBadOptionsInOneLine)
{
	for (const char *device : { "synth:flows=0", "synth:what=1", "synth:tcp=80,icmp=30" }) {
		Port p(device);

		EXPECT_EQ(-EINVAL, p.rc) << device;
		EXPECT_NE('\0', p.err.msg[0]);
		EXPECT_EQ(nullptr, strchr(p.err.msg, '\n'));
		EXPECT_EQ(nullptr, p.port);
	}
}
