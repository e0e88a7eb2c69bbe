/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_power.h"

#define NS_PER_S 1000000000ULL

static uint32_t at_most(uint64_t value, uint32_t limit)
{
	return value < limit ? (uint32_t)value : limit;
}

struct mr_power mr_power_new(uint32_t ring_pkts, bool wakes)
{
	uint64_t ring_ns = ring_pkts * (NS_PER_S / MR_POWER_ASSUMED_PPS);
	struct mr_power p = { .limit_ns = MR_POWER_SLEEP_MAX_NS, .wakes = wakes };

	if (wakes)
		p.limit_ns = MR_POWER_WOKEN_MAX_NS;
	else if (ring_pkts != 0)
		p.limit_ns = at_most(ring_ns / MR_POWER_RING_FRACTION, MR_POWER_SLEEP_MAX_NS);
	return p;
}

static uint32_t next_wait_ns(const struct mr_power *p)
{
	if (p->wakes)
		return p->limit_ns;
	return at_most(p->wait_ns == 0 ? MR_POWER_SLEEP_MIN_NS : 2ULL * p->wait_ns, p->limit_ns);
}

enum mr_power_act mr_power_step(struct mr_power *p, bool busy)
{
	bool was_armed = p->armed;

	p->armed = false;
	if (busy) {
		p->empty = p->wait_ns = 0;
		return MR_POWER_POLL;
	}
	if (p->empty < MR_POWER_SPIN) {
		p->empty++;
		return MR_POWER_POLL;
	}
	if (p->wakes && !was_armed) {
		p->armed = true;
		return MR_POWER_ARM;
	}
	p->wait_ns = next_wait_ns(p);
	return MR_POWER_WAIT;
}
