/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_tail.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

#include "ipfix/mr_ipfix_control.h"
#include "ipfix/mr_ipfix_text.h"

#define END MR_L7_FIELD_MAX

static const uint16_t *const family_fields[MR_IPFIX_F_MAX] = {
#define F(ID, ...) MR_L7_F_##ID,
#define FIELDS(...)                                                                                          \
	(const uint16_t[])                                                                                   \
	{                                                                                                    \
		__VA_ARGS__ END                                                                              \
	}
	[MR_IPFIX_F_HTTP] = FIELDS(MR_L7_FIELDS_HTTP(F) MR_L7_FIELDS_HTTP2(F)),
	[MR_IPFIX_F_DNS] = FIELDS(MR_L7_FIELDS_DNS(F)),
	[MR_IPFIX_F_TLS] = FIELDS(MR_L7_FIELDS_TLS(F)),
	[MR_IPFIX_F_QUIC] = FIELDS(MR_L7_FIELDS_QUIC(F)),
	[MR_IPFIX_F_SSH] = FIELDS(MR_L7_FIELDS_SSH(F)),
	[MR_IPFIX_F_SMTP] = FIELDS(MR_L7_FIELDS_SMTP(F)),
	[MR_IPFIX_F_FTP] = FIELDS(MR_L7_FIELDS_FTP(F)),
	[MR_IPFIX_F_SMB] = FIELDS(MR_L7_FIELDS_SMB(F)),
	[MR_IPFIX_F_RDP] = FIELDS(MR_L7_FIELDS_RDP(F)),
	[MR_IPFIX_F_DHCP] = FIELDS(MR_L7_FIELDS_DHCP(F)),
	[MR_IPFIX_F_NTP] = FIELDS(MR_L7_FIELDS_NTP(F)),
	[MR_IPFIX_F_SNMP] = FIELDS(MR_L7_FIELDS_SNMP(F)),
	[MR_IPFIX_F_SIP] = FIELDS(MR_L7_FIELDS_SIP(F)),
	[MR_IPFIX_F_MQTT] = FIELDS(MR_L7_FIELDS_MQTT(F)),
	[MR_IPFIX_F_MODBUS] = FIELDS(MR_L7_FIELDS_MODBUS(F)),
#undef FIELDS
#undef F
};

static const struct {
	const char *name;
	uint32_t families;
	enum mr_ipfix_block block; /* of the transport */
} rows[MR_IPFIX_ROW_MAX] = {
#define X(ID, transport, families_)                                                                          \
	[MR_IPFIX_ROW_##ID] = { .name = #ID, .families = (families_), .block = MR_IPFIX_B_##transport },
	MR_IPFIX_TAIL_ROWS(X)
#undef X
};

static void add(struct mr_ipfix_tail *t, unsigned source, uint32_t pen, uint16_t element, uint16_t octets)
{
	assert(t->n < MR_IPFIX_TAIL_FIELDS_MAX);
	t->source[t->n] = (uint16_t)source;
	t->field[t->n++] = (struct mr_ipfix_field){ .pen = pen, .id = element, .len = octets };
	if (octets == MR_IPFIX_VARLEN)
		return;
	t->n_fixed++;
	t->fixed_len = (uint16_t)(t->fixed_len + octets);
}

static void block_add(struct mr_ipfix_tail *t, enum mr_ipfix_block block, bool variable)
{
	for (unsigned i = 0; i < MR_IPFIX_D_MAX; i++) {
		const struct mr_ipfix_detail_info *info = &mr_ipfix_detail_info[i];

		if (info->block == block && (info->octets == MR_IPFIX_VARLEN) == variable)
			add(t, i, info->pen, info->element, info->octets);
	}
}

static void family_add(struct mr_ipfix_tail *t, enum mr_ipfix_family family, bool variable)
{
	for (const uint16_t *f = family_fields[family]; *f != END; f++) {
		const struct mr_l7_field_info *info = &mr_l7_field_info[*f];

		if ((info->bits & MR_L7_HIDDEN) != 0 || (info->type != MR_L7_NUMBER) != variable)
			continue;
		add(t, MR_IPFIX_SOURCE_L7 + *f, info->pen != 0 ? MR_PEN : 0, info->element,
		    variable ? MR_IPFIX_VARLEN : info->octets);
		t->n_l7++;
	}
}

static void tail_make(struct mr_ipfix_tail *t, unsigned row, bool tunnel)
{
	*t = (struct mr_ipfix_tail){ .name = rows[row].name };
	for (int variable = 0; variable < 2; variable++) {
		block_add(t, MR_IPFIX_B_APPLICATION, variable != 0);
		block_add(t, rows[row].block, variable != 0);
		if (tunnel)
			block_add(t, MR_IPFIX_B_TUNNEL, variable != 0);
		for (unsigned f = 0; f < MR_IPFIX_F_MAX; f++)
			if ((rows[row].families >> f & 1) != 0)
				family_add(t, (enum mr_ipfix_family)f, variable != 0);
	}
	assert(t->n_l7 <= 64); /* bits of the indicator */
}

static unsigned fields_len(const struct mr_ipfix_field *f, unsigned n)
{
	unsigned len = 0;

	for (unsigned i = 0; i < n; i++)
		len += f[i].pen != 0 ? 8 : 4;
	return len;
}

unsigned mr_ipfix_template_len(const struct mr_ipfix_layout *layout, const struct mr_ipfix_tail *tail)
{
	return 4 + fields_len(layout->field, layout->n) +
	       (tail == NULL ? 0 : fields_len(tail->field, tail->n));
}

/* Do the template and a record with empty values fit, whatever the layout? */
static bool fits(const struct mr_ipfix_tail *t, const struct mr_ipfix_layout *layouts, uint32_t msg_max)
{
	uint32_t room = msg_max - MR_IPFIX_HEADER_LEN - MR_IPFIX_SET_HEADER_LEN;
	unsigned n_variable = t->n - t->n_fixed;

	for (unsigned i = 0; i < MR_IPFIX_LAYOUTS_MAX; i++)
		if (mr_ipfix_template_len(&layouts[i], t) > room ||
		    (unsigned)layouts[i].len + t->fixed_len + n_variable > room)
			return false;
	return true;
}

/* In small messages: without the application's fields, then without the tunnel, too. */
static uint8_t instead(const struct mr_ipfix_tails *tails, unsigned i, const struct mr_ipfix_layout *layouts,
		       uint32_t msg_max)
{
	unsigned plain = rows[i / 2].block == MR_IPFIX_B_TCP ? MR_IPFIX_ROW_TCP : MR_IPFIX_ROW_OTHER;
	unsigned choices[] = { i, 2 * plain + i % 2, 2 * plain };

	for (unsigned c = 0; c < sizeof(choices) / sizeof(choices[0]); c++)
		if (fits(&tails->tail[choices[c]], layouts, msg_max))
			return (uint8_t)choices[c];
	return MR_IPFIX_TAIL_NONE;
}

void mr_ipfix_tails_make(struct mr_ipfix_tails *ret, const struct mr_ipfix_layout *layouts, uint32_t msg_max)
{
	for (unsigned f = 0; f < MR_IPFIX_F_MAX; f++)
		for (const uint16_t *field = family_fields[f]; *field != END; field++)
			ret->family[*field] = (uint8_t)f;
	for (unsigned i = 0; i < MR_IPFIX_TAILS; i++)
		tail_make(&ret->tail[i], i / 2, i % 2 != 0);
	for (unsigned i = 0; i < MR_IPFIX_TAILS; i++)
		ret->instead[i] = instead(ret, i, layouts, msg_max);
}

/* ---- a record ---- */

static bool has(const struct mr_ipfix_found *found, unsigned field)
{
	return (found->has.word[field / 64] >> field % 64 & 1) != 0;
}

void mr_ipfix_found_make(struct mr_ipfix_found *ret, const struct mr_ipfix_tails *tails,
			 const struct mr_flow_rec *rec, unsigned dir)
{
	const struct mr_flow_detail *d = rec->detail;
	struct mr_l7_reader r;
	struct mr_l7_value v;

	ret->detail = d;
	ret->families = 0;
	ret->has = (struct mr_l7_set){ { 0 } };
	ret->path_len = d->tunnel.levels == 0 ? 0 : (uint16_t)mr_ipfix_tunnel_path(d, dir, ret->path);
	if (d->values == 0)
		return;
	mr_l7_reader_init(&r, d->chunks, d->values);
	for (;;) {
		uint32_t chunk = r.chunk;
		uint16_t at = r.at;

		if (!mr_l7_reader_next(&r, &v))
			return;
		if (has(ret, v.field) || (mr_l7_field_info[v.field].bits & MR_L7_HIDDEN) != 0)
			continue;
		mr_l7_set_add(&ret->has, v.field);
		ret->families |= 1u << tails->family[v.field];
		ret->first[v.field].chunk = chunk;
		ret->first[v.field].at = at;
		ret->first[v.field].len = mr_l7_field_info[v.field].type == MR_L7_TEXT
						  ? (uint16_t)mr_ipfix_text_len(v.data, v.len)
						  : v.len;
	}
}

unsigned mr_ipfix_tail_choose(const struct mr_ipfix_tails *tails, const struct mr_flow_rec *rec,
			      const struct mr_ipfix_found *found)
{
	bool tcp = rec->proto == IPPROTO_TCP;
	unsigned best = tcp ? MR_IPFIX_ROW_TCP : MR_IPFIX_ROW_OTHER;
	int best_covers = 0;

	for (unsigned row = 0; row < MR_IPFIX_ROW_MAX && found->families != 0; row++) {
		int covers = __builtin_popcount(rows[row].families & found->families);

		if ((rows[row].block == MR_IPFIX_B_TCP) == tcp && covers > best_covers) {
			best = row;
			best_covers = covers;
		}
	}
	return tails->instead[2 * best + (mr_ipfix_has_tunnel(found->detail) ? 1 : 0)];
}

static unsigned application_len(const struct mr_flow_detail *d)
{
	return d->application == NULL ? 0 : (unsigned)strlen(d->application);
}

/* Octets of the value of a field of variable length. */
static unsigned value_len(const struct mr_ipfix_found *found, unsigned source)
{
	if (source == MR_IPFIX_D_APPLICATION_NAME)
		return application_len(found->detail);
	if (source == MR_IPFIX_D_TUNNEL_PATH)
		return found->path_len;
	source -= MR_IPFIX_SOURCE_L7;
	return has(found, source) ? found->first[source].len : 0;
}

/* All of them, none longer than @p value_max, with their lengths before them (RFC 7011 section 7). */
static unsigned variable_len(const struct mr_ipfix_tail *t, const struct mr_ipfix_found *found,
			     unsigned value_max)
{
	unsigned sum = 0;

	for (unsigned i = t->n_fixed; i < t->n; i++) {
		unsigned len = value_len(found, t->source[i]);

		len = len < value_max ? len : value_max;
		sum += len + (len < 255 ? 1 : 3);
	}
	return sum;
}

unsigned mr_ipfix_tail_plan(const struct mr_ipfix_tail *tail, const struct mr_ipfix_found *found,
			    unsigned room, uint16_t *ret_value_max)
{
	unsigned low = 0, high = UINT16_MAX, len = variable_len(tail, found, high);

	room -= tail->fixed_len;
	*ret_value_max = UINT16_MAX;
	if (len <= room)
		return tail->fixed_len + len;
	/* the longest values give way: the largest limit that is small enough, which 0 is */
	while (high - low > 1) {
		unsigned middle = (low + high) / 2;

		if (variable_len(tail, found, middle) <= room)
			low = middle;
		else
			high = middle;
	}
	*ret_value_max = (uint16_t)low;
	return tail->fixed_len + variable_len(tail, found, low);
}

static struct mr_l7_value value_of(const struct mr_ipfix_found *found, unsigned field, struct mr_l7_reader *r)
{
	struct mr_l7_value v = { 0 };

	mr_l7_reader_init(r, found->detail->chunks, found->first[field].chunk);
	r->at = found->first[field].at;
	mr_l7_reader_next(r, &v);
	return v;
}

/* The low @p octets of a number in network order. */
static uint8_t *number_put(uint8_t *p, uint64_t number, unsigned octets)
{
	for (unsigned i = octets; i-- > 0;)
		*p++ = (uint8_t)(number >> 8 * i);
	return p;
}

static uint8_t *address_put(uint8_t *p, const struct mr_flow_detail *d, unsigned side)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
	const struct mr_tunnel_level *level = mr_ipfix_tunnel_outer(&d->tunnel);

	memset(p, 0, 16);
	if (level != NULL && level->family == 6) {
		memcpy(p, level->addr[side], 16);
	} else if (level != NULL) {
		memcpy(p, mapped, sizeof(mapped));
		memcpy(p + 12, level->addr[side], 4);
	}
	return p + 16;
}

/* Which of the tail's application fields there are. */
static uint64_t indicator(const struct mr_ipfix_tail *t, const struct mr_ipfix_found *found)
{
	uint64_t bits = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < t->n; i++)
		if (t->source[i] >= MR_IPFIX_SOURCE_L7)
			bits |= (uint64_t)has(found, t->source[i] - MR_IPFIX_SOURCE_L7) << n++;
	return bits;
}

static uint64_t l7_number(const struct mr_ipfix_found *found, unsigned field)
{
	struct mr_l7_reader r;

	return has(found, field) ? value_of(found, field, &r).number : 0;
}

static uint8_t *fixed_put(uint8_t *p, const struct mr_ipfix_tail *t, unsigned i,
			  const struct mr_ipfix_found *found, unsigned dir, bool shortened)
{
	unsigned source = t->source[i];
	uint64_t number;

	if (source == MR_IPFIX_D_TUNNEL_SOURCE)
		return address_put(p, found->detail, dir);
	if (source == MR_IPFIX_D_TUNNEL_DESTINATION)
		return address_put(p, found->detail, 1 - dir);
	if (source == MR_IPFIX_D_INDICATOR)
		number = indicator(t, found);
	else if (source >= MR_IPFIX_SOURCE_L7)
		number = l7_number(found, source - MR_IPFIX_SOURCE_L7);
	else
		number = mr_ipfix_detail_number(found->detail, (enum mr_ipfix_detail)source, dir);
	if (source == MR_IPFIX_D_FLAGS && shortened)
		number |= MR_IPFIX_VALUES_SHORTENED;
	return number_put(p, number, t->field[i].len);
}

static uint8_t *length_put(uint8_t *p, unsigned len)
{
	if (len < 255)
		return number_put(p, len, 1);
	*p++ = 255;
	return number_put(p, len, 2);
}

static uint8_t *octets_put(uint8_t *p, const void *data, unsigned len, unsigned value_max)
{
	len = len < value_max ? len : value_max;
	p = length_put(p, len);
	memcpy(p, data, len);
	return p + len;
}

/* @param exported_len  of the whole text; where that is @p len, nothing has to be replaced */
static uint8_t *text_put(uint8_t *p, const void *data, unsigned len, unsigned exported_len,
			 unsigned value_max)
{
	if (exported_len == len && len <= value_max)
		return octets_put(p, data, len, value_max);
	p = length_put(p, (unsigned)mr_ipfix_text_fit(data, len, value_max));
	return p + mr_ipfix_text_copy(p, data, len, value_max);
}

static uint8_t *variable_put(uint8_t *p, unsigned source, const struct mr_ipfix_found *found,
			     unsigned value_max)
{
	struct mr_l7_reader r;
	struct mr_l7_value v;

	if (source == MR_IPFIX_D_APPLICATION_NAME && found->detail->application != NULL)
		return octets_put(p, found->detail->application, application_len(found->detail), value_max);
	if (source == MR_IPFIX_D_TUNNEL_PATH)
		return octets_put(p, found->path, found->path_len, value_max);
	if (source < MR_IPFIX_SOURCE_L7 || !has(found, source - MR_IPFIX_SOURCE_L7))
		return length_put(p, 0);
	v = value_of(found, source - MR_IPFIX_SOURCE_L7, &r);
	if (mr_l7_field_info[v.field].type == MR_L7_TEXT)
		return text_put(p, v.data, v.len, found->first[v.field].len, value_max);
	return octets_put(p, v.data, v.len, value_max);
}

uint8_t *mr_ipfix_tail_encode(const struct mr_ipfix_tail *tail, const struct mr_ipfix_found *found,
			      unsigned dir, uint16_t value_max, uint8_t *p)
{
	for (unsigned i = 0; i < tail->n_fixed; i++)
		p = fixed_put(p, tail, i, found, dir, value_max != UINT16_MAX);
	for (unsigned i = tail->n_fixed; i < tail->n; i++)
		p = variable_put(p, tail->source[i], found, value_max);
	return p;
}
