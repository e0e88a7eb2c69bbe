// SPDX-License-Identifier: Apache-2.0
#include "../l7/parse.h"

using l7::octets;
using l7::Parse;

namespace
{

using Strings = std::vector<std::string>;

std::string u16(unsigned v)
{
	return { (char)(v >> 8), (char)v };
}

std::string u32(unsigned v)
{
	return u16(v >> 16) + u16(v & 0xffff);
}

std::string header(unsigned id, unsigned flags, unsigned qd, unsigned an = 0, unsigned ns = 0,
		   unsigned ar = 0)
{
	return u16(id) + u16(flags) + u16(qd) + u16(an) + u16(ns) + u16(ar);
}

/* "a.b" without compression */
std::string name(const std::string &text)
{
	std::string out, label;

	for (char c : text + ".") {
		if (c != '.') {
			label += c;
		} else if (!label.empty()) {
			out += (char)label.size() + label;
			label.clear();
		}
	}
	return out + '\0';
}

std::string pointer(unsigned to)
{
	return u16(0xc000 | to);
}

std::string question(const std::string &n, unsigned type, unsigned cls = 1)
{
	return n + u16(type) + u16(cls);
}

std::string record(const std::string &n, unsigned type, const std::string &data, unsigned ttl = 60,
		   unsigned cls = 1)
{
	return n + u16(type) + u16(cls) + u32(ttl) + u16((unsigned)data.size()) + data;
}

std::string query(unsigned id = 7, const std::string &n = "www.Example.com", unsigned type = 1)
{
	return header(id, 0x0100, 1) + question(name(n), type);
}

/* An answer with one record whose data is shown as text. */
std::string shown(unsigned type, const std::string &data)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(1, header(7, 0x8180, 1, 1) + question(name("example.com"), type) +
			  record(pointer(12), type, data));
	EXPECT_TRUE(p.all("dns_note").empty()) << type;
	return p.one("dns_answer");
}

std::string framed(const std::string &message)
{
	return u16((unsigned)message.size()) + message;
}

} // namespace

TEST(L7Dns, QueryAndAnswer)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(0, query());
	p.feed(1, header(7, 0x8183, 1, 2) + question(name("www.Example.com"), 1) +
			  record(pointer(12), 5, name("a.example.com"), 300) +
			  record(pointer(12), 1, "\xc0\x01\x02\x03", 20));
	EXPECT_EQ(p.one("dns_name"), "www.Example.com") << "case as sent";
	EXPECT_EQ(p.one("dns_type"), "1");
	EXPECT_EQ(p.one("dns_class"), "1");
	EXPECT_EQ(p.one("dns_id"), "7");
	EXPECT_EQ(p.one("dns_flags"), std::to_string(0x8183));
	EXPECT_EQ(p.one("dns_rcode"), "3");
	EXPECT_EQ(p.one("dns_answers"), "2");
	EXPECT_EQ(p.all("dns_answer_name"), (Strings{ "www.Example.com", "www.Example.com" }));
	EXPECT_EQ(p.all("dns_answer_type"), (Strings{ "5", "1" }));
	EXPECT_EQ(p.all("dns_answer_ttl"), (Strings{ "300", "20" }));
	EXPECT_EQ(p.all("dns_answer"), (Strings{ "a.example.com", "192.1.2.3" }));
	EXPECT_EQ(p.transactions, 1u);
}

/* As resolvers do: two queries at once, answered in any order. */
TEST(L7Dns, TwoAtOnce)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(0, query(1, "a", 1));
	p.feed(0, query(2, "a", 28));
	p.feed(1, header(2, 0x8180, 1) + question(name("a"), 28));
	p.feed(1, header(1, 0x8180, 1) + question(name("a"), 1));
	EXPECT_EQ(p.all("dns_id"), (Strings{ "1", "2", "1" }))
		<< "the second answer stands alone, with its question";
	EXPECT_EQ(p.all("dns_type"), (Strings{ "1", "28", "1" }));
	EXPECT_EQ(p.transactions, 3u);
}

/* The names of RFC 1035 section 4.1.4, as names and as data */
TEST(L7Dns, Compression)
{
	std::string root(1, '\0');
	std::string m = header(1, 0x8000, 1, 4) + question(name("xyz"), 2);
	size_t at = m.size();
	m += record(name("F.ISI.ARPA"), 2, "\3FOO" + pointer((unsigned)at));
	m += record(pointer((unsigned)at), 2, pointer((unsigned)at + 6));
	m += record(root, 2, root);
	m += record(pointer((unsigned)at + 2), 2, pointer((unsigned)at));
	Parse p("dns", MR_L7_UDP);
	p.feed(1, m);
	EXPECT_EQ(p.all("dns_answer_name"), (Strings{ "F.ISI.ARPA", "F.ISI.ARPA", ".", "ISI.ARPA" }));
	EXPECT_EQ(p.all("dns_answer"), (Strings{ "FOO.F.ISI.ARPA", "ARPA", ".", "F.ISI.ARPA" }));
}

TEST(L7Dns, Data)
{
	EXPECT_EQ(shown(28, octets("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01")), "2001:db8::1");
	EXPECT_EQ(shown(2, name("ns.example.com")), "ns.example.com");
	EXPECT_EQ(shown(12, "\3www" + pointer(12)), "www.example.com");
	EXPECT_EQ(shown(15, u16(10) + name("mx.example.com")), "10 mx.example.com");
	EXPECT_EQ(shown(33, u16(1) + u16(2) + u16(5060) + name("sip.example.com")),
		  "1 2 5060 sip.example.com");
	EXPECT_EQ(shown(16, "\5a \"b\\\1c"), "\"a \\\"b\\\\\" \"c\"");
	EXPECT_EQ(shown(6, name("ns.x") + name("root.x") + u32(1) + u32(2) + u32(3) + u32(4) + u32(5)),
		  "ns.x root.x 1 2 3 4 5");
	EXPECT_EQ(shown(257, octets("\0\5issueca.example.net")), "0 issue \"ca.example.net\"");
	EXPECT_EQ(shown(999, "\x0a\x0b"), "\\# 2 0a0b");
	EXPECT_EQ(shown(1, "\x0a\x0b"), "\\# 2 0a0b") << "not an address";
	EXPECT_EQ(shown(999, ""), "\\# 0");
}

/* RFC 9460 appendix D.1 and D.2, and a list of each kind */
TEST(L7Dns, Service)
{
	EXPECT_EQ(shown(65, octets("\0\0\3foo\7example\3com\0")), "0 foo.example.com");
	EXPECT_EQ(shown(64, octets("\0\1\0")), "1 .");
	EXPECT_EQ(shown(64, octets("\0\x10\3foo\7example\3com\0\0\3\0\2\0\x35")),
		  "16 foo.example.com port=53");
	EXPECT_EQ(shown(65, octets("\0\1\0\0\1\0\6\2h2\2h3\0\4\0\x08\1\1\1\1\1\0\0\1\0\2\0\0\2\x9b\0\1x")),
		  "1 . alpn=h2,h3 ipv4hint=1.1.1.1,1.0.0.1 no-default-alpn key667=78");
}

TEST(L7Dns, Escapes)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(0, header(1, 0, 1) + question(octets("\6a.b\\ \xff\3c\0d\0"), 1));
	EXPECT_EQ(p.one("dns_name"), "a\\.b\\\\\\ \\255.c\\000d");
}

TEST(L7Dns, LongestName)
{
	std::string n, label(63, '\xff');
	Parse longest("dns", MR_L7_UDP), longer("dns", MR_L7_UDP);

	n = "?" + label + "?" + label + "?" + label + "=" + label.substr(0, 61);
	longest.feed(0, header(1, 0, 1) + question(n + '\0', 1));
	EXPECT_EQ(longest.one("dns_name").size(), 250u * 4 + 3);
	longer.feed(0, header(1, 0, 1) + question(n + "\1x" + '\0', 1));
	EXPECT_EQ(longer.one("dns_note"), "malformed");
}

TEST(L7Dns, Edns)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(0, header(1, 0, 1, 0, 0, 1) + question(name("x"), 1) +
			  record(octets("\0"), 41, "", 0x00008000, 1232));
	p.feed(1, header(1, 0x8000, 1, 0, 0, 1) + question(name("x"), 1) +
			  record(octets("\0"), 41, "", 0x01000000, 4096));
	EXPECT_EQ(p.all("dns_edns_size"), (Strings{ "1232", "4096" }));
	EXPECT_EQ(p.one("dns_rcode"), "16") << "BADVERS";
}

TEST(L7Dns, Sections)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(1, header(1, 0x8403, 1, 0, 1, 1) + question(name("x"), 1) +
			  record(name("x"), 2, name("ns.x")) + record(name("ns.x"), 1, "\1\2\3\4"));
	EXPECT_EQ(p.one("dns_authority"), "ns.x");
	EXPECT_EQ(p.one("dns_additional"), "1.2.3.4");
	EXPECT_TRUE(p.all("dns_answer").empty());
}

TEST(L7Dns, Opcode)
{
	Parse p("dns", MR_L7_UDP);

	p.feed(0, header(1, 4 << 11, 1) + question(name("zone"), 6));
	EXPECT_EQ(p.one("dns_opcode"), "4");
}

/* Loops, forward pointers, pointers into the header, labels of reserved kinds, all cut off */
TEST(L7Dns, Malformed)
{
	for (const std::string &bad :
	     { pointer(12), pointer(14), pointer(0), octets("\1a") + pointer(12), std::string("\x40"),
	       std::string("\x80"), std::string("\3ab"), std::string("\xc0"), std::string() }) {
		Parse p("dns", MR_L7_UDP);

		EXPECT_EQ(p.feed(0, header(1, 0, 1) + bad), MR_L7_MORE)
			<< "one datagram doesn't end the flow";
		EXPECT_EQ(p.one("dns_note"), "malformed");
		p.feed(0, query());
		EXPECT_EQ(p.one("dns_name"), "www.Example.com");
	}
	Parse p("dns", MR_L7_UDP);
	p.feed(0, "short");
	p.feed(0, "");
	EXPECT_EQ(p.all("dns_note").size(), 2u);
}

/* Each record's name points to the one before: chains of any length, and many of them. */
TEST(L7Dns, Bomb)
{
	std::string m = header(1, 0x8000, 1, 5000) +
			question(name(std::string(63, 'a') + "." + std::string(63, 'b')), 1);

	for (unsigned i = 0, to = 12; i < 5000; i++) {
		unsigned here = (unsigned)m.size();

		m += record("\1x" + pointer(to), 1, "\1\2\3\4");
		to = here < 0x3fff ? here : to;
	}
	Parse p("dns", MR_L7_TCP);
	m = framed(m.substr(0, 65535));
	for (size_t at = 0; at < m.size(); at += 4000)
		p.feed(1, m.substr(at, 4000));
	EXPECT_EQ(p.all("dns_answer").size(), 32u);
	EXPECT_EQ(p.one("dns_answers"), "5000");
	p.feed(0, framed(query()));
	EXPECT_EQ(p.all("dns_name").size(), 2u) << "the rest of the long message was skipped";
}

TEST(L7Dns, Stream)
{
	Parse p("dns"), bad("dns"), gap("dns");

	p.feed(0, framed(query(1, "a")) + framed(query(2, "b")).substr(0, 5));
	p.feed(0, framed(query(2, "b")).substr(5));
	EXPECT_EQ(p.all("dns_name"), (Strings{ "a", "b" }));
	EXPECT_EQ(bad.feed(0, framed("12345678901")), MR_L7_BROKEN);
	EXPECT_EQ(bad.one("dns_note"), "malformed");
	EXPECT_EQ(gap.feed(0, framed(query()), false, true), MR_L7_BROKEN);
}

TEST(L7Dns, Multicast)
{
	Parse p("mdns", MR_L7_UDP);

	p.feed(0, header(0, 0x8400, 0, 1) + record(name("_ipp._tcp.local"), 12,
						   name("My Printer._ipp._tcp.local"), 60, 0x8001));
	p.feed(0, header(0, 0, 1) + question(name("host.local"), 255, 0x8001));
	EXPECT_EQ(p.one("dns_answer"), "My\\ Printer._ipp._tcp.local");
	EXPECT_EQ(p.one("dns_class"), "1");
}

TEST(L7Dns, Probe)
{
	std::string nbns = header(1, 0x0110, 1) + question(" " + std::string(32, 'C') + '\0', 32);
	std::string q = query();

	EXPECT_EQ(l7::probe("dns", q, 0, MR_L7_UDP, 53), MR_L7_YES);
	EXPECT_EQ(l7::probe("dns", q, 0, MR_L7_UDP, 9999), MR_L7_YES) << "by content";
	EXPECT_EQ(l7::probe("mdns", q, 0, MR_L7_UDP, 5353), MR_L7_YES);
	EXPECT_EQ(l7::probe("mdns", q, 0, MR_L7_UDP, 53), MR_L7_NO);
	EXPECT_EQ(l7::probe("llmnr", q, 0, MR_L7_UDP, 5355), MR_L7_YES);
	EXPECT_EQ(l7::probe("dns", nbns, 0, MR_L7_UDP, 137), MR_L7_NO);
	EXPECT_EQ(l7::probe("dns", header(0, 0x8400, 0, 1) + record(name("a"), 1, "\1\2\3\4"), 1, MR_L7_UDP),
		  MR_L7_YES);
	EXPECT_EQ(l7::probe("dns", header(1, 0, 0), 0, MR_L7_UDP), MR_L7_NO) << "no question";
	EXPECT_EQ(l7::probe("dns", header(1, 0x0040, 1) + question(name("a"), 1), 0, MR_L7_UDP), MR_L7_NO)
		<< "reserved bit";
	EXPECT_EQ(l7::probe("dns", header(1, 0, 1) + question(name("a"), 1, 77), 0, MR_L7_UDP), MR_L7_NO)
		<< "class";
	EXPECT_EQ(l7::probe("dns", std::string(48, '\x1b'), 0, MR_L7_UDP), MR_L7_NO);
	for (size_t n = 0; n < q.size() + 2; n++)
		EXPECT_EQ(l7::probe("dns", framed(q).substr(0, n)), MR_L7_MAYBE) << n;
	EXPECT_EQ(l7::probe("dns", framed(q)), MR_L7_YES);
	EXPECT_EQ(l7::probe("dns", octets("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 TLS")), MR_L7_NO);
}

TEST(L7Dns, AnyPieces)
{
	std::string queries, big = header(9, 0x8180, 1, 2000) + question(name("big"), 16);

	for (unsigned i = 0; i < 20; i++)
		queries += framed(query(i, "host" + std::to_string(i)));
	for (unsigned i = 0; i < 1000; i++)
		big += record(pointer(12), 16, "\x0btext as txt");
	queries += framed(big) + framed(query(99, "last"));
	Parse whole("dns");
	for (size_t at = 0; at < queries.size(); at += 8000)
		whole.feed(0, queries.substr(at, 8000));
	EXPECT_EQ(whole.all("dns_name").back(), "last");
	for (unsigned seed = 0; seed < 40; seed++) {
		std::mt19937 rng(seed);
		Parse pieces("dns");

		pieces.feed_in_pieces(0, queries, rng, seed % 8 == 0 ? 1 + seed : 1 + seed * 100);
		ASSERT_EQ(pieces.found, whole.found) << seed;
	}
}

TEST(L7Dns, CutAnywhere)
{
	std::string m = header(7, 0x8180, 1, 2) + question(name("example.com"), 15) +
			record(pointer(12), 15, u16(10) + name("mx.example.com")) +
			record(pointer(12), 16, "\5hello");

	for (size_t n = 0; n < m.size(); n++) {
		Parse p("dns", MR_L7_UDP);

		p.feed(1, m.substr(0, n));
		EXPECT_EQ(p.one("dns_note"), "malformed") << n;
		EXPECT_LT(p.all("dns_answer").size(), 2u);
	}
}
