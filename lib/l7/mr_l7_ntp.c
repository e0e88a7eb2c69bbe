/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NTP (RFC 5905), its control messages (RFC 9327) and the private ones of ntpd, which amplifying attacks use.
 * There is no magic number. So a message must be consistent with itself; one that is but proves little, such
 * as the first question of a client with a wrong clock, counts at NTP's own port only.
 */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define PORT	      123
#define MESSAGE_LEN   48u
#define REFERENCE_OFF 12u
#define MESSAGES_MAX  16u /* of a flow; the next ones say the same */

enum {
	MODE_CLIENT = 3,
	MODE_SERVER = 4,
	MODE_BROADCAST = 5,
	MODE_CONTROL = 6,
	MODE_PRIVATE = 7,
};

enum {
	MONLIST_OLD = 20,
	MONLIST = 42,
};

struct state {
	uint8_t modes_told; /* a bit each */
	uint8_t messages;
	bool version_told, source_told, monlist_told;
};

static unsigned mode_of(const uint8_t *p)
{
	return p[0] & 7;
}

static unsigned version_of(const uint8_t *p)
{
	return p[0] >> 3 & 7;
}

static bool all_zero(const uint8_t *p, size_t len)
{
	while (len > 0 && p[len - 1] == 0)
		len--;
	return len == 0;
}

/* Less than a minute between these seconds of two timestamps. */
static bool are_close(const uint8_t *a, const uint8_t *b)
{
	uint32_t diff = mr_get_u32(a) - mr_get_u32(b);

	return diff + 60 <= 120;
}

enum trust {
	TRUST_NONE,
	TRUST_AT_PORT, /* nothing speaks against it */
	TRUST_FULL,
};

static enum trust trust_time(const uint8_t *p, uint32_t len)
{
	static const unsigned reference = 16, receive = 32, transmit = 40;
	int8_t poll = (int8_t)p[2], precision = (int8_t)p[3];

	/* behind the message: extension fields and digests, in words */
	if (len < MESSAGE_LEN || len % 4 != 0 || p[1] > 16 || poll < -8 || poll > 17 || precision > 32)
		return TRUST_NONE;
	/* root delay (signed) and dispersion: below 16 s, unless it knows nothing yet */
	if ((p[4] | p[5] | p[8] | p[9]) > 16 && p[1] != 0 && p[1] != 16)
		return TRUST_NONE;
	if (mode_of(p) == MODE_CLIENT)
		return all_zero(p + 4, transmit - 4) && !all_zero(p + transmit, 8) ? TRUST_FULL
										   : TRUST_AT_PORT;
	if (mode_of(p) == MODE_SERVER && !all_zero(p + transmit, 4) && are_close(p + receive, p + transmit) &&
	    mr_get_u32(p + transmit) - mr_get_u32(p + reference) < 1u << 20)
		return TRUST_FULL;
	return TRUST_AT_PORT;
}

static enum trust trust_control(const uint8_t *p, uint32_t len)
{
	uint32_t count;

	if (len < 12 || (p[0] & 0xc0) != 0 || (p[1] & 0x1f) > 12 + 19)
		return TRUST_NONE;
	count = mr_get_u16(p + 10);
	/* data is padded, and a digest may follow */
	if (count > 468 || len < 12 + count)
		return TRUST_NONE;
	return len <= 12 + count + 3 && all_zero(p + 4, 6) ? TRUST_FULL : TRUST_AT_PORT;
}

/* Implementation, request code, then 4 bits of error and 12 of items, 4 zeros and 12 of octets each. */
static enum trust trust_private(const uint8_t *p, uint32_t len)
{
	uint32_t items, item_len;
	bool known;

	if (len < 8 || (p[2] != 0 && p[2] != 2 && p[2] != 3) || p[3] > 45)
		return TRUST_NONE;
	items = mr_get_u16(p + 4) & 0xfff;
	item_len = mr_get_u16(p + 6);
	if (item_len > 0xfff || len < 8 + items * item_len)
		return TRUST_NONE;
	known = p[2] != 0 && (p[3] == MONLIST || p[3] == MONLIST_OLD) && (p[1] & 0x7f) <= 100;
	return known && p[4] == 0 && items <= 100 && item_len <= 500 ? TRUST_FULL : TRUST_AT_PORT;
}

static enum trust trust_of(const uint8_t *p, uint32_t len)
{
	if (len < 8 || version_of(p) < 1 || version_of(p) > 4)
		return TRUST_NONE;
	switch (mode_of(p)) {
	case 0:
		return version_of(p) == 1 ? trust_time(p, len) : TRUST_NONE;
	case MODE_CONTROL:
		return trust_control(p, len);
	case MODE_PRIVATE:
		return trust_private(p, len);
	default:
		return trust_time(p, len);
	}
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	enum trust trust = in->transport == MR_L7_UDP ? trust_of(in->data, in->len) : TRUST_NONE;

	if (trust == TRUST_AT_PORT && in->port[0] != PORT && in->port[1] != PORT)
		return MR_L7_NO;
	return trust == TRUST_NONE ? MR_L7_NO : MR_L7_YES;
}

/* A name of up to four letters for a clock (stratum 1) or a kiss code (0), else the address of the source. */
static void put_reference(const uint8_t *p, struct mr_l7_sink *sink)
{
	const uint8_t *reference = p + REFERENCE_OFF;
	size_t len = 4;

	if (p[1] > 1) {
		mr_l7_put_ipv4(sink, MR_L7_F_NTP_REFERENCE_ID, reference);
		return;
	}
	while (len > 0 && reference[len - 1] == 0)
		len--;
	if (len > 0)
		mr_l7_put(sink, MR_L7_F_NTP_REFERENCE_ID, reference, len);
}

static void put_private(struct state *s, const uint8_t *p, struct mr_l7_sink *sink)
{
	mr_l7_put_number(sink, MR_L7_F_NTP_REQUEST_CODE, p[3]);
	if ((p[3] == MONLIST || p[3] == MONLIST_OLD) && !s->monlist_told) {
		mr_l7_put_number(sink, MR_L7_F_NTP_MONLIST, 1);
		s->monlist_told = true;
	}
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	const uint8_t *p = in->data;
	unsigned mode;

	*ret_used = in->len;
	if (++s->messages > MESSAGES_MAX)
		return MR_L7_DONE;
	if (trust_of(p, in->len) == TRUST_NONE)
		return MR_L7_MORE;
	mode = mode_of(p);
	if (!s->version_told)
		mr_l7_put_number(sink, MR_L7_F_NTP_VERSION, version_of(p));
	s->version_told = true;
	if ((s->modes_told & 1u << mode) == 0)
		mr_l7_put_number(sink, MR_L7_F_NTP_MODE, mode);
	s->modes_told |= (uint8_t)(1u << mode);
	if (mode == MODE_PRIVATE) {
		put_private(s, p, sink);
	} else if (mode == MODE_CONTROL) {
		mr_l7_put_number(sink, MR_L7_F_NTP_CONTROL_OPCODE, p[1] & 0x1f);
	} else if (mode != MODE_CLIENT && !s->source_told) {
		mr_l7_put_number(sink, MR_L7_F_NTP_STRATUM, p[1]);
		put_reference(p, sink);
		s->source_told = true;
	}
	if (mode == MODE_SERVER || mode == MODE_BROADCAST || (mode == MODE_PRIVATE && (p[0] & 0x80) != 0))
		mr_l7_end_transaction(sink);
	return MR_L7_MORE;
}

const struct mr_l7_ops mr_l7_ntp = {
	.name = "ntp",
	.description = "Network Time Protocol",
	.selector = 123,
	.transports = MR_L7_UDP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
