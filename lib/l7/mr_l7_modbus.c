/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Modbus/TCP (Modbus messaging on TCP/IP v1.0b, application protocol v1.1b3). A master asks the same for
 * days, so each kind of request (function of a unit) is told when it first comes, however late that is; so is
 * each exception.
 */
#include "l7/mr_l7_frame.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define PORT	   502
#define HEADER_LEN 7u /* transaction, protocol 0, length of what follows, unit */
#define ADU_MAX	   260u
#define KINDS_MAX  64u /* of a flow; what is new after that isn't told */

struct state {
	struct mr_l7_frames frames;
	uint16_t kinds[KINDS_MAX]; /* told: unit << 8 | function */
	uint32_t exceptions;	   /* a bit each: codes below 32 that were told */
	uint8_t kind_count;
};

static uint32_t adu_length(const uint8_t *data, uint32_t len)
{
	uint32_t rest;

	if (len < 6)
		return 0;
	rest = mr_get_u16(data + 4);
	return mr_get_u16(data + 2) != 0 || rest < 2 || rest > ADU_MAX - 6 ? MR_L7_FRAME_BAD : 6 + rest;
}

/* May a request or response of this function be this long? @p rest: what the header says, unit included. */
static bool fits(const uint8_t *adu, uint32_t rest)
{
	uint8_t function = adu[7], first = adu[8];

	if (function & 0x80)
		return rest == 3 && first >= 1 && first <= 11;
	switch (function) {
	case 1:
	case 2:
	case 3:
	case 4:
		return rest == 6 || (rest == 3u + first && first > 0);
	case 5:
	case 6:
		return rest == 6;
	case 15:
	case 16:
		return rest == 6 || (rest > 7 && rest == 7u + adu[12]);
	case 22:
		return rest == 8;
	case 23:
		return rest == 3u + first || (rest > 11 && rest <= ADU_MAX - 6);
	case 43:
		return first == 14 || first == 13;
	default:
		return false;
	}
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	uint32_t adu;

	if (in->transport != MR_L7_TCP || in->len == 0)
		return MR_L7_NO;
	if (in->len >= 4 && mr_get_u16(in->data + 2) != 0)
		return MR_L7_NO;
	adu = adu_length(in->data, in->len);
	if (adu == MR_L7_FRAME_BAD || (adu != 0 && adu < 9))
		return MR_L7_NO; /* shorter ones exist and prove nothing */
	if (in->len < 13 && (adu == 0 || in->len < adu))
		return MR_L7_MAYBE;
	if (!fits(in->data, adu - 6))
		return MR_L7_NO;
	/* what follows must be a message too */
	return in->len <= adu || adu_length(in->data + adu, in->len - adu) != MR_L7_FRAME_BAD ? MR_L7_YES
											      : MR_L7_NO;
}

/* Requests of these functions start with an address, and most go on with a quantity. */
static void put_range(const uint8_t *pdu, uint32_t len, struct mr_l7_sink *sink)
{
	uint8_t function = pdu[0];
	bool addressed = (function >= 1 && function <= 6) || function == 15 || function == 16 ||
			 function == 22 || function == 23;

	if (!addressed || len < 5)
		return;
	mr_l7_put_number(sink, MR_L7_F_MODBUS_ADDRESS, mr_get_u16(pdu + 1));
	/* 5, 6 and 22 write one, the next octets are what they write */
	if (function == 5 || function == 6 || function == 22)
		mr_l7_put_number(sink, MR_L7_F_MODBUS_QUANTITY, 1);
	else
		mr_l7_put_number(sink, MR_L7_F_MODBUS_QUANTITY, mr_get_u16(pdu + 3));
}

static bool is_new(struct state *s, uint16_t kind)
{
	for (unsigned i = 0; i < s->kind_count; i++)
		if (s->kinds[i] == kind)
			return false;
	if (s->kind_count == KINDS_MAX)
		return false;
	s->kinds[s->kind_count++] = kind;
	return true;
}

static void read_response(struct state *s, const uint8_t *pdu, uint32_t len, struct mr_l7_sink *sink)
{
	uint32_t bit;

	if ((pdu[0] & 0x80) != 0 && len > 1) {
		bit = 1u << pdu[1] % 32;
		if ((s->exceptions & bit) == 0)
			mr_l7_put_number(sink, MR_L7_F_MODBUS_EXCEPTION, pdu[1]);
		s->exceptions |= bit;
	}
	mr_l7_end_transaction(sink);
}

static enum mr_l7_want read_adu(void *state, const struct mr_l7_input *in, const uint8_t *data, uint32_t len,
				struct mr_l7_sink *sink)
{
	struct state *s = state;
	/* a capture that starts in the middle may have taken the server for the initiator */
	unsigned client = in->port[0] == PORT && in->port[1] != PORT ? 1 : 0;
	const uint8_t *pdu = data + HEADER_LEN;
	uint8_t unit = data[6];

	if (in->dir != client) {
		read_response(s, pdu, len - HEADER_LEN, sink);
	} else if (is_new(s, (uint16_t)(unit << 8 | pdu[0]))) {
		mr_l7_put_number(sink, MR_L7_F_MODBUS_UNIT, unit);
		mr_l7_put_number(sink, MR_L7_F_MODBUS_FUNCTION, pdu[0]);
		put_range(pdu, len - HEADER_LEN, sink);
	}
	return MR_L7_MORE;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	static const struct mr_l7_framing framing = {
		.shown = ADU_MAX,
		.length = adu_length,
		.message = read_adu,
	};
	struct state *s = state;

	return mr_l7_frames_parse(&framing, &s->frames, s, in, sink, ret_used);
}

const struct mr_l7_ops mr_l7_modbus = {
	.name = "modbus",
	.description = "Modbus/TCP",
	.selector = 502,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
