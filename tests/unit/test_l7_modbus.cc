/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::hex;
using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Modbus, Requests)
{
	l7::Talk talk = l7::modbus_talk();
	Parse p("modbus");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.all("modbus_unit"), (Strings{ "17", "17", "18" }));
	EXPECT_EQ(p.all("modbus_function"), (Strings{ "3", "16", "5" }));
	EXPECT_EQ(p.all("modbus_address"), (Strings{ "107", "1", "172" }));
	EXPECT_EQ(p.all("modbus_quantity"), (Strings{ "3", "1", "1" }));
	EXPECT_EQ(p.one("modbus_exception"), "2");
	EXPECT_EQ(p.transactions, 4u);
	l7::expect_robust(talk);
}

/* A capture that starts in the middle takes the server for the initiator. */
TEST(L7Modbus, SeenTheOtherWayRound)
{
	Parse p("modbus");

	p.port[0] = 502;
	p.port[1] = 40000;
	p.feed(0, hex("00 01 00 00 00 03 11 90 02"));
	p.feed(1, hex("00 02 00 00 00 06 11 06 00 01 00 03"));
	EXPECT_EQ(p.one("modbus_exception"), "2");
	EXPECT_EQ(p.one("modbus_function"), "6");
}

TEST(L7Modbus, KindsAreBounded)
{
	Parse p("modbus");

	for (unsigned unit = 0; unit < 256; unit++)
		p.feed(0, hex("00 01 00 00 00 06") + l7::big(unit, 1) + hex("03 00 00 00 01"));
	EXPECT_EQ(p.all("modbus_unit").size(), 64u);
}

TEST(L7Modbus, Malformed)
{
	Parse short_one("modbus"), other("modbus");

	EXPECT_EQ(short_one.feed(0, hex("00 01 00 00 00 01 11")), MR_L7_BROKEN);
	EXPECT_EQ(other.feed(0, hex("00 01 00 07 00 06 11 03 00 00 00 01")), MR_L7_BROKEN);
	EXPECT_EQ(l7::probe("modbus", hex("00 01 00 00 00 06 11 03 00 00 00 01 ff"), 0), MR_L7_YES);
	EXPECT_EQ(l7::probe("modbus", hex("00 01 00 00 00 06 11 03 00 00 00 01 00 02 ff ff 00 06"), 0),
		  MR_L7_NO);
	EXPECT_EQ(l7::probe("modbus", hex("00 01 00 00 00 07 11 03 00 00 00 01 02"), 0), MR_L7_NO);
	EXPECT_EQ(l7::probe("modbus", hex("00 01 00 00 00 06 11 63 00 00 00 01"), 0), MR_L7_NO);
}
