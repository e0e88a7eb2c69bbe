/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The start of a compressed body, decompressed by zlib. What comes out is bounded by MR_L7_INFLATE_MAX, so no
 * reference reaches further back than that and a window of that size will do: about 24 KB per body while it
 * is being decompressed, from malloc, freed by mr_l7_inflate_free().
 */

/** Octets that come out of one body at most; a power of two, zlib's window. */
#define MR_L7_INFLATE_MAX 16384u

/** Above this many octets out for one in, a body that reached the limit is a decompression bomb. */
#define MR_L7_INFLATE_RATIO 200u

enum mr_l7_coding {
	MR_L7_CODING_NONE,
	MR_L7_CODING_GZIP,
	MR_L7_CODING_DEFLATE, /* with zlib's header (RFC 9110) or, as many servers send it, without */
};

enum mr_l7_inflated {
	MR_L7_INFLATED_MORE, /* all in, more may come */
	MR_L7_INFLATED_END,  /* of the compressed data or by the limit */
	MR_L7_INFLATED_BOMB, /* the limit, out of nearly nothing */
	MR_L7_INFLATED_BAD,  /* not what the coding says */
};

struct mr_l7_inflate;

/** NULL: no memory. */
struct mr_l7_inflate *mr_l7_inflate_new(enum mr_l7_coding coding);

/** Decompress @p len octets; what comes out goes to @p field in parts, each with `more` set. */
enum mr_l7_inflated mr_l7_inflate_put(struct mr_l7_inflate *z, const uint8_t *data, size_t len,
				      struct mr_l7_sink *sink, enum mr_l7_field field);

/** @p z may be NULL. */
void mr_l7_inflate_free(struct mr_l7_inflate *z);

#ifdef __cplusplus
}
#endif
