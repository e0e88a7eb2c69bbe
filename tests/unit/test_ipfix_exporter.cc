// SPDX-License-Identifier: Apache-2.0
// Messages, sequence numbers, templates in time, options records, several collectors, and the account of it
// all.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <set>
#include <thread>

#include <csignal>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipfix/mr_ipfix_control.h"
#include "ipfix/mr_ipfix_session.h"
#include "ipfix_util.h"
#include "l7/mr_l7.h"

static const uint64_t S = MR_NS_PER_S;

static void decode(Decoder &d, const std::vector<Bytes> &messages)
{
	for (const Bytes &m : messages)
		ASSERT_EQ(0, d.message(m)) << d.err.msg;
}

static bool has_set(const Bytes &m, unsigned id)
{
	for (size_t off = 16; off + 4 <= m.size(); off += u16_at(m, off + 2))
		if (u16_at(m, off) == id)
			return true;
	return false;
}

static std::string temp_dir()
{
	char name[] = "ipfix-XXXXXX"; // in the working directory, which is of the build

	return mkdtemp(name);
}

static Bytes file_read(const std::string &path)
{
	std::ifstream f(path, std::ios::binary);

	return Bytes(std::istreambuf_iterator<char>(f), {});
}

static void file_decode(Decoder &d, const Bytes &octets)
{
	for (size_t off = 0, n; off < octets.size(); off += n) {
		n = (size_t)mr_ipfix_message_len(octets.data() + off, octets.size() - off, &d.err);
		ASSERT_GE(n, 16u);
		ASSERT_LE(off + n, octets.size());
		ASSERT_EQ(0, d.message(Bytes(octets.begin() + off, octets.begin() + off + n))) << d.err.msg;
	}
}

static void expect_closed(const Exporter::Final &f, uint64_t flows, uint64_t packets)
{
	EXPECT_EQ(0u, f.totals.pending_flows);
	EXPECT_EQ(0u, f.totals.pending_packets);
	EXPECT_EQ(flows, f.totals.exported_flows + f.totals.refused_flows);
	EXPECT_EQ(packets, f.totals.exported_packets + f.totals.refused_packets);
}

TEST(IpfixMessage, FillsTheMtuExactly)
{
	for (uint16_t mtu : { 512, 513, 515, 1420, 1500, 9000 }) {
		const size_t record = 58, fits = (mtu / 4 * 4 - 20) / record;
		Random random(mtu);
		Exporter e;

		e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
		e.collectors[0].mtu = mtu;
		ASSERT_EQ(0, e.open()) << e.err.msg;
		for (size_t i = 0; i < 32 * fits + 1; i++)
			e.put(random.tcp4(false));
		size_t data = 0;
		for (const Bytes &m : fakes["c"].taken) {
			EXPECT_LE(m.size(), mtu);
			EXPECT_EQ(m.size(), u16_at(m, 2));
			EXPECT_EQ(0u, m.size() % 4);
			if (!has_set(m, 256))
				continue;
			data++;
			EXPECT_EQ((20 + fits * record + 3) / 4 * 4, m.size());
		}
		EXPECT_EQ(32u, data);
		EXPECT_EQ(32u, fakes["c"].largest_call);
	}
}

TEST(IpfixMessage, BothRecordsOfAFlowGoTogether)
{
	Random random(3);
	Exporter e;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
	e.collectors[0].mtu = 20 + 5 * 58 + 222; // 532: nine records of 58, so four flows and no ninth
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 32 * 4 + 1; i++)
		e.put(random.tcp4(true));
	for (size_t i = 0; i < fakes["c"].taken.size(); i++)
		if (has_set(fakes["c"].taken[i], 256)) {
			EXPECT_EQ(4u, fakes["c"].loads[i].flows);
			EXPECT_EQ(8u, fakes["c"].loads[i].records);
		}
}

TEST(IpfixMessage, HeaderHasDomainAndTimeOfSending)
{
	Random random(4);
	Exporter e;

	e.conf.odid = 0xfedcba98;
	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_BIFLOW) };
	ASSERT_EQ(0, e.open());
	e.put(random.rec(), T0);
	e.flush(T0 + 5 * S + 999999999);
	for (const Bytes &m : fakes["c"].taken) {
		EXPECT_EQ(10u, u16_at(m, 0));
		EXPECT_EQ(T0 / S + 5, u32_at(m, 4));
		EXPECT_EQ(0xfedcba98u, u32_at(m, 12));
	}
}

TEST(IpfixMessage, PaddingIsZeroAndNoRecord)
{
	Random random(5);
	Exporter e;
	Decoder d;
	unsigned flows = 0;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 300; i++, flows++) {
		e.put(random.rec());
		if (i % 3 == 0)
			e.flush();
	}
	e.flush();
	decode(d, fakes["c"].taken);
	EXPECT_EQ(flows, d.flows().size());
	EXPECT_EQ(0u, d.gaps.size());
	EXPECT_EQ(0u, d.stats().skipped_sets);
}

// The session's counter is put near its end; the decoder follows it over.
TEST(IpfixSequence, WrapsAndCountsOptions)
{
	struct mr_ipfix_common common = {};
	struct mr_ipfix_collector_conf conf = collector("wrap", MR_IPFIX_UDP, MR_IPFIX_FULL);
	std::vector<struct mr_ipfix_entry> entries(100000);
	std::vector<uint32_t> free_list(entries.size());
	struct mr_ipfix_session *s = nullptr;
	struct mr_err err;
	Random random(6);
	Decoder d;

	fakes.clear();
	for (uint32_t i = 0; i < free_list.size(); i++)
		free_list[i] = i;
	common.stats_interval_ns = S;
	common.ledger.entries = entries.data();
	common.ledger.free = free_list.data();
	common.ledger.n_free = (uint32_t)free_list.size();
	ASSERT_EQ(0, mr_ipfix_session_open(&conf, &common, fake_transports, &s, &err)) << err.msg;
	mr_ipfix_session_poll(s, T0);
	s->sequence = UINT32_MAX - 500;
	for (unsigned i = 0; i < 3000; i++) {
		uint32_t entry = mr_ipfix_ledger_add(&common.ledger, 1);

		mr_ipfix_session_put(s, std::vector<struct mr_flow_rec>{ random.rec() }.data(), entry, T0);
		mr_ipfix_ledger_settle(&common.ledger, entry, false);
		if (i % 100 == 0)
			mr_ipfix_session_tick(s, T0 + i / 100 * S);
	}
	mr_ipfix_session_flush(s, T0);
	EXPECT_LT(s->sequence, 10000u);
	mr_ipfix_session_close(s, 0, nullptr);
	decode(d, fakes["wrap"].taken);
	EXPECT_EQ(3000u, d.flows().size());
	EXPECT_GT(d.stats().options_records, 60u);
	EXPECT_EQ(0u, d.gaps.size());
	EXPECT_EQ(free_list.size(), common.ledger.n_free);
}

TEST(IpfixSequence, RefusedInTheMiddleIsAGapAndAtTheEndIsNone)
{
	Random random(7);
	Exporter e;
	Decoder d;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	size_t base = fakes["c"].offered;
	// of the first batch of 32 messages one in the middle and the last two are refused
	fakes["c"].takes = [base](size_t i) { return i != base + 10 && i != base + 30 && i != base + 31; };
	for (int i = 0; i < 64 * 24 + 1; i++)
		e.put(random.tcp4(false));
	decode(d, fakes["c"].taken);
	ASSERT_EQ(1u, d.gaps.size());
	EXPECT_EQ(24u, d.gaps[0].got - d.gaps[0].expected);
	EXPECT_EQ(24u, d.stats().missing_records);
	auto f = e.close(T0);
	EXPECT_EQ(3u * 24, f.stats[0].not_sent_flows);
	EXPECT_EQ(3u * 24, f.totals.refused_flows);
}

TEST(IpfixTemplates, StandBeforeAnyRecordAndOptionsInALaterMessage)
{
	for (int p = 0; p < MR_IPFIX_PROFILE_MAX; p++) {
		Random random(8);
		Exporter e;
		Decoder d;

		e.collectors = { collector("c", MR_IPFIX_UDP, (enum mr_ipfix_profile)p) };
		e.collectors[0].mtu = 512; // templates need several messages
		ASSERT_EQ(0, e.open());
		e.put(random.rec());
		e.flush();
		e.tick(T0);
		ASSERT_FALSE(fakes["c"].taken.empty());
		for (const Bytes &m : fakes["c"].taken) {
			bool templates = has_set(m, 2) || has_set(m, 3), options = false;

			for (unsigned id = 320; id <= 328; id++)
				options |= has_set(m, id);
			EXPECT_FALSE(templates && options);
			EXPECT_LE(m.size(), 512u);
		}
		decode(d, fakes["c"].taken);
		EXPECT_EQ(0u, d.stats().skipped_sets) << "data without its template";
		EXPECT_EQ(1u, d.flows().size());
	}
}

TEST(IpfixTemplates, EachOptionsTemplateHasASetOfItsOwn)
{
	Exporter e;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	std::set<unsigned> ids;
	for (const Bytes &m : fakes["c"].taken)
		for (size_t off = 16; off < m.size(); off += u16_at(m, off + 2)) {
			if (u16_at(m, off) != 3)
				continue;
			EXPECT_EQ((4u + 6 + 4u * u16_at(m, off + 6) + 3) / 4 * 4, u16_at(m, off + 2));
			ids.insert(u16_at(m, off + 4));
		}
	EXPECT_EQ((std::set<unsigned>{ 320, 321, 322, 323, 324, 325, 327, 328 }), ids);
}

static size_t template_messages(const Fake &f)
{
	size_t n = 0;

	for (const Bytes &m : f.taken)
		n += has_set(m, 2);
	return n;
}

TEST(IpfixTemplates, AreRepeatedOverUdpAlsoWhenIdle)
{
	Exporter e;

	e.collectors = { collector("udp", MR_IPFIX_UDP, MR_IPFIX_COMPAT),
			 collector("tcp", MR_IPFIX_TCP, MR_IPFIX_COMPAT) };
	fakes["tcp"].reliable = true;
	e.collectors[0].template_refresh_s = 20;
	ASSERT_EQ(0, e.open());
	for (uint64_t t = 0; t <= 1800 * S; t += S / 10)
		e.tick(T0 + t);
	EXPECT_EQ(1u + 90, template_messages(fakes["udp"]));
	EXPECT_EQ(1u, template_messages(fakes["tcp"]));
	Decoder d;
	decode(d, fakes["udp"].taken);
	EXPECT_EQ(0u, d.stats().withdrawals);
	EXPECT_EQ(0u, d.gaps.size());
}

TEST(IpfixTemplates, AreRepeatedAfterSoManyMessages)
{
	Random random(9);
	Exporter e;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
	e.collectors[0].template_refresh_msgs = 64;
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 320 * 24 + 1; i++)
		e.put(random.tcp4(false));
	size_t since = 0, most = 0, refreshes = 0;
	for (const Bytes &m : fakes["c"].taken) {
		refreshes += has_set(m, 2);
		since = has_set(m, 2) ? 0 : since + 1;
		most = std::max(most, since);
	}
	EXPECT_EQ(5u, refreshes);
	EXPECT_LE(most, 64u + 32);
}

TEST(IpfixTemplates, ComeFirstOnEveryNewConnection)
{
	Random random(10);
	Exporter e;
	Decoder first, second;

	e.collectors = { collector("c", MR_IPFIX_TCP, MR_IPFIX_FULL) };
	fakes["c"].reliable = true;
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 200; i++)
		e.put(random.rec());
	e.flush();
	decode(first, fakes["c"].taken);
	fakes["c"].taken.clear();
	fakes["c"].connection++;
	e.tick(T0 + S);
	for (int i = 0; i < 200; i++)
		e.put(random.rec());
	e.flush();
	ASSERT_FALSE(fakes["c"].taken.empty());
	EXPECT_EQ(0u, u32_at(fakes["c"].taken[0], 8)) << "sequence starts again";
	decode(second, fakes["c"].taken);
	EXPECT_EQ(0u, second.stats().skipped_sets);
	EXPECT_EQ(0u, second.gaps.size());
	EXPECT_EQ(200u, second.flows().size());
}

TEST(IpfixTemplates, NoDataLeavesBeforeTheyAreTaken)
{
	Random random(11);
	Exporter e;
	Decoder d;
	bool open_gate = false;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
	fakes["c"].takes = [&](size_t) { return open_gate; };
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 40 * 24; i++)
		e.put(random.tcp4(false));
	e.tick(T0 + S);
	EXPECT_EQ(0u, fakes["c"].taken.size());
	EXPECT_EQ((uint64_t)33 * 24, e.totals().pending_flows)
		<< "a batch and the message behind it are held";
	EXPECT_EQ((uint64_t)7 * 24, e.totals().refused_flows);
	open_gate = true;
	e.tick(T0 + 2 * S);
	decode(d, fakes["c"].taken);
	EXPECT_EQ(0u, d.stats().skipped_sets);
	EXPECT_EQ(33u * 24, d.flows().size());
	EXPECT_EQ(0u, d.gaps.size());
}

TEST(IpfixTemplates, IdsFollowTheGeneration)
{
	Exporter e;
	Decoder d;

	e.conf.generation = 63;
	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	decode(d, fakes["c"].taken);
	for (const Template &t : d.templates) {
		EXPECT_GE(t.id, 256 + 63 * 512);
		EXPECT_LT(t.id, 256 + 64 * 512);
	}
	EXPECT_EQ(1u, d.options(256 + 63 * 512 + 64).size());
}

TEST(IpfixOptions, SayWhatIsKnownInEveryProfile)
{
	static const char *const names[] = { "port0", "a name that is longer than sixteen octets" };

	for (int p = 0; p < MR_IPFIX_PROFILE_MAX; p++) {
		Random random(12);
		Exporter e;
		Decoder d;

		e.conf.interfaces = names;
		e.conf.n_interfaces = 2;
		e.collectors = { collector("c", MR_IPFIX_UDP, (enum mr_ipfix_profile)p) };
		ASSERT_EQ(0, e.open());
		e.tick(T0);
		struct mr_flow_rec r = random.tcp4(true);
		e.put(r);
		e.flush();
		e.metering.not_metered_packets = 11;
		e.metering.not_metered_octets = 1100;
		e.tick(T0 + 61 * S);
		decode(d, fakes["c"].taken);

		ASSERT_EQ(2u, d.options(320).size());
		EXPECT_EQ(7u, d.options(320)[0].number("observationDomainId"));
		EXPECT_EQ(1u, d.options(320)[0].number("samplingInterval"));
		EXPECT_EQ(1u, d.options(320)[0].scopes);
		ASSERT_EQ(2u, d.options(321).size());
		EXPECT_EQ(p == MR_IPFIX_COMPAT ? 2u : 1u,
			  d.options(321)[1].number("exportedFlowRecordTotalCount"));
		EXPECT_GT(d.options(321)[1].number("exportedOctetTotalCount"), 100u);
		ASSERT_EQ(2u, d.options(322).size());
		EXPECT_EQ(T0 / 1000000, d.options(322)[0].number("observationTimeMilliseconds"))
			<< "no date of 1970";
		EXPECT_EQ(11u, d.options(322)[1].number("ignoredPacketTotalCount"));
		EXPECT_EQ(1100u, d.options(322)[1].number("ignoredOctetTotalCount"));
		EXPECT_EQ((T0 + 61 * S) / 1000000, d.options(322)[1].number("observationTimeMilliseconds_2"));
		ASSERT_EQ(2u, d.options(323).size());
		EXPECT_EQ(0u, d.options(323)[1].number("notSentFlowTotalCount"));

		bool full = p == MR_IPFIX_FULL;
		EXPECT_EQ(full, d.options(325).size() > 100);
		EXPECT_EQ(full, d.options(327).size() > 10);
		EXPECT_EQ(full ? 16u : 0u, d.options(324).size());
		ASSERT_EQ(full ? 4u : 0u, d.options(328).size());
		if (full) {
			EXPECT_NE(std::string::npos,
				  d.options(328)[0].json.find("\"interfaceName\":\"port0\""));
			EXPECT_NE(std::string::npos, d.options(328)[1].json.find("\"a name that is l\""));
		}
		EXPECT_EQ(0u, d.gaps.size());
	}
}

TEST(IpfixOptions, StatisticsKeepTheirIntervalAndComeInBursts)
{
	Exporter e;
	Decoder d;

	e.conf.stats_interval_s = 10;
	e.collectors = { collector("c", MR_IPFIX_TCP, MR_IPFIX_COMPAT) };
	ASSERT_EQ(0, e.open());
	for (uint64_t t = 0; t < 100 * S; t += S / 10)
		e.tick(T0 + t);
	decode(d, fakes["c"].taken);
	EXPECT_EQ(10u, d.options(321).size());
	EXPECT_EQ(10u, d.options(323).size());
	EXPECT_EQ(1u, d.options(320).size());
	EXPECT_EQ(3u + 9, fakes["c"].taken.size()) << "templates, constants, and one message a burst";
}

TEST(IpfixOptions, NotSentFlowsAreReported)
{
	Random random(13);
	Exporter e;
	Decoder d;
	uint64_t packets = 0, octets = 0;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	fakes["c"].takes = [](size_t) { return false; };
	for (int i = 0; i < 10; i++) {
		struct mr_flow_rec r = random.rec();
		packets += r.packets[0] + r.packets[1];
		octets += r.octets[0] + r.octets[1];
		e.put(r, T0 + 3 * S);
	}
	e.flush(T0 + 4 * S);
	fakes["c"].takes = [](size_t) { return true; };
	auto f = e.close(T0 + 9 * S);
	decode(d, fakes["c"].taken);
	ASSERT_EQ(2u, d.options(323).size());
	const Record last = d.options(323)[1];
	EXPECT_EQ(10u, last.number("notSentFlowTotalCount"));
	EXPECT_EQ(packets, last.number("notSentPacketTotalCount"));
	EXPECT_EQ(octets, last.number("notSentOctetTotalCount"));
	EXPECT_EQ((T0 + 4 * S) / 1000000, last.number("observationTimeMilliseconds"));
	EXPECT_EQ(7u, last.number("exportingProcessId"));
	EXPECT_EQ(packets, f.stats[0].not_sent_packets);
	EXPECT_EQ(10u, f.totals.refused_flows);
}

// RFC 5610: each element of ours that a template may have, once.
TEST(IpfixOptions, PrivateElementsDescribeThemselves)
{
	std::set<uint64_t> ids;
	Exporter e;
	Decoder d;

	e.collectors = { collector("c", MR_IPFIX_TCP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	decode(d, fakes["c"].taken);
	for (const Record &r : d.options(325)) {
		uint16_t id = (uint16_t)r.number("informationElementId");
		const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(MR_PEN, id);

		EXPECT_EQ(2u, r.scopes);
		EXPECT_TRUE(ids.insert(id).second) << id;
		EXPECT_EQ((uint64_t)MR_PEN, r.number("privateEnterpriseNumber"));
		ASSERT_NE(nullptr, ie) << id;
		EXPECT_EQ(ie->type, r.number("informationElementDataType"));
		EXPECT_EQ(Bytes(ie->name, ie->name + strlen(ie->name)),
			  r.values.at("informationElementName"));
		if (id == 16) {
			EXPECT_EQ("{\"privateEnterpriseNumber\":" + std::to_string(MR_PEN) +
					  ",\"informationElementId\":16,\"informationElementDataType\":13,"
					  "\"informationElementSemantics\":0,\"informationElementUnits\":0,"
					  "\"informationElementName\":\"tls_sni\"}",
				  r.json);
		}
	}
	for (uint16_t id = 1; id <= MR_IPFIX_PRIVATE_MAX; id++)
		EXPECT_EQ(mr_ipfix_ie_find(MR_PEN, id) != nullptr, ids.count(id) == 1) << id;
	EXPECT_EQ(1u, ids.count(16));
	EXPECT_EQ(0u, ids.count(108)) << "cookies are for rules only";
}

TEST(IpfixOptions, ApplicationsAreNamed)
{
	Exporter e;
	Decoder d;
	unsigned n = 0;

	e.collectors = { collector("c", MR_IPFIX_TCP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	decode(d, fakes["c"].taken);
	for (; mr_l7_all[n] != nullptr; n++) {
		const struct mr_l7_ops *ops = mr_l7_all[n];
		const Record r = d.options(327).at(n);

		EXPECT_EQ(1u, r.scopes);
		EXPECT_EQ(6u << 24 | ops->selector, r.number("applicationId"));
		EXPECT_NE(std::string::npos,
			  r.json.find("\"applicationName\":\"" + std::string(ops->name) + "\""));
		EXPECT_NE(std::string::npos, r.json.find(ops->description)) << "it fits";
	}
	EXPECT_EQ(n, d.options(327).size());
}

TEST(IpfixExporter, HalfFilledMessagesLeaveAfterAFifthOfASecond)
{
	Random random(14);
	Exporter e;

	e.collectors = { collector("c", MR_IPFIX_UDP, MR_IPFIX_BIFLOW) };
	ASSERT_EQ(0, e.open());
	e.tick(T0);
	size_t before = fakes["c"].taken.size();
	e.put(random.rec(), T0 + S);
	e.tick(T0 + S + 199000000);
	EXPECT_EQ(before, fakes["c"].taken.size());
	e.tick(T0 + S + 200000000);
	EXPECT_EQ(before + 1, fakes["c"].taken.size());
	EXPECT_EQ(1u, e.totals().exported_flows);
}

TEST(IpfixExporter, AllCollectorsGetAllEachInItsProfile)
{
	Random random(15);
	std::string dir = temp_dir(), path = dir + "/flows.ipfix";
	Exporter e;
	Decoder a, b, file;

	e.collectors = { collector("a", MR_IPFIX_UDP, MR_IPFIX_COMPAT),
			 collector("b", MR_IPFIX_TCP, MR_IPFIX_FULL),
			 collector("dead", MR_IPFIX_TCP, MR_IPFIX_BIFLOW),
			 collector("file", MR_IPFIX_FILE, MR_IPFIX_BIFLOW) };
	e.collectors[3].path = path.c_str();
	fakes["dead"].up = false;
	ASSERT_EQ(0, e.open()) << e.err.msg;
	for (int i = 0; i < 3000; i++)
		e.put(random.tcp4(true));
	auto f = e.close(T0);
	decode(a, fakes["a"].taken);
	decode(b, fakes["b"].taken);
	file_decode(file, file_read(path));
	EXPECT_EQ(6000u, a.flows().size());
	EXPECT_EQ(3000u, b.flows().size());
	EXPECT_EQ(3000u, file.flows().size());
	EXPECT_EQ(0u, a.gaps.size() + b.gaps.size() + file.gaps.size());
	EXPECT_EQ(3000u, f.totals.exported_flows);
	EXPECT_EQ(3000u, f.stats[2].not_sent_flows);
	EXPECT_EQ(6000u, f.stats[0].records);
	unlink(path.c_str());
	rmdir(dir.c_str());
}

TEST(IpfixExporter, FailoverUsesTheFirstThatIsUp)
{
	Random random(16);
	Exporter e;

	e.conf.mode = MR_IPFIX_FAILOVER;
	e.collectors = { collector("a", MR_IPFIX_TCP, MR_IPFIX_COMPAT),
			 collector("b", MR_IPFIX_TCP, MR_IPFIX_COMPAT) };
	ASSERT_EQ(0, e.open());
	auto burst = [&](uint64_t now_ns) {
		e.tick(now_ns);
		for (int i = 0; i < 10; i++)
			e.put(random.rec(), now_ns);
		e.flush(now_ns);
	};
	burst(T0);
	fakes["a"].up = false;
	burst(T0 + S);
	burst(T0 + 2 * S);
	fakes["a"].up = true;
	fakes["a"].connection++;
	burst(T0 + 3 * S);
	EXPECT_EQ(20u, e.stats()[0].flows);
	EXPECT_EQ(20u, e.stats()[1].flows);
	EXPECT_EQ(40u, e.totals().exported_flows);
	EXPECT_EQ(0u, e.totals().refused_flows);
}

TEST(IpfixExporter, BalanceKeepsAFlowOnOneCollector)
{
	Random random(17);
	Exporter e;
	std::map<uint64_t, std::string> where;

	e.conf.mode = MR_IPFIX_BALANCE;
	e.collectors = { collector("a", MR_IPFIX_UDP, MR_IPFIX_FULL),
			 collector("b", MR_IPFIX_UDP, MR_IPFIX_FULL),
			 collector("c", MR_IPFIX_UDP, MR_IPFIX_FULL) };
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 3000; i++) {
		struct mr_flow_rec r = random.rec();
		r.flow_id = (uint64_t)i; // ids that aren't spread
		e.put(r);
		e.put(r); // the next record of the same flow
	}
	e.flush();
	for (const char *name : { "a", "b", "c" }) {
		Decoder d;

		decode(d, fakes[name].taken);
		EXPECT_GT(d.flows().size(), 6000u / 3 * 8 / 10) << name;
		for (const Record &r : d.flows())
			EXPECT_EQ(name, where.emplace(r.number("flowId"), name).first->second);
	}
	EXPECT_EQ(3000u, where.size());
	EXPECT_EQ(6000u, e.totals().exported_flows);
}

TEST(IpfixExporter, ADownCollectorsShareGoesToTheOthers)
{
	Random random(18);
	Exporter e;

	e.conf.mode = MR_IPFIX_BALANCE;
	e.collectors = { collector("a", MR_IPFIX_TCP, MR_IPFIX_FULL),
			 collector("b", MR_IPFIX_TCP, MR_IPFIX_FULL) };
	fakes["b"].up = false;
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 1000; i++)
		e.put(random.rec());
	auto f = e.close(T0);
	EXPECT_EQ(1000u, f.stats[0].flows);
	EXPECT_EQ(0u, f.totals.refused_flows);
}

TEST(IpfixExporter, WithoutCollectorsEverythingIsRefused)
{
	Random random(19);
	Exporter e;

	ASSERT_EQ(0, e.open());
	struct mr_flow_rec r = random.rec();
	e.put(r);
	EXPECT_EQ(1u, e.totals().refused_flows);
	EXPECT_EQ(r.packets[0] + r.packets[1], e.totals().refused_packets);
	expect_closed(e.close(T0), 1, r.packets[0] + r.packets[1]);
}

TEST(IpfixExporter, WhatABrokenConnectionLostIsRefused)
{
	Random random(20);
	Exporter e;
	uint64_t packets = 0;

	e.collectors = { collector("c", MR_IPFIX_TCP, MR_IPFIX_BIFLOW) };
	fakes["c"].reliable = true;
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 5000; i++) {
		struct mr_flow_rec r = random.tcp4(true);
		packets += r.packets[0] + r.packets[1];
		e.put(r);
	}
	e.flush();
	EXPECT_EQ(5000u, e.totals().exported_flows);
	uint64_t lost = fakes["c"].loads.back().flows;
	fakes["c"].lose(1);
	e.tick(T0 + S);
	EXPECT_EQ(5000u - lost, e.totals().exported_flows);
	auto f = e.close(T0 + 2 * S);
	EXPECT_EQ(lost, f.totals.refused_flows);
	EXPECT_EQ(lost, f.stats[0].lost_flows);
	EXPECT_EQ(lost, f.stats[0].not_sent_flows);
	EXPECT_EQ(5000u - lost, f.stats[0].flows);
	expect_closed(f, 5000, packets);
}

// Collectors that come, go, refuse and lose at random; every flow ends in exactly one of the totals.
TEST(IpfixExporter, AccountClosesWhateverHappens)
{
	for (uint64_t seed = 1; seed <= 30; seed++) {
		Random random(seed);
		Exporter e;
		uint64_t flows = 0, packets = 0, now_ns = T0;
		const char *const names[] = { "a", "b", "c" };
		unsigned n = 1 + (unsigned)random(3);

		e.conf.mode = (enum mr_ipfix_mode)random(MR_IPFIX_MODE_MAX);
		e.conf.stats_interval_s = 1;
		for (unsigned i = 0; i < n; i++) {
			e.collectors.push_back(
				collector(names[i], random(2) != 0 ? MR_IPFIX_UDP : MR_IPFIX_TCP,
					  (enum mr_ipfix_profile)random(MR_IPFIX_PROFILE_MAX)));
			fakes[names[i]].reliable = e.collectors[i].proto == MR_IPFIX_TCP;
			fakes[names[i]].takes = [&random](size_t) { return random(8) != 0; };
		}
		ASSERT_EQ(0, e.open());
		for (int step = 0; step < 400; step++, now_ns += 100 * MR_NS_PER_MS) {
			Fake &f = fakes[names[random(n)]];

			if (random(10) == 0)
				f.up = !f.up;
			if (random(20) == 0 && f.reliable && !f.loads.empty())
				f.lose(1 + random(f.loads.size()));
			for (uint64_t i = random(60); i > 0; i--, flows++) {
				struct mr_flow_rec r = random.rec();
				packets += r.packets[0] + r.packets[1];
				e.put(r, now_ns);
			}
			e.tick(now_ns);
			struct mr_ipfix_totals t = e.totals();
			ASSERT_EQ(flows, t.exported_flows + t.refused_flows + t.pending_flows);
			ASSERT_EQ(packets, t.exported_packets + t.refused_packets + t.pending_packets);
		}
		bool all = e.conf.mode == MR_IPFIX_ALL;
		auto f = e.close(now_ns);
		expect_closed(f, flows, packets);
		uint64_t sent = 0, not_sent = 0, most = 0;
		for (unsigned i = 0; i < n; i++) {
			uint64_t in_messages = 0;
			for (const mr_ipfix_load &l : fakes[names[i]].loads)
				in_messages += l.flows;
			EXPECT_EQ(in_messages, f.stats[i].flows);
			EXPECT_EQ(0u, f.stats[i].pending_flows);
			if (all) {
				EXPECT_EQ(flows, f.stats[i].flows + f.stats[i].not_sent_flows);
				EXPECT_EQ(packets, f.stats[i].packets + f.stats[i].not_sent_packets);
			}
			sent += f.stats[i].flows;
			not_sent += f.stats[i].not_sent_flows;
			most = std::max(most, f.stats[i].flows);
			EXPECT_TRUE(fakes[names[i]].closed);
		}
		if (!all) {
			EXPECT_EQ(sent, f.totals.exported_flows);
			EXPECT_EQ(not_sent, f.totals.refused_flows);
		}
		EXPECT_GE(f.totals.exported_flows, most);
	}
}

TEST(IpfixExporter, CloseWaitsForAConnection)
{
	static int polls; // the collector is there at the third look
	static struct mr_ipfix_transport_ops slow = fake_tcp;
	const struct mr_ipfix_transport_ops *const ops[MR_IPFIX_PROTO_MAX] = { nullptr, &slow };
	struct mr_ipfix_collector_conf conf = collector("c", MR_IPFIX_TCP, MR_IPFIX_COMPAT);
	struct mr_ipfix_exporter *exp = nullptr;
	struct mr_flow_rec r = Random(21).rec();
	struct mr_ipfix_totals t;
	Exporter e;

	slow.poll = [](struct mr_ipfix_transport *transport, uint64_t now_ns, uint32_t *ret) {
		fake_of(transport)->up = ++polls >= 3;
		return fake_poll(transport, now_ns, ret);
	};
	e.conf.collectors = &conf;
	e.conf.n_collectors = 1;
	ASSERT_EQ(0, mr_ipfix_exporter_open_with(&e.conf, ops, T0, &exp, &e.err));
	mr_ipfix_exporter_put(exp, &r, 1, T0);
	mr_ipfix_exporter_close(exp, T0, &e.metering, 5000, nullptr, &t);
	EXPECT_EQ(1u, t.exported_flows);
	EXPECT_EQ(0u, t.refused_flows);
}

TEST(IpfixExporter, BadConfigurationIsOneClearLine)
{
	struct {
		std::function<void(Exporter &)> spoil;
		const char *says;
	} cases[] = {
		{ [](Exporter &e) { e.conf.generation = 64; }, "generation 64" },
		{ [](Exporter &e) { e.conf.mode = MR_IPFIX_MODE_MAX; }, "choose all, failover or balance" },
		{ [](Exporter &e) { e.collectors[0].mtu = 511; }, "mtu 511: choose 512 to 65504" },
		{ [](Exporter &e) { e.collectors[0].mtu = 65535; }, "mtu 65535" },
		{ [](Exporter &e) { e.collectors[0].profile = MR_IPFIX_PROFILE_MAX; },
		  "choose compat, biflow or full" },
		{ [](Exporter &e) { e.collectors[0].proto = MR_IPFIX_TLS; }, "isn't supported" },
		{ [](Exporter &e) { e.collectors[0].host = "nowhere.invalid"; }, "nowhere.invalid" },
		{ [](Exporter &e) { e.collectors[0].proto = MR_IPFIX_FILE; }, "name the file" },
		{ [](Exporter &e) {
			 e.collectors[0].proto = MR_IPFIX_FILE;
			 e.collectors[0].path = "/";
		 },
		  "not a regular file" },
		{ [](Exporter &e) {
			 e.collectors[0].proto = MR_IPFIX_FILE;
			 e.collectors[0].path = "no/such/folder/x";
		 },
		  "no/such/folder/x.part" },
		{ [](Exporter &e) {
			 e.collectors[0].proto = MR_IPFIX_FILE;
			 e.collectors[0].path = "same";
			 e.collectors.push_back(e.collectors[0]);
		 },
		  "give them two paths" },
	};

	for (auto &c : cases) {
		Exporter e;

		e.collectors = { collector("first", MR_IPFIX_UDP, MR_IPFIX_COMPAT) };
		c.spoil(e);
		EXPECT_LT(e.open(), 0);
		EXPECT_EQ(nullptr, e.exp);
		EXPECT_NE(nullptr, strstr(e.err.msg, c.says)) << e.err.msg;
		EXPECT_EQ(nullptr, strchr(e.err.msg, '\n'));
		/* the collector is named, once */
		const char *named = strstr(e.err.msg, "collector first: ");
		EXPECT_TRUE(named == nullptr || strstr(named + 1, "collector first: ") == nullptr)
			<< e.err.msg;
	}
}

// A socket on a free loopback port.
static int listen_on(int type, uint16_t *ret_port)
{
	struct sockaddr_in sa = {};
	socklen_t len = sizeof(sa);
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0), octets = 4 << 20;

	sa.sin_family = AF_INET;
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &octets, sizeof(octets));
	EXPECT_EQ(0, bind(fd, (struct sockaddr *)&sa, sizeof(sa)));
	EXPECT_EQ(0, getsockname(fd, (struct sockaddr *)&sa, &len));
	if (type == SOCK_STREAM) {
		EXPECT_EQ(0, listen(fd, 1));
	}
	*ret_port = ntohs(sa.sin_port);
	return fd;
}

TEST(IpfixExporter, RealTransportsTogether)
{
	const unsigned flows = 500;
	Random random(24);
	std::string dir = temp_dir(), path = dir + "/flows.ipfix";
	struct mr_ipfix_exporter *exp = nullptr;
	struct mr_ipfix_totals t;
	uint64_t packets = 0;
	Decoder udp, tcp, file;
	Bytes stream;
	Exporter e;

	e.collectors = { collector("udp", MR_IPFIX_UDP, MR_IPFIX_COMPAT),
			 collector("tcp", MR_IPFIX_TCP, MR_IPFIX_FULL),
			 collector("file", MR_IPFIX_FILE, MR_IPFIX_BIFLOW) };
	int udp_fd = listen_on(SOCK_DGRAM, &e.collectors[0].port),
	    tcp_fd = listen_on(SOCK_STREAM, &e.collectors[1].port);
	e.collectors[0].host = e.collectors[1].host = "127.0.0.1";
	e.collectors[2].path = path.c_str();
	std::thread reader([&] {
		int fd = accept(tcp_fd, nullptr, nullptr);
		uint8_t buf[65536];
		for (ssize_t n; (n = read(fd, buf, sizeof(buf))) > 0;)
			stream.insert(stream.end(), buf, buf + n);
		close(fd);
	});
	e.conf.collectors = e.collectors.data();
	e.conf.n_collectors = 3;
	int rc = mr_ipfix_exporter_open(&e.conf, T0, &exp, &e.err);
	for (unsigned i = 0; rc == 0 && i < flows; i++) {
		struct mr_flow_rec r = random.tcp4(true);
		packets += r.packets[0] + r.packets[1];
		mr_ipfix_exporter_put(exp, &r, 1, T0);
	}
	if (rc == 0)
		mr_ipfix_exporter_close(exp, T0, &e.metering, 10000, nullptr, &t);
	else
		shutdown(tcp_fd, SHUT_RDWR); // ends the reader's accept()
	reader.join();
	ASSERT_EQ(0, rc) << e.err.msg;
	EXPECT_EQ(flows, t.exported_flows);
	EXPECT_EQ(packets, t.exported_packets);

	Bytes datagram(65536);
	for (ssize_t n; (n = recv(udp_fd, datagram.data(), datagram.size(), MSG_DONTWAIT)) > 0;)
		ASSERT_EQ(0, udp.message(Bytes(datagram.begin(), datagram.begin() + n))) << udp.err.msg;
	file_decode(tcp, stream);
	file_decode(file, file_read(path));
	EXPECT_EQ(2 * flows, udp.flows().size());
	EXPECT_EQ(flows, tcp.flows().size());
	EXPECT_EQ(flows, file.flows().size());
	EXPECT_EQ(0u, udp.gaps.size() + tcp.gaps.size() + file.gaps.size());
	close(udp_fd);
	close(tcp_fd);
	unlink(path.c_str());
	rmdir(dir.c_str());
}

TEST(IpfixFile, IsCompleteWhenItHasItsName)
{
	Random random(22);
	std::string dir = temp_dir(), path = dir + "/x.ipfix";
	Exporter e;
	Decoder d;

	e.collectors = { collector("f", MR_IPFIX_FILE, MR_IPFIX_FULL) };
	e.collectors[0].path = path.c_str();
	ASSERT_EQ(0, e.open());
	for (int i = 0; i < 1000; i++)
		e.put(random.rec());
	e.flush();
	EXPECT_NE(0, access(path.c_str(), F_OK));
	EXPECT_EQ(0, access((path + ".part").c_str(), F_OK));
	auto f = e.close(T0 + S);
	EXPECT_NE(0, access((path + ".part").c_str(), F_OK));
	Bytes octets = file_read(path);
	file_decode(d, octets);
	EXPECT_EQ(1000u, d.flows().size());
	EXPECT_EQ(1u, d.options(323).size());
	EXPECT_EQ(octets.size(), f.stats[0].octets);
	EXPECT_EQ(1000u, f.totals.exported_flows);
	unlink(path.c_str());
	rmdir(dir.c_str());
}

TEST(IpfixFile, NothingIsLeftOfAFailedOpen)
{
	std::string dir = temp_dir(), path = dir + "/x.ipfix";
	Exporter e;

	e.collectors = { collector("f", MR_IPFIX_FILE, MR_IPFIX_FULL),
			 collector("n", MR_IPFIX_UDP, MR_IPFIX_FULL) };
	e.collectors[0].path = path.c_str();
	e.collectors[1].host = "nowhere.invalid";
	EXPECT_LT(e.open(), 0);
	EXPECT_EQ(0, rmdir(dir.c_str())) << "the folder isn't empty";
}

// A limit on the file's size stands for a full disk: the write stops inside a message.
TEST(IpfixFile, FullDiskIsCountedAndLeavesWholeMessages)
{
	Random random(23);
	std::string dir = temp_dir(), path = dir + "/x.ipfix";
	struct rlimit old, small;
	Exporter e;
	Decoder d;

	e.collectors = { collector("f", MR_IPFIX_FILE, MR_IPFIX_COMPAT) };
	e.collectors[0].path = path.c_str();
	ASSERT_EQ(0, e.open());
	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &old));
	small = old;
	small.rlim_cur = 100001;
	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &small));
	for (int i = 0; i < 10000; i++)
		e.put(random.tcp4(false));
	e.flush();
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &old));
	signal(SIGXFSZ, SIG_DFL);
	for (int i = 0; i < 100; i++)
		e.put(random.tcp4(false));
	auto f = e.close(T0);
	Bytes octets = file_read(path);
	file_decode(d, octets);
	EXPECT_EQ(octets.size(), f.stats[0].octets);
	EXPECT_EQ(d.flows().size(), f.stats[0].flows);
	EXPECT_GT(f.stats[0].flows, 1500u);
	EXPECT_GT(f.stats[0].not_sent_flows, 5000u);
	EXPECT_GT(f.stats[0].send_errors, 0u);
	EXPECT_EQ(10100u, f.totals.exported_flows + f.totals.refused_flows);
	unlink(path.c_str());
	rmdir(dir.c_str());
}
