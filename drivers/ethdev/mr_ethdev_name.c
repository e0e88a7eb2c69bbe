/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_pci.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

static_assert(MR_ETHDEV_DEV_MAX >= RTE_DEV_NAME_MAX_LEN, "every name that DPDK takes fits");
static_assert(MR_ETHDEV_DEV_MAX >= IFNAMSIZ, "every interface name fits");

static bool is_vdev(const char *dev)
{
	return strncmp(dev, "net_", 4) == 0 || strncmp(dev, "eth_", 4) == 0;
}

/* The kernel's rule for interface names (dev_valid_name), and a limit to what can be printed. */
static bool is_iface(const char *dev)
{
	if (dev[0] == '\0' || strlen(dev) >= IFNAMSIZ || strcmp(dev, ".") == 0 || strcmp(dev, "..") == 0)
		return false;
	for (; *dev != '\0'; dev++)
		if (!isgraph((unsigned char)*dev) || *dev == '/' || *dev == ':')
			return false;
	return true;
}

/* "DEV[,ARGS]" into its two parts. */
static int split(const char *text, struct mr_ethdev_name *name)
{
	size_t dev_len = strcspn(text, ",");
	const char *args = text[dev_len] == ',' ? text + dev_len + 1 : "";

	if (dev_len >= sizeof(name->dev) || strlen(args) >= sizeof(name->args))
		return -EINVAL;
	memcpy(name->dev, text, dev_len);
	name->dev[dev_len] = '\0';
	memcpy(name->args, args, strlen(args) + 1);
	return 0;
}

int mr_ethdev_name_parse(const char *device, struct mr_ethdev_name *ret_name, struct mr_err *err)
{
	struct mr_ethdev_name name = { .ways = 0 };
	const char *text = device;
	struct rte_pci_addr pci;
	uint32_t all = 0;

	if (strncmp(text, "ethdev:", 7) == 0)
		text += 7;
	for (const struct mr_ethdev_way *way = mr_ethdev_ways; way->name != NULL; way++) {
		size_t len = strlen(way->name);

		all |= way->bit;
		if (strncmp(text, way->name, len) == 0 && text[len] == ':') {
			name.ways = way->bit;
			text += len + 1;
			break;
		}
	}
	if (split(text, &name) != 0)
		return mr_err_set(err, EINVAL,
				  "device '%.40s...' is too long: at most %d characters and %d of arguments",
				  device, MR_ETHDEV_DEV_MAX - 1, MR_ETHDEV_ARGS_MAX - 1);
	if (name.ways == 0 && rte_pci_addr_parse(name.dev, &pci) == 0) {
		name.bus = MR_ETHDEV_PCI;
		rte_pci_device_name(&pci, name.dev, sizeof(name.dev));
	} else if (name.ways == 0 && is_vdev(name.dev)) {
		name.bus = MR_ETHDEV_VDEV;
	} else if (is_iface(name.dev)) {
		name.bus = MR_ETHDEV_IFACE;
		if (name.ways == 0 && name.args[0] != '\0')
			return mr_err_set(err, EINVAL,
					  "device '%s' has arguments, so it must name its driver: af_xdp:%s, "
					  "pcap:%s or af_packet:%s",
					  device, device, device, device);
		if (name.ways == 0)
			name.ways = all;
	} else {
		return mr_err_set(
			err, EINVAL,
			"device '%s' is no PCI address (0000:3b:00.0), virtual device (net_ring0,...) "
			"or interface name (eth1)",
			device);
	}
	*ret_name = name;
	return 0;
}
