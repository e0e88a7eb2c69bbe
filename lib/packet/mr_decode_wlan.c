/* SPDX-License-Identifier: Apache-2.0 */
#include "packet/mr_decode_priv.h"

/* First octet of frame control (IEEE 802.11 section 9.2.4.1) */
#define FC_VERSION   0x03
#define FC_TYPE	     0x0c
#define FC_TYPE_DATA 0x08
#define FC_NO_DATA   0x40 /* subtypes without a frame body: null, CF-Ack, ... */
#define FC_QOS	     0x80
/* second octet */
#define FC_WDS	     0x03 /* to and from the distribution system: a fourth address */
#define FC_PROTECTED 0x40
#define FC_HT	     0x80 /* in QoS data: an HT control field */

#define QOS_AMSDU 0x80

/* Radiotap: bits of the first presence word and of the flags field */
#define RT_TSFT		 (1u << 0)
#define RT_FLAGS	 (1u << 1)
#define RT_EXT		 (1u << 31)
#define RT_FLAG_DATA_PAD 0x20

static uint32_t get_le32(const uint8_t *p)
{
	return __builtin_bswap32(mr_get_u32(p));
}

static uint16_t decode_wlan_padded(struct mr_frame *f, bool padded, struct mr_packet *pkt,
				   enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint32_t left = mr_frame_left(f);
	uint32_t header = 24;
	uint32_t qos_at;

	if (left < 2)
		return MR_C_LINK_TRUNCATED;
	if ((p[0] & FC_VERSION) != 0 || (p[0] & FC_TYPE) != FC_TYPE_DATA || (p[0] & FC_NO_DATA) != 0)
		return MR_C_NON_IP;
	if (p[1] & FC_PROTECTED)
		return MR_C_LINK_ENCRYPTED;
	if ((p[1] & FC_WDS) == FC_WDS)
		header += 6;
	qos_at = header;
	if (p[0] & FC_QOS)
		header += p[1] & FC_HT ? 6 : 2;
	if (left < header)
		return MR_C_LINK_TRUNCATED;
	if (p[22] & 0x0f) /* fragment number: the IP header was in the first fragment */
		return MR_C_NON_IP;
	if ((p[0] & FC_QOS) && (p[qos_at] & QOS_AMSDU)) /* several packets in one frame */
		return MR_C_NON_IP;
	if (padded)
		header = (header + 3) & ~3u;
	if (left < header)
		return MR_C_LINK_TRUNCATED;
	f->off += header;
	return mr_decode_llc(f, pkt, ret_net);
}

uint16_t mr_decode_wlan(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	return decode_wlan_padded(f, false, pkt, ret_net);
}

/* Does the flags field of the header at @p p (@p len octets) say that the 802.11 header is padded? */
static bool radiotap_padded(const uint8_t *p, uint32_t len)
{
	uint32_t present = get_le32(p + 4);
	uint32_t at = 8;

	if (!(present & RT_FLAGS))
		return false;
	for (uint32_t word = present; word & RT_EXT; at += 4) {
		if (at + 4 > len)
			return false;
		word = get_le32(p + at);
	}
	if (present & RT_TSFT)
		at = ((at + 7) & ~7u) + 8; /* 64 bits, aligned */
	return at < len && (p[at] & RT_FLAG_DATA_PAD) != 0;
}

/* https://www.radiotap.org: version, pad, length and presence words, all little-endian. */
uint16_t mr_decode_radiotap(struct mr_frame *f, struct mr_packet *pkt, enum mr_net *ret_net)
{
	const uint8_t *p = f->data + f->off;
	uint32_t len;
	bool padded;

	if (mr_frame_left(f) < 8)
		return MR_C_LINK_TRUNCATED;
	len = __builtin_bswap16(mr_get_u16(p + 2));
	if (p[0] != 0 || len < 8 || len > MR_RADIOTAP_MAX)
		return MR_C_LINK_MALFORMED;
	if (mr_frame_left(f) < len)
		return MR_C_LINK_TRUNCATED;
	padded = radiotap_padded(p, len);
	f->off += len;
	return decode_wlan_padded(f, padded, pkt, ret_net);
}
