/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mr_buf.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Reader of BER (X.690): one element after another, definite lengths, tags of one or two octets. What is
 * inside an element is read by another reader over its content.
 */

enum {
	MR_BER_BOOLEAN = 0x01,
	MR_BER_INTEGER = 0x02,
	MR_BER_OCTETS = 0x04,
	MR_BER_OID = 0x06,
	MR_BER_SEQUENCE = 0x30,
};

/** The next element; false (and r->underflow) when it is cut or has a form that isn't read. */
static inline bool mr_ber_next(struct mr_rbuf *r, unsigned *ret_tag, struct mr_rbuf *ret_content)
{
	unsigned tag = mr_rbuf_get_u8(r);
	size_t len;
	const uint8_t *content;

	if ((tag & 0x1f) == 0x1f)
		tag = tag << 8 | mr_rbuf_get_u8(r);
	len = mr_rbuf_get_u8(r);
	if (len > 0x80 && len <= 0x84) {
		unsigned octets = len & 0x7f;

		for (len = 0; octets > 0; octets--)
			len = len << 8 | mr_rbuf_get_u8(r);
	} else if (len >= 0x80) {
		r->underflow = true; /* indefinite, or too long for anything that is read here */
	}
	content = mr_rbuf_take(r, len);
	if (content == NULL)
		return false;
	*ret_tag = tag;
	mr_rbuf_init(ret_content, content, len);
	return true;
}

/** The next element's content if it has this tag, else false (and r->underflow). */
static inline bool mr_ber_get(struct mr_rbuf *r, unsigned tag, struct mr_rbuf *ret_content)
{
	unsigned got;

	if (mr_ber_next(r, &got, ret_content) && got == tag)
		return true;
	r->underflow = true;
	return false;
}

/** An integer of up to four octets that isn't negative, else false (and r->underflow). */
static inline bool mr_ber_get_number(struct mr_rbuf *r, uint32_t *ret)
{
	struct mr_rbuf content;
	uint32_t number = 0;

	if (!mr_ber_get(r, MR_BER_INTEGER, &content) || content.len == 0 || content.len > 4 ||
	    content.data[0] >= 0x80) {
		r->underflow = true;
		return false;
	}
	while (mr_rbuf_left(&content) > 0)
		number = number << 8 | mr_rbuf_get_u8(&content);
	*ret = number;
	return true;
}

#ifdef __cplusplus
}
#endif
