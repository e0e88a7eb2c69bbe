/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mr_buf.h"

/** Integer of variable length, RFC 9000 section 16; 0 and underflow when it isn't whole. */
static inline uint64_t mr_l7_quic_varint(struct mr_rbuf *r)
{
	uint64_t v = mr_rbuf_get_u8(r);
	unsigned int more = (1u << (v >> 6)) - 1;

	for (v &= 0x3f; more != 0; more--)
		v = v << 8 | mr_rbuf_get_u8(r);
	return v;
}
