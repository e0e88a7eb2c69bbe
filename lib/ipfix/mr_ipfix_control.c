/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_control.h"

#include <string.h>

#include "base/mr_clock.h"
#include "ipfix/mr_ipfix_encode.h"
#include "ipfix/mr_ipfix_ie.h"
#include "l7/mr_l7.h"

/* clang-format off */
const struct mr_ipfix_option mr_ipfix_options[MR_IPFIX_O_MAX] = {
	[MR_IPFIX_O_SAMPLING] = { 0, 1, 2, { { 0, 149, 4 }, { 0, 34, 4 } } },
	[MR_IPFIX_O_METERING] = { 1, 1, 4, { { 0, 149, 4 }, { 0, 41, 8 }, { 0, 42, 8 }, { 0, 40, 8 } } },
	[MR_IPFIX_O_METERING_RELIABILITY] = { 2, 1, 5,
		{ { 0, 149, 4 }, { 0, 164, 8 }, { 0, 165, 8 }, { 0, 323, 8 }, { 0, 323, 8 } } },
	[MR_IPFIX_O_EXPORTING_RELIABILITY] = { 3, 1, 6,
		{ { 0, 144, 4 }, { 0, 166, 8 }, { 0, 167, 8 }, { 0, 168, 8 }, { 0, 323, 8 }, { 0, 323, 8 } } },
	[MR_IPFIX_O_FLOW_KEYS] = { 4, 1, 2, { { 0, 145, 2 }, { 0, 173, 8 } } },
	[MR_IPFIX_O_IE_TYPES] = { 5, 2, 6,
		{ { 0, 346, 4 }, { 0, 303, 2 }, { 0, 339, 1 }, { 0, 344, 1 }, { 0, 345, 2 },
		  { 0, 341, MR_IPFIX_VARLEN } } },
	[MR_IPFIX_O_APPLICATIONS] = { 7, 1, 3,
		{ { 0, 95, 4 }, { 0, 96, MR_IPFIX_APPLICATION_NAME_LEN },
		  { 0, 94, MR_IPFIX_APPLICATION_TEXT_LEN } } },
	[MR_IPFIX_O_INTERFACES] = { 8, 1, 2, { { 0, 10, 4 }, { 0, 82, MR_IPFIX_INTERFACE_NAME_LEN } } },
};
/* clang-format on */

void mr_ipfix_header_put(uint8_t *msg, size_t len, uint64_t now_ns, uint32_t sequence, uint32_t odid)
{
	mr_put_u16(msg, MR_IPFIX_VERSION);
	mr_put_u16(msg + 2, (uint16_t)len);
	mr_put_u32(msg + 4, (uint32_t)(now_ns / MR_NS_PER_S));
	mr_put_u32(msg + 8, sequence);
	mr_put_u32(msg + 12, odid);
}

size_t mr_ipfix_set_end(uint8_t *msg, size_t set_off, size_t len)
{
	while (len % 4 != 0)
		msg[len++] = 0;
	mr_put_u16(msg + set_off + 2, (uint16_t)(len - set_off));
	return len;
}

static void message_start(struct mr_ipfix_control *c)
{
	c->w.len = MR_IPFIX_HEADER_LEN;
	c->set_off = 0;
	c->records = 0;
}

void mr_ipfix_control_init(struct mr_ipfix_control *c, uint8_t *buf, size_t cap, mr_ipfix_emit_fn *emit,
			   void *ctx)
{
	*c = (struct mr_ipfix_control){ .emit = emit, .ctx = ctx };
	mr_wbuf_init(&c->w, buf, cap);
	message_start(c);
}

static void set_end(struct mr_ipfix_control *c)
{
	if (c->set_off != 0)
		c->w.len = mr_ipfix_set_end(c->w.data, c->set_off, c->w.len);
	c->set_off = 0;
}

bool mr_ipfix_control_end(struct mr_ipfix_control *c)
{
	set_end(c);
	if (c->w.len > MR_IPFIX_HEADER_LEN && !c->failed)
		c->failed = !c->emit(c->ctx, c->w.data, c->w.len, c->records);
	message_start(c);
	return !c->failed;
}

/* Have a set @p id open with room for @p n octets, in a new message when this one is full. */
static void set_room(struct mr_ipfix_control *c, uint16_t id, size_t n)
{
	size_t padded = (c->w.len + 3) / 4 * 4;

	if (c->set_off != 0 && c->set_id == id && c->w.len + n <= c->w.cap)
		return;
	if (padded + MR_IPFIX_SET_HEADER_LEN + n > c->w.cap)
		mr_ipfix_control_end(c);
	set_end(c);
	c->set_id = id;
	c->set_off = c->w.len;
	mr_wbuf_put_u16(&c->w, id);
	mr_wbuf_put_u16(&c->w, 0);
}

static void field_put(struct mr_wbuf *w, const struct mr_ipfix_field *f)
{
	mr_wbuf_put_u16(w, (uint16_t)(f->id | (f->pen != 0 ? 0x8000 : 0)));
	mr_wbuf_put_u16(w, f->len);
	if (f->pen != 0)
		mr_wbuf_put_u32(w, f->pen);
}

static uint16_t slot_id(const struct mr_ipfix_description *d, unsigned slot)
{
	return mr_ipfix_slot_id(d->layouts, d->generation, slot);
}

static void fields_put(struct mr_wbuf *w, const struct mr_ipfix_field *field, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		field_put(w, &field[i]);
}

static void template_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d, unsigned slot)
{
	const struct mr_ipfix_layout *l = &d->layouts[slot % MR_IPFIX_LAYOUTS_MAX];
	const struct mr_ipfix_tail *t = mr_ipfix_slot_tail(d->tails, slot);

	set_room(c, MR_IPFIX_SET_TEMPLATES, mr_ipfix_template_len(l, t));
	mr_wbuf_put_u16(&c->w, slot_id(d, slot));
	mr_wbuf_put_u16(&c->w, (uint16_t)(l->n + (t == NULL ? 0 : t->n)));
	fields_put(&c->w, l->field, l->n);
	if (t != NULL)
		fields_put(&c->w, t->field, t->n);
}

static uint16_t option_set(const struct mr_ipfix_description *d, enum mr_ipfix_option_id id)
{
	return (uint16_t)(mr_ipfix_id_base(d->generation) + MR_IPFIX_ID_OPTIONS +
			  mr_ipfix_options[id].offset);
}

static void option_template_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d,
				enum mr_ipfix_option_id id)
{
	const struct mr_ipfix_option *o = &mr_ipfix_options[id];

	set_end(c);
	set_room(c, MR_IPFIX_SET_OPTIONS, 6 + 4u * o->n);
	mr_wbuf_put_u16(&c->w, option_set(d, id));
	mr_wbuf_put_u16(&c->w, o->n);
	mr_wbuf_put_u16(&c->w, o->scopes);
	for (unsigned i = 0; i < o->n; i++)
		field_put(&c->w, &o->field[i]);
}

/* Call @p put for the templates with a tail that are in use. */
static void slots_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d, bool only_new,
		      void (*put)(struct mr_ipfix_control *, const struct mr_ipfix_description *,
				  unsigned slot))
{
	for (unsigned i = MR_IPFIX_LAYOUTS_MAX; d->tails != NULL && i < MR_IPFIX_SLOTS; i++)
		if (only_new ? d->use[i] == MR_IPFIX_NEW : d->use[i] != MR_IPFIX_UNUSED)
			put(c, d, i);
}

void mr_ipfix_control_templates(struct mr_ipfix_control *c, const struct mr_ipfix_description *d)
{
	for (unsigned i = 0; i < d->n_layouts; i++)
		template_put(c, d, i);
	slots_put(c, d, false, template_put);
	option_template_put(c, d, MR_IPFIX_O_SAMPLING);
	option_template_put(c, d, MR_IPFIX_O_METERING);
	option_template_put(c, d, MR_IPFIX_O_METERING_RELIABILITY);
	option_template_put(c, d, MR_IPFIX_O_EXPORTING_RELIABILITY);
	if (!d->full)
		return;
	option_template_put(c, d, MR_IPFIX_O_FLOW_KEYS);
	option_template_put(c, d, MR_IPFIX_O_IE_TYPES);
	option_template_put(c, d, MR_IPFIX_O_APPLICATIONS);
	option_template_put(c, d, MR_IPFIX_O_INTERFACES);
}

void mr_ipfix_control_news(struct mr_ipfix_control *c, const struct mr_ipfix_description *d)
{
	slots_put(c, d, true, template_put);
}

/* Room for one options data record of at most @p len octets. */
static struct mr_wbuf *record_room(struct mr_ipfix_control *c, const struct mr_ipfix_description *d,
				   enum mr_ipfix_option_id id, size_t len)
{
	set_room(c, option_set(d, id), len);
	c->records++;
	return &c->w;
}

static void flow_keys_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d, unsigned slot)
{
	struct mr_wbuf *w = record_room(c, d, MR_IPFIX_O_FLOW_KEYS, 10);

	mr_wbuf_put_u16(w, slot_id(d, slot));
	mr_wbuf_put_u64(w, d->layouts[slot % MR_IPFIX_LAYOUTS_MAX].keys);
}

/* Text in a field of fixed length, behind it zeros. */
static void padded_put(struct mr_wbuf *w, const char *text, size_t len)
{
	uint8_t *p = mr_wbuf_reserve(w, len);
	size_t n = strnlen(text, len);

	if (p == NULL)
		return;
	memcpy(p, text, n);
	memset(p + n, 0, len - n);
}

static void interface_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d, unsigned i)
{
	struct mr_wbuf *w = record_room(c, d, MR_IPFIX_O_INTERFACES, 4 + MR_IPFIX_INTERFACE_NAME_LEN);

	mr_wbuf_put_u32(w, i + 1); /* 0 is "unknown" to collectors */
	padded_put(w, d->interfaces[i], MR_IPFIX_INTERFACE_NAME_LEN);
}

static void application_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d,
			    const struct mr_l7_ops *ops)
{
	struct mr_wbuf *w = record_room(c, d, MR_IPFIX_O_APPLICATIONS,
					4 + MR_IPFIX_APPLICATION_NAME_LEN + MR_IPFIX_APPLICATION_TEXT_LEN);

	mr_wbuf_put_u32(w, MR_IPFIX_APPLICATION_ENGINE << 24 | ops->selector);
	padded_put(w, ops->name, MR_IPFIX_APPLICATION_NAME_LEN);
	padded_put(w, ops->description, MR_IPFIX_APPLICATION_TEXT_LEN);
}

static void ie_type_put(struct mr_ipfix_control *c, const struct mr_ipfix_description *d, uint16_t id)
{
	const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(MR_PEN, id);
	size_t len = ie == NULL ? 0 : strlen(ie->name);
	struct mr_wbuf *w;

	if (ie == NULL)
		return;
	w = record_room(c, d, MR_IPFIX_O_IE_TYPES, 4 + 2 + 1 + 1 + 2 + 3 + len);
	mr_wbuf_put_u32(w, MR_PEN);
	mr_wbuf_put_u16(w, id);
	mr_wbuf_put_u8(w, ie->type);
	mr_wbuf_put_u8(w, ie->semantics);
	mr_wbuf_put_u16(w, ie->units);
	mr_ipfix_put_varlen(w, ie->name, (uint16_t)len);
}

void mr_ipfix_control_constants(struct mr_ipfix_control *c, const struct mr_ipfix_description *d)
{
	struct mr_wbuf *w = record_room(c, d, MR_IPFIX_O_SAMPLING, 8);

	mr_wbuf_put_u32(w, d->odid);
	mr_wbuf_put_u32(w, 1); /* every packet */
	if (!d->full)
		return;
	for (unsigned i = 0; i < d->n_layouts; i++)
		flow_keys_put(c, d, i);
	slots_put(c, d, false, flow_keys_put);
	for (unsigned i = 0; i < d->n_interfaces; i++)
		interface_put(c, d, i);
	for (unsigned id = 0; id <= MR_IPFIX_PRIVATE_MAX; id++)
		ie_type_put(c, d, (uint16_t)id);
	for (unsigned i = 0; mr_l7_all[i] != NULL; i++)
		application_put(c, d, mr_l7_all[i]);
}

void mr_ipfix_control_news_keys(struct mr_ipfix_control *c, const struct mr_ipfix_description *d)
{
	slots_put(c, d, true, flow_keys_put);
}

void mr_ipfix_control_statistics(struct mr_ipfix_control *c, const struct mr_ipfix_description *d,
				 const struct mr_ipfix_statistics *s)
{
	struct mr_wbuf *w = record_room(c, d, MR_IPFIX_O_METERING, 28);

	mr_wbuf_put_u32(w, d->odid);
	mr_wbuf_put_u64(w, s->messages);
	mr_wbuf_put_u64(w, s->records);
	mr_wbuf_put_u64(w, s->octets);
	w = record_room(c, d, MR_IPFIX_O_METERING_RELIABILITY, 36);
	mr_wbuf_put_u32(w, d->odid);
	mr_wbuf_put_u64(w, s->ignored_packets);
	mr_wbuf_put_u64(w, s->ignored_octets);
	mr_wbuf_put_u64(w, s->ignored_first_ns / MR_NS_PER_MS);
	mr_wbuf_put_u64(w, s->ignored_last_ns / MR_NS_PER_MS);
	w = record_room(c, d, MR_IPFIX_O_EXPORTING_RELIABILITY, 44);
	mr_wbuf_put_u32(w, d->odid); /* exportingProcessId: each exporter has a domain of its own */
	mr_wbuf_put_u64(w, s->not_sent_flows);
	mr_wbuf_put_u64(w, s->not_sent_packets);
	mr_wbuf_put_u64(w, s->not_sent_octets);
	mr_wbuf_put_u64(w, s->not_sent_first_ns / MR_NS_PER_MS);
	mr_wbuf_put_u64(w, s->not_sent_last_ns / MR_NS_PER_MS);
}
