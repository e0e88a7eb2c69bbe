/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __x86_64__
#include <immintrin.h>
#endif

/**
 * @file
 * As many 32-bit words as a vector register holds, one of each packet, in the vector extensions of gcc and
 * clang. Packets are read and written as blocks of 16 octets: a row is one block each of every fourth packet,
 * and to transpose four rows makes from them four vectors of one word of each packet, or the other way round.
 *
 * The including file is compiled once for each level of mr_cpu.h, so all here is static. No loops: gcc would
 * keep what they index in memory.
 */

/* Registers of 512 bits aren't used: they gain little where all packets are alike, and lose where lanes stay
 * empty. */
#if defined(__AVX2__)
#define MR_LANES	   8
#define MR_LANES_ALL(X)	   X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7)
#define MR_LANES_BLOCKS(X) X(0), X(4)
#else
#define MR_LANES	   4
#define MR_LANES_ALL(X)	   X(0), X(1), X(2), X(3)
#define MR_LANES_BLOCKS(X) X(0)
#endif

#define MR_LANES_INLINE static inline __attribute__((always_inline))

typedef uint32_t mr_lanes __attribute__((vector_size(4 * MR_LANES)));
typedef uint8_t mr_lanes_octets __attribute__((vector_size(4 * MR_LANES)));
typedef uint32_t mr_lanes_block __attribute__((vector_size(16)));
typedef uint32_t mr_lanes_block_at __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint32_t mr_lanes_at __attribute__((vector_size(4 * MR_LANES), aligned(1), may_alias));

#define MR_LANES_LOW_WORDS(b)	 b, b + MR_LANES, b + 1, b + MR_LANES + 1
#define MR_LANES_HIGH_WORDS(b)	 b + 2, b + MR_LANES + 2, b + 3, b + MR_LANES + 3
#define MR_LANES_LOW_HALVES(b)	 b, b + 1, b + MR_LANES, b + MR_LANES + 1
#define MR_LANES_HIGH_HALVES(b)	 b + 2, b + 3, b + MR_LANES + 2, b + MR_LANES + 3
#define MR_LANES_MIX(x, y, part) __builtin_shufflevector(x, y, MR_LANES_BLOCKS(part))

/** Rows to words, or words to rows. */
MR_LANES_INLINE void mr_lanes_transpose(mr_lanes v[4])
{
	mr_lanes low_01 = MR_LANES_MIX(v[0], v[1], MR_LANES_LOW_WORDS);
	mr_lanes low_23 = MR_LANES_MIX(v[2], v[3], MR_LANES_LOW_WORDS);
	mr_lanes high_01 = MR_LANES_MIX(v[0], v[1], MR_LANES_HIGH_WORDS);
	mr_lanes high_23 = MR_LANES_MIX(v[2], v[3], MR_LANES_HIGH_WORDS);

	v[0] = MR_LANES_MIX(low_01, low_23, MR_LANES_LOW_HALVES);
	v[1] = MR_LANES_MIX(low_01, low_23, MR_LANES_HIGH_HALVES);
	v[2] = MR_LANES_MIX(high_01, high_23, MR_LANES_LOW_HALVES);
	v[3] = MR_LANES_MIX(high_01, high_23, MR_LANES_HIGH_HALVES);
}

MR_LANES_INLINE mr_lanes_block mr_lanes_block_load(const void *base, int32_t off)
{
	return *(const mr_lanes_block_at *)((const uint8_t *)base + off);
}

/** One row: the 16 octets @p off behind every fourth of @p base. */
MR_LANES_INLINE mr_lanes mr_lanes_row(const void *const *base, int32_t off)
{
#define BLOCK(i) mr_lanes_block_load(base[4 * (i)], off)
#if MR_LANES == 8
	return __builtin_shufflevector(BLOCK(0), BLOCK(1), 0, 1, 2, 3, 4, 5, 6, 7);
#else
	return BLOCK(0);
#endif
#undef BLOCK
}

/** The 16 octets @p off behind each of @p base, as rows. */
MR_LANES_INLINE void mr_lanes_load(const void *const *base, int32_t off, mr_lanes ret[4])
{
	ret[0] = mr_lanes_row(base, off);
	ret[1] = mr_lanes_row(base + 1, off);
	ret[2] = mr_lanes_row(base + 2, off);
	ret[3] = mr_lanes_row(base + 3, off);
}

MR_LANES_INLINE void mr_lanes_block_store(mr_lanes_block block, void *base, uint32_t off)
{
	*(mr_lanes_block_at *)((uint8_t *)base + off) = block;
}

MR_LANES_INLINE void mr_lanes_row_store(mr_lanes row, void *const *base, uint32_t off)
{
#define STORE(b) mr_lanes_block_store(__builtin_shufflevector(row, row, b, b + 1, b + 2, b + 3), base[b], off)
	MR_LANES_BLOCKS(STORE);
#undef STORE
}

/** Write rows: 16 octets @p off behind each of @p base. */
MR_LANES_INLINE void mr_lanes_store(const mr_lanes row[4], void *const *base, uint32_t off)
{
	mr_lanes_row_store(row[0], base, off);
	mr_lanes_row_store(row[1], base + 1, off);
	mr_lanes_row_store(row[2], base + 2, off);
	mr_lanes_row_store(row[3], base + 3, off);
}

/** @p x where @p mask has all bits, @p y where none. */
MR_LANES_INLINE mr_lanes mr_lanes_choose(mr_lanes mask, mr_lanes x, mr_lanes y)
{
	return y ^ ((x ^ y) & mask);
}

/** One bit for each lane whose highest bit is set. */
MR_LANES_INLINE uint32_t mr_lanes_signs(mr_lanes v)
{
#if MR_LANES == 8
	return (uint32_t)_mm256_movemask_ps((__m256)v);
#elif defined(__x86_64__)
	return (uint32_t)_mm_movemask_ps((__m128)v);
#else
	uint32_t bits = 0;

	for (unsigned i = 0; i < MR_LANES; i++)
		bits |= v[i] >> 31 << i;
	return bits;
#endif
}
