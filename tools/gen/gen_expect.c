/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/gen/gen_expect.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_hash.h"
#include "drivers/synth/mr_build.h"
#include "drivers/synth/mr_traffic.h"

#define REASONS_MAX 32
#define SLOTS_MIN   1024u

enum { FORWARD, REVERSE };

/* Endpoints in an order that doesn't depend on the direction. No padding: compared and hashed as octets. */
struct key {
	uint8_t addr[2][16];
	uint16_t port[2];
	uint16_t id;
	uint8_t family;
	uint8_t proto;
};

_Static_assert(sizeof(struct key) == 40, "no padding");

struct record {
	struct key key;
	uint64_t packets[2], octets[2];
	uint64_t first_ns[2], last_ns[2];
	uint64_t start_ns;
	uint8_t tcp_flags[2];
	struct gen_depth depth; /* of the first packet */
	uint64_t faults[MR_TRAFFIC_LATE + 1];
	bool swapped; /* the first packet came from endpoint 1 */
	const char *end;
};

struct reason {
	const char *key;
	uint64_t packets;
};

struct gen_expect {
	uint64_t idle_ns, active_ns;
	uint64_t packets, metered, octets;
	struct reason not_metered[REASONS_MAX], notes[REASONS_MAX];
	uint64_t faults[MR_TRAFFIC_LATE + 1];
	bool deep;
	struct record *records;
	size_t count, room;
	uint32_t *slots;   /* hash table: index + 1 of the flow's latest record; 0: free */
	size_t slot_count; /* a power of two, at least twice as many as flows */
	size_t flows;
};

struct gen_expect *gen_expect_create(uint64_t idle_ns, uint64_t active_ns)
{
	struct gen_expect *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return NULL;
	e->idle_ns = idle_ns;
	e->active_ns = active_ns;
	e->slot_count = SLOTS_MIN;
	e->slots = calloc(e->slot_count, sizeof(*e->slots));
	if (e->slots == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

void gen_expect_free(struct gen_expect *e)
{
	if (e == NULL)
		return;
	free(e->records);
	free(e->slots);
	free(e);
}

static struct key make_key(const struct gen_packet *p, bool *ret_swapped)
{
	struct key k = { .family = p->family, .proto = p->proto, .id = p->id };
	int order = memcmp(p->src, p->dst, sizeof(p->src));
	int swapped = order > 0 || (order == 0 && p->src_port > p->dst_port);

	memcpy(k.addr[swapped], p->src, sizeof(p->src));
	memcpy(k.addr[!swapped], p->dst, sizeof(p->dst));
	k.port[swapped] = p->src_port;
	k.port[!swapped] = p->dst_port;
	*ret_swapped = swapped;
	return k;
}

static uint32_t *find_slot(const struct gen_expect *e, const struct key *k)
{
	const struct mr_hash_seed seed = mr_hash_seed_fixed(1);
	uint64_t w[5];
	size_t i;

	memcpy(w, k, sizeof(w));
	i = mr_hash_3(&seed, mr_hash_4to1(&seed, w), w[4], 0) & (e->slot_count - 1);
	while (e->slots[i] != 0 && memcmp(&e->records[e->slots[i] - 1].key, k, sizeof(*k)) != 0)
		i = (i + 1) & (e->slot_count - 1);
	return &e->slots[i];
}

static int grow_slots(struct gen_expect *e)
{
	struct gen_expect bigger = *e;

	bigger.slot_count *= 2;
	bigger.slots = calloc(bigger.slot_count, sizeof(*bigger.slots));
	if (bigger.slots == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->slot_count; i++)
		if (e->slots[i] != 0)
			*find_slot(&bigger, &e->records[e->slots[i] - 1].key) = e->slots[i];
	free(e->slots);
	*e = bigger;
	return 0;
}

static int reserve(struct gen_expect *e)
{
	struct record *records;

	if (2 * (e->flows + 1) > e->slot_count && grow_slots(e) != 0)
		return -ENOMEM;
	if (e->count < e->room)
		return 0;
	records = reallocarray(e->records, 2 * e->room + SLOTS_MIN, sizeof(*records));
	if (records == NULL)
		return -ENOMEM;
	e->records = records;
	e->room = 2 * e->room + SLOTS_MIN;
	return 0;
}

static void count_reason(struct reason reasons[REASONS_MAX], const char *key)
{
	for (int i = 0; i < REASONS_MAX; i++) {
		if (reasons[i].key == NULL)
			reasons[i].key = key;
		if (strcmp(reasons[i].key, key) == 0) {
			reasons[i].packets++;
			return;
		}
	}
}

static uint64_t latest(const struct record *r)
{
	return r->last_ns[0] > r->last_ns[1] ? r->last_ns[0] : r->last_ns[1];
}

/* Does the record end before this packet? */
static bool ends_before(const struct gen_expect *e, struct record *r, const struct gen_packet *p)
{
	bool closed = (r->tcp_flags[0] & r->tcp_flags[1] & MR_TCP_FIN) ||
		      ((r->tcp_flags[0] | r->tcp_flags[1]) & MR_TCP_RST);

	if (e->idle_ns != 0 && p->time_ns >= latest(r) + e->idle_ns)
		r->end = "idle";
	else if (closed && (p->tcp_flags & (MR_TCP_SYN | MR_TCP_ACK)) == MR_TCP_SYN)
		r->end = "end of flow";
	else if (e->active_ns != 0 && p->time_ns >= r->start_ns + e->active_ns)
		r->end = "active";
	return r->end != NULL;
}

static void update(struct record *r, const struct gen_packet *p, int dir)
{
	if (r->packets[dir] == 0)
		r->first_ns[dir] = p->time_ns;
	r->last_ns[dir] = p->time_ns;
	r->packets[dir]++;
	r->octets[dir] += p->ip_len;
	r->tcp_flags[dir] |= p->tcp_flags;
	r->faults[p->depth.fault]++;
}

int gen_expect_put(struct gen_expect *e, const struct gen_packet *p)
{
	struct record *r = NULL;
	struct key key;
	uint32_t *slot;
	bool swapped;

	e->packets++;
	if (p->note != NULL)
		count_reason(e->notes, p->note);
	if (p->not_metered != NULL) {
		count_reason(e->not_metered, p->not_metered);
		return 0;
	}
	if (reserve(e) != 0)
		return -ENOMEM;
	e->metered++;
	e->deep |= p->depth.known;
	e->faults[p->depth.fault]++;
	e->octets += p->ip_len;
	key = make_key(p, &swapped);
	slot = find_slot(e, &key);
	e->flows += *slot == 0;
	if (*slot != 0)
		r = &e->records[*slot - 1];
	if (r == NULL || ends_before(e, r, p)) {
		bool initiator = r != NULL && strcmp(r->end, "active") == 0 ? r->swapped : swapped;

		r = &e->records[e->count++];
		*slot = (uint32_t)e->count;
		*r = (struct record){
			.key = key, .swapped = initiator, .start_ns = p->time_ns, .depth = p->depth
		};
	}
	update(r, p, swapped != r->swapped);
	return 0;
}

static void print_reasons(const char *name, const struct reason reasons[REASONS_MAX], FILE *out)
{
	fprintf(out, "  \"%s\": {", name);
	for (int i = 0; i < REASONS_MAX && reasons[i].key != NULL; i++)
		fprintf(out, "%s\"%s\": %lu", i == 0 ? "" : ", ", reasons[i].key, reasons[i].packets);
	fprintf(out, "},\n");
}

static void print_pair(const char *name, const uint64_t v[2], FILE *out)
{
	fprintf(out, ", \"%s\": [%lu, %lu]", name, v[FORWARD], v[REVERSE]);
}

static void print_faults(const uint64_t faults[], FILE *out)
{
	fprintf(out, "\"lost\": %lu, \"retransmitted\": %lu, \"late\": %lu", faults[MR_TRAFFIC_AFTER_LOSS],
		faults[MR_TRAFFIC_AGAIN], faults[MR_TRAFFIC_LATE]);
}

static void print_address(uint32_t address, FILE *out)
{
	fprintf(out, "\"%u.%u.%u.%u\"", address >> 24, address >> 16 & 255, address >> 8 & 255,
		address & 255);
}

static void print_tunnel(const struct gen_depth *d, unsigned level, FILE *out)
{
	uint32_t flow = d->flow;
	bool reply = d->reply;

	fprintf(out, "%s{\"kind\": \"%s\"", level == 0 ? "" : ", ", mr_traffic_tunnel_name(d->tunnel[level]));
	if (mr_traffic_tunnel_has_id(d->tunnel[level]))
		fprintf(out, ", \"id\": [%u, %u]", mr_traffic_tunnel_id(d->tunnel[level], level, flow, reply),
			mr_traffic_tunnel_id(d->tunnel[level], level, flow, !reply));
	if (d->tunnel[level] != MR_TRAFFIC_MPLS && d->tunnel[level] != MR_TRAFFIC_PPPOE) {
		fputs(", \"ends\": [", out);
		print_address(mr_traffic_tunnel_address(level, flow, reply), out);
		fputs(", ", out);
		print_address(mr_traffic_tunnel_address(level, flow, !reply), out);
		fputs("]", out);
	}
	fputs("}", out);
}

/* What only a mix and tunnels have: other expectations are as if there were none. */
static void print_depth(const struct record *r, FILE *out)
{
	const struct gen_depth *d = &r->depth;
	char host[MR_TRAFFIC_HOST_MAX];

	if (!d->known)
		return;
	fprintf(out, ", \"flow\": %u", d->flow);
	if (d->app != MR_TRAFFIC_ZEROS) {
		mr_traffic_host(d->app, d->flow, host);
		fprintf(out, ", \"app\": \"%s\", \"host\": \"%s\", \"tcp_faults\": {",
			mr_traffic_app_name(d->app), host);
		print_faults(r->faults, out);
		fputs("}", out);
	}
	if (d->tunnel[0] == MR_TRAFFIC_NO_TUNNEL)
		return;
	fputs(", \"tunnels\": [", out);
	for (unsigned i = 0; i < 2 && d->tunnel[i] != MR_TRAFFIC_NO_TUNNEL; i++)
		print_tunnel(d, i, out);
	fputs("]", out);
}

static void print_record(const struct record *r, FILE *out)
{
	int family = r->key.family == 4 ? AF_INET : AF_INET6;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];

	inet_ntop(family, r->key.addr[r->swapped], src, sizeof(src));
	inet_ntop(family, r->key.addr[!r->swapped], dst, sizeof(dst));
	fprintf(out, "    {\"family\": %u, \"proto\": %u, \"src\": \"%s\", \"dst\": \"%s\"", r->key.family,
		r->key.proto, src, dst);
	fprintf(out, ", \"src_port\": %u, \"dst_port\": %u, \"icmp_id\": %u", r->key.port[r->swapped],
		r->key.port[!r->swapped], r->key.id);
	print_pair("packets", r->packets, out);
	print_pair("octets", r->octets, out);
	print_pair("first_ns", r->first_ns, out);
	print_pair("last_ns", r->last_ns, out);
	fprintf(out, ", \"tcp_flags\": [%u, %u], \"end\": \"%s\"", r->tcp_flags[FORWARD],
		r->tcp_flags[REVERSE], r->end == NULL ? "end of capture" : r->end);
	print_depth(r, out);
	fputs("}", out);
}

void gen_expect_print(const struct gen_expect *e, const char *outcome, FILE *out)
{
	fprintf(out, "{\n  \"packets\": %lu,\n  \"metered_packets\": %lu,\n  \"metered_octets\": %lu,\n",
		e->packets, e->metered, e->octets);
	print_reasons("not_metered", e->not_metered, out);
	print_reasons("notes", e->notes, out);
	fprintf(out,
		"  \"idle_timeout_ns\": %lu,\n  \"active_timeout_ns\": %lu,\n  \"distinct_keys\": %zu,\n",
		e->idle_ns, e->active_ns, e->flows);
	if (outcome != NULL)
		fprintf(out, "  \"outcome\": %s,\n", outcome);
	if (e->deep) {
		fprintf(out, "  \"tcp_faults\": {");
		print_faults(e->faults, out);
		fprintf(out, "},\n");
	}
	fprintf(out, "  \"flows\": [\n");
	for (size_t i = 0; i < e->count; i++) {
		print_record(&e->records[i], out);
		fputs(i + 1 == e->count ? "\n" : ",\n", out);
	}
	fprintf(out, "  ]\n}\n");
}
