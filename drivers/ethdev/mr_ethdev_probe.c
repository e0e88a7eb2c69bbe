/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

#define RING_OCTETS (32u << 20) /* af_packet, per queue and direction: 32 ms of 0.5 Mpps in frames of 2048   \
				 */
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

static int args_af_xdp(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface,
		       const struct mr_port_conf *conf, struct mr_ethdev_target *target, struct mr_err *err)
{
	int rc = socket_check(AF_XDP, "AF_XDP", err);

	if (rc != 0)
		return rc;
	/* what arrives on a queue without a socket goes to the host: it would be lost without a trace */
	if (name->args[0] == '\0' && iface->rx_queues != conf->queues)
		return mr_err_set(err, EINVAL,
				  "%s spreads over %u RX queues where %u are polled: `ethtool -L %s combined "
				  "%u`, or as many workers",
				  iface->name, iface->rx_queues, conf->queues, iface->name, conf->queues);
	snprintf(target->name, sizeof(target->name), "net_af_xdp_%s", iface->name);
	snprintf(target->args, sizeof(target->args), "iface=%s,start_queue=0,queue_count=%u%s%s", iface->name,
		 conf->queues, name->args[0] == '\0' ? "" : ",", name->args);
	return 0;
}

static int args_af_packet(const struct mr_ethdev_name *name, const struct mr_ethdev_iface *iface,
			  const struct mr_port_conf *conf, struct mr_ethdev_target *target,
			  struct mr_err *err)
{
	/* the driver's arithmetic wants frames that fill blocks without a rest */
	uint32_t frame = RTE_MAX(FRAME_OCTETS, rte_align32pow2(iface->mtu + FRAME_OVERHEAD));
	uint32_t block = RTE_MAX(frame, BLOCK_OCTETS);
	int rc = socket_check(AF_PACKET, "packet", err);

	if (rc != 0)
		return rc;
	snprintf(target->name, sizeof(target->name), "net_af_packet_%s", iface->name);
	snprintf(target->args, sizeof(target->args),
		 "iface=%s,qpairs=%u,blocksz=%u,framesz=%u,framecnt=%u%s%s", iface->name, conf->queues, block,
		 frame, RING_OCTETS / frame, name->args[0] == '\0' ? "" : ",", name->args);
	return 0;
}

int mr_ethdev_target_iface(const struct mr_ethdev_name *name, uint32_t way, const struct mr_port_conf *conf,
			   struct mr_ethdev_target *ret_target, struct mr_err *err)
{
	struct mr_ethdev_iface iface;
	int rc = mr_ethdev_iface_get(name->dev, &iface, err);

	if (rc != 0)
		return rc;
	ret_target->vdev = true;
	return way == MR_ETHDEV_AF_XDP ? args_af_xdp(name, &iface, conf, ret_target, err)
				       : args_af_packet(name, &iface, conf, ret_target, err);
}

static int attach(const struct mr_ethdev_target *target, struct mr_err *err)
{
	int rc = rte_eal_hotplug_add(target->vdev ? "vdev" : "pci", target->name, target->args);

	if (rc == 0)
		return 0;
	if (target->vdev)
		return mr_err_set(err, -rc,
				  "no driver accepts '%s%s%s' (%s): is the name that of a DPDK driver, are "
				  "its arguments right?",
				  target->name, target->args[0] == '\0' ? "" : ",", target->args,
				  rte_strerror(-rc));
	return mr_err_set(err, -rc,
			  "no driver takes PCI device %s (%s): is it a network card that DPDK knows, and EAL "
			  "started with PCI?",
			  target->name, rte_strerror(-rc));
}

/* Owned ethdevs are invisible to other users of the library, and can't be opened twice. */
static int claim(struct mr_ethdev *dev, struct mr_err *err)
{
	struct rte_eth_dev_owner owner = { .name = "millrace" };
	int rc = rte_eth_dev_owner_new(&owner.id);

	if (rc == 0)
		rc = rte_eth_dev_owner_set(dev->port_id, &owner);
	if (rc != 0)
		return mr_err_set(err, EBUSY,
				  "device %s is already in use: two ports can't have the same device",
				  dev->dev_name);
	dev->owner = owner.id;
	return 0;
}

int mr_ethdev_probe(struct mr_ethdev *dev, const struct mr_ethdev_target *target, struct mr_err *err)
{
	int rc;

	snprintf(dev->dev_name, sizeof(dev->dev_name), "%s", target->name);
	if (rte_eth_dev_get_port_by_name(target->name, &dev->port_id) != 0) {
		rc = target->vdev ? 0 : mr_ethdev_pci_check("/sys", target->name, err);
		if (rc != 0)
			return rc;
		rc = attach(target, err);
		if (rc != 0)
			return rc;
		dev->probed = true;
		if (rte_eth_dev_get_port_by_name(target->name, &dev->port_id) != 0) {
			rc = mr_err_set(err, ENODEV, "device %s is there but has no Ethernet port",
					target->name);
			goto fail;
		}
	}
	rc = claim(dev, err);
	if (rc != 0)
		goto fail;
	return 0;
fail:
	if (dev->probed)
		rte_eal_hotplug_remove(target->vdev ? "vdev" : "pci", target->name);
	return rc;
}

void mr_ethdev_unprobe(struct mr_ethdev *dev)
{
	struct rte_eth_dev_info info = { .device = NULL };

	rte_eth_dev_owner_unset(dev->port_id, dev->owner);
	if (!dev->probed)
		return;
	rte_eth_dev_info_get(dev->port_id, &info);
	rte_eth_dev_close(dev->port_id);
	if (info.device != NULL)
		rte_dev_remove(info.device);
}
