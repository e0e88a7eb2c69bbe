/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <rte_mbuf.h>

#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The way that nearly all packets take: Ethernet with at most one 802.1Q tag, IPv4 without options or IPv6
 * without extension headers, not a fragment, TCP or UDP, nothing cut or wrong, in one segment. Such packets
 * of a burst are decoded side by side, one in each lane of vector registers (mr_lanes.h). Whatever the
 * packet, this either does exactly what mr_packet_decode_general() does or leaves it.
 *
 * The same source is compiled for each level of mr_cpu.h.
 */

/** As mr_packet_decode_burst(). Returns which packets are left: bit i for @p ret[i], of which nothing is of
 * use. */
typedef uint64_t mr_decode_lanes_fn(const struct mr_packet_conf *conf, struct rte_mbuf *const *mbufs,
				    uint16_t n, uint8_t port_id, bool has_link, struct mr_packet *ret);

mr_decode_lanes_fn mr_decode_lanes_base;
#ifdef __x86_64__
mr_decode_lanes_fn mr_decode_lanes_v3;
mr_decode_lanes_fn mr_decode_lanes_v4;
#endif

#ifdef __cplusplus
}
#endif
