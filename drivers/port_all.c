/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/port.h"

#include "drivers/replay/mr_replay.h"

const struct mr_port_ops *const mr_port_all[] = {
	&mr_replay_ops,
	NULL,
};
