/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Builds one frame from the inside out: payload first, then each header is put before what is there, with the
 * lengths and checksums that follow from it. No DPDK. Single thread.
 *
 * A header that doesn't fit any more sets `overflow` and leaves the frame as it was; check once at the end.
 */

#define MR_BUILD_ROOM 10240 /* a jumbo frame and a stack of headers */

struct mr_build {
	uint8_t room[MR_BUILD_ROOM];
	uint32_t at;  /* the outermost octet so far */
	uint32_t end; /* one behind the last octet */
	uint8_t family; /* 4 or 6, of the addresses below */
	uint8_t src[16]; /* network order, IPv4 in the first 4 octets; used by headers put from now on */
	uint8_t dst[16];
	uint8_t proto; /* IP protocol of what is at `at` */
	uint16_t ether_type; /* of what is at `at` */
	bool overflow;
};

struct mr_build_tcp {
	uint16_t src_port;
	uint16_t dst_port;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags; /* MR_TCP_* */
	uint16_t window;
	const uint8_t *options; /* options_len octets, a multiple of 4 and <= 40; NULL when 0 */
	uint8_t options_len;
};

enum { MR_TCP_FIN = 1, MR_TCP_SYN = 2, MR_TCP_RST = 4, MR_TCP_PSH = 8, MR_TCP_ACK = 16, MR_TCP_URG = 32 };

enum {
	MR_PROTO_HOPOPT = 0,
	MR_PROTO_ICMP = 1,
	MR_PROTO_IPIP = 4,
	MR_PROTO_TCP = 6,
	MR_PROTO_UDP = 17,
	MR_PROTO_IPV6 = 41,
	MR_PROTO_ROUTING = 43,
	MR_PROTO_FRAGMENT = 44,
	MR_PROTO_GRE = 47,
	MR_PROTO_ESP = 50,
	MR_PROTO_AH = 51,
	MR_PROTO_ICMP6 = 58,
	MR_PROTO_NONE = 59,
	MR_PROTO_DSTOPT = 60,
	MR_PROTO_SCTP = 132,
};

/** Fields of an IP header that most packets leave alone: zero means the usual. */
struct mr_build_ip {
	uint8_t ttl; /* or hop limit; 0: 64 */
	uint8_t tos;
	uint16_t id; /* IPv4 only */
	uint16_t frag; /* IPv4 only: flags and offset as on the wire (host order) */
	const uint8_t *options; /* IPv4 only: options_len octets, a multiple of 4 and <= 40 */
	uint8_t options_len;
};

/** An empty frame between two addresses of @p family (4: 4 octets each, 6: 16), borrowed for the call. */
void mr_build_init(struct mr_build *f, unsigned family, const uint8_t *src, const uint8_t *dst);

/** New addresses for the headers that follow: the outer header of a tunnel. */
void mr_build_address(struct mr_build *f, unsigned family, const uint8_t *src, const uint8_t *dst);

/** Room for @p n octets before what is there, zeroed; NULL: no room. */
uint8_t *mr_build_push(struct mr_build *f, uint32_t n);

/** @p n octets @p src (NULL: zeros) behind what is there. */
void mr_build_append(struct mr_build *f, const void *src, uint32_t n);

void mr_build_udp(struct mr_build *f, uint16_t src_port, uint16_t dst_port);
void mr_build_tcp(struct mr_build *f, const struct mr_build_tcp *tcp);
/** Echo request (@p reply false) or reply, ICMP or ICMPv6 by the frame's family. */
void mr_build_echo(struct mr_build *f, bool reply, uint16_t id, uint16_t seq);
/** ICMP or ICMPv6 header of 8 octets with @p rest in the last four. */
void mr_build_icmp(struct mr_build *f, uint8_t type, uint8_t code, uint32_t rest);
/** IPv4 or IPv6 header by the frame's family; NULL @p ip: the usual. */
void mr_build_ip(struct mr_build *f, const struct mr_build_ip *ip);
/** IPv6 extension header @p proto of @p n octets (multiple of 8) filled with PadN. */
void mr_build_ip6_options(struct mr_build *f, uint8_t proto, uint32_t n);
/** IPv6 fragment header; @p off in octets, a multiple of 8. */
void mr_build_ip6_fragment(struct mr_build *f, uint32_t off, bool more, uint32_t id);
/** A tag (802.1Q with @p tpid 0x8100, 802.1ad with 0x88a8) before what is there. */
void mr_build_vlan(struct mr_build *f, uint16_t tpid, uint16_t vlan);
/** Ethernet header, then zeros up to the 60 octets that a frame has at least. */
void mr_build_ethernet(struct mr_build *f);
/** Ethernet header without padding. */
void mr_build_ethernet_bare(struct mr_build *f);

static inline const uint8_t *mr_build_data(const struct mr_build *f)
{
	return f->room + f->at;
}

static inline uint32_t mr_build_len(const struct mr_build *f)
{
	return f->end - f->at;
}

/** Sum of 16-bit words in memory order, folded to 16 bits; an odd octet counts as if a zero followed. */
uint32_t mr_build_sum(const void *data, size_t n, uint32_t sum);

/** Fold a sum of 16- or 32-bit words to 16 bits (one's complement addition, RFC 1071 section 2). */
static inline uint32_t mr_build_fold(uint64_t sum)
{
	uint32_t half;

	/* adding the swapped halves leaves their end-around sum in the upper one */
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return half >> 16;
}

#ifdef __cplusplus
}
#endif
