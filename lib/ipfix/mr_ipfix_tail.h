/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ipfix/mr_ipfix_detail.h"
#include "ipfix/mr_ipfix_layout.h"
#include "l7/mr_l7_values.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Profile full, records with details (struct mr_flow_detail): the template is one of the layouts and a tail.
 * Which tail depends on what the detail holds. Each tail begins with fixed fields, those of variable length
 * end it.
 */

/** Families of application protocols whose fields stand in a template together. */
enum mr_ipfix_family {
	MR_IPFIX_F_HTTP,
	MR_IPFIX_F_DNS,
	MR_IPFIX_F_TLS,
	MR_IPFIX_F_QUIC,
	MR_IPFIX_F_SSH,
	MR_IPFIX_F_SMTP,
	MR_IPFIX_F_FTP,
	MR_IPFIX_F_SMB,
	MR_IPFIX_F_RDP,
	MR_IPFIX_F_DHCP,
	MR_IPFIX_F_NTP,
	MR_IPFIX_F_SNMP,
	MR_IPFIX_F_SIP,
	MR_IPFIX_F_MQTT,
	MR_IPFIX_F_MODBUS,
	MR_IPFIX_F_MAX
};

/*
 * X(ID, transport, families): the number of a row is part of template ids. The row is taken that has most of
 * the families found in a flow, of several the first.
 */
/* clang-format off */
#define MR_IPFIX_TAIL_ROWS(X) \
	X(TCP,       TCP,   0) \
	X(OTHER,     OTHER, 0) \
	X(HTTP,      TCP,   1u << MR_IPFIX_F_HTTP) \
	X(TLS,       TCP,   1u << MR_IPFIX_F_TLS) \
	X(HTTP_TLS,  TCP,   1u << MR_IPFIX_F_HTTP | 1u << MR_IPFIX_F_TLS) \
	X(DNS_TCP,   TCP,   1u << MR_IPFIX_F_DNS) \
	X(DNS,       OTHER, 1u << MR_IPFIX_F_DNS) \
	X(QUIC,      OTHER, 1u << MR_IPFIX_F_QUIC | 1u << MR_IPFIX_F_TLS) \
	X(SSH,       TCP,   1u << MR_IPFIX_F_SSH) \
	X(SMTP,      TCP,   1u << MR_IPFIX_F_SMTP | 1u << MR_IPFIX_F_TLS) \
	X(FTP,       TCP,   1u << MR_IPFIX_F_FTP | 1u << MR_IPFIX_F_TLS) \
	X(SMB,       TCP,   1u << MR_IPFIX_F_SMB) \
	X(RDP,       TCP,   1u << MR_IPFIX_F_RDP | 1u << MR_IPFIX_F_TLS) \
	X(DHCP,      OTHER, 1u << MR_IPFIX_F_DHCP) \
	X(NTP,       OTHER, 1u << MR_IPFIX_F_NTP) \
	X(SNMP,      OTHER, 1u << MR_IPFIX_F_SNMP) \
	X(SIP_TCP,   TCP,   1u << MR_IPFIX_F_SIP) \
	X(SIP,       OTHER, 1u << MR_IPFIX_F_SIP) \
	X(MQTT,      TCP,   1u << MR_IPFIX_F_MQTT) \
	X(MODBUS,    TCP,   1u << MR_IPFIX_F_MODBUS)
/* clang-format on */

enum mr_ipfix_tail_row {
#define X(ID, transport, families) MR_IPFIX_ROW_##ID,
	MR_IPFIX_TAIL_ROWS(X)
#undef X
		MR_IPFIX_ROW_MAX
};

/** Tail 2 * row is for flows outside of tunnels, the next one for flows within. */
#define MR_IPFIX_TAILS	   (2 * MR_IPFIX_ROW_MAX)
#define MR_IPFIX_TAIL_NONE 0xff

/** One template a slot: the layouts alone, then each with tail 0, each with tail 1 ... */
#define MR_IPFIX_SLOTS (MR_IPFIX_LAYOUTS_MAX * (1 + MR_IPFIX_TAILS))

static inline unsigned mr_ipfix_slot(unsigned layout, unsigned tail)
{
	return layout + MR_IPFIX_LAYOUTS_MAX * (1 + tail);
}

/** The template id of a slot. @param layouts  of the profile */
static inline uint16_t mr_ipfix_slot_id(const struct mr_ipfix_layout *layouts, uint8_t generation,
					unsigned slot)
{
	if (slot < MR_IPFIX_LAYOUTS_MAX)
		return layouts[slot].id;
	return (uint16_t)(mr_ipfix_id_base(generation) + MR_IPFIX_ID_TAILS + slot - MR_IPFIX_LAYOUTS_MAX);
}

#define MR_IPFIX_TAIL_FIELDS_MAX 96
#define MR_IPFIX_SOURCE_L7	 MR_IPFIX_D_MAX /* sources from here on: this + enum mr_l7_field */

struct mr_ipfix_tail {
	const char *name;
	uint16_t n;
	uint16_t n_fixed;   /* these come first */
	uint16_t fixed_len; /* octets of them */
	uint16_t n_l7;	    /* fields of application protocols */
	struct mr_ipfix_field field[MR_IPFIX_TAIL_FIELDS_MAX];
	uint16_t source[MR_IPFIX_TAIL_FIELDS_MAX]; /* enum mr_ipfix_detail, or MR_IPFIX_SOURCE_L7 + field */
};

struct mr_ipfix_tails {
	uint8_t family[MR_L7_FIELD_MAX]; /* of each field, enum mr_ipfix_family */
	uint8_t instead[MR_IPFIX_TAILS]; /* the tail itself, or what is used where it doesn't fit a message */
	struct mr_ipfix_tail tail[MR_IPFIX_TAILS];
};

/** The tail of a slot; NULL: it has none. */
static inline const struct mr_ipfix_tail *mr_ipfix_slot_tail(const struct mr_ipfix_tails *tails,
							     unsigned slot)
{
	return slot < MR_IPFIX_LAYOUTS_MAX ? NULL : &tails->tail[slot / MR_IPFIX_LAYOUTS_MAX - 1];
}

/** @param layouts  of profile full  @param msg_max  octets of a message: tails that don't fit are not used */
void mr_ipfix_tails_make(struct mr_ipfix_tails *ret, const struct mr_ipfix_layout *layouts, uint32_t msg_max);

/** Octets of the template record: a layout with a tail (NULL: without). */
unsigned mr_ipfix_template_len(const struct mr_ipfix_layout *layout, const struct mr_ipfix_tail *tail);

/** What a detail holds, looked through once. */
struct mr_ipfix_found {
	const struct mr_flow_detail *detail;
	uint32_t families; /* bit per enum mr_ipfix_family */
	struct mr_l7_set has;
	struct {
		uint32_t chunk; /* where the first value of a field is: a reader's place */
		uint16_t at;
		uint16_t len; /* octets as exported */
	} first[MR_L7_FIELD_MAX];
	uint16_t path_len;
	char path[MR_IPFIX_TUNNEL_PATH_MAX];
};

void mr_ipfix_found_make(struct mr_ipfix_found *ret, const struct mr_ipfix_tails *tails,
			 const struct mr_flow_rec *rec, unsigned dir);

/** Which tail says most of it; MR_IPFIX_TAIL_NONE when none fits a message. */
unsigned mr_ipfix_tail_choose(const struct mr_ipfix_tails *tails, const struct mr_flow_rec *rec,
			      const struct mr_ipfix_found *found);

/**
 * The octets that the tail may take up at most, and how long its values may be so that these are enough.
 * @param room  octets there are in a message
 */
unsigned mr_ipfix_tail_plan(const struct mr_ipfix_tail *tail, const struct mr_ipfix_found *found,
			    unsigned room, uint16_t *ret_value_max);

/** Write the tail. Returns the octet behind it. */
uint8_t *mr_ipfix_tail_encode(const struct mr_ipfix_tail *tail, const struct mr_ipfix_found *found,
			      unsigned dir, uint16_t value_max, uint8_t *p);

#ifdef __cplusplus
}
#endif
