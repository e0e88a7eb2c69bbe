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

/* A segment without payload. SYN and FIN take one sequence number. */
static void control(struct mr_traffic_session *s, const struct mr_traffic_flow *f, int side, uint8_t flags,
		    struct mr_traffic_pkt *p)
{
	mr_traffic_direct(p, f, side);
	if (flags & MR_TCP_SYN)
		p->head = (uint8_t)(MR_TRAFFIC_TCP_SYN | (f->head & 1));
	p->size = MR_TRAFFIC_SIZES - 1;
	p->tcp_flags = flags;
	p->seq = s->seq[side];
	p->ack = flags & MR_TCP_ACK ? s->seq[!side] : 0;
	s->seq[side] += (flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0;
}

static void data(const struct mr_traffic *t, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
		 uint64_t h, struct mr_traffic_pkt *p)
{
	int side = mr_traffic_is_reply(t, h);
	uint32_t payload;

	if (s->run >= RUN_MAX) {
		side = !s->last_side;
		control(s, f, side, MR_TCP_ACK, p);
		s->run = 0;
		return;
	}
	s->run = (side == s->last_side ? s->run + 1u : 1u) & 0x7f;
	s->last_side = side & 1u;
	mr_traffic_direct(p, f, side);
	p->size = mr_traffic_size(h);
	payload = t->templates[p->head][p->size].payload_len;
	p->tcp_flags = payload == 0 ? MR_TCP_ACK : MR_TCP_ACK | MR_TCP_PSH;
	p->seq = s->seq[side];
	p->ack = s->seq[!side];
	s->seq[side] += payload;
}

/* One flow in eight ends by RST, the others by FIN from either side. */
static void close_start(struct mr_traffic_session *s, const struct mr_traffic_flow *f, struct mr_traffic_pkt *p)
{
	int side = f->seq[1] & 1;

	if ((f->seq[1] >> 1 & 7) == 0) {
		control(s, f, side, MR_TCP_RST | MR_TCP_ACK, p);
		next_generation(s);
		return;
	}
	control(s, f, side, MR_TCP_FIN | MR_TCP_ACK, p);
	s->step = STEP_CLOSE_BACK;
}

static void tcp(const struct mr_traffic *t, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
		bool over, uint64_t h, struct mr_traffic_pkt *p)
{
	int closer = f->seq[1] & 1;

	if (s->step == STEP_DATA && over)
		s->step = STEP_CLOSE;
	switch (s->step) {
	case STEP_OPEN:
		s->seq[CLIENT] = f->seq[CLIENT];
		s->seq[SERVER] = f->seq[SERVER];
		control(s, f, CLIENT, MR_TCP_SYN, p);
		s->step = STEP_OPEN_BACK;
		break;
	case STEP_OPEN_BACK:
		control(s, f, SERVER, MR_TCP_SYN | MR_TCP_ACK, p);
		s->step = STEP_OPEN_ACK;
		break;
	case STEP_OPEN_ACK:
		control(s, f, CLIENT, MR_TCP_ACK, p);
		s->step = STEP_DATA;
		break;
	case STEP_DATA:
		data(t, s, f, h, p);
		break;
	case STEP_CLOSE:
		close_start(s, f, p);
		break;
	case STEP_CLOSE_BACK:
		control(s, f, !closer, MR_TCP_FIN | MR_TCP_ACK, p);
		s->step = STEP_CLOSE_ACK;
		break;
	default:
		control(s, f, closer, MR_TCP_ACK, p);
		next_generation(s);
	}
}

static void datagram(const struct mr_traffic *t, struct mr_traffic_session *s, const struct mr_traffic_flow *f,
		     uint64_t h, struct mr_traffic_pkt *p)
{
	mr_traffic_direct(p, f, s->step != STEP_OPEN && mr_traffic_is_reply(t, h)); /* the client is first */
	p->size = mr_traffic_size(h);
	s->step = STEP_DATA;
}

/* Each request is answered. */
static void echo(struct mr_traffic_session *s, const struct mr_traffic_flow *f, uint64_t h,
		 struct mr_traffic_pkt *p)
{
	bool reply = s->count & 1;

	mr_traffic_direct(p, f, reply);
	p->icmp_reply = reply;
	p->src_port = f->client_port;
	p->dst_port = s->count >> 1;
	p->size = mr_traffic_size(h);
	s->count++;
}

static void session(struct mr_traffic *t, uint32_t slot, uint64_t number, uint64_t h, struct mr_traffic_pkt *p)
{
	struct mr_traffic_session *s = &t->sessions[slot];
	uint64_t mine = (uint64_t)s->generation * t->flows + slot;
	struct mr_traffic_flow f = mr_traffic_flow(t, mine);

	p->seq = p->ack = 0;
	p->tcp_flags = 0;
	p->icmp_reply = 0;
	if (mine < number && (f.head & ~1) != MR_TRAFFIC_TCP) { /* these just stop */
		next_generation(s);
		mine += t->flows;
		f = mr_traffic_flow(t, mine);
	}
	switch (f.head & ~1) {
	case MR_TRAFFIC_TCP:
		tcp(t, s, &f, mine < number, h, p);
		break;
	case MR_TRAFFIC_ICMP:
		echo(s, &f, h, p);
		break;
	default:
		datagram(t, s, &f, h, p);
	}
}

const struct mr_traffic_kind mr_traffic_session = {
	.name = "session",
	.help = "flows with TCP handshakes, acknowledged data, FIN or RST (handshake=yes)",
	.background = session,
};
