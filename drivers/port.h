/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "base/mr_err.h"
#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Where packets come from and go to. One ops table per kind of port; all kinds are in mr_port_all[].
 *
 * Frames: one mbuf is one frame. For a single-segment mbuf data_len is what may be read and pkt_len the length
 * on the wire, which is larger when a capture was cut (snap length); for a chain pkt_len is the sum, as usual.
 */

#define MR_PORT_BURST_MAX 64

/** What a port can promise, set at open. */
enum {
	MR_PORT_HAS_TIME = 1 << 0,  /* every mbuf carries struct mr_port_stamp */
	MR_PORT_HAS_LINK = 1 << 1,  /* mbuf->packet_type is an enum mr_link; without it all is Ethernet */
	MR_PORT_LOSSLESS = 1 << 2,  /* not polling it loses nothing: the worker may hold back */
	MR_PORT_FINITE = 1 << 3,    /* ends: finished() becomes true for good */
	MR_PORT_FLOW_QUEUES = 1 << 4, /* both directions and all fragments of a flow arrive on one queue */
	MR_PORT_CAN_TX = 1 << 5,
};

/**
 * Time of a packet, in a dynamic mbuf field (mr_port_stamp_off). Written by ports with MR_PORT_HAS_TIME.
 * clock_ns is the highest time_ns of all packets up to and including this one in the order of the source,
 * whatever queue they went to: timeouts follow it, so that a result doesn't depend on the number of queues.
 */
struct mr_port_stamp {
	uint64_t time_ns; /* UTC */
	uint64_t clock_ns; /* UTC, never goes back */
};

extern int mr_port_stamp_off; /* offset of the field in the mbuf, -1 before mr_port_init() */

static inline struct mr_port_stamp *mr_port_stamp(struct rte_mbuf *m)
{
	return RTE_MBUF_DYNFIELD(m, mr_port_stamp_off, struct mr_port_stamp *);
}

/** Losses that the port knows of, since open. Packets. */
struct mr_port_stats {
	uint64_t missed;  /* RX queue full (imissed) */
	uint64_t no_mbuf; /* no buffer free (rx_nombuf) */
	uint64_t errors;  /* damaged frames (ierrors) */
};

struct mr_port;

struct mr_port_conf {
	const char *name;   /* as the user calls it; for messages, interface options, telemetry */
	const char *device; /* what to open: the kind's prefix and then its own syntax; open() gets it as it is */
	uint16_t queues;    /* RX queues wanted = workers polling it; TX queues are as many */
	uint16_t rx_descs;  /* per queue, 0: the driver's choice */
	uint16_t mbuf_size; /* data room, 0: by MTU */
	uint32_t mbufs;     /* pool size, 0: by descriptors, queues and bursts */
	uint16_t mtu;       /* 0: the device's */
	bool promiscuous;
	bool wakes; /* where the device can: be ready for wake_join() */
	struct mr_packet_conf packet; /* for kinds that spread over queues in software */
};

struct mr_port_ops {
	const char *kind; /* prefix in the configuration: "replay:FILE", "synth:..."; ethdev is the default */
	const char *help; /* one line for --help and docs */

	/** Open and start. Errors: -errno with a line in err. Control thread. */
	int (*open)(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err);
	/** Up to @p n (<= MR_PORT_BURST_MAX) frames, owned by the caller then. The queue's worker only. */
	uint16_t (*rx_burst)(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/** Send; takes the first ret frames, the rest stays the caller's. NULL without MR_PORT_CAN_TX. */
	uint16_t (*tx_burst)(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n);
	/**
	 * Let the queue wake who waits for the epoll set by rte_epoll_wait(), or no more. NULL or an error: it can't
	 * be had here. Only with conf->wakes; leave before close(). The queue's worker only, as wake_arm.
	 */
	int (*wake_join)(struct mr_port *port, uint16_t queue, int epoll_fd, bool join);
	/** After wake_join(): wake at the next frame, or no more. Frames that are there already may not wake. */
	void (*wake_arm)(struct mr_port *port, uint16_t queue, bool on);
	/** Kinds with MR_PORT_FINITE: no frame will come from this queue any more. */
	bool (*finished)(const struct mr_port *port, uint16_t queue);
	/** Any thread, any time between open and close. */
	void (*stats)(const struct mr_port *port, struct mr_port_stats *ret_stats);
	/**
	 * Did the source end before its end (a torn capture)? 0, or -errno with a line. NULL: it cannot. Any time,
	 * final when finished. Control thread.
	 */
	int (*verdict)(const struct mr_port *port, struct mr_err *err);
	/** Stop and free. No burst call may be running. Control thread. */
	void (*close)(struct mr_port *port);
};

/** The head of every kind's own struct. */
struct mr_port {
	const struct mr_port_ops *ops;
	char name[64];
	uint32_t flags; /* MR_PORT_HAS_* ... */
	uint16_t queues;
	int socket; /* NUMA node, -1: any */
	uint32_t rx_ring; /* packets that each queue holds while nobody polls it; 0: nothing is lost then */
	uint64_t end_clock_ns; /* MR_PORT_FINITE with MR_PORT_HAS_TIME: clock after the last packet, valid when finished */
};

/** All kinds, NULL-terminated; the last one takes devices without a known prefix. */
extern const struct mr_port_ops *const mr_port_all[];

/** Once after rte_eal_init(): registers the stamp. */
int mr_port_init(struct mr_err *err);

/** Find the kind by conf->device's prefix and open. */
int mr_port_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err);

static inline uint16_t mr_port_rx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return port->ops->rx_burst(port, queue, pkts, n);
}

#ifdef __cplusplus
}
#endif
