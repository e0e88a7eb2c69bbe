/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <utility>

#include "octets.h"
#include "parse.h"

/* Conversations, and the rule that it doesn't matter in which pieces they come. */
namespace l7
{

struct Talk {
	std::string protocol;
	uint8_t transport;
	uint16_t port;						/* of the responder */
	std::vector<std::pair<unsigned, std::string>> messages; /* direction, octets */
};

/* All values found in a conversation. @p rng: in random pieces of 1..@p max_piece octets. */
inline std::vector<Found> found_in(const Talk &talk, std::mt19937 *rng = nullptr, size_t max_piece = 0)
{
	Parse p(talk.protocol, talk.transport);

	p.port[1] = talk.port;
	for (const auto &[dir, data] : talk.messages)
		if (rng != nullptr)
			p.feed_in_pieces(dir, data, *rng, max_piece);
		else
			p.feed(dir, data);
	p.close();
	return p.found;
}

inline void expect_any_pieces(const Talk &talk)
{
	std::vector<Found> whole = found_in(talk);
	std::mt19937 rng(1);

	ASSERT_FALSE(whole.empty()) << talk.protocol;
	for (size_t max_piece : { 1, 2, 7, 60, 1460 })
		for (int i = 0; i < 5; i++)
			ASSERT_EQ(found_in(talk, &rng, max_piece), whole)
				<< talk.protocol << " " << max_piece;
}

/* Cut off anywhere: what is found is a start of what the whole has, but for the last value, which may be cut.
 */
inline void expect_any_cut(const Talk &talk)
{
	std::vector<Found> whole = found_in(talk);

	for (size_t m = 0; m < talk.messages.size(); m++) {
		size_t step = 1 + talk.messages[m].second.size() / 200;

		for (size_t cut = 0; cut < talk.messages[m].second.size(); cut += step) {
			Talk part = talk;
			std::vector<Found> found;

			part.messages.resize(m + 1);
			part.messages[m].second.resize(cut);
			found = found_in(part);
			if (talk.transport == MR_L7_UDP)
				continue; /* a datagram that is cut may say the wrong thing, but reads nothing
					     past it */
			ASSERT_LE(found.size(), whole.size());
			for (size_t i = 0; i + 1 < found.size(); i++)
				ASSERT_EQ(found[i], whole[i]) << talk.protocol << " cut at " << cut;
		}
	}
}

/* Octets changed at random: no crash (the sanitizers watch), and still no matter in which pieces. */
inline void expect_no_harm(const Talk &talk)
{
	std::mt19937 rng(2);

	for (int i = 0; i < 200; i++) {
		Talk bad = talk;
		std::vector<Found> whole;

		for (auto &[dir, data] : bad.messages)
			for (unsigned n = rng() % 4; n > 0 && !data.empty(); n--)
				data[rng() % data.size()] = (char)rng();
		whole = found_in(bad);
		if (talk.transport == MR_L7_TCP) {
			ASSERT_EQ(found_in(bad, &rng, 50), whole) << talk.protocol << " " << i;
		}
	}
}

inline void expect_robust(const Talk &talk)
{
	if (talk.transport == MR_L7_TCP)
		expect_any_pieces(talk);
	expect_any_cut(talk);
	expect_no_harm(talk);
}

} // namespace l7
