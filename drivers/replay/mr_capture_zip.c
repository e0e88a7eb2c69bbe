/* SPDX-License-Identifier: Apache-2.0 */
/* gzip and zstd captures, unpacked whole to anonymous memory. */
#include "drivers/replay/mr_capture_priv.h"

#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

#define UNPACK_CHUNK (1u << 20) /* octets of room made at least; also what zlib gets at once */

/** A growing block of anonymous memory. */
struct unpack_room {
	uint8_t *data;
	size_t cap;
	size_t len;   /* octets written */
	uint64_t max; /* octets that len may reach */
};

/* Make room behind len. One octet more than max is given, so that a file of exactly max octets ends properly. */
static int unpack_grow(struct unpack_room *room, const char *path, struct mr_err *err)
{
	size_t cap = room->cap == 0 ? 4u * UNPACK_CHUNK : 2 * room->cap;
	void *data;

	if (room->len > room->max)
		return mr_err_set(err, EFBIG,
				  "%s: unpacks to more than %llu MiB of memory; unpack it to a file and read that", path,
				  (unsigned long long)(room->max >> 20));
	if (room->len < room->cap)
		return 0;
	if (cap > room->max + 1)
		cap = room->max + 1;
	if (room->data == NULL)
		data = mmap(NULL, cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else
		data = mremap(room->data, room->cap, cap, MREMAP_MAYMOVE);
	if (data == MAP_FAILED)
		return mr_err_set(err, ENOMEM, "%s: no memory for %zu MiB of unpacked capture; unpack it to a file",
				  path, cap >> 20);
	madvise(data, cap, MADV_HUGEPAGE); /* advice only */
	room->data = data;
	room->cap = cap;
	return 0;
}

/* ---- gzip ---- */

static bool gzip_is(const uint8_t *p, size_t len)
{
	return len >= 2 && p[0] == 0x1f && p[1] == 0x8b;
}

/* One call of inflate() from *pos on. Returns its code. */
static int gzip_step(z_stream *z, const struct mr_capture_file *f, size_t *pos, struct unpack_room *room)
{
	size_t in = f->len - *pos, out = room->cap - room->len;
	int rc;

	/* zlib only reads from next_in, whatever its type says */
	z->next_in = (Bytef *)(uintptr_t)(f->data + *pos);
	z->avail_in = (uInt)(in < UNPACK_CHUNK ? in : UNPACK_CHUNK);
	z->next_out = room->data + room->len;
	z->avail_out = (uInt)(out < UNPACK_CHUNK ? out : UNPACK_CHUNK);
	rc = inflate(z, Z_NO_FLUSH);
	*pos = (size_t)(z->next_in - f->data);
	room->len = (size_t)(z->next_out - room->data);
	return rc;
}

static int gzip_unpack(struct mr_capture_file *f, struct unpack_room *room, struct mr_err *err)
{
	z_stream z = { 0 };
	size_t pos = 0;
	int rc, code = 0;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return mr_err_set(err, ENOMEM, "%s: no memory to unpack it", f->path);
	for (;;) {
		code = unpack_grow(room, f->path, err);
		if (code != 0)
			break;
		rc = gzip_step(&z, f, &pos, room);
		if (rc == Z_STREAM_END) {
			/* members may follow each other; what isn't one is padding, as for gzip(1) */
			if (!gzip_is(f->data + pos, f->len - pos))
				break;
			inflateReset(&z);
		} else if (rc == Z_BUF_ERROR && pos == f->len) {
			f->packed_end = MR_CAPTURE_TRUNCATED;
			break;
		} else if (rc != Z_OK && rc != Z_BUF_ERROR) {
			f->packed_end = MR_CAPTURE_CORRUPT;
			break;
		}
	}
	inflateEnd(&z);
	return code;
}

/* ---- zstd ---- */

static bool zstd_is(const uint8_t *p, size_t len)
{
	/* a frame, or a skippable one (as pzstd writes) */
	return len >= 4 && ((p[0] == 0x28 && p[1] == 0xb5 && p[2] == 0x2f && p[3] == 0xfd) ||
			    ((p[0] & 0xf0) == 0x50 && p[1] == 0x2a && p[2] == 0x4d && p[3] == 0x18));
}

static int zstd_unpack(struct mr_capture_file *f, struct unpack_room *room, struct mr_err *err)
{
	ZSTD_DStream *z = ZSTD_createDStream();
	ZSTD_inBuffer in = { .src = f->data, .size = f->len };
	size_t more = 1; /* 0: at the end of a frame */
	int code = 0;

	if (z == NULL)
		return mr_err_set(err, ENOMEM, "%s: no memory to unpack it", f->path);
	/* the last round may leave output inside the decoder, then it wants a call without input */
	while (in.pos < in.size || more != 0) {
		ZSTD_outBuffer out;
		size_t in_before = in.pos, out_before = room->len;

		code = unpack_grow(room, f->path, err);
		if (code != 0)
			break;
		out = (ZSTD_outBuffer){ .dst = room->data, .size = room->cap, .pos = room->len };
		more = ZSTD_decompressStream(z, &out, &in);
		room->len = out.pos;
		if (ZSTD_isError(more)) {
			f->packed_end = MR_CAPTURE_CORRUPT;
			break;
		}
		if (more != 0 && in.pos == in_before && room->len == out_before) {
			f->packed_end = MR_CAPTURE_TRUNCATED;
			break;
		}
	}
	ZSTD_freeDStream(z);
	return code;
}

int mr_capture_unpack(struct mr_capture_file *f, uint64_t max, struct mr_err *err)
{
	struct unpack_room room = { .max = max };
	int rc;

	if (gzip_is(f->data, f->len))
		rc = gzip_unpack(f, &room, err);
	else if (zstd_is(f->data, f->len))
		rc = zstd_unpack(f, &room, err);
	else
		return 0;
	if (rc == 0 && room.len > max)
		rc = unpack_grow(&room, f->path, err);
	if (rc != 0) {
		if (room.data != NULL)
			munmap(room.data, room.cap);
		return rc;
	}
	if (f->map != NULL)
		munmap(f->map, f->map_len);
	f->map = room.data;
	f->map_len = room.cap;
	f->data = room.data;
	f->len = room.len;
	f->ahead = f->len;
	return 0;
}
