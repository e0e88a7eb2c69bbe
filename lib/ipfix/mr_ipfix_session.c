/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_session.h"

#include <stdlib.h>

#include "base/mr_clock.h"

#define RECORDS_OFF (MR_IPFIX_HEADER_LEN + MR_IPFIX_SET_HEADER_LEN) /* of the first record in a message */

static uint64_t elapsed(uint64_t now_ns, uint64_t since_ns)
{
	return now_ns > since_ns ? now_ns - since_ns : 0;
}

static struct mr_ipfix_description description(const struct mr_ipfix_session *s)
{
	return (struct mr_ipfix_description){
		.odid = s->common->odid,
		.generation = s->common->generation,
		.full = s->profile == MR_IPFIX_FULL,
		.layouts = s->layout,
		.n_layouts = s->n_layouts,
		.tails = s->tails,
		.use = s->use,
		.interfaces = s->common->interfaces,
		.n_interfaces = s->common->n_interfaces,
	};
}

static void not_sent(struct mr_ipfix_session *s, uint64_t flows, uint64_t packets, uint64_t octets,
		     uint64_t now_ns)
{
	s->stats.not_sent_flows += flows;
	s->stats.not_sent_packets += packets;
	s->stats.not_sent_octets += octets;
	if (s->not_sent_first_ns == 0)
		s->not_sent_first_ns = now_ns;
	s->not_sent_last_ns = now_ns;
}

/* ---- templates and options ---- */

struct emit_ctx {
	struct mr_ipfix_session *session;
	uint64_t now_ns;
};

static bool emit(void *ctx, uint8_t *msg, size_t len, uint32_t records)
{
	const struct emit_ctx *e = ctx;
	struct mr_ipfix_session *s = e->session;
	const struct iovec iov = { .iov_base = msg, .iov_len = len };
	const struct mr_ipfix_load load = {
		0
	}; /* options records aren't flows: their loss is of no account */
	bool taken = false;

	mr_ipfix_header_put(msg, len, e->now_ns, s->sequence, s->common->odid);
	if (s->ops->send(s->transport, &iov, &load, 1, &taken) == 0 || !taken)
		return false;
	s->sequence += records;
	s->msgs_since_description++;
	s->stats.messages++;
	s->stats.octets += len;
	return true;
}

static uint8_t *control_buffer(const struct mr_ipfix_session *s)
{
	return s->data;
}

static void news_told(struct mr_ipfix_session *s)
{
	for (unsigned i = 0; i < MR_IPFIX_SLOTS && s->news; i++)
		if (s->use[i] == MR_IPFIX_NEW)
			s->use[i] = MR_IPFIX_ANNOUNCED;
	s->news = false;
}

/*
 * Templates, then what they describe and never changes. Options data go in a later message than their
 * templates, since there are collectors which can't use both at once.
 */
static void describe(struct mr_ipfix_session *s, uint64_t now_ns)
{
	struct emit_ctx ctx = { s, now_ns };
	struct mr_ipfix_description d = description(s);
	struct mr_ipfix_control c;

	mr_ipfix_control_init(&c, control_buffer(s), s->msg_max, emit, &ctx);
	mr_ipfix_control_templates(&c, &d);
	mr_ipfix_control_end(&c);
	mr_ipfix_control_constants(&c, &d);
	if (!mr_ipfix_control_end(&c))
		return; /* once more at the next occasion */
	s->described = true;
	s->described_ns = now_ns;
	s->msgs_since_description = 0;
	news_told(s);
}

/*
 * Templates that are used for the first time on this connection. Their flow keys follow with the next
 * description, if there is one: options between flows look like gaps to some collectors.
 */
static bool announce(struct mr_ipfix_session *s, uint64_t now_ns)
{
	struct emit_ctx ctx = { s, now_ns };
	struct mr_ipfix_description d = description(s);
	struct mr_ipfix_control c;

	mr_ipfix_control_init(&c, control_buffer(s), s->msg_max, emit, &ctx);
	mr_ipfix_control_news(&c, &d);
	mr_ipfix_control_end(&c);
	if (s->refresh_ns == 0)
		mr_ipfix_control_news_keys(&c, &d);
	if (!mr_ipfix_control_end(&c))
		return false;
	news_told(s);
	return true;
}

static void statistics(struct mr_ipfix_session *s, uint64_t now_ns)
{
	const struct mr_ipfix_common *common = s->common;
	uint64_t start_ns = common->metering.start_ns; /* stands for times of what hasn't happened */
	struct emit_ctx ctx = { s, now_ns };
	struct mr_ipfix_description d = description(s);
	struct mr_ipfix_collector_stats figures;
	struct mr_ipfix_statistics st;
	struct mr_ipfix_control c;

	mr_ipfix_session_stats(s, &figures);
	st = (struct mr_ipfix_statistics){
		.messages = figures.messages,
		.records = figures.records,
		.octets = figures.octets,
		.ignored_packets = common->metering.not_metered_packets,
		.ignored_octets = common->metering.not_metered_octets,
		.ignored_first_ns = common->ignored_first_ns != 0 ? common->ignored_first_ns : start_ns,
		.ignored_last_ns = common->ignored_last_ns != 0 ? common->ignored_last_ns : start_ns,
		.not_sent_flows = figures.not_sent_flows,
		.not_sent_packets = figures.not_sent_packets,
		.not_sent_octets = figures.not_sent_octets,
		.not_sent_first_ns = s->not_sent_first_ns != 0 ? s->not_sent_first_ns : start_ns,
		.not_sent_last_ns = s->not_sent_last_ns != 0 ? s->not_sent_last_ns : start_ns,
	};
	mr_ipfix_control_init(&c, control_buffer(s), s->msg_max, emit, &ctx);
	mr_ipfix_control_statistics(&c, &d, &st);
	if (!mr_ipfix_control_end(&c))
		return;
	s->stats_due = false;
	s->stats_ns = now_ns;
}

/* ---- flows ---- */

static void settle(struct mr_ipfix_session *s, struct mr_ipfix_msg *m, bool taken, uint64_t now_ns)
{
	if (taken) {
		s->stats.messages++;
		s->stats.octets += m->len;
		s->stats.records += m->load.records;
		s->stats.flows += m->load.flows;
		s->stats.packets += m->load.packets;
	} else {
		not_sent(s, m->load.flows, m->load.packets, m->load.octets, now_ns);
	}
	s->stats.pending_flows -= m->load.flows;
	s->stats.pending_packets -= m->load.packets;
	for (uint32_t i = 0; i < m->load.flows; i++)
		mr_ipfix_ledger_settle(&s->common->ledger, m->entries[i], taken);
	s->unused[s->n_unused++] = m;
}

static bool may_send(struct mr_ipfix_session *s, uint64_t now_ns)
{
	if (!s->up)
		return false;
	if (!s->described || (s->refresh_ns != 0 && s->msgs_since_description >= s->refresh_msgs))
		describe(s, now_ns);
	return s->described && (!s->news || announce(s, now_ns));
}

/*
 * Send what is ready. The sequence number after a batch is that behind the last message taken: a refused one
 * in the middle leaves a gap, from which the collector sees the loss; refused ones at the end were never
 * sent.
 */
static void send_ready(struct mr_ipfix_session *s, uint64_t now_ns)
{
	struct iovec iov[MR_IPFIX_BATCH_MSGS];
	struct mr_ipfix_load loads[MR_IPFIX_BATCH_MSGS];
	bool taken[MR_IPFIX_BATCH_MSGS] = { false };
	uint32_t sequence;

	if (s->n_ready == 0 || !may_send(s, now_ns))
		return;
	sequence = s->sequence;
	for (unsigned i = 0; i < s->n_ready; i++) {
		struct mr_ipfix_msg *m = s->ready[i];

		mr_ipfix_header_put(m->data, m->len, now_ns, sequence, s->common->odid);
		sequence += m->load.records;
		iov[i] = (struct iovec){ .iov_base = m->data, .iov_len = m->len };
		loads[i] = m->load;
	}
	s->ops->send(s->transport, iov, loads, s->n_ready, taken);
	sequence = s->sequence;
	for (unsigned i = 0; i < s->n_ready; i++) {
		sequence += loads[i].records;
		if (taken[i]) {
			s->sequence = sequence;
			s->msgs_since_description++;
		}
		settle(s, s->ready[i], taken[i], now_ns);
	}
	s->n_ready = 0;
}

/* Close the message of a slot. False when there is no room for it: the batch is full and can't leave. */
static bool seal(struct mr_ipfix_session *s, unsigned slot, uint64_t now_ns)
{
	struct mr_ipfix_msg *m = s->open[slot];

	if (s->n_ready == MR_IPFIX_BATCH_MSGS)
		return false;
	m->len = (uint32_t)mr_ipfix_set_end(m->data, MR_IPFIX_HEADER_LEN, m->len);
	s->ready[s->n_ready++] = m;
	s->open[slot] = NULL;
	if (s->n_ready == MR_IPFIX_BATCH_MSGS)
		send_ready(s, now_ns);
	return true;
}

/* The open message of a slot with room for @p n octets, or NULL. */
static struct mr_ipfix_msg *message(struct mr_ipfix_session *s, unsigned slot, unsigned n, uint64_t now_ns)
{
	struct mr_ipfix_msg *m = s->open[slot];

	if (m != NULL && m->len + n <= s->msg_max)
		return m;
	if (m != NULL && !seal(s, slot, now_ns))
		return NULL;
	/* there are as many as can be ready and open at once, and this slot has none open: one is left */
	m = s->unused[--s->n_unused];
	m->len = RECORDS_OFF;
	m->load = (struct mr_ipfix_load){ 0 };
	mr_put_u16(m->data + MR_IPFIX_HEADER_LEN, mr_ipfix_slot_id(s->layout, s->common->generation, slot));
	s->open[slot] = m;
	return m;
}

static struct mr_ipfix_msg *plain_put(struct mr_ipfix_session *s, const struct mr_flow_rec *rec,
				      const struct mr_ipfix_part *part, unsigned n, uint64_t now_ns)
{
	const struct mr_ipfix_layout *l = &s->layout[part[0].layout];
	/* both records of a flow in one message, so that a flow is sent or isn't */
	struct mr_ipfix_msg *m = message(s, part[0].layout, n * l->len, now_ns);
	uint8_t *p;

	if (m == NULL)
		return NULL;
	p = m->data + m->len;
	for (unsigned i = 0; i < n; i++)
		p = mr_ipfix_encode(l, part[i].dir, rec, s->common->observation_point, p);
	m->len = (uint32_t)(p - m->data);
	return m;
}

/* A record with details. NULL: there is no room; else the message, which has it. */
static struct mr_ipfix_msg *detailed_put(struct mr_ipfix_session *s, const struct mr_flow_rec *rec,
					 struct mr_ipfix_part part, uint64_t now_ns)
{
	const struct mr_ipfix_layout *l = &s->layout[part.layout];
	unsigned room = s->msg_max - RECORDS_OFF - l->len, choice, slot, len;
	const struct mr_ipfix_tail *tail;
	struct mr_ipfix_found found;
	struct mr_ipfix_msg *m;
	uint16_t value_max;
	uint8_t *p;

	mr_ipfix_found_make(&found, s->tails, rec, part.dir);
	choice = mr_ipfix_tail_choose(s->tails, rec, &found);
	if (choice == MR_IPFIX_TAIL_NONE)
		return plain_put(s, rec, &part, 1, now_ns);
	slot = mr_ipfix_slot(part.layout, choice);
	tail = mr_ipfix_slot_tail(s->tails, slot);
	len = l->len + mr_ipfix_tail_plan(tail, &found, room, &value_max);
	m = message(s, slot, len, now_ns);
	if (m == NULL)
		return NULL;
	if (s->use[slot] == MR_IPFIX_UNUSED) {
		s->use[slot] = MR_IPFIX_NEW;
		s->news = true;
	}
	p = mr_ipfix_encode(l, part.dir, rec, s->common->observation_point, m->data + m->len);
	p = mr_ipfix_tail_encode(tail, &found, part.dir, value_max, p);
	m->len = (uint32_t)(p - m->data);
	return m;
}

void mr_ipfix_session_put(struct mr_ipfix_session *s, const struct mr_flow_rec *rec, uint32_t entry,
			  uint64_t now_ns)
{
	uint64_t packets = rec->packets[0] + rec->packets[1], octets = rec->octets[0] + rec->octets[1];
	struct mr_ipfix_part part[2];
	unsigned n = mr_ipfix_split(s->profile, rec, part);
	struct mr_ipfix_msg *m = rec->detail != NULL && s->tails != NULL
					 ? detailed_put(s, rec, part[0], now_ns)
					 : plain_put(s, rec, part, n, now_ns);

	if (m == NULL) {
		not_sent(s, 1, packets, octets, now_ns);
		return;
	}
	m->entries[m->load.flows++] = entry;
	m->load.records += n;
	m->load.packets += packets;
	m->load.octets += octets;
	mr_ipfix_ledger_hold(&s->common->ledger, entry);
	s->stats.pending_flows++;
	s->stats.pending_packets += packets;
	if (s->oldest_ns == 0)
		s->oldest_ns = now_ns;
}

void mr_ipfix_session_flush(struct mr_ipfix_session *s, uint64_t now_ns)
{
	if (!s->up)
		return;
	send_ready(s, now_ns); /* room for the open ones */
	for (unsigned i = 0; i < s->n_slots; i++)
		if (s->open[i] != NULL)
			seal(s, i, now_ns);
	send_ready(s, now_ns);
	if (s->n_ready == 0)
		s->oldest_ns = 0;
}

/* ---- time ---- */

void mr_ipfix_session_poll(struct mr_ipfix_session *s, uint64_t now_ns)
{
	struct mr_ipfix_transport_stats ts;
	uint32_t connection = s->connection;

	/* the transport's time limits are real time, whatever clock the records have */
	s->up = s->ops->poll(s->transport, mr_clock_mono_ns(), &connection) == MR_IPFIX_UP;
	if (connection != s->connection) {
		s->connection = connection;
		s->sequence = 0;
		s->described = false; /* and with it all that is new */
	}
	s->ops->stats(s->transport, &ts);
	if (ts.lost_flows != s->lost_flows) {
		s->lost_flows = ts.lost_flows;
		not_sent(s, 0, 0, 0,
			 now_ns); /* for the time; the figures are added by mr_ipfix_session_stats() */
	}
}

void mr_ipfix_session_tick(struct mr_ipfix_session *s, uint64_t now_ns)
{
	mr_ipfix_session_poll(s, now_ns);
	if (!s->up)
		return;
	if (!s->described || (s->refresh_ns != 0 && elapsed(now_ns, s->described_ns) >= s->refresh_ns)) {
		describe(s, now_ns);
		s->stats_due =
			true; /* in the same burst: options between flows look like gaps to some collectors */
	}
	if (s->described && (s->stats_due || elapsed(now_ns, s->stats_ns) >= s->common->stats_interval_ns))
		statistics(s, now_ns);
	if (s->oldest_ns != 0 && elapsed(now_ns, s->oldest_ns) >= MR_IPFIX_LINGER_NS)
		mr_ipfix_session_flush(s, now_ns);
}

/* ---- figures ---- */

static void figures(const struct mr_ipfix_session *s, const struct mr_ipfix_transport_stats *ts,
		    struct mr_ipfix_collector_stats *ret)
{
	*ret = s->stats;
	ret->name = s->name;
	ret->connected = s->up;
	ret->records -= ts->lost_records;
	ret->flows -= ts->lost_flows;
	ret->packets -= ts->lost_packets;
	ret->not_sent_flows += ts->lost_flows;
	ret->not_sent_packets += ts->lost_packets;
	ret->not_sent_octets += ts->lost_octets;
	ret->lost_flows = ts->lost_flows;
	ret->lost_packets = ts->lost_packets;
	ret->send_errors = ts->errors;
	ret->reconnects = ts->reconnects;
}

void mr_ipfix_session_stats(const struct mr_ipfix_session *s, struct mr_ipfix_collector_stats *ret)
{
	struct mr_ipfix_transport_stats ts;

	s->ops->stats(s->transport, &ts);
	figures(s, &ts, ret);
}

/* ---- life ---- */

static void session_free(struct mr_ipfix_session *s)
{
	free(s->data);
	free(s->entries);
	free(s->tails);
	free(s);
}

static int buffers_make(struct mr_ipfix_session *s)
{
	uint32_t record_min = s->layout[0].len, per_msg, n_msgs = MR_IPFIX_BATCH_MSGS + s->n_slots;

	for (unsigned i = 1; i < s->n_layouts; i++)
		record_min = s->layout[i].len < record_min ? s->layout[i].len : record_min;
	per_msg = (s->msg_max - RECORDS_OFF) / record_min;
	s->n_entries = n_msgs * per_msg;
	s->data = malloc((size_t)(n_msgs + 1) * s->msg_max);
	s->entries = malloc(s->n_entries * sizeof(*s->entries));
	if (s->data == NULL || s->entries == NULL)
		return -ENOMEM;
	/* the last one is taken first: memory of messages that are never needed at once isn't touched */
	for (unsigned i = n_msgs; i-- > 0;) {
		s->msgs[i].data = s->data + (size_t)(i + 1) * s->msg_max;
		s->msgs[i].entries = s->entries + (size_t)i * per_msg;
		s->unused[s->n_unused++] = &s->msgs[i];
	}
	return 0;
}

/* Details go out in profile full. */
static int tails_make(struct mr_ipfix_session *s)
{
	s->n_slots = s->n_layouts;
	if (s->profile != MR_IPFIX_FULL)
		return 0;
	s->tails = malloc(sizeof(*s->tails));
	if (s->tails == NULL)
		return -ENOMEM;
	mr_ipfix_tails_make(s->tails, s->layout, s->msg_max);
	s->n_slots = MR_IPFIX_SLOTS;
	return 0;
}

static int session_setup(struct mr_ipfix_session *s, const struct mr_ipfix_collector_conf *conf,
			 struct mr_err *err)
{
	unsigned mtu = conf->mtu != 0 ? conf->mtu : MR_IPFIX_MTU_DEFAULT;

	if (conf->profile >= MR_IPFIX_PROFILE_MAX)
		return mr_err_set(err, EINVAL, "profile %d isn't one: choose compat, biflow or full",
				  conf->profile);
	if (mtu < MR_IPFIX_MTU_MIN || mtu > MR_IPFIX_MTU_MAX)
		return mr_err_set(err, EINVAL, "mtu %u: choose %d to %d octets", mtu, MR_IPFIX_MTU_MIN,
				  MR_IPFIX_MTU_MAX);
	s->name = conf->name;
	s->profile = conf->profile;
	s->network = conf->proto != MR_IPFIX_FILE;
	s->msg_max = conf->proto == MR_IPFIX_UDP ? mtu / 4 * 4 : MR_IPFIX_STREAM_MSG_LEN;
	if (!s->ops->reliable) {
		s->refresh_ns = (conf->template_refresh_s != 0 ? conf->template_refresh_s : 60) * MR_NS_PER_S;
		s->refresh_msgs = conf->template_refresh_msgs != 0 ? conf->template_refresh_msgs : 4096;
	}
	s->n_layouts = mr_ipfix_layouts_make(s->profile, s->common->generation, s->layout);
	if (tails_make(s) != 0 || buffers_make(s) != 0)
		return mr_err_set(err, ENOMEM, "out of memory for its messages");
	return s->ops->open(conf, mr_clock_mono_ns(), &s->transport, err);
}

int mr_ipfix_session_open(const struct mr_ipfix_collector_conf *conf, struct mr_ipfix_common *common,
			  const struct mr_ipfix_transport_ops *const *transports,
			  struct mr_ipfix_session **ret, struct mr_err *err)
{
	struct mr_ipfix_session *s;
	int rc;

	if (conf->proto >= MR_IPFIX_PROTO_MAX || transports[conf->proto] == NULL)
		return mr_err_set(err, EINVAL, "collector %s: transport %d isn't supported", conf->name,
				  conf->proto);
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		return mr_err_set(err, ENOMEM, "collector %s: out of memory", conf->name);
	s->common = common;
	s->ops = transports[conf->proto];
	rc = session_setup(s, conf, err);
	if (rc != 0) {
		mr_err_prefix(err, "collector %s", conf->name);
		session_free(s);
		return rc;
	}
	*ret = s;
	return 0;
}

bool mr_ipfix_session_waits(const struct mr_ipfix_session *s)
{
	return !s->up && s->stats.pending_flows != 0;
}

void mr_ipfix_session_finish(struct mr_ipfix_session *s, uint64_t now_ns)
{
	mr_ipfix_session_flush(s, now_ns);
	for (unsigned i = 0; i < s->n_ready; i++)
		settle(s, s->ready[i], false, now_ns);
	s->n_ready = 0;
	for (unsigned i = 0; i < s->n_slots; i++) {
		if (s->open[i] != NULL)
			settle(s, s->open[i], false, now_ns);
		s->open[i] = NULL;
	}
	if (may_send(s, now_ns))
		statistics(s, now_ns);
}

void mr_ipfix_session_close(struct mr_ipfix_session *s, unsigned limit_ms,
			    struct mr_ipfix_collector_stats *ret)
{
	struct mr_ipfix_transport_stats ts;

	s->ops->close(s->transport, limit_ms, &ts);
	if (ret != NULL) {
		figures(s, &ts, ret);
		ret->connected = false;
	}
	session_free(s);
}
