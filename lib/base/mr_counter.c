/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mr_counter.h"

const struct mr_counter_info mr_counter_info[MR_C_MAX] = {
#define X(id, class_name, counter_key, counter_help)                                                                   \
	[MR_C_##id] = { .key = counter_key, .help = counter_help, .class_ = MR_COUNTER_##class_name },
	MR_COUNTERS(X)
#undef X
};

void mr_counters_sum(uint64_t sum[MR_C_MAX], const struct mr_counters *block)
{
	for (int i = 0; i < MR_C_MAX; i++)
		sum[i] += mr_counter_get(block, (enum mr_counter)i);
}

struct mr_account mr_account_make(const uint64_t sum[MR_C_MAX], uint64_t in_table)
{
	uint64_t by_class[MR_COUNTER_CLASS_MAX] = { 0 };
	struct mr_account a;

	for (int i = 0; i < MR_C_MAX; i++)
		by_class[mr_counter_info[i].class_] += sum[i];
	a = (struct mr_account){
		.received = by_class[MR_COUNTER_RECEIVED],
		.metered = by_class[MR_COUNTER_METERED],
		.not_metered = by_class[MR_COUNTER_NOT_METERED],
		.exported = by_class[MR_COUNTER_EXPORTED],
		.in_table = in_table,
		.not_sent = by_class[MR_COUNTER_NOT_SENT],
		.lost = by_class[MR_COUNTER_LOSS],
	};
	a.closes = a.received == a.metered + a.not_metered && a.metered == a.exported + a.in_table + a.not_sent;
	return a;
}
