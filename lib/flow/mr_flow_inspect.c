/* SPDX-License-Identifier: Apache-2.0 */
/* What flows say beyond their counters: TCP performance, applications, tunnels, outcomes. */
#include "flow/mr_flow_priv.h"

#include <netinet/in.h>

#include "base/mr_buf.h"

#define ICMP_HEADER	  8
#define ICMP_UNREACHABLE  3 /* RFC 792 */
#define ICMP6_UNREACHABLE 1 /* RFC 4443 section 3.1 */
#define EVICT_TRIES	  8 /* records given up for one that has a tunnel */

/* ---- memory ---- */

struct layout {
	uint32_t tunnels;
	uint64_t aside_at, tcp_at, tunnel_at, details_at, l7_at, size;
};

static bool is_deep(const struct mr_flow_conf *conf)
{
	return conf->tcp_performance || conf->inspect != NULL ||
	       conf->packet.tunnel_key != MR_TUNNEL_KEY_OUTER;
}

static uint64_t take(uint64_t *at, uint64_t n)
{
	uint64_t here = *at;

	*at += (n + 63) & ~63ULL;
	return here;
}

static struct layout plan(const struct mr_flow_conf *conf)
{
	uint64_t records = (uint64_t)conf->max_flows + 1, at = 0;
	struct layout l = { 0 };

	if (!is_deep(conf))
		return l;
	if (conf->packet.tunnel_key != MR_TUNNEL_KEY_OUTER)
		l.tunnels = conf->max_tunnel_flows == 0 ? conf->max_flows
							: RTE_MIN(conf->max_tunnel_flows, conf->max_flows);
	l.aside_at = take(&at, records * sizeof(struct mr_flow_aside));
	l.tcp_at = take(&at, conf->tcp_performance ? records * sizeof(struct mr_flow_tcp_line) : 0);
	l.tunnel_at =
		take(&at, l.tunnels == 0 ? 0 : ((uint64_t)l.tunnels + 1) * sizeof(struct mr_flow_tunnel));
	l.details_at = take(&at, (uint64_t)conf->max_details * sizeof(struct mr_flow_detail));
	l.l7_at = take(&at, conf->inspect == NULL ? 0 : mr_l7_worker_memory(conf->inspect));
	l.size = at;
	return l;
}

uint64_t mr_flow_inspect_memory(const struct mr_flow_conf *conf)
{
	return plan(conf).size;
}

int mr_flow_inspect_init(struct mr_flow_table *t, void *memory, struct mr_err *err)
{
	const struct mr_flow_conf *conf = &t->conf;
	struct mr_flow_inspect *in = &t->inspect;
	const struct layout l = plan(conf);
	uint8_t *base = memory;
	int rc;

	if (l.size == 0)
		return 0;
	in->aside = (void *)(base + l.aside_at);
	if (conf->tcp_performance)
		in->tcp = (void *)(base + l.tcp_at);
	in->tunnel = l.tunnels == 0 ? NULL : (void *)(base + l.tunnel_at);
	in->tunnels_max = l.tunnels;
	mr_flow_details_init(&in->details, (void *)(base + l.details_at), conf->max_details);
	in->l7_on = conf->inspect != NULL;
	if (!in->l7_on)
		return 0;
	rc = mr_l7_worker_init(&in->l7, conf->inspect, base + l.l7_at, conf->counters, err);
	t->conf.inspect = NULL; /* borrowed until here */
	return rc;
}

uint64_t mr_flow_details_out(const struct mr_flow_table *t)
{
	return mr_flow_details_used(&t->inspect.details);
}

uint64_t mr_flow_values_used(const struct mr_flow_table *t)
{
	return mr_l7_chunks_used(&t->inspect.l7.chunks);
}

/* ---- tunnels ---- */

static bool has_tunnel_left(const struct mr_flow_inspect *in)
{
	return in->tunnel_free != 0 || in->tunnel_fresh < in->tunnels_max;
}

/* A label stack alone is no part of the key, so its flow can do without. */
bool mr_flow_inspect_room(struct mr_flow_table *t, const struct mr_packet *p)
{
	struct mr_flow_bucket *a = &t->buckets[mr_flow_bucket_1(t, p->hash)];
	struct mr_flow_bucket *b = &t->buckets[mr_flow_bucket_2(t, p->hash)];

	if (!(p->flags & MR_PACKET_TUNNEL) || t->inspect.now->levels == 0)
		return true;
	for (unsigned i = 0; i < EVICT_TRIES && !has_tunnel_left(&t->inspect); i++)
		if (!mr_flow_evict_one(t, a, b, false))
			return false;
	return has_tunnel_left(&t->inspect);
}

static uint32_t get_tunnel(struct mr_flow_inspect *in)
{
	uint32_t at = in->tunnel_free;

	if (at != 0)
		in->tunnel_free = in->tunnel[at].next_free;
	else if (in->tunnel_fresh < in->tunnels_max)
		at = ++in->tunnel_fresh;
	return at;
}

static void put_tunnel(struct mr_flow_inspect *in, uint32_t at)
{
	in->tunnel[at].next_free = in->tunnel_free;
	in->tunnel_free = at;
}

static uint8_t sender_of(const struct mr_packet *p)
{
	return (p->flags & MR_PACKET_SWAPPED) != 0;
}

static void open_tunnel(struct mr_flow_inspect *in, struct mr_flow_aside *aside, const struct mr_packet *p)
{
	aside->tunnel = get_tunnel(in);
	if (aside->tunnel != 0)
		in->tunnel[aside->tunnel] =
			(struct mr_flow_tunnel){ .facts = *in->now, .sender = sender_of(p) };
}

/* The way back may have ids of its own. */
static void follow_tunnel(struct mr_flow_inspect *in, const struct mr_flow_aside *aside,
			  const struct mr_packet *p)
{
	struct mr_flow_tunnel *x = &in->tunnel[aside->tunnel];
	unsigned levels = RTE_MIN(x->facts.levels, in->now->levels);

	if (aside->tunnel == 0 || sender_of(p) == x->sender)
		return;
	for (unsigned i = 0; i < levels; i++)
		if (x->reverse_id[i] == 0 && in->now->level[i].kind == x->facts.level[i].kind)
			x->reverse_id[i] = in->now->level[i].id;
}

uint64_t mr_flow_inspect_fold(const struct mr_flow_table *t, uint32_t idx)
{
	const struct mr_flow_inspect *in = &t->inspect;
	uint32_t at = in->aside[idx].tunnel;

	return at == 0 ? 0
		       : mr_tunnel_key_fold(&in->tunnel[at].facts,
					    (enum mr_tunnel_key)t->conf.packet.tunnel_key,
					    &t->conf.packet.seed);
}

/* The facts are those of the responder's packet when that was the first to come. */
static void put_tunnel_facts(const struct mr_flow_tunnel *x, uint8_t initiator, struct mr_flow_detail *ret)
{
	ret->tunnel = x->facts;
	memcpy(ret->tunnel_reverse_id, x->reverse_id, sizeof(x->reverse_id));
	if (x->sender == initiator)
		return;
	for (unsigned i = 0; i < x->facts.levels; i++) {
		struct mr_tunnel_level *l = &ret->tunnel.level[i];

		memcpy(l->addr[0], x->facts.level[i].addr[1], sizeof(l->addr[0]));
		memcpy(l->addr[1], x->facts.level[i].addr[0], sizeof(l->addr[1]));
		l->id = x->reverse_id[i];
		ret->tunnel_reverse_id[i] = x->facts.level[i].id;
	}
}

/* ---- outcome ---- */

/*
 * A host says that it has no use for a packet: the flow of that packet is unreachable. Only the host itself
 * counts, not a router on the way, whose errors another worker may see.
 */
static void follow_unreachable(struct mr_flow_table *t, const struct mr_packet *p)
{
	uint32_t at = (uint32_t)p->l4_off + ICMP_HEADER;
	struct mr_packet_conf conf = t->conf.packet;
	struct mr_flow_slot f;
	struct mr_packet quoted;
	uint64_t next_ns;

	if (!(p->flags & MR_PACKET_L4) || p->frag != MR_FRAG_NONE || at >= p->cap_len)
		return;
	conf.tunnel_key = MR_TUNNEL_KEY_OUTER; /* what is quoted was in the tunnel that brings this */
	mr_packet_decode(&conf, p->data + at, p->cap_len - at, p->cap_len - at, MR_LINK_RAW,
			 (uint8_t)p->port_id, NULL, &quoted);
	if (quoted.not_metered != 0 || quoted.addr_key != p->addr_key ||
	    ((quoted.flags ^ p->flags) & MR_PACKET_V6) != 0)
		return;
	quoted.vlan = p->vlan;
	quoted.inner_vlan = p->inner_vlan;
	quoted.flags |= p->flags & MR_PACKET_TUNNEL;
	mr_packet_set_ports(&t->conf.packet, &quoted, t->inspect.now, mr_packet_src_port(&quoted),
			    mr_packet_dst_port(&quoted));
	f = mr_flow_find(t, &quoted);
	if (f.idx != 0 && !mr_flow_expire(t, f.bucket, f.slot, p->clock_ns, &next_ns))
		t->inspect.aside[f.idx].unreachable = true;
}

static bool is_unreachable(const struct mr_packet *p)
{
	return (p->proto == IPPROTO_ICMP && p->icmp >> 8 == ICMP_UNREACHABLE) ||
	       (p->proto == IPPROTO_ICMPV6 && p->icmp >> 8 == ICMP6_UNREACHABLE);
}

/* Of ICMP only these are questions. */
static bool asks(uint8_t proto, uint8_t icmp_type)
{
	switch (icmp_type) {
	case 8: /* echo, timestamp, information, address mask */
	case 13:
	case 15:
	case 17:
		return proto == IPPROTO_ICMP;
	case 128: /* echo */
		return proto == IPPROTO_ICMPV6;
	default:
		return false;
	}
}

static enum mr_flow_outcome outcome(const struct mr_flow_table *t, uint32_t idx)
{
	const struct mr_flow_aside *aside = &t->inspect.aside[idx];
	uint8_t proto = t->hot[idx].proto;
	bool is_icmp = proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6;

	if (proto == IPPROTO_TCP || (is_icmp && !asks(proto, (uint8_t)(t->cold[idx].window_or_icmp >> 8))))
		return MR_FLOW_OUTCOME_UNKNOWN;
	if (aside->unreachable)
		return MR_FLOW_OUTCOME_UNREACHABLE;
	return aside->answered ? MR_FLOW_OUTCOME_ANSWERED : MR_FLOW_OUTCOME_UNANSWERED;
}

/* ---- applications ---- */

static uint8_t initiator_of(const struct mr_flow_hot *h)
{
	return (h->state & MR_FLOW_FORWARD_IS_1) != 0;
}

static void put_ports(const struct mr_flow_hot *h, uint16_t ret[2])
{
	uint8_t initiator = initiator_of(h);

	ret[initiator] = (uint16_t)(h->port_key >> 16);
	ret[!initiator] = (uint16_t)h->port_key;
}

/* False: nothing for inspection in it. */
static bool make_l7_packet(const struct mr_flow_hot *h, const struct mr_packet *p, struct mr_l7_packet *ret)
{
	const uint8_t *l4 = p->data + p->l4_off;

	if (p->frag == MR_FRAG_LATER || !(p->flags & MR_PACKET_L4))
		return false;
	*ret = (struct mr_l7_packet){
		.data = p->data + p->payload_off,
		.len = p->payload_len,
		.dir = sender_of(p) != initiator_of(h),
		.transport = p->proto == IPPROTO_UDP ? MR_L7_UDP : MR_L7_TCP,
		.time_ns = p->time_ns,
	};
	put_ports(h, ret->port);
	if (p->proto == IPPROTO_UDP)
		return p->payload_len != 0;
	ret->seq = mr_get_u32(l4 + 4);
	ret->ack = mr_get_u32(l4 + 8);
	ret->tcp_flags = p->tcp_flags;
	return p->frag == MR_FRAG_NONE;
}

static void inspect(struct mr_flow_inspect *in, const struct mr_flow_hot *h, struct mr_flow_aside *aside,
		    const struct mr_packet *p)
{
	struct mr_l7_packet packet;

	if (make_l7_packet(h, p, &packet))
		mr_l7_flow_packet(&in->l7, &aside->l7, &packet);
}

/* @param ret  its values are the caller's */
static void end_l7(struct mr_flow_table *t, uint32_t idx, uint64_t clock_ns, struct mr_l7_result *ret)
{
	const struct mr_flow_hot *h = &t->hot[idx];
	struct mr_l7_packet last = {
		.transport = h->proto == IPPROTO_UDP ? MR_L7_UDP : MR_L7_TCP,
		.time_ns = clock_ns - mr_flow_quiet_ns(h, clock_ns),
	};

	put_ports(h, last.port);
	mr_l7_flow_end(&t->inspect.l7, &t->inspect.aside[idx].l7, &last, ret);
}

static void put_application(struct mr_l7_worker *w, const struct mr_l7_result *l7, struct mr_flow_detail *ret)
{
	ret->application_id = l7->application_id;
	ret->application = l7->protocol == 0 ? NULL : w->conf.ops[l7->protocol - 1]->name;
	ret->application_guessed = l7->guessed;
	ret->values_cut = l7->cut;
	ret->values = l7->values;
	ret->chunks = &w->chunks;
}

/* ---- flows ---- */

void mr_flow_inspect_open(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	struct mr_flow_inspect *in = &t->inspect;
	struct mr_flow_aside *aside = &in->aside[idx];

	memset(aside, 0, sizeof(*aside));
	if (in->tcp != NULL && p->proto == IPPROTO_TCP)
		memset(&in->tcp[idx], 0, sizeof(in->tcp[idx]));
	if (p->flags & MR_PACKET_TUNNEL)
		open_tunnel(in, aside, p);
}

void mr_flow_inspect_packet(struct mr_flow_table *t, uint32_t idx, const struct mr_packet *p)
{
	struct mr_flow_inspect *in = &t->inspect;
	struct mr_flow_aside *aside = &in->aside[idx];

	if (p->flags & MR_PACKET_TUNNEL)
		follow_tunnel(in, aside, p);
	if (p->proto != IPPROTO_TCP && p->proto != IPPROTO_UDP) {
		if (unlikely(is_unreachable(p)))
			follow_unreachable(t, p);
		return;
	}
	if (p->proto == IPPROTO_TCP && in->tcp != NULL)
		mr_flow_tcp_packet(&in->tcp[idx].tcp, p);
	if (in->l7_on && mr_l7_flow_wants(&aside->l7))
		inspect(in, &t->hot[idx], aside, p);
}

/* Index 0 is the initiator from here on, also where the table's is the lower endpoint. */
static void put_tcp(struct mr_flow_tcp *tcp, uint8_t initiator, struct mr_flow_detail *ret)
{
	ret->has_tcp = true;
	ret->tcp = *tcp;
	if (initiator == 1) {
		ret->tcp.way[0] = tcp->way[1];
		ret->tcp.way[1] = tcp->way[0];
		ret->tcp.client = tcp->state == MR_FLOW_TCP_UNKNOWN ? 0 : !tcp->client;
	}
	mr_flow_tcp_record(tcp);
}

struct mr_flow_detail *mr_flow_inspect_detail(struct mr_flow_table *t, uint32_t idx, bool last,
					      uint64_t clock_ns)
{
	struct mr_flow_inspect *in = &t->inspect;
	struct mr_flow_aside *aside = &in->aside[idx];
	struct mr_flow_hot *h = &t->hot[idx];
	struct mr_flow_detail *ret = mr_flow_details_get(&in->details);
	struct mr_l7_result l7 = { 0 };

	aside->answered |= h->packets[!initiator_of(h)] != 0;
	if (in->l7_on && last)
		end_l7(t, idx, clock_ns, &l7);
	else if (in->l7_on)
		mr_l7_flow_report(&in->l7, &aside->l7, &l7);
	if (ret == NULL) {
		mr_counter_add(t->conf.counters, MR_C_RECORDS_BARE, 1);
		mr_l7_chunks_give_back(&in->l7.chunks, l7.values);
		if (in->tcp != NULL && h->proto == IPPROTO_TCP)
			mr_flow_tcp_record(&in->tcp[idx].tcp);
		return NULL;
	}
	if (in->l7_on)
		put_application(&in->l7, &l7, ret);
	if (in->tcp != NULL && h->proto == IPPROTO_TCP)
		put_tcp(&in->tcp[idx].tcp, initiator_of(h), ret);
	if (aside->tunnel != 0)
		put_tunnel_facts(&in->tunnel[aside->tunnel], initiator_of(h), ret);
	ret->outcome = (uint8_t)outcome(t, idx);
	return ret;
}

void mr_flow_inspect_close(struct mr_flow_table *t, uint32_t idx)
{
	struct mr_flow_aside *aside = &t->inspect.aside[idx];
	struct mr_l7_result l7;

	if (t->inspect.l7_on &&
	    (aside->l7.work | aside->l7.values) != 0) { /* its last record left without its end */
		end_l7(t, idx, t->clock_ns, &l7);
		mr_l7_chunks_give_back(&t->inspect.l7.chunks, l7.values);
	}
	if (aside->tunnel != 0)
		put_tunnel(&t->inspect, aside->tunnel);
	aside->tunnel = 0;
}
