// SPDX-License-Identifier: Apache-2.0
// The values are those of the public specification's baseline (default output: seed 0, base64).
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <utility>

#include "flow/mr_community_id.h"

namespace
{

struct Baseline {
	uint8_t proto;
	const char *source, *destination;
	uint16_t a, b; // ports, or type and code
	const char *id;
};

struct mr_flow_rec record(const Baseline &b)
{
	struct mr_flow_rec rec = {};

	rec.family = strchr(b.source, ':') != nullptr ? 6 : 4;
	inet_pton(rec.family == 6 ? AF_INET6 : AF_INET, b.source, rec.addr[0]);
	inet_pton(rec.family == 6 ? AF_INET6 : AF_INET, b.destination, rec.addr[1]);
	rec.proto = b.proto;
	if (b.proto == IPPROTO_ICMP || b.proto == IPPROTO_ICMPV6) {
		rec.icmp = static_cast<uint16_t>(b.a << 8 | b.b);
	} else {
		rec.port[0] = b.a;
		rec.port[1] = b.b;
	}
	return rec;
}

std::string id(const struct mr_flow_rec &rec)
{
	char text[MR_COMMUNITY_ID_OCTETS];

	mr_community_id(&rec, text);
	return std::string(text, sizeof(text));
}

const Baseline kBaseline[] = {
	{ 6, "128.232.110.120", "66.35.250.204", 34855, 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=" },
	{ 6, "2001:470:e5bf:dead:4957:2174:e82c:4887", "2607:f8b0:400c:c03::1a", 63943, 25,
	  "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=" },
	{ 17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=" },
	{ 132, "192.168.170.8", "192.168.170.56", 7, 7, "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=" },
	{ 46, "10.1.12.1", "10.1.12.2", 0, 0, "1:KHlLkgoJW7ifUTyTSgyVfkFHzKw=" },
	// ICMP: an answer has the ID of its question
	{ 1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
	{ 1, "192.168.0.1", "192.168.0.89", 0, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=" },
	{ 58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=" },
	{ 58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0, "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=" },
	{ 58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 135, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck=" },
	{ 58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 136, 0, "1:zavyT/cezQr1fmImYCwYnMXbgck=" },
	{ 58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:501:0:1001::2", 128, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=" },
	{ 58, "3ffe:501:0:1001::2", "3ffe:507:0:1:200:86ff:fe05:80da", 129, 0, "1:+TW+HtLHvV1xnGhV1lv7XoJrqQg=" },
	{ 58, "fe80::200:86ff:fe05:80da", "ff02::2", 133, 0, "1:hO+sN4H+MG5MY/8hIrXPqc4ZQz0=" },
	{ 58, "fe80::260:97ff:fe07:69ea", "ff02::1", 134, 0, "1:pkvHqCL88/tg1k4cPigmZXUtL00=" },
	// messages without an answer keep their direction
	{ 1, "10.0.0.1", "10.0.0.2", 11, 0, "1:YHxtAirCG//0OzkcVAukqKQN9xM=" },
	{ 58, "3ffe:501:1800:2345::2", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0, "1:2ObVBgIn28oZvibYZhZMBgh7WdQ=" },
	{ 58, "3ffe:501:410:0:2c0:dfff:fe47:33e", "3ffe:507:0:1:200:86ff:fe05:80da", 1, 4,
	  "1:hLZd0XGWojozrvxqE0dWB1iM6R0=" },
};

TEST(CommunityId, Baseline)
{
	for (const Baseline &b : kBaseline)
		EXPECT_EQ(id(record(b)), b.id) << int(b.proto) << ' ' << b.source << ' ' << b.destination;
}

TEST(CommunityId, BothDirectionsHaveTheSame)
{
	for (const Baseline &b : kBaseline) {
		struct mr_flow_rec rec = record(b), back = rec;

		if (b.proto == IPPROTO_ICMP || b.proto == IPPROTO_ICMPV6)
			continue;
		std::swap(back.addr[0], back.addr[1]);
		std::swap(back.port[0], back.port[1]);
		EXPECT_EQ(id(back), id(rec));
	}
}

} // namespace
