// SPDX-License-Identifier: Apache-2.0
#include <zlib.h>

#include "l7/mr_l7_inflate.h"
#include "../l7/parse.h"

using l7::Parse;

namespace
{

using Strings = std::vector<std::string>;

const std::string get = "GET /a?b=c HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.16.3\r\n"
			"Accept: */*\r\nReferer: http://www.example.org/\r\n\r\n";
const std::string ok =
	"HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n"
	"\r\nHello, World!\n";

/* A body in one of the formats of zlib: windowBits 31 gzip, 15 zlib, -15 raw. */
std::string compress(const std::string &plain, int window_bits)
{
	z_stream z = {};
	std::string out(plain.size() + 1024, '\0');

	EXPECT_EQ(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)plain.data();
	z.avail_in = (uInt)plain.size();
	z.next_out = (Bytef *)out.data();
	z.avail_out = (uInt)out.size();
	EXPECT_EQ(deflate(&z, Z_FINISH), Z_STREAM_END);
	out.resize(z.total_out);
	deflateEnd(&z);
	return out;
}

std::string answer(const std::string &headers, const std::string &body)
{
	return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
	       "\r\n\r\n" + body;
}

/* Text that deflate can't make much smaller. */
std::string noise(size_t n)
{
	std::mt19937 rng(7);
	std::string s;

	while (s.size() < n)
		s.push_back((char)('!' + rng() % 90));
	return s;
}

} // namespace

/* RFC 9112 section 2.1 and RFC 9110 section 3.9, the same example */
TEST(L7Http, RequestAndAnswer)
{
	Parse p("http");

	EXPECT_EQ(p.feed(0, get), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, ok), MR_L7_MORE);
	EXPECT_EQ(p.one("http_method"), "GET");
	EXPECT_EQ(p.one("http_uri"), "/a?b=c");
	EXPECT_EQ(p.one("http_version"), "HTTP/1.1");
	EXPECT_EQ(p.one("http_host"), "www.example.com");
	EXPECT_EQ(p.one("http_user_agent"), "curl/7.16.3");
	EXPECT_EQ(p.one("http_referer"), "http://www.example.org/");
	EXPECT_EQ(p.one("http_status"), "200");
	EXPECT_EQ(p.one("http_reason"), "OK");
	EXPECT_EQ(p.one("http_server"), "Apache");
	EXPECT_EQ(p.one("http_content_type"), "text/plain");
	EXPECT_EQ(p.one("http_length"), "14");
	EXPECT_EQ(p.one("http_body"), "Hello, World!\n");
	EXPECT_EQ(p.all("http_request_header").size(), 4u);
	EXPECT_EQ(p.all("http_header")[0], "Server: Apache");
	EXPECT_TRUE(p.all("http_note").empty());
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, RequestWithBody)
{
	Parse p("http");

	p.feed(0, "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n"
		  "Cookie: sid=1\r\nContent-Length: 9\r\n\r\nuser=root");
	p.feed(1, "HTTP/1.1 302 Found\r\nLocation: /home\r\nContent-Length: 0\r\n\r\n");
	EXPECT_EQ(p.one("http_request_type"), "application/x-www-form-urlencoded");
	EXPECT_EQ(p.one("http_request_length"), "9");
	EXPECT_EQ(p.one("http_request_body"), "user=root");
	EXPECT_EQ(p.one("http_cookie"), "sid=1");
	EXPECT_EQ(p.one("http_location"), "/home");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, KeepAlive)
{
	Parse p("http");

	for (int i = 0; i < 50; i++) {
		p.feed(0, get);
		p.feed(1, ok);
	}
	EXPECT_EQ(p.all("http_uri").size(), 50u);
	EXPECT_EQ(p.all("http_status").size(), 50u);
	EXPECT_EQ(p.transactions, 50u);
}

/* The kinds of pipelined requests are remembered: the second answer has no body though it has a length. */
TEST(L7Http, Pipelined)
{
	Parse p("http");

	p.feed(0, "GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
	p.feed(1, ok + "HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n" +
			  "HTTP/1.1 404 No\r\nContent-Length: 1\r\n\r\nx");
	EXPECT_EQ(p.all("http_uri"), (Strings{ "/1", "/2", "/3" }));
	EXPECT_EQ(p.all("http_status"), (Strings{ "200", "200", "404" }));
	EXPECT_EQ(p.all("http_body"), (Strings{ "Hello, World!\n", "x" }));
}

TEST(L7Http, NoBody)
{
	for (const char *status : { "204 No Content", "304 Not Modified" }) {
		Parse p("http");

		p.feed(0, get + get);
		p.feed(1, std::string("HTTP/1.1 ") + status + "\r\nContent-Length: 14\r\n\r\n" + ok);
		EXPECT_EQ(p.all("http_body"), Strings{ "Hello, World!\n" });
		EXPECT_EQ(p.all("http_status").size(), 2u);
	}
}

TEST(L7Http, Continue)
{
	Parse p("http");

	p.feed(0, "PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
	p.feed(1, "HTTP/1.1 100 Continue\r\n\r\n");
	p.feed(0, "abc");
	p.feed(1, ok);
	EXPECT_EQ(p.all("http_status"), (Strings{ "100", "200" }));
	EXPECT_EQ(p.one("http_request_body"), "abc");
	EXPECT_EQ(p.one("http_body"), "Hello, World!\n");
	EXPECT_EQ(p.transactions, 1u);
}

/* RFC 9112 section 7.1, with extension and trailer */
TEST(L7Http, Chunked)
{
	Parse p("http");

	p.feed(0, get);
	p.feed(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"
		  "4\r\nWiki\r\n5;name=value\r\npedia\r\n00\r\nExpires: never\r\n\r\n" +
			  ok);
	EXPECT_EQ(p.all("http_body"), (Strings{ "Wikipedia", "Hello, World!\n" }));
	EXPECT_EQ(p.transactions, 2u);
}

TEST(L7Http, UntilClose)
{
	Parse p("http");

	p.feed(0, get);
	p.feed(1, "HTTP/1.0 200 OK\r\n\r\nall of ");
	p.feed(1, "this", true);
	EXPECT_EQ(p.one("http_body"), "all of this");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, Old)
{
	Parse p("http");

	p.feed(0, "GET /index.html\r\n");
	p.feed(1, "<html>HT");
	p.feed(1, "</html>", true);
	EXPECT_EQ(p.one("http_uri"), "/index.html");
	EXPECT_EQ(p.one("http_version"), "HTTP/0.9");
	EXPECT_EQ(p.one("http_body"), "<html>HT</html>");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, AnswerAlone)
{
	Parse p("http");

	p.feed(1, ok);
	EXPECT_EQ(p.one("http_status"), "200");
	EXPECT_EQ(p.one("http_version"), "HTTP/1.1");
	EXPECT_EQ(p.transactions, 1u);
}

/* A capture that starts in the middle may take the server for the initiator. */
TEST(L7Http, RolesByContent)
{
	Parse p("http");

	p.feed(1, get);
	p.feed(0, ok);
	EXPECT_EQ(p.one("http_host"), "www.example.com");
	EXPECT_EQ(p.one("http_body"), "Hello, World!\n");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, Connect)
{
	Parse p("http");

	p.feed(0, "CONNECT server.example.com:443 HTTP/1.1\r\nHost: server.example.com:443\r\n\r\n");
	EXPECT_EQ(p.feed(0, "\x16\x03\x01\n"), MR_L7_MORE) << "not read before the answer";
	EXPECT_EQ(p.feed(1, "HTTP/1.1 200 Connected\r\n\r\n"), MR_L7_NEXT);
	EXPECT_EQ(p.one("http_host"), "server.example.com:443");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http, ConnectRefused)
{
	Parse p("http");

	p.feed(0, "CONNECT a:443 HTTP/1.1\r\n\r\n");
	EXPECT_EQ(p.feed(1, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno"),
		  MR_L7_MORE);
	p.feed(0, get);
	EXPECT_EQ(p.all("http_method"), (Strings{ "CONNECT", "GET" }));
}

TEST(L7Http, Upgrade)
{
	Parse web("http"), h2("http");

	web.feed(0, "GET /chat HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
	EXPECT_EQ(web.feed(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05Hello"),
		  MR_L7_DONE);
	EXPECT_EQ(web.one("http_upgrade"), "websocket");
	h2.feed(0, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
	EXPECT_EQ(h2.feed(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), MR_L7_NEXT);
}

TEST(L7Http, OddButRead)
{
	Parse p("http");

	p.feed(0, "\r\n\r\nGET  http://user@host.example:8080/p?q HTTP/1.1\nHost: other\nUser-agent:x\n\n");
	p.feed(1, "HTTP/1.1 200\r\nContent-Length : 0\r\nno colon\r\n: no name\r\n\r\n");
	EXPECT_EQ(p.one("http_uri"), "http://user@host.example:8080/p?q");
	EXPECT_EQ(p.one("http_host"), "host.example:8080");
	EXPECT_EQ(p.one("http_user_agent"), "x");
	EXPECT_EQ(p.one("http_length"), "0");
	EXPECT_TRUE(p.all("http_reason").empty());
}

TEST(L7Http, LongVersion)
{
	Parse p("http");

	p.feed(0, "GET /a HTTP/1.0.8\r\n\r\n");
	p.feed(1, "HTTP/1.0.8 200 OK\r\n\r\n", true);
	EXPECT_EQ(p.one("http_version"), "HTTP/1.0.8");
	EXPECT_EQ(p.one("http_uri"), "/a");
	EXPECT_EQ(p.one("http_status"), "200");
}

TEST(L7Http, Folded)
{
	Parse p("http");

	p.feed(0, "GET / HTTP/1.1\r\nUser-Agent: one\r\n  two\r\n\tthree \r\nHost: h\r\n\r\n");
	EXPECT_EQ(p.one("http_user_agent"), "one two three");
	EXPECT_EQ(p.one("http_host"), "h");
	EXPECT_EQ(p.one("http_note"), "folded_header");
}

TEST(L7Http, Lengths)
{
	const std::pair<const char *, const char *> cases[] = {
		{ "Content-Length: 1\r\nContent-Length: 2\r\n", "two_lengths" },
		{ "Content-Length: -1\r\n", "bad_length" },
		{ "Content-Length: 1x\r\n", "bad_length" },
		{ "Content-Length: 99999999999999999999\r\n", "bad_length" },
		{ "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "length_and_chunked" },
	};

	for (const auto &c : cases) {
		Parse p("http");

		p.feed(0, std::string("POST / HTTP/1.1\r\n") + c.first + "\r\n");
		EXPECT_EQ(p.one("http_note"), c.second) << c.first;
	}
}

TEST(L7Http, BadChunk)
{
	for (const char *chunk : { "xyz\r\n", "\r\n", "1\r\nab\r\n", "ffffffffffffffff\r\n" }) {
		Parse p("http");

		p.feed(1, std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n") + chunk + ok);
		EXPECT_EQ(p.one("http_note"), "bad_chunk") << chunk;
		EXPECT_EQ(p.all("http_status").size(), 2u) << "found its feet: " << chunk;
	}
}

TEST(L7Http, Floods)
{
	std::string lines, line = "GET / HTTP/1.1\r\nX: " + std::string(20000, 'x');
	Parse many("http"), one("http"), empty("http"), nothing("http");

	for (int i = 0; i < 300; i++)
		lines += "X: y\r\n";
	EXPECT_EQ(many.feed(0, "GET / HTTP/1.1\r\n" + lines), MR_L7_BROKEN);
	EXPECT_EQ(many.one("http_note"), "header_flood");
	EXPECT_EQ(one.feed(0, line), MR_L7_BROKEN);
	EXPECT_EQ(one.one("http_note"), "long_line");
	EXPECT_EQ(empty.feed(0, "\n\n\n\n\n\n\n\n\n\n\n\n"), MR_L7_BROKEN);
	EXPECT_EQ(nothing.feed(0, "SSH-2.0-OpenSSH\r\n"), MR_L7_BROKEN);
}

TEST(L7Http, Gap)
{
	Parse p("http");

	p.feed(0, get);
	p.feed(1, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nstart");
	p.feed(1, "in the middle\nof a body HTTP/1.1\n", false, true);
	p.feed(1, std::string(5000, 'x'));
	p.feed(0, get);
	p.feed(1, "\n" + ok);
	EXPECT_EQ(p.all("http_body"), (Strings{ "start", "Hello, World!\n" }));
	EXPECT_EQ(p.all("http_status").size(), 2u);
}

TEST(L7Http, Compressed)
{
	std::string plain = noise(3000);

	for (const auto &c :
	     { std::make_pair("gzip", 31), std::make_pair("deflate", 15), std::make_pair("Deflate", -15) }) {
		Parse p("http");

		p.feed(1, answer(std::string("Content-Encoding: ") + c.first + "\r\n",
				 compress(plain, c.second)));
		EXPECT_EQ(p.one("http_body"), plain) << c.first;
		EXPECT_TRUE(p.all("http_note").empty());
	}
}

TEST(L7Http, BodyIsBounded)
{
	std::string plain = noise(100000);
	Parse p("http"), z("http");

	for (size_t i = 0; i < 8; i++)
		p.feed(1, answer("", plain).substr(i * 10000, 10000));
	EXPECT_EQ(p.one("http_body"), plain.substr(0, MR_L7_INFLATE_MAX));
	z.feed(1, answer("Content-Encoding: gzip\r\n", compress(plain, 31)).substr(0, 60000));
	EXPECT_EQ(z.one("http_body"), plain.substr(0, MR_L7_INFLATE_MAX));
}

TEST(L7Http, Bomb)
{
	std::string bomb = answer("Content-Encoding: gzip\r\n", compress(std::string(10000000, 'A'), 31));
	Parse p("http");

	p.feed(1, bomb);
	EXPECT_EQ(p.one("http_note"), "decompression_bomb");
	EXPECT_EQ(p.one("http_body").size(), MR_L7_INFLATE_MAX);
	p.feed(1, bomb);
	EXPECT_EQ(p.all("http_body").size(), 1u) << "none after a bomb";
	EXPECT_EQ(p.all("http_status").size(), 2u);
}

TEST(L7Http, BadCompression)
{
	Parse p("http");

	p.feed(1, answer("Content-Encoding: gzip\r\n", "this is no gzip at all") + ok);
	EXPECT_EQ(p.one("http_note"), "bad_compression");
	EXPECT_EQ(p.all("http_status").size(), 2u);
}

/* Without a wish for hidden fields there are none. */
TEST(L7Http, HiddenOnlyWhenWanted)
{
	Parse p("http");

	p.hidden = nullptr;
	p.feed(0, get);
	p.feed(1, answer("Content-Encoding: gzip\r\n", compress("plain", 31)));
	EXPECT_TRUE(p.all("http_body").empty());
	EXPECT_TRUE(p.all("http_header").empty());
	EXPECT_EQ(p.one("http_status"), "200");
}

TEST(L7Http, Probe)
{
	for (const char *yes : { "GET / HTTP/1.1\r\n", "\r\n\r\nHEAD / HTTP/1.0\r\n", "HTTP/1.1 200 OK\r\n",
				 "GET /\r\n", "FROB /x HTTP/1.1\r\nHost: x\r\n", "M-SEARCH * HTTP/1.1\r\n" })
		EXPECT_EQ(l7::probe("http", yes), MR_L7_YES) << yes;
	EXPECT_EQ(l7::probe("http", "GET /" + std::string(500, 'a')), MR_L7_YES);
	for (const char *maybe : { "", "G", "GET /a", "\r\n", "HTTP/1.1 200" })
		EXPECT_EQ(l7::probe("http", maybe), MR_L7_MAYBE) << maybe;
	for (const char *no :
	     { "SSH-2.0-x\r\n", "OPTIONS * RTSP/1.0\r\n", "220 mail ESMTP\r\n", "\x16\x03\x01",
	       "OPTIONS sip:a@b SIP/2.0\r\n", "USER anonymous\r\n", "PRI\1" })
		EXPECT_EQ(l7::probe("http", no), MR_L7_NO) << no;
	EXPECT_EQ(l7::probe("http", std::string(500, 'a')), MR_L7_NO);
}

/* The same octets in any pieces give the same values. */
TEST(L7Http, AnyPieces)
{
	std::string requests = "\r\n" + get +
			       "POST /2 HTTP/1.1\nContent-Length:5\nX-Fold: a\n b\nUser-Agent: u\n\nabcde" +
			       "HEAD /3 HTTP/1.0\r\n\r\n" + get;
	std::string answers =
		ok + answer("Content-Encoding: gzip\r\n", compress(noise(40000), 31)) +
		"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n" +
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: deflate\r\n\r\n" +
		"1\r\nx\r\nbad\n" + std::string(3000, 'z') + "\nHTTP/1.0 404 Gone\r\n\r\nbye";
	Parse whole("http");

	whole.feed(0, requests, true);
	for (size_t at = 0; at < answers.size(); at += 8000)
		whole.feed(1, answers.substr(at, 8000));
	ASSERT_EQ(whole.all("http_status"), (Strings{ "200", "200", "200", "200", "404" }));
	for (unsigned seed = 0; seed < 60; seed++) {
		std::mt19937 rng(seed);
		Parse pieces("http");

		pieces.feed_in_pieces(0, requests, rng, seed % 3 == 0 ? 1 : 1 + seed * 7);
		pieces.feed_in_pieces(1, answers, rng, seed % 5 == 0 ? 3 : 1 + seed * 40);
		ASSERT_EQ(pieces.found, whole.found) << seed;
		EXPECT_EQ(pieces.transactions, whole.transactions);
	}
}

/* Cut anywhere, nothing is invented: every value is also one of the whole. */
TEST(L7Http, CutAnywhere)
{
	for (size_t n = 0; n < get.size(); n++) {
		Parse p("http");

		p.feed(0, get.substr(0, n), true);
		for (const l7::Found &f : p.found)
			EXPECT_NE((get + "HTTP/0.9").find(f.value), std::string::npos) << f;
	}
}
