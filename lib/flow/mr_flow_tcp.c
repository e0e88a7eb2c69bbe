/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/mr_flow_tcp.h"

#include <netinet/in.h>

#include "base/mr_buf.h"

enum {
	FIN = 0x01,
	SYN = 0x02,
	RST = 0x04,
	ACK = 0x10,
};

/* mr_flow_tcp_way.bits */
enum {
	WAY_SEEN = 1 << 0,  /* next_seq, window are valid */
	WAY_ACKED = 1 << 1, /* last_ack is valid */
	WAY_FIN = 1 << 2,
	WAY_ASKED = 1 << 3, /* the last packet was a keep-alive: what the other side says now answers it */
};

/* mr_flow_tcp.bits */
enum {
	HAS_SYN_ACK = 1 << 0,
	HAS_REQUEST = 1 << 1, /* octets of the client wait for an answer */
};

/* Without a round trip to compare with, this late a packet can't have been overtaken only. */
#define REORDER_US 3000u

#define OPTION_END   0
#define OPTION_NOP   1
#define OPTION_MSS   2
#define OPTION_SCALE 3

/* The parts of a TCP packet that matter here. */
struct segment {
	uint32_t seq, ack, len; /* len: payload octets by the IP length, captured or not */
	uint32_t span;		/* sequence numbers taken: len and one each for SYN and FIN */
	uint32_t now_us;
	uint16_t window;
	uint8_t flags;
};

static int32_t seq_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static void add_one(uint32_t *count)
{
	*count += *count != UINT32_MAX;
}

/* At least 1, since 0 says that it isn't known; clocks may be set back too. */
static uint32_t elapsed_us(uint32_t from_us, uint32_t to_us)
{
	return (int32_t)(to_us - from_us) <= 0 ? 1 : to_us - from_us;
}

static bool read_segment(const struct mr_packet *p, struct segment *ret)
{
	const uint8_t *tcp = p->data + p->l4_off;
	uint32_t header, before = p->l4_off - p->l3_off;

	if (p->proto != IPPROTO_TCP || !(p->flags & MR_PACKET_L4) || p->frag != MR_FRAG_NONE)
		return false;
	header = (uint32_t)(tcp[12] >> 4) * 4;
	if (header < 20 || before + header > p->ip_len)
		return false;
	ret->seq = mr_get_u32(tcp + 4);
	ret->ack = mr_get_u32(tcp + 8);
	ret->window = mr_get_u16(tcp + 14);
	ret->flags = p->tcp_flags;
	ret->len = p->ip_len - before - header;
	ret->span = ret->len + ((ret->flags & SYN) != 0) + ((ret->flags & FIN) != 0);
	ret->now_us = (uint32_t)(p->time_ns / 1000);
	return true;
}

static void read_options(const struct mr_packet *p, struct mr_flow_tcp_way *way)
{
	const uint8_t *tcp = p->data + p->l4_off;
	uint32_t end = (uint32_t)(tcp[12] >> 4) * 4, captured = p->cap_len - p->l4_off;

	way->mss = 0;
	way->window_scale = 0xff;
	end = end < captured ? end : captured;
	for (uint32_t at = 20; at < end && tcp[at] != OPTION_END;) {
		uint32_t len = tcp[at] == OPTION_NOP ? 1 : at + 1 < end ? tcp[at + 1] : 0;

		if (len == 0 || at + len > end || (len == 1 && tcp[at] != OPTION_NOP))
			return;
		if (tcp[at] == OPTION_MSS && len == 4)
			way->mss = mr_get_u16(tcp + at + 2);
		else if (tcp[at] == OPTION_SCALE && len == 3)
			way->window_scale = tcp[at + 2];
		at += len;
	}
}

/* RFC 9293 section 3.8.4: asks for an answer by an octet that was acknowledged already, or none. */
static bool is_keep_alive(const struct mr_flow_tcp_way *way, const struct segment *s)
{
	return s->len <= 1 && s->seq == way->next_seq - 1 && (s->flags & (SYN | FIN | RST)) == 0;
}

/*
 * Sent again, or only overtaken? A segment fills a hole late when it comes within a round trip of what
 * overtook it and what it holds was not acknowledged; anything else has been sent before.
 */
static void not_ahead(struct mr_flow_tcp *tcp, struct mr_flow_tcp_way *way,
		      const struct mr_flow_tcp_way *back, const struct segment *s)
{
	uint32_t rtt_us = tcp->client_rtt_us + tcp->server_rtt_us;
	uint32_t late_us = rtt_us != 0 ? rtt_us : REORDER_US;
	bool acked = (back->bits & WAY_ACKED) && seq_diff(s->seq + s->span, back->last_ack) <= 0;
	bool asked_for = back->same_acks >= 2 && back->last_ack == s->seq;

	if (!acked && !asked_for && s->seq + s->span != way->next_seq && s->now_us - way->next_us < late_us)
		add_one(&way->out_of_order);
	else
		add_one(&way->retransmitted);
}

static void follow_seq(struct mr_flow_tcp *tcp, struct mr_flow_tcp_way *way,
		       const struct mr_flow_tcp_way *back, const struct segment *s)
{
	uint32_t end = s->seq + s->span;

	way->bits &= (uint8_t)~WAY_ASKED;
	if (!(way->bits & WAY_SEEN)) {
		way->next_seq = end;
		way->next_us = s->now_us;
		return;
	}
	if (s->flags & RST) /* its number may be anything within the window, and it ends the count */
		return;
	if (is_keep_alive(way, s)) {
		way->bits |= WAY_ASKED;
	} else if (s->span != 0 && seq_diff(s->seq, way->next_seq) < 0) {
		not_ahead(tcp, way, back, s);
	} else if (seq_diff(s->seq, way->next_seq) > 0) {
		add_one(&way->lost);
	}
	if (seq_diff(end, way->next_seq) > 0) {
		way->next_seq = end;
		way->next_us = s->now_us;
	}
}

static void follow_ack(struct mr_flow_tcp_way *way, const struct mr_flow_tcp_way *back, const struct segment *s)
{
	bool bare = s->len == 0 && (s->flags & (SYN | FIN | RST)) == 0 && !(back->bits & WAY_ASKED);

	if (s->window == 0 && (s->flags & (SYN | FIN | RST)) == 0)
		add_one(&way->zero_windows);
	if (s->flags & ACK) {
		bool same = (way->bits & WAY_ACKED) && s->ack == way->last_ack;

		if (same && bare && s->window == way->window && s->window != 0 && s->seq == way->next_seq) {
			add_one(&way->duplicate_acks);
			if (way->same_acks != UINT8_MAX)
				way->same_acks++;
		} else if (!same) {
			way->same_acks = 0;
		}
		if (!(way->bits & WAY_ACKED) || seq_diff(s->ack, way->last_ack) > 0)
			way->last_ack = s->ack;
		way->bits |= WAY_ACKED;
	}
	way->window = s->window;
}

/* RFC 9293 section 3.10.7.3: an answer acknowledges the SYN, and data sent with it at most. */
static bool answers_syn(const struct mr_flow_tcp_way *client, const struct segment *s)
{
	return client->next_seq - s->ack <= UINT16_MAX;
}

/*
 * A SYN: the first of a connection, its answer, or one of them again. Round trips count from the last of them: how
 * long its sender waited before sending again says nothing of the way.
 */
static void follow_syn(struct mr_flow_tcp *tcp, const struct mr_packet *p, const struct segment *s,
		       unsigned d)
{
	read_options(p, &tcp->way[d]);
	if (!(s->flags & ACK)) {
		if (tcp->state == MR_FLOW_TCP_UNKNOWN && !(tcp->way[!d].bits & WAY_SEEN)) {
			tcp->state = MR_FLOW_TCP_ATTEMPTED;
			tcp->client = (uint8_t)d;
		}
		if (tcp->state == MR_FLOW_TCP_ATTEMPTED && d == tcp->client)
			tcp->syn_us = s->now_us;
		return;
	}
	if (d == tcp->client || !answers_syn(&tcp->way[tcp->client], s))
		return;
	if (tcp->state == MR_FLOW_TCP_ATTEMPTED) {
		tcp->state = MR_FLOW_TCP_HALF_OPEN;
		tcp->server_rtt_us = elapsed_us(tcp->syn_us, s->now_us);
	}
	if (tcp->state == MR_FLOW_TCP_HALF_OPEN)
		tcp->syn_ack_us = s->now_us;
}

/* Octets of the client ask, the first octet of the server afterwards answers. */
static void follow_response(struct mr_flow_tcp *tcp, const struct segment *s, unsigned d)
{
	if (s->len == 0 || tcp->state < MR_FLOW_TCP_ESTABLISHED)
		return;
	if (d == tcp->client) {
		tcp->request_us = s->now_us;
		tcp->bits |= HAS_REQUEST;
	} else if (tcp->bits & HAS_REQUEST) {
		uint32_t us = elapsed_us(tcp->request_us, s->now_us);

		tcp->bits &= (uint8_t)~HAS_REQUEST;
		tcp->response_us = us > tcp->response_us ? us : tcp->response_us;
	}
}

static void follow_state(struct mr_flow_tcp *tcp, const struct segment *s, unsigned d)
{
	struct mr_flow_tcp_way *way = &tcp->way[d];

	if (s->flags & RST) {
		if (tcp->state == MR_FLOW_TCP_ATTEMPTED && d != tcp->client)
			tcp->state = MR_FLOW_TCP_REJECTED;
		else if (tcp->state == MR_FLOW_TCP_ESTABLISHED)
			tcp->state = MR_FLOW_TCP_RESET;
		return;
	}
	if (tcp->state == MR_FLOW_TCP_HALF_OPEN && d == tcp->client && (s->flags & (SYN | ACK)) == ACK) {
		tcp->state = MR_FLOW_TCP_ESTABLISHED;
		tcp->client_rtt_us = elapsed_us(tcp->syn_ack_us, s->now_us);
	}
	if (s->flags & FIN)
		way->bits |= WAY_FIN;
	if (tcp->state == MR_FLOW_TCP_ESTABLISHED && (way->bits & tcp->way[!d].bits & WAY_FIN))
		tcp->state = MR_FLOW_TCP_CLOSED;
}

void mr_flow_tcp_packet(struct mr_flow_tcp *tcp, const struct mr_packet *pkt)
{
	unsigned d = (pkt->flags & MR_PACKET_SWAPPED) != 0;
	struct mr_flow_tcp_way *way = &tcp->way[d];
	struct segment s;

	if (!read_segment(pkt, &s))
		return;
	if (s.flags & SYN)
		follow_syn(tcp, pkt, &s, d);
	follow_seq(tcp, way, &tcp->way[!d], &s);
	follow_ack(way, &tcp->way[!d], &s);
	follow_state(tcp, &s, d);
	follow_response(tcp, &s, d);
	way->bits |= WAY_SEEN;
}

void mr_flow_tcp_record(struct mr_flow_tcp *tcp)
{
	for (unsigned d = 0; d < 2; d++) {
		struct mr_flow_tcp_way *w = &tcp->way[d];

		w->retransmitted = w->out_of_order = w->duplicate_acks = w->zero_windows = w->lost = 0;
	}
	tcp->response_us = 0;
}

const char *mr_flow_tcp_state_name(enum mr_flow_tcp_state state)
{
	static const char *const names[MR_FLOW_TCP_STATE_MAX] = {
		[MR_FLOW_TCP_UNKNOWN] = "unknown",
		[MR_FLOW_TCP_ATTEMPTED] = "attempted",
		[MR_FLOW_TCP_REJECTED] = "rejected",
		[MR_FLOW_TCP_HALF_OPEN] = "half-open",
		[MR_FLOW_TCP_ESTABLISHED] = "established",
		[MR_FLOW_TCP_CLOSED] = "closed",
		[MR_FLOW_TCP_RESET] = "reset",
	};

	return names[state];
}
