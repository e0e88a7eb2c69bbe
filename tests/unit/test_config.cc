// SPDX-License-Identifier: Apache-2.0
// What a file may say and what is said of its faults. The tests that walk the schema: test_config_schema.cc.
#include <cstring>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "config/mr_config_priv.h"
#include "config_util.h"

using namespace config_test;

namespace
{

// One fault: the text and all that it must say.
struct Fault {
	const char *yaml;
	std::vector<const char *> lines;
};

void expect_faults(const std::vector<Fault> &faults)
{
	for (const auto &f : faults) {
		Result r = load(f.yaml);

		EXPECT_EQ(-EINVAL, r.ret) << f.yaml;
		EXPECT_EQ(std::vector<std::string>(f.lines.begin(), f.lines.end()), r.errors) << f.yaml;
	}
}

} // namespace
TEST(ConfigValue, UnitsMeanWhatTheManualSays)
{
	auto flow = [](const std::string &yaml) { return load(port + ("flow: {" + yaml + "}\n")); };
	auto buffer = [](const std::string &v) {
		Result r = load(port + ("export: {collectors: [{host: h, transport: tcp, send_buffer: " + v +
					"}]}\n"));
		return r.ret == 0 ? r.cfg->export_.collectors[0].send_buffer : 0;
	};

	EXPECT_EQ(500u, flow("idle_timeout: 500ms, tcp_linger: 0").cfg->flow.idle_timeout_ms);
	EXPECT_EQ(45000u, flow("idle_timeout: 45").cfg->flow.idle_timeout_ms); // a bare number is seconds
	EXPECT_EQ(45000u, flow("idle_timeout: 45 s").cfg->flow.idle_timeout_ms);
	EXPECT_EQ(300000u, flow("idle_timeout: 5m").cfg->flow.idle_timeout_ms);
	EXPECT_EQ(7200000u, flow("active_timeout: 2h").cfg->flow.active_timeout_ms);
	EXPECT_EQ(64000u, flow("max_flows: 64k").cfg->flow.max_flows);
	EXPECT_EQ(2000000u, flow("max_flows: 2M").cfg->flow.max_flows);
	EXPECT_EQ(1000000000u, flow("max_flows: 1G").cfg->flow.max_flows);
	EXPECT_EQ(65536u, buffer("64k"));
	EXPECT_EQ(65536u, buffer("64KiB"));
	EXPECT_EQ(65536u, buffer("65536"));
	EXPECT_EQ(64000u << 4, buffer("1024kB"));
	EXPECT_EQ(8u << 20, buffer("8M"));
	EXPECT_EQ(8000000u, buffer("8MB"));
	EXPECT_EQ(1u << 30, buffer("1GiB"));
	EXPECT_EQ(512ULL << 20, load("memory: {per_node_mb: 512}", false).cfg->memory.per_node);
	EXPECT_EQ(2ULL << 30, load("memory: {per_node_mb: 2GiB}", false).cfg->memory.per_node);
	for (const char *yes : { "true", "yes", "on", "True", "ON" })
		EXPECT_TRUE(flow(std::string("port_in_key: ") + yes).cfg->flow.port_in_key) << yes;
	for (const char *no : { "false", "no", "off", "False", "OFF" })
		EXPECT_FALSE(flow(std::string("vlan_in_key: ") + no).cfg->flow.vlan_in_key) << no;
}

TEST(ConfigValue, CpuLists)
{
	auto cpus = [](const std::string &text) {
		Result r = load(port + ("cores: {workers: " + text + "}\n"));
		std::vector<unsigned> v;

		for (unsigned i = 0; r.ret == 0 && i < r.cfg->cores.workers.n; i++)
			v.push_back(r.cfg->cores.workers.v[i]);
		return v;
	};

	EXPECT_EQ((std::vector<unsigned>{ 4 }), cpus("4"));
	EXPECT_EQ((std::vector<unsigned>{ 2, 3, 4, 5, 8 }), cpus("'8,2-5'"));
	EXPECT_EQ((std::vector<unsigned>{ 1, 2, 3 }), cpus("'1 , 2-3'"));
	EXPECT_EQ((std::vector<unsigned>{ 1, 2, 6, 7 }), cpus("[1, 2, 6-7]"));
	EXPECT_EQ((std::vector<unsigned>{}), cpus("auto"));
	EXPECT_EQ(128u, cpus("896-1023").size());
	for (const char *bad : { "5-2", "'1,'", "',1'", "1-", "1024", "a", "1;2", "'1,1'", "2-4,3", "0-128",
				 "[]", "[[1]]", "''", "'1 2'", "-1", "{1: 2}" })
		EXPECT_EQ(1u, load(std::string("cores: {workers: ") + bad + "}", false).errors.size()) << bad;
	expect_faults({ { "cores:\n  workers: 1,3-5,4\n",
			  { "t.yaml:2: cores.workers: '1,3-5,4' names CPU 4 twice; allowed: a list of CPUs "
			    "like 2-5,8, "
			    "or auto" } },
			{ "cores: {main: 5000}",
			  { "t.yaml:1: cores.main: '5000' isn't a CPU number; allowed: a CPU number from 0 "
			    "to 1023, or "
			    "auto" } } });
}

// --- faults of the text
// -----------------------------------------------------------------------------------------

TEST(ConfigFault, KeysAndTypes)
{
	expect_faults({
		{ "flow:\n  max_flows: 1M\n  idel_timeout: 5s\n",
		  { "t.yaml:3: flow.idel_timeout: unknown key; did you mean 'idle_timeout'?" } },
		{ "ports:\n  - devise: eth0\n",
		  { "t.yaml:2: ports[0].devise: unknown key; did you mean 'device'?",
		    "t.yaml:2: ports[0]: has no 'device'; add it" } },
		{ "collectors: []\n", { "t.yaml:1: collectors: unknown key here; it belongs to export" } },
		{ "flow:\n  probe: {}\n",
		  { "t.yaml:2: flow.probe: unknown key here; it belongs to the top level" } },
		{ "export:\n  host: x\n",
		  { "t.yaml:2: export.host: unknown key here; it belongs to export.collectors[]" } },
		{ "netflow9: yes\n",
		  { "t.yaml:1: netflow9: unknown key; the keys here are probe, cores, memory, ports, flow, "
		    "inspect, export, "
		    "telemetry" } },
		{ "flow: {idle_timeout: 1s,\n  idle_timeout: 2s}\n",
		  { "t.yaml:2: flow.idle_timeout: is here a second time, first in line 1; keep one" } },
		{ "flow: {}\nports: [{device: a}]\nflow:\n  max_flows: 1M\n",
		  { "t.yaml:3: flow: is here a second time, first in line 1; keep one" } },
		{ "flow: 5\n",
		  { "t.yaml:1: flow: is a single value; allowed: a map (key: value lines, indented)" } },
		{ "flow: [1]\n",
		  { "t.yaml:1: flow: is a list; allowed: a map (key: value lines, indented)" } },
		{ "ports: {device: a}\n",
		  { "t.yaml:1: ports: is a map; allowed: a list of maps (each starts with '- ')" } },
		{ "ports:\n  - eth0\n",
		  { "t.yaml:2: ports[0]: isn't a map; allowed: '- ' and then key: value lines" } },
		{ "flow:\n  vlan_in_key: [a]\n",
		  { "t.yaml:2: flow.vlan_in_key: is a list; allowed: true or false" } },
		{ "flow:\n  vlan_in_key: maybe\n",
		  { "t.yaml:2: flow.vlan_in_key: 'maybe' isn't true or false; allowed: true or false" } },
		{ "flow:\n  vlan_in_key:\n",
		  { "t.yaml:2: flow.vlan_in_key: has no value; allowed: true or false" } },
		{ "export: {mode: some}\n",
		  { "t.yaml:1: export.mode: 'some' isn't known; allowed: one of all, failover, balance" } },
		{ "export:\n  collectors:\n    - port: 1\n",
		  { "t.yaml:3: export.collectors[0]: has no 'host'; add it" } },
		{ "[a]: b\n", { "t.yaml:1: a key that isn't a word; allowed: key: value" } },
		{ "- a\n",
		  { "t.yaml:1: the file isn't a map; allowed: sections like 'flow:' with keys indented "
		    "below" } },
	});
}

TEST(ConfigFault, Yaml)
{
	expect_faults({
		{ "flow:\n\tidle_timeout: 1s\n", { "t.yaml:2: a tab; indent with spaces" } },
		{ "a: 1\n---\nb: 2\n",
		  { "t.yaml:2: a second document ('---'); a configuration is one document" } },
		{ "flow:\n  probe: \"\xff\xfe\"\n",
		  { "t.yaml:2: not UTF-8 text: invalid leading UTF-8 octet; save the file as UTF-8" } },
		{ "\xff\xfe\x61\n",
		  { "t.yaml:1: not UTF-8 text: invalid leading UTF-8 octet; save the file as UTF-8" } },
		{ "flow:\n  idle_timeout: 1s\n max_flows: 1\n",
		  { "t.yaml:3: not YAML: did not find expected key while parsing a block mapping that starts "
		    "in line 1; "
		    "look at indentation and quotes" } },
		{ "flow: {a\n",
		  { "t.yaml:2: not YAML: did not find expected ',' or '}' while parsing a flow mapping that "
		    "starts in "
		    "line 1; look at indentation and quotes" } },
		{ "flow: *no\n",
		  { "t.yaml:1: an alias (*...) without an anchor (&...) before it; define the anchor "
		    "first" } },
		{ "flow: &f\n  a: *f\n",
		  { "t.yaml:2: an alias (*...) without an anchor (&...) before it; define the anchor "
		    "first" } },
		{ "# one\n%YAML 1.1\n---\n",
		  { "t.yaml:2: a directive (%...) isn't used here; remove the line" } },
		{ "probe: {name: !!str x}\n",
		  { "t.yaml:1: tags (!...) aren't used here; remove it, or put the text in quotes" } },
		{ "probe:\n  name: \"a\\0b\"\n",
		  { "t.yaml:2: a value with a line break, control or invisible character in it; remove that "
		    "character" } },
		{ "probe:\n  name: |\n    x\n",
		  { "t.yaml:2: a value with a line break, control or invisible character in it; remove that "
		    "character" } },
		{ "\"fl\\0ow\": {}\n",
		  { "t.yaml:1: a value with a line break, control or invisible character in it; remove that "
		    "character" } },
	});
}

// libyaml takes minutes for a file of them, so none may reach it, whatever breaks the lines.
TEST(ConfigFault, NoDirectiveBehindAnyLineBreak)
{
	for (const char *line_break : { "\n", "\r", "\r\n", "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xa9" }) {
		Result r =
			load(std::string("#") + line_break + "%TAG !a! x" + line_break + "---" + line_break);

		ASSERT_EQ(1u, r.errors.size());
		EXPECT_NE(std::string::npos, r.errors[0].find("a directive")) << r.errors[0];
	}
	EXPECT_EQ(1u, load("%TAG !a! x\n---\n").errors.size());
	EXPECT_EQ(1u, load("\xef\xbb\xbf%TAG !a! x\n---\n").errors.size());
	EXPECT_EQ(0, load("#\t%x\nports: [{device: a%b}]\n").ret);
}

TEST(ConfigFault, AllAreCollected)
{
	Result r =
		load("flow:\n  max_flows: x\n  nonsense: 1\nports:\n  - device: a\n    mtu: 1\nexport: 3\n");

	ASSERT_EQ(4u, r.errors.size());
	EXPECT_EQ(0u, r.errors[0].find("t.yaml:2: flow.max_flows: "));
	EXPECT_EQ(0u, r.errors[1].find("t.yaml:3: flow.nonsense: "));
	EXPECT_EQ(0u, r.errors[2].find("t.yaml:6: ports[0].mtu: "));
	EXPECT_EQ(0u, r.errors[3].find("t.yaml:7: export: "));
}

TEST(ConfigFault, ListOfErrorsIsBoundedAndCounted)
{
	auto errors = std::make_unique<mr_config_errors>();
	mr_config *cfg = nullptr;
	std::string text;

	for (int i = 0; i < 100; i++)
		text += "zzzzzzzz" + std::to_string(i) + ": 1\n";
	EXPECT_EQ(-EINVAL, mr_config_parse(text.data(), text.size(), "t", &cfg, errors.get()));
	EXPECT_EQ(unsigned(MR_CONFIG_ERRORS_MAX), errors->n);
	EXPECT_EQ(100u, errors->n_errors);
	std::string printed = text_of([&](FILE *f) { mr_config_errors_print(errors.get(), f); });
	EXPECT_NE(std::string::npos, printed.find("\nand 36 more\n"));
}

TEST(ConfigFault, TextFromTheFileIsSafeToPrint)
{
	Result r = load("\"\\u65e5\\u672c\": 1\n" + std::string(300, 'k') + ": 2\n");

	ASSERT_EQ(2u, r.errors.size());
	EXPECT_EQ(0u, r.errors[0].find("t.yaml:1: \u65e5\u672c: unknown key"));
	EXPECT_LT(r.errors[1].size(), 250u);
	// cut between characters, not within one
	std::string wide;
	for (int i = 0; i < 100; i++)
		wide += "\u00e9";
	char quoted[MR_CONFIG_QUOTE_MAX];
	for (const char *lead : { "", "a" }) {
		std::string text = mr_config_quote(quoted, (lead + wide).c_str());
		size_t dots = text.find("...'");

		ASSERT_NE(std::string::npos, dots);
		EXPECT_EQ('\xa9', text[dots - 1]);
	}
	EXPECT_STREQ("'a?b?c'", mr_config_quote(quoted, "a\x1b"
							"b\xc2\x9b"
							"c"));
}

// --- hostile files
// ------------------------------------------------------------------------------------------------

TEST(ConfigLimit, SizeDepthNodesAnchors)
{
	auto first = [](const std::string &text) {
		Result r = load(text);
		return r.errors.empty() ? "" : r.errors[0];
	};
	std::string many = "flow: [", anchors = "flow: [";

	EXPECT_EQ("t.yaml: larger than 1 MiB; is it a configuration?",
		  first(std::string((1 << 20) + 1, '#')));
	EXPECT_EQ("", load(std::string(port) + std::string((1 << 20) - sizeof(port), '#')).errors.size()
			      ? "x"
			      : "");
	EXPECT_NE(std::string::npos, first(std::string(1 << 20, '[')).find("nested deeper"));
	EXPECT_NE(std::string::npos, first(std::string(1 << 20, '{')).find("nested deeper"));
	std::string dashes;
	for (int i = 0; i < 500000; i++)
		dashes += "- ";
	EXPECT_NE(std::string::npos, first(dashes).find("nested deeper"));
	for (int i = 0; i < 200000; i++)
		many += "a,";
	EXPECT_NE(std::string::npos, first(many + "]").find("more values"));
	for (int i = 0; i < 10000; i++)
		anchors += "&a" + std::to_string(i) + " b,";
	EXPECT_NE(std::string::npos, first(anchors + "]").find("more anchors"));
	std::string ports = "ports:\n";
	for (int i = 0; i < 33; i++)
		ports += "  - device: eth" + std::to_string(i) + "\n";
	EXPECT_EQ("t.yaml:2: ports: has 33 entries; at most 32 are allowed", first(ports));
}

TEST(ConfigLimit, BillionLaughs)
{
	// each map merges the one before ten times: 10^9 maps when followed to the end
	std::string text = "telemetry:\n  <<:\n    - &a0 {stats_interval: 5s}\n";

	for (int i = 1; i <= 9; i++) {
		text += "    - &a" + std::to_string(i) + " {<<: [";
		for (int k = 0; k < 10; k++)
			text += "*a" + std::to_string(i - 1) + ", ";
		text += "]}\n";
	}
	Result r = load(text);
	ASSERT_EQ(1u, r.errors.size());
	EXPECT_NE(std::string::npos,
		  r.errors[0].find("aliases repeat more than a configuration can hold; write it out"));
}

TEST(ConfigAlias, AliasesAndMergesWork)
{
	Result r = load("ports: [{device: eth0}]\n"
			"export:\n"
			"  collectors:\n"
			"    - &base\n"
			"      host: 10.0.0.1\n"
			"      profile: &p full\n"
			"      mtu: 1400\n"
			"    - <<: *base\n"
			"      host: 10.0.0.2\n"
			"    - {host: 10.0.0.3, profile: *p}\n"
			"    - <<: [{mtu: 600}, *base]\n"
			"      host: 10.0.0.4\n");

	ASSERT_EQ(0, r.ret) << r.errors[0];
	const mr_config_collector *c = r.cfg->export_.collectors;
	EXPECT_STREQ("10.0.0.2", c[1].host);
	EXPECT_EQ(MR_CONFIG_FULL, c[1].profile);
	EXPECT_EQ(1400, c[1].mtu);
	EXPECT_EQ(MR_CONFIG_FULL, c[2].profile);
	EXPECT_EQ(1420, c[2].mtu);
	EXPECT_EQ(600, c[3].mtu); // the first of the merged maps is the strongest
	EXPECT_STREQ("10.0.0.4", c[3].host);
	expect_faults({ { "flow:\n  <<: 5\n",
			  { "t.yaml:2: flow: << of something that isn't a map; allowed: <<: *anchor of a "
			    "map" } } });
}

TEST(ConfigFile, EmptySectionsAreDefaults)
{
	Config defaults(mr_config_defaults(), mr_config_free);

	for (const char *text : { "", "# nothing\n", "---\n", "~", "flow:\nports:\nexport:\n  collectors:\n",
				  "\xef\xbb\xbf"
				  "flow:\n",
				  "---\nflow: {}\n...\n", "flow: ~\r\nprobe: null\r\n" }) {
		Result r = load(text, false);

		ASSERT_EQ(0, r.ret) << text << r.errors[0];
		EXPECT_EQ(dump(defaults.get()), dump(r.cfg.get())) << text;
	}
}

TEST(ConfigFile, WhatCannotBeRead)
{
	auto fault = [](const std::string &path, int code) {
		auto errors = std::make_unique<mr_config_errors>();
		mr_config *cfg = nullptr;

		EXPECT_EQ(code, mr_config_load(path.c_str(), &cfg, errors.get())) << path;
		EXPECT_EQ(nullptr, cfg);
		return errors->n == 0 ? std::string() : std::string(errors->list[0].text);
	};
	std::string dir = testing::TempDir() + "mr_config_XXXXXX";

	ASSERT_NE(nullptr, mkdtemp(dir.data()));
	EXPECT_EQ(dir + "/no: No such file or directory; name a file that can be read",
		  fault(dir + "/no", -ENOENT));
	EXPECT_EQ(dir + ": isn't a regular file; name a YAML file", fault(dir, -EINVAL));
	std::string fifo = dir + "/fifo", big = dir + "/big";
	ASSERT_EQ(0, mkfifo(fifo.c_str(), 0600));
	EXPECT_EQ(fifo + ": isn't a regular file; name a YAML file", fault(fifo, -EINVAL));
	std::ofstream(big) << std::string(3 << 20, ' ');
	EXPECT_EQ(big + ": larger than 1 MiB; is it a configuration?", fault(big, -EFBIG));
	unlink(fifo.c_str());
	unlink(big.c_str());
	rmdir(dir.c_str());
}

// --- across fields
// --------------------------------------------------------------------------------------------------

TEST(ConfigCheck, Ports)
{
	expect_faults({
		{ "flow: {}\n", { "t.yaml: ports: there is none; add at least one '- device: ...'" } },
		{ "ports:\n  - {device: a, name: x}\n  - {device: b, name: x}\n",
		  { "t.yaml:3: ports[1].name: 'x' is also the name of ports[0]; give each its own" } },
		{ "ports:\n  - device: 0000:3b:00.0\n  - device: 3B:00.0,a=b\n",
		  { "t.yaml:3: ports[1].device: '3B:00.0,a=b' is also the device of ports[0]; a device can "
		    "be opened "
		    "once" } },
		{ "ports:\n  - device: a\n    peer: b\n",
		  { "t.yaml:3: ports[0].peer: a tap has no peer; remove it, or set role: pair" } },
		{ "ports:\n  - device: a\n    role: pair\n",
		  { "t.yaml:3: ports[0].role: a pair without peer; add peer: and the name of the other "
		    "port" } },
		{ "ports:\n  - device: a\n    role: pair\n    peer: b\n",
		  { "t.yaml:4: ports[0].peer: there is no port 'b'; name one of ports[].name" } },
		{ "ports:\n  - {device: a, role: pair, peer: port0}\n",
		  { "t.yaml:2: ports[0].peer: 'port0' is this port itself; name the other port of the "
		    "pair" } },
		{ "ports:\n  - {device: a, role: pair, peer: port1}\n  - {device: b}\n",
		  { "t.yaml:2: ports[0].peer: 'port1' isn't a pair; give it role: pair and peer: 'port0'" } },
		{ "ports:\n  - {device: a, role: pair, peer: port1}\n  - {device: b, role: pair, peer: "
		  "port2}\n"
		  "  - {device: c, role: pair, peer: port1}\n",
		  { "t.yaml:2: ports[0].peer: 'port1' has another peer; ports of a pair name each other" } },
		{ "ports:\n  - {device: a, role: pair, peer: port1, queues: 2}\n"
		  "  - {device: b, role: pair, peer: port0, queues: 4}\n",
		  { "t.yaml:3: ports[0].peer: 'port1' has 4 queues and this port 2; give both the same" } },
		{ "ports:\n  - {device: 'replay:x', role: pair, peer: port1}\n"
		  "  - {device: b, role: pair, peer: port0}\n",
		  { "t.yaml:2: ports[0].device: can't send, so it is no half of a pair; use role: tap" } },
		{ "cores: {workers: 1-2}\nports:\n  - device: a\n    queues: 4\n",
		  { "t.yaml:4: ports[0].queues: 4 queues but 2 workers, and each queue needs one; lower it "
		    "or use "
		    "auto" } },
	});
	EXPECT_EQ(0, load("ports:\n  - {device: 'replay:x'}\n  - {device: 'replay:x'}\n").ret);
	EXPECT_EQ(0, load("ports:\n  - {device: Eth0}\n  - {device: eth0}\n").ret);
	EXPECT_EQ(0, load("ports:\n  - {device: a, role: pair, peer: port1}\n"
			  "  - {device: b, role: pair, peer: port0}\n")
			     .ret);
}

TEST(ConfigCheck, CoresFlowExport)
{
	expect_faults({
		{ "ports: [{device: a}]\ncores:\n  main: 2\n  workers: 1-3\n  allow_shared: no\n",
		  { "t.yaml:3: cores.main: CPU 2 is also a worker's; name another CPU, or set "
		    "cores.allow_shared" } },
		{ "ports: [{device: a}]\ncores: {main: 2, exporter: 2, allow_shared: no}\n",
		  { "t.yaml:2: cores.exporter: CPU 2 is also the main thread's; name another CPU, or set "
		    "cores.allow_shared" } },
		{ "ports: [{device: a}]\ncores:\n  workers: 1-3\n  worker_count: 3\n",
		  { "t.yaml:4: cores.worker_count: contradicts cores.workers, which names 3; keep one of the "
		    "two" } },
		{ "ports: [{device: a}]\nflow:\n  idle_timeout: 13h\n  active_timeout: 24h\n",
		  { "t.yaml:3: flow: idle_timeout and active_timeout are more than 36h together; lower "
		    "one" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: a\n      tls: {ca: x}\n",
		  { "t.yaml:5: export.collectors[0].tls: without effect as transport isn't tls; remove it, "
		    "or set "
		    "transport: tls" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: a\n      transport: tls\n",
		  { "t.yaml:5: export.collectors[0].tls: there is no 'ca' to verify the collector with; add "
		    "ca: "
		    "FILE.pem" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n"
		  "    - {host: a, transport: tls, tls: {ca: x, certificate: y}}\n"
		  "    - {host: b, transport: tls, tls: {ca: x, key: y}}\n",
		  { "t.yaml:4: export.collectors[0].tls: certificate without key; add key: FILE.pem",
		    "t.yaml:5: export.collectors[1].tls: key without certificate; add certificate: "
		    "FILE.pem" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: 10.0.0.1:4739\n",
		  { "t.yaml:4: export.collectors[0].host: '10.0.0.1:4739' has a port in it; write the port "
		    "as the key "
		    "'port'" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: udp://x\n",
		  { "t.yaml:4: export.collectors[0].host: 'udp://x' isn't a host name or address; write it "
		    "alone, "
		    "without brackets" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: a\n    - host: A\n",
		  { "t.yaml:5: export.collectors[1].host: 'A' is also where export.collectors[0] sends, with "
		    "the same "
		    "port and transport; remove one" } },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - {host: a, name: n}\n    - {host: b, "
		  "name: n}\n",
		  { "t.yaml:5: export.collectors[1].name: 'n' is also the name of export.collectors[0]; give "
		    "each its "
		    "own" } },
		{ "ports: [{device: a}]\nexport: {file: x, jsonl: x}\n",
		  { "t.yaml:2: export.jsonl: is the same file as export.file; give it its own" } },
	});
}

TEST(ConfigCheck, Warnings)
{
	const std::string base = "ports: [{device: a}]\nexport: {jsonl: j}\n";
	const std::vector<std::pair<std::string, std::string>> cases = {
		{ base + "flow:\n  idle_timeout: 10m\n",
		  "t.yaml:4: flow.idle_timeout: longer than flow.active_timeout, so no flow ends as idle; "
		  "make it the "
		  "shorter one" },
		{ base + "flow:\n  tcp_linger: 31s\n",
		  "t.yaml:4: flow.tcp_linger: longer than flow.idle_timeout, which ends the flow before; "
		  "make it the "
		  "shorter one" },
		{ base + "memory: {hugepages: off, per_node_mb: 64}\n",
		  "t.yaml:3: memory.per_node_mb: has no effect with memory.hugepages: off; remove it" },
		{ base + "cores: {main: 1, workers: 1}\n",
		  "t.yaml:3: cores.main: CPU 1 is also a worker's; name another CPU, or say so by "
		  "cores.allow_shared: "
		  "true" },
		{ "export: {jsonl: j}\nports:\n  - {device: a, promiscuous: no}\n",
		  "t.yaml:3: ports[0].promiscuous: the port takes only frames to its own address; set true "
		  "for TAP, SPAN "
		  "and inline" },
		{ "export: {jsonl: j}\nports:\n  - {device: a, role: pair, peer: port1, mtu: 1500}\n"
		  "  - {device: b, role: pair, peer: port0, mtu: 9000}\n",
		  "t.yaml:4: ports[0].peer: 'port1' has MTU 9000 and this port 1500; larger packets won't "
		  "get through" },
		{ "ports: [{device: a}]\n",
		  "t.yaml: export: no collector and no file, so no record leaves the probe; add one" },
		{ "ports: [{device: a}]\nexport:\n  mode: failover\n  collectors: [{host: a}]\n",
		  "t.yaml:3: export.mode: failover with 1 collector; add one, or use all" },
		{ "ports: [{device: a}]\nexport:\n  file_profile: full\n  jsonl: j\n",
		  "t.yaml:3: export.file_profile: has no effect without export.file; add it" },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - host: a\n      send_buffer: 1MiB\n",
		  "t.yaml:5: export.collectors[0].send_buffer: has no effect with udp; remove it" },
		{ "ports: [{device: a}]\nexport:\n  collectors:\n    - {host: a, transport: tcp, mtu: "
		  "1420}\n",
		  "t.yaml:4: export.collectors[0].mtu: has no effect without udp; remove it" },
	};

	for (const auto &[yaml, want] : cases) {
		Result r = load(yaml);

		EXPECT_EQ(0, r.ret) << yaml;
		EXPECT_EQ(std::vector<std::string>{ want }, r.warnings) << yaml;
	}
	EXPECT_TRUE(load(base).warnings.empty());
}

TEST(ConfigCheck, WorksWithoutAFile)
{
	Config cfg(mr_config_defaults(), mr_config_free);
	auto errors = std::make_unique<mr_config_errors>();
	mr_config_port p = {};

	p.name = "p";
	p.device = "eth0";
	p.promiscuous = true;
	cfg->ports = &p;
	cfg->n_ports = 1;
	EXPECT_EQ(0, mr_config_check(cfg.get(), errors.get()));
	ASSERT_EQ(1u, errors->n_warnings);
	EXPECT_STREQ("export: no collector and no file, so no record leaves the probe; add one",
		     errors->list[0].text);
}

TEST(ConfigReload, OnlyReloadableKeysMayChange)
{
	const std::string before = "ports: [{device: eth0}]\nexport: {collectors: [{host: a}]}\n";
	auto judge = [&](const std::string &text) {
		Result was = load(before), is = load(text);
		auto errors = std::make_unique<mr_config_errors>();
		Result r;

		r.ret = mr_config_check_reload(was.cfg.get(), is.cfg.get(), errors.get());
		r.take(*errors);
		return r;
	};

	EXPECT_EQ(0, judge(before).ret);
	EXPECT_EQ(
		0,
		judge("ports: [{device: eth0}]\nflow: {idle_timeout: 5s}\nprobe: {log_level: debug}\n").ret);
	Result r = judge("ports: [{device: eth1}]\nflow:\n  max_flows: 2M\nexport: {jsonl: x}\n");
	EXPECT_EQ(-EINVAL, r.ret);
	EXPECT_EQ((std::vector<std::string>{ "t.yaml:1: ports[0].device: was 'eth0' and would be 'eth1', "
					     "which needs a restart; restart, or put "
					     "the old value back",
					     "t.yaml:3: flow.max_flows: was '1M' and would be '2M', which "
					     "needs a restart; restart, or put the "
					     "old value back",
					     "t.yaml:4: export.jsonl: was not set and would be 'x', which "
					     "needs a restart; restart, or put the "
					     "old value back" }),
		  r.errors);
	EXPECT_EQ((std::vector<std::string>{
			  "t.yaml:1: ports: was 1 long and would be 2, which needs a restart; restart, or "
			  "put the old value back" }),
		  judge("ports: [{device: eth0}, {device: b}]\n").errors);
}
