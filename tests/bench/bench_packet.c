/* SPDX-License-Identifier: Apache-2.0 */
/* Cost of decoding one packet: bursts of 32 mbufs that walk a ring of 1 MB of different frames; best of 5. */
#include <stdlib.h>
#include <string.h>

#include "base/mr_buf.h"
#include "mr_bench_time.h"
#include "packet/mr_packet_burst.h"

#define RING_OCTETS (1u << 20)
#define SLOT_OCTETS 128u
#define FRAMES	    (RING_OCTETS / SLOT_OCTETS)
#define BURST	    32u
#define ROUNDS	    100u
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
	uint32_t frame_octets; /* without FCS */
	bool v6;
	bool tagged;
	uint8_t proto; /* 0: TCP and UDP by turns that nothing predicts */
};

static const struct kind kinds[] = {
	{ "udp4, 64 B", 60, false, false, 17 },	       { "tcp4, 64 B", 60, false, false, 6 },
	{ "tcp4 or udp4, 64 B", 60, false, false, 0 }, { "vlan udp4, 64 B", 60, false, true, 17 },
	{ "udp6, 66 B", 62, true, false, 17 },	       { "tcp6, 78 B", 74, true, false, 6 },
};

static void fill_ring(uint8_t *ring, const struct kind *kind)
{
	memset(ring, 0, RING_OCTETS);
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t *p = ring + i * SLOT_OCTETS;
		uint8_t proto = kind->proto != 0 ? kind->proto : next_random() & 1 ? 6 : 17;
		uint32_t l3 = put_ethernet(p, kind->v6 ? 0x86dd : 0x0800, kind->tagged);
		uint32_t len = kind->frame_octets - l3;
		uint32_t header = kind->v6 ? put_ipv6(p + l3, proto, len) : put_ipv4(p + l3, proto, len);

		put_transport(p + l3 + header, proto, len - header);
	}
}

static void fill_mbufs(struct rte_mbuf *mbufs, uint8_t *ring, uint32_t octets)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		mbufs[i] = (struct rte_mbuf){ .buf_addr = ring + i * SLOT_OCTETS,
					      .data_len = (uint16_t)octets,
					      .pkt_len = octets,
					      .nb_segs = 1 };
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

int main(void)
{
	struct mr_packet_conf conf = { .seed = mr_hash_seed_fixed(1), .vlan_in_key = true };
	uint8_t *ring = aligned_alloc(64, RING_OCTETS);
	struct rte_mbuf *mbufs = aligned_alloc(64, FRAMES * sizeof(*mbufs));
	struct mr_packet_scratch *scratch = aligned_alloc(64, sizeof(*scratch));
	uint64_t sum = 0;

	if (ring == NULL || mbufs == NULL || scratch == NULL) {
		perror("bench_packet");
		return 1;
	}
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct mr_bench_time best = { 0 };

		fill_ring(ring, &kinds[k]);
		fill_mbufs(mbufs, ring, kinds[k].frame_octets);
		for (int repeat = 0; repeat < REPEATS; repeat++) {
			struct mr_bench_time start = mr_bench_now();

			for (unsigned round = 0; round < ROUNDS; round++)
				sum += decode_ring(&conf, mbufs, round, scratch);
			mr_bench_best(&best, start);
		}
		mr_bench_print(kinds[k].name, best, (double)FRAMES * ROUNDS);
	}
	printf("(check %016lx)\n", (unsigned long)sum);
	free(scratch);
	free(mbufs);
	free(ring);
	return 0;
}
