/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "base/mr_err.h"
#include "ipfix/mr_ipfix_ie.h"
#include "ipfix/mr_ipfix_layout.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The collecting side: IPFIX messages in, records out. One decoder is one transport session (a TCP
 * connection, a UDP peer, a file); it keeps that session's templates and sequence numbers. It reads nothing
 * past its buffer, works in time linear in the octets it is given, and refuses templates beyond the limits
 * below. Thread: one.
 */

#define MR_IPFIX_DECODE_TEMPLATES_MAX 4096
#define MR_IPFIX_DECODE_FIELDS_MAX    1024   /* of one template */
#define MR_IPFIX_DECODE_FIELDS_TOTAL  262144 /* of all templates together */
#define MR_IPFIX_DECODE_DOMAINS_MAX   1024   /* observation domains */

struct mr_ipfix_template_field {
	struct mr_ipfix_field spec;
	const struct mr_ipfix_ie *ie; /* NULL: unknown. A reverse element: its forward twin */
	uint16_t nth; /* 1 for the first field of this element in the template, 2 for the second, ... */
};

struct mr_ipfix_template {
	struct mr_ipfix_template *next; /* of the decoder */
	uint32_t odid;
	uint16_t id;
	uint16_t scopes; /* the first fields are scope; 0: a data template */
	uint16_t n;
	uint32_t min_len; /* octets of the shortest record, at least n */
	struct mr_ipfix_template_field field[];
};

struct mr_ipfix_value {
	const uint8_t *data; /* in the message */
	uint16_t len;
};

struct mr_ipfix_data {
	uint32_t odid;
	uint32_t export_time_s;
	const struct mr_ipfix_template *template_;
	const struct mr_ipfix_value *values; /* one a field */
};

/** What the decoder found; all borrowed until the callback returns. NULL: not of interest. */
struct mr_ipfix_decoder_ops {
	void (*record)(void *ctx, const struct mr_ipfix_data *data);
	/** A template was defined, or is about to be withdrawn. */
	void (*template_)(void *ctx, const struct mr_ipfix_template *t, bool withdrawn);
	/** The message's sequence number isn't what the records before it add up to. */
	void (*gap)(void *ctx, uint32_t odid, uint32_t expected, uint32_t got);
};

struct mr_ipfix_decoder_stats {
	uint64_t messages; /* whole, faulty ones included */
	uint64_t octets;
	uint64_t records; /* data records, those of options included */
	uint64_t options_records;
	uint64_t templates; /* defined, also again */
	uint64_t withdrawals;
	uint64_t skipped_sets; /* no template for them, or a reserved set id */
	uint64_t gaps;
	uint64_t missing_records; /* by the gaps that go forward */
	uint64_t faults;	  /* messages with an error */
};

struct mr_ipfix_decoder;

/** NULL with errno ENOMEM. */
struct mr_ipfix_decoder *mr_ipfix_decoder_new(const struct mr_ipfix_decoder_ops *ops, void *ctx);
void mr_ipfix_decoder_free(struct mr_ipfix_decoder *d);

/**
 * The length of the message that begins at @p data: 0 when @p len octets are too few to say, -EBADMSG when
 * this is no IPFIX message.
 */
int mr_ipfix_message_len(const uint8_t *data, size_t len, struct mr_err *err);

/**
 * One whole message. Records before an error have been reported; what follows it in the message is skipped.
 * Errors: -EBADMSG with "offset N: reason", -ENOMEM.
 */
int mr_ipfix_decode_message(struct mr_ipfix_decoder *d, const uint8_t *data, size_t len, struct mr_err *err);

void mr_ipfix_decoder_stats(const struct mr_ipfix_decoder *d, struct mr_ipfix_decoder_stats *ret);

/** The value of the @p nth field of an element, or NULL when the record has none. */
const struct mr_ipfix_value *mr_ipfix_data_find(const struct mr_ipfix_data *data, uint32_t pen, uint16_t id,
						unsigned nth);

/** Append the record as one JSON object; a second field of the same element gets the key "name_2". */
void mr_ipfix_data_json(struct mr_wbuf *w, const struct mr_ipfix_data *data);

#ifdef __cplusplus
}
#endif
