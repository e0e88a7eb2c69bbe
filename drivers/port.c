/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/port.h"

#include <string.h>

#include <rte_errno.h>

int mr_port_stamp_off = -1;

int mr_port_init(struct mr_err *err)
{
	static const struct rte_mbuf_dynfield stamp = {
		.name = "mr_port_stamp",
		.size = sizeof(struct mr_port_stamp),
		.align = __alignof__(struct mr_port_stamp),
	};
	int off = rte_mbuf_dynfield_register(&stamp);

	if (off < 0)
		return mr_err_set(err, rte_errno, "no room in the mbuf for time stamps: %s", rte_strerror(rte_errno));
	mr_port_stamp_off = off;
	return 0;
}

static bool port_takes(const struct mr_port_ops *ops, const char *device)
{
	size_t len = strlen(ops->kind);

	return strncmp(device, ops->kind, len) == 0 && device[len] == ':';
}

int mr_port_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err)
{
	const struct mr_port_ops *const *kind = mr_port_all;

	/* the last kind takes what has no known prefix */
	while (kind[1] != NULL && !port_takes(*kind, conf->device))
		kind++;
	return (*kind)->open(conf, ret_port, err);
}
