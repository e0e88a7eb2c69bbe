/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Dhcp, Lease)
{
	l7::Talk talk = l7::dhcp_talk();
	Parse p("dhcp", MR_L7_UDP);

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.all("dhcp_message_type"), (Strings{ "DISCOVER", "OFFER", "REQUEST", "ACK" }));
	EXPECT_EQ(p.one("dhcp_hostname"), "pc1");
	EXPECT_EQ(p.one("dhcp_vendor_class"), "MSFT 5.0");
	EXPECT_EQ(p.one("dhcp_client_mac"), "00:0c:29:ab:cd:ef");
	EXPECT_EQ(p.all("dhcp_requested_address"), (Strings{ "192.0.2.7", "192.0.2.9" }));
	EXPECT_EQ(p.one("dhcp_assigned_address"), "192.0.2.9");
	EXPECT_EQ(p.one("dhcp_server_id"), "192.0.2.1");
	EXPECT_EQ(p.one("dhcp_parameters"), "\1\3\6");
	EXPECT_EQ(p.one("dhcp_fqdn"), "pc1.");
	EXPECT_EQ(p.transactions, 1u);
	l7::expect_robust(talk);
}

/* A relay's flow: each client is told, by its transaction. */
TEST(L7Dhcp, ManyClients)
{
	Parse p("dhcp", MR_L7_UDP);
	std::string request = l7::bootp(1, l7::zeros(4), l7::hex("35 01 03 0c 02") + "c1");

	p.feed(0, request);
	request[7]++;
	request[request.size() - 2] = '2';
	p.feed(0, request);
	EXPECT_EQ(p.all("dhcp_hostname"), (Strings{ "c1", "c2" }));
}

TEST(L7Dhcp, NameInLabels)
{
	Parse p("dhcp", MR_L7_UDP);

	p.feed(0, l7::bootp(1, l7::zeros(4),
			    l7::hex("35 01 03 51 11 05 00 00 03") + "pc1" + l7::hex("07") + "example" +
				    l7::hex("00 00")));
	EXPECT_EQ(p.one("dhcp_fqdn"), "pc1.example");
}

TEST(L7Dhcp, OddOptions)
{
	Parse p("dhcp", MR_L7_UDP);

	p.feed(0, l7::bootp(1, l7::zeros(4),
			    l7::hex("00 00 32 03 01 02 03 0c 00 0c 02") + l7::octets("a\0") +
				    l7::hex("35 01 63 3c c8 41")));
	EXPECT_EQ(p.one("dhcp_hostname"), "a");
	EXPECT_EQ(p.one("dhcp_message_type"), "unknown");
	EXPECT_TRUE(p.all("dhcp_requested_address").empty());
	EXPECT_TRUE(p.all("dhcp_vendor_class").empty());
}

TEST(L7Dhcpv6, Lease)
{
	l7::Talk talk = l7::dhcpv6_talk();
	Parse p("dhcpv6", MR_L7_UDP);

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.all("dhcpv6_message_type"), (Strings{ "SOLICIT", "ADVERTISE", "REPLY" }));
	EXPECT_EQ(p.one("dhcpv6_client_id"), l7::hex("00 01 00 01 2c e8 a1 b2 00 0c 29 ab cd ef"));
	EXPECT_EQ(p.one("dhcpv6_vendor_class"), "MSFT 5.0");
	EXPECT_EQ(p.one("dhcpv6_fqdn"), "pc1.example");
	EXPECT_EQ(p.one("dhcpv6_address"), "2001:db8::7");
	EXPECT_EQ(p.transactions, 1u);
	l7::expect_robust(talk);
}

TEST(L7Dhcpv6, InRelays)
{
	std::string message = l7::dhcpv6_talk().messages[0].second;
	Parse p("dhcpv6", MR_L7_UDP), too_deep("dhcpv6", MR_L7_UDP);

	for (int i = 0; i < 2; i++)
		message =
			l7::hex("0c 00") + l7::zeros(32) + l7::option6(18, "port") + l7::option6(9, message);
	EXPECT_EQ(l7::probe("dhcpv6", message, 0, MR_L7_UDP, 9999), MR_L7_YES);
	p.feed(0, message);
	EXPECT_EQ(p.one("dhcpv6_message_type"), "SOLICIT");
	for (int i = 0; i < 20; i++)
		message = l7::hex("0c 00") + l7::zeros(32) + l7::option6(9, message);
	EXPECT_EQ(l7::probe("dhcpv6", message, 0, MR_L7_UDP, 547), MR_L7_NO);
}
