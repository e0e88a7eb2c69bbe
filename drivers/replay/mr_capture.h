/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/mr_err.h"
#include "packet/mr_packet.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Reader of capture files: pcap (µs, ns, "modified"; both byte orders) and pcapng, plain, gzip or zstd, told
 * apart by their magic numbers. Plain files are mapped, compressed ones unpacked to memory, so that packets are
 * borrowed and never copied. Several files are read one after the other as one source. No DPDK.
 *
 * Nothing in a file is trusted: a record that contradicts itself ends its file, with a status that says where.
 */

#define MR_CAPTURE_PACKET_MAX   (256u << 20) /* octets of one packet or block; more is taken for damage */
#define MR_CAPTURE_UNPACKED_MAX (8ull << 30) /* octets that all compressed files of a source may unpack to */

struct mr_capture;

struct mr_capture_packet {
	const uint8_t *data; /* borrowed until mr_capture_close() */
	uint64_t time_ns;    /* UTC; a packet without time (pcapng simple packet) has that of the one before */
	uint32_t cap_len;    /* octets at data */
	uint32_t wire_len;   /* octets on the wire, >= cap_len; FCS not included where the file tells of one */
	uint16_t linktype;   /* LINKTYPE_* as in the file, for messages */
	uint8_t link;	     /* enum mr_link */
};

enum mr_capture_end {
	MR_CAPTURE_OPEN,      /* not at its end yet */
	MR_CAPTURE_WHOLE,     /* ended behind a whole record */
	MR_CAPTURE_TRUNCATED, /* cut in the middle of a record: still being written, disk full, broken transfer */
	MR_CAPTURE_CORRUPT,   /* a record contradicts itself; there is no way to find the next one */
	MR_CAPTURE_END_MAX
};

struct mr_capture_status {
	enum mr_capture_end end;
	uint64_t offset;  /* of the bad record in the file, unpacked; MR_CAPTURE_WHOLE: the file's length */
	uint64_t packets; /* read from this file */
	const char *why;  /* what is wrong, for a message; "" unless truncated or corrupt */
};

/**
 * Open all of @p paths; none stays open when one fails.
 * Errors: -errno with a line in @p err (missing, directory, empty, not a capture, unpacks to too much).
 * Thread: any; the reader belongs to one thread at a time.
 */
int mr_capture_open(const char *const *paths, size_t count, struct mr_capture **ret_capture, struct mr_err *err);

/** The same over the @p len octets at @p data, borrowed until close. @p name is for messages. */
int mr_capture_open_memory(const char *name, const void *data, size_t len, struct mr_capture **ret_capture,
			   struct mr_err *err);

/**
 * Packets will be looked at soon after they were read and not again: the memory in use then does not grow with the
 * files. An older packet stays valid, only slower to reach. For plain files; the reader's thread.
 */
void mr_capture_set_once(struct mr_capture *c);

/** The next packets, up to @p count; 0 at the end of the last file. */
uint32_t mr_capture_read(struct mr_capture *c, struct mr_capture_packet *pkts, uint32_t count);

/** How file number @p file ended. */
struct mr_capture_status mr_capture_get_status(const struct mr_capture *c, size_t file);

/** Files so far that ended truncated or corrupt. Any thread. */
uint64_t mr_capture_damaged(const struct mr_capture *c);

/**
 * 0 when no file read so far was damaged, else -EBADMSG with a line on the first one and the number of others.
 * Any thread.
 */
int mr_capture_verdict(const struct mr_capture *c, struct mr_err *err);

/** Unmap and free; NULL is fine. Packets read are gone. */
void mr_capture_close(struct mr_capture *c);

#ifdef __cplusplus
}
#endif
