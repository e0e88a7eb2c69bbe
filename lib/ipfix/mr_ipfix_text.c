/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_text.h"

#include <string.h>

static const uint8_t replacement[] = { 0xef, 0xbf, 0xbd };

size_t mr_ipfix_utf8_len(const uint8_t *s, size_t left)
{
	uint8_t lead = s[0];
	size_t n = lead < 0x80			 ? 1
		   : lead >= 0xc2 && lead < 0xe0 ? 2
		   : (lead & 0xf0) == 0xe0	 ? 3
		   : lead >= 0xf0 && lead < 0xf5 ? 4
						 : 0;

	if (n > left)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((lead == 0xe0 && s[1] < 0xa0) || (lead == 0xed && s[1] > 0x9f) || (lead == 0xf0 && s[1] < 0x90) ||
	    (lead == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

/* @param p  NULL: only count */
static size_t convert(uint8_t *p, const uint8_t *s, size_t len, size_t max)
{
	size_t done = 0;

	for (size_t i = 0, n; i < len; i += n) {
		size_t valid = mr_ipfix_utf8_len(s + i, len - i);
		const uint8_t *from = valid != 0 ? s + i : replacement;
		size_t octets = valid != 0 ? valid : sizeof(replacement);

		n = valid != 0 ? valid : 1;
		if (octets > max - done)
			break;
		if (p != NULL)
			memcpy(p + done, from, octets);
		done += octets;
	}
	return done;
}

/* Octets of ASCII at the start, which most text is all of; by eights. */
static size_t ascii_len(const uint8_t *s, size_t len)
{
	size_t n = 0;

	for (uint64_t word; len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, s + n, sizeof(word));
		if ((word & 0x8080808080808080) != 0)
			break;
	}
	return n;
}

size_t mr_ipfix_text_len(const void *text, size_t len)
{
	size_t ascii = ascii_len(text, len);

	return ascii + convert(NULL, (const uint8_t *)text + ascii, len - ascii, SIZE_MAX);
}

size_t mr_ipfix_text_fit(const void *text, size_t len, size_t max)
{
	return convert(NULL, text, len, max);
}

size_t mr_ipfix_text_copy(uint8_t *p, const void *text, size_t len, size_t max)
{
	return convert(p, text, len, max);
}
