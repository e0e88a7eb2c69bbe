// SPDX-License-Identifier: Apache-2.0
// The capture generator against tshark: its frames are what it says, and so are its expectations.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <jansson.h>
#include <unistd.h>

namespace fs = std::filesystem;

namespace
{

struct Result {
	int status;
	std::string out;
};

Result run(const std::string &command)
{
	FILE *pipe = popen(command.c_str(), "r");
	std::string out;
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof(buf), pipe)) != 0)
		out.append(buf, n);
	return { pclose(pipe), out };
}

bool have_tshark()
{
	if (run("tshark --version 2>&1").status == 0)
		return true;
	if (const char *ci = getenv("CI"); ci != nullptr && std::string(ci) == "true")
		ADD_FAILURE() << "tshark is not installed";
	return false;
}

class Gen : public testing::Test
{
      protected:
	fs::path dir;

	void SetUp() override
	{
		char name[] = "gen-XXXXXX";

		ASSERT_NE(nullptr, mkdtemp(name));
		dir = fs::absolute(name);
	}
	void TearDown() override
	{
		fs::remove_all(dir);
	}
	Result gen(const std::string &args)
	{
		const char *build = getenv("MILLRACE_BUILD");

		return run("cd " + dir.string() + " && " + (build == nullptr ? "." : build) +
			   "/tools/gen/millrace-gen " + args + " 2>&1");
	}
	std::string file(const std::string &name)
	{
		std::ifstream in(dir / name, std::ios::binary);
		std::stringstream s;

		s << in.rdbuf();
		return s.str();
	}
	/* Lines of tab-separated fields, all checksums checked. */
	std::vector<std::vector<std::string>> tshark(const std::string &name, const std::string &args)
	{
		Result r = run(
			"tshark -n -r " + (dir / name).string() +
			" -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE "
			"-o ip.defragment:FALSE -o ipv6.defragment:FALSE " +
			args + " 2>/dev/null");
		std::vector<std::vector<std::string>> rows;
		std::istringstream lines(r.out);

		EXPECT_EQ(0, r.status);
		for (std::string line; std::getline(lines, line);) {
			std::istringstream fields(line);
			rows.emplace_back();
			for (std::string f; std::getline(fields, f, '\t');)
				rows.back().push_back(f);
			rows.back().resize(12);
		}
		return rows;
	}
};

struct JsonFree {
	void operator()(json_t *j) const
	{
		json_decref(j);
	}
};

std::unique_ptr<json_t, JsonFree> parse(const std::string &text)
{
	json_error_t error;
	json_t *j = json_loads(text.c_str(), 0, &error);

	EXPECT_NE(nullptr, j) << error.text;
	return std::unique_ptr<json_t, JsonFree>(j);
}

uint64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

uint64_t at(const json_t *object, const char *key, size_t i)
{
	return json_integer_value(json_array_get(json_object_get(object, key), i));
}

struct Sum {
	uint64_t packets = 0, octets = 0;
	std::string first, last; /* seconds.nanoseconds */

	bool operator==(const Sum &o) const
	{
		return packets == o.packets && octets == o.octets && first == o.first && last == o.last;
	}
};

std::string seconds(uint64_t ns)
{
	char text[32];

	snprintf(text, sizeof(text), "%lu.%09lu", ns / 1000000000, ns % 1000000000);
	return text;
}

const char *const no_fault =
	"'_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || "
	"udp.checksum.status == 0 || icmp.checksum.status == 0 || icmpv6.checksum.status == 0 || "
	"sctp.checksum.status == 0 || tcp.analysis.lost_segment || tcp.analysis.retransmission || "
	"tcp.analysis.ack_lost_segment || tcp.analysis.out_of_order'";

} // namespace

TEST_F(Gen, SameKeysSameFile)
{
	const std::string keys = "packets=2000 flows=50 handshake=yes tcp=80 ipv6=30 size=imix ";

	ASSERT_EQ(0, gen(keys + "-o a.pcap").status);
	ASSERT_EQ(0, gen(keys + "-o b.pcap").status);
	ASSERT_EQ(0, gen(keys + "-o c.pcap seed=2").status);
	EXPECT_EQ(file("a.pcap"), file("b.pcap"));
	EXPECT_NE(file("a.pcap"), file("c.pcap"));
}

TEST_F(Gen, TsharkFindsNoFault)
{
	if (!have_tshark())
		GTEST_SKIP() << "tshark is not installed";
	for (std::string keys :
	     { "packets=5k flows=100 handshake=yes tcp=80 icmp=5 ipv6=40 new=100 rate=10k size=imix",
	       "scenario=fragments", "scenario=timeouts", "scenario=tcp" }) {
		ASSERT_EQ(0, gen(keys + " -o x.pcap").status);
		bool tcp_scenario = keys == "scenario=tcp"; /* repeats a SYN, sends without acknowledgment */
		auto bad =
			tshark("x.pcap", std::string("-Y ") +
						 (tcp_scenario ? "'_ws.malformed || tcp.checksum.status == 0'"
							       : no_fault));
		EXPECT_TRUE(bad.empty()) << keys << ": " << bad[0][0];
	}
	/* steady traffic has gaps in its sequence numbers, so only octets are judged */
	ASSERT_EQ(0, gen("packets=5k flows=100 tcp=50 icmp=5 ipv6=40 vlan=3 size=imix synflood=10 -o x.pcap")
			     .status);
	EXPECT_TRUE(tshark("x.pcap",
			   "-Y '_ws.malformed || ip.checksum.status == 0 || tcp.checksum.status == 0 || "
			   "udp.checksum.status == 0'")
			    .empty());
}

TEST_F(Gen, BothFormatsHoldTheSame)
{
	if (!have_tshark())
		GTEST_SKIP() << "tshark is not installed";
	const std::string fields =
		"-T fields -e frame.time_epoch -e frame.len -e frame.cap_len -e eth.type -e ip.id";

	for (std::string keys : { "packets=300 size=imix", "scenario=odd" }) {
		ASSERT_EQ(0, gen(keys + " -o x.pcap").status);
		ASSERT_EQ(0, gen(keys + " -o x.pcapng").status);
		auto rows = tshark("x.pcap", fields);
		EXPECT_FALSE(rows.empty());
		EXPECT_EQ(rows, tshark("x.pcapng", fields));
	}
}

/* Per sender and receiver: packets, octets, first and last time, summed up by tshark's decoding and by ours.
 */
TEST_F(Gen, ExpectationsAreWhatTsharkSees)
{
	if (!have_tshark())
		GTEST_SKIP() << "tshark is not installed";
	for (std::string keys :
	     { "packets=5k flows=100 handshake=yes tcp=60 ipv6=40 new=100 rate=10k size=imix",
	       "packets=3k flows=10 tcp=50", "packets=2k flows=10 synflood=50", "scenario=tcp",
	       "scenario=timeouts" }) {
		std::map<std::string, Sum> theirs, ours;

		ASSERT_EQ(0, gen(keys + " -o x.pcap -e x.json").status);
		auto rows = tshark(
			"x.pcap", "-T fields -e frame.time_epoch -e ip.src -e ipv6.src -e ip.dst -e ipv6.dst "
				  "-e tcp.srcport -e udp.srcport -e tcp.dstport -e udp.dstport -e ip.len "
				  "-e ipv6.plen");
		for (auto &r : rows) {
			Sum &s = theirs[r[1] + r[2] + " " + r[5] + r[6] + " " + r[3] + r[4] + " " + r[7] +
					r[8]];

			s.octets += r[9].empty() ? std::stoul(r[10]) + 40 : std::stoul(r[9]);
			s.first = s.packets++ == 0 ? r[0] : s.first;
			s.last = r[0];
		}
		auto expect = parse(file("x.json"));
		size_t i;
		json_t *flow;
		json_array_foreach(json_object_get(expect.get(), "flows"), i, flow)
		{
			std::string end[2] = { json_string_value(json_object_get(flow, "src")) +
						       std::string(" ") +
						       std::to_string(number(flow, "src_port")),
					       json_string_value(json_object_get(flow, "dst")) +
						       std::string(" ") +
						       std::to_string(number(flow, "dst_port")) };
			for (int dir = 0; dir < 2; dir++) {
				if (at(flow, "packets", dir) == 0)
					continue;
				Sum &s = ours[end[dir] + " " + end[!dir]];

				s.first = s.packets == 0 ? seconds(at(flow, "first_ns", dir)) : s.first;
				s.last = seconds(at(flow, "last_ns", dir));
				s.packets += at(flow, "packets", dir);
				s.octets += at(flow, "octets", dir);
			}
		}
		EXPECT_EQ(rows.size(), number(expect.get(), "metered_packets"));
		EXPECT_EQ(theirs.size(), ours.size()) << keys;
		EXPECT_TRUE(theirs == ours) << keys;
	}
}

TEST_F(Gen, RecordsEndAsPlanned)
{
	std::map<std::string, int> ends;
	size_t i;
	json_t *flow;

	ASSERT_EQ(0, gen("scenario=timeouts idle=10 active=60 -o x.pcap -e x.json").status);
	auto timeouts = parse(file("x.json"));
	json_array_foreach(json_object_get(timeouts.get(), "flows"), i, flow)
		ends[json_string_value(json_object_get(flow, "end"))]++;
	EXPECT_EQ((std::map<std::string, int>{ { "idle", 1 }, { "active", 3 }, { "end of capture", 5 } }),
		  ends);

	ASSERT_EQ(0, gen("scenario=tcp -o x.pcap -e x.json").status);
	auto tcp = parse(file("x.json"));
	EXPECT_EQ(14u, number(tcp.get(), "distinct_keys"));
	EXPECT_EQ(16u, json_array_size(json_object_get(tcp.get(), "flows")))
		<< "ports used again, IPv4 and IPv6";

	ASSERT_EQ(0, gen("scenario=odd -o x.pcap -e x.json").status);
	auto odd = parse(file("x.json"));
	uint64_t not_metered = 0;
	const char *key;
	json_t *count;
	json_object_foreach(json_object_get(odd.get(), "not_metered"), key, count) not_metered +=
		json_integer_value(count);
	EXPECT_EQ(number(odd.get(), "packets"), number(odd.get(), "metered_packets") + not_metered);
	EXPECT_EQ(9u, json_object_size(json_object_get(odd.get(), "not_metered")));
	EXPECT_EQ(5u, json_object_size(json_object_get(odd.get(), "notes")));
}

TEST_F(Gen, HelpNamesEverything)
{
	Result r = gen("--help");

	EXPECT_EQ(0, r.status);
	for (const char *word : { "flows", "new", "imix", "synflood", "handshake", "odd", "timeouts",
				  "fragments", "idle", "--expect", "Examples" })
		EXPECT_NE(std::string::npos, r.out.find(word)) << word;
}

TEST_F(Gen, RefusesInOneLine)
{
	for (std::string args :
	     { "", "packets=10", "-o x.pcap", "packets=10 what=1 -o x.pcap", "scenario=none -o x.pcap",
	       "scenario=odd flows=3 -o x.pcap", "idle=0 packets=1 -o x.pcap", "packets=1 -o missing/x.pcap",
	       "packets=1 -o x.pcap -e missing/x.json", "packets=100k -o /dev/full" }) {
		Result r = gen(args);

		EXPECT_NE(0, r.status) << args;
		EXPECT_EQ(0u, r.out.find("millrace-gen: ")) << r.out;
		EXPECT_EQ(r.out.size() - 1, r.out.find('\n')) << r.out;
	}
}
