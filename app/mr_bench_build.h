/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* How the benchmark was built, for the head of its report. */

#ifdef __OPTIMIZE__
#define MR_BENCH_OPTIMIZED true
#else
#define MR_BENCH_OPTIMIZED false
#endif

/* What the compiler was allowed to use, as the levels of the x86-64 psABI call it. */
#if defined(__AVX512BW__)
#define MR_BENCH_TARGET "x86-64-v4"
#elif defined(__AVX2__)
#define MR_BENCH_TARGET "x86-64-v3"
#elif defined(__SSE4_2__)
#define MR_BENCH_TARGET "x86-64-v2"
#else
#define MR_BENCH_TARGET "baseline"
#endif
