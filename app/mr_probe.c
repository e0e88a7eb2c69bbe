/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_probe.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "app/mr_eal.h"
#include "app/mr_idle.h"
#include "app/mr_inspect.h"
#include "app/mr_time.h"
#include "base/mr_log.h"

MR_LOG_REGISTER(probe);

#define MEMORY_MB      96 /* EAL's own without hugepages: pools of af_packet ports included */
#define CLOSE_LIMIT_MS 3000
#define IDLE_SLEEP_US  200

/* ---- EAL ---- */

static int up_eal(struct mr_probe *p, struct mr_err *err)
{
	const struct mr_plan *plan = &p->conf.plan;
	const struct mr_config_memory *mem = &p->conf.cfg->memory;
	struct mr_eal_conf eal = { .pci = p->conf.live, .memory_mb = MEMORY_MB };

	eal.cpu[eal.n_lcores++] = plan->main_cpu;
	for (unsigned i = 0; i < plan->n_workers && !plan->all_on_main; i++)
		eal.cpu[eal.n_lcores++] = plan->worker_cpu[i];
	if (plan->exporter_alone)
		eal.cpu[eal.n_lcores++] = plan->exporter_cpu;
	if (p->conf.live && mem->hugepages != MR_CONFIG_HUGEPAGES_OFF) {
		eal.hugepages = mr_eal_free_hugepages() != 0;
		if (!eal.hugepages && mem->hugepages == MR_CONFIG_HUGEPAGES_REQUIRED)
			return mr_err_set(err, ENOMEM,
					  "memory.hugepages is 'required' but none is free: reserve some "
					  "with `tools/setup --hugepages 1024` or set it to 'auto'");
		if (!eal.hugepages)
			mr_log_notice(
				"no free hugepages, running without (slower); `tools/setup --hugepages 1024` "
				"reserves some");
	}
	if (!eal.hugepages)
		for (unsigned i = 0; i < p->conf.cfg->n_ports; i++)
			eal.memory_mb += MEMORY_MB;
	if (mr_eal_start(&eal, err) < 0)
		return -errno;
	return mr_port_init(err);
}

static void down_eal(struct mr_probe *p)
{
	mr_eal_stop();
}

/* ---- ports ---- */

static unsigned port_index(const struct mr_config *cfg, const char *name)
{
	for (unsigned i = 0; i < cfg->n_ports; i++)
		if (strcmp(cfg->ports[i].name, name) == 0)
			return i;
	return cfg->n_ports;
}

static struct mr_packet_conf packet_conf(const struct mr_probe *p)
{
	const struct mr_config *cfg = p->conf.cfg;
	struct mr_packet_conf pc = {
		.vlan_in_key = cfg->flow.vlan_in_key,
		.port_in_key = cfg->flow.port_in_key,
	};

	mr_inspect_packet_conf(&cfg->inspect, &p->tunnel_ports, &pc);
	return pc;
}

static void down_ports(struct mr_probe *p)
{
	struct mr_port_stats s;

	for (unsigned i = 0; i < p->conf.cfg->n_ports; i++) {
		if (p->ports[i] == NULL)
			continue;
		p->ports[i]->ops->stats(p->ports[i], &s);
		p->lost_at_stop[0] += s.missed;
		p->lost_at_stop[1] += s.no_mbuf;
		p->lost_at_stop[2] += s.errors;
		p->ports[i]->ops->close(p->ports[i]);
		p->ports[i] = NULL;
	}
}

static int up_ports(struct mr_probe *p, struct mr_err *err)
{
	const struct mr_config *cfg = p->conf.cfg;

	for (unsigned i = 0; i < cfg->n_ports; i++) {
		const struct mr_config_port *c = &cfg->ports[i];
		struct mr_port_conf pc = {
			.name = c->name,
			.device = c->device,
			.queues = c->queues != 0 ? c->queues : (uint16_t)p->conf.plan.n_workers,
			.rx_descs = c->rx_descriptors,
			.mbufs = c->mbufs,
			.mtu = c->mtu,
			.promiscuous = c->promiscuous,
			.wakes = cfg->cores.power == MR_CONFIG_POWER_SAVE,
			.packet = packet_conf(p),
		};

		p->interfaces[i] = c->name;
		p->egress[i] = (uint8_t)(c->role == MR_CONFIG_PAIR ? port_index(cfg, c->peer) : i);
		if (mr_port_open(&pc, &p->ports[i], err) < 0) {
			int rc = -errno;

			mr_err_prefix(err, "port %s", c->name);
			down_ports(p);
			return rc;
		}
	}
	return 0;
}

/* ---- output ---- */

static struct mr_ipfix_collector_conf collector_conf(const struct mr_config_collector *c)
{
	static const enum mr_ipfix_proto proto[MR_CONFIG_TRANSPORT_MAX] = {
		[MR_CONFIG_UDP] = MR_IPFIX_UDP, [MR_CONFIG_TCP] = MR_IPFIX_TCP, [MR_CONFIG_TLS] = MR_IPFIX_TLS
	};
	static const enum mr_ipfix_profile profile[MR_CONFIG_PROFILE_MAX] = {
		[MR_CONFIG_COMPAT] = MR_IPFIX_COMPAT,
		[MR_CONFIG_BIFLOW] = MR_IPFIX_BIFLOW,
		[MR_CONFIG_FULL] = MR_IPFIX_FULL
	};

	return (struct mr_ipfix_collector_conf){
		.name = c->name,
		.proto = proto[c->transport],
		.profile = profile[c->profile],
		.host = c->host,
		.port = c->port,
		.mtu = c->mtu,
		.template_refresh_s = c->template_refresh_ms / 1000,
		.template_refresh_msgs = c->template_refresh_messages,
		.send_buffer = c->send_buffer,
		.tls_ca = c->tls.ca,
		.tls_cert = c->tls.certificate,
		.tls_key = c->tls.key,
		.tls_name = c->tls.server_name,
	};
}

static int up_ipfix(struct mr_probe *p, struct mr_err *err)
{
	const struct mr_config_export *e = &p->conf.cfg->export_;
	struct mr_ipfix_collector_conf list[MR_CONFIG_COLLECTORS_MAX + 1];
	struct mr_ipfix_exporter_conf conf = {
		.odid = p->conf.cfg->probe.observation_domain,
		.observation_point = p->conf.cfg->probe.observation_point,
		.mode = (enum mr_ipfix_mode)e->mode,
		.stats_interval_s = e->stats_interval_ms / 1000,
		.collectors = list,
		.interfaces = p->interfaces,
		.n_interfaces = p->conf.cfg->n_ports,
	};

	for (unsigned i = 0; i < e->n_collectors; i++)
		list[conf.n_collectors++] = collector_conf(&e->collectors[i]);
	if (e->file != NULL) {
		struct mr_config_collector file = { .name = e->file, .profile = e->file_profile };

		list[conf.n_collectors] = collector_conf(&file);
		list[conf.n_collectors].proto = MR_IPFIX_FILE;
		list[conf.n_collectors++].path = e->file;
	}
	if (conf.n_collectors == 0)
		return 0;
	return mr_ipfix_exporter_open(&conf, mr_time_utc_ns(), &p->output.ipfix, err);
}

static void down_output(struct mr_probe *p)
{
	struct mr_output *out = &p->output;
	struct mr_ipfix_totals totals;

	if (out->clock_ns == 0)
		out->clock_ns = mr_time_utc_ns();
	if (out->ipfix != NULL) {
		p->n_final = mr_ipfix_exporter_stats(out->ipfix, p->final, MR_CONFIG_COLLECTORS_MAX + 1);
		mr_ipfix_exporter_close(out->ipfix, out->clock_ns, &out->metering, CLOSE_LIMIT_MS, p->final,
					&totals);
		mr_output_set_totals(out, &totals);
		out->ipfix = NULL;
	}
	mr_jsonl_close(out->jsonl, p->ran, &p->output_error);
	out->jsonl = NULL;
}

static int up_output(struct mr_probe *p, struct mr_err *err)
{
	const struct mr_config_export *e = &p->conf.cfg->export_;
	int rc = 0;

	if (p->conf.summary) {
		p->output.summary = mr_summary_new();
		if (p->output.summary == NULL)
			return mr_err_set(err, ENOMEM, "no memory for the summary");
	}
	p->output.metering.start_ns = mr_time_utc_ns();
	if (e->jsonl != NULL)
		rc = mr_jsonl_open(e->jsonl, p->conf.cfg->probe.observation_point, &p->output.jsonl, err);
	if (rc == 0)
		rc = up_ipfix(p, err);
	if (rc < 0)
		down_output(p);
	return rc;
}

/* ---- workers ---- */

static bool waits_for_us(const struct mr_port *port)
{
	return (port->flags & MR_PORT_LOSSLESS) && (port->flags & MR_PORT_HAS_TIME);
}

static void attach_ports(struct mr_probe *p, struct mr_worker *w)
{
	const struct mr_config *cfg = p->conf.cfg;

	w->capture_clock = cfg->n_ports != 0;
	for (unsigned i = 0; i < cfg->n_ports; i++) {
		struct mr_port *port = p->ports[i];

		w->capture_clock &= waits_for_us(port);
		if (w->id >= port->queues)
			continue;
		w->rx[w->n_rx++] = (struct mr_worker_rx){
			.port = port,
			.peer = cfg->ports[i].role == MR_CONFIG_PAIR ? p->ports[p->egress[i]] : NULL,
			.queue = w->id,
			.port_id = (uint8_t)i,
		};
	}
	if (p->conf.plan.all_on_main) {
		w->make_room = mr_output_make_room;
		w->make_room_ctx = &p->output;
	}
}

static struct mr_flow_conf flow_conf(struct mr_probe *p, unsigned id, const struct mr_hash_seed *seed)
{
	const struct mr_config_flow *f = &p->conf.cfg->flow;
	unsigned lcore = p->conf.plan.all_on_main ? 0 : id + 1;
	struct mr_flow_conf conf = {
		.max_flows = p->conf.full_tables ? f->max_flows : f->max_flows / p->conf.plan.n_workers,
		.ipv6_percent = (uint8_t)f->ipv6_percent,
		.idle_timeout_ns = f->idle_timeout_ms * MR_NS_PER_MS,
		.active_timeout_ns = f->active_timeout_ms * MR_NS_PER_MS,
		.tcp_linger_ns = RTE_MIN(f->tcp_linger_ms, f->idle_timeout_ms) * MR_NS_PER_MS,
		.fragment_timeout_ns = f->fragment_timeout_ms * MR_NS_PER_MS,
		.max_fragments = f->max_fragments,
		.socket = (int)rte_lcore_to_socket_id(lcore),
		.packet = packet_conf(p),
		.egress = p->egress,
		.worker = (uint8_t)id,
	};

	conf.packet.seed = *seed;
	mr_inspect_flow_conf(&p->conf.cfg->inspect, &p->l7, &conf);
	return conf;
}

static int new_worker(struct mr_probe *p, unsigned id, const struct mr_hash_seed *seed, struct mr_err *err)
{
	struct mr_flow_conf conf = flow_conf(p, id, seed);
	int rc = mr_worker_new(&conf, &p->workers[id], err);

	if (rc < 0)
		return rc;
	attach_ports(p, p->workers[id]);
	p->output.rings[p->output.n_rings++] = p->workers[id]->records;
	p->output.capture_clock = p->workers[id]->capture_clock;
	return 0;
}

static void down_workers(struct mr_probe *p)
{
	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		mr_worker_close(p->workers[i]);
	p->output.n_rings = 0;
}

/* Without hugepages the kernel promises any memory and kills the probe later, when flows come. */
static int check_memory(struct mr_probe *p, const struct mr_hash_seed *seed, struct mr_err *err)
{
	struct mr_flow_conf conf = flow_conf(p, 0, seed);
	uint64_t wanted = mr_flow_memory(&conf) * p->conf.plan.n_workers, free = mr_eal_available_memory();

	if (!p->conf.live || rte_eal_has_hugepages() || wanted <= free)
		return 0;
	return mr_err_set(err, ENOMEM, "flow.max_flows and inspect ask for %lu MiB of memory and %lu MiB are free: lower them",
			  wanted >> 20, free >> 20);
}

static int up_workers(struct mr_probe *p, struct mr_err *err)
{
	struct mr_hash_seed seed;
	int rc = mr_hash_seed_random(&seed);

	if (rc < 0)
		return mr_err_set(err, -rc, "the kernel gives no random seed: %s", strerror(-rc));
	rc = check_memory(p, &seed, err);
	for (unsigned i = 0; rc == 0 && i < p->conf.plan.n_workers; i++)
		rc = new_worker(p, i, &seed, err);
	if (rc < 0)
		down_workers(p);
	return rc;
}

/* ---- threads ---- */

static int worker_main(void *arg)
{
	struct mr_worker *w = arg;

	while (mr_worker_state_get(w) != MR_WORKER_DONE)
		mr_worker_poll(w);
	return 0;
}

static int saving_worker_main(void *arg)
{
	mr_idle_run(arg);
	return 0;
}

static int output_main(void *arg)
{
	mr_output_run(arg);
	return 0;
}

static void down_threads(struct mr_probe *p)
{
	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		mr_worker_state_set(p->workers[i], MR_WORKER_DONE);
	__atomic_store_n(&p->output.stop, 1, __ATOMIC_RELEASE);
	rte_eal_mp_wait_lcore();
}

static int up_threads(struct mr_probe *p, struct mr_err *err)
{
	const struct mr_plan *plan = &p->conf.plan;
	bool saves = p->conf.cfg->cores.power == MR_CONFIG_POWER_SAVE;
	int rc = 0;

	p->start_mono_ns = mr_clock_mono_ns();
	for (unsigned i = 0; rc == 0 && i < plan->n_workers && !plan->all_on_main; i++)
		rc = rte_eal_remote_launch(saves ? saving_worker_main : worker_main, p->workers[i], i + 1);
	if (rc == 0 && plan->exporter_alone)
		rc = rte_eal_remote_launch(output_main, &p->output,
					   plan->all_on_main ? 1 : plan->n_workers + 1);
	if (rc == 0)
		return 0;
	down_threads(p);
	return mr_err_set(err, -rc, "cannot start a worker thread: %s", strerror(-rc));
}

/* ---- life cycle ---- */

static const struct {
	const char *name;
	int (*up)(struct mr_probe *p, struct mr_err *err);
	void (*down)(struct mr_probe *p);
} stages[MR_PROBE_STAGE_MAX] = {
	[MR_PROBE_EAL] = { "EAL", up_eal, down_eal },
	[MR_PROBE_PORTS] = { "ports", up_ports, down_ports },
	[MR_PROBE_OUTPUT] = { "output", up_output, down_output },
	[MR_PROBE_WORKERS] = { "workers", up_workers, down_workers },
	[MR_PROBE_THREADS] = { "threads", up_threads, down_threads },
};

void mr_probe_down(struct mr_probe *p)
{
	/* EAL stays until mr_probe_free(): the counters lie in its memory */
	while (p->stage > MR_PROBE_EAL + 1) {
		p->stage--;
		mr_log_debug("stage=%s going down", stages[p->stage].name);
		stages[p->stage].down(p);
	}
}

void mr_probe_free(struct mr_probe *p)
{
	if (p == NULL)
		return;
	mr_probe_down(p);
	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		mr_worker_free(p->workers[i]);
	if (p->stage > MR_PROBE_EAL)
		stages[MR_PROBE_EAL].down(p);
	mr_summary_free(p->output.summary);
	free(p);
}

int mr_probe_up(const struct mr_probe_conf *conf, struct mr_probe **ret_probe, struct mr_err *err)
{
	struct mr_probe *p = aligned_alloc(64, (sizeof(*p) + 63) & ~63UL);
	int rc = 0;

	if (p == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	memset(p, 0, sizeof(*p));
	p->conf = *conf;
	mr_inspect_tunnel_ports(&conf->cfg->inspect, &p->tunnel_ports);
	mr_time_discipline();
	for (; p->stage < MR_PROBE_STAGE_MAX; p->stage++) {
		mr_log_debug("stage=%s coming up", stages[p->stage].name);
		rc = stages[p->stage].up(p, err);
		if (rc < 0) {
			mr_probe_free(p);
			return rc;
		}
	}
	p->ran = true;
	*ret_probe = p;
	return 0;
}

void mr_probe_drain(struct mr_probe *p)
{
	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		if (mr_worker_state_get(p->workers[i]) == MR_WORKER_RUN)
			mr_worker_state_set(p->workers[i], MR_WORKER_DRAIN);
}

bool mr_probe_poll(struct mr_probe *p)
{
	const struct mr_plan *plan = &p->conf.plan;
	bool busy = false, done = true;

	if (plan->all_on_main)
		for (unsigned i = 0; i < plan->n_workers; i++)
			busy |= mr_worker_poll(p->workers[i]);
	if (!plan->exporter_alone)
		busy |= mr_output_poll(&p->output);
	for (unsigned i = 0; i < plan->n_workers; i++)
		done &= mr_worker_state_get(p->workers[i]) == MR_WORKER_DONE;
	if (!busy)
		usleep(IDLE_SLEEP_US);
	return !done || !mr_output_idle(&p->output);
}

void mr_probe_counters(const struct mr_probe *p, uint64_t ret_sum[MR_C_MAX], struct mr_account *ret_account)
{
	uint64_t lost[3];

	memset(ret_sum, 0, MR_C_MAX * sizeof(*ret_sum));
	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		mr_counters_sum(ret_sum, &p->workers[i]->counters);
	mr_counters_sum(ret_sum, &p->output.counters);
	memcpy(lost, p->lost_at_stop, sizeof(lost));
	for (unsigned i = 0; i < p->conf.cfg->n_ports; i++) {
		struct mr_port_stats s;

		if (p->ports[i] == NULL)
			continue;
		p->ports[i]->ops->stats(p->ports[i], &s);
		lost[0] += s.missed;
		lost[1] += s.no_mbuf;
		lost[2] += s.errors;
	}
	ret_sum[MR_C_NIC_MISSED] += lost[0];
	ret_sum[MR_C_NIC_NO_MBUF] += lost[1];
	ret_sum[MR_C_NIC_ERRORS] += lost[2];
	*ret_account = mr_account_make(ret_sum, 0);
	if (p->stage > MR_PROBE_WORKERS) { /* what isn't handed out yet is in tables and rings */
		uint64_t out = ret_account->exported + ret_account->not_sent;

		*ret_account =
			mr_account_make(ret_sum, ret_account->metered > out ? ret_account->metered - out : 0);
	}
}

uint64_t mr_probe_flows(const struct mr_probe *p)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < p->conf.plan.n_workers; i++)
		if (p->workers[i]->table != NULL)
			n += mr_flow_count(p->workers[i]->table);
	return n;
}
