/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_hash.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @file What a packet was wrapped in: the headers around the IP packet by which it is metered. */

/* X(ID, name, doc): the name is what flows.jsonl says; doc says what the level's id is */
/* clang-format off */
#define MR_TUNNEL_KINDS(X) \
	X(IPIP,      "ipip",      "IP in IP, any two versions (RFC 2003, 4213, 2473); no id") \
	X(GRE,       "gre",       "GRE (RFC 2784, 2890) and PPTP's (RFC 2637): key, or call id") \
	X(NVGRE,     "nvgre",     "NVGRE (RFC 7637): VSID") \
	X(ERSPAN1,   "erspan1",   "ERSPAN type I; no id") \
	X(ERSPAN2,   "erspan2",   "ERSPAN type II: session id") \
	X(ERSPAN3,   "erspan3",   "ERSPAN type III: session id") \
	X(EOIP,      "eoip",      "MikroTik EoIP: tunnel id") \
	X(ETHERIP,   "etherip",   "EtherIP (RFC 3378); no id") \
	X(VXLAN,     "vxlan",     "VXLAN (RFC 7348): VNI") \
	X(VXLAN_GPE, "vxlan-gpe", "VXLAN-GPE: VNI") \
	X(GENEVE,    "geneve",    "Geneve (RFC 8926): VNI") \
	X(GTPU,      "gtp-u",     "GTP-U version 1 (3GPP TS 29.281): TEID") \
	X(L2TP,      "l2tp",      "L2TP version 2 (RFC 2661): tunnel id << 16 | session id") \
	X(TEREDO,    "teredo",    "Teredo (RFC 4380); no id") \
	X(MPLS,      "mpls",      "MPLS in IP, GRE or UDP (RFC 4023, 7510): top label") \
	X(PW,        "pw",        "Ethernet pseudowire over MPLS (RFC 4448): bottom label") \
	X(PPPOE,     "pppoe",     "PPPoE (RFC 2516): session id") \
	X(TZSP,      "tzsp",      "TaZmen Sniffer Protocol; no id")
/* clang-format on */

enum mr_tunnel_kind {
	MR_TUNNEL_NONE,
#define X(id, name, doc) MR_TUNNEL_##id,
	MR_TUNNEL_KINDS(X)
#undef X
		MR_TUNNEL_KIND_MAX
};

/** "vxlan" ...; "" for none. */
const char *mr_tunnel_name(enum mr_tunnel_kind kind);

#define MR_TUNNEL_LEVELS 4 /* what is wrapped deeper is metered as the packet of the last tunnel opened */
#define MR_TUNNEL_LABELS 6 /* of the outermost MPLS stack; more are not kept */

/** One wrapping. */
struct mr_tunnel_level {
	uint8_t addr[2][16]; /* source, destination as sent, network order; IPv4 in the first 4 octets */
	uint32_t id;	     /* by kind, host order */
	uint8_t kind;	     /* enum mr_tunnel_kind */
	uint8_t family; /* of addr: 4, 6, or 0 when the wrapping has no IP addresses (PPPoE, pseudowires) */
	bool has_id;
};

/** All wrappings of a packet, outermost first. */
struct mr_tunnel {
	uint8_t levels;
	uint8_t labels;
	uint32_t label[MR_TUNNEL_LABELS]; /* MPLS stack from the top: label stack entry >> 8, as
					     mr_packet.mpls_label */
	struct mr_tunnel_level level[MR_TUNNEL_LEVELS];
};

/** What makes the flow of a packet from within a tunnel. */
enum mr_tunnel_key {
	MR_TUNNEL_KEY_OUTER, /* tunnels aren't opened */
	MR_TUNNEL_KEY_INNER, /* the inner packet and the segments that it is in: addresses may be used twice
			      */
	MR_TUNNEL_KEY_BOTH,  /* also between which addresses the tunnels go */
};

/** Is the id the same in both directions and a name space of addresses (VNI, VSID)? */
static inline bool mr_tunnel_is_segment(uint8_t kind)
{
	return kind == MR_TUNNEL_VXLAN || kind == MR_TUNNEL_VXLAN_GPE || kind == MR_TUNNEL_GENEVE ||
	       kind == MR_TUNNEL_NVGRE;
}

/** What of @p tunnel is part of the key as one number, the same for both directions; for hashes only. */
uint64_t mr_tunnel_key_fold(const struct mr_tunnel *tunnel, enum mr_tunnel_key key,
			    const struct mr_hash_seed *seed);

/** Are two tunnels the same as far as the key goes, or each the other's way back? */
bool mr_tunnel_key_equal(const struct mr_tunnel *a, const struct mr_tunnel *b, enum mr_tunnel_key key);

#define MR_TUNNEL_PORTS_MAX 32

/** Which UDP ports carry tunnels. Made once by mr_tunnel_ports_default() and _add(), constant while running.
 */
struct mr_tunnel_ports {
	/* bit (port modulo 4096): the short way of the decoder asks only this, and a wrong yes costs only
	 * time */
	uint64_t maybe[64];
	struct {
		uint16_t port;
		uint8_t kind;
	} port[MR_TUNNEL_PORTS_MAX];
	uint8_t n;
};

/** The registered and customary ports: VXLAN 4789 8472, Geneve 6081, GTP-U 2152, Teredo 3544 ... */
void mr_tunnel_ports_default(struct mr_tunnel_ports *ports);
/** False: there are MR_TUNNEL_PORTS_MAX already. A port that is there gets the new kind. */
bool mr_tunnel_ports_add(struct mr_tunnel_ports *ports, uint16_t port, enum mr_tunnel_kind kind);

static inline bool mr_tunnel_ports_maybe(const struct mr_tunnel_ports *ports, uint16_t port)
{
	return (ports->maybe[port / 64 % 64] >> (port % 64) & 1) != 0;
}

#ifdef __cplusplus
}
#endif
