/* SPDX-License-Identifier: Apache-2.0 */
/* The pcap format (draft-ietf-opsawg-pcap), with ns times, and the "modified" records of patched libpcaps. */
#include "drivers/replay/mr_capture_priv.h"

#include "base/mr_clock.h"

#define PCAP_MAGIC_US	    0xa1b2c3d4u
#define PCAP_MAGIC_NS	    0xa1b23c4du
#define PCAP_MAGIC_MODIFIED 0xa1b2cd34u /* 8 more octets a record: interface, protocol, packet type */
#define PCAP_HEADER_LEN	    24
#define PCAP_RECORD_LEN	    16
#define PCAP_MODIFIED_LEN   24
#define PCAP_PREFETCH	    1024 /* octets ahead */
#define PCAP_FCS_PRESENT    0x04000000u /* then the top 4 bits are its length in 16-bit words */

/* Why there is no packet at the position. */
static void pcap_end(struct mr_capture_file *f)
{
	const size_t left = f->len - f->pos;

	if (left == 0)
		mr_capture_end_at(f, MR_CAPTURE_WHOLE, "");
	else if (left < f->record_len)
		mr_capture_end_at(f, MR_CAPTURE_TRUNCATED, "in a packet's header");
	else if (mr_capture_u32(f, f->data + f->pos + 8) > MR_CAPTURE_PACKET_MAX)
		mr_capture_end_at(f, MR_CAPTURE_CORRUPT, "a packet longer than any can be");
	else
		mr_capture_end_at(f, MR_CAPTURE_TRUNCATED, "in a packet");
}

/* The hardware's own prefetching ends at each page. Ours was measured to save 4 % of a run from 1 to 4 kB ahead, 2 % half a
 * kB ahead. Behind the file it does nothing. */
static inline void pcap_prefetch(const uint8_t *rec)
{
	__builtin_prefetch((const void *)((uintptr_t)rec + PCAP_PREFETCH));
}

static uint32_t pcap_read(struct mr_capture_file *f, struct mr_capture_packet *pkts, uint32_t count)
{
	const struct mr_capture_iface ifc = f->iface;
	const uint32_t record_len = f->record_len;
	const uint8_t *rec = f->data + f->pos, *end = f->data + f->len;
	uint32_t n, cap;

	for (n = 0; n < count; n++, rec += record_len + cap) {
		const size_t left = (size_t)(end - rec);

		if (__builtin_expect(left < record_len, 0))
			break;
		cap = mr_capture_u32(f, rec + 8);
		if (__builtin_expect(cap > left - record_len || cap > MR_CAPTURE_PACKET_MAX, 0))
			break;
		pcap_prefetch(rec);
		pkts[n].data = rec + record_len;
		pkts[n].time_ns = mr_capture_u32(f, rec) * MR_NS_PER_S + mr_capture_u32(f, rec + 4) * ifc.mul;
		pkts[n].linktype = ifc.linktype;
		pkts[n].link = ifc.link;
		mr_capture_set_lengths(&pkts[n], cap, mr_capture_u32(f, rec + 12), ifc.fcs_len);
	}
	f->pos = (size_t)(rec - f->data);
	if (n < count)
		pcap_end(f);
	return n;
}

/* Byte order and kind by the magic number. */
static bool pcap_magic(struct mr_capture_file *f)
{
	f->swapped = false;
	for (int turn = 0; turn < 2; turn++, f->swapped = true) {
		uint32_t magic = mr_capture_u32(f, f->data);

		f->iface.mul = magic == PCAP_MAGIC_NS ? 1 : MR_NS_PER_US;
		f->record_len = magic == PCAP_MAGIC_MODIFIED ? PCAP_MODIFIED_LEN : PCAP_RECORD_LEN;
		if (magic == PCAP_MAGIC_US || magic == PCAP_MAGIC_NS || magic == PCAP_MAGIC_MODIFIED)
			return true;
	}
	return false;
}

int mr_capture_pcap_probe(struct mr_capture_file *f, struct mr_err *err)
{
	uint32_t network;
	uint16_t major;

	if (f->len < sizeof(uint32_t) || !pcap_magic(f))
		return mr_errno(EPROTONOSUPPORT);
	if (f->len < PCAP_HEADER_LEN)
		return mr_err_set(err, EBADMSG, "%s: cut inside its file header, at octet %zu; no packets to read",
				  f->path, f->len);
	major = mr_capture_u16(f, f->data + 4);
	if (major != 2)
		return mr_err_set(err, EPROTO, "%s: pcap version %u.%u, only 2.x can be read", f->path, major,
				  mr_capture_u16(f, f->data + 6));
	network = mr_capture_u32(f, f->data + 20);
	f->iface.linktype = (uint16_t)network;
	f->iface.link = mr_capture_link(f->iface.linktype);
	f->iface.fcs_len = network & PCAP_FCS_PRESENT ? (uint8_t)(2 * (network >> 28)) : 0;
	f->pos = PCAP_HEADER_LEN;
	f->read = pcap_read;
	return 0;
}
