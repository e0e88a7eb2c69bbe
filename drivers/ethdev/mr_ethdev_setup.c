/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_kvargs.h>
#include <rte_lcore.h>

#include "base/mr_log.h"
#include "drivers/ethdev/mr_ethdev_priv.h"

MR_LOG_REGISTER(ethdev);

#define L2_OCTETS	 (RTE_ETHER_HDR_LEN + 2 * RTE_VLAN_HLEN)
#define ROOM_OCTETS	 2048u /* usual data of a buffer, without headroom */
#define ROOM_MAX	 (UINT16_MAX - RTE_PKTMBUF_HEADROOM)
#define DESCS_DEFAULT	 1024
#define AF_PACKET_FRAME	 2048 /* framesz and framecnt when the arguments don't say */
#define AF_PACKET_FRAMES 512

/* As many as the buffers that net_af_xdp gives the kernel: so a full RX ring is always an empty fill ring
 * too, which the kernel counts as dropped. Other reasons it counts where the driver doesn't look. */
#define AF_XDP_DESCS 2048

static const struct {
	const char *driver;
	uint32_t quirks;
} quirks[] = {
	{ "net_af_packet",
	  MR_ETHDEV_Q_IFACE | MR_ETHDEV_Q_SOCKETS | MR_ETHDEV_Q_DROPS | MR_ETHDEV_Q_DEFRAGS },
	{ "net_af_xdp", MR_ETHDEV_Q_IFACE | MR_ETHDEV_Q_UMEM | MR_ETHDEV_Q_RETRIES },
	{ "net_pcap", MR_ETHDEV_Q_SOCKETS | MR_ETHDEV_Q_UTC_US },
	{ "net_tap", MR_ETHDEV_Q_READABLE },
};

/* All that setting up needs to know; lives on the stack. */
struct setup {
	struct mr_ethdev *dev;
	const struct mr_ethdev_target *target;
	const struct mr_port_conf *conf;
	struct rte_eth_dev_info info;
	struct rte_eth_conf eth;
	struct rte_eth_rss_conf rss;
	uint8_t rss_key[MR_ETHDEV_RSS_KEY_MAX];
	uint32_t mtu;
	uint32_t room; /* data octets of a buffer, without headroom */
	struct mr_err *err;
};

static int learn_driver(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	int rc = rte_eth_dev_info_get(dev->port_id, &s->info);
	int socket = rte_eth_dev_socket_id(dev->port_id);
	char name[IF_NAMESIZE];

	if (rc != 0)
		return mr_err_set(s->err, -rc, "driver doesn't tell about the device: %s", rte_strerror(-rc));
	snprintf(dev->driver, sizeof(dev->driver), "%s", s->info.driver_name);
	dev->port.socket = socket < 0 ? SOCKET_ID_ANY : socket;
	for (size_t i = 0; i < RTE_DIM(quirks); i++)
		if (strcmp(quirks[i].driver, dev->driver) == 0)
			dev->quirks = quirks[i].quirks;
	if (s->target->iface[0] != '\0')
		return mr_ethdev_iface_get(s->target->iface, &dev->iface, s->err);
	if ((dev->quirks & MR_ETHDEV_Q_IFACE) == 0)
		return 0;
	if (if_indextoname(s->info.if_index, name) == NULL)
		return mr_err_set(s->err, ENODEV, "the interface behind %s is gone", dev->dev_name);
	return mr_ethdev_iface_get(name, &dev->iface, s->err);
}

static int check_queues(struct setup *s)
{
	uint16_t can = RTE_MIN(s->info.max_rx_queues, s->info.max_tx_queues);

	if (s->conf->queues == 0)
		return mr_err_set(s->err, EINVAL, "at least one queue is needed");
	if (s->conf->queues <= can)
		return 0;
	return mr_err_set(s->err, ERANGE,
			  "%u queues are wanted, but driver %s has %u here: use %u workers on this port",
			  s->conf->queues, s->dev->driver, can, can);
}

/* A kernel interface has an MTU of its own, which we don't change behind its owner's back. */
static int choose_mtu(struct setup *s)
{
	uint16_t mtu = RTE_ETHER_MTU;

	if (s->dev->iface.index != 0) {
		s->mtu = s->dev->iface.mtu;
		if (s->conf->mtu != 0 && s->conf->mtu != s->mtu)
			return mr_err_set(
				s->err, EINVAL, "MTU %u is wanted, but %s has %u: `ip link set %s mtu %u`",
				s->conf->mtu, s->dev->iface.name, s->mtu, s->dev->iface.name, s->conf->mtu);
	} else {
		if (s->conf->mtu == 0 && rte_eth_dev_get_mtu(s->dev->port_id, &mtu) != 0)
			mtu = RTE_ETHER_MTU;
		s->mtu = s->conf->mtu != 0 ? s->conf->mtu : mtu;
		s->eth.rxmode.mtu = s->mtu;
	}
	if (s->mtu < s->info.min_mtu || s->mtu > s->info.max_mtu)
		return mr_err_set(s->err, ERANGE, "MTU %u is outside of what driver %s can do here, %u to %u",
				  s->mtu, s->dev->driver, s->info.min_mtu, s->info.max_mtu);
	return 0;
}

/* The last value of a number among driver arguments "a=1,b=2". */
static uint32_t arg_number(const char *args, const char *key, uint32_t otherwise)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);

	for (unsigned int i = 0; kv != NULL && i < kv->count; i++)
		if (strcmp(kv->pairs[i].key, key) == 0 && kv->pairs[i].value != NULL)
			otherwise = (uint32_t)strtoul(kv->pairs[i].value, NULL, 10);
	rte_kvargs_free(kv);
	return otherwise;
}

static int choose_room(struct setup *s)
{
	uint32_t need = s->mtu + L2_OCTETS;
	bool scatter = (s->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_SCATTER) != 0;

	/* af_packet insists on room for a whole frame of its ring */
	if (strcmp(s->dev->driver, "net_af_packet") == 0)
		need = RTE_MAX(need, arg_number(s->target->args, "framesz", AF_PACKET_FRAME));
	if (s->conf->mbuf_size != 0)
		s->room = s->conf->mbuf_size;
	else
		s->room = scatter ? ROOM_OCTETS : RTE_MAX(ROOM_OCTETS, RTE_ALIGN(need, RTE_CACHE_LINE_SIZE));
	s->room = RTE_MAX(s->room, s->info.min_rx_bufsize);
	if (s->room < need && !scatter)
		return mr_err_set(s->err, EINVAL,
				  "frames of up to %u octets don't fit buffers of %u, and driver %s can't "
				  "split them: set mbuf_size %u",
				  need, s->room, s->dev->driver, need);
	if (s->room > ROOM_MAX)
		return mr_err_set(s->err, EINVAL, "buffers of %u octets are too large, at most %u", s->room,
				  ROOM_MAX);
	if (s->room < need)
		s->eth.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
	return 0;
}

/* VLAN tags stay in the frame; checksums are the decoder's business: no other offload is asked for. */
static int configure(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	int rc;

	s->eth.rxmode.offloads |= s->info.rx_offload_capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP;
	/* a chain that came in must go out of the peer; no MBUF_FAST_FREE, since buffers are of several pools
	 */
	s->eth.txmode.offloads |= s->info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	if (s->conf->queues > 1 && mr_ethdev_rss_conf(&s->info, s->rss_key, &s->rss) == 0) {
		s->eth.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		s->eth.rx_adv_conf.rss_conf = s->rss;
	}
	s->eth.intr_conf.rxq = s->conf->wakes;
	rc = rte_eth_dev_configure(dev->port_id, s->conf->queues, s->conf->queues, &s->eth);
	if (rc != 0 && s->conf->wakes) { /* perhaps it has none: without them the worker sleeps for a while */
		s->eth.intr_conf.rxq = 0;
		rc = rte_eth_dev_configure(dev->port_id, s->conf->queues, s->conf->queues, &s->eth);
	}
	dev->rx_intr = s->eth.intr_conf.rxq != 0;
	if (rc != 0)
		return mr_err_set(s->err, -rc, "driver %s refuses %u queues with MTU %u: %s", dev->driver,
				  s->conf->queues, s->mtu, rte_strerror(-rc));
	dev->descs[0] = s->conf->rx_descs != 0 ? s->conf->rx_descs : s->info.default_rxportconf.ring_size;
	dev->descs[1] = s->info.default_txportconf.ring_size;
	for (int i = 0; i < 2; i++)
		if (dev->descs[i] == 0)
			dev->descs[i] = DESCS_DEFAULT;
	rte_eth_dev_adjust_nb_rx_tx_desc(dev->port_id, &dev->descs[0], &dev->descs[1]);
	if ((dev->quirks & MR_ETHDEV_Q_UMEM) != 0)
		dev->descs[0] = dev->descs[1] = AF_XDP_DESCS;
	dev->port.rx_ring = strcmp(dev->driver, "net_af_packet") == 0
				    ? arg_number(s->target->args, "framecnt", AF_PACKET_FRAMES)
				    : dev->descs[0];
	return 0;
}

static int make_pool(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	uint32_t mbufs = s->conf->mbufs;
	uint32_t least = (uint32_t)s->conf->queues * (dev->descs[0] + 2 * MR_PORT_BURST_MAX);

	if (mbufs == 0)
		mbufs = mr_ethdev_pool_size(s->conf->queues, dev->descs[0], dev->descs[1], rte_lcore_count());
	if (mbufs < least)
		return mr_err_set(
			s->err, EINVAL,
			"%u mbufs can't fill %u queues of %u descriptors: at least %u, or 0 to let us choose",
			mbufs, s->conf->queues, dev->descs[0], least);
	dev->pool = mr_ethdev_pool_create(dev, mbufs, (uint16_t)(s->room + RTE_PKTMBUF_HEADROOM), s->err);
	return dev->pool == NULL ? -ENOMEM : 0;
}

static int setup_all_queues(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	struct rte_eth_rxconf rx = s->info.default_rxconf;
	struct rte_eth_txconf tx = s->info.default_txconf;
	unsigned int socket = (unsigned int)dev->port.socket;
	int rc;

	rx.offloads = s->eth.rxmode.offloads;
	tx.offloads = s->eth.txmode.offloads;
	for (uint16_t q = 0; q < s->conf->queues; q++) {
		rc = rte_eth_rx_queue_setup(dev->port_id, q, dev->descs[0], socket, &rx, dev->pool);
		if (rc != 0)
			return mr_err_set(s->err, -rc,
					  "driver %s can't set up RX queue %u with %u descriptors: %s",
					  dev->driver, q, dev->descs[0], rte_strerror(-rc));
		rc = rte_eth_tx_queue_setup(dev->port_id, q, dev->descs[1], socket, &tx);
		if (rc != 0)
			return mr_err_set(s->err, -rc,
					  "driver %s can't set up TX queue %u with %u descriptors: %s",
					  dev->driver, q, dev->descs[1], rte_strerror(-rc));
	}
	return 0;
}

static int setup_queues(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	struct mr_ethdev_sockets before = { .n = 0 };
	int rc, found;

	if ((dev->quirks & MR_ETHDEV_Q_UMEM) == 0)
		return setup_all_queues(s);
	rc = mr_ethdev_sockets_xdp(&before, &before, s->err);
	if (rc != 0)
		return rc;
	rc = setup_all_queues(s);
	found = mr_ethdev_sockets_xdp(&dev->sockets, &before, rc == 0 ? s->err : NULL);
	return rc != 0 ? rc : found;
}

/* Not having symmetric RSS costs handing packets over between workers, not correctness: never an error. */
static void finish_rss(struct setup *s)
{
	uint16_t port_id = s->dev->port_id;
	uint16_t queues = s->conf->queues;
	int rc;

	if (queues == 1 || s->dev->iface.index != 0)
		return;
	if (s->rss.rss_hf == 0) {
		mr_log_notice("port=%s driver %s spreads nothing over its %u queues by itself",
			      s->dev->port.name, s->dev->driver, queues);
		return;
	}
	rc = mr_ethdev_rss_spread(port_id, queues);
	if (rc != 0)
		mr_log_info("port=%s driver %s keeps its own RSS table: %s", s->dev->port.name,
			    s->dev->driver, rte_strerror(-rc));
	if (mr_ethdev_rss_key_set(port_id, &s->rss))
		return;
	rc = mr_ethdev_rss_flow_symmetric(port_id, queues, s->rss.rss_hf);
	if (rc != 0)
		mr_log_notice(
			"port=%s driver %s takes neither a symmetric RSS key nor a symmetric hash (%s): "
			"workers hand many packets over",
			s->dev->port.name, s->dev->driver, rte_strerror(-rc));
}

static void receive_all(struct mr_ethdev *dev)
{
	int rc = rte_eth_promiscuous_enable(dev->port_id);

	dev->promiscuous = rc == 0;
	if (rc != 0 && rc != -ENOTSUP)
		mr_log_warning("port=%s not promiscuous, so it sees its own traffic only: %s", dev->port.name,
			       rte_strerror(-rc));
	rc = rte_eth_allmulticast_enable(dev->port_id);
	if (rc != 0 && rc != -ENOTSUP)
		mr_log_info("port=%s not all multicast: %s", dev->port.name, rte_strerror(-rc));
}

static int start(struct setup *s)
{
	struct mr_ethdev *dev = s->dev;
	int rc = rte_eth_dev_start(dev->port_id);

	if (rc != 0)
		return mr_err_set(s->err, -rc, "driver %s can't start: %s", dev->driver, rte_strerror(-rc));
	dev->started = true;
	rte_eth_stats_get(dev->port_id, &dev->opened);
	if (s->conf->promiscuous)
		receive_all(dev);
	finish_rss(s);
	rc = mr_ethdev_time_start(dev, (s->eth.rxmode.offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP) != 0);
	if (rc != 0)
		return mr_err_set(s->err, -rc, "can't set up packet times: %s", rte_strerror(-rc));
	if ((dev->quirks & MR_ETHDEV_Q_SOCKETS) != 0 && dev->iface.index != 0)
		return mr_ethdev_sockets_packet(&dev->sockets, dev->iface.index, s->err);
	return 0;
}

int mr_ethdev_setup(struct mr_ethdev *dev, const struct mr_ethdev_target *target,
		    const struct mr_port_conf *conf, struct mr_err *err)
{
	static int (*const steps[])(struct setup *) = { learn_driver, check_queues, choose_mtu,	  choose_room,
							configure,    make_pool,    setup_queues, start };
	struct setup s = { .dev = dev, .target = target, .conf = conf, .err = err };
	int rc = 0;

	for (size_t i = 0; i < RTE_DIM(steps) && rc == 0; i++)
		rc = steps[i](&s);
	return rc;
}
