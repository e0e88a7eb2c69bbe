/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_bus.h>
#include <rte_dev.h>
#include <rte_errno.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

static int attach(const struct mr_ethdev_target *target, struct mr_err *err)
{
	int rc = rte_eal_hotplug_add(target->vdev ? "vdev" : "pci", target->name, target->args);

	if (rc == 0)
		return 0;
	/* drivers return any number, often -1, and print what was wrong themselves */
	if (target->vdev)
		return mr_err_set(err, EINVAL,
				  "can't make '%s%s%s': DPDK has no such driver or it refuses the arguments, "
				  "see its lines above",
				  target->name, target->args[0] == '\0' ? "" : ",", target->args);
	return mr_err_set(err, ENODEV,
			  "no driver takes PCI device %s: is it a network card that DPDK knows, and EAL "
			  "started with PCI?",
			  target->name);
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
