/* SPDX-License-Identifier: Apache-2.0 */
/* Opening captures, and reading several as one. */
#include "drivers/replay/mr_capture_priv.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Measured: less costs more calls, more gains nothing. */
#define CAPTURE_STEP (1u << 20)

struct mr_capture {
	size_t count;
	bool once; /* packets are not looked at again */
	size_t current; /* file being read, count at the end */
	uint64_t damaged; /* files; written by the reader, read by anyone */
	uint64_t unpacked; /* octets of memory that compressed files took */
	struct mr_capture_file files[];
};

/* ---- link types ---- */

static const struct {
	uint16_t linktype;
	uint8_t link;
} capture_links[] = {
	{ 0, MR_LINK_NULL },	     { 1, MR_LINK_ETHERNET }, { 9, MR_LINK_PPP },
	{ 12, MR_LINK_RAW }, /* DLT_RAW of most systems, written to files by mistake */
	{ 14, MR_LINK_RAW }, /* DLT_RAW of OpenBSD, the same */
	{ 50, MR_LINK_PPP },	     { 101, MR_LINK_RAW },    { 104, MR_LINK_CHDLC },
	{ 105, MR_LINK_IEEE802_11 }, { 107, MR_LINK_FRELAY }, { 108, MR_LINK_NULL },
	{ 113, MR_LINK_SLL },	     { 127, MR_LINK_RADIOTAP }, { 228, MR_LINK_RAW },
	{ 229, MR_LINK_RAW },	     { 276, MR_LINK_SLL2 },
};

uint8_t mr_capture_link(uint16_t linktype)
{
	for (size_t i = 0; i < sizeof(capture_links) / sizeof(capture_links[0]); i++)
		if (capture_links[i].linktype == linktype)
			return capture_links[i].link;
	return MR_LINK_UNSUPPORTED;
}

/* ---- formats ---- */

/* What people hand to a capture reader by mistake. */
static const struct {
	const char *magic;
	uint8_t len;
	const char *what;
} capture_foreign[] = {
	{ "BZh", 3, "bzip2: unpack it first" },
	{ "\xfd" "7zXZ", 5, "xz: unpack it first" },
	{ "\x04\x22\x4d\x18", 4, "lz4: unpack it first" },
	{ "PK\x03\x04", 4, "a ZIP archive: unpack it first" },
	{ "7z\xbc\xaf", 4, "a 7-Zip archive: unpack it first" },
	{ "snoop\0\0\0", 8, "a snoop capture: convert it with editcap" },
	{ "GMBU", 4, "a Network Monitor capture: convert it with editcap" },
	{ "RTSS", 4, "a Network Monitor capture: convert it with editcap" },
	{ "\x1c\x00\x01\xac", 4, "an Ixia capture: convert it with editcap" },
	{ "\xac\x01\x00\x1c", 4, "an Ixia capture: convert it with editcap" },
	{ "\x7f" "ELF", 4, "a program" },
	{ "\x00\x0a", 2, "perhaps an IPFIX file" },
	{ "{", 1, "perhaps JSON" },
};

static int capture_foreign_error(const struct mr_capture_file *f, struct mr_err *err)
{
	for (size_t i = 0; i < sizeof(capture_foreign) / sizeof(capture_foreign[0]); i++)
		if (f->len >= capture_foreign[i].len &&
		    memcmp(f->data, capture_foreign[i].magic, capture_foreign[i].len) == 0)
			return mr_err_set(err, EPROTONOSUPPORT, "%s: no pcap or pcapng capture, but %s", f->path,
					  capture_foreign[i].what);
	return mr_err_set(err, EPROTONOSUPPORT, "%s: no pcap or pcapng capture (nor gzip or zstd of one)", f->path);
}

/* From mapped octets to a file that can be read. */
static int capture_probe(struct mr_capture_file *f, uint64_t unpacked_max, struct mr_err *err)
{
	int rc;

	if (f->len == 0)
		return mr_err_set(err, ENODATA, "%s: empty file, no capture", f->path);
	rc = mr_capture_unpack(f, unpacked_max, err);
	if (rc != 0)
		return rc;
	if (f->len == 0)
		return mr_err_set(err, ENODATA, "%s: %s, no capture", f->path,
				  f->packed_end == MR_CAPTURE_OPEN ? "unpacks to nothing" : "damaged compressed file");
	rc = mr_capture_pcap_probe(f, err);
	if (rc == -EPROTONOSUPPORT)
		rc = mr_capture_pcapng_probe(f, err);
	return rc == -EPROTONOSUPPORT ? capture_foreign_error(f, err) : rc;
}

/* ---- files ---- */

static int capture_map_fd(struct mr_capture_file *f, int fd, struct mr_err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return mr_err_set(err, errno, "%s: cannot be read: %s", f->path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return mr_err_set(err, EISDIR, "%s: a directory; name the captures in it", f->path);
	if (!S_ISREG(st.st_mode))
		return mr_err_set(err, EINVAL, "%s: no regular file; save it to a file first", f->path);
	if (st.st_size == 0)
		return 0;
	f->map_len = (size_t)st.st_size;
	f->map = mmap(NULL, f->map_len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (f->map == MAP_FAILED) {
		f->map = NULL;
		return mr_err_set(err, errno, "%s: cannot be mapped: %s", f->path, strerror(errno));
	}
	/* advice only */
	madvise(f->map, f->map_len, MADV_SEQUENTIAL);
	f->data = f->map;
	f->len = f->map_len;
	return 0;
}

static int capture_map(struct mr_capture_file *f, struct mr_err *err)
{
	/* a FIFO shall not block the open */
	int fd = open(f->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return mr_err_set(err, errno, "%s: cannot be opened: %s", f->path, strerror(errno));
	rc = capture_map_fd(f, fd, err);
	close(fd);
	return rc;
}

static struct mr_capture *capture_new(size_t count, const char *const *names, struct mr_err *err)
{
	struct mr_capture *c = calloc(1, sizeof(*c) + count * sizeof(c->files[0]));

	if (c == NULL)
		goto fail;
	c->count = count;
	for (size_t i = 0; i < count; i++) {
		c->files[i].status.why = "";
		c->files[i].path = strdup(names[i]);
		if (c->files[i].path == NULL)
			goto fail;
	}
	return c;
fail:
	mr_err_set(err, ENOMEM, "no memory for %zu captures", count);
	mr_capture_close(c);
	return NULL;
}

int mr_capture_open(const char *const *paths, size_t count, struct mr_capture **ret_capture, struct mr_err *err)
{
	struct mr_capture *c = capture_new(count, paths, err);

	if (c == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct mr_capture_file *f = &c->files[i];
		int rc = capture_map(f, err);
		const void *map = f->map;

		if (rc == 0)
			rc = capture_probe(f, MR_CAPTURE_UNPACKED_MAX - c->unpacked, err);
		if (rc != 0) {
			mr_capture_close(c);
			return mr_errno(-rc);
		}
		if (f->map != map)
			c->unpacked += f->len;
	}
	*ret_capture = c;
	return 0;
}

int mr_capture_open_memory(const char *name, const void *data, size_t len, struct mr_capture **ret_capture,
			   struct mr_err *err)
{
	struct mr_capture *c = capture_new(1, &name, err);
	int rc;

	if (c == NULL)
		return -ENOMEM;
	c->files[0].data = data;
	c->files[0].len = len;
	c->files[0].ahead = len;
	rc = capture_probe(&c->files[0], MR_CAPTURE_UNPACKED_MAX, err);
	if (rc != 0) {
		mr_capture_close(c);
		return mr_errno(-rc);
	}
	*ret_capture = c;
	return 0;
}

void mr_capture_close(struct mr_capture *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->count; i++) {
		struct mr_capture_file *f = &c->files[i];

		if (f->map != NULL)
			munmap(f->map, f->map_len);
		free(f->ifaces);
		free(f->path);
	}
	free(c);
}

/* ---- reading ---- */

void mr_capture_end_at(struct mr_capture_file *f, enum mr_capture_end end, const char *why)
{
	/* whatever the unpacked octets look like at their end, it is the compressed file that is damaged */
	if (f->packed_end != MR_CAPTURE_OPEN && end != MR_CAPTURE_CORRUPT) {
		end = f->packed_end;
		why = end == MR_CAPTURE_TRUNCATED ? "in the compressed data" : "damaged compressed data";
	}
	f->status.end = end;
	f->status.offset = f->pos;
	f->status.why = end == MR_CAPTURE_WHOLE ? "" : why;
}

/* Put the next step into the page table at once, which was measured a little cheaper than by page faults, and take out
 * what is behind. Both are advice: what the kernel refuses, or is read again, comes by page faults. */
static void capture_step(const struct mr_capture *c, struct mr_capture_file *f)
{
	uint8_t *next = (uint8_t *)f->map + f->ahead;

	if (c->once && f->ahead >= 2 * CAPTURE_STEP)
		madvise(next - 2 * CAPTURE_STEP, CAPTURE_STEP, MADV_DONTNEED);
	madvise(next, f->len - f->ahead < CAPTURE_STEP ? f->len - f->ahead : CAPTURE_STEP, MADV_POPULATE_READ);
	f->ahead += CAPTURE_STEP;
}

void mr_capture_set_once(struct mr_capture *c)
{
	c->once = true;
}

uint32_t mr_capture_read(struct mr_capture *c, struct mr_capture_packet *pkts, uint32_t count)
{
	uint32_t total = 0;

	while (total < count && c->current < c->count) {
		struct mr_capture_file *f = &c->files[c->current];
		uint32_t n;

		while (f->ahead <= f->pos && f->ahead < f->len)
			capture_step(c, f);
		n = f->read(f, pkts + total, count - total);
		f->status.packets += n;
		total += n;
		if (f->status.end == MR_CAPTURE_OPEN)
			continue;
		if (f->status.end != MR_CAPTURE_WHOLE)
			__atomic_store_n(&c->damaged, c->damaged + 1, __ATOMIC_RELEASE);
		c->current++;
	}
	return total;
}

struct mr_capture_status mr_capture_get_status(const struct mr_capture *c, size_t file)
{
	return c->files[file].status;
}

uint64_t mr_capture_damaged(const struct mr_capture *c)
{
	return __atomic_load_n(&c->damaged, __ATOMIC_ACQUIRE);
}

int mr_capture_verdict(const struct mr_capture *c, struct mr_err *err)
{
	uint64_t damaged = mr_capture_damaged(c);

	for (size_t i = 0; damaged != 0 && i < c->count; i++) {
		const struct mr_capture_status *s = &c->files[i].status;
		char others[64] = "";

		if (s->end != MR_CAPTURE_TRUNCATED && s->end != MR_CAPTURE_CORRUPT)
			continue;
		if (damaged > 1)
			snprintf(others, sizeof(others), "; %llu more captures are damaged",
				 (unsigned long long)(damaged - 1));
		return mr_err_set(err, EBADMSG, "%s: %s at octet %llu, %s; the %llu packets before it were read%s",
				  c->files[i].path, s->end == MR_CAPTURE_TRUNCATED ? "cut" : "damaged",
				  (unsigned long long)s->offset, s->why, (unsigned long long)s->packets, others);
	}
	return 0;
}
