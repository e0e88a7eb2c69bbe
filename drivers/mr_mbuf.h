/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @file What drivers and workers do with bursts of mbufs beyond DPDK's own functions. */

/**
 * rte_pktmbuf_free_bulk() for a burst of which nearly always every mbuf is whole, unshared and of one pool: that
 * is found by looking at all of them at once, and then they go back by one copy of pointers.
 * @param n  >= 0; none may be NULL
 */
static inline void mr_mbuf_free_burst(struct rte_mbuf **mbufs, unsigned n)
{
	uint64_t odd = 0;

	for (unsigned i = 0; i < n; i++) {
		const struct rte_mbuf *m = mbufs[i];

		odd |= (uint64_t)(m->refcnt ^ 1) | (uint64_t)(m->nb_segs ^ 1) |
		       (m->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL)) |
		       ((uintptr_t)m->pool ^ (uintptr_t)mbufs[0]->pool);
	}
	if (unlikely(odd != 0 || n == 0))
		rte_pktmbuf_free_bulk(mbufs, n);
	else
		rte_mempool_put_bulk(mbufs[0]->pool, (void *const *)mbufs, n);
}

#ifdef __cplusplus
}
#endif
