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

static void check(const struct mr_packet_conf *conf, const uint8_t *data, uint32_t cap, uint32_t wire,
		  enum mr_link link)
{
	struct mr_tunnel tunnel;
	struct mr_packet p;
	const char *broken = packet_decode_checked(conf, data, cap, wire, link, 3, &tunnel, &p);

	if (broken != NULL) {
		fprintf(stderr, "%s\n", broken);
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t wire_add[] = { 0, UINT32_MAX, 1500, 1u << 30 };
	struct mr_packet_conf conf = { .seed = mr_hash_seed_fixed(1), .tunnel_depth = MR_TUNNEL_LEVELS };
	struct mr_tunnel_ports ports;
	uint32_t cap, wire;

	if (size < 1 || size > UINT16_MAX)
		return 0;
	mr_tunnel_ports_default(&ports);
	conf.tunnel_ports = &ports;
	conf.vlan_in_key = (data[0] & 0x10) != 0;
	conf.port_in_key = (data[0] & 0x20) != 0;
	cap = (uint32_t)size - 1;
	wire = cap == 0 ? 0 : cap + wire_add[data[0] >> 6];
	for (uint8_t key = MR_TUNNEL_KEY_OUTER; key <= MR_TUNNEL_KEY_BOTH; key++) {
		conf.tunnel_key = key;
		check(&conf, data + 1, cap, wire, (enum mr_link)((data[0] & 0xf) % MR_LINK_MAX));
	}
	return 0;
}
