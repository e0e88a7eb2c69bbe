/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @file What drivers and workers do with bursts of mbufs beyond DPDK's own functions. */

/** The 8 octets at rearm_data as one word: four fields at once. */
static inline uint64_t mr_mbuf_rearm(uint16_t data_off, uint16_t refcnt, uint16_t nb_segs, uint16_t port)
{
	const uint16_t fields[4] = { data_off, refcnt, nb_segs, port };
	uint64_t word;

	static_assert(offsetof(struct rte_mbuf, data_off) == offsetof(struct rte_mbuf, rearm_data) &&
			      offsetof(struct rte_mbuf, refcnt) == offsetof(struct rte_mbuf, data_off) + 2 &&
			      offsetof(struct rte_mbuf, nb_segs) == offsetof(struct rte_mbuf, data_off) + 4 &&
			      offsetof(struct rte_mbuf, port) == offsetof(struct rte_mbuf, data_off) + 6,
		      "the four fields lie in this order");
	memcpy(&word, fields, sizeof(word));
	return word;
}

/**
 * rte_mempool_get_bulk() of @p n mbufs as they were freed, whose fields are the caller's to set. From the
 * core's own cache it is a copy of pointers. All or none; false: too few are free.
 */
static inline bool mr_mbuf_get_burst(struct rte_mempool *pool, struct rte_mbuf **ret_mbufs, unsigned n)
{
	struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, rte_lcore_id());

	if (unlikely(cache == NULL || cache->len < n))
		return rte_mempool_get_bulk(pool, (void **)ret_mbufs, n) == 0;
	cache->len -= n;
	memcpy(ret_mbufs, &cache->objs[cache->len], n * sizeof(ret_mbufs[0]));
	return true;
}

/**
 * rte_pktmbuf_free_bulk() for a burst of which nearly always every mbuf is whole, unshared and of one pool:
 * that is found by looking at all of them at once, and then they go back by one copy of pointers.
 * @param n  >= 0; none may be NULL
 */
static inline void mr_mbuf_free_burst(struct rte_mbuf **mbufs, unsigned n)
{
	const uint64_t usual = mr_mbuf_rearm(0, 1, 1, 0),
		       looked_at = mr_mbuf_rearm(0, UINT16_MAX, UINT16_MAX, 0);
	uint64_t rearm = 0, flags = 0, pools = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct rte_mbuf *m = mbufs[i];
		uint64_t word;

		memcpy(&word, &m->rearm_data, sizeof(word));
		rearm |= word ^ usual;
		flags |= m->ol_flags;
		pools |= (uintptr_t)m->pool ^ (uintptr_t)mbufs[0]->pool;
	}
	if (unlikely(((rearm & looked_at) | (flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) | pools) !=
			     0 ||
		     n == 0))
		rte_pktmbuf_free_bulk(mbufs, n);
	else
		rte_mempool_put_bulk(mbufs[0]->pool, (void *const *)mbufs, n);
}

#ifdef __cplusplus
}
#endif
