// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "capture_writer.h"
#include "drivers/replay/mr_capture.h"
extern "C" {
#include "drivers/replay/mr_capture_priv.h"
}

namespace {

struct Packet {
	std::string data;
	uint64_t time_ns;
	uint32_t wire_len;
	uint16_t linktype;
	uint8_t link;
};

struct Reading {
	int rc = 0;
	std::string error;
	std::vector<Packet> packets;
	mr_capture_status status = {};
	std::string verdict;
};

Reading drain(int rc, mr_capture *c, const mr_err &open_err, uint32_t burst)
{
	Reading r;
	std::vector<mr_capture_packet> pkts(burst);

	r.rc = rc;
	r.error = open_err.msg;
	if (rc != 0)
		return r;
	while (uint32_t n = mr_capture_read(c, pkts.data(), burst)) {
		for (uint32_t i = 0; i < n; i++)
			r.packets.push_back({ std::string(reinterpret_cast<const char *>(pkts[i].data), pkts[i].cap_len),
					      pkts[i].time_ns, pkts[i].wire_len, pkts[i].linktype, pkts[i].link });
	}
	r.status = mr_capture_get_status(c, 0);
	mr_err err = {};
	EXPECT_EQ(mr_capture_verdict(c, &err) != 0, mr_capture_damaged(c) != 0);
	r.verdict = err.msg;
	mr_capture_close(c);
	return r;
}

Reading read_memory(const std::string &file, uint32_t burst = 64)
{
	// a block of exactly this size, so that a sanitizer sees the first octet too many
	std::vector<char> exact(file.begin(), file.end());
	exact.shrink_to_fit();
	mr_capture *c = nullptr;
	mr_err err = {};
	int rc = mr_capture_open_memory("x.pcap", exact.data(), exact.size(), &c, &err);
	return drain(rc, c, err, burst);
}

class Capture : public testing::Test {
protected:
	void SetUp() override
	{
		char name[] = "/tmp/mr_capture_XXXXXX";
		ASSERT_NE(nullptr, mkdtemp(name));
		dir = name;
	}
	void TearDown() override
	{
		for (const std::string &f : files)
			unlink(f.c_str());
		rmdir(dir.c_str());
	}
	std::string file(const std::string &name, const std::string &content)
	{
		std::string path = dir + "/" + name;
		std::ofstream(path, std::ios::binary) << content;
		files.push_back(path);
		return path;
	}
	Reading read_files(const std::vector<std::string> &paths, uint32_t burst = 64)
	{
		std::vector<const char *> names;
		for (const std::string &p : paths)
			names.push_back(p.c_str());
		mr_capture *c = nullptr;
		mr_err err = {};
		int rc = mr_capture_open(names.data(), names.size(), &c, &err);
		return drain(rc, c, err, burst);
	}
	std::string dir;
	std::vector<std::string> files;
};

std::string gzip(const std::string &in)
{
	z_stream z = {};
	std::string out(in.size() + 1024, '\0');

	deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
	z.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(in.data()));
	z.avail_in = static_cast<uInt>(in.size());
	z.next_out = reinterpret_cast<Bytef *>(&out[0]);
	z.avail_out = static_cast<uInt>(out.size());
	EXPECT_EQ(Z_STREAM_END, deflate(&z, Z_FINISH));
	out.resize(z.total_out);
	deflateEnd(&z);
	return out;
}

std::string zstd(const std::string &in)
{
	std::string out(ZSTD_compressBound(in.size()), '\0');

	out.resize(ZSTD_compress(&out[0], out.size(), in.data(), in.size(), 3));
	return out;
}

std::string three_packets(bool big, uint32_t magic = 0xa1b2c3d4, uint32_t network = 1)
{
	const bool modified = magic == 0xa1b2cd34;
	CaptureWriter w(big);

	w.pcap_header(magic, network);
	w.pcap_record(1700000000, 999999, "first", 5, modified);
	w.pcap_record(1700000001, 7, "", 60, modified);
	w.pcap_record(4294967295, 0, "third packet", 1500, modified);
	return w.out;
}

} // namespace

TEST(CapturePcap, AllMagicsInBothOrders)
{
	for (bool big : { false, true }) {
		for (uint32_t magic : { 0xa1b2c3d4u, 0xa1b23c4du, 0xa1b2cd34u }) {
			for (uint32_t burst : { 1u, 2u, 64u }) {
				SCOPED_TRACE(testing::Message() << big << " " << std::hex << magic << " " << burst);
				Reading r = read_memory(three_packets(big, magic), burst);
				ASSERT_EQ(0, r.rc) << r.error;
				ASSERT_EQ(3u, r.packets.size());
				const uint64_t unit = magic == 0xa1b23c4d ? 1 : 1000;
				EXPECT_EQ("first", r.packets[0].data);
				EXPECT_EQ(1700000000000000000u + 999999 * unit, r.packets[0].time_ns);
				EXPECT_EQ(5u, r.packets[0].wire_len);
				EXPECT_EQ("", r.packets[1].data);
				EXPECT_EQ(60u, r.packets[1].wire_len);
				EXPECT_EQ("third packet", r.packets[2].data);
				EXPECT_EQ(4294967295000000000u, r.packets[2].time_ns);
				EXPECT_EQ(1500u, r.packets[2].wire_len);
				EXPECT_EQ(MR_LINK_ETHERNET, r.packets[2].link);
				EXPECT_EQ(MR_CAPTURE_WHOLE, r.status.end);
				EXPECT_EQ("", r.verdict);
			}
		}
	}
}

TEST(CapturePcap, OnlyAHeaderIsNoPackets)
{
	Reading r = read_memory(CaptureWriter(false).pcap_header(0xa1b2c3d4, 1).out);

	EXPECT_EQ(0, r.rc);
	EXPECT_TRUE(r.packets.empty());
	EXPECT_EQ(MR_CAPTURE_WHOLE, r.status.end);
}

TEST(CapturePcap, LinkTypes)
{
	const struct {
		uint32_t linktype;
		int link;
	} rows[] = { { 0, MR_LINK_NULL },	  { 1, MR_LINK_ETHERNET },  { 9, MR_LINK_PPP },
		     { 12, MR_LINK_RAW },	  { 14, MR_LINK_RAW },	    { 50, MR_LINK_PPP },
		     { 101, MR_LINK_RAW },	  { 104, MR_LINK_CHDLC },   { 105, MR_LINK_IEEE802_11 },
		     { 107, MR_LINK_FRELAY },	  { 108, MR_LINK_NULL },    { 113, MR_LINK_SLL },
		     { 127, MR_LINK_RADIOTAP },	  { 228, MR_LINK_RAW },	    { 229, MR_LINK_RAW },
		     { 276, MR_LINK_SLL2 },	  { 187, MR_LINK_UNSUPPORTED }, { 65535, MR_LINK_UNSUPPORTED } };

	for (const auto &row : rows) {
		Reading r = read_memory(three_packets(false, 0xa1b2c3d4, row.linktype));
		ASSERT_EQ(3u, r.packets.size());
		EXPECT_EQ(row.link, r.packets[0].link) << row.linktype;
		EXPECT_EQ(row.linktype, r.packets[0].linktype);
	}
}

TEST(CapturePcap, FcsIsMaskedFromTheLinkTypeAndNotCounted)
{
	CaptureWriter w(false);

	w.pcap_header(0xa1b2c3d4, 0x24000001); // 2 words of FCS, present, Ethernet
	w.pcap_record(1, 0, "datadataFCS!", 12).pcap_record(2, 0, "snap", 12).pcap_record(3, 0, "ab", 2);
	Reading r = read_memory(w.out);
	ASSERT_EQ(3u, r.packets.size());
	EXPECT_EQ(MR_LINK_ETHERNET, r.packets[0].link);
	EXPECT_EQ("datadata", r.packets[0].data);
	EXPECT_EQ(8u, r.packets[0].wire_len);
	EXPECT_EQ("snap", r.packets[1].data); // the cut took the FCS already
	EXPECT_EQ(8u, r.packets[1].wire_len);
	EXPECT_EQ(0u, r.packets[2].wire_len);
}

TEST(CapturePcap, WireLengthIsNeverBelowCapturedNorAbsurd)
{
	CaptureWriter w(true);

	w.pcap_header(0xa1b2c3d4, 1);
	w.pcap_record(1, 0, "longer", 2).pcap_record(2, 0, "fuzzed", 0xfffffff0);
	Reading r = read_memory(w.out);
	ASSERT_EQ(2u, r.packets.size());
	EXPECT_EQ(6u, r.packets[0].wire_len);
	EXPECT_EQ(6u, r.packets[1].wire_len);
}

TEST(CapturePcap, CutAnywhereGivesTheWholeRecordsBefore)
{
	for (uint32_t magic : { 0xa1b2c3d4u, 0xa1b2cd34u }) {
		const std::string whole = three_packets(false, magic);
		const size_t record = magic == 0xa1b2c3d4 ? 16 : 24;
		const size_t ends[] = { 24, 24 + record + 5, 24 + 2 * record + 5, 24 + 3 * record + 17 };
		ASSERT_EQ(ends[3], whole.size());

		for (size_t cut = 0; cut < whole.size(); cut++) {
			SCOPED_TRACE(cut);
			Reading r = read_memory(whole.substr(0, cut));
			if (cut < 24) {
				EXPECT_EQ(cut == 0 ? -ENODATA : cut < 4 ? -EPROTONOSUPPORT : -EBADMSG, r.rc);
				EXPECT_NE("", r.error);
				continue;
			}
			size_t n = cut >= ends[2] ? 2 : cut >= ends[1] ? 1 : 0;
			ASSERT_EQ(0, r.rc);
			EXPECT_EQ(n, r.packets.size());
			EXPECT_EQ(cut == ends[n] ? MR_CAPTURE_WHOLE : MR_CAPTURE_TRUNCATED, r.status.end);
			EXPECT_EQ(ends[n], r.status.offset);
			EXPECT_EQ(n, r.status.packets);
		}
	}
}

TEST(CapturePcap, AbsurdLengthIsCorrupt)
{
	CaptureWriter w(false);

	w.pcap_header(0xa1b2c3d4, 1).pcap_record(1, 0, "good", 4);
	w.u32(2).u32(0).u32(MR_CAPTURE_PACKET_MAX + 1).u32(60).bytes("rest");
	Reading r = read_memory(w.out);
	EXPECT_EQ(1u, r.packets.size());
	EXPECT_EQ(MR_CAPTURE_CORRUPT, r.status.end);
	EXPECT_EQ(44u, r.status.offset);
	EXPECT_EQ("x.pcap: damaged at octet 44, a packet longer than any can be; the 1 packets before it were read",
		  r.verdict);
}

TEST(CapturePcapng, TwoInterfacesResolutionsAndOffsets)
{
	for (bool big : { false, true }) {
		SCOPED_TRACE(big);
		CaptureWriter w(big);
		const uint64_t s = 1700000000;

		w.section();
		w.interface(1, 0); // default: microseconds
		w.interface(101, 0, w.option(9, "\x09") + w.option(14, w.fresh().u64(static_cast<uint64_t>(-3600)).out));
		w.interface(113, 0, w.option(2, "eth7") + w.option(9, "\x8a") + w.option(0, "")); // 2^-10
		w.interface(1, 0, w.option(9, "\x0c") + w.option(13, "\x04"));			 // 10^-12, FCS
		w.interface(1, 0, w.option(9, std::string(1, '\0')));				 // whole seconds
		w.packet(0, s * 1000000 + 5, "zero", 60, w.option(2, "\1\0\0\0"));
		w.block(5, std::string(20, 'x')); // interface statistics
		w.packet(1, s * 1000000000 + 7, "one", 3);
		w.packet(2, (s << 10) + 512, "two", 3);
		w.packet(3, 5000000001999u, "three+FCS!", 10);
		w.block(0x80000bad, "unknown");
		w.packet(4, s, "four", 4);
		Reading r = read_memory(w.out);
		ASSERT_EQ(0, r.rc) << r.error;
		ASSERT_EQ(5u, r.packets.size()) << r.verdict;
		EXPECT_EQ("zero", r.packets[0].data);
		EXPECT_EQ(60u, r.packets[0].wire_len);
		EXPECT_EQ(s * 1000000000 + 5000, r.packets[0].time_ns);
		EXPECT_EQ("one", r.packets[1].data);
		EXPECT_EQ((s - 3600) * 1000000000 + 7, r.packets[1].time_ns);
		EXPECT_EQ(MR_LINK_RAW, r.packets[1].link);
		EXPECT_EQ(s * 1000000000 + 500000000, r.packets[2].time_ns);
		EXPECT_EQ(MR_LINK_SLL, r.packets[2].link);
		EXPECT_EQ("three+", r.packets[3].data);
		EXPECT_EQ(5000000001u, r.packets[3].time_ns);
		EXPECT_EQ(s * 1000000000, r.packets[4].time_ns);
		EXPECT_EQ(MR_CAPTURE_WHOLE, r.status.end);
	}
}

TEST(CapturePcapng, SectionsOfBothOrdersForgetTheirInterfaces)
{
	CaptureWriter little(false), big(true);

	little.section().interface(1, 0).packet(0, 1, "a", 1);
	big.section().interface(113, 0).packet(0, 2, "b", 1);
	Reading r = read_memory(little.out + big.out + little.out);
	ASSERT_EQ(3u, r.packets.size());
	EXPECT_EQ(MR_LINK_SLL, r.packets[1].link);
	EXPECT_EQ(2000u, r.packets[1].time_ns);

	r = read_memory(little.out + CaptureWriter(false).section().packet(0, 1, "c", 1).out);
	EXPECT_EQ(1u, r.packets.size());
	EXPECT_EQ(MR_CAPTURE_CORRUPT, r.status.end);
}

TEST(CapturePcapng, OldAndPlainPackets)
{
	CaptureWriter w(false);

	w.section().interface(1, 6).packet_old(0, 5, "old", 30);
	w.packet_plain("snappy", 100).packet_plain("tiny", 4);
	Reading r = read_memory(w.out);
	ASSERT_EQ(3u, r.packets.size());
	EXPECT_EQ("old", r.packets[0].data);
	EXPECT_EQ(30u, r.packets[0].wire_len);
	EXPECT_EQ("snappy", r.packets[1].data);
	EXPECT_EQ(100u, r.packets[1].wire_len);
	EXPECT_EQ(5000u, r.packets[1].time_ns); // that of the packet before
	EXPECT_EQ("tiny", r.packets[2].data);
}

TEST(CapturePcapng, TimesBeyondAnyClockAreLimited)
{
	CaptureWriter w(false);

	w.section().interface(1, 0, w.option(9, std::string(1, '\0')));
	w.interface(1, 0, w.option(14, w.fresh().u64(uint64_t{ 1 } << 63).out));
	w.interface(1, 0, w.option(9, "\xff"));
	w.interface(1, 0, w.option(9, "\x7f"));
	for (uint32_t i = 0; i < 4; i++)
		w.packet(i, UINT64_MAX, "x", 1);
	Reading r = read_memory(w.out);
	ASSERT_EQ(4u, r.packets.size());
	EXPECT_EQ(MR_CAPTURE_TIME_MAX_NS, r.packets[0].time_ns);
	EXPECT_EQ(0u, r.packets[1].time_ns);
	EXPECT_EQ(0u, r.packets[2].time_ns);
	EXPECT_EQ(0u, r.packets[3].time_ns);
}

TEST(CapturePcapng, CutAnywhereGivesTheWholeBlocksBefore)
{
	CaptureWriter w(false);
	std::vector<size_t> ends;

	w.section();
	const size_t first_block = w.out.size();
	ends.push_back(w.out.size());
	w.interface(1, 0, w.option(9, "\x09"));
	ends.push_back(w.out.size());
	for (const char *data : { "abcde", "", "fghi" }) {
		w.packet(0, 1, data, 9);
		ends.push_back(w.out.size());
	}
	w.packet_plain("xyz", 3);
	ends.push_back(w.out.size());

	for (size_t cut = 0; cut <= w.out.size(); cut++) {
		SCOPED_TRACE(cut);
		Reading r = read_memory(w.out.substr(0, cut));
		if (cut < first_block) {
			EXPECT_LT(r.rc, 0);
			EXPECT_NE("", r.error);
			continue;
		}
		size_t blocks = 0;
		while (blocks < ends.size() && ends[blocks] <= cut)
			blocks++;
		ASSERT_EQ(0, r.rc);
		EXPECT_EQ(blocks < 2 ? 0 : blocks - 2, r.packets.size());
		EXPECT_EQ(cut == ends[blocks - 1] ? MR_CAPTURE_WHOLE : MR_CAPTURE_TRUNCATED, r.status.end);
		EXPECT_EQ(ends[blocks - 1], r.status.offset);
	}
}

TEST(CapturePcapng, BlocksThatContradictThemselves)
{
	CaptureWriter head(false);
	head.section().interface(1, 0).packet(0, 1, "good", 4);
	const CaptureWriter none(false);
	const struct {
		const char *what;
		std::string tail;
	} rows[] = {
		{ "length below a block's least", none.fresh().u32(6).u32(8).u32(8).out },
		{ "length above all", none.fresh().u32(6).u32(0xfffffffc).u32(8).out },
		{ "lengths differ", none.fresh().u32(77).u32(16).u32(0).u32(20).out },
		{ "interface unknown", none.fresh().packet(1, 1, "x", 1).out },
		{ "packet longer than block", none.fresh().block(6, none.fresh().u32(0).u64(0).u32(9).u32(9).u64(1).out).out },
		{ "packet block too short", none.fresh().block(6, "1234567890123456").out },
		{ "old packet too short", none.fresh().block(2, "1234").out },
		{ "plain packet empty", none.fresh().block(3, "").out },
		{ "plain packet longer than block", none.fresh().packet_plain("x", 5).out },
		{ "interface too short", none.fresh().block(1, "1234").out },
		{ "section too short", none.fresh().block(0x0a0d0d0a, none.fresh().u32(0x1a2b3c4d).out).out },
		{ "no byte order", none.fresh().block(0x0a0d0d0a, std::string(16, 'x')).out },
		{ "other version",
		  none.fresh().block(0x0a0d0d0a, none.fresh().u32(0x1a2b3c4d).u16(2).u16(0).u64(0).out).out },
	};

	for (const auto &row : rows) {
		SCOPED_TRACE(row.what);
		Reading r = read_memory(head.out + row.tail);
		EXPECT_EQ(1u, r.packets.size());
		EXPECT_EQ(MR_CAPTURE_CORRUPT, r.status.end);
		EXPECT_EQ(head.out.size(), r.status.offset);
	}
	CaptureWriter many(false);
	many.section();
	for (int i = 0; i <= MR_CAPTURE_IFACES_MAX; i++)
		many.interface(1, 0);
	EXPECT_EQ(MR_CAPTURE_CORRUPT, read_memory(many.out).status.end);
}

TEST(CapturePcapng, OptionsThatRunOutOfTheirBlockAreIgnored)
{
	CaptureWriter w(false);

	w.section().interface(1, 0, w.option(9, "\x09") + w.fresh().u16(9).u16(400).u32(0).out);
	w.packet(0, 1234, "x", 1);
	Reading r = read_memory(w.out);
	ASSERT_EQ(1u, r.packets.size());
	EXPECT_EQ(1234u, r.packets[0].time_ns);
}

TEST_F(Capture, PackedGivesTheSame)
{
	const std::string plain = three_packets(false);
	const std::string half = plain.substr(0, 30), rest = plain.substr(30);
	const struct {
		const char *name;
		std::string content;
	} rows[] = {
		{ "plain", plain },
		{ "gzip", gzip(plain) },
		{ "gzip of two members", gzip(half) + gzip(rest) },
		{ "gzip, padded", gzip(plain) + std::string(512, '\0') },
		{ "zstd", zstd(plain) },
		{ "zstd of two frames", zstd(half) + zstd(rest) },
		{ "zstd behind a skippable frame", std::string("\x50\x2a\x4d\x18\x04\0\0\0skip", 12) + zstd(plain) },
	};

	for (const auto &row : rows) {
		SCOPED_TRACE(row.name);
		Reading r = read_files({ file(row.name, row.content) });
		ASSERT_EQ(0, r.rc) << r.error;
		ASSERT_EQ(3u, r.packets.size());
		EXPECT_EQ("third packet", r.packets[2].data);
		EXPECT_EQ("", r.verdict);
	}
}

TEST_F(Capture, LargePackedFile)
{
	CaptureWriter w(false);

	w.pcap_header(0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 20000; i++)
		w.pcap_record(i, 0, std::string(1000, static_cast<char>(i * 7919 >> 3)), 1000);
	for (const std::string &packed : { gzip(w.out), zstd(w.out) }) {
		Reading r = read_files({ file("large", packed) });
		ASSERT_EQ(0, r.rc) << r.error;
		ASSERT_EQ(20000u, r.packets.size());
		for (uint32_t i = 0; i < 20000; i++)
			ASSERT_EQ(static_cast<char>(i * 7919 >> 3), r.packets[i].data[999]);
	}
}

// Kilobytes of the mapping of @p path that are in memory of this process.
unsigned long resident_kb(const std::string &path)
{
	std::ifstream smaps("/proc/self/smaps");
	std::string line;
	unsigned long kb = 0;

	while (std::getline(smaps, line))
		if (line.size() > path.size() && line.compare(line.size() - path.size(), path.size(), path) == 0)
			break;
	while (std::getline(smaps, line))
		if (sscanf(line.c_str(), "Rss: %lu kB", &kb) == 1)
			break;
	return kb;
}

TEST_F(Capture, ReadOnceMemoryDoesNotGrowAndOldPacketsStay)
{
	CaptureWriter w(false);

	w.pcap_header(0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 20000; i++)
		w.pcap_record(i, 0, std::string(1000, static_cast<char>(i * 7919 >> 3)), 1000);
	for (const std::string &content : { w.out, gzip(w.out) }) {
		const bool plain = content.size() == w.out.size();
		const std::string path = file("once", content);
		const char *name = path.c_str();
		std::vector<mr_capture_packet> pkts(20064); // a burst more than there are
		uint32_t count = 0;
		mr_capture *c = nullptr;
		mr_err err = {};

		ASSERT_EQ(0, mr_capture_open(&name, 1, &c, &err)) << err.msg;
		mr_capture_set_once(c);
		while (uint32_t n = mr_capture_read(c, &pkts[count], 64))
			count += n;
		ASSERT_EQ(20000u, count);
		if (plain) {
			const unsigned long kb = resident_kb(path);

			EXPECT_GT(kb, 0u);
			EXPECT_LT(kb, 4096u) << "of 20 MB";
		}
		for (uint32_t i = 0; i < count; i++)
			ASSERT_EQ(static_cast<char>(i * 7919 >> 3), static_cast<char>(pkts[i].data[999])) << i;
		mr_capture_close(c);
	}
}

TEST_F(Capture, PackedAndCutGivesWhatCameBefore)
{
	CaptureWriter w(false);
	uint32_t x = 1;

	w.pcap_header(0xa1b2c3d4, 1);
	for (uint32_t i = 0; i < 3000; i++) {
		std::string data(100, '\0');
		for (char &c : data)
			c = static_cast<char>((x = x * 1664525 + 1013904223) >> 24);
		w.pcap_record(i, 0, data, 100);
	}
	for (const std::string &packed : { gzip(w.out), zstd(w.out) }) {
		Reading r = read_files({ file("cut", packed.substr(0, packed.size() - packed.size() / 4)) });
		ASSERT_EQ(0, r.rc) << r.error;
		EXPECT_GT(r.packets.size(), 100u);
		EXPECT_LT(r.packets.size(), 3000u);
		EXPECT_EQ(MR_CAPTURE_TRUNCATED, r.status.end);
		EXPECT_NE(std::string::npos, r.verdict.find("in the compressed data")) << r.verdict;
	}
	std::string bad = gzip(w.out);
	bad[bad.size() - 6] ^= 1; // its check sum
	Reading r = read_files({ file("bad", bad) });
	EXPECT_EQ(3000u, r.packets.size());
	EXPECT_EQ(MR_CAPTURE_CORRUPT, r.status.end);
}

TEST(CaptureUnpack, StopsAtItsLimit)
{
	const std::string plain(10u << 20, 'x');

	for (const std::string &packed : { gzip(plain), zstd(plain) }) {
		for (uint64_t max : { uint64_t{ 1 } << 20, uint64_t{ 6 } << 20, (uint64_t{ 10 } << 20) - 1 }) {
			mr_capture_file f = {};
			mr_err err = {};
			char path[] = "bomb.gz";
			f.path = path;
			f.data = reinterpret_cast<const uint8_t *>(packed.data());
			f.len = packed.size();
			EXPECT_EQ(-EFBIG, mr_capture_unpack(&f, max, &err)) << max;
			EXPECT_NE(nullptr, strstr(err.msg, "bomb.gz: unpacks to more than")) << err.msg;
			EXPECT_EQ(nullptr, f.map);
		}
		mr_capture_file f = {};
		mr_err err = {};
		f.data = reinterpret_cast<const uint8_t *>(packed.data());
		f.len = packed.size();
		ASSERT_EQ(0, mr_capture_unpack(&f, plain.size(), &err)) << err.msg;
		EXPECT_EQ(plain.size(), f.len);
		EXPECT_EQ(MR_CAPTURE_OPEN, f.packed_end);
		munmap(f.map, f.map_len);
	}
}

TEST_F(Capture, WhatCannotBeOpenedSaysWhy)
{
	const struct {
		std::string path;
		int rc;
		const char *says;
	} rows[] = {
		{ dir + "/none.pcap", -ENOENT, "cannot be opened: No such file or directory" },
		{ dir, -EISDIR, "a directory; name the captures in it" },
		{ "/dev/null", -EINVAL, "no regular file" },
		{ file("empty", ""), -ENODATA, "empty file, no capture" },
		{ file("empty.gz", gzip("")), -ENODATA, "unpacks to nothing" },
		{ file("cut.gz", "\x1f\x8b"), -ENODATA, "damaged compressed file" },
		{ file("bad.zst", "\x28\xb5\x2f\xfdgarbage"), -ENODATA, "damaged compressed file" },
		{ file("text", "hello, world\n"), -EPROTONOSUPPORT, "no pcap or pcapng capture (nor gzip or zstd" },
		{ file("x.json", "{\"a\": 1}"), -EPROTONOSUPPORT, "but perhaps JSON" },
		{ file("x.xz", "\xfd"
			       "7zXZ\1\2"), -EPROTONOSUPPORT, "but xz: unpack it first" },
		{ file("twice.gz", gzip(gzip(three_packets(false)))), -EPROTONOSUPPORT, "no pcap or pcapng" },
		{ file("v9.pcap", CaptureWriter(false).pcap_header(0xa1b2c3d4, 1, 9).out), -EPROTO, "pcap version 9.4" },
		{ file("h.pcap", three_packets(true).substr(0, 20)), -EBADMSG, "cut inside its file header, at octet 20" },
		{ file("h.pcapng", CaptureWriter(true).section().out.substr(0, 20)), -EBADMSG,
		  "no pcapng that can be read: cut in a block" },
	};

	for (const auto &row : rows) {
		SCOPED_TRACE(row.path);
		Reading r = read_files({ row.path });
		EXPECT_EQ(row.rc, r.rc);
		EXPECT_EQ(0u, r.error.find(row.path + ": ")) << r.error;
		EXPECT_NE(std::string::npos, r.error.find(row.says)) << r.error;
		EXPECT_EQ(std::string::npos, r.error.find('\n'));
		// the same when a good one stands before it
		EXPECT_EQ(row.rc, read_files({ file("good", three_packets(false)), row.path }).rc);
	}
}

TEST_F(Capture, SeveralFilesAreOneSource)
{
	const std::string a = file("a.pcap", three_packets(false)), b = file("b.pcap", three_packets(true, 0xa1b23c4d)),
			  empty = file("0.pcap", CaptureWriter(false).pcap_header(0xa1b2c3d4, 1).out),
			  torn = file("torn.pcap", three_packets(false).substr(0, 50));

	for (uint32_t burst : { 1u, 2u, 4u, 64u }) {
		Reading r = read_files({ a, empty, b, a }, burst);
		ASSERT_EQ(9u, r.packets.size());
		EXPECT_EQ("first", r.packets[3].data);
		EXPECT_EQ(1700000000000999999u, r.packets[3].time_ns);
		EXPECT_EQ("", r.verdict);
	}
	Reading r = read_files({ a, torn, b, torn });
	EXPECT_EQ(8u, r.packets.size());
	EXPECT_EQ(torn + ": cut at octet 45, in a packet's header; the 1 packets before it were read; "
			 "1 more captures are damaged",
		  r.verdict);
}
