/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

#define RING_OCTETS    (32u << 20) /* per queue and direction: 32 ms of 0.5 Mpps in frames of 2048 */
#define BLOCK_OCTETS   (64u << 10)
#define FRAME_OCTETS   2048u
#define FRAME_OVERHEAD (66 + 14 + 8) /* the kernel's header, Ethernet, two VLAN tags */

/* May this process open such a socket here? The drivers only say that they failed. */
static int socket_check(int domain, const char *what, struct mr_err *err)
{
	int fd = socket(domain, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (errno == EPERM || errno == EACCES)
		return mr_err_set(err, errno,
				  "no permission for %s sockets: run as root, or with CAP_NET_RAW, "
				  "CAP_NET_ADMIN and CAP_BPF",
				  what);
	return mr_err_set(err, errno, "no %s sockets in this kernel: %s", what, strerror(errno));
}

/* The way's own arguments, then the user's, which win. */
static void set_args(struct mr_ethdev_target *target, const struct mr_ethdev_name *name, const char *own)
{
	snprintf(target->args, sizeof(target->args), "%s%s%s", own, name->args[0] == '\0' ? "" : ",",
		 name->args);
}

/* What arrives on a queue without a socket goes to the host: it would be lost without a trace. */
static int xdp_queues_check(const struct mr_ethdev_iface *iface, uint16_t queues, struct mr_err *err)
{
	uint16_t can = RTE_MAX(iface->combined_max, (uint16_t)1); /* the driver's rule */

	if (queues > can)
		return mr_err_set(err, ERANGE,
				  "interface %s can have %u for AF_XDP where %u queues are wanted: use no "
				  "more workers than that on it",
				  iface->name, can, queues);
	if (iface->rx_queues != queues)
		return mr_err_set(
			err, EINVAL,
			"interface %s spreads over %u RX queues where %u are polled: `ethtool -L %s %s %u`",
			iface->name, iface->rx_queues, queues, iface->name,
			iface->combined_max != 0 ? "combined" : "rx", queues);
	return 0;
}

static int target_af_xdp(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface,
			 uint16_t queues, struct mr_ethdev_target *target, struct mr_err *err)
{
	char own[64];
	int rc = socket_check(AF_XDP, "AF_XDP", err);

	if (rc == 0 && name->args[0] == '\0') /* who gives arguments chooses the queues */
		rc = xdp_queues_check(iface, queues, err);
	snprintf(own, sizeof(own), "iface=%s,start_queue=0,queue_count=%u", iface->name, queues);
	set_args(target, name, own);
	return rc;
}

static int target_pcap(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface,
		       uint16_t queues, struct mr_ethdev_target *target, struct mr_err *err)
{
	char own[64];

	if (queues != 1)
		return mr_err_set(err, ERANGE, "libpcap has one queue where %u are wanted", queues);
	if (!iface->up)
		return mr_err_set(err, ENETDOWN, "interface %s is down: `ip link set %s up`", iface->name,
				  iface->name);
	snprintf(own, sizeof(own), "rx_iface_in=%s,tx_iface=%s", iface->name, iface->name);
	set_args(target, name, own);
	return socket_check(AF_PACKET, "packet", err);
}

static int target_af_packet(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface,
			    uint16_t queues, struct mr_ethdev_target *target, struct mr_err *err)
{
	/* the driver's arithmetic wants frames that fill blocks without a rest */
	uint32_t frame = RTE_MAX(FRAME_OCTETS, rte_align32pow2(iface->mtu + FRAME_OVERHEAD));
	char own[128];

	snprintf(own, sizeof(own), "iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u", iface->name,
		 queues, RTE_MAX(frame, BLOCK_OCTETS), frame, RING_OCTETS / frame);
	set_args(target, name, own);
	return socket_check(AF_PACKET, "packet", err);
}

/* libpcap before af_packet: its ring is small, but it shows IPv4 fragments as they are, and what it loses is
 * counted */
const struct mr_ethdev_way mr_ethdev_ways[] = {
	{ MR_ETHDEV_AF_XDP, "af_xdp", target_af_xdp },
	{ MR_ETHDEV_PCAP, "pcap", target_pcap },
	{ MR_ETHDEV_AF_PACKET, "af_packet", target_af_packet },
	{ 0, NULL, NULL },
};

const char *mr_ethdev_way_device(const struct mr_ethdev_way *way, const struct mr_ethdev_iface *iface,
				 char name[MR_ETHDEV_DEV_MAX])
{
	snprintf(name, MR_ETHDEV_DEV_MAX, "net_%s_%s", way->name, iface->name);
	return name;
}

int mr_ethdev_way_target(const struct mr_ethdev_way *way, const struct mr_ethdev_name *name,
			 const struct mr_ethdev_iface *iface, uint16_t queues,
			 struct mr_ethdev_target *ret_target, struct mr_err *err)
{
	ret_target->vdev = true;
	snprintf(ret_target->iface, sizeof(ret_target->iface), "%s", iface->name);
	mr_ethdev_way_device(way, iface, ret_target->name);
	return way->target(name, iface, queues, ret_target, err);
}
