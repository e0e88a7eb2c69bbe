// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include <unistd.h>

#include <rte_mempool.h>

#include "../unit/capture_writer.h"
#include "base/mr_clock.h"
#include "drivers/port.h"
#include "drivers/replay/mr_capture.h"
#include "drivers/replay/mr_replay.h"

namespace fs = std::filesystem;

namespace {

struct Got {
	std::string data;
	uint64_t time_ns, clock_ns;
	uint32_t wire_len;
	uint32_t link;

	bool operator==(const Got &o) const
	{
		return std::tie(data, time_ns, clock_ns, wire_len, link) ==
		       std::tie(o.data, o.time_ns, o.clock_ns, o.wire_len, o.link);
	}
	bool operator<(const Got &o) const
	{
		return std::tie(data, time_ns, clock_ns, wire_len, link) <
		       std::tie(o.data, o.time_ns, o.clock_ns, o.wire_len, o.link);
	}
};

mr_port *open_port(const std::string &device, uint16_t queues, mr_err *err, uint32_t mbufs = 0)
{
	static bool up = mr_port_init(nullptr) == 0;
	mr_port_conf conf = {};
	mr_port *port = nullptr;

	EXPECT_TRUE(up);
	conf.name = "test";
	conf.device = device.c_str();
	conf.queues = queues;
	conf.mbufs = mbufs;
	conf.packet.vlan_in_key = true;
	int rc = mr_port_open(&conf, &port, err);
	EXPECT_EQ(rc == 0, port != nullptr);
	return port;
}

// Take a queue empty, at most max packets of it; every mbuf is checked to be whole.
std::vector<Got> take(mr_port *port, uint16_t queue, size_t max = SIZE_MAX, uint16_t burst = 32)
{
	std::vector<Got> all;
	rte_mbuf *pkts[MR_PORT_BURST_MAX];

	while (!port->ops->finished(port, queue) && all.size() < max) {
		uint16_t n = mr_port_rx_burst(port, queue, pkts, burst);
		for (uint16_t i = 0; i < n; i++) {
			rte_mbuf *m = pkts[i];
			EXPECT_EQ(1, rte_mbuf_refcnt_read(m));
			EXPECT_EQ(1, m->nb_segs);
			EXPECT_EQ(nullptr, m->next);
			EXPECT_EQ(0u, m->ol_flags);
			const struct mr_port_stamp *s = mr_port_stamp(m);
			all.push_back({ std::string(rte_pktmbuf_mtod(m, char *), m->data_len), s->time_ns, s->clock_ns,
					m->pkt_len, m->packet_type });
			m->data_off = 7; // whoever had it may have changed it
		}
		rte_pktmbuf_free_bulk(pkts, n);
	}
	return all;
}

// What the capture holds, by the reader itself, with the clock made here.
std::vector<Got> expected(const std::vector<std::string> &files)
{
	std::vector<const char *> paths;
	std::vector<Got> all;
	mr_capture *c = nullptr;
	mr_capture_packet p;
	uint64_t clock_ns = 0;

	for (const std::string &f : files)
		paths.push_back(f.c_str());
	EXPECT_EQ(0, mr_capture_open(paths.data(), paths.size(), &c, nullptr));
	while (mr_capture_read(c, &p, 1) != 0) {
		clock_ns = std::max(clock_ns, p.time_ns);
		all.push_back({ std::string(reinterpret_cast<const char *>(p.data), std::min(p.cap_len, 65535u)), p.time_ns,
				clock_ns, p.wire_len, p.link });
	}
	mr_capture_close(c);
	return all;
}

uint16_t checksum(const std::string &s, size_t off, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += static_cast<uint8_t>(s[off + i]) << 8 | static_cast<uint8_t>(s[off + i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return static_cast<uint16_t>(~sum);
}

// Ethernet, IPv4, UDP or, for frag_off > 0, whatever follows.
std::string ipv4(uint32_t src, uint32_t dst, uint16_t sport, uint16_t dport, uint16_t id = 0, uint16_t frag = 0,
		 uint16_t tag = 0)
{
	CaptureWriter ip(true), w(true);

	ip.u8(0x45).u8(0).u16(20 + 12).u16(id).u16(frag).u8(64).u8(17).u16(0).u32(src).u32(dst);
	const uint16_t sum = checksum(ip.out, 0, 20);
	ip.out[10] = static_cast<char>(sum >> 8);
	ip.out[11] = static_cast<char>(sum);
	w.bytes(std::string(12, '\2')).u16(0x0800).bytes(ip.out);
	if ((frag & 0x1fff) == 0)
		w.u16(sport).u16(dport).u16(12).u16(0);
	else
		w.bytes("fragment");
	return w.u16(tag).u16(0).out;
}

std::string ipv6(uint8_t src, uint8_t dst, uint16_t sport, uint16_t dport)
{
	CaptureWriter w(true);
	std::string a("\x20\x01\x0d\xb8", 4), pad(8, '\1');

	w.bytes(std::string(12, '\2')).u16(0x86dd).u32(0x60000000).u16(12).u8(17).u8(64);
	w.bytes(a).bytes(pad).u32(src).bytes(a).bytes(pad).u32(dst);
	return w.u16(sport).u16(dport).u16(12).u16(0).u32(0).out;
}

uint32_t be32(const std::string &s, size_t off)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++)
		v = v << 8 | static_cast<uint8_t>(s[off + i]);
	return v;
}

class Replay : public testing::Test {
protected:
	void SetUp() override
	{
		char name[] = "/tmp/mr_replay_XXXXXX";
		ASSERT_NE(nullptr, mkdtemp(name));
		dir = name;
	}
	void TearDown() override
	{
		fs::remove_all(dir);
	}
	// One second apart unless the caller says otherwise.
	std::string capture(const std::string &name, const std::vector<std::string> &frames,
			    const std::vector<uint32_t> &times = {})
	{
		CaptureWriter w(false);
		w.pcap_header(0xa1b2c3d4, 1);
		for (size_t i = 0; i < frames.size(); i++)
			w.pcap_record(times.empty() ? 1000 + static_cast<uint32_t>(i) : times[i], 0, frames[i],
				      static_cast<uint32_t>(frames[i].size()));
		const std::string path = dir + "/" + name;
		std::ofstream(path, std::ios::binary) << w.out;
		return path;
	}
	std::string dir;
};

// Flows in both directions, fragments in any order, other things, all mixed.
std::vector<std::string> mixed_frames(size_t count)
{
	std::vector<std::string> frames;
	uint32_t x = 12345;

	for (size_t i = 0; i < count; i++) {
		x = x * 1664525 + 1013904223;
		const uint32_t host = x >> 8 & 0x3f, server = x >> 16 & 7, kind = x >> 28;
		const uint16_t port = static_cast<uint16_t>(5000 + (x >> 20 & 15)), id = static_cast<uint16_t>(i);
		const uint32_t a = 0x0a000000 + host, b = 0x0a000020 + server;
		if (kind < 5) {
			frames.push_back(ipv4(a, b, port, 53));
		} else if (kind < 10) {
			frames.push_back(ipv4(b, a, 53, port));
		} else if (kind < 12) {
			frames.push_back(ipv6(static_cast<uint8_t>(host), 200, port, 443));
			frames.push_back(ipv6(200, static_cast<uint8_t>(host), 443, port));
		} else if (kind < 13) {
			frames.push_back(ipv4(a, b, port, 53, id, 0x2000, id));
			frames.push_back(ipv4(a, b, 0, 0, id, 0x0001, id));
		} else if (kind < 15) { // the first one comes last
			frames.push_back(ipv4(b, a, 0, 0, id, 0x0001, id));
			frames.push_back(ipv4(a, b, port, 53));
			frames.push_back(ipv4(b, a, 53, port, id, 0x2000, id));
		} else {
			frames.push_back(std::string(12, '\2') + std::string("\x08\x06", 2) + std::string(28, 'a'));
		}
	}
	// nothing comes after these which could make up for having forgotten them
	frames.push_back(ipv4(0x0a000009, 0x0a000008, 0, 0, static_cast<uint16_t>(count), 0x0001));
	frames.push_back(ipv4(0x0a000009, 0x0a000008, 77, 53, static_cast<uint16_t>(count), 0x2000));
	return frames;
}

// The flow of a frame by its octets: addresses and ports, in order; fragments by the flow of their datagram's tag.
std::string flow_of(const std::string &f, const std::map<uint16_t, std::string> &datagrams)
{
	if (f[12] == 8 && f[13] == 0) {
		const uint16_t frag = static_cast<uint16_t>(be32(f, 18)) & 0x3fff, id = static_cast<uint16_t>(be32(f, 16));
		if ((frag & 0x1fff) != 0)
			return datagrams.at(id);
		std::string a = f.substr(26, 4) + f.substr(34, 2), b = f.substr(30, 4) + f.substr(36, 2);
		return a < b ? a + b : b + a;
	}
	if (f[12] == 8)
		return "arp";
	std::string a = f.substr(22, 16) + f.substr(54, 2), b = f.substr(38, 16) + f.substr(56, 2);
	return a < b ? a + b : b + a;
}

std::map<uint16_t, std::string> datagrams_of(const std::vector<std::string> &frames)
{
	std::map<uint16_t, std::string> m;

	for (const std::string &f : frames)
		if (f[12] == 8 && f[13] == 0 && (be32(f, 18) & 0x3fff) == 0x2000)
			m[static_cast<uint16_t>(be32(f, 16))] = flow_of(f, m);
	return m;
}

} // namespace

TEST_F(Replay, AllPacketsArriveAsCaptured)
{
	const std::string file = capture("a.pcap", mixed_frames(1000));
	const std::vector<Got> want = expected({ file, file });

	for (uint16_t burst : { 1, 7, 64 }) {
		mr_err err = {};
		mr_port *port = open_port("replay:" + file + "," + file, 1, &err);
		ASSERT_NE(nullptr, port) << err.msg;
		EXPECT_EQ(MR_PORT_HAS_TIME | MR_PORT_HAS_LINK | MR_PORT_LOSSLESS | MR_PORT_FINITE | MR_PORT_FLOW_QUEUES,
			  static_cast<int>(port->flags));
		EXPECT_EQ(want, take(port, 0, SIZE_MAX, burst));
		EXPECT_EQ(want.back().clock_ns, port->end_clock_ns);
		EXPECT_EQ(0, port->ops->verdict(port, &err));
		rte_mbuf *m;
		EXPECT_EQ(0, mr_port_rx_burst(port, 0, &m, 1));
		port->ops->close(port);
	}
}

TEST_F(Replay, TheClockNeverGoesBack)
{
	const std::string file = capture("a.pcap", std::vector<std::string>(4, ipv4(1, 2, 3, 4)), { 50, 40, 60, 10 });
	mr_port *port = open_port("replay:" + file, 1, nullptr);
	std::vector<Got> got = take(port, 0);

	ASSERT_EQ(4u, got.size());
	EXPECT_EQ(50 * MR_NS_PER_S, got[1].clock_ns);
	EXPECT_EQ(40 * MR_NS_PER_S, got[1].time_ns);
	EXPECT_EQ(60 * MR_NS_PER_S, got[3].clock_ns);
	EXPECT_EQ(60 * MR_NS_PER_S, port->end_clock_ns);
	port->ops->close(port);
}

TEST_F(Replay, LongFramesAreCutButKeepTheirLength)
{
	CaptureWriter w(false);
	w.pcap_header(0xa1b2c3d4, 101).pcap_record(1, 0, std::string(70000, 'x'), 80000);
	const std::string path = dir + "/long.pcap";
	std::ofstream(path, std::ios::binary) << w.out;
	mr_port *port = open_port("replay:" + path, 1, nullptr);
	std::vector<Got> got = take(port, 0);

	ASSERT_EQ(1u, got.size());
	EXPECT_EQ(65535u, got[0].data.size());
	EXPECT_EQ(80000u, got[0].wire_len);
	EXPECT_EQ(static_cast<uint32_t>(MR_LINK_RAW), got[0].link);
	port->ops->close(port);
}

TEST_F(Replay, QueuesPartTheCaptureByFlow)
{
	const std::vector<std::string> frames = mixed_frames(4000);
	const std::string file = capture("a.pcap", frames);
	const std::map<uint16_t, std::string> datagrams = datagrams_of(frames);
	const std::vector<Got> want = expected({ file });

	for (uint16_t queues : { 2, 3, 8 }) {
		for (const char *options : { "", ";loop=2;shift=yes" }) {
			SCOPED_TRACE(testing::Message() << queues << " queues" << options);
			mr_err err = {};
			mr_port *port = open_port("replay:" + file + options, queues, &err);
			ASSERT_NE(nullptr, port) << err.msg;
			std::map<std::string, uint16_t> queue_of;
			std::vector<Got> all;
			for (uint16_t q = 0; q < queues; q++) {
				std::vector<Got> got = take(port, q);
				// of two rounds the second one is the same packets again
				if (*options != '\0')
					got.resize(got.size() / 2);
				EXPECT_LT(got.size(), want.size());
				EXPECT_LT(want.size() / queues / 4, got.size());
				for (size_t i = 0; i < got.size(); i++) {
					EXPECT_EQ(q, queue_of.emplace(flow_of(got[i].data, datagrams), q).first->second);
					if (i != 0) { // one second each: the order of the source
						EXPECT_LT(got[i - 1].time_ns, got[i].time_ns);
					}
				}
				all.insert(all.end(), got.begin(), got.end());
			}
			EXPECT_EQ(want.back().clock_ns + (*options != '\0' ? frames.size() * MR_NS_PER_S : 0),
				  port->end_clock_ns);
			std::sort(all.begin(), all.end(),
				  [](const Got &a, const Got &b) { return a.time_ns < b.time_ns; });
			EXPECT_EQ(want, all);
			port->ops->close(port);
		}
	}
}

// What was shifted into another flow's addresses must be where that flow is.
TEST_F(Replay, ShiftedFlowsStayOnOneQueue)
{
	std::vector<std::string> frames;
	for (uint32_t i = 0; i < 64; i++) {
		frames.push_back(ipv4(0x0a0000f0 + i, 0x0a000100 + i, 7, 9));
		frames.push_back(ipv4(0x0a000100 + i, 0x0a0000f0 + i, 9, 7));
		frames.push_back(ipv4(0xfffffff0 + i, 0xffffff80 + i, static_cast<uint16_t>(i & 3), 9));
		frames.push_back(ipv6(static_cast<uint8_t>(i), static_cast<uint8_t>(i + 90), static_cast<uint16_t>(i & 7), 8));
		frames.push_back(ipv6(static_cast<uint8_t>(i + 90), static_cast<uint8_t>(i), 8, static_cast<uint16_t>(i & 7)));
	}
	const std::string file = capture("a.pcap", frames);
	mr_port *port = open_port("replay:" + file + ";loop=40;shift=yes", 4, nullptr);
	std::map<std::string, uint16_t> queue_of;
	std::set<uint16_t> used;

	for (uint16_t q = 0; q < 4; q++)
		for (const Got &g : take(port, q)) {
			EXPECT_EQ(q, queue_of.emplace(flow_of(g.data, {}), q).first->second);
			used.insert(q);
		}
	EXPECT_LT(2u, used.size());
	port->ops->close(port);
}

TEST_F(Replay, RoundsAreLaterAndShifted)
{
	const std::string v4 = ipv4(0x0a0000ff, 0xffffffff, 1, 2), v6 = ipv6(5, 255, 1, 2),
			  arp = std::string(12, '\2') + std::string("\x08\x06", 2) + std::string(28, 'a');
	const std::string file = capture("a.pcap", { v4, v6, arp });
	mr_err err = {};
	mr_port *port = open_port("replay:" + file + ";loop=300;shift=yes", 1, &err);
	ASSERT_NE(nullptr, port) << err.msg;
	std::vector<Got> got = take(port, 0);

	ASSERT_EQ(900u, got.size());
	for (uint32_t round = 0; round < 300; round++) {
		SCOPED_TRACE(round);
		const Got &g4 = got[3 * round], &g6 = got[3 * round + 1], &ga = got[3 * round + 2];
		EXPECT_EQ((1000 + 3 * uint64_t{ round }) * MR_NS_PER_S, g4.time_ns); // 2 s long, 1 s between
		EXPECT_EQ(g4.time_ns, g4.clock_ns);
		EXPECT_EQ(0x0a0000ff + round, be32(g4.data, 26));
		EXPECT_EQ(0xffffffff + round, be32(g4.data, 30));
		EXPECT_EQ(0, checksum(g4.data, 14, 20)); // a right checksum sums up to nothing
		EXPECT_EQ(v4.substr(34), g4.data.substr(34));
		EXPECT_EQ(v4.substr(0, 24), g4.data.substr(0, 24));
		EXPECT_EQ(v6.substr(22, 12), g6.data.substr(22, 12));
		EXPECT_EQ(5 + round, be32(g6.data, 34));
		EXPECT_EQ(255 + round, be32(g6.data, 50));
		EXPECT_EQ(v6.substr(54), g6.data.substr(54));
		EXPECT_EQ(arp, ga.data);
	}
	EXPECT_EQ(got.back().clock_ns, port->end_clock_ns);
	port->ops->close(port);
}

TEST_F(Replay, LoopWithoutEndGoesOn)
{
	const std::string file = capture("a.pcap", { ipv4(1, 2, 3, 4), ipv4(1, 2, 3, 4) });
	mr_port *port = open_port("replay:" + file + ";loop=0", 1, nullptr);

	EXPECT_EQ(0u, port->flags & MR_PORT_FINITE);
	std::vector<Got> got = take(port, 0, 10000);
	EXPECT_LE(10000u, got.size());
	EXPECT_TRUE(std::is_sorted(got.begin(), got.end(),
				   [](const Got &a, const Got &b) { return a.clock_ns < b.clock_ns; }));
	port->ops->close(port);
}

TEST_F(Replay, NothingIsLostWhenBuffersRunOut)
{
	const std::string file = capture("a.pcap", mixed_frames(500));
	const std::vector<Got> want = expected({ file });
	mr_port *port = open_port("replay:" + file, 1, nullptr, 127);
	std::vector<rte_mbuf *> held;
	rte_mbuf *pkts[64];
	std::vector<Got> got;

	while (uint16_t n = mr_port_rx_burst(port, 0, pkts, 16))
		held.insert(held.end(), pkts, pkts + n);
	EXPECT_FALSE(port->ops->finished(port, 0));
	EXPECT_LE(64u, held.size());
	for (rte_mbuf *m : held)
		got.push_back({ std::string(rte_pktmbuf_mtod(m, char *), m->data_len), mr_port_stamp(m)->time_ns,
				mr_port_stamp(m)->clock_ns, m->pkt_len, m->packet_type });
	rte_pktmbuf_free_bulk(held.data(), static_cast<unsigned>(held.size()));
	for (const Got &g : take(port, 0))
		got.push_back(g);
	EXPECT_EQ(want, got);
	mr_port_stats stats;
	port->ops->stats(port, &stats);
	EXPECT_EQ(0u, stats.missed + stats.no_mbuf + stats.errors);
	port->ops->close(port);
}

TEST_F(Replay, RateIsKeptAndTimesAreNow)
{
	std::vector<std::string> frames(200, ipv4(1, 2, 3, 4));
	const std::string file = capture("a.pcap", frames);

	for (const char *loop : { "", ";loop=2" }) {
		mr_port *port = open_port("replay:" + file + ";rate=2k" + loop, 1, nullptr);
		const uint64_t wall = mr_clock_wall_ns(), mono = mr_clock_mono_ns();
		std::vector<Got> got = take(port, 0);
		const uint64_t took = mr_clock_mono_ns() - mono;
		const size_t n = *loop == '\0' ? 200 : 400;

		ASSERT_EQ(n, got.size());
		EXPECT_LE((n - 1) * 500000, took); // 2000 a second
		EXPECT_LE(wall - MR_NS_PER_MS, got[0].time_ns);
		EXPECT_GE(mr_clock_wall_ns() + MR_NS_PER_MS, got.back().time_ns);
		for (size_t i = 1; i < n; i++)
			EXPECT_EQ(got[0].time_ns + i * 500000, got[i].time_ns);
		EXPECT_EQ(got.back().clock_ns, port->end_clock_ns);
		port->ops->close(port);
	}
}

TEST_F(Replay, CapturedGapsAreKept)
{
	CaptureWriter w(false);
	w.pcap_header(0xa1b23c4d, 1);
	const uint64_t ms[] = { 0, 30, 20, 80 }; // one before its predecessor
	for (uint64_t t : ms)
		w.pcap_record(777, static_cast<uint32_t>(t * 1000000), ipv4(1, 2, 3, 4), 60);
	const std::string path = dir + "/gaps.pcap";
	std::ofstream(path, std::ios::binary) << w.out;

	for (uint16_t queues : { 1, 2 }) {
		mr_port *port = open_port("replay:" + path + ";timing=captured", queues, nullptr);
		const uint64_t mono = mr_clock_mono_ns();
		std::vector<Got> got;
		for (uint16_t q = 0; q < queues; q++)
			for (const Got &g : take(port, q))
				got.push_back(g);
		ASSERT_EQ(4u, got.size());
		EXPECT_LE(80 * MR_NS_PER_MS, mr_clock_mono_ns() - mono);
		for (size_t i = 0; i < 4; i++)
			EXPECT_EQ(got[0].time_ns + ms[i] * MR_NS_PER_MS, got[i].time_ns);
		EXPECT_EQ(got[0].time_ns + 30 * MR_NS_PER_MS, got[2].clock_ns);
		port->ops->close(port);
	}
}

TEST_F(Replay, QueuesRunInParallel)
{
	const std::string file = capture("a.pcap", mixed_frames(20000));
	const size_t want = expected({ file }).size();
	mr_port *port = open_port("replay:" + file + ";loop=3", 2, nullptr);
	size_t n0 = 0;
	std::thread other([&] { n0 = take(port, 0).size(); });
	const size_t n1 = take(port, 1).size();

	other.join();
	EXPECT_EQ(3 * want, n0 + n1);
	port->ops->close(port);
}

TEST_F(Replay, TornCaptureIsToldAndCounted)
{
	const std::string file = capture("a.pcap", mixed_frames(10));
	fs::resize_file(file, fs::file_size(file) - 3);

	for (uint16_t queues : { 1, 2 }) {
		mr_port *port = open_port("replay:" + file, queues, nullptr);
		for (uint16_t q = 0; q < queues; q++)
			take(port, q);
		mr_port_stats stats;
		mr_err err = {};
		port->ops->stats(port, &stats);
		EXPECT_EQ(1u, stats.errors);
		EXPECT_EQ(-EBADMSG, port->ops->verdict(port, &err));
		EXPECT_EQ(0u, std::string(err.msg).find(file + ": cut at octet ")) << err.msg;
		port->ops->close(port);
	}
}

TEST_F(Replay, EmptyCaptureFinishes)
{
	const std::string file = capture("a.pcap", {});

	for (const char *options : { "", ";loop=0", ";rate=10", ";loop=3;shift=yes" })
		for (uint16_t queues : { 1, 2 }) {
			mr_port *port = open_port("replay:" + file + options, queues, nullptr);
			ASSERT_NE(nullptr, port);
			EXPECT_EQ(0u, take(port, 0).size());
			EXPECT_TRUE(port->ops->finished(port, 0));
			port->ops->close(port);
		}
}

TEST_F(Replay, DeviceTextIsJudged)
{
	const std::string file = capture("a.pcap", { ipv4(1, 2, 3, 4) });
	const struct {
		std::string device;
		const char *says;
	} rows[] = {
		{ "replay:", "a file name is missing" },
		{ "replay:" + file + ",", "a file name is missing" },
		{ "replay:" + file + ";loop", "\"loop\" has no value" },
		{ "replay:" + file + ";loop=x", "loop=x: give a number of rounds" },
		{ "replay:" + file + ";loop=-1", "loop=-1: give a number of rounds" },
		{ "replay:" + file + ";loop=5G", "loop=5G: give a number of rounds" },
		{ "replay:" + file + ";rate=0", "rate=0: give packets a second" },
		{ "replay:" + file + ";rate=2G", "rate=2G: give packets a second" },
		{ "replay:" + file + ";rate=99999999999999999999", "give packets a second" },
		{ "replay:" + file + ";rate=1kk", "rate=1kk: give packets a second" },
		{ "replay:" + file + ";shift=maybe", "shift=maybe: say yes or no" },
		{ "replay:" + file + ";shift=yes", "shift is for later rounds" },
		{ "replay:" + file + ";timing=slow", "timing=slow: only \"captured\" is known" },
		{ "replay:" + file + ";timing=captured;rate=5", "rate and timing exclude each other" },
		{ "replay:" + file + ";lop=2", "option \"lop\" is not known" },
		{ "replay:/nowhere/x.pcap", "/nowhere/x.pcap: cannot be opened" },
	};

	for (const auto &row : rows) {
		SCOPED_TRACE(row.device);
		mr_err err = {};
		EXPECT_EQ(nullptr, open_port(row.device, 1, &err));
		EXPECT_NE(std::string::npos, std::string(err.msg).find(row.says)) << err.msg;
	}
	mr_err err = {};
	EXPECT_EQ(nullptr, open_port("replay:" + file, 0, &err));
	EXPECT_EQ(nullptr, open_port("replay:" + file, 1, &err, 1u << 30));
	EXPECT_NE(std::string::npos, std::string(err.msg).find("no memory for 1073741824 packet buffers")) << err.msg;
}

TEST_F(Replay, AnyFileNameCanBeGiven)
{
	const std::string odd = capture("a,b;c\\d=e.pcap", { ipv4(1, 2, 3, 4) }), plain = capture("a.pcap", {});
	const char *files[] = { odd.c_str(), plain.c_str(), odd.c_str() };
	char *device = mr_replay_device(files, 3, "loop=2");
	mr_err err = {};

	ASSERT_NE(nullptr, device);
	mr_port *port = open_port(device, 1, &err);
	ASSERT_NE(nullptr, port) << err.msg;
	EXPECT_EQ(4u, take(port, 0).size());
	port->ops->close(port);
	free(device);
}

// Every shared capture: one queue gives what the reader gives, three queues the same set.
TEST_F(Replay, SharedCaptures)
{
	const char *shared = getenv("MILLRACE_SHARED"), *source = getenv("MILLRACE_SOURCE"), *ci = getenv("CI");
	const fs::path from = shared != nullptr ? fs::path(shared) / "captures" :
						  fs::path(source != nullptr ? source : ".") / "../shared/captures";
	size_t files = 0;

	if (!fs::exists(from)) {
		ASSERT_FALSE(ci != nullptr && std::string(ci) == "true") << "no shared captures at " << from;
		GTEST_SKIP() << "no shared captures at " << from << " (set MILLRACE_SHARED)";
	}
	for (const auto &e : fs::recursive_directory_iterator(from)) {
		const std::string ext = e.path().extension(), path = e.path();
		if (ext != ".pcap" && ext != ".pcapng")
			continue;
		SCOPED_TRACE(path);
		files++;
		std::vector<Got> want = expected({ path });
		mr_port *port = open_port("replay:" + path, 1, nullptr);
		ASSERT_EQ(want, take(port, 0));
		port->ops->close(port);
		port = open_port("replay:" + path, 3, nullptr);
		std::vector<Got> all;
		for (uint16_t q = 0; q < 3; q++)
			for (const Got &g : take(port, q))
				all.push_back(g);
		std::sort(want.begin(), want.end());
		std::sort(all.begin(), all.end());
		ASSERT_EQ(want, all);
		port->ops->close(port);
	}
	EXPECT_LT(1000u, files);
}
