// SPDX-License-Identifier: Apache-2.0
// When an idle worker rests, and for how long.
#include <vector>

#include <gtest/gtest.h>

#include "app/mr_power.h"

namespace
{

// Empty polls until the first that isn't followed by another at once; what follows is in ret_act.
unsigned spin(mr_power *p, mr_power_act *ret_act)
{
	unsigned polls = 1;

	while ((*ret_act = mr_power_step(p, false)) == MR_POWER_POLL && polls < 10 * MR_POWER_SPIN)
		polls++;
	return polls;
}

// The next n waits of an idle worker, ns.
std::vector<uint32_t> waits(mr_power *p, size_t n)
{
	std::vector<uint32_t> result;

	while (result.size() < n)
		if (mr_power_step(p, false) == MR_POWER_WAIT)
			result.push_back(p->wait_ns);
	return result;
}

} // namespace

TEST(Power, PollsOnWhilePacketsCome)
{
	for (bool wakes : { false, true }) {
		mr_power p = mr_power_new(1024, wakes);

		for (unsigned i = 0; i < 10 * MR_POWER_SPIN; i++)
			ASSERT_EQ(MR_POWER_POLL, mr_power_step(&p, i % MR_POWER_SPIN == 0));
	}
}

TEST(Power, SleepsGrowFromTheShortestToTheLimit)
{
	mr_power p = mr_power_new(1024, false);

	EXPECT_EQ((std::vector<uint32_t>{ 10000, 20000, 40000, 80000, 160000, 256000, 256000 }),
		  waits(&p, 7));
}

TEST(Power, PacketsEndTheSleepsAndTheyBeginShort)
{
	mr_power p = mr_power_new(1024, false);
	mr_power_act act;

	waits(&p, 7);
	EXPECT_EQ(MR_POWER_POLL, mr_power_step(&p, true));
	EXPECT_EQ(MR_POWER_SPIN + 1u, spin(&p, &act));
	EXPECT_EQ(MR_POWER_WAIT, act);
	EXPECT_EQ(uint32_t(MR_POWER_SLEEP_MIN_NS), p.wait_ns);
}

// Whatever the ring, at the assumed rate a sleep fills no more than its fraction.
TEST(Power, NoSleepFillsTheRing)
{
	for (uint32_t ring = 1; ring <= 65536; ring++) {
		mr_power p = mr_power_new(ring, false);

		for (uint32_t wait_ns : waits(&p, 10)) {
			ASSERT_LE(uint64_t(wait_ns) * MR_POWER_ASSUMED_PPS / 1000000000, ring / 4.0) << ring;
			ASSERT_LE(wait_ns, uint32_t(MR_POWER_SLEEP_MAX_NS));
			ASSERT_GT(wait_ns, 0u);
		}
	}
}

TEST(Power, WithoutARingOnlyAgeingBoundsTheSleep)
{
	mr_power p = mr_power_new(0, false);

	EXPECT_EQ(uint32_t(MR_POWER_SLEEP_MAX_NS), waits(&p, 20).back());
}

TEST(Power, PortsAreArmedAndPolledBeforeEachWait)
{
	mr_power p = mr_power_new(1024, true);
	mr_power_act act;

	EXPECT_EQ(MR_POWER_SPIN + 1u, spin(&p, &act));
	EXPECT_EQ(MR_POWER_ARM, act);
	for (int i = 0; i < 3; i++) {
		EXPECT_TRUE(p.armed);
		EXPECT_EQ(MR_POWER_WAIT, mr_power_step(&p, false));
		EXPECT_EQ(uint32_t(MR_POWER_WOKEN_MAX_NS), p.wait_ns);
		EXPECT_FALSE(p.armed);
		EXPECT_EQ(MR_POWER_ARM, mr_power_step(&p, false));
	}
}

TEST(Power, AFrameThatCameWhileArmingIsNotSleptOver)
{
	mr_power p = mr_power_new(1024, true);
	mr_power_act act;

	spin(&p, &act);
	EXPECT_EQ(MR_POWER_POLL, mr_power_step(&p, true));
	EXPECT_FALSE(p.armed);
	EXPECT_EQ(MR_POWER_SPIN + 1u, spin(&p, &act));
	EXPECT_EQ(MR_POWER_ARM, act);
}
