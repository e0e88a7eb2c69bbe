// SPDX-License-Identifier: Apache-2.0
// The capture generator's evasion scenarios through decoder, streams and parsers: each comes to the outcome
// that the generator says.
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <jansson.h>
#include <unistd.h>

#include "l7/mr_l7_flow.h"
#include "packet/mr_packet.h"

namespace fs = std::filesystem;

namespace
{

using Values = std::map<std::string, std::vector<std::string>>;

struct JsonFree {
	void operator()(json_t *j) const
	{
		json_decref(j);
	}
};

uint32_t be(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n-- > 0)
		v = v << 8 | *p++;
	return v;
}

/* A receiver's look at an IPv4 TCP segment (RFC 9293 section 3.1). */
bool checksum_right(const uint8_t *ip, const uint8_t *l4, uint32_t len)
{
	uint32_t sum = len + 6;

	for (unsigned i = 12; i < 20; i += 2)
		sum += be(ip + i, 2);
	for (uint32_t i = 0; i < len; i++)
		sum += i % 2 == 0 ? (uint32_t)l4[i] << 8 : l4[i];
	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* A worker's inspection without the rest of the worker. */
class Inspection
{
      public:
	Inspection()
	{
		mr_l7_conf conf = mr_l7_conf_default();
		mr_err err = {};

		conf.memory_octets = 4u << 20;
		conf.values_octets = 1u << 20;
		/* the default of 8 is less than the segments of one octet in which a request line comes */
		conf.identify_packets = 64;
		size_t size = mr_l7_worker_memory(&conf);

		memory_.reset(aligned_alloc(64, size));
		EXPECT_EQ(0, mr_l7_worker_init(&worker_, &conf, memory_.get(), &counters, &err)) << err.msg;
		memset(&all_fields_, 0xff, sizeof(all_fields_));
		worker_.sink.hidden = &all_fields_; /* bodies aren't unpacked for nobody */
		worker_.sink.value = on_value;
		own_.owner = this;
		packet_conf_.seed = mr_hash_seed_fixed(1);
	}

	void frame(const std::vector<uint8_t> &data)
	{
		mr_packet p;

		mr_packet_decode(&packet_conf_, data.data(), (uint32_t)data.size(), (uint32_t)data.size(),
				 MR_LINK_ETHERNET, 0, nullptr, &p);
		if (p.frag != MR_FRAG_NONE || (p.flags & MR_PACKET_L4) == 0)
			return;
		const uint8_t *l4 = data.data() + p.l4_off;

		if (p.proto == 6 && !checksum_right(data.data() + p.l3_off, l4, p.ip_len - 20))
			return;
		mr_l7_packet l7 = {};
		uint16_t src = mr_packet_src_port(&p), dst = mr_packet_dst_port(&p);

		l7.data = data.data() + p.payload_off;
		l7.len = p.payload_len;
		l7.dir = src < dst; /* a client's port is high */
		l7.port[0] = std::max(src, dst);
		l7.port[1] = std::min(src, dst);
		l7.transport = p.proto == 6 ? MR_L7_TCP : MR_L7_UDP;
		if (p.proto == 6) {
			l7.seq = be(l4 + 4, 4);
			l7.ack = be(l4 + 8, 4);
			l7.tcp_flags = p.tcp_flags;
		}
		auto &flow = flows_[l7.port[0]];
		flow.second = l7;
		if (mr_l7_flow_wants(&flow.first))
			mr_l7_flow_packet(&worker_, &flow.first, &l7);
	}

	/* What the parsers said of all flows, by field. */
	Values end()
	{
		for (auto &[port, flow] : flows_) {
			mr_l7_result result;

			flow.second.len = 0;
			mr_l7_flow_end(&worker_, &flow.first, &flow.second, &result);
		}
		return found_;
	}

	mr_counters counters = {};

      private:
	/* A value may come in parts, and another one between them. */
	static void on_value(mr_l7_sink *sink, mr_l7_field field, const void *data, size_t len, bool more)
	{
		auto *self =
			reinterpret_cast<Worker *>(reinterpret_cast<char *>(sink) - offsetof(Worker, w.sink))
				->owner;
		auto &values = self->found_[mr_l7_field_info[field].name];
		uint64_t number = 0;

		if (mr_l7_field_info[field].type == MR_L7_NUMBER) {
			memcpy(&number, data, std::min(len, sizeof(number)));
			values.push_back(std::to_string(number));
			return;
		}
		if (!self->open_[field])
			values.emplace_back();
		if (len != 0)
			values.back().append((const char *)data, len);
		self->open_[field] = more;
	}

	struct Free {
		void operator()(void *p) const
		{
			free(p);
		}
	};
	std::unique_ptr<void, Free> memory_;
	struct Worker {
		mr_l7_worker w;
		Inspection *owner;
	};
	Worker own_ = {};
	mr_l7_worker &worker_ = own_.w;
	mr_packet_conf packet_conf_ = {};
	mr_l7_set all_fields_;
	bool open_[MR_L7_FIELD_MAX] = {};
	Values found_;
	std::map<uint16_t, std::pair<mr_l7_flow, mr_l7_packet>> flows_;
};

std::string read_all(const fs::path &path)
{
	std::ifstream in(path, std::ios::binary);
	std::stringstream s;

	s << in.rdbuf();
	return s.str();
}

/* Frames of a pcap of this machine's byte order. */
std::vector<std::vector<uint8_t>> frames_of(const fs::path &path)
{
	std::vector<std::vector<uint8_t>> frames;
	std::string file = read_all(path);
	uint32_t len;

	for (size_t at = 24; at + 16 <= file.size(); at += 16 + len) {
		memcpy(&len, &file[at + 8], sizeof(len));
		if (len > file.size() - at - 16) {
			ADD_FAILURE() << "the capture is cut";
			break;
		}
		frames.emplace_back(file.begin() + (long)at + 16, file.begin() + (long)(at + 16 + len));
	}
	return frames;
}

class Evasion : public testing::TestWithParam<const char *>
{
      protected:
	fs::path dir;

	void SetUp() override
	{
		char name[] = "evasion-XXXXXX";

		ASSERT_NE(nullptr, mkdtemp(name));
		dir = fs::absolute(name);
	}
	void TearDown() override
	{
		fs::remove_all(dir);
	}
	void generate()
	{
		const char *build = getenv("MILLRACE_BUILD");
		std::string command = std::string(build == nullptr ? "." : build) +
				      "/tools/gen/millrace-gen scenario=evasion-" + GetParam() + " -o " +
				      (dir / "a.pcap").string() + " --expect " + (dir / "a.json").string();

		ASSERT_EQ(0, system(command.c_str())) << command;
	}
};

uint64_t counter_of(const mr_counters &counters, const std::string &key)
{
	if (key == "stream_overlap_differs")
		return mr_counter_get(&counters, MR_C_STREAM_OVERLAP_DIFFERS);
	EXPECT_EQ("stream_old", key);
	return mr_counter_get(&counters, MR_C_STREAM_OLD);
}

void expect_counters(json_t *wanted, const mr_counters &counters)
{
	const char *key;
	json_t *value;

	json_object_foreach(wanted, key, value)
			EXPECT_EQ((uint64_t)json_integer_value(value), counter_of(counters, key))
		<< key;
}

void expect_values(const char *field, json_t *wanted, Values &found)
{
	std::vector<std::string> values;
	json_t *value;
	size_t i;

	json_array_foreach(wanted, i, value)
		values.push_back(json_is_integer(value) ? std::to_string(json_integer_value(value))
							: json_string_value(value));
	EXPECT_EQ(values, found[field]) << field;
}

} // namespace

TEST_P(Evasion, ComesToItsOutcome)
{
	Inspection inspection;
	const char *field;
	json_t *wanted;

	generate();
	for (auto &frame : frames_of(dir / "a.pcap"))
		inspection.frame(frame);
	Values found = inspection.end();
	for (auto &[name, values] : found)
		for (auto &v : values)
			EXPECT_LE(v.size(), 16384u) << name << ": no bomb is unpacked in whole";
	std::unique_ptr<json_t, JsonFree> expect(json_loads(read_all(dir / "a.json").c_str(), 0, nullptr));
	json_t *outcome = json_object_get(expect.get(), "outcome");

	ASSERT_GT(json_object_size(outcome), 0u);
	json_object_foreach(outcome, field, wanted) if (strcmp(field, "counters") == 0)
		expect_counters(wanted, inspection.counters);
	else expect_values(field, wanted, found);
}

INSTANTIATE_TEST_SUITE_P(All, Evasion,
			 testing::Values("overlap", "tiny", "checksum", "wrap", "gzip", "headers", "dns"),
			 [](const auto &test) { return std::string(test.param); });
