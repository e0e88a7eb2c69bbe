/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Which instructions may be used by code that is compiled for several levels of the x86-64 psABI.
 */

enum mr_cpu_level {
	MR_CPU_BASE, /* what everything is compiled for; the only one on other machines */
	MR_CPU_V3,   /* x86-64-v3: AVX2, BMI2 */
	MR_CPU_V4,   /* x86-64-v4: AVX-512 F, BW, CD, DQ, VL */
	MR_CPU_MAX
};

/** The highest level that this machine has and mr_cpu_limit() allows. Cheap enough for once a burst. */
enum mr_cpu_level mr_cpu_level(void);

/** Use no more than @p highest from now on, MR_CPU_MAX: all that there is. For tests and measurements. */
void mr_cpu_limit(enum mr_cpu_level highest);

/** "x86-64-v3"; "baseline" for MR_CPU_BASE. */
const char *mr_cpu_level_name(enum mr_cpu_level level);

#ifdef __cplusplus
}
#endif
