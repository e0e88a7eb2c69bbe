// SPDX-License-Identifier: Apache-2.0
// The reader against capinfos over every shared capture: packets, earliest and latest time.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/mr_clock.h"
#include "drivers/replay/mr_capture.h"

namespace fs = std::filesystem;

namespace {

struct Facts {
	uint64_t packets = 0;
	std::string first = "n/a", last = "n/a"; // seconds with nine digits of fraction
};

std::string seconds(uint64_t ns)
{
	char buf[40];

	snprintf(buf, sizeof(buf), "%llu.%09llu", static_cast<unsigned long long>(ns / MR_NS_PER_S),
		 static_cast<unsigned long long>(ns % MR_NS_PER_S));
	return buf;
}

// capinfos prints as many digits as the file's resolution has
std::string nine_digits(std::string s)
{
	const size_t dot = s.find('.');

	if (dot != std::string::npos)
		s.resize(dot + 10, '0');
	return s;
}

std::string run(const std::string &command)
{
	std::string out;
	char buf[65536];
	FILE *p = popen(command.c_str(), "r");

	while (size_t n = fread(buf, 1, sizeof(buf), p))
		out.append(buf, n);
	pclose(p);
	return out;
}

// "NAME","PACKETS","FIRST","LAST" in lines
std::map<std::string, Facts> ask_capinfos(const std::vector<std::string> &files)
{
	std::map<std::string, Facts> facts;
	std::string command = "capinfos -T -M -Q -m -r -c -a -e -S";

	for (const std::string &f : files)
		command += " '" + f + "'";
	std::string out = run(command + " 2>/dev/null");
	for (size_t pos = 0, end; (end = out.find('\n', pos)) != std::string::npos; pos = end + 1) {
		std::vector<std::string> cells(1);
		for (char c : out.substr(pos, end - pos)) {
			if (c == ',')
				cells.emplace_back();
			else if (c != '"')
				cells.back() += c;
		}
		if (cells.size() == 4)
			facts[cells[0]] = { strtoull(cells[1].c_str(), nullptr, 10), nine_digits(cells[2]),
					    nine_digits(cells[3]) };
	}
	return facts;
}

// libpcap's count, for files whose link type capinfos refuses
Facts ask_tcpdump(const std::string &file)
{
	Facts facts;

	facts.packets = strtoull(run("tcpdump -r '" + file + "' --count 2>/dev/null").c_str(), nullptr, 10);
	return facts;
}

Facts ask_us(const std::string &file, mr_capture_status *status)
{
	Facts facts;
	mr_capture *c = nullptr;
	mr_err err = {};
	const char *path = file.c_str();
	mr_capture_packet pkts[64];
	uint64_t first = UINT64_MAX, last = 0;

	EXPECT_EQ(0, mr_capture_open(&path, 1, &c, &err)) << err.msg;
	if (c == nullptr)
		return facts;
	while (uint32_t n = mr_capture_read(c, pkts, 64)) {
		facts.packets += n;
		for (uint32_t i = 0; i < n; i++) {
			first = std::min(first, pkts[i].time_ns);
			last = std::max(last, pkts[i].time_ns);
		}
	}
	if (facts.packets != 0) {
		facts.first = seconds(first);
		facts.last = seconds(last);
	}
	*status = mr_capture_get_status(c, 0);
	mr_capture_close(c);
	return facts;
}

// Fuzzed records that capinfos reads otherwise: seconds past 2038 as negative, a fraction above a second by overflow.
bool has_odd_times(const std::string &file, const Facts &ours)
{
	for (const char *name : { "atm-oam-loopback-print-overrun", "rx_serviceid_oobr", "timestamp_invalid_" })
		if (file.find(name) != std::string::npos)
			return true;
	return strtoull(ours.last.c_str(), nullptr, 10) > INT32_MAX;
}

} // namespace

TEST(CaptureOracle, CapinfosCountsTheSame)
{
	const char *shared = getenv("MILLRACE_SHARED"), *source = getenv("MILLRACE_SOURCE"), *ci = getenv("CI");
	const fs::path dir = shared != nullptr ? fs::path(shared) / "captures" :
						 fs::path(source != nullptr ? source : ".") / "../shared/captures";
	const bool must = ci != nullptr && std::string(ci) == "true";
	std::vector<std::string> files;
	size_t by_capinfos = 0, by_tcpdump = 0, torn = 0, odd_times = 0;

	if (!fs::exists(dir)) {
		ASSERT_FALSE(must) << "no shared captures at " << dir;
		GTEST_SKIP() << "no shared captures at " << dir << " (set MILLRACE_SHARED)";
	}
	if (run("command -v capinfos && command -v tcpdump && echo both").find("both") == std::string::npos) {
		ASSERT_FALSE(must) << "capinfos and tcpdump are needed";
		GTEST_SKIP() << "capinfos (wireshark-common) or tcpdump isn't installed";
	}
	for (const auto &e : fs::recursive_directory_iterator(dir)) {
		const std::string ext = e.path().extension();
		if (ext == ".pcap" || ext == ".pcapng")
			files.push_back(e.path());
	}
	const std::map<std::string, Facts> capinfos = ask_capinfos(files);
	for (const std::string &file : files) {
		SCOPED_TRACE(file);
		mr_capture_status status = {};
		const Facts ours = ask_us(file, &status);
		const auto row = capinfos.find(file);
		if (row != capinfos.end()) {
			by_capinfos++;
			EXPECT_EQ(row->second.packets, ours.packets);
			if (has_odd_times(file, ours)) {
				odd_times++;
				continue;
			}
			EXPECT_EQ(row->second.first, ours.first);
			EXPECT_EQ(row->second.last, ours.last);
		} else {
			by_tcpdump++;
			EXPECT_EQ(ask_tcpdump(file).packets, ours.packets);
		}
		if (status.end != MR_CAPTURE_WHOLE) {
			torn++;
			printf("%s: %s\n", file.c_str(), status.why);
		}
	}
	printf("%zu captures as capinfos counts, %zu as tcpdump, %zu of them cut or damaged\n", by_capinfos, by_tcpdump,
	       torn);
	EXPECT_GT(by_capinfos, 1000u);
	EXPECT_LT(odd_times, 20u);
}
