/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_flow_json_detail.h"

#include <arpa/inet.h>
#include <string.h>

#include "ipfix/mr_ipfix_detail.h"
#include "ipfix/mr_ipfix_value.h"

/* `,"name":` */
static void key_put(struct mr_wbuf *w, const char *name)
{
	mr_wbuf_put_bytes(w, ",\"", 2);
	mr_ipfix_json_raw(w, name);
	mr_wbuf_put_bytes(w, "\":", 2);
}

static void text_put(struct mr_wbuf *w, const char *text)
{
	mr_ipfix_json_string(w, text, strlen(text));
}

/* ---- elements with a key of their own ---- */

static bool left_out(unsigned json, uint64_t number)
{
	return json == MR_IPFIX_J_OTHER || (json == MR_IPFIX_J_NOT_0 && number == 0) ||
	       (json == MR_IPFIX_J_NOT_255 && number == 255);
}

static void element_put(struct mr_wbuf *w, const struct mr_flow_detail *d, enum mr_ipfix_detail detail,
			unsigned dir)
{
	const struct mr_ipfix_detail_info *info = &mr_ipfix_detail_info[detail];
	const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(info->pen, info->element);
	uint64_t number = mr_ipfix_detail_number(d, detail, dir);
	uint8_t octets[8];

	if (left_out(info->json, number))
		return;
	key_put(w, ie->name);
	if (detail == MR_IPFIX_D_STATE) {
		text_put(w, mr_flow_tcp_state_name((enum mr_flow_tcp_state)number));
	} else if (detail == MR_IPFIX_D_OUTCOME) {
		text_put(w, mr_ipfix_outcome_name((unsigned)number));
	} else {
		mr_put_u64(octets, number);
		mr_ipfix_value_json(w, ie, octets + 8 - info->octets, info->octets);
	}
}

static void block_put(struct mr_wbuf *w, const struct mr_flow_detail *d, enum mr_ipfix_block block,
		      unsigned dir)
{
	for (unsigned i = 0; i < MR_IPFIX_D_MAX; i++)
		if (mr_ipfix_detail_info[i].block == block)
			element_put(w, d, (enum mr_ipfix_detail)i, dir);
}

/* ---- tunnels ---- */

static void end_put(struct mr_wbuf *w, const char *name, const struct mr_tunnel_level *level,
		    const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	if (addr == NULL)
		return;
	key_put(w, name);
	text_put(w, inet_ntop(level->family == 6 ? AF_INET6 : AF_INET, addr, text, sizeof(text)));
}

static void level_put(struct mr_wbuf *w, const struct mr_flow_detail *d, unsigned i, unsigned dir)
{
	const struct mr_tunnel_level *level = &d->tunnel.level[i];
	struct mr_ipfix_tunnel_ends ends = mr_ipfix_tunnel_ends(level, dir);
	uint32_t back_id = mr_ipfix_tunnel_id(d, i, dir, true);

	mr_ipfix_json_raw(w, i == 0 ? "{\"kind\":" : ",{\"kind\":");
	text_put(w, mr_tunnel_name((enum mr_tunnel_kind)level->kind));
	if (level->has_id) {
		key_put(w, "id");
		mr_ipfix_json_u64(w, mr_ipfix_tunnel_id(d, i, dir, false));
	}
	if (level->has_id && back_id != 0) {
		key_put(w, "reverse_id");
		mr_ipfix_json_u64(w, back_id);
	}
	end_put(w, "src", level, ends.addr[0]);
	end_put(w, "dst", level, ends.addr[1]);
	mr_wbuf_put_u8(w, '}');
}

static void tunnel_put(struct mr_wbuf *w, const struct mr_flow_detail *d, unsigned dir)
{
	if (d->tunnel.levels != 0) {
		key_put(w, "tunnel");
		mr_wbuf_put_u8(w, '[');
		for (unsigned i = 0; i < d->tunnel.levels; i++)
			level_put(w, d, i, dir);
		mr_wbuf_put_u8(w, ']');
	}
	if (d->tunnel.labels != 0) {
		key_put(w, "mpls");
		for (unsigned i = 0; i < d->tunnel.labels; i++) {
			mr_wbuf_put_u8(w, i == 0 ? '[' : ',');
			mr_ipfix_json_u64(w, d->tunnel.label[i] >> 4 &
						     0xfffff); /* without class and bottom bit */
		}
		mr_wbuf_put_u8(w, ']');
	}
}

/* ---- what the parser found ---- */

static void value_put(struct mr_wbuf *w, const struct mr_l7_value *v)
{
	static const struct mr_ipfix_ie octets = { .name = "octets", .type = MR_IPFIX_T_OCTETS };
	unsigned type = mr_l7_field_info[v->field].type;

	if (type == MR_L7_NUMBER)
		mr_ipfix_json_u64(w, v->number);
	else if (type == MR_L7_TEXT)
		mr_ipfix_json_string(w, (const char *)v->data, v->len);
	else
		mr_ipfix_value_json(w, &octets, v->data, v->len);
}

/* All values of a field in their order, or the one that there is. */
static void field_put(struct mr_wbuf *w, const struct mr_flow_detail *d, unsigned field)
{
	bool many = (mr_l7_field_info[field].bits & MR_L7_MANY) != 0;
	struct mr_l7_reader r;
	struct mr_l7_value v;
	unsigned n = 0;

	key_put(w, mr_l7_field_info[field].name);
	mr_l7_reader_init(&r, d->chunks, d->values);
	while ((many || n == 0) && mr_l7_reader_next(&r, &v)) {
		if (v.field != field)
			continue;
		if (many)
			mr_wbuf_put_u8(w, n == 0 ? '[' : ',');
		value_put(w, &v);
		n++;
	}
	if (many)
		mr_wbuf_put_u8(w, ']');
}

static void values_put(struct mr_wbuf *w, const struct mr_flow_detail *d)
{
	struct mr_l7_set has = { { 0 } };
	struct mr_l7_reader r;
	struct mr_l7_value v;

	if (d->values == 0)
		return;
	mr_l7_reader_init(&r, d->chunks, d->values);
	while (mr_l7_reader_next(&r, &v))
		mr_l7_set_add(&has, v.field);
	for (unsigned f = 0; f < MR_L7_FIELD_MAX; f++)
		if ((has.word[f / 64] >> f % 64 & 1) != 0 && (mr_l7_field_info[f].bits & MR_L7_HIDDEN) == 0)
			field_put(w, d, f);
}

void mr_flow_json_detail_put(struct mr_wbuf *w, const struct mr_flow_detail *d, bool tcp, unsigned dir)
{
	if (d->has_tcp)
		block_put(w, d, MR_IPFIX_B_TCP, dir);
	else if (!tcp)
		block_put(w, d, MR_IPFIX_B_OTHER, dir);
	tunnel_put(w, d, dir);
	block_put(w, d, MR_IPFIX_B_APPLICATION, dir);
	if (d->application != NULL) {
		key_put(w, "applicationName");
		text_put(w, d->application);
	}
	if (d->application_guessed)
		mr_ipfix_json_raw(w, ",\"applicationGuessed\":true");
	if (d->values_cut)
		mr_ipfix_json_raw(w, ",\"valuesCut\":true");
	values_put(w, d);
}
