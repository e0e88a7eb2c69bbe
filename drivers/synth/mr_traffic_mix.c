/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that follow scripts: making the messages once, then choosing the next one for each packet. */
#include "drivers/synth/mr_traffic_mix.h"

#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };

/* Shares of a mix of all, of 256. */
static const uint16_t web_shares[MR_TRAFFIC_APP_MAX] = {
	[MR_TRAFFIC_HTTP] = 64, [MR_TRAFFIC_TLS12] = 38, [MR_TRAFFIC_TLS13] = 90,
	[MR_TRAFFIC_DNS] = 38,	[MR_TRAFFIC_QUIC] = 26,
};
static const uint16_t tls_shares[MR_TRAFFIC_APP_MAX] = { [MR_TRAFFIC_TLS12] = 76, [MR_TRAFFIC_TLS13] = 180 };

static struct mr_traffic_script *script_of(struct mr_traffic_mix *mix)
{
	return &mix->script[mix->scripts];
}

/* Octets of sequence space from @p from to the next message to be made, sent by @p side. */
static uint32_t octets_since(const struct mr_traffic_mix *mix, uint32_t from, uint32_t side)
{
	uint32_t octets = 0;

	for (uint32_t i = from; i < mix->messages; i++) {
		const struct mr_traffic_message *m = &mix->message[0][i];

		if (m->side == side)
			octets += m->tm.payload_len + ((m->flags & (MR_TCP_SYN | MR_TCP_FIN)) != 0);
	}
	return octets;
}

/* The message for one IP version, whose payload is @p data. */
static void make_message(struct mr_traffic_mix *mix, uint32_t v6, const struct mr_traffic_say *say,
			 const uint8_t *data, uint32_t len)
{
	uint32_t first = script_of(mix)->first, head = script_of(mix)->head | v6;
	struct mr_traffic_message *m = &mix->message[v6][mix->messages];
	uint32_t payload_off;

	m->side = say->side;
	m->flags = say->flags;
	m->middle = say->middle;
	m->seq = octets_since(mix, first, say->side);
	m->ack = octets_since(mix, first, !say->side);
	mr_traffic_template_address(&mix->frame, v6);
	mr_build_append(&mix->frame, data, len);
	if (say->flags & MR_TCP_SYN)
		head = MR_TRAFFIC_TCP_SYN | v6;
	mr_traffic_template_make(&m->tm, head, &mix->frame, mix->vlan);
	m->tm.long_head = 1; /* the same buffer had longer headers before */
	if (m->tm.frame_len > MR_TRAFFIC_HEAD + sizeof(m->rest) || mix->frame.overflow) {
		mix->overflow = true;
		return;
	}
	if (m->tm.frame_len > MR_TRAFFIC_HEAD)
		memcpy(m->rest, mr_build_data(&mix->frame) + MR_TRAFFIC_HEAD,
		       m->tm.frame_len - MR_TRAFFIC_HEAD);
	payload_off = m->tm.l4_off + (script_of(mix)->head == MR_TRAFFIC_TCP ? 20 : 8);
	if (say->name_at >= say->off && say->name_at != 0 && say->name_at < say->off + len)
		m->name_off = (uint16_t)(payload_off + say->name_at - say->off);
	if (say->id)
		m->id_off = (uint16_t)payload_off;
}

void mr_traffic_say(struct mr_traffic_mix *mix, const struct mr_traffic_say *say)
{
	const uint8_t *data = say->payload == NULL ? NULL : say->payload->data + say->off;
	uint32_t len = say->len;

	if (say->payload != NULL && len == 0)
		len = (uint32_t)say->payload->len;
	if (mix->messages == MR_TRAFFIC_MESSAGES) {
		mix->overflow = true;
		return;
	}
	/* IPv6 first: sequence numbers are counted in the IPv4 ones, of which the last isn't there yet */
	make_message(mix, 1, say, data, len);
	make_message(mix, 0, say, data, len);
	mix->messages++;
}

static void say_control(struct mr_traffic_mix *mix, uint8_t side, uint8_t flags)
{
	mr_traffic_say(mix, &(struct mr_traffic_say){ .side = side, .flags = flags });
}

void mr_traffic_say_data(struct mr_traffic_mix *mix, const struct mr_traffic_say *say)
{
	struct mr_traffic_say part = *say;
	uint32_t total = (uint32_t)say->payload->len, segments = (total - 1) / MR_TRAFFIC_MSS + 1;

	for (uint32_t i = 0; i < segments; i++, part.off += part.len) {
		bool last = i + 1 == segments;

		part.len = last ? total - part.off : MR_TRAFFIC_MSS;
		part.flags = last ? MR_TCP_ACK | MR_TCP_PSH : MR_TCP_ACK;
		part.middle = i > 0 && !last;
		mr_traffic_say(mix, &part);
		if (!part.middle && segments > 1)
			say_control(mix, !say->side, MR_TCP_ACK);
	}
}

void mr_traffic_loop_begin(struct mr_traffic_mix *mix)
{
	script_of(mix)->loop = (uint8_t)(mix->messages - script_of(mix)->first);
}

void mr_traffic_loop_end(struct mr_traffic_mix *mix)
{
	struct mr_traffic_script *s = script_of(mix);

	s->close = (uint8_t)(mix->messages - s->first);
	for (uint32_t side = CLIENT; side <= SERVER; side++)
		s->loop_octets[side] = octets_since(mix, s->first + s->loop, side);
}

void mr_traffic_script_begin(struct mr_traffic_mix *mix, enum mr_traffic_app app, uint16_t port,
			     enum mr_traffic_head head)
{
	*script_of(mix) = (struct mr_traffic_script){
		.first = mix->messages, .app = (uint8_t)app, .port = port, .head = (uint16_t)head
	};
	if (head != MR_TRAFFIC_TCP)
		return;
	say_control(mix, CLIENT, MR_TCP_SYN);
	say_control(mix, SERVER, MR_TCP_SYN | MR_TCP_ACK);
	say_control(mix, CLIENT, MR_TCP_ACK);
}

void mr_traffic_script_end(struct mr_traffic_mix *mix)
{
	struct mr_traffic_script *s = script_of(mix);

	if (s->head == MR_TRAFFIC_TCP) {
		say_control(mix, SERVER, MR_TCP_FIN | MR_TCP_ACK);
		say_control(mix, CLIENT, MR_TCP_FIN | MR_TCP_ACK);
		say_control(mix, SERVER, MR_TCP_ACK);
	}
	s->count = (uint8_t)(mix->messages - s->first);
	mix->scripts++;
}

/* The first script of an application; QUIC has one for each connection id, one behind the other. */
static uint8_t find_script(const struct mr_traffic_mix *mix, unsigned app)
{
	uint8_t i = 0;

	while (mix->script[i].app != app)
		i++;
	return i;
}

static void choose_scripts(struct mr_traffic_mix *mix, uint64_t choice)
{
	uint16_t one[MR_TRAFFIC_APP_MAX] = { 0 };
	const uint16_t *shares = choice == MR_TRAFFIC_WEB   ? web_shares
				 : choice == MR_TRAFFIC_TLS ? tls_shares
							    : one;
	unsigned at = 0;

	one[choice] = 256;
	for (unsigned app = 0; app < MR_TRAFFIC_APP_MAX; app++)
		for (unsigned i = 0; i < shares[app]; i++)
			mix->script_of[at++] = find_script(mix, app);
}

int mr_traffic_mix_create(const struct mr_traffic_conf *conf, struct mr_traffic_mix **ret_mix,
			  struct mr_err *err)
{
	struct mr_traffic_mix *mix = aligned_alloc(64, sizeof(*mix));
	int rc;

	if (mix == NULL)
		return mr_err_set(err, ENOMEM, "no memory for the messages of the mix");
	memset(mix, 0, sizeof(*mix));
	mix->vlan = conf->vlan;
	rc = mr_traffic_scripts(mix, err);
	if (rc == 0 && mix->overflow)
		rc = mr_err_set(err, ENOBUFS,
				"a message of the mix is longer than its room: an error of this program");
	if (rc != 0) {
		free(mix);
		return rc;
	}
	choose_scripts(mix, conf->mix);
	*ret_mix = mix;
	return 0;
}

/* What happens to a middle segment: a matter of flow and pass only. */
static uint8_t choose_fault(const struct mr_traffic *t, uint32_t number, uint32_t pass)
{
	uint32_t bits = mr_traffic_mix32(mr_traffic_mix32(number ^ t->packet_salt) + pass);

	if (!mr_traffic_below(bits, 0, t->reorder_share))
		return MR_TRAFFIC_FINE;
	if (mr_traffic_below(bits, 0, t->lost_share))
		return MR_TRAFFIC_AFTER_LOSS;
	return mr_traffic_below(bits, 0, t->retransmit_share) ? MR_TRAFFIC_AGAIN : MR_TRAFFIC_LATE;
}

/* Behind the last packet of a pass the next one follows, or the close when the flow's time is over. */
static void advance(struct mr_traffic_talk *k, const struct mr_traffic_script *s, unsigned steps, bool over)
{
	k->step = (uint8_t)(k->step + steps);
	if (k->step == s->close && !over) {
		k->step = s->loop;
		k->pass++;
	} else if (k->step == s->count) {
		*k = (struct mr_traffic_talk){ .generation = k->generation + 1 };
	}
}

/* The step to be sent now, with the state behind it. */
static unsigned next_step(const struct mr_traffic *t, struct mr_traffic_talk *k, uint32_t number, bool over,
			  const struct mr_traffic_script *s, uint32_t *ret_fault)
{
	unsigned step = k->step;
	bool middle = t->mix->message[0][s->first + step].middle;
	uint8_t fault =
		middle && k->fault == MR_TRAFFIC_FINE ? choose_fault(t, number, k->pass) : MR_TRAFFIC_FINE;

	*ret_fault = k->fault;
	if (k->fault == MR_TRAFFIC_LATE) { /* the one behind it was sent before */
		k->fault = MR_TRAFFIC_FINE;
		advance(k, s, 2, over);
	} else if (fault == MR_TRAFFIC_FINE) {
		k->fault = MR_TRAFFIC_FINE;
		advance(k, s, 1, over);
	} else if (fault == MR_TRAFFIC_AFTER_LOSS) {
		*ret_fault = fault;
		advance(k, s, 2, over);
		step++;
	} else {
		k->fault = fault;
		step += fault == MR_TRAFFIC_LATE;
	}
	return step;
}

static void mix_packet(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned i)
{
	const struct mr_traffic_mix *mix = t->mix;
	struct mr_traffic_talk *k = &t->talks[b->slot[i]];
	uint32_t number = k->generation * t->flows + b->slot[i], pass = k->pass;
	struct mr_traffic_flow f = mr_traffic_flow(t, number);
	unsigned which = mix->script_of[f.seq[0] >> 8 & 0xff];
	const struct mr_traffic_script *s;
	const struct mr_traffic_message *m;
	unsigned step;

	if (mix->script[which].app == MR_TRAFFIC_QUIC)
		which += number % MR_TRAFFIC_QUIC_KEYS;
	s = &mix->script[which];
	step = next_step(t, k, number, number != b->flow[i], s, &b->fault[i]);
	m = &mix->message[f.head & 1][s->first + step];
	f.server_port = s->port;
	f.head = s->head | (f.head & 1);
	mr_traffic_direct(b, i, &f, m->side);
	b->flow[i] = number;
	b->message[i] = m;
	b->app[i] = s->app;
	b->flags[i] = m->flags;
	if (m->name_off != 0)
		b->digits[i] = mr_traffic_digits(number);
	if (s->head == MR_TRAFFIC_TCP) {
		b->seq[i] = __builtin_bswap32(f.seq[m->side] + m->seq + pass * s->loop_octets[m->side]);
		b->ack[i] = __builtin_bswap32(f.seq[!m->side] + m->ack + pass * s->loop_octets[!m->side]);
		b->ack[i] &= -(uint32_t)((m->flags & MR_TCP_ACK) != 0);
	} else {
		b->seq[i] = (number ^ pass) & 0xffff; /* a DNS id */
		b->ack[i] = 0;
	}
}

static void mix(const struct mr_traffic *t, struct mr_traffic_batch *b, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		__builtin_prefetch(&t->talks[b->slot[i]], 1);
	for (unsigned i = first; i < end; i++) {
		b->message[i] = NULL;
		if (!mr_traffic_is_attack(t, b->bits[i]))
			mix_packet(t, b, i);
	}
}

const struct mr_traffic_kind mr_traffic_mix_kind = {
	.name = "mix",
	.help = "flows of applications (mix=web ...)",
	.background = mix,
};
