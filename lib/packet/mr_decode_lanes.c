/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_lanes.h"

#include <rte_branch_prediction.h>
#include <rte_prefetch.h>

#include "packet/mr_decode_priv.h"
#include "packet/mr_lanes.h"
#include "packet/mr_packet_burst.h"

#define ETH_HEADER  14
#define TAG_OCTETS  4
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER  8
#define TCP_HEADER  20
#define READ_IPV4   (IPV4_HEADER + 16) /* octets that are read from the IP header on */
#define READ_IPV6   (IPV6_HEADER + UDP_HEADER)
#define FRAME_MIN   (ETH_HEADER + READ_IPV4)

#define TYPE_IPV4 __builtin_bswap16(MR_ETHERTYPE_IPV4)
#define TYPE_IPV6 __builtin_bswap16(MR_ETHERTYPE_IPV6)
#define TYPE_VLAN __builtin_bswap16(MR_ETHERTYPE_VLAN)

#define NO_VLAN ((uint32_t)MR_VLAN_NONE)

static_assert(offsetof(struct mr_packet, addr_key) == 0 && offsetof(struct mr_packet, port_key) == 8,
	      "block of keys");
static_assert(offsetof(struct mr_packet, proto) == 32 && offsetof(struct mr_packet, ttl) == 35 &&
		      offsetof(struct mr_packet, ip_len) == 36 &&
		      offsetof(struct mr_packet, frame_len) == 40 &&
		      offsetof(struct mr_packet, l4_off) == 44 &&
		      offsetof(struct mr_packet, payload_off) == 46,
	      "block of header facts");
static_assert(offsetof(struct mr_packet, cap_len) == 96 && offsetof(struct mr_packet, payload_len) == 100 &&
		      offsetof(struct mr_packet, vlan) == 104 && offsetof(struct mr_packet, port_id) == 108 &&
		      offsetof(struct mr_packet, tos) == 111,
	      "block of lengths and tags");
static_assert(offsetof(struct rte_mbuf, pkt_len) == offsetof(struct rte_mbuf, packet_type) + 4 &&
		      offsetof(struct rte_mbuf, data_len) == offsetof(struct rte_mbuf, packet_type) + 8,
	      "an mbuf's lengths are words 1 and 2 of a block");
static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words of lanes are put together from octets");

/* What lanes have in common: bit 0 IPv6, bit 1 tagged. */
enum {
	KIND_NONE = 4, /* or more: nothing for lanes */
	KIND_MAX = 8,
};

/* Packets of one kind; there is room to fill up the lanes. */
struct list {
	uint32_t n;
	const void *data[MR_PACKET_BURST_MAX + MR_LANES];
	const void *mbuf[MR_PACKET_BURST_MAX + MR_LANES];
	void *pkt[MR_PACKET_BURST_MAX + MR_LANES]; /* struct mr_packet */
};

/* What is the same for all packets of a burst. */
struct burst {
	struct mr_hash_seed seed;
	uint32_t scope; /* of the key, with all ones in place of the VLAN ids if they aren't part of it */
	uint32_t port_id;
	const struct mr_packet *ret;
	const struct mr_tunnel_ports *tunnel_ports; /* NULL: tunnels aren't opened */
};

/* One word of each packet. */
struct words {
	mr_lanes ip[4]; /* VLAN tag and ethertype, then the IP header's first 12 octets; see load_ip() */
	mr_lanes l4[4]; /* 8 octets before the transport header and its first 8, in host byte order */
	mr_lanes tcp;	/* its 4 octets from the data offset on, as they lie in memory */
	mr_lanes cap, wire;
};

/* What the checks find out. */
struct facts {
	mr_lanes proto_ttl; /* as in struct mr_packet */
	mr_lanes ip_len, header, payload_len, tcp_flags, swap;
	mr_lanes refused; /* highest bit */
};

#define WORD(b, i, j, k, l) 4 * b + i, 4 * b + j, 4 * b + k, 4 * b + l
#define NETWORK_ORDER(b)                                                                                     \
	WORD(b, 3, 2, 1, 0), WORD(b, 7, 6, 5, 4), WORD(b, 11, 10, 9, 8), WORD(b, 15, 14, 13, 12)
#define IPV4_ORDER(b) WORD(b, 1, 0, 3, 2), WORD(b, 7, 6, 5, 4), WORD(b, 11, 10, 9, 8), WORD(b, 13, 14, 15, 12)
#define IPV6_ORDER(b) WORD(b, 1, 0, 3, 2), WORD(b, 7, 6, 5, 4), WORD(b, 9, 8, 12, 13), WORD(b, 10, 14, 15, 11)

/* Octets of each block in another order. */
#define REORDER(row, order)                                                                                  \
	((mr_lanes)__builtin_shufflevector((mr_lanes_octets)(row), (mr_lanes_octets)(row),                   \
					   MR_LANES_BLOCKS(order)))

/*
 * The VLAN tag and 12 octets of the IP header as words. IPv4: tag, version to length, identification and
 * fragment bits; IPv6: tag, version to flow label, payload length in the low half. The last is protocol and
 * TTL where struct mr_packet has them.
 */
MR_LANES_INLINE void load_ip(const void *const *data, int32_t l3_off, bool v6, mr_lanes ret[4])
{
	mr_lanes_load(data, l3_off - TAG_OCTETS, ret);
	ret[0] = v6 ? REORDER(ret[0], IPV6_ORDER) : REORDER(ret[0], IPV4_ORDER);
	ret[1] = v6 ? REORDER(ret[1], IPV6_ORDER) : REORDER(ret[1], IPV4_ORDER);
	ret[2] = v6 ? REORDER(ret[2], IPV6_ORDER) : REORDER(ret[2], IPV4_ORDER);
	ret[3] = v6 ? REORDER(ret[3], IPV6_ORDER) : REORDER(ret[3], IPV4_ORDER);
	mr_lanes_transpose(ret);
}

/* Rows in network order to words. */
MR_LANES_INLINE void words_from_network(mr_lanes v[4])
{
	v[0] = REORDER(v[0], NETWORK_ORDER);
	v[1] = REORDER(v[1], NETWORK_ORDER);
	v[2] = REORDER(v[2], NETWORK_ORDER);
	v[3] = REORDER(v[3], NETWORK_ORDER);
	mr_lanes_transpose(v);
}

/*
 * Of a packet the word with data offset and flags of a TCP header. Where it wasn't captured some other: the
 * header is refused as too short then.
 */
MR_LANES_INLINE uint32_t load_tcp(const void *data, const void *mbuf, int32_t l4_off)
{
	const struct rte_mbuf *m = mbuf;
	uint32_t word;

	memcpy(&word, (const uint8_t *)data + l4_off + (m->data_len < l4_off + 16 ? 0 : 12), sizeof(word));
	return word;
}

/* The same where all packets have it. */
MR_LANES_INLINE mr_lanes load_tcp_rows(const void *const *data, int32_t l4_off)
{
	mr_lanes row[4];

	mr_lanes_load(data, l4_off, row);
	mr_lanes_transpose(row);
	return row[3];
}

MR_LANES_INLINE void load(const struct list *l, uint32_t at, int32_t l3_off, bool v6, struct words *ret)
{
	const int32_t l4_off = l3_off + (v6 ? IPV6_HEADER : IPV4_HEADER);
	mr_lanes lengths[4];

	load_ip(l->data + at, l3_off, v6, ret->ip);
	mr_lanes_load(l->data + at, l4_off - 8, ret->l4);
	words_from_network(ret->l4);
#define TCP(i) load_tcp(l->data[at + (i)], l->mbuf[at + (i)], l4_off)
	if (v6)
		ret->tcp = (mr_lanes){ MR_LANES_ALL(TCP) };
	else
		ret->tcp = load_tcp_rows(l->data + at, l4_off);
#undef TCP
	mr_lanes_load(l->mbuf + at, offsetof(struct rte_mbuf, packet_type), lengths);
	mr_lanes_transpose(lengths);
	ret->cap = lengths[2] & UINT16_MAX;
	ret->wire = mr_lanes_choose((mr_lanes)(lengths[1] < ret->cap), ret->cap, lengths[1]);
}

/* Lengths and transport header. What mustn't be negative is or-ed into @p refused. */
MR_LANES_INLINE void check_l4(const struct words *w, uint32_t l3_off, uint32_t ip_header, struct facts *ret)
{
	mr_lanes proto = ret->proto_ttl & UINT8_MAX;
	mr_lanes tcp = (mr_lanes)(proto == MR_PROTO_TCP), udp = (mr_lanes)(proto == MR_PROTO_UDP);
	mr_lanes room = ret->ip_len - ip_header, left = w->cap - (l3_off + ip_header);
	mr_lanes header_min = UDP_HEADER + ((TCP_HEADER - UDP_HEADER) & tcp);
	mr_lanes header = UDP_HEADER + (((w->tcp >> 2 & 0x3c) - UDP_HEADER) & tcp);
	mr_lanes udp_len = w->l4[3] >> 16;
	mr_lanes len = mr_lanes_choose(tcp, room, udp_len);
	mr_lanes payload = mr_lanes_choose((mr_lanes)(len < left), len, left);

	ret->refused |= ~(tcp | udp) | (header - header_min) | (len - header) | (room - len) |
			(left - header) | (w->wire - l3_off - ret->ip_len);
	ret->header = header;
	ret->payload_len = payload - header;
	ret->tcp_flags = w->tcp >> 8 & UINT8_MAX & tcp;
}

/* Is the source port above the destination's? */
MR_LANES_INLINE mr_lanes port_order(mr_lanes ports)
{
	return (mr_lanes)(ports > (ports << 16 | ports >> 16));
}

MR_LANES_INLINE void check_ipv4(const struct words *w, uint32_t l3_off, struct facts *ret)
{
	mr_lanes wrong = (w->ip[1] >> 24 ^ 0x45) | (w->ip[2] & 0x3fff); /* version, options, fragment */

	ret->ip_len = w->ip[1] & UINT16_MAX;
	ret->refused = (mr_lanes)(wrong != 0);
	check_l4(w, l3_off, IPV4_HEADER, ret);
}

MR_LANES_INLINE void check_ipv6(const struct words *w, uint32_t l3_off, struct facts *ret)
{
	ret->ip_len = (w->ip[2] & UINT16_MAX) + IPV6_HEADER;
	ret->refused = (mr_lanes)(w->ip[1] >> 28 != 6);
	check_l4(w, l3_off, IPV6_HEADER, ret);
}

/* Is @p x above @p y? Where they are equal, @p before. */
MR_LANES_INLINE mr_lanes above(mr_lanes x, mr_lanes y, mr_lanes before)
{
	return (mr_lanes)(x > y) | ((mr_lanes)(x == y) & before);
}

/* Write both addresses in canonical order, @p swap being one row. */
MR_LANES_INLINE void put_addr6_row(mr_lanes from, mr_lanes to, mr_lanes swap, void *const *ret)
{
	mr_lanes_row_store(mr_lanes_choose(swap, to, from), ret, offsetof(struct mr_packet, addr6[0]));
	mr_lanes_row_store(mr_lanes_choose(swap, from, to), ret, offsetof(struct mr_packet, addr6[1]));
}

/* Returns which packets go from the higher to the lower endpoint. */
MR_LANES_INLINE mr_lanes put_addr6(const void *const *data, int32_t l3_off, mr_lanes ports, void *const *ret)
{
	mr_lanes from[4], to[4], x[4], y[4], swap = port_order(ports);

	mr_lanes_load(data, l3_off + 8, from);
	mr_lanes_load(data, l3_off + 24, to);
	memcpy(x, from, sizeof(x));
	memcpy(y, to, sizeof(y));
	words_from_network(x);
	words_from_network(y);
	swap = above(x[0], y[0], above(x[1], y[1], above(x[2], y[2], above(x[3], y[3], swap))));
	x[0] = x[1] = x[2] = x[3] = swap;
	mr_lanes_transpose(x);
	put_addr6_row(from[0], to[0], x[0], ret);
	put_addr6_row(from[1], to[1], x[1], ret + 1);
	put_addr6_row(from[2], to[2], x[2], ret + 2);
	put_addr6_row(from[3], to[3], x[3], ret + 3);
	return swap;
}

MR_LANES_INLINE void put_facts(const struct words *w, const struct facts *x, uint32_t l4_off, bool v6,
			       void *const *ret)
{
	const uint32_t flags = MR_PACKET_L4 | MR_PACKET_MAC | (v6 ? MR_PACKET_V6 : 0);
	mr_lanes block[4] = {
		(x->proto_ttl & 0xff0000ff) | flags << 8 | (x->swap & MR_PACKET_SWAPPED << 8) |
			x->tcp_flags << 16,
		x->ip_len,
		w->wire,
		(x->header << 16) + l4_off * 0x10001,
	};

	mr_lanes_transpose(block);
	mr_lanes_store(block, ret, offsetof(struct mr_packet, proto));
}

MR_LANES_INLINE void put_lengths(const struct burst *b, const struct words *w, const struct facts *x,
				 mr_lanes vlan, bool v6, void *const *ret)
{
	mr_lanes block[4] = {
		w->cap,
		x->payload_len,
		vlan | (uint32_t)MR_VLAN_NONE << 16,
		v6 ? b->port_id | (w->ip[1] << 4 & 0xff000000)
		   : b->port_id | (w->ip[2] << 8 & 0xe00000) | (w->ip[1] << 8 & 0xff000000),
	};

	mr_lanes_transpose(block);
	mr_lanes_store(block, ret, offsetof(struct mr_packet, cap_len));
}

MR_LANES_INLINE void put_key(const struct burst *b, const struct words *w, const struct facts *x,
			     mr_lanes vlan, bool v6, void *const *ret)
{
	mr_lanes ports = w->l4[2], turned = ports << 16 | ports >> 16;
	mr_lanes from = w->l4[0], to = w->l4[1];
	mr_lanes block[4] = {
		mr_lanes_choose(x->swap, from, to),
		mr_lanes_choose(x->swap, to, from),
		mr_lanes_choose(x->swap, turned, ports),
		b->scope | vlan << 12,
	};

	mr_lanes_transpose(block);
	mr_lanes_store(block, ret, offsetof(struct mr_packet, addr_key)); /* of IPv6 the ports are of use */
}

/* What lanes are of no use for. @p offsets  see decode() */
MR_LANES_INLINE void put_rest(const struct burst *b, const void *data, uint64_t offsets, bool v6,
			      struct mr_packet *pkt)
{
	static const uint64_t none;

	memcpy(&pkt->note, &offsets, sizeof(offsets));
	pkt->data = data;
	memcpy(&pkt->frag_id, &none, sizeof(none)); /* nor an MPLS label */
	if (v6) {
		uint64_t words[4];

		memcpy(words, pkt->addr6, sizeof(words));
		pkt->addr_key = mr_hash_4to1(&b->seed, words);
	}
	pkt->hash = mr_packet_hash(&b->seed, pkt->addr_key, pkt->port_key, pkt->proto, v6);
}

/* Those whose ports say that they may carry a tunnel, which isn't the lanes' to open. Returns bits as
 * decode(). */
static __attribute__((noinline)) uint64_t find_tunnels(const struct burst *b, void *const *ret)
{
	uint64_t left = 0;

	for (uint32_t i = 0; i < MR_LANES; i++) {
		const struct mr_packet *pkt = ret[i];
		bool udp = pkt->proto == MR_PROTO_UDP;
		bool maybe = mr_tunnel_ports_maybe(b->tunnel_ports, (uint16_t)pkt->port_key) |
			     mr_tunnel_ports_maybe(b->tunnel_ports, (uint16_t)(pkt->port_key >> 16));

		left |= (uint64_t)(udp & maybe) << (pkt - b->ret);
	}
	return left;
}

/* Decode those from @p at on, one in each lane. Returns bits as mr_decode_lanes_fn. */
MR_LANES_INLINE uint64_t decode(const struct burst *b, const struct list *l, uint32_t at, bool v6,
				bool tagged)
{
	const uint32_t l3_off = ETH_HEADER + (tagged ? TAG_OCTETS : 0);
	const uint32_t l4_off = l3_off + (v6 ? IPV6_HEADER : IPV4_HEADER);
	const uint64_t offsets = (uint64_t)l3_off << 48; /* no note, metered, no fragment */
	void *const *ret = l->pkt + at;
	struct words w;
	struct facts x;
	uint64_t left = 0;
	mr_lanes vlan;

	load(l, at, (int32_t)l3_off, v6, &w);
	x.proto_ttl = w.ip[3];
	if (v6) {
		check_ipv6(&w, l3_off, &x);
		x.swap = put_addr6(l->data + at, (int32_t)l3_off, w.l4[2], ret);
	} else {
		check_ipv4(&w, l3_off, &x);
		x.swap = above(w.l4[0], w.l4[1], port_order(w.l4[2]));
	}
	vlan = (w.ip[0] | (tagged ? 0 : NO_VLAN)) & NO_VLAN;
	put_key(b, &w, &x, vlan, v6, ret);
	put_facts(&w, &x, l4_off, v6, ret);
	put_lengths(b, &w, &x, vlan, v6, ret);
	for (uint32_t i = 0; i < MR_LANES; i++)
		put_rest(b, l->data[at + i], offsets, v6, ret[i]);
	for (uint32_t bits = mr_lanes_signs(x.refused); unlikely(bits != 0); bits &= bits - 1)
		left |= 1ULL << ((struct mr_packet *)ret[__builtin_ctz(bits)] - b->ret);
	if (b->tunnel_ports != NULL)
		left |= find_tunnels(b, ret);
	return left;
}

/*
 * Where packets don't fill the lanes some are decoded several times, to the same result: the last lanes
 * overlap those before or, when there are none, are filled up with the first packet.
 */
MR_LANES_INLINE uint64_t decode_list(const struct burst *b, struct list *l, bool v6, bool tagged)
{
	uint64_t left = 0;

	for (; l->n < MR_LANES; l->n++) {
		l->data[l->n] = l->data[0];
		l->mbuf[l->n] = l->mbuf[0];
		l->pkt[l->n] = l->pkt[0];
	}
	for (uint32_t at = 0; at < l->n; at += MR_LANES)
		left |= decode(b, l, at < l->n - MR_LANES ? at : l->n - MR_LANES, v6, tagged);
	return left;
}

static __attribute__((noinline)) uint64_t decode_ipv4(const struct burst *b, struct list *l, bool tagged)
{
	return decode_list(b, l, false, tagged);
}

static __attribute__((noinline)) uint64_t decode_ipv6(const struct burst *b, struct list *l, bool tagged)
{
	return decode_list(b, l, true, tagged);
}

/* What the lanes don't look at. */
MR_LANES_INLINE bool is_odd(const struct rte_mbuf *m, uint32_t link_mask)
{
	return m->nb_segs != 1 || m->data_len < FRAME_MIN || (m->packet_type & link_mask) != MR_LINK_ETHERNET;
}

MR_LANES_INLINE void list_add(struct list *l, uint32_t slot, const void *data, const void *mbuf, void *pkt)
{
	l->data[slot] = data;
	l->mbuf[slot] = mbuf;
	l->pkt[slot] = pkt;
}

/* Ask for the frames, and list those that the lanes may look at. Returns the others. */
static uint64_t list_all(struct rte_mbuf *const *mbufs, uint32_t n, uint32_t link_mask,
			 struct mr_packet *pkts, struct list *ret)
{
	uint64_t left = 0;

	ret->n = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct rte_mbuf *m = mbufs[i];
		const void *data = rte_pktmbuf_mtod(m, const void *);

		rte_prefetch0(data);
		if (likely(!is_odd(m, link_mask)))
			list_add(ret, ret->n++, data, m, &pkts[i]);
		else
			left |= 1ULL << i;
	}
	return left;
}

/* 8 octets from the first ethertype on, as they lie in memory. */
MR_LANES_INLINE uint64_t types_of(const void *data)
{
	uint64_t types;

	memcpy(&types, (const uint8_t *)data + ETH_HEADER - 2, sizeof(types));
	return types;
}

MR_LANES_INLINE uint32_t cap_min_of(uint32_t v6, uint32_t tagged)
{
	return FRAME_MIN + TAG_OCTETS * tagged + (READ_IPV6 - READ_IPV4) * v6;
}

/* The kind of a packet that isn't odd, found without a branch that traffic decides. */
MR_LANES_INLINE unsigned kind_of(const void *data, const struct rte_mbuf *m)
{
	uint64_t types = types_of(data);
	uint32_t tagged = (uint16_t)types == TYPE_VLAN;
	uint16_t type = (uint16_t)(types >> 32 * tagged);
	uint32_t v4 = type == TYPE_IPV4, v6 = type == TYPE_IPV6;
	uint32_t fits = (v4 | v6) & (m->data_len >= cap_min_of(v6, tagged));

	return v6 | tagged << 1 | ((fits - 1) & KIND_NONE);
}

/* Is every packet of the kind that the first one is? Cheaper than to find each one's kind. */
MR_LANES_INLINE bool is_uniform(const struct list *l, unsigned kind)
{
	const uint64_t types = types_of(l->data[0]), mask = kind & 2 ? 0xffff0000ffff : 0xffff;
	const uint32_t cap_min = cap_min_of(kind & 1, kind >> 1);

	for (uint32_t i = 0; i < l->n; i++)
		if (((types_of(l->data[i]) ^ types) & mask) != 0 ||
		    ((const struct rte_mbuf *)l->mbuf[i])->data_len < cap_min)
			return false;
	return kind < KIND_NONE;
}

static uint64_t decode_kind(const struct burst *b, struct list *l, unsigned kind)
{
	uint64_t left = 0;

	if (l->n == 0)
		return 0;
	if (kind < KIND_NONE)
		return kind & 1 ? decode_ipv6(b, l, kind >> 1) : decode_ipv4(b, l, kind >> 1);
	for (uint32_t i = 0; i < l->n; i++)
		left |= 1ULL << ((struct mr_packet *)l->pkt[i] - b->ret);
	return left;
}

static __attribute__((noinline)) uint64_t decode_mixed(const struct burst *b, const struct list *all)
{
	struct list lists[KIND_MAX];
	uint64_t counts = 0, left = 0; /* 8 bits for each kind */

	for (uint32_t i = 0; i < all->n; i++) {
		unsigned kind = kind_of(all->data[i], all->mbuf[i]);

		list_add(&lists[kind], (uint8_t)(counts >> 8 * kind), all->data[i], all->mbuf[i],
			 all->pkt[i]);
		counts += 1ULL << 8 * kind;
	}
	for (unsigned kind = 0; kind < KIND_MAX; kind++) {
		lists[kind].n = (uint8_t)(counts >> 8 * kind);
		left |= decode_kind(b, &lists[kind], kind);
	}
	return left;
}

uint64_t MR_DECODE_LANES(const struct mr_packet_conf *conf, struct rte_mbuf *const *mbufs, uint16_t n,
			 uint8_t port_id, bool has_link, struct mr_packet *ret)
{
	const uint32_t hidden = conf->vlan_in_key ? 0 : MR_SCOPE(0, MR_VLAN_NONE, 0);
	const struct burst b = {
		.seed = conf->seed,
		.scope = MR_SCOPE(conf->port_in_key ? port_id : 0, 0, MR_VLAN_NONE) | hidden,
		.port_id = port_id,
		.ret = ret,
		.tunnel_ports = conf->tunnel_key == MR_TUNNEL_KEY_OUTER ? NULL : conf->tunnel_ports,
	};
	struct list all;
	uint64_t left = list_all(mbufs, n, has_link ? UINT32_MAX : 0, ret, &all);
	unsigned kind;

	if (all.n == 0)
		return left;
	kind = kind_of(all.data[0], all.mbuf[0]);
	return left | (is_uniform(&all, kind) ? decode_kind(&b, &all, kind) : decode_mixed(&b, &all));
}
