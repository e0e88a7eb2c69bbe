/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include <rte_cycles.h>
#include <rte_malloc.h>
#include <rte_mbuf_dyn.h>

#include "base/mr_clock.h"
#include "base/mr_log.h"
#include "drivers/ethdev/mr_ethdev_priv.h"

MR_LOG_REGISTER(ethdev);

#define PLAUSIBLE_NS	 (int64_t) MR_NS_PER_S /* a NIC's time further away from ours isn't believed */
#define FIRST_MEASURE_MS 20

static int stamp_offset = -1; /* DPDK's timestamp field and flag, the same for all ports */
static uint64_t stamp_flag;

static int read_device(uint16_t port_id, enum mr_ethdev_time_source source, uint64_t *ret_ticks)
{
	struct timespec ts;
	int rc;

	if (source == MR_ETHDEV_TIME_CLOCK)
		return rte_eth_read_clock(port_id, ret_ticks);
	rc = rte_eth_timesync_read_time(port_id, &ts);
	if (rc == 0)
		*ret_ticks = (uint64_t)ts.tv_sec * MR_NS_PER_S + (uint64_t)ts.tv_nsec;
	return rc;
}

/* Device and wall time of one moment: the wall is read on both sides of the device, which is slow to answer.
 */
static int read_pair(uint16_t port_id, enum mr_ethdev_time_source source, uint64_t *ret_ticks,
		     uint64_t *ret_utc_ns)
{
	uint64_t before_ns = mr_clock_wall_ns();
	int rc = read_device(port_id, source, ret_ticks);

	*ret_utc_ns = before_ns + (mr_clock_wall_ns() - before_ns) / 2;
	return rc;
}

static int measure(uint16_t port_id, enum mr_ethdev_time_source source, struct mr_ethdev_clock *ret_clock)
{
	uint64_t ticks[2], utc_ns[2];
	int rc = read_pair(port_id, source, &ticks[0], &utc_ns[0]);

	if (rc != 0)
		return rc;
	rte_delay_us_sleep(FIRST_MEASURE_MS * 1000);
	rc = read_pair(port_id, source, &ticks[1], &utc_ns[1]);
	if (rc != 0)
		return rc;
	if (ticks[1] <= ticks[0] || utc_ns[1] <= utc_ns[0])
		return -EIO;
	mr_ethdev_clock_init(ret_clock, ticks[1], utc_ns[1],
			     (double)(utc_ns[1] - utc_ns[0]) / (double)(ticks[1] - ticks[0]));
	return 0;
}

static enum mr_ethdev_time_source find_source(struct mr_ethdev *dev, bool offload,
					      struct mr_ethdev_clock *ret_clock)
{
	if ((dev->quirks & MR_ETHDEV_Q_UTC_US) != 0)
		return MR_ETHDEV_TIME_UTC_US;
	if (!offload)
		return MR_ETHDEV_TIME_NONE;
	if (measure(dev->port_id, MR_ETHDEV_TIME_CLOCK, ret_clock) == 0)
		return MR_ETHDEV_TIME_CLOCK;
	if (rte_eth_timesync_enable(dev->port_id) == 0 &&
	    measure(dev->port_id, MR_ETHDEV_TIME_TIMESYNC, ret_clock) == 0)
		return MR_ETHDEV_TIME_TIMESYNC;
	mr_log_notice(
		"port=%s driver %s has timestamps but no clock to compare with: time is taken per burst",
		dev->port.name, dev->driver);
	return MR_ETHDEV_TIME_NONE;
}

int mr_ethdev_time_start(struct mr_ethdev *dev, bool offload)
{
	struct mr_ethdev_clock clock = { .base_ticks = 0 };

	dev->time_source = find_source(dev, offload, &clock);
	if (dev->time_source == MR_ETHDEV_TIME_NONE)
		return 0;
	if (mr_port_stamp_off < 0 || rte_mbuf_dyn_rx_timestamp_register(&stamp_offset, &stamp_flag) != 0)
		return -ENOTSUP;
	dev->time = rte_calloc_socket("mr_ethdev_time", dev->port.queues, sizeof(*dev->time), 0,
				      dev->port.socket);
	if (dev->time == NULL)
		return -ENOMEM;
	for (uint16_t q = 0; q < dev->port.queues; q++) {
		dev->time[q].clock = clock;
		dev->time[q].sample_tsc = rte_rdtsc();
	}
	dev->port.flags |= MR_PORT_HAS_TIME;
	return 0;
}

static void resample(const struct mr_ethdev *dev, struct mr_ethdev_time *time)
{
	uint64_t ticks, utc_ns;

	time->sample_tsc = rte_rdtsc();
	if (read_pair(dev->port_id, dev->time_source, &ticks, &utc_ns) == 0)
		mr_ethdev_clock_sample(&time->clock, ticks, utc_ns);
}

/* @p now_ns stands in when the mbuf has no time or one that can't be true. */
static uint64_t packet_time(const struct mr_ethdev *dev, const struct mr_ethdev_time *time,
			    struct rte_mbuf *m, uint64_t now_ns)
{
	uint64_t ticks, utc_ns;

	if ((m->ol_flags & stamp_flag) == 0)
		return now_ns;
	ticks = *RTE_MBUF_DYNFIELD(m, stamp_offset, rte_mbuf_timestamp_t *);
	if (dev->time_source == MR_ETHDEV_TIME_UTC_US)
		return ticks * MR_NS_PER_US;
	utc_ns = mr_ethdev_clock_utc(&time->clock, ticks);
	return llabs((int64_t)(utc_ns - now_ns)) <= PLAUSIBLE_NS ? utc_ns : now_ns;
}

void mr_ethdev_time_stamp(struct mr_ethdev *dev, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_ethdev_time *time = &dev->time[queue];
	uint64_t now_ns;

	if (dev->time_source != MR_ETHDEV_TIME_UTC_US && rte_rdtsc() - time->sample_tsc > rte_get_tsc_hz())
		resample(dev, time);
	now_ns = mr_clock_wall_ns();
	for (uint16_t i = 0; i < n; i++) {
		struct mr_port_stamp *stamp = mr_port_stamp(pkts[i]);

		stamp->time_ns = packet_time(dev, time, pkts[i], now_ns);
		if (stamp->time_ns > time->clock_ns)
			time->clock_ns = stamp->time_ns;
		stamp->clock_ns = time->clock_ns;
	}
}
