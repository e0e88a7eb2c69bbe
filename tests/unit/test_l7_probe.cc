/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes what for his own: every probe sees every protocol's conversation, and random octets. */
#include <map>
#include <set>

#include "../l7/talks.h"

namespace
{

std::vector<const mr_l7_ops *> all()
{
	std::vector<const mr_l7_ops *> ret;

	for (const mr_l7_ops *const *o = mr_l7_all; *o != nullptr; o++)
		ret.push_back(*o);
	return ret;
}

/* A probe is asked about its own transports only. */
std::vector<l7::Talk> talks_over(uint8_t transports)
{
	std::vector<l7::Talk> ret;

	for (const l7::Talk &talk : l7::talks())
		if ((talk.transport & transports) != 0)
			ret.push_back(talk);
	return ret;
}

/* The first message of each direction. */
std::map<unsigned, std::string> starts(const l7::Talk &talk)
{
	std::map<unsigned, std::string> ret;

	for (const auto &[dir, data] : talk.messages)
		ret.emplace(dir, data);
	return ret;
}

} // namespace

TEST(L7Probe, EachKnowsItsOwnAndNoOther)
{
	for (const mr_l7_ops *ops : all())
		for (const l7::Talk &talk : talks_over(ops->transports))
			for (const auto &[dir, data] : starts(talk)) {
				mr_l7_probe p = l7::probe(ops->name, data, dir, talk.transport, talk.port);

				if (talk.protocol != ops->name) {
					EXPECT_NE(p, MR_L7_YES) << ops->name << " takes " << talk.protocol;
				} else {
					EXPECT_NE(p, MR_L7_NO) << ops->name << " direction " << dir;
				}
			}
}

TEST(L7Probe, OneDirectionIsEnough)
{
	for (const mr_l7_ops *ops : all())
		for (const l7::Talk &talk : talks_over(ops->transports)) {
			bool yes = talk.protocol != ops->name;

			for (const auto &[dir, data] : starts(talk))
				yes = yes ||
				      l7::probe(ops->name, data, dir, talk.transport, talk.port) == MR_L7_YES;
			EXPECT_TRUE(yes) << ops->name;
		}
}

/* With fewer octets a probe knows less, but nothing else. */
TEST(L7Probe, CutStartsAreNotRefused)
{
	for (const mr_l7_ops *ops : all())
		for (const l7::Talk &talk : talks_over(ops->transports & MR_L7_TCP))
			for (const auto &[dir, data] : starts(talk)) {
				mr_l7_probe whole =
					l7::probe(ops->name, data, dir, talk.transport, talk.port);

				for (size_t len = 1; len < data.size() && len < 300; len++) {
					mr_l7_probe cut = l7::probe(ops->name, data.substr(0, len), dir,
								    talk.transport, talk.port);

					if (whole == MR_L7_YES) {
						EXPECT_NE(cut, MR_L7_NO) << ops->name << " at " << len;
					}
					if (talk.protocol != ops->name) {
						EXPECT_NE(cut, MR_L7_YES) << ops->name << " takes "
									  << talk.protocol << " at " << len;
					}
				}
			}
}

/* On other ports than their own all that have signs of their own are known too. */
TEST(L7Probe, PortsAreNotNeeded)
{
	for (const l7::Talk &talk : l7::talks()) {
		bool known = false;
		mr_l7_probe best = MR_L7_NO;

		for (const mr_l7_ops *ops : all())
			known = known || talk.protocol == ops->name;
		if (!known)
			continue;
		for (const auto &[dir, data] : starts(talk))
			best = std::max(best, l7::probe(talk.protocol, data, dir, talk.transport, 9999));
		EXPECT_EQ(best, MR_L7_YES) << talk.protocol;
	}
}

TEST(L7Probe, RandomOctetsAreNobodys)
{
	std::mt19937 rng(3);

	for (int i = 0; i < 20000; i++) {
		std::string data(rng() % 200, '\0');

		for (char &c : data)
			c = (char)rng();
		for (const mr_l7_ops *ops : all())
			for (uint8_t transport : { MR_L7_TCP, MR_L7_UDP })
				if ((ops->transports & transport) != 0) {
					ASSERT_NE(l7::probe(ops->name, data, rng() % 2, transport, 9999),
						  MR_L7_YES)
						<< ops->name;
				}
	}
}

/* Whatever a probe says, a parser gets through any other's conversation. */
TEST(L7Probe, ParsersSurviveOthers)
{
	for (const mr_l7_ops *ops : all())
		for (l7::Talk talk : talks_over(ops->transports)) {
			talk.protocol = ops->name;
			l7::found_in(talk);
		}
}

TEST(L7Probe, NamesAndSelectorsAreUnique)
{
	std::set<std::string> names;
	std::set<uint32_t> selectors;

	for (const mr_l7_ops *ops : all()) {
		EXPECT_TRUE(names.insert(ops->name).second) << ops->name;
		EXPECT_TRUE(selectors.insert(ops->selector).second) << ops->name;
		EXPECT_LE(strlen(ops->description), 48u) << ops->name;
		EXPECT_LT(ops->selector, 1u << 24) << ops->name;
	}
}

TEST(L7Probe, FieldElementsAreUnique)
{
	std::set<std::pair<uint32_t, uint16_t>> elements;
	std::set<std::string> names;

	for (const struct mr_l7_field_info &f : mr_l7_field_info) {
		EXPECT_TRUE(elements.insert({ f.pen, f.element }).second) << f.name;
		EXPECT_TRUE(names.insert(f.name).second) << f.name;
		EXPECT_EQ(f.octets != 0, f.type == MR_L7_NUMBER) << f.name;
	}
}
