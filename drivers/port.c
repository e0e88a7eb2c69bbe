/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/port.h"

#include <string.h>

#include <rte_errno.h>

#include "drivers/synth/mr_synth.h"

int mr_port_stamp_off = -1;

const struct mr_port_ops *const mr_port_all[] = { &mr_synth_ops, NULL };

int mr_port_init(struct mr_err *err)
{
	static const struct rte_mbuf_dynfield field = {
		.name = "mr_port_stamp",
		.size = sizeof(struct mr_port_stamp),
		.align = __alignof__(struct mr_port_stamp),
	};

	mr_port_stamp_off = rte_mbuf_dynfield_register(&field);
	if (mr_port_stamp_off < 0)
		return mr_err_set(err, rte_errno, "no room in the mbuf for time stamps: %s", rte_strerror(rte_errno));
	return 0;
}

int mr_port_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err)
{
	for (const struct mr_port_ops *const *ops = mr_port_all; *ops != NULL; ops++) {
		size_t n = strlen((*ops)->kind);

		if (strncmp(conf->device, (*ops)->kind, n) == 0 && conf->device[n] == ':')
			return (*ops)->open(conf, ret_port, err);
	}
	return mr_err_set(err, ENODEV, "%s: no kind of port takes this", conf->device);
}
