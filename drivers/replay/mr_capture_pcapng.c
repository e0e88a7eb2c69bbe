/* SPDX-License-Identifier: Apache-2.0 */
/* The pcapng format (draft-ietf-opsawg-pcapng). Blocks that hold neither packets nor interfaces are skipped. */
#include "drivers/replay/mr_capture_priv.h"

#include <stdlib.h>

#include "base/mr_clock.h"

#define NG_SECTION	0x0a0d0d0au /* reads the same in both byte orders */
#define NG_INTERFACE	1u
#define NG_PACKET_OLD	2u /* obsolete, but in old files */
#define NG_PACKET_PLAIN 3u
#define NG_PACKET	6u

#define NG_ORDER_MAGIC 0x1a2b3c4du

#define NG_BLOCK_MIN 12u /* type, length, and the length again at the end */

#define NG_OPT_END	0u
#define NG_OPT_TSRESOL	9u
#define NG_OPT_FCSLEN	13u
#define NG_OPT_TSOFFSET 14u

struct ng_block {
	uint32_t type;
	uint32_t body_len;
	const uint8_t *body;
};

enum ng_step {
	NG_STOP, /* the file has ended; its status says how */
	NG_SKIP,
	NG_GIVE, /* a packet */
};

static enum ng_step ng_stop(struct mr_capture_file *f, enum mr_capture_end end, const char *why)
{
	mr_capture_end_at(f, end, why);
	return NG_STOP;
}

/* ---- times ---- */

static uint64_t ng_pow10(unsigned n)
{
	uint64_t v = 1;

	while (n-- > 0)
		v *= 10;
	return v;
}

/* if_tsresol: ticks a second are 10^n, or 2^n with the top bit set. */
static void ng_set_resolution(struct mr_capture_iface *ifc, uint8_t tsresol)
{
	unsigned n = tsresol & 0x7f;

	ifc->mul = MR_NS_PER_S;
	ifc->div = 1;
	ifc->shift = 0;
	if (tsresol & 0x80) {
		ifc->shift = (uint8_t)n;
	} else if (n <= 9) {
		ifc->mul = ng_pow10(9 - n);
	} else {
		ifc->mul = n - 9 <= 19; /* 0 where a tick is so short that 64 bits of them aren't a nanosecond */
		ifc->div = n - 9 <= 19 ? ng_pow10(n - 9) : 1;
	}
}

static uint64_t ng_time(const struct mr_capture_iface *ifc, uint64_t ticks)
{
	__extension__ __int128 ns = (__int128)ticks * ifc->mul >> ifc->shift;

	if (ifc->div != 1)
		ns /= ifc->div;
	ns += (__int128)ifc->offset_s * (int64_t)MR_NS_PER_S;
	if (ns < 0)
		return 0;
	return ns > MR_CAPTURE_TIME_MAX_NS ? MR_CAPTURE_TIME_MAX_NS : (uint64_t)ns;
}

static uint64_t ng_ticks(const struct mr_capture_file *f, const uint8_t *p)
{
	return (uint64_t)mr_capture_u32(f, p) << 32 | mr_capture_u32(f, p + 4);
}

/* ---- sections and interfaces ---- */

static enum ng_step ng_section(struct mr_capture_file *f, const struct ng_block *b)
{
	if (b->body_len < 16)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a section header that is too short");
	if (mr_capture_u16(f, b->body + 4) != 1)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a section of another pcapng version than 1");
	f->iface_count = 0;
	return NG_SKIP;
}

static uint8_t ng_fcs_len(uint8_t value)
{
	/* the specification says bits, its example and many writers octets; 2 and 4 octets are all there is */
	if (value == 16 || value == 32)
		return value / 8;
	return value == 2 || value == 4 ? value : 0;
}

static void ng_interface_options(struct mr_capture_file *f, struct mr_capture_iface *ifc, const uint8_t *p,
				 uint32_t left)
{
	while (left >= 4) {
		uint16_t code = mr_capture_u16(f, p), len = mr_capture_u16(f, p + 2);
		uint32_t whole = 4 + ((len + 3u) & ~3u);

		if (code == NG_OPT_END || whole > left)
			return;
		if (code == NG_OPT_TSRESOL && len == 1) {
			ng_set_resolution(ifc, p[4]);
		} else if (code == NG_OPT_FCSLEN && len == 1) {
			ifc->fcs_len = ng_fcs_len(p[4]);
		} else if (code == NG_OPT_TSOFFSET && len == 8) {
			memcpy(&ifc->offset_s, p + 4, sizeof(ifc->offset_s));
			if (f->swapped)
				ifc->offset_s = (int64_t)__builtin_bswap64((uint64_t)ifc->offset_s);
		}
		p += whole;
		left -= whole;
	}
}

static enum ng_step ng_interface(struct mr_capture_file *f, const struct ng_block *b)
{
	struct mr_capture_iface *ifc;

	if (b->body_len < 8)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "an interface description that is too short");
	if (f->iface_count == MR_CAPTURE_IFACES_MAX)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "more than 4096 interfaces in a section");
	ifc = &f->ifaces[f->iface_count++];
	*ifc = (struct mr_capture_iface){ .linktype = mr_capture_u16(f, b->body),
					  .snaplen = mr_capture_u32(f, b->body + 4) };
	ifc->link = mr_capture_link(ifc->linktype);
	ng_set_resolution(ifc, 6);
	ng_interface_options(f, ifc, b->body + 8, b->body_len - 8);
	return NG_SKIP;
}

/* ---- packets ---- */

/* Enhanced and old packet blocks: the same behind the interface's number. */
static enum ng_step ng_packet(struct mr_capture_file *f, const struct ng_block *b, struct mr_capture_packet *pkt)
{
	const struct mr_capture_iface *ifc;
	uint32_t id, cap;

	if (b->body_len < 20)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet block that is too short");
	id = b->type == NG_PACKET ? mr_capture_u32(f, b->body) : mr_capture_u16(f, b->body);
	cap = mr_capture_u32(f, b->body + 12);
	if (id >= f->iface_count)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet of an interface that isn't described");
	if (cap > b->body_len - 20)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet longer than its block");
	ifc = &f->ifaces[id];
	pkt->data = b->body + 20;
	pkt->time_ns = ng_time(ifc, ng_ticks(f, b->body + 4));
	pkt->linktype = ifc->linktype;
	pkt->link = ifc->link;
	mr_capture_set_lengths(pkt, cap, mr_capture_u32(f, b->body + 16), ifc->fcs_len);
	return NG_GIVE;
}

/* No time, no captured length: the first interface's snap length tells it. */
static enum ng_step ng_packet_plain(struct mr_capture_file *f, const struct ng_block *b,
				    struct mr_capture_packet *pkt)
{
	const struct mr_capture_iface *ifc = &f->ifaces[0];
	uint32_t wire, cap;

	if (b->body_len < 4)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet block that is too short");
	if (f->iface_count == 0)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet of an interface that isn't described");
	wire = mr_capture_u32(f, b->body);
	cap = ifc->snaplen != 0 && ifc->snaplen < wire ? ifc->snaplen : wire;
	if (cap > b->body_len - 4)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a packet longer than its block");
	pkt->data = b->body + 4;
	pkt->time_ns = f->last_ns;
	pkt->linktype = ifc->linktype;
	pkt->link = ifc->link;
	mr_capture_set_lengths(pkt, cap, wire, ifc->fcs_len);
	return NG_GIVE;
}

/* ---- blocks ---- */

/* A section header says which byte order its length has, so that must be known first. */
static bool ng_set_order(struct mr_capture_file *f, const uint8_t *magic)
{
	f->swapped = false;
	if (mr_capture_u32(f, magic) == NG_ORDER_MAGIC)
		return true;
	f->swapped = true;
	return mr_capture_u32(f, magic) == NG_ORDER_MAGIC;
}

/* The block at f->pos; then f->pos is behind it. NG_STOP with the position left at the bad block. */
static enum ng_step ng_block(struct mr_capture_file *f, struct ng_block *b)
{
	const uint8_t *p = f->data + f->pos;
	const size_t left = f->len - f->pos;
	uint32_t total, padded;

	if (left == 0)
		return ng_stop(f, MR_CAPTURE_WHOLE, "");
	if (left < NG_BLOCK_MIN)
		return ng_stop(f, MR_CAPTURE_TRUNCATED, "in a block's header");
	b->type = mr_capture_u32(f, p);
	if (b->type == NG_SECTION && !ng_set_order(f, p + 8))
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a section in no known byte order");
	total = mr_capture_u32(f, p + 4);
	if (total < NG_BLOCK_MIN || total > MR_CAPTURE_PACKET_MAX)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a block length that cannot be");
	padded = (total + 3) & ~3u; /* some writers leave the padding out of the length */
	if (padded > left)
		return ng_stop(f, MR_CAPTURE_TRUNCATED, "in a block");
	if (mr_capture_u32(f, p + padded - 4) != total)
		return ng_stop(f, MR_CAPTURE_CORRUPT, "a block whose two lengths differ");
	b->body = p + 8;
	b->body_len = padded - NG_BLOCK_MIN;
	return NG_SKIP;
}

static enum ng_step ng_step(struct mr_capture_file *f, struct mr_capture_packet *pkt)
{
	struct ng_block b;
	enum ng_step step = ng_block(f, &b);

	if (step == NG_STOP)
		return step;
	switch (b.type) {
	case NG_PACKET:
	case NG_PACKET_OLD:
		step = ng_packet(f, &b, pkt);
		break;
	case NG_PACKET_PLAIN:
		step = ng_packet_plain(f, &b, pkt);
		break;
	case NG_INTERFACE:
		step = ng_interface(f, &b);
		break;
	case NG_SECTION:
		step = ng_section(f, &b);
		break;
	default:
		break;
	}
	if (step != NG_STOP)
		f->pos += b.body_len + NG_BLOCK_MIN;
	return step;
}

static uint32_t ng_read(struct mr_capture_file *f, struct mr_capture_packet *pkts, uint32_t count)
{
	uint32_t n = 0;

	while (n < count) {
		enum ng_step step = ng_step(f, &pkts[n]);

		if (step == NG_STOP)
			break;
		if (step == NG_GIVE)
			f->last_ns = pkts[n++].time_ns;
	}
	return n;
}

int mr_capture_pcapng_probe(struct mr_capture_file *f, struct mr_err *err)
{
	struct ng_block b;

	if (f->len < sizeof(uint32_t) || mr_capture_u32(f, f->data) != NG_SECTION)
		return mr_errno(EPROTONOSUPPORT);
	/* the first section is read again by ng_read(): here it only must be one */
	if (ng_block(f, &b) == NG_STOP || ng_section(f, &b) == NG_STOP)
		return mr_err_set(err, EBADMSG, "%s: no pcapng that can be read: %s%s", f->path,
				  f->status.end == MR_CAPTURE_TRUNCATED ? "cut " : "it begins with ", f->status.why);
	f->ifaces = calloc(MR_CAPTURE_IFACES_MAX, sizeof(*f->ifaces));
	if (f->ifaces == NULL)
		return mr_err_set(err, ENOMEM, "%s: no memory for its interfaces", f->path);
	f->read = ng_read;
	return 0;
}
