// SPDX-License-Identifier: Apache-2.0
#include <nghttp2/nghttp2.h>

#include "../l7/parse.h"

using l7::octets;
using l7::Parse;

namespace
{

using Strings = std::vector<std::string>;
using Fields = std::vector<std::pair<std::string, std::string>>;

const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

enum { DATA = 0, HEADERS = 1, SETTINGS = 4, PUSH_PROMISE = 5, GOAWAY = 7, CONTINUATION = 9 };
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, PRIORITY = 32 };

std::string frame(unsigned type, unsigned flags, unsigned stream, const std::string &payload)
{
	std::string f;

	for (int shift = 16; shift >= 0; shift -= 8)
		f += (char)(payload.size() >> shift);
	f += (char)type;
	f += (char)flags;
	for (int shift = 24; shift >= 0; shift -= 8)
		f += (char)(stream >> shift);
	return f + payload;
}

/* One side's HPACK. */
class Encoder
{
      public:
	explicit Encoder(size_t table = 4096)
	{
		EXPECT_EQ(nghttp2_hd_deflate_new(&hd_, table), 0);
	}
	~Encoder()
	{
		nghttp2_hd_deflate_del(hd_);
	}
	void table(size_t octets)
	{
		EXPECT_EQ(nghttp2_hd_deflate_change_table_size(hd_, octets), 0);
	}
	std::string block(const Fields &fields)
	{
		std::vector<nghttp2_nv> nva;
		std::string out;

		for (const auto &f : fields)
			nva.push_back({ (uint8_t *)f.first.data(), (uint8_t *)f.second.data(), f.first.size(),
					f.second.size(), NGHTTP2_NV_FLAG_NONE });
		out.resize(nghttp2_hd_deflate_bound(hd_, nva.data(), nva.size()));
		ssize_t n =
			nghttp2_hd_deflate_hd(hd_, (uint8_t *)out.data(), out.size(), nva.data(), nva.size());
		EXPECT_GE(n, 0);
		out.resize((size_t)n);
		return out;
	}

      private:
	nghttp2_hd_deflater *hd_;
};

Fields request(const std::string &path)
{
	return { { ":method", "GET" },
		 { ":scheme", "http" },
		 { ":authority", "www.example.com" },
		 { ":path", path },
		 { "user-agent", "nghttp2/1.52" },
		 { "cookie", "a=b" } };
}

const Fields answer = {
	{ ":status", "200" }, { "content-type", "text/html" }, { "content-length", "5" }, { "server", "h2o" }
};

std::string headers(const std::string &block, unsigned stream = 1)
{
	return frame(HEADERS, END_HEADERS | END_STREAM, stream, block);
}

} // namespace

TEST(L7Http2, RequestAndAnswer)
{
	Encoder client, server;
	Parse p("http2");

	p.feed(0, preface + frame(SETTINGS, 0, 0, "") + headers(client.block(request("/a"))));
	p.feed(1, frame(SETTINGS, 0, 0, "") + frame(HEADERS, END_HEADERS, 1, server.block(answer)) +
			  frame(DATA, END_STREAM, 1, "hello"));
	EXPECT_EQ(p.one("http_method"), "GET");
	EXPECT_EQ(p.one("http2_scheme"), "http");
	EXPECT_EQ(p.one("http_host"), "www.example.com");
	EXPECT_EQ(p.one("http_uri"), "/a");
	EXPECT_EQ(p.one("http_version"), "HTTP/2");
	EXPECT_EQ(p.one("http_user_agent"), "nghttp2/1.52");
	EXPECT_EQ(p.one("http_cookie"), "a=b");
	EXPECT_EQ(p.one("http_status"), "200");
	EXPECT_EQ(p.one("http_content_type"), "text/html");
	EXPECT_EQ(p.one("http_length"), "5");
	EXPECT_EQ(p.one("http_server"), "h2o");
	EXPECT_EQ(p.all("http2_stream"), (Strings{ "1", "1" }));
	EXPECT_EQ(p.all("http_request_header"), (Strings{ "user-agent: nghttp2/1.52", "cookie: a=b" }));
	EXPECT_EQ(p.transactions, 1u);
}

/* RFC 7541 appendix C.4: three requests with Huffman coding and a growing dynamic table */
TEST(L7Http2, Rfc7541)
{
	Parse p("http2");

	p.feed(0, preface + headers(octets(
				    "\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff")));
	p.feed(0, headers(octets("\x82\x86\x84\xbe\x58\x86\xa8\xeb\x10\x64\x9c\xbf"), 3));
	p.feed(0,
	       headers(octets("\x82\x87\x85\xbf\x40\x88\x25\xa8\x49\xe9\x5b\xa9\x7d\x7f\x89\x25\xa8\x49\xe9\x5b\xb8\xe8\xb4"
			      "\xbf"),
		       5));
	EXPECT_EQ(p.all("http_host"), (Strings{ "www.example.com", "www.example.com", "www.example.com" }));
	EXPECT_EQ(p.all("http_uri"), (Strings{ "/", "/", "/index.html" }));
	EXPECT_EQ(p.all("http2_scheme"), (Strings{ "http", "http", "https" }));
	EXPECT_EQ(p.all("http_request_header"),
		  (Strings{ "cache-control: no-cache", "custom-key: custom-value" }));
}

TEST(L7Http2, PaddedContinuedAndPromised)
{
	Encoder client, server;
	std::string block = client.block(request("/padded")), promised = server.block(request("/promised"));
	Parse p("http2");

	p.feed(0, preface +
			  frame(HEADERS, PADDED | PRIORITY, 1,
				octets("\3\0\0\0\0\x10") + block.substr(0, 3) + octets("\0\0\0")) +
			  frame(CONTINUATION, 0, 1, "") + frame(CONTINUATION, 0, 1, block.substr(3, 2)) +
			  frame(CONTINUATION, END_HEADERS, 1, block.substr(5)));
	p.feed(1, frame(SETTINGS, 0, 0, "") +
			  frame(PUSH_PROMISE, END_HEADERS, 1, octets("\0\0\0\2") + promised));
	EXPECT_EQ(p.all("http_uri"), (Strings{ "/padded", "/promised" }));
}

/* RFC 9113 section 8.1: interim answers and trailers */
TEST(L7Http2, InterimAndTrailer)
{
	Encoder client, server;
	Parse p("http2");

	p.feed(0, preface + headers(client.block(request("/"))));
	p.feed(1, headers(server.block({ { ":status", "103" }, { "link", "x" } })));
	EXPECT_EQ(p.transactions, 0u);
	p.feed(1,
	       headers(server.block(answer)) + headers(server.block({ { "content-type", "in a trailer" } })));
	EXPECT_EQ(p.all("http_status"), (Strings{ "103", "200" }));
	EXPECT_EQ(p.one("http_content_type"), "text/html");
	EXPECT_EQ(p.transactions, 1u);
}

TEST(L7Http2, LargerTable)
{
	Encoder client(32768);
	Parse p("http2");

	client.table(16384);
	p.feed(1, frame(SETTINGS, 0, 0, octets("\0\1\0\0\x40\0")));
	p.feed(0, preface);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 40; i++)
			p.feed(0, headers(client.block({ { ":method", "GET" },
							 { "x-long", std::string(200, (char)('A' + i)) } }),
					  1 + 2 * i));
	EXPECT_EQ(p.all("http_method").size(), 80u);
	EXPECT_EQ(p.all("http_request_header").back(), "x-long: " + std::string(200, 'A' + 39));
	EXPECT_TRUE(p.all("http_note").empty());
}

TEST(L7Http2, Bad)
{
	const std::pair<std::string, const char *> cases[] = {
		{ headers("\xff\xff\xff\xff\xff\xff"), "bad_hpack" },
		{ headers("\x82\x41"), "bad_hpack" }, /* cut */
		{ frame(HEADERS, PADDED | END_HEADERS, 1, "\x09 short"), "bad_frame" },
		{ frame(HEADERS, 0, 1, "\x82") + frame(DATA, 0, 1, ""), "bad_frame" },
		{ frame(HEADERS, 0, 1, "\x82") + frame(CONTINUATION, 0, 3, ""), "bad_frame" },
		{ frame(CONTINUATION, 0, 1, ""), "bad_frame" },
		{ "", "bad_start" },
	};

	for (const auto &c : cases) {
		Parse p("http2");

		EXPECT_EQ(p.feed(0, (c.first.empty() ? "PRI * HTTP/3.0" : preface) + c.first), MR_L7_BROKEN);
		EXPECT_EQ(p.one("http_note"), c.second);
	}
}

/* A large entry in the table, then one octet for each time that it is named */
TEST(L7Http2, Bombs)
{
	Encoder client;
	std::string many = client.block({ { "x", std::string(2900, 'x') } }) + std::string(16000, '\xbe');
	std::string literal = octets("\x40\1x\x7f\xe9\xfa\x03"); /* a value of 65,000 octets */
	Parse p("http2"), big("http2");

	EXPECT_EQ(p.feed(0, preface + headers(many)), MR_L7_BROKEN);
	EXPECT_EQ(p.one("http_note"), "header_bomb");
	EXPECT_EQ(big.feed(0, preface + frame(HEADERS, 0, 1, literal + std::string(9000, 'x'))),
		  MR_L7_BROKEN);
	EXPECT_EQ(big.one("http_note"), "header_bomb");
}

TEST(L7Http2, Gap)
{
	Encoder client, server;
	Parse p("http2");

	p.feed(0, preface + headers(client.block(request("/"))));
	EXPECT_EQ(p.feed(1, "anything", false, true), MR_L7_MORE) << "the other direction goes on";
	p.feed(0, headers(client.block(request("/2")), 3));
	EXPECT_EQ(p.all("http_uri"), (Strings{ "/", "/2" }));
	EXPECT_EQ(p.feed(0, "anything", false, true), MR_L7_BROKEN);
}

/* The server's first octets behind 101 Switching Protocols look like this. */
TEST(L7Http2, Probe)
{
	std::string settings = frame(SETTINGS, 0, 0, octets("\0\3\0\0\0\x64"));

	for (size_t n = 0; n < preface.size(); n++)
		EXPECT_EQ(l7::probe("http2", preface.substr(0, n)), MR_L7_MAYBE);
	EXPECT_EQ(l7::probe("http2", preface), MR_L7_YES);
	EXPECT_EQ(l7::probe("http2", "PRI * HTTP/1.1\r\n"), MR_L7_NO);
	EXPECT_EQ(l7::probe("http2", settings.substr(0, 5), 1), MR_L7_MAYBE);
	EXPECT_EQ(l7::probe("http2", settings, 1), MR_L7_YES);
	EXPECT_EQ(l7::probe("http2", frame(SETTINGS, 0, 0, "12345")), MR_L7_NO);
	EXPECT_EQ(l7::probe("http", preface), MR_L7_NO);
}

/* RFC 7540 section 3.2: HTTP/1 hands on behind its answer, and both directions are recognised. */
TEST(L7Http2, Upgraded)
{
	std::string more = frame(SETTINGS, 0, 0, "");
	Encoder server;
	Parse http1("http"), http2("http2");

	http1.feed(0, "GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
		      "HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n");
	EXPECT_EQ(
		http1.feed(1,
			   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n" +
				   more),
		MR_L7_NEXT);
	EXPECT_EQ(http1.one("http_upgrade"), "h2c");
	EXPECT_EQ(l7::probe("http2", more, 1), MR_L7_YES);
	http2.feed(1, more + headers(server.block(answer)));
	http2.feed(0, preface + more);
	EXPECT_EQ(http2.one("http_status"), "200");
}

TEST(L7Http2, AnyPieces)
{
	Encoder client;
	std::string block = client.block(request("/x")),
		    data = preface + frame(SETTINGS, 0, 0, octets("\0\1\0\1\0\0"));

	data += frame(HEADERS, PADDED, 1, octets("\5") + block.substr(0, 9) + octets("\0\0\0\0\0"));
	data += frame(CONTINUATION, END_HEADERS, 1, block.substr(9)) +
		frame(DATA, PADDED, 1, std::string(3000, 'd'));
	for (unsigned i = 3; i < 40; i += 2)
		data += headers(client.block(request("/" + std::string(i * 10, 'y'))), i);
	data += frame(GOAWAY, 0, 0, "12345678");
	Parse whole("http2");
	whole.feed(0, data);
	EXPECT_EQ(whole.all("http_uri").size(), 20u);
	for (unsigned seed = 0; seed < 60; seed++) {
		std::mt19937 rng(seed);
		Parse pieces("http2");

		pieces.feed_in_pieces(0, data, rng, 1 + seed * 5);
		ASSERT_EQ(pieces.found, whole.found) << seed;
	}
}
