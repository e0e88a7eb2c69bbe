/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_exporter.h"

#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "base/mr_hash.h"
#include "ipfix/mr_ipfix_exporter_priv.h"
#include "ipfix/mr_ipfix_session.h"

#define STATS_INTERVAL_DEFAULT_S 60
#define CONNECT_POLL_NS		 1000000 /* while closing */

struct mr_ipfix_exporter {
	struct mr_ipfix_common common;
	enum mr_ipfix_mode mode;
	unsigned n_sessions;
	unsigned n_network; /* of them, the others are files */
	struct mr_ipfix_session **sessions;
	struct mr_ipfix_session **network;
};

static int conf_check(const struct mr_ipfix_exporter_conf *conf, struct mr_err *err)
{
	const struct mr_ipfix_collector_conf *c = conf->collectors;

	if (conf->generation > 63)
		return mr_err_set(err, EINVAL, "generation %u: choose 0 to 63", conf->generation);
	if (conf->mode >= MR_IPFIX_MODE_MAX)
		return mr_err_set(err, EINVAL, "mode %d isn't one: choose all, failover or balance",
				  conf->mode);
	for (unsigned i = 0; i < conf->n_collectors; i++)
		for (unsigned k = 0; k < i; k++)
			if (c[i].proto == MR_IPFIX_FILE && c[k].proto == MR_IPFIX_FILE && c[i].path != NULL &&
			    c[k].path != NULL && strcmp(c[i].path, c[k].path) == 0)
				return mr_err_set(err, EINVAL,
						  "collectors %s and %s both write %s: give them two paths",
						  c[k].name, c[i].name, c[i].path);
	return 0;
}

static void exporter_free(struct mr_ipfix_exporter *exp)
{
	free(exp->common.ledger.entries);
	free(exp->common.ledger.free);
	free(exp->sessions);
	free(exp->network);
	free(exp);
}

/* Every record in a message has an entry, and one more is being decided on. */
static int ledger_make(struct mr_ipfix_exporter *exp, struct mr_err *err)
{
	struct mr_ipfix_ledger *l = &exp->common.ledger;
	uint32_t n = 1;

	for (unsigned i = 0; i < exp->n_sessions; i++)
		n += exp->sessions[i]->n_entries;
	l->entries = calloc(n, sizeof(*l->entries));
	l->free = calloc(n, sizeof(*l->free));
	if (l->entries == NULL || l->free == NULL)
		return mr_err_set(err, ENOMEM, "out of memory for %u flow records under way", n);
	while (l->n_free < n) {
		l->free[l->n_free] = n - 1 - l->n_free;
		l->n_free++;
	}
	return 0;
}

static int sessions_open(struct mr_ipfix_exporter *exp, const struct mr_ipfix_exporter_conf *conf,
			 const struct mr_ipfix_transport_ops *const *transports, struct mr_err *err)
{
	int rc;

	exp->sessions = calloc(conf->n_collectors + 1, sizeof(struct mr_ipfix_session *));
	exp->network = calloc(conf->n_collectors + 1, sizeof(struct mr_ipfix_session *));
	if (exp->sessions == NULL || exp->network == NULL)
		return mr_err_set(err, ENOMEM, "out of memory for %u collectors", conf->n_collectors);
	for (unsigned i = 0; i < conf->n_collectors; i++) {
		rc = mr_ipfix_session_open(&conf->collectors[i], &exp->common, transports, &exp->sessions[i],
					   err);
		if (rc != 0)
			return rc;
		exp->n_sessions++;
		if (exp->sessions[i]->network)
			exp->network[exp->n_network++] = exp->sessions[i];
	}
	return ledger_make(exp, err);
}

int mr_ipfix_exporter_open_with(const struct mr_ipfix_exporter_conf *conf,
				const struct mr_ipfix_transport_ops *const *transports, uint64_t now_ns,
				struct mr_ipfix_exporter **ret_exp, struct mr_err *err)
{
	uint32_t stats_interval_s =
		conf->stats_interval_s != 0 ? conf->stats_interval_s : STATS_INTERVAL_DEFAULT_S;
	struct mr_ipfix_exporter *exp;
	int rc = conf_check(conf, err);

	if (rc != 0)
		return rc;
	exp = calloc(1, sizeof(*exp));
	if (exp == NULL)
		return mr_err_set(err, ENOMEM, "out of memory for the exporter");
	exp->mode = conf->mode;
	exp->common.odid = conf->odid;
	exp->common.generation = conf->generation;
	exp->common.observation_point = conf->observation_point;
	exp->common.stats_interval_ns = stats_interval_s * MR_NS_PER_S;
	exp->common.interfaces = conf->interfaces;
	exp->common.n_interfaces = conf->n_interfaces;
	exp->common.metering.start_ns = now_ns;
	rc = sessions_open(exp, conf, transports, err);
	if (rc != 0) {
		for (unsigned i = 0; i < exp->n_sessions; i++)
			mr_ipfix_session_close(exp->sessions[i], 0, NULL);
		exporter_free(exp);
		return rc;
	}
	for (unsigned i = 0; i < exp->n_sessions; i++)
		mr_ipfix_session_poll(exp->sessions[i], now_ns);
	*ret_exp = exp;
	return 0;
}

int mr_ipfix_exporter_open(const struct mr_ipfix_exporter_conf *conf, uint64_t now_ns,
			   struct mr_ipfix_exporter **ret_exp, struct mr_err *err)
{
	return mr_ipfix_exporter_open_with(conf, mr_ipfix_transport_all, now_ns, ret_exp, err);
}

/* The collector of modes failover and balance: the first from @p start that is connected, else that one
 * itself. */
static struct mr_ipfix_session *first_up(const struct mr_ipfix_exporter *exp, unsigned start)
{
	for (unsigned i = 0; i < exp->n_network; i++) {
		struct mr_ipfix_session *s = exp->network[(start + i) % exp->n_network];

		if (s->up)
			return s;
	}
	return exp->network[start];
}

static struct mr_ipfix_session *choose(const struct mr_ipfix_exporter *exp, const struct mr_flow_rec *rec)
{
	if (exp->n_network == 0 || exp->mode == MR_IPFIX_ALL)
		return NULL;
	if (exp->mode == MR_IPFIX_FAILOVER)
		return first_up(exp, 0);
	/* flow ids are hashes, but only their maker knows of which bits */
	return first_up(
		exp,
		(unsigned)((mr_hash_fold(rec->flow_id ^ 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u) >> 32) %
			   exp->n_network));
}

void mr_ipfix_exporter_put(struct mr_ipfix_exporter *exp, const struct mr_flow_rec *recs, unsigned n,
			   uint64_t now_ns)
{
	struct mr_ipfix_ledger *ledger = &exp->common.ledger;

	for (unsigned i = 0; i < n; i++) {
		const struct mr_flow_rec *rec = &recs[i];
		uint32_t entry = mr_ipfix_ledger_add(ledger, rec->packets[0] + rec->packets[1]);
		const struct mr_ipfix_session *chosen = choose(exp, rec);

		for (unsigned k = 0; k < exp->n_sessions; k++) {
			struct mr_ipfix_session *s = exp->sessions[k];

			if (!s->network || exp->mode == MR_IPFIX_ALL || s == chosen)
				mr_ipfix_session_put(s, rec, entry, now_ns);
		}
		mr_ipfix_ledger_settle(ledger, entry, false); /* ours: nobody held it, nobody took it */
	}
}

static void metering_update(struct mr_ipfix_common *common, const struct mr_ipfix_metering *metering,
			    uint64_t now_ns)
{
	if (metering->not_metered_packets != common->metering.not_metered_packets) {
		if (common->ignored_first_ns == 0)
			common->ignored_first_ns = now_ns;
		common->ignored_last_ns = now_ns;
	}
	common->metering = *metering;
}

void mr_ipfix_exporter_tick(struct mr_ipfix_exporter *exp, uint64_t now_ns,
			    const struct mr_ipfix_metering *metering)
{
	metering_update(&exp->common, metering, now_ns);
	for (unsigned i = 0; i < exp->n_sessions; i++)
		mr_ipfix_session_tick(exp->sessions[i], now_ns);
}

void mr_ipfix_exporter_flush(struct mr_ipfix_exporter *exp, uint64_t now_ns)
{
	for (unsigned i = 0; i < exp->n_sessions; i++)
		mr_ipfix_session_flush(exp->sessions[i], now_ns);
}

unsigned mr_ipfix_exporter_stats(const struct mr_ipfix_exporter *exp,
				 struct mr_ipfix_collector_stats *ret_stats, unsigned max)
{
	unsigned n = exp->n_sessions < max ? exp->n_sessions : max;

	for (unsigned i = 0; i < n; i++)
		mr_ipfix_session_stats(exp->sessions[i], &ret_stats[i]);
	return n;
}

/* Each flow has one destination, so what that one lost is lost altogether. */
static bool single_destination(const struct mr_ipfix_exporter *exp)
{
	return exp->n_sessions == 1 || (exp->n_sessions == exp->n_network && exp->mode != MR_IPFIX_ALL);
}

static void totals_lose(struct mr_ipfix_totals *totals, const struct mr_ipfix_collector_stats *stats)
{
	totals->exported_flows -= stats->lost_flows;
	totals->exported_packets -= stats->lost_packets;
	totals->refused_flows += stats->lost_flows;
	totals->refused_packets += stats->lost_packets;
}

void mr_ipfix_exporter_totals(const struct mr_ipfix_exporter *exp, struct mr_ipfix_totals *ret_totals)
{
	struct mr_ipfix_collector_stats stats;

	*ret_totals = exp->common.ledger.totals;
	for (unsigned i = 0; single_destination(exp) && i < exp->n_sessions; i++) {
		mr_ipfix_session_stats(exp->sessions[i], &stats);
		totals_lose(ret_totals, &stats);
	}
}

/* Give collectors that still connect the time to do so, when records wait for them. */
static void connections_wait(struct mr_ipfix_exporter *exp, uint64_t now_ns, uint64_t deadline_mono_ns)
{
	const struct timespec pause = { .tv_nsec = CONNECT_POLL_NS };
	bool waits;

	do {
		waits = false;
		for (unsigned i = 0; i < exp->n_sessions; i++) {
			mr_ipfix_session_poll(exp->sessions[i], now_ns);
			waits |= mr_ipfix_session_waits(exp->sessions[i]);
		}
	} while (waits && mr_clock_mono_ns() < deadline_mono_ns && nanosleep(&pause, NULL) == 0);
}

void mr_ipfix_exporter_close(struct mr_ipfix_exporter *exp, uint64_t now_ns,
			     const struct mr_ipfix_metering *metering, unsigned limit_ms,
			     struct mr_ipfix_collector_stats *ret_stats, struct mr_ipfix_totals *ret_totals)
{
	uint64_t deadline_ns = mr_clock_mono_ns() + limit_ms * MR_NS_PER_MS;
	bool single = single_destination(exp);
	struct mr_ipfix_totals totals;

	metering_update(&exp->common, metering, now_ns);
	connections_wait(exp, now_ns, deadline_ns);
	for (unsigned i = 0; i < exp->n_sessions; i++)
		mr_ipfix_session_finish(exp->sessions[i], now_ns);
	totals = exp->common.ledger.totals;
	for (unsigned i = 0; i < exp->n_sessions; i++) {
		uint64_t mono_ns = mr_clock_mono_ns();
		uint64_t left_ns = deadline_ns > mono_ns ? deadline_ns - mono_ns : 0;
		struct mr_ipfix_collector_stats stats;

		mr_ipfix_session_close(exp->sessions[i], (unsigned)(left_ns / MR_NS_PER_MS), &stats);
		if (single)
			totals_lose(&totals, &stats);
		if (ret_stats != NULL)
			ret_stats[i] = stats;
	}
	if (ret_totals != NULL)
		*ret_totals = totals;
	exporter_free(exp);
}
