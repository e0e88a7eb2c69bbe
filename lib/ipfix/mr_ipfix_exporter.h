/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/mr_err.h"
#include "flow/mr_flow_rec.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The exporting process (RFC 7011): flow records in, IPFIX messages out to collectors and files.
 * One exporter is used by one thread. Nothing here blocks for longer than a local system call, except
 * mr_ipfix_exporter_close(), which is bounded by its time limit.
 *
 * Records are collected in messages and messages in batches, so whether a record was taken is known only when
 * its batch is sent. Until then it is pending. A collector that isn't connected holds one batch (32 messages,
 * plus the half-filled ones); what doesn't fit is refused. All records of a flow go to the same collector in
 * mode balance while that one is up.
 */

enum mr_ipfix_profile { MR_IPFIX_COMPAT, MR_IPFIX_BIFLOW, MR_IPFIX_FULL, MR_IPFIX_PROFILE_MAX };
enum mr_ipfix_proto { MR_IPFIX_UDP, MR_IPFIX_TCP, MR_IPFIX_TLS, MR_IPFIX_FILE, MR_IPFIX_PROTO_MAX };
enum mr_ipfix_mode { MR_IPFIX_ALL, MR_IPFIX_FAILOVER, MR_IPFIX_BALANCE, MR_IPFIX_MODE_MAX };

#define MR_IPFIX_PORT	  4739
#define MR_IPFIX_TLS_PORT 4740

struct mr_ipfix_collector_conf {
	const char *name; /* for messages and metrics */
	enum mr_ipfix_proto proto;
	enum mr_ipfix_profile profile;
	const char *host; /* name or address; MR_IPFIX_FILE: unused */
	uint16_t port;
	const char *path; /* MR_IPFIX_FILE: the RFC 5655 file */
	uint16_t mtu; /* largest UDP payload, octets, 512..65504; default 1420 (fits a 1500 octet path with
			 tunnels) */
	uint32_t template_refresh_s;	/* UDP: templates at least this often; default 60 */
	uint32_t template_refresh_msgs; /* UDP: and after this many messages; default 4096 */
	uint32_t
		send_buffer; /* TCP/TLS: octets that may wait; beyond it records are refused; default 4 MiB */
	const char *tls_ca, *tls_cert,
		*tls_key;     /* PEM files; cert and key may be NULL (no client certificate) */
	const char *tls_name; /* name to verify in the peer's certificate; NULL: host */
};

struct mr_ipfix_exporter_conf {
	uint32_t odid;		    /* observation domain id; each exporter needs its own */
	uint64_t observation_point; /* observationPointId(138) */
	enum mr_ipfix_mode mode;    /* applies to network collectors; files always get everything */
	uint32_t stats_interval_s;  /* options records 321..323 at least this often; default 60 */
	uint8_t generation; /* configuration generation, 0..63: template ids start at 256 + 512 * generation
			     */
	const struct mr_ipfix_collector_conf
		*collectors; /* borrowed during open only, but for the names: kept */
	unsigned n_collectors;
	const char *const
		*interfaces; /* name of port i (ingress/egress index), for options 328; borrowed, kept */
	unsigned n_interfaces;
};

/** What the metering process knows, for options records 321 and 322. Totals since start. */
struct mr_ipfix_metering {
	uint64_t start_ns;	      /* UTC */
	uint64_t not_metered_packets; /* ignoredPacketTotalCount(164): by reason and losses together */
	uint64_t not_metered_octets;  /* ignoredOctetTotalCount(165), as far as known */
};

struct mr_ipfix_collector_stats {
	const char *name;
	bool connected;
	uint64_t records;  /* accepted by the transport, two per biflow in profile compat when both sides were
			      seen */
	uint64_t flows;	   /* flow records (struct mr_flow_rec) accepted */
	uint64_t packets;  /* packets in them */
	uint64_t messages; /* templates and options included */
	uint64_t octets;   /* of those messages */
	/* refused (queue full, not connected, send error), or lost with a connection that ended after
	 * accepting them; the latter are no longer in records, flows and packets */
	uint64_t not_sent_flows;
	uint64_t not_sent_packets;
	uint64_t not_sent_octets; /* as in octetDeltaCount */
	uint64_t lost_flows;	  /* of the not sent: accepted, then lost with the connection (TCP, TLS) */
	uint64_t lost_packets;
	uint64_t pending_flows; /* in messages that weren't sent yet */
	uint64_t pending_packets;
	uint64_t send_errors; /* by the kernel or peer: EMSGSIZE, ECONNREFUSED, ... */
	uint64_t reconnects;
};

/**
 * What became of the flow records given to mr_ipfix_exporter_put(), over all destinations. Always
 * given = exported + refused + pending; nothing is pending after close.
 */
struct mr_ipfix_totals {
	/* At least one destination took it. Where each flow has a single destination (one collector; failover
	 * or balance without a file), what a broken connection lost moves from here to refused, so it may
	 * fall. With several destinations such a loss is in the collector's figures only. */
	uint64_t exported_flows, exported_packets;
	uint64_t refused_flows, refused_packets; /* every destination refused it, or there is none */
	uint64_t pending_flows, pending_packets;
};

struct mr_ipfix_exporter;

/**
 * Resolve names, load certificates, open files and start connecting. A name that doesn't resolve, a file that
 * can't be made or a certificate that can't be read is an error here; a collector that is down is not.
 */
int mr_ipfix_exporter_open(const struct mr_ipfix_exporter_conf *conf, uint64_t now_ns,
			   struct mr_ipfix_exporter **ret_exp, struct mr_err *err);

/**
 * Encode @p n records for every destination; full batches are sent. Records are borrowed.
 * @param recs  each has at least one packet
 * @param now_ns  UTC (the capture's clock when reading one): Export Time and refresh timers follow it
 */
void mr_ipfix_exporter_put(struct mr_ipfix_exporter *exp, const struct mr_flow_rec *recs, unsigned n,
			   uint64_t now_ns);

/**
 * Send half-filled messages older than 200 ms, refresh templates and options, reconnect. Call it at least
 * every 100 ms, also with no traffic.
 */
void mr_ipfix_exporter_tick(struct mr_ipfix_exporter *exp, uint64_t now_ns,
			    const struct mr_ipfix_metering *metering);

/** Send everything that is half-filled now. */
void mr_ipfix_exporter_flush(struct mr_ipfix_exporter *exp, uint64_t now_ns);

void mr_ipfix_exporter_totals(const struct mr_ipfix_exporter *exp, struct mr_ipfix_totals *ret_totals);

/** One row a collector, in the order of the configuration; returns how many, at most @p max. */
unsigned mr_ipfix_exporter_stats(const struct mr_ipfix_exporter *exp,
				 struct mr_ipfix_collector_stats *ret_stats, unsigned max);

/**
 * Flush, last options records, wait up to @p limit_ms for connections and queued octets of TCP/TLS, close and
 * free.
 * @param ret_stats  NULL or room for every collector: the final figures (name stays valid: it is conf's)
 * @param ret_totals  NULL, or the final figures: nothing is pending any more
 */
void mr_ipfix_exporter_close(struct mr_ipfix_exporter *exp, uint64_t now_ns,
			     const struct mr_ipfix_metering *metering, unsigned limit_ms,
			     struct mr_ipfix_collector_stats *ret_stats, struct mr_ipfix_totals *ret_totals);

#ifdef __cplusplus
}
#endif
