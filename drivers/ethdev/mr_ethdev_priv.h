/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_ethdev.h>
#include <rte_mempool.h>

#include "drivers/ethdev/mr_ethdev.h"
#include "drivers/ethdev/mr_ethdev_clock.h"

#define MR_ETHDEV_RSS_KEY_MIN 40 /* what DPDK takes when a driver doesn't say */
#define MR_ETHDEV_RSS_KEY_MAX 128

/* What a driver needs that ethdev's interface doesn't say; found by the driver's name. */
enum {
	MR_ETHDEV_Q_IFACE = 1 << 0,   /* over a kernel interface, which has the MTU and the flags */
	MR_ETHDEV_Q_SOCKETS = 1 << 1, /* receives by packet sockets, which also see what the host sends */
	MR_ETHDEV_Q_UMEM = 1 << 2,    /* the pool is an AF_XDP umem: one piece, rings of a fixed size */
	MR_ETHDEV_Q_UTC_US = 1 << 3,  /* puts UTC microseconds into the timestamp field without being asked */
	MR_ETHDEV_Q_RETRIES = 1 << 4, /* rx_nombuf counts tries: the packets stay in the ring */
	MR_ETHDEV_Q_DEFRAGS = 1 << 5, /* IPv4 fragments arrive put together, cut to its frame size */
	MR_ETHDEV_Q_DROPS = 1 << 6,   /* its losses are known to its packet sockets only */
	MR_ETHDEV_Q_READABLE = 1 << 7, /* receive interrupts can't be turned off: a file that is readable */
};

/** Facts of a kernel interface. */
struct mr_ethdev_iface {
	char name[16];
	int index;
	uint32_t mtu;
	uint16_t rx_queues;    /* that the kernel spreads over, at least 1 */
	uint16_t combined_max; /* channels it can have, 0: it has none that receive and send */
	bool up;
	bool promiscuous;
	bool merges; /* GRO or LRO: several packets arrive as one */
};

/** -ENODEV with a line when there is none. */
int mr_ethdev_iface_get(const char *name, struct mr_ethdev_iface *ret_iface, struct mr_err *err);

/** The sockets that a driver for kernel interfaces holds. */
struct mr_ethdev_sockets {
	uint16_t n;
	int fds[RTE_MAX_QUEUES_PER_PORT];
	_Atomic uint64_t drops; /* packets; reading a socket's counter clears it, so any reader adds here */
};

/** Find the packet sockets on an interface and let them pass what arrives only, not what this host sends. */
int mr_ethdev_sockets_packet(struct mr_ethdev_sockets *ret_socks, int if_index, struct mr_err *err);

/** Packets that found the packet sockets' rings full, since they were found. Any thread. */
uint64_t mr_ethdev_sockets_drops(struct mr_ethdev_sockets *socks);

/** Find the AF_XDP sockets of this process that aren't among @p before. */
int mr_ethdev_sockets_xdp(struct mr_ethdev_sockets *ret_socks, const struct mr_ethdev_sockets *before,
			  struct mr_err *err);

/** After the driver is gone: close those which it left open. */
void mr_ethdev_sockets_close_xdp(const struct mr_ethdev_sockets *socks);

enum mr_ethdev_time_source {
	MR_ETHDEV_TIME_NONE,
	MR_ETHDEV_TIME_UTC_US,	 /* MR_ETHDEV_Q_UTC_US */
	MR_ETHDEV_TIME_CLOCK,	 /* ticks of rte_eth_read_clock() */
	MR_ETHDEV_TIME_TIMESYNC, /* ns of rte_eth_timesync_read_time() */
};

/** One per queue, its worker's alone. */
struct mr_ethdev_time {
	struct mr_ethdev_clock clock;
	uint64_t sample_tsc; /* when clock got its last sample */
	uint64_t clock_ns;   /* mr_port_stamp.clock_ns of the last packet */
} __rte_cache_aligned;

struct mr_ethdev {
	struct mr_port port;
	uint16_t port_id;
	enum mr_ethdev_time_source time_source;
	struct mr_ethdev_time *time; /* one per queue; NULL: the port has no time */

	struct rte_mempool *pool;
	uint32_t quirks;
	bool probed; /* by us: gone again at close */
	bool started;
	bool promiscuous;  /* set by us */
	bool rx_intr;	   /* configured with receive interrupts, if the driver has any */
	uint16_t descs[2]; /* RX, TX */
	uint64_t owner;
	char driver[32];
	char dev_name[MR_ETHDEV_DEV_MAX];
	struct mr_ethdev_iface iface;	  /* index 0: there is none */
	struct mr_ethdev_sockets sockets; /* MR_ETHDEV_Q_SOCKETS: packet, MR_ETHDEV_Q_UMEM: AF_XDP */
	struct rte_eth_stats opened;	  /* statistics at open */
};

/* What to probe. */
struct mr_ethdev_target {
	bool vdev;
	char iface[16]; /* the kernel interface behind it, where it was opened by that name */
	char name[MR_ETHDEV_DEV_MAX];
	char args[MR_ETHDEV_ARGS_MAX + 128];
};

/** Make the ethdev there and ours. */
int mr_ethdev_probe(struct mr_ethdev *dev, const struct mr_ethdev_target *target, struct mr_err *err);
void mr_ethdev_unprobe(struct mr_ethdev *dev);

/** A driver for kernel interfaces. */
struct mr_ethdev_way {
	uint32_t bit;	  /* MR_ETHDEV_AF_XDP ... */
	const char *name; /* the prefix in a device string, and net_NAME is the driver */
	int (*target)(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface, uint16_t queues,
		      struct mr_ethdev_target *target, struct mr_err *err);
};

extern const struct mr_ethdev_way mr_ethdev_ways[]; /* the best first; ends with a NULL name */

/** The vdev's name for this way to an interface. Returns @p name. */
const char *mr_ethdev_way_device(const struct mr_ethdev_way *way, const struct mr_ethdev_iface *iface,
				 char name[MR_ETHDEV_DEV_MAX]);

/** What to probe for this way; checks what the kernel allows first. */
int mr_ethdev_way_target(const struct mr_ethdev_way *way, const struct mr_ethdev_name *name,
			 const struct mr_ethdev_iface *iface, uint16_t queues,
			 struct mr_ethdev_target *ret_target, struct mr_err *err);

/* mr_ethdev_setup.c: configure and start a probed ethdev, make its pool */
int mr_ethdev_setup(struct mr_ethdev *dev, const struct mr_ethdev_target *target,
		    const struct mr_port_conf *conf, struct mr_err *err);

/* mr_ethdev_pool.c */
struct rte_mempool *mr_ethdev_pool_create(const struct mr_ethdev *dev, uint32_t mbufs, uint16_t data_room,
					  struct mr_err *err);

/** Give the pool back, now or, when the peer's TX ring still holds some of it, at a later call of these
 * functions. */
void mr_ethdev_pool_retire(struct rte_mempool *pool, uint32_t lost);

/* mr_ethdev_rss.c */
int mr_ethdev_rss_conf(const struct rte_eth_dev_info *info, uint8_t key[MR_ETHDEV_RSS_KEY_MAX],
		       struct rte_eth_rss_conf *ret_conf);
int mr_ethdev_rss_spread(uint16_t port_id, uint16_t queues);
/** Some drivers ignore the key at configure time: see, say it again, see again. */
bool mr_ethdev_rss_key_set(uint16_t port_id, struct rte_eth_rss_conf *wanted);
int mr_ethdev_rss_flow_symmetric(uint16_t port_id, uint16_t queues, uint64_t types);

int mr_ethdev_time_start(struct mr_ethdev *dev, bool offload);
void mr_ethdev_time_stamp(struct mr_ethdev *dev, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
