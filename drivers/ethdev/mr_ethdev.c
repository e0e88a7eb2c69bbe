/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/ethdev/mr_ethdev.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cycles.h>
#include <rte_malloc.h>

#include "base/mr_log.h"
#include "drivers/ethdev/mr_ethdev_priv.h"

MR_LOG_REGISTER(ethdev);

#define LINK_WAIT_MS 3000 /* a real link needs this long to negotiate */

static struct mr_ethdev *of(struct mr_port *port)
{
	return (struct mr_ethdev *)port;
}

static void ethdev_close(struct mr_port *port)
{
	struct mr_ethdev *dev = of(port);
	/* net_af_xdp doesn't return the buffers which the kernel had for receiving */
	uint32_t lost = (dev->quirks & MR_ETHDEV_Q_UMEM) != 0 ? (uint32_t)port->queues * dev->descs[0] : 0;

	if (dev->iface.promiscuous) /* starting the device cleared what the user had set */
		rte_eth_promiscuous_enable(dev->port_id);
	else if (dev->promiscuous)
		rte_eth_promiscuous_disable(dev->port_id);
	if (dev->started)
		rte_eth_dev_stop(dev->port_id);
	mr_ethdev_unprobe(dev);
	if ((dev->quirks & MR_ETHDEV_Q_UMEM) != 0)
		mr_ethdev_sockets_close_xdp(&dev->sockets);
	if (dev->pool != NULL)
		mr_ethdev_pool_retire(dev->pool, lost);
	rte_free(dev->time);
	rte_free(dev);
}

static int open_target(const struct mr_port_conf *conf, const struct mr_ethdev_target *target,
		       struct mr_ethdev **ret_dev, struct mr_err *err)
{
	struct mr_ethdev *dev = rte_zmalloc("mr_ethdev", sizeof(*dev), RTE_CACHE_LINE_SIZE);
	int rc;

	if (dev == NULL)
		return mr_err_set(err, ENOMEM, "no memory for a port");
	dev->port.ops = &mr_ethdev_ops;
	dev->port.queues = conf->queues;
	dev->port.socket = SOCKET_ID_ANY;
	dev->port.flags = MR_PORT_CAN_TX;
	snprintf(dev->port.name, sizeof(dev->port.name), "%s", conf->name);
	rc = mr_ethdev_probe(dev, target, err);
	if (rc != 0) {
		rte_free(dev);
		return rc;
	}
	rc = mr_ethdev_setup(dev, target, conf, err);
	if (rc != 0) {
		ethdev_close(&dev->port);
		return rc;
	}
	*ret_dev = dev;
	return 0;
}

static bool is_open(const struct mr_ethdev_iface *iface)
{
	char name[MR_ETHDEV_DEV_MAX];
	uint16_t port_id;

	for (const struct mr_ethdev_way *way = mr_ethdev_ways; way->name != NULL; way++)
		if (rte_eth_dev_get_port_by_name(mr_ethdev_way_device(way, iface, name), &port_id) == 0)
			return true;
	return false;
}

/* Try the ways to a kernel interface, the best first; the last one's error counts. */
static int open_iface(const struct mr_port_conf *conf, const struct mr_ethdev_name *name,
		      struct mr_ethdev **ret_dev, struct mr_err *err)
{
	struct mr_ethdev_iface iface;
	uint32_t left = name->ways;
	int rc = mr_ethdev_iface_get(name->dev, &iface, err);

	if (rc != 0)
		return rc;
	if (is_open(&iface)) /* not by another way either: af_xdp would take the packets from the others */
		return mr_err_set(err, EBUSY,
				  "interface %s is already open: two ports can't have the same device",
				  iface.name);
	for (const struct mr_ethdev_way *way = mr_ethdev_ways; way->name != NULL; way++) {
		struct mr_ethdev_target target;

		if ((left & way->bit) == 0)
			continue;
		left &= ~way->bit;
		rc = mr_ethdev_way_target(way, name, &iface, conf->queues, &target, err);
		if (rc == 0)
			rc = open_target(conf, &target, ret_dev, err);
		if (rc == 0)
			break;
		mr_err_prefix(err, "%s", way->name);
		if (left != 0)
			mr_log_notice("port=%s interface %s can't be opened by %s, trying the next way",
				      conf->name, iface.name, err->msg);
	}
	return rc;
}

static int open_device(const struct mr_port_conf *conf, struct mr_ethdev **ret_dev, struct mr_err *err)
{
	struct mr_ethdev_name name;
	struct mr_ethdev_target target;
	int rc = mr_ethdev_name_parse(conf->device, &name, err);

	if (rc != 0)
		return rc;
	if (name.bus == MR_ETHDEV_IFACE)
		return open_iface(conf, &name, ret_dev, err);
	target.vdev = name.bus == MR_ETHDEV_VDEV;
	target.iface[0] = '\0';
	snprintf(target.name, sizeof(target.name), "%s", name.dev);
	snprintf(target.args, sizeof(target.args), "%s", name.args);
	return open_target(conf, &target, ret_dev, err);
}

/* Virtual links are up at once or when their peer comes; only a physical one is worth waiting for. */
static void report_link(const struct mr_ethdev *dev)
{
	struct rte_eth_link link = { .link_status = RTE_ETH_LINK_DOWN };
	bool physical = strchr(dev->dev_name, ':') != NULL;

	for (int ms = 0; ms == 0 || (physical && ms < LINK_WAIT_MS); ms += 100) {
		if (rte_eth_link_get_nowait(dev->port_id, &link) != 0 || link.link_status == RTE_ETH_LINK_UP)
			break;
		if (physical)
			rte_delay_us_sleep(100 * 1000);
	}
	if (link.link_status != RTE_ETH_LINK_UP)
		mr_log_notice("port=%s link is down: packets come when it is up", dev->port.name);
}

static void report_iface(const struct mr_ethdev *dev)
{
	const struct mr_ethdev_iface *iface = &dev->iface;

	if (!iface->up)
		mr_log_notice("port=%s interface %s is down: `ip link set %s up`", dev->port.name,
			      iface->name, iface->name);
	if (iface->merges)
		mr_log_warning("port=%s interface %s merges packets, so their number and sizes are wrong: "
			       "`ethtool -K %s gro off lro off`",
			       dev->port.name, iface->name, iface->name);
	if ((dev->quirks & MR_ETHDEV_Q_DEFRAGS) != 0)
		mr_log_notice("port=%s af_packet shows IPv4 fragments put together and cut off: af_xdp:%s or "
			      "pcap:%s doesn't",
			      dev->port.name, iface->name, iface->name);
}

static int ethdev_open(const struct mr_port_conf *conf, struct mr_port **ret_port, struct mr_err *err)
{
	struct mr_ethdev *dev;
	int rc = open_device(conf, &dev, err);

	if (rc != 0)
		return rc;
	if (conf->queues == 1)
		dev->port.flags |= MR_PORT_FLOW_QUEUES;
	if (dev->iface.index != 0)
		report_iface(dev);
	else
		report_link(dev);
	mr_log_info("port=%s device=%s driver=%s queues=%u rx_descs=%u tx_descs=%u mbufs=%u node=%d",
		    dev->port.name, dev->dev_name, dev->driver, dev->port.queues, dev->descs[0],
		    dev->descs[1], dev->pool->size, dev->port.socket);
	*ret_port = &dev->port;
	return 0;
}

static uint16_t ethdev_rx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	struct mr_ethdev *dev = of(port);
	uint16_t got = rte_eth_rx_burst(dev->port_id, queue, pkts, n);

	if (dev->time != NULL && got != 0)
		mr_ethdev_time_stamp(dev, queue, pkts, got);
	return got;
}

static uint16_t ethdev_tx_burst(struct mr_port *port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n)
{
	return rte_eth_tx_burst(of(port)->port_id, queue, pkts, n);
}

static void ethdev_wake_arm(struct mr_port *port, uint16_t queue, bool on)
{
	if (on)
		rte_eth_dev_rx_intr_enable(of(port)->port_id, queue);
	else
		rte_eth_dev_rx_intr_disable(of(port)->port_id, queue);
}

/* Asking for the queue's file would log an error where there is none. */
static bool has_rx_intr(const struct mr_ethdev *dev, uint16_t queue)
{
	if (!dev->rx_intr)
		return false;
	if ((dev->quirks & MR_ETHDEV_Q_READABLE) != 0)
		return true;
	if (rte_eth_dev_rx_intr_enable(dev->port_id, queue) != 0)
		return false;
	rte_eth_dev_rx_intr_disable(dev->port_id, queue);
	return true;
}

static int ethdev_wake_join(struct mr_port *port, uint16_t queue, int epoll_fd, bool join)
{
	struct mr_ethdev *dev = of(port);

	if (!has_rx_intr(dev, queue))
		return -ENOTSUP;
	return rte_eth_dev_rx_intr_ctl_q(dev->port_id, queue, epoll_fd,
					 join ? RTE_INTR_EVENT_ADD : RTE_INTR_EVENT_DEL, NULL);
}

static void ethdev_stats(const struct mr_port *port, struct mr_port_stats *ret_stats)
{
	/* not const inside: reading a socket's counter clears it, so what was read is kept */
	struct mr_ethdev *dev = of((struct mr_port *)(uintptr_t)port);
	struct rte_eth_stats now = dev->opened;

	rte_eth_stats_get(dev->port_id, &now);
	ret_stats->missed = now.imissed - dev->opened.imissed;
	if ((dev->quirks & MR_ETHDEV_Q_DROPS) != 0)
		ret_stats->missed += mr_ethdev_sockets_drops(&dev->sockets);
	ret_stats->errors = now.ierrors - dev->opened.ierrors;
	ret_stats->no_mbuf =
		(dev->quirks & MR_ETHDEV_Q_RETRIES) != 0 ? 0 : now.rx_nombuf - dev->opened.rx_nombuf;
}

uint16_t mr_ethdev_port_id(const struct mr_port *port)
{
	return ((const struct mr_ethdev *)port)->port_id;
}

const char *mr_ethdev_driver(const struct mr_port *port)
{
	return ((const struct mr_ethdev *)port)->driver;
}

const struct mr_port_ops mr_ethdev_ops = {
	.kind = "ethdev",
	.help = "0000:3b:00.0 (PCI), eth1 (kernel interface; af_xdp:eth1, pcap:eth1 or af_packet:eth1 to "
		"choose how), "
		"net_NAME0,ARGS (DPDK vdev)",
	.open = ethdev_open,
	.rx_burst = ethdev_rx_burst,
	.tx_burst = ethdev_tx_burst,
	.wake_join = ethdev_wake_join,
	.wake_arm = ethdev_wake_arm,
	.stats = ethdev_stats,
	.close = ethdev_close,
};
