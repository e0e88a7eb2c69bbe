/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/mr_err.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The configuration: a YAML file to a plain struct, every key judged by one schema table. The values are what
 * the file says, not a plan: "auto" stays auto, and nothing here looks at the host.
 * Durations are milliseconds, sizes are octets. Thread: control; a loaded configuration may be read by any.
 */

#define MR_CONFIG_FILE_MAX	 (1u << 20) /* octets in a file */
#define MR_CONFIG_PORTS_MAX	 32
#define MR_CONFIG_COLLECTORS_MAX 16
#define MR_CONFIG_CPUS_MAX	 128 /* CPUs in a list */
#define MR_CONFIG_CPU_ID_MAX	 1023
#define MR_CONFIG_CPU_AUTO	 (-1)

enum mr_config_choice { MR_CONFIG_AUTO, MR_CONFIG_NO, MR_CONFIG_YES, MR_CONFIG_CHOICE_MAX };
enum mr_config_hugepages {
	MR_CONFIG_HUGEPAGES_AUTO,
	MR_CONFIG_HUGEPAGES_REQUIRED,
	MR_CONFIG_HUGEPAGES_OFF,
	MR_CONFIG_HUGEPAGES_MAX
};
enum mr_config_power { MR_CONFIG_POWER_POLL, MR_CONFIG_POWER_SAVE, MR_CONFIG_POWER_MAX };
enum mr_config_role { MR_CONFIG_TAP, MR_CONFIG_PAIR, MR_CONFIG_ROLE_MAX };
enum mr_config_timestamps {
	MR_CONFIG_TIMESTAMPS_AUTO,
	MR_CONFIG_TIMESTAMPS_NIC,
	MR_CONFIG_TIMESTAMPS_SOFTWARE,
	MR_CONFIG_TIMESTAMPS_MAX
};
enum mr_config_tunnels {
	MR_CONFIG_TUNNELS_OUTER,
	MR_CONFIG_TUNNELS_INNER,
	MR_CONFIG_TUNNELS_BOTH,
	MR_CONFIG_TUNNELS_MAX
};
enum mr_config_mode { MR_CONFIG_ALL, MR_CONFIG_FAILOVER, MR_CONFIG_BALANCE, MR_CONFIG_MODE_MAX };
enum mr_config_transport { MR_CONFIG_UDP, MR_CONFIG_TCP, MR_CONFIG_TLS, MR_CONFIG_TRANSPORT_MAX };
enum mr_config_profile { MR_CONFIG_COMPAT, MR_CONFIG_BIFLOW, MR_CONFIG_FULL, MR_CONFIG_PROFILE_MAX };

struct mr_config_probe {
	const char *name; /* NULL: the host's name */
	uint32_t observation_domain;
	uint64_t observation_point; /* 0: not exported */
	uint32_t log_level;	    /* enum mr_log_level */
};

struct mr_config_cpus {
	uint16_t v[MR_CONFIG_CPUS_MAX]; /* ascending, no CPU twice */
	unsigned n;			/* 0: auto */
};

struct mr_config_cores {
	int32_t main; /* CPU or MR_CONFIG_CPU_AUTO, as exporter */
	int32_t exporter;
	struct mr_config_cpus workers;
	uint32_t worker_count; /* 0: as many as the plan finds room for; only with workers auto */
	enum mr_config_choice allow_shared;
	enum mr_config_power power;
};

struct mr_config_memory {
	enum mr_config_hugepages hugepages;
	uint64_t per_node; /* octets, 0: auto */
};

struct mr_config_port {
	const char *name; /* never NULL after loading */
	const char *device;
	const char *peer; /* name of the other port of a pair, else NULL */
	enum mr_config_role role;
	enum mr_config_timestamps timestamps;
	uint16_t queues; /* 0: auto, as the next three */
	uint16_t rx_descriptors;
	uint16_t mtu;
	uint32_t mbufs;
	bool promiscuous;
};

struct mr_config_flow {
	uint32_t max_flows; /* of the probe, divided over the workers */
	uint32_t ipv6_percent;
	uint32_t idle_timeout_ms;
	uint32_t active_timeout_ms;
	uint32_t tcp_linger_ms;
	uint32_t fragment_timeout_ms;
	uint32_t max_fragments; /* per worker */
	bool vlan_in_key;
	bool port_in_key;
};

/** Sizes are octets; memory is each worker's. */
struct mr_config_inspect {
	bool tcp;
	bool applications;
	uint32_t depth; /* of a flow */
	uint64_t memory;
	uint64_t values_memory;
	uint16_t value_max;
	uint16_t uri_max;
	uint16_t flow_values_max;
	enum mr_config_tunnels tunnels;
	uint32_t tunnel_depth;
	uint32_t tunnel_percent; /* of the flows */
	/* one more UDP port each; 0: none */
	uint16_t vxlan_port, vxlan_gpe_port, geneve_port, gtpu_port, l2tp_port, teredo_port, mpls_port, tzsp_port;
};

struct mr_config_tls {
	const char *ca, *certificate, *key; /* PEM files or NULL */
	const char *server_name;	    /* NULL: the collector's host */
};

struct mr_config_collector {
	const char *name; /* never NULL after loading */
	const char *host;
	enum mr_config_transport transport;
	enum mr_config_profile profile;
	uint16_t port; /* never 0 after loading */
	uint16_t mtu;
	uint32_t template_refresh_ms; /* whole seconds */
	uint32_t template_refresh_messages;
	uint32_t send_buffer; /* octets */
	struct mr_config_tls tls;
};

struct mr_config_export {
	enum mr_config_mode mode;
	uint32_t stats_interval_ms; /* whole seconds */
	struct mr_config_collector *collectors;
	unsigned n_collectors;
	const char *file; /* RFC 5655 file or NULL */
	enum mr_config_profile file_profile;
	const char *jsonl; /* or NULL */
};

struct mr_config_telemetry {
	uint32_t stats_interval_ms; /* 0: off */
};

/**
 * Plain data: the program may change fields after loading and point strings at its own memory. Strings and
 * lists that were loaded live until mr_config_free().
 */
struct mr_config {
	struct mr_config_probe probe;
	struct mr_config_cores cores;
	struct mr_config_memory memory;
	struct mr_config_port *ports;
	unsigned n_ports;
	struct mr_config_flow flow;
	struct mr_config_inspect inspect;
	struct mr_config_export export_;
	struct mr_config_telemetry telemetry;
	struct mr_config_source *source; /* owns the memory, knows the lines */
};

#define MR_CONFIG_ERRORS_MAX	 64
#define MR_CONFIG_ERROR_TEXT_MAX 512

struct mr_config_error {
	unsigned line;			     /* 0: not about one line */
	bool warning;			     /* odd, but it can run */
	char text[MR_CONFIG_ERROR_TEXT_MAX]; /* "FILE:LINE: key.path: what is wrong; what is allowed" */
};

/** What was found, in the order of the file for each step. Zeroed by the caller; the steps append. */
struct mr_config_errors {
	unsigned n;	   /* entries of list */
	unsigned n_errors; /* all found, also those that list had no room for */
	unsigned n_warnings;
	struct mr_config_error list[MR_CONFIG_ERRORS_MAX];
};

/** The defaults, no ports, no collectors; NULL and errno ENOMEM when memory is out. */
struct mr_config *mr_config_defaults(void);

/**
 * Read a file. All faults are collected, not only the first.
 * Errors, with at least one entry in @p errors: -EINVAL, -EFBIG, -ENOMEM or what opening it said.
 */
int mr_config_load(const char *path, struct mr_config **ret, struct mr_config_errors *errors);

/** The same for text in memory; @p name stands for the file in messages. */
int mr_config_parse(const char *text, size_t len, const char *name, struct mr_config **ret,
		    struct mr_config_errors *errors);

/**
 * Change one key that isn't in a list: @p setting is "flow.idle_timeout=60s", read as in a file.
 * Errors: -EINVAL with a line that names the key and what it allows, -ENOMEM.
 */
int mr_config_set(struct mr_config *cfg, const char *setting, struct mr_err *err);

/** NULL is fine. */
void mr_config_free(struct mr_config *cfg);

/**
 * Judge what no key can say alone (pairs, duplicates, contradictions), as `run` needs it. Looks at nothing
 * but
 * @p cfg. Returns -EINVAL when there are errors; with warnings only, 0.
 */
int mr_config_check(const struct mr_config *cfg, struct mr_config_errors *errors);

/** Judge a reload: -EINVAL and an error for every key that changed and isn't reloadable. */
int mr_config_check_reload(const struct mr_config *running, const struct mr_config *wanted,
			   struct mr_config_errors *errors);

/** Line of the file that set a field of @p cfg (its address), else 0. */
unsigned mr_config_line(const struct mr_config *cfg, const void *field);

/** One line each, with "warning: " before warnings, then how many more there were. */
void mr_config_errors_print(const struct mr_config_errors *errors, FILE *out);

/** The whole configuration as YAML that loads to the same values. */
void mr_config_dump(const struct mr_config *cfg, FILE *out);

/** The reference manual in Markdown: docs/config.md. */
void mr_config_doc(FILE *out);

/** All keys for --help: one line each with what is allowed and the default. */
void mr_config_keys(FILE *out);

#ifdef __cplusplus
}
#endif
