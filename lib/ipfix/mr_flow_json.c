/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record is encoded as profile full would do it, and the values are printed from there: what JSON says
 * and what IPFIX says can't differ. What only some records have is in mr_flow_json_detail.c.
 */
#include "ipfix/mr_flow_json.h"

#include <netinet/in.h>
#include <stdbool.h>

#include "flow/mr_community_id.h"
#include "ipfix/mr_flow_json_detail.h"
#include "ipfix/mr_ipfix_ie.h"
#include "ipfix/mr_ipfix_value.h"

#define RECORD_MAX 512 /* octets of the longest layout; a test compares */

static void keys_make(struct mr_flow_json *json, unsigned layout)
{
	for (unsigned i = 0; i < json->layout[layout].n; i++) {
		const struct mr_ipfix_field *f = &json->layout[layout].field[i];
		struct mr_wbuf w;

		mr_wbuf_init(&w, json->key[layout][i], MR_FLOW_JSON_KEY_MAX);
		mr_ipfix_json_key(&w, f->pen, f->id, 1, mr_ipfix_ie_find(f->pen, f->id));
		json->key_len[layout][i] = (uint8_t)w.len;
	}
}

void mr_flow_json_init(struct mr_flow_json *json, uint64_t observation_point)
{
	unsigned n = mr_ipfix_layouts_make(MR_IPFIX_FULL, 0, json->layout);

	json->observation_point = observation_point;
	for (unsigned i = 0; i < n; i++)
		keys_make(json, i);
}

static bool is_zero(const uint8_t *data, uint16_t len)
{
	for (unsigned i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

static bool left_out(unsigned flags, const struct mr_flow_rec *rec, const uint8_t *data, uint16_t len)
{
	return (flags & MR_IPFIX_F_NOT_JSON) != 0 ||
	       ((flags & MR_IPFIX_F_TCP) != 0 && rec->proto != IPPROTO_TCP) ||
	       ((flags & MR_IPFIX_F_NONZERO) != 0 && is_zero(data, len));
}

static void community_id_put(const struct mr_flow_rec *rec, struct mr_wbuf *w)
{
	static const char key[] = ",\"community_id\":";
	char id[MR_COMMUNITY_ID_OCTETS];

	mr_community_id(rec, id);
	mr_wbuf_put_bytes(w, key, sizeof(key) - 1);
	mr_ipfix_json_string(w, id, sizeof(id));
}

void mr_flow_json_put(const struct mr_flow_json *json, const struct mr_flow_rec *rec, struct mr_wbuf *w)
{
	uint8_t wire[RECORD_MAX], *p = wire;
	const struct mr_ipfix_layout *l;
	struct mr_ipfix_part part[2];
	char before = '{';
	unsigned n;

	mr_ipfix_split(MR_IPFIX_FULL, rec, part);
	n = part[0].layout;
	l = &json->layout[n];
	mr_ipfix_encode(l, part[0].dir, rec, json->observation_point, wire);
	for (unsigned i = 0; i < l->n; p += l->field[i++].len) {
		const struct mr_ipfix_field *f = &l->field[i];

		if (left_out(l->flags[i], rec, p, f->len))
			continue;
		mr_wbuf_put_u8(w, (uint8_t)before);
		mr_wbuf_put_bytes(w, json->key[n][i], json->key_len[n][i]);
		mr_ipfix_value_json(w, mr_ipfix_ie_find(f->pen, f->id), p, f->len);
		before = ',';
	}
	community_id_put(rec, w);
	if (rec->detail != NULL)
		mr_flow_json_detail_put(w, rec->detail, rec->proto == IPPROTO_TCP, part[0].dir);
	mr_wbuf_put_u8(w, '}');
}
