/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "drivers/ethdev/mr_ethdev.h"

/* Kernel drivers that hand a function to user space, or share it with DPDK ("bifurcated"). */
static const char *const usable[] = { "vfio-pci", "igb_uio", "uio_pci_generic", "mlx5_core", "mlx4_core",
				      "nfb",	  NULL };

static bool is_usable(const char *driver)
{
	for (int i = 0; usable[i] != NULL; i++)
		if (strcmp(driver, usable[i]) == 0)
			return true;
	return false;
}

/* The last part of the first path that matches, or false. */
static bool first_match(const char *pattern, char *name, size_t cap)
{
	glob_t found;
	bool any = glob(pattern, GLOB_BRACE, NULL, &found) == 0;

	if (any) {
		const char *last = strrchr(found.gl_pathv[0], '/');

		snprintf(name, cap, "%s", last == NULL ? found.gl_pathv[0] : last + 1);
	}
	globfree(&found);
	return any;
}

/* What must come before a function can be bound to vfio-pci, or nothing. */
static const char *vfio_hint(const char *sysfs)
{
	char path[PATH_MAX], name[NAME_MAX + 1];
	char mode = 'N';
	FILE *f;

	snprintf(path, sizeof(path), "%s/bus/pci/drivers/vfio-pci", sysfs);
	if (access(path, F_OK) != 0)
		return "; before that `modprobe vfio-pci`";
	snprintf(path, sizeof(path), "%s/class/iommu/*", sysfs);
	if (first_match(path, name, sizeof(name)))
		return "";
	snprintf(path, sizeof(path), "%s/module/vfio/parameters/enable_unsafe_noiommu_mode", sysfs);
	f = fopen(path, "re");
	if (f != NULL) {
		mode = (char)fgetc(f);
		fclose(f);
	}
	return mode == 'Y' ? ""
			   : "; there is no IOMMU: turn it on (VT-d, AMD-Vi) in the firmware and by "
			     "intel_iommu=on";
}

int mr_ethdev_pci_check(const char *sysfs, const char *addr, struct mr_err *err)
{
	char path[PATH_MAX], link[PATH_MAX], iface[NAME_MAX + 1];
	const char *driver;
	ssize_t len;

	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s", sysfs, addr);
	if (access(path, F_OK) != 0)
		return mr_err_set(err, ENODEV, "no PCI device %s; `dpdk-devbind.py -s` lists what is there",
				  addr);
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/driver", sysfs, addr);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return mr_err_set(err, ENOENT,
				  "PCI device %s has no driver: `dpdk-devbind.py -b vfio-pci %s`%s", addr,
				  addr, vfio_hint(sysfs));
	link[len] = '\0';
	driver = strrchr(link, '/') == NULL ? link : strrchr(link, '/') + 1;
	if (is_usable(driver))
		return 0;
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/{net,virtio*/net}/*", sysfs, addr);
	if (first_match(path, iface, sizeof(iface)))
		return mr_err_set(err, EBUSY,
				  "PCI device %s belongs to the kernel driver %s as interface %s: use the "
				  "device '%s', or "
				  "give it to DPDK by `dpdk-devbind.py -b vfio-pci %s`%s",
				  addr, driver, iface, iface, addr, vfio_hint(sysfs));
	return mr_err_set(err, EBUSY,
			  "PCI device %s belongs to the kernel driver %s: `dpdk-devbind.py -b vfio-pci %s`%s",
			  addr, driver, addr, vfio_hint(sysfs));
}
