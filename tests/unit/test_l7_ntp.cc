/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Ntp, ClientAndServer)
{
	l7::Talk talk = l7::ntp_talk();
	Parse p("ntp", MR_L7_UDP);

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("ntp_version"), "4");
	EXPECT_EQ(p.all("ntp_mode"), (Strings{ "3", "4" }));
	EXPECT_EQ(p.one("ntp_stratum"), "1");
	EXPECT_EQ(p.one("ntp_reference_id"), "GPS");
	EXPECT_EQ(p.transactions, 1u);
	l7::expect_robust(talk);
}

TEST(L7Ntp, SourceIsAnAddress)
{
	Parse p("ntp", MR_L7_UDP);
	std::string answer = l7::ntp_talk().messages[1].second;

	answer.replace(1, 1, l7::hex("02")).replace(12, 4, l7::hex("c0 00 02 01"));
	p.feed(1, answer);
	EXPECT_EQ(p.one("ntp_reference_id"), "192.0.2.1");
}

TEST(L7Ntp, Monlist)
{
	std::string request = l7::hex("17 00 03 2a 00 00 00 00"),
		    answer = l7::hex("d7 00 03 2a 00 06 00 48") + l7::zeros(6 * 72);
	Parse p("ntp", MR_L7_UDP);

	EXPECT_EQ(l7::probe("ntp", request, 0, MR_L7_UDP, 9999), MR_L7_YES);
	EXPECT_EQ(l7::probe("ntp", answer, 1, MR_L7_UDP, 9999), MR_L7_YES);
	p.feed(0, request);
	p.feed(1, answer);
	EXPECT_EQ(p.one("ntp_mode"), "7");
	EXPECT_EQ(p.all("ntp_request_code"), (Strings{ "42", "42" }));
	EXPECT_EQ(p.one("ntp_monlist"), "1");
}

TEST(L7Ntp, Control)
{
	Parse p("ntp", MR_L7_UDP);
	std::string request = l7::hex("16 02 00 01 00 00 00 00 00 00 00 00");

	EXPECT_EQ(l7::probe("ntp", request, 0, MR_L7_UDP, 9999), MR_L7_YES);
	p.feed(0, request);
	EXPECT_EQ(p.one("ntp_mode"), "6");
	EXPECT_EQ(p.one("ntp_control_opcode"), "2");
}

TEST(L7Ntp, NotConsistent)
{
	std::string answer = l7::ntp_talk().messages[1].second;

	answer[32] = 0; /* received decades before it was answered: anything, unless it is at the port */
	EXPECT_EQ(l7::probe("ntp", answer, 1, MR_L7_UDP, 9999), MR_L7_NO);
	EXPECT_EQ(l7::probe("ntp", answer, 1, MR_L7_UDP, 123), MR_L7_YES);
	answer[1] = 17;
	EXPECT_EQ(l7::probe("ntp", answer, 1, MR_L7_UDP, 123), MR_L7_NO);
	EXPECT_EQ(l7::probe("ntp", answer.substr(0, 47), 1, MR_L7_UDP, 123), MR_L7_NO);
}
