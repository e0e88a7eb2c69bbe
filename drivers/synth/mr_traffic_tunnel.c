/* SPDX-License-Identifier: Apache-2.0 */
/* Tunnels around the traffic: headers are made once; addresses, lengths and ids differ from packet to packet.
 */
#include "drivers/synth/mr_traffic_tunnel.h"

#include <string.h>

#include "base/mr_buf.h"
#include "packet/mr_packet.h"

#define FRAME_MIN     60
#define IDS	      1000    /* different ones */
#define ID_FIRST      16      /* the labels below it are reserved (RFC 3032); ERSPAN has ids up to 1023 */
#define WAY_BACK      0x10000 /* GTP-U: added to the TEID of packets from the server */
#define ENTROPY_PORTS 0xc000u
#define TYPE_MPLS     0x8847
#define TYPE_PPPOE    0x8864

enum under { ON_IP, ON_UDP, ON_ETHERNET };
enum ports {
	ENTROPY,
	SAME,
	CLIENT_OWN
}; /* the source port: by flow; the same at both ends; the client's own */

struct kind {
	const char *name; /* as mr_tunnel_name() says it */
	uint16_t number;  /* IP protocol, UDP port, EtherType */
	uint8_t under;	  /* enum under */
	uint8_t ports;	  /* enum ports */
	bool ethernet;	  /* carries frames, not IP packets */
	bool only_ipv6;	  /* what it carries is IPv6 */
	bool has_id;
	uint8_t len; /* octets of the header behind IP or UDP */
	uint8_t octets[16];
	uint8_t id_at, id_shift, len_at, len_from, seq_at, type_at; /* in the header; type_at 0xff: none */
	uint16_t type[2];
};

#define NO_TYPE 0xff
#define IN_IP	0xfe /* the IP header's own protocol field */

/* clang-format off */
static const struct kind kinds[MR_TRAFFIC_TUNNEL_MAX] = {
	[MR_TRAFFIC_VXLAN] = { "vxlan", 4789, ON_UDP, ENTROPY, .ethernet = true, .has_id = true, .len = 8,
		.octets = { 0x08 }, .id_at = 4, .id_shift = 8, .type_at = NO_TYPE },
	[MR_TRAFFIC_GENEVE] = { "geneve", 6081, ON_UDP, ENTROPY, .ethernet = true, .has_id = true, .len = 8,
		.octets = { 0, 0, 0x65, 0x58 }, .id_at = 4, .id_shift = 8, .type_at = NO_TYPE },
	[MR_TRAFFIC_GRE] = { "gre", MR_PROTO_GRE, ON_IP, .has_id = true, .len = 8,
		.octets = { 0x20 }, .id_at = 4, .type_at = 2, .type = { 0x0800, 0x86dd } },
	[MR_TRAFFIC_NVGRE] = { "nvgre", MR_PROTO_GRE, ON_IP, .ethernet = true, .has_id = true, .len = 8,
		.octets = { 0x20, 0, 0x65, 0x58 }, .id_at = 4, .id_shift = 8, .type_at = NO_TYPE },
	[MR_TRAFFIC_ERSPAN2] = { "erspan2", MR_PROTO_GRE, ON_IP, .ethernet = true, .has_id = true, .len = 16,
		.octets = { 0x10, 0, 0x88, 0xbe, 0, 0, 0, 0, 0x10 }, .seq_at = 4, .id_at = 8, .type_at = NO_TYPE },
	[MR_TRAFFIC_IPIP] = { "ipip", MR_PROTO_IPIP, ON_IP, .type_at = IN_IP,
		.type = { MR_PROTO_IPIP, MR_PROTO_IPV6 } },
	[MR_TRAFFIC_6IN4] = { "ipip", MR_PROTO_IPV6, ON_IP, .only_ipv6 = true, .type_at = NO_TYPE },
	[MR_TRAFFIC_GTPU] = { "gtp-u", 2152, ON_UDP, SAME, .has_id = true, .len = 8,
		.octets = { 0x30, 0xff }, .id_at = 4, .len_at = 2, .len_from = 8, .type_at = NO_TYPE },
	[MR_TRAFFIC_MPLS] = { "mpls", TYPE_MPLS, ON_ETHERNET, .has_id = true, .len = 4,
		.octets = { 0, 0, 0x01, 64 }, .id_at = 0, .id_shift = 12, .type_at = NO_TYPE },
	[MR_TRAFFIC_PPPOE] = { "pppoe", TYPE_PPPOE, ON_ETHERNET, .has_id = true, .len = 8,
		.octets = { 0x11 }, .id_at = 0, .len_at = 4, .len_from = 6, .type_at = 6, .type = { 0x21, 0x57 } },
	[MR_TRAFFIC_L2TP] = { "l2tp", 1701, ON_UDP, SAME, .has_id = true, .len = 10,
		.octets = { 0, 2, 0, 1, 0, 0, 0xff, 0x03 }, .id_at = 2, .type_at = 8, .type = { 0x21, 0x57 } },
	[MR_TRAFFIC_TEREDO] = { "teredo", 3544, ON_UDP, CLIENT_OWN, .only_ipv6 = true, .type_at = NO_TYPE },
};
/* clang-format on */

uint32_t mr_traffic_tunnel_id(uint64_t tunnel, unsigned level, uint32_t flow, bool reply)
{
	uint32_t id = ID_FIRST + (level == 0 ? flow % IDS : flow % IDS * 7 % IDS);

	if (tunnel == MR_TRAFFIC_L2TP)
		id |= 1 << 16; /* tunnel 1, session id */
	return tunnel == MR_TRAFFIC_GTPU && reply ? id + WAY_BACK : id;
}

bool mr_traffic_tunnel_has_id(uint64_t tunnel)
{
	return kinds[tunnel].has_id;
}

const char *mr_traffic_tunnel_name(uint64_t tunnel)
{
	return kinds[tunnel].name;
}

uint32_t mr_traffic_tunnel_address(unsigned level, uint32_t flow, bool server)
{
	return server ? 172u << 24 | 17u << 16 | level << 8 | 1
		      : 172u << 24 | 16u << 16 | level << 8 | (1 + flow % 250);
}

static int check(const struct mr_traffic_conf *c, struct mr_err *err)
{
	const struct kind *outer = &kinds[c->tunnel[0]], *inner = &kinds[c->tunnel[1]];
	bool two = c->tunnel[1] != MR_TRAFFIC_NO_TUNNEL;

	if (two && c->tunnel[0] == MR_TRAFFIC_NO_TUNNEL)
		return mr_err_set(err, EINVAL, "tunnel2 is within another one, say tunnel= too");
	if (c->vlan != MR_VLAN_NONE)
		return mr_err_set(err, EINVAL, "vlan and tunnel don't go together");
	if (two && inner->under == ON_ETHERNET && !outer->ethernet)
		return mr_err_set(err, EINVAL,
				  "tunnel2 needs Ethernet, say tunnel=vxlan, geneve, nvgre or erspan2");
	if (two && outer->only_ipv6)
		return mr_err_set(err, EINVAL,
				  "tunnel carries IPv6 only, and tunnel2 is IPv4: take another one");
	if ((outer->only_ipv6 || inner->only_ipv6) && c->ipv6_pct != 100)
		return mr_err_set(err, EINVAL, "6in4 and teredo carry IPv6 only, say ipv6=100");
	return 0;
}

/* Addresses and length are 0 in the sum: they come with the packet. */
static void put_ip(struct mr_build *f, uint8_t proto)
{
	f->proto = proto;
	mr_build_ip(f, &(struct mr_build_ip){ .frag = 0x4000 });
	memset(f->room + f->at + 2, 0, 2);
	memset(f->room + f->at + 10, 0, 2);
}

/* One tunnel before what is in @p f; offsets in @p w are those in f->room. */
static void put_level(struct mr_build *f, const struct kind *k, uint16_t at[static 4])
{
	uint8_t *p = mr_build_push(f, k->len);

	if (p != NULL)
		memcpy(p, k->octets, k->len);
	at[0] = (uint16_t)f->at;
	at[1] = at[2] = 0;
	if (k->under == ON_ETHERNET) {
		f->ether_type = k->number;
		return;
	}
	if (k->under == ON_UDP) {
		mr_build_udp(f, k->ports == SAME ? k->number : 0, k->number);
		memset(f->room + f->at + 4, 0, 4); /* no checksum: RFC 7348 and others allow it over IPv4 */
		at[1] = (uint16_t)f->at;
	}
	put_ip(f, k->under == ON_UDP ? MR_PROTO_UDP : (uint8_t)k->number);
	at[2] = (uint16_t)f->at;
}

static uint16_t in_memory(uint16_t v)
{
	return __builtin_bswap16(v);
}

/* The IP header's protocol, and time to live beside it, aren't in the sum of what all packets share. */
static void protocol_by_packet(struct mr_traffic_wrapping *w, const uint8_t *octets)
{
	uint16_t ttl = (uint16_t)octets[w->ip_off + 8];
	uint8_t header[20];

	memcpy(header, octets + w->ip_off, sizeof(header));
	memset(header + 8, 0, 2);
	w->ip_sum = mr_build_sum(header, sizeof(header), 0);
	w->type_off = (uint8_t)(w->ip_off + 8);
	w->type_in_ip = true;
	for (int i = 0; i < 2; i++)
		w->type[i] |= ttl; /* the first octet in memory */
}

static void level_init(struct mr_traffic_wrapping *w, uint64_t which, const uint8_t *octets,
		       const uint16_t at[static 4], uint32_t begin, bool innermost)
{
	const struct kind *k = &kinds[which];
	uint8_t header = (uint8_t)(at[0] - begin);

	*w = (struct mr_traffic_wrapping){ .kind = (uint8_t)which };
	w->udp_off = at[1] == 0 ? 0 : (uint8_t)(at[1] - begin);
	w->ip_off = at[2] == 0 ? 0 : (uint8_t)(at[2] - begin);
	if (w->ip_off != 0)
		w->ip_sum = mr_build_sum(octets + w->ip_off, 20, 0);
	if (k->has_id) {
		w->id_off = (uint8_t)(header + k->id_at);
		w->id_shift = k->id_shift;
		w->id_word = mr_get_u32(octets + w->id_off);
	}
	w->seq_off = k->seq_at == 0 ? 0 : (uint8_t)(header + k->seq_at);
	w->len_off = k->len_at == 0 ? 0 : (uint8_t)(header + k->len_at);
	w->len_from = (uint8_t)(header + k->len_from);
	if (k->type_at == NO_TYPE)
		return;
	/* a second tunnel within is IPv4 */
	w->type[0] = in_memory(k->type[0]);
	w->type[1] = in_memory(k->type[innermost]);
	w->type_off = (uint8_t)(header + k->type_at);
	if (k->type_at == IN_IP)
		protocol_by_packet(w, octets);
}

int mr_traffic_tunnel_init(const struct mr_traffic_conf *c, struct mr_traffic_tunnel *tunnel,
			   struct mr_err *err)
{
	static const uint8_t none[4];
	uint16_t at[MR_TRAFFIC_TUNNELS][4];
	struct mr_build f;
	int rc = check(c, err);

	if (rc != 0)
		return rc;
	tunnel->levels = c->tunnel[1] == MR_TRAFFIC_NO_TUNNEL ? 1 : 2;
	mr_build_init(&f, 4, none, none);
	for (unsigned i = tunnel->levels; i-- > 0;) {
		if (i + 1 < tunnel->levels && kinds[c->tunnel[i]].ethernet)
			mr_build_ethernet_bare(&f);
		put_level(&f, &kinds[c->tunnel[i]], at[i]);
	}
	mr_build_ethernet_bare(&f);
	tunnel->len = mr_build_len(&f);
	tunnel->cut = kinds[c->tunnel[tunnel->levels - 1]].ethernet ? 0 : 14;
	memcpy(tunnel->octets, mr_build_data(&f), tunnel->len);
	for (unsigned i = 0; i < tunnel->levels; i++)
		level_init(&tunnel->level[i], c->tunnel[i], tunnel->octets, at[i], f.at,
			   i + 1 == tunnel->levels);
	return 0;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static inline void put16(uint8_t *p, uint16_t v)
{
	memcpy(p, &v, sizeof(v));
}

/* The packet as far as its tunnels care. */
struct packet {
	uint32_t flow, number, frame_len;
	bool v6, reply;
};

static inline void wrap_udp(const struct mr_traffic_wrapping *w, uint8_t *udp, const struct packet *p)
{
	const struct kind *k = &kinds[w->kind];
	uint16_t own = in_memory((uint16_t)(ENTROPY_PORTS | (p->flow & 0x3fff)));

	if (k->ports == CLIENT_OWN) {
		put16(udp, p->reply ? in_memory(k->number) : own);
		put16(udp + 2, p->reply ? own : in_memory(k->number));
	} else if (k->ports == ENTROPY) {
		put16(udp, own);
	}
	put16(udp + 4, in_memory((uint16_t)(p->frame_len - w->udp_off)));
}

static inline void wrap_ip(const struct mr_traffic_wrapping *w, unsigned level, uint8_t *ip,
			   const struct packet *p)
{
	uint32_t src = __builtin_bswap32(mr_traffic_tunnel_address(level, p->flow, p->reply));
	uint32_t dst = __builtin_bswap32(mr_traffic_tunnel_address(level, p->flow, !p->reply));
	uint16_t len = in_memory((uint16_t)(p->frame_len - w->ip_off));
	uint64_t sum = (uint64_t)w->ip_sum + len + src + dst + (w->type_in_ip ? w->type[p->v6] : 0);

	put16(ip + 2, len);
	put16(ip + 10, (uint16_t)~mr_build_fold(sum));
	put32(ip + 12, src);
	put32(ip + 16, dst);
}

static inline void wrap_level(const struct mr_traffic_wrapping *w, unsigned level, uint8_t *data,
			      const struct packet *p)
{
	uint32_t id = mr_traffic_tunnel_id(w->kind, level, p->flow, p->reply);

	if (w->id_off != 0)
		put32(data + w->id_off, __builtin_bswap32(w->id_word | id << w->id_shift));
	if (w->seq_off != 0)
		put32(data + w->seq_off, __builtin_bswap32(p->number));
	if (w->len_off != 0)
		put16(data + w->len_off, in_memory((uint16_t)(p->frame_len - w->len_from)));
	if (w->type_off != 0)
		put16(data + w->type_off, w->type[p->v6]);
	if (w->udp_off != 0)
		wrap_udp(w, data + w->udp_off, p);
	if (w->ip_off != 0)
		wrap_ip(w, level, data + w->ip_off, p);
}

bool mr_traffic_from_server(uint32_t src)
{
	return (__builtin_bswap32(src) >> 24) == 198;
}

void mr_traffic_tunnel_wrap(const struct mr_traffic_tunnel *tunnel, struct mr_traffic_batch *b,
			    uint8_t *const data[], size_t data_off, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		uint32_t inner = tunnel->cut == 0 ? b->frame_len[i] : b->ip_len[i];
		struct packet p = { .flow = b->flow[i],
				    .number = (uint32_t)b->number[i],
				    .frame_len = tunnel->len + inner,
				    .v6 = b->head[i] & 1,
				    .reply = mr_traffic_from_server(b->src[i]) };

		memcpy(data[i] + data_off, tunnel->octets, tunnel->len);
		for (unsigned level = 0; level < tunnel->levels; level++)
			wrap_level(&tunnel->level[level], level, data[i] + data_off, &p);
		b->frame_len[i] = p.frame_len < FRAME_MIN ? FRAME_MIN : p.frame_len;
	}
}
