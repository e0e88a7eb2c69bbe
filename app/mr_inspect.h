/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "config/mr_config.h"
#include "flow/mr_flow.h"

/** @file Section `inspect` of the configuration as decoder, flow table and parsers want it. */

/** The customary ports and those of the configuration. */
void mr_inspect_tunnel_ports(const struct mr_config_inspect *cfg, struct mr_tunnel_ports *ret);

/** @param ports  borrowed by ret */
void mr_inspect_packet_conf(const struct mr_config_inspect *cfg, const struct mr_tunnel_ports *ports,
			    struct mr_packet_conf *ret);

/**
 * @param l7  filled in, and borrowed by ret
 * @param ret  what is of this section; max_flows is set already
 */
void mr_inspect_flow_conf(const struct mr_config_inspect *cfg, struct mr_l7_conf *l7,
			  struct mr_flow_conf *ret);
