// SPDX-License-Identifier: Apache-2.0
// Kernel interfaces, on a veth pair in a network namespace of this test's own. What was sent must be what was
// received plus what was counted as missed, whatever the driver and however slow the reader. Needs root and
// `ip`.
#include <gtest/gtest.h>

#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include <rte_ethdev.h>

#include "base/mr_clock.h"
#include "tests/eal/ethdev_port.h"

#define RX_IF "mrrx"
#define TX_IF "mrtx"

static int run(const char *command)
{
	return system(command);
}

// One namespace for all tests: creating one takes a while.
class Netns : public testing::Environment
{
      public:
	static inline std::string skip;

	void SetUp() override
	{
		home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
		if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0) {
			skip = "needs root to make a network namespace";
			return;
		}
		if (run("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; ip link add " TX_IF
			" type veth peer name " RX_IF " && ip link set " TX_IF " up && ip link set " RX_IF
			" up") != 0)
			skip = "this kernel has no veth, or there is no `ip`";
	}
	void TearDown() override
	{
		if (home >= 0 && setns(home, CLONE_NEWNET) != 0)
			perror("setns");
	}

      private:
	int home = -1;
};

static testing::Environment *const netns = testing::AddGlobalTestEnvironment(new Netns);

// Sends from the other end of the wire, or from the port's own interface.
class Sender
{
      public:
	explicit Sender(const char *ifname)
	{
		struct sockaddr_ll addr = {};

		fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
		addr.sll_family = AF_PACKET;
		addr.sll_ifindex = (int)if_nametoindex(ifname);
		EXPECT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	}
	~Sender()
	{
		close(fd);
	}
	void send(size_t frames, const std::string &frame)
	{
		for (size_t i = 0; i < frames; i++)
			ASSERT_EQ((ssize_t)frame.size(), ::send(fd, frame.data(), frame.size(), 0))
				<< strerror(errno);
	}

      private:
	int fd;
};

static std::string frame(size_t len, const std::string &type, const std::string &body = "")
{
	std::string f = std::string("\x02\0\0\0\0\1\x02\0\0\0\0\2", 12) + type + body;

	f.resize(len, '\x5a');
	return f;
}

static const std::string type_odd("\x88\xb5", 2); // local experiment: no protocol of the host looks at it
static const std::string type_ip("\x08\x00", 2);

class EthdevIface : public testing::TestWithParam<const char *>
{
      protected:
	void SetUp() override
	{
		if (!Netns::skip.empty())
			GTEST_SKIP() << Netns::skip;
	}
	std::string device() const
	{
		return std::string(GetParam()) + ":" RX_IF;
	}

	// Frames by length, until nothing has come for a while.
	std::map<uint32_t, size_t> drain(Port &p)
	{
		std::map<uint32_t, size_t> by_len;
		uint64_t last = mr_clock_mono_ns();

		while (mr_clock_mono_ns() - last < 300 * MR_NS_PER_MS)
			for (uint16_t q = 0; q < p.port->queues; q++)
				for (rte_mbuf *m : p.rx(q)) {
					by_len[m->pkt_len]++;
					rte_pktmbuf_free(m);
					last = mr_clock_mono_ns();
				}
		return by_len;
	}
};

TEST_P(EthdevIface, ReceivesEveryFrameWhole)
{
	Port p(device());
	Sender wire(TX_IF);

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	wire.send(50, frame(60, type_odd));
	wire.send(40, frame(1514, type_odd));
	wire.send(30, frame(1518, std::string("\x81\x00\x00\x64", 4) + type_odd));
	wire.send(20, frame(1510, std::string("\x88\xa8\x00\x64\x81\x00\x00\x65", 8) + type_odd));
	std::map<uint32_t, size_t> expected = { { 60, 50 }, { 1510, 20 }, { 1514, 40 }, { 1518, 30 } };
	EXPECT_EQ(expected, drain(p));
	EXPECT_EQ(0u, p.stats().missed);
}

TEST_P(EthdevIface, CountsWhatItMisses)
{
	Port p(device());
	Sender wire(TX_IF);
	const size_t sent = 60000; // more than any of the drivers' rings hold
	size_t got = 0;

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	wire.send(sent, frame(60, type_odd));
	for (const auto &[len, n] : drain(p))
		got += n;
	struct mr_port_stats stats = p.stats();
	EXPECT_GT(got, 1000u);
	EXPECT_GT(stats.missed, 1000u);
	EXPECT_EQ(sent, got + stats.missed);
	EXPECT_EQ(0u, stats.no_mbuf + stats.errors);
	EXPECT_EQ(stats.missed, p.stats().missed) << "reading doesn't change it";
}

TEST_P(EthdevIface, SeesWhatArrivesNotWhatTheHostSends)
{
	Port p(device());
	Sender host(RX_IF), wire(TX_IF);

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	host.send(100, frame(80, type_odd));
	wire.send(10, frame(70, type_odd));
	EXPECT_EQ((std::map<uint32_t, size_t>{ { 70, 10 } }), drain(p));
}

TEST_P(EthdevIface, SendsToTheWire)
{
	Port p(device());
	Port peer("pcap:" TX_IF);
	Sender wire(TX_IF);

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	ASSERT_NE(nullptr, peer.port) << peer.err.msg;
	wire.send(20, frame(100, type_odd));
	for (int ms = 0, left = 20; ms < 2000 && left > 0; ms++, usleep(1000)) {
		auto pkts = p.rx(0);

		ASSERT_EQ(pkts.size(), mr_ethdev_ops.tx_burst(p.port, 0, pkts.data(), (uint16_t)pkts.size()));
		left -= (int)pkts.size();
	}
	p.rx_free(0);
	EXPECT_EQ((std::map<uint32_t, size_t>{ { 100, 20 } }), drain(peer));
}

TEST_P(EthdevIface, SameInterfaceTwiceIsRefused)
{
	Port p(device());
	Port again(device()), other("pcap:" RX_IF), any(RX_IF);

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	for (Port *q : { &again, &other, &any }) {
		EXPECT_EQ(-EBUSY, q->rc);
		EXPECT_NE(nullptr, strstr(q->err.msg, "already open")) << q->err.msg;
	}
}

static bool promiscuous()
{
	struct ifreq ifr = {};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), RX_IF);
	EXPECT_EQ(0, ioctl(fd, SIOCGIFFLAGS, &ifr));
	close(fd);
	return (ifr.ifr_flags & IFF_PROMISC) != 0;
}

TEST_P(EthdevIface, LeavesTheInterfaceAsItWas)
{
	for (bool was : { false, true }) {
		ASSERT_EQ(0, run(was ? "ip link set " RX_IF " promisc on"
				     : "ip link set " RX_IF " promisc off"));
		for (int i = 0; i < 3; i++) {
			Port p(device());

			ASSERT_NE(nullptr, p.port) << p.err.msg;
		}
		EXPECT_EQ(was, promiscuous());
		EXPECT_NE(0, run("ip link show " RX_IF " | grep -q xdp")) << "no program stays";
		EXPECT_EQ(0, rte_eth_dev_count_total());
	}
	run("ip link set " RX_IF " promisc off");
}

TEST_P(EthdevIface, WrongMtuGetsTheCommandToType)
{
	Port p(device(), [](mr_port_conf &c) { c.mtu = 4000; });

	EXPECT_EQ(-EINVAL, p.rc);
	EXPECT_NE(nullptr, strstr(p.err.msg, "ip link set " RX_IF " mtu 4000")) << p.err.msg;
}

INSTANTIATE_TEST_SUITE_P(Ways, EthdevIface, testing::Values("af_xdp", "pcap", "af_packet"),
			 [](const auto &info) { return std::string(info.param); });

class EthdevIfaceOne : public EthdevIface
{
};

TEST_P(EthdevIfaceOne, FragmentsStayFragments)
{
	// first and last fragment of a datagram of 2944 octets behind its header, 10.0.0.1 to 10.0.0.2, UDP
	const std::string first(
		"\x45\x00\x05\xdc\x00\x07\x20\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02", 20);
	const std::string last(
		"\x45\x00\x05\xd4\x00\x07\x00\xb9\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02", 20);
	Port p(device());
	Sender wire(TX_IF);

	ASSERT_NE(nullptr, p.port) << p.err.msg;
	wire.send(1, frame(1514, type_ip, first));
	wire.send(1, frame(1506, type_ip, last));
	EXPECT_EQ((std::map<uint32_t, size_t>{ { 1514, 1 }, { 1506, 1 } }), drain(p));
}

INSTANTIATE_TEST_SUITE_P(Ways, EthdevIfaceOne, testing::Values("af_xdp", "pcap"),
			 [](const auto &info) { return std::string(info.param); });

class EthdevWays : public EthdevIface
{
};

TEST_F(EthdevWays, PlainNameTakesTheBestThatWorks)
{
	{
		Port p(RX_IF);
		ASSERT_NE(nullptr, p.port) << p.err.msg;
		EXPECT_STREQ("net_af_xdp", mr_ethdev_driver(p.port));
	}
	{
		Port p(RX_IF, [](mr_port_conf &c) { c.queues = 2; });
		ASSERT_NE(nullptr, p.port) << p.err.msg;
		EXPECT_STREQ("net_af_packet", mr_ethdev_driver(p.port))
			<< "veth has one queue for af_xdp, libpcap too";
		EXPECT_FALSE(p.port->flags & MR_PORT_FLOW_QUEUES);
	}
	ASSERT_EQ(0, run("ip link set " RX_IF " mtu 9000"));
	{
		Port p(RX_IF);
		ASSERT_NE(nullptr, p.port) << p.err.msg;
		EXPECT_STREQ("net_pcap", mr_ethdev_driver(p.port))
			<< "jumbo frames don't fit an AF_XDP buffer";
		EXPECT_TRUE(p.port->flags & MR_PORT_HAS_TIME);
	}
	run("ip link set " RX_IF " mtu 1500");
}

TEST_F(EthdevWays, QueuesThatNobodyPollsAreAnError)
{
	if (run("ethtool -L " RX_IF " rx 2 > /dev/null 2>&1") != 0)
		GTEST_SKIP() << "needs ethtool and a veth with two RX queues";
	Port p("af_xdp:" RX_IF);
	EXPECT_EQ(-EINVAL, p.rc);
	EXPECT_NE(nullptr, strstr(p.err.msg, "ethtool -L " RX_IF " rx 1")) << p.err.msg;
	run("ethtool -L " RX_IF " rx 1");
}

TEST_F(EthdevWays, JumboFramesArriveWholeByPacketSocket)
{
	ASSERT_EQ(0, run("ip link set " RX_IF " mtu 9000 && ip link set " TX_IF " mtu 9000"));
	for (const char *way : { "pcap:" RX_IF, "af_packet:" RX_IF }) {
		Port p(way);
		Sender wire(TX_IF);

		ASSERT_NE(nullptr, p.port) << p.err.msg;
		wire.send(100, frame(9014, type_odd));
		EXPECT_EQ((std::map<uint32_t, size_t>{ { 9014, 100 } }), drain(p)) << way;
	}
	run("ip link set " RX_IF " mtu 1500 && ip link set " TX_IF " mtu 1500");
}

TEST_F(EthdevWays, InterfaceThatIsDownIsOpenedAllTheSame)
{
	ASSERT_EQ(0, run("ip link set " RX_IF " down"));
	{
		Port p("pcap:" RX_IF);
		EXPECT_EQ(-ENETDOWN, p.rc) << "libpcap alone insists";
		EXPECT_NE(nullptr, strstr(p.err.msg, "ip link set " RX_IF " up")) << p.err.msg;
	}
	{
		Port p("af_packet:" RX_IF);
		Sender wire(TX_IF);

		ASSERT_NE(nullptr, p.port) << p.err.msg;
		ASSERT_EQ(0, run("ip link set " RX_IF " up"));
		usleep(50000);
		wire.send(10, frame(60, type_odd));
		EXPECT_EQ((std::map<uint32_t, size_t>{ { 60, 10 } }), drain(p))
			<< "and receives when it comes up";
	}
}
