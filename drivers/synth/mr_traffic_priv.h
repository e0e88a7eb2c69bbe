/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "drivers/synth/mr_build.h"
#include "drivers/synth/mr_traffic.h"

/* 10 random bits below this: yes */
#define SHARE_BITS 10
#define SHARE_ALL  (1u << SHARE_BITS)

/*
 * For loops over a batch: chosen at load time by what the processor has. None for AVX-512: measured, it takes
 * three times as long.
 */
#ifdef __x86_64__
#define MR_TRAFFIC_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define MR_TRAFFIC_CLONES
#endif

/* A frame's first octets as far as they're the same in all packets of a kind and size. */
struct mr_traffic_template {
	uint8_t head[MR_TRAFFIC_HEAD];
	/* one's complement sums in memory order over all that `head` fixes */
	uint32_t ip_sum;
	uint32_t l4_sum; /* pseudo header included */
	uint16_t frame_len;
	uint16_t ip_len;
	uint16_t payload_len;
	uint8_t src_off, dst_off; /* last four octets of the addresses */
	uint8_t ip_sum_off;	  /* IPv6: where the transport's is, which is put afterwards */
	uint8_t l4_off;
	uint8_t long_head; /* headers, of this or another template, reach behind 64 octets */
} __attribute__((aligned(64)));

/* Where a flow with a beginning and an end is in its life. Written by the owner of the slot's lane. */
struct mr_traffic_session {
	uint32_t generation; /* flow number = generation * flows + slot */
	uint32_t seq[2];     /* next sequence number of client and server */
	uint8_t step;	     /* enum in mr_traffic_session.c */
	uint8_t run : 7;     /* data segments of last_side since the other side's last segment */
	uint8_t last_side : 1;
	uint16_t count; /* echo packets */
};

_Static_assert(sizeof(struct mr_traffic_session) == 16, "four to a cache line");

struct mr_traffic_mix;
struct mr_traffic_tunnel;

/* Where a flow of a mix is in its script. Written by the owner of the slot's lane. */
struct mr_traffic_talk {
	uint32_t generation; /* as above */
	uint32_t pass;	     /* of the loop */
	uint8_t step;	     /* next message */
	uint8_t fault;	     /* enum mr_traffic_fault that the next packet is, or _FINE */
	uint16_t unused;
};

struct mr_traffic {
	struct mr_traffic_conf conf;
	const struct mr_traffic_kind *background;
	uint64_t packets; /* UINT64_MAX: endless */
	uint64_t new_fp;  /* new flows per packet, 0.64 fixed point */
	uint64_t step_fp; /* ns per packet, 32.32 fixed point */
	uint32_t packet_salt;
	uint32_t flow_salt;
	uint32_t flows;
	uint32_t lane_mask; /* lanes - 1 */
	uint32_t lane_shift;
	uint32_t lane_slots[2]; /* slots of a lane with number < / >= lanes_more */
	uint32_t lanes_more;
	uint32_t ipv6_share, tcp_share, icmp_share, reply_share, attack_share;
	bool alike;					      /* all packets have one template */
	bool udp_only;					      /* all packets are UDP */
	struct mr_traffic_session *sessions;		      /* one a slot, or NULL */
	struct mr_traffic_mix *mix;			      /* or NULL */
	struct mr_traffic_tunnel *tunnel;		      /* or NULL */
	struct mr_traffic_talk *talks;			      /* one a slot, or NULL */
	uint32_t lost_share, retransmit_share, reorder_share; /* the second holds the first, the third both */
	struct mr_traffic_template templates[MR_TRAFFIC_HEAD_MAX][MR_TRAFFIC_SIZES];
};

/* The constant properties of a flow; words only, so that the compiler can make several at once. */
struct mr_traffic_flow {
	uint32_t client, server; /* IPv4 addresses, host order */
	uint32_t client_port, server_port;
	uint32_t seq[2]; /* initial sequence numbers of client and server */
	uint32_t head;	 /* enum mr_traffic_head */
};

/* a bijection of 32 bits, every bit of x moves half of the result */
static inline uint32_t mr_traffic_mix32(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x7feb352d;
	x ^= x >> 15;
	x *= 0x846ca68b;
	return x ^ x >> 16;
}

/*
 * The random bits of a packet: 31-22 attack, 21-12 direction, 11-0 size. A percentage is a share of 1024; to
 * compare is to decide: 1 or 0, never a branch, since no predictor could know.
 */
static inline uint32_t mr_traffic_below(uint32_t bits, unsigned at, uint32_t share)
{
	return (bits >> at & (SHARE_ALL - 1)) < share;
}

static inline uint32_t mr_traffic_is_attack(const struct mr_traffic *t, uint32_t bits)
{
	return mr_traffic_below(bits, 22, t->attack_share);
}

static inline uint32_t mr_traffic_is_reply(const struct mr_traffic *t, uint32_t bits)
{
	return mr_traffic_below(bits, 12, t->reply_share);
}

/* imix is 7:4:1 of sizes 0, 1 and 2; otherwise all three are the same */
static inline uint32_t mr_traffic_size(uint32_t bits)
{
	uint32_t part = (bits & 0xfff) * 12 >> 12;

	return (uint32_t)(part >= 7) + (uint32_t)(part >= 11);
}

static inline struct mr_traffic_flow mr_traffic_flow(const struct mr_traffic *t, uint32_t number)
{
	uint32_t x = mr_traffic_mix32(number ^ t->flow_salt);
	uint32_t g = x * 0x9e3779b9;
	uint32_t c = x * 0x85ebca6b;
	uint32_t port = g >> 18 & 3;
	struct mr_traffic_flow f;

	f.client = 10u << 24 | x >> 14;
	f.client_port = 0xc000 | (x & 0x3fff);
	f.server = 198u << 24 | 18u << 16 | g >> 20;
	/* none whose payload of zeros an inspector would call malformed */
	f.server_port = port == 0 ? 8443 : port == 1 ? 80 : 443;
	f.seq[0] = g;
	f.seq[1] = c;
	f.head = MR_TRAFFIC_TCP * mr_traffic_below(c, 22, t->tcp_share) +
		 (MR_TRAFFIC_ICMP - MR_TRAFFIC_TCP) * mr_traffic_below(c, 22, t->icmp_share) +
		 mr_traffic_below(c, 12, t->ipv6_share);
	return f;
}

/* Addresses and ports as sent by the client, or by the server when @p reply is 1. */
static inline void mr_traffic_direct(struct mr_traffic_batch *b, unsigned i, const struct mr_traffic_flow *f,
				     uint32_t reply)
{
	uint32_t swap = -reply;
	uint32_t addresses = (f->client ^ f->server) & swap;
	uint32_t ports = (f->client_port ^ f->server_port) & swap;

	b->src[i] = __builtin_bswap32(f->client ^ addresses);
	b->dst[i] = __builtin_bswap32(f->server ^ addresses);
	b->ports[i] = __builtin_bswap32((f->client_port ^ ports) << 16 | (f->server_port ^ ports));
	b->head[i] = f->head;
}

extern const struct mr_traffic_kind mr_traffic_steady;
extern const struct mr_traffic_kind mr_traffic_session;
extern const struct mr_traffic_kind mr_traffic_synflood;

extern const struct mr_traffic_kind mr_traffic_mix_kind;

/* One's complement sum of the digits of a name, at an odd or even offset. */
static inline uint32_t mr_traffic_digits_sum(uint64_t digits, uint32_t off)
{
	uint32_t sum = mr_build_fold(digits);

	return off & 1 ? __builtin_bswap16((uint16_t)sum) : sum;
}

/* A frame's template with what @p f holds as its payload; the rest of the frame stays in @p f. */
void mr_traffic_template_make(struct mr_traffic_template *tm, unsigned head, struct mr_build *f,
			      uint64_t vlan);
void mr_traffic_template_address(struct mr_build *f, bool v6);
void mr_traffic_templates_init(struct mr_traffic *t);
/** @p data  frames begin @p data_off octets behind these */
void mr_traffic_write(const struct mr_traffic *t, struct mr_traffic_batch *b, uint8_t *const data[],
		      size_t data_off, unsigned n);
