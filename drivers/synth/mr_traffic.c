/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/synth/mr_traffic_mix.h"
#include "drivers/synth/mr_traffic_tunnel.h"

#include <stdlib.h>

#include "base/mr_clock.h"
#include "base/mr_hash.h"

#define DEFAULT_RATE_PPS 1000000
/* SYN, SYN-ACK, ACK, one packet of data, FIN, FIN, ACK, and one for the rounding of the lanes */
#define SESSION_PKTS_MIN 8
/* all messages of the longest script, some twice, and room for the rounding */
#define MIX_PKTS_MIN 32

/* Sequence numbers and flags of TCP, or type and number of an echo. */
static inline void steady_more(struct mr_traffic_batch *b, unsigned i, const struct mr_traffic_flow *f,
			       uint32_t reply)
{
	uint32_t number = (uint32_t)b->number[i];
	/* no segment overlaps an earlier one of its flow; what lies between them looks lost */
	uint32_t progress = number * MR_TRAFFIC_WIRE_MAX;
	uint32_t swap = (f->seq[0] ^ f->seq[1]) & -reply;
	uint32_t echo = -(uint32_t)(f->head >= MR_TRAFFIC_ICMP);
	uint32_t id_seq = __builtin_bswap32(f->client_port << 16 | (number & 0xffff));

	b->ports[i] = (b->ports[i] & ~echo) | (id_seq & echo);
	b->seq[i] = __builtin_bswap32((f->seq[0] ^ swap) + progress);
	b->ack[i] = __builtin_bswap32((f->seq[1] ^ swap) + progress);
	b->flags[i] = (MR_TCP_ACK & ~echo) | (reply & echo);
}

static inline __attribute__((always_inline)) void steady_packets(const struct mr_traffic *t,
								 struct mr_traffic_batch *b, unsigned first,
								 unsigned end, bool udp_only, bool alike)
{
	uint32_t v6 = t->ipv6_share != 0;

	for (unsigned i = first; i < end; i++) {
		struct mr_traffic_flow f = mr_traffic_flow(t, b->flow[i]);
		uint32_t reply = mr_traffic_is_reply(t, b->bits[i]);

		if (udp_only) /* the rest of it isn't worked out then */
			f.head = alike ? MR_TRAFFIC_UDP + v6 : f.head & 1;
		mr_traffic_direct(b, i, &f, reply);
		b->size[i] = alike ? 0 : mr_traffic_size(b->bits[i]);
		if (!udp_only)
			steady_more(b, i, &f, reply);
	}
}

/* Of one family and size, too. */
MR_TRAFFIC_CLONES static void steady_udp_alike(const struct mr_traffic *t, struct mr_traffic_batch *b,
					       unsigned first, unsigned end)
{
	steady_packets(t, b, first, end, true, true);
}

MR_TRAFFIC_CLONES static void steady_udp(const struct mr_traffic *t, struct mr_traffic_batch *b,
					 unsigned first, unsigned end)
{
	steady_packets(t, b, first, end, true, false);
}

MR_TRAFFIC_CLONES static void steady_any(const struct mr_traffic *t, struct mr_traffic_batch *b,
					 unsigned first, unsigned end)
{
	steady_packets(t, b, first, end, false, false);
}

/* Steady traffic: every packet is a function of its number and flow, so nothing has to be remembered. */
static void steady(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned first, unsigned end)
{
	if (t->udp_only && t->alike)
		steady_udp_alike(t, b, first, end);
	else if (t->udp_only)
		steady_udp(t, b, first, end);
	else
		steady_any(t, b, first, end);
}

const struct mr_traffic_kind mr_traffic_steady = {
	.name = "steady",
	.help = "flows without beginning or end and without state, the fast one",
	.background = steady,
};

const struct mr_traffic_kind *const mr_traffic_kinds[] = { &mr_traffic_steady, &mr_traffic_session,
							   &mr_traffic_mix_kind, &mr_traffic_synflood, NULL };

static void lanes_init(struct mr_traffic *t)
{
	while (2u << t->lane_shift <= t->flows && 2u << t->lane_shift <= MR_TRAFFIC_LANES_MAX)
		t->lane_shift++;
	t->lane_mask = (1u << t->lane_shift) - 1;
	t->lanes_more = t->flows & t->lane_mask;
	t->lane_slots[1] = t->flows >> t->lane_shift;
	t->lane_slots[0] = t->lane_slots[1] + 1;
}

static uint32_t share(uint64_t pct)
{
	return (uint32_t)((pct * SHARE_ALL + 50) / 100);
}

static void shares_init(struct mr_traffic *t)
{
	t->ipv6_share = share(t->conf.ipv6_pct);
	t->icmp_share = share(t->conf.icmp_pct);
	t->tcp_share = share(t->conf.icmp_pct + t->conf.tcp_pct); /* the rest below it is TCP, above it UDP */
	t->reply_share = share(t->conf.reply_pct);
	t->lost_share = share(t->conf.lost_pct);
	t->retransmit_share = share(t->conf.lost_pct + t->conf.retransmit_pct);
	t->reorder_share = share(t->conf.lost_pct + t->conf.retransmit_pct + t->conf.reorder_pct);
	t->attack_share = t->conf.attack == NULL ? 0 : share(t->conf.attack_pct);
}

static uint64_t times(uint64_t a, uint64_t b, uint64_t by)
{
	__extension__ unsigned __int128 v = (unsigned __int128)a * b / by;

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

static void time_init(struct mr_traffic *t)
{
	struct mr_traffic_conf *c = &t->conf;

	if (c->rate_pps == 0)
		c->rate_pps = DEFAULT_RATE_PPS;
	t->step_fp = (MR_NS_PER_S << 32) / c->rate_pps;
	if (c->new_per_s != 0) {
		__extension__ unsigned __int128 fp =
			((unsigned __int128)c->new_per_s << 64) / c->rate_pps + 1;

		t->new_fp = fp > UINT64_MAX ? UINT64_MAX : (uint64_t)fp;
	}
	t->packets = c->packets == 0 ? UINT64_MAX : c->packets;
	if (c->duration_ns != 0) {
		uint64_t n = times(c->duration_ns, c->rate_pps, MR_NS_PER_S);

		if (n < t->packets)
			t->packets = n;
	}
}

static int conf_check(const struct mr_traffic_conf *c, struct mr_err *err)
{
	uint64_t faults = c->lost_pct + c->retransmit_pct + c->reorder_pct;
	uint64_t pkts_min = c->mix != MR_TRAFFIC_ZEROS ? MIX_PKTS_MIN : c->handshake ? SESSION_PKTS_MIN : 0;

	if (c->tcp_pct + c->icmp_pct > 100)
		return mr_err_set(err, EINVAL, "tcp=%lu and icmp=%lu are more than 100 per cent together",
				  c->tcp_pct, c->icmp_pct);
	if (c->new_per_s > c->rate_pps)
		return mr_err_set(err, EINVAL, "new=%lu needs rate=%lu or more: a flow has a packet at least",
				  c->new_per_s, c->new_per_s);
	if (c->mix == MR_TRAFFIC_ZEROS && faults != 0)
		return mr_err_set(err, EINVAL,
				  "lost, retransmit and reorder are for the TCP flows of a mix, say mix=web");
	if (faults > 100)
		return mr_err_set(err, EINVAL,
				  "lost, retransmit and reorder are more than 100 per cent together");
	if (c->mix != MR_TRAFFIC_ZEROS && (c->tcp_pct | c->icmp_pct | c->handshake) != 0)
		return mr_err_set(err, EINVAL,
				  "mix has flows of its own, it doesn't go with tcp, icmp and handshake");
	if (pkts_min != 0 && c->new_per_s * pkts_min > c->rate_pps)
		return mr_err_set(err, EINVAL, "new=%lu with %s needs rate=%lu or more: %lu packets a flow",
				  c->new_per_s, c->handshake ? "handshake=yes" : "mix",
				  c->new_per_s * pkts_min, pkts_min);
	return 0;
}

static int states_create(struct mr_traffic *t, struct mr_err *err)
{
	int rc = 0;

	if (t->conf.handshake)
		t->sessions = calloc(t->flows, sizeof(*t->sessions));
	if (t->conf.mix != MR_TRAFFIC_ZEROS) {
		t->talks = calloc(t->flows, sizeof(*t->talks));
		rc = mr_traffic_mix_create(&t->conf, &t->mix, err);
	}
	if (rc == 0 && ((t->conf.handshake && t->sessions == NULL) || (t->mix != NULL && t->talks == NULL)))
		rc = mr_err_set(err, ENOMEM, "no memory for the state of %u flows, use fewer", t->flows);
	return rc;
}

static int tunnel_create(struct mr_traffic *t, struct mr_err *err)
{
	if ((t->conf.tunnel[0] | t->conf.tunnel[1]) == MR_TRAFFIC_NO_TUNNEL)
		return 0;
	t->tunnel = calloc(1, sizeof(*t->tunnel));
	if (t->tunnel == NULL)
		return mr_err_set(err, ENOMEM, "no memory for the headers of the tunnel");
	return mr_traffic_tunnel_init(&t->conf, t->tunnel, err);
}

static const struct mr_traffic_kind *background(const struct mr_traffic_conf *conf)
{
	if (conf->mix != MR_TRAFFIC_ZEROS)
		return &mr_traffic_mix_kind;
	return conf->handshake ? &mr_traffic_session : &mr_traffic_steady;
}

int mr_traffic_create(const struct mr_traffic_conf *conf, struct mr_traffic **ret_traffic, struct mr_err *err)
{
	struct mr_traffic *t = aligned_alloc(64, sizeof(*t));
	int rc;

	if (t == NULL)
		return mr_err_set(err, ENOMEM, "no memory for the traffic model");
	*t = (struct mr_traffic){ .conf = *conf, .flows = (uint32_t)conf->flows };
	t->background = background(conf);
	t->flow_salt = (uint32_t)mr_hash_seed_fixed(conf->seed).s[0];
	t->packet_salt = (uint32_t)mr_hash_seed_fixed(conf->seed).s[1];
	lanes_init(t);
	shares_init(t);
	time_init(t);
	rc = conf_check(&t->conf, err);
	if (rc == 0)
		rc = tunnel_create(t, err);
	if (rc == 0)
		rc = states_create(t, err);
	if (rc != 0) {
		mr_traffic_free(t);
		return rc;
	}
	mr_traffic_templates_init(t);
	*ret_traffic = t;
	return 0;
}

void mr_traffic_free(struct mr_traffic *t)
{
	if (t == NULL)
		return;
	free(t->sessions);
	free(t->talks);
	free(t->mix);
	free(t->tunnel);
	free(t);
}

uint64_t mr_traffic_packets(const struct mr_traffic *t)
{
	return t->packets;
}

uint64_t mr_traffic_time(const struct mr_traffic *t, uint64_t k)
{
	__extension__ unsigned __int128 ns = (unsigned __int128)k * t->step_fp >> 32;

	return t->conf.start_ns + (uint64_t)ns;
}

uint64_t mr_traffic_due(const struct mr_traffic *t, uint64_t elapsed_ns)
{
	__extension__ unsigned __int128 ns = (unsigned __int128)elapsed_ns << 32;

	return (uint64_t)(ns / t->step_fp) + 1;
}

/* The flows of a round are those from @p base on. */
static void cursor_base(struct mr_traffic_cursor *cur, uint64_t base)
{
	uint32_t flows = cur->t->flows;

	if (base - cur->base_lo >= flows)
		cur->base_lo = base - base % flows;
	cur->base_slot = (uint32_t)(base - cur->base_lo);
}

static uint64_t base_by_number(const struct mr_traffic *t, uint64_t k)
{
	__extension__ unsigned __int128 base = (unsigned __int128)k * t->new_fp;

	return (uint64_t)(base >> 64);
}

void mr_traffic_cursor_init(struct mr_traffic *t, uint16_t queue, uint16_t queues,
			    struct mr_traffic_cursor *ret)
{
	*ret = (struct mr_traffic_cursor){ .t = t, .queue = queue, .queues = queues, .next = queue };
	if (queue > t->lane_mask || queue >= t->packets)
		ret->next = UINT64_MAX;
}

/* Behind @p count packets of the current round; when that was its last, the next round begins. */
static void cursor_advance(struct mr_traffic_cursor *cur, unsigned count, bool by_number)
{
	const struct mr_traffic *t = cur->t;
	uint64_t round = (cur->next | t->lane_mask) + 1;

	cur->next += (uint64_t)count * cur->queues;
	if (cur->next < round)
		return;
	cur->next = round + cur->queue;
	for (int i = 0; i < 2; i++)
		if (++cur->turn[i] >= t->lane_slots[i])
			cur->turn[i] = 0;
	if (by_number && t->new_fp != 0)
		cursor_base(cur, base_by_number(t, round));
}

/* Number, slot, flow and bits of packets first .. end - 1, all in the cursor's round. */
MR_TRAFFIC_CLONES static void schedule(const struct mr_traffic_cursor *cur, struct mr_traffic_batch *b,
				       unsigned first, unsigned end)
{
	const struct mr_traffic *t = cur->t;
	uint64_t next = cur->next;
	uint32_t lane = (uint32_t)next & t->lane_mask;
	uint32_t salt = t->packet_salt ^ mr_traffic_mix32((uint32_t)(next >> 32));
	uint32_t base_lo = (uint32_t)cur->base_lo, base_slot = cur->base_slot, flows = t->flows;
	uint32_t shift = t->lane_shift, slots = t->lane_slots[0], more = t->lanes_more, queues = cur->queues;
	uint32_t few_turn = cur->turn[1], many_turn = cur->turn[0];
	bool in_turn = t->conf.order == MR_TRAFFIC_ROUNDROBIN;

	for (unsigned i = first; i < end; i++) {
		uint32_t r = mr_traffic_mix32((uint32_t)next ^ salt);
		uint32_t few = lane >= more;
		uint32_t any = (uint32_t)((uint64_t)r * (slots - few) >> 32);
		uint32_t slot = lane + ((in_turn ? (few ? few_turn : many_turn) : any) << shift);

		b->number[i] = next;
		b->slot[i] = slot;
		b->flow[i] = base_lo + slot + (slot < base_slot ? flows : 0);
		b->bits[i] = mr_traffic_mix32(r * 0x9e3779b9);
		lane += queues;
		next += queues;
	}
}

/* Packets of the current round from cur->next on that are below @p end and this queue's. */
static uint64_t left_in_round(const struct mr_traffic_cursor *cur, uint64_t end)
{
	uint64_t round_end = (cur->next | cur->t->lane_mask) + 1;

	if (end > round_end)
		end = round_end;
	return cur->next >= end ? 0 : (end - cur->next - 1) / cur->queues + 1;
}

static void attack(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (mr_traffic_is_attack(t, b->bits[i]))
			t->conf.attack->attack(t, b, i);
}

static void write_frames(const struct mr_traffic_cursor *cur, struct mr_traffic_batch *b,
			 uint8_t *const data[], unsigned n)
{
	const struct mr_traffic *t = cur->t;

	if (t->tunnel == NULL) {
		mr_traffic_write(t, b, data, cur->data_off, n);
		return;
	}
	mr_traffic_write(t, b, data, cur->data_off + mr_traffic_tunnel_room(t->tunnel), n);
	mr_traffic_tunnel_wrap(t->tunnel, b, data, cur->data_off, n);
}

uint16_t mr_traffic_burst(struct mr_traffic_cursor *cur, uint8_t *const data[],
			  struct mr_traffic_batch *ret_batch, uint16_t n, uint64_t end, uint64_t elapsed_ns)
{
	const struct mr_traffic *t = cur->t;
	bool by_number = elapsed_ns == MR_TRAFFIC_BY_NUMBER;
	unsigned made = 0;

	if (end > t->packets)
		end = t->packets;
	if (!by_number)
		cursor_base(cur, times(elapsed_ns, t->conf.new_per_s, MR_NS_PER_S));
	while (made < n && cur->next < end) {
		uint64_t left = left_in_round(cur, end);
		unsigned count = left < n - made ? (unsigned)left : n - made;

		schedule(cur, ret_batch, made, made + count);
		if (t->attack_share != SHARE_ALL)
			t->background->background(t, ret_batch, made, made + count);
		made += count;
		cursor_advance(cur, count, by_number);
	}
	if (t->attack_share != 0)
		attack(t, ret_batch, made);
	write_frames(cur, ret_batch, data, made);
	if (cur->next >= t->packets)
		cur->next = UINT64_MAX;
	return (uint16_t)made;
}

uint8_t mr_traffic_proto(enum mr_traffic_head head)
{
	static const uint8_t protos[MR_TRAFFIC_HEAD_MAX] = {
		MR_PROTO_UDP,  MR_PROTO_UDP,   MR_PROTO_TCP, MR_PROTO_TCP,
		MR_PROTO_ICMP, MR_PROTO_ICMP6, MR_PROTO_TCP, MR_PROTO_TCP,
	};

	return protos[head];
}
