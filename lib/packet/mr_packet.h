/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_counter.h"
#include "base/mr_hash.h"
#include "packet/mr_tunnel.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What the decoder says of one packet. The decoder itself (mr_packet_decode()) needs no DPDK; the burst form
 * for mbufs is in mr_packet_burst.h.
 */

/** Link layers, named after the capture link types (LINKTYPE_*). */
enum mr_link {
	MR_LINK_ETHERNET,
	MR_LINK_RAW,   /* IPv4 or IPv6 by the version nibble; LINKTYPE_RAW, _IPV4, _IPV6 */
	MR_LINK_NULL,  /* BSD loopback: 4 octets of address family in either byte order; also LINKTYPE_LOOP */
	MR_LINK_SLL,   /* Linux cooked */
	MR_LINK_SLL2,  /* Linux cooked v2 */
	MR_LINK_PPP,   /* PPP, also with HDLC framing (LINKTYPE_PPP, _PPP_HDLC) */
	MR_LINK_CHDLC, /* Cisco HDLC */
	MR_LINK_FRELAY,	    /* Frame Relay with NLPID or SNAP (RFC 2427) */
	MR_LINK_IEEE802_11, /* also with radiotap: MR_LINK_RADIOTAP */
	MR_LINK_RADIOTAP,
	MR_LINK_UNSUPPORTED,
	MR_LINK_MAX
};

enum mr_frag {
	MR_FRAG_NONE,
	MR_FRAG_FIRST, /* offset 0, more fragments: has the ports */
	MR_FRAG_LATER,
};

/** Where the packet's flags say that something of it is there. */
enum {
	MR_PACKET_V6 = 1 << 7,
	MR_PACKET_L4 = 1 << 1,	/* l4_off points at a whole transport header (its fixed part) */
	MR_PACKET_MAC = 1 << 3, /* data starts with destination and source MAC address */
	/* canonical order swapped source and destination: the sender is endpoint 1 of the key */
	MR_PACKET_SWAPPED = 1 << 2,
	/* the frame goes on in further segments of its mbuf: cap_len and payload_len count what lies at data
	 */
	MR_PACKET_CHAINED = 1 << 4,
	MR_PACKET_TUNNEL = 1 << 5, /* something wrapped it: the struct mr_tunnel beside it says what */
};

#define MR_VLAN_NONE 0xfff /* reserved by 802.1Q, so it can stand for "no tag" */

/** The fields of a flow key that aren't addresses and ports, in one word. */
#define MR_SCOPE(port, vlan, inner_vlan)                                                                     \
	((uint32_t)(port) << 24 | (uint32_t)(vlan) << 12 | (uint32_t)(inner_vlan))

/**
 * One decoded packet. The first cache line holds all that the flow table needs for a packet of a known IPv4
 * flow; the second the rest. Host byte order unless a comment says network order.
 *
 * In blocks of 16 octets, since the lanes of mr_decode_lanes.c write such blocks whole.
 */
struct mr_packet {
	/* the canonical key: endpoint 0 is the lower one (address, then port, as big-endian numbers), so that
	 * both directions have the same key */
	uint64_t addr_key; /* IPv4: endpoint 0 in the high half, endpoint 1 in the low; IPv6: fold of addr6 */
	uint64_t port_key; /* scope << 32 | port 0 << 16 | port 1; ICMP: see icmp */

	uint64_t hash; /* mr_packet_hash() */
	uint64_t time_ns; /* UTC */

	uint8_t proto; /* IP protocol; for IPv6 the last header that the decoder reached */
	uint8_t flags; /* MR_PACKET_* */
	uint8_t tcp_flags;
	uint8_t ttl; /* or hop limit */
	uint32_t ip_len; /* octets from the IP header on; never more than the frame had on the wire */
	uint32_t frame_len; /* octets on the wire, link layer and padding included, FCS not */
	uint16_t l4_off; /* of the transport header in data */
	/* behind the transport header, or behind IP when the decoder doesn't know the protocol; cap_len (at most 65535)
	 * when there is no payload to point at: header cut or malformed, later fragment */
	uint16_t payload_off;

	/* these three together are 0 for nearly all packets: mr_packet_odd() */
	uint16_t note; /* enum mr_counter of class NOTE, the first thing found wrong; or 0 */
	uint16_t not_metered; /* enum mr_counter of class NOT_METERED, or 0: meter it (RECEIVED is no reason) */
	uint16_t frag; /* enum mr_frag */
	uint16_t l3_off; /* of the IP header in data */
	const uint8_t *data; /* the frame, borrowed from the mbuf */

	/* second cache line */
	uint8_t addr6[2][16]; /* IPv6 only: endpoints in canonical order, network order */

	uint32_t cap_len; /* octets that may be read at data */
	uint16_t payload_len; /* captured octets of it (at most 65535), link padding excluded */
	uint16_t icmp; /* ICMP and ICMPv6: type << 8 | code as sent */
	uint16_t vlan; /* outer VLAN id or MR_VLAN_NONE */
	uint16_t inner_vlan;
	uint16_t port_id; /* ingress port as configured in the key, 0..255 */
	uint8_t frag_flags; /* as in IE 197: bit 7 reserved, 6 DF (both IPv4 only), 5 MF */
	uint8_t tos; /* or traffic class */

	uint32_t frag_id; /* identification of a fragment, host order */
	uint32_t mpls_label; /* label, 3 exp bits, bottom bit of the outermost entry (RFC 3032) >> 8; 0: none */
	uint64_t clock_ns; /* UTC, the time that timeouts follow: the highest time_ns of the source so far */
} __attribute__((aligned(64)));

static_assert(sizeof(struct mr_packet) == 128, "two cache lines");
static_assert(offsetof(struct mr_packet, addr6) == 64,
	      "the flow table's fast path reads the first line only");

/** Not 0: there is a note, a reason not to meter, or a fragment. */
static inline uint64_t mr_packet_odd(const struct mr_packet *p)
{
	return (uint64_t)p->note | p->not_metered | p->frag;
}

/** What goes into the key, from the configuration; constant while running. */
struct mr_packet_conf {
	struct mr_hash_seed seed;
	bool vlan_in_key;     /* both VLAN ids are part of the key */
	bool port_in_key;     /* the ingress port is part of the key */
	uint8_t tunnel_key;   /* enum mr_tunnel_key */
	uint8_t tunnel_depth; /* tunnels that are opened one in the other, 1..MR_TUNNEL_LEVELS */
	const struct mr_tunnel_ports
		*tunnel_ports; /* borrowed, kept; not looked at for MR_TUNNEL_KEY_OUTER */
};

/**
 * Decode one frame and make its key and hash. Reads nothing past @p cap; bounded work whatever the bytes.
 *
 * The ICMP rule: ICMP and ICMPv6 have no ports; to make both directions one flow, port_key holds the
 * identifier for echo, timestamp, information and address-mask messages (in both halves) and 0 otherwise.
 * A later fragment has ports 0 until the fragment map has found its first one.
 *
 * @param data   the frame, @p cap octets long; borrowed by *ret
 * @param wire   octets of the frame on the wire; taken as @p cap when lower
 * @param port_id  ingress port, 0..255
 * @param ret_tunnel  says what the packet is wrapped in when ret->flags has MR_PACKET_TUNNEL; may be NULL for
 *               MR_TUNNEL_KEY_OUTER. Of such a packet ret is the inner one, but frame_len, vlan, mpls_label
 *               and MAC addresses are the frame's
 * @param ret    filled in whole, except time_ns and clock_ns, which the caller sets. When ret->not_metered is
 *               set only data, cap_len, frame_len and note are of use.
 * Thread: any. Errors: none, a bad packet is a counter.
 */
void mr_packet_decode(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
		      enum mr_link link, uint8_t port_id, struct mr_tunnel *ret_tunnel,
		      struct mr_packet *ret);

/**
 * Give a later fragment the ports of its first one and make the key again.
 * @param tunnel  of the packet; not looked at when it has none
 * @param src_port, dst_port  as sent, host order (for ICMP: the identifier twice)
 */
void mr_packet_set_ports(const struct mr_packet_conf *conf, struct mr_packet *pkt,
			 const struct mr_tunnel *tunnel, uint16_t src_port, uint16_t dst_port);

/** The hash of a key; the flow table makes it again from its records. Tunnels add theirs:
 * mr_packet_hash_tunnel(). */
static inline uint64_t mr_packet_hash(const struct mr_hash_seed *seed, uint64_t addr_key, uint64_t port_key,
				      uint8_t proto, bool v6)
{
	return mr_hash_3(seed, addr_key, port_key, proto | (v6 ? 6u : 4u) << 8);
}

static inline uint64_t mr_packet_hash_tunnel(uint64_t hash, uint64_t tunnel_key_fold)
{
	return hash ^ tunnel_key_fold;
}

/** Ports as sent (not in canonical order), host order. */
static inline uint16_t mr_packet_src_port(const struct mr_packet *p)
{
	return (uint16_t)(p->flags & MR_PACKET_SWAPPED ? p->port_key : p->port_key >> 16);
}

static inline uint16_t mr_packet_dst_port(const struct mr_packet *p)
{
	return (uint16_t)(p->flags & MR_PACKET_SWAPPED ? p->port_key >> 16 : p->port_key);
}

#ifdef __cplusplus
}
#endif
