/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_detail.h"

#include <arpa/inet.h>

const struct mr_ipfix_detail_info mr_ipfix_detail_info[MR_IPFIX_D_MAX] = {
#define IANA(ID, block_, element_, octets_, json_, doc_)                                                     \
	[MR_IPFIX_D_##ID] = { .element = (element_),                                                         \
			      .octets = (octets_),                                                           \
			      .block = MR_IPFIX_B_##block_,                                                  \
			      .json = MR_IPFIX_J_##json_,                                                    \
			      .doc = (doc_) },
#define OWN(ID, block_, element_, octets_, name, type, semantics, units, json_, doc_)                        \
	[MR_IPFIX_D_##ID] = { .pen = MR_PEN,                                                                 \
			      .element = (element_),                                                         \
			      .octets = (octets_),                                                           \
			      .block = MR_IPFIX_B_##block_,                                                  \
			      .json = MR_IPFIX_J_##json_,                                                    \
			      .doc = (doc_) },
	MR_IPFIX_DETAILS_IANA(IANA) MR_IPFIX_DETAILS_OWN(OWN)
};

static uint64_t flags(const struct mr_flow_detail *d)
{
	return (d->application_guessed ? MR_IPFIX_APPLICATION_GUESSED : 0u) |
	       (d->values_cut ? MR_IPFIX_VALUES_CUT : 0u);
}

/* Label stack entry number @p i from the top, 0 when there is none. */
static uint64_t label(const struct mr_tunnel *t, unsigned i)
{
	return i < t->labels ? t->label[i] & 0xffffff : 0;
}

static const struct mr_tunnel_level *innermost(const struct mr_tunnel *t)
{
	static const struct mr_tunnel_level none;

	return t->levels == 0 ? &none : &t->level[t->levels - 1];
}

static uint64_t segment(const struct mr_flow_detail *d, unsigned dir)
{
	uint8_t kind = innermost(&d->tunnel)->kind;
	uint64_t type = kind == MR_TUNNEL_NVGRE					 ? 2
			: kind == MR_TUNNEL_VXLAN || kind == MR_TUNNEL_VXLAN_GPE ? 1
										 : 0;

	return type == 0 ? 0 : type << 56 | mr_ipfix_tunnel_id(d, d->tunnel.levels - 1u, dir, false);
}

uint32_t mr_ipfix_tunnel_id(const struct mr_flow_detail *d, unsigned i, unsigned dir, bool back)
{
	return (dir == MR_FLOW_FORWARD) != back ? d->tunnel.level[i].id : d->tunnel_reverse_id[i];
}

static uint64_t innermost_id(const struct mr_flow_detail *d, unsigned dir, bool back)
{
	return d->tunnel.levels == 0 ? 0 : mr_ipfix_tunnel_id(d, d->tunnel.levels - 1u, dir, back);
}

uint64_t mr_ipfix_detail_number(const struct mr_flow_detail *d, enum mr_ipfix_detail detail, unsigned dir)
{
	const struct mr_flow_tcp_way *way = &d->tcp.way[dir], *back = &d->tcp.way[1 - dir];

	switch (detail) {
	case MR_IPFIX_D_APPLICATION_ID:
		return d->application_id;
	case MR_IPFIX_D_FLAGS:
		return flags(d);
	case MR_IPFIX_D_CLIENT_RTT:
		return d->tcp.client_rtt_us;
	case MR_IPFIX_D_SERVER_RTT:
		return d->tcp.server_rtt_us;
	case MR_IPFIX_D_RESPONSE:
		return d->tcp.response_us;
	case MR_IPFIX_D_RETRANSMITTED:
		return way->retransmitted;
	case MR_IPFIX_D_RETRANSMITTED_BACK:
		return back->retransmitted;
	case MR_IPFIX_D_OUT_OF_ORDER:
		return way->out_of_order;
	case MR_IPFIX_D_OUT_OF_ORDER_BACK:
		return back->out_of_order;
	case MR_IPFIX_D_ZERO_WINDOW:
		return way->zero_windows;
	case MR_IPFIX_D_ZERO_WINDOW_BACK:
		return back->zero_windows;
	case MR_IPFIX_D_LOST:
		return way->lost;
	case MR_IPFIX_D_LOST_BACK:
		return back->lost;
	case MR_IPFIX_D_DUPLICATE_ACKS:
		return way->duplicate_acks;
	case MR_IPFIX_D_DUPLICATE_ACKS_BACK:
		return back->duplicate_acks;
	case MR_IPFIX_D_MSS:
		return way->mss;
	case MR_IPFIX_D_MSS_BACK:
		return back->mss;
	case MR_IPFIX_D_SCALE:
		return way->window_scale;
	case MR_IPFIX_D_SCALE_BACK:
		return back->window_scale;
	case MR_IPFIX_D_STATE:
		return d->tcp.state;
	case MR_IPFIX_D_OUTCOME:
		return d->outcome;
	case MR_IPFIX_D_LABEL_2:
	case MR_IPFIX_D_LABEL_3:
	case MR_IPFIX_D_LABEL_4:
	case MR_IPFIX_D_LABEL_5:
	case MR_IPFIX_D_LABEL_6:
		return label(&d->tunnel, 1u + detail - MR_IPFIX_D_LABEL_2);
	case MR_IPFIX_D_GRE_KEY:
		return innermost(&d->tunnel)->kind == MR_TUNNEL_GRE ? innermost_id(d, dir, false) : 0;
	case MR_IPFIX_D_SEGMENT:
		return segment(d, dir);
	case MR_IPFIX_D_TUNNEL_LEVELS:
		return d->tunnel.levels;
	case MR_IPFIX_D_TUNNEL_KIND:
		return innermost(&d->tunnel)->kind;
	case MR_IPFIX_D_TUNNEL_ID:
		return innermost_id(d, dir, false);
	case MR_IPFIX_D_TUNNEL_ID_BACK:
		return innermost_id(d, dir, true);
	case MR_IPFIX_D_APPLICATION_NAME: /* no numbers */
	case MR_IPFIX_D_TUNNEL_SOURCE:
	case MR_IPFIX_D_TUNNEL_DESTINATION:
	case MR_IPFIX_D_TUNNEL_PATH:
	case MR_IPFIX_D_INDICATOR: /* of the template */
	case MR_IPFIX_D_MAX:
		break;
	}
	return 0;
}

struct mr_ipfix_tunnel_ends mr_ipfix_tunnel_ends(const struct mr_tunnel_level *level, unsigned dir)
{
	if (level->family == 0)
		return (struct mr_ipfix_tunnel_ends){ { NULL, NULL } };
	return (struct mr_ipfix_tunnel_ends){ { level->addr[dir], level->addr[1 - dir] } };
}

const struct mr_tunnel_level *mr_ipfix_tunnel_outer(const struct mr_tunnel *tunnel)
{
	for (unsigned i = tunnel->levels; i-- > 0;)
		if (tunnel->level[i].family != 0)
			return &tunnel->level[i];
	return NULL;
}

static const char *address(const struct mr_tunnel_level *level, const uint8_t *addr,
			   char text[INET6_ADDRSTRLEN])
{
	return addr == NULL
		       ? "-"
		       : inet_ntop(level->family == 6 ? AF_INET6 : AF_INET, addr, text, INET6_ADDRSTRLEN);
}

unsigned mr_ipfix_tunnel_path(const struct mr_flow_detail *d, unsigned dir,
			      char ret[MR_IPFIX_TUNNEL_PATH_MAX])
{
	unsigned len = 0;

	ret[0] = '\0';
	for (unsigned i = 0; i < d->tunnel.levels; i++) {
		const struct mr_tunnel_level *level = &d->tunnel.level[i];
		struct mr_ipfix_tunnel_ends ends = mr_ipfix_tunnel_ends(level, dir);
		char id[12] = "-", from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

		if (level->has_id)
			snprintf(id, sizeof(id), "%u", mr_ipfix_tunnel_id(d, i, dir, false));
		len += (unsigned)snprintf(
			ret + len, MR_IPFIX_TUNNEL_PATH_MAX - len, "%s%s %s %s %s", i == 0 ? "" : ", ",
			mr_tunnel_name((enum mr_tunnel_kind)level->kind), id,
			address(level, ends.addr[0], from), address(level, ends.addr[1], to));
	}
	return len;
}

const char *mr_ipfix_outcome_name(unsigned outcome)
{
	static const char *const names[MR_FLOW_OUTCOME_MAX] = { "unknown", "unanswered", "answered",
								"unreachable" };

	return outcome < MR_FLOW_OUTCOME_MAX ? names[outcome] : names[MR_FLOW_OUTCOME_UNKNOWN];
}
