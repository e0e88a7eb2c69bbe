/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/port.h"

#include "drivers/ethdev/mr_ethdev.h"
#include "drivers/replay/mr_replay.h"
#include "drivers/synth/mr_synth.h"

const struct mr_port_ops *const mr_port_all[] = {
	&mr_replay_ops,
	&mr_synth_ops,
	&mr_ethdev_ops, /* takes every other device */
	NULL,
};
