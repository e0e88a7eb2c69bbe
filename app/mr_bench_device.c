/* SPDX-License-Identifier: Apache-2.0 */
/* Rows with a DPDK device as the source, and the capture that net_pcap plays in one of them. */
#include "app/mr_bench.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_kvargs.h>

#include "base/mr_clock.h"
#include "drivers/ethdev/mr_ethdev.h"
#include "drivers/port.h"
#include "drivers/replay/mr_capture.h"
#include "drivers/synth/mr_traffic.h"

#define BURST		32
#define LINKTYPE	1	   /* Ethernet */
#define MAGIC_NS	0xa1b23c4d /* pcap with nanoseconds, in the writer's byte order */
#define SNAPLEN		65535
#define MBUFS_BESIDE	8192  /* what a port needs beside the packets that it keeps */
#define MBUF_OCTETS	2560u /* with the pool's own share */
#define PATH_MAX_OCTETS 256

/* ---- the capture ---- */

struct capture_file {
	FILE *out;
	struct mr_traffic *traffic;
	uint8_t frames[BURST][MR_TRAFFIC_WIRE_MAX + MR_TRAFFIC_HEAD];
};

static void write_burst(struct capture_file *f, const struct mr_traffic_batch *made, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++) {
		uint64_t ns = mr_traffic_time(f->traffic, made->number[i]);
		uint32_t len = made->frame_len[i];
		uint32_t head[] = { (uint32_t)(ns / MR_NS_PER_S), (uint32_t)(ns % MR_NS_PER_S), len, len };

		fwrite(head, sizeof(head), 1, f->out); /* ferror() is asked at the end */
		fwrite(f->frames[i], len, 1, f->out);
	}
}

static void write_packets(struct capture_file *f)
{
	static const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, link;
	} head = { MAGIC_NS, 2, 4, 0, 0, SNAPLEN, LINKTYPE };
	struct mr_traffic_cursor cursor;
	struct mr_traffic_batch made;
	uint8_t *data[BURST];
	uint16_t n;

	fwrite(&head, sizeof(head), 1, f->out);
	for (unsigned i = 0; i < BURST; i++)
		data[i] = f->frames[i];
	mr_traffic_cursor_init(f->traffic, 0, 1, &cursor);
	do {
		n = mr_traffic_burst(&cursor, data, &made, BURST, UINT64_MAX, MR_TRAFFIC_BY_NUMBER);
		write_burst(f, &made, n);
	} while (n == BURST);
}

/* One packet of each of the row's flows. */
static int make_traffic(const struct mr_bench_row *row, struct mr_traffic **ret_traffic, struct mr_err *err)
{
	struct mr_traffic_conf conf;
	char keys[128];
	int rc;

	snprintf(keys, sizeof(keys), "flows=%lu,packets=%lu,order=roundrobin,reply=0,rate=1M", row->flows,
		 row->flows);
	rc = mr_traffic_conf_parse(keys, &conf, err);
	return rc == 0 ? mr_traffic_create(&conf, ret_traffic, err) : rc;
}

static int create(char *path, FILE **ret_out, struct mr_err *err)
{
	int fd = mkstemp(path);

	*ret_out = fd < 0 ? NULL : fdopen(fd, "wb");
	return *ret_out != NULL
		       ? 0
		       : mr_err_set(err, errno, "cannot write the capture %s: %s; TMPDIR chooses its folder",
				    path, strerror(errno));
}

/* @param path  ends in XXXXXX, which is replaced. The file is the caller's to remove. */
static int write_capture(const struct mr_bench_row *row, char *path, struct mr_err *err)
{
	struct capture_file *f = calloc(1, sizeof(*f));
	bool bad;
	int rc;

	if (f == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	rc = make_traffic(row, &f->traffic, err);
	if (rc == 0)
		rc = create(path, &f->out, err);
	if (rc == 0) {
		write_packets(f);
		bad = ferror(f->out) != 0;
		if (fclose(f->out) != 0 || bad) {
			rc = mr_err_set(err, EIO, "%s: not written in whole, is there room?", path);
			unlink(path);
		}
	}
	mr_traffic_free(f->traffic);
	free(f);
	return rc;
}

/* ---- the device ---- */

bool mr_bench_row_is_device(const struct mr_bench_row *row)
{
	return row->kind == MR_BENCH_NET_PCAP || row->kind == MR_BENCH_DEVICE;
}

/* Packets of a capture file. */
static int count_packets(const char *path, uint64_t *ret_packets, struct mr_err *err)
{
	struct mr_capture_packet pkts[BURST];
	struct mr_capture *capture;
	uint64_t packets = 0;
	uint32_t n;
	int rc = mr_capture_open(&path, 1, &capture, err);

	if (rc < 0)
		return rc;
	while ((n = mr_capture_read(capture, pkts, BURST)) != 0)
		packets += n;
	mr_capture_close(capture);
	*ret_packets = packets;
	return 0;
}

static const char *value_of(const struct rte_kvargs *args, const char *key)
{
	for (unsigned i = 0; args != NULL && i < args->count; i++)
		if (strcmp(args->pairs[i].key, key) == 0)
			return args->pairs[i].value;
	return NULL;
}

/* net_pcap with infinite_rx keeps the whole capture in buffers, which the pool must have. */
static int kept_packets(const struct mr_ethdev_name *name, uint64_t *ret_packets, struct mr_err *err)
{
	struct rte_kvargs *args = rte_kvargs_parse(name->args, NULL);
	const char *file = value_of(args, "rx_pcap"), *infinite = value_of(args, "infinite_rx");
	int rc = 0;

	*ret_packets = 0;
	if (strncmp(name->dev, "net_pcap", 8) == 0 && file != NULL && infinite != NULL &&
	    strcmp(infinite, "1") == 0)
		rc = count_packets(file, ret_packets, err);
	rte_kvargs_free(args);
	return rc;
}

int mr_bench_device_check(struct mr_bench_row *row, bool *ret_pci, struct mr_err *err)
{
	struct mr_ethdev_name name;
	int rc;

	*ret_pci = false;
	row->kept_packets = row->kind == MR_BENCH_NET_PCAP ? row->flows : 0;
	if (row->kind != MR_BENCH_DEVICE)
		return 0;
	rc = mr_ethdev_name_parse(row->device, &name, err);
	if (rc < 0)
		return rc;
	*ret_pci = name.bus == MR_ETHDEV_PCI;
	return kept_packets(&name, &row->kept_packets, err);
}

uint64_t mr_bench_device_memory(const struct mr_bench_row *row)
{
	return mr_bench_row_is_device(row) ? (row->kept_packets + MBUFS_BESIDE) * MBUF_OCTETS : 0;
}

static int open_device(const struct mr_bench_row *row, const char *device, struct mr_port **ret_port,
		       struct mr_err *err)
{
	const struct mr_port_conf conf = {
		.name = "bench",
		.device = device,
		.queues = 1,
		.promiscuous = true,
		.mbufs = row->kept_packets == 0 ? 0 : (uint32_t)row->kept_packets + MBUFS_BESIDE,
	};

	return mr_port_open(&conf, ret_port, err);
}

int mr_bench_device_open(const struct mr_bench_row *row, struct mr_port **ret_port, struct mr_err *err)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX_OCTETS], device[PATH_MAX_OCTETS + 64];
	int rc;

	if (row->kind == MR_BENCH_DEVICE)
		return open_device(row, row->device, ret_port, err);
	snprintf(path, sizeof(path), "%s/millrace-bench-XXXXXX", folder == NULL ? "/tmp" : folder);
	rc = write_capture(row, path, err);
	if (rc < 0)
		return rc;
	snprintf(device, sizeof(device), "net_pcap0,rx_pcap=%s,infinite_rx=1", path);
	rc = open_device(row, device, ret_port, err);
	unlink(path); /* the driver has read it all */
	return rc;
}
