/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_tls_cert.h"

#include "l7/mr_l7_digest.h"
#include "l7/mr_l7_x509.h"

#define NAME_MAX_OCTETS	  1024u
#define SERIAL_MAX_OCTETS 32u /* RFC 5280 section 4.1.2.2 allows 20 */

/* Octets in hex with colons between, as EVE and rules have serial numbers and fingerprints. */
static void put_colons(enum mr_l7_field field, const uint8_t *data, size_t len, bool upper,
		       struct mr_l7_sink *sink)
{
	char text[3 * (SERIAL_MAX_OCTETS + 1)];

	for (size_t i = 0; i < len; i++) {
		mr_l7_hex(data + i, 1, text + 3 * i);
		text[3 * i + 2] = ':';
	}
	for (size_t i = 0; upper && i < 3 * len; i++)
		if (text[i] >= 'a')
			text[i] = (char)(text[i] - 'a' + 'A');
	if (len != 0)
		mr_l7_put(sink, field, text, 3 * len - 1);
}

static void put_name(enum mr_l7_field field, struct mr_l7_der name, struct mr_l7_sink *sink)
{
	char text[NAME_MAX_OCTETS];

	mr_l7_put(sink, field, text, mr_l7_x509_name(name, text, sizeof(text)));
}

static void put_time(enum mr_l7_field field, int64_t time_s, struct mr_l7_sink *sink)
{
	if (time_s >= 0)
		mr_l7_put_number(sink, field, (uint64_t)time_s);
}

static void put_parts(const struct mr_l7_x509 *cert, struct mr_l7_sink *sink)
{
	size_t serial = cert->serial.len < SERIAL_MAX_OCTETS ? cert->serial.len : SERIAL_MAX_OCTETS;

	put_name(MR_L7_F_TLS_CERT_SUBJECT, cert->subject, sink);
	put_name(MR_L7_F_TLS_CERT_ISSUER, cert->issuer, sink);
	put_colons(MR_L7_F_TLS_CERT_SERIAL, cert->serial.data, serial, true, sink);
	put_time(MR_L7_F_TLS_CERT_NOT_BEFORE, cert->not_before_s, sink);
	put_time(MR_L7_F_TLS_CERT_NOT_AFTER, cert->not_after_s, sink);
}

void mr_l7_tls_cert_put(const uint8_t *data, uint32_t len, bool first, struct mr_l7_sink *sink)
{
	uint8_t digest[MR_L7_SHA256_OCTETS];
	struct mr_l7_x509 cert;

	if (first) {
		if (mr_l7_x509_parse(data, len, &cert))
			put_parts(&cert, sink);
		mr_l7_sha1(data, len, digest);
		put_colons(MR_L7_F_TLS_CERT_SHA1, digest, MR_L7_SHA1_OCTETS, false, sink);
		mr_l7_sha256(data, len, digest);
		put_colons(MR_L7_F_TLS_CERT_SHA256, digest, MR_L7_SHA256_OCTETS, false, sink);
	}
	if (mr_l7_wanted(sink, MR_L7_F_TLS_CERT))
		mr_l7_put(sink, MR_L7_F_TLS_CERT, data, len);
}
