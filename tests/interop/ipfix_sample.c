/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes flows with known values as an IPFIX file and says on standard output, one JSON object a flow, what
 * it put in; straight from the record, so that a fault of the encoder doesn't hide in its own mirror.
 *
 * Usage: ipfix_sample compat|biflow|full FILE FLOWS
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
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

static void rec_print(const struct mr_flow_rec *r)
{
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	int family = r->family == 6 ? AF_INET6 : AF_INET;

	inet_ntop(family, r->addr[0], src, sizeof(src));
	inet_ntop(family, r->addr[1], dst, sizeof(dst));
	printf("{\"src\":\"%s\",\"dst\":\"%s\",\"sport\":%u,\"dport\":%u,\"proto\":%u,\"packets\":[%" PRIu64
	       ",%" PRIu64 "],\"octets\":[%" PRIu64 ",%" PRIu64 "],\"start_ns\":[%" PRIu64 ",%" PRIu64
	       "],\"end_ns\":[%" PRIu64 ",%" PRIu64
	       "],\"flags\":[%u,%u],\"tos\":[%u,%u],\"reason\":%u,\"vlan\":%u}\n",
	       src, dst, r->port[0], r->port[1], r->proto, r->packets[0], r->packets[1], r->octets[0],
	       r->octets[1], r->start_ns[0], r->start_ns[1], r->end_ns[0], r->end_ns[1], r->tcp_flags[0],
	       r->tcp_flags[1], r->tos[0], r->tos[1], r->end_reason, r->vlan == 0xfff ? 0 : r->vlan);
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
	int profile = argc == 4 ? profile_of(argv[1]) : -1;
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
		fprintf(stderr, "usage: ipfix_sample compat|biflow|full FILE FLOWS\n");
		return 2;
	}
	n = strtoul(argv[3], NULL, 10);
	collector.profile = (enum mr_ipfix_profile)profile;
	collector.path = argv[2];
	if (mr_ipfix_exporter_open(&conf, START_NS, &exp, &err) != 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	for (unsigned i = 0; i < n; i++) {
		struct mr_flow_rec r = rec_make(i);

		rec_print(&r);
		mr_ipfix_exporter_put(exp, &r, 1, START_NS);
		if (i % 1000 == 0) /* options between flows, as in a long run */
			mr_ipfix_exporter_tick(exp, START_NS + i / 1000 * 61 * MR_NS_PER_S, &metering);
	}
	mr_ipfix_exporter_close(exp, START_NS, &metering, 0, NULL, &totals);
	return totals.exported_flows == n ? 0 : 1;
}
