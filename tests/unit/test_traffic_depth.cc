// SPDX-License-Identifier: Apache-2.0
// Applications, faults and tunnels of the traffic model: what the decoder, the parsers and the TCP analysis
// of the probe find is what the model says.
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../l7/parse.h"
#include "../packet/decode.h"
#include "drivers/synth/mr_traffic.h"
#include "flow/mr_flow_tcp.h"

namespace
{

struct Made {
	uint32_t flow, app, fault;
	bool reply;
	uint64_t time_ns;
	std::vector<uint8_t> frame;
};

std::vector<Made> make(const std::string &text)
{
	auto batch = std::make_unique<mr_traffic_batch>();
	std::vector<std::vector<uint8_t>> room;
	std::vector<uint8_t *> data;
	std::vector<Made> out;
	mr_traffic_cursor cur;
	mr_traffic_conf conf;
	mr_traffic *t;
	mr_err err = {};
	uint16_t n;

	if (mr_traffic_conf_parse(text.c_str(), &conf, &err) != 0 ||
	    mr_traffic_create(&conf, &t, &err) != 0) {
		ADD_FAILURE() << text << ": " << err.msg;
		return out;
	}
	room.assign(32, std::vector<uint8_t>(mr_traffic_room(t)));
	for (auto &r : room)
		data.push_back(r.data());
	mr_traffic_cursor_init(t, 0, 1, &cur);
	while ((n = mr_traffic_burst(&cur, data.data(), batch.get(), 32, UINT64_MAX, MR_TRAFFIC_BY_NUMBER)) !=
	       0)
		for (uint16_t i = 0; i < n; i++)
			out.push_back({ batch->flow[i], conf.mix == 0 ? 0 : batch->app[i],
					conf.mix == 0 ? 0 : batch->fault[i],
					mr_traffic_from_server(batch->src[i]),
					mr_traffic_time(t, batch->number[i]),
					std::vector<uint8_t>(data[i], data[i] + batch->frame_len[i]) });
	mr_traffic_free(t);
	return out;
}

mr_packet_conf inner_conf(const mr_tunnel_ports *ports)
{
	mr_packet_conf conf = make_conf(false, false);

	conf.tunnel_key = MR_TUNNEL_KEY_INNER;
	conf.tunnel_depth = MR_TUNNEL_LEVELS;
	conf.tunnel_ports = ports;
	return conf;
}

mr_packet decode_made(const Made &m, mr_tunnel *tunnel)
{
	mr_tunnel_ports ports;
	mr_packet p;

	mr_tunnel_ports_default(&ports);
	mr_packet_conf conf = inner_conf(&ports);
	mr_packet_decode(&conf, m.frame.data(), (uint32_t)m.frame.size(), (uint32_t)m.frame.size(),
			 MR_LINK_ETHERNET, 0, tunnel, &p);
	p.data = m.frame.data();
	p.time_ns = p.clock_ns = m.time_ns;
	return p;
}

std::string host_of(const Made &m)
{
	char name[MR_TRAFFIC_HOST_MAX];

	mr_traffic_host((mr_traffic_app)m.app, m.flow, name);
	return name;
}

struct Flow {
	std::unique_ptr<l7::Parse> parse;
	Made first;
};

const char *protocol_of(uint32_t app)
{
	return app == MR_TRAFFIC_TLS12 || app == MR_TRAFFIC_TLS13 ? "tls"
								  : mr_traffic_app_name((mr_traffic_app)app);
}

/* Flows by number, their payload read by the parser of their protocol. */
std::map<uint32_t, Flow> read_flows(const std::vector<Made> &made)
{
	std::map<uint32_t, Flow> flows;

	for (const Made &m : made) {
		mr_tunnel tunnel;
		mr_packet p = decode_made(m, &tunnel);
		Flow &f = flows[m.flow];

		EXPECT_EQ(0, p.not_metered);
		EXPECT_EQ(0, p.note);
		if (f.parse == nullptr) {
			EXPECT_FALSE(m.reply) << "the client is first";
			f.parse = std::make_unique<l7::Parse>(protocol_of(m.app),
							      p.proto == 6 ? MR_L7_TCP : MR_L7_UDP);
			f.first = m;
		}
		EXPECT_EQ(f.first.app, m.app);
		if (p.payload_len != 0)
			f.parse->feed(m.reply, std::string((const char *)m.frame.data() + p.payload_off,
							   p.payload_len));
	}
	return flows;
}

void expect_all(const std::vector<std::string> &values, const std::string &expected)
{
	EXPECT_FALSE(values.empty());
	for (auto &v : values)
		EXPECT_EQ(expected, v);
}

struct Tunnel {
	const char *text;
	std::vector<uint64_t> kinds;  /* as the model names them */
	std::vector<uint8_t> decoded; /* as the decoder does; labels right on Ethernet are no level there */
};

const Tunnel tunnels[] = {
	{ "vxlan", { MR_TRAFFIC_VXLAN }, { MR_TUNNEL_VXLAN } },
	{ "geneve", { MR_TRAFFIC_GENEVE }, { MR_TUNNEL_GENEVE } },
	{ "gre", { MR_TRAFFIC_GRE }, { MR_TUNNEL_GRE } },
	{ "nvgre", { MR_TRAFFIC_NVGRE }, { MR_TUNNEL_NVGRE } },
	{ "erspan2", { MR_TRAFFIC_ERSPAN2 }, { MR_TUNNEL_ERSPAN2 } },
	{ "ipip", { MR_TRAFFIC_IPIP }, { MR_TUNNEL_IPIP } },
	{ "6in4", { MR_TRAFFIC_6IN4 }, { MR_TUNNEL_IPIP } },
	{ "gtpu", { MR_TRAFFIC_GTPU }, { MR_TUNNEL_GTPU } },
	{ "pppoe", { MR_TRAFFIC_PPPOE }, { MR_TUNNEL_PPPOE } },
	{ "l2tp", { MR_TRAFFIC_L2TP }, { MR_TUNNEL_L2TP } },
	{ "teredo", { MR_TRAFFIC_TEREDO }, { MR_TUNNEL_TEREDO } },
	{ "vxlan,tunnel2=gre", { MR_TRAFFIC_VXLAN, MR_TRAFFIC_GRE }, { MR_TUNNEL_VXLAN, MR_TUNNEL_GRE } },
	{ "gre,tunnel2=vxlan", { MR_TRAFFIC_GRE, MR_TRAFFIC_VXLAN }, { MR_TUNNEL_GRE, MR_TUNNEL_VXLAN } },
	{ "gtpu,tunnel2=ipip", { MR_TRAFFIC_GTPU, MR_TRAFFIC_IPIP }, { MR_TUNNEL_GTPU, MR_TUNNEL_IPIP } },
	{ "geneve,tunnel2=teredo",
	  { MR_TRAFFIC_GENEVE, MR_TRAFFIC_TEREDO },
	  { MR_TUNNEL_GENEVE, MR_TUNNEL_TEREDO } },
	{ "pppoe,tunnel2=l2tp", { MR_TRAFFIC_PPPOE, MR_TRAFFIC_L2TP }, { MR_TUNNEL_PPPOE, MR_TUNNEL_L2TP } },
	{ "vxlan,tunnel2=pppoe",
	  { MR_TRAFFIC_VXLAN, MR_TRAFFIC_PPPOE },
	  { MR_TUNNEL_VXLAN, MR_TUNNEL_PPPOE } },
	{ "ipip,tunnel2=ipip", { MR_TRAFFIC_IPIP, MR_TRAFFIC_IPIP }, { MR_TUNNEL_IPIP, MR_TUNNEL_IPIP } },
};

bool needs_ipv6(const std::string &text)
{
	return text.find("6in4") != std::string::npos || text.find("teredo") != std::string::npos;
}

void expect_address(const mr_tunnel_level &l, unsigned level, const Made &m)
{
	for (unsigned end = 0; end < 2; end++) {
		uint32_t address = mr_traffic_tunnel_address(level, m.flow, m.reply != (end == 1));

		EXPECT_EQ(4, l.family);
		EXPECT_EQ(address, (uint32_t)l.addr[end][0] << 24 | l.addr[end][1] << 16 |
					   l.addr[end][2] << 8 | l.addr[end][3]);
	}
}

void expect_levels(const Tunnel &t, const Made &m, const mr_tunnel &found)
{
	ASSERT_EQ(t.decoded.size(), found.levels) << t.text;
	for (unsigned i = 0; i < found.levels; i++) {
		const mr_tunnel_level &l = found.level[i];

		EXPECT_EQ(t.decoded[i], l.kind) << t.text;
		EXPECT_STREQ(mr_traffic_tunnel_name(t.kinds[i]), mr_tunnel_name((mr_tunnel_kind)l.kind));
		EXPECT_EQ(mr_traffic_tunnel_has_id(t.kinds[i]), l.has_id) << t.text;
		if (l.has_id) {
			EXPECT_EQ(mr_traffic_tunnel_id(t.kinds[i], i, m.flow, m.reply), l.id) << t.text;
		}
		if (t.kinds[i] != MR_TRAFFIC_PPPOE)
			expect_address(l, i, m);
	}
}

} // namespace

TEST(TrafficMix, ParsersFindWhatWasMeant)
{
	std::map<uint32_t, int> apps;

	for (auto &[number, f] :
	     read_flows(make("packets=20k,flows=200,mix=web,ipv6=30,new=20,rate=10k,vlan=7"))) {
		const l7::Parse &p = *f.parse;
		std::string host = host_of(f.first);

		SCOPED_TRACE(std::string(mr_traffic_app_name((mr_traffic_app)f.first.app)) + " " + host);
		apps[f.first.app]++;
		switch (f.first.app) {
		case MR_TRAFFIC_HTTP:
			if (p.all("http_host").empty())
				break; /* the last ones have got no further than the handshake */
			expect_all(p.all("http_host"), host);
			expect_all(p.all("http_uri"), "/index.html?lang=en");
			expect_all(p.all("http_user_agent"), "millrace-gen/1.0");
			for (auto &status : p.all("http_status"))
				EXPECT_EQ("200", status);
			EXPECT_TRUE(p.all("http_note").empty());
			break;
		case MR_TRAFFIC_TLS12:
		case MR_TRAFFIC_TLS13:
			if (p.all("tls_sni").empty())
				break;
			EXPECT_EQ(host, p.one("tls_sni"));
			expect_all(p.all("tls_alpn_offered"),
				   f.first.app == MR_TRAFFIC_TLS13 ? "h2" : "http/1.1");
			for (auto &v : p.all("tls_version"))
				EXPECT_EQ(f.first.app == MR_TRAFFIC_TLS13 ? "TLS 1.3" : "TLS 1.2", v);
			for (auto &v : p.all("tls_cert_subject"))
				EXPECT_NE(std::string::npos, v.find("*.example.com")) << v;
			break;
		case MR_TRAFFIC_DNS:
			expect_all(p.all("dns_name"), host);
			EXPECT_TRUE(p.all("dns_note").empty());
			break;
		default:
			ASSERT_EQ((uint32_t)MR_TRAFFIC_QUIC, f.first.app);
			EXPECT_EQ(host, p.one("tls_sni"));
			EXPECT_EQ("1", p.one("quic_version"));
		}
	}
	EXPECT_EQ(5u, apps.size());
	for (auto &[app, count] : apps)
		EXPECT_GE(count, 10) << app;
}

TEST(TrafficMix, WholeConversationsSayAll)
{
	unsigned certificates = 0, answers = 0;

	for (auto &[number, f] : read_flows(make("packets=4k,flows=20,mix=tls12,rate=1k"))) {
		EXPECT_EQ("12:67", f.parse->one("tls_cert_serial"));
		EXPECT_EQ(std::to_string(0xc02b), f.parse->one("tls_cipher"));
		EXPECT_EQ("http/1.1", f.parse->one("tls_alpn"));
		certificates++;
	}
	EXPECT_EQ(20u, certificates);
	for (auto &[number, f] : read_flows(make("packets=400,flows=20,mix=dns,order=roundrobin")))
		answers += f.parse->all("dns_answer_name").size();
	EXPECT_GE(answers, 200u - 20);
}

TEST(TrafficMix, FaultsAreCounted)
{
	const struct {
		const char *text;
		bool lost, again, late;
	} cases[] = {
		{ "", false, false, false },
		{ ",lost=20", true, false, false },
		{ ",retransmit=20", false, true, false },
		{ ",reorder=20", false, false, true },
		{ ",lost=10,retransmit=10,reorder=10", true, true, true },
	};

	for (auto &c : cases) {
		/* no retransmission timeout is this short, so what is late is only that */
		auto made =
			make(std::string("packets=40k,flows=64,mix=web,ipv6=40,rate=10M,order=roundrobin") +
			     c.text);
		std::map<uint32_t, mr_flow_tcp> flows;
		uint64_t fault[MR_TRAFFIC_LATE + 1] = {}, lost = 0, again = 0, late = 0, same_acks = 0;

		for (auto &m : made) {
			mr_tunnel tunnel;
			mr_packet p = decode_made(m, &tunnel);

			fault[m.fault]++;
			mr_flow_tcp_packet(&flows[m.flow], &p);
		}
		for (auto &[number, f] : flows)
			for (auto &way : f.way) {
				lost += way.lost;
				again += way.retransmitted;
				late += way.out_of_order;
				same_acks += way.duplicate_acks;
			}
		SCOPED_TRACE(c.text);
		EXPECT_EQ(c.lost, fault[MR_TRAFFIC_AFTER_LOSS] > 100);
		EXPECT_EQ(c.again, fault[MR_TRAFFIC_AGAIN] > 100);
		EXPECT_EQ(c.late, fault[MR_TRAFFIC_LATE] > 100);
		EXPECT_EQ(fault[MR_TRAFFIC_AGAIN], again);
		EXPECT_EQ(fault[MR_TRAFFIC_LATE], late);
		/* octets are missing too before each late segment, also when the traffic ends before it comes
		 */
		EXPECT_GE(lost, fault[MR_TRAFFIC_AFTER_LOSS]);
		EXPECT_LE(lost, fault[MR_TRAFFIC_AFTER_LOSS] + fault[MR_TRAFFIC_LATE] + flows.size());
		EXPECT_EQ(0u, same_acks);
	}
}

TEST(TrafficTunnel, DecoderFindsWhatWasPut)
{
	for (auto &t : tunnels)
		for (std::string inside :
		     { ",mix=web", ",tcp=40,icmp=10,size=imix", ",handshake=yes,tcp=60" }) {
			std::string text = "packets=3k,flows=1200,ipv6=" +
					   std::string(needs_ipv6(t.text) ? "100" : "40") + inside;
			auto plain = make(text), wrapped = make(text + ",tunnel=" + t.text);

			ASSERT_EQ(plain.size(), wrapped.size());
			for (size_t i = 0; i < wrapped.size(); i++) {
				mr_tunnel none, found;
				mr_packet a = decode_made(plain[i], &none),
					  b = decode_made(wrapped[i], &found);

				ASSERT_EQ(0, b.not_metered) << t.text;
				ASSERT_EQ(0, b.note) << t.text;
				ASSERT_TRUE(b.flags & MR_PACKET_TUNNEL) << t.text;
				expect_levels(t, wrapped[i], found);
				/* within it is the packet of the same traffic without a tunnel */
				ASSERT_EQ(a.ip_len, b.ip_len);
				ASSERT_EQ(a.port_key, b.port_key);
				ASSERT_EQ(0, memcmp(plain[i].frame.data() + a.l3_off,
						    wrapped[i].frame.data() + b.l3_off, a.ip_len));
				if (HasFailure())
					return;
			}
		}
}

TEST(TrafficTunnel, LabelsAreRightBehindEthernet)
{
	for (auto &m : make("packets=1k,flows=1200,tunnel=mpls")) {
		mr_tunnel found;
		mr_packet p = decode_made(m, &found);

		ASSERT_EQ(mr_traffic_tunnel_id(MR_TRAFFIC_MPLS, 0, m.flow, m.reply), p.mpls_label >> 4);
		ASSERT_EQ(0, p.note);
	}
}

TEST(TrafficDepth, RefusesWhatDoesNotGoTogether)
{
	const struct {
		const char *text, *part;
	} cases[] = {
		{ "lost=1", "say mix=web" },
		{ "mix=web,lost=60,reorder=41", "more than 100 per cent" },
		{ "mix=web,tcp=1", "doesn't go with tcp" },
		{ "mix=web,handshake=yes", "doesn't go with" },
		{ "mix=web,new=1k,rate=2k", "rate=32000" },
		{ "tunnel2=gre", "say tunnel= too" },
		{ "tunnel=gre,tunnel2=mpls", "needs Ethernet" },
		{ "tunnel=6in4,ipv6=100,tunnel2=gre", "IPv6 only" },
		{ "tunnel=teredo,ipv6=99", "ipv6=100" },
		{ "tunnel=gre,vlan=1", "don't go together" },
	};

	for (auto &c : cases) {
		mr_traffic *t = nullptr;
		mr_traffic_conf conf;
		mr_err err = {};

		ASSERT_EQ(0, mr_traffic_conf_parse(c.text, &conf, &err)) << err.msg;
		EXPECT_EQ(-EINVAL, mr_traffic_create(&conf, &t, &err)) << c.text;
		EXPECT_EQ(nullptr, t);
		EXPECT_NE(nullptr, strstr(err.msg, c.part)) << c.text << ": " << err.msg;
	}
}
