// SPDX-License-Identifier: Apache-2.0
// main() of the tests that need EAL: no hugepages, no PCI, no shared files, so that they run anywhere and in parallel.
#include <gtest/gtest.h>

#include <rte_eal.h>

int main(int argc, char **argv)
{
	const char *eal[] = { argv[0],         "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry", "-m", "256",
			      "--log-level=*:error", "--lcores", "(0-8)@(0-1)" };
	testing::InitGoogleTest(&argc, argv);
	if (rte_eal_init(sizeof(eal) / sizeof(eal[0]), const_cast<char **>(eal)) < 0) {
		fprintf(stderr, "rte_eal_init failed\n");
		return 1;
	}
	int rc = RUN_ALL_TESTS();
	rte_eal_cleanup();
	return rc;
}
