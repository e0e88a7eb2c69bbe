/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decoder. First octet: bits 0-3 link type, 4 VLAN in the key, 5 port in the key, 6-7 length on the wire
 * (0 as captured, 1 less, 2 1500 more, 3 by far more). The rest is the frame.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../packet/invariants.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t wire_add[] = { 0, UINT32_MAX, 1500, 1u << 30 };
	struct mr_packet_conf conf = { .seed = mr_hash_seed_fixed(1) };
	struct mr_packet p;
	const char *broken;
	uint32_t cap;

	if (size < 1 || size > UINT16_MAX)
		return 0;
	conf.vlan_in_key = (data[0] & 0x10) != 0;
	conf.port_in_key = (data[0] & 0x20) != 0;
	cap = (uint32_t)size - 1;
	broken = packet_decode_checked(&conf, data + 1, cap, cap == 0 ? 0 : cap + wire_add[data[0] >> 6],
				       (enum mr_link)((data[0] & 0xf) % MR_LINK_MAX), 3, &p);
	if (broken != NULL) {
		fprintf(stderr, "%s\n", broken);
		abort();
	}
	return 0;
}
