/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/mman.h>

#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "app/mr_bench.h"
#include "app/mr_worker.h"

#define CHUNK_BURSTS	 256
#define FLOWS_PER_BUCKET 6	     /* as in the flow table: what it has room for, over its buckets */
#define SPREAD		 2654435761u /* prime, so that it shuffles any number of records below it */

struct bucket {
	uint32_t record[16]; /* the first FLOWS_PER_BUCKET are used */
} __attribute__((aligned(64)));

struct record {
	uint64_t packets;
} __attribute__((aligned(64)));

struct mr_bench_floor {
	struct bucket *buckets;
	struct record *records;
	uint64_t n_buckets;
	uint64_t random;
	uint64_t size;
};

static uint64_t buckets_for(uint64_t slots)
{
	return slots / FLOWS_PER_BUCKET + 1;
}

uint64_t mr_bench_floor_memory(uint64_t flows, uint64_t slots)
{
	return buckets_for(slots) * sizeof(struct bucket) + flows * sizeof(struct record);
}

/* The kind of memory that the flow table gets. */
static void *allocate(uint64_t size)
{
	void *p;

	if (rte_eal_has_hugepages())
		return rte_malloc_socket("mr_bench", size, RTE_CACHE_LINE_SIZE, (int)rte_socket_id());
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	madvise(p, size, MADV_HUGEPAGE);
	return p;
}

int mr_bench_floor_new(uint64_t flows, uint64_t slots, struct mr_bench_floor **ret_floor, struct mr_err *err)
{
	struct mr_bench_floor *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	f->random = 1;
	f->n_buckets = buckets_for(slots);
	f->size = mr_bench_floor_memory(flows, slots);
	f->buckets = allocate(f->size);
	if (f->buckets == NULL) {
		mr_err_set(err, ENOMEM, "no %lu MiB for the memory floor", f->size >> 20);
		free(f);
		return -ENOMEM;
	}
	f->records = (struct record *)(f->buckets + f->n_buckets);
	for (uint64_t b = 0; b < f->n_buckets; b++)
		for (unsigned s = 0; s < FLOWS_PER_BUCKET; s++)
			f->buckets[b].record[s] = (uint32_t)((b * FLOWS_PER_BUCKET + s) * SPREAD % flows);
	for (uint64_t r = 0; r < flows; r++)
		f->records[r].packets = 0;
	*ret_floor = f;
	return 0;
}

void mr_bench_floor_free(struct mr_bench_floor *f)
{
	if (f == NULL)
		return;
	if (rte_eal_has_hugepages())
		rte_free(f->buckets);
	else
		munmap(f->buckets, f->size);
	free(f);
}

static void burst(struct mr_bench_floor *f)
{
	const uint32_t *at[MR_WORKER_BURST];
	struct record *r[MR_WORKER_BURST];

	for (unsigned i = 0; i < MR_WORKER_BURST; i++) {
		uint64_t high, low;

		f->random = f->random * 6364136223846793005u + 1442695040888963407u;
		high = f->random >> 32;
		low = f->random >> 16 & 0xffff;
		at[i] = &f->buckets[high * f->n_buckets >> 32].record[low * FLOWS_PER_BUCKET >> 16];
		rte_prefetch0(at[i]);
	}
	for (unsigned i = 0; i < MR_WORKER_BURST; i++) {
		r[i] = &f->records[*at[i]];
		rte_prefetch0(r[i]);
	}
	for (unsigned i = 0; i < MR_WORKER_BURST; i++)
		r[i]->packets++;
}

uint64_t mr_bench_floor_chunk(void *floor)
{
	for (unsigned i = 0; i < CHUNK_BURSTS; i++)
		burst(floor);
	return CHUNK_BURSTS * MR_WORKER_BURST;
}
