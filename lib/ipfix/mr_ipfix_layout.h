/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "flow/mr_flow_rec.h"
#include "ipfix/mr_ipfix_exporter.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Data templates of the export profiles, and how a flow record becomes a data record of one. A layout is one
 * template compiled into steps {where in struct mr_flow_rec, how to write it}. IPFIX and JSON both use it.
 */

/** A field specifier of a template as on the wire (RFC 7011 section 3.2). */
struct mr_ipfix_field {
	uint32_t pen; /* 0: IANA */
	uint16_t id;
	uint16_t len; /* octets, MR_IPFIX_VARLEN: variable */
};

#define MR_IPFIX_VARLEN 65535

/** Families of a record: each has its own key fields. The numbers are offsets of template ids. */
enum mr_ipfix_head {
	MR_IPFIX_HEAD_V4,
	MR_IPFIX_HEAD_V6,
	MR_IPFIX_HEAD_ICMP4,
	MR_IPFIX_HEAD_ICMP6,
	MR_IPFIX_HEAD_MAX
};

/** Template ids of a generation: 256 + 512 * generation + one of these. */
enum mr_ipfix_id {
	MR_IPFIX_ID_UNIFLOW = 0, /* compat; biflow with one side unseen */
	MR_IPFIX_ID_BIFLOW = 4,
	MR_IPFIX_ID_FULL = 8,
	MR_IPFIX_ID_FULL_UNIFLOW = 12, /* full with one side unseen */
	MR_IPFIX_ID_OPTIONS = 64,
	MR_IPFIX_ID_TAILS = 128, /* full with details: + 8 * tail + layout, see mr_ipfix_tail.h */
};

static inline uint16_t mr_ipfix_id_base(uint8_t generation)
{
	return (uint16_t)(256 + 512 * generation);
}

/** When a field says nothing about a record, JSON leaves it out; a template can't. */
enum mr_ipfix_field_flags {
	MR_IPFIX_F_KEY = 1 << 0,	/* flow key, for flowKeyIndicator(173) */
	MR_IPFIX_F_REVERSIBLE = 1 << 1, /* metered per direction */
	MR_IPFIX_F_NOT_JSON = 1 << 2,	/* another field says the same with more precision */
	MR_IPFIX_F_TCP = 1 << 3,	/* means something for TCP only */
	MR_IPFIX_F_NONZERO = 1 << 4,	/* 0 stands for "none" */
};

#define MR_IPFIX_LAYOUT_FIELDS_MAX 48

struct mr_ipfix_step {
	uint16_t off; /* in struct mr_flow_rec */
	uint8_t op;
};

struct mr_ipfix_layout {
	uint16_t id;   /* template id */
	uint16_t n;    /* fields */
	uint16_t len;  /* octets of a data record: all fields have fixed lengths */
	uint64_t keys; /* flowKeyIndicator(173): bit i for field i */
	struct mr_ipfix_field field[MR_IPFIX_LAYOUT_FIELDS_MAX];
	uint8_t flags[MR_IPFIX_LAYOUT_FIELDS_MAX]; /* MR_IPFIX_F_* */
	struct mr_ipfix_step
		step[2][MR_IPFIX_LAYOUT_FIELDS_MAX]; /* by the direction that is written as forward */
};

/** Layouts of a profile: uniflow ones first, then those for flows seen in both directions. */
#define MR_IPFIX_LAYOUTS_MAX 8

/** Fill @p ret for @p profile; returns how many. */
unsigned mr_ipfix_layouts_make(enum mr_ipfix_profile profile, uint8_t generation,
			       struct mr_ipfix_layout ret[MR_IPFIX_LAYOUTS_MAX]);

/** One data record to write: which layout, and which direction of the flow record is its forward one. */
struct mr_ipfix_part {
	uint8_t layout;
	uint8_t dir;
};

/**
 * The data records that a flow record becomes: one, or in profile compat two for a flow seen in both
 * directions. A record whose initiator was silent (the later part of a long flow) is written from the
 * responder's view.
 */
unsigned mr_ipfix_split(enum mr_ipfix_profile profile, const struct mr_flow_rec *rec,
			struct mr_ipfix_part ret[2]);

/** Write one data record, layout->len octets. Returns the octet behind it. */
uint8_t *mr_ipfix_encode(const struct mr_ipfix_layout *layout, unsigned dir, const struct mr_flow_rec *rec,
			 uint64_t observation_point, uint8_t *p);

#ifdef __cplusplus
}
#endif
