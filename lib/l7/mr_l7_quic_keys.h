/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Protection of QUIC Initial packets (RFC 9001 section 5, RFC 9369 section 3.3). The keys come from a
 * connection id that is sent in clear, so every observer has them. Each thread makes two OpenSSL contexts for
 * its first packet and keeps them until it ends; nothing else is allocated.
 */

#define MR_L7_QUIC_V1 0x00000001u
#define MR_L7_QUIC_V2 0x6b3343cfu

#define MR_L7_QUIC_ID_MAX 20u /* octets of a connection id, RFC 9000 section 17.2 */
#define MR_L7_QUIC_TAG	  16u
#define MR_L7_QUIC_PLAIN_MAX                                                                                 \
	4096u /* octets of an Initial that is decrypted; they fit packets of about 1500 */

/** Keys of one direction. */
struct mr_l7_quic_keys {
	uint8_t key[16];
	uint8_t iv[12];
	uint8_t hp[16]; /* of the header protection */
};

/** A version whose Initial packets can be read: 1, 2, the drafts 21 to 34 and Facebook's two of them. */
bool mr_l7_quic_is_readable(uint32_t version);

/**
 * Keys of one direction. false: a version that can't be read.
 * @param server  keys of what the server sends
 * @param id  destination connection id of the client's first Initial, @p id_len <= MR_L7_QUIC_ID_MAX
 */
bool mr_l7_quic_derive(uint32_t version, bool server, const uint8_t *id, uint8_t id_len,
		       struct mr_l7_quic_keys *ret_keys);

/**
 * Unprotect one packet.
 * @param packet  from its first octet to the end that its length names, @p len octets
 * @param number_at  where its protected packet number begins
 * @return octets at @p ret_plain, or 0: not protected with these keys
 */
uint32_t mr_l7_quic_open(const struct mr_l7_quic_keys *keys, const uint8_t *packet, uint32_t len,
			 uint32_t number_at, uint8_t ret_plain[MR_L7_QUIC_PLAIN_MAX]);

#ifdef __cplusplus
}
#endif
