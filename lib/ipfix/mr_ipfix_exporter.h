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
 */

enum mr_ipfix_profile { MR_IPFIX_COMPAT, MR_IPFIX_BIFLOW, MR_IPFIX_FULL, MR_IPFIX_PROFILE_MAX };
enum mr_ipfix_proto { MR_IPFIX_UDP, MR_IPFIX_TCP, MR_IPFIX_TLS, MR_IPFIX_FILE, MR_IPFIX_PROTO_MAX };
enum mr_ipfix_mode { MR_IPFIX_ALL, MR_IPFIX_FAILOVER, MR_IPFIX_BALANCE, MR_IPFIX_MODE_MAX };

#define MR_IPFIX_PORT     4739
#define MR_IPFIX_TLS_PORT 4740

struct mr_ipfix_collector_conf {
	const char *name; /* for messages and metrics */
	enum mr_ipfix_proto proto;
	enum mr_ipfix_profile profile;
	const char *host; /* name or address; MR_IPFIX_FILE: unused */
	uint16_t port;
	const char *path; /* MR_IPFIX_FILE: the RFC 5655 file */
	uint16_t mtu; /* largest UDP payload, octets; default 1420 (fits a 1500 octet path with tunnels) */
	uint32_t template_refresh_s; /* UDP: templates at least this often; default 60 */
	uint32_t template_refresh_msgs; /* UDP: and after this many messages; default 4096 */
	uint32_t send_buffer; /* TCP/TLS: octets that may wait; beyond it records are refused; default 4 MiB */
	const char *tls_ca, *tls_cert, *tls_key; /* PEM files; cert and key may be NULL (no client certificate) */
	const char *tls_name; /* name to verify in the peer's certificate; NULL: host */
};

struct mr_ipfix_exporter_conf {
	uint32_t odid; /* observation domain id; each exporter needs its own */
	uint64_t observation_point; /* observationPointId(138) */
	enum mr_ipfix_mode mode; /* applies to network collectors; files always get everything */
	uint32_t stats_interval_s; /* options records 321..323 at least this often; default 60 */
	uint8_t generation; /* configuration generation, 0..63: template ids start at 256 + 128 * generation */
	const struct mr_ipfix_collector_conf *collectors; /* borrowed during open only */
	unsigned n_collectors;
	const char *const *interfaces; /* name of port i (ingress/egress index), for options 328; borrowed, kept */
	unsigned n_interfaces;
};

/** What the metering process knows, for options records 321 and 322. Totals since start. */
struct mr_ipfix_metering {
	uint64_t start_ns; /* UTC */
	uint64_t not_metered_packets; /* ignoredPacketTotalCount(164): by reason and losses together */
	uint64_t not_metered_octets; /* ignoredOctetTotalCount(165), as far as known */
};

struct mr_ipfix_collector_stats {
	const char *name;
	bool connected;
	uint64_t records; /* accepted by the transport, two per biflow in profile compat when both sides were seen */
	uint64_t flows; /* flow records (struct mr_flow_rec) accepted */
	uint64_t packets; /* packets in them */
	uint64_t messages;
	uint64_t octets;
	uint64_t not_sent_flows; /* refused: queue full, not connected, send error, message too big */
	uint64_t not_sent_packets;
	uint64_t send_errors; /* by the kernel or peer: EMSGSIZE, ECONNREFUSED, ... */
	uint64_t reconnects;
};

struct mr_ipfix_exporter;

/**
 * Resolve names, load certificates, open files and start connecting. A name that doesn't resolve, a file that
 * can't be made or a certificate that can't be read is an error here; a collector that is down is not.
 */
int mr_ipfix_exporter_open(const struct mr_ipfix_exporter_conf *conf, uint64_t now_ns,
			   struct mr_ipfix_exporter **ret_exp, struct mr_err *err);

/**
 * Encode @p n records for every destination; full messages are sent. Records are borrowed.
 * @param now_ns  UTC (the capture's clock when reading one): Export Time and refresh timers follow it
 * @param ret_accepted  accepted[i] is true when at least one destination took recs[i]
 */
void mr_ipfix_exporter_put(struct mr_ipfix_exporter *exp, const struct mr_flow_rec *recs, unsigned n, uint64_t now_ns,
			   bool *ret_accepted);

/**
 * Send half-filled messages older than 200 ms, refresh templates and options, reconnect. Call it at least
 * every 100 ms, also with no traffic.
 */
void mr_ipfix_exporter_tick(struct mr_ipfix_exporter *exp, uint64_t now_ns, const struct mr_ipfix_metering *metering);

/** Send everything that is half-filled now. */
void mr_ipfix_exporter_flush(struct mr_ipfix_exporter *exp, uint64_t now_ns);

unsigned mr_ipfix_exporter_stats(const struct mr_ipfix_exporter *exp, struct mr_ipfix_collector_stats *ret_stats,
				 unsigned max);

/**
 * Last options records, flush, wait up to @p limit_ms for queued octets of TCP/TLS, close everything.
 * @param ret_stats  NULL or room for every collector: the final figures (name stays valid: it is conf's)
 */
void mr_ipfix_exporter_close(struct mr_ipfix_exporter *exp, uint64_t now_ns, const struct mr_ipfix_metering *metering,
			     unsigned limit_ms, struct mr_ipfix_collector_stats *ret_stats);

#ifdef __cplusplus
}
#endif
