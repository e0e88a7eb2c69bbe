/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A typical exchange of each application protocol, read again and again, each time as a new flow: what a
 * parser costs beyond the stream that feeds it. `bench_l7 NAME` runs one row.
 */
#include <stdlib.h>
#include <string.h>

#include "bench_l7_hello.h"
#include "l7/mr_l7.h"
#include "mr_bench_time.h"

#define ROUNDS	20000
#define BEST_OF 5

struct piece {
	uint8_t dir;
	const char *data; /* NULL: no more */
	size_t len;
};

/* clang-format off: one piece a line */
#define PIECE(dir, literal)                                                                                  \
	{                                                                                                    \
		dir, literal, sizeof(literal) - 1                                                            \
	}
/* clang-format on */

#define HTTP_REQUEST                                                                                          \
	"GET /assets/app-4f2c.js?v=17 HTTP/1.1\r\nHost: www.example.com\r\nConnection: keep-alive\r\n"        \
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/119.0.0.0" \
	" Safari/537.36\r\nAccept: */*\r\nReferer: http://www.example.com/index.html\r\n"                     \
	"Accept-Encoding: gzip, deflate\r\nAccept-Language: en-US,en;q=0.9\r\nCookie: session=0123456789abcdef\r\n\r\n"
#define TEN(x) x x x x x x x x x x
#define HTTP_ANSWER                                                                                                    \
	"HTTP/1.1 200 OK\r\nDate: Tue, 14 Nov 2023 10:00:00 GMT\r\nServer: nginx/1.22.1\r\n"                           \
	"Content-Type: application/javascript\r\nContent-Length: 1000\r\nLast-Modified: Mon, 13 Nov 2023 "             \
	"10:00:00 GMT\r\nConnection: keep-alive\r\nETag: \"65520000-3e8\"\r\nCache-Control: max-age=3600\r\n\r\n" TEN( \
		TEN("0123456789"))
/* The same of an array. */
#define OCTETS(dir, array) { dir, (const char *)(array), sizeof(array) }

static const struct row {
	const char *name, *protocol;
	uint8_t transport;
	bool hidden; /* the sink wants hidden fields too */
	struct piece pieces[8];
} rows[] = {
	{ "http", "http", MR_L7_TCP, false, { PIECE(0, HTTP_REQUEST), PIECE(1, HTTP_ANSWER) } },
	{ "http, rules", "http", MR_L7_TCP, true, { PIECE(0, HTTP_REQUEST), PIECE(1, HTTP_ANSWER) } },
	{ "http2",
	  "http2",
	  MR_L7_TCP,
	  false,
	  { /* RFC 7541 appendixes C.4.1 and C.6.1 */
	    PIECE(0,
		  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0\0\0\x11\1\5\0\0\0\1\x82\x86\x84\x41\x8c\xf1\xe3"
		  "\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"),
	    PIECE(1,
		  "\0\0\0\4\0\0\0\0\0\0\0\x36\1\5\0\0\0\1\x48\x82\x64\x02\x58\x85\xae\xc3\x77\x1a\x4b\x61\x96\xd0\x7a\xbe"
		  "\x94\x10\x54\xd4\x44\xa8\x20\x05\x95\x04\x0b\x81\x66\xe0\x82\xa6\x2d\x1b\xff\x6e\x91\x9d\x29\xad"
		  "\x17\x18\x63\xc7\x8f\x0b\x97\xc8\xe9\xae\x82\xae\x43\xd3") } },
	{ "dns",
	  "dns",
	  MR_L7_UDP,
	  false,
	  { PIECE(0, "\x12\x34\1\0\0\1\0\0\0\0\0\0\3www\7example\3com\0\0\1\0\1"),
	    PIECE(1,
		  "\x12\x34\x81\x80\0\1\0\2\0\0\0\1\3www\7example\3com\0\0\1\0\1\xc0\x0c\0\5\0\1\0\0\1\x2c\0\6\3web\xc0"
		  "\x10\xc0\x2d\0\1\0\1\0\0\0\x3c\0\4\xc0\0\2\1\0\0\x29\4\xd0\0\0\0\0\0\0") } },
	{ "tls 1.2", "tls", MR_L7_TCP, false, { OCTETS(0, tls12_client), OCTETS(1, tls12_server) } },
	{ "tls 1.2, rules", "tls", MR_L7_TCP, true, { OCTETS(0, tls12_client), OCTETS(1, tls12_server) } },
	{ "tls 1.3", "tls", MR_L7_TCP, false, { OCTETS(0, tls13_client), OCTETS(1, tls13_server) } },
	{ "quic", "quic", MR_L7_UDP, false, { OCTETS(0, quic_client), OCTETS(1, quic_server) } },
	{ "quic, 2 packets",
	  "quic",
	  MR_L7_UDP,
	  false,
	  { OCTETS(0, quic_shuffled_1), OCTETS(0, quic_shuffled_2), OCTETS(1, quic_server) } },
	{ "ssh", "ssh", MR_L7_TCP, false, { OCTETS(0, ssh_client), OCTETS(1, ssh_server) } },
	{ "smtp",
	  "smtp",
	  MR_L7_TCP,
	  false,
	  { PIECE(1, "220 mx.example.com ESMTP Postfix\r\n"), PIECE(0, "EHLO mail.example.org\r\n"),
	    PIECE(1, "250-mx.example.com\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 8BI"
		     "TMIME\r\n"),
	    PIECE(0, "MAIL FROM:<alice@example.org> SIZE=1000\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n"),
	    PIECE(1, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n"),
	    PIECE(0, "From: Alice <alice@example.org>\r\nTo: Bob <bob@example.com>\r\nSubject: Plans for t"
		     "he week\r\nDate: Tue, 14 Nov 2023 10:00:00 +0000\r\n\r\nHello Bob,\r\nsee you on Thu"
		     "rsday.\r\n.\r\n"),
	    PIECE(1, "250 2.0.0 Ok: queued as 12345\r\n") } },
	{ "ftp",
	  "ftp",
	  MR_L7_TCP,
	  false,
	  { PIECE(1, "220 (vsFTPd 3.0.3)\r\n"), PIECE(0, "USER anonymous\r\n"),
	    PIECE(1, "331 Please specify the password.\r\n"), PIECE(0, "PASS guest@example.org\r\n"),
	    PIECE(1, "230 Login successful.\r\n"), PIECE(0, "RETR pub/readme.txt\r\n"),
	    PIECE(1, "150 Opening BINARY mode data connection.\r\n226 Transfer complete.\r\n") } },
	{ "smb",
	  "smb",
	  MR_L7_TCP,
	  false,
	  { PIECE(0, "\0\0\0d\xfeSMB@\0\1\0\0\0\0\0\3\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0H\0\x1c\0\\\0\\\0s\0e\0r"
		     "\0v\0e\0r\0\\\0s\0h\0a\0r\0e\0"),
	    PIECE(1, "\0\0\0P\xfeSMB@\0\1\0\0\0\0\0\3\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
	    PIECE(0, "\0\0\0\x92\xfeSMB@\0\1\0\0\0\0\0\5\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x\0\x1a\0\0\0\0\0\0\0\0\0d\0"
		     "o\0c\0s\0\\\0p\0l\0a\0n\0.\0t\0x\0t\0"),
	    PIECE(1, "\0\0\0\x98\xfeSMB@\0\1\0\0\0\0\0\5\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0Y\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") } },
	{ "rdp",
	  "rdp",
	  MR_L7_TCP,
	  false,
	  { PIECE(0, "\3\0\0+&\xe0\0\0\0\0\0Cookie: mstshash=alice\r\n\1\0\x08\0\3\0\0\0"),
	    PIECE(1, "\3\0\0\x13\x0e\xd0\0\0\x12"
		     "4\0\2\0\x08\0\2\0\0\0") } },
	{ "dhcp",
	  "dhcp",
	  MR_L7_UDP,
	  false,
	  { PIECE(0, "\1\1\6\09\3\xf3&\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0c)\xab\xcd\xef\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0c\x82Sc5\1\x03"
		     "2\4\xc0"
		     "\0\2\x09\x0c\3pc1<\x08MSFT 5.07\3\1\3\6\xff"),
	    PIECE(1, "\2\1\6\09\3\xf3&\0\0\0\0\0\0\0\0\xc0\0\2\x09\0\0\0\0\0\0\0\0\0\x0c)\xab\xcd\xef\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		     "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0c\x82Sc5\1\x05"
		     "6\4"
		     "\xc0\0\2\x01"
		     "3\4\0\0\x0e\x10\xff") } },
	{ "ntp",
	  "ntp",
	  MR_L7_UDP,
	  false,
	  { PIECE(0, "#\0\6 \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8"
		     "\xf2\1\2\3\4\5\6"),
	    PIECE(1, "$\1\6\xe9\0\0\1\0\0\0\2\0GPS\0\xe8\xf2\0\0\0\0\0\0\xe8\xf2\1\2\3\4\5\6\xe8\xf2\1\3\0"
		     "\0\0\0\xe8\xf2\1\3\0\x10\0\0") } },
	{ "snmp",
	  "snmp",
	  MR_L7_UDP,
	  false,
	  { PIECE(0, "0'\2\1\1\4\6public\xa0\x1a\2\2&G\2\1\0\2\1\x00"
		     "0\x0e"
		     "0\x0c\6\x08+\6\1\2\1\1\1\0"
		     "\5\0"),
	    PIECE(1, "0'\2\1\1\4\6public\xa2\x1a\2\2&G\2\1\0\2\1\x00"
		     "0\x0e"
		     "0\x0c\6\x08+\6\1\2\1\1\1\0"
		     "\5\0") } },
	{ "sip",
	  "sip",
	  MR_L7_UDP,
	  false,
	  { PIECE(0, "INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4b"
		     "K776asdhds\r\nMax-Forwards: 70\r\nTo: Bob <sip:bob@biloxi.com>\r\nFrom: Alice <sip:a"
		     "lice@atlanta.com>;tag=1928301774\r\nCall-ID: a84b4c76e66710@pc33.atlanta.com\r\nCSeq"
		     ": 314159 INVITE\r\nContact: <sip:alice@pc33.atlanta.com>\r\nUser-Agent: softphone/1"
		     "\r\nContent-Length: 0\r\n\r\n"),
	    PIECE(1, "SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds\r\n"
		     "To: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\nFrom: Alice <sip:alice@atlanta.com>;tag="
		     "1928301774\r\nCall-ID: a84b4c76e66710@pc33.atlanta.com\r\nCSeq: 314159 INVITE\r\nCon"
		     "tent-Length: 0\r\n\r\n") } },
	{ "mqtt",
	  "mqtt",
	  MR_L7_TCP,
	  false,
	  { PIECE(0, "\x10\x1b\0\4MQTT\4\x82\0<\0\x08sensor-7\0\5alice"), PIECE(1, " \2\0\0"),
	    PIECE(0, "\x82\x10\0\n\0\x0bplant/+/set\1"), PIECE(0, "0\x19\0\x13plant/7/temperature21.5"),
	    PIECE(0, "0\x19\0\x13plant/7/temperature21.6") } },
	{ "modbus",
	  "modbus",
	  MR_L7_TCP,
	  false,
	  { PIECE(0, "\0\1\0\0\0\6\x11\3\0k\0\3"), PIECE(1, "\0\1\0\0\0\x09\x11\3\6\2+\0\0\0d"),
	    PIECE(0, "\0\2\0\0\0\6\x11\3\0k\0\3"), PIECE(1, "\0\2\0\0\0\x09\x11\3\6\2+\0\0\0d") } },
};

static void take(struct mr_l7_sink *sink, enum mr_l7_field field, const void *data, size_t len, bool more)
{
	static volatile size_t octets;

	octets += len;
}

static const struct mr_l7_ops *find(const char *name)
{
	for (const struct mr_l7_ops *const *ops = mr_l7_all; *ops != NULL; ops++)
		if (strcmp((*ops)->name, name) == 0)
			return *ops;
	return NULL;
}

/* Reads the exchange as one flow; false: the parser gave up. */
static __attribute__((noinline)) bool exchange(const struct row *row, const struct mr_l7_ops *ops,
					       void *state, struct mr_l7_sink *sink)
{
	bool ok = true;

	memset(state, 0, ops->state_size);
	for (const struct piece *p = row->pieces; p->data != NULL; p++) {
		struct mr_l7_input in = { .data = (const uint8_t *)p->data,
					  .len = (uint32_t)p->len,
					  .dir = p->dir,
					  .transport = row->transport,
					  .port = { 40000, 0 },
					  .time_ns = 1 };
		uint32_t used = 0;

		if (p == row->pieces && ops->probe(&in) != MR_L7_YES)
			ok = false;
		if (ops->parse(state, &in, sink, &used) == MR_L7_BROKEN)
			ok = false;
	}
	if (ops->close != NULL)
		ops->close(state, sink);
	return ok;
}

static int bench_row(const struct row *row)
{
	const struct mr_l7_ops *ops = find(row->protocol);
	struct mr_l7_sink sink = { .value = take };
	struct mr_bench_time best = { 0 };
	struct mr_l7_set all;
	size_t messages = 0;
	void *state;

	memset(&all, 0xff, sizeof(all));
	sink.hidden = row->hidden ? &all : NULL;
	state = ops == NULL ? NULL : calloc(1, ops->state_size);
	if (state == NULL || !exchange(row, ops, state, &sink)) {
		fprintf(stderr, "%s: the exchange isn't read\n", row->name);
		free(state);
		return 1;
	}
	while (row->pieces[messages].data != NULL)
		messages++;
	for (int run = 0; run < BEST_OF; run++) {
		struct mr_bench_time start = mr_bench_now();

		for (int i = 0; i < ROUNDS; i++)
			exchange(row, ops, state, &sink);
		mr_bench_best(&best, start);
	}
	mr_bench_print(row->name, best, (double)ROUNDS * (double)messages);
	free(state);
	return 0;
}

int main(int argc, char **argv)
{
	int rc = 0;

	puts("a message of                   time");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (argc < 2 || strcmp(argv[1], rows[i].name) == 0)
			rc |= bench_row(&rows[i]);
	return rc;
}
