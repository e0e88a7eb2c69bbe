/* SPDX-License-Identifier: Apache-2.0 */
/* millrace-ipfix: what is in an IPFIX file or comes from an exporter, one JSON object a record. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "ipfix/mr_ipfix_value.h"

#define LINE_MAX_LEN (1 << 20) /* more than a record of 65535 octets in JSON */

enum { EXIT_GOOD, EXIT_FAULT, EXIT_USAGE };

static const char help[] = "Usage: millrace-ipfix [OPTION]... INPUT\n"
			   "Print IPFIX data records (RFC 7011), one JSON object a line.\n"
			   "\n"
			   "INPUT is a file (RFC 5655), - for standard input, or a place to listen on\n"
			   "until SIGINT or SIGTERM: udp://HOST:PORT or tcp://HOST:PORT.\n"
			   "\n"
			   "  -t, --templates  print templates too, as objects with the key \"template\"\n"
			   "  -s, --stats      print the totals last, as an object with the key \"stats\"\n"
			   "  -q, --quiet      don't print records\n"
			   "  -n, --count=N    stop after N data records\n"
			   "  -h, --help       this text\n"
			   "  -V, --version    the version\n"
			   "\n"
			   "Keys are IANA names; reverse elements (RFC 5103) are reverse..., unknown ones\n"
			   "e<enterprise>id<id> with their octets in hexadecimal.\n"
			   "Status: 0 all read, 1 something was malformed or unreadable, 2 wrong usage.\n";

struct printer {
	struct input in; /* first: the signal handler and callbacks stop it */
	bool templates, quiet;
	uint64_t count_max; /* 0: no limit */
	uint64_t count;
	uint8_t line[LINE_MAX_LEN];
};

static struct printer printer;

static void on_signal(int sig)
{
	printer.in.stop = 1;
}

static void line_write(struct mr_wbuf *w)
{
	mr_wbuf_put_u8(w, '\n');
	fwrite(w->data, 1, w->len, stdout);
}

static void on_record(void *ctx, const struct mr_ipfix_data *data)
{
	struct printer *p = ctx;
	struct mr_wbuf w;

	if (p->count_max != 0 && p->count >= p->count_max)
		return;
	p->count++;
	if (!p->quiet) {
		mr_wbuf_init(&w, p->line, sizeof(p->line));
		mr_ipfix_data_json(&w, data);
		line_write(&w);
	}
	if (p->count == p->count_max)
		p->in.stop = 1;
}

static void key_u64(struct mr_wbuf *w, const char *key, uint64_t v)
{
	mr_ipfix_json_raw(w, key);
	mr_ipfix_json_u64(w, v);
}

static void on_template(void *ctx, const struct mr_ipfix_template *t, bool withdrawn)
{
	struct printer *p = ctx;
	char name[MR_IPFIX_NAME_MAX];
	struct mr_wbuf w;

	if (!p->templates)
		return;
	mr_wbuf_init(&w, p->line, sizeof(p->line));
	key_u64(&w, "{\"template\":", t->id);
	key_u64(&w, ",\"observationDomainId\":", t->odid);
	key_u64(&w, ",\"scopes\":", t->scopes);
	mr_ipfix_json_raw(&w, withdrawn ? ",\"withdrawn\":true" : ",\"withdrawn\":false");
	mr_ipfix_json_raw(&w, ",\"fields\":[");
	for (unsigned i = 0; i < t->n; i++) {
		const struct mr_ipfix_field *f = &t->field[i].spec;

		mr_ipfix_json_raw(&w, i == 0 ? "{\"name\":\"" : ",{\"name\":\"");
		mr_ipfix_json_raw(&w, mr_ipfix_ie_name(f->pen, f->id, name));
		key_u64(&w, "\",\"enterprise\":", f->pen);
		key_u64(&w, ",\"id\":", f->id);
		key_u64(&w, ",\"length\":", f->len);
		mr_wbuf_put_u8(&w, '}');
	}
	mr_ipfix_json_raw(&w, "]}");
	line_write(&w);
}

static void on_gap(void *ctx, uint32_t odid, uint32_t expected, uint32_t got)
{
	fprintf(stderr, "millrace-ipfix: domain %u: sequence %u where %u was expected\n", odid, got,
		expected);
}

static void stats_print(const struct mr_ipfix_decoder_stats *s)
{
	struct mr_wbuf w;

	mr_wbuf_init(&w, printer.line, sizeof(printer.line));
	key_u64(&w, "{\"stats\":{\"messages\":", s->messages);
	key_u64(&w, ",\"octets\":", s->octets);
	key_u64(&w, ",\"records\":", s->records);
	key_u64(&w, ",\"options_records\":", s->options_records);
	key_u64(&w, ",\"templates\":", s->templates);
	key_u64(&w, ",\"withdrawals\":", s->withdrawals);
	key_u64(&w, ",\"skipped_sets\":", s->skipped_sets);
	key_u64(&w, ",\"sequence_gaps\":", s->gaps);
	key_u64(&w, ",\"missing_records\":", s->missing_records);
	key_u64(&w, ",\"faulty_messages\":", s->faults);
	mr_ipfix_json_raw(&w, "}}");
	line_write(&w);
}

static int usage_error(const char *what)
{
	fprintf(stderr, "millrace-ipfix: %s; see millrace-ipfix --help\n", what);
	return EXIT_USAGE;
}

static bool count_parse(const char *text, uint64_t *ret)
{
	char *end;

	errno = 0;
	*ret = strtoull(text, &end, 10);
	return text[0] >= '1' && text[0] <= '9' && *end == '\0' && errno == 0;
}

static bool has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool input_run(const char *input)
{
	bool live = has_prefix(input, "udp://") || has_prefix(input, "tcp://");
	const struct sigaction action = { .sa_handler = on_signal };

	if (!live)
		return input_file(&printer.in, input);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	return input[0] == 'u' ? input_udp(&printer.in, input + 6) : input_tcp(&printer.in, input + 6);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "templates", no_argument, NULL, 't' },
		{ "stats", no_argument, NULL, 's' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	bool stats = false, good;
	int c;

	printer.in.ops = (struct mr_ipfix_decoder_ops){ on_record, on_template, on_gap };
	printer.in.ctx = &printer;
	while ((c = getopt_long(argc, argv, "tsqn:hV", options, NULL)) != -1) {
		switch (c) {
		case 't':
			printer.templates = true;
			break;
		case 's':
			stats = true;
			break;
		case 'q':
			printer.quiet = true;
			break;
		case 'n':
			if (!count_parse(optarg, &printer.count_max))
				return usage_error("--count wants a number above 0");
			break;
		case 'h':
			fputs(help, stdout);
			return EXIT_GOOD;
		case 'V':
			puts("millrace-ipfix " MR_VERSION);
			return EXIT_GOOD;
		default:
			return usage_error("unknown option");
		}
	}
	if (optind + 1 != argc)
		return usage_error("one INPUT is needed");
	good = input_run(argv[optind]) && !printer.in.faulty;
	if (stats)
		stats_print(&printer.in.stats);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "millrace-ipfix: standard output: %s\n", strerror(errno));
		good = false;
	}
	return good ? EXIT_GOOD : EXIT_FAULT;
}
