/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Sip, Call)
{
	for (uint8_t transport : { MR_L7_UDP, MR_L7_TCP }) {
		l7::Talk talk = l7::sip_talk(transport);
		Parse p("sip", transport);

		for (const auto &[dir, data] : talk.messages)
			p.feed(dir, data);
		EXPECT_EQ(p.one("sip_method"), "INVITE");
		EXPECT_EQ(p.one("sip_uri"), "sip:bob@biloxi.com");
		EXPECT_EQ(p.all("sip_from"), (Strings{ "Alice <sip:alice@atlanta.com>;tag=1928301774",
						       "Alice <sip:alice@atlanta.com>;tag=1928301774" }));
		EXPECT_EQ(p.all("sip_to"),
			  (Strings{ "Bob <sip:bob@biloxi.com>", "Bob <sip:bob@biloxi.com>;tag=a6c85cf" }));
		EXPECT_EQ(p.all("sip_call_id"),
			  (Strings{ "a84b4c76e66710@pc33.atlanta.com", "a84b4c76e66710@pc33.atlanta.com" }));
		EXPECT_EQ(p.all("sip_user_agent"), (Strings{ "softphone/1", "pbx" }));
		EXPECT_EQ(p.all("sip_status"), (Strings{ "180", "200" }));
		EXPECT_EQ(p.transactions, 1u);
		l7::expect_robust(talk);
	}
}

TEST(L7Sip, BodyIsPassedOver)
{
	l7::Talk talk = {
		"sip",
		MR_L7_TCP,
		5060,
		{ { 0,
		    "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 33\r\n\r\nINVITE sip:x@y SIP/2.0\r\nFrom: z\r\n"
		    "BYE sip:c@d SIP/2.0\r\n\r\n" } }
	};
	Parse p("sip");

	p.feed(0, talk.messages[0].second);
	EXPECT_EQ(p.all("sip_method"), (Strings{ "OPTIONS", "BYE" }));
	l7::expect_any_pieces(talk);
}

TEST(L7Sip, EmptyLinesKeepItAlive)
{
	Parse p("sip");

	for (int i = 0; i < 100; i++)
		EXPECT_EQ(p.feed(0, "\r\n\r\n"), MR_L7_MORE);
	p.feed(0, "BYE sip:c@d SIP/2.0\r\n");
	EXPECT_EQ(p.one("sip_method"), "BYE");
}

TEST(L7Sip, NoiseEndsIt)
{
	Parse p("sip");

	for (int i = 0; i < 20; i++)
		p.feed(0, "noise\r\n");
	EXPECT_EQ(p.feed(0, ""), MR_L7_BROKEN);
}

TEST(L7Sip, LongFlowsAreBounded)
{
	std::string all;
	Parse p("sip");

	for (int i = 0; i < 100; i++)
		all += "OPTIONS sip:a@b SIP/2.0\r\nFrom: a\r\n\r\n";
	EXPECT_EQ(p.feed(0, all), MR_L7_DONE);
	EXPECT_EQ(p.all("sip_from").size(), 64u);
	l7::expect_any_pieces({ "sip", MR_L7_TCP, 5060, { { 0, all } } });
}
