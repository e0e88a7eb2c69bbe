/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "drivers/synth/mr_traffic_priv.h"

/** @file Headers around the packets of the model (tunnel=, tunnel2=). */

#define MR_TRAFFIC_WRAP_MAX 160 /* octets of two tunnels, an Ethernet header for each */

/* Where the fields of one tunnel's headers are, that packets differ in: offsets in the frame; 0: none. */
struct mr_traffic_wrapping {
	uint8_t kind; /* place in the table of kinds */
	uint8_t ip_off, udp_off, seq_off;
	uint8_t id_off, id_shift;  /* a word of four octets */
	uint8_t len_off, len_from; /* two octets: the length of what is behind len_from */
	uint8_t type_off;	   /* two octets that say of which version the IP packet within is */
	bool type_in_ip;	   /* they count in the IP header's checksum */
	uint16_t type[2];	   /* as in memory: IPv4, IPv6 */
	uint32_t id_word;	   /* host order */
	uint32_t ip_sum;	   /* of the fields of the IP header that all packets share */
};

struct mr_traffic_tunnel {
	uint8_t octets[MR_TRAFFIC_WRAP_MAX];
	uint32_t len; /* of octets */
	uint32_t cut; /* octets of the packet's own Ethernet header that are left out */
	uint32_t levels;
	struct mr_traffic_wrapping level[MR_TRAFFIC_TUNNELS]; /* outermost first */
};

/* Errors: -EINVAL with a line: tunnels that can't be in one another, or not around this traffic. */
int mr_traffic_tunnel_init(const struct mr_traffic_conf *conf, struct mr_traffic_tunnel *tunnel,
			   struct mr_err *err);

/* Put the headers before the packets of a batch, which begin mr_traffic_tunnel_room() octets behind data +
 * data_off. */
void mr_traffic_tunnel_wrap(const struct mr_traffic_tunnel *tunnel, struct mr_traffic_batch *b,
			    uint8_t *const data[], size_t data_off, unsigned n);

static inline uint32_t mr_traffic_tunnel_room(const struct mr_traffic_tunnel *tunnel)
{
	return tunnel->len - tunnel->cut;
}
