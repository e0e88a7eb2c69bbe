/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/mr_stream_priv.h"

#include <string.h>

/* Flags of a direction; MR_STREAM_STARTED is the first. */
enum {
	STARTED = MR_STREAM_STARTED,
	ACKED = 1 << 1, /* acked is valid */
	FIN = 1 << 2,	/* fin is valid */
	ENDED = 1 << 3, /* the inspector was told so */
	GAP = 1 << 4,	/* octets are missing before next, the inspector doesn't know yet */
	BEGUN = 1 << 5, /* octets have come, so the start stands */
};

/* What goes with a call for one direction. */
struct side {
	struct mr_stream_worker *w;
	struct mr_stream_inspector *to;
	struct mr_stream_dir *d;
	uint8_t dir;
};

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void count(const struct side *c, enum mr_counter id)
{
	mr_counter_add(c->w->counters, id, 1);
}

static uint32_t show(const struct side *c, const uint8_t *data, uint32_t len, bool end)
{
	struct mr_stream_piece piece = { .data = data, .len = len, .dir = c->dir };

	piece.gap = (c->d->flags & GAP) != 0;
	piece.end = end;
	c->d->flags &= (uint8_t)~GAP;
	return c->to->inspect(c->to, &piece);
}

static void drop_unused(struct mr_stream_worker *w, struct mr_stream_dir *d)
{
	if (d->unused != 0)
		mr_buddy_put(w->memory, d->unused);
	d->unused = 0;
	d->unused_len = 0;
}

static void use(struct mr_stream_worker *w, struct mr_stream_dir *d, uint32_t used)
{
	uint8_t *data;

	assert(used <= d->unused_len);
	if (used == d->unused_len) {
		drop_unused(w, d);
	} else if (used != 0) {
		data = mr_buddy_at(w->memory, d->unused);
		d->unused_len = (uint16_t)(d->unused_len - used);
		memmove(data, data + used, d->unused_len);
	}
}

/* @return false: no memory, and what was unused is lost with it */
static bool add_unused(const struct side *c, const uint8_t *data, uint32_t len)
{
	struct mr_stream_dir *d = c->d;
	uint32_t room = d->unused == 0 ? 0 : mr_buddy_size(c->w->memory, d->unused);

	if (d->unused_len + len > room) {
		uint32_t id = mr_buddy_get(c->w->memory, d->unused_len + len);

		if (id == 0) {
			drop_unused(c->w, d);
			d->flags |= GAP;
			count(c, MR_C_STREAM_SHED);
			return false;
		}
		if (d->unused != 0) {
			memcpy(mr_buddy_at(c->w->memory, id), mr_buddy_at(c->w->memory, d->unused),
			       d->unused_len);
			mr_buddy_put(c->w->memory, d->unused);
		}
		d->unused = id;
	}
	memcpy((uint8_t *)mr_buddy_at(c->w->memory, d->unused) + d->unused_len, data, len);
	d->unused_len = (uint16_t)(d->unused_len + len);
	return true;
}

/* New octets with nothing unused before them: shown where they are, and the rest kept. */
static enum mr_stream_want show_alone(const struct side *c, const uint8_t *data, uint32_t len, bool end)
{
	uint32_t used = show(c, data, len, end);

	if (used == MR_STREAM_STOP)
		return MR_STREAM_STOPPED;
	assert(used <= len);
	if (len - used >= MR_STREAM_WINDOW)
		return MR_STREAM_FULL;
	if (used != len && !end)
		add_unused(c, data + used, len - used);
	return MR_STREAM_MORE;
}

/* Octets of which d->next is already the end, to the inspector, behind those that it left unused. */
static enum mr_stream_want deliver(const struct side *c, const uint8_t *data, uint32_t len, bool end)
{
	struct mr_stream_dir *d = c->d;

	while (d->unused_len != 0) {
		uint32_t n = min_u32(len, MR_STREAM_WINDOW - d->unused_len), used;

		if (!add_unused(c, data, n))
			break;
		data += n;
		len -= n;
		used = show(c, mr_buddy_at(c->w->memory, d->unused), d->unused_len, end && len == 0);
		if (used == MR_STREAM_STOP)
			return MR_STREAM_STOPPED;
		if (used == 0 && d->unused_len == MR_STREAM_WINDOW)
			return MR_STREAM_FULL;
		use(c->w, d, used);
		if (len == 0)
			return MR_STREAM_MORE;
	}
	return show_alone(c, data, len, end);
}

static enum mr_stream_want end_side(const struct side *c)
{
	enum mr_stream_want want;

	if ((c->d->flags & ENDED) != 0)
		return MR_STREAM_MORE;
	c->d->flags |= ENDED;
	mr_stream_store_free(c->w, c->d);
	want = deliver(c, (const uint8_t *)"", 0, true);
	drop_unused(c->w, c->d);
	return want;
}

/* The octets from d->next to @p to won't come. */
static void give_up(const struct side *c, uint32_t to)
{
	c->d->next = to;
	c->d->flags |= GAP;
	drop_unused(c->w, c->d);
	mr_stream_store_forget(c->w, c->d);
	count(c, MR_C_STREAM_GAPS);
	if (c->d->gaps < MR_STREAM_GAPS_MAX)
		c->d->gaps++;
}

/* Where the hole at d->next ends: at the first stored octet or the FIN. @return false: neither is known */
static bool hole_end(const struct side *c, uint32_t *ret_seq)
{
	const struct mr_stream_dir *d = c->d;
	bool fin = (d->flags & FIN) != 0;

	if (!mr_stream_store_first(c->w, d, ret_seq) || (fin && mr_stream_diff(*ret_seq, d->fin) > 0)) {
		*ret_seq = d->fin;
		return fin;
	}
	return true;
}

/* Octets that can be shown from the store, one after the other; and the end, once all before it were. */
static enum mr_stream_want drain(const struct side *c, bool all)
{
	struct mr_stream_dir *d = c->d;
	enum mr_stream_want want;
	const uint8_t *data;
	uint32_t n, hole;

	for (;;) {
		if ((d->flags & FIN) != 0 && d->next == d->fin)
			return end_side(c);
		if (d->gaps == MR_STREAM_GAPS_MAX)
			return MR_STREAM_LOST;
		n = mr_stream_store_take(c->w, d, &data);
		if (n != 0) {
			/* beyond the FIN, which came later: as if not stored */
			n = (d->flags & FIN) != 0 ? min_u32(n, d->fin - d->next) : n;
			d->next += n;
			want = deliver(c, data, n, false);
			if (want != MR_STREAM_MORE)
				return want;
			mr_stream_store_forget(c->w, d);
		} else if (hole_end(c, &hole) &&
			   (all || ((d->flags & ACKED) != 0 && mr_stream_diff(d->acked, hole) >= 0))) {
			give_up(c, hole);
		} else {
			return MR_STREAM_MORE;
		}
	}
}

/*
 * Octets of a segment at d->next. Where others are stored among them they fill what is between in the store,
 * so that a store full of holes is shown in pages and not in crumbs.
 */
static enum mr_stream_want place_next(const struct side *c, const uint8_t *data, uint32_t len,
				      uint32_t *ret_placed)
{
	struct mr_stream_dir *d = c->d;
	enum mr_stream_want want;
	uint32_t first;
	bool short_of_memory;

	if (mr_stream_store_first(c->w, d, &first) && first - d->next < len) {
		*ret_placed = mr_stream_store_put(c->w, d, d->next, data, len, &short_of_memory);
		if (*ret_placed != 0)
			return MR_STREAM_MORE;
		len = first - d->next;
	}
	*ret_placed = len;
	d->next += len;
	want = deliver(c, data, len, false);
	mr_stream_store_forget(c->w, d);
	return want;
}

/* Octets of a segment to where they belong: the inspector, the store, or nowhere. */
static enum mr_stream_want place(const struct side *c, uint32_t seq, const uint8_t *data, uint32_t len)
{
	struct mr_stream_dir *d = c->d;
	enum mr_stream_want want = MR_STREAM_MORE;

	while (len != 0 && want == MR_STREAM_MORE && (d->flags & ENDED) == 0) {
		int32_t ahead = mr_stream_diff(seq, d->next);
		uint32_t n, first;
		bool short_of_memory;

		if (ahead < 0) {
			n = min_u32(len, 0u - (uint32_t)ahead);
		} else if (ahead == 0) {
			want = place_next(c, data, len, &n);
		} else {
			n = mr_stream_store_put(c->w, d, seq, data, len, &short_of_memory);
			if (n == 0) {
				if (short_of_memory)
					count(c, MR_C_STREAM_SHED);
				if (!mr_stream_store_first(c->w, d, &first) || mr_stream_diff(first, seq) > 0)
					first = seq;
				give_up(c, first);
			}
		}
		seq += n;
		data += n;
		len -= n;
		if (want == MR_STREAM_MORE)
			want = drain(c, false);
	}
	return want;
}

/* The other direction's acknowledgment, which may let go what waits behind a hole here. */
static enum mr_stream_want acknowledge(const struct side *c, uint32_t ack)
{
	struct mr_stream_dir *d = c->d;

	if ((d->flags & ACKED) != 0 && mr_stream_diff(ack, d->acked) <= 0)
		return MR_STREAM_MORE;
	d->acked = ack;
	d->flags |= ACKED;
	return d->store != 0 || (d->flags & FIN) != 0 ? drain(c, false) : MR_STREAM_MORE;
}

/* Does the segment say where its direction starts? */
static bool starts(const struct mr_stream_dir *d, const struct mr_stream_segment *seg)
{
	if ((seg->tcp_flags & MR_TCP_SYN) != 0)
		return (d->flags & BEGUN) == 0;
	return (d->flags & STARTED) == 0 && (seg->len != 0 || (seg->tcp_flags & MR_TCP_FIN) != 0);
}

static void start(struct mr_stream_dir *d, uint32_t seq)
{
	if ((d->flags & STARTED) != 0 && seq != d->next)
		d->flags &= (uint8_t)~ACKED; /* that was for another start */
	d->next = seq;
	d->flags |= STARTED;
}

/*
 * Is the segment too far ahead to be believed? What the other side has acknowledged was sent: then only the
 * capture has missed it.
 */
static bool is_far_ahead(const struct side *c, uint32_t seq)
{
	struct mr_stream_dir *d = c->d;
	uint32_t first;

	while (mr_stream_diff(seq, d->next) > (int32_t)MR_STREAM_REACH) {
		uint32_t to = seq;

		if ((d->flags & ACKED) == 0 || mr_stream_diff(d->acked, d->next) <= 0 ||
		    mr_stream_store_first(c->w, d, &first))
			return true;
		if (mr_stream_diff(d->acked, to) < 0)
			to = d->acked;
		give_up(c, to);
	}
	return false;
}

/* Does the segment repeat octets that are held, with other content? */
static bool differs(const struct side *c, uint32_t seq, const uint8_t *data, uint32_t len)
{
	const struct mr_stream_dir *d = c->d;
	uint32_t from = d->next - d->unused_len;

	if (d->unused_len != 0 && mr_stream_diff(seq, d->next) < 0 && mr_stream_diff(seq + len, from) > 0) {
		const uint8_t *held = mr_buddy_at(c->w->memory, d->unused);
		uint32_t at = mr_stream_diff(from, seq) > 0 ? from - seq : 0;
		uint32_t n = min_u32(len - at, d->next - (seq + at));

		if (memcmp(held + (seq + at - from), data + at, n) != 0)
			return true;
	}
	return mr_stream_store_differs(c->w, d, seq, data, len);
}

/* Everything of a segment but its reset and its acknowledgment. */
static enum mr_stream_want take(const struct side *c, const struct mr_stream_segment *seg)
{
	struct mr_stream_dir *d = c->d;
	uint32_t seq = seg->seq + ((seg->tcp_flags & MR_TCP_SYN) != 0), len = seg->len;

	if (starts(d, seg))
		start(d, seq);
	if ((d->flags & STARTED) == 0 || (len == 0 && (seg->tcp_flags & MR_TCP_FIN) == 0))
		return MR_STREAM_MORE;
	if (is_far_ahead(c, seq)) {
		count(c, MR_C_STREAM_FAR_AHEAD);
		return MR_STREAM_MORE;
	}
	d->flags |= BEGUN;
	if ((seg->tcp_flags & MR_TCP_FIN) != 0 && (d->flags & FIN) == 0 &&
	    mr_stream_diff(seq + len, d->next) >= 0) {
		d->fin = seq + len;
		d->flags |= FIN;
	}
	if (len != 0 && mr_stream_diff(seq + len, d->next) <= 0)
		count(c, MR_C_STREAM_OLD);
	if (len != 0 && differs(c, seq, seg->data, len))
		count(c, MR_C_STREAM_OVERLAP_DIFFERS);
	if ((d->flags & FIN) != 0 && mr_stream_diff(seq + len, d->fin) > 0) {
		count(c, MR_C_STREAM_BEYOND_FIN);
		len = mr_stream_diff(d->fin, seq) > 0 ? d->fin - seq : 0;
	}
	if (len == 0)
		return drain(c, false);
	return place(c, seq, seg->data, len);
}

static enum mr_stream_want finish(struct mr_stream_worker *w, struct mr_stream *s,
				  struct mr_stream_inspector *to)
{
	enum mr_stream_want want = MR_STREAM_MORE;

	for (uint8_t dir = 0; dir < 2 && want == MR_STREAM_MORE; dir++) {
		struct side c = { w, to, &s->dir[dir], dir };

		want = drain(&c, true);
		if (want == MR_STREAM_MORE || want == MR_STREAM_LOST)
			want = end_side(&c);
	}
	return want;
}

/* Is a reset where the stream is, as far as we or the other side know? */
static bool reset_fits(const struct mr_stream_dir *d, uint32_t seq)
{
	uint32_t next = d->next;

	if ((d->flags & (FIN | ENDED)) == (FIN | ENDED))
		next++; /* the FIN has a number, too */
	return (d->flags & STARTED) == 0 || seq == next || ((d->flags & ACKED) != 0 && seq == d->acked);
}

static enum mr_stream_want reset(struct mr_stream_worker *w, struct mr_stream *s,
				 const struct mr_stream_segment *seg, struct mr_stream_inspector *to)
{
	enum mr_stream_want want;

	if (!reset_fits(&s->dir[seg->dir], seg->seq)) {
		mr_counter_add(w->counters, MR_C_STREAM_RST_IGNORED, 1);
		return MR_STREAM_MORE;
	}
	want = finish(w, s, to);
	return want == MR_STREAM_MORE ? MR_STREAM_OVER : want;
}

static enum mr_stream_want segment(struct mr_stream_worker *w, struct mr_stream *s,
				   const struct mr_stream_segment *seg, struct mr_stream_inspector *to)
{
	struct side c = { w, to, &s->dir[seg->dir], seg->dir };
	struct side other = { w, to, &s->dir[!seg->dir], !seg->dir };
	enum mr_stream_want want = MR_STREAM_MORE;

	if ((seg->tcp_flags & MR_TCP_RST) != 0)
		return reset(w, s, seg, to);
	if ((seg->tcp_flags & MR_TCP_ACK) != 0)
		want = acknowledge(&other, seg->ack);
	if (want == MR_STREAM_MORE)
		want = take(&c, seg);
	if (want == MR_STREAM_MORE && (s->dir[0].flags & s->dir[1].flags & ENDED) != 0)
		want = MR_STREAM_OVER;
	return want;
}

enum mr_stream_want mr_stream_packet(struct mr_stream_worker *w, struct mr_stream *s,
				     const struct mr_stream_segment *seg, struct mr_stream_inspector *to)
{
	struct mr_stream_dir *d = &s->dir[seg->dir], *other = &s->dir[!seg->dir];
	struct side c = { w, to, d, seg->dir };

	/* nearly all: octets in order with nothing pending on either side */
	if ((seg->tcp_flags & (MR_TCP_FIN | MR_TCP_SYN | MR_TCP_RST | MR_TCP_ACK)) != MR_TCP_ACK ||
	    (d->flags & ~(GAP | ACKED)) != (STARTED | BEGUN) || seg->seq != d->next || seg->len == 0 ||
	    (d->store | d->unused | other->store) != 0 || (other->flags & (FIN | ENDED)) == FIN)
		return segment(w, s, seg, to);
	if ((other->flags & ACKED) == 0 || mr_stream_diff(seg->ack, other->acked) > 0) {
		other->acked = seg->ack;
		other->flags |= ACKED;
	}
	d->next += seg->len;
	return show_alone(&c, seg->data, seg->len, false);
}

void mr_stream_end(struct mr_stream_worker *w, struct mr_stream *s, struct mr_stream_inspector *to)
{
	finish(w, s, to);
}

void mr_stream_free(struct mr_stream_worker *w, struct mr_stream *s)
{
	for (unsigned dir = 0; dir < 2; dir++) {
		mr_stream_store_free(w, &s->dir[dir]);
		drop_unused(w, &s->dir[dir]);
	}
	memset(s, 0, sizeof(*s));
}

const uint8_t *mr_stream_unused(const struct mr_stream_worker *w, const struct mr_stream *s, unsigned dir,
				uint32_t *ret_len)
{
	const struct mr_stream_dir *d = &s->dir[dir];

	*ret_len = d->unused_len;
	return d->unused == 0 ? (const uint8_t *)"" : mr_buddy_at(w->memory, d->unused);
}

void mr_stream_use(struct mr_stream_worker *w, struct mr_stream *s, unsigned dir, uint32_t used)
{
	use(w, &s->dir[dir], used);
}
