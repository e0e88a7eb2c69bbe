/* SPDX-License-Identifier: Apache-2.0 */
/* SSH (RFC 4253): the identification lines and the KEXINIT of both sides; then the encryption begins. */
#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_ssh_kex.h"

#define LINE_MAX_OCTETS                                                                                      \
	1024u /* RFC 4253 section 4.2 allows 255 for the identification, and other lines before it */
#define LINES_MAX     64u /* before the identification */
#define PACKET_HEADER 5u
#define PACKET_MIN    12u /* RFC 4253 section 6: 16 octets with the length */

enum { /* transport messages that may come before the KEXINIT, and the first that can't */
       MESSAGE_DISCONNECT = 1,
       MESSAGE_IGNORE = 2,
       MESSAGE_DEBUG = 4,
};

enum step { STEP_LINE, STEP_KEXINIT, STEP_REST };

struct ssh {
	struct mr_l7_ssh_names names; /* of the side whose KEXINIT came first */
	bool has_names;
	uint8_t step[2];
	uint8_t lines[2]; /* read that are not the identification */
};

static enum mr_l7_probe ssh_probe(const struct mr_l7_input *in)
{
	uint32_t n = in->len < 4 ? in->len : 4;

	if (n == 0)
		return MR_L7_MAYBE;
	if (memcmp(in->data, "SSH-", n) != 0)
		return MR_L7_NO;
	if (in->len < 6)
		return MR_L7_MAYBE;
	return in->data[4] >= '0' && in->data[4] <= '9' && in->data[5] == '.' ? MR_L7_YES : MR_L7_NO;
}

/* SSH-protoversion-softwareversion SP comments */
static void put_identification(const char *line, uint32_t len, bool server, struct mr_l7_sink *sink)
{
	const char *version = line + 4, *end = line + len;
	const char *dash = memchr(version, '-', (size_t)(end - version));
	const char *software, *space;

	mr_l7_put(sink, server ? MR_L7_F_SSH_SERVER : MR_L7_F_SSH_CLIENT, line, len);
	if (dash == NULL)
		return;
	mr_l7_put(sink, server ? MR_L7_F_SSH_SERVER_VERSION : MR_L7_F_SSH_CLIENT_VERSION, version,
		  (size_t)(dash - version));
	software = dash + 1;
	space = memchr(software, ' ', (size_t)(end - software));
	mr_l7_put(sink, server ? MR_L7_F_SSH_SERVER_SOFTWARE : MR_L7_F_SSH_CLIENT_SOFTWARE, software,
		  (size_t)((space == NULL ? end : space) - software));
}

/* SSH 1 has no KEXINIT; a server that says 1.99 speaks both. */
static bool is_version_1(const char *line, uint32_t len)
{
	return len >= 6 && memcmp(line, "SSH-1.", 6) == 0 && (len < 8 || memcmp(line + 6, "99", 2) != 0);
}

static enum mr_l7_want read_line(struct ssh *s, const struct mr_l7_input *in, uint32_t *at,
				 struct mr_l7_sink *sink)
{
	const char *line = (const char *)in->data + *at;
	uint32_t left = in->len - *at, len;
	const char *feed = memchr(line, '\n', left < LINE_MAX_OCTETS ? left : LINE_MAX_OCTETS);

	if (feed == NULL)
		return left < LINE_MAX_OCTETS ? MR_L7_MORE : MR_L7_BROKEN;
	len = (uint32_t)(feed - line);
	*at += len + 1;
	if (len != 0 && line[len - 1] == '\r')
		len--;
	if (len < 4 || memcmp(line, "SSH-", 4) != 0)
		return ++s->lines[in->dir] <= LINES_MAX ? MR_L7_MORE : MR_L7_BROKEN;
	put_identification(line, len, in->dir != 0, sink);
	s->step[in->dir] = is_version_1(line, len) ? STEP_REST : STEP_KEXINIT;
	return MR_L7_MORE;
}

static bool kexinit(struct ssh *s, unsigned int dir, const uint8_t *payload, uint32_t len,
		    struct mr_l7_sink *sink)
{
	struct mr_l7_ssh_kexinit k;

	if (!mr_l7_ssh_kexinit_parse(payload, len, &k))
		return false;
	mr_l7_ssh_put_hassh(&k, dir != 0, sink);
	if (s->has_names)
		mr_l7_ssh_put_chosen(&s->names, dir != 0, &k, sink);
	else
		mr_l7_ssh_keep(&s->names, &k);
	s->has_names = true;
	s->step[dir] = STEP_REST;
	return true;
}

/* A packet in clear: its length, the length of its padding, payload, padding. */
static enum mr_l7_want read_packet(struct ssh *s, const struct mr_l7_input *in, uint32_t *at,
				   struct mr_l7_sink *sink)
{
	const uint8_t *p = in->data + *at;
	uint32_t left = in->len - *at, len, padding;

	if (left < PACKET_HEADER)
		return MR_L7_MORE;
	len = mr_get_u32(p);
	padding = p[4];
	if (len < PACKET_MIN || len > MR_L7_WINDOW - 4 || padding + 2 > len)
		return MR_L7_BROKEN;
	if (left < 4 + len)
		return MR_L7_MORE;
	*at += 4 + len;
	switch (p[PACKET_HEADER]) {
	case MR_L7_SSH_KEXINIT:
		return kexinit(s, in->dir, p + PACKET_HEADER, len - 1 - padding, sink) ? MR_L7_MORE
										       : MR_L7_BROKEN;
	case MESSAGE_DISCONNECT:
	case MESSAGE_IGNORE:
	case MESSAGE_DEBUG:
		return MR_L7_MORE;
	default:
		return MR_L7_BROKEN;
	}
}

static enum mr_l7_want ssh_parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				 uint32_t *ret_used)
{
	struct ssh *s = state;
	enum mr_l7_want want = MR_L7_MORE;
	uint32_t at = 0, before;

	if (in->gap && s->step[in->dir] != STEP_LINE) /* where the next packet begins can't be told */
		s->step[in->dir] = STEP_REST;
	*ret_used = 0;
	if (in->len == 0)
		return MR_L7_MORE;
	do {
		before = at;
		if (s->step[in->dir] == STEP_LINE)
			want = read_line(s, in, &at, sink);
		else if (s->step[in->dir] == STEP_KEXINIT)
			want = read_packet(s, in, &at, sink);
		else
			at = in->len;
	} while (want == MR_L7_MORE && at != before && at < in->len);
	*ret_used = at;
	if (want == MR_L7_MORE && s->step[0] == STEP_REST && s->step[1] == STEP_REST)
		return MR_L7_DONE;
	return want;
}

const struct mr_l7_ops mr_l7_ssh = {
	.name = "ssh",
	.description = "Secure Shell",
	.selector = 22,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct ssh),
	.probe = ssh_probe,
	.parse = ssh_parse,
};
