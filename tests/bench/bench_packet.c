/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cost of decoding one packet, for each level of instructions that the machine has: bursts of 32 mbufs that
 * walk a ring of 128 KiB of different frames, which with their mbufs fit the second cache level; best of 5.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "base/mr_cpu.h"
#include "mr_bench_time.h"
#include "packet/mr_packet_burst.h"

#define RING_OCTETS (1u << 17)
#define SLOT_OCTETS 128u
#define FRAMES	    (RING_OCTETS / SLOT_OCTETS)
#define BURST	    32u
#define ROUNDS	    200u
#define REPEATS	    5

static uint64_t random_state = 1;

static uint32_t next_random(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(random_state >> 33);
}

static uint32_t put_ethernet(uint8_t *p, uint16_t type, bool tagged)
{
	memset(p, 2, 12);
	if (!tagged) {
		mr_put_u16(p + 12, type);
		return 14;
	}
	mr_put_u16(p + 12, 0x8100);
	mr_put_u16(p + 14, (uint16_t)(next_random() & 0xffe));
	mr_put_u16(p + 16, type);
	return 18;
}

static uint32_t put_ipv4(uint8_t *p, uint8_t proto, uint32_t len)
{
	p[0] = 0x45;
	mr_put_u16(p + 2, (uint16_t)len);
	mr_put_u16(p + 6, 0x4000);
	p[8] = 64;
	p[9] = proto;
	mr_put_u32(p + 12, 0x0a000000 | (next_random() & 0xffffff));
	mr_put_u32(p + 16, 0x0a000000 | (next_random() & 0xffffff));
	return 20;
}

static uint32_t put_ipv6(uint8_t *p, uint8_t proto, uint32_t len)
{
	p[0] = 0x60;
	mr_put_u16(p + 4, (uint16_t)(len - 40));
	p[6] = proto;
	p[7] = 64;
	for (unsigned i = 0; i < 2; i++) {
		mr_put_u32(p + 8 + 16 * i, 0x20010db8);
		mr_put_u32(p + 20 + 16 * i, next_random());
	}
	return 40;
}

static void put_transport(uint8_t *p, uint8_t proto, uint32_t len)
{
	mr_put_u16(p, (uint16_t)next_random());
	mr_put_u16(p + 2, (uint16_t)next_random());
	if (proto == 6) {
		p[12] = 0x50;
		p[13] = 0x10;
	} else {
		mr_put_u16(p + 4, (uint16_t)len);
	}
}

struct kind {
	const char *name;
	uint8_t family; /* 4, 6; 0: either */
	uint8_t tags;	/* 0, 1; 2: either */
	uint8_t proto;	/* 0: TCP or UDP */
};

/* "or": by turns that nothing predicts */
static const struct kind kinds[] = {
	{ "udp4", 4, 0, 17 },	      { "tcp4", 4, 0, 6 },
	{ "vlan udp4", 4, 1, 17 },    { "tcp4 or udp4", 4, 0, 0 },
	{ "udp6", 6, 0, 17 },	      { "tcp6", 6, 0, 6 },
	{ "vlan udp6", 6, 1, 17 },    { "tcp6 or udp6", 6, 0, 0 },
	{ "udp4 or udp6", 0, 0, 17 }, { "any tag or none, 4 or 6, tcp or udp", 0, 2, 0 },
};

static uint8_t either(bool open, uint8_t one, uint8_t other, uint8_t fixed)
{
	return !open ? fixed : next_random() & 1 ? one : other;
}

/* The shortest frame of its kind, as long as Ethernet allows. Returns its octets without FCS. */
static uint32_t put_frame(uint8_t *p, const struct kind *kind)
{
	uint8_t proto = either(kind->proto == 0, 6, 17, kind->proto);
	bool v6 = either(kind->family == 0, 4, 6, kind->family) == 6;
	uint32_t l3 = put_ethernet(p, v6 ? 0x86dd : 0x0800, either(kind->tags == 2, 0, 1, kind->tags));
	uint32_t len = (v6 ? 40 : 20) + (proto == 6 ? 20 : 8);
	uint32_t header = v6 ? put_ipv6(p + l3, proto, len) : put_ipv4(p + l3, proto, len);

	put_transport(p + l3 + header, proto, len - header);
	return l3 + len < 60 ? 60 : l3 + len;
}

static void fill_ring(uint8_t *ring, struct rte_mbuf *mbufs, const struct kind *kind)
{
	memset(ring, 0, RING_OCTETS);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t *p = ring + i * SLOT_OCTETS;
		uint32_t octets = put_frame(p, kind);

		mbufs[i] = (struct rte_mbuf){
			.buf_addr = p, .data_len = (uint16_t)octets, .pkt_len = octets, .nb_segs = 1
		};
	}
}

/*
 * Each @p round walks the ring in another order, or the branch predictor would learn it by heart. Returns
 * something of every packet, so that no work is left out.
 */
static uint64_t decode_ring(const struct mr_packet_conf *conf, struct rte_mbuf *mbufs, uint32_t round,
			    struct mr_packet_scratch *scratch)
{
	static struct mr_packet pkts[BURST];
	struct rte_mbuf *burst[BURST];
	uint64_t sum = 0;

	for (uint32_t i = 0; i < FRAMES; i += BURST) {
		for (uint32_t k = 0; k < BURST; k++)
			burst[k] = &mbufs[(i + k) * (2 * round + 1) % FRAMES];
		mr_packet_decode_burst(conf, burst, BURST, 0, false, scratch, pkts);
		for (uint32_t k = 0; k < BURST; k++)
			sum += pkts[k].hash + pkts[k].not_metered + pkts[k].note;
	}
	return sum;
}

struct bench {
	struct mr_packet_conf conf;
	uint8_t *ring;
	struct rte_mbuf *mbufs;
	struct mr_packet_scratch *scratch;
	uint64_t sum;
};

static struct mr_bench_time measure(struct bench *b)
{
	struct mr_bench_time best = { 0 };

	for (int repeat = 0; repeat < REPEATS; repeat++) {
		struct mr_bench_time start = mr_bench_now();

		for (unsigned round = 0; round < ROUNDS; round++)
			b->sum += decode_ring(&b->conf, b->mbufs, round, b->scratch);
		mr_bench_best(&best, start);
	}
	return best;
}

static void bench_kinds(struct bench *b)
{
	enum mr_cpu_level highest = mr_cpu_level();

	printf("%-36s", "ns per packet");
	for (int level = MR_CPU_BASE; level <= (int)highest; level++)
		printf(" %10s", mr_cpu_level_name((enum mr_cpu_level)level));
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		fill_ring(b->ring, b->mbufs, &kinds[k]);
		printf("\n%-36s", kinds[k].name);
		for (int level = MR_CPU_BASE; level <= (int)highest; level++) {
			mr_cpu_limit((enum mr_cpu_level)level);
			printf(" %10.2f", (double)measure(b).ns / (FRAMES * ROUNDS));
		}
	}
	printf("\n(check %016lx)\n", (unsigned long)b->sum);
}

int main(void)
{
	struct bench b = {
		.conf = { .seed = mr_hash_seed_fixed(1), .vlan_in_key = true },
		.ring = aligned_alloc(64, RING_OCTETS),
		.mbufs = aligned_alloc(64, FRAMES * sizeof(*b.mbufs)),
		.scratch = aligned_alloc(64, sizeof(*b.scratch)),
	};

	if (b.ring == NULL || b.mbufs == NULL || b.scratch == NULL) {
		perror("bench_packet");
		return 1;
	}
	bench_kinds(&b);
	free(b.scratch);
	free(b.mbufs);
	free(b.ring);
	return 0;
}
