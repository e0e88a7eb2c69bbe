/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mr_buf.h"
#include "drivers/synth/mr_traffic_priv.h"

/**
 * @file
 * Traffic with applications in it (mix=): each flow follows a script of messages that are made once. A packet
 * is a message, in which addresses, ports, sequence numbers, checksums and the name's digits are put.
 */

#define MR_TRAFFIC_MSS	     1440 /* fits IPv6 over Ethernet */
#define MR_TRAFFIC_NAME	     "host-"
#define MR_TRAFFIC_DOMAIN    ".example.com"
#define MR_TRAFFIC_NAME_LEN  (sizeof(MR_TRAFFIC_NAME MR_TRAFFIC_DOMAIN) - 1 + 6)
#define MR_TRAFFIC_MESSAGES  96 /* of all scripts, per IP version */
#define MR_TRAFFIC_QUIC_KEYS 8	/* QUIC flows share as many connection ids, keys and names */

/* One packet of a script, with zeros where packets differ. */
struct mr_traffic_message {
	struct mr_traffic_template tm; /* the frame's first MR_TRAFFIC_HEAD octets */
	uint32_t seq, ack; /* behind the initial numbers of sender and receiver, in the loop's first pass */
	uint16_t name_off; /* of the name's six digits in the frame; 0: none */
	uint16_t id_off;   /* of a DNS message's id in the frame; 0: none */
	uint8_t side;	   /* 0: client */
	uint8_t flags;	   /* TCP */
	bool middle;	   /* a segment between others of its side: may be lost, sent twice, or late */
	uint8_t rest[MR_TRAFFIC_WIRE_MAX / 6]; /* octets behind the first ones */
};

/* Messages: an opening, a loop that goes on while the flow lasts, and a close. */
struct mr_traffic_script {
	uint32_t first;		    /* message */
	uint32_t loop_octets[2];    /* that client and server send in a pass */
	uint8_t loop, close, count; /* steps */
	uint8_t app;		    /* enum mr_traffic_app */
	uint16_t port;
	uint16_t head; /* MR_TRAFFIC_TCP or _UDP */
};

#define MR_TRAFFIC_SCRIPTS (3 + 1 + MR_TRAFFIC_QUIC_KEYS)

struct mr_traffic_mix {
	uint8_t script_of[256]; /* by random bits of the flow */
	uint32_t scripts, messages;
	struct mr_traffic_script script[MR_TRAFFIC_SCRIPTS];
	struct mr_traffic_message message[2][MR_TRAFFIC_MESSAGES]; /* IPv4, IPv6 */
	struct mr_build frame;					   /* while they are made */
	uint64_t vlan;
	bool overflow; /* a message didn't fit */
};

/* What a message of a script says. */
struct mr_traffic_say {
	uint8_t side, flags;
	bool middle;
	const struct mr_wbuf *payload; /* NULL: none */
	uint32_t off, len;	       /* the part of it that is meant; len 0: all */
	uint32_t name_at;	       /* where the six digits are in the whole payload; 0: none */
	bool id;		       /* begins with a DNS id */
};

/* mr_traffic_mix.c: scripts in the making. */
void mr_traffic_script_begin(struct mr_traffic_mix *mix, enum mr_traffic_app app, uint16_t port,
			     enum mr_traffic_head head);
void mr_traffic_script_end(struct mr_traffic_mix *mix);
void mr_traffic_say(struct mr_traffic_mix *mix, const struct mr_traffic_say *say);
/* Data in as many segments as it takes; an acknowledgment after each second one but the last. */
void mr_traffic_say_data(struct mr_traffic_mix *mix, const struct mr_traffic_say *say);
/* The loop begins or ends here. */
void mr_traffic_loop_begin(struct mr_traffic_mix *mix);
void mr_traffic_loop_end(struct mr_traffic_mix *mix);

/* mr_traffic_apps.c: all scripts. Errors: -ENOMEM when OpenSSL fails. */
int mr_traffic_scripts(struct mr_traffic_mix *mix, struct mr_err *err);

/* Octets without meaning, always the same. */
void mr_traffic_noise(struct mr_wbuf *w, uint32_t n, uint32_t seed);

/* mr_traffic_tls.c: handshake messages, without the record layer. */
struct mr_traffic_hello {
	const char *alpn;   /* the only one offered */
	const char *digits; /* of the name, six octets */
	bool only_13;	    /* TLS 1.3 and nothing older */
	bool quic;	    /* with transport parameters */
};
/* Returns where the name's digits are in @p w. */
uint32_t mr_traffic_client_hello(struct mr_wbuf *w, const struct mr_traffic_hello *hello);
void mr_traffic_server_hello(struct mr_wbuf *w, const struct mr_traffic_hello *hello);
void mr_traffic_say_tls(struct mr_traffic_mix *mix, bool v13);

/* mr_traffic_quic.c */
int mr_traffic_say_quic(struct mr_traffic_mix *mix, unsigned key, struct mr_err *err);

/* mr_traffic_mix.c. Errors: -ENOMEM with a line. */
int mr_traffic_mix_create(const struct mr_traffic_conf *conf, struct mr_traffic_mix **ret_mix,
			  struct mr_err *err);

/* six digits of a name, in the order of memory, in the low 48 bits */
static inline uint64_t mr_traffic_digits(uint32_t number)
{
	uint32_t n = number % 1000000;
	uint64_t out = 0;

	for (int i = 0; i < 3; i++, n /= 100) {
		uint32_t pair = n % 100;

		out = out << 16 | (pair / 10) | (pair % 10) << 8;
	}
	return out + 0x303030303030;
}
