/* SPDX-License-Identifier: Apache-2.0 */
/* Every key, once. Parser, checks, defaults, messages, --help and docs/config.md all come from these rows. */
#include "base/mr_log.h"
#include "config/mr_config_priv.h"

#define ROW(key_, type_, struct_, member_)                                                                   \
	.key = key_, .type = MR_CONFIG_T_##type_, .offset = offsetof(struct struct_, member_),               \
	.size = sizeof(((struct struct_ *)0)->member_)
#define SECTION(struct_, rows_)                                                                              \
	{                                                                                                    \
		(rows_), sizeof(rows_) / sizeof((rows_)[0]), sizeof(struct struct_)                          \
	}

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define S   1000ULL /* ms */
#define H   (3600 * S)

#define PATH_LEN_MAX 1023

static const char *const log_levels[] = { "error", "warning", "notice", "info", "debug", NULL };
static const char *const hugepages[] = { "auto", "required", "off", NULL };
static const char *const powers[] = { "poll", "save", NULL };
static const char *const roles[] = { "tap", "pair", NULL };
static const char *const timestamps[] = { "auto", "nic", "software", NULL };
static const char *const tunnels[] = { "outer", "inner", "both", NULL };
static const char *const modes[] = { "all", "failover", "balance", NULL };
static const char *const transports[] = { "udp", "tcp", "tls", NULL };
static const char *const profiles[] = { "compat", "biflow", "full", NULL };

#define WORDS_MATCH(words, max)                                                                              \
	_Static_assert(sizeof(words) / sizeof((words)[0]) == (max) + 1, "a word for each value")
WORDS_MATCH(log_levels, MR_LOG_LEVEL_MAX);
WORDS_MATCH(hugepages, MR_CONFIG_HUGEPAGES_MAX);
WORDS_MATCH(powers, MR_CONFIG_POWER_MAX);
WORDS_MATCH(roles, MR_CONFIG_ROLE_MAX);
WORDS_MATCH(timestamps, MR_CONFIG_TIMESTAMPS_MAX);
WORDS_MATCH(tunnels, MR_CONFIG_TUNNELS_MAX);
WORDS_MATCH(modes, MR_CONFIG_MODE_MAX);
WORDS_MATCH(transports, MR_CONFIG_TRANSPORT_MAX);
WORDS_MATCH(profiles, MR_CONFIG_PROFILE_MAX);

/* clang-format off */
static const struct mr_config_row probe_rows[] = {
	{ ROW("name", STRING, mr_config_probe, name), .min = 1, .max = 63, .def_doc = "the host's name",
	  .doc = "What the probe calls itself in logs, metrics and events." },
	{ ROW("observation_domain", UINT, mr_config_probe, observation_domain), .min = 1, .max = UINT32_MAX, .def = "1",
	  .doc = "Observation Domain ID of the IPFIX messages (RFC 7011 section 3.1). Every probe that sends to the "
	         "same collector needs its own." },
	{ ROW("observation_point", UINT, mr_config_probe, observation_point), .min = 0, .max = UINT64_MAX, .def = "0",
	  .doc = "observationPointId (element 138) of the exported records: where in the network the probe listens." },
	{ ROW("log_level", WORD, mr_config_probe, log_level), .words = log_levels, .def = "notice", .reloadable = true,
	  .doc = "Log lines less severe than this are dropped." },
};

static const struct mr_config_row cores_rows[] = {
	{ ROW("main", CPU, mr_config_cores, main), .def = "auto",
	  .doc = "CPU of the control thread: configuration, signals, telemetry." },
	{ ROW("workers", CPUS, mr_config_cores, workers), .def = "auto",
	  .doc = "CPUs that take packets, one worker each, polled without pause. Choose them on the NIC's NUMA node, "
	         "without hyperthread siblings and isolated from the scheduler. A YAML list works too." },
	{ ROW("worker_count", UINT, mr_config_cores, worker_count), .min = 1, .max = MR_CONFIG_CPUS_MAX, .zero = "auto",
	  .def = "auto", .doc = "How many workers the plan makes while `workers` is auto." },
	{ ROW("exporter", CPU, mr_config_cores, exporter), .def = "auto",
	  .doc = "CPU of the exporter: IPFIX encoding and sockets." },
	{ ROW("allow_shared", CHOICE, mr_config_cores, allow_shared), .def = "auto",
	  .doc = "May roles share a CPU? auto: only when the host has too few. A worker that shares its CPU loses "
	         "packets at rates which it could take alone." },
	{ ROW("power", WORD, mr_config_cores, power), .words = powers, .def = "poll",
	  .doc = "poll: workers poll without pause, for the highest rates and the exactest times. save: a worker that finds "
	         "no packets waits until its ports wake it or, where they can't, sleeps for at most what a quarter of the "
	         "shortest `rx_descriptors` holds at 1 Mpps; an idle one takes a few percent of its CPU." },
};

static const struct mr_config_row memory_rows[] = {
	{ ROW("hugepages", WORD, mr_config_memory, hugepages), .words = hugepages, .def = "auto",
	  .doc = "required: refuse to start without hugepages. auto: use them when there are any. off: never; enough "
	         "for a laboratory, but slower, as the flow table then misses the TLB." },
	{ ROW("per_node_mb", SIZE, mr_config_memory, per_node), .min = 64 * MIB, .max = 1024 * GIB, .unit = "MiB",
	  .zero = "auto", .def = "auto",
	  .doc = "Memory to take on each NUMA node that has a role; a bare number is MiB. auto: as the flow tables and "
	         "packet buffers need." },
};

static const struct mr_config_row port_rows[] = {
	{ ROW("name", STRING, mr_config_port, name), .min = 1, .max = 63, .def_doc = "port0, port1, ... in order",
	  .doc = "What the port is called in messages, metrics and exported interface names." },
	{ ROW("device", STRING, mr_config_port, device), .min = 1, .max = PATH_LEN_MAX, .required = true,
	  .doc = "What to open: a PCI address (0000:3b:00.0), a network interface (eth1), a DPDK virtual device "
	         "(net_af_xdp0,iface=eth1), a capture (replay:FILE) or made-up traffic (synth:...)." },
	{ ROW("role", WORD, mr_config_port, role), .words = roles, .def = "tap",
	  .doc = "tap: packets are only received (TAP, SPAN). pair: inline, what comes in leaves on the peer port." },
	{ ROW("peer", STRING, mr_config_port, peer), .min = 1, .max = 63, .def_doc = "none",
	  .doc = "Name of the other port of a pair. Both ports name each other." },
	{ ROW("queues", UINT, mr_config_port, queues), .min = 1, .max = MR_CONFIG_CPUS_MAX, .zero = "auto", .def = "auto",
	  .doc = "Receive queues, at most one a worker. auto: one for every worker." },
	{ ROW("rx_descriptors", UINT, mr_config_port, rx_descriptors), .min = 64, .max = 32768, .zero = "auto",
	  .def = "auto", .doc = "Length of each receive queue in packets. More rides out longer stalls, and costs cache." },
	{ ROW("mbufs", COUNT, mr_config_port, mbufs), .min = 1024, .max = 16777216, .zero = "auto", .def = "auto",
	  .doc = "Packet buffers of the port. auto: by queues and descriptors." },
	{ ROW("mtu", UINT, mr_config_port, mtu), .min = 68, .max = 65535, .zero = "auto", .def = "auto",
	  .doc = "Largest IP packet to receive, octets. auto: as the device is set." },
	{ ROW("promiscuous", BOOL, mr_config_port, promiscuous), .def = "true",
	  .doc = "Receive frames for every destination address, as TAP, SPAN and inline need it." },
	{ ROW("timestamps", WORD, mr_config_port, timestamps), .words = timestamps, .def = "auto",
	  .doc = "Time of a packet: the NIC's (nic; refused when it has none), the worker's clock at each burst "
	         "(software), or the best that the port offers (auto)." },
};

static const struct mr_config_row flow_rows[] = {
	{ ROW("max_flows", COUNT, mr_config_flow, max_flows), .min = 1024, .max = 1000000000, .def = "1M",
	  .doc = "Flows that the probe holds at once, divided over the workers. Beyond it closed and one-packet flows "
	         "leave early (flowEndReason 5, counted)." },
	{ ROW("ipv6_percent", UINT, mr_config_flow, ipv6_percent), .min = 0, .max = 100, .def = "50",
	  .doc = "Share of the flows that can be IPv6, whose records are larger, in percent." },
	{ ROW("idle_timeout", DURATION, mr_config_flow, idle_timeout_ms), .min = 100, .max = 24 * H, .unit = "s",
	  .def = "30s", .reloadable = true, .doc = "A flow ends after this long without a packet (flowEndReason 1)." },
	{ ROW("active_timeout", DURATION, mr_config_flow, active_timeout_ms), .min = 100, .max = 24 * H, .unit = "s",
	  .def = "300s", .reloadable = true,
	  .doc = "A flow that goes on is reported at least this often (flowEndReason 2). Together with `idle_timeout` "
	         "at most 36h." },
	{ ROW("tcp_linger", DURATION, mr_config_flow, tcp_linger_ms), .min = 0, .max = 60 * S, .unit = "s", .def = "1s",
	  .reloadable = true,
	  .doc = "How long a TCP flow waits for stragglers after FIN in both directions or RST (flowEndReason 3)." },
	{ ROW("fragment_timeout", DURATION, mr_config_flow, fragment_timeout_ms), .min = 1 * S, .max = 120 * S,
	  .unit = "s", .def = "30s", .reloadable = true,
	  .doc = "How long the ports of a datagram's first fragment are remembered for the others." },
	{ ROW("max_fragments", COUNT, mr_config_flow, max_fragments), .min = 64, .max = 16777216, .def = "16384",
	  .doc = "Fragmented datagrams that each worker remembers at once." },
	{ ROW("vlan_in_key", BOOL, mr_config_flow, vlan_in_key), .def = "true",
	  .doc = "Packets of different VLANs belong to different flows." },
	{ ROW("port_in_key", BOOL, mr_config_flow, port_in_key), .def = "false",
	  .doc = "Packets of different ports belong to different flows. Keep it false where the two directions of a "
	         "link arrive on two ports." },
};

static const struct mr_config_row inspect_rows[] = {
	{ ROW("tcp", BOOL, mr_config_inspect, tcp), .def = "true",
	  .doc = "TCP performance of each connection: round trips, response time, retransmissions, state." },
	{ ROW("applications", BOOL, mr_config_inspect, applications), .def = "true",
	  .doc = "Find out the application of each flow by its content, and what its messages say: names, addresses, "
	         "versions." },
	{ ROW("depth", SIZE, mr_config_inspect, depth), .min = 1 * KIB, .max = 1 * GIB, .unit = "B", .def = "256KiB",
	  .doc = "Payload of a flow, both directions together, that is looked at." },
	{ ROW("memory", SIZE, mr_config_inspect, memory), .min = 1 * MIB, .max = 64 * GIB, .unit = "B", .def = "64MiB",
	  .doc = "Memory of each worker for flows while they are inspected; beyond it flows are not, and counted." },
	{ ROW("values_memory", SIZE, mr_config_inspect, values_memory), .min = 1 * MIB, .max = 64 * GIB, .unit = "B",
	  .def = "64MiB", .doc = "Memory of each worker for what was found, until its record has left." },
	{ ROW("value_max", SIZE, mr_config_inspect, value_max), .min = 16, .max = 4096, .unit = "B", .def = "256",
	  .doc = "Longest value; the rest is cut, and the record says so." },
	{ ROW("uri_max", SIZE, mr_config_inspect, uri_max), .min = 16, .max = 4096, .unit = "B", .def = "1024",
	  .doc = "The same for URIs." },
	{ ROW("flow_values_max", SIZE, mr_config_inspect, flow_values_max), .min = 64, .max = 65535, .unit = "B",
	  .def = "2048", .doc = "All values of a record together, with 6 octets for each." },
	{ ROW("tunnels", WORD, mr_config_inspect, tunnels), .words = tunnels, .def = "inner",
	  .doc = "What is a flow where packets are in tunnels (VXLAN, Geneve, GRE, GTP-U, IP in IP, MPLS, PPPoE ...)? "
	         "outer: the tunnel. inner: what is in it, by its addresses and its VNI. both: and by the tunnel's ends." },
	{ ROW("tunnel_depth", UINT, mr_config_inspect, tunnel_depth), .min = 1, .max = 4, .def = "4",
	  .doc = "Tunnels within tunnels that are opened." },
	{ ROW("tunnel_percent", UINT, mr_config_inspect, tunnel_percent), .min = 1, .max = 100, .def = "25",
	  .doc = "Share of the flows that can be in tunnels, which take memory of their own, in percent." },
	{ ROW("vxlan_port", UINT, mr_config_inspect, vxlan_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of VXLAN, besides 4789 and 8472." },
	{ ROW("vxlan_gpe_port", UINT, mr_config_inspect, vxlan_gpe_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of VXLAN-GPE, besides 4790." },
	{ ROW("geneve_port", UINT, mr_config_inspect, geneve_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of Geneve, besides 6081." },
	{ ROW("gtpu_port", UINT, mr_config_inspect, gtpu_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of GTP-U, besides 2152." },
	{ ROW("l2tp_port", UINT, mr_config_inspect, l2tp_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of L2TP, besides 1701." },
	{ ROW("teredo_port", UINT, mr_config_inspect, teredo_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of Teredo, besides 3544." },
	{ ROW("mpls_port", UINT, mr_config_inspect, mpls_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of MPLS in UDP, besides 6635." },
	{ ROW("tzsp_port", UINT, mr_config_inspect, tzsp_port), .min = 1, .max = 65535, .zero = "none", .def = "none",
	  .doc = "One more UDP port of TZSP, besides 37008." },
};

static const struct mr_config_row tls_rows[] = {
	{ ROW("ca", STRING, mr_config_tls, ca), .min = 1, .max = PATH_LEN_MAX, .def_doc = "none; needed for tls",
	  .doc = "PEM file with the authorities that may have signed the collector's certificate." },
	{ ROW("certificate", STRING, mr_config_tls, certificate), .min = 1, .max = PATH_LEN_MAX, .def_doc = "none",
	  .doc = "PEM file with the probe's own certificate chain, for collectors that ask for one." },
	{ ROW("key", STRING, mr_config_tls, key), .min = 1, .max = PATH_LEN_MAX, .def_doc = "none",
	  .doc = "PEM file with the private key of `certificate`." },
	{ ROW("server_name", STRING, mr_config_tls, server_name), .min = 1, .max = 255, .def_doc = "the collector's `host`",
	  .doc = "Name that the collector's certificate must carry." },
};
static const struct mr_config_section tls_section = SECTION(mr_config_tls, tls_rows);

static const struct mr_config_row collector_rows[] = {
	{ ROW("name", STRING, mr_config_collector, name), .min = 1, .max = 300, .def_doc = "`host:port`",
	  .doc = "What the collector is called in messages and metrics." },
	{ ROW("host", STRING, mr_config_collector, host), .min = 1, .max = 255, .required = true,
	  .doc = "Host name, IPv4 or IPv6 address. The port has a key of its own." },
	{ ROW("port", UINT, mr_config_collector, port), .min = 1, .max = 65535, .zero = "auto", .def = "auto",
	  .doc = "auto: 4739, with TLS 4740 (RFC 7011 section 10)." },
	{ ROW("transport", WORD, mr_config_collector, transport), .words = transports, .def = "udp",
	  .doc = "udp: every collector takes it, losses are seen by sequence numbers only. tcp, tls: nothing is lost "
	         "on the way; `send_buffer` rides out a slow collector." },
	{ ROW("profile", WORD, mr_config_collector, profile), .words = profiles, .def = "compat",
	  .doc = "compat: standard elements, one record a direction, for any collector. biflow: one record for both "
	         "directions (RFC 5103). full: biflow and every element that the probe has." },
	{ ROW("mtu", UINT, mr_config_collector, mtu), .min = 512, .max = 65000, .def = "1420",
	  .doc = "udp: largest message in octets. 1420 fits a 1500 octet path with a tunnel on it." },
	{ ROW("template_refresh", DURATION, mr_config_collector, template_refresh_ms), .min = 1 * S, .max = 24 * H,
	  .step = S, .unit = "s", .def = "60s", .doc = "udp: templates are sent again at least this often." },
	{ ROW("template_refresh_messages", UINT, mr_config_collector, template_refresh_messages), .min = 1,
	  .max = 1000000, .def = "4096", .doc = "udp: and after this many messages." },
	{ ROW("send_buffer", SIZE, mr_config_collector, send_buffer), .min = 64 * KIB, .max = 1 * GIB, .unit = "B",
	  .def = "4MiB", .doc = "tcp, tls: octets that may wait for the collector; beyond it records are refused, and counted." },
	{ ROW("tls", MAP, mr_config_collector, tls), .sub = &tls_section,
	  .doc = "Only with `transport: tls`. The collector's certificate is always verified." },
};
static const struct mr_config_section collector_section = SECTION(mr_config_collector, collector_rows);

static const struct mr_config_row export_rows[] = {
	{ ROW("mode", WORD, mr_config_export, mode), .words = modes, .def = "all", .reloadable = true,
	  .doc = "all: every collector gets every record. failover: the first that is reachable. balance: each record "
	         "goes to one, by its flow. Files get every record in any mode." },
	{ ROW("stats_interval", DURATION, mr_config_export, stats_interval_ms), .min = 1 * S, .max = 1 * H, .step = S,
	  .unit = "s", .def = "60s", .reloadable = true,
	  .doc = "How often the exporter's and the meter's own statistics are sent (RFC 7011 section 4)." },
	{ ROW("collectors", LIST, mr_config_export, collectors), .count_offset = offsetof(struct mr_config_export, n_collectors),
	  .max = MR_CONFIG_COLLECTORS_MAX, .sub = &collector_section, .reloadable = true,
	  .doc = "Where the records go. The order is that of failover." },
	{ ROW("file", STRING, mr_config_export, file), .min = 1, .max = PATH_LEN_MAX, .def_doc = "none",
	  .doc = "IPFIX file to write (RFC 5655)." },
	{ ROW("file_profile", WORD, mr_config_export, file_profile), .words = profiles, .def = "full",
	  .doc = "Profile of `file`, as for a collector." },
	{ ROW("jsonl", STRING, mr_config_export, jsonl), .min = 1, .max = PATH_LEN_MAX, .def_doc = "none",
	  .doc = "File to write with one JSON object a line for each record." },
};

static const struct mr_config_row telemetry_rows[] = {
	{ ROW("stats_interval", DURATION, mr_config_telemetry, stats_interval_ms), .min = 1 * S, .max = 24 * H, .step = S,
	  .unit = "s", .zero = "off", .def = "60s", .reloadable = true,
	  .doc = "How often a line with rates, flows and losses is logged." },
};

static const struct mr_config_section probe_section = SECTION(mr_config_probe, probe_rows);
static const struct mr_config_section cores_section = SECTION(mr_config_cores, cores_rows);
static const struct mr_config_section memory_section = SECTION(mr_config_memory, memory_rows);
static const struct mr_config_section port_section = SECTION(mr_config_port, port_rows);
static const struct mr_config_section flow_section = SECTION(mr_config_flow, flow_rows);
static const struct mr_config_section inspect_section = SECTION(mr_config_inspect, inspect_rows);
static const struct mr_config_section export_section = SECTION(mr_config_export, export_rows);
static const struct mr_config_section telemetry_section = SECTION(mr_config_telemetry, telemetry_rows);

static const struct mr_config_row root_rows[] = {
	{ ROW("probe", MAP, mr_config, probe), .sub = &probe_section, .doc = "The probe's identity." },
	{ ROW("cores", MAP, mr_config, cores), .sub = &cores_section,
	  .doc = "Which CPU does what. auto is the program's own plan, which it prints at start." },
	{ ROW("memory", MAP, mr_config, memory), .sub = &memory_section, .doc = "Where memory comes from." },
	{ ROW("ports", LIST, mr_config, ports), .count_offset = offsetof(struct mr_config, n_ports),
	  .max = MR_CONFIG_PORTS_MAX, .sub = &port_section, .doc = "Where packets come from. At least one." },
	{ ROW("flow", MAP, mr_config, flow), .sub = &flow_section, .doc = "What a flow is and when it ends." },
	{ ROW("inspect", MAP, mr_config, inspect), .sub = &inspect_section,
	  .doc = "What is looked at beyond counting." },
	{ ROW("export", MAP, mr_config, export_), .sub = &export_section, .doc = "Where flow records go." },
	{ ROW("telemetry", MAP, mr_config, telemetry), .sub = &telemetry_section, .doc = "What the probe says of itself." },
};
const struct mr_config_section mr_config_root = SECTION(mr_config, root_rows);
/* clang-format on */
