/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Information elements: the IANA registry, our private ones (MR_PEN), and the reverse ones of RFC 5103, which
 * are the forward element under enterprise number 29305. The numbers of the enums are those of the IANA
 * registries that RFC 5610 refers to, so that options records can carry them.
 */

#define MR_IPFIX_PEN_REVERSE 29305u
#define MR_IPFIX_IANA_MAX    491
#define MR_IPFIX_PRIVATE_MAX 511 /* no element of ours has a higher number */
#define MR_IPFIX_NAME_MAX    64

/** informationElementDataType(339). */
enum mr_ipfix_type {
	MR_IPFIX_T_OCTETS,
	MR_IPFIX_T_U8,
	MR_IPFIX_T_U16,
	MR_IPFIX_T_U32,
	MR_IPFIX_T_U64,
	MR_IPFIX_T_S8,
	MR_IPFIX_T_S16,
	MR_IPFIX_T_S32,
	MR_IPFIX_T_S64,
	MR_IPFIX_T_F32,
	MR_IPFIX_T_F64,
	MR_IPFIX_T_BOOL,
	MR_IPFIX_T_MAC,
	MR_IPFIX_T_STRING,
	MR_IPFIX_T_SECONDS, /* 32 bits since 1970 */
	MR_IPFIX_T_MS,	    /* 64 bits since 1970 */
	MR_IPFIX_T_US,	    /* 64 bits, NTP format */
	MR_IPFIX_T_NS,	    /* 64 bits, NTP format */
	MR_IPFIX_T_IPV4,
	MR_IPFIX_T_IPV6,
	MR_IPFIX_T_BASIC_LIST,
	MR_IPFIX_T_TEMPLATE_LIST,
	MR_IPFIX_T_MULTI_LIST,
	MR_IPFIX_T_MAX
};

/** informationElementSemantics(344). */
enum mr_ipfix_semantics {
	MR_IPFIX_S_DEFAULT,
	MR_IPFIX_S_QUANTITY,
	MR_IPFIX_S_TOTAL,
	MR_IPFIX_S_DELTA,
	MR_IPFIX_S_ID,
	MR_IPFIX_S_FLAGS,
	MR_IPFIX_S_LIST,
	MR_IPFIX_S_SNMP_COUNTER,
	MR_IPFIX_S_SNMP_GAUGE,
	MR_IPFIX_S_MAX
};

/** informationElementUnits(345). */
enum mr_ipfix_units {
	MR_IPFIX_UNIT_NONE,
	MR_IPFIX_UNIT_BITS,
	MR_IPFIX_UNIT_OCTETS,
	MR_IPFIX_UNIT_PACKETS,
	MR_IPFIX_UNIT_FLOWS,
	MR_IPFIX_UNIT_SECONDS,
	MR_IPFIX_UNIT_MS,
	MR_IPFIX_UNIT_US,
	MR_IPFIX_UNIT_NS,
	MR_IPFIX_UNIT_WORDS, /* of 4 octets */
	MR_IPFIX_UNIT_MESSAGES,
	MR_IPFIX_UNIT_HOPS,
	MR_IPFIX_UNIT_ENTRIES,
	MR_IPFIX_UNIT_FRAMES,
	MR_IPFIX_UNIT_PORTS,
	MR_IPFIX_UNIT_INFERRED,
	MR_IPFIX_UNIT_MAX
};

struct mr_ipfix_ie {
	const char *name; /* NULL: no such element */
	uint8_t type;	  /* enum mr_ipfix_type */
	uint8_t semantics;
	uint8_t units;
};

/** The IANA elements by id; a hole has no name. */
extern const struct mr_ipfix_ie mr_ipfix_ie_iana[MR_IPFIX_IANA_MAX + 1];

/** The element, or NULL when it is unknown. For a reverse element: its forward twin. */
const struct mr_ipfix_ie *mr_ipfix_ie_find(uint32_t pen, uint16_t id);

/** "octetDeltaCount", "reverseOctetDeltaCount"; an unknown element is "e<PEN>id<ID>". Returns @p buf. */
char *mr_ipfix_ie_name(uint32_t pen, uint16_t id, char buf[MR_IPFIX_NAME_MAX]);

#ifdef __cplusplus
}
#endif
