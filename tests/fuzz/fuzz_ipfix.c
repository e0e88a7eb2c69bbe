/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The IPFIX decoder on a stream of messages. Each message is in a block of exactly its size, so that a
 * sanitizer sees the first octet too many. What comes out must add up, and the JSON of every record must be
 * JSON.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipfix/mr_ipfix_decode.h"
#include "ipfix/mr_ipfix_value.h"

#define JSON_ROOM (1 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const uint8_t *message;
	size_t len;
	uint64_t records, templates, withdrawals, gaps;
	uint8_t json[JSON_ROOM];
};

static void require(int condition)
{
	if (!condition)
		abort();
}

static void on_record(void *ctx, const struct mr_ipfix_data *data)
{
	struct seen *s = ctx;
	struct mr_wbuf w;
	json_t *json;

	s->records++;
	for (unsigned i = 0; i < data->template_->n; i++) {
		const struct mr_ipfix_value *v = &data->values[i];
		uint64_t u, ns;
		int64_t n;
		double f;

		require(v->data >= s->message && v->data + v->len <= s->message + s->len);
		for (int type = 0; type < MR_IPFIX_T_MAX; type++) {
			int kinds = mr_ipfix_value_u64((enum mr_ipfix_type)type, v->data, v->len, &u) +
				    mr_ipfix_value_s64((enum mr_ipfix_type)type, v->data, v->len, &n) +
				    mr_ipfix_value_f64((enum mr_ipfix_type)type, v->data, v->len, &f) +
				    mr_ipfix_value_time_ns((enum mr_ipfix_type)type, v->data, v->len, &ns);
			require(kinds <= 1);
		}
	}
	mr_wbuf_init(&w, s->json, sizeof(s->json));
	mr_ipfix_data_json(&w, data);
	require(!w.overflow);
	/* integers as reals: jansson has none of 64 bits without sign */
	json = json_loadb((const char *)w.data, w.len,
			  JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL, NULL);
	require(json != NULL && json_object_size(json) == data->template_->n);
	json_decref(json);
}

static void on_template(void *ctx, const struct mr_ipfix_template *t, bool withdrawn)
{
	struct seen *s = ctx;

	require(t->id >= 256 && t->n > 0 && t->scopes <= t->n && t->min_len >= t->n);
	if (withdrawn)
		s->withdrawals++;
	else
		s->templates++;
}

static void on_gap(void *ctx, uint32_t odid, uint32_t expected, uint32_t got)
{
	struct seen *s = ctx;

	require(expected != got);
	s->gaps++;
}

static void message_decode(struct mr_ipfix_decoder *d, struct seen *s, const uint8_t *data, size_t len)
{
	uint8_t *exact = malloc(len == 0 ? 1 : len);
	struct mr_err err = { "" };
	int rc;

	require(exact != NULL);
	if (len != 0)
		memcpy(exact, data, len);
	s->message = exact;
	s->len = len;
	rc = mr_ipfix_decode_message(d, exact, len, &err);
	require((rc == 0) == (err.msg[0] == '\0'));
	free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mr_ipfix_decoder_ops ops = { on_record, on_template, on_gap };
	static struct seen seen;
	struct mr_ipfix_decoder *d = mr_ipfix_decoder_new(&ops, &seen);
	struct mr_ipfix_decoder_stats stats;
	uint64_t messages = 0;
	size_t off = 0;

	require(d != NULL);
	seen.records = seen.templates = seen.withdrawals = seen.gaps = 0;
	while (off < size) {
		int n = mr_ipfix_message_len(data + off, size - off, NULL);
		size_t len = n <= 0 || (size_t)n > size - off ? size - off : (size_t)n;

		message_decode(d, &seen, data + off, len);
		messages++;
		off += len;
	}
	mr_ipfix_decoder_stats(d, &stats);
	require(stats.messages == messages && stats.octets == size && stats.records == seen.records &&
		stats.templates == seen.templates && stats.withdrawals == seen.withdrawals &&
		stats.gaps == seen.gaps && stats.faults <= messages);
	mr_ipfix_decoder_free(d);
	return 0;
}
