// SPDX-License-Identifier: Apache-2.0
#include <openssl/evp.h>

#include "../l7/hello.h"
#include "../l7/parse.h"

using namespace l7;

namespace
{

struct Lists {
	std::string kex, host_key, cipher_c, cipher_s, mac_c, mac_s, comp_c, comp_s;
};

std::string name_list(const std::string &s)
{
	return u32((uint32_t)s.size()) + s;
}

std::string packet(const std::string &payload)
{
	unsigned padding = 4 + (8 - (unsigned)(payload.size() + 9) % 8) % 8;

	return u32((uint32_t)payload.size() + 1 + padding) + u8(padding) + payload +
	       std::string(padding, '\0');
}

std::string kexinit(const Lists &l)
{
	return packet(u8(20) + std::string(16, 'c') + name_list(l.kex) + name_list(l.host_key) +
		      name_list(l.cipher_c) + name_list(l.cipher_s) + name_list(l.mac_c) +
		      name_list(l.mac_s) + name_list(l.comp_c) + name_list(l.comp_s) + name_list("") +
		      name_list("") + u8(0) + u32(0));
}

std::string md5(const std::string &s)
{
	unsigned char digest[16];
	std::string hex;
	char text[3];

	EVP_Digest(s.data(), s.size(), digest, nullptr, EVP_md5(), nullptr);
	for (unsigned char c : digest) {
		snprintf(text, sizeof(text), "%02x", c);
		hex += text;
	}
	return hex;
}

const Lists client_lists = {
	"curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256,ext-info-c",
	"ssh-ed25519,rsa-sha2-512,rsa-sha2-256",
	"aes128-ctr,aes256-ctr,aes256-gcm@openssh.com",
	"aes256-ctr",
	"umac-64@openssh.com,hmac-sha2-256,hmac-sha1",
	"hmac-sha1",
	"none,zlib@openssh.com",
	"none",
};
const Lists server_lists = {
	"diffie-hellman-group14-sha256,ecdh-sha2-nistp256",
	"rsa-sha2-256,rsa-sha2-512",
	"aes256-gcm@openssh.com,aes256-ctr",
	"aes256-ctr,aes128-ctr",
	"hmac-sha1,hmac-sha2-256",
	"hmac-sha2-512",
	"none",
	"zlib",
};
const std::string client_line = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2\r\n",
		  server_line = "SSH-2.0-dropbear_2022.83\n";

void expect_exchange(const Parse &p)
{
	EXPECT_EQ(p.one("ssh_client"), "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u2");
	EXPECT_EQ(p.one("ssh_client_version"), "2.0");
	EXPECT_EQ(p.one("ssh_client_software"), "OpenSSH_9.2p1");
	EXPECT_EQ(p.one("ssh_server"), "SSH-2.0-dropbear_2022.83");
	EXPECT_EQ(p.one("ssh_server_software"), "dropbear_2022.83");
	EXPECT_EQ(p.one("ssh_hassh_string"), client_lists.kex + ";" + client_lists.cipher_c + ";" +
						     client_lists.mac_c + ";" + client_lists.comp_c);
	EXPECT_EQ(p.one("ssh_hassh"), md5(p.one("ssh_hassh_string")));
	EXPECT_EQ(p.one("ssh_hassh_server_string"), server_lists.kex + ";" + server_lists.cipher_s + ";" +
							    server_lists.mac_s + ";" + server_lists.comp_s);
	EXPECT_EQ(p.one("ssh_hassh_server"), md5(p.one("ssh_hassh_server_string")));
	EXPECT_EQ(p.one("ssh_kex"), "ecdh-sha2-nistp256");
	EXPECT_EQ(p.one("ssh_host_key"), "rsa-sha2-512");
	EXPECT_EQ(p.one("ssh_cipher"), "aes256-ctr");
	EXPECT_EQ(p.one("ssh_mac"), "hmac-sha2-256");
	EXPECT_EQ(p.one("ssh_compression"), "none");
}

TEST(L7Ssh, Exchange)
{
	for (bool client_first : { true, false }) { /* what is chosen doesn't depend on who speaks first */
		Parse p("ssh");
		std::string c = client_line + kexinit(client_lists), s = server_line + kexinit(server_lists);

		EXPECT_EQ(p.feed(client_first ? 0 : 1, client_first ? c : s), MR_L7_MORE);
		EXPECT_EQ(p.feed(client_first ? 1 : 0, client_first ? s : c), MR_L7_DONE);
		expect_exchange(p);
	}
}

TEST(L7Ssh, AnySegmentation)
{
	std::mt19937 rng(17);

	for (size_t max : { 1, 2, 7, 100, 600 }) {
		Parse p("ssh");

		p.feed_in_pieces(1, server_line, rng, max);
		p.feed_in_pieces(0, client_line + kexinit(client_lists), rng, max);
		EXPECT_EQ(p.feed_in_pieces(1, kexinit(server_lists) + "encrypted", rng, max), MR_L7_DONE);
		expect_exchange(p);
	}
}

/* RFC 4253 section 4.2: lines before the identification; section 11: messages that may come at any time. */
TEST(L7Ssh, LinesAndMessagesBetween)
{
	Parse p("ssh");

	EXPECT_EQ(p.feed(1, "Welcome\r\nto nowhere\r\n" + server_line + packet(u8(2) + name_list("ignored")) +
				    kexinit(server_lists)),
		  MR_L7_MORE);
	EXPECT_EQ(p.feed(0, client_line + kexinit(client_lists)), MR_L7_DONE);
	expect_exchange(p);
}

/* A cipher that authenticates by itself has no MAC beside it. */
TEST(L7Ssh, Aead)
{
	Lists both = client_lists;
	Parse p("ssh");

	both.cipher_c = "chacha20-poly1305@openssh.com";
	p.feed(0, client_line + kexinit(both));
	EXPECT_EQ(p.feed(1, server_line + kexinit(both)), MR_L7_DONE);
	EXPECT_EQ(p.one("ssh_cipher"), "chacha20-poly1305@openssh.com");
	EXPECT_TRUE(p.all("ssh_mac").empty());
}

TEST(L7Ssh, NothingInCommon)
{
	Lists other = server_lists;
	Parse p("ssh");

	other.kex = "sntrup761x25519-sha512@openssh.com";
	p.feed(0, client_line + kexinit(client_lists));
	EXPECT_EQ(p.feed(1, server_line + kexinit(other)), MR_L7_DONE);
	EXPECT_TRUE(p.all("ssh_kex").empty());
	EXPECT_EQ(p.one("ssh_cipher"), "aes256-ctr");
}

TEST(L7Ssh, Version1)
{
	Parse p("ssh");

	EXPECT_EQ(p.feed(1, "SSH-1.5-1.2.27\n"), MR_L7_MORE);
	EXPECT_EQ(p.feed(0, "SSH-1.5-PuTTY_Release_0.60\n"), MR_L7_DONE);
	EXPECT_EQ(p.one("ssh_server_version"), "1.5");
	EXPECT_EQ(p.one("ssh_server_software"), "1.2.27");
}

TEST(L7Ssh, Probe)
{
	EXPECT_EQ(probe("ssh", "SSH-2.0-x"), MR_L7_YES);
	EXPECT_EQ(probe("ssh", "SSH-1.99-x"), MR_L7_YES);
	EXPECT_EQ(probe("ssh", "SS"), MR_L7_MAYBE);
	EXPECT_EQ(probe("ssh", ""), MR_L7_MAYBE);
	EXPECT_EQ(probe("ssh", "SSH-x.y"), MR_L7_NO);
	EXPECT_EQ(probe("ssh", "HTTP/1.1 200"), MR_L7_NO);
}

TEST(L7Ssh, Malformed)
{
	const std::string good = kexinit(client_lists);
	const std::string bad[] = {
		std::string(2000, 'x'),					/* no line */
		client_line + u32(0xffffffff) + "xxxxxxxxxxx",		/* a packet of 4 GB */
		client_line + u32(12) + u8(200) + std::string(20, 'x'), /* padding beyond the packet */
		client_line + packet(u8(20) + std::string(16, 'c') + u32(0xfffffff0) + "kex"),
		client_line + packet(u8(99) + "what is this"),
	};

	for (const std::string &s : bad) {
		Parse p("ssh");
		EXPECT_EQ(p.feed(0, s), MR_L7_BROKEN);
	}
	for (size_t cut = 0; cut < good.size(); cut++) {
		Parse p("ssh");
		std::string s = good.substr(5, cut);

		p.feed(0, client_line + packet(s + std::string(12, 'x')));
		p.feed(1, server_line + good);
	}
	std::string lines;
	Parse p("ssh");
	for (int i = 0; i < 100; i++)
		lines += "line\n";
	EXPECT_EQ(p.feed(1, lines), MR_L7_BROKEN);
}

/* Lists of hostile length: fingerprint and choice are left out, nothing else happens. */
TEST(L7Ssh, ManyNames)
{
	Lists many = client_lists;
	Parse p("ssh");

	for (int i = 0; i < 1500; i++)
		many.kex += ",k" + std::to_string(i);
	EXPECT_EQ(p.feed(0, client_line + kexinit(many)), MR_L7_MORE);
	EXPECT_TRUE(p.all("ssh_hassh").empty());
	EXPECT_EQ(p.feed(1, server_line + kexinit(server_lists)), MR_L7_DONE);
	EXPECT_TRUE(p.all("ssh_kex").empty());
	EXPECT_EQ(p.one("ssh_hassh_server").size(), 32u);
}

/* Where a packet begins isn't known behind a gap. */
TEST(L7Ssh, Gap)
{
	Parse p("ssh");

	EXPECT_EQ(p.feed(0, client_line + kexinit(client_lists)), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, server_line), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, "something", false, true), MR_L7_DONE);
}

} // namespace
