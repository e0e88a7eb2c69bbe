// SPDX-License-Identifier: Apache-2.0
// What the tests of the IPFIX transports share: a transport under a clock of the test's own, bounded waiting,
// and a listening socket. Everything runs in the test's thread unless a test says otherwise.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/mr_clock.h"
#include "ipfix/mr_ipfix_transport.h"

constexpr uint64_t kMs = MR_NS_PER_MS;
constexpr uint64_t kSecond = MR_NS_PER_S;

// Try until it's true; the limit only keeps a broken test from hanging.
inline bool until(const std::function<bool()> &done, int limit_ms = 20000)
{
	uint64_t end_ns = mr_clock_mono_ns() + limit_ms * kMs;

	while (!done()) {
		if (mr_clock_mono_ns() > end_ns)
			return false;
		poll(nullptr, 0, 1);
	}
	return true;
}

// Message i: recognisable and of a length of its own.
inline std::string message(unsigned i, size_t len)
{
	std::string m = "MR|" + std::to_string(i) + "|";

	while (m.size() < len)
		m += static_cast<char>('a' + (i + m.size()) % 26);
	return m;
}

// Of message i: its number counts as packets, so that a sum tells which messages it is of.
inline struct mr_ipfix_load load_of(unsigned i)
{
	struct mr_ipfix_load load = {};

	load.packets = i;
	load.records = 1;
	load.flows = 2;
	return load;
}

class Link
{
      public:
	struct mr_ipfix_collector_conf conf = {};
	struct mr_err err = {};
	uint64_t now_ns = 1000 * kSecond;
	uint32_t generation = 0;

	Link(enum mr_ipfix_proto proto, const char *host, uint16_t port) : ops(mr_ipfix_transport_all[proto])
	{
		conf.name = "c1";
		conf.proto = proto;
		conf.host = host;
		conf.port = port;
	}
	Link(const Link &) = delete;
	~Link()
	{
		close(0);
	}
	int open()
	{
		return ops->open(&conf, now_ns, &t, &err);
	}
	bool up()
	{
		return ops->poll(t, now_ns, &generation) == MR_IPFIX_UP;
	}
	bool wait_up()
	{
		return until([&] { return up(); });
	}
	bool wait_down()
	{
		return until([&] { return !up(); });
	}
	// Failed attempts take their time even on loopback, but not on our clock.
	bool wait_errors(uint64_t n)
	{
		return until([&] {
			up();
			return stats().errors >= n;
		});
	}
	std::vector<bool> send(const std::vector<std::string> &msgs,
			       const std::vector<mr_ipfix_load> &loads = {})
	{
		std::vector<iovec> iov;
		bool taken[1024];

		EXPECT_LE(msgs.size(), 1024u);
		for (const auto &m : msgs)
			iov.push_back({ const_cast<char *>(m.data()), m.size() });
		unsigned n = ops->send(t, iov.data(), loads.empty() ? nullptr : loads.data(),
				       static_cast<unsigned>(iov.size()), taken);
		std::vector<bool> ret(taken, taken + msgs.size());
		EXPECT_EQ(n, std::count(ret.begin(), ret.end(), true));
		return ret;
	}
	bool send_one(const std::string &m)
	{
		return send({ m })[0];
	}
	// The account of the header, checked each time that somebody looks.
	struct mr_ipfix_transport_stats stats()
	{
		struct mr_ipfix_transport_stats st;

		ops->stats(t, &st);
		EXPECT_EQ(st.messages, st.delivered_messages + st.pending_messages + st.lost_messages);
		return st;
	}
	struct mr_ipfix_transport_stats close(unsigned limit_ms)
	{
		struct mr_ipfix_transport_stats st = {};

		if (t != nullptr)
			ops->close(t, limit_ms, &st);
		t = nullptr;
		EXPECT_EQ(0u, st.pending_messages);
		EXPECT_EQ(st.messages, st.delivered_messages + st.lost_messages);
		return st;
	}

      private:
	const struct mr_ipfix_transport_ops *ops;
	struct mr_ipfix_transport *t = nullptr;
};

// A socket bound to a free port of @p host.
class Sock
{
      public:
	int fd = -1;
	uint16_t port = 0;

	Sock(int type, const char *host = "127.0.0.1", uint16_t want_port = 0)
	{
		struct sockaddr_in v4 = {};
		struct sockaddr_in6 v6 = {};
		bool is_v6 = strchr(host, ':') != nullptr;
		int one = 1;

		fd = socket(is_v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		v4.sin_family = AF_INET;
		v4.sin_port = htons(want_port);
		v6.sin6_family = AF_INET6;
		v6.sin6_port = htons(want_port);
		inet_pton(AF_INET, host, &v4.sin_addr);
		inet_pton(AF_INET6, host, &v6.sin6_addr);
		EXPECT_EQ(0, is_v6 ? bind(fd, (struct sockaddr *)&v6, sizeof(v6))
				   : bind(fd, (struct sockaddr *)&v4, sizeof(v4)))
			<< host << ": " << strerror(errno);
		socklen_t len = sizeof(v6);
		EXPECT_EQ(0, getsockname(fd, (struct sockaddr *)&v6, &len));
		port = ntohs(v6.sin6_port); // at the same place in both
	}
	static Sock adopt(int open_fd)
	{
		Sock sock;

		sock.fd = open_fd;
		return sock;
	}
	Sock(Sock &&other) noexcept : fd(other.fd), port(other.port)
	{
		other.fd = -1;
	}
	~Sock()
	{
		shut();
	}
	void shut()
	{
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	void hang_up_hard() // a reset
	{
		struct linger now = { 1, 0 };

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		shut();
	}
	Sock accept_one() const
	{
		int peer = -1;

		EXPECT_TRUE(
			until([&] { return (peer = accept4(fd, nullptr, nullptr, SOCK_NONBLOCK)) >= 0; }));
		return adopt(peer);
	}
	// One datagram, or the octets that are there; "" when there is nothing.
	std::string take() const
	{
		static char room[1 << 17];
		ssize_t n = recv(fd, room, sizeof(room), 0);

		return std::string(room, n > 0 ? static_cast<size_t>(n) : 0);
	}

      private:
	Sock() = default;
};
