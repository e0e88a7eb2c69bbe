/* SPDX-License-Identifier: Apache-2.0 */
/* Flow records encoded a second, by profile: memory only, the transport takes messages and forgets them.
 * A + stands for records with details. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "base/mr_clock.h"
#include "flow/mr_flow_detail.h"
#include "ipfix/mr_flow_json.h"
#include "ipfix/mr_ipfix_exporter_priv.h"

#define RECORDS 4096 /* a working set as of an exporter's ring */
#define ROUNDS	200
#define BURST	64
#define BEST_OF 5

static struct mr_flow_rec recs[RECORDS];

static int null_open(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		     struct mr_ipfix_transport **ret, struct mr_err *err)
{
	static char nothing;

	*ret = (struct mr_ipfix_transport *)&nothing;
	return 0;
}

static unsigned null_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			  const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken)
{
	memset(ret_taken, 1, n * sizeof(*ret_taken));
	return n;
}

static enum mr_ipfix_state null_poll(struct mr_ipfix_transport *t, uint64_t now_ns, uint32_t *ret_generation)
{
	*ret_generation = 1;
	return MR_IPFIX_UP;
}

static void null_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret)
{
	*ret = (struct mr_ipfix_transport_stats){ 0 };
}

static void null_close(struct mr_ipfix_transport *t, unsigned limit_ms, struct mr_ipfix_transport_stats *ret)
{
	if (ret != NULL)
		null_stats(t, ret);
}

static const struct mr_ipfix_transport_ops null_transport = {
	.proto = MR_IPFIX_UDP,
	.name = "null",
	.open = null_open,
	.send = null_send,
	.poll = null_poll,
	.stats = null_stats,
	.close = null_close,
};

/* Both families, three protocols, four fifths seen in both directions. */
static void recs_make(void)
{
	static const uint8_t protos[] = { 6, 6, 6, 17 };
	uint64_t start_ns = 1767225600ull * MR_NS_PER_S;
	uint64_t state = 1;

	for (unsigned i = 0; i < RECORDS; i++) {
		struct mr_flow_rec *r = &recs[i];
		uint8_t *octets = (uint8_t *)r;

		for (size_t k = 0; k < sizeof(*r); k++) {
			state = state * 6364136223846793005u + 1442695040888963407u;
			octets[k] = (uint8_t)(state >> 56);
		}
		r->detail = NULL;
		r->family = i % 4 == 0 ? 6 : 4;
		r->proto = protos[i / 4 % 4];
		for (unsigned dir = 0; dir < 2; dir++) {
			bool seen = dir == 0 || i % 5 != 0;

			r->packets[dir] = seen ? 10 : 0;
			r->octets[dir] = seen ? 5000 : 0;
			r->start_ns[dir] = seen ? start_ns + i : 0;
			r->end_ns[dir] = seen ? start_ns + i * MR_NS_PER_MS : 0;
		}
	}
}

/* Each record with how TCP did and what a TLS handshake says, or the same of DNS over UDP. */
static void details_make(void)
{
	static const struct {
		enum mr_l7_field field;
		const char *text; /* NULL: a number */
	} values[2][6] = {
		{ { MR_L7_F_TLS_SNI, "cdn.static.example.org" },
		  { MR_L7_F_TLS_VERSION, "TLS 1.3" },
		  { MR_L7_F_TLS_ALPN, "h2" },
		  { MR_L7_F_TLS_JA3, "e7d705a3286e19ea42f587b344ee6865" },
		  { MR_L7_F_TLS_JA4, "t13d1516h2_8daaf6152771_b186095e22b6" },
		  { MR_L7_F_TLS_CIPHER, NULL } },
		{ { MR_L7_F_DNS_NAME, "www.example.org" },
		  { MR_L7_F_DNS_TYPE, NULL },
		  { MR_L7_F_DNS_RCODE, NULL },
		  { MR_L7_F_DNS_ANSWERS, NULL },
		  { MR_L7_F_DNS_ANSWER, "www.example.net" },
		  { MR_L7_F_DNS_ANSWER, "192.0.2.1" } },
	};
	static struct mr_flow_detail details[RECORDS];
	static struct mr_l7_chunks chunks;
	static uint8_t memory[RECORDS * 4 * MR_L7_CHUNK] __attribute__((aligned(64)));

	mr_l7_chunks_init(&chunks, memory, sizeof(memory));
	for (unsigned i = 0; i < RECORDS; i++) {
		bool tcp = recs[i].proto == 6;
		struct mr_l7_writer w = { 0 };

		for (unsigned k = 0; k < 6; k++) {
			const char *text = values[tcp ? 0 : 1][k].text;
			uint64_t number = i;

			mr_l7_value_begin(&chunks, &w, values[tcp ? 0 : 1][k].field, 0, UINT16_MAX);
			mr_l7_value_add(&chunks, &w, text != NULL ? (const void *)text : &number,
					(uint16_t)(text != NULL ? strlen(text) : sizeof(number)), UINT16_MAX);
		}
		details[i] = (struct mr_flow_detail){ .has_tcp = tcp,
						      .application = tcp ? "tls" : "dns",
						      .application_id = 6u << 24 | 443,
						      .values = w.first,
						      .chunks = &chunks };
		recs[i].detail = &details[i];
	}
}

static void report(const char *what, uint64_t best_ns, uint64_t data_records, uint64_t octets)
{
	double flows = (double)RECORDS * ROUNDS;

	printf("%-8s %7.1f ns/flow  %6.2f M flows/s  %6.2f M records/s  %6.1f octets/flow\n", what,
	       (double)best_ns / flows, flows * 1e3 / (double)best_ns,
	       (double)data_records * 1e3 / (double)best_ns, (double)octets / flows);
}

static int bench_profile(enum mr_ipfix_profile profile, const char *name)
{
	const struct mr_ipfix_transport_ops *const transports[MR_IPFIX_PROTO_MAX] = { &null_transport };
	const struct mr_ipfix_collector_conf collector = { .name = "null", .profile = profile };
	const struct mr_ipfix_exporter_conf conf = { .odid = 1, .collectors = &collector, .n_collectors = 1 };
	const struct mr_ipfix_metering metering = { .start_ns = 1 };
	struct mr_ipfix_collector_stats stats = { 0 };
	uint64_t best_ns = UINT64_MAX;
	struct mr_err err;

	for (int run = 0; run < BEST_OF; run++) {
		struct mr_ipfix_exporter *exp;
		uint64_t start_ns, took_ns;

		if (mr_ipfix_exporter_open_with(&conf, transports, 1, &exp, &err) != 0) {
			fprintf(stderr, "%s\n", err.msg);
			return 1;
		}
		start_ns = mr_clock_mono_ns();
		for (int round = 0; round < ROUNDS; round++)
			for (unsigned i = 0; i < RECORDS; i += BURST)
				mr_ipfix_exporter_put(exp, recs + i, BURST, 1);
		took_ns = mr_clock_mono_ns() - start_ns;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
		mr_ipfix_exporter_close(exp, 1, &metering, 0, &stats, NULL);
	}
	report(name, best_ns, stats.records, stats.octets);
	return 0;
}

static void bench_json(const char *what)
{
	static char room[MR_FLOW_JSON_MAX];
	static struct mr_flow_json json;
	uint64_t best_ns = UINT64_MAX, octets = 0;

	mr_flow_json_init(&json, 1);
	for (int run = 0; run < BEST_OF; run++) {
		uint64_t start_ns = mr_clock_mono_ns(), took_ns;

		octets = 0;
		for (int round = 0; round < ROUNDS / 10; round++) {
			for (unsigned i = 0; i < RECORDS; i++) {
				struct mr_wbuf w;

				mr_wbuf_init(&w, room, sizeof(room));
				mr_flow_json_put(&json, &recs[i], &w);
				octets += w.len;
			}
		}
		took_ns = (mr_clock_mono_ns() - start_ns) * 10;
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	report(what, best_ns, (uint64_t)RECORDS * ROUNDS, octets * 10);
}

int main(void)
{
	recs_make();
	if (bench_profile(MR_IPFIX_COMPAT, "compat") != 0 || bench_profile(MR_IPFIX_BIFLOW, "biflow") != 0 ||
	    bench_profile(MR_IPFIX_FULL, "full") != 0)
		return 1;
	bench_json("json");
	details_make();
	if (bench_profile(MR_IPFIX_FULL, "full+") != 0)
		return 1;
	bench_json("json+");
	return 0;
}
