/* SPDX-License-Identifier: Apache-2.0 */
/* millrace-gen: captures of generated traffic and of hand-made odd packets, with what a meter must say of
 * them. */
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "drivers/synth/mr_traffic.h"
#include "tools/gen/gen.h"

#define CONF_MAX      1024
#define BURST	      64
#define IDLE_DEF_S    30
#define ACTIVE_DEF_S  300
#define TIMEOUT_MAX_S 86400

struct options {
	const char *out, *expect;
	const char *scenario; /* NULL: the traffic model */
	uint64_t idle_ns, active_ns;
	char traffic[CONF_MAX]; /* for mr_traffic_conf_parse() */
};

static void help(FILE *out)
{
	fprintf(out, "Usage: millrace-gen [key=value...] -o FILE.pcap|FILE.pcapng [--expect FILE.json]\n\n"
		     "Writes a capture of generated traffic: the same for the same keys. --expect adds what "
		     "a perfect\n"
		     "meter reports of it: packets and octets from the IP header on, records with both "
		     "directions.\n\n"
		     "Keys of the capture:\n"
		     "  scenario   hand-made packets instead of the traffic model; only idle and active go "
		     "with it:\n");
	for (const struct gen_scenario *s = gen_scenarios; s->name != NULL; s++)
		fprintf(out, "             %-17s %s\n", s->name, s->help);
	fprintf(out,
		"  idle       seconds without a packet that end a record, default %d\n"
		"  active     seconds after which a record is cut, default %d\n\n"
		"Keys of the traffic model, the same as of the port \"synth:\" (packets or duration is "
		"needed):\n",
		IDLE_DEF_S, ACTIVE_DEF_S);
	mr_traffic_conf_help(out);
	fprintf(out, "\nExamples:\n"
		     "  millrace-gen packets=10k flows=100 handshake=yes tcp=90 new=1k rate=10k -o web.pcap\n"
		     "  millrace-gen packets=100k flows=1k mix=web new=1k rate=100k lost=1 tunnel=vxlan -o "
		     "depth.pcap\n"
		     "  millrace-gen scenario=odd -o odd.pcapng --expect odd.json\n");
}

static int parse_seconds(const char *key, const char *text, uint64_t *ret_ns, struct mr_err *err)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end != '\0' || v < 1 || v > TIMEOUT_MAX_S)
		return mr_err_set(err, EINVAL, "%s=%s: takes seconds from 1 to %d", key, text, TIMEOUT_MAX_S);
	*ret_ns = v * MR_NS_PER_S;
	return 0;
}

static int parse_word(struct options *o, const char *word, struct mr_err *err)
{
	size_t n = strlen(o->traffic);

	if (strncmp(word, "scenario=", 9) == 0) {
		o->scenario = word + 9;
		return 0;
	}
	if (strncmp(word, "idle=", 5) == 0)
		return parse_seconds("idle", word + 5, &o->idle_ns, err);
	if (strncmp(word, "active=", 7) == 0)
		return parse_seconds("active", word + 7, &o->active_ns, err);
	if (n + strlen(word) + 2 > sizeof(o->traffic))
		return mr_err_set(err, E2BIG, "more keys than fit in %d characters", CONF_MAX);
	snprintf(o->traffic + n, sizeof(o->traffic) - n, "%s%s", n == 0 ? "" : ",", word);
	return 0;
}

/* Returns 1 when there's nothing more to do. */
static int parse_options(int argc, char **argv, struct options *o, struct mr_err *err)
{
	static const struct option longs[] = { { "output", required_argument, NULL, 'o' },
					       { "expect", required_argument, NULL, 'e' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { 0 } };
	int c;

	while ((c = getopt_long(argc, argv, "o:e:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'o':
			o->out = optarg;
			break;
		case 'e':
			o->expect = optarg;
			break;
		case 'h':
			help(stdout);
			return 1;
		case 'V':
			printf("millrace-gen %s\n", MR_VERSION);
			return 1;
		default:
			return mr_err_set(err, EINVAL, "see millrace-gen --help");
		}
	}
	for (; optind < argc; optind++)
		if (parse_word(o, argv[optind], err) != 0)
			return -EINVAL;
	if (o->out == NULL)
		return mr_err_set(err, EINVAL, "no output, say -o FILE.pcap; see millrace-gen --help");
	if (o->scenario != NULL && o->traffic[0] != '\0')
		return mr_err_set(err, EINVAL,
				  "%s: the packets of a scenario are fixed, only idle and active go with it",
				  o->traffic);
	return 0;
}

static void address(uint32_t wire, bool v6, uint8_t out[16])
{
	memset(out, 0, 16);
	if (v6)
		memcpy(out, "\x20\x01\x00\x02", 4);
	memcpy(out + (v6 ? 12 : 0), &wire, 4);
}

static struct gen_depth describe_depth(const struct mr_traffic_conf *conf, const struct mr_traffic_batch *b,
				       unsigned i)
{
	bool mix = conf->mix != MR_TRAFFIC_ZEROS && b->message[i] != NULL;
	struct gen_depth d = { .known = conf->mix != MR_TRAFFIC_ZEROS ||
					conf->tunnel[0] != MR_TRAFFIC_NO_TUNNEL };

	d.flow = b->flow[i];
	d.reply = mr_traffic_from_server(b->src[i]);
	for (int level = 0; level < MR_TRAFFIC_TUNNELS; level++)
		d.tunnel[level] = (uint8_t)conf->tunnel[level];
	if (mix) {
		d.app = (uint8_t)b->app[i];
		d.fault = (uint8_t)b->fault[i];
	}
	return d;
}

static struct gen_packet describe(const struct mr_traffic *t, const struct mr_traffic_batch *b, unsigned i)
{
	bool v6 = b->head[i] & 1;
	uint32_t ports = __builtin_bswap32(b->ports[i]);
	struct gen_packet p = { .time_ns = mr_traffic_time(t, b->number[i]), .ip_len = b->ip_len[i] };

	p.family = v6 ? 6 : 4;
	p.proto = mr_traffic_proto(b->head[i]);
	address(b->src[i], v6, p.src);
	address(b->dst[i], v6, p.dst);
	if ((b->head[i] & ~1u) == MR_TRAFFIC_ICMP) {
		p.id = (uint16_t)(ports >> 16);
		return p;
	}
	p.src_port = (uint16_t)(ports >> 16);
	p.dst_port = (uint16_t)ports;
	if (p.proto == MR_PROTO_TCP)
		p.tcp_flags = (uint8_t)b->flags[i];
	return p;
}

static void write_traffic(struct gen *g, struct mr_traffic *t, const struct mr_traffic_conf *conf,
			  uint8_t *const data[])
{
	struct mr_traffic_cursor cursor;
	struct mr_traffic_batch batch;
	uint16_t n;

	mr_traffic_cursor_init(t, 0, 1, &cursor);
	while (g->rc == 0 &&
	       (n = mr_traffic_burst(&cursor, data, &batch, BURST, UINT64_MAX, MR_TRAFFIC_BY_NUMBER)) != 0) {
		for (uint16_t i = 0; i < n; i++) {
			struct gen_packet p = describe(t, &batch, i);

			p.depth = describe_depth(conf, &batch, i);
			gen_file_put(g->file, p.time_ns, data[i], batch.frame_len[i], batch.frame_len[i]);
			if (g->expect != NULL)
				g->rc |= gen_expect_put(g->expect, &p);
		}
	}
}

static int make_traffic(struct gen *g, const char *text, struct mr_err *err)
{
	struct mr_traffic_conf conf;
	struct mr_traffic *t;
	uint8_t *data[BURST];
	uint8_t *room;
	int rc = mr_traffic_conf_parse(text, &conf, err);

	if (rc != 0)
		return rc;
	if (conf.packets == 0 && conf.duration_ns == 0)
		return mr_err_set(err, EINVAL,
				  "the capture would have no end, say packets=N or duration=TIME");
	rc = mr_traffic_create(&conf, &t, err);
	if (rc != 0)
		return rc;
	room = calloc(BURST, mr_traffic_room(t));
	if (room != NULL) {
		for (int i = 0; i < BURST; i++)
			data[i] = room + (size_t)i * mr_traffic_room(t);
		write_traffic(g, t, &conf, data);
	} else {
		g->rc = -ENOMEM;
	}
	free(room);
	mr_traffic_free(t);
	return g->rc == 0 ? 0 : mr_err_set(err, -g->rc, "no memory for so many flows, use fewer");
}

static int make_scenario(struct gen *g, const char *name, const char **ret_outcome, struct mr_err *err)
{
	char names[MR_ERR_MAX / 2] = "";

	for (const struct gen_scenario *s = gen_scenarios; s->name != NULL; s++) {
		size_t n = strlen(names);

		if (strcmp(s->name, name) == 0) {
			s->make(g);
			*ret_outcome = s->outcome;
			return g->rc == 0
				       ? 0
				       : mr_err_set(err, -g->rc, "scenario=%s: %s", name, strerror(-g->rc));
		}
		snprintf(names + n, sizeof(names) - n, "%s%s", n == 0 ? "" : ", ", s->name);
	}
	return mr_err_set(err, EINVAL, "scenario=%s: no such scenario; there are %s", name, names);
}

static int write_expectations(const struct gen_expect *e, const char *outcome, const char *path,
			      struct mr_err *err)
{
	FILE *out = fopen(path, "w");
	bool bad;

	if (out == NULL)
		return mr_err_set(err, errno, "%s: %s", path, strerror(errno));
	gen_expect_print(e, outcome, out);
	bad = ferror(out) != 0;
	if (fclose(out) != 0 || bad)
		return mr_err_set(err, EIO, "%s: not written in whole, is there room?", path);
	return 0;
}

static int run(struct gen *g, const struct options *o, struct mr_err *err)
{
	const char *outcome = NULL;
	struct mr_err close_err;
	int rc = gen_file_open(o->out, &g->file, err), close_rc;

	if (rc != 0)
		return rc;
	rc = o->scenario == NULL ? make_traffic(g, o->traffic, err)
				 : make_scenario(g, o->scenario, &outcome, err);
	close_rc = gen_file_close(g->file, &close_err);
	if (rc == 0 && close_rc != 0)
		return mr_err_set(err, -close_rc, "%s", close_err.msg);
	if (rc == 0 && g->expect != NULL)
		rc = write_expectations(g->expect, outcome, o->expect, err);
	return rc;
}

int main(int argc, char **argv)
{
	struct options o = { .idle_ns = IDLE_DEF_S * MR_NS_PER_S, .active_ns = ACTIVE_DEF_S * MR_NS_PER_S };
	struct mr_err err = { 0 };
	struct gen *g;
	int rc = parse_options(argc, argv, &o, &err);

	if (rc > 0)
		return 0;
	g = calloc(1, sizeof(*g));
	if (rc == 0 && o.expect != NULL && g != NULL)
		g->expect = gen_expect_create(o.idle_ns, o.active_ns);
	if (rc == 0 && (g == NULL || (o.expect != NULL && g->expect == NULL)))
		rc = mr_err_set(&err, ENOMEM, "no memory");
	if (rc == 0) {
		g->now_ns = MR_TRAFFIC_START_NS;
		g->idle_ns = o.idle_ns;
		g->active_ns = o.active_ns;
		rc = run(g, &o, &err);
	}
	if (rc != 0)
		fprintf(stderr, "millrace-gen: %s\n", err.msg);
	if (g != NULL)
		gen_expect_free(g->expect);
	free(g);
	return rc == 0 ? 0 : 1;
}
