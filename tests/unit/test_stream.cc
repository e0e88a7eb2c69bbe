/* SPDX-License-Identifier: Apache-2.0 */
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "stream/mr_stream.h"

namespace
{

constexpr uint8_t FIN = MR_TCP_FIN, SYN = MR_TCP_SYN, RST = MR_TCP_RST, ACK = MR_TCP_ACK;

/* One stream with memory of its own, and an inspector that writes down what it sees. */
class Stream : public mr_stream_inspector
{
      public:
	explicit Stream(uint64_t memory_octets = 1 << 20, uint32_t pages_max = 36)
	{
		memory_ = aligned_alloc(64, mr_buddy_memory(memory_octets));
		mr_buddy_init(&buddy, memory_, memory_octets);
		worker = { &buddy, &counters, pages_max };
		inspect = on_piece;
	}
	~Stream()
	{
		mr_stream_free(&worker, &stream);
		EXPECT_EQ(mr_buddy_used(&buddy), 0u);
		free(memory_);
	}
	Stream(const Stream &) = delete;

	mr_stream_want segment(unsigned dir, uint32_t seq, const std::string &data, uint8_t flags = 0,
			       uint32_t ack = 0)
	{
		/* a copy of exactly its size, so that sanitizers see reads past the end */
		std::vector<uint8_t> copy(data.begin(), data.end());
		mr_stream_segment seg = {};

		seg.data = copy.data();
		seg.len = (uint32_t)copy.size();
		seg.seq = seq;
		seg.ack = ack;
		seg.tcp_flags = flags;
		seg.dir = (uint8_t)dir;
		return mr_stream_packet(&worker, &stream, &seg, this);
	}
	void end()
	{
		mr_stream_end(&worker, &stream, this);
	}
	uint64_t counter(mr_counter id) const
	{
		return mr_counter_get(&counters, id);
	}
	bool idle() const
	{
		return mr_buddy_used(&buddy) == 0;
	}

	mr_buddy buddy;
	mr_counters counters = {};
	mr_stream_worker worker;
	mr_stream stream = {};
	std::string seen[2];		 /* new octets; "|" where a gap is, "$" at the end */
	std::vector<std::string> pieces; /* as shown, of both directions */
	size_t want_octets = 0;		 /* uses nothing before it has as many; then all */
	size_t use_at_most = SIZE_MAX;
	bool stop = false;

      private:
	static uint32_t on_piece(mr_stream_inspector *to, const mr_stream_piece *piece)
	{
		Stream *self = static_cast<Stream *>(to);
		std::string data((const char *)piece->data, piece->len);
		std::string &seen = self->seen[piece->dir];
		uint32_t used = 0;

		EXPECT_TRUE(piece->len != 0 || piece->end);
		self->pieces.push_back(data);
		if (self->stop)
			return MR_STREAM_STOP;
		if (piece->gap) {
			seen += self->unused_[piece->dir] + "|";
			self->unused_[piece->dir].clear();
		}
		EXPECT_EQ(data.substr(0, self->unused_[piece->dir].size()), self->unused_[piece->dir])
			<< "shows again what was left";
		if (data.size() >= self->want_octets || piece->end)
			used = (uint32_t)std::min(data.size(), piece->end ? SIZE_MAX : self->use_at_most);
		seen += data.substr(0, used);
		self->unused_[piece->dir] = data.substr(used);
		if (piece->end)
			seen += "$";
		return used;
	}

	void *memory_;
	std::string unused_[2];
};

TEST(Stream, StateIsSmall)
{
	EXPECT_LE(sizeof(mr_stream), 64u);
}

TEST(Stream, InOrderIsShownFromThePacket)
{
	Stream s;
	static const uint8_t data[] = "GET / HTTP/1.1";
	mr_stream_segment seg = { data, 3, 1000, 0, ACK, 0 };
	const uint8_t *shown = nullptr;
	struct Keep : mr_stream_inspector {
		const uint8_t **shown;
	} keep;

	keep.shown = &shown;
	keep.inspect = [](mr_stream_inspector *to, const mr_stream_piece *piece) {
		*static_cast<Keep *>(to)->shown = piece->data;
		return piece->len;
	};
	for (unsigned i = 0; i < 3; i++) {
		EXPECT_EQ(mr_stream_packet(&s.worker, &s.stream, &seg, &keep), MR_STREAM_MORE);
		EXPECT_EQ(shown, seg.data);
		seg.data += 3;
		seg.seq += 3;
		EXPECT_TRUE(s.idle());
	}
}

TEST(Stream, HandshakeDataAndClose)
{
	Stream s;

	s.segment(0, 100, "", SYN);
	s.segment(1, 500, "", SYN | ACK, 101);
	s.segment(0, 101, "", ACK, 501);
	s.segment(0, 101, "abc", ACK, 501);
	s.segment(1, 501, "xyz", ACK, 104);
	EXPECT_EQ(s.segment(0, 104, "d", ACK | FIN, 504), MR_STREAM_MORE);
	EXPECT_EQ(s.seen[0], "abcd$");
	EXPECT_EQ(s.segment(1, 504, "", ACK, 106), MR_STREAM_MORE);
	s.segment(1, 504, "still", ACK, 106);
	EXPECT_EQ(s.segment(1, 509, "", ACK | FIN, 106), MR_STREAM_OVER);
	EXPECT_EQ(s.seen[1], "xyzstill$");
	s.end();
	EXPECT_EQ(s.seen[0], "abcd$") << "told once";
	EXPECT_EQ(s.counter(MR_C_STREAM_GAPS), 0u);
}

TEST(Stream, SynWithData)
{
	Stream s;

	s.segment(0, 99, "ab", SYN);
	s.segment(0, 99, "ab", SYN); /* sent again */
	s.segment(0, 102, "cd", ACK);
	EXPECT_EQ(s.seen[0], "abcd");
}

TEST(Stream, ANewSynBeforeDataStartsAnew)
{
	Stream s;

	s.segment(0, 99, "", SYN);
	s.segment(0, 5000000, "", SYN);
	s.segment(0, 5000001, "ab", ACK);
	EXPECT_EQ(s.seen[0], "ab");
	s.segment(0, 77, "", SYN);
	s.segment(0, 5000003, "cd", ACK);
	EXPECT_EQ(s.seen[0], "abcd");
}

TEST(Stream, MidStreamPickup)
{
	Stream s;

	s.segment(0, 1000, "", ACK, 1); /* says nothing of where data start */
	s.segment(0, 2000, "cd", ACK, 1);
	s.segment(0, 1998, "ab", ACK, 1);
	s.segment(0, 2002, "ef", ACK, 1);
	EXPECT_EQ(s.seen[0], "cdef");
	EXPECT_EQ(s.counter(MR_C_STREAM_OLD), 1u);
}

TEST(Stream, KeepAliveAndZeroWindowProbe)
{
	Stream s;

	s.segment(0, 10, "abc", ACK);
	s.segment(0, 12, "", ACK); /* keep-alive packets: one below next, with and without an octet */
	s.segment(0, 12, "?", ACK);
	EXPECT_EQ(s.seen[0], "abc");
	s.segment(0, 13, "d", ACK); /* a probe is the next octet, which comes again with others behind it */
	s.segment(0, 13, "d", ACK);
	s.segment(0, 13, "def", ACK);
	EXPECT_EQ(s.seen[0], "abcdef");
	EXPECT_TRUE(s.idle());
}

TEST(Stream, ReorderedOverTheWrap)
{
	Stream s;

	s.segment(0, 0xfffffffd, "", SYN);
	s.segment(0, 4, "ghi", ACK);
	s.segment(0, 1, "def", ACK);
	EXPECT_EQ(s.seen[0], "");
	EXPECT_FALSE(s.idle());
	s.segment(0, 0xfffffffe, "abc", ACK);
	EXPECT_EQ(s.seen[0], "abcdefghi");
	EXPECT_TRUE(s.idle());
}

TEST(Stream, FirstOctetsWin)
{
	Stream s;

	s.segment(0, 99, "", SYN);
	s.segment(0, 102, "CD", ACK);
	s.segment(0, 101, "xxxxx", ACK);
	EXPECT_EQ(s.counter(MR_C_STREAM_OVERLAP_DIFFERS), 1u);
	s.segment(0, 100, "abcdefg", ACK);
	EXPECT_EQ(s.seen[0], "axCDxxg") << "100 a, 101 x, 102 CD, 104 xx, 106 g";
	s.segment(0, 100, "zzzzzzz", ACK);
	EXPECT_EQ(s.seen[0], "axCDxxg");
}

TEST(Stream, OverlapWithWhatIsHeldIsSeen)
{
	Stream s;

	s.want_octets = 100;
	s.segment(0, 100, "abcdef", ACK);
	s.segment(0, 98, "zzabcdefgh", ACK);
	EXPECT_EQ(s.counter(MR_C_STREAM_OVERLAP_DIFFERS), 0u);
	s.segment(0, 99, "zabX", ACK);
	EXPECT_EQ(s.counter(MR_C_STREAM_OVERLAP_DIFFERS), 1u);
	s.end();
	EXPECT_EQ(s.seen[0], "abcdefgh$");
}

TEST(Stream, UnusedIsShownAgain)
{
	Stream s;

	s.want_octets = 4;
	s.segment(0, 100, "ab", ACK);
	s.segment(0, 102, "c", ACK);
	s.segment(0, 103, "d", ACK);
	EXPECT_EQ(s.pieces, (std::vector<std::string>{ "ab", "abc", "abcd" }));
	EXPECT_TRUE(s.idle());
	s.segment(0, 104, "ef", ACK);
	s.segment(0, 106, "", ACK | FIN);
	EXPECT_EQ(s.pieces, (std::vector<std::string>{ "ab", "abc", "abcd", "ef", "ef" }));
	EXPECT_EQ(s.seen[0], "abcdef$");
}

TEST(Stream, UnusedGrowsToTheWindowAndNoFurther)
{
	Stream s;
	uint32_t seq = 0;
	mr_stream_want want = MR_STREAM_MORE;

	s.want_octets = SIZE_MAX;
	while (want == MR_STREAM_MORE && seq < 100000) {
		want = s.segment(0, seq, std::string(1000, 'a'), ACK);
		seq += 1000;
	}
	EXPECT_EQ(want, MR_STREAM_FULL);
	EXPECT_EQ(seq, 17000u);
	EXPECT_EQ(s.pieces.back().size(), MR_STREAM_WINDOW);
}

TEST(Stream, ASegmentLargerThanTheRoomComesInPieces)
{
	Stream s;

	s.want_octets = 10000;
	s.use_at_most = 10000;
	s.segment(0, 0, std::string(9000, 'a'), ACK);
	EXPECT_EQ(s.segment(0, 9000, std::string(9000, 'b') + std::string(9000, 'c'), ACK), MR_STREAM_MORE);
	s.end();
	EXPECT_EQ(s.seen[0], std::string(9000, 'a') + std::string(9000, 'b') + std::string(9000, 'c') + "$");
}

TEST(Stream, AcknowledgedHoleIsGivenUp)
{
	Stream s;

	s.segment(0, 99, "", SYN);
	s.segment(1, 499, "", SYN | ACK, 100);
	s.segment(0, 103, "def", ACK, 500);
	s.segment(1, 500, "", ACK, 102); /* not all of it */
	EXPECT_EQ(s.seen[0], "");
	s.segment(1, 500, "answer", ACK, 106);
	EXPECT_EQ(s.seen[0], "|def");
	EXPECT_EQ(s.pieces, (std::vector<std::string>{ "def", "answer" })) << "in that order";
	s.segment(0, 100, "abc", ACK, 500);
	EXPECT_EQ(s.seen[0], "|def") << "too late";
	EXPECT_EQ(s.counter(MR_C_STREAM_GAPS), 1u);
}

TEST(Stream, HoleBeforeTheFinIsGivenUpAtTheEnd)
{
	Stream s;

	s.segment(0, 99, "", SYN);
	s.segment(0, 104, "ef", ACK);
	s.segment(0, 109, "", ACK | FIN);
	EXPECT_EQ(s.seen[0], "");
	s.end();
	EXPECT_EQ(s.seen[0], "|ef|$");
	EXPECT_EQ(s.seen[1], "$");
}

TEST(Stream, UnusedBeforeAGapIsDropped)
{
	Stream s;

	s.want_octets = 10;
	s.segment(0, 0, "abc", ACK);
	s.segment(0, 5, "fgh", ACK);
	s.segment(1, 0, "", ACK, 8);
	EXPECT_EQ(s.pieces, (std::vector<std::string>{ "abc", "fgh" }));
	s.end();
	EXPECT_EQ(s.seen[0], "abc|fgh$");
}

TEST(Stream, FullStoreGivesTheHoleUp)
{
	Stream s(1 << 20, 2);
	uint32_t seq = 1001;

	s.segment(0, 0, "a", ACK);
	while (s.seen[0] == "a") {
		s.segment(0, seq, std::string(100, 'b'), ACK);
		seq += 100;
		ASSERT_LT(seq, 10000u);
	}
	EXPECT_EQ(s.seen[0], "a|" + std::string(seq - 1001, 'b')) << "nothing behind the hole is lost";
	EXPECT_GT(seq, 1001 + MR_STREAM_PAGE);
	EXPECT_EQ(s.counter(MR_C_STREAM_GAPS), 1u);
	EXPECT_EQ(s.counter(MR_C_STREAM_SHED), 0u);
	EXPECT_TRUE(s.idle());
}

TEST(Stream, WithoutMemoryGapsAreReportedAtOnce)
{
	Stream s(0);

	s.segment(0, 0, "ab", ACK);
	s.segment(0, 5, "ef", ACK);
	s.segment(0, 2, "cd", ACK);
	EXPECT_EQ(s.seen[0], "ab|ef");
	EXPECT_EQ(s.counter(MR_C_STREAM_SHED), 1u);
	s.want_octets = 10;
	s.segment(0, 7, "gh", ACK);
	s.segment(0, 9, "ij", ACK);
	EXPECT_EQ(s.pieces, (std::vector<std::string>{ "ab", "ef", "gh", "ij" })) << "gh can't be kept";
	EXPECT_EQ(s.counter(MR_C_STREAM_SHED), 3u);
}

TEST(Stream, FarAheadIsIgnoredUnlessAcknowledged)
{
	Stream s;

	s.segment(0, 0, "ab", ACK);
	s.segment(0, 3 + MR_STREAM_REACH, "forged", ACK);
	s.segment(0, 0x80000010, "forged", ACK);
	EXPECT_EQ(s.counter(MR_C_STREAM_FAR_AHEAD), 1u) << "the other one is old, modulo 2^32";
	s.segment(0, 2, "cd", ACK);
	EXPECT_EQ(s.seen[0], "abcd");
	s.segment(1, 0, "", ACK, 10000000);
	s.segment(0, 10000000, "ef", ACK);
	EXPECT_EQ(s.seen[0], "abcd|ef");
	EXPECT_TRUE(s.idle());
}

TEST(Stream, FarthestOctetsThatAreStored)
{
	Stream s(4 << 20, MR_STREAM_PAGES_MAX);

	s.segment(0, 0, "ab", ACK);
	s.segment(0, 2 + MR_STREAM_REACH, std::string(60000, 'z'), ACK);
	EXPECT_EQ(s.seen[0].substr(0, 3), "ab|") << "its end is out of reach, so its start was let go";
	EXPECT_EQ(s.seen[0].size(), 60003u);
	s.segment(0, 2 + MR_STREAM_REACH + 60000, "y", ACK);
	EXPECT_EQ(s.seen[0].size(), 60004u);
}

TEST(Stream, NothingBeyondTheFin)
{
	Stream s;

	s.segment(0, 100, "ab", ACK);
	s.segment(0, 106, "gh", ACK); /* beyond what will be the end */
	s.segment(0, 104, "", ACK | FIN);
	s.segment(0, 103, "dxx", ACK);
	EXPECT_EQ(s.counter(MR_C_STREAM_BEYOND_FIN), 1u);
	s.segment(0, 102, "c", ACK);
	EXPECT_EQ(s.seen[0], "abcd$");
	s.segment(0, 104, "more", ACK);
	EXPECT_EQ(s.seen[0], "abcd$");
	EXPECT_EQ(s.counter(MR_C_STREAM_BEYOND_FIN), 2u);
	EXPECT_TRUE(s.idle());
}

TEST(Stream, FirstFinWins)
{
	Stream s;

	s.segment(0, 100, "ab", ACK);
	s.segment(0, 104, "", ACK | FIN);
	s.segment(0, 103, "", ACK | FIN);
	s.segment(0, 102, "cdef", ACK | FIN);
	EXPECT_EQ(s.seen[0], "abcd$");
}

TEST(Stream, Reset)
{
	Stream s;

	s.segment(0, 100, "ab", ACK, 50);
	s.segment(1, 50, "xy", ACK, 102);
	EXPECT_EQ(s.segment(1, 5000, "", RST), MR_STREAM_MORE) << "not where the stream is";
	EXPECT_EQ(s.counter(MR_C_STREAM_RST_IGNORED), 1u);
	s.segment(0, 104, "ef", ACK, 50);
	EXPECT_EQ(s.segment(1, 52, "why", RST | ACK, 102), MR_STREAM_OVER);
	EXPECT_EQ(s.seen[0], "ab|ef$");
	EXPECT_EQ(s.seen[1], "xy$") << "its text is no data";
}

TEST(Stream, ResetWhereTheOtherSideHasSeenIt)
{
	Stream s;

	s.segment(0, 100, "ab", ACK, 50);
	s.segment(1, 50, "", ACK, 300); /* octets that the capture missed */
	EXPECT_EQ(s.segment(0, 300, "", RST), MR_STREAM_OVER);
}

TEST(Stream, ResetBehindTheFin)
{
	Stream s;

	s.segment(1, 50, "xy", ACK, 100);
	s.segment(0, 100, "ab", ACK | FIN, 52);
	EXPECT_EQ(s.segment(0, 102, "", RST), MR_STREAM_MORE);
	EXPECT_EQ(s.segment(0, 103, "", RST), MR_STREAM_OVER);
	EXPECT_EQ(s.seen[0], "ab$");
	EXPECT_EQ(s.seen[1], "xy$");
}

TEST(Stream, AcknowledgmentsOfAnEarlierConnectionDontCount)
{
	Stream s;

	s.segment(0, 1000000, "", SYN);
	s.segment(1, 0, "", ACK, 1000001);
	s.segment(0, 99, "", SYN);
	s.segment(0, 102, "cd", ACK);
	s.segment(0, 100, "ab", ACK);
	EXPECT_EQ(s.seen[0], "abcd");
}

TEST(Stream, InspectorStops)
{
	Stream s;

	s.stop = true;
	EXPECT_EQ(s.segment(0, 100, "ab", ACK), MR_STREAM_STOPPED);
	EXPECT_EQ(s.pieces.size(), 1u);
}

TEST(Stream, UnusedOfTheOtherDirectionCanBeUsed)
{
	Stream s;
	uint32_t len;

	s.want_octets = 100;
	s.segment(1, 0, "hello", ACK);
	EXPECT_EQ(std::string((const char *)mr_stream_unused(&s.worker, &s.stream, 1, &len), 5), "hello");
	EXPECT_EQ(len, 5u);
	mr_stream_use(&s.worker, &s.stream, 1, 2);
	EXPECT_EQ(std::string((const char *)mr_stream_unused(&s.worker, &s.stream, 1, &len), 3), "llo");
	mr_stream_use(&s.worker, &s.stream, 1, 3);
	mr_stream_unused(&s.worker, &s.stream, 1, &len);
	EXPECT_EQ(len, 0u);
	EXPECT_TRUE(s.idle());
}

/* What a receiver with this policy would have: a map from place to octet. */
class Model
{
      public:
	void segment(uint32_t at, const std::string &data)
	{
		if (have_.size() < at + data.size())
			have_.resize(at + data.size(), -1);
		for (size_t i = 0; i < data.size(); i++)
			if (have_[at + i] < 0)
				have_[at + i] = (uint8_t)data[i];
		while (next_ < have_.size() && have_[next_] >= 0)
			shown_ += (char)have_[next_++];
	}
	const std::string &shown() const
	{
		return shown_;
	}

      private:
	std::vector<int> have_;
	size_t next_ = 0;
	std::string shown_;
};

std::string random_octets(std::mt19937 &rng, size_t n)
{
	std::string ret(n, ' ');

	for (char &c : ret)
		c = (char)('a' + rng() % 26);
	return ret;
}

struct Piece {
	uint32_t at;
	std::string data;
};

/* Segments that cover the text, some repeated, some overlapping with other octets, shuffled within a window.
 */
std::vector<Piece> hostile(std::mt19937 &rng, const std::string &text, uint32_t segment_max, uint32_t window)
{
	std::vector<std::pair<uint32_t, Piece>> sent; /* by when */
	std::vector<Piece> ret;

	for (uint32_t at = 0, n; at < text.size(); at += n) {
		n = std::min((uint32_t)text.size() - at, 1 + (uint32_t)(rng() % segment_max));
		sent.push_back({ at + (uint32_t)(rng() % window), { at, text.substr(at, n) } });
		if (rng() % 4 == 0) {
			uint32_t back = std::min(at, (uint32_t)(rng() % segment_max));

			sent.push_back({ at + (uint32_t)(rng() % window),
					 { at - back, random_octets(rng, back + n) } });
		}
	}
	std::stable_sort(sent.begin(), sent.end(), [](auto &a, auto &b) { return a.first < b.first; });
	for (auto &s : sent)
		ret.push_back(s.second);
	return ret;
}

TEST(StreamProperty, DeliversWhatTheModelDoes)
{
	for (unsigned seed = 1; seed <= 400; seed++) {
		std::mt19937 rng(seed);
		Stream s;
		Model model;
		std::string text = random_octets(rng, 1 + rng() % 60000);
		uint32_t isn = rng() % 2 ? 0u - rng() % 30000 : (uint32_t)rng();

		s.want_octets = rng() % 3 ? 0 : rng() % 500;
		s.use_at_most = rng() % 3 ? SIZE_MAX : 1 + rng() % 2000;
		s.segment(0, isn - 1, "", SYN);
		for (const Piece &p : hostile(rng, text, 1 + rng() % 3000, 1 + rng() % 30000)) {
			ASSERT_EQ(s.segment(0, isn + p.at, p.data, ACK), MR_STREAM_MORE);
			model.segment(p.at, p.data);
		}
		ASSERT_EQ(model.shown().size(), text.size());
		s.segment(0, isn + (uint32_t)text.size(), "", ACK | FIN);
		ASSERT_EQ(s.seen[0], model.shown() + "$") << "seed " << seed;
		ASSERT_TRUE(s.idle());
		ASSERT_EQ(s.counter(MR_C_STREAM_GAPS), 0u);
	}
}

TEST(StreamProperty, SegmentsOfTheSameTextGiveTheText)
{
	for (unsigned seed = 1; seed <= 200; seed++) {
		std::mt19937 rng(seed);
		Stream s;
		std::string text = random_octets(rng, 20000);
		uint32_t isn = 0u - rng() % 20000;
		std::vector<Piece> pieces;

		for (uint32_t at = 0, n; at < text.size(); at += n) {
			n = std::min((uint32_t)text.size() - at, 1 + (uint32_t)(rng() % 1460));
			for (unsigned copies = 1 + rng() % 3; copies != 0; copies--)
				pieces.push_back({ at, text.substr(at, n) });
		}
		std::shuffle(pieces.begin(), pieces.end(), rng);
		s.segment(0, isn - 1, "", SYN);
		for (const Piece &p : pieces)
			s.segment(0, isn + p.at, p.data, ACK);
		s.end();
		ASSERT_EQ(s.seen[0], text + "$") << "seed " << seed;
		ASSERT_EQ(s.counter(MR_C_STREAM_OVERLAP_DIFFERS), 0u);
	}
}

/* With holes that stay, little memory and acknowledgments: what is shown is the text with gaps, each octet
 * once. */
TEST(StreamProperty, LossesAreGapsAndNothingElse)
{
	for (unsigned seed = 1; seed <= 300; seed++) {
		std::mt19937 rng(seed);
		Stream s(16384u * (rng() % 5), 1 + rng() % 20);
		std::string text = random_octets(rng, 100000), whole;
		uint32_t isn = (uint32_t)rng();
		size_t at = 0;

		s.segment(0, isn - 1, "", SYN);
		for (const Piece &p : hostile(rng, text, 1460, 5000)) {
			std::string same = text.substr(p.at, p.data.size());

			if (rng() % 10 != 0)
				s.segment(0, isn + p.at, same, ACK);
			if (rng() % 20 == 0)
				s.segment(1, 77, "", ACK,
					  isn + p.at - std::min(p.at, (uint32_t)(rng() % 3000)));
		}
		s.end();
		ASSERT_EQ(s.seen[0].back(), '$');
		for (size_t from = 0, to; from < s.seen[0].size() - 1; from = to + 1) {
			to = std::min(s.seen[0].find('|', from), s.seen[0].size() - 1);
			size_t found = text.find(s.seen[0].substr(from, to - from), at);
			ASSERT_NE(found, std::string::npos) << "seed " << seed;
			at = found + (to - from);
		}
		ASSERT_LE(mr_buddy_used(&s.buddy), 65536u);
	}
}

/* One octet per segment, every other one, then the same over again far behind it. */
TEST(StreamProperty, TinySegmentsCostNoMoreThanTheirPlaces)
{
	Stream s(4 << 20, 36);

	s.segment(0, 0, "", SYN);
	for (uint32_t at = 2; at < 60000; at += 2)
		s.segment(0, 1 + at, "x", ACK);
	EXPECT_LE(mr_buddy_used(&s.buddy), 36u * 2048 + 1024);
	EXPECT_EQ(s.seen[0], "");
	for (uint32_t at = 60000; at < 200000; at += 1000)
		s.segment(0, 1 + at, "x", ACK);
	EXPECT_LE(mr_buddy_used(&s.buddy), 36u * 2048 + 1024);
	EXPECT_GT(s.counter(MR_C_STREAM_GAPS), 0u);
	EXPECT_GT((size_t)std::count(s.seen[0].begin(), s.seen[0].end(), 'x'), 250u);
}

/* The last missing octets in one segment: a store full of holes must not become as many calls. */
TEST(StreamProperty, CrumbsAreShownInPages)
{
	Stream s(4 << 20, 36);
	std::string crumbs;

	s.segment(0, 0, "", SYN);
	for (uint32_t at = 2; at < 60000; at += 2)
		s.segment(0, 1 + at, "x", ACK);
	s.segment(0, 1, std::string(60000, 'y'), ACK);
	for (unsigned at = 0; at < 60000; at++)
		crumbs += at % 2 == 0 && at != 0 ? 'x' : 'y';
	EXPECT_EQ(s.seen[0], crumbs);
	EXPECT_LE(s.pieces.size(), 60000 / MR_STREAM_PAGE + 2);
	EXPECT_TRUE(s.idle());
}

TEST(StreamProperty, AStreamOfGapsIsLost)
{
	Stream s(4 << 20, 36);
	uint32_t at;

	s.segment(0, 0, "", SYN);
	for (at = 2; at < 2000; at += 2)
		s.segment(0, 1 + at, "x", ACK);
	EXPECT_EQ(s.segment(1, 0, "", ACK, 2001), MR_STREAM_LOST);
	EXPECT_EQ(s.counter(MR_C_STREAM_GAPS), MR_STREAM_GAPS_MAX);

	Stream e(4 << 20, 36);
	for (at = 2; at < 2000; at += 2)
		e.segment(0, 1 + at, "x", ACK);
	e.end();
	EXPECT_EQ(e.counter(MR_C_STREAM_GAPS), MR_STREAM_GAPS_MAX);
	EXPECT_EQ(e.seen[0].back(), '$');
	EXPECT_EQ(e.seen[1].back(), '$');
}

TEST(Buddy, BlocksNeitherOverlapNorGetLost)
{
	const uint64_t octets = 1 << 20;
	std::mt19937 rng(7);
	void *memory = aligned_alloc(64, mr_buddy_memory(octets));
	std::vector<std::pair<uint32_t, uint32_t>> held; /* id, fill */
	mr_buddy b;

	mr_buddy_init(&b, memory, octets);
	for (unsigned round = 0; round < 50000; round++) {
		if (rng() % 2 || held.empty()) {
			uint32_t want = 1 + rng() % (rng() % 2 ? 600 : MR_BUDDY_MAX),
				 id = mr_buddy_get(&b, want);

			if (id == 0)
				continue;
			ASSERT_GE(mr_buddy_size(&b, id), want);
			memset(mr_buddy_at(&b, id), (int)(id & 0xff), mr_buddy_size(&b, id));
			held.push_back({ id, id & 0xff });
		} else {
			size_t n = rng() % held.size();
			auto [id, fill] = held[n];
			const uint8_t *p = (const uint8_t *)mr_buddy_at(&b, id);

			ASSERT_TRUE(std::all_of(p, p + mr_buddy_size(&b, id),
						[f = fill](uint8_t c) { return c == f; }));
			mr_buddy_put(&b, id);
			held[n] = held.back();
			held.pop_back();
		}
	}
	for (auto [id, fill] : held)
		mr_buddy_put(&b, id);
	EXPECT_EQ(mr_buddy_used(&b), 0u);
	for (unsigned i = 0; i < octets / MR_BUDDY_MAX; i++)
		EXPECT_NE(mr_buddy_get(&b, MR_BUDDY_MAX), 0u) << "all has merged again";
	EXPECT_EQ(mr_buddy_get(&b, 1), 0u);
	free(memory);
}

} // namespace
