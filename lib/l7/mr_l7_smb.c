/* SPDX-License-Identifier: Apache-2.0 */
/* SMB over TCP and over NetBIOS sessions (RFC 1001/1002): framing, identification and logins of all versions.
 */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_smb_priv.h"
#include "l7/mr_l7_text.h"

#define HEADER_LEN 4u

enum {
	NBSS_MESSAGE = 0x00,
	NBSS_REQUEST = 0x81,
	NBSS_RETARGET = 0x84,
	NBSS_KEEP_ALIVE = 0x85,
};

#define NBSS_NAMES_LEN 68u /* two encoded names of a session request */

enum version {
	SMB_NONE,
	SMB_1,
	SMB_2,
	SMB_ENCRYPTED,
	SMB_COMPRESSED,
};

/* By the first four octets of a message. */
static enum version version_of(const uint8_t *p)
{
	if (memcmp(p + 1, "SMB", 3) != 0)
		return SMB_NONE;
	switch (p[0]) {
	case 0xff:
		return SMB_1;
	case 0xfe:
		return SMB_2;
	case 0xfd:
		return SMB_ENCRYPTED;
	case 0xfc:
		return SMB_COMPRESSED;
	default:
		return SMB_NONE;
	}
}

static uint32_t frame_length(const uint8_t *data, uint32_t len)
{
	uint32_t rest;

	if (data[0] != NBSS_MESSAGE && (data[0] < NBSS_REQUEST || data[0] > NBSS_KEEP_ALIVE))
		return MR_L7_FRAME_BAD;
	if (len < HEADER_LEN)
		return 0;
	rest = mr_get_u32(data) & 0xffffff;
	if (data[0] != NBSS_MESSAGE)
		return rest <= NBSS_NAMES_LEN ? HEADER_LEN + rest : MR_L7_FRAME_BAD;
	if (rest < 4)
		return rest == 0 ? HEADER_LEN : MR_L7_FRAME_BAD;
	if (len < HEADER_LEN + 4)
		return 0;
	return version_of(data + HEADER_LEN) != SMB_NONE ? HEADER_LEN + rest : MR_L7_FRAME_BAD;
}

static enum mr_l7_probe probe_message(const uint8_t *p, uint32_t len)
{
	uint32_t whole = frame_length(p, len);

	if (whole == MR_L7_FRAME_BAD || p[0] != NBSS_MESSAGE)
		return MR_L7_NO;
	if (whole == 0)
		return MR_L7_MAYBE;
	/* headers of 32, 52 and more, 64 octets; that of a compressed message is shorter */
	return whole >= HEADER_LEN + 16 ? MR_L7_YES : MR_L7_NO;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	const uint8_t *p = in->data;
	uint32_t before = HEADER_LEN + NBSS_NAMES_LEN;

	if (in->transport != MR_L7_TCP || in->len == 0)
		return MR_L7_NO;
	if (p[0] == 0x82 && (in->len < HEADER_LEN || mr_get_u32(p) == 0x82000000)) /* positive response */
		return in->len <= HEADER_LEN ? MR_L7_MAYBE
					     : probe_message(p + HEADER_LEN, in->len - HEADER_LEN);
	if (p[0] != NBSS_REQUEST)
		return probe_message(p, in->len);
	if (in->len >= 5 &&
	    (mr_get_u32(p) != ((uint32_t)NBSS_REQUEST << 24 | NBSS_NAMES_LEN) || p[4] != 0x20))
		return MR_L7_NO;
	return in->len <= before ? MR_L7_MAYBE : probe_message(p + before, in->len - before);
}

void mr_smb_put_ntlm(struct mr_smb *s, const uint8_t *data, size_t len, struct mr_l7_sink *sink)
{
	enum { TYPE = 8, AUTHENTICATE = 3, FLAGS = 60, MESSAGE_MIN = 64, UNICODE = 1 };
	static const struct {
		uint8_t at;
		enum mr_l7_field field;
	} names[] = {
		{ 28, MR_L7_F_SMB_DOMAIN },
		{ 36, MR_L7_F_SMB_USER },
		{ 44, MR_L7_F_SMB_HOST },
	};
	const uint8_t *m = memmem(data, len, "NTLMSSP", 8);

	if (m == NULL || (len -= (size_t)(m - data)) < MESSAGE_MIN || mr_smb_le32(m + TYPE) != AUTHENTICATE)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		uint16_t name_len = mr_smb_le16(m + names[i].at);
		const uint8_t *name = mr_smb_part(m, len, mr_smb_le32(m + names[i].at + 4), name_len);

		if (name == NULL)
			continue;
		if (mr_smb_le32(m + FLAGS) & UNICODE)
			mr_l7_put_utf16(sink, names[i].field, name, name_len);
		else
			mr_l7_put(sink, names[i].field, name, name_len);
	}
	s->values++;
}

static enum mr_l7_want read_message(void *state, const struct mr_l7_input *in, const uint8_t *data,
				    uint32_t len, struct mr_l7_sink *sink)
{
	struct mr_smb *s = state;
	enum version version =
		data[0] == NBSS_MESSAGE && len > HEADER_LEN ? version_of(data + HEADER_LEN) : SMB_NONE;

	if (version == SMB_1)
		mr_smb1_read(s, data + HEADER_LEN, len - HEADER_LEN, sink);
	else if (version == SMB_2)
		mr_smb2_read(s, data + HEADER_LEN, len - HEADER_LEN, sink);
	else if (version == SMB_ENCRYPTED)
		return MR_L7_DONE;
	return s->values < MR_SMB_VALUES_MAX ? MR_L7_MORE : MR_L7_DONE;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	static const struct mr_l7_framing framing = {
		.shown = MR_SMB_SHOWN_MAX,
		.length = frame_length,
		.message = read_message,
	};
	struct mr_smb *s = state;

	return mr_l7_frames_parse(&framing, &s->frames, s, in, sink, ret_used);
}

const struct mr_l7_ops mr_l7_smb = {
	.name = "smb",
	.description = "Server Message Block",
	.selector = 445,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct mr_smb),
	.probe = probe,
	.parse = parse,
};
