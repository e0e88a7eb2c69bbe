/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <rte_mbuf.h>

#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The decoder for bursts of mbufs. One mbuf is one frame: of a single segment data_len may be read and
 * pkt_len is the length on the wire, which may be larger; of a chain pkt_len is the sum.
 */

#define MR_PACKET_BURST_MAX 64

/** Of a chain at least so many octets (or all) are seen in one piece: headers may be split anywhere. */
#define MR_PACKET_HEAD 256

/** Where heads of chains are put together and tunnels described. One per worker; the packets of the last
 * burst borrow it. */
struct mr_packet_scratch {
	uint8_t head[MR_PACKET_BURST_MAX][MR_PACKET_HEAD];
	struct mr_tunnel tunnel[MR_PACKET_BURST_MAX]; /* of the packet at the same place, where it has one */
} __attribute__((aligned(64)));

/**
 * mr_packet_decode() for each of @p n mbufs (<= MR_PACKET_BURST_MAX).
 *
 * A chain is decoded from its first segment, or from MR_PACKET_HEAD octets copied to @p scratch when that
 * segment is shorter; the packet has MR_PACKET_CHAINED then, and whoever wants payload past cap_len walks the
 * chain. VLAN stripping must be off: a tag in mbuf->vlan_tci isn't seen.
 *
 * @param port_id   ingress port of all of them
 * @param has_link  mbuf->packet_type is an enum mr_link; otherwise all is Ethernet
 * @param scratch   of the calling worker; written for short first segments only
 * @param ret       @p n packets, which borrow mbuf data and @p scratch
 * Thread: any. Errors: none, a bad packet is a counter.
 */
void mr_packet_decode_burst(const struct mr_packet_conf *conf, struct rte_mbuf **mbufs, uint16_t n,
			    uint8_t port_id, bool has_link, struct mr_packet_scratch *scratch,
			    struct mr_packet *ret);

#ifdef __cplusplus
}
#endif
