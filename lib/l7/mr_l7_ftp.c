/* SPDX-License-Identifier: Apache-2.0 */
/* FTP's control connection (RFC 959, AUTH TLS RFC 4217). */
#include "l7/mr_l7_priv.h"
#include "l7/mr_l7_text.h"

#define COMMANDS_MAX 128u /* of a flow */
#define STRAY_MAX    16u  /* lines of the client that are no command */

struct state {
	uint8_t commands;
	uint8_t stray;
	uint8_t server; /* 1 + direction of the server, 0: not known */
	bool skip[2];	/* the rest of a line that is too long, by direction */
	bool banner_told;
	bool login_asked; /* the next reply answers USER, PASS, ACCT or AUTH */
	bool tls_asked;
};

static bool at_port(const struct mr_l7_input *in)
{
	return in->port[0] == 21 || in->port[1] == 21;
}

/* SMTP greets with 220 too, POP3 and IRC have USER: the rest of it says which, or the port. */
static enum mr_l7_probe probe_common(struct mr_l7_text start, const struct mr_l7_input *in)
{
	if (mr_l7_contains(start, "SMTP") || mr_l7_contains(start, "LMTP") || mr_l7_contains(start, "\n250"))
		return MR_L7_NO;
	if (mr_l7_contains(start, "FTP") || mr_l7_contains(start, "\n331 "))
		return MR_L7_YES;
	return at_port(in) ? MR_L7_YES : MR_L7_MAYBE;
}

static enum mr_l7_probe probe(const struct mr_l7_input *in)
{
	static const char *const only_ftp[] = {
		"AUTH TLS\r\n", "AUTH SSL\r\n", "FEAT\r\n",   "SYST\r\n", "PASV\r\n",
		"EPSV\r\n",	"TYPE I\r\n",	"TYPE A\r\n", "331 ",	  "227 Entering Passive",
		"234 AUTH ",
	};
	static const char *const common[] = { "220 ", "220-", "USER " };
	struct mr_l7_text start = mr_l7_start(in);
	enum mr_l7_probe ret = MR_L7_NO;

	if (in->transport != MR_L7_TCP)
		return MR_L7_NO;
	for (size_t i = 0; i < sizeof(only_ftp) / sizeof(only_ftp[0]); i++) {
		if (mr_l7_starts(start, only_ftp[i]))
			return MR_L7_YES;
		if (mr_l7_may_start(start, only_ftp[i]))
			ret = MR_L7_MAYBE;
	}
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		if (mr_l7_starts(start, common[i]))
			return probe_common(start, in);
		if (mr_l7_may_start(start, common[i]))
			ret = MR_L7_MAYBE;
	}
	return ret;
}

static bool is_verb(struct mr_l7_text t)
{
	for (size_t i = 0; i < t.len; i++)
		if ((t.data[i] | 0x20) < 'a' || (t.data[i] | 0x20) > 'z')
			return false;
	return t.len >= 3 && t.len <= 4;
}

static bool is_one_of(struct mr_l7_text verb, const char *const *verbs)
{
	for (; *verbs != NULL; verbs++)
		if (mr_l7_equals(verb, *verbs))
			return true;
	return false;
}

static void read_command(struct state *s, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	static const char *const login[] = { "USER", "PASS", "ACCT", "AUTH", NULL };
	static const char *const secret[] = { "PASS", "ACCT", "ADAT", NULL };
	static const char *const file[] = { "RETR", "STOR", "APPE", "DELE", NULL };
	struct mr_l7_text rest, verb;

	while (line.len > 0 && line.data[0] >= 0xf0) /* an ABOR comes with Telnet's interrupt before it */
		line = mr_l7_behind(line, 1);
	rest = line;
	verb = mr_l7_word(&rest);
	if (!is_verb(verb)) {
		s->stray++;
		return;
	}
	s->commands++;
	s->login_asked = is_one_of(verb, login);
	s->tls_asked = mr_l7_equals(verb, "AUTH");
	mr_l7_put_text(sink, MR_L7_F_FTP_COMMAND, verb);
	if (rest.len > 0 && !is_one_of(verb, secret))
		mr_l7_put_text(sink, MR_L7_F_FTP_COMMAND_DATA, rest);
	if (mr_l7_equals(verb, "USER"))
		mr_l7_put_text(sink, MR_L7_F_FTP_USER, rest);
	else if (is_one_of(verb, file))
		mr_l7_put_text(sink, MR_L7_F_FTP_FILE, rest);
}

static enum mr_l7_want read_reply(struct state *s, struct mr_l7_text line, struct mr_l7_sink *sink)
{
	unsigned code = mr_l7_reply_code(line);

	if (!s->banner_told && (code == 220 || code == 421))
		mr_l7_put_text(sink, MR_L7_F_FTP_BANNER, mr_l7_trim(mr_l7_behind(line, 4)));
	s->banner_told = true;
	if (code == 0 || !mr_l7_reply_ends(line))
		return MR_L7_MORE;
	if (s->login_asked)
		mr_l7_put_number(sink, MR_L7_F_FTP_REPLY_CODE, code);
	s->login_asked = false;
	if (s->tls_asked && code == 234) {
		mr_l7_put_number(sink, MR_L7_F_FTP_AUTH_TLS, 1);
		return MR_L7_NEXT;
	}
	if (code >= 200)
		mr_l7_end_transaction(sink);
	return MR_L7_MORE;
}

static enum mr_l7_want read_line(struct state *s, unsigned dir, struct mr_l7_text line,
				 struct mr_l7_sink *sink)
{
	if (s->server == 0)
		s->server = (uint8_t)(1 + (mr_l7_reply_code(line) != 0 ? dir : 1 - dir));
	if (dir + 1 == s->server)
		return read_reply(s, line, sink);
	read_command(s, line, sink);
	if (s->stray >= STRAY_MAX)
		return MR_L7_BROKEN;
	return s->commands < COMMANDS_MAX ? MR_L7_MORE : MR_L7_DONE;
}

static enum mr_l7_want parse(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
			     uint32_t *ret_used)
{
	struct state *s = state;
	unsigned dir = in->dir & 1;
	enum mr_l7_want want = MR_L7_MORE;
	struct mr_l7_text line;
	struct mr_rbuf r;

	if (in->gap)
		s->skip[dir] = true;
	mr_rbuf_init(&r, in->data, in->len);
	while (want == MR_L7_MORE && mr_l7_line(&r, &s->skip[dir], &line))
		want = read_line(s, dir, line, sink);
	*ret_used = (uint32_t)r.pos;
	return want;
}

const struct mr_l7_ops mr_l7_ftp = {
	.name = "ftp",
	.description = "File Transfer Protocol, control connection",
	.selector = 21,
	.transports = MR_L7_TCP,
	.state_size = sizeof(struct state),
	.probe = probe,
	.parse = parse,
};
