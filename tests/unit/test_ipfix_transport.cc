// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/syscall.h>

#include <atomic>
#include <deque>
#include <thread>

#include "ipfix_peer.h"

// Calls of the library that the tests watch or bend; the program's own definitions go before libc's.
static std::deque<int> sendmmsg_errors; // 0: let it through
static unsigned sendmmsg_calls;
static std::vector<std::string> dns_questions; // what a lookup without AI_NUMERICHOST asked for
static bool connect_from_same_port;

extern "C" int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	sendmmsg_calls++;
	if (!sendmmsg_errors.empty()) {
		int code = sendmmsg_errors.front();

		sendmmsg_errors.pop_front();
		if (code != 0) {
			errno = code;
			return -1;
		}
	}
	return static_cast<int>(syscall(SYS_sendmmsg, fd, msgs, n, flags));
}

extern "C" int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
			   struct addrinfo **ret)
{
	static auto real = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
	struct addrinfo literal = *hints;

	if (hints->ai_flags & AI_NUMERICHOST)
		return real(host, service, hints, ret);
	dns_questions.push_back(host);
	if (strcmp(host, "two.test") != 0)
		return EAI_NONAME;
	literal.ai_flags |= AI_NUMERICHOST;
	if (real("127.0.0.2", service, &literal, ret) != 0)
		return EAI_FAIL;
	return real("127.0.0.1", service, &literal, &(*ret)->ai_next);
}

extern "C" int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
	if (connect_from_same_port) {
		EXPECT_EQ(0, bind(fd, addr, len)) << strerror(errno);
	}
	return static_cast<int>(syscall(SYS_connect, fd, addr, len));
}

// The transport's socket: the one whose peer is @p port.
static int find_socket(uint16_t port)
{
	for (int fd = 3; fd < 256; fd++) {
		struct sockaddr_in6 peer = {};
		socklen_t len = sizeof(peer);

		if (getpeername(fd, (struct sockaddr *)&peer, &len) == 0 && ntohs(peer.sin6_port) == port)
			return fd;
	}
	return -1;
}

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	EXPECT_EQ(0, getsockopt(fd, level, name, &value, &len)) << strerror(errno);
	return value;
}

// ---- UDP ----

class IpfixUdp : public testing::TestWithParam<const char *>
{
};
INSTANTIATE_TEST_SUITE_P(Families, IpfixUdp, testing::Values("127.0.0.1", "::1"),
			 [](const auto &param) { return strchr(param.param, ':') ? "v6" : "v4"; });

TEST_P(IpfixUdp, BatchKeepsOrderAndBytes)
{
	Sock peer(SOCK_DGRAM, GetParam());
	Link link(MR_IPFIX_UDP, GetParam(), peer.port);
	std::vector<std::string> msgs;
	uint64_t octets = 0;

	for (unsigned i = 0; i < 150; i++) { // three batches
		msgs.push_back(message(i, 20 + i));
		octets += msgs.back().size();
	}
	ASSERT_EQ(0, link.open()) << link.err.msg;
	EXPECT_TRUE(link.up());
	EXPECT_EQ(1u, link.generation);
	sendmmsg_calls = 0;
	EXPECT_EQ(std::vector<bool>(150, true), link.send(msgs));
	EXPECT_EQ(3u, sendmmsg_calls);
	for (const auto &m : msgs)
		ASSERT_EQ(m, peer.take());
	EXPECT_EQ("", peer.take());
	EXPECT_EQ(150u, link.stats().messages);
	EXPECT_EQ(150u, link.stats().delivered_messages);
	EXPECT_EQ(octets, link.stats().octets);
	EXPECT_EQ(0u, link.close(1000).errors);
}

TEST_P(IpfixUdp, ForbidsFragmentsAndWantsALargeBuffer)
{
	Sock peer(SOCK_DGRAM, GetParam());
	Link link(MR_IPFIX_UDP, GetParam(), peer.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	int fd = find_socket(peer.port);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(IP_PMTUDISC_DO, option(fd, IPPROTO_IP, IP_MTU_DISCOVER));
	if (strchr(GetParam(), ':') != nullptr) {
		EXPECT_EQ(IPV6_PMTUDISC_DO, option(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER));
	}
	EXPECT_GE(option(fd, SOL_SOCKET, SO_SNDBUF), option(peer.fd, SOL_SOCKET, SO_SNDBUF));
	EXPECT_NE(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
}

// Each datagram to a closed port comes back as an ICMP error; none of them may cost another message.
TEST_P(IpfixUdp, ClosedPortIsCountedAndCostsNoOtherMessage)
{
	Sock peer(SOCK_DGRAM, GetParam());
	uint16_t port = peer.port;
	Link link(MR_IPFIX_UDP, GetParam(), port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	peer.shut();
	testing::internal::CaptureStderr();
	EXPECT_TRUE(link.send_one("MR|lost|"));
	EXPECT_TRUE(link.wait_errors(1));
	EXPECT_EQ(std::vector<bool>(10, true), link.send(std::vector<std::string>(10, "MR|lost, too|")));
	EXPECT_TRUE(link.wait_errors(11));
	EXPECT_TRUE(link.up());
	EXPECT_EQ(11u, link.stats().errors);
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("collector=c1")) << log;
	EXPECT_NE(std::string::npos, log.find("Connection refused")) << log;
	EXPECT_EQ(1, std::count(log.begin(), log.end(), '\n')) << log;

	Sock again(SOCK_DGRAM, GetParam(), port);
	EXPECT_TRUE(link.send_one("MR|back|"));
	EXPECT_EQ("MR|back|", again.take());
	EXPECT_EQ(11u, link.stats().errors);
}

TEST_P(IpfixUdp, TooLargeIsRefusedAlone)
{
	Sock peer(SOCK_DGRAM, GetParam());
	Link link(MR_IPFIX_UDP, GetParam(), peer.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	testing::internal::CaptureStderr();
	EXPECT_EQ((std::vector<bool>{ true, false, false, true }),
		  link.send({ message(0, 100), message(1, 65535), message(2, 65535), message(3, 100) }));
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("65535 octets")) << log;
	EXPECT_NE(std::string::npos, log.find("lower mtu")) << log;
	EXPECT_EQ(2u, link.stats().errors);
	EXPECT_EQ(2u, link.stats().messages);
	EXPECT_EQ(message(0, 100), peer.take());
	EXPECT_EQ(message(3, 100), peer.take());
}

TEST(IpfixUdpFull, RefusesTheRestAndDoesNotSpin)
{
	Sock peer(SOCK_DGRAM);

	for (int code : { EAGAIN, ENOBUFS }) {
		Link link(MR_IPFIX_UDP, "127.0.0.1", peer.port);
		std::vector<bool> want(100, false);

		ASSERT_EQ(0, link.open()) << link.err.msg;
		std::fill(want.begin(), want.begin() + 64, true);
		sendmmsg_errors = { 0, code };
		sendmmsg_calls = 0;
		EXPECT_EQ(want, link.send(std::vector<std::string>(100, "MR|")));
		EXPECT_EQ(2u, sendmmsg_calls);
		EXPECT_EQ(1u, link.stats().errors);
		EXPECT_EQ(64u, link.stats().messages);
	}
}

TEST(IpfixUdpFull, OtherErrorsCostOneMessageEach)
{
	Sock peer(SOCK_DGRAM);
	Link link(MR_IPFIX_UDP, "127.0.0.1", peer.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	sendmmsg_errors = { EPERM, ENETUNREACH };
	EXPECT_EQ((std::vector<bool>{ false, false, true }), link.send({ "MR|0", "MR|1", "MR|2" }));
	EXPECT_EQ(2u, link.stats().errors);
	EXPECT_EQ("MR|2", peer.take());
}

TEST(IpfixOpen, ALiteralAddressAsksNoDns)
{
	dns_questions.clear();
	for (auto proto : { MR_IPFIX_UDP, MR_IPFIX_TCP })
		for (const char *host : { "127.0.0.1", "::1" }) {
			Link link(proto, host, 4739);

			EXPECT_EQ(0, link.open()) << link.err.msg;
		}
	EXPECT_TRUE(dns_questions.empty());
}

TEST(IpfixOpen, AnUnknownNameIsAnErrorThatNamesIt)
{
	for (auto proto : { MR_IPFIX_UDP, MR_IPFIX_TCP }) {
		Link link(proto, "nowhere.test", 4739);

		EXPECT_EQ(-EHOSTUNREACH, link.open());
		EXPECT_NE(nullptr, strstr(link.err.msg, "host 'nowhere.test'")) << link.err.msg;
		EXPECT_NE(nullptr, strstr(link.err.msg, "give an address")) << link.err.msg;
		link.conf.host = nullptr;
		EXPECT_EQ(-EINVAL, link.open());
		EXPECT_STREQ("no host; give a name or an address", link.err.msg);
	}
}

TEST(IpfixOpen, ASendBufferBelowOneMessageIsAnError)
{
	Link link(MR_IPFIX_TCP, "127.0.0.1", 4739);

	link.conf.send_buffer = 65535;
	EXPECT_EQ(-EINVAL, link.open());
	EXPECT_STREQ("send_buffer 65535 is too small; give at least 65536 octets",
		     link.err.msg);
}

TEST(IpfixUdpName, UsesTheFirstAddress)
{
	Sock peer(SOCK_DGRAM, "127.0.0.2");
	Link link(MR_IPFIX_UDP, "two.test", peer.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	EXPECT_TRUE(link.send_one("MR|"));
	EXPECT_EQ("MR|", peer.take());
}

// ---- TCP: connecting ----

class Listener : public Sock
{
      public:
	explicit Listener(const char *host = "127.0.0.1", uint16_t want_port = 0, bool now = true)
	    : Sock(SOCK_STREAM, host, want_port)
	{
		if (now)
			start();
	}
	void start(int backlog = 8) const
	{
		EXPECT_EQ(0, listen(fd, backlog)) << strerror(errno);
	}
};

// Read until @p n octets are there, while the transport does its part.
static std::string read_octets(Link &link, const Sock &peer, size_t n)
{
	std::string all;

	EXPECT_TRUE(until([&] {
		std::string piece = peer.take();

		all += piece;
		link.up();
		return all.size() >= n;
	}));
	return all;
}

TEST(IpfixTcp, BacksOffAndDoublesTo10s)
{
	Listener listener("127.0.0.1", 0, false);
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	uint64_t pauses_ms[] = { 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000 };
	uint64_t errors = 1;

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_errors(1));
	for (uint64_t pause_ms : pauses_ms) {
		link.now_ns += pause_ms * kMs - 1;
		EXPECT_FALSE(link.up());
		EXPECT_EQ(errors, link.stats().errors) << pause_ms;
		link.now_ns++;
		ASSERT_TRUE(link.wait_errors(++errors));
		EXPECT_EQ(errors, link.stats().errors) << pause_ms;
	}
	EXPECT_FALSE(link.send_one("MR|"));
	EXPECT_EQ(0u, link.generation);

	listener.start();
	link.now_ns += 10 * kSecond;
	ASSERT_TRUE(link.wait_up());
	EXPECT_EQ(1u, link.generation);
	EXPECT_EQ(0u, link.stats().reconnects);
	Sock peer = listener.accept_one();
	EXPECT_TRUE(link.send_one("MR|"));
	EXPECT_EQ("MR|", read_octets(link, peer, 3));
}

TEST(IpfixTcp, AClockThatStepsBackOnlyRestartsThePause)
{
	Listener listener("127.0.0.1", 0, false);
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_errors(1));
	link.now_ns -= 500 * kSecond;
	EXPECT_FALSE(link.up());
	EXPECT_EQ(1u, link.stats().errors);
	link.now_ns += 100 * kMs;
	EXPECT_TRUE(link.wait_errors(2));
}

TEST(IpfixTcp, GivesUpAConnectionThatNobodyAnswers)
{
	Listener listener("127.0.0.1", 0, false);
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	std::vector<Sock> fillers;
	struct sockaddr_in addr = {};

	// a full backlog drops every further SYN
	listener.start(0);
	addr.sin_family = AF_INET;
	addr.sin_port = htons(listener.port);
	addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	for (int i = 0; i < 4; i++) {
		fillers.push_back(Sock::adopt(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)));
		connect(fillers.back().fd, (struct sockaddr *)&addr, sizeof(addr));
	}
	ASSERT_EQ(0, link.open()) << link.err.msg;
	testing::internal::CaptureStderr();
	EXPECT_FALSE(link.up());
	link.now_ns += 5 * kSecond - 1;
	EXPECT_FALSE(link.up());
	EXPECT_EQ(0u, link.stats().errors);
	link.now_ns++;
	EXPECT_FALSE(link.up());
	EXPECT_EQ(1u, link.stats().errors);
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("no answer within 5 s")) << log;
	EXPECT_NE(std::string::npos, log.find("collector=c1")) << log;
}

TEST(IpfixTcp, TriesEachAddressBeforeItPauses)
{
	Listener listener("127.0.0.1");
	Link link(MR_IPFIX_TCP, "two.test", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	EXPECT_TRUE(link.wait_up());
	EXPECT_EQ(1u, link.stats().errors); // 127.0.0.2, on a clock that stood still

	uint16_t port = listener.port;
	listener.shut();
	testing::internal::CaptureStderr();
	Link down(MR_IPFIX_TCP, "two.test", port);
	ASSERT_EQ(0, down.open()) << down.err.msg;
	EXPECT_TRUE(down.wait_errors(2));
	EXPECT_FALSE(down.up());
	EXPECT_EQ(2u, down.stats().errors);
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_EQ(1, std::count(log.begin(), log.end(), '\n')) << log;
	EXPECT_NE(std::string::npos,
		  log.find("127.0.0.2:" + std::to_string(port) + ": Connection refused; 127.0.0.1:"))
		<< log;
}

TEST(IpfixTcp, DoesNotTalkToItself)
{
	Listener reserved("127.0.0.1", 0, false);
	uint16_t port = reserved.port;
	Link link(MR_IPFIX_TCP, "127.0.0.1", port);

	reserved.shut();
	ASSERT_EQ(0, link.open()) << link.err.msg;
	connect_from_same_port = true;
	EXPECT_FALSE(link.up());
	connect_from_same_port = false;
	EXPECT_EQ(1u, link.stats().errors);
}

TEST(IpfixTcp, LogsAReasonOnceAMinute)
{
	Listener listener("127.0.0.1", 0, false);
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	testing::internal::CaptureStderr();
	ASSERT_TRUE(link.wait_errors(1));
	for (int s = 0; s < 6; s++) {
		uint64_t n = link.stats().errors;

		link.now_ns += 10 * kSecond;
		ASSERT_TRUE(link.wait_errors(n + 1));
	}
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_EQ(2, std::count(log.begin(), log.end(), '\n')) << log;
	EXPECT_NE(std::string::npos, log.find("suppressed=5")) << log;
}

TEST(IpfixTcp, WatchesForASilentPeer)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	int fd = find_socket(listener.port);
	ASSERT_GE(fd, 0);
	EXPECT_EQ(1, option(fd, SOL_SOCKET, SO_KEEPALIVE));
	EXPECT_LE(option(fd, IPPROTO_TCP, TCP_KEEPIDLE) +
			  option(fd, IPPROTO_TCP, TCP_KEEPINTVL) * option(fd, IPPROTO_TCP, TCP_KEEPCNT),
		  30);
	EXPECT_LE(option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT), 30000);
	EXPECT_NE(0, fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

// ---- TCP: messages ----

TEST(IpfixTcp, DeliversOverIpv6InOrder)
{
	Listener listener("::1");
	Link link(MR_IPFIX_TCP, "::1", listener.port);
	std::vector<std::string> msgs;
	std::string all;

	for (unsigned i = 0; i < 1000; i++) {
		msgs.push_back(message(i, 20 + i));
		all += msgs.back();
	}
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	EXPECT_EQ(std::vector<bool>(1000, true), link.send(msgs));
	EXPECT_EQ(all, read_octets(link, peer, all.size()));
	EXPECT_TRUE(until([&] {
		link.up();
		return link.stats().delivered_messages == 1000;
	}));
	EXPECT_EQ(all.size(), link.stats().octets);
}

// Before accepting: the peer's kernel shall take little, and soon stop to acknowledge more.
static void small_receive_buffer(const Listener &listener)
{
	int size = 16384;

	EXPECT_EQ(0, setsockopt(listener.fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
}

// Send until the queue refuses. Returns what was taken.
static std::string fill(Link &link, unsigned *i, size_t len)
{
	std::string taken;

	for (;;) {
		std::string m = message(*i, len);

		if (!link.send({ m }, { load_of(*i) })[0])
			return taken;
		taken += m;
		++*i;
	}
}

// The same until no acknowledgement makes room any more.
static std::string fill_up(Link &link, unsigned *i, size_t len)
{
	std::string taken, more;
	int quiet = 0;

	EXPECT_TRUE(until([&] {
		more = fill(link, i, len);
		taken += more;
		quiet = more.empty() ? quiet + 1 : 0;
		return quiet == 60; // longer than an acknowledgement is usually delayed
	}));
	return taken;
}

// A small buffer is all in the kernel, a large one mostly in our ring.
class IpfixTcpBound : public testing::TestWithParam<uint32_t>
{
};
INSTANTIATE_TEST_SUITE_P(Sizes, IpfixTcpBound, testing::Values(100000, 8 << 20));

TEST_P(IpfixTcpBound, ASlowReaderMeetsItAndLosesNothing)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	unsigned i = 0;

	small_receive_buffer(listener);
	link.conf.send_buffer = GetParam();
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	std::string taken = fill_up(link, &i, 1000);
	struct mr_ipfix_transport_stats st = link.stats();
	EXPECT_LE(st.queued_octets, GetParam());
	EXPECT_GT(st.queued_octets + 1000, GetParam());
	EXPECT_EQ(i, st.messages);
	EXPECT_EQ(taken.size(), st.octets);
	EXPECT_EQ(st.queued_octets, 1000 * st.pending_messages);
	// order is kept within a call: what follows a refused message is refused even if it would fit
	EXPECT_EQ((std::vector<bool>{ false, false }), link.send({ message(i, 1000), "MR|" }));
	EXPECT_EQ(i, link.stats().messages);

	EXPECT_TRUE(taken == read_octets(link, peer, taken.size()));
	EXPECT_TRUE(until([&] { return link.send_one(message(i, 1000)); }));
	EXPECT_EQ(message(i, 1000), read_octets(link, peer, 1000));
	st = link.close(5000);
	EXPECT_EQ(i + 1, st.delivered_messages);
	EXPECT_EQ(0u, st.errors);
}

static uint64_t sum_of_last(uint64_t n, uint64_t end)
{
	uint64_t sum = 0;

	for (uint64_t i = end - n; i < end; i++)
		sum += i;
	return sum;
}

TEST_P(IpfixTcpBound, AKilledCollectorCostsExactlyWhatItDidNotTake)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	unsigned i = 0;
	uint16_t port = listener.port;

	small_receive_buffer(listener);
	link.conf.send_buffer = GetParam();
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	std::string taken = fill_up(link, &i, 997);
	std::string got = read_octets(link, peer, 50000);
	taken += fill_up(link, &i, 997);
	EXPECT_EQ(0, taken.compare(0, got.size(), got));
	uint64_t queued = link.stats().pending_messages;
	EXPECT_GT(queued, GetParam() / 997 / 2);
	listener.shut();
	peer.hang_up_hard();
	ASSERT_TRUE(link.wait_down());
	EXPECT_FALSE(link.send_one("MR|"));

	struct mr_ipfix_transport_stats st = link.stats();
	EXPECT_EQ(i, st.messages);
	EXPECT_EQ(0u, st.pending_messages);
	EXPECT_EQ(0u, st.queued_octets);
	EXPECT_GE(st.delivered_messages, got.size() / 997); // what it has read, and what its kernel had taken
	EXPECT_LE(st.lost_messages, queued);
	EXPECT_GT(st.lost_messages, queued / 2); // but for an acknowledgement that came late
	EXPECT_EQ(st.lost_messages, st.lost_records);
	EXPECT_EQ(2 * st.lost_messages, st.lost_flows);
	EXPECT_EQ(sum_of_last(st.lost_messages, i), st.lost_packets); // the youngest, not any
	EXPECT_EQ(1u, link.generation);

	Listener again("127.0.0.1", port);
	link.now_ns += 200 * kMs;
	ASSERT_TRUE(until([&] {
		link.now_ns += kMs;
		return link.up();
	}));
	EXPECT_EQ(2u, link.generation);
	EXPECT_EQ(1u, link.stats().reconnects);
	Sock second = again.accept_one();
	EXPECT_TRUE(link.send_one("MR|fresh|"));
	EXPECT_EQ("MR|fresh|",
		  read_octets(link, second, 9)); // nothing of the old connection, no half message
}

TEST(IpfixTcp, ACollectorThatClosesAfterReadingAllCostsNothing)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	EXPECT_TRUE(link.send_one("MR|"));
	EXPECT_EQ("MR|", read_octets(link, peer, 3));
	testing::internal::CaptureStderr();
	peer.shut();
	EXPECT_TRUE(link.wait_down());
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("the collector closed the connection")) << log;
	EXPECT_EQ(1u, link.stats().delivered_messages);
	EXPECT_EQ(0u, link.stats().lost_messages);
	EXPECT_EQ(1u, link.stats().errors);
}

// The first write to a closed peer comes back as a reset, the second one would be SIGPIPE, which ends a program.
TEST(IpfixTcp, WritingToAClosedCollectorIsNoSignal)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	listener.accept_one().shut();
	EXPECT_TRUE(until([&] { return !link.send_one("MR|"); }));
	EXPECT_FALSE(link.up());
	EXPECT_EQ(link.stats().messages, link.stats().lost_messages);
}

// Accepting and hanging up is no success: the pause keeps growing until a connection lives for 10 s.
TEST(IpfixTcp, AFlappingCollectorIsBackedOffFrom)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	for (uint64_t pause_ms : { 100, 200, 400, 800 }) {
		ASSERT_TRUE(link.wait_up());
		listener.accept_one().shut();
		ASSERT_TRUE(link.wait_down());
		link.now_ns += pause_ms * kMs - 1;
		EXPECT_FALSE(link.up());
		link.now_ns++;
	}
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	link.now_ns += 10 * kSecond;
	EXPECT_TRUE(link.up());
	peer.shut();
	ASSERT_TRUE(link.wait_down());
	link.now_ns += 100 * kMs;
	EXPECT_TRUE(link.wait_up());
	EXPECT_EQ(6u, link.generation);
	EXPECT_EQ(5u, link.stats().reconnects);
}

TEST(IpfixTcp, AChattyCollectorIsIgnored)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	std::string chat(100000, '?');
	size_t said = 0;

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	EXPECT_TRUE(until([&] {
		ssize_t n = send(peer.fd, chat.data(), chat.size(), MSG_NOSIGNAL);

		said += n > 0 ? static_cast<size_t>(n) : 0;
		EXPECT_TRUE(link.up());
		return said > 20000000;
	}));
	EXPECT_TRUE(link.send_one("MR|"));
	EXPECT_EQ("MR|", read_octets(link, peer, 3));
}

TEST(IpfixTcp, CloseWaitsForTheQueue)
{
	Listener listener;
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);
	unsigned i = 0;
	std::string got;
	std::atomic<bool> ended{ false };

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	Sock peer = listener.accept_one();
	std::string taken = fill(link, &i, 1400);
	EXPECT_GT(link.stats().queued_octets, 4000000u);
	std::thread reader([&] {
		static char room[1 << 16];
		ssize_t n;

		fcntl(peer.fd, F_SETFL, 0);
		while ((n = recv(peer.fd, room, sizeof(room), 0)) > 0)
			got.append(room, static_cast<size_t>(n));
		ended = n == 0;
	});
	struct mr_ipfix_transport_stats st = link.close(20000);
	reader.join();
	EXPECT_TRUE(ended);
	EXPECT_EQ(taken.size(), got.size());
	EXPECT_TRUE(taken == got);
	EXPECT_EQ(i, st.delivered_messages);
	EXPECT_EQ(0u, st.lost_messages);
}

TEST(IpfixTcp, CloseDoesNotWaitForever)
{
	Listener listener;
	unsigned i = 0;

	for (unsigned limit_ms : { 0, 30 }) {
		Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

		ASSERT_EQ(0, link.open()) << link.err.msg;
		ASSERT_TRUE(link.wait_up());
		Sock peer = listener.accept_one();
		i = 0;
		fill(link, &i, 1400);
		testing::internal::CaptureStderr();
		struct mr_ipfix_transport_stats st = link.close(limit_ms); // returns at all
		std::string log = testing::internal::GetCapturedStderr();
		EXPECT_GT(st.lost_messages, 2000u);
		EXPECT_EQ(sum_of_last(st.lost_messages, i), st.lost_packets);
		EXPECT_NE(std::string::npos, log.find("not acknowledged")) << log;
	}
}

TEST(IpfixTcp, CloseWithoutAConnectionIsQuiet)
{
	Listener listener("127.0.0.1", 0, false);
	Link link(MR_IPFIX_TCP, "127.0.0.1", listener.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_errors(1));
	EXPECT_EQ(0u, link.close(1000).messages);
}
