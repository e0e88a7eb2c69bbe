/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "drivers/port.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Generated traffic: "synth:key=value,..." with the keys of mr_traffic_conf_parse(). */
extern const struct mr_port_ops mr_synth_ops;

/** Packets that tx_burst() took (and freed) since open. Any thread. */
uint64_t mr_synth_sent(const struct mr_port *port);

#ifdef __cplusplus
}
#endif
