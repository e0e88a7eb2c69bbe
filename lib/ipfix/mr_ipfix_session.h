/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ipfix/mr_ipfix_control.h"
#include "ipfix/mr_ipfix_exporter.h"
#include "ipfix/mr_ipfix_layout.h"
#include "ipfix/mr_ipfix_ledger.h"
#include "ipfix/mr_ipfix_tail.h"
#include "ipfix/mr_ipfix_transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * One collector of an exporter: its layouts, the messages being filled, sequence number and figures.
 *
 * Each template fills a message of its own, so that records of different families don't cut each other's sets
 * short. Templates of records with details are announced when the first such record comes. Full messages wait
 * until a batch is complete; sequence number and Export Time are written when it is sent.
 */

#define MR_IPFIX_BATCH_MSGS	32
#define MR_IPFIX_MTU_DEFAULT	1420
#define MR_IPFIX_MTU_MIN	512
#define MR_IPFIX_MTU_MAX	65504
#define MR_IPFIX_STREAM_MSG_LEN 8192	     /* TCP, TLS, file: no path to fit */
#define MR_IPFIX_LINGER_NS	200000000ull /* a half-filled message waits no longer */

/** What all collectors of an exporter have in common. Owned by the exporter. */
struct mr_ipfix_common {
	uint32_t odid;
	uint8_t generation;
	uint64_t observation_point;
	uint64_t stats_interval_ns;
	const char *const *interfaces;
	unsigned n_interfaces;
	struct mr_ipfix_metering metering; /* as of the last tick */
	uint64_t ignored_first_ns,
		ignored_last_ns; /* when packets were first and last seen to be not metered */
	struct mr_ipfix_ledger ledger;
};

struct mr_ipfix_msg {
	uint8_t *data;
	uint32_t len;
	struct mr_ipfix_load load;
	uint32_t *entries; /* in the ledger, load.flows of them */
};

struct mr_ipfix_session {
	struct mr_ipfix_common *common;
	const char *name;
	enum mr_ipfix_profile profile;
	bool network; /* not a file */
	bool up;
	bool described; /* this connection has its templates */
	bool stats_due;
	uint64_t refresh_ns; /* 0: templates once per connection */
	uint32_t refresh_msgs;
	uint32_t msgs_since_description;
	uint64_t described_ns, stats_ns;
	uint64_t oldest_ns; /* when the first record of what is unsent came, 0: nothing is unsent */

	const struct mr_ipfix_transport_ops *ops;
	struct mr_ipfix_transport *transport;
	uint32_t connection; /* the transport's generation */
	uint32_t sequence;   /* data records sent on this connection */

	uint32_t msg_max; /* octets, multiple of 4 */
	struct mr_ipfix_msg *open[MR_IPFIX_SLOTS];
	struct mr_ipfix_msg *ready[MR_IPFIX_BATCH_MSGS];
	unsigned n_ready;
	struct mr_ipfix_msg *unused[MR_IPFIX_BATCH_MSGS + MR_IPFIX_SLOTS];
	unsigned n_unused;
	struct mr_ipfix_msg msgs[MR_IPFIX_BATCH_MSGS + MR_IPFIX_SLOTS];
	uint8_t *data;	    /* of all messages, and one for templates and options */
	uint32_t *entries;  /* of all messages */
	uint32_t n_entries; /* how many these are */

	struct mr_ipfix_collector_stats stats; /* without what the transport counts */
	uint64_t not_sent_first_ns, not_sent_last_ns, lost_flows;

	unsigned n_layouts;
	struct mr_ipfix_layout layout[MR_IPFIX_LAYOUTS_MAX];
	unsigned n_slots;
	uint8_t use[MR_IPFIX_SLOTS];  /* enum mr_ipfix_use */
	bool news;		      /* a slot is MR_IPFIX_NEW */
	struct mr_ipfix_tails *tails; /* NULL: details aren't exported */
};

/** @param transports  by enum mr_ipfix_proto, NULL where there is none */
int mr_ipfix_session_open(const struct mr_ipfix_collector_conf *conf, struct mr_ipfix_common *common,
			  const struct mr_ipfix_transport_ops *const *transports,
			  struct mr_ipfix_session **ret, struct mr_err *err);

/** Put the record in a message and hold its ledger entry, or count it as not sent. */
void mr_ipfix_session_put(struct mr_ipfix_session *s, const struct mr_flow_rec *rec, uint32_t entry,
			  uint64_t now_ns);

/** Ask the transport how it is. */
void mr_ipfix_session_poll(struct mr_ipfix_session *s, uint64_t now_ns);

/** Templates, options and old half-filled messages that are due. */
void mr_ipfix_session_tick(struct mr_ipfix_session *s, uint64_t now_ns);

/** Send all, half-filled messages included, when connected. */
void mr_ipfix_session_flush(struct mr_ipfix_session *s, uint64_t now_ns);

/** Something waits for a connection. */
bool mr_ipfix_session_waits(const struct mr_ipfix_session *s);

void mr_ipfix_session_stats(const struct mr_ipfix_session *s, struct mr_ipfix_collector_stats *ret);

/** Last statistics; what can't be sent is settled as refused. */
void mr_ipfix_session_finish(struct mr_ipfix_session *s, uint64_t now_ns);

/** Close the transport, waiting up to @p limit_ms, and free. @param ret  NULL or the final figures */
void mr_ipfix_session_close(struct mr_ipfix_session *s, unsigned limit_ms,
			    struct mr_ipfix_collector_stats *ret);

#ifdef __cplusplus
}
#endif
