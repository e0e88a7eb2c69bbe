// SPDX-License-Identifier: Apache-2.0
// Flow records as JSON: against a JSON parser, against IPFIX profile full, and against the documentation.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include <jansson.h>

#include "ipfix/mr_flow_json.h"
#include "ipfix/mr_ipfix_control.h"
#include "ipfix_util.h"

static std::string to_json(const struct mr_flow_rec &rec)
{
	struct mr_flow_json json;
	static char room[MR_FLOW_JSON_MAX];
	struct mr_wbuf w;

	mr_flow_json_init(&json, 42);
	mr_wbuf_init(&w, room, sizeof(room));
	mr_flow_json_put(&json, &rec, &w);
	EXPECT_FALSE(w.overflow);
	return std::string(room, w.len);
}

struct Object {
	json_t *root;

	explicit Object(const std::string &text)
	{
		json_error_t error;

		root = json_loads(text.c_str(), JSON_REJECT_DUPLICATES, &error);
		EXPECT_NE(nullptr, root) << error.text << ": " << text;
	}
	~Object()
	{
		json_decref(root);
	}
	Object(const Object &) = delete;
	std::string text(const char *key) const
	{
		const char *s = json_string_value(json_object_get(root, key));

		return s == nullptr ? "(none)" : s;
	}
	json_int_t number(const char *key) const
	{
		return json_is_integer(json_object_get(root, key))
			       ? json_integer_value(json_object_get(root, key))
			       : -1;
	}
	bool has(const char *key) const
	{
		return json_object_get(root, key) != nullptr;
	}
};

static struct mr_flow_rec sample()
{
	struct mr_flow_rec r = {};

	r.flow_id = 18446744073709551557u;
	r.family = 4;
	r.proto = 6;
	inet_pton(AF_INET, "192.0.2.10", r.addr[0]);
	inet_pton(AF_INET, "198.51.100.20", r.addr[1]);
	r.port[0] = 40001;
	r.port[1] = 443;
	r.start_ns[0] = T0 + 123456789;
	r.end_ns[0] = T0 + 4 * MR_NS_PER_S;
	r.start_ns[1] = T0 + 123956789;
	r.end_ns[1] = T0 + 4 * MR_NS_PER_S - 1;
	r.packets[0] = 17;
	r.packets[1] = 701;
	r.octets[0] = 12345;
	r.octets[1] = 987654;
	r.tcp_flags[0] = 0x1b;
	r.tcp_flags[1] = 0x1a;
	r.vlan = r.inner_vlan = 0xfff;
	r.end_reason = MR_FLOW_END_DETECTED;
	r.direction = 1;
	r.ingress = 3;
	r.egress = 4;
	return r;
}

TEST(FlowJson, SaysWhatTheRecordSays)
{
	Object o(to_json(sample()));

	EXPECT_EQ("192.0.2.10", o.text("sourceIPv4Address"));
	EXPECT_EQ("198.51.100.20", o.text("destinationIPv4Address"));
	EXPECT_EQ(40001, o.number("sourceTransportPort"));
	EXPECT_EQ(443, o.number("destinationTransportPort"));
	EXPECT_EQ("1:j6k52yPJTQ6Kch5pyK9ZIFWT7HA=", o.text("community_id"));
	EXPECT_EQ(12345, o.number("octetDeltaCount"));
	EXPECT_EQ(987654, o.number("reverseOctetDeltaCount"));
	EXPECT_EQ("2026-01-01T00:00:00.123456789Z", o.text("flowStartNanoseconds"));
	EXPECT_EQ("2026-01-01T00:00:03.999999999Z", o.text("reverseFlowEndNanoseconds"));
	EXPECT_EQ(3, o.number("flowEndReason"));
	EXPECT_EQ(1, o.number("biflowDirection"));
	EXPECT_EQ("18446744073709551557", o.text("flowId"));
	EXPECT_EQ("42", o.text("observationPointId"));
	EXPECT_EQ(27, o.number("tcpControlBits"));
	EXPECT_EQ(3, o.number("ingressInterface"));
}

TEST(FlowJson, LeavesOutWhatSaysNothing)
{
	struct mr_flow_rec r = sample();

	r.proto = 17;
	Object o(to_json(r));
	for (const char *key : { "tcpControlBits", "reverseTcpControlBits", "tcpOptions", "tcpWindowSize",
				 "vlanId", "dot1qVlanId", "dot1qCustomerVlanId", "sourceMacAddress",
				 "mplsTopLabelStackSection", "flowStartMilliseconds", "icmpTypeCodeIPv4" })
		EXPECT_FALSE(o.has(key)) << key;
	r.vlan = 100;
	r.mac[0][5] = 1;
	r.mpls_label = 0x0001e1;
	Object tagged(to_json(r));
	EXPECT_EQ(100, tagged.number("dot1qVlanId"));
	EXPECT_EQ("00:00:00:00:00:01", tagged.text("sourceMacAddress"));
	EXPECT_EQ("0001e1", tagged.text("mplsTopLabelStackSection"));
}

TEST(FlowJson, OneSideUnseenHasNoReverseKeys)
{
	struct mr_flow_rec r = sample();

	r.packets[1] = r.octets[1] = r.start_ns[1] = r.end_ns[1] = 0;
	Object o(to_json(r));
	EXPECT_FALSE(o.has("reversePacketDeltaCount"));
	EXPECT_EQ(17, o.number("packetDeltaCount"));

	// only the responder was heard: its view, and a direction that says so
	r = sample();
	r.packets[0] = r.octets[0] = r.start_ns[0] = r.end_ns[0] = 0;
	Object answer(to_json(r));
	EXPECT_EQ("198.51.100.20", answer.text("sourceIPv4Address"));
	EXPECT_EQ(443, answer.number("sourceTransportPort"));
	EXPECT_EQ(701, answer.number("packetDeltaCount"));
	EXPECT_EQ("2026-01-01T00:00:00.123956789Z", answer.text("flowStartNanoseconds"));
	EXPECT_EQ(2, answer.number("biflowDirection"));
	EXPECT_EQ(4, answer.number("ingressInterface"));
}

// Every key and value of flows.jsonl is what a collector decodes from profile full, character by character.
TEST(FlowJson, IsWhatProfileFullSays)
{
	Random random(30);

	for (int i = 0; i < 1000; i++) {
		struct mr_flow_rec r = random.rec();
		std::string json = to_json(r), wire;
		Exporter e;
		Decoder d;

		e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_FULL) };
		ASSERT_EQ(0, e.open());
		e.put(r);
		e.flush();
		for (const Bytes &m : fakes["c"].taken)
			ASSERT_EQ(0, d.message(m));
		ASSERT_EQ(1u, d.flows().size());
		Object mine(json), theirs(d.flows()[0].json);
		const char *key;
		json_t *value;
		json_object_del(mine.root, "community_id"); // no information element, made from the others
		json_object_foreach(mine.root, key, value)
				EXPECT_TRUE(json_equal(value, json_object_get(theirs.root, key)))
			<< key;
		EXPECT_LE(json.size(), (size_t)MR_FLOW_JSON_PLAIN_MAX / 5 * 4) << "room to spare";
		ASSERT_LT(json_object_size(mine.root), json_object_size(theirs.root));
	}
}

TEST(FlowJson, LayoutsFitTheEncodingBuffer)
{
	struct mr_flow_json json;

	mr_flow_json_init(&json, 0);
	for (const struct mr_ipfix_layout &l : json.layout)
		EXPECT_LE(l.len, 512);
}

static std::string field_name(const struct mr_ipfix_field &f)
{
	char name[MR_IPFIX_NAME_MAX];

	return mr_ipfix_ie_name(f.pen, f.id, name);
}

static std::string field_text(const struct mr_ipfix_field &f)
{
	std::string len = f.len == MR_IPFIX_VARLEN ? "v" : std::to_string(f.len);

	return (f.pen == MR_IPFIX_PEN_REVERSE ? "R:" : "") + std::to_string(f.id) + "[" + len + "]";
}

// The generated part of docs/formats.md, from the tables that the encoder uses.
static std::string documentation()
{
	static const struct {
		enum mr_ipfix_profile profile;
		const char *name;
	} profiles[] = { { MR_IPFIX_COMPAT, "compat" },
			 { MR_IPFIX_BIFLOW, "biflow" },
			 { MR_IPFIX_FULL, "full" } };
	static const char *const heads[] = { "IPv4", "IPv6", "ICMP", "ICMPv6" };
	static const char *const options[] = {
		"sampling",  "metering statistics",	 "metering reliability",    "exporting reliability",
		"flow keys", "element types (RFC 5610)", "applications (RFC 6759)", "interface names"
	};
	static const char *const types[] = { "octets as hexadecimal text",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "number",
					     "true or false",
					     "MAC address",
					     "text",
					     "RFC 3339",
					     "RFC 3339",
					     "RFC 3339",
					     "RFC 3339, ns",
					     "IPv4 address",
					     "IPv6 address" };
	static const char *const units[] = {
		"", "bits", "octets", "packets", "flows", "s", "ms", "us", "ns"
	};
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];
	std::ostringstream out;
	std::set<std::string> seen;

	out << "### Data templates\n\n| id | profile | octets | fields in order |\n|---|---|---|---|\n";
	for (auto &p : profiles) {
		unsigned n = mr_ipfix_layouts_make(p.profile, 0, l);

		for (unsigned i = 0; i < n; i++) {
			out << "| " << l[i].id << " | " << p.name << " " << heads[i % 4]
			    << (p.profile != MR_IPFIX_COMPAT && i < 4 ? ", one side unseen" : "") << " | "
			    << l[i].len << " |";
			for (unsigned k = 0; k < l[i].n; k++)
				out << " " << field_text(l[i].field[k]);
			out << " |\n";
		}
	}
	out << "\n### Options templates\n\n| id | what | fields in order |\n|---|---|---|\n";
	for (unsigned i = 0; i < MR_IPFIX_O_MAX; i++) {
		const struct mr_ipfix_option &o = mr_ipfix_options[i];

		out << "| " << 320 + o.offset << " | " << options[i] << " | scope";
		for (unsigned k = 0; k < o.n; k++)
			out << " " << field_text(o.field[k]) << " " << field_name(o.field[k])
			    << (k + 1 == o.scopes ? ";"
				: k + 1 == o.n	  ? ""
						  : ",");
		out << " |\n";
	}
	out << "\n### Keys of flows.jsonl\n\n| key | element | value |\n|---|---|---|\n";
	unsigned n = mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, l);
	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < l[(i + 4) % 8].n; k++) { // those with reverse fields first
			const struct mr_ipfix_layout &layout = l[(i + 4) % 8];
			const struct mr_ipfix_ie *ie =
				mr_ipfix_ie_find(layout.field[k].pen, layout.field[k].id);
			std::string name = field_name(layout.field[k]), text = types[ie->type];

			if ((layout.flags[k] & MR_IPFIX_F_NOT_JSON) != 0 || !seen.insert(name).second)
				continue;
			if (ie->type == MR_IPFIX_T_U64 && ie->semantics == MR_IPFIX_S_ID)
				text = "number as text";
			else if (text == "number" && ie->units != 0 && ie->units <= MR_IPFIX_UNIT_NS)
				text = units[ie->units];
			if ((layout.flags[k] & MR_IPFIX_F_TCP) != 0)
				text += "; TCP only";
			if ((layout.flags[k] & MR_IPFIX_F_NONZERO) != 0)
				text += "; left out when 0";
			out << "| " << name << " | "
			    << (layout.field[k].pen == MR_IPFIX_PEN_REVERSE ? "R:" : "") << layout.field[k].id
			    << " | " << text << " |\n";
		}
	}
	return out.str();
}

// MILLRACE_UPDATE_DOCS=1 writes the page anew instead of comparing.
TEST(FlowJson, DocumentationIsOfTheseTables)
{
	const char *source = getenv("MILLRACE_SOURCE");
	const std::string begin = "<!-- generated by tests/unit/test_flow_json.cc: begin -->\n",
			  end = "<!-- generated: end -->\n";

	ASSERT_NE(nullptr, source) << "run it by meson test";
	std::string path = std::string(source) + "/docs/formats.md";
	std::ifstream in(path);
	std::string page{ std::istreambuf_iterator<char>(in), {} };
	size_t from = page.find(begin), to = page.find(end);
	ASSERT_TRUE(from != std::string::npos && to != std::string::npos) << path << ": no marks";
	from += begin.size();
	if (getenv("MILLRACE_UPDATE_DOCS") != nullptr)
		std::ofstream(path) << page.substr(0, from) << "\n"
				    << documentation() << "\n"
				    << page.substr(to);
	else
		EXPECT_EQ("\n" + documentation() + "\n", page.substr(from, to - from))
			<< "docs/formats.md is of other tables: MILLRACE_UPDATE_DOCS=1 meson test flow_json";
}
