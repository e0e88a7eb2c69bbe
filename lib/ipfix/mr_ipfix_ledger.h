/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "ipfix/mr_ipfix_exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * What becomes of each flow record that is under way: an entry lives from put() until every collector has
 * decided on it. Entries are few: as many as records fit into all message buffers.
 */

struct mr_ipfix_entry {
	uint64_t packets;
	uint32_t holds; /* decisions to come */
	bool taken;	/* one of them was yes */
};

struct mr_ipfix_ledger {
	struct mr_ipfix_entry *entries;
	uint32_t *free; /* indices of unused entries */
	uint32_t n_free;
	struct mr_ipfix_totals totals;
};

/** A new entry with one hold, the caller's. */
static inline uint32_t mr_ipfix_ledger_add(struct mr_ipfix_ledger *l, uint64_t packets)
{
	uint32_t i;

	assert(l->n_free > 0);
	i = l->free[--l->n_free];
	l->entries[i] = (struct mr_ipfix_entry){ .packets = packets, .holds = 1 };
	l->totals.pending_flows++;
	l->totals.pending_packets += packets;
	return i;
}

static inline void mr_ipfix_ledger_hold(struct mr_ipfix_ledger *l, uint32_t i)
{
	l->entries[i].holds++;
}

/** Give back a hold with its decision; the last one moves the record into its total. */
static inline void mr_ipfix_ledger_settle(struct mr_ipfix_ledger *l, uint32_t i, bool taken)
{
	struct mr_ipfix_entry *e = &l->entries[i];

	e->taken |= taken;
	if (--e->holds != 0)
		return;
	l->totals.pending_flows--;
	l->totals.pending_packets -= e->packets;
	if (e->taken) {
		l->totals.exported_flows++;
		l->totals.exported_packets += e->packets;
	} else {
		l->totals.refused_flows++;
		l->totals.refused_packets += e->packets;
	}
	l->free[l->n_free++] = i;
}

#ifdef __cplusplus
}
#endif
