/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_values.h"

#include <assert.h>
#include <string.h>

struct chunk {
	uint32_t next; /* 0: last */
	uint16_t len;  /* octets of data in use */
	uint8_t data[MR_L7_CHUNK - 6];
};

/* Before the octets of a value, never across two chunks. */
struct header {
	uint16_t field;
	uint16_t len;
	uint8_t bits;
	uint8_t reserved;
};

static_assert(sizeof(struct chunk) == MR_L7_CHUNK && sizeof(struct header) == 6, "as they are counted");

static struct chunk *chunk_at(const struct mr_l7_chunks *c, uint32_t id)
{
	assert(id != 0 && id <= c->max);
	return (struct chunk *)(c->memory + (uint64_t)(id - 1) * MR_L7_CHUNK);
}

void mr_l7_chunks_init(struct mr_l7_chunks *c, void *memory, uint64_t octets)
{
	uint64_t max = octets / MR_L7_CHUNK;

	memset(c, 0, sizeof(*c));
	c->memory = memory;
	c->max = max < UINT32_MAX ? (uint32_t)max : UINT32_MAX;
}

/* @return 0: none is free */
static uint32_t get(struct mr_l7_chunks *c)
{
	uint32_t id;

	if (c->unused == 0)
		c->unused = __atomic_exchange_n(&c->returned, 0, __ATOMIC_ACQUIRE);
	id = c->unused;
	if (id != 0)
		c->unused = chunk_at(c, id)->next;
	else if (c->fresh < c->max)
		id = ++c->fresh;
	else
		return 0;
	__atomic_store_n(&c->taken, c->taken + 1, __ATOMIC_RELAXED);
	chunk_at(c, id)->next = 0;
	chunk_at(c, id)->len = 0;
	return id;
}

/* The worker takes all that was given back at once, so a head never comes back while somebody compares it. */
void mr_l7_chunks_give_back(struct mr_l7_chunks *c, uint32_t first)
{
	struct chunk *last;
	uint32_t head;
	uint64_t n = 1;

	if (first == 0)
		return;
	for (last = chunk_at(c, first); last->next != 0; last = chunk_at(c, last->next))
		n++;
	head = __atomic_load_n(&c->returned, __ATOMIC_RELAXED);
	do
		last->next = head;
	while (!__atomic_compare_exchange_n(&c->returned, &head, first, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	__atomic_fetch_add(&c->given_back, n, __ATOMIC_RELAXED);
}

uint64_t mr_l7_chunks_used(const struct mr_l7_chunks *c)
{
	uint64_t given_back = __atomic_load_n(&c->given_back, __ATOMIC_RELAXED);

	return __atomic_load_n(&c->taken, __ATOMIC_RELAXED) - given_back;
}

/* The last chunk with room for @p octets together; a new one if need be. NULL: none is free. */
static struct chunk *room(struct mr_l7_chunks *c, struct mr_l7_writer *w, uint16_t octets)
{
	struct chunk *last = w->chunk == 0 ? NULL : chunk_at(c, w->chunk);
	uint32_t id;

	if (last != NULL && sizeof(last->data) - last->len >= octets)
		return last;
	id = get(c);
	if (id == 0)
		return NULL;
	if (last != NULL)
		last->next = id;
	else
		w->first = id;
	w->chunk = id;
	return chunk_at(c, id);
}

static void *put(struct chunk *chunk, struct mr_l7_writer *w, const void *data, uint16_t len)
{
	void *at = chunk->data + chunk->len;

	memcpy(at, data, len);
	chunk->len = (uint16_t)(chunk->len + len);
	w->octets = (uint16_t)(w->octets + len);
	return at;
}

enum mr_l7_written mr_l7_value_begin(struct mr_l7_chunks *c, struct mr_l7_writer *w, enum mr_l7_field field,
				     uint8_t bits, uint16_t octets_max)
{
	struct header h = { .field = (uint16_t)field, .bits = bits };
	struct chunk *chunk;

	if (w->octets + sizeof(h) > octets_max)
		return MR_L7_WRITTEN_CUT;
	chunk = room(c, w, sizeof(h));
	if (chunk == NULL)
		return MR_L7_WRITTEN_SHED;
	w->open = w->chunk;
	w->open_at = chunk->len;
	put(chunk, w, &h, sizeof(h));
	return MR_L7_WRITTEN;
}

static struct header open_header(const struct mr_l7_chunks *c, const struct mr_l7_writer *w)
{
	struct header h;

	memcpy(&h, chunk_at(c, w->open)->data + w->open_at, sizeof(h));
	return h;
}

static void change_header(struct mr_l7_chunks *c, const struct mr_l7_writer *w, uint16_t more_octets,
			  uint8_t bits)
{
	struct header h = open_header(c, w);

	h.len = (uint16_t)(h.len + more_octets);
	h.bits |= bits;
	memcpy(chunk_at(c, w->open)->data + w->open_at, &h, sizeof(h));
}

enum mr_l7_written mr_l7_value_add(struct mr_l7_chunks *c, struct mr_l7_writer *w, const void *data,
				   uint16_t len, uint16_t octets_max)
{
	enum mr_l7_written ret = MR_L7_WRITTEN;
	uint16_t left = len, done = 0;

	if (left > octets_max - w->octets) {
		left = (uint16_t)(octets_max - w->octets);
		ret = MR_L7_WRITTEN_CUT;
	}
	while (done < left) {
		struct chunk *chunk = room(c, w, 1);
		uint16_t n;

		if (chunk == NULL) {
			ret = MR_L7_WRITTEN_SHED;
			break;
		}
		n = (uint16_t)(sizeof(chunk->data) - chunk->len);
		n = n < left - done ? n : (uint16_t)(left - done);
		put(chunk, w, (const uint8_t *)data + done, n);
		done = (uint16_t)(done + n);
	}
	change_header(c, w, done, ret == MR_L7_WRITTEN ? 0 : MR_L7_CUT);
	return ret;
}

void mr_l7_value_mark(struct mr_l7_chunks *c, struct mr_l7_writer *w, uint8_t bits)
{
	change_header(c, w, 0, bits);
}

uint16_t mr_l7_value_len(const struct mr_l7_chunks *c, const struct mr_l7_writer *w)
{
	return open_header(c, w).len;
}

void mr_l7_reader_init(struct mr_l7_reader *r, const struct mr_l7_chunks *c, uint32_t first)
{
	r->chunks = c;
	r->chunk = first;
	r->at = 0;
}

/* The current chunk if it has octets left, else the one behind it; NULL: the end. */
static const struct chunk *current(struct mr_l7_reader *r)
{
	while (r->chunk != 0) {
		const struct chunk *chunk = chunk_at(r->chunks, r->chunk);

		if (r->at < chunk->len)
			return chunk;
		r->chunk = chunk->next;
		r->at = 0;
	}
	return NULL;
}

/* The next @p len octets: where they are if together, else copied. */
static const uint8_t *octets(struct mr_l7_reader *r, uint16_t len)
{
	const struct chunk *chunk = current(r);
	uint16_t done = 0;

	if (len != 0 && chunk->len - r->at >= len) {
		r->at = (uint16_t)(r->at + len);
		return chunk->data + r->at - len;
	}
	while (done < len) {
		uint16_t n = (uint16_t)(chunk->len - r->at);

		n = n < len - done ? n : (uint16_t)(len - done);
		memcpy(r->copy + done, chunk->data + r->at, n);
		done = (uint16_t)(done + n);
		r->at = (uint16_t)(r->at + n);
		chunk = current(r);
	}
	return r->copy;
}

bool mr_l7_reader_next(struct mr_l7_reader *r, struct mr_l7_value *ret)
{
	struct header h;

	if (current(r) == NULL)
		return false;
	memcpy(&h, octets(r, sizeof(h)), sizeof(h));
	*ret = (struct mr_l7_value){ .field = h.field, .len = h.len, .bits = h.bits };
	ret->data = octets(r, h.len);
	/* half a number, for want of chunks, is none */
	if (mr_l7_field_info[h.field].type == MR_L7_NUMBER && h.len == sizeof(ret->number))
		memcpy(&ret->number, ret->data, sizeof(ret->number));
	return true;
}
