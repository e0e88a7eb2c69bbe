// SPDX-License-Identifier: Apache-2.0
#include "../packet/decode.h"

#include "flow/mr_flow_tcp.h"

using namespace build;

namespace
{

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

constexpr uint32_t kClient = 0x0a000001, kServer = 0x0a000002; // the client is endpoint 0
constexpr uint64_t kMs = 1000000;

struct Segment {
	unsigned from; // 0: client
	uint32_t seq, ack;
	size_t len = 0;
	uint8_t flags = ACK;
	uint16_t window = 1000;
	Bytes options = {};
};

class Connection
{
      public:
	explicit Connection(bool swapped = false) : swapped_(swapped)
	{
	}

	// At ms after the start.
	Connection &at(double ms, const Segment &s)
	{
		unsigned from = s.from ^ (unsigned)swapped_;
		Ip4 ip;
		Bytes header = cat({ be(from == 0 ? 1000 : 80, 2), be(from == 0 ? 80 : 1000, 2), be(s.seq, 4),
				     be(s.ack, 4), be((5 + s.options.size() / 4) << 4, 1), be(s.flags, 1),
				     be(s.window, 2), be(0, 4), s.options, fill(s.len) });

		ip.proto = 6;
		ip.src = from == 0 ? kClient : kServer;
		ip.dst = from == 0 ? kServer : kClient;
		Bytes frame = eth(0x0800, ip4(ip, header));
		struct mr_packet p = decode(frame);

		p.data = frame.data();
		p.time_ns = 1700000000000000000ull + (uint64_t)(ms * (double)kMs);
		mr_flow_tcp_packet(&tcp, &p);
		return *this;
	}

	Connection &handshake(uint32_t isn0 = 100, uint32_t isn1 = 500)
	{
		at(0, { 0, isn0, 0, 0, SYN });
		at(20, { 1, isn1, isn0 + 1, 0, SYN | ACK });
		at(25, { 0, isn0 + 1, isn1 + 1 });
		return *this;
	}

	const struct mr_flow_tcp_way &client() const
	{
		return tcp.way[swapped_];
	}
	const struct mr_flow_tcp_way &server() const
	{
		return tcp.way[!swapped_];
	}

	struct mr_flow_tcp tcp = {};

      private:
	bool swapped_;
};

TEST(FlowTcp, RoundTripsOfTheHandshake)
{
	for (bool swapped : { false, true }) {
		Connection c(swapped);

		c.handshake();
		EXPECT_EQ(c.tcp.state, MR_FLOW_TCP_ESTABLISHED);
		EXPECT_EQ(c.tcp.server_rtt_us, 20000u);
		EXPECT_EQ(c.tcp.client_rtt_us, 5000u);
		EXPECT_EQ(c.tcp.client, swapped);
	}
}

TEST(FlowTcp, RoundTripsAreOfTheLastSyn)
{
	Connection c;

	c.at(0, { 0, 100, 0, 0, SYN }).at(1000, { 0, 100, 0, 0, SYN }); // lost behind the probe
	c.at(1020, { 1, 500, 101, 0, SYN | ACK }).at(2020, { 1, 500, 101, 0, SYN | ACK });
	c.at(2025, { 0, 101, 501 });
	EXPECT_EQ(c.tcp.state, MR_FLOW_TCP_ESTABLISHED);
	EXPECT_EQ(c.tcp.server_rtt_us, 20000u);
	EXPECT_EQ(c.tcp.client_rtt_us, 5000u);
	EXPECT_EQ(c.client().retransmitted, 1u);
	EXPECT_EQ(c.server().retransmitted, 1u);
}

TEST(FlowTcp, ClockThatIsSetBack)
{
	Connection c;

	c.at(1000, { 0, 100, 0, 0, SYN }).at(20, { 1, 500, 101, 0, SYN | ACK }).at(30, { 0, 101, 501 });
	EXPECT_EQ(c.tcp.server_rtt_us, 1u);
	EXPECT_EQ(c.tcp.client_rtt_us, 10000u);
}

TEST(FlowTcp, AnswerToAnotherSyn)
{
	Connection c;

	c.at(0, { 0, 100, 0, 0, SYN }).at(20, { 1, 500, 90001, 0, SYN | ACK });
	EXPECT_EQ(c.tcp.state, MR_FLOW_TCP_ATTEMPTED);
	EXPECT_EQ(c.tcp.server_rtt_us, 0u);
	// octets in the SYN (RFC 7413), of which the server takes none
	Connection fast;
	fast.at(0, { 0, 100, 0, 300, SYN }).at(20, { 1, 500, 101, 0, SYN | ACK });
	EXPECT_EQ(fast.tcp.state, MR_FLOW_TCP_HALF_OPEN);
}

TEST(FlowTcp, States)
{
	Connection attempted, rejected, half, closed, reset, unknown;

	attempted.at(0, { 0, 1, 0, 0, SYN }).at(1000, { 0, 1, 0, 0, SYN });
	EXPECT_EQ(attempted.tcp.state, MR_FLOW_TCP_ATTEMPTED);
	EXPECT_EQ(attempted.client().retransmitted, 1u) << "SYN sent again";
	rejected.at(0, { 0, 1, 0, 0, SYN }).at(1, { 1, 0, 2, 0, RST | ACK });
	EXPECT_EQ(rejected.tcp.state, MR_FLOW_TCP_REJECTED);
	half.at(0, { 0, 1, 0, 0, SYN }).at(1, { 1, 9, 2, 0, SYN | ACK });
	EXPECT_EQ(half.tcp.state, MR_FLOW_TCP_HALF_OPEN);
	closed.handshake().at(30, { 0, 101, 501, 0, FIN | ACK }).at(31, { 1, 501, 102, 0, FIN | ACK });
	EXPECT_EQ(closed.tcp.state, MR_FLOW_TCP_CLOSED);
	closed.at(32, { 1, 502, 102, 0, RST });
	EXPECT_EQ(closed.tcp.state, MR_FLOW_TCP_CLOSED);
	reset.handshake().at(30, { 1, 501, 101, 0, RST | ACK });
	EXPECT_EQ(reset.tcp.state, MR_FLOW_TCP_RESET);
	unknown.at(0, { 0, 1, 1, 10 }).at(1, { 1, 1, 11 });
	EXPECT_EQ(unknown.tcp.state, MR_FLOW_TCP_UNKNOWN);
}

TEST(FlowTcp, ResponseTimeIsTheLongest)
{
	Connection c;

	c.handshake();
	c.at(30, { 0, 101, 501, 50 }).at(80, { 1, 501, 151, 100 }).at(81, { 1, 601, 151, 100 });
	EXPECT_EQ(c.tcp.response_us, 50000u);
	c.at(100, { 0, 151, 701, 50 }).at(110, { 1, 701, 201, 10 });
	EXPECT_EQ(c.tcp.response_us, 50000u);
	c.at(120, { 0, 201, 711, 50 }).at(130, { 0, 251, 711, 50 }).at(200, { 1, 711, 301, 10 });
	EXPECT_EQ(c.tcp.response_us, 70000u) << "from the end of the request";
	mr_flow_tcp_record(&c.tcp);
	EXPECT_EQ(c.tcp.response_us, 0u);
	EXPECT_EQ(c.tcp.state, MR_FLOW_TCP_ESTABLISHED);
}

TEST(FlowTcp, SentAgainAfterATimeout)
{
	Connection c;

	c.handshake();
	c.at(30, { 0, 101, 501, 100 }).at(330, { 0, 101, 501, 100 });
	EXPECT_EQ(c.client().retransmitted, 1u);
	EXPECT_EQ(c.client().out_of_order, 0u);
	EXPECT_EQ(c.client().lost, 0u);
}

TEST(FlowTcp, FastRetransmission)
{
	Connection c;

	c.handshake();
	c.at(30, { 0, 101, 501, 100 }).at(31, { 0, 301, 501, 100 }).at(32, { 0, 401, 501, 100 });
	EXPECT_EQ(c.client().lost, 1u) << "201 to 300";
	c.at(50, { 1, 501, 201 }).at(51, { 1, 501, 201 }).at(52, { 1, 501, 201 }).at(53, { 1, 501, 201 });
	EXPECT_EQ(c.server().duplicate_acks, 3u);
	c.at(54, { 0, 201, 501, 100 });
	EXPECT_EQ(c.client().retransmitted, 1u);
	EXPECT_EQ(c.client().out_of_order, 0u);
}

TEST(FlowTcp, OnlyOvertaken)
{
	Connection c;

	c.handshake();
	c.at(30, { 0, 101, 501, 100 }).at(31, { 0, 301, 501, 100 }).at(31.5, { 0, 201, 501, 100 });
	EXPECT_EQ(c.client().out_of_order, 1u);
	EXPECT_EQ(c.client().retransmitted, 0u);
	EXPECT_EQ(c.client().lost, 1u) << "it was missing for a while";
}

TEST(FlowTcp, SequenceNumbersWrap)
{
	Connection c;

	c.handshake(0xffffff00, 0xfffffff0);
	for (uint32_t i = 0; i < 10; i++)
		c.at(30 + i, { 0, 0xffffff01 + i * 100, 0xfffffff1, 100 })
			.at(30.5 + i, { 1, 0xfffffff1, 0xffffff01 + (i + 1) * 100 });
	EXPECT_EQ(c.client().retransmitted + c.client().out_of_order + c.client().lost, 0u);
	EXPECT_EQ(c.server().duplicate_acks, 0u);
	c.at(100, { 0, 0xffffff01, 0xfffffff1, 100 });
	EXPECT_EQ(c.client().retransmitted, 1u);
}

TEST(FlowTcp, KeepAlivesAndZeroWindows)
{
	Connection c;

	c.handshake().at(30, { 0, 101, 501, 10 });
	c.at(31, { 1, 501, 111, 0, ACK, 0 });
	EXPECT_EQ(c.server().zero_windows, 1u);
	c.at(1000, { 0, 110, 501, 0 }).at(2000, { 0, 110, 501, 1 });
	EXPECT_EQ(c.client().retransmitted + c.client().out_of_order, 0u);
	c.at(2001, { 1, 501, 111, 0, RST, 0 });
	EXPECT_EQ(c.server().zero_windows, 1u) << "of a reset the window says nothing";
}

TEST(FlowTcp, AnswersToKeepAlivesAreNoDuplicates)
{
	Connection c;

	c.handshake().at(30, { 0, 101, 501, 10 }).at(50, { 1, 501, 111 });
	for (unsigned i = 1; i < 5; i++)
		c.at(1000 * i, { 0, 110, 501, 0 }).at(1000 * i + 20, { 1, 501, 111 });
	EXPECT_EQ(c.server().duplicate_acks, 0u);
	c.at(9000, { 0, 111, 501, 10 }).at(9020, { 1, 501, 111 });
	EXPECT_EQ(c.server().duplicate_acks, 1u);
}

TEST(FlowTcp, MssAndScale)
{
	Connection c;

	c.at(0, { 0, 1, 0, 0, SYN, 1000, cat({ be(0x020405b4, 4), be(0x01030307, 4) }) });
	c.at(1, { 1, 1, 2, 0, SYN | ACK, 1000, cat({ be(0x02040218, 4) }) });
	EXPECT_EQ(c.client().mss, 1460);
	EXPECT_EQ(c.client().window_scale, 7);
	EXPECT_EQ(c.server().mss, 536);
	EXPECT_EQ(c.server().window_scale, 0xff);
}

TEST(FlowTcp, OptionsThatLie)
{
	for (const Bytes &options :
	     { cat({ be(0x02ff05b4, 4) }), cat({ be(0x0200ffff, 4) }), cat({ be(0x01010102, 4) }),
	       cat({ be(0x02010000, 4) }), cat({ be(0x00020405, 4) }) }) {
		Connection c;

		c.at(0, { 0, 1, 0, 0, SYN, 1000, options });
		EXPECT_EQ(c.client().mss, 0);
	}
}

TEST(FlowTcp, NotTcpOrCutIsNothing)
{
	struct mr_flow_tcp tcp = {}, zero = {};
	Bytes frame = eth(0x0800, ip4({}, udp(1, 2, fill(4))));
	struct mr_packet p = decode(frame);

	p.data = frame.data();
	mr_flow_tcp_packet(&tcp, &p);
	EXPECT_EQ(memcmp(&tcp, &zero, sizeof(tcp)), 0);
}

} // namespace
