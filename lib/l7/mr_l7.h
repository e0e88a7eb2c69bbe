/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l7/mr_l7_fields.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Application protocols: one file and one row of mr_l7_all[] each. A parser is a pure function of its state and
 * the octets that it gets: it knows neither packets nor flows nor memory pools, and says what it finds through
 * mr_l7_put(). No DPDK. Thread: any; a state is used by one thread at a time. Nothing here allocates, except what
 * an ops row names in its `close`.
 *
 * Octets come in order and contiguous. Over TCP a parser may leave the tail of what it got for later by saying
 * how much it used: it then gets the same tail again with more behind it, up to MR_L7_WINDOW octets. So a parser
 * waits until a header, line or message is whole and then reads it in one piece.
 */

/** A TCP parser that still wants more with this much unused before it, gets no more: mr_l7_parse() ends. */
#define MR_L7_WINDOW 16384u

/** Transports of a protocol. */
enum {
	MR_L7_TCP = 1 << 0,
	MR_L7_UDP = 1 << 1,
};

/** What a parser gets at once: the new octets of one direction, or one datagram. */
struct mr_l7_input {
	const uint8_t *data; /* borrowed for the call */
	uint32_t len;
	uint8_t dir; /* 0: sent by the initiator */
	bool gap; /* octets are missing before data (lost or not captured); a parser finds its feet again or ends */
	bool end; /* this direction ends behind data */
	uint8_t transport; /* MR_L7_TCP or MR_L7_UDP */
	uint16_t port[2]; /* of the initiator, of the responder; a hint at most */
	uint64_t time_ns; /* UTC, of the packet that brought the last octet */
};

/** What a protocol thinks of the first octets of a direction. */
enum mr_l7_probe {
	MR_L7_NO,    /* certainly not */
	MR_L7_MAYBE, /* fits so far: ask again with more octets, or with the other direction's */
	MR_L7_YES,
};

/** What a parser wants next. */
enum mr_l7_want {
	MR_L7_MORE,
	MR_L7_DONE,  /* all that is of use has been seen: the rest of the flow needs no inspection */
	/* what is not used, in both directions, belongs to another protocol (CONNECT, Upgrade, STARTTLS): ask anew */
	MR_L7_NEXT,
	MR_L7_BROKEN /* not to be read any further: malformed, encrypted from here on without the parser knowing, or lost */
};

/** A set of fields. */
struct mr_l7_set {
	uint64_t word[(MR_L7_FIELD_MAX + 63) / 64];
};

static inline void mr_l7_set_add(struct mr_l7_set *set, enum mr_l7_field field)
{
	set->word[field / 64] |= 1ull << field % 64;
}

/**
 * Takes what parsers find. @p data is borrowed for the call. A value may come in parts (file data, long bodies):
 * then all but the last have @p more set.
 */
struct mr_l7_sink {
	void (*value)(struct mr_l7_sink *sink, enum mr_l7_field field, const void *data, size_t len, bool more);
	/** A request with its answer has ended: what comes next belongs to another one. May be NULL. */
	void (*end_of_transaction)(struct mr_l7_sink *sink);
	/** Fields with MR_L7_HIDDEN that are of use here: a parser does no work for others. NULL: none. */
	const struct mr_l7_set *hidden;
};

/** Is this hidden field of use to the sink? */
static inline bool mr_l7_wanted(const struct mr_l7_sink *sink, enum mr_l7_field field)
{
	return sink->hidden != NULL && (sink->hidden->word[field / 64] >> field % 64 & 1) != 0;
}

/** A value that is text or octets, as it was sent: not cut, not checked for UTF-8, that is for the outputs. */
static inline void mr_l7_put(struct mr_l7_sink *sink, enum mr_l7_field field, const void *data, size_t len)
{
	sink->value(sink, field, data, len, false);
}

/** A value of a numeric field: 8 octets in host order, whatever the width of its element. */
static inline void mr_l7_put_number(struct mr_l7_sink *sink, enum mr_l7_field field, uint64_t number)
{
	sink->value(sink, field, &number, sizeof(number), false);
}

static inline void mr_l7_end_transaction(struct mr_l7_sink *sink)
{
	if (sink->end_of_transaction != NULL)
		sink->end_of_transaction(sink);
}

struct mr_l7_ops {
	const char *name; /* applicationName(96): lower case, as Wireshark calls it where it has a name */
	const char *description; /* applicationDescription(94): at most 48 octets */
	uint32_t selector; /* of applicationId(95): engine 6 of RFC 6759, 24 bits; never used for another protocol */
	uint8_t transports; /* MR_L7_TCP | MR_L7_UDP */
	uint32_t state_size; /* octets per flow while it is inspected; zeroed before the first parse */
	/**
	 * Does the content look like this protocol? By content alone; ports only to choose between two that look
	 * alike. Called with the first octets of either direction, whichever came first (a capture may start in the
	 * middle): no state, bounded by a few dozen octets.
	 */
	enum mr_l7_probe (*probe)(const struct mr_l7_input *in);
	/**
	 * @param ret_used  octets of in->data that needn't be shown again, <= in->len; ignored for datagrams
	 * The work is linear in in->len, whatever the octets.
	 */
	enum mr_l7_want (*parse)(void *state, const struct mr_l7_input *in, struct mr_l7_sink *sink,
				 uint32_t *ret_used);
	/** The flow is over or inspection ends: free what the state owns, tell what is known so far. May be NULL. */
	void (*close)(void *state, struct mr_l7_sink *sink);
};

/** All protocols, ended by NULL, in the order in which they are asked: the stricter probe first. */
extern const struct mr_l7_ops *const mr_l7_all[];

#ifdef __cplusplus
}
#endif
