// SPDX-License-Identifier: Apache-2.0
// A port that is open as long as the object lives. For one source file per program: it defines the stamp's
// offset.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>

#include "drivers/ethdev/mr_ethdev.h"

// The stamp as mr_port_init() registers it; this test is about one kind of port and links no table of all
// kinds.
int mr_port_stamp_off = -1;

class Stamp : public testing::Environment
{
	void SetUp() override
	{
		const struct rte_mbuf_dynfield field = { "mr_port_stamp", sizeof(struct mr_port_stamp),
							 alignof(struct mr_port_stamp), 0 };

		mr_port_stamp_off = rte_mbuf_dynfield_register(&field);
		ASSERT_GE(mr_port_stamp_off, 0);
	}
};

[[maybe_unused]] static testing::Environment *const stamp = testing::AddGlobalTestEnvironment(new Stamp);

struct Port {
	explicit Port(const std::string &device, const std::function<void(mr_port_conf &)> &change = nullptr)
	{
		struct mr_port_conf conf = {};

		conf.name = "test";
		conf.device = device.c_str();
		conf.queues = 1;
		conf.promiscuous = true;
		if (change)
			change(conf);
		rc = mr_ethdev_ops.open(&conf, &port, &err);
	}
	~Port()
	{
		if (port != nullptr)
			mr_ethdev_ops.close(port);
	}
	Port(const Port &) = delete;
	Port &operator=(const Port &) = delete;

	std::vector<rte_mbuf *> rx(uint16_t queue)
	{
		std::vector<rte_mbuf *> pkts(MR_PORT_BURST_MAX);

		pkts.resize(mr_port_rx_burst(port, queue, pkts.data(), MR_PORT_BURST_MAX));
		return pkts;
	}
	size_t rx_free(uint16_t queue)
	{
		auto pkts = rx(queue);

		rte_pktmbuf_free_bulk(pkts.data(), (unsigned)pkts.size());
		return pkts.size();
	}
	struct mr_port_stats stats()
	{
		struct mr_port_stats s = {};

		mr_ethdev_ops.stats(port, &s);
		return s;
	}

	struct mr_port *port = nullptr;
	struct mr_err err = {};
	int rc;
};
