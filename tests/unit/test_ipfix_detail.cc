// SPDX-License-Identifier: Apache-2.0
// Records with details: encoded in profile full and decoded again, and as JSON.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include <jansson.h>

#include "detail_util.h"
#include "ipfix/mr_flow_json.h"
#include "ipfix/mr_ipfix_tail.h"
#include "ipfix/mr_ipfix_text.h"

static struct mr_flow_rec rec_of(uint8_t proto, unsigned seen = 3)
{
	struct mr_flow_rec r = {};

	r.family = 4;
	r.proto = proto;
	r.vlan = r.inner_vlan = 0xfff;
	inet_pton(AF_INET, "192.0.2.10", r.addr[0]);
	inet_pton(AF_INET, "198.51.100.20", r.addr[1]);
	for (int dir = 0; dir < 2; dir++) {
		if ((seen >> dir & 1) == 0)
			continue;
		r.packets[dir] = 5;
		r.octets[dir] = 500;
		r.start_ns[dir] = T0;
		r.end_ns[dir] = T0 + MR_NS_PER_S;
	}
	r.direction = 1;
	return r;
}

// What a collector makes of records.
struct Sent {
	Exporter e;
	Decoder d;

	explicit Sent(enum mr_ipfix_proto proto = MR_IPFIX_TCP, enum mr_ipfix_profile profile = MR_IPFIX_FULL,
		      uint16_t mtu = 0)
	{
		e.collectors = { collector("c", proto, profile) };
		e.collectors[0].mtu = mtu;
		EXPECT_EQ(0, e.open()) << e.err.msg;
	}
	std::vector<Record> flows()
	{
		e.flush();
		for (const Bytes &m : fakes["c"].taken)
			EXPECT_EQ(0, d.message(m)) << d.err.msg;
		EXPECT_EQ(0u, d.gaps.size());
		EXPECT_EQ(0u, d.stats().skipped_sets) << "data before its template";
		return d.flows();
	}
	Record one(const struct mr_flow_rec &rec)
	{
		e.put(rec);
		std::vector<Record> f = flows();
		EXPECT_EQ(1u, f.size());
		return f.at(0);
	}
};

static std::string text(const Record &r, const char *name)
{
	const Bytes &b = r.values.at(name);

	return std::string(b.begin(), b.end());
}

struct Json {
	json_t *root;

	explicit Json(const struct mr_flow_rec &rec)
	{
		static struct mr_flow_json json;
		static char room[MR_FLOW_JSON_MAX];
		struct mr_wbuf w;

		mr_flow_json_init(&json, 42);
		mr_wbuf_init(&w, room, sizeof(room));
		mr_flow_json_put(&json, &rec, &w);
		EXPECT_FALSE(w.overflow);
		json_error_t error;
		root = json_loadb(room, w.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
		EXPECT_NE(nullptr, root) << error.text << ": " << std::string(room, w.len);
	}
	~Json()
	{
		json_decref(root);
	}
	Json(const Json &) = delete;
	// a value as compact JSON, "" when there is none
	std::string operator[](const char *key) const
	{
		json_t *v = json_object_get(root, key);
		char *s = v == nullptr ? nullptr : json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);
		std::string out = s == nullptr ? "" : s;

		free(s);
		return out;
	}
};

static const std::string replacement = "\xef\xbf\xbd";

TEST(IpfixElement, OursAreUniqueInNumberAndName)
{
	std::set<std::string> names;
	std::set<unsigned> ids;

	for (const auto &i : mr_ipfix_detail_info)
		if (i.pen != 0) {
			EXPECT_TRUE(ids.insert(i.element).second) << i.element;
		}
	for (const auto &i : mr_l7_field_info)
		if (i.pen != 0) {
			EXPECT_TRUE(ids.insert(i.element).second) << i.element;
		}
	EXPECT_LE(*ids.rbegin(), (unsigned)MR_IPFIX_PRIVATE_MAX);
	for (unsigned id : ids) {
		const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(MR_PEN, (uint16_t)id);

		if (ie == nullptr)
			continue; // hidden
		EXPECT_TRUE(names.insert(ie->name).second) << ie->name;
		EXPECT_LT(strlen(ie->name), (size_t)MR_IPFIX_NAME_MAX);
	}
	for (const auto &i : mr_l7_field_info)
		if (i.pen == 0) {
			const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(0, i.element);

			ASSERT_NE(nullptr, ie) << i.name;
			EXPECT_EQ(i.type == MR_L7_NUMBER ? MR_IPFIX_T_U16 : MR_IPFIX_T_STRING, ie->type)
				<< i.name;
		}
}

TEST(IpfixTail, FixedFieldsComeFirstAndEveryFamilyHasARow)
{
	struct mr_ipfix_layout layouts[MR_IPFIX_LAYOUTS_MAX];
	static struct mr_ipfix_tails tails;
	std::set<unsigned> shown;

	mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, layouts);
	mr_ipfix_tails_make(&tails, layouts, 1420);
	for (unsigned i = 0; i < MR_IPFIX_TAILS; i++) {
		const struct mr_ipfix_tail &t = tails.tail[i];
		unsigned sum = 0;

		EXPECT_EQ(i, tails.instead[i]) << "the default message has room for " << t.name;
		for (unsigned k = 0; k < t.n; k++) {
			EXPECT_EQ(k >= t.n_fixed, t.field[k].len == MR_IPFIX_VARLEN) << t.name;
			sum += k < t.n_fixed ? t.field[k].len : 0;
			if (t.source[k] >= MR_IPFIX_SOURCE_L7)
				shown.insert(t.source[k] - MR_IPFIX_SOURCE_L7);
			for (unsigned j = 0; j < k; j++)
				EXPECT_FALSE(t.field[k].id == t.field[j].id &&
					     t.field[k].pen == t.field[j].pen);
		}
		EXPECT_EQ(sum, t.fixed_len);
	}
	for (unsigned f = 0; f < MR_L7_FIELD_MAX; f++)
		EXPECT_EQ((mr_l7_field_info[f].bits & MR_L7_HIDDEN) == 0, shown.count(f) == 1)
			<< mr_l7_field_info[f].name;
	EXPECT_LT(mr_ipfix_slot_id(layouts, 63, MR_IPFIX_SLOTS - 1), 256 + 64 * 512);
}

TEST(IpfixDetail, TcpByDirection)
{
	Detail detail;
	struct mr_flow_tcp &tcp = detail.d.tcp;

	detail.d.has_tcp = true;
	tcp.client_rtt_us = 1000;
	tcp.server_rtt_us = 20000;
	tcp.response_us = 333;
	tcp.state = MR_FLOW_TCP_CLOSED;
	for (unsigned i = 0; i < 2; i++) {
		tcp.way[i].retransmitted = 10 + i;
		tcp.way[i].out_of_order = 20 + i;
		tcp.way[i].zero_windows = 30 + i;
		tcp.way[i].lost = 40 + i;
		tcp.way[i].duplicate_acks = 50 + i;
		tcp.way[i].mss = (uint16_t)(1460 + i);
		tcp.way[i].window_scale = (uint8_t)(7 + i);
	}
	for (unsigned dir = 0; dir < 2; dir++) { // seen from the initiator, then only the responder was heard
		struct mr_flow_rec rec = detail.of(rec_of(6, dir == 0 ? 3 : 2));
		Record r = Sent().one(rec);
		Json json(rec);
		const std::pair<const char *, uint64_t> want[] = {
			{ "clientRttMicroseconds", 1000 },
			{ "serverRttMicroseconds", 20000 },
			{ "applicationRttMicroseconds", 333 },
			{ "retransmittedPackets", 10 + dir },
			{ "reverseRetransmittedPackets", 11 - dir },
			{ "outOfOrderPackets", 20 + dir },
			{ "reverseOutOfOrderPackets", 21 - dir },
			{ "zeroWindowPackets", 30 + dir },
			{ "reverseZeroWindowPackets", 31 - dir },
			{ "lostSegments", 40 + dir },
			{ "reverseLostSegments", 41 - dir },
			{ "duplicateAcks", 50 + dir },
			{ "reverseDuplicateAcks", 51 - dir },
			{ "tcpMss", 1460 + dir },
			{ "reverseTcpMss", 1461 - dir },
			{ "tcpWindowScale", 7 + dir },
			{ "reverseTcpWindowScale", 8 - dir },
		};

		for (auto &[name, number] : want) {
			EXPECT_EQ(number, r.number(name)) << name;
			EXPECT_EQ(std::to_string(number), json[name]) << name;
		}
		EXPECT_EQ(5u, r.number("tcpConnectionState"));
		EXPECT_EQ("\"closed\"", json["tcpConnectionState"]);
		EXPECT_FALSE(r.has("flowOutcome"));
		EXPECT_EQ("", json["flowOutcome"]);
		EXPECT_EQ(dir == 0, r.has("reversePacketDeltaCount"));
		EXPECT_EQ(256u + 128 + (dir == 0 ? 4 : 0), r.template_id);
	}
}

TEST(IpfixDetail, NotSeenIsLeftOutOfJson)
{
	Detail detail;

	detail.d.has_tcp = true;
	Json json(detail.of(rec_of(6)));
	for (const char *key : { "clientRttMicroseconds", "tcpMss", "tcpWindowScale", "applicationId",
				 "applicationName", "applicationGuessed", "valuesCut", "tunnel", "mpls" })
		EXPECT_EQ("", json[key]) << key;
	EXPECT_EQ("0", json["retransmittedPackets"]) << "measured: there were none";
	EXPECT_EQ("\"unknown\"", json["tcpConnectionState"]);
}

TEST(IpfixDetail, OutcomeOfOtherTransports)
{
	static const char *const names[] = { "\"unknown\"", "\"unanswered\"", "\"answered\"",
					     "\"unreachable\"" };

	for (uint8_t proto : { 17, 1, 132 })
		for (unsigned outcome = 0; outcome < MR_FLOW_OUTCOME_MAX; outcome++) {
			Detail detail;
			struct mr_flow_rec rec = detail.of(rec_of(proto));

			detail.d.outcome = (uint8_t)outcome;
			Record r = Sent().one(rec);
			EXPECT_EQ(outcome, r.number("flowOutcome"));
			EXPECT_FALSE(r.has("tcpConnectionState"));
			EXPECT_EQ(names[outcome], Json(rec)["flowOutcome"]);
			EXPECT_EQ(proto == 1, r.has("icmpTypeCodeIPv4"));
		}
}

TEST(IpfixDetail, TunnelsFromBothEnds)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		Detail detail;
		struct mr_tunnel_level *gtp = detail.tunnel(MR_TUNNEL_GTPU, "2001:db8::1", "2001:db8::2");
		gtp->id = 0xfedcba98;
		gtp->has_id = true;
		struct mr_tunnel_level *vxlan = detail.tunnel(MR_TUNNEL_VXLAN, "10.0.0.1", "10.0.0.2");
		vxlan->id = 5001;
		vxlan->has_id = true;
		detail.d.tunnel_reverse_id[0] = 77;
		detail.d.tunnel_reverse_id[1] = 5001;
		detail.d.tunnel.labels = 3;
		detail.d.tunnel.label[0] = 16001 << 4;
		detail.d.tunnel.label[1] = 16002 << 4;
		detail.d.tunnel.label[2] = 16003 << 4 | 1;
		struct mr_flow_rec rec = detail.of(rec_of(17, dir == 0 ? 3 : 2));
		Record r = Sent().one(rec);
		const Bytes one = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1 },
			    two = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2 };

		EXPECT_EQ(2u, r.number("tunnelLevels"));
		EXPECT_EQ((uint64_t)MR_TUNNEL_VXLAN, r.number("tunnelKind"));
		EXPECT_EQ(5001u, r.number("tunnelId"));
		EXPECT_EQ(5001u, r.number("reverseTunnelId"));
		EXPECT_EQ(1ull << 56 | 5001, r.number("layer2SegmentId"));
		EXPECT_EQ(0u, r.number("greKey"));
		EXPECT_EQ(dir == 0 ? one : two, r.values.at("tunnelSourceAddress"));
		EXPECT_EQ(dir == 0 ? two : one, r.values.at("tunnelDestinationAddress"));
		EXPECT_EQ(16002u << 4, r.number("mplsLabelStackSection2"));
		EXPECT_EQ(16003u << 4 | 1, r.number("mplsLabelStackSection3"));
		EXPECT_EQ(0u, r.number("mplsLabelStackSection4"));
		EXPECT_EQ(dir == 0 ? "gtp-u 4275878552 2001:db8::1 2001:db8::2, vxlan 5001 10.0.0.1 10.0.0.2"
				   : "gtp-u 77 2001:db8::2 2001:db8::1, vxlan 5001 10.0.0.2 10.0.0.1",
			  text(r, "tunnelPath"));
		Json json(rec);
		EXPECT_EQ(
			dir == 0
				? "[{\"kind\":\"gtp-u\",\"id\":4275878552,\"reverse_id\":77,\"src\":\"2001:db8::1\","
				  "\"dst\":\"2001:db8::2\"},{\"kind\":\"vxlan\",\"id\":5001,\"reverse_id\":5001,"
				  "\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\"}]"
				: "[{\"kind\":\"gtp-u\",\"id\":77,\"reverse_id\":4275878552,\"src\":\"2001:db8::2\","
				  "\"dst\":\"2001:db8::1\"},{\"kind\":\"vxlan\",\"id\":5001,\"reverse_id\":5001,"
				  "\"src\":\"10.0.0.2\",\"dst\":\"10.0.0.1\"}]",
			json["tunnel"]);
		EXPECT_EQ("[16001,16002,16003]", json["mpls"]);
	}
}

TEST(IpfixDetail, TunnelsWithoutAddressesOrIds)
{
	Detail gre, pppoe, most;
	struct mr_tunnel_level *l = gre.tunnel(MR_TUNNEL_GRE, "192.0.2.1", "192.0.2.2");
	l->id = 99;
	l->has_id = true;
	Record r = Sent().one(gre.of(rec_of(6)));
	EXPECT_EQ(99u, r.number("greKey"));
	EXPECT_EQ(0u, r.number("layer2SegmentId"));

	pppoe.tunnel(MR_TUNNEL_PPPOE, nullptr, nullptr);
	Record p = Sent().one(pppoe.of(rec_of(6)));
	EXPECT_EQ(Bytes(16), p.values.at("tunnelSourceAddress"));
	EXPECT_EQ("pppoe - - -", text(p, "tunnelPath"));
	EXPECT_EQ("[{\"kind\":\"pppoe\"}]", Json(pppoe.of(rec_of(6)))["tunnel"]);

	const char *longest = "2001:db88:1111:2222:3333:4444:5555:6666";
	for (unsigned i = 0; i < MR_TUNNEL_LEVELS; i++) {
		l = most.tunnel(MR_TUNNEL_VXLAN_GPE, longest, longest);
		l->id = UINT32_MAX;
		l->has_id = true;
	}
	r = Sent().one(most.of(rec_of(6)));
	EXPECT_EQ(MR_TUNNEL_LEVELS * strlen("vxlan-gpe 4294967295  , ") + 8 * strlen(longest) - 2,
		  text(r, "tunnelPath").size());
}

TEST(IpfixDetail, ApplicationAndItsFlags)
{
	Detail detail;
	struct mr_flow_rec rec = detail.of(rec_of(6));

	detail.application("tls");
	detail.d.application_guessed = true;
	detail.d.values_cut = true;
	Record r = Sent().one(rec);
	Json json(rec);
	EXPECT_EQ(6u << 24 | 443, r.number("applicationId"));
	EXPECT_EQ("tls", text(r, "applicationName"));
	EXPECT_EQ(3u, r.number("applicationFlags"));
	EXPECT_EQ("\"060001bb\"", json["applicationId"]);
	EXPECT_EQ("\"tls\"", json["applicationName"]);
	EXPECT_EQ("true", json["applicationGuessed"]);
	EXPECT_EQ("true", json["valuesCut"]);
}

// Each field of each family with a value of its own, by way of the template that its family has.
TEST(IpfixDetail, EveryFieldOfEveryFamily)
{
	struct mr_ipfix_layout layouts[MR_IPFIX_LAYOUTS_MAX];
	static struct mr_ipfix_tails tails;

	mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, layouts);
	mr_ipfix_tails_make(&tails, layouts, 8192);
	for (unsigned i = 0; i < MR_IPFIX_TAILS; i++) {
		const struct mr_ipfix_tail &tail = tails.tail[i];
		bool tcp = false;
		Detail detail;

		for (unsigned k = 0; k < tail.n; k++)
			tcp |= tail.source[k] == MR_IPFIX_D_STATE;
		if (i % 2 != 0)
			detail.tunnel(MR_TUNNEL_IPIP, "10.0.0.1", "10.0.0.2");
		for (unsigned k = tail.n; k-- > 0;) { // the order of a flow isn't that of a template
			unsigned f = tail.source[k] - MR_IPFIX_SOURCE_L7;

			if (tail.source[k] < MR_IPFIX_SOURCE_L7)
				continue;
			if (mr_l7_field_info[f].type == MR_L7_NUMBER)
				detail.put((enum mr_l7_field)f, k);
			else
				detail.put((enum mr_l7_field)f, "value of " + std::to_string(k));
			if ((mr_l7_field_info[f].bits & MR_L7_MANY) != 0 &&
			    mr_l7_field_info[f].type == MR_L7_TEXT)
				detail.put((enum mr_l7_field)f, "another");
		}
		struct mr_flow_rec rec = detail.of(rec_of(tcp ? 6 : 17));
		Record r = Sent().one(rec);
		Json json(rec);

		EXPECT_EQ(256 + 128 + 8 * i + 4, r.template_id) << tail.name;
		EXPECT_EQ((1ull << tail.n_l7) - 1, r.number("applicationFieldIndicator")) << tail.name;
		for (unsigned k = 0; k < tail.n; k++) {
			if (tail.source[k] < MR_IPFIX_SOURCE_L7)
				continue;
			const struct mr_l7_field_info *info =
				&mr_l7_field_info[tail.source[k] - MR_IPFIX_SOURCE_L7];
			std::string one, octets = "value of " + std::to_string(k);
			char name[MR_IPFIX_NAME_MAX];

			mr_ipfix_ie_name(tail.field[k].pen, tail.field[k].id, name);
			if (info->type == MR_L7_NUMBER) {
				EXPECT_EQ(k, r.number(name)) << name;
				one = std::to_string(k);
			} else {
				EXPECT_EQ(octets, text(r, name));
				one = "\"" + octets + "\"";
			}
			if (info->type == MR_L7_OCTETS) {
				one = "\"";
				for (char c : octets) {
					char hex[3];
					snprintf(hex, sizeof(hex), "%02x", (unsigned char)c);
					one += hex;
				}
				one += "\"";
			}
			if ((info->bits & MR_L7_MANY) != 0)
				one = "[" + one + (info->type == MR_L7_TEXT ? ",\"another\"]" : "]");
			EXPECT_EQ(one, json[info->name]) << info->name;
		}
	}
}

TEST(IpfixDetail, OfTwoProtocolsTheTemplateThatHasBoth)
{
	Detail proxy, only_tls, mixed;

	proxy.put(MR_L7_F_HTTP_METHOD, "CONNECT");
	proxy.put(MR_L7_F_TLS_SNI, "example.org");
	Record r = Sent().one(proxy.of(rec_of(6)));
	EXPECT_EQ("CONNECT", text(r, "httpRequestMethod"));
	EXPECT_EQ("example.org", text(r, "tls_sni"));
	only_tls.put(MR_L7_F_TLS_SNI, "example.org");
	EXPECT_FALSE(Sent().one(only_tls.of(rec_of(6))).has("httpRequestMethod"));
	mixed.put(MR_L7_F_SSH_CLIENT, "SSH-2.0-x"); // over a transport of which no template has it
	EXPECT_FALSE(Sent().one(mixed.of(rec_of(17))).has("ssh_client"));
	EXPECT_EQ("\"SSH-2.0-x\"", Json(mixed.of(rec_of(17)))["ssh_client"]);
}

TEST(IpfixDetail, HiddenFieldsStayInside)
{
	Detail detail;

	detail.put(MR_L7_F_HTTP_COOKIE, "secret");
	detail.put(MR_L7_F_HTTP_HOST, "example.org");
	struct mr_flow_rec rec = detail.of(rec_of(6));
	EXPECT_EQ("", Json(rec)["http_cookie"]);
	EXPECT_EQ(std::string::npos, Sent().one(rec).json.find("secret"));
}

TEST(IpfixDetail, LengthsOfText)
{
	for (size_t len : { 0, 1, 121, 122, 123, 254, 255, 256, 1000, 4096 }) {
		Detail detail;
		std::string uri;

		for (size_t i = 0; i < len; i++)
			uri += (char)('a' + i % 26);
		detail.put(MR_L7_F_HTTP_HOST, "h");
		detail.put(MR_L7_F_HTTP_URI, uri);
		detail.put(MR_L7_F_HTTP_STATUS, 404);
		struct mr_flow_rec rec = detail.of(rec_of(6));
		Record r = Sent().one(rec);
		EXPECT_EQ(uri, text(r, "httpRequestTarget"));
		EXPECT_EQ(404u, r.number("httpStatusCode"));
		EXPECT_EQ("h", text(r, "httpRequestHost"));
		EXPECT_EQ("", text(r, "httpUserAgent"));
		EXPECT_EQ(0u, r.number("applicationFlags"));
		EXPECT_EQ("[\"" + uri + "\"]", Json(rec)["http_uri"]);
	}
}

TEST(IpfixDetail, LongValuesGiveWayAndSaySo)
{
	for (uint16_t mtu : { 900, 1420, 20000 }) {
		Detail detail;
		std::string wide;

		for (int i = 0; i < 1300; i++)
			wide += "\xe2\x82\xac"; // three octets a character
		detail.put(MR_L7_F_HTTP_URI, wide);
		detail.put(MR_L7_F_HTTP_REFERER, wide);
		detail.put(MR_L7_F_HTTP_USER_AGENT, std::string(1000, 'u'));
		detail.put(MR_L7_F_HTTP_HOST, "example.org");
		Sent sent(MR_IPFIX_UDP, MR_IPFIX_FULL, mtu);
		Record r = sent.one(detail.of(rec_of(6)));
		bool cut = mtu < 20000;

		for (const Bytes &m : fakes["c"].taken)
			EXPECT_LE(m.size(), mtu);
		EXPECT_EQ(cut ? 4u : 0u, r.number("applicationFlags"));
		EXPECT_EQ("example.org", text(r, "httpRequestHost")) << "short ones stay whole";
		for (const char *name : { "httpRequestTarget", "http_referer" }) {
			std::string got = text(r, name);

			EXPECT_EQ(0u, got.size() % 3) << "whole characters";
			EXPECT_EQ(wide.substr(0, got.size()), got);
			EXPECT_EQ(cut, got.size() < wide.size());
			EXPECT_GT(got.size(), 100u);
		}
	}
}

// Small messages: first the protocol's fields go, and nothing is ever too long.
TEST(IpfixDetail, TemplatesTooLongForAMessageAreNotUsed)
{
	Detail detail;

	for (unsigned i = 0; i < MR_TUNNEL_LEVELS; i++)
		detail.tunnel(MR_TUNNEL_GRE, "2001:db8::1", "2001:db8::2");
	detail.put(MR_L7_F_TLS_SNI, "example.org");
	detail.d.has_tcp = true;
	detail.d.tcp.client_rtt_us = 5;
	for (uint16_t mtu = 512; mtu < 1000; mtu += 4) {
		Sent sent(MR_IPFIX_UDP, MR_IPFIX_FULL, mtu);
		Record r = sent.one(detail.of(rec_of(6)));

		EXPECT_EQ(5u, r.number("clientRttMicroseconds"));
		if (mtu > 900) {
			EXPECT_EQ("example.org", text(r, "tls_sni"));
		}
		if (mtu == 512) {
			EXPECT_FALSE(r.has("tls_sni"));
		}
		for (const Bytes &m : fakes["c"].taken)
			EXPECT_LE(m.size(), mtu);
	}
}

TEST(IpfixDetail, HostileOctets)
{
	std::string all, want;
	Detail detail;

	for (int c = 0; c < 256; c++) {
		all += (char)c;
		want += c < 0x80 ? std::string(1, (char)c) : replacement;
	}
	for (const char *bad :
	     { "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82", "\xff\"},{\"x\":1" }) {
		all += bad;
		for (const char *s = bad; *s != '\0'; s++)
			want += (unsigned char)*s < 0x80 ? std::string(1, *s) : replacement;
	}
	detail.put(MR_L7_F_HTTP_URI, all);
	detail.put(MR_L7_F_DHCP_PARAMETERS, all);
	struct mr_flow_rec rec = detail.of(rec_of(6));
	EXPECT_EQ(want, text(Sent().one(rec), "httpRequestTarget"));
	Json json(rec);
	json_t *uri = json_array_get(json_object_get(json.root, "http_uri"), 0);
	EXPECT_EQ(want, std::string(json_string_value(uri), json_string_length(uri)));
	EXPECT_EQ(2 * all.size() + 4, json["dhcp_parameters"].size())
		<< "two digits an octet, quotes, brackets";
}

TEST(IpfixText, LengthCountsWhatIsCopied)
{
	std::mt19937 rng(3);

	for (int i = 0; i < 20000; i++) {
		uint8_t in[24], out[80];
		size_t len = rng() % sizeof(in), max = rng() % 80, whole, fit;

		for (auto &c : in)
			c = (uint8_t)(rng() % 3 == 0 ? rng() : 0x80 + rng() % 0x80);
		whole = mr_ipfix_text_len(in, len);
		fit = mr_ipfix_text_fit(in, len, max);
		ASSERT_LE(whole, 3 * len);
		ASSERT_LE(fit, max);
		ASSERT_LE(fit, whole);
		ASSERT_TRUE(fit == whole || whole > max);
		memset(out, 0xee, sizeof(out));
		ASSERT_EQ(fit, mr_ipfix_text_copy(out, in, len, max));
		for (size_t k = 0, n; k < fit; k += n) {
			n = mr_ipfix_utf8_len(out + k, fit - k);
			ASSERT_NE(0u, n) << "valid, whatever went in";
		}
		ASSERT_EQ(0xee, out[fit]);
	}
}

// Any details: every record arrives, in messages that fit, behind its template, and is JSON.
TEST(IpfixDetail, RandomDetails)
{
	for (uint16_t mtu : { 512, 700, 1420, 0 }) {
		std::vector<std::unique_ptr<Detail>> details;
		Sent sent(mtu == 0 ? MR_IPFIX_TCP : MR_IPFIX_UDP, MR_IPFIX_FULL, mtu);
		Random random(mtu);
		unsigned n = 400;

		for (unsigned i = 0; i < n; i++) {
			details.push_back(std::make_unique<Detail>());
			Detail &d = *details.back();
			struct mr_flow_rec r = random.rec();

			for (size_t k = 0; k < sizeof(d.d.tcp); k++)
				reinterpret_cast<uint8_t *>(&d.d.tcp)[k] = (uint8_t)random(256);
			d.d.tcp.state = (uint8_t)random(MR_FLOW_TCP_STATE_MAX);
			d.d.has_tcp = r.proto == 6 && random(4) != 0;
			d.d.outcome = (uint8_t)random(MR_FLOW_OUTCOME_MAX);
			for (uint64_t levels = random(3) == 0 ? random(5) : 0; levels > 0; levels--)
				d.tunnel((enum mr_tunnel_kind)(1 + random(MR_TUNNEL_KIND_MAX - 1)),
					 "192.0.2.1", "192.0.2.2");
			d.d.tunnel.labels = (uint8_t)random(MR_TUNNEL_LABELS + 1);
			for (uint64_t values = random(12); values > 0; values--) {
				enum mr_l7_field f = (enum mr_l7_field)random(MR_L7_FIELD_MAX);

				if (mr_l7_field_info[f].type == MR_L7_NUMBER) {
					d.put(f, random(INT64_MAX));
					continue;
				}
				std::string s;
				for (uint64_t len = random(3) == 0 ? random(4097) : random(40); len > 0;
				     len--)
					s += (char)random(256);
				d.put(f, s);
			}
			r = d.of(r);
			sent.e.put(r);
			Json json(r);
			ASSERT_NE(nullptr, json.root);
		}
		EXPECT_EQ(n, sent.flows().size());
		for (const Bytes &m : fakes["c"].taken)
			EXPECT_LE(m.size(), mtu == 0 ? 8192u : mtu);
		EXPECT_EQ(n, sent.e.totals().exported_flows);
		EXPECT_EQ(0u, sent.e.totals().pending_flows);
	}
}

TEST(IpfixDetail, OtherProfilesLeaveDetailsOut)
{
	for (enum mr_ipfix_profile p : { MR_IPFIX_COMPAT, MR_IPFIX_BIFLOW }) {
		std::vector<Bytes> without;
		Detail detail;

		detail.put(MR_L7_F_TLS_SNI, "example.org");
		for (int with = 0; with < 2; with++) {
			Sent sent(MR_IPFIX_UDP, p);
			struct mr_flow_rec rec = rec_of(6);

			if (with != 0)
				rec = detail.of(rec);
			sent.e.put(rec);
			sent.flows();
			if (with == 0)
				without = fakes["c"].taken;
			EXPECT_EQ(without, fakes["c"].taken);
		}
	}
}

TEST(IpfixDetail, TemplatesAreAnnouncedOnEveryConnection)
{
	Detail dns, tls;
	Sent sent;
	auto ids = [](const Decoder &d) {
		std::set<unsigned> out;
		for (const Template &t : d.templates)
			if (t.scopes == 0 && t.id >= 384)
				out.insert(t.id);
		return out;
	};

	dns.put(MR_L7_F_DNS_NAME, "example.org");
	tls.put(MR_L7_F_TLS_SNI, "example.org");
	sent.e.put(dns.of(rec_of(17)));
	EXPECT_EQ(1u, sent.flows().size());
	EXPECT_EQ((std::set<unsigned>{ 256 + 128 + 16 * MR_IPFIX_ROW_DNS + 4 }), ids(sent.d));
	EXPECT_EQ(9u, sent.d.options(324).size()) << "its flow keys, too";
	size_t before = fakes["c"].taken.size();
	sent.e.put(dns.of(rec_of(17)));
	sent.e.flush();
	EXPECT_EQ(before + 1, fakes["c"].taken.size()) << "once is enough";
	sent.e.put(tls.of(rec_of(6)));
	sent.e.flush();

	fakes["c"].taken.clear();
	fakes["c"].connection++;
	sent.e.tick(T0 + MR_NS_PER_S);
	sent.e.put(dns.of(rec_of(17)));
	sent.e.flush();
	Decoder d;
	for (const Bytes &m : fakes["c"].taken)
		ASSERT_EQ(0, d.message(m)) << d.err.msg;
	EXPECT_EQ(0u, d.stats().skipped_sets);
	EXPECT_EQ((std::set<unsigned>{ 256 + 128 + 16 * MR_IPFIX_ROW_DNS + 4,
				       256 + 128 + 16 * MR_IPFIX_ROW_TLS + 4 }),
		  ids(d));
}

TEST(IpfixDetail, AnAnnouncementThatFailsHoldsTheDataBack)
{
	Detail dns;
	Sent sent;
	bool gate = true;

	sent.e.tick(T0);
	fakes["c"].takes = [&gate](size_t) { return gate; };
	gate = false;
	dns.put(MR_L7_F_DNS_NAME, "example.org");
	sent.e.put(dns.of(rec_of(17)));
	sent.e.flush();
	EXPECT_EQ(1u, sent.e.totals().pending_flows);
	gate = true;
	EXPECT_EQ(1u, sent.flows().size());
	EXPECT_EQ(1u, sent.e.totals().exported_flows);
}

// Refused ones in all templates at once: the account closes and nothing leaks.
TEST(IpfixDetail, ACollectorThatIsDownCostsTheRecordsOnly)
{
	std::vector<std::unique_ptr<Detail>> details;
	Sent sent;

	fakes["c"].up = false;
	sent.e.tick(T0);
	for (unsigned round = 0; round < 400; round++)
		for (unsigned f = 0; f < MR_L7_FIELD_MAX; f += 3) {
			details.push_back(std::make_unique<Detail>());
			if (mr_l7_field_info[f].type == MR_L7_NUMBER)
				details.back()->put((enum mr_l7_field)f, 1);
			else
				details.back()->put((enum mr_l7_field)f, std::string(3000, 'x'));
			sent.e.put(details.back()->of(rec_of(f % 2 != 0 ? 6 : 17)));
			if (details.size() > 100)
				details.clear(); // records are borrowed
		}
	struct mr_ipfix_totals t = sent.e.totals();
	unsigned n = 400 * ((MR_L7_FIELD_MAX + 2) / 3);
	EXPECT_EQ(n, t.pending_flows + t.refused_flows);
	EXPECT_GT(t.refused_flows, n / 2);
	t = sent.e.close(T0).totals;
	EXPECT_EQ(n, t.refused_flows);
}

TEST(IpfixDetail, LongestJsonFits)
{
	Detail detail;
	std::string worst(4080, '\x01');

	for (int i = 0; i < 16; i++)
		detail.put(MR_L7_F_HTTP_URI, worst);
	detail.d.has_tcp = true;
	Json json(detail.of(rec_of(6)));
	EXPECT_EQ(16u, json_array_size(json_object_get(json.root, "http_uri")));

	Detail empty;
	for (int i = 0; i < 65535 / 6; i++)
		empty.put((enum mr_l7_field)MR_L7_F_HTTP_URI, "");
	Json many(empty.of(rec_of(6)));
	EXPECT_EQ(65535u / 6, json_array_size(json_object_get(many.root, "http_uri")));
}

TEST(IpfixDetail, DocumentationIsOfTheseTables)
{
	const char *source = getenv("MILLRACE_SOURCE");
	char *want = nullptr;
	size_t len = 0;

	ASSERT_NE(nullptr, source) << "run it by meson test";
	FILE *out = open_memstream(&want, &len);
	mr_ipfix_fields_doc(out);
	fclose(out);
	std::ifstream in(std::string(source) + "/docs/fields.md");
	std::string got{ std::istreambuf_iterator<char>(in), {} };
	EXPECT_TRUE(std::string(want, len) == got)
		<< "docs/fields.md is old: run `ninja -C build fields-doc` and commit it";
	free(want);
}
