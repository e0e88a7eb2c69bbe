// SPDX-License-Identifier: Apache-2.0
// The decoder on messages made by hand, value by value, and what it does with faulty ones.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "ipfix_util.h"

// Builds messages octet by octet, knowing nothing of the encoder.
struct Builder {
	Bytes body;
	size_t set_off = 0;

	Builder &u8(unsigned v)
	{
		body.push_back((uint8_t)v);
		return *this;
	}
	Builder &u16(unsigned v)
	{
		return u8(v >> 8).u8(v & 0xff);
	}
	Builder &u32(uint32_t v)
	{
		return u16(v >> 16).u16(v & 0xffff);
	}
	Builder &u64(uint64_t v)
	{
		return u32((uint32_t)(v >> 32)).u32((uint32_t)v);
	}
	Builder &text(const std::string &s)
	{
		body.insert(body.end(), s.begin(), s.end());
		return *this;
	}
	Builder &set(unsigned id)
	{
		end();
		set_off = body.size() + 1;
		return u16(id).u16(0);
	}
	Builder &end()
	{
		if (set_off != 0) {
			size_t len = body.size() - (set_off - 1);
			body[set_off + 1] = (uint8_t)(len >> 8);
			body[set_off + 2] = (uint8_t)len;
		}
		set_off = 0;
		return *this;
	}
	Bytes message(uint32_t sequence = 0, uint32_t odid = 1)
	{
		Builder m;

		end();
		m.u16(10).u16(16 + (unsigned)body.size()).u32(1767225600).u32(sequence).u32(odid);
		m.body.insert(m.body.end(), body.begin(), body.end());
		return m.body;
	}
};

static std::string fault_of(const Bytes &m)
{
	Decoder d;

	return d.message(m) == 0 ? "" : d.err.msg;
}

TEST(IpfixDecode, FixedVariableEnterpriseAndUnknownFields)
{
	Decoder d;
	Bytes m = Builder()
			  .set(2)
			  .u16(256)
			  .u16(7)
			  .u16(8)
			  .u16(4)
			  .u16(82)
			  .u16(65535)
			  .u16(0x8001)
			  .u16(8)
			  .u32(29305)
			  .u16(0x8000 | 1234)
			  .u16(3)
			  .u32(9)
			  .u16(1)
			  .u16(3) // reduced-size
			  .u16(276)
			  .u16(1)
			  .u16(56)
			  .u16(6)
			  .set(256)
			  .u32(0xc0000201)
			  .u8(5)
			  .text("eth\"0")
			  .u64(77)
			  .text("\x01\x02\x03")
			  .u8(1)
			  .u16(0x0203)
			  .u8(1)
			  .u16(0x0a0b)
			  .u32(0x0c0d0e0f)
			  .message();

	ASSERT_EQ(0, d.message(m)) << d.err.msg;
	ASSERT_EQ(1u, d.records.size());
	EXPECT_EQ("{\"sourceIPv4Address\":\"192.0.2.1\",\"interfaceName\":\"eth\\\"0\",\"reverseOctetDeltaCount\":77,"
		  "\"e9id1234\":\"010203\",\"octetDeltaCount\":66051,\"dataRecordsReliability\":true,"
		  "\"sourceMacAddress\":\"0a:0b:0c:0d:0e:0f\"}",
		  d.records[0].json);
}

TEST(IpfixDecode, VariableLengths)
{
	for (unsigned len : { 0, 1, 254, 255, 300, 60000 }) {
		for (bool three : { false, true }) { // three octets are allowed for short values too
			Decoder d;
			Builder b;

			if (!three && len >= 255)
				continue;
			b.set(2).u16(300).u16(2).u16(82).u16(65535).u16(4).u16(1).set(300);
			three ? b.u8(255).u16(len) : b.u8(len);
			b.text(std::string(len, 'y')).u8(17);
			ASSERT_EQ(0, d.message(b.message())) << d.err.msg;
			ASSERT_EQ(1u, d.records.size());
			EXPECT_EQ(Bytes(len, 'y'), d.records[0].values["interfaceName"]);
			EXPECT_EQ(17u, d.records[0].number("protocolIdentifier"));
		}
	}
}

TEST(IpfixDecode, TemplatesBelongToTheirDomain)
{
	Decoder d;

	ASSERT_EQ(0, d.message(Builder().set(2).u16(256).u16(1).u16(4).u16(1).message(0, 1)));
	ASSERT_EQ(0, d.message(Builder().set(2).u16(256).u16(1).u16(7).u16(2).message(0, 2)));
	ASSERT_EQ(0, d.message(Builder().set(256).u8(6).message(0, 1)));
	ASSERT_EQ(0, d.message(Builder().set(256).u16(443).message(0, 2)));
	ASSERT_EQ(0, d.message(Builder().set(256).u16(443).message(0, 3)));
	ASSERT_EQ(2u, d.records.size());
	EXPECT_EQ("{\"protocolIdentifier\":6}", d.records[0].json);
	EXPECT_EQ("{\"sourceTransportPort\":443}", d.records[1].json);
	EXPECT_EQ(1u, d.stats().skipped_sets);
}

TEST(IpfixDecode, RedefinitionAndWithdrawal)
{
	Decoder d;
	auto use = [&d](uint16_t id) {
		size_t before = d.records.size();
		EXPECT_EQ(0, d.message(Builder().set(id).u8(6).u8(7).message())) << d.err.msg;
		return d.records.size() - before;
	};

	ASSERT_EQ(0, d.message(Builder().set(2).u16(256).u16(1).u16(4).u16(1).u16(257).u16(1).u16(4).u16(2).message()));
	EXPECT_EQ(2u, use(256));
	ASSERT_EQ(0, d.message(Builder().set(2).u16(256).u16(1).u16(4).u16(2).message()));
	EXPECT_EQ(1u, use(256));
	ASSERT_EQ(0, d.message(Builder().set(2).u16(256).u16(0).message()));
	EXPECT_EQ(0u, use(256));
	EXPECT_EQ(1u, use(257));
	ASSERT_EQ(0, d.message(Builder().set(3).u16(258).u16(2).u16(1).u16(149).u16(1).u16(34).u16(1).message()));
	EXPECT_EQ(1u, use(258));
	ASSERT_EQ(0, d.message(Builder().set(2).u16(2).u16(0).message())) << "all data templates";
	EXPECT_EQ(0u, use(257));
	EXPECT_EQ(1u, use(258)) << "options templates stay";
	ASSERT_EQ(0, d.message(Builder().set(3).u16(3).u16(0).message()));
	EXPECT_EQ(0u, use(258));
	EXPECT_EQ(3u, d.stats().withdrawals);
	ASSERT_EQ(0, d.message(Builder().set(2).u16(999).u16(0).message())) << "of an unknown one: nothing";
}

TEST(IpfixDecode, OptionsHaveScopes)
{
	Decoder d;

	ASSERT_EQ(0, d.message(Builder()
				       .set(3)
				       .u16(320)
				       .u16(2)
				       .u16(1)
				       .u16(149)
				       .u16(4)
				       .u16(34)
				       .u16(4)
				       .u16(0) // padding
				       .set(320)
				       .u32(7)
				       .u32(100)
				       .message()));
	ASSERT_EQ(1u, d.records.size());
	EXPECT_EQ(1u, d.records[0].scopes);
	EXPECT_EQ(100u, d.records[0].number("samplingInterval"));
	EXPECT_EQ(1u, d.stats().options_records);
}

TEST(IpfixDecode, PaddingIsNoRecord)
{
	for (unsigned pad = 0; pad < 5; pad++) {
		Decoder d;
		Builder b;

		b.set(2).u16(256).u16(1).u16(8).u16(4).set(256).u32(1).u32(2);
		for (unsigned i = 0; i < pad; i++)
			b.u8(0);
		ASSERT_EQ(0, d.message(b.message()));
		EXPECT_EQ(pad < 4 ? 2u : 3u, d.records.size()) << "four octets would be an address";
	}
}

TEST(IpfixDecode, SequenceGapsAreReported)
{
	Decoder d;
	auto records = [](unsigned n) {
		Builder b;
		b.set(2).u16(256).u16(1).u16(4).u16(1).set(256);
		for (unsigned i = 0; i < n; i++)
			b.u8(i);
		return b;
	};

	ASSERT_EQ(0, d.message(records(3).message(0xfffffffe)));
	ASSERT_EQ(0, d.message(records(2).message(1)));
	EXPECT_EQ(0u, d.gaps.size()) << "over the wrap";
	ASSERT_EQ(0, d.message(records(2).message(10)));
	ASSERT_EQ(1u, d.gaps.size());
	EXPECT_EQ(3u, d.gaps[0].expected);
	EXPECT_EQ(10u, d.gaps[0].got);
	ASSERT_EQ(0, d.message(records(2).message(5))) << "a late one";
	EXPECT_EQ(2u, d.stats().gaps);
	EXPECT_EQ(7u, d.stats().missing_records);
	// records that can't be counted give no false alarm
	ASSERT_EQ(0, d.message(Builder().set(999).u32(0).message(7)));
	ASSERT_EQ(0, d.message(records(1).message(50)));
	EXPECT_EQ(2u, d.gaps.size());
}

TEST(IpfixDecode, FaultsHaveOffsetAndReason)
{
	Builder t;

	t.set(2).u16(256).u16(2).u16(8).u16(4).u16(82).u16(65535);
	Bytes good = Builder(t).message();
	EXPECT_EQ("", fault_of(good));
	EXPECT_EQ("offset 0: message of 0 octets in 0", fault_of({}));
	EXPECT_EQ("offset 0: version 9 isn't 10: not an IPFIX message", fault_of({ 0, 9, 0, 16 }));
	EXPECT_EQ("offset 2: message length 15 is below its header's", fault_of({ 0, 10, 0, 15 }));
	Bytes cut(good.begin(), good.end() - 1);
	EXPECT_EQ("offset 0: message of 32 octets in 31", fault_of(cut));
	EXPECT_EQ("offset 16: set header goes past the end of the message", fault_of(Builder().u16(2).message()));
	EXPECT_EQ("offset 16: set length below 4 or past the end of the message",
		  fault_of(Builder().u16(2).u16(3).message()));
	EXPECT_EQ("offset 16: set length below 4 or past the end of the message",
		  fault_of(Builder().u16(2).u16(5).message()));
	EXPECT_EQ("offset 20: template id below 256", fault_of(Builder().set(2).u16(255).u16(1).message()));
	EXPECT_EQ("offset 28: template goes past the end of its set",
		  fault_of(Builder().set(2).u16(256).u16(2).u16(8).u16(4).u16(0x8001).u16(4).message()));
	EXPECT_EQ("offset 24: field of length 0", fault_of(Builder().set(2).u16(256).u16(1).u16(8).u16(0).message()));
	EXPECT_EQ("offset 20: template with more than 1024 fields",
		  fault_of(Builder().set(2).u16(256).u16(1025).message()));
	EXPECT_EQ("offset 20: options template whose scope count is 0 or beyond its fields",
		  fault_of(Builder().set(3).u16(256).u16(1).u16(0).u16(8).u16(4).message()));
	EXPECT_EQ("offset 20: options template whose scope count is 0 or beyond its fields",
		  fault_of(Builder().set(3).u16(256).u16(1).u16(2).u16(8).u16(4).message()));
	EXPECT_EQ("offset 36: record goes past the end of its set",
		  fault_of(Builder(t).set(256).u32(1).u8(9).text("too few").message()));
	EXPECT_EQ("", fault_of(Builder().set(4).u32(0).message())) << "reserved sets are skipped";
}

TEST(IpfixDecode, EveryTruncationIsAnErrorOrShorter)
{
	Builder b;

	b.set(2).u16(256).u16(3).u16(8).u16(4).u16(82).u16(65535).u16(0x8001).u16(2).u32(29305);
	b.set(256).u32(1).u8(3).text("abc").u16(9).u32(2).u8(255).u16(2).text("de").u16(8);
	Bytes whole = b.message();
	for (size_t n = 16; n <= whole.size(); n++) {
		Bytes m(whole.begin(), whole.begin() + (long)n);
		Decoder d;

		m[2] = (uint8_t)(n >> 8);
		m[3] = (uint8_t)n;
		d.message(m);
		EXPECT_EQ(n == whole.size() ? 2u : 0u, d.records.size()) << n;
	}
}

TEST(IpfixDecode, TemplatesAreLimited)
{
	Decoder d;

	for (unsigned i = 0; i < MR_IPFIX_DECODE_TEMPLATES_MAX; i++)
		ASSERT_EQ(0, d.message(Builder().set(2).u16(256 + i).u16(1).u16(4).u16(1).message()));
	EXPECT_NE(0, d.message(Builder().set(2).u16(60000).u16(1).u16(4).u16(1).message()));
	EXPECT_STREQ("offset 20: more than 4096 templates", d.err.msg);

	Decoder wide;
	int rc = 0;
	unsigned i = 0;
	for (; i < 1000 && rc == 0; i++) {
		Builder b;
		b.set(2).u16(256 + i).u16(1024);
		for (int k = 0; k < 1024; k++)
			b.u16(4).u16(1);
		rc = wide.message(b.message());
	}
	EXPECT_EQ(257u, i);
	EXPECT_STREQ("offset 20: templates with more than 262144 fields together", wide.err.msg);

	Decoder domains;
	for (unsigned k = 0; k < MR_IPFIX_DECODE_DOMAINS_MAX; k++)
		ASSERT_EQ(0, domains.message(Builder().message(0, k)));
	EXPECT_NE(0, domains.message(Builder().message(0, 5000)));
}

TEST(IpfixDecode, RepeatedElementsGetNumbers)
{
	Decoder d;

	Builder b;

	b.set(2).u16(256).u16(3).u16(4).u16(1).u16(4).u16(1).u16(4).u16(1);
	ASSERT_EQ(0, d.message(b.set(256).u8(1).u8(2).u8(3).message()));
	EXPECT_EQ("{\"protocolIdentifier\":1,\"protocolIdentifier_2\":2,\"protocolIdentifier_3\":3}", d.records[0].json);
}

TEST(IpfixValue, IntegersOfEverySize)
{
	const uint8_t data[] = { 0xff, 0xfe, 0xfd, 0xfc, 0xfb, 0xfa, 0xf9, 0xf8, 0xf7 };
	uint64_t u;
	int64_t s;

	EXPECT_TRUE(mr_ipfix_value_u64(MR_IPFIX_T_U64, data, 8, &u));
	EXPECT_EQ(0xfffefdfcfbfaf9f8u, u);
	EXPECT_TRUE(mr_ipfix_value_u64(MR_IPFIX_T_U32, data, 3, &u));
	EXPECT_EQ(0xfffefdu, u);
	EXPECT_FALSE(mr_ipfix_value_u64(MR_IPFIX_T_U64, data, 9, &u));
	EXPECT_FALSE(mr_ipfix_value_u64(MR_IPFIX_T_U8, data, 2, &u));
	EXPECT_FALSE(mr_ipfix_value_u64(MR_IPFIX_T_U8, data, 0, &u));
	EXPECT_FALSE(mr_ipfix_value_u64(MR_IPFIX_T_STRING, data, 1, &u));
	EXPECT_TRUE(mr_ipfix_value_s64(MR_IPFIX_T_S64, data, 1, &s));
	EXPECT_EQ(-1, s);
	EXPECT_TRUE(mr_ipfix_value_s64(MR_IPFIX_T_S32, data, 2, &s));
	EXPECT_EQ(-2, s);
	EXPECT_TRUE(mr_ipfix_value_s64(MR_IPFIX_T_S64, data, 8, &s));
	EXPECT_EQ((int64_t)0xfffefdfcfbfaf9f8u, s);
	EXPECT_FALSE(mr_ipfix_value_s64(MR_IPFIX_T_S16, data, 3, &s));
}

TEST(IpfixValue, Floats)
{
	const uint8_t f32[] = { 0x3f, 0xc0, 0, 0 }, f64[] = { 0xc0, 0x04, 0, 0, 0, 0, 0, 0 };
	double v;

	EXPECT_TRUE(mr_ipfix_value_f64(MR_IPFIX_T_F32, f32, 4, &v));
	EXPECT_EQ(1.5, v);
	EXPECT_TRUE(mr_ipfix_value_f64(MR_IPFIX_T_F64, f32, 4, &v)) << "reduced-size";
	EXPECT_EQ(1.5, v);
	EXPECT_TRUE(mr_ipfix_value_f64(MR_IPFIX_T_F64, f64, 8, &v));
	EXPECT_EQ(-2.5, v);
	EXPECT_FALSE(mr_ipfix_value_f64(MR_IPFIX_T_F32, f64, 8, &v));
}

static std::string json(enum mr_ipfix_type type, const Bytes &data, uint8_t semantics = MR_IPFIX_S_DEFAULT)
{
	const struct mr_ipfix_ie ie = { "x", (uint8_t)type, semantics, 0 };
	uint8_t room[1024];
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, sizeof(room));
	mr_ipfix_value_json(&w, &ie, data.data(), (uint16_t)data.size());
	return std::string((char *)room, w.len);
}

TEST(IpfixValue, TextOfEveryType)
{
	EXPECT_EQ("-128", json(MR_IPFIX_T_S64, { 0x80 }));
	EXPECT_EQ("-9223372036854775808", json(MR_IPFIX_T_S64, { 0x80, 0, 0, 0, 0, 0, 0, 0 }));
	EXPECT_EQ("18446744073709551615", json(MR_IPFIX_T_U64, Bytes(8, 0xff)));
	EXPECT_EQ("\"18446744073709551615\"", json(MR_IPFIX_T_U64, Bytes(8, 0xff), MR_IPFIX_S_ID));
	EXPECT_EQ("80", json(MR_IPFIX_T_U16, { 80 }, MR_IPFIX_S_ID));
	EXPECT_EQ("1.5", json(MR_IPFIX_T_F32, { 0x3f, 0xc0, 0, 0 }));
	EXPECT_EQ("null", json(MR_IPFIX_T_F32, { 0x7f, 0x80, 0, 0 })) << "infinity";
	EXPECT_EQ("true", json(MR_IPFIX_T_BOOL, { 1 }));
	EXPECT_EQ("false", json(MR_IPFIX_T_BOOL, { 2 }));
	EXPECT_EQ("\"03\"", json(MR_IPFIX_T_BOOL, { 3 }));
	EXPECT_EQ("\"2001:db8::1\"", json(MR_IPFIX_T_IPV6, { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }));
	EXPECT_EQ("\"c00002\"", json(MR_IPFIX_T_IPV4, { 0xc0, 0, 2 })) << "three octets are no address";
	EXPECT_EQ("\"0a0b\"", json(MR_IPFIX_T_MAC, { 10, 11 }));
	EXPECT_EQ("\"\"", json(MR_IPFIX_T_OCTETS, {}));
	EXPECT_EQ("\"00ff\"", json(MR_IPFIX_T_BASIC_LIST, { 0, 255 }));
	EXPECT_EQ("\"2026-01-01T00:00:00.000000000Z\"", json(MR_IPFIX_T_SECONDS, { 0x69, 0x55, 0xb9, 0 }));
	EXPECT_EQ("\"1970-01-01T00:00:01.005000000Z\"", json(MR_IPFIX_T_MS, { 0, 0, 0, 0, 0, 0, 3, 0xed }));
	EXPECT_EQ("\"2036-02-07T06:28:16.500000000Z\"", json(MR_IPFIX_T_NS, { 0, 0, 0, 0, 0x80, 0, 0, 0 }));
	EXPECT_EQ("\"ffffffffffffffff\"", json(MR_IPFIX_T_MS, Bytes(8, 0xff))) << "beyond 64 bits of ns";
}

TEST(IpfixValue, StringsAreValidJsonWhateverTheySay)
{
	auto text = [](const std::string &s) { return json(MR_IPFIX_T_STRING, Bytes(s.begin(), s.end())); };

	EXPECT_EQ("\"eth0\"", text(std::string("eth0\0\0\0", 7)));
	EXPECT_EQ("\"a\\u0000b\"", text(std::string("a\0b", 3)));
	EXPECT_EQ("\"\\\"\\\\\\u000a\\u007f\"", text("\"\\\n\x7f"));
	EXPECT_EQ("\"\u00e9\u20ac\U0001f600\"", text("\u00e9\u20ac\U0001f600"));
	EXPECT_EQ("\"\\ufffd\"", text("\xff"));
	EXPECT_EQ("\"\\ufffd\"", text("\xc3")) << "cut off";
	EXPECT_EQ("\"\\ufffdA\"", text("\xc3""A"));
	EXPECT_EQ("\"\\ufffd\\ufffd\"", text("\xc0\xaf")) << "overlong";
	EXPECT_EQ("\"\\ufffd\\ufffd\\ufffd\"", text("\xe0\x80\xaf")) << "overlong";
	EXPECT_EQ("\"\\ufffd\\ufffd\\ufffd\"", text("\xed\xa0\x80")) << "surrogate";
	EXPECT_EQ("\"\\ufffd\\ufffd\\ufffd\\ufffd\"", text("\xf4\x90\x80\x80")) << "beyond U+10FFFF";
	EXPECT_EQ("\"\\ufffd\"", text("\xf5"));
}
