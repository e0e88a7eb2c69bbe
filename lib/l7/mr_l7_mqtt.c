/* SPDX-License-Identifier: Apache-2.0 */
/* MQTT 3.1, 3.1.1 and 5.0 (OASIS): who connects, and the topics that are published and subscribed to. */
#include "l7/mr_l7_frame.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define SHOWN_MAX    4096u /* octets of a packet: names stand at its start */
#define TOPICS_MAX   128u  /* of a flow, put out */
#define RECENT_COUNT 16u

enum {
	CONNECT = 1,
	CONNACK = 2,
	PUBLISH = 3,
	SUBSCRIBE = 8,
	TYPE_MAX = 15, /* AUTH of 5.0 */
};

enum {
	FLAG_USER = 0x80,
	FLAG_WILL = 0x04,
};

struct state {
	struct mr_l7_frames frames;
	uint32_t recent[RECENT_COUNT]; /* digests of topics lately published, so that each is told once */
	uint8_t recent_next;
	uint8_t topics;
	uint8_t level; /* protocol version of CONNECT: 3, 4, 5; 0: not seen */
};

/* A number of up to four octets with seven bits each; false: cut or longer. */
static bool read_varint(struct mr_rbuf *r, uint32_t *ret)
{
	uint32_t number = 0;

	for (unsigned shift = 0; shift < 28; shift += 7) {
		uint8_t octet = mr_rbuf_get_u8(r);

		number |= (uint32_t)(octet & 0x7f) << shift;
		if (octet < 0x80) {
			*ret = number;
			return !r->underflow;
		}
	}
	return false;
}

/* Flags of the first octet are fixed but for PUBLISH. */
static bool is_type(uint8_t first)
{
	unsigned type = first >> 4, flags = first & 15;

	if (type == PUBLISH)
		return (flags & 6) != 6;
	return type != 0 && flags == (type == 6 || type == 8 || type == 10 ? 2 : 0);
}

static uint32_t packet_length(const uint8_t *data, uint32_t len)
{
	struct mr_rbuf r;
	uint32_t rest;

	if (!is_type(data[0]))
		return MR_L7_FRAME_BAD;
	mr_rbuf_init(&r, data + 1, len - 1);
	if (read_varint(&r, &rest))
		return 1 + (uint32_t)r.pos + rest;
	return len < 5 ? 0 : MR_L7_FRAME_BAD;
}

/* Text with two octets of length before it. */
static struct mr_l7_text read_string(struct mr_rbuf *r)
{
	struct mr_l7_text t = { 0 };
	uint16_t len = mr_rbuf_get_u16(r);

	t.data = mr_rbuf_take(r, len);
	t.len = t.data == NULL ? 0 : len;
	return t;
}

static void skip_properties(const struct state *s, struct mr_rbuf *r)
{
	uint32_t len;

	if (s->level == 5 && read_varint(r, &len))
		mr_rbuf_take(r, len);
}

static void read_connect(struct state *s, struct mr_rbuf *r, struct mr_l7_sink *sink)
{
	static const char *const versions[] = { "3.1", "3.1.1", "5.0" };
	struct mr_l7_text client, user = { 0 };
	uint8_t level, flags;

	read_string(r);			  /* MQTT, or MQIsdp before 3.1.1 */
	level = mr_rbuf_get_u8(r) & 0x7f; /* the high bit marks a bridge */
	flags = mr_rbuf_get_u8(r);
	mr_rbuf_get_u16(r); /* keep alive */
	if (r->underflow || level < 3 || level > 5)
		return;
	s->level = level;
	mr_l7_put_string(sink, MR_L7_F_MQTT_VERSION, versions[level - 3]);
	skip_properties(s, r);
	client = read_string(r);
	if (!r->underflow)
		mr_l7_put_text(sink, MR_L7_F_MQTT_CLIENT_ID, client);
	if (flags & FLAG_WILL) {
		skip_properties(s, r);
		read_string(r);
		read_string(r);
	}
	if (flags & FLAG_USER)
		user = read_string(r);
	if (user.len > 0)
		mr_l7_put_text(sink, MR_L7_F_MQTT_USER, user);
}

static bool is_recent(struct state *s, struct mr_l7_text topic)
{
	uint32_t digest = 2166136261u; /* FNV-1a: forging a match hides a topic that is the forger's own */

	for (size_t i = 0; i < topic.len; i++)
		digest = (digest ^ topic.data[i]) * 16777619u;
	for (unsigned i = 0; i < RECENT_COUNT; i++)
		if (s->recent[i] == digest)
			return true;
	s->recent[s->recent_next++ % RECENT_COUNT] = digest;
	return false;
}

static void read_publish(struct state *s, struct mr_rbuf *r, struct mr_l7_sink *sink)
{
	struct mr_l7_text topic = read_string(r);

	/* without one, a number that was given to a topic before stands for it (5.0) */
	if (topic.len == 0 || is_recent(s, topic))
		return;
	mr_l7_put_text(sink, MR_L7_F_MQTT_TOPIC, topic);
	s->topics++;
}

static void read_subscribe(struct state *s, struct mr_rbuf *r, struct mr_l7_sink *sink)
{
	mr_rbuf_get_u16(r); /* packet identifier */
	skip_properties(s, r);
	while (s->topics < TOPICS_MAX && mr_rbuf_left(r) > 0) {
		struct mr_l7_text topic = read_string(r);

		if (r->underflow)
			break;
		mr_l7_put_text(sink, MR_L7_F_MQTT_SUBSCRIBE_TOPIC, topic);
		s->topics++;
		mr_rbuf_get_u8(r); /* options */
	}
}

static enum mr_l7_want read_packet(void *state, const struct mr_l7_input *in, const uint8_t *data,
				   uint32_t len, struct mr_l7_sink *sink)
{
	struct state *s = state;
	struct mr_rbuf r;
	uint32_t rest;

	mr_rbuf_init(&r, data + 1, len - 1);
	read_varint(&r, &rest);
	switch (data[0] >> 4) {
	case CONNECT:
		if (s->level == 0)
			read_connect(s, &r, sink);
		break;
	case CONNACK:
		if (mr_rbuf_left(&r) >= 2)
			mr_l7_put_number(sink, MR_L7_F_MQTT_RETURN_CODE, r.data[r.pos + 1]);
		mr_l7_end_transaction(sink);
		break;
	case PUBLISH:
		read_publish(s, &r, sink);
		break;
	case SUBSCRIBE:
		read_subscribe(s, &r, sink);
		break;
	default:
		break;
	}
	return s->topics < TOPICS_MAX ? MR_L7_MORE : MR_L7_DONE;
}

static enum mr_l7_probe probe_connect(const uint8_t *p, size_t len)
{
	static const uint8_t now[] = { 0, 4, 'M', 'Q', 'T', 'T' },
			     before[] = { 0, 6, 'M', 'Q', 'I', 's', 'd', 'p' };

	if (len >= sizeof(now) && memcmp(p, now, sizeof(now)) == 0)
		return MR_L7_YES;
	if (len >= sizeof(before) && memcmp(p, before, sizeof(before)) == 0)
		return MR_L7_YES;
	return len < sizeof(before) && (len == 0 || p[0] == 0) ? MR_L7_MAYBE : MR_L7_NO;
}

/* Only CONNECT has a name in it; the answer to it fits, but so do others that are as short. */
static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	struct mr_rbuf r;
	uint32_t rest;
	size_t left;

	if (in->transport != MR_L7_TCP || in->len == 0 ||
	    (in->data[0] != CONNECT << 4 && in->data[0] != CONNACK << 4))
		return MR_L7_NO;
	mr_rbuf_init(&r, in->data + 1, in->len - 1);
	if (!read_varint(&r, &rest))
		return in->len < 5 ? MR_L7_MAYBE : MR_L7_NO;
	left = mr_rbuf_left(&r);
	if (in->data[0] == CONNECT << 4)
		return rest < 12 ? MR_L7_NO : probe_connect(in->data + 1 + r.pos, left);
	return rest >= 2 && (left < 1 || r.data[r.pos] <= 1) ? MR_L7_MAYBE : MR_L7_NO;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	static const struct mr_l7_framing framing = {
		.shown = SHOWN_MAX,
		.length = packet_length,
		.message = read_packet,
	};
	struct state *s = state;

	if (in->gap)
		return MR_L7_BROKEN; /* nothing tells where the next packet starts */
	return mr_l7_frames_parse(&framing, &s->frames, s, in, sink, ret_used);
}

const struct mr_l7_ops mr_l7_mqtt = {
	.name = "mqtt",
	.description = "MQ Telemetry Transport",
	.selector = 1883,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
