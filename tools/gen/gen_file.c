/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/gen/gen_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mr_clock.h"

#define LINKTYPE_ETHERNET 1
#define SNAPLEN		  65535

struct gen_file {
	FILE *out;
	bool ng;
	char path[4096];
};

static void put(struct gen_file *file, const void *data, size_t n)
{
	fwrite(data, 1, n, file->out); /* ferror() is asked at the end */
}

/* Both formats are in the writer's byte order. */
static void put_header(struct gen_file *file)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, link;
	} pcap = { 0xa1b23c4d, 2, 4, 0, 0, SNAPLEN, LINKTYPE_ETHERNET };

	put(file, &pcap, sizeof(pcap));
}

/* Section and interface description (draft-ietf-opsawg-pcapng sections 4.1 and 4.2). */
static void put_header_ng(struct gen_file *file)
{
	static const struct {
		uint32_t type, length, magic;
		uint16_t major, minor;
		uint32_t section_len[2], length2;
	} section = { 0x0a0d0d0a,     sizeof(section), 0x1a2b3c4d, 1, 0, { UINT32_MAX, UINT32_MAX },
		      sizeof(section) };
	static const struct {
		uint32_t type, length;
		uint16_t link, reserved;
		uint32_t snaplen;
		uint16_t resolution, resolution_len;
		uint8_t digits[4]; /* padded */
		uint16_t end, end_len;
		uint32_t length2;
	} interface = { 1, sizeof(interface), LINKTYPE_ETHERNET, 0, SNAPLEN, 9, 1, { 9 }, 0,
			0, sizeof(interface) };

	put(file, &section, sizeof(section));
	put(file, &interface, sizeof(interface));
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), e = strlen(end);

	return n >= e && strcmp(s + n - e, end) == 0;
}

int gen_file_open(const char *path, struct gen_file **ret_file, struct mr_err *err)
{
	struct gen_file *file = calloc(1, sizeof(*file));

	if (file == NULL)
		return mr_err_set(err, ENOMEM, "no memory");
	snprintf(file->path, sizeof(file->path), "%s", path);
	file->ng = ends_with(path, ".pcapng");
	file->out = fopen(path, "wb");
	if (file->out == NULL) {
		int code = errno;

		free(file);
		return mr_err_set(err, code, "%s: %s", path, strerror(code));
	}
	if (file->ng)
		put_header_ng(file);
	else
		put_header(file);
	*ret_file = file;
	return 0;
}

void gen_file_put(struct gen_file *file, uint64_t time_ns, const uint8_t *data, uint32_t cap, uint32_t wire)
{
	static const uint8_t zeros[4];
	uint32_t pad = -cap & 3;
	uint32_t length = 32 + cap + pad;

	if (!file->ng) {
		uint32_t record[4] = { (uint32_t)(time_ns / MR_NS_PER_S), (uint32_t)(time_ns % MR_NS_PER_S),
				       cap, wire };

		put(file, record, sizeof(record));
		put(file, data, cap);
		return;
	}
	put(file, (uint32_t[]){ 6, length, 0, (uint32_t)(time_ns >> 32), (uint32_t)time_ns, cap, wire }, 28);
	put(file, data, cap);
	put(file, zeros, pad);
	put(file, &length, sizeof(length));
}

int gen_file_close(struct gen_file *file, struct mr_err *err)
{
	bool bad = ferror(file->out) != 0;
	int rc = 0;

	if (fclose(file->out) != 0 || bad)
		rc = mr_err_set(err, EIO, "%s: not written in whole, is there room?", file->path);
	free(file);
	return rc;
}
