// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "build.h"
#include "invariants.h"

inline const uint8_t kPort = 3;

inline struct mr_packet_conf make_conf(bool vlan = true, bool port = true)
{
	struct mr_packet_conf conf = {};

	conf.seed = mr_hash_seed_fixed(42);
	conf.vlan_in_key = vlan;
	conf.port_in_key = port;
	return conf;
}

inline const struct mr_packet_conf kConf = make_conf();

/// Decode from a block of exactly that size, so that a sanitizer sees one octet too many.
inline struct mr_packet decode(const build::Bytes &frame, enum mr_link link = MR_LINK_ETHERNET,
			       size_t cap = SIZE_MAX, uint32_t wire = 0,
			       const struct mr_packet_conf &conf = kConf, struct mr_tunnel *tunnel = nullptr)
{
	struct mr_packet p;
	struct mr_tunnel unused;

	cap = std::min(cap, frame.size());
	std::unique_ptr<uint8_t[]> exact(new uint8_t[cap]);
	std::copy_n(frame.begin(), cap, exact.get());
	const char *broken =
		packet_decode_checked(&conf, exact.get(), static_cast<uint32_t>(cap), wire, link, kPort,
				      tunnel == nullptr ? &unused : tunnel, &p);
	EXPECT_EQ(nullptr, broken) << broken;
	p.data = nullptr; // gone
	return p;
}
