/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;

TEST(L7Rdp, StandardSecurity)
{
	l7::Talk talk = l7::rdp_talk();
	Parse p("rdp");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("rdp_cookie"), "eltons");
	EXPECT_EQ(p.one("rdp_requested_protocols"), "0");
	EXPECT_EQ(p.one("rdp_selected_protocol"), "0");
	EXPECT_EQ(p.one("rdp_client_version"), std::to_string(0x00080004));
	EXPECT_EQ(p.one("rdp_client_build"), "2600");
	EXPECT_EQ(p.one("rdp_client_name"), "ELTONS-DEV2");
	EXPECT_EQ(p.feed(0, ""), MR_L7_DONE);
	l7::expect_robust(talk);
}

TEST(L7Rdp, TlsHandsOver)
{
	Parse p("rdp");

	p.feed(0, l7::x224(l7::hex("e0 00 00 00 00 00 01 00 08 00 0b 00 00 00")));
	EXPECT_EQ(p.feed(1, l7::x224(l7::hex("d0 00 00 12 34 00 02 1f 08 00 02 00 00 00"))), MR_L7_NEXT);
	EXPECT_EQ(p.one("rdp_requested_protocols"), "11");
	EXPECT_EQ(p.one("rdp_selected_protocol"), "2");
}

/* Nothing of the confirm is left for the parser of TLS. */
TEST(L7Rdp, WhatHandsOverIsUsed)
{
	const mr_l7_ops *ops = l7::find("rdp");
	std::string confirm = l7::x224(l7::hex("d0 00 00 12 34 00 02 1f 08 00 01 00 00 00"));
	std::string data = confirm + l7::hex("16 03 01");
	std::vector<uint8_t> state(ops->state_size);
	Parse sink("rdp");
	mr_l7_input in = {};
	uint32_t used = 0;

	in.data = (const uint8_t *)data.data();
	in.len = (uint32_t)data.size();
	in.dir = 1;
	in.transport = MR_L7_TCP;
	EXPECT_EQ(ops->parse(state.data(), &in, &sink, &used), MR_L7_NEXT);
	EXPECT_EQ(used, confirm.size());
}

TEST(L7Rdp, Refused)
{
	Parse p("rdp");

	EXPECT_EQ(p.feed(1, l7::x224(l7::hex("d0 00 00 12 34 00 03 00 08 00 05 00 00 00"))), MR_L7_DONE);
	EXPECT_EQ(p.one("rdp_failure_code"), "5");
}

/* Behind the negotiation data may stand a correlation id (section 2.2.1.1.2). */
TEST(L7Rdp, RoutingTokenAndCorrelation)
{
	Parse p("rdp");

	p.feed(0, l7::x224(l7::hex("e0 00 00 00 00 00") + "Cookie: msts=3640205228.15629.0000\r\n" +
			   l7::hex("01 08 08 00 03 00 00 00 06 00 24 00") + l7::zeros(32)));
	EXPECT_EQ(p.one("rdp_cookie"), "msts=3640205228.15629.0000");
	EXPECT_EQ(p.one("rdp_requested_protocols"), "3");
}

TEST(L7Rdp, BareRequests)
{
	std::string bare = l7::x224(l7::hex("e0 00 00 00 00 00"));

	EXPECT_EQ(l7::probe("rdp", bare, 0, MR_L7_TCP, 3389), MR_L7_YES);
	EXPECT_EQ(l7::probe("rdp", bare, 0, MR_L7_TCP, 9999), MR_L7_MAYBE);
	EXPECT_EQ(l7::probe("rdp", bare, 0, MR_L7_TCP, 102), MR_L7_NO);
	EXPECT_EQ(l7::probe("rdp", bare + l7::rdp_talk().messages[2].second, 0, MR_L7_TCP, 9999), MR_L7_YES);
}
