/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_common.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

#define CACHE_MBUFS    256
#define HANDOVER_MBUFS 1024 /* per queue, waiting in the rings between workers */
#define RETIRED_MAX    RTE_MAX_ETHPORTS

/* Pools of closed ports whose buffers weren't all back. Control thread. */
static struct {
	struct rte_mempool *pool;
	uint32_t lost; /* buffers which the driver never returns */
} retired[RETIRED_MAX];

uint32_t mr_ethdev_pool_size(uint16_t queues, uint16_t rx_descs, uint16_t tx_descs, unsigned int lcores)
{
	uint32_t per_queue =
		(uint32_t)rx_descs + tx_descs + 4 * MR_PORT_BURST_MAX + (queues > 1 ? HANDOVER_MBUFS : 0);

	/* a cache holds up to 1.5 times its size before it flushes */
	return rte_align32pow2(queues * per_queue + lcores * CACHE_MBUFS * 3 / 2 + 1) - 1;
}

static void reap(void)
{
	for (unsigned int i = 0; i < RETIRED_MAX; i++) {
		struct rte_mempool *pool = retired[i].pool;

		if (pool != NULL && rte_mempool_avail_count(pool) + retired[i].lost >= pool->size) {
			rte_mempool_free(pool);
			retired[i].pool = NULL;
		}
	}
}

void mr_ethdev_pool_retire(struct rte_mempool *pool, uint32_t lost)
{
	for (unsigned int i = 0; i < RETIRED_MAX; i++)
		if (retired[i].pool == NULL) {
			retired[i].pool = pool;
			retired[i].lost = lost;
			break; /* no place left: it stays allocated, which is safe */
		}
	reap();
}

/*
 * An AF_XDP umem must be one piece of memory in which the buffers lie without gaps, because net_af_xdp
 * computes its size as buffers x size. The usual pool leaves a gap at each page's end, on 4 KiB pages half of
 * the memory. No device reads this memory by DMA through DPDK, so pages need not be physically contiguous.
 */
static struct rte_mempool *create_umem(const char *name, uint32_t mbufs, uint16_t data_room, int socket)
{
	const struct rte_pktmbuf_pool_private priv = { .mbuf_data_room_size = data_room };
	struct rte_mempool *pool =
		rte_mempool_create_empty(name, mbufs, (unsigned int)sizeof(struct rte_mbuf) + data_room,
					 CACHE_MBUFS, sizeof(priv), socket, RTE_MEMPOOL_F_NO_IOVA_CONTIG);

	if (pool == NULL)
		return NULL;
	if (rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL) != 0)
		goto fail;
	rte_pktmbuf_pool_init(pool, (void *)(uintptr_t)&priv);
	if (rte_mempool_populate_default(pool) < 0)
		goto fail;
	if (pool->nb_mem_chunks != 1) {
		rte_errno = ENOMEM;
		goto fail;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
fail:
	rte_mempool_free(pool);
	return NULL;
}

struct rte_mempool *mr_ethdev_pool_create(const struct mr_ethdev *dev, uint32_t mbufs, uint16_t data_room,
					  struct mr_err *err)
{
	static unsigned int serial; /* a retired pool keeps its name */
	struct rte_mempool *pool;
	char name[RTE_MEMPOOL_NAMESIZE];

	reap();
	snprintf(name, sizeof(name), "mr_rx%u_%u", dev->port_id, serial++);
	if ((dev->quirks & MR_ETHDEV_Q_UMEM) != 0)
		pool = create_umem(name, mbufs, data_room, dev->port.socket);
	else
		pool = rte_pktmbuf_pool_create(name, mbufs, CACHE_MBUFS, 0, data_room, dev->port.socket);
	if (pool == NULL)
		mr_err_set(
			err, ENOMEM,
			"no memory for %u buffers of %u octets (%s): give more hugepages, or set fewer mbufs",
			mbufs, data_room, rte_strerror(rte_errno));
	return pool;
}
