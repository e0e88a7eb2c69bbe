/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Every field that an application parser may find: one row makes the id, the name in flows.jsonl, the IPFIX
 * element and the row in docs/fields.md. Rows may be added anywhere; the number of a private element never changes.
 */

enum mr_l7_type {
	MR_L7_TEXT,   /* octets that are meant to be read */
	MR_L7_NUMBER, /* unsigned; width in octets is that of the element */
	MR_L7_OCTETS, /* shown in hex */
};

/** Bits of a row. */
enum {
	MR_L7_MANY = 1 << 0, /* each transaction has its own: flows.jsonl has a list, IPFIX the first */
	MR_L7_HIDDEN = 1 << 1, /* not exported: for rules only */
};

/*
 * X(ID, name, type, octets, bits, pen, element, doc)
 * octets: width of a number, else 0. pen: 0 for an IANA element, else MR_L7_PEN with an element of our own.
 * Private elements by protocol: HTTP 100.., HTTP/2 130.., DNS 150.., TLS 200.., QUIC 240.., SSH 260.., SMTP 280..,
 * FTP 300.., SMB 320.., RDP 340.., DHCP 360.., NTP 380.., SNMP 400.., SIP 420.., MQTT 440.., Modbus 460...
 */
#define MR_L7_PEN 32473u

/* clang-format off */

#define MR_L7_FIELDS_HTTP(X) \
	X(HTTP_METHOD, "http_method", MR_L7_TEXT, 0, MR_L7_MANY, 0, 459, "request method") \
	X(HTTP_HOST, "http_host", MR_L7_TEXT, 0, MR_L7_MANY, 0, 460, "host that the request names") \
	X(HTTP_URI, "http_uri", MR_L7_TEXT, 0, MR_L7_MANY, 0, 461, "request target as sent") \
	X(HTTP_STATUS, "http_status", MR_L7_NUMBER, 2, MR_L7_MANY, 0, 457, "status code of the answer") \
	X(HTTP_VERSION, "http_version", MR_L7_TEXT, 0, MR_L7_MANY, 0, 462, "version of the request, else of the answer") \
	X(HTTP_USER_AGENT, "http_user_agent", MR_L7_TEXT, 0, MR_L7_MANY, 0, 468, "program that the client says it is") \
	X(HTTP_CONTENT_TYPE, "http_content_type", MR_L7_TEXT, 0, MR_L7_MANY, 0, 469, "media type of the answer's body") \
	X(HTTP_REASON, "http_reason", MR_L7_TEXT, 0, MR_L7_MANY, 0, 470, "text behind the status code") \
	X(HTTP_REQUEST_TYPE, "http_request_type", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 100, \
	  "media type of the request's body") \
	X(HTTP_REFERER, "http_referer", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 101, "page that led to the request") \
	X(HTTP_SERVER, "http_server", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 102, "program that the server says it is") \
	X(HTTP_LOCATION, "http_location", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 103, "where the answer redirects to") \
	X(HTTP_REQUEST_LENGTH, "http_request_length", MR_L7_NUMBER, 8, MR_L7_MANY, MR_L7_PEN, 104, \
	  "content length that the request announces") \
	X(HTTP_LENGTH, "http_length", MR_L7_NUMBER, 8, MR_L7_MANY, MR_L7_PEN, 105, \
	  "content length that the answer announces") \
	X(HTTP_UPGRADE, "http_upgrade", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 106, \
	  "protocol that the server changes to (status 101)") \
	X(HTTP_NOTE, "http_note", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 107, \
	  "what is odd about a message (names: lib/l7/README.md)") \
	X(HTTP_COOKIE, "http_cookie", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 108, "cookies of the request") \
	X(HTTP_REQUEST_HEADER, "http_request_header", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 109, \
	  "one header line of the request, without its end") \
	X(HTTP_HEADER, "http_header", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 110, \
	  "one header line of the answer, without its end") \
	X(HTTP_REQUEST_BODY, "http_request_body", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 111, \
	  "start of the request's body, decompressed") \
	X(HTTP_BODY, "http_body", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 112, \
	  "start of the answer's body, decompressed")

/* the fields of HTTP/1 where they mean the same */
#define MR_L7_FIELDS_HTTP2(X) \
	X(HTTP2_SCHEME, "http2_scheme", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 130, "scheme of the request") \
	X(HTTP2_STREAM, "http2_stream", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 131, "stream of the request or answer")

#define MR_L7_FIELDS_DNS(X) \
	X(DNS_NAME, "dns_name", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 150, "name asked for, escaped as in zone files") \
	X(DNS_TYPE, "dns_type", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 151, "record type asked for") \
	X(DNS_CLASS, "dns_class", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 152, "class asked for") \
	X(DNS_ID, "dns_id", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 153, "identification of the query") \
	X(DNS_FLAGS, "dns_flags", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 154, "second word of the answer's header") \
	X(DNS_RCODE, "dns_rcode", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 155, "response code, with EDNS's upper bits") \
	X(DNS_ANSWERS, "dns_answers", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 156, \
	  "records in the answer section, as its header says") \
	X(DNS_ANSWER_NAME, "dns_answer_name", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 157, "owner of an answer record") \
	X(DNS_ANSWER_TYPE, "dns_answer_type", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 158, "type of an answer record") \
	X(DNS_ANSWER_TTL, "dns_answer_ttl", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 159, \
	  "seconds that an answer record may be kept") \
	X(DNS_ANSWER, "dns_answer", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 160, "data of an answer record, as in zone files") \
	X(DNS_AUTHORITY, "dns_authority", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 161, "data of an authority record") \
	X(DNS_ADDITIONAL, "dns_additional", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 162, "data of an additional record") \
	X(DNS_EDNS_SIZE, "dns_edns_size", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 163, \
	  "largest datagram that the sender of EDNS takes") \
	X(DNS_OPCODE, "dns_opcode", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 165, \
	  "kind of the query when it isn't 0 (4: notify, 5: update)") \
	X(DNS_NOTE, "dns_note", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 164, "what is odd about a message (names: lib/l7/README.md)")

#define MR_L7_FIELDS_TLS(X) \
	X(TLS_SNI, "tls_sni", MR_L7_TEXT, 0, 0, MR_L7_PEN, 200, "server name that the client asks for") \
	X(TLS_VERSION, "tls_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 201, "version that the server chose") \
	X(TLS_CLIENT_VERSION, "tls_client_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 202, "highest version offered") \
	X(TLS_RECORD_VERSION, "tls_record_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 203, \
	  "version of the record that begins the ClientHello") \
	X(TLS_ALPN, "tls_alpn", MR_L7_TEXT, 0, 0, MR_L7_PEN, 204, "application protocol that the server chose") \
	X(TLS_ALPN_OFFERED, "tls_alpn_offered", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 205, \
	  "application protocols offered, first choice first") \
	X(TLS_CIPHER, "tls_cipher", MR_L7_NUMBER, 2, 0, MR_L7_PEN, 206, "cipher suite chosen, IANA number") \
	X(TLS_JA3, "tls_ja3", MR_L7_TEXT, 0, 0, MR_L7_PEN, 207, "JA3 fingerprint of the client") \
	X(TLS_JA3S, "tls_ja3s", MR_L7_TEXT, 0, 0, MR_L7_PEN, 208, "JA3S fingerprint of the server") \
	X(TLS_JA4, "tls_ja4", MR_L7_TEXT, 0, 0, MR_L7_PEN, 209, "JA4 fingerprint of the client") \
	X(TLS_JA3_STRING, "tls_ja3_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 210, "what JA3 is the MD5 of") \
	X(TLS_JA3S_STRING, "tls_ja3s_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 211, "what JA3S is the MD5 of") \
	X(TLS_CERT_SUBJECT, "tls_cert_subject", MR_L7_TEXT, 0, 0, MR_L7_PEN, 212, "subject of the server's certificate") \
	X(TLS_CERT_ISSUER, "tls_cert_issuer", MR_L7_TEXT, 0, 0, MR_L7_PEN, 213, "issuer of the server's certificate") \
	X(TLS_CERT_SERIAL, "tls_cert_serial", MR_L7_TEXT, 0, 0, MR_L7_PEN, 214, "its serial number, hex") \
	X(TLS_CERT_NOT_BEFORE, "tls_cert_not_before", MR_L7_NUMBER, 8, 0, MR_L7_PEN, 215, "valid from, s since 1970") \
	X(TLS_CERT_NOT_AFTER, "tls_cert_not_after", MR_L7_NUMBER, 8, 0, MR_L7_PEN, 216, "valid until, s since 1970") \
	X(TLS_CERT_SHA1, "tls_cert_sha1", MR_L7_TEXT, 0, 0, MR_L7_PEN, 217, "SHA-1 of the server's certificate") \
	X(TLS_CERT_SHA256, "tls_cert_sha256", MR_L7_TEXT, 0, 0, MR_L7_PEN, 218, "SHA-256 of the server's certificate") \
	X(TLS_ECH, "tls_ech", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 219, "1: encrypted ClientHello or its GREASE, 2: ESNI") \
	X(TLS_RESUMED, "tls_resumed", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 220, "1: an earlier session is resumed") \
	X(TLS_CERT, "tls_cert", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 221, \
	  "certificates of the server, DER")

#define MR_L7_FIELDS_QUIC(X) \
	X(QUIC_VERSION, "quic_version", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 240, \
	  "version of the client, again after a Version Negotiation") \
	X(QUIC_USER_AGENT, "quic_user_agent", MR_L7_TEXT, 0, 0, MR_L7_PEN, 241, "client, from its transport parameters") \
	X(QUIC_DCID_OCTETS, "quic_dcid_octets", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 242, \
	  "length of the first destination connection id") \
	X(QUIC_SCID_OCTETS, "quic_scid_octets", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 243, \
	  "length of the client's connection id") \
	X(QUIC_RETRY, "quic_retry", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 244, "1: the server had the client validated by Retry") \
	X(QUIC_OFFERED_VERSION, "quic_offered_version", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 245, \
	  "versions that the server's Version Negotiation names")

#define MR_L7_FIELDS_SSH(X) \
	X(SSH_CLIENT, "ssh_client", MR_L7_TEXT, 0, 0, MR_L7_PEN, 260, "identification line of the client") \
	X(SSH_SERVER, "ssh_server", MR_L7_TEXT, 0, 0, MR_L7_PEN, 261, "identification line of the server") \
	X(SSH_CLIENT_VERSION, "ssh_client_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 262, "protocol version of the client") \
	X(SSH_SERVER_VERSION, "ssh_server_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 263, "protocol version of the server") \
	X(SSH_CLIENT_SOFTWARE, "ssh_client_software", MR_L7_TEXT, 0, 0, MR_L7_PEN, 264, "software of the client") \
	X(SSH_SERVER_SOFTWARE, "ssh_server_software", MR_L7_TEXT, 0, 0, MR_L7_PEN, 265, "software of the server") \
	X(SSH_HASSH, "ssh_hassh", MR_L7_TEXT, 0, 0, MR_L7_PEN, 266, "HASSH fingerprint of the client") \
	X(SSH_HASSH_SERVER, "ssh_hassh_server", MR_L7_TEXT, 0, 0, MR_L7_PEN, 267, "HASSH fingerprint of the server") \
	X(SSH_HASSH_STRING, "ssh_hassh_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 268, "what HASSH is the MD5 of") \
	X(SSH_HASSH_SERVER_STRING, "ssh_hassh_server_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 269, \
	  "what the HASSH of the server is the MD5 of") \
	X(SSH_KEX, "ssh_kex", MR_L7_TEXT, 0, 0, MR_L7_PEN, 270, "key exchange chosen") \
	X(SSH_HOST_KEY, "ssh_host_key", MR_L7_TEXT, 0, 0, MR_L7_PEN, 271, "kind of host key chosen") \
	X(SSH_CIPHER, "ssh_cipher", MR_L7_TEXT, 0, 0, MR_L7_PEN, 272, "cipher chosen, client to server") \
	X(SSH_MAC, "ssh_mac", MR_L7_TEXT, 0, 0, MR_L7_PEN, 273, \
	  "message authentication chosen, client to server; none beside a cipher that brings its own") \
	X(SSH_COMPRESSION, "ssh_compression", MR_L7_TEXT, 0, 0, MR_L7_PEN, 274, "compression chosen, client to server")

#define MR_L7_FIELDS_SMTP(X)

#define MR_L7_FIELDS_FTP(X)

#define MR_L7_FIELDS_SMB(X)

#define MR_L7_FIELDS_RDP(X)

#define MR_L7_FIELDS_DHCP(X)

#define MR_L7_FIELDS_NTP(X)

#define MR_L7_FIELDS_SNMP(X)

#define MR_L7_FIELDS_SIP(X)

#define MR_L7_FIELDS_MQTT(X)

#define MR_L7_FIELDS_MODBUS(X)

#define MR_L7_FIELDS(X) \
	MR_L7_FIELDS_HTTP(X) \
	MR_L7_FIELDS_HTTP2(X) \
	MR_L7_FIELDS_DNS(X) \
	MR_L7_FIELDS_TLS(X) \
	MR_L7_FIELDS_QUIC(X) \
	MR_L7_FIELDS_SSH(X) \
	MR_L7_FIELDS_SMTP(X) \
	MR_L7_FIELDS_FTP(X) \
	MR_L7_FIELDS_SMB(X) \
	MR_L7_FIELDS_RDP(X) \
	MR_L7_FIELDS_DHCP(X) \
	MR_L7_FIELDS_NTP(X) \
	MR_L7_FIELDS_SNMP(X) \
	MR_L7_FIELDS_SIP(X) \
	MR_L7_FIELDS_MQTT(X) \
	MR_L7_FIELDS_MODBUS(X)
/* clang-format on */

enum mr_l7_field {
#define MR_L7_ID(ID, name, type, octets, bits, pen, element, doc) MR_L7_F_##ID,
	MR_L7_FIELDS(MR_L7_ID)
#undef MR_L7_ID
		MR_L7_FIELD_MAX
};

struct mr_l7_field_info {
	const char *name;
	const char *doc;
	uint32_t pen;
	uint16_t element;
	uint8_t type; /* enum mr_l7_type */
	uint8_t octets;
	uint8_t bits;
};

extern const struct mr_l7_field_info mr_l7_field_info[MR_L7_FIELD_MAX];

#ifdef __cplusplus
}
#endif
