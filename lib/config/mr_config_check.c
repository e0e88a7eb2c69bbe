/* SPDX-License-Identifier: Apache-2.0 */
/* What no key can say alone. Each rule is a function; the order is that of the file. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/mr_err.h"
#include "config/mr_config_priv.h"

#define TIMEOUTS_MAX_MS (36U * 3600 * 1000) /* the times within a flow record reach no further */

struct checker {
	const struct mr_config *cfg;
	struct mr_config_errors *errors;
};

static __attribute__((format(printf, 5, 6))) void say(struct checker *c, bool warning, const void *field,
						      const char *path, const char *fmt, ...)
{
	const struct mr_config_source *source = c->cfg->source;
	char text[MR_CONFIG_ERROR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	mr_config_complain(c->errors, warning, source != NULL ? source->name : NULL,
			   mr_config_line(c->cfg, field), path, "%s", text);
}

#define error(c, field, path, ...)   say(c, false, field, path, __VA_ARGS__)
#define warning(c, field, path, ...) say(c, true, field, path, __VA_ARGS__)

#define ITEM_PATH_MAX 64

static const char *item_path(char buf[ITEM_PATH_MAX], const char *list, unsigned i, const char *key)
{
	snprintf(buf, ITEM_PATH_MAX, "%s[%u]%s%s", list, i, key[0] != '\0' ? "." : "", key);
	return buf;
}

static bool is_set(struct checker *c, const void *field)
{
	return mr_config_key_line(c->cfg, field) != 0;
}

/* --- cores --------------------------------------------------------------------------------------------- */

static bool works_on(const struct mr_config_cpus *cpus, int32_t cpu)
{
	for (unsigned i = 0; i < cpus->n; i++)
		if (cpus->v[i] == cpu)
			return true;
	return false;
}

static void check_overlap(struct checker *c, const void *field, const char *path, int32_t cpu,
			  const char *other)
{
	if (c->cfg->cores.allow_shared == MR_CONFIG_NO)
		error(c, field, path, "CPU %d is also %s; name another CPU, or set cores.allow_shared", cpu,
		      other);
	else if (c->cfg->cores.allow_shared == MR_CONFIG_AUTO)
		warning(c, field, path,
			"CPU %d is also %s; name another CPU, or say so by cores.allow_shared: true", cpu,
			other);
}

static void check_cores(struct checker *c)
{
	const struct mr_config_cores *cores = &c->cfg->cores;

	if (cores->main != MR_CONFIG_CPU_AUTO && works_on(&cores->workers, cores->main))
		check_overlap(c, &cores->main, "cores.main", cores->main, "a worker's");
	if (cores->exporter != MR_CONFIG_CPU_AUTO && works_on(&cores->workers, cores->exporter))
		check_overlap(c, &cores->exporter, "cores.exporter", cores->exporter, "a worker's");
	if (cores->exporter != MR_CONFIG_CPU_AUTO && cores->exporter == cores->main)
		check_overlap(c, &cores->exporter, "cores.exporter", cores->exporter, "the main thread's");
	if (cores->workers.n != 0 && cores->worker_count != 0)
		error(c, &cores->worker_count, "cores.worker_count",
		      "contradicts cores.workers, which names %u; keep one of the two", cores->workers.n);
}

static void check_memory(struct checker *c)
{
	const struct mr_config_memory *memory = &c->cfg->memory;

	if (memory->hugepages == MR_CONFIG_HUGEPAGES_OFF && memory->per_node != 0)
		warning(c, &memory->per_node, "memory.per_node_mb",
			"has no effect with memory.hugepages: off; remove it");
}

/* --- ports --------------------------------------------------------------------------------------------- */

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Kinds that exist once per port, however often they are named. */
static bool is_software(const struct mr_config_port *port)
{
	return has_prefix(port->device, "replay:") || has_prefix(port->device, "synth:");
}

/* The same device can be written with and without PCI domain 0, in either case, and with driver options. */
static bool same_device(const struct mr_config_port *a, const struct mr_config_port *b)
{
	const char *x = a->device, *y = b->device;
	size_t n;

	if (is_software(a) || is_software(b))
		return false;
	x += has_prefix(x, "0000:") ? 5 : 0;
	y += has_prefix(y, "0000:") ? 5 : 0;
	n = strcspn(x, ",");
	if (n != strcspn(y, ","))
		return false;
	/* interface names keep their case, PCI addresses don't have one */
	return strchr(x, ':') != NULL ? strncasecmp(x, y, n) == 0 : strncmp(x, y, n) == 0;
}

static const struct mr_config_port *port_find(const struct mr_config *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->n_ports; i++)
		if (strcmp(cfg->ports[i].name, name) == 0)
			return &cfg->ports[i];
	return NULL;
}

static void check_peer(struct checker *c, const struct mr_config_port *port, const char *path)
{
	const struct mr_config_port *peer = port_find(c->cfg, port->peer);
	char quoted[MR_CONFIG_QUOTE_MAX], own[MR_CONFIG_QUOTE_MAX];

	mr_config_quote(quoted, port->peer);
	mr_config_quote(own, port->name);
	if (peer == NULL)
		error(c, &port->peer, path, "there is no port %s; name one of ports[].name", quoted);
	else if (peer == port)
		error(c, &port->peer, path, "%s is this port itself; name the other port of the pair",
		      quoted);
	else if (peer->role != MR_CONFIG_PAIR)
		error(c, &port->peer, path, "%s isn't a pair; give it role: pair and peer: %s", quoted, own);
	else if (peer->peer != NULL && strcmp(peer->peer, port->name) != 0)
		error(c, &port->peer, path, "%s has another peer; ports of a pair name each other", quoted);
	else if (peer > port && peer->queues != 0 && port->queues != 0 && peer->queues != port->queues)
		error(c, &peer->queues, path, "%s has %u queues and this port %u; give both the same", quoted,
		      peer->queues, port->queues);
	else if (peer > port && peer->mtu != 0 && port->mtu != 0 && peer->mtu != port->mtu)
		warning(c, &peer->mtu, path,
			"%s has MTU %u and this port %u; larger packets won't get through", quoted, peer->mtu,
			port->mtu);
}

static void check_role(struct checker *c, const struct mr_config_port *port, unsigned i)
{
	char path[ITEM_PATH_MAX];

	item_path(path, "ports", i, "peer");
	if (port->role == MR_CONFIG_TAP && port->peer != NULL)
		error(c, &port->peer, path, "a tap has no peer; remove it, or set role: pair");
	else if (port->role == MR_CONFIG_PAIR && is_software(port))
		error(c, &port->device, item_path(path, "ports", i, "device"),
		      "can't send, so it is no half of a pair; use role: tap");
	else if (port->role == MR_CONFIG_PAIR && port->peer == NULL)
		error(c, &port->role, item_path(path, "ports", i, "role"),
		      "a pair without peer; add peer: and the name of the other port");
	else if (port->role == MR_CONFIG_PAIR)
		check_peer(c, port, path);
	if (!port->promiscuous && !is_software(port))
		warning(c, &port->promiscuous, item_path(path, "ports", i, "promiscuous"),
			"the port takes only frames to its own address; set true for TAP, SPAN and inline");
}

static void check_port_twins(struct checker *c, unsigned i)
{
	const struct mr_config_port *port = &c->cfg->ports[i];
	char path[ITEM_PATH_MAX], quoted[MR_CONFIG_QUOTE_MAX];

	for (unsigned j = 0; j < i; j++) {
		const struct mr_config_port *other = &c->cfg->ports[j];

		if (strcmp(port->name, other->name) == 0)
			error(c, &port->name, item_path(path, "ports", i, "name"),
			      "%s is also the name of ports[%u]; give each its own",
			      mr_config_quote(quoted, port->name), j);
		if (same_device(port, other))
			error(c, &port->device, item_path(path, "ports", i, "device"),
			      "%s is also the device of ports[%u]; a device can be opened once",
			      mr_config_quote(quoted, port->device), j);
	}
}

static void check_ports(struct checker *c)
{
	const struct mr_config *cfg = c->cfg;
	unsigned workers = cfg->cores.workers.n != 0 ? cfg->cores.workers.n : cfg->cores.worker_count;
	char path[ITEM_PATH_MAX];

	if (cfg->n_ports == 0)
		error(c, &cfg->ports, "ports", "there is none; add at least one '- device: ...'");
	for (unsigned i = 0; i < cfg->n_ports; i++) {
		const struct mr_config_port *port = &cfg->ports[i];

		check_port_twins(c, i);
		check_role(c, port, i);
		if (workers != 0 && port->queues > workers)
			error(c, &port->queues, item_path(path, "ports", i, "queues"),
			      "%u queues but %u workers, and each queue needs one; lower it or use auto",
			      port->queues, workers);
	}
}

/* --- flow ---------------------------------------------------------------------------------------------- */

static void check_flow(struct checker *c)
{
	const struct mr_config_flow *flow = &c->cfg->flow;
	/* the line of the one that the file sets is the one to look at */
	const void *timeout =
		is_set(c, &flow->idle_timeout_ms) ? &flow->idle_timeout_ms : &flow->active_timeout_ms;

	if ((uint64_t)flow->idle_timeout_ms + flow->active_timeout_ms > TIMEOUTS_MAX_MS)
		error(c, timeout, "flow",
		      "idle_timeout and active_timeout are more than 36h together; lower one");
	else if (flow->idle_timeout_ms > flow->active_timeout_ms)
		warning(c, timeout, "flow.idle_timeout",
			"longer than flow.active_timeout, so no flow ends as idle; make it the shorter one");
	if (flow->tcp_linger_ms > flow->idle_timeout_ms)
		warning(c, is_set(c, &flow->tcp_linger_ms) ? &flow->tcp_linger_ms : timeout,
			"flow.tcp_linger",
			"longer than flow.idle_timeout, which ends the flow before; make it the shorter one");
}

/* --- export -------------------------------------------------------------------------------------------- */

#define LIST "export.collectors"

static void check_host(struct checker *c, const struct mr_config_collector *col, unsigned i)
{
	const char *colon = strchr(col->host, ':');
	char path[ITEM_PATH_MAX], quoted[MR_CONFIG_QUOTE_MAX];

	item_path(path, LIST, i, "host");
	mr_config_quote(quoted, col->host);
	if (strpbrk(col->host, "/ []") != NULL)
		error(c, &col->host, path,
		      "%s isn't a host name or address; write it alone, without brackets", quoted);
	else if (colon != NULL && strchr(colon + 1, ':') == NULL)
		error(c, &col->host, path, "%s has a port in it; write the port as the key 'port'", quoted);
}

static void check_tls(struct checker *c, const struct mr_config_collector *col, unsigned i)
{
	const struct mr_config_tls *tls = &col->tls;
	char path[ITEM_PATH_MAX];

	item_path(path, LIST, i, "tls");
	if (col->transport != MR_CONFIG_TLS) {
		if (tls->ca != NULL || tls->certificate != NULL || tls->key != NULL ||
		    tls->server_name != NULL)
			error(c, tls, path,
			      "without effect as transport isn't tls; remove it, or set transport: tls");
		return;
	}
	if (tls->ca == NULL)
		error(c, &col->transport, path,
		      "there is no 'ca' to verify the collector with; add ca: FILE.pem");
	if (tls->certificate != NULL && tls->key == NULL)
		error(c, &tls->certificate, path, "certificate without key; add key: FILE.pem");
	if (tls->key != NULL && tls->certificate == NULL)
		error(c, &tls->key, path, "key without certificate; add certificate: FILE.pem");
}

/* Keys that the transport doesn't use do no harm, but whoever wrote them expects something. */
static void check_unused(struct checker *c, const struct mr_config_collector *col, unsigned i)
{
	const struct {
		const char *key;
		const void *field;
		bool for_udp;
	} keys[] = {
		{ "mtu", &col->mtu, true },
		{ "template_refresh", &col->template_refresh_ms, true },
		{ "template_refresh_messages", &col->template_refresh_messages, true },
		{ "send_buffer", &col->send_buffer, false },
	};
	bool is_udp = col->transport == MR_CONFIG_UDP;
	char path[ITEM_PATH_MAX];

	for (unsigned k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		if (keys[k].for_udp != is_udp && is_set(c, keys[k].field))
			warning(c, keys[k].field, item_path(path, LIST, i, keys[k].key),
				is_udp ? "has no effect with udp; remove it"
				       : "has no effect without udp; remove it");
}

static void check_collector_twins(struct checker *c, unsigned i)
{
	const struct mr_config_collector *col = &c->cfg->export_.collectors[i];
	char path[ITEM_PATH_MAX], quoted[MR_CONFIG_QUOTE_MAX];

	for (unsigned j = 0; j < i; j++) {
		const struct mr_config_collector *other = &c->cfg->export_.collectors[j];

		if (strcasecmp(col->host, other->host) == 0 && col->port == other->port &&
		    (col->transport == MR_CONFIG_UDP) == (other->transport == MR_CONFIG_UDP))
			error(c, &col->host, item_path(path, LIST, i, "host"),
			      "%s is also where " LIST
			      "[%u] sends, with the same port and transport; remove one",
			      mr_config_quote(quoted, col->host), j);
		else if (strcmp(col->name, other->name) == 0)
			error(c, &col->name, item_path(path, LIST, i, "name"),
			      "%s is also the name of " LIST "[%u]; give each its own",
			      mr_config_quote(quoted, col->name), j);
	}
}

static void check_export(struct checker *c)
{
	const struct mr_config_export *exp = &c->cfg->export_;

	for (unsigned i = 0; i < exp->n_collectors; i++) {
		check_host(c, &exp->collectors[i], i);
		check_tls(c, &exp->collectors[i], i);
		check_unused(c, &exp->collectors[i], i);
		check_collector_twins(c, i);
	}
	if (exp->mode != MR_CONFIG_ALL && exp->n_collectors < 2)
		warning(c, &exp->mode, "export.mode", "%s with %u collector%s; add one, or use all",
			exp->mode == MR_CONFIG_FAILOVER ? "failover" : "balance", exp->n_collectors,
			exp->n_collectors == 1 ? "" : "s");
	if (exp->file == NULL && is_set(c, &exp->file_profile))
		warning(c, &exp->file_profile, "export.file_profile",
			"has no effect without export.file; add it");
	if (exp->file != NULL && exp->jsonl != NULL && strcmp(exp->file, exp->jsonl) == 0)
		error(c, &exp->jsonl, "export.jsonl", "is the same file as export.file; give it its own");
	if (exp->n_collectors == 0 && exp->file == NULL && exp->jsonl == NULL)
		warning(c, &c->cfg->export_, "export",
			"no collector and no file, so no record leaves the probe; add one");
}

int mr_config_check(const struct mr_config *cfg, struct mr_config_errors *errors)
{
	struct checker c = { cfg, errors };
	unsigned n_errors = errors->n_errors;

	check_cores(&c);
	check_memory(&c);
	check_ports(&c);
	check_flow(&c);
	check_export(&c);
	return errors->n_errors == n_errors ? 0 : mr_errno(EINVAL);
}
