/* SPDX-License-Identifier: Apache-2.0 */
/* "key=value,key=value": one row a key, from which parser, range check, default and help come. */
#include "drivers/synth/mr_traffic_priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "packet/mr_packet.h"

enum type { COUNT, PERCENT, DURATION, YES_NO, WORD };

struct row {
	const char *key;
	enum type type;
	size_t off; /* of a uint64_t in struct mr_traffic_conf */
	uint64_t min, max, def;
	const char *words; /* "a|b": all that is taken (WORD), or taken besides a number */
	uint64_t first;	   /* value of the first word, the next ones follow */
	const char *help;
};

#define AT(field)   offsetof(struct mr_traffic_conf, field)
#define RATE_MAX    1000000000ULL
#define PACKETS_MAX (1ULL << 48)
#define YEAR_NS	    (365ULL * 86400 * MR_NS_PER_S)
#define KEY_MAX	    32
#define TUNNELS	    "none|vxlan|geneve|gre|nvgre|erspan2|ipip|6in4|gtpu|mpls|pppoe|l2tp|teredo"

/* clang-format off */
static const struct row rows[] = {
	{ "seed", COUNT, AT(seed), 0, UINT64_MAX, 1, NULL, 0, "another seed, other addresses and order" },
	{ "flows", COUNT, AT(flows), 1, MR_TRAFFIC_FLOWS_MAX, 1000, NULL, 0, "flows at a time" },
	{ "new", COUNT, AT(new_per_s), 0, RATE_MAX, 0, NULL, 0, "new flows a second; as many old ones end" },
	{ "rate", COUNT, AT(rate_pps), 1, RATE_MAX, 0, NULL, 0,
	  "packets a second of model time; the port's default is its own speed, the generator's 1M" },
	{ "pace", YES_NO, AT(pace), 0, 1, 0, NULL, 0, "send at that rate and not as fast as possible (port)" },
	{ "packets", COUNT, AT(packets), 0, PACKETS_MAX, 0, NULL, 0, "stop after so many; 0: endless" },
	{ "duration", DURATION, AT(duration_ns), 0, YEAR_NS, 0, NULL, 0, "stop after so long in model time" },
	{ "size", COUNT, AT(size), 64, MR_TRAFFIC_WIRE_MAX, 64, "imix", 0,
	  "octets of a frame with FCS, as on the wire (a capture holds 4 less), raised to what the headers need;\n"
	  "imix: 7 : 4 : 1 of 64, 594, 1518" },
	{ "ipv6", PERCENT, AT(ipv6_pct), 0, 100, 0, NULL, 0, "flows over IPv6" },
	{ "tcp", PERCENT, AT(tcp_pct), 0, 100, 0, NULL, 0, "flows that are TCP" },
	{ "icmp", PERCENT, AT(icmp_pct), 0, 100, 0, NULL, 0, "flows that are ICMP echo; the rest is UDP" },
	{ "reply", PERCENT, AT(reply_pct), 0, 100, 50, NULL, 0, "packets from server to client" },
	{ "handshake", YES_NO, AT(handshake), 0, 1, 0, NULL, 0,
	  "whole TCP flows: handshake, acknowledged data, FIN or RST; takes 16 octets a flow" },
	{ "mix", WORD, AT(mix), 0, MR_TRAFFIC_APP_MAX - 1, MR_TRAFFIC_ZEROS, "none|web|http|tls|tls12|tls13|dns|quic",
	  MR_TRAFFIC_ZEROS,
	  "whole flows of these applications in place of tcp, icmp, reply, size and handshake; web is all of them;\n"
	  "flow n asks for host-NNNNNN.example.com, n modulo a million (QUIC: modulo 8); 12 octets a flow" },
	{ "lost", PERCENT, AT(lost_pct), 0, 100, 0, NULL, 0,
	  "of a mix: second of the three segments of each TCP answer isn't seen" },
	{ "retransmit", PERCENT, AT(retransmit_pct), 0, 100, 0, NULL, 0, "of a mix: the same segment comes twice" },
	{ "reorder", PERCENT, AT(reorder_pct), 0, 100, 0, NULL, 0,
	  "of a mix: the same segment comes behind the third" },
	{ "tunnel", WORD, AT(tunnel[0]), 0, MR_TRAFFIC_TUNNEL_MAX - 1, MR_TRAFFIC_NO_TUNNEL, TUNNELS, MR_TRAFFIC_NO_TUNNEL,
	  "headers around each packet, the outer ones IPv4; flow n has VNI, TEID, key, label or session\n"
	  "16 + n modulo 1000 (TEID from the server: and 65536 more), ends 172.16.0.1 + n modulo 250, 172.17.0.1" },
	{ "tunnel2", WORD, AT(tunnel[1]), 0, MR_TRAFFIC_TUNNEL_MAX - 1, MR_TRAFFIC_NO_TUNNEL, TUNNELS,
	  MR_TRAFFIC_NO_TUNNEL,
	  "another one within it; its number is 16 + 7n modulo 1000, its ends 172.16.1.x, 172.17.1.1" },
	{ "vlan", COUNT, AT(vlan), 0, 4094, MR_VLAN_NONE, "none", MR_VLAN_NONE, "802.1Q tag" },
	{ "order", WORD, AT(order), 0, 1, MR_TRAFFIC_RANDOM, "random|roundrobin", 0, "how flows take turns" },
	{ "time", WORD, AT(time), 0, 2, MR_TRAFFIC_TIME_AUTO, "auto|model|real", 0,
	  "model: packets carry time stamps and new flows come by the rate; real: by the machine's clock (port);\n"
	  "auto: model when rate, packets or duration is given" },
};
/* clang-format on */

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static uint64_t *field(struct mr_traffic_conf *conf, const struct row *row)
{
	return (uint64_t *)((char *)conf + row->off);
}

/* The whole number at the head of @p text and what is behind it. */
static int parse_number(const char *text, uint64_t *ret, const char **ret_rest)
{
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	*ret_rest = end;
	return errno == 0 ? 0 : -EINVAL;
}

static int scale(uint64_t *v, uint64_t by)
{
	return __builtin_mul_overflow(*v, by, v) ? -EINVAL : 0;
}

static int parse_count(const char *text, uint64_t *ret)
{
	const char *rest;

	if (parse_number(text, ret, &rest) != 0)
		return -EINVAL;
	if (*rest == '\0')
		return 0;
	if (rest[1] != '\0')
		return -EINVAL;
	switch (*rest) {
	case 'k':
		return scale(ret, 1000);
	case 'M':
		return scale(ret, 1000000);
	case 'G':
		return scale(ret, 1000000000);
	default:
		return -EINVAL;
	}
}

static int parse_duration(const char *text, uint64_t *ret)
{
	const char *unit;

	if (parse_number(text, ret, &unit) != 0)
		return -EINVAL;
	if (strcmp(unit, "s") == 0 || *unit == '\0')
		return scale(ret, MR_NS_PER_S);
	if (strcmp(unit, "ms") == 0)
		return scale(ret, MR_NS_PER_MS);
	if (strcmp(unit, "us") == 0)
		return scale(ret, MR_NS_PER_US);
	return strcmp(unit, "m") == 0 ? scale(ret, 60 * MR_NS_PER_S) : -EINVAL;
}

/* Place of @p text in "a|b|c", or -EINVAL. */
static int find_word(const char *words, const char *text)
{
	size_t len = strlen(text);

	for (int i = 0; words != NULL; i++) {
		const char *bar = strchr(words, '|');
		size_t n = bar == NULL ? strlen(words) : (size_t)(bar - words);

		if (n == len && memcmp(words, text, n) == 0)
			return i;
		words = bar == NULL ? NULL : bar + 1;
	}
	return -EINVAL;
}

static int parse_value(const struct row *row, const char *text, uint64_t *ret)
{
	int word = find_word(row->type == YES_NO ? "no|yes" : row->words, text);
	int rc;

	if (word >= 0) {
		*ret = row->first + (uint64_t)word;
		return 0;
	}
	if (row->type == WORD || row->type == YES_NO)
		return -EINVAL;
	rc = row->type == DURATION ? parse_duration(text, ret) : parse_count(text, ret);
	return rc == 0 && *ret >= row->min && *ret <= row->max ? 0 : -EINVAL;
}

/* What a key takes, for messages and help. */
static void takes(const struct row *row, char *out, size_t cap)
{
	switch (row->type) {
	case YES_NO:
		snprintf(out, cap, "yes or no");
		break;
	case WORD:
		snprintf(out, cap, "%s", row->words);
		break;
	case DURATION:
		snprintf(out, cap, "a time like 10s, 500ms or 2m");
		break;
	case PERCENT:
		snprintf(out, cap, "per cent, 0 to 100");
		break;
	case COUNT:
		snprintf(out, cap, "a number from %lu to %lu (k, M, G allowed)%s%s", row->min, row->max,
			 row->words == NULL ? "" : " or ", row->words == NULL ? "" : row->words);
		break;
	}
}

static const struct mr_traffic_kind *find_attack(const char *name)
{
	for (const struct mr_traffic_kind *const *k = mr_traffic_kinds; *k != NULL; k++)
		if ((*k)->attack != NULL && strcmp((*k)->name, name) == 0)
			return *k;
	return NULL;
}

static int set_attack(struct mr_traffic_conf *conf, const struct mr_traffic_kind *attack, uint64_t pct,
		      struct mr_err *err)
{
	if (conf->attack != NULL && conf->attack != attack)
		return mr_err_set(err, EINVAL, "one attack at a time: %s or %s", conf->attack->name,
				  attack->name);
	conf->attack = attack;
	conf->attack_pct = pct;
	return 0;
}

static int parse_attack(struct mr_traffic_conf *conf, const char *name, struct mr_err *err)
{
	const struct mr_traffic_kind *attack = find_attack(name);
	char names[MR_ERR_MAX / 2] = "none";

	if (attack != NULL) /* a share given before stays */
		return set_attack(conf, attack, conf->attack == NULL ? 100 : conf->attack_pct, err);
	if (strcmp(name, "none") == 0)
		return 0;
	for (const struct mr_traffic_kind *const *k = mr_traffic_kinds; *k != NULL; k++)
		if ((*k)->attack != NULL) {
			size_t n = strlen(names);

			snprintf(names + n, sizeof(names) - n, "|%s", (*k)->name);
		}
	return mr_err_set(err, EINVAL, "attack=%s: takes %s", name, names);
}

static int unknown_key(const char *key, struct mr_err *err)
{
	char keys[MR_ERR_MAX / 2] = "";
	size_t n = 0;

	for (size_t i = 0; i < ROWS && n < sizeof(keys); i++)
		n += (size_t)snprintf(keys + n, sizeof(keys) - n, "%s, ", rows[i].key);
	for (const struct mr_traffic_kind *const *k = mr_traffic_kinds; *k != NULL && n < sizeof(keys); k++)
		if ((*k)->attack != NULL)
			n += (size_t)snprintf(keys + n, sizeof(keys) - n, "%s, ", (*k)->name);
	return mr_err_set(err, EINVAL, "%s: no such key; there are %sattack", key, keys);
}

static int parse_row(const struct row *row, const char *key, const char *text, uint64_t *ret,
		     struct mr_err *err)
{
	char what[128];

	if (parse_value(row, text, ret) == 0)
		return 0;
	takes(row, what, sizeof(what));
	return mr_err_set(err, EINVAL, "%s=%s: takes %s", key, text, what);
}

static int parse_pair(struct mr_traffic_conf *conf, const char *key, const char *value, struct mr_err *err)
{
	static const struct row percent = { .type = PERCENT, .max = 100 };
	const struct mr_traffic_kind *attack = find_attack(key);
	uint64_t v;
	int rc;

	if (strcmp(key, "attack") == 0)
		return parse_attack(conf, value, err);
	if (attack != NULL) {
		rc = parse_row(&percent, key, value, &v, err);
		return rc != 0 ? rc : set_attack(conf, attack, v, err);
	}
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].key, key) == 0) {
			rc = parse_row(&rows[i], key, value, &v, err);
			if (rc == 0)
				*field(conf, &rows[i]) = v;
			return rc;
		}
	return unknown_key(key, err);
}

int mr_traffic_conf_parse(const char *text, struct mr_traffic_conf *ret_conf, struct mr_err *err)
{
	struct mr_traffic_conf conf = { .start_ns = MR_TRAFFIC_START_NS };

	for (size_t i = 0; i < ROWS; i++)
		*field(&conf, &rows[i]) = rows[i].def;
	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		const char *eq = memchr(text, '=', len);
		char key[KEY_MAX], value[KEY_MAX];
		int rc;

		if (eq == NULL || eq == text || (size_t)(eq - text) >= sizeof(key) ||
		    len - (size_t)(eq - text) > sizeof(value))
			return mr_err_set(err, EINVAL, "\"%.*s\": want key=value, separated by commas",
					  (int)(len > 64 ? 64 : len), text);
		snprintf(key, sizeof(key), "%.*s", (int)(eq - text), text);
		snprintf(value, sizeof(value), "%.*s", (int)(len - (size_t)(eq - text) - 1), eq + 1);
		rc = parse_pair(&conf, key, value, err);
		if (rc != 0)
			return rc;
		text += len + (text[len] == ',');
	}
	*ret_conf = conf;
	return 0;
}

static void help_line(FILE *out, const char *key, const char *value, const char *help)
{
	fprintf(out, "  %-10s %s\n", key, value);
	while (*help != '\0') {
		size_t n = strcspn(help, "\n");

		fprintf(out, "             %.*s\n", (int)n, help);
		help += n + (help[n] == '\n');
	}
}

void mr_traffic_conf_help(FILE *out)
{
	char value[128];

	for (size_t i = 0; i < ROWS; i++) {
		takes(&rows[i], value, sizeof(value));
		help_line(out, rows[i].key, value, rows[i].help);
	}
	for (const struct mr_traffic_kind *const *k = mr_traffic_kinds; *k != NULL; k++)
		if ((*k)->attack != NULL)
			help_line(out, (*k)->name, "per cent of the packets; attack=NAME is 100", (*k)->help);
}
