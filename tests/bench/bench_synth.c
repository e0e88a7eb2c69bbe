/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet from the "synth:" port costs, received and freed: the floor under every figure of the probe's
 * bench. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>
#include <rte_mbuf.h>

#include "base/mr_clock.h"
#include "drivers/mr_mbuf.h"
#include "drivers/synth/mr_synth.h"

#define BURST	32
#define PACKETS 8000000u
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
};

static double run_ns(struct mr_port *port)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t start_ns =
		mr_clock_read(CLOCK_THREAD_CPUTIME_ID); /* what others take of the core doesn't count */

	for (uint32_t done = 0; done < PACKETS;) {
		uint16_t n = mr_port_rx_burst(port, 0, pkts, BURST);

		mr_mbuf_free_burst(pkts, n);
		done += n;
	}
	return (double)(mr_clock_read(CLOCK_THREAD_CPUTIME_ID) - start_ns) / PACKETS;
}

int main(int argc, char **argv)
{
	const char *eal[] = { argv[0], "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
			      "-m",    "256",	    "-l",	   "0" };
	struct mr_err err = { 0 };

	if (rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])), (char **)eal) < 0 || mr_port_init(&err) != 0)
		return 1;
	printf("%-50s %s\n", "device", "ns per packet, best of 5");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mr_port_conf conf = { .name = "bench", .device = cases[i], .queues = 1 };
		struct mr_port *port;
		double best = 1e9;

		if (mr_synth_ops.open(&conf, &port, &err) != 0) {
			fprintf(stderr, "%s: %s\n", cases[i], err.msg);
			return 1;
		}
		for (int r = 0; r < ROUNDS; r++) {
			double ns = run_ns(port);

			best = ns < best ? ns : best;
		}
		printf("%-50s %.1f\n", cases[i], best);
		mr_synth_ops.close(port);
	}
	rte_eal_cleanup();
	return 0;
}
