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
 * The few parts of a certificate (RFC 5280 section 4.1) that a flow record tells. Read from the DER by hand:
 * the d2i_X509() of OpenSSL 3.0 also decodes the public key, which takes 96 us and a hundred allocations.
 * Spans are borrowed. Signatures aren't checked.
 */

struct mr_l7_der {
	const uint8_t *data;
	size_t len;
};

struct mr_l7_x509 {
	struct mr_l7_der serial;	   /* content octets */
	struct mr_l7_der issuer, subject;  /* content of the Name: a list of RDNs */
	int64_t not_before_s, not_after_s; /* since 1970, UTC */
};

/** false: not a certificate. */
bool mr_l7_x509_parse(const uint8_t *data, size_t len, struct mr_l7_x509 *ret_cert);

/**
 * A Name as text, "C=DE, O=Example, CN=www.example.org", in the order of the certificate and UTF-8 where its
 * types allow; cut behind @p cap octets.
 * @return octets written
 */
size_t mr_l7_x509_name(struct mr_l7_der name, char *ret_text, size_t cap);

#ifdef __cplusplus
}
#endif
