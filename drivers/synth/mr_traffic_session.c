/* SPDX-License-Identifier: Apache-2.0 */
/* Flows with a beginning and an end: TCP with handshake, data that is acknowledged, and FIN or RST. */
#include "drivers/synth/mr_traffic_priv.h"

enum { STEP_OPEN, STEP_OPEN_BACK, STEP_OPEN_ACK, STEP_DATA, STEP_CLOSE, STEP_CLOSE_BACK, STEP_CLOSE_ACK };

enum { CLIENT, SERVER };

/* packets of one side before the other acknowledges: below the window also with jumbo frames */
#define RUN_MAX 7

static void next_generation(struct mr_traffic_session *s)
{
	s->generation++;
	s->step = STEP_OPEN;
	s->run = 0;
	s->count = 0;
}

/* Where the next packet goes. */
struct out {
	const struct mr_traffic *t;
	struct mr_traffic_batch *b;
	unsigned i;
};

/* A segment. SYN and FIN take one sequence number, payload one an octet. */
static void segment(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
		    uint32_t side, uint32_t flags, uint32_t size)
{
	struct mr_traffic_batch *b = o.b;

	mr_traffic_direct(b, o.i, f, side);
	if (flags & MR_TCP_SYN)
		b->head[o.i] = MR_TRAFFIC_TCP_SYN | (f->head & 1);
	b->size[o.i] = size;
	b->flags[o.i] = flags;
	b->seq[o.i] = __builtin_bswap32(s->seq[side]);
	b->ack[o.i] = flags & MR_TCP_ACK ? __builtin_bswap32(s->seq[!side]) : 0;
	s->seq[side] += o.t->templates[b->head[o.i]][size].payload_len;
	s->seq[side] += (flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0;
}

static void control(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
		    uint32_t side, uint32_t flags)
{
	segment(o, s, f, side, flags, MR_TRAFFIC_SIZES - 1);
}

static void data(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f)
{
	uint32_t bits = o.b->bits[o.i];
	uint32_t side = mr_traffic_is_reply(o.t, bits);
	uint32_t size = mr_traffic_size(bits);
	bool empty = o.t->templates[f->head][size].payload_len == 0;

	if (s->run == RUN_MAX) {
		control(o, s, f, !s->last_side, MR_TCP_ACK);
		s->run = 0;
		return;
	}
	s->run = (side == s->last_side ? s->run + 1u : 1u) & 0x7f;
	s->last_side = side & 1;
	segment(o, s, f, side, empty ? MR_TCP_ACK : MR_TCP_ACK | MR_TCP_PSH, size);
}

/* One flow in eight ends by RST, the others by FIN from either side. */
static void close_start(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
			uint32_t closer)
{
	if ((f->seq[SERVER] >> 1 & 7) == 0) {
		control(o, s, f, closer, MR_TCP_RST | MR_TCP_ACK);
		next_generation(s);
		return;
	}
	control(o, s, f, closer, MR_TCP_FIN | MR_TCP_ACK);
	s->step = STEP_CLOSE_BACK;
}

static void tcp(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f, bool over)
{
	uint32_t closer = f->seq[SERVER] & 1;

	if (s->step == STEP_DATA && over)
		s->step = STEP_CLOSE;
	switch (s->step) {
	case STEP_OPEN:
		s->seq[CLIENT] = f->seq[CLIENT];
		s->seq[SERVER] = f->seq[SERVER];
		control(o, s, f, CLIENT, MR_TCP_SYN);
		s->step = STEP_OPEN_BACK;
		break;
	case STEP_OPEN_BACK:
		control(o, s, f, SERVER, MR_TCP_SYN | MR_TCP_ACK);
		s->step = STEP_OPEN_ACK;
		break;
	case STEP_OPEN_ACK:
		control(o, s, f, CLIENT, MR_TCP_ACK);
		s->step = STEP_DATA;
		break;
	case STEP_DATA:
		data(o, s, f);
		break;
	case STEP_CLOSE:
		close_start(o, s, f, closer);
		break;
	case STEP_CLOSE_BACK:
		control(o, s, f, !closer, MR_TCP_FIN | MR_TCP_ACK);
		s->step = STEP_CLOSE_ACK;
		break;
	default:
		control(o, s, f, closer, MR_TCP_ACK);
		next_generation(s);
	}
}

/* The client is first. */
static void datagram(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f)
{
	uint32_t bits = o.b->bits[o.i];

	mr_traffic_direct(o.b, o.i, f, s->step == STEP_OPEN ? CLIENT : mr_traffic_is_reply(o.t, bits));
	o.b->size[o.i] = mr_traffic_size(bits);
	s->step = STEP_DATA;
}

/* Each request is answered. */
static void echo(struct out o, struct mr_traffic_session *s, const struct mr_traffic_flow *f)
{
	mr_traffic_direct(o.b, o.i, f, s->count & 1);
	o.b->flags[o.i] = s->count & 1;
	o.b->ports[o.i] = __builtin_bswap32(f->client_port << 16 | s->count >> 1);
	o.b->size[o.i] = mr_traffic_size(o.b->bits[o.i]);
	s->count++;
}

static void session_packet(struct out o)
{
	struct mr_traffic_batch *b = o.b;
	struct mr_traffic_session *s = &o.t->sessions[b->slot[o.i]];
	uint32_t number = s->generation * o.t->flows + b->slot[o.i];
	bool over = number != b->flow[o.i];
	struct mr_traffic_flow f = mr_traffic_flow(o.t, number);

	b->seq[o.i] = b->ack[o.i] = b->flags[o.i] = 0;
	if (over && (f.head & ~1u) != MR_TRAFFIC_TCP) { /* these just stop */
		next_generation(s);
		number += o.t->flows;
		over = number != b->flow[o.i];
		f = mr_traffic_flow(o.t, number);
	}
	b->flow[o.i] = number;
	switch (f.head & ~1u) {
	case MR_TRAFFIC_TCP:
		tcp(o, s, &f, over);
		break;
	case MR_TRAFFIC_ICMP:
		echo(o, s, &f);
		break;
	default:
		datagram(o, s, &f);
	}
}

static void session(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		__builtin_prefetch(&t->sessions[b->slot[i]], 1);
	for (unsigned i = first; i < end; i++)
		if (!mr_traffic_is_attack(t, b->bits[i])) /* otherwise nobody would see the segment */
			session_packet((struct out){ .t = t, .b = b, .i = i });
}

const struct mr_traffic_kind mr_traffic_session = {
	.name = "session",
	.help = "flows with TCP handshakes, acknowledged data, FIN or RST (handshake=yes)",
	.background = session,
};
