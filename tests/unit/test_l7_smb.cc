/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Smb, Smb2)
{
	l7::Talk talk = l7::smb_talk();
	Parse p("smb");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("smb_dialect"), "2.1");
	EXPECT_EQ(p.all("smb_command"),
		  (Strings{ "NEGOTIATE", "SESSION_SETUP", "TREE_CONNECT", "CREATE", "READ", "CLOSE" }));
	EXPECT_EQ(p.one("smb_share"), "\\\\server\\share");
	EXPECT_EQ(p.one("smb_file"), "docs\\plan.txt");
	EXPECT_EQ(p.all("smb_user"), (Strings{ "alice", "alice" }));
	EXPECT_EQ(p.all("smb_domain"), (Strings{ "EXAMPLE", "EXAMPLE" }));
	EXPECT_EQ(p.all("smb_host"), (Strings{ "DESKTOP-1", "DESKTOP-1" }));
	EXPECT_EQ(p.one("smb_login_status"), "0");
	l7::expect_robust(talk);
}

TEST(L7Smb, Dialects)
{
	static const std::pair<const char *, const char *> known[] = {
		{ "02 02", "2.0.2" }, { "10 02", "2.1" },   { "00 03", "3.0" },
		{ "02 03", "3.0.2" }, { "11 03", "3.1.1" },
	};

	for (const auto &[dialect, name] : known) {
		Parse p("smb");

		p.feed(1, l7::nbss(l7::smb2(0, true, l7::hex("41 00 00 00 ff 02") + l7::zeros(58))));
		p.feed(1, l7::nbss(l7::smb2(0, true,
					    l7::hex("41 00 00 00") + l7::hex(dialect) + l7::zeros(58))));
		EXPECT_EQ(p.one("smb_dialect"), name);
	}
}

TEST(L7Smb, ChainOfMessages)
{
	std::string create = l7::smb2(5, false,
				      l7::little(57, 2) + l7::zeros(42) + l7::little(120, 2) +
					      l7::little(2, 2) + l7::zeros(8) + l7::wide("f") + l7::zeros(6));
	std::string close = l7::smb2(6, false, l7::zeros(24));
	Parse p("smb");

	create.replace(20, 4, l7::little(create.size(), 4));
	p.feed(0, l7::nbss(create + close));
	EXPECT_EQ(p.all("smb_command"), (Strings{ "CREATE", "CLOSE" }));
	EXPECT_EQ(p.one("smb_file"), "f");
}

namespace
{

std::string smb1(unsigned command, bool response, const std::string &words, const std::string &data)
{
	return l7::hex("ff") + "SMB" + l7::big(command, 1) + l7::zeros(4) +
	       l7::big(response ? 0x98 : 0x18, 1) + l7::little(0x8000, 2) + l7::zeros(20) +
	       l7::big(words.size() / 2, 1) + words + l7::little(data.size(), 2) + data;
}

/* MS-CIFS section 4.2 */
l7::Talk smb1_talk()
{
	return { "smb",
		 MR_L7_TCP,
		 139,
		 {
			 { 0, l7::hex("81 00 00 44 20") + std::string(32, 'C') + l7::hex("00 20") +
				      std::string(32, 'D') + l7::zeros(1) },
			 { 1, l7::hex("82 00 00 00") },
			 { 0, l7::nbss(smb1(0x72, false, "",
					    l7::octets("\2PC NETWORK PROGRAM 1.0\0\2NT LM 0.12\0"))) },
			 { 1, l7::nbss(smb1(0x72, true, l7::hex("01 00") + l7::zeros(32), "")) },
			 { 0, l7::nbss(smb1(0x73, false,
					    l7::hex("75 00 7b 00") + l7::zeros(10) + l7::hex("01 00 02 00") +
						    l7::zeros(8),
					    l7::hex("aa bb bb") + l7::wide(std::string("bob\0DOM\0", 8)) +
						    l7::zeros(18)) +
				       l7::zeros(6)) },
			 { 1, l7::nbss(smb1(0x73, true, l7::hex("ff 00 00 00 00 00"), "")) },
			 { 0, l7::nbss(smb1(0x75, false, l7::hex("ff 00 00 00 00 00 01 00"),
					    l7::hex("00") + l7::wide(std::string("\\\\s\\ipc$\0", 9)) +
						    l7::octets("IPC\0"))) },
			 { 0, l7::nbss(smb1(0xa2, false, l7::hex("ff 00 00 00") + l7::zeros(44),
					    l7::zeros(1) + l7::wide(std::string("\\srvsvc\0", 8)))) },
			 { 0, l7::nbss(smb1(0x06, false, l7::hex("00 00"),
					    l7::hex("04") + l7::wide(std::string("\\a\0", 3)))) },
		 } };
}

} // namespace

TEST(L7Smb, Smb1)
{
	l7::Talk talk = smb1_talk();
	Parse p("smb");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("smb_dialect"), "NT LM 0.12");
	EXPECT_EQ(p.one("smb_user"), "bob");
	EXPECT_EQ(p.one("smb_domain"), "DOM");
	EXPECT_EQ(p.one("smb_share"), "\\\\s\\ipc$");
	EXPECT_EQ(p.all("smb_file"), (Strings{ "\\srvsvc", "\\a" }));
	EXPECT_EQ(p.one("smb_login_status"), "0");
	l7::expect_robust(talk);
}

/* A chain whose offset doesn't grow must not be followed for ever. */
TEST(L7Smb, ChainThatTurnsBack)
{
	Parse p("smb");

	p.feed(0, l7::nbss(smb1(0x75, false, l7::hex("75 00 20 00 00 00 01 00"), l7::zeros(8))));
	EXPECT_EQ(p.all("smb_command"), (Strings{ "TREE_CONNECT_ANDX" }));
}

TEST(L7Smb, EncryptedEndsIt)
{
	Parse p("smb");

	EXPECT_EQ(p.feed(0, l7::nbss(l7::hex("fd") + "SMB" + l7::zeros(60))), MR_L7_DONE);
}

TEST(L7Smb, GapInAMessage)
{
	Parse ends("smb"), goes_on("smb");
	std::string read = l7::nbss(l7::smb2(8, true, l7::zeros(9000))),
		    close = l7::nbss(l7::smb2(6, true, l7::zeros(60)));

	ends.feed(1, read.substr(0, 5000));
	EXPECT_EQ(ends.feed(1, std::string(100, 'x'), false, true), MR_L7_BROKEN);
	goes_on.feed(1, read.substr(0, 5000));
	EXPECT_EQ(goes_on.feed(1, close, false, true), MR_L7_MORE);
	EXPECT_EQ(goes_on.all("smb_command"), (Strings{ "READ", "CLOSE" }));
}

TEST(L7Smb, Utf16)
{
	/* a, e acute, the euro sign, U+1F600, half of a pair */
	std::string name = l7::hex("61 00 e9 00 ac 20 3d d8 00 de 3d d8");
	Parse p("smb");

	p.feed(0, l7::nbss(l7::smb2(3, false,
				    l7::little(9, 2) + l7::zeros(2) + l7::little(72, 2) +
					    l7::little(name.size(), 2) + name)));
	EXPECT_EQ(p.one("smb_share"), "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
}

TEST(L7Smb, LongNamesComeWhole)
{
	std::string name(1500, 'n');
	Parse p("smb");

	p.feed(0, l7::nbss(l7::smb2(3, false,
				    l7::little(9, 2) + l7::zeros(2) + l7::little(72, 2) +
					    l7::little(3000, 2) + l7::wide(name))));
	EXPECT_EQ(p.one("smb_share"), name);
}
