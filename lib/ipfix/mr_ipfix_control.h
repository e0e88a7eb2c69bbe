/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/mr_buf.h"
#include "ipfix/mr_ipfix_exporter.h"
#include "ipfix/mr_ipfix_layout.h"
#include "ipfix/mr_ipfix_tail.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Messages that aren't flows: templates, options templates and options data, split at the message limit.
 * Each options template has a set of its own: some collectors read only the first one of a set.
 */

#define MR_IPFIX_VERSION	10
#define MR_IPFIX_HEADER_LEN	16
#define MR_IPFIX_SET_HEADER_LEN 4
#define MR_IPFIX_SET_TEMPLATES	2
#define MR_IPFIX_SET_OPTIONS	3

/** Template id of an options template: MR_IPFIX_ID_OPTIONS and this behind the generation's base. */
enum mr_ipfix_option_id {
	MR_IPFIX_O_SAMPLING,		  /* 320 */
	MR_IPFIX_O_METERING,		  /* 321 */
	MR_IPFIX_O_METERING_RELIABILITY,  /* 322 */
	MR_IPFIX_O_EXPORTING_RELIABILITY, /* 323 */
	MR_IPFIX_O_FLOW_KEYS,		  /* 324, profile full */
	MR_IPFIX_O_IE_TYPES,		  /* 325, profile full: our own elements (RFC 5610) */
	MR_IPFIX_O_APPLICATIONS,	  /* 327, profile full (RFC 6759) */
	MR_IPFIX_O_INTERFACES,		  /* 328, profile full */
	MR_IPFIX_O_MAX
};

#define MR_IPFIX_OPTION_FIELDS_MAX    6
#define MR_IPFIX_INTERFACE_NAME_LEN   16
#define MR_IPFIX_APPLICATION_NAME_LEN 24
#define MR_IPFIX_APPLICATION_TEXT_LEN 48

struct mr_ipfix_option {
	uint8_t offset; /* of the template id behind base + MR_IPFIX_ID_OPTIONS */
	uint8_t scopes; /* the first fields are scope */
	uint8_t n;
	struct mr_ipfix_field field[MR_IPFIX_OPTION_FIELDS_MAX];
};

extern const struct mr_ipfix_option mr_ipfix_options[MR_IPFIX_O_MAX];

/** Fill in the header of a whole message. */
void mr_ipfix_header_put(uint8_t *msg, size_t len, uint64_t now_ns, uint32_t sequence, uint32_t odid);

/** End the set that starts at @p set_off: pad to 4 octets with zeros, write its length. Returns the new
 * length. */
size_t mr_ipfix_set_end(uint8_t *msg, size_t set_off, size_t len);

/** Takes a message but for its header; false when it couldn't be sent. */
typedef bool mr_ipfix_emit_fn(void *ctx, uint8_t *msg, size_t len, uint32_t records);

struct mr_ipfix_control {
	struct mr_wbuf w; /* the message being built, room for its header first */
	size_t set_off;	  /* of the open set, 0: none */
	uint16_t set_id;
	uint32_t records; /* data records in the message */
	bool failed;	  /* a message wasn't taken; the rest is not built */
	mr_ipfix_emit_fn *emit;
	void *ctx;
};

/** @param buf  room for one message of @p cap octets, a multiple of 4; borrowed */
void mr_ipfix_control_init(struct mr_ipfix_control *c, uint8_t *buf, size_t cap, mr_ipfix_emit_fn *emit,
			   void *ctx);

/** Emit what is there. False when any message since init wasn't taken. */
bool mr_ipfix_control_end(struct mr_ipfix_control *c);

/** Is a template with a tail needed? */
enum mr_ipfix_use {
	MR_IPFIX_UNUSED,
	MR_IPFIX_NEW, /* and not announced yet on this connection */
	MR_IPFIX_ANNOUNCED,
};

/** All that describes records: who exports and in which layouts. */
struct mr_ipfix_description {
	uint32_t odid;
	uint8_t generation;
	bool full; /* profile full: options of its own */
	const struct mr_ipfix_layout *layouts;
	unsigned n_layouts;
	const struct mr_ipfix_tails *tails; /* NULL: no slot is in use */
	const uint8_t *use;		    /* enum mr_ipfix_use by slot, of those with a tail */
	const char *const *interfaces;	    /* names by index */
	unsigned n_interfaces;
};

void mr_ipfix_control_templates(struct mr_ipfix_control *c, const struct mr_ipfix_description *d);

/** Options data that doesn't change: sampling, flow keys, our elements, applications, interfaces. */
void mr_ipfix_control_constants(struct mr_ipfix_control *c, const struct mr_ipfix_description *d);

/** The templates of slots that are MR_IPFIX_NEW. */
void mr_ipfix_control_news(struct mr_ipfix_control *c, const struct mr_ipfix_description *d);

/** Flow keys of the templates of these slots. */
void mr_ipfix_control_news_keys(struct mr_ipfix_control *c, const struct mr_ipfix_description *d);

/** RFC 7011 sections 4.1 to 4.3. Times in ns UTC. */
struct mr_ipfix_statistics {
	uint64_t messages, records, octets; /* exported to this collector */
	uint64_t ignored_packets, ignored_octets, ignored_first_ns, ignored_last_ns;
	uint64_t not_sent_flows, not_sent_packets, not_sent_octets, not_sent_first_ns, not_sent_last_ns;
};

void mr_ipfix_control_statistics(struct mr_ipfix_control *c, const struct mr_ipfix_description *d,
				 const struct mr_ipfix_statistics *s);

#ifdef __cplusplus
}
#endif
