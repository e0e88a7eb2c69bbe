/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_packet_burst.h"

#include <string.h>

#include <rte_branch_prediction.h>

#include "base/mr_cpu.h"
#include "packet/mr_decode_lanes.h"

static mr_decode_lanes_fn *const lanes[MR_CPU_MAX] = {
	[MR_CPU_BASE] = mr_decode_lanes_base,
#ifdef __x86_64__
	[MR_CPU_V3] = mr_decode_lanes_v3,
	[MR_CPU_V4] = mr_decode_lanes_v4,
#endif
};

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

/* One that the lanes leave. */
static void decode_slow(const struct mr_packet_conf *conf, const struct rte_mbuf *m, uint8_t port_id,
			bool has_link, struct mr_packet_scratch *scratch, unsigned i, struct mr_packet *ret)
{
	enum mr_link link = link_of(m, has_link);
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t cap = m->data_len;

	if (m->nb_segs > 1 && cap < MR_PACKET_HEAD) {
		cap = gather_head(m, scratch->head[i]);
		data = scratch->head[i];
	}
	mr_packet_decode(conf, data, cap, m->pkt_len, link, port_id, &scratch->tunnel[i], ret);
	if (m->nb_segs > 1)
		ret->flags |= MR_PACKET_CHAINED;
}

void mr_packet_decode_burst(const struct mr_packet_conf *conf, struct rte_mbuf **mbufs, uint16_t n,
			    uint8_t port_id, bool has_link, struct mr_packet_scratch *scratch,
			    struct mr_packet *ret)
{
	uint64_t left = lanes[mr_cpu_level()](conf, mbufs, n, port_id, has_link, ret);

	for (; unlikely(left != 0); left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		decode_slow(conf, mbufs[i], port_id, has_link, scratch, i, &ret[i]);
	}
}
