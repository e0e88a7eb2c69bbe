/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "drivers/replay/mr_capture.h"

#define MR_CAPTURE_IFACES_MAX 4096 /* interfaces of one pcapng section */

#define MR_CAPTURE_TIME_MAX_NS ((uint64_t)INT64_MAX) /* later times are taken as this: no sum of two wraps */

/** What packets of one interface have in common. A pcap file is one interface. */
struct mr_capture_iface {
	uint64_t mul;  /* ticks to ns: ticks * mul >> shift, / div */
	uint64_t div;
	int64_t offset_s; /* added to times */
	uint32_t snaplen; /* octets, 0: no limit */
	uint16_t linktype;
	uint8_t link; /* enum mr_link */
	uint8_t shift;
	uint8_t fcs_len; /* octets at the end of each frame, not to be counted */
};

/** One file, unpacked: format, position, and how it ended. */
struct mr_capture_file {
	uint32_t (*read)(struct mr_capture_file *f, struct mr_capture_packet *pkts, uint32_t count);
	const uint8_t *data;
	size_t len;
	size_t pos; /* next record, <= len */
	bool swapped; /* the file's (pcapng: section's) byte order isn't this machine's */
	uint8_t record_len; /* pcap: octets of a record's header */
	uint64_t last_ns; /* time of the last packet */
	struct mr_capture_iface iface; /* pcap */
	struct mr_capture_iface *ifaces; /* pcapng: of the current section, MR_CAPTURE_IFACES_MAX of them */
	uint32_t iface_count;
	struct mr_capture_status status;
	/* when the compressed form was damaged: how the file really ends */
	enum mr_capture_end packed_end;
	void *map; /* to unmap at close, or NULL */
	size_t map_len;
	size_t ahead; /* a plain file's octets that are in the page table so far; others: len */
	char *path;
};

static inline uint16_t mr_capture_u16(const struct mr_capture_file *f, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return f->swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t mr_capture_u32(const struct mr_capture_file *f, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return f->swapped ? __builtin_bswap32(v) : v;
}

/** Fill in the packet's lengths: without FCS, and none that the file cannot mean. */
static inline void mr_capture_set_lengths(struct mr_capture_packet *pkt, uint32_t cap, uint32_t wire, uint8_t fcs_len)
{
	/* absurd lengths on the wire come from damaged or fuzzed files; octet counters shall not follow them */
	if (wire < cap || wire > MR_CAPTURE_PACKET_MAX)
		wire = cap;
	if (__builtin_expect(fcs_len != 0, 0)) {
		wire -= wire < fcs_len ? wire : fcs_len;
		cap = cap < wire ? cap : wire;
	}
	pkt->cap_len = cap;
	pkt->wire_len = wire;
}

/** End the file at its position. */
void mr_capture_end_at(struct mr_capture_file *f, enum mr_capture_end end, const char *why);

/** LINKTYPE_* to enum mr_link. */
uint8_t mr_capture_link(uint16_t linktype);

/* A format looks at the first octets: 0 and f->read set when it is its own, -EPROTONOSUPPORT when not (err
 * untouched), another error with a line when it is but cannot be read. */
int mr_capture_pcap_probe(struct mr_capture_file *f, struct mr_err *err);
int mr_capture_pcapng_probe(struct mr_capture_file *f, struct mr_err *err);

/**
 * Replace f->data by its unpacked form (f->map) when it is gzip or zstd; otherwise leave all as it is.
 * A stream that is cut or damaged gives what came before, and f->packed_end says so.
 * @param max  octets that it may unpack to
 * Errors: -EFBIG past @p max, -ENOMEM, with a line.
 */
int mr_capture_unpack(struct mr_capture_file *f, uint64_t max, struct mr_err *err);
