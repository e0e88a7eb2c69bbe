/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

static_assert(sizeof(((struct mr_ethdev_iface *)0)->name) == IFNAMSIZ, "holds every interface name");

/* A read-only ethtool request; false when the interface's driver doesn't know it. */
static bool ethtool(int fd, const char *name, void *request)
{
	struct ifreq ifr = { .ifr_data = request };

	memcpy(ifr.ifr_name, name, strlen(name));
	return ioctl(fd, SIOCETHTOOL, &ifr) == 0;
}

static void get_queues(int fd, struct mr_ethdev_iface *iface)
{
	struct ethtool_channels channels = { .cmd = ETHTOOL_GCHANNELS };

	iface->rx_queues = 1;
	if (!ethtool(fd, iface->name, &channels))
		return;
	iface->combined_max = (uint16_t)channels.max_combined;
	iface->rx_queues = (uint16_t)RTE_MAX(channels.combined_count + channels.rx_count, 1u);
}

static bool merges(int fd, const char *name)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_GGRO };
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };

	return (ethtool(fd, name, &gro) && gro.data != 0) ||
	       (ethtool(fd, name, &flags) && (flags.data & ETH_FLAG_LRO) != 0);
}

int mr_ethdev_iface_get(const char *name, struct mr_ethdev_iface *ret_iface, struct mr_err *err)
{
	struct mr_ethdev_iface iface = { .index = 0 };
	struct ifreq ifr = { .ifr_ifindex = 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return mr_err_set(err, errno, "can't ask for interface '%s': %s", name, strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	snprintf(iface.name, sizeof(iface.name), "%s", name);
	if (ioctl(fd, SIOCGIFINDEX, &ifr) != 0) {
		rc = mr_err_set(err, ENODEV, "no interface '%s'; `ip link` lists what is there", name);
		goto out;
	}
	iface.index = ifr.ifr_ifindex;
	if (ioctl(fd, SIOCGIFMTU, &ifr) != 0) {
		rc = mr_err_set(err, errno, "can't read the MTU of interface '%s': %s", name,
				strerror(errno));
		goto out;
	}
	iface.mtu = (uint32_t)ifr.ifr_mtu;
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0) {
		rc = mr_err_set(err, errno, "can't read the flags of interface '%s': %s", name,
				strerror(errno));
		goto out;
	}
	iface.up = (ifr.ifr_flags & IFF_UP) != 0;
	iface.promiscuous = (ifr.ifr_flags & IFF_PROMISC) != 0;
	get_queues(fd, &iface);
	iface.merges = merges(fd, name);
	*ret_iface = iface;
out:
	close(fd);
	return rc;
}
