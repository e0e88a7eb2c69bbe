/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <string.h>

#include "flow/mr_flow_details.h"

void mr_flow_details_init(struct mr_flow_details *d, struct mr_flow_detail *memory, uint32_t max)
{
	memset(d, 0, sizeof(*d));
	d->memory = memory;
	d->max = max;
}

/* The worker takes all that was given back at once, so a head never comes back while somebody compares it. */
struct mr_flow_detail *mr_flow_details_get(struct mr_flow_details *d)
{
	struct mr_flow_detail *detail;

	if (d->unused == NULL)
		d->unused = __atomic_exchange_n(&d->returned, NULL, __ATOMIC_ACQUIRE);
	detail = d->unused;
	if (detail != NULL)
		d->unused = detail->next;
	else if (d->fresh < d->max)
		detail = &d->memory[d->fresh++];
	else
		return NULL;
	__atomic_store_n(&d->taken, d->taken + 1, __ATOMIC_RELAXED);
	memset(detail, 0, sizeof(*detail));
	detail->home = d;
	return detail;
}

uint64_t mr_flow_details_used(const struct mr_flow_details *d)
{
	uint64_t given_back = __atomic_load_n(&d->given_back, __ATOMIC_RELAXED);

	return __atomic_load_n(&d->taken, __ATOMIC_RELAXED) - given_back;
}

void mr_flow_detail_give_back(struct mr_flow_detail *detail)
{
	struct mr_flow_details *home;
	struct mr_flow_detail *head;

	if (detail == NULL)
		return;
	home = detail->home;
	if (detail->values != 0)
		mr_l7_chunks_give_back(detail->chunks, detail->values);
	head = __atomic_load_n(&home->returned, __ATOMIC_RELAXED);
	do
		detail->next = head;
	while (!__atomic_compare_exchange_n(&home->returned, &head, detail, false, __ATOMIC_RELEASE,
					    __ATOMIC_RELAXED));
	__atomic_fetch_add(&home->given_back, 1, __ATOMIC_RELAXED);
}
