/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes flows with known values as an IPFIX file, or sends them to a local collector, and says on standard
 * output, one JSON object a flow, what it put in; straight from the record, so that a fault of the encoder
 * doesn't hide in its own mirror.
 *
 * Usage: ipfix_sample compat|biflow|full|details FILE|udp:PORT FLOWS
 *
 * details is full, and most flows say how TCP did, what wrapped them, and what a parser found.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "flow/mr_flow_detail.h"
#include "ipfix/mr_ipfix_exporter.h"

#define START_NS (1767225600ull * MR_NS_PER_S) /* 2026-01-01 */

static struct mr_flow_rec rec_make(unsigned i)
{
	static const uint8_t protos[] = { 6, 17, 1 };
	struct mr_flow_rec r = { 0 };
	bool v6 = i % 2 != 0;
	uint8_t proto = protos[i % 3];
	unsigned seen = i % 5 == 3 ? 1 : i % 5 == 4 ? 2 : 3; /* bit per direction */

	r.flow_id = 0x0123456789abcdefull + i;
	r.family = v6 ? 6 : 4;
	r.proto = proto == 1 && v6 ? 58 : proto;
	for (unsigned dir = 0; dir < 2; dir++) {
		uint32_t low = htonl((dir == 0 ? 0xc0000200 : 0xc6336400) + i % 250);

		if (v6)
			memcpy(r.addr[dir], "\x20\x01\x0d\xb8\x00\x00\x00", 7);
		memcpy(r.addr[dir] + (v6 ? 12 : 0), &low, 4);
		r.port[dir] = proto == 1 ? 0 : (uint16_t)(dir == 0 ? 40000 + i : 443);
		memset(r.mac[dir], (int)(2 * (dir + 1)), 6);
		if ((seen >> dir & 1) == 0)
			continue;
		r.packets[dir] = i + 1 + dir;
		r.octets[dir] = 100ull * (i + 1) + dir;
		r.layer2_octets[dir] = r.octets[dir] + 14 * r.packets[dir];
		r.start_ns[dir] = START_NS + i * 1234567ull * (dir + 1);
		r.end_ns[dir] = r.start_ns[dir] + 5 * MR_NS_PER_S + i;
		r.tcp_flags[dir] = proto == 6 ? 0x1b : 0;
		r.tos[dir] = (uint8_t)(dir == 0 ? 0x28 : 0x20);
		r.min_ttl[dir] = 60;
		r.max_ttl[dir] = 64;
		r.min_len[dir] = 40;
		r.max_len[dir] = 1500;
	}
	r.icmp = proto == 1 ? (v6 ? 0x8000 : 0x0800) : 0;
	r.vlan = i % 4 == 0 ? 100 : 0xfff;
	r.inner_vlan = 0xfff;
	r.end_reason = (uint8_t)(1 + i % 5);
	r.direction = 1;
	r.ingress = 3;
	r.egress = 4;
	return r;
}

#define TEXT_MAX 2000

/* What a flow's detail says, and what a collector has to make of it. */
struct sample {
	struct mr_flow_detail detail;
	struct mr_l7_writer writer;
	char want[TEXT_MAX + 1000]; /* `"name":value` ... by names of elements, each followed by a comma */
	size_t want_len;
};

static struct mr_l7_chunks chunks;

static void want_number(struct sample *s, const char *name, uint64_t number)
{
	s->want_len += (size_t)snprintf(s->want + s->want_len, sizeof(s->want) - s->want_len,
					"\"%s\":%" PRIu64 ",", name, number);
}

static void want_text(struct sample *s, const char *name, const char *text)
{
	s->want_len += (size_t)snprintf(s->want + s->want_len, sizeof(s->want) - s->want_len,
					"\"%s\":\"%s\",", name, text);
}

static void value_put(struct sample *s, enum mr_l7_field field, const char *element, const void *data,
		      size_t len)
{
	mr_l7_value_begin(&chunks, &s->writer, field, 0, UINT16_MAX);
	mr_l7_value_add(&chunks, &s->writer, data, (uint16_t)len, UINT16_MAX);
	s->detail.values = s->writer.first;
	if (mr_l7_field_info[field].type == MR_L7_TEXT)
		want_text(s, element, data);
	else
		want_number(s, element, *(const uint64_t *)data);
}

static void text_put(struct sample *s, enum mr_l7_field field, const char *element, const char *text)
{
	value_put(s, field, element, text, strlen(text));
}

static void number_put(struct sample *s, enum mr_l7_field field, const char *element, uint64_t number)
{
	value_put(s, field, element, &number, sizeof(number));
}

static void application_put(struct sample *s, const char *name)
{
	for (unsigned i = 0; mr_l7_all[i] != NULL; i++)
		if (strcmp(mr_l7_all[i]->name, name) == 0)
			s->detail.application_id = 6u << 24 | mr_l7_all[i]->selector;
	s->detail.application = name;
	want_text(s, "applicationName", name);
}

static void tcp_put(struct sample *s, unsigned i, unsigned forward)
{
	struct mr_flow_tcp *tcp = &s->detail.tcp;

	s->detail.has_tcp = true;
	tcp->client_rtt_us = 100 + i;
	tcp->server_rtt_us = 2000 + i;
	tcp->state = MR_FLOW_TCP_ESTABLISHED;
	tcp->way[0].retransmitted = i;
	tcp->way[1].retransmitted = i + 1;
	want_number(s, "clientRttMicroseconds", 100 + i);
	want_number(s, "serverRttMicroseconds", 2000 + i);
	want_number(s, "retransmittedPackets", tcp->way[forward].retransmitted);
	want_number(s, "reverseRetransmittedPackets", tcp->way[1 - forward].retransmitted);
	want_number(s, "tcpConnectionState", MR_FLOW_TCP_ESTABLISHED);
}

static void tunnel_put(struct sample *s, unsigned i, unsigned forward)
{
	struct mr_tunnel_level *level = &s->detail.tunnel.level[0];

	s->detail.tunnel.levels = 1;
	*level = (struct mr_tunnel_level){ .id = i, .kind = MR_TUNNEL_VXLAN, .family = 4, .has_id = true };
	memcpy(level->addr[0], "\x0a\x00\x00\x01", 4);
	memcpy(level->addr[1], "\x0a\x00\x00\x02", 4);
	s->detail.tunnel_reverse_id[0] = i;
	want_number(s, "tunnelId", i);
	want_number(s, "layer2SegmentId", 1ull << 56 | i);
	want_text(s, "tunnelSourceAddress", forward == 0 ? "::ffff:10.0.0.1" : "::ffff:10.0.0.2");
}

static void tcp_values_put(struct sample *s, unsigned i)
{
	static const unsigned lengths[] = { 1, 254, 255, 256, TEXT_MAX };
	char uri[TEXT_MAX + 1] = "/";

	if (i % 2 == 0) {
		memset(uri + 1, 'u', lengths[i % 5] - 1);
		uri[lengths[i % 5]] = '\0';
		application_put(s, "http");
		text_put(s, MR_L7_F_HTTP_METHOD, "httpRequestMethod", "GET");
		text_put(s, MR_L7_F_HTTP_HOST, "httpRequestHost", "www.example.org");
		text_put(s, MR_L7_F_HTTP_URI, "httpRequestTarget", uri);
		number_put(s, MR_L7_F_HTTP_STATUS, "httpStatusCode", 200 + i % 300);
	} else {
		application_put(s, "tls");
		text_put(s, MR_L7_F_TLS_SNI, "tls_sni",
			 "b\xc3\xbc"
			 "cher.example");
		number_put(s, MR_L7_F_TLS_CIPHER, "tls_cipher", 0x1301);
	}
}

static void udp_values_put(struct sample *s, unsigned i)
{
	application_put(s, "dns");
	text_put(s, MR_L7_F_DNS_NAME, "dns_name", "example.org");
	number_put(s, MR_L7_F_DNS_TYPE, "dns_type", 28);
	number_put(s, MR_L7_F_DNS_ANSWER_TTL, "dns_answer_ttl", i);
}

static void sample_make(struct sample *s, struct mr_flow_rec *r, unsigned i)
{
	unsigned forward = r->packets[0] != 0 ? 0 : 1;

	memset(s, 0, sizeof(*s));
	s->detail.chunks = &chunks;
	if (i % 7 == 0)
		return;
	r->detail = &s->detail;
	if (r->proto == 6) {
		tcp_put(s, i, forward);
	} else {
		s->detail.outcome = MR_FLOW_OUTCOME_ANSWERED;
		want_number(s, "flowOutcome", MR_FLOW_OUTCOME_ANSWERED);
	}
	if (i % 4 == 1)
		tunnel_put(s, i, forward);
	if (i % 5 != 0 && r->proto == 6)
		tcp_values_put(s, i);
	if (i % 5 != 0 && r->proto == 17)
		udp_values_put(s, i);
}

static void rec_print(const struct mr_flow_rec *r, const struct sample *s)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int family = r->family == 6 ? AF_INET6 : AF_INET;

	inet_ntop(family, r->addr[0], src, sizeof(src));
	inet_ntop(family, r->addr[1], dst, sizeof(dst));
	printf("{\"src\":\"%s\",\"dst\":\"%s\",\"sport\":%u,\"dport\":%u,\"proto\":%u,\"packets\":[%" PRIu64
	       ",%" PRIu64 "],\"octets\":[%" PRIu64 ",%" PRIu64 "],\"start_ns\":[%" PRIu64 ",%" PRIu64
	       "],\"end_ns\":[%" PRIu64 ",%" PRIu64
	       "],\"flags\":[%u,%u],\"tos\":[%u,%u],\"reason\":%u,\"vlan\":%u,\"detail\":{%.*s}}\n",
	       src, dst, r->port[0], r->port[1], r->proto, r->packets[0], r->packets[1], r->octets[0],
	       r->octets[1], r->start_ns[0], r->start_ns[1], r->end_ns[0], r->end_ns[1], r->tcp_flags[0],
	       r->tcp_flags[1], r->tos[0], r->tos[1], r->end_reason, r->vlan == 0xfff ? 0 : r->vlan,
	       s->want_len == 0 ? 0 : (int)s->want_len - 1, s->want);
}

static int profile_of(const char *name)
{
	static const char *const names[] = { "compat", "biflow", "full" };

	for (int i = 0; i < MR_IPFIX_PROFILE_MAX; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	static const char *const interfaces[] = { "replay0", "replay1", "replay2", "eth3", "eth4" };
	bool details = argc == 4 && strcmp(argv[1], "details") == 0;
	int profile = details ? MR_IPFIX_FULL : argc == 4 ? profile_of(argv[1]) : -1;
	static uint8_t memory[64 * MR_L7_CHUNK] __attribute__((aligned(64)));
	static struct sample sample;
	struct mr_ipfix_collector_conf collector = { .name = "file", .proto = MR_IPFIX_FILE };
	struct mr_ipfix_exporter_conf conf = { .odid = 7,
					       .observation_point = 9,
					       .collectors = &collector,
					       .n_collectors = 1,
					       .interfaces = interfaces,
					       .n_interfaces = 5 };
	struct mr_ipfix_metering metering = { .start_ns = START_NS, .not_metered_packets = 3 };
	struct mr_ipfix_totals totals;
	struct mr_ipfix_exporter *exp;
	unsigned long n;
	struct mr_err err;

	if (profile < 0) {
		fprintf(stderr, "usage: ipfix_sample compat|biflow|full|details FILE|udp:PORT FLOWS\n");
		return 2;
	}
	mr_l7_chunks_init(&chunks, memory, sizeof(memory));
	n = strtoul(argv[3], NULL, 10);
	collector.profile = (enum mr_ipfix_profile)profile;
	collector.path = argv[2];
	if (strncmp(argv[2], "udp:", 4) == 0) {
		collector.proto = MR_IPFIX_UDP;
		collector.host = "127.0.0.1";
		collector.port = (uint16_t)strtoul(argv[2] + 4, NULL, 10);
	}
	if (mr_ipfix_exporter_open(&conf, START_NS, &exp, &err) != 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	for (unsigned i = 0; i < n; i++) {
		struct mr_flow_rec r = rec_make(i);

		if (details)
			sample_make(&sample, &r, i);
		rec_print(&r, &sample);
		mr_ipfix_exporter_put(exp, &r, 1, START_NS);
		mr_l7_chunks_give_back(&chunks, sample.detail.values);
		if (i % 1000 == 0) /* options between flows, as in a long run */
			mr_ipfix_exporter_tick(exp, START_NS + i / 1000 * 61 * MR_NS_PER_S, &metering);
	}
	mr_ipfix_exporter_close(exp, START_NS, &metering, 0, NULL, &totals);
	return totals.exported_flows == n ? 0 : 1;
}
