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
	X(HTTP_STATUS, "http_status", MR_L7_NUMBER, 2, MR_L7_MANY, 0, 457, "status code of the answer")

#define MR_L7_FIELDS_HTTP2(X)

#define MR_L7_FIELDS_DNS(X)

#define MR_L7_FIELDS_TLS(X)

#define MR_L7_FIELDS_QUIC(X)

#define MR_L7_FIELDS_SSH(X)

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
