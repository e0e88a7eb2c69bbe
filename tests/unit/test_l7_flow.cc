/* SPDX-License-Identifier: Apache-2.0 */
#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "l7/mr_l7_flow.h"

namespace
{

/*
 * Protocols that only these tests speak. "lines": both directions start with LINES, then lines of "word
 * text", of which each is a value or a wish. "banner": the server starts with 220, only the client's HELO
 * tells it from others that do. "echo": datagrams that start with E.
 */
unsigned states_open; /* parsers that were not closed */

struct lines_state {
	bool started[2];
	bool counted;
};

mr_l7_probe probe_word(const mr_l7_input *in, const char *word)
{
	size_t n = std::min((size_t)in->len, strlen(word));

	if (memcmp(in->data, word, n) != 0)
		return MR_L7_NO;
	return n == strlen(word) ? MR_L7_YES : MR_L7_MAYBE;
}

mr_l7_probe lines_probe(const mr_l7_input *in)
{
	return probe_word(in, "LINES\n");
}

mr_l7_want lines_line(const std::string &line, mr_l7_sink *sink)
{
	std::string word = line.substr(0, line.find(' ')),
		    text = line.substr(std::min(line.size(), word.size() + 1));

	if (word == "host")
		mr_l7_put(sink, MR_L7_F_HTTP_HOST, text.data(), text.size());
	else if (word == "uri")
		mr_l7_put(sink, MR_L7_F_HTTP_URI, text.data(), text.size());
	else if (word == "status")
		mr_l7_put_number(sink, MR_L7_F_HTTP_STATUS, std::stoul(text));
	else if (word == "parts")
		for (size_t i = 0; i < text.size(); i++)
			sink->value(sink, MR_L7_F_HTTP_METHOD, &text[i], 1, i + 1 < text.size());
	else if (word == "end")
		mr_l7_end_transaction(sink);
	else if (word == "next")
		return MR_L7_NEXT;
	else if (word == "done")
		return MR_L7_DONE;
	else if (word == "bad")
		return MR_L7_BROKEN;
	return MR_L7_MORE;
}

mr_l7_want lines_parse(void *state, const mr_l7_input *in, mr_l7_sink *sink, uint32_t *ret_used)
{
	lines_state *s = static_cast<lines_state *>(state);
	std::string data((const char *)in->data, in->len);

	states_open += !s->counted;
	s->counted = true;
	*ret_used = 0;
	if (in->gap)
		mr_l7_put(sink, MR_L7_F_HTTP_HOST, "gap", 3);
	for (size_t end; (end = data.find('\n')) != std::string::npos; data.erase(0, end + 1)) {
		mr_l7_want want = lines_line(data.substr(0, end), sink);

		*ret_used += (uint32_t)(end + 1);
		if (want != MR_L7_MORE)
			return want;
	}
	return MR_L7_MORE;
}

void lines_close(void *state, mr_l7_sink *sink)
{
	states_open -= static_cast<lines_state *>(state)->counted;
	mr_l7_put(sink, MR_L7_F_HTTP_METHOD, "closed", 6);
}

mr_l7_probe banner_probe(const mr_l7_input *in)
{
	mr_l7_probe banner = probe_word(in, "220 "), hello = probe_word(in, "HELO\n");

	return hello != MR_L7_NO ? hello : banner == MR_L7_NO ? MR_L7_NO : MR_L7_MAYBE;
}

mr_l7_want banner_parse(void *, const mr_l7_input *in, mr_l7_sink *sink, uint32_t *ret_used)
{
	std::string who = in->dir == 0 ? "client " : "server ";

	who.append((const char *)in->data, in->len);
	if (in->len != 0)
		mr_l7_put(sink, MR_L7_F_HTTP_HOST, who.data(), who.size());
	*ret_used = in->len;
	return MR_L7_MORE;
}

mr_l7_probe echo_probe(const mr_l7_input *in)
{
	return in->data[0] == 'E' ? MR_L7_YES : in->data[0] == '?' ? MR_L7_MAYBE : MR_L7_NO;
}

mr_l7_want echo_parse(void *, const mr_l7_input *in, mr_l7_sink *sink, uint32_t *)
{
	mr_l7_put(sink, MR_L7_F_HTTP_URI, in->data, in->len);
	return MR_L7_MORE;
}

const mr_l7_ops lines_ops = { "lines",	   "lines",	11,	    MR_L7_TCP, sizeof(lines_state),
			      lines_probe, lines_parse, lines_close };
const mr_l7_ops banner_ops = { "banner", "banner", 12, MR_L7_TCP, 0, banner_probe, banner_parse, nullptr };
const mr_l7_ops echo_ops = { "echo", "echo", 13, MR_L7_UDP, 5000, echo_probe, echo_parse, nullptr };
const mr_l7_ops *const test_ops[] = { &lines_ops, &banner_ops, &echo_ops, nullptr };
const mr_l7_port test_ports[] = {
	{ 7, MR_L7_TCP | MR_L7_UDP, "echo" },
	{ 25, MR_L7_TCP, "banner" },
	{ 26, MR_L7_TCP, "nobody" },
	{ 0, 0, nullptr },
};

mr_l7_conf test_conf()
{
	mr_l7_conf conf = mr_l7_conf_default();

	conf.ops = test_ops;
	conf.ports = test_ports;
	conf.memory_octets = conf.values_octets = 1 << 20;
	return conf;
}

class Worker
{
      public:
	explicit Worker(const mr_l7_conf &conf = test_conf())
	{
		mr_err err;

		memory_ = aligned_alloc(64, mr_l7_worker_memory(&conf));
		EXPECT_EQ(mr_l7_worker_init(&w, &conf, memory_, &counters, &err), 0) << err.msg;
	}
	~Worker()
	{
		EXPECT_EQ(mr_buddy_used(&w.memory), 0u);
		EXPECT_EQ(mr_l7_chunks_used(&w.chunks), 0u);
		EXPECT_EQ(states_open, 0u);
		free(memory_);
	}
	Worker(const Worker &) = delete;

	uint64_t counter(mr_counter id) const
	{
		return mr_counter_get(&counters, id);
	}

	mr_l7_worker w;
	mr_counters counters = {};

      private:
	void *memory_;
};

/* One flow; what it found as "name=value", a "," before the first of another transaction, "~" behind what was
 * cut. */
class Flow
{
      public:
	explicit Flow(Worker &worker, uint8_t transport = MR_L7_TCP, uint16_t port = 9) : worker_(worker)
	{
		packet_.transport = transport;
		packet_.port[0] = 40000;
		packet_.port[1] = port;
		packet_.tcp_flags = MR_TCP_ACK;
	}
	~Flow()
	{
		if (!ended_)
			end();
	}

	/* The next octets of a direction. */
	bool say(unsigned dir, const std::string &data, uint8_t tcp_flags = MR_TCP_ACK)
	{
		bool wants = at(dir, seq_[dir], data, tcp_flags);

		seq_[dir] += (uint32_t)data.size() + ((tcp_flags & MR_TCP_SYN) != 0);
		return wants;
	}
	bool at(unsigned dir, uint32_t seq, const std::string &data, uint8_t tcp_flags = MR_TCP_ACK,
		uint32_t ack = 0)
	{
		std::vector<uint8_t> copy(data.begin(), data.end());

		if (!mr_l7_flow_wants(&flow))
			return false;
		packet_.data = copy.data();
		packet_.len = (uint32_t)copy.size();
		packet_.dir = (uint8_t)dir;
		packet_.seq = seq;
		packet_.ack = ack;
		packet_.tcp_flags = tcp_flags;
		return mr_l7_flow_packet(&worker_.w, &flow, &packet_);
	}
	void end()
	{
		ended_ = true;
		packet_.data = nullptr;
		packet_.len = 0;
		mr_l7_flow_end(&worker_.w, &flow, &packet_, &result);
		take();
	}
	void report()
	{
		mr_l7_flow_report(&worker_.w, &flow, &result);
		take();
	}

	mr_l7_flow flow = {};
	mr_l7_result result = {};
	std::vector<std::string> found;

      private:
	void take()
	{
		static mr_l7_reader reader;
		mr_l7_value v;

		found.clear();
		mr_l7_reader_init(&reader, &worker_.w.chunks, result.values);
		while (mr_l7_reader_next(&reader, &v)) {
			const auto &info = mr_l7_field_info[v.field];
			std::string value = info.type == MR_L7_NUMBER
						    ? std::to_string(v.number)
						    : std::string((const char *)v.data, v.len);

			found.push_back((v.bits & MR_L7_NEW_TRANSACTION ? "," : "") + std::string(info.name) +
					"=" + value + (v.bits & MR_L7_CUT ? "~" : ""));
		}
		mr_l7_chunks_give_back(&worker_.w.chunks, result.values);
	}

	Worker &worker_;
	mr_l7_packet packet_ = {};
	uint32_t seq_[2] = { 1000, 0xfffffff0 };
	bool ended_ = false;
};

using Values = std::vector<std::string>;

TEST(L7Flow, StateIsSmall)
{
	EXPECT_LE(sizeof(mr_l7_flow), 64u);
}

TEST(L7Flow, IdentifiesAndParses)
{
	Worker w;
	Flow f(w);

	EXPECT_TRUE(f.say(0, "", MR_TCP_SYN));
	EXPECT_TRUE(f.say(1, "", MR_TCP_SYN | MR_TCP_ACK));
	EXPECT_EQ(mr_buddy_used(&w.w.memory), 0u) << "a handshake holds no memory";
	EXPECT_TRUE(f.say(0, "LINES\nhost a.example\nuri /x\n"));
	EXPECT_TRUE(f.say(1, "status 200\n"));
	f.end();
	EXPECT_EQ(f.found,
		  (Values{ "http_host=a.example", "http_uri=/x", "http_status=200", "http_method=closed" }));
	EXPECT_EQ(f.result.application_id, 6u << 24 | 11);
	EXPECT_EQ(f.result.protocol, 1);
	EXPECT_FALSE(f.result.guessed);
	EXPECT_EQ(w.counter(MR_C_L7_IDENTIFIED), 1u);
	EXPECT_EQ(f.flow.over + f.flow.flags + f.flow.protocol, 0) << "zeroed for the next flow";
}

TEST(L7Flow, AnySegmentationGivesTheSameValues)
{
	const std::string said =
		"LINES\nhost a.example\nuri /" + std::string(600, 'x') + "\nstatus 200\nparts abc\n";
	Worker w;

	for (unsigned seed = 1; seed <= 300; seed++) {
		std::mt19937 rng(seed);
		std::vector<std::pair<uint32_t, std::string>> pieces;
		Flow f(w);

		f.at(0, 999, "", MR_TCP_SYN);
		for (uint32_t at = 0, n; at < said.size(); at += n) {
			n = std::min((uint32_t)said.size() - at, 1 + (uint32_t)(rng() % 100));
			pieces.push_back({ 1000 + at, said.substr(at, n) });
		}
		if (seed % 2)
			std::shuffle(pieces.begin(), pieces.end(), rng);
		for (auto &p : pieces)
			f.at(0, p.first, p.second);
		f.end();
		ASSERT_EQ(f.found, (Values{ "http_host=a.example", "http_uri=/" + std::string(600, 'x'),
					    "http_status=200", "http_method=abc", "http_method=closed" }))
			<< "seed " << seed;
	}
}

TEST(L7Flow, FirstDataReorderedBehindTheSyn)
{
	Worker w;
	Flow f(w);

	f.at(0, 999, "", MR_TCP_SYN);
	f.at(0, 1006, "host a\n");
	f.at(0, 1000, "LINES\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=a", "http_method=closed" }));
}

TEST(L7Flow, TheDirectionThatSpokeFirstIsParsedFirst)
{
	Worker w;
	Flow f(w);

	f.say(1, "220 hi");
	f.say(0, "HE");
	f.say(1, " you");
	f.say(0, "LO\n");
	f.say(1, "bye");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=server 220 hi you", "http_host=client HELO\n",
				    "http_host=server bye" }));
	EXPECT_EQ(f.result.application_id, 6u << 24 | 12);
}

TEST(L7Flow, TheOtherDirectionIsNotForgotten)
{
	Worker w;
	Flow f(w);

	f.say(0, "HE");
	f.say(1, "220 early");
	f.say(0, "LO\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=client HELO\n", "http_host=server 220 early" }));
}

TEST(L7Flow, DoneAndBrokenCostNoMore)
{
	Worker w;

	for (const char *word : { "done", "bad" }) {
		Flow f(w);

		EXPECT_FALSE(f.say(0, "LINES\nhost a\n" + std::string(word) + "\nhost b\n"));
		EXPECT_FALSE(mr_l7_flow_wants(&f.flow));
		EXPECT_EQ(mr_buddy_used(&w.w.memory), 0u);
		f.end();
		EXPECT_EQ(f.found, (Values{ "http_host=a", "http_method=closed" }));
	}
	EXPECT_EQ(w.counter(MR_C_L7_BROKEN), 1u);
}

TEST(L7Flow, NextProtocol)
{
	Worker w;
	Flow f(w);

	f.say(0, "LINES\nhost a\n");
	f.say(1, "status 1\nnext\n");
	f.say(1, "220 there");
	f.say(0, "HELO\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=a", "http_status=1", "http_method=closed",
				    "http_host=server 220 there", "http_host=client HELO\n" }));
	EXPECT_EQ(f.result.application_id, 6u << 24 | 11) << "what it was first";
	EXPECT_EQ(w.counter(MR_C_L7_IDENTIFIED), 2u);
}

TEST(L7Flow, NextProtocolInTheSameSegment)
{
	Worker w;
	Flow f(w);

	f.say(0, "LINES\nnext\nHELO\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_method=closed", "http_host=client HELO\n" }));
}

TEST(L7Flow, ProtocolsDontChangeForEver)
{
	Worker w;
	Flow f(w);
	std::string said;

	for (unsigned i = 0; i < 100; i++)
		said += "LINES\nnext\n";
	EXPECT_FALSE(f.say(0, said));
	f.end();
	EXPECT_EQ(f.found.size(), MR_L7_CHANGES + 1);
}

TEST(L7Flow, UnknownIsGuessedByPort)
{
	Worker w;
	Flow f(w, MR_L7_TCP, 25), g(w, MR_L7_TCP, 9), h(w, MR_L7_TCP, 26);

	EXPECT_FALSE(f.say(0, "what is this"));
	EXPECT_FALSE(g.say(0, "what is this"));
	EXPECT_FALSE(h.say(0, "what is this"));
	f.end();
	g.end();
	h.end();
	EXPECT_EQ(f.result.application_id, 6u << 24 | 12);
	EXPECT_TRUE(f.result.guessed);
	EXPECT_EQ(g.result.application_id, 0u);
	EXPECT_EQ(h.result.application_id, 0u) << "no such protocol";
	EXPECT_EQ(w.counter(MR_C_L7_GUESSED), 1u);
	EXPECT_EQ(w.counter(MR_C_L7_UNKNOWN), 2u);
}

TEST(L7Flow, NobodyGuessesWithoutPayload)
{
	Worker w;
	Flow f(w, MR_L7_TCP, 25);

	f.say(0, "", MR_TCP_SYN);
	f.say(1, "", MR_TCP_RST);
	f.end();
	EXPECT_EQ(f.result.application_id, 0u);
}

TEST(L7Flow, GivesUpAfterOctetsAndPackets)
{
	mr_l7_conf conf = test_conf();

	conf.identify_packets = 5;
	Worker w(conf);
	Flow f(w), g(w);

	EXPECT_FALSE(f.say(1, "220 " + std::string(508, 'x')));
	for (unsigned i = 0; i < 4; i++)
		EXPECT_TRUE(g.say(1, "220 "));
	EXPECT_FALSE(g.say(1, "220 "));
}

TEST(L7Flow, EndWhileIdentifying)
{
	Worker w;
	Flow f(w, MR_L7_TCP, 25);

	EXPECT_TRUE(f.say(1, "220 hello"));
	f.end();
	EXPECT_TRUE(f.result.guessed);
}

TEST(L7Flow, ConnectionEnd)
{
	Worker w;
	Flow f(w);

	f.say(0, "LINES\nhost a\n", MR_TCP_ACK | MR_TCP_FIN);
	EXPECT_FALSE(f.say(1, "status 5\n", MR_TCP_ACK | MR_TCP_FIN));
	EXPECT_EQ(f.flow.over, MR_L7_OVER_ENDED);
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=a", "http_status=5", "http_method=closed" }));
}

TEST(L7Flow, GapReachesTheParser)
{
	Worker w;
	Flow f(w);

	f.at(0, 1000, "LINES\nho");
	f.at(0, 2000, "host b\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=gap", "http_host=b", "http_method=closed" }));
}

TEST(L7Flow, Datagrams)
{
	Worker w;
	Flow f(w, MR_L7_UDP), g(w, MR_L7_UDP, 7);

	EXPECT_TRUE(f.say(0, ""));
	EXPECT_TRUE(f.say(0, "?not yet"));
	EXPECT_TRUE(f.say(1, "E one"));
	EXPECT_TRUE(f.say(0, "two"));
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_uri=E one", "http_uri=two" }));
	EXPECT_EQ(f.result.application_id, 6u << 24 | 13);
	EXPECT_FALSE(g.say(0, "LINES\n")) << "not over UDP";
	g.end();
	EXPECT_TRUE(g.result.guessed);
}

TEST(L7Flow, Depth)
{
	mr_l7_conf conf = test_conf();

	conf.depth_octets = 20;
	Worker w(conf);
	Flow f(w);

	EXPECT_TRUE(f.say(0, "LINES\nhost a\n"));
	EXPECT_FALSE(f.say(0, "host bc\n"));
	EXPECT_EQ(w.counter(MR_C_L7_DEPTH), 1u);
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=a", "http_host=bc", "http_method=closed" }));
}

TEST(L7Flow, ALineThatNeverEnds)
{
	Worker w;
	Flow f(w);
	unsigned segments = 0;

	f.say(0, "LINES\n");
	while (f.say(0, std::string(1000, 'x')))
		ASSERT_LT(segments++, 100u);
	EXPECT_EQ(w.counter(MR_C_L7_WINDOW_FULL), 1u);
	EXPECT_EQ(segments, 16u);
}

TEST(L7Flow, NoMemory)
{
	mr_l7_conf conf = test_conf();

	conf.memory_octets = 0;
	Worker none(conf);
	Flow f(none, MR_L7_TCP, 25);

	EXPECT_FALSE(f.say(0, "LINES\n"));
	EXPECT_EQ(none.counter(MR_C_L7_SHED), 1u);
	f.end();
	EXPECT_TRUE(f.result.guessed);

	conf.memory_octets = MR_BUDDY_MAX; /* enough for the flow, not for 5000 octets of state of two */
	Worker little(conf);
	Flow g(little, MR_L7_UDP), h(little, MR_L7_UDP);
	EXPECT_TRUE(g.say(0, "E"));
	EXPECT_FALSE(h.say(0, "E"));
	EXPECT_EQ(little.counter(MR_C_L7_SHED), 1u);
}

TEST(L7Flow, ValuesAreCut)
{
	mr_l7_conf conf = test_conf();

	conf.flow_octets = 2000;
	Worker w(conf);
	Flow f(w);
	std::string a(300, 'a'), u(1100, 'u');

	f.say(0, "LINES\nhost " + a + "\nparts " + a + "\nuri " + u + "\nhost " + a + "\nhost " + a +
			 "\nstatus 7\nstatus 8\n");
	f.end();
	EXPECT_TRUE(f.result.cut);
	std::string cut(256, 'a');
	EXPECT_EQ(f.found, (Values{ "http_host=" + cut + "~", "http_method=" + cut + "~",
				    "http_uri=" + std::string(1024, 'u') + "~", "http_host=" + cut + "~",
				    "http_host=" + std::string(2000 - 5 * 6 - 3 * 256 - 1024, 'a') + "~" }));
	EXPECT_EQ(w.counter(MR_C_L7_VALUES_CUT), 8u)
		<< "five, two numbers and what the parser said at its end";
}

TEST(L7Flow, ValuesWithoutChunks)
{
	mr_l7_conf conf = test_conf();

	conf.values_octets = 2 * MR_L7_CHUNK;
	Worker w(conf);
	Flow f(w);

	f.say(0, "LINES\nhost " + std::string(250, 'a') + "\nhost b\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=" + std::string(2 * (MR_L7_CHUNK - 6) - 6, 'a') + "~" }));
	EXPECT_GT(w.counter(MR_C_L7_VALUES_SHED), 0u);
}

TEST(L7Flow, Transactions)
{
	Worker w;
	Flow f(w);

	f.say(0, "LINES\nend\nhost a\nuri /a\nend\nend\nuri /b\n");
	f.end();
	EXPECT_EQ(f.found, (Values{ "http_host=a", "http_uri=/a", ",http_uri=/b", "http_method=closed" }));
}

TEST(L7Flow, ReportsWhileItGoesOn)
{
	Worker w;
	Flow f(w);

	f.say(0, "LINES\nhost a\n");
	f.report();
	EXPECT_EQ(f.found, (Values{ "http_host=a" }));
	EXPECT_EQ(f.result.application_id, 6u << 24 | 11);
	f.say(0, "host b\n");
	f.report();
	EXPECT_EQ(f.found, (Values{ "http_host=b" }));
	f.say(0, "done\n");
	f.report();
	EXPECT_EQ(f.found, (Values{ "http_method=closed" }));
	f.end();
	EXPECT_EQ(f.found, Values{});
	EXPECT_EQ(f.result.protocol, 1);
}

TEST(L7Flow, AFieldThatIsOneKeepsTheFirst)
{
	mr_l7_field one = MR_L7_FIELD_MAX;
	static mr_l7_field put;

	for (unsigned i = 0; i < MR_L7_FIELD_MAX; i++)
		if (mr_l7_field_info[i].bits == 0 && mr_l7_field_info[i].type == MR_L7_TEXT)
			one = (mr_l7_field)i;
	if (one == MR_L7_FIELD_MAX)
		GTEST_SKIP() << "no field of that kind yet";
	put = one;
	mr_l7_ops ops = echo_ops;
	ops.parse = [](void *, const mr_l7_input *in, mr_l7_sink *sink, uint32_t *) {
		mr_l7_put(sink, put, in->data, in->len);
		return MR_L7_MORE;
	};
	const mr_l7_ops *const table[] = { &ops, nullptr };
	mr_l7_conf conf = test_conf();
	conf.ops = table;
	Worker w(conf);
	Flow f(w, MR_L7_UDP);
	f.say(0, "E1");
	f.say(0, "E2");
	f.end();
	EXPECT_EQ(f.found, (Values{ std::string(mr_l7_field_info[one].name) + "=E1" }));
}

TEST(L7Flow, HostileOctetsEndAndGiveAllBack)
{
	mr_l7_conf conf = test_conf();

	conf.memory_octets = 4 * MR_BUDDY_MAX;
	conf.values_octets = 64 * MR_L7_CHUNK;
	for (unsigned seed = 1; seed <= 100; seed++) {
		std::mt19937 rng(seed);
		Worker w(conf);
		std::vector<std::unique_ptr<Flow>> flows;
		const char *const words[] = { "LINES\n", "host ",  "next\n", "220 ", "HELO\n",
					      "done\n",	 "parts ", "\n",     "uri x" };

		for (unsigned i = 0; i < 20; i++)
			flows.push_back(std::make_unique<Flow>(w, i % 4 == 0 ? MR_L7_UDP : MR_L7_TCP));
		for (unsigned i = 0; i < 2000; i++) {
			std::string said;

			for (unsigned n = 1 + rng() % 4; n != 0; n--)
				said += words[rng() % 9] +
					std::string(rng() % 20 == 0 ? rng() % 2000 : 0, 'y');
			flows[rng() % 20]->at(rng() % 2, (uint32_t)(rng() % 5000), said,
					      (uint8_t)(rng() & 0x17), (uint32_t)(rng() % 5000));
		}
	}
}

TEST(L7Flow, ConfigurationIsChecked)
{
	mr_l7_worker w;
	mr_counters counters = {};
	mr_err err;
	std::vector<const mr_l7_ops *> many(MR_L7_PROTOCOLS_MAX + 1, &lines_ops);
	mr_l7_conf conf = test_conf();

	many.push_back(nullptr);
	conf.ops = many.data();
	EXPECT_EQ(mr_l7_worker_init(&w, &conf, nullptr, &counters, &err), -EINVAL);
	EXPECT_STREQ(err.msg, "65 application protocols, 64 are the most");
	mr_l7_ops big = echo_ops;
	const mr_l7_ops *const table[] = { &big, nullptr };
	big.state_size = MR_BUDDY_MAX + 1;
	conf.ops = table;
	EXPECT_EQ(mr_l7_worker_init(&w, &conf, nullptr, &counters, &err), -EINVAL);
	EXPECT_STREQ(err.msg, "parser echo needs 16385 octets of state, 16384 are the most");
	for (auto spoil :
	     { +[](mr_l7_conf *c) { c->value_octets = 4097; }, +[](mr_l7_conf *c) { c->uri_octets = 4097; },
	       +[](mr_l7_conf *c) { c->value_octets = 7; }, +[](mr_l7_conf *c) { c->store_pages = 0; },
	       +[](mr_l7_conf *c) { c->store_pages = 253; },
	       +[](mr_l7_conf *c) { c->identify_packets = 256; } }) {
		conf = test_conf();
		spoil(&conf);
		EXPECT_EQ(mr_l7_worker_init(&w, &conf, nullptr, &counters, &err), -EINVAL);
		EXPECT_STRNE(err.msg, "");
	}
}

/* All that this build can speak, by the table that ships. */
TEST(L7Flow, DefaultsAreValid)
{
	mr_l7_conf conf = mr_l7_conf_default();

	conf.memory_octets = conf.values_octets = 1 << 20;
	Worker w(conf);
	Flow f(w, MR_L7_TCP, 26);
	f.say(0, "\001\002\003 nobody says that");
	f.end();
	EXPECT_EQ(f.found, Values{});
}

TEST(L7Values, OtherThreadsGiveBack)
{
	mr_l7_chunks chunks;
	void *memory = aligned_alloc(64, 64 * MR_L7_CHUNK);
	std::atomic<uint32_t> handed{ 0 };
	std::atomic<bool> stop{ false };
	std::vector<std::thread> readers;
	unsigned written = 0;

	mr_l7_chunks_init(&chunks, memory, 64 * MR_L7_CHUNK);
	for (unsigned i = 0; i < 2; i++)
		readers.emplace_back([&] {
			while (!stop)
				mr_l7_chunks_give_back(&chunks,
						       handed.exchange(0, std::memory_order_acquire));
		});
	for (unsigned round = 0; round < 20000; round++) {
		mr_l7_writer w = {};
		std::string data(500, 'x');

		if (mr_l7_value_begin(&chunks, &w, MR_L7_F_HTTP_URI, 0, 2048) == MR_L7_WRITTEN) {
			mr_l7_value_add(&chunks, &w, data.data(), (uint16_t)data.size(), 2048);
			written++;
		}
		mr_l7_chunks_give_back(&chunks, handed.exchange(w.first, std::memory_order_acq_rel));
	}
	stop = true;
	for (std::thread &t : readers)
		t.join();
	mr_l7_chunks_give_back(&chunks, handed);
	EXPECT_EQ(written, 20000u);
	EXPECT_EQ(mr_l7_chunks_used(&chunks), 0u);
	free(memory);
}

} // namespace
