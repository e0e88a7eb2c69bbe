/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "stream/mr_stream.h"

/*
 * The store of one direction: octets that came too early, each at its place. A directory of pages, the first
 * of which has the octet at `next`; a bit per octet says that it is there. So the first copy of an octet wins
 * by its bit, and one octet in a segment costs the memory of no more than one octet in a page.
 */

/** Sequence numbers a and b: a - b, negative when a is the earlier one. */
static inline int32_t mr_stream_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/** Where the first stored octet is. @return false: nothing is stored */
bool mr_stream_store_first(const struct mr_stream_worker *w, const struct mr_stream_dir *d,
			   uint32_t *ret_seq);

/**
 * Store octets that aren't there yet; as many as there is room for.
 * @param seq  not before d->next, less than MR_STREAM_REACH ahead of it
 * @param ret_short_of_memory  set when it was the worker that had no room, not the direction
 * @return octets from the start of data that are stored now, 0: no room for the first
 */
uint32_t mr_stream_store_put(struct mr_stream_worker *w, struct mr_stream_dir *d, uint32_t seq,
			     const uint8_t *data, uint32_t len, bool *ret_short_of_memory);

/**
 * Take the stored octets at d->next that lie together in memory; the caller moves d->next behind them, and
 * they are there until mr_stream_store_forget().
 * @return how many, 0: none
 */
uint32_t mr_stream_store_take(struct mr_stream_worker *w, struct mr_stream_dir *d, const uint8_t **ret_data);

/** d->next has moved on, over stored octets only after taking them: give back what is before it. */
void mr_stream_store_forget(struct mr_stream_worker *w, struct mr_stream_dir *d);

/** Is any of these octets stored with other content? */
bool mr_stream_store_differs(const struct mr_stream_worker *w, const struct mr_stream_dir *d, uint32_t seq,
			     const uint8_t *data, uint32_t len);

void mr_stream_store_free(struct mr_stream_worker *w, struct mr_stream_dir *d);
