// SPDX-License-Identifier: Apache-2.0
// The traffic model. Frames are read back by a decoder of this file's own, which shares no code with the
// builder.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "drivers/synth/mr_build.h"
#include "drivers/synth/mr_traffic.h"

namespace
{

using Bytes = std::vector<uint8_t>;

struct Packet {
	uint64_t number, time_ns;
	Bytes frame;
};

struct Model {
	mr_traffic *t = nullptr;

	explicit Model(const std::string &text)
	{
		mr_traffic_conf conf;
		mr_err err = {};

		EXPECT_EQ(0, mr_traffic_conf_parse(text.c_str(), &conf, &err)) << err.msg;
		EXPECT_EQ(0, mr_traffic_create(&conf, &t, &err)) << err.msg;
	}
	~Model()
	{
		mr_traffic_free(t);
	}
	Model(const Model &) = delete;
	Model &operator=(const Model &) = delete;

	/* All packets of one queue, made in bursts of @p burst into buffers that are used again. */
	std::vector<Packet> queue(uint16_t q, uint16_t queues, uint16_t burst = 32)
	{
		std::vector<Bytes> room(burst, Bytes(MR_TRAFFIC_WIRE_MAX + MR_TRAFFIC_HEAD));
		std::vector<uint8_t *> data;
		auto batch = std::make_unique<mr_traffic_batch>();
		std::vector<Packet> out;
		mr_traffic_cursor cur;
		uint16_t n;

		for (auto &r : room)
			data.push_back(r.data());
		mr_traffic_cursor_init(t, q, queues, &cur);
		while ((n = mr_traffic_burst(&cur, data.data(), batch.get(), burst, UINT64_MAX,
					     MR_TRAFFIC_BY_NUMBER)) != 0)
			for (uint16_t i = 0; i < n; i++) {
				uint64_t k = batch->number[i];

				out.push_back({ k, mr_traffic_time(t, k),
						Bytes(data[i], data[i] + batch->frame_len[i]) });
			}
		return out;
	}
};

std::vector<Packet> make(const std::string &text, uint16_t burst = 32)
{
	return Model(text).queue(0, 1, burst);
}

uint32_t be(const uint8_t *p, int n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* RFC 1071 by the book: big-endian words, end-around carry at each step. 0xffff: right. */
uint32_t ones_sum(const uint8_t *p, size_t n, uint32_t sum = 0)
{
	for (size_t i = 0; i < n; i++) {
		sum += i % 2 == 0 ? p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

struct Decoded {
	int family = 0, proto = 0, vlan = -1;
	std::string src, dst;
	uint32_t src_port = 0, dst_port = 0, seq = 0, ack = 0, flags = 0, payload = 0, icmp_type = 0;
	size_t ip_len = 0;

	/* the same for both directions */
	auto key() const
	{
		if (proto == 1 || proto == 58)
			return std::make_tuple(proto, std::min(src, dst), std::max(src, dst), src_port, 0u);
		return src < dst ? std::make_tuple(proto, src, dst, src_port, dst_port)
				 : std::make_tuple(proto, dst, src, dst_port, src_port);
	}
	bool from_client() const
	{
		return src_port >= 49152;
	}
};

/* Decode, checking lengths and checksums on the way. */
Decoded decode(const Bytes &f)
{
	Decoded d;
	size_t l3 = 14;
	uint32_t type = be(&f[12], 2);

	if (type == 0x8100) {
		d.vlan = be(&f[14], 2) & 0xfff;
		type = be(&f[16], 2);
		l3 = 18;
	}
	d.family = type == 0x0800 ? 4 : 6;
	EXPECT_TRUE(type == 0x0800 || type == 0x86dd);
	const uint8_t *ip = &f[l3];
	size_t hlen = d.family == 4 ? 20 : 40, alen = d.family == 4 ? 4 : 16, aoff = d.family == 4 ? 12 : 8;

	d.ip_len = d.family == 4 ? be(ip + 2, 2) : be(ip + 4, 2) + 40;
	d.proto = d.family == 4 ? ip[9] : ip[6];
	d.src.assign((const char *)ip + aoff, alen);
	d.dst.assign((const char *)ip + aoff + alen, alen);
	if (d.ip_len < hlen || l3 + d.ip_len > f.size()) {
		ADD_FAILURE() << "IP length";
		return d;
	}
	if (d.family == 4) {
		EXPECT_EQ(0xffffu, ones_sum(ip, 20));
	}
	const uint8_t *l4 = ip + hlen;
	size_t l4_len = d.ip_len - hlen, header = 8;
	uint32_t pseudo = ones_sum(ip + aoff, 2 * alen, (uint32_t)l4_len + d.proto);

	EXPECT_EQ(0xffffu, ones_sum(l4, l4_len, d.proto == 1 ? 0 : pseudo));
	d.src_port = be(l4, 2);
	d.dst_port = be(l4 + 2, 2);
	if (d.proto == 6) {
		header = (l4[12] >> 4) * 4;
		d.seq = be(l4 + 4, 4);
		d.ack = be(l4 + 8, 4);
		d.flags = l4[13];
	} else if (d.proto == 17) {
		EXPECT_EQ(l4_len, be(l4 + 4, 2));
		EXPECT_NE(0u, be(l4 + 6, 2));
	} else {
		EXPECT_TRUE(d.proto == 1 || d.proto == 58) << d.proto;
		d.icmp_type = l4[0];
		d.src_port = be(l4 + 4, 2);
		d.dst_port = be(l4 + 6, 2);
	}
	d.payload = (uint32_t)(l4_len - header);
	return d;
}

bool same(const std::vector<Packet> &a, const std::vector<Packet> &b)
{
	if (a.size() != b.size())
		return false;
	for (size_t i = 0; i < a.size(); i++)
		if (a[i].number != b[i].number || a[i].time_ns != b[i].time_ns || a[i].frame != b[i].frame)
			return false;
	return true;
}

const char *const kinds[] = {
	"packets=5k,flows=77",
	"packets=5k,flows=1",
	"packets=5k,flows=500,tcp=50,icmp=10,ipv6=40,size=imix,new=100k",
	"packets=5k,flows=500,tcp=50,icmp=10,ipv6=40,size=imix,order=roundrobin,vlan=9,new=100k",
	"packets=5k,flows=50,tcp=80,icmp=10,ipv6=40,handshake=yes,size=imix,new=10k",
	"packets=5k,flows=50,tcp=80,ipv6=40,handshake=yes,new=10k,synflood=30,order=roundrobin",
	"packets=5k,attack=synflood",
	"packets=1k,ipv6=100,tcp=100,size=1518",
	"packets=1k,size=9018",
	"packets=5k,flows=50,mix=web,ipv6=40,new=1k",
	"packets=5k,flows=50,mix=web,ipv6=40,new=1k,vlan=3,lost=10,retransmit=10,reorder=10,synflood=20",
};

} // namespace

TEST(Traffic, SameSeedSameOctetsWhateverTheBurst)
{
	for (std::string kind : kinds) {
		auto packets = make(kind);

		EXPECT_TRUE(same(packets, make(kind, 7))) << kind;
		EXPECT_TRUE(same(packets, make(kind, 64))) << kind;
		EXPECT_FALSE(same(packets, make(kind + ",seed=2"))) << kind;
	}
}

TEST(Traffic, OctetsStayWhatTheyWere)
{
	/* captures made long ago are compared with new ones: FNV-1a over all frames */
	const std::map<std::string, uint64_t> sums = {
		{ "packets=5k,flows=77", 0x7089abef8c10f66f },
		{ "packets=5k,flows=500,tcp=50,icmp=10,ipv6=40,size=imix,new=100k", 0xde0b603ad24a2052 },
		{ "packets=5k,flows=500,tcp=50,icmp=10,ipv6=40,size=imix,order=roundrobin,vlan=9,new=100k",
		  0xca502a996f145744 },
		{ "packets=5k,flows=50,tcp=80,icmp=10,ipv6=40,handshake=yes,size=imix,new=10k",
		  0x6ebe8428545521e6 },
		{ "packets=5k,attack=synflood", 0xb3a60341ec4d0195 },
	};

	for (auto &[kind, wanted] : sums) {
		uint64_t sum = 0xcbf29ce484222325;

		for (auto &p : make(kind))
			for (uint8_t octet : p.frame)
				sum = (sum ^ octet) * 0x100000001b3;
		EXPECT_EQ(wanted, sum) << kind;
	}
}

TEST(Traffic, QueuesTogetherMakeTheSamePackets)
{
	for (std::string kind : kinds) {
		auto whole = make(kind);

		for (uint16_t queues : { 2, 3, 8, 100 }) {
			Model model(kind);
			std::vector<Packet> merged(whole.size());
			std::map<decltype(Decoded().key()), uint16_t> queue_of;
			size_t count = 0;

			for (uint16_t q = 0; q < queues; q++)
				for (auto &p : model.queue(q, queues)) {
					ASSERT_LT(p.number, merged.size());
					auto [it, fresh] = queue_of.emplace(decode(p.frame).key(), q);

					ASSERT_EQ(q, it->second) << kind << ": a flow on two queues";
					merged[p.number] = std::move(p);
					count++;
				}
			EXPECT_EQ(whole.size(), count);
			EXPECT_TRUE(same(whole, merged)) << kind << " with " << queues << " queues";
		}
	}
}

TEST(Traffic, LengthsAndChecksumsAreRight)
{
	for (std::string kind : kinds)
		for (auto &p : make(kind)) {
			decode(p.frame);
			if (HasFailure())
				FAIL() << kind << ", packet " << p.number;
		}
}

TEST(Traffic, FlowsAreExact)
{
	for (uint32_t flows : { 1u, 2u, 63u, 64u, 65u, 1000u, 4097u }) {
		std::string text = "order=roundrobin,tcp=30,icmp=3,ipv6=20,flows=" + std::to_string(flows);
		std::set<decltype(Decoded().key())> keys;

		for (auto &p : make(text + ",packets=" + std::to_string(flows)))
			keys.insert(decode(p.frame).key());
		EXPECT_EQ(flows, keys.size()) << "each flow once before one comes again";
		for (auto &p : make(text + ",packets=" + std::to_string(5 * flows)))
			keys.insert(decode(p.frame).key());
		EXPECT_EQ(flows, keys.size());
	}
}

TEST(Traffic, NewFlowsComeAtTheirRate)
{
	/* ten seconds of model time */
	std::set<decltype(Decoded().key())> keys;

	for (auto &p : make("packets=100k,rate=10k,flows=500,new=300,order=roundrobin"))
		keys.insert(decode(p.frame).key());
	EXPECT_NEAR(500 + 10 * 300, keys.size(),
		    500 * 300 / 10000 + 64); /* the last ones have had no turn yet */

	std::map<decltype(Decoded().key()), std::pair<uint64_t, uint64_t>> seen;

	for (auto &p : make("packets=100k,rate=10k,flows=100,new=100"))
		seen.emplace(decode(p.frame).key(), std::make_pair(p.time_ns, 0)).first->second.second =
			p.time_ns;
	for (auto &[key, span] : seen) /* a flow lives flows / new = 1 s */
		EXPECT_LE(span.second - span.first, 1010000000u);
}

TEST(Traffic, SizesAreAsOnTheWire)
{
	for (uint32_t size : { 64, 65, 128, 1500, 1518, 9018 })
		for (auto &p : make("packets=100,size=" + std::to_string(size)))
			ASSERT_EQ(size - MR_TRAFFIC_FCS, p.frame.size());
	for (auto &p : make("packets=100,size=64,ipv6=100,tcp=100"))
		ASSERT_EQ(14u + 40 + 20, p.frame.size()) << "raised to what the headers need";

	std::map<size_t, int> sizes;

	for (auto &p : make("packets=120k,size=imix"))
		sizes[p.frame.size()]++;
	EXPECT_EQ(3u, sizes.size());
	EXPECT_NEAR(70000, sizes[60], 1000);
	EXPECT_NEAR(40000, sizes[590], 1000);
	EXPECT_NEAR(10000, sizes[1514], 1000);
}

TEST(Traffic, SharesAreKept)
{
	int v6 = 0, tcp = 0, icmp = 0, client = 0, tagged = 0;

	for (auto &p :
	     make("packets=50k,flows=50k,order=roundrobin,ipv6=30,tcp=60,icmp=5,reply=20,vlan=12")) {
		Decoded d = decode(p.frame);

		v6 += d.family == 6;
		tcp += d.proto == 6;
		icmp += d.proto == 1 || d.proto == 58;
		client += d.proto == 1 || d.proto == 58 ? d.icmp_type == 8 || d.icmp_type == 128
							: d.from_client();
		tagged += d.vlan == 12;
	}
	EXPECT_NEAR(15000, v6, 500);
	EXPECT_NEAR(30000, tcp, 500);
	EXPECT_NEAR(2500, icmp, 250);
	EXPECT_NEAR(40000, client, 500);
	EXPECT_EQ(50000, tagged);
	for (auto &p : make("packets=1k,reply=0"))
		ASSERT_TRUE(decode(p.frame).from_client());
	for (auto &p : make("packets=1k,ipv6=100,icmp=100,reply=100"))
		ASSERT_EQ(129u, decode(p.frame).icmp_type);
}

TEST(Traffic, TimeFollowsTheRate)
{
	uint64_t k = 0;

	for (auto &p : make("packets=3k,rate=3")) {
		EXPECT_EQ(k, p.number);
		EXPECT_NEAR((double)(MR_TRAFFIC_START_NS + k * 1000000000 / 3) - (double)p.time_ns, 0, 512);
		k++;
	}
	EXPECT_EQ(500u, make("duration=500ms,rate=1k").size());
	EXPECT_EQ(100u, make("duration=500ms,rate=1k,packets=100").size());
	Model endless("rate=1k");
	EXPECT_EQ(UINT64_MAX, mr_traffic_packets(endless.t));
	EXPECT_EQ(1u, mr_traffic_due(endless.t, 0));
	EXPECT_EQ(1001u, mr_traffic_due(endless.t, 1000000000));
}

TEST(Traffic, TcpFlowsAreWhole)
{
	enum { NONE, SYN, SYN_ACK, OPEN, FIN, FIN_FIN, CLOSED };
	struct Connection {
		int state = NONE;
		uint32_t next[2] = {}; /* sequence number due from server [0] and client [1] */
		bool closer = false;
	};
	std::map<decltype(Decoded().key()), Connection> all;
	int fin = 0, rst = 0;

	for (auto &p :
	     make("packets=200k,rate=100k,flows=200,new=1k,tcp=100,ipv6=30,handshake=yes,size=imix")) {
		Decoded d = decode(p.frame);
		Connection &c = all[d.key()];
		bool client = d.from_client();

		if (c.state != NONE && !(c.state == SYN && !client)) {
			ASSERT_EQ(c.next[client], d.seq) << p.number;
		}
		if (d.flags & MR_TCP_ACK) {
			ASSERT_EQ(c.next[!client], d.ack) << p.number;
		}
		c.next[client] = d.seq + d.payload + ((d.flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0);
		if (d.flags == MR_TCP_SYN) {
			ASSERT_EQ(NONE, c.state);
			ASSERT_TRUE(client);
			c.state = SYN;
		} else if (d.flags == (MR_TCP_SYN | MR_TCP_ACK)) {
			ASSERT_EQ(SYN, c.state);
			ASSERT_FALSE(client);
			c.state = SYN_ACK;
		} else if (d.flags & MR_TCP_RST) {
			ASSERT_EQ(OPEN, c.state);
			c.state = CLOSED;
			rst++;
		} else if (d.flags & MR_TCP_FIN) {
			ASSERT_TRUE(c.state == OPEN || (c.state == FIN && client != c.closer));
			c.closer = c.state == OPEN ? client : c.closer;
			c.state = c.state == OPEN ? FIN : FIN_FIN;
		} else if (c.state == FIN_FIN) {
			ASSERT_EQ(0u, d.payload);
			c.state = CLOSED;
			fin++;
		} else {
			ASSERT_TRUE(c.state == SYN_ACK || c.state == OPEN) << c.state;
			c.state = OPEN;
		}
	}
	/* two seconds of 1,000 new flows, less what is under way at the end */
	EXPECT_NEAR(200 + 2000, all.size(), 120);
	EXPECT_NEAR(2000, fin + rst, 120);
	EXPECT_NEAR(1.0 / 8, 1.0 * rst / (fin + rst), 0.04);
}

TEST(Traffic, EchoRequestsAreAnswered)
{
	std::map<decltype(Decoded().key()), int> requests;

	for (auto &p : make("packets=5k,flows=20,icmp=100,ipv6=50,handshake=yes")) {
		Decoded d = decode(p.frame);
		bool reply = d.icmp_type == 0 || d.icmp_type == 129;

		ASSERT_EQ(reply ? 1 : 0, requests[d.key()] & 1);
		ASSERT_EQ((uint32_t)requests[d.key()]++ / 2, d.dst_port);
	}
	EXPECT_EQ(20u, requests.size());
}

TEST(Traffic, SynFloodIsNewFlowsOnly)
{
	std::set<decltype(Decoded().key())> forged;
	int others = 0;

	for (auto &p : make("packets=50k,flows=100,synflood=40")) {
		Decoded d = decode(p.frame);

		if (d.proto == 6) {
			EXPECT_EQ((uint32_t)MR_TCP_SYN, d.flags);
			EXPECT_EQ(60u, p.frame.size());
			EXPECT_TRUE(forged.insert(d.key()).second) << "a source came again";
		} else {
			others++;
		}
	}
	EXPECT_NEAR(20000, forged.size(), 500);
	EXPECT_EQ(50000u, forged.size() + others);
	/* every packet is one at 100 per cent */
	std::set<decltype(Decoded().key())> all;
	for (auto &p : make("packets=50k,attack=synflood"))
		all.insert(decode(p.frame).key());
	EXPECT_EQ(50000u, all.size());
}

TEST(TrafficConf, ReadsValues)
{
	mr_traffic_conf c;
	mr_err err = {};

	ASSERT_EQ(0, mr_traffic_conf_parse("", &c, &err));
	EXPECT_EQ(1000u, c.flows);
	EXPECT_EQ(64u, c.size);
	EXPECT_EQ(nullptr, c.attack);
	ASSERT_EQ(0, mr_traffic_conf_parse(
			     "flows=16M,new=2k,rate=1G,size=imix,duration=1500ms,vlan=none,pace=yes,"
			     "order=roundrobin,time=real,synflood=7,attack=synflood",
			     &c, &err))
		<< err.msg;
	EXPECT_EQ(16000000u, c.flows);
	EXPECT_EQ(2000u, c.new_per_s);
	EXPECT_EQ(1000000000u, c.rate_pps);
	EXPECT_EQ(0u, c.size);
	EXPECT_EQ(1500000000u, c.duration_ns);
	EXPECT_EQ(0xfffu, c.vlan);
	EXPECT_EQ(1u, c.pace);
	EXPECT_EQ((uint64_t)MR_TRAFFIC_ROUNDROBIN, c.order);
	EXPECT_EQ((uint64_t)MR_TRAFFIC_TIME_REAL, c.time);
	EXPECT_EQ(7u, c.attack_pct) << "attack= keeps a share given before";
}

TEST(TrafficConf, RefusesWithTheKeyInTheLine)
{
	const struct {
		const char *text, *part;
	} cases[] = {
		{ "flow=1", "flow: no such key; there are seed, flows," },
		{ "flow=1", "synflood" },
		{ "flows=0", "flows=0: takes a number from 1" },
		{ "flows=1x", "flows=1x" },
		{ "flows=1kk", "flows=1kk" },
		{ "flows=-1", "flows=-1" },
		{ "flows=99999999999999999999", "flows=" },
		{ "flows=99999999999G", "flows=" },
		{ "flows=", "flows=" },
		{ "flows", "want key=value" },
		{ "=1", "want key=value" },
		{ "flows=1,,new=1", "want key=value" },
		{ "size=63", "size=63: takes a number from 64 to 9018 (k, M, G allowed) or imix" },
		{ "ipv6=101", "per cent" },
		{ "handshake=maybe", "yes or no" },
		{ "order=sorted", "random|roundrobin" },
		{ "duration=5h", "a time like" },
		{ "attack=teardrop", "none|synflood" },
		{ "synflood=101", "per cent" },
		{ "vlan=4095", "vlan=4095" },
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=1", "want key=value" },
	};

	for (auto &c : cases) {
		mr_traffic_conf conf;
		mr_err err = {};

		EXPECT_EQ(-EINVAL, mr_traffic_conf_parse(c.text, &conf, &err)) << c.text;
		EXPECT_NE(nullptr, strstr(err.msg, c.part)) << c.text << ": " << err.msg;
	}
}

TEST(TrafficConf, RefusesWhatDoesNotGoTogether)
{
	const struct {
		const char *text, *part;
	} cases[] = {
		{ "tcp=60,icmp=50", "more than 100 per cent" },
		{ "new=2k,rate=1k", "rate=2000" },
		{ "new=1k,rate=2k,handshake=yes", "rate=8000" },
	};

	for (auto &c : cases) {
		mr_traffic *t = nullptr;
		mr_traffic_conf conf;
		mr_err err = {};

		ASSERT_EQ(0, mr_traffic_conf_parse(c.text, &conf, &err));
		EXPECT_EQ(-EINVAL, mr_traffic_create(&conf, &t, &err)) << c.text;
		EXPECT_EQ(nullptr, t);
		EXPECT_NE(nullptr, strstr(err.msg, c.part)) << err.msg;
	}
}

TEST(Build, OverflowIsStickyAndHarmless)
{
	auto f = std::make_unique<mr_build>();
	const uint8_t a[4] = { 1, 2, 3, 4 };

	mr_build_init(f.get(), 4, a, a);
	mr_build_append(f.get(), nullptr, 100);
	mr_build_append(f.get(), nullptr, MR_BUILD_ROOM);
	EXPECT_TRUE(f->overflow);
	EXPECT_EQ(100u, mr_build_len(f.get()));
	mr_build_udp(f.get(), 1, 2);
	EXPECT_EQ(100u, mr_build_len(f.get()));
	mr_build_init(f.get(), 4, a, a);
	for (int i = 0; i < 10000; i++)
		mr_build_vlan(f.get(), 0x8100, 1);
	EXPECT_TRUE(f->overflow);
}
