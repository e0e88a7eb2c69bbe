/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_buddy.h"

#include <string.h>

#define TOP	  (MR_BUDDY_ORDERS - 1)
#define TOP_UNITS (1u << TOP)
#define FREE	  0x80u /* in the map */

/* At the start of a free block. */
struct link {
	uint32_t next, prev;
};

static struct link *link_of(const struct mr_buddy *b, uint32_t id)
{
	return mr_buddy_at(b, id);
}

static void chain(struct mr_buddy *b, uint32_t id, uint32_t order)
{
	struct link *l = link_of(b, id);

	*l = (struct link){ .next = b->head[order] };
	if (l->next != 0)
		link_of(b, l->next)->prev = id;
	b->head[order] = id;
	b->map[id - 1] = (uint8_t)(FREE | order);
}

static void unchain(struct mr_buddy *b, uint32_t id, uint32_t order)
{
	const struct link *l = link_of(b, id);

	if (l->next != 0)
		link_of(b, l->next)->prev = l->prev;
	if (l->prev != 0)
		link_of(b, l->prev)->next = l->next;
	else
		b->head[order] = l->next;
	b->map[id - 1] = (uint8_t)order; /* no longer free, so that no buddy takes it for such */
}

static uint64_t whole(uint64_t octets)
{
	return octets - octets % MR_BUDDY_MAX;
}

uint64_t mr_buddy_memory(uint64_t octets)
{
	uint64_t map = whole(octets) / MR_BUDDY_MIN;

	return whole(octets) + (map + 63) / 64 * 64;
}

void mr_buddy_init(struct mr_buddy *b, void *memory, uint64_t octets)
{
	memset(b, 0, sizeof(*b));
	b->blocks = memory;
	b->units = (uint32_t)(whole(octets) / MR_BUDDY_MIN);
	b->map = b->blocks + whole(octets);
}

/* A free block of @p *order or, when there is none, of the next higher one that there is. */
static uint32_t find(struct mr_buddy *b, uint32_t *order)
{
	uint32_t id;

	while (*order < TOP && b->head[*order] == 0)
		(*order)++;
	id = b->head[*order];
	if (id != 0) {
		unchain(b, id, *order);
	} else if (b->fresh < b->units) {
		id = b->fresh + 1;
		b->fresh += TOP_UNITS;
	}
	return id;
}

uint32_t mr_buddy_get(struct mr_buddy *b, uint32_t octets)
{
	uint32_t order = 0, have, id;

	assert(octets != 0 && octets <= MR_BUDDY_MAX);
	while (MR_BUDDY_MIN << order < octets)
		order++;
	have = order;
	id = find(b, &have);
	if (id == 0)
		return 0;
	while (have > order) {
		have--;
		chain(b, id + (1u << have), have);
	}
	b->map[id - 1] = (uint8_t)order;
	b->used += 1u << order;
	return id;
}

void mr_buddy_put(struct mr_buddy *b, uint32_t id)
{
	uint32_t unit = id - 1, order = b->map[unit];

	assert(id != 0 && id <= b->units && order < MR_BUDDY_ORDERS); /* else it is free already */
	b->used -= 1u << order;
	for (; order < TOP; order++) {
		uint32_t buddy = unit ^ 1u << order;

		if (b->map[buddy] != (FREE | order))
			break;
		unchain(b, buddy + 1, order);
		unit &= ~(1u << order);
	}
	chain(b, unit + 1, order);
}
