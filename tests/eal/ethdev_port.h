// SPDX-License-Identifier: Apache-2.0
// A port that is open as long as the object lives. For one source file per program: it defines the stamp's
// offset.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include <rte_mbuf.h>

#include "drivers/ethdev/mr_ethdev.h"

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
		EXPECT_EQ(0, mr_port_init(&err)) << err.msg;
		rc = mr_port_open(&conf, &port, &err);
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
