// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "base/mr_clock.h"
#include "drivers/ethdev/mr_ethdev.h"
#include "drivers/ethdev/mr_ethdev_clock.h"
#include "tests/eal/ethdev_port.h"

namespace fs = std::filesystem;

TEST(EthdevName, IsTakenApart)
{
	const struct {
		const char *device;
		enum mr_ethdev_bus bus;
		uint32_t ways;
		const char *dev;
		const char *args;
	} good[] = {
		{ "0000:3b:00.0", MR_ETHDEV_PCI, 0, "0000:3b:00.0", "" },
		{ "3b:00.1,representor=0", MR_ETHDEV_PCI, 0, "0000:3b:00.1", "representor=0" },
		{ "net_ring0", MR_ETHDEV_VDEV, 0, "net_ring0", "" },
		{ "net_memif0,role=server,id=1", MR_ETHDEV_VDEV, 0, "net_memif0", "role=server,id=1" },
		{ "eth_af_packet0,iface=x", MR_ETHDEV_VDEV, 0, "eth_af_packet0", "iface=x" },
		{ "eth1", MR_ETHDEV_IFACE, MR_ETHDEV_AF_XDP | MR_ETHDEV_PCAP | MR_ETHDEV_AF_PACKET, "eth1",
		  "" },
		{ "enp59s0f1np1", MR_ETHDEV_IFACE, MR_ETHDEV_AF_XDP | MR_ETHDEV_PCAP | MR_ETHDEV_AF_PACKET,
		  "enp59s0f1np1", "" },
		{ "ethdev:eth1", MR_ETHDEV_IFACE, MR_ETHDEV_AF_XDP | MR_ETHDEV_PCAP | MR_ETHDEV_AF_PACKET,
		  "eth1", "" },
		{ "ethdev:net_ring0", MR_ETHDEV_VDEV, 0, "net_ring0", "" },
		{ "af_xdp:eth1", MR_ETHDEV_IFACE, MR_ETHDEV_AF_XDP, "eth1", "" },
		{ "pcap:eth1", MR_ETHDEV_IFACE, MR_ETHDEV_PCAP, "eth1", "" },
		{ "af_packet:net_odd,framecnt=64", MR_ETHDEV_IFACE, MR_ETHDEV_AF_PACKET, "net_odd",
		  "framecnt=64" },
	};

	for (const auto &g : good) {
		struct mr_ethdev_name name;
		struct mr_err err = {};

		ASSERT_EQ(0, mr_ethdev_name_parse(g.device, &name, &err)) << g.device << ": " << err.msg;
		EXPECT_EQ(g.bus, name.bus) << g.device;
		EXPECT_EQ(g.ways, name.ways) << g.device;
		EXPECT_STREQ(g.dev, name.dev);
		EXPECT_STREQ(g.args, name.args);
	}
}

TEST(EthdevName, MistakesGetALine)
{
	const struct {
		std::string device;
		const char *says;
	} bad[] = {
		{ "", "is no PCI address" },
		{ "a b", "is no PCI address" },
		{ "af_xdp:", "is no PCI address" },
		{ "af_packet:0000:3b:00.0", "is no PCI address" },
		{ "..", "is no PCI address" },
		{ "interface-name-16", "is no PCI address" },
		{ "eth1,framecnt=64", "must name its driver" },
		{ std::string("net_") + std::string(80, 'x'), "too long" },
		{ "net_ring0," + std::string(600, 'x'), "too long" },
	};

	for (const auto &b : bad) {
		struct mr_ethdev_name name;
		struct mr_err err = {};

		EXPECT_EQ(-EINVAL, mr_ethdev_name_parse(b.device.c_str(), &name, &err)) << b.device;
		EXPECT_NE(nullptr, strstr(err.msg, b.says)) << err.msg;
	}
}

// A sysfs with functions 0000:01:00.x, each bound to the given driver ("": none).
class EthdevPci : public testing::Test
{
      protected:
	void SetUp() override
	{
		char name[] = "/tmp/mr_sysfs_XXXXXX";

		ASSERT_NE(nullptr, mkdtemp(name));
		root = name;
	}
	void TearDown() override
	{
		fs::remove_all(root);
	}
	void add(const std::string &addr, const std::string &driver, const std::string &net_folder = "")
	{
		fs::path dev = root / "bus/pci/devices" / addr;

		fs::create_directories(dev);
		if (!net_folder.empty())
			fs::create_directories(dev / net_folder / "eth7");
		if (driver.empty())
			return;
		fs::create_directories(root / "bus/pci/drivers" / driver);
		fs::create_directory_symlink(root / "bus/pci/drivers" / driver, dev / "driver");
	}
	std::string check(const std::string &addr, int expected)
	{
		struct mr_err err = {};

		EXPECT_EQ(expected, mr_ethdev_pci_check(root.c_str(), addr.c_str(), &err)) << addr;
		return err.msg;
	}
	fs::path root;
};

TEST_F(EthdevPci, UsableDriversPass)
{
	add("0000:01:00.0", "vfio-pci");
	add("0000:01:00.1", "mlx5_core", "net");
	EXPECT_EQ("", check("0000:01:00.0", 0));
	EXPECT_EQ("", check("0000:01:00.1", 0));
}

TEST_F(EthdevPci, OthersGetTheCommandToType)
{
	add("0000:01:00.0", "");
	add("0000:01:00.1", "ixgbe", "net");
	add("0000:01:00.2", "virtio-pci", "virtio3/net");
	add("0000:01:00.3", "nvme");
	EXPECT_NE(std::string::npos, check("0000:09:00.0", -ENODEV).find("no PCI device 0000:09:00.0"));
	EXPECT_NE(std::string::npos,
		  check("0000:01:00.0", -ENOENT).find("dpdk-devbind.py -b vfio-pci 0000:01:00.0"));
	EXPECT_NE(std::string::npos, check("0000:01:00.1", -EBUSY).find("ixgbe as interface eth7"));
	EXPECT_NE(std::string::npos, check("0000:01:00.2", -EBUSY).find("virtio-pci as interface eth7"));
	EXPECT_NE(std::string::npos, check("0000:01:00.3", -EBUSY).find("kernel driver nvme"));
}

TEST_F(EthdevPci, HintsFollowWhatTheHostLacks)
{
	add("0000:01:00.0", "");
	EXPECT_NE(std::string::npos, check("0000:01:00.0", -ENOENT).find("modprobe vfio-pci"));
	add("0000:01:00.1", "vfio-pci");
	EXPECT_NE(std::string::npos, check("0000:01:00.0", -ENOENT).find("no IOMMU"));
	fs::create_directories(root / "module/vfio/parameters");
	std::ofstream(root / "module/vfio/parameters/enable_unsafe_noiommu_mode") << "Y\n";
	EXPECT_EQ(std::string::npos, check("0000:01:00.0", -ENOENT).find("IOMMU"));
	fs::remove_all(root / "module");
	fs::create_directories(root / "class/iommu/dmar0");
	EXPECT_EQ(std::string::npos, check("0000:01:00.0", -ENOENT).find("IOMMU"));
}

TEST(EthdevRss, OurKeyIsSymmetricAndSpreads)
{
	uint8_t key[52];

	mr_ethdev_rss_key(key, sizeof(key));
	for (uint16_t queues : { 1, 2, 3, 8, 64 })
		for (uint8_t len : { 40, 52 }) {
			struct mr_ethdev_rss_proof proof = {};
			struct mr_err err = {};

			EXPECT_EQ(0, mr_ethdev_rss_prove(key, len, 512, queues, &proof, &err)) << err.msg;
			EXPECT_EQ(0u, proof.asymmetric);
			EXPECT_GT(proof.tuples, 10000u);
			EXPECT_GE(proof.most, proof.tuples / queues);
			EXPECT_LE(proof.least, proof.tuples / queues);
		}
}

// The verification key of the Microsoft RSS specification, the default of most drivers.
static const uint8_t microsoft_key[40] = { 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67,
					   0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb,
					   0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30,
					   0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa };

TEST(EthdevRss, AnotherKeyIsCaught)
{
	struct mr_ethdev_rss_proof proof = {};
	struct mr_err err = {};

	EXPECT_EQ(-EPROTO, mr_ethdev_rss_prove(microsoft_key, 40, 128, 4, &proof, &err));
	EXPECT_NEAR(0.75, proof.asymmetric / (double)proof.tuples, 0.03) << "chance on four queues";
	EXPECT_NE(nullptr, strstr(err.msg, "isn't symmetric")) << err.msg;
	EXPECT_EQ(0, mr_ethdev_rss_prove(microsoft_key, 40, 128, 1, &proof, &err))
		<< "one queue is always symmetric";
}

TEST(EthdevRss, OneChangedBitIsCaught)
{
	uint8_t key[40];
	struct mr_ethdev_rss_proof proof = {};

	mr_ethdev_rss_key(key, sizeof(key));
	key[5] ^= 0x01;
	EXPECT_EQ(-EPROTO, mr_ethdev_rss_prove(key, sizeof(key), 128, 4, &proof, nullptr));
	EXPECT_GT(proof.asymmetric, 0u);
}

TEST(EthdevRss, BadSpreadAndBadArgumentsGetALine)
{
	const uint8_t zeros[40] = {};
	uint8_t key[40];
	struct mr_ethdev_rss_proof proof = {};
	struct mr_err err = {};

	EXPECT_EQ(-EDOM, mr_ethdev_rss_prove(zeros, 40, 128, 4, &proof, &err));
	EXPECT_EQ(proof.tuples, proof.most);
	EXPECT_NE(nullptr, strstr(err.msg, "spreads badly")) << err.msg;
	mr_ethdev_rss_key(key, sizeof(key));
	EXPECT_EQ(-EINVAL, mr_ethdev_rss_prove(key, 39, 128, 4, &proof, &err));
	EXPECT_EQ(-EINVAL, mr_ethdev_rss_prove(key, 40, 100, 4, &proof, &err));
	EXPECT_EQ(-EINVAL, mr_ethdev_rss_prove(key, 40, 128, 0, &proof, &err));
	EXPECT_EQ(-EINVAL, mr_ethdev_rss_prove(key, 40, 64, 65, &proof, &err));
}

TEST(EthdevPool, HoldsAllThatCanBeOut)
{
	for (uint16_t queues : { 1, 2, 16 })
		for (uint16_t descs : { 64, 1024, 4096 })
			for (unsigned lcores : { 1, 8, 64 }) {
				uint32_t n = mr_ethdev_pool_size(queues, descs, descs, lcores);

				EXPECT_EQ(0u, (n + 1) & n) << "a power of two less one suits the pool's ring";
				EXPECT_GE(n, queues * (2u * descs + 2u * MR_PORT_BURST_MAX) + lcores * 384u);
			}
	EXPECT_LT(mr_ethdev_pool_size(1, 1024, 1024, 2), 5000u) << "small ports stay small";
}

TEST(EthdevClock, FollowsADriftingCounter)
{
	const double hz = 312.5e6 * (1 + 37e-6); // nominal rate, 37 ppm off
	const uint64_t start = 1700000000ull * MR_NS_PER_S;
	struct mr_ethdev_clock clock;
	uint64_t last = 0;

	mr_ethdev_clock_init(&clock, 1000, start, 1e9 / 312.5e6);
	for (uint64_t s = 1; s <= 60; s++) {
		uint64_t ticks = 1000 + (uint64_t)std::llround(hz * s);
		uint64_t utc =
			start + s * MR_NS_PER_S + (s % 2) * 500; // reading jitters by half a microsecond
		uint64_t before = mr_ethdev_clock_utc(&clock, ticks);

		EXPECT_GE(before, last) << "never goes back";
		if (s > 3) {
			EXPECT_LT(std::llabs((int64_t)(before - utc)), 3000) << s;
		}
		mr_ethdev_clock_sample(&clock, ticks, utc);
		last = mr_ethdev_clock_utc(&clock, ticks);
		EXPECT_EQ(before, last) << "a sample bends the line but doesn't break it";
	}
}

TEST(EthdevClock, StepsWhenTheClockWasSet)
{
	const uint64_t start = 1700000000ull * MR_NS_PER_S;
	struct mr_ethdev_clock clock;

	mr_ethdev_clock_init(&clock, 0, start, 1.0);
	mr_ethdev_clock_sample(&clock, MR_NS_PER_S, start + MR_NS_PER_S);
	mr_ethdev_clock_sample(&clock, 2 * MR_NS_PER_S, start + 3600 * MR_NS_PER_S);
	EXPECT_EQ(start + 3600 * MR_NS_PER_S, mr_ethdev_clock_utc(&clock, 2 * MR_NS_PER_S));
	EXPECT_NEAR(1.0, clock.ns_per_tick, 1e-6) << "the step isn't taken for a rate";
	mr_ethdev_clock_sample(&clock, 2 * MR_NS_PER_S + 5, start + 3600 * MR_NS_PER_S + 900);
	EXPECT_NEAR(1.0, clock.ns_per_tick, 1e-6) << "too short an interval to measure by";
	EXPECT_EQ(start + 3600 * MR_NS_PER_S - 7, mr_ethdev_clock_utc(&clock, 2 * MR_NS_PER_S - 7))
		<< "just before";
}

TEST(EthdevOpen, NullPortReceivesSendsAndCloses)
{
	Port p("net_null0,size=90");

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	EXPECT_STREQ("net_null", mr_ethdev_driver(p.port));
	EXPECT_EQ((uint32_t)(MR_PORT_CAN_TX | MR_PORT_FLOW_QUEUES), p.port->flags);
	EXPECT_EQ(1, p.port->queues);
	auto pkts = p.rx(0);
	ASSERT_EQ((size_t)MR_PORT_BURST_MAX, pkts.size());
	EXPECT_EQ(90u, pkts[0]->pkt_len);
	EXPECT_EQ(pkts.size(), mr_ethdev_ops.tx_burst(p.port, 0, pkts.data(), (uint16_t)pkts.size()));
	struct mr_port_stats stats = p.stats();
	EXPECT_EQ(0u, stats.missed + stats.no_mbuf + stats.errors);
}

TEST(EthdevOpen, ManyQueuesSpreadByASymmetricKey)
{
	Port p("net_null0", [](mr_port_conf &c) { c.queues = 6; });
	struct rte_eth_rss_reta_entry64 reta[2] = { { .mask = UINT64_MAX, .reta = {} },
						    { .mask = UINT64_MAX, .reta = {} } };
	struct mr_ethdev_rss_proof proof = {};
	unsigned per_queue[6] = {};

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	EXPECT_EQ((uint32_t)MR_PORT_CAN_TX, p.port->flags) << "fragments part from their flow, so no promise";
	EXPECT_EQ(0, mr_ethdev_rss_prove_port(p.port, &proof, &p.err)) << p.err.msg;
	EXPECT_EQ(0u, proof.asymmetric);
	ASSERT_EQ(0, rte_eth_dev_rss_reta_query(mr_ethdev_port_id(p.port), reta, 128));
	for (int i = 0; i < 128; i++) {
		ASSERT_LT(reta[i / 64].reta[i % 64], 6);
		per_queue[reta[i / 64].reta[i % 64]]++;
	}
	for (unsigned n : per_queue)
		EXPECT_NEAR(128 / 6.0, n, 1);
}

TEST(EthdevOpen, ProofFindsAKeyThatWasChangedBehindOurBack)
{
	Port p("net_null0", [](mr_port_conf &c) { c.queues = 4; });
	struct rte_eth_rss_conf conf = {};
	struct mr_ethdev_rss_proof proof = {};

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	conf.rss_key = const_cast<uint8_t *>(microsoft_key);
	conf.rss_key_len = sizeof(microsoft_key);
	conf.rss_hf = RTE_ETH_RSS_IP;
	ASSERT_EQ(0, rte_eth_dev_rss_hash_update(mr_ethdev_port_id(p.port), &conf));
	EXPECT_EQ(-EPROTO, mr_ethdev_rss_prove_port(p.port, &proof, &p.err));
}

TEST(EthdevOpen, RingGivesBackWhatWasSent)
{
	Port p("net_ring0");
	Port source("net_null1,size=70");

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	ASSERT_NE(nullptr, source.port) << source.err.msg;
	auto sent = source.rx(0);
	ASSERT_EQ(sent.size(), mr_ethdev_ops.tx_burst(p.port, 0, sent.data(), (uint16_t)sent.size()));
	auto got = p.rx(0);
	EXPECT_EQ(sent, got);
	rte_pktmbuf_free_bulk(got.data(), (unsigned)got.size());
	struct mr_ethdev_rss_proof proof;
	EXPECT_EQ(-ENOTSUP, mr_ethdev_rss_prove_port(p.port, &proof, &p.err));
}

TEST(EthdevOpen, SameDeviceTwiceIsRefused)
{
	Port p("net_null0");
	Port q("net_null0");

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	EXPECT_EQ(nullptr, q.port);
	EXPECT_EQ(-EBUSY, q.rc);
	EXPECT_NE(nullptr, strstr(q.err.msg, "already in use")) << q.err.msg;
	EXPECT_EQ((size_t)MR_PORT_BURST_MAX, p.rx_free(0)) << "the first isn't disturbed";
}

static unsigned pools()
{
	unsigned n = 0;

	rte_mempool_walk([](struct rte_mempool *, void *arg) { ++*(unsigned *)arg; }, &n);
	return n;
}

TEST(EthdevOpen, ClosesLeaveNothing)
{
	unsigned before = pools();

	for (int i = 0; i < 40; i++) {
		Port p("net_null0");

		ASSERT_NE(nullptr, p.port) << p.err.msg;
		p.rx_free(0);
	}
	EXPECT_EQ(before, pools());
	EXPECT_EQ(0, rte_eth_dev_count_total());
}

TEST(EthdevOpen, PacketsOutliveTheirPort)
{
	unsigned before = pools();
	std::vector<rte_mbuf *> held;
	{
		Port p("net_null0,size=99");

		ASSERT_NE(nullptr, p.port) << p.err.msg;
		held = p.rx(0);
	}
	EXPECT_EQ(before + 1, pools()) << "the pool waits for its buffers";
	EXPECT_EQ(99u, held[0]->pkt_len);
	rte_pktmbuf_free_bulk(held.data(), (unsigned)held.size());
	Port q("net_null0");
	EXPECT_EQ(before + 1, pools()) << "the next open takes it away";
}

TEST(EthdevOpen, MistakesGetALine)
{
	const struct {
		const char *device;
		int rc;
		const char *says;
		void (*change)(mr_port_conf &);
	} bad[] = {
		{ "mr-no-such-if", -ENODEV, "no interface 'mr-no-such-if'", nullptr },
		{ "af_xdp:mr-no-such-if", -ENODEV, "no interface", nullptr },
		{ "net_nosuchdriver0", -EINVAL, "no such driver", nullptr },
		{ "net_null0,nosuch=1", -EINVAL, "refuses the arguments", nullptr },
		{ "0000:ff:1f.7", -ENODEV, "no PCI device", nullptr },
		{ "net_null0", -EINVAL, "at least one queue", [](mr_port_conf &c) { c.queues = 0; } },
		{ "net_ring0", -ERANGE, "workers", [](mr_port_conf &c) { c.queues = 1000; } },
		{ "net_null0", -ERANGE, "MTU 20", [](mr_port_conf &c) { c.mtu = 20; } },
		{ "net_null0", -EINVAL, "mbuf_size",
		  [](mr_port_conf &c) { c.mtu = 9000, c.mbuf_size = 2048; } },
		{ "net_null0", -EINVAL, "too large", [](mr_port_conf &c) { c.mtu = 65535; } },
		{ "net_null0", -EINVAL, "at least 1152", [](mr_port_conf &c) { c.mbufs = 100; } },
		{ "net_null0", -ENOMEM, "no memory for 100000000",
		  [](mr_port_conf &c) { c.mbufs = 100000000; } },
	};

	for (const auto &b : bad) {
		Port p(b.device, b.change);

		EXPECT_EQ(nullptr, p.port) << b.device;
		EXPECT_EQ(b.rc, p.rc) << b.device;
		EXPECT_NE(nullptr, strstr(p.err.msg, b.says)) << p.err.msg;
		EXPECT_EQ(nullptr, strchr(p.err.msg, '\n'));
	}
	EXPECT_EQ(0, rte_eth_dev_count_total()) << "nothing half open stays";
}

TEST(EthdevOpen, LargeFramesGetLargeBuffersOrChains)
{
	Port whole("net_null0,size=9000", [](mr_port_conf &c) { c.mtu = 9000; });
	Port chain("net_ring0", [](mr_port_conf &c) { c.mtu = 9000; });

	ASSERT_NE(nullptr, whole.port) << whole.err.msg;
	ASSERT_NE(nullptr, chain.port) << chain.err.msg;
	auto pkts = whole.rx(0);
	ASSERT_FALSE(pkts.empty());
	EXPECT_EQ(1, pkts[0]->nb_segs);
	EXPECT_EQ(9000u, pkts[0]->data_len);
	EXPECT_GE(pkts[0]->buf_len, 9000u + RTE_PKTMBUF_HEADROOM);
	rte_pktmbuf_free_bulk(pkts.data(), (unsigned)pkts.size());
}

// A pcap file of 60-octet frames at the given microseconds.
static std::string write_pcap(const std::vector<uint64_t> &times_us)
{
	std::string path = testing::TempDir() + "mr_ethdev_" + std::to_string(getpid()) + ".pcap";
	std::ofstream f(path, std::ios::binary);
	const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, 1 };
	char frame[60] = {};

	f.write((const char *)head, sizeof(head));
	for (size_t i = 0; i < times_us.size(); i++) {
		const uint32_t rec[] = { (uint32_t)(times_us[i] / 1000000), (uint32_t)(times_us[i] % 1000000),
					 sizeof(frame), sizeof(frame) };
		frame[14] = (char)i;
		f.write((const char *)rec, sizeof(rec));
		f.write(frame, sizeof(frame));
	}
	return path;
}

TEST(EthdevPcap, PacketsCarryTheirCaptureTime)
{
	const std::vector<uint64_t> times = { 1500000000000001, 1500000000000009, 1500000000000004,
					      1500000001999999 };
	std::string path = write_pcap(times);
	Port p("net_pcap0,rx_pcap=" + path);
	uint64_t clock = 0;

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	ASSERT_TRUE(p.port->flags & MR_PORT_HAS_TIME);
	auto pkts = p.rx(0);
	ASSERT_EQ(times.size(), pkts.size());
	for (size_t i = 0; i < pkts.size(); i++) {
		EXPECT_EQ((char)i, rte_pktmbuf_mtod(pkts[i], char *)[14]);
		clock = std::max(clock, times[i] * 1000);
		EXPECT_EQ(times[i] * 1000, mr_port_stamp(pkts[i])->time_ns);
		EXPECT_EQ(clock, mr_port_stamp(pkts[i])->clock_ns);
	}
	rte_pktmbuf_free_bulk(pkts.data(), (unsigned)pkts.size());
	EXPECT_TRUE(p.rx(0).empty());
	fs::remove(path);
}

TEST(EthdevPcap, TooManyQueuesAndNoFileGetALine)
{
	std::string path = write_pcap({ 1 });
	Port two("net_pcap0,rx_pcap=" + path, [](mr_port_conf &c) { c.queues = 2; });
	Port none("net_pcap0,rx_pcap=/nonexistent.pcap");

	EXPECT_EQ(-ERANGE, two.rc);
	EXPECT_NE(nullptr, strstr(two.err.msg, "use 1 workers")) << two.err.msg;
	EXPECT_EQ(nullptr, none.port);
	EXPECT_NE('\0', none.err.msg[0]);
	fs::remove(path);
}

TEST(EthdevMemif, PairInOneProcess)
{
	std::string socket = "/tmp/mr_memif_" + std::to_string(getpid()) + ".sock";
	Port server("net_memif0,role=server,id=0,socket-abstract=no,socket=" + socket);
	Port client("net_memif1,role=client,id=0,socket-abstract=no,socket=" + socket);
	Port source("net_null0,size=77");
	size_t got = 0;

	ASSERT_NE(nullptr, server.port) << server.err.msg;
	ASSERT_NE(nullptr, client.port) << client.err.msg;
	ASSERT_NE(nullptr, source.port) << source.err.msg;
	auto sent = source.rx(0);
	size_t left = sent.size();
	for (int ms = 0; ms < 5000 && got < sent.size(); ms++) {
		left -= mr_ethdev_ops.tx_burst(client.port, 0, sent.data() + sent.size() - left,
					       (uint16_t)left);
		got += server.rx_free(0);
		usleep(1000);
	}
	EXPECT_EQ(sent.size(), got);
	rte_pktmbuf_free_bulk(sent.data() + sent.size() - left, (unsigned)left);
}
