// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "flow/mr_flow_detail.h"
#include "ipfix_util.h"

// A detail made by hand, with the memory of its values.
struct Detail {
	static constexpr size_t octets = 1 << 18;
	std::unique_ptr<uint8_t, decltype(&free)> memory{ static_cast<uint8_t *>(aligned_alloc(64, octets)),
							  free };
	struct mr_l7_chunks chunks = {};
	struct mr_l7_writer writer = {};
	struct mr_flow_detail d = {};

	Detail()
	{
		mr_l7_chunks_init(&chunks, memory.get(), octets);
		d.chunks = &chunks;
		d.tcp.way[0].window_scale = d.tcp.way[1].window_scale = 0xff;
	}
	Detail(const Detail &) = delete;
	void put(enum mr_l7_field field, const std::string &value, uint8_t bits = 0)
	{
		ASSERT_EQ(MR_L7_WRITTEN, mr_l7_value_begin(&chunks, &writer, field, bits, UINT16_MAX));
		ASSERT_EQ(MR_L7_WRITTEN, mr_l7_value_add(&chunks, &writer, value.data(),
							 (uint16_t)value.size(), UINT16_MAX));
		d.values = writer.first;
	}
	void put(enum mr_l7_field field, uint64_t number)
	{
		put(field, std::string(reinterpret_cast<char *>(&number), sizeof(number)));
	}
	// the record with this detail
	struct mr_flow_rec of(struct mr_flow_rec rec)
	{
		rec.detail = &d;
		return rec;
	}
	void application(const char *name)
	{
		for (unsigned i = 0; mr_l7_all[i] != nullptr; i++) {
			if (std::string(name) != mr_l7_all[i]->name)
				continue;
			d.application = mr_l7_all[i]->name;
			d.application_id = 6u << 24 | mr_l7_all[i]->selector;
		}
	}
	struct mr_tunnel_level *tunnel(enum mr_tunnel_kind kind, const char *src, const char *dst)
	{
		struct mr_tunnel_level *l = &d.tunnel.level[d.tunnel.levels++];

		l->kind = (uint8_t)kind;
		l->family = src == nullptr ? 0 : strchr(src, ':') != nullptr ? 6 : 4;
		for (int side = 0; side < 2 && src != nullptr; side++)
			inet_pton(l->family == 6 ? AF_INET6 : AF_INET, side == 0 ? src : dst, l->addr[side]);
		return l;
	}
};
