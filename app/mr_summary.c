/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_summary.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"
#include "base/mr_hash.h"

#define SLOTS (2 * MR_SUMMARY_HOSTS)
#define TOP   10

struct host {
	uint8_t addr[16];
	uint8_t family;		 /* 0: slot empty */
	uint64_t sent, received; /* octets */
	uint64_t flows;
};

struct mr_summary {
	struct host *hosts; /* [SLOTS], open addressing */
	uint32_t n_hosts;
	struct host others;
	uint64_t records;
	uint64_t by_proto[256]; /* packets */
	uint64_t first_ns, last_ns;
	struct mr_hash_seed seed;
};

struct mr_summary *mr_summary_new(void)
{
	struct mr_summary *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->hosts = calloc(SLOTS, sizeof(*s->hosts));
	s->first_ns = UINT64_MAX;
	if (s->hosts == NULL || mr_hash_seed_random(&s->seed) < 0) {
		mr_summary_free(s);
		return NULL;
	}
	return s;
}

void mr_summary_free(struct mr_summary *s)
{
	if (s == NULL)
		return;
	free(s->hosts);
	free(s);
}

static struct host *host_of(struct mr_summary *s, const uint8_t addr[16], uint8_t family)
{
	uint64_t w[2];
	uint32_t at;

	memcpy(w, addr, sizeof(w));
	at = (uint32_t)mr_hash_3(&s->seed, w[0], w[1], family) % SLOTS;
	while (s->hosts[at].family != 0) {
		if (s->hosts[at].family == family && memcmp(s->hosts[at].addr, addr, 16) == 0)
			return &s->hosts[at];
		at = (at + 1) % SLOTS;
	}
	if (s->n_hosts == MR_SUMMARY_HOSTS)
		return &s->others;
	s->n_hosts++;
	memcpy(s->hosts[at].addr, addr, 16);
	s->hosts[at].family = family;
	return &s->hosts[at];
}

void mr_summary_add(struct mr_summary *s, const struct mr_flow_rec *r)
{
	for (int i = 0; i < 2; i++) {
		struct host *h = host_of(s, r->addr[i], r->family);

		h->sent += r->octets[i];
		h->received += r->octets[!i];
		h->flows++;
		if (r->packets[i] == 0)
			continue;
		if (r->start_ns[i] < s->first_ns)
			s->first_ns = r->start_ns[i];
		if (r->end_ns[i] > s->last_ns)
			s->last_ns = r->end_ns[i];
	}
	s->records++;
	s->by_proto[r->proto] += r->packets[0] + r->packets[1];
}

static int by_octets(const void *a, const void *b)
{
	const struct host *x = *(const struct host *const *)a, *y = *(const struct host *const *)b;
	uint64_t ox = x->sent + x->received, oy = y->sent + y->received;

	if (ox != oy)
		return ox < oy ? 1 : -1;
	return memcmp(x->addr, y->addr, sizeof(x->addr)); /* the same order in every run */
}

static void print_talkers(const struct mr_summary *s, FILE *out)
{
	const struct host **list = malloc(((size_t)s->n_hosts + 1) * sizeof(*list));
	uint32_t n = 0;

	if (list == NULL || s->n_hosts == 0)
		goto done;
	for (uint32_t i = 0; i < SLOTS; i++)
		if (s->hosts[i].family != 0)
			list[n++] = &s->hosts[i];
	qsort(list, n, sizeof(*list), by_octets);
	fprintf(out, "\n%-40s %15s %15s %9s\n", "top talkers", "octets sent", "octets received", "flows");
	for (uint32_t i = 0; i < n && i < TOP; i++) {
		char text[INET6_ADDRSTRLEN];

		inet_ntop(list[i]->family == 4 ? AF_INET : AF_INET6, list[i]->addr, text, sizeof(text));
		fprintf(out, "  %-38s %15lu %15lu %9lu\n", text, list[i]->sent, list[i]->received,
			list[i]->flows);
	}
	if (s->others.flows != 0)
		fprintf(out, "  %-38s %15lu %15lu %9lu\n", "others", s->others.sent, s->others.received,
			s->others.flows);
done:
	free(list);
}

static void print_protocols(const struct mr_summary *s, FILE *out)
{
	fprintf(out, "protocols    ");
	for (int p = 0; p < 256; p++) {
		struct protoent *e;

		if (s->by_proto[p] == 0)
			continue;
		e = getprotobynumber(p);
		if (e != NULL)
			fprintf(out, " %s %lu", e->p_name, s->by_proto[p]);
		else
			fprintf(out, " %d %lu", p, s->by_proto[p]);
	}
	fprintf(out, " packets\n");
}

void mr_summary_print(const struct mr_summary *s, const uint64_t c[MR_C_MAX], uint64_t elapsed_ns, FILE *out)
{
	double seconds = (double)elapsed_ns / (double)MR_NS_PER_S;
	char first[MR_CLOCK_TEXT_MAX], last[MR_CLOCK_TEXT_MAX];

	fprintf(out, "packets       %lu (%lu octets on the wire)\n", c[MR_C_RECEIVED],
		c[MR_C_RECEIVED_OCTETS]);
	fprintf(out, "IP packets    %lu (%lu octets), IPv4 %lu, IPv6 %lu\n", c[MR_C_METERED],
		c[MR_C_METERED_OCTETS], c[MR_C_IPV4], c[MR_C_IPV6]);
	fprintf(out, "flow records  %lu from %u hosts\n", s->records, s->n_hosts);
	if (s->records != 0) {
		fprintf(out, "time          %s to %s\n", mr_clock_format(s->first_ns, first),
			mr_clock_format(s->last_ns, last));
		print_protocols(s, out);
	}
	fprintf(out, "throughput    %.2f Mpps, %.2f Gbit/s (%.3f s)\n",
		(double)c[MR_C_RECEIVED] / seconds / 1e6, (double)c[MR_C_RECEIVED_OCTETS] * 8 / seconds / 1e9,
		seconds);
	print_talkers(s, out);
}
