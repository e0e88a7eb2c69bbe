/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mr_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Generated traffic as a function of a seed: the model behind the "synth:" port and the capture generator.
 * No DPDK, no clock, no random source: same configuration, same octets.
 *
 * Packet k belongs to lane k mod L (L: 64, or the largest power of two that isn't above the number of flows).
 * A lane owns the slots s with s mod L = lane; a slot holds one flow at a time, and the flows in the slots at
 * any time are exactly the numbers base .. base + flows - 1, where base grows by `new` a second. Queue q of Q
 * serves the lanes l with l mod Q = q. So a flow stays on one queue, and all queues together make the same
 * packets whatever Q is.
 *
 * Addresses and ports are a bijection of the flow number (2^32 distinct flows before one comes back):
 * clients in 10.0.0.0/14, ports 49152-65535, to servers in 198.18.0.0/20 (RFC 2544), ports 443, 80 and 8443;
 * over IPv6 the same in 2001:2::/96 (RFC 5180).
 */

#define MR_TRAFFIC_START_NS  1700000000000000000ULL /* default: 2023-11-14T22:13:20Z */
#define MR_TRAFFIC_BURST_MAX 64
#define MR_TRAFFIC_LANES_MAX 64
#define MR_TRAFFIC_FLOWS_MAX (1u << 28)
#define MR_TRAFFIC_WIRE_MAX  9018 /* octets of a frame with FCS */
#define MR_TRAFFIC_FCS	     4
#define MR_TRAFFIC_HEAD	     96 /* octets that mr_traffic_burst() may write into a buffer */
#define MR_TRAFFIC_SIZES     4

enum mr_traffic_order { MR_TRAFFIC_RANDOM, MR_TRAFFIC_ROUNDROBIN };
/* What flows carry, and the choice of one alone. */
enum mr_traffic_app {
	MR_TRAFFIC_ZEROS,
	MR_TRAFFIC_WEB, /* the others mixed */
	MR_TRAFFIC_HTTP,
	MR_TRAFFIC_TLS,
	MR_TRAFFIC_TLS12,
	MR_TRAFFIC_TLS13,
	MR_TRAFFIC_DNS,
	MR_TRAFFIC_QUIC,
	MR_TRAFFIC_APP_MAX
};

/* What is around the packets. */
enum mr_traffic_tunnel_kind {
	MR_TRAFFIC_NO_TUNNEL,
	MR_TRAFFIC_VXLAN,
	MR_TRAFFIC_GENEVE,
	MR_TRAFFIC_GRE,
	MR_TRAFFIC_NVGRE,
	MR_TRAFFIC_ERSPAN2,
	MR_TRAFFIC_IPIP,
	MR_TRAFFIC_6IN4,
	MR_TRAFFIC_GTPU,
	MR_TRAFFIC_MPLS,
	MR_TRAFFIC_PPPOE,
	MR_TRAFFIC_L2TP,
	MR_TRAFFIC_TEREDO,
	MR_TRAFFIC_TUNNEL_MAX
};
#define MR_TRAFFIC_TUNNELS 2 /* one in the other */

/* What is wrong with a segment of a mix on purpose. */
enum mr_traffic_fault { MR_TRAFFIC_FINE, MR_TRAFFIC_AFTER_LOSS, MR_TRAFFIC_AGAIN, MR_TRAFFIC_LATE };
enum mr_traffic_time { MR_TRAFFIC_TIME_AUTO, MR_TRAFFIC_TIME_MODEL, MR_TRAFFIC_TIME_REAL };

struct mr_traffic_kind;

/** What to make. Fill it with mr_traffic_conf_parse(). */
struct mr_traffic_conf {
	uint64_t seed;
	uint64_t flows;			      /* active at a time, 1 .. MR_TRAFFIC_FLOWS_MAX */
	uint64_t new_per_s;		      /* new flows per second of model time; as many old ones end */
	uint64_t rate_pps;		      /* packets per second of model time; 0: not given */
	uint64_t packets;		      /* stop after so many, 0: endless */
	uint64_t duration_ns;		      /* stop after so long in model time, 0: endless */
	uint64_t start_ns;		      /* UTC, time of the first packet */
	uint64_t size;			      /* octets on the wire with FCS; 0: imix */
	uint64_t vlan;			      /* MR_VLAN_NONE: untagged */
	uint64_t ipv6_pct, tcp_pct, icmp_pct; /* of the flows */
	uint64_t reply_pct;		      /* of the packets */
	uint64_t attack_pct;		      /* of the packets */
	uint64_t order;			      /* enum mr_traffic_order */
	uint64_t time;			      /* enum mr_traffic_time */
	uint64_t mix;			      /* enum mr_traffic_app */
	uint64_t lost_pct, retransmit_pct, reorder_pct; /* of the middle segments of answers in a mix */
	uint64_t tunnel[MR_TRAFFIC_TUNNELS];		/* enum mr_traffic_tunnel_kind, outermost first */
	uint64_t handshake; /* bool: flows with a beginning and an end, and state for each */
	uint64_t pace;	    /* bool: the port holds packets back until their time */
	const struct mr_traffic_kind *attack; /* NULL: none */
};

/**
 * Read "key=value,key=value"; keys that aren't there get their defaults. Counts take k, M, G.
 * Errors: -EINVAL with a line naming the key and what it takes.
 */
int mr_traffic_conf_parse(const char *text, struct mr_traffic_conf *ret_conf, struct mr_err *err);

/** All keys, one line each, for --help. */
void mr_traffic_conf_help(FILE *out);

/**
 * Packets before they become octets, an array a field so that a compiler can make several at once.
 * Words called "wire" are in network order as they lie in the frame.
 */
struct mr_traffic_batch {
	uint64_t number[MR_TRAFFIC_BURST_MAX]; /* k */
	uint32_t slot[MR_TRAFFIC_BURST_MAX];
	uint32_t flow[MR_TRAFFIC_BURST_MAX]; /* the slot's flow, modulo 2^32 */
	uint32_t bits[MR_TRAFFIC_BURST_MAX]; /* random, see mr_traffic_priv.h */
	uint32_t src[MR_TRAFFIC_BURST_MAX];  /* wire; IPv6: the last 32 bits, behind 2001:2::/96 */
	uint32_t dst[MR_TRAFFIC_BURST_MAX];
	uint32_t ports[MR_TRAFFIC_BURST_MAX];	  /* wire; source, destination; ICMP: identifier, number */
	uint32_t seq[MR_TRAFFIC_BURST_MAX];	  /* wire; TCP */
	uint32_t ack[MR_TRAFFIC_BURST_MAX];	  /* wire; TCP */
	uint32_t head[MR_TRAFFIC_BURST_MAX];	  /* enum mr_traffic_head */
	uint32_t size[MR_TRAFFIC_BURST_MAX];	  /* index; MR_TRAFFIC_SIZES - 1: no payload */
	uint32_t flags[MR_TRAFFIC_BURST_MAX];	  /* TCP: MR_TCP_*; ICMP: 1 for a reply */
	uint32_t frame_len[MR_TRAFFIC_BURST_MAX]; /* octets without FCS */
	uint32_t ip_len[MR_TRAFFIC_BURST_MAX];	  /* octets from the IP header on, within all tunnels */
	uint32_t ip_check[MR_TRAFFIC_BURST_MAX], l4_check[MR_TRAFFIC_BURST_MAX]; /* checksums, low 16 bits */
	/* of a mix only, behind what all need */
	const struct mr_traffic_message *message[MR_TRAFFIC_BURST_MAX]; /* NULL: an attack's packet */
	uint64_t digits[MR_TRAFFIC_BURST_MAX]; /* of the name in it, when it has one */
	uint32_t app[MR_TRAFFIC_BURST_MAX];    /* enum mr_traffic_app, never _WEB or _TLS */
	uint32_t fault[MR_TRAFFIC_BURST_MAX];  /* enum mr_traffic_fault */
};

/** Which headers a packet has; bit 0: IPv6. */
enum mr_traffic_head {
	MR_TRAFFIC_UDP = 0,
	MR_TRAFFIC_TCP = 2,
	MR_TRAFFIC_ICMP = 4,
	MR_TRAFFIC_TCP_SYN = 6, /* with the options of a SYN */
	MR_TRAFFIC_HEAD_MAX = 8
};

struct mr_traffic;

/**
 * One kind of traffic; all are in mr_traffic_kinds[]. A background kind makes the packets of the flows in the
 * slots, the others (attacks) replace a share of them.
 */
struct mr_traffic_kind {
	const char *name; /* of an attack: also the key for its share of the packets */
	const char *help;
	/** Background: from number, slot, flow and bits of packets first .. end - 1 make the rest. */
	void (*background)(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned first,
			   unsigned end);
	/** Attack: the same for packet @p i; its slot and flow mean nothing. */
	void (*attack)(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned i);
};

extern const struct mr_traffic_kind *const mr_traffic_kinds[]; /* NULL-terminated */

/** Allocates all that is ever needed. Errors: -EINVAL (values that don't go together), -ENOMEM; with a line.
 */
int mr_traffic_create(const struct mr_traffic_conf *conf, struct mr_traffic **ret_traffic,
		      struct mr_err *err);
void mr_traffic_free(struct mr_traffic *t);

/** Packets in all, UINT64_MAX: endless. */
uint64_t mr_traffic_packets(const struct mr_traffic *t);

/** UTC of packet @p k: start_ns + k / rate. Never goes back. */
uint64_t mr_traffic_time(const struct mr_traffic *t, uint64_t k);

/** Packets due @p elapsed_ns after the start at the model's rate. */
uint64_t mr_traffic_due(const struct mr_traffic *t, uint64_t elapsed_ns);

/** Octets of the longest frame, without FCS. */
uint32_t mr_traffic_frame_max(const struct mr_traffic *t);

/** Octets that a buffer for a frame needs: those and what is ever written of a short one. */
uint32_t mr_traffic_room(const struct mr_traffic *t);

/** "http", "tls12" ...; NULL for MR_TRAFFIC_ZEROS. */
const char *mr_traffic_app_name(enum mr_traffic_app app);

#define MR_TRAFFIC_HOST_MAX 32

/** The name that flow @p flow (number) asks for, as SNI, host or question. */
void mr_traffic_host(enum mr_traffic_app app, uint32_t flow, char ret[MR_TRAFFIC_HOST_MAX]);

/** What is known of tunnel @p level (0: outermost): name, id in the packets of a flow, IPv4 addresses. */
const char *mr_traffic_tunnel_name(uint64_t tunnel);
bool mr_traffic_tunnel_has_id(uint64_t tunnel);
uint32_t mr_traffic_tunnel_id(uint64_t tunnel, unsigned level, uint32_t flow, bool reply);
uint32_t mr_traffic_tunnel_address(unsigned level, uint32_t flow, bool server);

/** Was a packet with this source (as in the batch) sent by a server? Not for an attack's. */
bool mr_traffic_from_server(uint32_t src);

/** The packets of one queue, in order. One thread; cursors of different queues are independent. */
struct mr_traffic_cursor {
	struct mr_traffic *t;
	uint64_t next;	    /* number of the next packet, UINT64_MAX: none any more */
	uint64_t base_lo;   /* base is the lowest flow number of this round, base_lo a multiple of `flows` */
	uint32_t base_slot; /* base - base_lo < flows: slots below have moved on to base_lo + flows + slot */
	uint32_t turn[2];   /* round robin: next slot in lanes with more and with fewer slots */
	uint16_t queue, queues;
	uint32_t data_off; /* octets from a buffer's pointer to where its frame begins; 0, and the user's to
			      set */
};

void mr_traffic_cursor_init(struct mr_traffic *t, uint16_t queue, uint16_t queues,
			    struct mr_traffic_cursor *ret);

#define MR_TRAFFIC_BY_NUMBER UINT64_MAX

/**
 * Make the next packets of the queue.
 * @param data  n buffers with at least mr_traffic_room() octets from the cursor's data_off on. Without a mix
 * only the first MR_TRAFFIC_HEAD, and the tunnels before them, are written: the caller zeroed the rest once,
 * it is the payload.
 * @param ret_batch  what they are
 * @param end  make no packet with this number or above; UINT64_MAX: no such limit
 * @param elapsed_ns  flows come and go by this time since the start; MR_TRAFFIC_BY_NUMBER: by model time,
 *                    then the packets depend on nothing but the configuration
 * @return packets made, less than @p n (<= MR_TRAFFIC_BURST_MAX) only at the end
 */
uint16_t mr_traffic_burst(struct mr_traffic_cursor *cur, uint8_t *const data[],
			  struct mr_traffic_batch *ret_batch, uint16_t n, uint64_t end, uint64_t elapsed_ns);

/** IP protocol number of a packet with these headers. */
uint8_t mr_traffic_proto(enum mr_traffic_head head);

#ifdef __cplusplus
}
#endif
