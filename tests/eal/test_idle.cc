// SPDX-License-Identifier: Apache-2.0
// A worker with power: save on a software ring: it rests while nothing comes, and wakes in time for 1 Mpps.
#include <fstream>
#include <string>
#include <thread>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <rte_ring.h>

#include "ethdev_port.h"
#include "flow/mr_flow.h"
#include "packet/mr_packet_burst.h"

extern "C" {
#include "app/mr_idle.h"
#include "app/mr_time.h"
}

namespace
{

constexpr uint64_t MS = 1000000;
constexpr unsigned PHASES = 60;
constexpr unsigned BURST = MR_PORT_BURST_MAX;
constexpr unsigned PHASE_PKTS = 80 * BURST; // at 1 Mpps: five rings

// What the scheduler knows of a thread, ns.
struct Usage {
	uint64_t ran;
	uint64_t waited; // runnable, but without a CPU
};

class IdleWorker : public testing::Test
{
      protected:
	Port port{ "net_ring0", [](mr_port_conf &conf) { conf.wakes = true; } };
	mr_worker *worker = nullptr;
	rte_mempool *pool = nullptr;
	std::thread thread;
	std::atomic<pid_t> tid{ 0 };

	void SetUp() override
	{
		mr_flow_conf flow = {};

		ASSERT_NE(nullptr, port.port) << port.err.msg;
		flow.max_flows = 4096;
		flow.ipv6_percent = 50;
		flow.idle_timeout_ns = flow.active_timeout_ns = 100 * MS;
		flow.tcp_linger_ns = flow.fragment_timeout_ns = 100 * MS;
		flow.max_fragments = 64;
		flow.socket = SOCKET_ID_ANY;
		mr_time_discipline();
		ASSERT_EQ(0, mr_worker_new(&flow, &worker, &port.err)) << port.err.msg;
		worker->rx[worker->n_rx++].port = port.port;
		pool = rte_pktmbuf_pool_create("idle", 8191, 0, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
		ASSERT_NE(nullptr, pool);
		thread = std::thread([this] {
			tid = static_cast<pid_t>(syscall(SYS_gettid));
			mr_idle_run(worker);
		});
		while (tid == 0)
			std::this_thread::yield();
	}
	void TearDown() override
	{
		if (thread.joinable())
			end();
		mr_worker_free(worker);
		rte_mempool_free(pool);
	}

	// All flows ended and handed over.
	void end()
	{
		mr_worker_state_set(worker, MR_WORKER_DRAIN);
		thread.join();
	}

	uint64_t received() const
	{
		return mr_counter_get(&worker->counters, MR_C_RECEIVED);
	}

	Usage usage() const
	{
		std::ifstream file("/proc/self/task/" + std::to_string(tid) + "/schedstat");
		Usage u = { 0, 0 };

		file >> u.ran >> u.waited;
		return u;
	}

	// UDP, one flow. Returns how many found no room in the ring.
	unsigned send(unsigned n)
	{
		static const uint8_t frame[60] = { 2,	 0, 0,	0,  0, 1, 2, 0, 0,  0,	0, 2, 8,  0,
						   0x45, 0, 0,	46, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0,
						   0,	 1, 10, 0,  0, 2, 4, 0, 0,  53, 0, 26 };
		rte_mbuf *pkts[BURST];

		if (rte_pktmbuf_alloc_bulk(pool, pkts, n) != 0)
			return n;
		for (unsigned i = 0; i < n; i++)
			memcpy(rte_pktmbuf_append(pkts[i], sizeof(frame)), frame, sizeof(frame));
		unsigned sent = port.port->ops->tx_burst(port.port, 0, pkts, static_cast<uint16_t>(n));
		rte_pktmbuf_free_bulk(pkts + sent, n - sent);
		return n - sent;
	}

	// A burst each 64 us and never faster: what this thread was too late to send is put off, not caught
	// up. Between bursts it sleeps, so that the worker has a CPU even where there is only one.
	unsigned send_at_1mpps(unsigned n)
	{
		unsigned lost = 0;

		prctl(PR_SET_TIMERSLACK, 1ul);
		for (unsigned done = 0; done < n; done += BURST) {
			uint64_t next_ns = mr_clock_mono_ns() + BURST * 1000;

			lost += send(BURST);
			uint64_t now_ns = mr_clock_mono_ns();
			if (now_ns < next_ns)
				std::this_thread::sleep_for(std::chrono::nanoseconds(next_ns - now_ns));
		}
		return lost;
	}
};

TEST_F(IdleWorker, RestsWhileNothingComes)
{
	std::this_thread::sleep_for(std::chrono::milliseconds(100));
	Usage before = usage();
	uint64_t start_ns = mr_clock_mono_ns();

	std::this_thread::sleep_for(std::chrono::milliseconds(1000));
	uint64_t took_ns = mr_clock_mono_ns() - start_ns;
	uint64_t ran_ns = usage().ran - before.ran;
	RecordProperty("ran_us", static_cast<int>(ran_ns / 1000));
	EXPECT_GT(ran_ns, 0u);
	EXPECT_LE(ran_ns, took_ns / 10);
}

// From rest to 1 Mpps, again and again. Where the machine gave its CPU to others, losses are not the worker's
// fault.
TEST_F(IdleWorker, WakesWithoutLossAt1Mpps)
{
	unsigned clean = 0, at_fault = 0;
	uint64_t lost = 0;

	for (unsigned i = 0; i < PHASES; i++) {
		std::this_thread::sleep_for(std::chrono::milliseconds(5));
		Usage before = usage();
		unsigned now_lost = send_at_1mpps(PHASE_PKTS);

		lost += now_lost;
		clean += now_lost == 0;
		at_fault += now_lost != 0 && usage().waited - before.waited < MS / 2;
	}
	RecordProperty("clean", static_cast<int>(clean));
	RecordProperty("at_fault", static_cast<int>(at_fault));
	// a worker that had no CPU for a while may still have some before it
	for (int ms = 0; ms < 10000 && received() + lost != PHASES * PHASE_PKTS; ms++)
		std::this_thread::sleep_for(std::chrono::milliseconds(1));
	EXPECT_EQ(PHASES * PHASE_PKTS, received() + lost);
	end();
	// a virtual machine that is not run at all sees nothing of it: hence not none
	EXPECT_LE(at_fault, PHASES / 4);
	if (clean == 0)
		GTEST_SKIP() << "others took the CPU from the worker all the time: " << lost
			     << " packets lost";
}

// Records leave though no packet comes any more.
TEST_F(IdleWorker, AgesWhileItRests)
{
	ASSERT_EQ(0u, send(1));
	uint64_t start_ns = mr_clock_mono_ns();
	while (rte_ring_count(worker->records) == 0 && mr_clock_mono_ns() < start_ns + 10000 * MS)
		std::this_thread::sleep_for(std::chrono::milliseconds(10));
	EXPECT_EQ(1u, rte_ring_count(worker->records));
	EXPECT_EQ(0u, mr_flow_count(worker->table));
}

} // namespace
