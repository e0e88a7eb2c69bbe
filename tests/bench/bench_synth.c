/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet from the "synth:" port costs, received and freed: the floor under every figure of the probe's
 * bench. */
/* usage: bench_synth [PACKETS [DEVICE]...]; few packets are for instruction counts under callgrind. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/mr_clock.h"
#include "drivers/mr_mbuf.h"
#include "drivers/synth/mr_synth.h"

#define BURST	32
#define PACKETS 8000000UL
#define ROUNDS	5

static const char *const cases[] = {
	"synth:flows=10k",
	"synth:flows=1M",
	"synth:flows=16M",
	"synth:flows=1M,order=roundrobin",
	"synth:flows=1M,tcp=100",
	"synth:flows=1M,ipv6=100",
	"synth:flows=1M,ipv6=30,tcp=70,icmp=2",
	"synth:flows=1M,size=imix",
	"synth:flows=1M,new=100k,time=real",
	"synth:flows=1M,new=100k,rate=50M,time=model",
	"synth:flows=1M,attack=synflood",
	"synth:flows=1M,handshake=yes,tcp=100",
	"synth:flows=100k,mix=web,ipv6=30",
	"synth:flows=1M,mix=web,ipv6=30",
	"synth:flows=1M,mix=web,lost=1,retransmit=1,reorder=1",
	"synth:flows=1M,tunnel=vxlan",
	"synth:flows=1M,tunnel=gtpu",
	"synth:flows=1M,tunnel=gre",
	"synth:flows=1M,tunnel=vxlan,tunnel2=gre",
	"synth:flows=1M,mix=web,ipv6=30,tunnel=vxlan",
};

__attribute__((noinline)) static double run_ns(struct mr_port *port, uint64_t packets)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t start_ns =
		mr_clock_read(CLOCK_THREAD_CPUTIME_ID); /* what others take of the core doesn't count */

	for (uint64_t done = 0; done < packets;) {
		uint16_t n = mr_port_rx_burst(port, 0, pkts, BURST);

		mr_mbuf_free_burst(pkts, n);
		done += n;
	}
	return (double)(mr_clock_read(CLOCK_THREAD_CPUTIME_ID) - start_ns) / (double)packets;
}

static int measure(const char *device, uint64_t packets)
{
	struct mr_port_conf conf = { .name = "bench", .device = device, .queues = 1 };
	struct mr_err err = { 0 };
	struct mr_port *port;
	double best = 1e9;

	if (mr_port_open(&conf, &port, &err) != 0) {
		fprintf(stderr, "%s: %s\n", device, err.msg);
		return 1;
	}
	for (int r = 0; r < ROUNDS; r++) {
		double ns = run_ns(port, packets);

		best = ns < best ? ns : best;
	}
	printf("%-50s %.1f\n", device, best);
	port->ops->close(port);
	return 0;
}

int main(int argc, char **argv)
{
	const char *eal[] = { argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
			      "-m",    "256",	    "-l",	   "0" };
	const char *const *devices = argc > 2 ? (const char *const *)argv + 2 : cases;
	size_t n = argc > 2 ? (size_t)argc - 2 : sizeof(cases) / sizeof(cases[0]);
	uint64_t packets = argc > 1 ? strtoull(argv[1], NULL, 10) : PACKETS;
	struct mr_err err = { 0 };
	int rc = 0;

	if (packets == 0 || rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])), (char **)eal) < 0 ||
	    mr_port_init(&err) != 0)
		return 1;
	printf("%-50s ns per packet, best of %d\n", "device", ROUNDS);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = measure(devices[i], packets);
	rte_eal_cleanup();
	return rc;
}
