/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#include "base/mr_err.h"
#include "drivers/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Ports on any DPDK ethdev. The device string is one of
 *   0000:3b:00.0[,ARGS]      a PCI function; 3b:00.0 means domain 0000
 *   net_ring0[,ARGS]         a virtual device as behind EAL's --vdev
 *   eth1                     a kernel network interface, by the first of these that works:
 *   af_xdp:eth1[,ARGS]       ... by this driver or not at all; ARGS are the driver's
 *   pcap:eth1[,ARGS]
 *   af_packet:eth1[,ARGS]
 */
extern const struct mr_port_ops mr_ethdev_ops;

enum mr_ethdev_bus {
	MR_ETHDEV_PCI,
	MR_ETHDEV_VDEV,
	MR_ETHDEV_IFACE,
};

/** Ways to a kernel interface. */
enum {
	MR_ETHDEV_AF_XDP = 1 << 0,
	MR_ETHDEV_PCAP = 1 << 1,
	MR_ETHDEV_AF_PACKET = 1 << 2,
};

#define MR_ETHDEV_DEV_MAX  64
#define MR_ETHDEV_ARGS_MAX 512

/** A device string, taken apart. */
struct mr_ethdev_name {
	enum mr_ethdev_bus bus;
	uint32_t ways;		       /* MR_ETHDEV_IFACE: those to try */
	char dev[MR_ETHDEV_DEV_MAX];   /* PCI address with domain, vdev name, or interface */
	char args[MR_ETHDEV_ARGS_MAX]; /* behind the first comma; empty when there is none */
};

/** Judge the text only; whether the device exists is another question. Errors: -EINVAL with a line. Any
 * thread. */
int mr_ethdev_name_parse(const char *device, struct mr_ethdev_name *ret_name, struct mr_err *err);

/**
 * Can DPDK take this PCI function? Reads sysfs only: does it exist, which driver holds it, is there VFIO, an
 * IOMMU?
 * @param sysfs  "/sys" except in tests
 * @param addr   with domain, e.g. 0000:3b:00.0
 * Errors: -ENODEV, -EBUSY, -ENOENT with a line that says what to type. Any thread.
 */
int mr_ethdev_pci_check(const char *sysfs, const char *addr, struct mr_err *err);

/** What proving an RSS key found. */
struct mr_ethdev_rss_proof {
	uint32_t tuples;     /* random flows tried, half IPv4, half IPv6 */
	uint32_t asymmetric; /* of them: flows whose two directions went to different queues */
	uint32_t least;	     /* flows on the emptiest and on the fullest queue */
	uint32_t most;
};

/** The 0x6d5a key: the same 16 bits again and again make Toeplitz symmetric. @param len  octets, even */
void mr_ethdev_rss_key(uint8_t *key, uint8_t len);

/**
 * Compute in software which queue a NIC with this key and an evenly filled redirection table picks, for
 * random flows in both directions.
 * @param key_len  octets, at least 40
 * @param reta_size  entries, a power of two
 * @param ret_proof  written also when the key fails
 * Errors: -EINVAL (arguments), -EPROTO with a line naming a flow which the key parts, -EDOM for a spread
 * below half or above twice the fair share. Any thread.
 */
int mr_ethdev_rss_prove(const uint8_t *key, uint8_t key_len, uint16_t reta_size, uint16_t queues,
			struct mr_ethdev_rss_proof *ret_proof, struct mr_err *err);

/** The same with the key and table size which an open port has now. -ENOTSUP: its driver doesn't tell. */
int mr_ethdev_rss_prove_port(const struct mr_port *port, struct mr_ethdev_rss_proof *ret_proof,
			     struct mr_err *err);

/**
 * Buffers that a port needs: its RX rings full, as many as the peer's TX rings can hold, bursts in flight,
 * handover between workers, and the caches of all lcores.
 */
uint32_t mr_ethdev_pool_size(uint16_t queues, uint16_t rx_descs, uint16_t tx_descs, unsigned int lcores);

/** DPDK's number of an open port, for telemetry and tests. */
uint16_t mr_ethdev_port_id(const struct mr_port *port);

/** The driver in use, e.g. "net_af_xdp"; lives as long as the port. */
const char *mr_ethdev_driver(const struct mr_port *port);

#ifdef __cplusplus
}
#endif
