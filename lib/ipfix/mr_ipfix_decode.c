/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_decode.h"

#include <stdlib.h>

#include "base/mr_buf.h"
#include "ipfix/mr_ipfix_control.h"
#include "ipfix/mr_ipfix_value.h"

#define BUCKETS 1024

struct domain {
	uint32_t odid;
	uint32_t expected; /* sequence number of the next message */
	bool known;	   /* expected is valid: every record of the message before could be counted */
};

struct mr_ipfix_decoder {
	struct mr_ipfix_decoder_ops ops;
	void *ctx;
	struct mr_ipfix_decoder_stats stats;
	unsigned n_templates;
	unsigned n_fields; /* of all templates */
	unsigned n_domains;
	struct domain domains[MR_IPFIX_DECODE_DOMAINS_MAX];
	struct mr_ipfix_template *buckets[BUCKETS];
	struct mr_ipfix_value values[MR_IPFIX_DECODE_FIELDS_MAX];
};

/* One message while it is read. */
struct message {
	struct mr_ipfix_decoder *d;
	struct mr_err *err;
	struct mr_rbuf r; /* the whole message; a set is read by moving its len to the set's end */
	uint32_t odid;
	uint32_t export_time_s;
	uint32_t records;
	bool uncounted; /* a set was skipped */
};

static int fault(const struct message *m, size_t offset, const char *reason)
{
	return mr_err_set(m->err, EBADMSG, "offset %zu: %s", offset, reason);
}

/* ---- templates ---- */

static struct mr_ipfix_template **bucket(struct mr_ipfix_decoder *d, uint32_t odid, uint16_t id)
{
	return &d->buckets[(odid * 31 + id) % BUCKETS];
}

/* The link to the template, or to NULL behind the last one. */
static struct mr_ipfix_template **template_link(struct mr_ipfix_decoder *d, uint32_t odid, uint16_t id)
{
	struct mr_ipfix_template **link = bucket(d, odid, id);

	while (*link != NULL && ((*link)->odid != odid || (*link)->id != id))
		link = &(*link)->next;
	return link;
}

static void template_remove(struct mr_ipfix_decoder *d, struct mr_ipfix_template **link)
{
	struct mr_ipfix_template *t = *link;

	*link = t->next;
	d->n_templates--;
	d->n_fields -= t->n;
	free(t);
}

static void template_withdraw(struct mr_ipfix_decoder *d, struct mr_ipfix_template **link)
{
	d->stats.withdrawals++;
	if (d->ops.template_ != NULL)
		d->ops.template_(d->ctx, *link, true);
	template_remove(d, link);
}

static void withdraw_all(struct mr_ipfix_decoder *d, uint32_t odid, bool options)
{
	for (unsigned b = 0; b < BUCKETS; b++) {
		struct mr_ipfix_template **link = &d->buckets[b];

		while (*link != NULL) {
			if ((*link)->odid == odid && ((*link)->scopes != 0) == options)
				template_withdraw(d, link);
			else
				link = &(*link)->next;
		}
	}
}

static uint16_t count_before(const struct mr_ipfix_template *t, unsigned i)
{
	uint16_t n = 0;

	for (unsigned k = 0; k < i; k++)
		n = (uint16_t)(n + (t->field[k].spec.id == t->field[i].spec.id &&
				    t->field[k].spec.pen == t->field[i].spec.pen));
	return n;
}

static int field_read(struct message *m, struct mr_ipfix_template *t, unsigned i)
{
	struct mr_ipfix_template_field *f = &t->field[i];
	size_t offset = m->r.pos;
	uint16_t id = mr_rbuf_get_u16(&m->r);

	f->spec.id = id & 0x7fff;
	f->spec.len = mr_rbuf_get_u16(&m->r);
	f->spec.pen = (id & 0x8000) != 0 ? mr_rbuf_get_u32(&m->r) : 0;
	if (m->r.underflow)
		return fault(m, offset, "template goes past the end of its set");
	/* no such record could be found in a set, and many such fields would cost time without costing octets
	 */
	if (f->spec.len == 0)
		return fault(m, offset, "field of length 0");
	f->ie = mr_ipfix_ie_find(f->spec.pen, f->spec.id);
	f->nth = (uint16_t)(count_before(t, i) + 1);
	t->min_len += f->spec.len == MR_IPFIX_VARLEN ? 1 : f->spec.len;
	return 0;
}

static int limits_check(const struct message *m, size_t offset, unsigned n_fields)
{
	if (n_fields > MR_IPFIX_DECODE_FIELDS_MAX)
		return fault(m, offset, "template with more than 1024 fields");
	if (m->d->n_templates >= MR_IPFIX_DECODE_TEMPLATES_MAX)
		return fault(m, offset, "more than 4096 templates");
	if (m->d->n_fields + n_fields > MR_IPFIX_DECODE_FIELDS_TOTAL)
		return fault(m, offset, "templates with more than 262144 fields together");
	return 0;
}

/* The fields of a template, put in the place of an older one with the same id. */
static int template_define(struct message *m, size_t offset, uint16_t id, uint16_t n, bool options)
{
	struct mr_ipfix_decoder *d = m->d;
	struct mr_ipfix_template **link, *t;
	uint16_t scopes = options ? mr_rbuf_get_u16(&m->r) : 0;
	int rc = limits_check(m, offset, n);

	if (rc != 0)
		return rc;
	if (options && (scopes == 0 || scopes > n))
		return fault(m, offset, "options template whose scope count is 0 or beyond its fields");
	t = calloc(1, sizeof(*t) + n * sizeof(t->field[0]));
	if (t == NULL)
		return mr_err_set(m->err, ENOMEM, "offset %zu: out of memory for a template", offset);
	t->odid = m->odid;
	t->id = id;
	t->n = n;
	t->scopes = scopes;
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = field_read(m, t, i);
	if (rc != 0) {
		free(t);
		return rc;
	}
	link = template_link(d, t->odid, id);
	if (*link != NULL)
		template_remove(d, link);
	link = bucket(d, t->odid, id);
	t->next = *link;
	*link = t;
	d->n_templates++;
	d->n_fields += n;
	d->stats.templates++;
	if (d->ops.template_ != NULL)
		d->ops.template_(d->ctx, t, false);
	return 0;
}

static int template_set(struct message *m, uint16_t set_id)
{
	bool options = set_id == MR_IPFIX_SET_OPTIONS;

	while (mr_rbuf_left(&m->r) >= 4) { /* less is padding */
		size_t offset = m->r.pos;
		uint16_t id = mr_rbuf_get_u16(&m->r);
		uint16_t n = mr_rbuf_get_u16(&m->r);
		int rc = 0;

		if (n == 0 && id == set_id) {
			withdraw_all(m->d, m->odid, options);
		} else if (id < 256) {
			return fault(m, offset, "template id below 256");
		} else if (n == 0) {
			struct mr_ipfix_template **link = template_link(m->d, m->odid, id);

			if (*link != NULL)
				template_withdraw(m->d, link);
		} else {
			rc = template_define(m, offset, id, n, options);
		}
		if (rc != 0)
			return rc;
	}
	return 0;
}

/* ---- data ---- */

static uint16_t value_len(struct mr_rbuf *r, const struct mr_ipfix_field *spec)
{
	uint8_t first;

	if (spec->len != MR_IPFIX_VARLEN)
		return spec->len;
	first = mr_rbuf_get_u8(r);
	return first < 255 ? first : mr_rbuf_get_u16(r);
}

static int record_read(struct message *m, const struct mr_ipfix_template *t)
{
	struct mr_ipfix_decoder *d = m->d;
	const struct mr_ipfix_data data = {
		.odid = m->odid, .export_time_s = m->export_time_s, .template_ = t, .values = d->values
	};
	size_t offset = m->r.pos;

	for (unsigned i = 0; i < t->n; i++) {
		d->values[i].len = value_len(&m->r, &t->field[i].spec);
		d->values[i].data = mr_rbuf_take(&m->r, d->values[i].len);
	}
	if (m->r.underflow)
		return fault(m, offset, "record goes past the end of its set");
	m->records++;
	d->stats.records++;
	d->stats.options_records += t->scopes != 0;
	if (d->ops.record != NULL)
		d->ops.record(d->ctx, &data);
	return 0;
}

static int data_set(struct message *m, uint16_t set_id)
{
	const struct mr_ipfix_template *t = *template_link(m->d, m->odid, set_id);
	int rc = 0;

	if (t == NULL) {
		m->d->stats.skipped_sets++;
		m->uncounted = true;
		return 0;
	}
	while (rc == 0 && mr_rbuf_left(&m->r) >= t->min_len) /* less is padding */
		rc = record_read(m, t);
	return rc;
}

/* ---- messages ---- */

static int set_read(struct message *m)
{
	struct mr_rbuf whole = m->r;
	size_t offset = m->r.pos;
	uint16_t id = mr_rbuf_get_u16(&m->r);
	uint16_t len = mr_rbuf_get_u16(&m->r);
	int rc = 0;

	if (m->r.underflow)
		return fault(m, offset, "set header goes past the end of the message");
	if (len < MR_IPFIX_SET_HEADER_LEN || len > whole.len - offset)
		return fault(m, offset, "set length below 4 or past the end of the message");
	m->r.len = offset + len;
	if (id == MR_IPFIX_SET_TEMPLATES || id == MR_IPFIX_SET_OPTIONS)
		rc = template_set(m, id);
	else if (id >= 256)
		rc = data_set(m, id);
	else
		m->d->stats.skipped_sets++;
	m->r.pos = offset + len;
	m->r.len = whole.len;
	return rc;
}

static struct domain *domain_find(struct mr_ipfix_decoder *d, uint32_t odid)
{
	for (unsigned i = 0; i < d->n_domains; i++)
		if (d->domains[i].odid == odid)
			return &d->domains[i];
	if (d->n_domains == MR_IPFIX_DECODE_DOMAINS_MAX)
		return NULL;
	d->domains[d->n_domains] = (struct domain){ .odid = odid };
	return &d->domains[d->n_domains++];
}

static void sequence_check(struct mr_ipfix_decoder *d, const struct domain *domain, uint32_t got)
{
	uint32_t missing = got - domain->expected; /* modulo 2^32 */

	if (!domain->known || missing == 0)
		return;
	d->stats.gaps++;
	if (missing < UINT32_MAX / 2) /* else an older message came late */
		d->stats.missing_records += missing;
	if (d->ops.gap != NULL)
		d->ops.gap(d->ctx, domain->odid, domain->expected, got);
}

int mr_ipfix_message_len(const uint8_t *data, size_t len, struct mr_err *err)
{
	uint16_t message_len;

	if (len >= 2 && mr_get_u16(data) != MR_IPFIX_VERSION)
		return mr_err_set(err, EBADMSG, "offset 0: version %u isn't 10: not an IPFIX message",
				  mr_get_u16(data));
	if (len < 4)
		return 0;
	message_len = mr_get_u16(data + 2);
	if (message_len < MR_IPFIX_HEADER_LEN)
		return mr_err_set(err, EBADMSG, "offset 2: message length %u is below its header's",
				  message_len);
	return message_len;
}

static int sets_read(struct message *m)
{
	int rc = 0;

	while (rc == 0 && mr_rbuf_left(&m->r) > 0)
		rc = set_read(m);
	return rc;
}

static int message_read(struct message *m, size_t len)
{
	int message_len = mr_ipfix_message_len(m->r.data, len, m->err);
	struct domain *domain;
	uint32_t sequence;
	int rc;

	if (message_len < 0)
		return message_len;
	if (message_len == 0 || (size_t)message_len != len)
		return mr_err_set(m->err, EBADMSG, "offset 0: message of %d octets in %zu", message_len, len);
	m->r.pos = 4;
	m->export_time_s = mr_rbuf_get_u32(&m->r);
	sequence = mr_rbuf_get_u32(&m->r);
	m->odid = mr_rbuf_get_u32(&m->r);
	domain = domain_find(m->d, m->odid);
	if (domain == NULL)
		return fault(m, 12, "more than 1024 observation domains");
	sequence_check(m->d, domain, sequence);
	rc = sets_read(m);
	domain->expected = sequence + m->records;
	domain->known = rc == 0 && !m->uncounted;
	return rc;
}

int mr_ipfix_decode_message(struct mr_ipfix_decoder *d, const uint8_t *data, size_t len, struct mr_err *err)
{
	struct message m = { .d = d, .err = err };
	int rc;

	mr_rbuf_init(&m.r, data, len);
	d->stats.messages++;
	d->stats.octets += len;
	rc = message_read(&m, len);
	d->stats.faults += rc != 0;
	return rc;
}

/* ---- life, access ---- */

struct mr_ipfix_decoder *mr_ipfix_decoder_new(const struct mr_ipfix_decoder_ops *ops, void *ctx)
{
	struct mr_ipfix_decoder *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->ops = *ops;
	d->ctx = ctx;
	return d;
}

void mr_ipfix_decoder_free(struct mr_ipfix_decoder *d)
{
	for (unsigned b = 0; d != NULL && b < BUCKETS; b++)
		while (d->buckets[b] != NULL)
			template_remove(d, &d->buckets[b]);
	free(d);
}

void mr_ipfix_decoder_stats(const struct mr_ipfix_decoder *d, struct mr_ipfix_decoder_stats *ret)
{
	*ret = d->stats;
}

const struct mr_ipfix_value *mr_ipfix_data_find(const struct mr_ipfix_data *data, uint32_t pen, uint16_t id,
						unsigned nth)
{
	for (unsigned i = 0; i < data->template_->n; i++) {
		const struct mr_ipfix_template_field *f = &data->template_->field[i];

		if (f->spec.id == id && f->spec.pen == pen && f->nth == nth)
			return &data->values[i];
	}
	return NULL;
}

void mr_ipfix_data_json(struct mr_wbuf *w, const struct mr_ipfix_data *data)
{
	for (unsigned i = 0; i < data->template_->n; i++) {
		const struct mr_ipfix_template_field *f = &data->template_->field[i];

		mr_wbuf_put_u8(w, i == 0 ? '{' : ',');
		mr_ipfix_json_key(w, f->spec.pen, f->spec.id, f->nth, f->ie);
		mr_ipfix_value_json(w, f->ie, data->values[i].data, data->values[i].len);
	}
	mr_wbuf_put_u8(w, '}');
}
