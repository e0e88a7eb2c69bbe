/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_inspect.h"

#include <rte_common.h>

void mr_inspect_tunnel_ports(const struct mr_config_inspect *cfg, struct mr_tunnel_ports *ret)
{
	const struct {
		uint16_t port;
		enum mr_tunnel_kind kind;
	} more[] = {
		{ cfg->vxlan_port, MR_TUNNEL_VXLAN },	{ cfg->vxlan_gpe_port, MR_TUNNEL_VXLAN_GPE },
		{ cfg->geneve_port, MR_TUNNEL_GENEVE }, { cfg->gtpu_port, MR_TUNNEL_GTPU },
		{ cfg->l2tp_port, MR_TUNNEL_L2TP },	{ cfg->teredo_port, MR_TUNNEL_TEREDO },
		{ cfg->mpls_port, MR_TUNNEL_MPLS },	{ cfg->tzsp_port, MR_TUNNEL_TZSP },
	};

	mr_tunnel_ports_default(ret);
	for (unsigned i = 0; i < RTE_DIM(more); i++)
		if (more[i].port != 0)
			mr_tunnel_ports_add(ret, more[i].port, more[i].kind);
}

void mr_inspect_packet_conf(const struct mr_config_inspect *cfg, const struct mr_tunnel_ports *ports,
			    struct mr_packet_conf *ret)
{
	static const enum mr_tunnel_key keys[MR_CONFIG_TUNNELS_MAX] = {
		[MR_CONFIG_TUNNELS_OUTER] = MR_TUNNEL_KEY_OUTER,
		[MR_CONFIG_TUNNELS_INNER] = MR_TUNNEL_KEY_INNER,
		[MR_CONFIG_TUNNELS_BOTH] = MR_TUNNEL_KEY_BOTH,
	};

	ret->tunnel_key = (uint8_t)keys[cfg->tunnels];
	ret->tunnel_depth = (uint8_t)cfg->tunnel_depth;
	ret->tunnel_ports = ports;
}

void mr_inspect_flow_conf(const struct mr_config_inspect *cfg, struct mr_l7_conf *l7,
			  struct mr_flow_conf *ret)
{
	*l7 = mr_l7_conf_default();
	l7->memory_octets = cfg->memory;
	l7->values_octets = cfg->values_memory;
	l7->depth_octets = cfg->depth;
	l7->value_octets = cfg->value_max;
	l7->uri_octets = cfg->uri_max;
	l7->flow_octets = cfg->flow_values_max;
	ret->tcp_performance = cfg->tcp;
	ret->inspect = cfg->applications ? l7 : NULL;
	ret->max_tunnel_flows = RTE_MAX(1u, (uint32_t)((uint64_t)ret->max_flows * cfg->tunnel_percent / 100));
}
