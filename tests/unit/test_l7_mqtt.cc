/* SPDX-License-Identifier: Apache-2.0 */
#include "../l7/talks.h"

using l7::Parse;
using Strings = std::vector<std::string>;

TEST(L7Mqtt, ConnectAndTopics)
{
	l7::Talk talk = l7::mqtt_talk();
	Parse p("mqtt");

	for (const auto &[dir, data] : talk.messages)
		p.feed(dir, data);
	EXPECT_EQ(p.one("mqtt_version"), "3.1.1");
	EXPECT_EQ(p.one("mqtt_client_id"), "sensor-7");
	EXPECT_EQ(p.one("mqtt_user"), "alice");
	EXPECT_EQ(p.one("mqtt_return_code"), "0");
	EXPECT_EQ(p.all("mqtt_subscribe_topic"), (Strings{ "a/b", "c/#" }));
	EXPECT_EQ(p.all("mqtt_topic"), (Strings{ "a/b", "c/d" }));
	for (const l7::Found &f : p.found)
		EXPECT_EQ(f.value.find("secret"), std::string::npos) << f;
	l7::expect_robust(talk);
}

/* 5.0 has properties before the payload (section 3.1.2.11), with the will, and before the filters. */
TEST(L7Mqtt, Version5)
{
	Parse p("mqtt");

	p.feed(0, l7::hex("10 24 00 04") + "MQTT" + l7::hex("05 86 00 3c 05 11 00 00 00 0a 00 02") + "c1" +
			  l7::hex("02 01 01 00 01") + "w" + l7::hex("00 01") + "m" + l7::hex("00 03") +
			  "bob" + l7::hex("00 00"));
	p.feed(0, l7::hex("82 09 00 01 02 0b 01 00 01") + "t" + l7::hex("00"));
	EXPECT_EQ(p.one("mqtt_version"), "5.0");
	EXPECT_EQ(p.one("mqtt_client_id"), "c1");
	EXPECT_EQ(p.one("mqtt_user"), "bob");
	EXPECT_EQ(p.one("mqtt_subscribe_topic"), "t");
}

TEST(L7Mqtt, Version31)
{
	Parse p("mqtt");
	std::string connect = l7::hex("10 10 00 06") + "MQIsdp" + l7::hex("03 02 00 3c 00 02") + "id";

	EXPECT_EQ(l7::probe("mqtt", connect), MR_L7_YES);
	p.feed(0, connect);
	EXPECT_EQ(p.one("mqtt_version"), "3.1");
	EXPECT_EQ(p.one("mqtt_client_id"), "id");
}

TEST(L7Mqtt, RefusedAndMalformed)
{
	Parse refused("mqtt"), malformed("mqtt"), gap("mqtt"), no_length("mqtt");

	refused.feed(1, l7::hex("20 02 00 05"));
	EXPECT_EQ(refused.one("mqtt_return_code"), "5");
	EXPECT_EQ(malformed.feed(0, l7::hex("00 00")), MR_L7_BROKEN);
	EXPECT_EQ(no_length.feed(0, l7::hex("30 ff ff ff ff 01")), MR_L7_BROKEN);
	EXPECT_EQ(gap.feed(0, l7::hex("c0 00"), false, true), MR_L7_BROKEN);
}

TEST(L7Mqtt, TopicsAreBounded)
{
	Parse p("mqtt");

	for (int i = 0; i < 1000; i++)
		p.feed(0, l7::hex("30 06 00 04") + l7::big(0x30303030 + i, 4));
	EXPECT_EQ(p.all("mqtt_topic").size(), 128u);
	EXPECT_EQ(p.feed(0, ""), MR_L7_DONE);
}
