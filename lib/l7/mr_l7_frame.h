/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Messages over TCP that say how long they are: cut out of the stream, shown one by one, at most their first
 * octets; the rest is passed over without being held.
 */

#define MR_L7_FRAME_BAD UINT32_MAX

/** What a protocol says of its messages. */
struct mr_l7_framing {
	uint32_t shown; /* octets of a message that are of use at most; far below MR_L7_WINDOW */
	/** Octets of the message that starts at @p data; 0: not to be told yet; MR_L7_FRAME_BAD: none starts
	 * here. */
	uint32_t (*length)(const uint8_t *data, uint32_t len);
	/** @param len  of the message or `shown`, whichever is less */
	enum mr_l7_want (*message)(void *state, const struct mr_l7_input *in, const uint8_t *data,
				   uint32_t len, struct mr_l7_sink *sink);
};

/** Part of a parser's state. */
struct mr_l7_frames {
	uint32_t skip[2]; /* octets of a direction that still belong to a message which was shown */
};

/** The parse function of such a protocol. Behind a gap a message must start at once, else it ends. */
enum mr_l7_want mr_l7_frames_parse(const struct mr_l7_framing *framing, struct mr_l7_frames *frames,
				   void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				   uint32_t *ret_used);

#ifdef __cplusplus
}
#endif
