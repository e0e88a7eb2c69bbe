/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_packet_burst.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "packet/mr_decode_fast.h"

#define PREFETCH_AHEAD 8

static enum mr_link link_of(const struct rte_mbuf *m, bool has_link)
{
	if (!has_link)
		return MR_LINK_ETHERNET;
	return m->packet_type < MR_LINK_MAX ? (enum mr_link)m->packet_type : MR_LINK_UNSUPPORTED;
}

/* Copy the chain's first octets, at most MR_PACKET_HEAD, into @p head. Returns how many. */
static uint32_t gather_head(const struct rte_mbuf *m, uint8_t head[MR_PACKET_HEAD])
{
	uint32_t len = 0;

	for (; m != NULL && len < MR_PACKET_HEAD; m = m->next) {
		uint32_t room = MR_PACKET_HEAD - len;
		uint32_t part = m->data_len < room ? m->data_len : room;

		memcpy(head + len, rte_pktmbuf_mtod(m, const uint8_t *), part);
		len += part;
	}
	return len;
}

/* Everything that the fast path leaves: out of line, to keep the loop small. */
static void __attribute__((noinline, cold))
decode_slow(const struct mr_packet_conf *conf, const struct rte_mbuf *m, uint8_t port_id, bool has_link,
	    struct mr_packet_scratch *scratch, unsigned i, struct mr_packet *ret)
{
	enum mr_link link = link_of(m, has_link);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t cap = m->data_len;

	if (m->nb_segs > 1 && cap < MR_PACKET_HEAD) {
		cap = gather_head(m, scratch->head[i]);
		data = scratch->head[i];
	}
	mr_packet_decode_general(conf, data, cap, m->pkt_len, link, port_id, &scratch->tunnel[i], ret);
	if (m->nb_segs > 1)
		ret->flags |= MR_PACKET_CHAINED;
}

void mr_packet_decode_burst(const struct mr_packet_conf *conf, struct rte_mbuf **mbufs, uint16_t n,
			    uint8_t port_id, bool has_link, struct mr_packet_scratch *scratch,
			    struct mr_packet *ret)
{
	const struct mr_fast fast = mr_fast_make(conf, port_id);

	for (uint16_t i = 0; i < n && i < PREFETCH_AHEAD; i++)
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], const void *));
	for (uint16_t i = 0; i < n; i++) {
		const struct rte_mbuf *m = mbufs[i];

		if (i + PREFETCH_AHEAD < n)
			rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + PREFETCH_AHEAD], const void *));
		if (unlikely(m->nb_segs != 1 || (has_link && m->packet_type != MR_LINK_ETHERNET) ||
			     !mr_decode_fast(&fast, rte_pktmbuf_mtod(m, const uint8_t *), m->data_len,
					     m->pkt_len, &ret[i])))
			decode_slow(conf, m, port_id, has_link, scratch, i, &ret[i]);
	}
}
