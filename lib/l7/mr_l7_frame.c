/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_frame.h"

enum mr_l7_want mr_l7_frames_parse(const struct mr_l7_framing *framing, struct mr_l7_frames *frames,
				   void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				   uint32_t *ret_used)
{
	uint32_t *skip = &frames->skip[in->dir & 1];
	uint32_t pos = 0, whole, shown;
	enum mr_l7_want want = MR_L7_MORE;

	if (in->gap)
		*skip = 0;
	for (;;) {
		uint32_t left = in->len - pos, step = left < *skip ? left : *skip;

		/* the message that ended it is used up too: what comes next may belong to another protocol */
		pos += step;
		*skip -= step;
		left -= step;
		if (left == 0 || want != MR_L7_MORE)
			break;
		whole = framing->length(in->data + pos, left);
		if (whole == MR_L7_FRAME_BAD) {
			want = MR_L7_BROKEN;
			break;
		}
		shown = whole < framing->shown ? whole : framing->shown;
		if (whole == 0 || left < shown)
			break;
		want = framing->message(state, in, in->data + pos, shown, sink);
		*skip = whole;
	}
	*ret_used = pos;
	return want;
}
