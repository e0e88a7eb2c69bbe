/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

/*
 * net_af_packet counts what it hands over, but not what the kernel dropped because the socket's ring was
 * full, and it doesn't show its sockets. They are open files of this process, so we find them by domain and
 * interface. Those of net_pcap need the filter only: libpcap reads their counters.
 */

static bool is_packet_socket(int fd, int if_index)
{
	struct sockaddr_ll addr = { .sll_ifindex = 0 };
	socklen_t len = sizeof(int);
	int domain;

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) != 0 || domain != AF_PACKET)
		return false;
	len = sizeof(addr);
	return getsockname(fd, (struct sockaddr *)&addr, &len) == 0 && addr.sll_ifindex == if_index;
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

int mr_ethdev_sockets_find(struct mr_ethdev_sockets *ret_socks, int if_index, struct mr_err *err)
{
	DIR *dir = opendir("/proc/self/fd");
	int rc = 0;

	if (dir == NULL)
		return mr_err_set(err, errno, "can't read /proc/self/fd, where the driver's sockets are: %s",
				  strerror(errno));
	ret_socks->n = 0;
	for (struct dirent *e = readdir(dir); e != NULL && rc == 0; e = readdir(dir)) {
		int fd = (int)strtol(e->d_name, NULL, 10);

		if (e->d_name[0] == '.' || !is_packet_socket(fd, if_index) ||
		    ret_socks->n == RTE_DIM(ret_socks->fds))
			continue;
		ret_socks->fds[ret_socks->n++] = fd;
		rc = pass_arriving(fd);
	}
	closedir(dir);
	if (rc != 0)
		return mr_err_set(err, -rc, "can't filter the driver's packet socket: %s", strerror(-rc));
	if (ret_socks->n == 0)
		return mr_err_set(err, EPROTO,
				  "the driver has no packet socket, so its losses can't be counted");
	mr_ethdev_sockets_drops(ret_socks);
	atomic_store_explicit(&ret_socks->drops, 0, memory_order_relaxed);
	return 0;
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
