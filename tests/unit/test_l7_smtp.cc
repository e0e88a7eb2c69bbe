/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Smtp, EnvelopeAndSubject)
{
	l7::Talk talk = l7::smtp_talk();
	Parse p("smtp");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("smtp_banner"), "foo.com Simple Mail Transfer Service Ready ESMTP");
	EXPECT_EQ(p.one("smtp_helo"), "bar.com");
	EXPECT_EQ(p.one("smtp_mail_from"), "Smith@bar.com");
	EXPECT_EQ(p.all("smtp_rcpt_to"), (Strings{ "Jones@foo.com", "Green@foo.com", "Brown@foo.com" }));
	EXPECT_EQ(p.one("smtp_subject"), "Saying Hello");
	EXPECT_EQ(p.transactions, 1u);
	l7::expect_robust(talk);
}

TEST(L7Smtp, StartTlsHandsOver)
{
	Parse p("smtp");

	p.feed(1, "220 a\r\n");
	p.feed(0, "EHLO b\r\n");
	p.feed(1, "250-a\r\n250 STARTTLS\r\n");
	p.feed(0, "STARTTLS\r\n");
	EXPECT_EQ(p.feed(1, "220 go ahead\r\n"), MR_L7_NEXT);
	EXPECT_EQ(p.one("smtp_starttls"), "1");
}

TEST(L7Smtp, StartTlsRefusedGoesOn)
{
	Parse p("smtp");

	p.feed(1, "220 a\r\n");
	p.feed(0, "STARTTLS\r\n");
	EXPECT_EQ(p.feed(1, "454 not now\r\n"), MR_L7_MORE);
	p.feed(0, "MAIL FROM:<>\r\n");
	EXPECT_EQ(p.one("smtp_mail_from"), "");
	EXPECT_TRUE(p.all("smtp_starttls").empty());
}

TEST(L7Smtp, RefusedDataIsNoMail)
{
	Parse p("smtp");

	p.feed(0, "EHLO b\r\n");
	p.feed(0, "MAIL FROM:<a@b>\r\nDATA\r\n");
	p.feed(1, "250 ok\r\n554 no valid recipients\r\n");
	p.feed(0, "MAIL FROM:<c@d>\r\n");
	EXPECT_EQ(p.all("smtp_mail_from"), (Strings{ "a@b", "c@d" }));
}

TEST(L7Smtp, ChunksAreNotCommands)
{
	Parse p("smtp");
	l7::Talk talk = {
		"smtp", MR_L7_TCP, 25, { { 0, "EHLO b\r\nBDAT 13 LAST\r\nRCPT TO:<x@y>RCPT TO:<z@y>\r\n" } }
	};

	p.feed(0, talk.messages[0].second);
	EXPECT_EQ(p.all("smtp_rcpt_to"), (Strings{ "z@y" }));
	l7::expect_any_pieces(talk);
}

TEST(L7Smtp, LongLinesArePassedOver)
{
	std::string line(5000, 'x');
	l7::Talk talk = { "smtp", MR_L7_TCP, 25, { { 0, "EHLO b\r\n" + line + "\r\nMAIL FROM:<a@b>\r\n" } } };

	EXPECT_EQ(l7::found_in(talk).size(), 2u);
	l7::expect_any_pieces(talk);
}

TEST(L7Smtp, AfterAGapTheNextLineCounts)
{
	Parse p("smtp");

	p.feed(0, "EHLO b\r\nMAIL FR");
	p.feed(0, "FROM:<lost>\r\nRCPT TO:<c@d>\r\n", false, true);
	EXPECT_TRUE(p.all("smtp_mail_from").empty());
	EXPECT_EQ(p.one("smtp_rcpt_to"), "c@d");
}

TEST(L7Smtp, SubjectWithoutEndIsTold)
{
	Parse p("smtp");

	p.feed(0, "DATA\r\nSubject: cut off\r\n");
	p.close();
	EXPECT_EQ(p.one("smtp_subject"), "cut off");
}

TEST(L7Smtp, NoiseEndsIt)
{
	Parse p("smtp");

	p.feed(1, "220 a\r\n");
	EXPECT_EQ(p.feed(0, "dXNlcg==\r\nc2VjcmV0\r\n"), MR_L7_MORE); /* as AUTH has them */
	for (int i = 0; i < 40; i++)
		p.feed(0, "this is not a command at all\r\nneither\r\n");
	EXPECT_EQ(p.feed(0, ""), MR_L7_BROKEN);
}

TEST(L7Smtp, FloodOfRecipientsIsBounded)
{
	Parse p("smtp");

	p.feed(0, "MAIL FROM:<a@b>\r\n");
	for (int i = 0; i < 1000; i++)
		p.feed(0, "RCPT TO:<c@d>\r\n");
	EXPECT_EQ(p.all("smtp_rcpt_to").size(), 255u);
	EXPECT_EQ(p.feed(0, ""), MR_L7_DONE);
}

TEST(L7Smtp, BannerAloneNeedsThePort)
{
	EXPECT_EQ(l7::probe("smtp", "220 mail ready\r\n", 1, MR_L7_TCP, 25), MR_L7_YES);
	EXPECT_EQ(l7::probe("smtp", "220 mail ready\r\n", 1, MR_L7_TCP, 9999), MR_L7_MAYBE);
	EXPECT_EQ(l7::probe("smtp", "220 FTP server\r\n", 1, MR_L7_TCP, 25), MR_L7_NO);
	EXPECT_EQ(l7::probe("smtp", "HELO x\r\n", 0, MR_L7_TCP, 9999), MR_L7_YES);
}
