// SPDX-License-Identifier: Apache-2.0
// Elements, templates of the profiles, and records encoded and decoded again.
#include <gtest/gtest.h>

#include <set>

#include "ipfix/mr_ipfix_encode.h"
#include "ipfix/mr_ipfix_layout.h"
#include "ipfix_util.h"

using Fields = std::vector<std::pair<uint32_t, uint16_t>>; // enterprise, id

static const uint32_t R = MR_IPFIX_PEN_REVERSE;

static Fields cat(std::initializer_list<Fields> blocks)
{
	Fields out;

	for (const Fields &b : blocks)
		out.insert(out.end(), b.begin(), b.end());
	return out;
}

static const Fields heads[] = { { { 0, 8 }, { 0, 12 }, { 0, 7 }, { 0, 11 } },
				{ { 0, 27 }, { 0, 28 }, { 0, 7 }, { 0, 11 } },
				{ { 0, 8 }, { 0, 12 }, { 0, 32 } },
				{ { 0, 27 }, { 0, 28 }, { 0, 139 } } };
static const Fields K = { { 0, 4 }, { 0, 5 } };
static const Fields REV = { { R, 1 }, { R, 2 }, { R, 6 }, { R, 152 }, { R, 153 } };
static const Fields FWD = { { 0, 6 },  { 0, 152 }, { 0, 153 }, { 0, 1 },  { 0, 2 },
			    { 0, 10 }, { 0, 14 },  { 0, 58 },  { 0, 136 } };

static Fields fields_of(const struct mr_ipfix_layout &l)
{
	Fields out;

	for (unsigned i = 0; i < l.n; i++)
		out.push_back({ l.field[i].pen, l.field[i].id });
	return out;
}

TEST(IpfixElement, NamesOfIanaReversePrivateAndUnknownOnes)
{
	char name[MR_IPFIX_NAME_MAX];

	EXPECT_STREQ("octetDeltaCount", mr_ipfix_ie_name(0, 1, name));
	EXPECT_STREQ("reverseOctetDeltaCount", mr_ipfix_ie_name(R, 1, name));
	EXPECT_STREQ("bgpDestinationLargeCommunityList", mr_ipfix_ie_name(0, 491, name));
	EXPECT_STREQ("tls_sni", mr_ipfix_ie_name(MR_PEN, 16, name));
	EXPECT_STREQ("clientRttMicroseconds", mr_ipfix_ie_name(MR_PEN, 1, name));
	EXPECT_STREQ("e0id492", mr_ipfix_ie_name(0, 492, name));
	EXPECT_STREQ("e9id65535", mr_ipfix_ie_name(9, 65535, name));
	EXPECT_STREQ(("e" + std::to_string(MR_PEN) + "id99").c_str(), mr_ipfix_ie_name(MR_PEN, 99, name));
	EXPECT_EQ(nullptr, mr_ipfix_ie_find(0, 0));
	EXPECT_EQ(nullptr, mr_ipfix_ie_find(R, 32767));
	EXPECT_EQ(MR_IPFIX_T_MS, mr_ipfix_ie_find(R, 152)->type);
}

TEST(IpfixElement, NamesAreUniqueAndTypesKnown)
{
	std::set<std::string> names;

	for (unsigned id = 0; id <= MR_IPFIX_IANA_MAX; id++) {
		const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(0, (uint16_t)id);

		if (ie == nullptr)
			continue;
		EXPECT_TRUE(names.insert(ie->name).second) << ie->name;
		EXPECT_LT(ie->type, MR_IPFIX_T_MAX) << ie->name;
		EXPECT_LT(ie->semantics, MR_IPFIX_S_MAX) << ie->name;
		EXPECT_LT(ie->units, MR_IPFIX_UNIT_MAX) << ie->name;
		EXPECT_TRUE(isalpha((unsigned char)ie->name[0])) << ie->name; // reverseName capitalises it
	}
	EXPECT_GT(names.size(), 450u);
}

TEST(IpfixTemplate, CompatAndBiflowAreTheDocumentedLists)
{
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];

	ASSERT_EQ(4u, mr_ipfix_layouts_make(MR_IPFIX_COMPAT, 0, l));
	for (unsigned h = 0; h < 4; h++) {
		EXPECT_EQ(256 + h, l[h].id);
		EXPECT_EQ(cat({ heads[h], K, FWD }), fields_of(l[h]));
	}
	EXPECT_EQ(58, l[0].len);
	EXPECT_EQ(82, l[1].len);
	ASSERT_EQ(8u, mr_ipfix_layouts_make(MR_IPFIX_BIFLOW, 2, l));
	for (unsigned h = 0; h < 4; h++) {
		EXPECT_EQ(1280 + h, l[h].id);
		EXPECT_EQ(cat({ heads[h], K, FWD }), fields_of(l[h]))
			<< "a side unseen: the uniflow template";
		EXPECT_EQ(1284 + h, l[4 + h].id);
		EXPECT_EQ(cat({ heads[h], K, REV, FWD, { { 0, 239 } } }), fields_of(l[4 + h]));
	}
}

TEST(IpfixTemplate, FullHasEverythingOfBiflowAndItsOwnIds)
{
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];

	ASSERT_EQ(8u, mr_ipfix_layouts_make(MR_IPFIX_FULL, 63, l));
	for (unsigned h = 0; h < 4; h++) {
		Fields uni = fields_of(l[h]), bi = fields_of(l[4 + h]), want = cat({ heads[h], K, REV, FWD });

		EXPECT_EQ(256 + 512 * 63 + 12 + h, l[h].id);
		EXPECT_EQ(256 + 512 * 63 + 8 + h, l[4 + h].id);
		for (auto f : want)
			EXPECT_NE(bi.end(), std::find(bi.begin(), bi.end(), f)) << f.second;
		for (auto f : bi)
			EXPECT_EQ(f.first == 0, std::find(uni.begin(), uni.end(), f) != uni.end())
				<< f.second;
	}
}

// Collectors that take a reverse element for its forward twin keep the last value: that must be the forward
// one.
TEST(IpfixTemplate, ReverseElementsStandBeforeTheirForwardTwins)
{
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];

	for (int p = 0; p < MR_IPFIX_PROFILE_MAX; p++) {
		unsigned n = mr_ipfix_layouts_make((enum mr_ipfix_profile)p, 0, l);

		for (unsigned i = 0; i < n; i++) {
			std::set<std::pair<uint32_t, uint16_t>> seen;

			EXPECT_LE(l[i].len, 400);
			for (auto f : fields_of(l[i])) {
				EXPECT_TRUE(seen.insert(f).second) << "twice: " << f.second;
				EXPECT_FALSE(f.first == R && seen.count({ 0, f.second }) != 0) << f.second;
			}
		}
	}
}

TEST(IpfixTemplate, FieldsHaveLengthsThatTheirTypesAllow)
{
	static const uint16_t sizes[MR_IPFIX_T_MAX] = { 0xffff, 1, 2, 4, 8, 1, 2, 4,  8, 4, 8, 1,
							6,	0, 4, 8, 8, 8, 4, 16, 0, 0, 0 };
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];
	unsigned n = mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, l);

	for (unsigned i = 0; i < n; i++) {
		for (unsigned k = 0; k < l[i].n; k++) {
			const struct mr_ipfix_field *f = &l[i].field[k];
			const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(f->pen, f->id);
			bool integer = ie->type >= MR_IPFIX_T_U8 && ie->type <= MR_IPFIX_T_S64;

			if (integer) {
				EXPECT_LE(f->len, sizes[ie->type]) << ie->name;
			} else if (ie->type != MR_IPFIX_T_OCTETS) {
				EXPECT_EQ(f->len, sizes[ie->type]) << ie->name;
			}
		}
	}
}

TEST(IpfixTemplate, FlowKeysAreTheFiveTuple)
{
	struct mr_ipfix_layout l[MR_IPFIX_LAYOUTS_MAX];

	mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, l);
	EXPECT_EQ(0x1fu, l[0].keys);
	EXPECT_EQ(0x0bu, l[2].keys) << "ICMP: addresses and protocol, the type is none";
	EXPECT_EQ(0x2fu, l[4].keys) << "the reverse class of service stands before the protocol";
}

// What each element must say, written down here once more, without the encoder's tables.
static uint64_t expected(const struct mr_flow_rec &r, int fwd, const std::string &name)
{
	int rev = 1 - fwd;
	auto ntp = [](uint64_t ns) {
		long double f = (long double)(ns % MR_NS_PER_S) * 4294967296.0L / 1e9L;
		return (ns / MR_NS_PER_S + 2208988800ull) << 32 | (uint64_t)ceill(f);
	};
	const std::map<std::string, uint64_t> want = {
		{ "octetDeltaCount", r.octets[fwd] },
		{ "reverseOctetDeltaCount", r.octets[rev] },
		{ "packetDeltaCount", r.packets[fwd] },
		{ "reversePacketDeltaCount", r.packets[rev] },
		{ "layer2OctetDeltaCount", r.layer2_octets[fwd] },
		{ "reverseLayer2OctetDeltaCount", r.layer2_octets[rev] },
		{ "protocolIdentifier", r.proto },
		{ "ipClassOfService", r.tos[fwd] },
		{ "reverseIpClassOfService", r.tos[rev] },
		{ "tcpControlBits", r.tcp_flags[fwd] },
		{ "reverseTcpControlBits", r.tcp_flags[rev] },
		{ "sourceTransportPort", r.port[fwd] },
		{ "destinationTransportPort", r.port[rev] },
		{ "ingressInterface", fwd == 0 ? r.ingress : r.egress },
		{ "egressInterface", fwd == 0 ? r.egress : r.ingress },
		{ "minimumIpTotalLength", r.min_len[fwd] },
		{ "reverseMinimumIpTotalLength", r.min_len[rev] },
		{ "maximumIpTotalLength", r.max_len[fwd] },
		{ "reverseMaximumIpTotalLength", r.max_len[rev] },
		{ "minimumTTL", r.min_ttl[fwd] },
		{ "reverseMinimumTTL", r.min_ttl[rev] },
		{ "maximumTTL", r.max_ttl[fwd] },
		{ "reverseMaximumTTL", r.max_ttl[rev] },
		{ "vlanId", r.vlan == 0xfff ? 0 : r.vlan },
		{ "dot1qVlanId", r.vlan == 0xfff ? 0 : r.vlan },
		{ "dot1qCustomerVlanId", r.inner_vlan == 0xfff ? 0 : r.inner_vlan },
		{ "ipVersion", r.family },
		{ "mplsTopLabelStackSection", r.mpls_label },
		{ "flowEndReason", r.end_reason },
		{ "observationPointId", 42 },
		{ "icmpTypeCodeIPv4", fwd == 0 ? r.icmp : mr_ipfix_icmp_answer(4, r.icmp) },
		{ "icmpTypeCodeIPv6", fwd == 0 ? r.icmp : mr_ipfix_icmp_answer(6, r.icmp) },
		{ "flowId", r.flow_id },
		{ "flowStartMilliseconds", r.start_ns[fwd] / 1000000 },
		{ "reverseFlowStartMilliseconds", r.start_ns[rev] / 1000000 },
		{ "flowEndMilliseconds", r.end_ns[fwd] / 1000000 },
		{ "reverseFlowEndMilliseconds", r.end_ns[rev] / 1000000 },
		{ "flowStartNanoseconds", ntp(r.start_ns[fwd]) },
		{ "reverseFlowStartNanoseconds", ntp(r.start_ns[rev]) },
		{ "flowEndNanoseconds", ntp(r.end_ns[fwd]) },
		{ "reverseFlowEndNanoseconds", ntp(r.end_ns[rev]) },
		{ "tcpWindowSize", fwd == 0 ? r.tcp_window : 0 },
		{ "fragmentFlags", r.frag_flags },
		{ "tcpOptions", r.tcp_options },
		{ "biflowDirection", fwd == 1 && r.direction == 1 ? 2 : r.direction },
	};
	return want.at(name);
}

static bool octets_expected(const struct mr_flow_rec &r, int fwd, const std::string &name, Bytes *ret)
{
	int rev = 1 - fwd;
	const std::map<std::string, std::pair<const uint8_t *, size_t>> want = {
		{ "sourceIPv4Address", { r.addr[fwd], 4 } },
		{ "destinationIPv4Address", { r.addr[rev], 4 } },
		{ "sourceIPv6Address", { r.addr[fwd], 16 } },
		{ "destinationIPv6Address", { r.addr[rev], 16 } },
		{ "sourceMacAddress", { r.mac[fwd], 6 } },
		{ "destinationMacAddress", { r.mac[rev], 6 } },
	};
	auto it = want.find(name);

	if (it == want.end())
		return false;
	ret->assign(it->second.first, it->second.first + it->second.second);
	return true;
}

static void record_check(const Record &got, const struct mr_flow_rec &r, int fwd)
{
	for (const std::string &name : got.order) {
		Bytes octets;

		if (octets_expected(r, fwd, name, &octets)) {
			EXPECT_EQ(octets, got.values.at(name)) << name;
		} else {
			EXPECT_EQ(expected(r, fwd, name), got.number(name)) << name;
		}
	}
}

// Template and records of one exporter over a fake collector, compared field by field.
TEST(IpfixRoundTrip, RandomRecordsInEveryProfile)
{
	for (int p = 0; p < MR_IPFIX_PROFILE_MAX; p++) {
		std::map<uint64_t, std::vector<Record>>
			by_time; // by the end of the flow, to find the records again
		std::vector<struct mr_flow_rec> recs;
		Random random(20 + (unsigned)p);
		Exporter e;
		Decoder d;

		e.collectors = { collector("c", MR_IPFIX_UDP, (enum mr_ipfix_profile)p) };
		ASSERT_EQ(0, e.open()) << e.err.msg;
		for (unsigned i = 0; i < 700; i++) {
			struct mr_flow_rec r = random.rec();

			r.end_ns[0] = r.packets[0] != 0 ? T0 + (2 * i + 1) * MR_NS_PER_S : 0;
			r.end_ns[1] = r.packets[1] != 0 ? T0 + (2 * i + 2) * MR_NS_PER_S : 0;
			recs.push_back(r);
			e.put(r);
		}
		e.flush();
		for (const Bytes &m : fakes["c"].taken)
			ASSERT_EQ(0, d.message(m)) << d.err.msg;
		EXPECT_EQ(0u, d.gaps.size());
		for (const Record &r : d.flows())
			by_time[(r.number("flowEndMilliseconds") - T0 / 1000000) / 1000].push_back(r);
		for (unsigned i = 0; i < recs.size(); i++) {
			const struct mr_flow_rec &r = recs[i];
			bool both = r.packets[0] != 0 && r.packets[1] != 0;

			ASSERT_EQ(r.packets[0] != 0 ? 1u : 0u, by_time[2 * i + 1].size());
			if (r.packets[0] != 0)
				record_check(by_time[2 * i + 1][0], r, 0);
			ASSERT_EQ(!both || p == MR_IPFIX_COMPAT ? (r.packets[1] != 0 ? 1u : 0u) : 0u,
				  by_time[2 * i + 2].size());
			if (!by_time[2 * i + 2].empty())
				record_check(by_time[2 * i + 2][0], r, 1);
			if (r.packets[0] != 0) {
				EXPECT_EQ(both && p != MR_IPFIX_COMPAT,
					  by_time[2 * i + 1][0].has("reversePacketDeltaCount"));
			}
		}
	}
}

TEST(IpfixEncode, NtpTimesKeepEveryNanosecondAcrossTheEra)
{
	const uint64_t era_s = (1ull << 32) - 2208988800ull; // 2036-02-07T06:28:16
	Random random(1);

	for (uint64_t s :
	     { 0ull, 1ull, 951782400ull /* 2000-02-29 */, 1709164800ull, 1767225600ull,
	       (unsigned long long)era_s - 1, (unsigned long long)era_s, 4294967295ull /* 2106 */ })
		for (uint64_t ns : { 0ull, 1ull, 2ull, 499999999ull, 500000000ull, 999999998ull, 999999999ull,
				     (unsigned long long)random(1000000000) })
			EXPECT_EQ(s * MR_NS_PER_S + ns,
				  mr_ipfix_ntp_to_ns(mr_ipfix_ntp(s * MR_NS_PER_S + ns)))
				<< s;
	for (int i = 0; i < 100000; i++) {
		uint64_t t = random(4200000000ull * MR_NS_PER_S);
		ASSERT_EQ(t, mr_ipfix_ntp_to_ns(mr_ipfix_ntp(t)));
	}
	EXPECT_EQ(0u, mr_ipfix_ntp(era_s * MR_NS_PER_S));
	EXPECT_EQ(2208988800ull << 32, mr_ipfix_ntp(0));
}

TEST(IpfixEncode, IcmpAnswersBelongToTheirRequests)
{
	EXPECT_EQ(0x0000, mr_ipfix_icmp_answer(4, 0x0800));
	EXPECT_EQ(0x0800, mr_ipfix_icmp_answer(4, 0x0000));
	EXPECT_EQ(0x8100, mr_ipfix_icmp_answer(6, 0x8000));
	EXPECT_EQ(0x8700, mr_ipfix_icmp_answer(6, 0x8800));
	EXPECT_EQ(0x0301, mr_ipfix_icmp_answer(4, 0x0301)) << "an error has no answer";
	EXPECT_EQ(0x8000, mr_ipfix_icmp_answer(4, 0x8000)) << "an ICMPv6 type in IPv4";
}

TEST(IpfixEncode, VariableLengthHasOneOrThreeOctets)
{
	for (size_t len : { 0, 1, 254, 255, 300, 65000 }) {
		Bytes value(len, 'x'), room(len + 8);
		struct mr_wbuf w;

		mr_wbuf_init(&w, room.data(), room.size());
		mr_ipfix_put_varlen(&w, value.data(), (uint16_t)len);
		EXPECT_EQ(len + (len < 255 ? 1 : 3), w.len);
		EXPECT_EQ(len < 255 ? len : 255u, room[0]);
		if (len >= 255) {
			EXPECT_EQ(len, u16_at(room, 1));
		}
		mr_wbuf_init(&w, room.data(), len);
		mr_ipfix_put_varlen(&w, value.data(), (uint16_t)len);
		EXPECT_TRUE(w.overflow);
	}
}
