// SPDX-License-Identifier: Apache-2.0
#include "../l7/parse.h"
#include "../l7/quic_packet.h"

extern "C" {
#include "l7/mr_l7_quic_frames.h"
#include "l7/mr_l7_quic_keys.h"
}

using namespace l7;

namespace
{

std::string hex(const void *data, size_t len)
{
	const uint8_t *p = (const uint8_t *)data;
	std::string s;
	char text[3];

	for (size_t i = 0; i < len; i++) {
		snprintf(text, sizeof(text), "%02x", p[i]);
		s += text;
	}
	return s;
}

const std::string rfc_id = unhex("8394c8f03e515708");

/* RFC 9001 appendix A.2: the CRYPTO frame of the client's Initial. */
const std::string rfc_frame = unhex(
	"060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e"
	"00000b6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d"
	"00209370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e0403050306030203080408050"
	"806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f03e51"
	"570806048000ffff");

/* RFC 9001 appendix A.3: the server's Initial, protected. */
const std::string rfc_server = unhex(
	"cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2"
	"493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbd"
	"ca3d20398c276456cbc42158407dd074ee");

/* RFC 9001 appendix A.4. */
const std::string rfc_retry =
	unhex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");

TEST(L7QuicKeys, Rfc9001AppendixA1)
{
	mr_l7_quic_keys k;

	ASSERT_TRUE(mr_l7_quic_derive(MR_L7_QUIC_V1, false, (const uint8_t *)rfc_id.data(), 8, &k));
	EXPECT_EQ(hex(k.key, 16), "1f369613dd76d5467730efcbe3b1a22d");
	EXPECT_EQ(hex(k.iv, 12), "fa044b2f42a3fd3b46fb255c");
	EXPECT_EQ(hex(k.hp, 16), "9f50449e04a0e810283a1e9933adedd2");
	ASSERT_TRUE(mr_l7_quic_derive(MR_L7_QUIC_V1, true, (const uint8_t *)rfc_id.data(), 8, &k));
	EXPECT_EQ(hex(k.key, 16), "cf3a5331653c364c88f0f379b6067e37");
	EXPECT_EQ(hex(k.iv, 12), "0ac1493ca1905853b0bba03e");
	EXPECT_EQ(hex(k.hp, 16), "c206b8d9b9f0f37644430b490eeaa314");
}

TEST(L7QuicKeys, Rfc9369AppendixA1)
{
	mr_l7_quic_keys k;

	ASSERT_TRUE(mr_l7_quic_derive(MR_L7_QUIC_V2, false, (const uint8_t *)rfc_id.data(), 8, &k));
	EXPECT_EQ(hex(k.key, 16), "8b1a0bc121284290a29e0971b5cd045d");
	EXPECT_EQ(hex(k.iv, 12), "91f73e2351d8fa91660e909f");
	EXPECT_EQ(hex(k.hp, 16), "45b95e15235d6f45a6b19cbcb0294ba9");
	ASSERT_TRUE(mr_l7_quic_derive(MR_L7_QUIC_V2, true, (const uint8_t *)rfc_id.data(), 8, &k));
	EXPECT_EQ(hex(k.key, 16), "82db637861d55e1d011f19ea71d5d2a7");
	EXPECT_EQ(hex(k.iv, 12), "dd13c276499c0249d3310652");
	EXPECT_EQ(hex(k.hp, 16), "edf6d05c83121201b436e16877593c3a");
}

/* RFC 9001 appendix A.2 and A.3 */
TEST(L7Quic, Rfc9001Handshake)
{
	QuicPacket client;
	client.number = 2;
	std::string packet = client.initial(rfc_frame);
	Parse p("quic", MR_L7_UDP);

	/* the first octets of the RFC's packet: whoever made it is right */
	ASSERT_EQ(hex(packet.data(), 64),
		  "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936"
		  "b47d92ec356c0bab7df5976d27cd449f63300099f399");
	EXPECT_EQ(probe("quic", packet, 0, MR_L7_UDP), MR_L7_YES);
	EXPECT_EQ(p.feed(0, packet), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, rfc_server), MR_L7_DONE);
	EXPECT_EQ(p.one("quic_version"), "1");
	EXPECT_EQ(p.one("quic_dcid_octets"), "8");
	EXPECT_EQ(p.one("quic_scid_octets"), "0");
	EXPECT_EQ(p.one("tls_sni"), "example.com");
	EXPECT_EQ(p.one("tls_alpn_offered"), "alpn");
	EXPECT_EQ(p.one("tls_version"), "TLS 1.3");
	EXPECT_EQ(p.one("tls_cipher"), "4865");
	EXPECT_EQ(p.one("tls_ja3s_string"), "771,4865,51-43");
	EXPECT_EQ(p.one("tls_ja4").substr(0, 10), "q13d0211an");
}

/* A hello of @p size octets or more, with the user agent of Google's transport parameters. */
std::string long_hello(size_t size)
{
	std::string agent = "Chrome/120 Linux";
	std::string parameters = u8(0x01) + vec8(varint(300)) + varint(0x3129) + vec8(agent);

	return client_hello(0x0303, { 0x1301, 0x1302, 0x1303 },
			    sni_extension("quic.example.org") + alpn_extension({ "h3" }) +
				    extension(43, vec8(u16(0x0304))) + extension(57, parameters) +
				    extension(51, std::string(size, 'k')));
}

std::string answer_hello()
{
	return server_hello(0x0303, 0x1301, extension(43, u16(0x0304)));
}

void expect_hello(const Parse &p)
{
	EXPECT_EQ(p.one("tls_sni"), "quic.example.org");
	EXPECT_EQ(p.one("tls_alpn_offered"), "h3");
	EXPECT_EQ(p.one("quic_user_agent"), "Chrome/120 Linux");
	EXPECT_EQ(p.one("tls_ja4").substr(0, 10), "q13d0305h3");
}

/* The message cut at random places, in random order, spread over packets, with octets sent twice. */
TEST(L7Quic, PiecesInAnyOrder)
{
	std::mt19937 rng(99);

	for (uint32_t version : { quic_v1, quic_v2 }) {
		for (int round = 0; round < 200; round++) {
			std::string hello = long_hello(rng() % 3000);
			std::vector<std::string> frames;
			QuicPacket client;
			Parse p("quic", MR_L7_UDP);
			std::string payload;
			size_t n;

			client.version = version;
			for (size_t at = 0; at < hello.size(); at += n) {
				n = std::min(hello.size() - at, 1 + hello.size() / 12 + rng() % 600);
				frames.push_back(
					crypto_frame(at, hello.substr(at, n + (rng() % 4 == 0 ? 5 : 0))));
			}
			std::shuffle(frames.begin(), frames.end(), rng);
			for (const std::string &f : frames) {
				if (payload.size() + f.size() > 1162) {
					EXPECT_EQ(p.feed(0, client.initial(payload)), MR_L7_MORE);
					client.number++;
					payload.clear();
				}
				payload += f + (rng() % 2 ? u8(1) : "") + std::string(rng() % 4, '\0');
			}
			EXPECT_EQ(p.feed(0, client.initial(payload)), MR_L7_MORE);
			expect_hello(p);
		}
	}
}

/* Several packets in one datagram, one of them of another kind, and a short one behind. */
TEST(L7Quic, CoalescedPackets)
{
	std::string hello = long_hello(1500);
	QuicPacket client, server;
	Parse p("quic", MR_L7_UDP);

	server.server = true;
	server.dcid = "";
	server.scid = "server";
	std::string a = client.initial(crypto_frame(700, hello.substr(700)), 0);
	client.number = 1;
	std::string b = client.initial(crypto_frame(0, hello.substr(0, 700)), 0);
	std::string zero_rtt =
		u8(0xd3) + u32(quic_v1) + vec8(rfc_id) + vec8("") + varint(40) + std::string(40, 'z');
	std::string handshake =
		u8(0xe3) + u32(quic_v1) + vec8("") + vec8("server") + varint(30) + std::string(30, 'h');
	std::string ack = u8(2) + u8(0) + u8(0) + u8(0) + u8(0);

	EXPECT_EQ(p.feed(0, a + zero_rtt + b + "\x40 short"), MR_L7_MORE);
	expect_hello(p);
	EXPECT_EQ(p.feed(1, server.initial(ack) + handshake), MR_L7_MORE);
	server.number = 1;
	EXPECT_EQ(p.feed(1, handshake + server.initial(ack + crypto_frame(0, answer_hello()), 0)),
		  MR_L7_DONE);
	EXPECT_EQ(p.one("tls_cipher"), "4865");
}

/* RFC 9369 section 4: the client begins with version 1, the server goes on with version 2. */
TEST(L7Quic, CompatibleVersionNegotiation)
{
	QuicPacket client, server;
	Parse p("quic", MR_L7_UDP);

	server.server = true;
	server.version = quic_v2;
	EXPECT_EQ(p.feed(0, client.initial(crypto_frame(0, long_hello(100)))), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, server.initial(crypto_frame(0, answer_hello()))), MR_L7_DONE);
	EXPECT_EQ(p.one("quic_version"), "1");
	EXPECT_EQ(p.one("tls_version"), "TLS 1.3");
}

/* After a Retry the keys come from the connection id that it gave. */
TEST(L7Quic, Retry)
{
	for (bool seen : { true, false }) {
		QuicPacket first, second, server;
		std::string hello = long_hello(1500);
		Parse p("quic", MR_L7_UDP);

		second.dcid = second.key_id = server.key_id = unhex("f067a5502a4262b5");
		second.token = "token";
		server.server = true;
		EXPECT_EQ(p.feed(0, first.initial(crypto_frame(0, hello.substr(0, 800)))), MR_L7_MORE);
		if (seen) {
			EXPECT_EQ(p.feed(1, rfc_retry), MR_L7_MORE);
			EXPECT_EQ(p.one("quic_retry"), "1");
		}
		EXPECT_EQ(p.feed(0, second.initial(crypto_frame(0, hello.substr(0, 800)))), MR_L7_MORE);
		EXPECT_EQ(p.feed(0, second.initial(crypto_frame(800, hello.substr(800)))), MR_L7_MORE);
		expect_hello(p);
		EXPECT_EQ(p.feed(1, server.initial(crypto_frame(0, answer_hello()))), MR_L7_DONE);
	}
}

TEST(L7Quic, VersionNegotiation)
{
	QuicPacket client;
	std::string offer = u8(0x80) + u32(0) + vec8("") + vec8(rfc_id) + u32(0x1a2a3a4a) + u32(quic_v1);
	Parse p("quic", MR_L7_UDP);

	client.version = 0x0a0a0a0a;
	std::string unknown = client.initial(crypto_frame(0, "?"));
	EXPECT_EQ(probe("quic", unknown, 0, MR_L7_UDP), MR_L7_YES);
	EXPECT_EQ(probe("quic", offer, 1, MR_L7_UDP), MR_L7_YES);
	EXPECT_EQ(p.feed(0, unknown), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, offer), MR_L7_MORE);
	client.version = quic_v1;
	EXPECT_EQ(p.feed(0, client.initial(crypto_frame(0, long_hello(10)))), MR_L7_MORE);
	EXPECT_EQ(p.all("quic_version"), (std::vector<std::string>{ std::to_string(0x0a0a0a0a), "1" }));
	EXPECT_EQ(p.all("quic_offered_version"),
		  (std::vector<std::string>{ std::to_string(0x1a2a3a4a), "1" }));
	expect_hello(p);
}

/* Google's versions are recognised only. */
TEST(L7Quic, GoogleVersions)
{
	std::string q043 = u8(0x09) + "12345678Q043" + u8(1) + "CHLO",
		    q046 = u8(0xc3) + "Q046" + u8(0x50) + "12345678";

	for (const std::string &packet : { q043, q046 }) {
		Parse p("quic", MR_L7_UDP);

		EXPECT_EQ(probe("quic", packet, 0, MR_L7_UDP), MR_L7_YES);
		EXPECT_EQ(p.feed(0, packet), MR_L7_DONE);
		EXPECT_EQ(p.one("quic_version"), std::to_string(packet == q043 ? 0x51303433 : 0x51303436));
	}
	EXPECT_EQ(probe("quic", u8(0x09) + "12345678ABCD....", 0, MR_L7_UDP), MR_L7_NO);
}

TEST(L7Quic, NotQuic)
{
	std::string dns = unhex("8000818000010001000000000377777706676f6f676c6503636f6d0000010001");

	for (const std::string &s : { dns, std::string("\x80"), std::string("hello"),
				      u8(0xc0) + u32(5) + vec8("") + vec8("") + "x" })
		EXPECT_EQ(probe("quic", s, 0, MR_L7_UDP), MR_L7_NO);
}

/* Neither a forged packet nor one with another key is taken, and they aren't tried for ever. */
TEST(L7Quic, Forged)
{
	QuicPacket client;
	std::string packet = client.initial(crypto_frame(0, long_hello(10)));
	Parse p("quic", MR_L7_UDP), good("quic", MR_L7_UDP);
	int tries = 1;

	packet.back() = (char)(packet.back() ^ 1);
	while (p.feed(0, packet) == MR_L7_MORE && tries < 100)
		tries++;
	EXPECT_EQ(tries, 8);
	EXPECT_TRUE(p.all("tls_sni").empty());
	EXPECT_EQ(good.feed(0, packet), MR_L7_MORE);
	packet.back() = (char)(packet.back() ^ 1);
	good.feed(0, packet);
	expect_hello(good);
}

TEST(L7Quic, HostileFrames)
{
	const std::string bad[] = {
		u8(6) + u32(0xbfffffff) + varint(4) + "abcd",	 /* offset beyond any hello */
		u8(6) + varint(0) + varint(16000) + "abcd",	 /* longer than the packet */
		crypto_frame(0, u8(1) + u24(0xffffff)),		 /* a hello of 16 MB */
		crypto_frame(0, "GET / HTTP/1.1"),		 /* no hello */
		u8(2) + u8(0) + u8(0) + u32(0xbfffffff) + u8(0), /* 2^30 ranges */
		u8(0x30) + "DATAGRAM",
	};

	for (const std::string &payload : bad) {
		Parse p("quic", MR_L7_UDP);

		EXPECT_EQ(p.feed(0, QuicPacket().initial(payload)), MR_L7_BROKEN)
			<< hex(payload.data(), payload.size());
	}

	/* every other octet: more pieces than are kept */
	std::string hello = long_hello(500), payload;
	Parse many("quic", MR_L7_UDP);
	for (size_t at = 0; at < 100; at += 2)
		payload += crypto_frame(at, hello.substr(at, 1));
	EXPECT_EQ(many.feed(0, QuicPacket().initial(payload)), MR_L7_BROKEN);
}

/* Random bits anywhere in packets, and any octets as payload. */
TEST(L7Quic, ChangedAnywhere)
{
	std::mt19937 rng(5);
	std::string packet = QuicPacket().initial(crypto_frame(0, long_hello(300)));

	for (int i = 0; i < 3000; i++) {
		std::string bad = packet.substr(0, i % 3 == 0 ? rng() % packet.size() : packet.size());
		Parse p("quic", MR_L7_UDP);

		for (int k = 0; k < 3 && !bad.empty(); k++)
			bad[rng() % std::min(bad.size(), (size_t)40)] = (char)rng();
		p.feed(0, bad);
		p.feed(1, bad);
	}
	for (int i = 0; i < 3000; i++) {
		std::string payload;
		Parse p("quic", MR_L7_UDP);

		for (size_t n = 1 + rng() % 40; n != 0; n--)
			payload += (char)(rng() % 8 == 0 ? rng() : rng() % 8);
		p.feed(0, QuicPacket().initial(payload, 0));
	}
}

/* The pieces against a map of octets. */
TEST(L7QuicFrames, PiecesAgainstOctetMap)
{
	std::mt19937 rng(3);

	for (int round = 0; round < 500; round++) {
		mr_l7_quic_crypto c;
		std::vector<bool> have(400);

		c.count = 0;
		for (int i = 0; i < 20; i++) {
			size_t at = rng() % 300, n = rng() % 40;
			std::string frame = crypto_frame(at, std::string(n, 'x'));
			unsigned runs = 0;

			ASSERT_TRUE(
				mr_l7_quic_frames(&c, (const uint8_t *)frame.data(), (uint32_t)frame.size()));
			std::fill_n(have.begin() + (long)at, n, true);
			for (size_t k = 0; k < have.size(); k++) {
				if (!have[k])
					continue;
				if (k == 0 || !have[k - 1]) {
					ASSERT_EQ(c.pieces[runs++].begin, k);
				}
				if (!have[k + 1]) {
					ASSERT_EQ(c.pieces[runs - 1].end, k + 1);
				}
			}
			ASSERT_EQ(runs, c.count);
		}
	}
}

} // namespace
