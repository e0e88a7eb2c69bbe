/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::ber;
using l7::hex;
using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Snmp, Version2c)
{
	l7::Talk talk = l7::snmp_talk();
	Parse p("snmp", MR_L7_UDP);

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("snmp_version"), "2c");
	EXPECT_EQ(p.all("snmp_community"), (Strings{ "public", "public", "public" }));
	EXPECT_EQ(p.all("snmp_pdu_type"), (Strings{ "get-request", "response", "get-bulk-request" }));
	EXPECT_EQ(p.all("snmp_oid"),
		  (Strings{ "1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.1.0", "1.3.6.1.4.1.311.1" }));
	EXPECT_EQ(p.transactions, 1u);
	l7::expect_robust(talk);
}

/* RFC 1157 section 4.1.6 */
TEST(L7Snmp, Version1Trap)
{
	Parse p("snmp", MR_L7_UDP);
	std::string trap = ber(6, hex("2b 06 01 04 01 09")) + ber(0x40, hex("c0 00 02 01")) +
			   ber(2, hex("06")) + ber(2, hex("00")) + ber(0x43, hex("00")) + ber(0x30, "");

	p.feed(0, ber(0x30, ber(2, hex("00")) + ber(4, "private") + ber(0xa4, trap)));
	EXPECT_EQ(p.one("snmp_version"), "1");
	EXPECT_EQ(p.one("snmp_community"), "private");
	EXPECT_EQ(p.one("snmp_pdu_type"), "trap");
	EXPECT_EQ(p.one("snmp_oid"), "1.3.6.1.4.1.9");
}

namespace
{

/* RFC 3412 section 6, RFC 3414 section 2.4 */
std::string version3(const std::string &flags, const std::string &scoped)
{
	std::string usm = ber(0x30, ber(4, "engine") + ber(2, hex("01")) + ber(2, hex("02")) +
					    ber(4, "admin") + ber(4, std::string(12, 'd')) + ber(4, "salt"));

	return ber(0x30, ber(2, hex("03")) +
				 ber(0x30, ber(2, hex("11 22")) + ber(2, hex("00 ff e3")) + ber(4, flags) +
						   ber(2, hex("03"))) +
				 ber(4, usm) + scoped);
}

} // namespace

TEST(L7Snmp, Version3)
{
	Parse open("snmp", MR_L7_UDP), closed("snmp", MR_L7_UDP);

	open.feed(0, version3(hex("05"),
			      ber(0x30, ber(4, "engine") + ber(4, "") + l7::snmp_pdu(0xa1, hex("2b 06")))));
	EXPECT_EQ(open.one("snmp_version"), "3");
	EXPECT_EQ(open.one("snmp_user"), "admin");
	EXPECT_EQ(open.one("snmp_pdu_type"), "get-next-request");
	EXPECT_EQ(open.one("snmp_oid"), "1.3.6");
	closed.feed(0, version3(hex("07"), ber(4, std::string(40, 'c'))));
	EXPECT_EQ(closed.one("snmp_pdu_type"), "encrypted");
	EXPECT_EQ(closed.one("snmp_user"), "admin");
}

TEST(L7Snmp, ObjectIdentifiers)
{
	auto first = [](const std::string &oid) {
		Parse p("snmp", MR_L7_UDP);

		p.feed(0, ber(0x30, ber(2, hex("01")) + ber(4, "c") + l7::snmp_pdu(0xa0, oid)));
		return p.all("snmp_oid");
	};

	EXPECT_EQ(first(hex("00")), (Strings{ "0.0" }));
	EXPECT_EQ(first(hex("88 37 03")), (Strings{ "2.999.3" })); /* X.690 section 8.19.5 */
	EXPECT_EQ(first(hex("2b 8f ff ff ff 7f")), (Strings{ "1.3.4294967295" }));
	EXPECT_EQ(first(""), Strings{});
	EXPECT_EQ(first(std::string(1500, '\1')), Strings{}); /* too long to be meant */
}

TEST(L7Snmp, Malformed)
{
	std::string good = l7::snmp_talk().messages[0].second;

	for (size_t len = 0; len < good.size(); len++)
		EXPECT_EQ(l7::probe("snmp", good.substr(0, len), 0, MR_L7_UDP, 161), MR_L7_NO);
	EXPECT_EQ(l7::probe("snmp", hex("30 80 02 01 01"), 0, MR_L7_UDP, 161), MR_L7_NO);
	EXPECT_EQ(l7::probe("snmp", hex("30 84 ff ff ff ff 02 01 01"), 0, MR_L7_UDP, 161), MR_L7_NO);
	EXPECT_EQ(l7::probe("snmp", ber(0x30, ber(2, hex("02")) + ber(4, "c")), 0, MR_L7_UDP, 161), MR_L7_NO);
}

TEST(L7Snmp, PollersAreBounded)
{
	Parse p("snmp", MR_L7_UDP);

	for (int i = 0; i < 100; i++)
		p.feed(0, l7::snmp_talk().messages[0].second);
	EXPECT_EQ(p.all("snmp_community").size(), 64u);
	EXPECT_EQ(p.feed(0, ""), MR_L7_DONE);
}
