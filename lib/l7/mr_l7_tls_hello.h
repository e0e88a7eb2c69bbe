/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * ClientHello and ServerHello of TLS (RFC 8446 section 4.1), which QUIC shares (RFC 9001 section 4). Spans
 * are borrowed from the message.
 */

#define MR_L7_TLS_CLIENT_HELLO 1u
#define MR_L7_TLS_SERVER_HELLO 2u

#define MR_L7_TLS_SSL2 0x0002u
#define MR_L7_TLS_13   0x0304u

struct mr_l7_tls_span {
	const uint8_t *data; /* NULL: not there */
	uint16_t len;
};

struct mr_l7_tls_hello {
	uint16_t version;     /* of the message: at most TLS 1.2, RFC 8446 section 4.1.2 */
	uint16_t max_version; /* highest that is offered, supported_versions included */
	bool ech;	      /* encrypted_client_hello, also when it is GREASE */
	bool esni;	      /* encrypted_server_name, its draft */
	struct mr_l7_tls_span ciphers, extensions; /* as sent; extensions without their length */
	struct mr_l7_tls_span server_name;	   /* the host name alone */
	struct mr_l7_tls_span alpn, groups, formats, signatures; /* the lists, without their lengths */
	struct mr_l7_tls_span quic_parameters;
	bool sni; /* the server_name extension is there, well-formed or not */
};

struct mr_l7_tls_answer {
	uint16_t version; /* of the message */
	uint16_t chosen;  /* the version in force, supported_versions included */
	uint16_t cipher;
	bool retry; /* HelloRetryRequest: a second ClientHello and the true ServerHello follow */
	bool psk;   /* a pre-shared key was taken, in TLS 1.3 the way to resume */
	struct mr_l7_tls_span extensions, alpn; /* alpn: the name alone */
};

/** @param body  behind the header of the handshake message. @return false: not a ClientHello */
bool mr_l7_tls_hello_parse(const uint8_t *body, uint32_t len, struct mr_l7_tls_hello *ret_hello);
bool mr_l7_tls_answer_parse(const uint8_t *body, uint32_t len, struct mr_l7_tls_answer *ret_answer);

/**
 * The next of the extensions that @p r reads; false at the end, or where a length lies: what comes before it
 * still tells something.
 */
bool mr_l7_tls_next_extension(struct mr_rbuf *r, uint16_t *ret_type, struct mr_l7_tls_span *ret_value);

/** Put all fields of a ClientHello. @param transport  't' TCP, 'q' QUIC: the first letter of its JA4 */
void mr_l7_tls_hello_put(const struct mr_l7_tls_hello *hello, char transport, struct mr_l7_sink *sink);
void mr_l7_tls_answer_put(const struct mr_l7_tls_answer *answer, struct mr_l7_sink *sink);

/** "TLS 1.3", "SSL 3.0"; one that has no name as number: "0x7f1c". */
void mr_l7_tls_put_version(enum mr_l7_field field, uint16_t version, struct mr_l7_sink *sink);

/**
 * JA4 as FoxIO published it. false: it can't be made (more ciphers or extensions than any client has).
 * @param ret_ja4  36 characters, no end mark
 */
#define MR_L7_TLS_JA4_LEN 36u
bool mr_l7_tls_ja4(const struct mr_l7_tls_hello *hello, char transport, char ret_ja4[MR_L7_TLS_JA4_LEN]);

/** RFC 8701: values that clients offer only so that servers learn to ignore what they don't know. */
static inline bool mr_l7_tls_is_grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

#ifdef __cplusplus
}
#endif
