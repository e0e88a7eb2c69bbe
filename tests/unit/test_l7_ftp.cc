/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Ftp, LoginAndFiles)
{
	l7::Talk talk = l7::ftp_talk();
	Parse p("ftp");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("ftp_banner"), "Welcome to");
	EXPECT_EQ(p.one("ftp_user"), "anonymous");
	EXPECT_EQ(p.all("ftp_command"), (Strings{ "USER", "PASS", "TYPE", "PASV", "RETR", "STOR", "QUIT" }));
	EXPECT_EQ(p.all("ftp_command_data"), (Strings{ "anonymous", "I", "pub/read me.txt", "up.bin" }));
	EXPECT_EQ(p.all("ftp_file"), (Strings{ "pub/read me.txt", "up.bin" }));
	EXPECT_EQ(p.all("ftp_reply_code"), (Strings{ "331", "230" }));
	l7::expect_robust(talk);
}

TEST(L7Ftp, PasswordsAreNotShown)
{
	for (const l7::Found &f : l7::found_in(l7::ftp_talk()))
		EXPECT_EQ(f.value.find("secret"), std::string::npos) << f;
}

TEST(L7Ftp, AuthTlsHandsOver)
{
	Parse p("ftp");

	p.feed(1, "220 ready\r\n");
	p.feed(0, "AUTH TLS\r\n");
	EXPECT_EQ(p.feed(1, "234 Proceed with negotiation.\r\n"), MR_L7_NEXT);
	EXPECT_EQ(p.one("ftp_auth_tls"), "1");
	EXPECT_EQ(p.one("ftp_reply_code"), "234");
}

TEST(L7Ftp, InterruptBeforeAbort)
{
	Parse p("ftp");

	p.feed(0, "\xff\xf4\xff\xf2"
		  "ABOR\r\n");
	EXPECT_EQ(p.one("ftp_command"), "ABOR");
}

TEST(L7Ftp, NoiseAndFloodsAreBounded)
{
	Parse noise("ftp"), flood("ftp");

	for (int i = 0; i < 100; i++) {
		noise.feed(0, "12345678\r\n");
		for (int k = 0; k < 10; k++)
			flood.feed(0, "NOOP\r\n");
	}
	EXPECT_EQ(noise.feed(0, ""), MR_L7_BROKEN);
	EXPECT_EQ(flood.feed(0, ""), MR_L7_DONE);
	EXPECT_EQ(flood.all("ftp_command").size(), 128u);
}

TEST(L7Ftp, GreetingsOfOthers)
{
	EXPECT_EQ(l7::probe("ftp", "220 ready\r\n", 1, MR_L7_TCP, 21), MR_L7_YES);
	EXPECT_EQ(l7::probe("ftp", "220 ready\r\n", 1, MR_L7_TCP, 9999), MR_L7_MAYBE);
	EXPECT_EQ(l7::probe("ftp", "220 mail ESMTP\r\n", 1, MR_L7_TCP, 21), MR_L7_NO);
	EXPECT_EQ(l7::probe("ftp", "220 ready\r\n331 password\r\n", 1, MR_L7_TCP, 9999), MR_L7_YES);
	EXPECT_EQ(l7::probe("ftp", "USER bob\r\n", 0, MR_L7_TCP, 110), MR_L7_MAYBE);
}
