// SPDX-License-Identifier: Apache-2.0
#include <deque>
#include <random>

#include "ipfix/mr_ipfix_queue.h"
#include "ipfix_peer.h"

// Random puts, writes and acknowledgements against a model that keeps everything.
static void queue_against_model(unsigned seed, bool framed)
{
	std::mt19937 rnd(seed);
	struct mr_ipfix_queue q;
	struct mr_ipfix_transport_stats stats = {};
	std::string in, out;
	struct Msg {
		uint64_t end, wire_end, packets, len;
	};
	std::deque<Msg> open; // not yet delivered; end is in octets of messages
	uint64_t wire = 0, acked = 0, pending = 0;

	ASSERT_EQ(0, mr_ipfix_queue_init(&q, 5000));
	for (unsigned i = 0; i < 20000; i++) {
		const uint8_t *data;
		size_t n;

		switch (rnd() % 3) {
		case 0: {
			std::string m = message(i, 1 + rnd() % 700);
			struct iovec iov = { m.data(), m.size() };
			struct mr_ipfix_load load = load_of(i);
			bool fits = m.size() <= 5000 - pending && open.size() < 5000 / 128 + 64;

			ASSERT_EQ(fits, mr_ipfix_queue_put(&q, &iov, &load));
			if (!fits)
				break;
			in += m;
			pending += m.size();
			open.push_back({ in.size(), 0, i, m.size() });
			break;
		}
		case 1:
			n = mr_ipfix_queue_peek(&q, &data);
			ASSERT_EQ(n == 0, in.size() == out.size());
			if (n == 0)
				break;
			n = 1 + rnd() % n;
			ASSERT_EQ(0, memcmp(data, in.data() + out.size(), n));
			out.append(reinterpret_cast<const char *>(data), n);
			wire += n + (framed ? 22 : 0);
			mr_ipfix_queue_written(&q, n, wire, framed);
			for (auto &m : open)
				if (m.wire_end == 0 && m.end <= out.size())
					m.wire_end = framed ? wire : m.end;
			break;
		case 2: {
			size_t gone = 0;

			acked += rnd() % (wire - acked + 1);
			while (!open.empty() && open.front().wire_end != 0 &&
			       open.front().wire_end <= acked) {
				pending -= open.front().len;
				open.pop_front();
				gone++;
			}
			ASSERT_EQ(gone, mr_ipfix_queue_delivered(&q, acked));
			break;
		}
		}
		ASSERT_EQ(open.size(), q.n_written + q.n_waiting);
		ASSERT_EQ(pending, q.pending);
	}
	EXPECT_GT(out.size(), 100000u);
	mr_ipfix_queue_lose(&q, &stats);
	EXPECT_EQ(open.size(), stats.lost_messages);
	EXPECT_EQ(open.size(), stats.lost_records);
	for (const auto &m : open)
		stats.lost_packets -= m.packets;
	EXPECT_EQ(0u, stats.lost_packets);
	EXPECT_EQ(0u, mr_ipfix_queue_delivered(&q, UINT64_MAX));
	mr_ipfix_queue_fini(&q);
}

TEST(IpfixQueue, KeepsOrderAndAccountByOctet)
{
	queue_against_model(1, false);
}

TEST(IpfixQueue, KeepsOrderAndAccountByRecord)
{
	queue_against_model(2, true);
}
