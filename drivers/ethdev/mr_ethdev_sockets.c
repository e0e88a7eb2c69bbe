/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

#define XDP_RELEASE_MS 50

/*
 * What the drivers for kernel interfaces don't do, done from outside: their sockets are open files of this
 * process.
 *
 * net_af_packet counts what it hands over, but not what the kernel dropped because the socket's ring was
 * full. Those of net_pcap need the filter only: libpcap reads their counters.
 *
 * net_af_xdp of DPDK 22.11 leaves the first socket of each umem open when it is closed (it compares the wrong
 * number with 0), so that the queue stays taken for as long as the process lives.
 */

static bool in_domain(int fd, int domain)
{
	socklen_t len = sizeof(int);
	int is;

	return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &is, &len) == 0 && is == domain;
}

static bool on_interface(int fd, int if_index)
{
	struct sockaddr_ll addr = { .sll_ifindex = 0 };
	socklen_t len = sizeof(addr);

	return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 && addr.sll_ifindex == if_index;
}

static bool has(const struct mr_ethdev_sockets *socks, int fd)
{
	for (uint16_t i = 0; i < socks->n; i++)
		if (socks->fds[i] == fd)
			return true;
	return false;
}

/* Put every open file of this process that @p fits into the set. */
static int collect(struct mr_ethdev_sockets *socks, bool (*fits)(int fd, const void *arg), const void *arg,
		   struct mr_err *err)
{
	DIR *dir = opendir("/proc/self/fd");

	socks->n = 0;
	if (dir == NULL)
		return mr_err_set(err, errno, "can't read /proc/self/fd, where the driver's sockets are: %s",
				  strerror(errno));
	for (struct dirent *e = readdir(dir); e != NULL && socks->n < RTE_DIM(socks->fds); e = readdir(dir)) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (e->d_name[0] != '.' && fits(fd, arg))
			socks->fds[socks->n++] = fd;
	}
	closedir(dir);
	return 0;
}

static bool is_packet_on(int fd, const void *if_index)
{
	return in_domain(fd, AF_PACKET) && on_interface(fd, *(const int *)if_index);
}

static bool is_xdp_not_in(int fd, const void *before)
{
	return in_domain(fd, AF_XDP) && !has((const struct mr_ethdev_sockets *)before, fd);
}

/* A port receives what arrives; a packet socket also sees what the host itself sends there. */
static int pass_arriving(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog prog = { .len = RTE_DIM(code), .filter = code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) == 0 ? 0 : -errno;
}

int mr_ethdev_sockets_packet(struct mr_ethdev_sockets *ret_socks, int if_index, struct mr_err *err)
{
	int rc = collect(ret_socks, is_packet_on, &if_index, err);

	if (rc != 0)
		return rc;
	if (ret_socks->n == 0)
		return mr_err_set(err, EPROTO,
				  "the driver has no packet socket, so its losses can't be counted");
	for (uint16_t i = 0; i < ret_socks->n && rc == 0; i++)
		rc = pass_arriving(ret_socks->fds[i]);
	if (rc != 0)
		return mr_err_set(err, -rc, "can't filter the driver's packet socket: %s", strerror(-rc));
	mr_ethdev_sockets_drops(ret_socks);
	atomic_store_explicit(&ret_socks->drops, 0, memory_order_relaxed);
	return 0;
}

int mr_ethdev_sockets_xdp(struct mr_ethdev_sockets *ret_socks, const struct mr_ethdev_sockets *before,
			  struct mr_err *err)
{
	return collect(ret_socks, is_xdp_not_in, before, err);
}

void mr_ethdev_sockets_close_xdp(const struct mr_ethdev_sockets *socks)
{
	for (uint16_t i = 0; i < socks->n; i++)
		if (in_domain(socks->fds[i], AF_XDP))
			close(socks->fds[i]);
	/* the kernel frees the queue from a work queue; without this, opening it again at once fails as busy
	 */
	rte_delay_us_sleep(XDP_RELEASE_MS * 1000);
}

uint64_t mr_ethdev_sockets_drops(struct mr_ethdev_sockets *socks)
{
	uint64_t drops = 0;

	for (uint16_t i = 0; i < socks->n; i++) {
		struct tpacket_stats stats = { .tp_drops = 0 };
		socklen_t len = sizeof(stats);

		if (getsockopt(socks->fds[i], SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
			drops += stats.tp_drops;
	}
	return atomic_fetch_add_explicit(&socks->drops, drops, memory_order_relaxed) + drops;
}
