/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_idle.h"

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_interrupts.h>

#include "base/mr_clock.h"
#include "base/mr_log.h"

MR_LOG_REGISTER(idle);

#define TIMER_SLACK_NS 1000UL /* the usual 50 us would make a short sleep several times as long */

/* Let all ports wake those who wait for the epoll set, or none: half of them would leave the others unseen.
 */
static bool join(const struct mr_worker *w, int epoll_fd)
{
	unsigned n = 0;

	while (n < w->n_rx && w->rx[n].port->ops->wake_join != NULL &&
	       w->rx[n].port->ops->wake_join(w->rx[n].port, w->rx[n].queue, epoll_fd, true) == 0)
		n++;
	if (n != 0 && n == w->n_rx)
		return true;
	while (n-- > 0)
		w->rx[n].port->ops->wake_join(w->rx[n].port, w->rx[n].queue, epoll_fd, false);
	return false;
}

static void leave(const struct mr_worker *w, int epoll_fd)
{
	for (unsigned i = 0; i < w->n_rx; i++)
		w->rx[i].port->ops->wake_join(w->rx[i].port, w->rx[i].queue, epoll_fd, false);
}

static void arm(const struct mr_worker *w, bool on)
{
	for (unsigned i = 0; i < w->n_rx; i++)
		w->rx[i].port->ops->wake_arm(w->rx[i].port, w->rx[i].queue, on);
}

static uint32_t shortest_ring(const struct mr_worker *w)
{
	uint32_t shortest = 0;

	for (unsigned i = 0; i < w->n_rx; i++) {
		uint32_t ring = w->rx[i].port->rx_ring;

		if (ring != 0 && (shortest == 0 || ring < shortest))
			shortest = ring;
	}
	return shortest;
}

static void run_sleeping(struct mr_worker *w)
{
	struct mr_power power = mr_power_new(shortest_ring(w), false);

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	mr_log_info("worker=%u power save: sleeps of up to %u us", w->id, power.limit_ns / 1000);
	while (mr_worker_state_get(w) != MR_WORKER_DONE)
		if (mr_power_step(&power, mr_worker_poll(w)) == MR_POWER_WAIT)
			nanosleep(&(struct timespec){ .tv_nsec = power.wait_ns }, NULL);
}

static void run_woken(struct mr_worker *w, int epoll_fd)
{
	struct mr_power power = mr_power_new(0, true);
	struct rte_epoll_event events[MR_WORKER_RX_MAX];
	bool armed = false;

	mr_log_info("worker=%u power save: woken by its ports", w->id);
	while (mr_worker_state_get(w) != MR_WORKER_DONE) {
		enum mr_power_act act = mr_power_step(&power, mr_worker_poll(w));

		if (act == MR_POWER_WAIT)
			rte_epoll_wait(epoll_fd, events, MR_WORKER_RX_MAX,
				       (int)(power.wait_ns / MR_NS_PER_MS));
		if (armed != power.armed)
			arm(w, power.armed);
		armed = power.armed;
	}
}

void mr_idle_run(struct mr_worker *w)
{
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_fd >= 0 && join(w, epoll_fd)) {
		run_woken(w, epoll_fd);
		leave(w, epoll_fd);
	} else {
		run_sleeping(w);
	}
	if (epoll_fd >= 0)
		close(epoll_fd);
}
