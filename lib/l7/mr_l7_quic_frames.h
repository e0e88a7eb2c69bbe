/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * CRYPTO frames of Initial packets (RFC 9000 section 19.6), put together in any order: clients shuffle the
 * pieces of their ClientHello and spread it over packets.
 */

#define MR_L7_QUIC_HELLO_MAX  8192u /* octets of a hello */
#define MR_L7_QUIC_PIECES_MAX 32u   /* runs of octets with gaps between */

struct mr_l7_quic_piece {
	uint16_t begin, end;
};

/* Octets of one direction's handshake so far. Large: on the stack, or allocated while a hello is incomplete.
 */
struct mr_l7_quic_crypto {
	uint16_t count; /* pieces, by place, none touching the next */
	struct mr_l7_quic_piece pieces[MR_L7_QUIC_PIECES_MAX];
	uint8_t data[MR_L7_QUIC_HELLO_MAX];
};

/** Take the CRYPTO frames of one packet's payload. false: malformed, or more pieces or octets than there is
 * room for */
bool mr_l7_quic_frames(struct mr_l7_quic_crypto *crypto, const uint8_t *payload, uint32_t len);

/**
 * Octets of the message at the beginning of the stream with its header, when all are there, else 0.
 * @param ret_never  set when it can't be held: not a hello, or too long
 */
uint32_t mr_l7_quic_hello(const struct mr_l7_quic_crypto *crypto, bool *ret_never);

#ifdef __cplusplus
}
#endif
