/* SPDX-License-Identifier: Apache-2.0 */
#include "stream/mr_stream_priv.h"

#include <string.h>

struct page {
	uint64_t have[MR_STREAM_PAGE / 64]; /* bit n: data[n] is there */
	uint8_t data[MR_STREAM_PAGE];
};

struct store {
	uint32_t origin; /* sequence number of the first octet of page 0, at most a page before next */
	uint32_t first;	 /* that of the first stored octet, not before next */
	uint32_t octets; /* stored; a store without any is given back */
	uint16_t pages;	 /* that have a block */
	uint16_t top;	 /* entries of page[] in use; those from here on aren't even zeroed */
	uint32_t page[MR_STREAM_PAGES_MAX]; /* block or 0 */
};

static_assert(sizeof(struct page) <= 2048 && MR_STREAM_PAGE % 64 == 0, "a page is one block of 2 KiB");
static_assert(sizeof(struct store) == 1024, "a directory is one block of 1 KiB");

static struct store *store_of(const struct mr_stream_worker *w, const struct mr_stream_dir *d)
{
	return d->store == 0 ? NULL : mr_buddy_at(w->memory, d->store);
}

/* How many bits from @p at to below @p end are like @p value, up to the first that isn't. */
static uint32_t count_bits(const uint64_t *have, uint32_t at, uint32_t end, bool value)
{
	uint32_t i = at;

	while (i < end) {
		uint64_t other = (value ? ~have[i / 64] : have[i / 64]) >> i % 64;

		if (other != 0) {
			i += (uint32_t)__builtin_ctzll(other);
			break;
		}
		i += 64 - i % 64;
	}
	return (i < end ? i : end) - at;
}

static void set_bits(uint64_t *have, uint32_t at, uint32_t n)
{
	while (n != 0) {
		uint32_t bit = at % 64, len = n < 64 - bit ? n : 64 - bit;

		have[at / 64] |= UINT64_MAX >> (64 - len) << bit;
		at += len;
		n -= len;
	}
}

/* Looks for the first stored octet at or behind d->next; there is one. */
static void find_first(const struct mr_stream_worker *w, const struct mr_stream_dir *d, struct store *s)
{
	uint32_t at = d->next - s->origin;

	for (uint32_t i = 0; i < s->top; i++, at = 0) {
		uint32_t none = MR_STREAM_PAGE - at;

		if (s->page[i] != 0) {
			const struct page *p = mr_buddy_at(w->memory, s->page[i]);

			none = count_bits(p->have, at, MR_STREAM_PAGE, false);
		}
		if (none != MR_STREAM_PAGE - at) {
			s->first = s->origin + i * MR_STREAM_PAGE + at + none;
			return;
		}
	}
}

bool mr_stream_store_first(const struct mr_stream_worker *w, const struct mr_stream_dir *d, uint32_t *ret_seq)
{
	const struct store *s = store_of(w, d);

	if (s == NULL)
		return false;
	*ret_seq = s->first;
	return true;
}

static struct store *open_store(struct mr_stream_worker *w, struct mr_stream_dir *d)
{
	struct store *s;

	if (d->store == 0) {
		d->store = mr_buddy_get(w->memory, sizeof(*s));
		if (d->store == 0)
			return NULL;
		s = store_of(w, d);
		memset(s, 0, offsetof(struct store, page));
		s->origin = d->next;
	}
	return store_of(w, d);
}

/* The page with this number, made when it isn't there; NULL: no room. */
static struct page *open_page(struct mr_stream_worker *w, struct store *s, uint32_t number,
			      bool *ret_short_of_memory)
{
	struct page *p;
	uint32_t id;

	if (number < s->top && s->page[number] != 0)
		return mr_buddy_at(w->memory, s->page[number]);
	if (s->pages >= w->pages_max || number >= MR_STREAM_PAGES_MAX)
		return NULL;
	id = mr_buddy_get(w->memory, sizeof(*p));
	if (id == 0) {
		*ret_short_of_memory = true;
		return NULL;
	}
	for (; s->top <= number; s->top++)
		s->page[s->top] = 0;
	s->page[number] = id;
	s->pages++;
	p = mr_buddy_at(w->memory, id);
	memset(p->have, 0, sizeof(p->have));
	return p;
}

/* Fills the places of a page that are empty. */
static uint32_t fill(struct page *p, uint32_t at, const uint8_t *data, uint32_t len)
{
	uint32_t filled = 0;

	for (uint32_t i = 0; i < len;) {
		i += count_bits(p->have, at + i, at + len, true);
		if (i < len) {
			uint32_t n = count_bits(p->have, at + i, at + len, false);

			memcpy(p->data + at + i, data + i, n);
			set_bits(p->have, at + i, n);
			filled += n;
			i += n;
		}
	}
	return filled;
}

uint32_t mr_stream_store_put(struct mr_stream_worker *w, struct mr_stream_dir *d, uint32_t seq,
			     const uint8_t *data, uint32_t len, bool *ret_short_of_memory)
{
	struct store *s = open_store(w, d);
	uint32_t done = 0;
	bool empty;

	*ret_short_of_memory = s == NULL;
	if (s == NULL)
		return 0;
	empty = s->octets == 0;
	while (done < len) {
		uint32_t off = seq + done - s->origin, at = off % MR_STREAM_PAGE;
		uint32_t n = len - done < MR_STREAM_PAGE - at ? len - done : MR_STREAM_PAGE - at;
		struct page *p = open_page(w, s, off / MR_STREAM_PAGE, ret_short_of_memory);

		if (p == NULL)
			break;
		s->octets += fill(p, at, data + done, n);
		done += n;
	}
	if (s->octets == 0)
		mr_stream_store_free(w, d);
	else if (done != 0 && (empty || mr_stream_diff(seq, s->first) < 0))
		s->first = seq;
	return done;
}

uint32_t mr_stream_store_take(struct mr_stream_worker *w, struct mr_stream_dir *d, const uint8_t **ret_data)
{
	struct store *s = store_of(w, d);
	const struct page *p;
	uint32_t at, n;

	if (s == NULL || s->first != d->next)
		return 0;
	at = d->next - s->origin;
	p = mr_buddy_at(w->memory, s->page[0]);
	n = count_bits(p->have, at, MR_STREAM_PAGE, true);
	s->octets -= n;
	*ret_data = p->data + at;
	return n;
}

static void forget_pages(struct mr_stream_worker *w, struct store *s, uint32_t n)
{
	uint32_t had = n < s->top ? n : s->top;

	for (uint32_t i = 0; i < had; i++) {
		if (s->page[i] != 0) {
			mr_buddy_put(w->memory, s->page[i]);
			s->pages--;
		}
	}
	s->top = (uint16_t)(s->top - had);
	memmove(s->page, s->page + had, s->top * sizeof(s->page[0]));
	s->origin += n * MR_STREAM_PAGE;
}

void mr_stream_store_forget(struct mr_stream_worker *w, struct mr_stream_dir *d)
{
	struct store *s = store_of(w, d);

	if (s == NULL)
		return;
	if (s->octets == 0) {
		mr_stream_store_free(w, d);
		return;
	}
	if (d->next - s->origin >= MR_STREAM_PAGE)
		forget_pages(w, s, (d->next - s->origin) / MR_STREAM_PAGE);
	if (mr_stream_diff(d->next, s->first) > 0)
		find_first(w, d, s);
}

bool mr_stream_store_differs(const struct mr_stream_worker *w, const struct mr_stream_dir *d, uint32_t seq,
			     const uint8_t *data, uint32_t len)
{
	const struct store *s = store_of(w, d);

	if (s == NULL || mr_stream_diff(seq + len, s->first) <= 0)
		return false;
	for (uint32_t i = mr_stream_diff(s->first, seq) > 0 ? s->first - seq : 0; i < len;) {
		uint32_t off = seq + i - s->origin, at = off % MR_STREAM_PAGE, number = off / MR_STREAM_PAGE;
		uint32_t end = len - i < MR_STREAM_PAGE - at ? at + len - i : MR_STREAM_PAGE;
		const struct page *p;

		if (number >= s->top)
			return false;
		if (s->page[number] == 0) {
			i += end - at;
			continue;
		}
		p = mr_buddy_at(w->memory, s->page[number]);
		while (at < end) {
			uint32_t none = count_bits(p->have, at, end, false);
			uint32_t n = count_bits(p->have, at + none, end, true);

			if (memcmp(p->data + at + none, data + i + none, n) != 0)
				return true;
			at += none + n;
			i += none + n;
		}
	}
	return false;
}

void mr_stream_store_free(struct mr_stream_worker *w, struct mr_stream_dir *d)
{
	struct store *s = store_of(w, d);

	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->top; i++)
		if (s->page[i] != 0)
			mr_buddy_put(w->memory, s->page[i]);
	mr_buddy_put(w->memory, d->store);
	d->store = 0;
}
