/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_cpu.h"

#ifdef __x86_64__
#include <sys/platform/x86.h>
#endif

#define UNKNOWN MR_CPU_MAX

static enum mr_cpu_level current = UNKNOWN; /* any thread may find it out, all find the same */

/* What the C library says is usable: the operating system has to save the registers too. */
static enum mr_cpu_level detect(void)
{
#ifdef __x86_64__
	if (!CPU_FEATURE_ACTIVE(AVX2) || !CPU_FEATURE_ACTIVE(BMI1) || !CPU_FEATURE_ACTIVE(BMI2) ||
	    !CPU_FEATURE_ACTIVE(F16C) || !CPU_FEATURE_ACTIVE(FMA) || !CPU_FEATURE_ACTIVE(LZCNT) ||
	    !CPU_FEATURE_ACTIVE(MOVBE))
		return MR_CPU_BASE;
	/* not that macro for VL: it would shift 1 into the sign */
	if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
	    !__builtin_cpu_supports("avx512cd") || !__builtin_cpu_supports("avx512dq") ||
	    !__builtin_cpu_supports("avx512vl"))
		return MR_CPU_V3;
	return MR_CPU_V4;
#else
	return MR_CPU_BASE;
#endif
}

enum mr_cpu_level mr_cpu_level(void)
{
	enum mr_cpu_level level = __atomic_load_n(&current, __ATOMIC_RELAXED);

	if (__builtin_expect(level == UNKNOWN, 0)) {
		level = detect();
		__atomic_store_n(&current, level, __ATOMIC_RELAXED);
	}
	return level;
}

void mr_cpu_limit(enum mr_cpu_level highest)
{
	enum mr_cpu_level level = detect();

	__atomic_store_n(&current, level < highest ? level : highest, __ATOMIC_RELAXED);
}

const char *mr_cpu_level_name(enum mr_cpu_level level)
{
	static const char *const names[] = { "baseline", "x86-64-v3", "x86-64-v4" };

	_Static_assert(sizeof(names) / sizeof(names[0]) == MR_CPU_MAX, "a name for each level");
	return level < MR_CPU_MAX ? names[level] : "unknown";
}
