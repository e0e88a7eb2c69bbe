/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "base/mr_clock.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * How single values are written (RFC 7011 sections 6.1, 6.2 and 7).
 */

/** Ways to write a member of struct mr_flow_rec. */
enum mr_ipfix_op {
	MR_IPFIX_OP_U8,
	MR_IPFIX_OP_U16,
	MR_IPFIX_OP_U64,
	MR_IPFIX_OP_COPY4,
	MR_IPFIX_OP_COPY6,
	MR_IPFIX_OP_COPY16,
	MR_IPFIX_OP_U8_TO_U32,
	MR_IPFIX_OP_U32_TO_U64,
	MR_IPFIX_OP_MS,	       /* ns UTC as dateTimeMilliseconds */
	MR_IPFIX_OP_NTP,       /* ns UTC as dateTimeNanoseconds */
	MR_IPFIX_OP_VLAN,      /* 0xfff (none) as 0 */
	MR_IPFIX_OP_MPLS,      /* label, traffic class, bottom bit: the low 3 octets */
	MR_IPFIX_OP_ICMP,      /* type and code; of the expected answer for the reverse direction */
	MR_IPFIX_OP_FORWARD16, /* known for the forward direction only; 0 in a record of the reverse one */
	MR_IPFIX_OP_DIRECTION, /* biflowDirection: initiator (1) becomes reverseInitiator (2) */
	MR_IPFIX_OP_POINT,     /* observationPointId, not in the record */
};

#define MR_IPFIX_NTP_UNIX_S 2208988800u /* 1970 in seconds since 1900 */

/**
 * UTC ns to NTP format. The fraction is rounded up, so that a reader who cuts off gets the same nanosecond.
 * Seconds are modulo 2^32: the era changes in 2036 (RFC 7011 section 6.1.10).
 */
static inline uint64_t mr_ipfix_ntp(uint64_t utc_ns)
{
	uint64_t s = utc_ns / MR_NS_PER_S, ns = utc_ns % MR_NS_PER_S;

	return (s + MR_IPFIX_NTP_UNIX_S) << 32 | ((ns << 32) + MR_NS_PER_S - 1) / MR_NS_PER_S;
}

/** NTP format to UTC ns. Seconds that would be before 1970 belong to the era that begins in 2036. */
static inline uint64_t mr_ipfix_ntp_to_ns(uint64_t ntp)
{
	uint64_t s = ntp >> 32;

	if (s < MR_IPFIX_NTP_UNIX_S)
		s += 1ULL << 32;
	return (s - MR_IPFIX_NTP_UNIX_S) * MR_NS_PER_S + ((ntp & UINT32_MAX) * MR_NS_PER_S >> 32);
}

/** A value of variable length (RFC 7011 section 7). */
void mr_ipfix_put_varlen(struct mr_wbuf *w, const void *data, uint16_t len);

/** Type and code of the answer to an ICMP (@p family 4) or ICMPv6 (6) request, of the request to an answer.
 */
uint16_t mr_ipfix_icmp_answer(uint8_t family, uint16_t icmp);

#ifdef __cplusplus
}
#endif
