/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rte_ethdev.h>
#include <rte_flow.h>
#include <rte_thash.h>

#include "drivers/ethdev/mr_ethdev_priv.h"

#define PROOF_TUPLES 20000

void mr_ethdev_rss_key(uint8_t *key, uint8_t len)
{
	for (uint8_t i = 0; i < len; i++)
		key[i] = i % 2 == 0 ? 0x6d : 0x5a;
}

/* A fixed sequence (xorshift64*): a proof that failed once fails again. */
static uint32_t next_word(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return (uint32_t)((*state * 0x2545f4914f6cdd1dULL) >> 32);
}

/* The input of the hash: source, destination (@p words each, host order), then both ports. */
struct tuple {
	uint32_t w[RTE_THASH_V6_L4_LEN];
	unsigned int words; /* of an address: 1 or 4 */
};

static struct tuple tuple_random(uint64_t *state, unsigned int words)
{
	struct tuple t = { .words = words };

	for (unsigned int i = 0; i < 2 * words + 1; i++)
		t.w[i] = next_word(state);
	return t;
}

static struct tuple tuple_reverse(const struct tuple *t)
{
	struct tuple r = { .words = t->words };

	memcpy(r.w, t->w + t->words, t->words * sizeof(r.w[0]));
	memcpy(r.w + t->words, t->w, t->words * sizeof(r.w[0]));
	r.w[2 * t->words] = t->w[2 * t->words] << 16 | t->w[2 * t->words] >> 16;
	return r;
}

static void tuple_format(const struct tuple *t, char *text, size_t cap)
{
	char addr[2][INET6_ADDRSTRLEN];
	uint32_t net[4];

	for (unsigned int side = 0; side < 2; side++) {
		for (unsigned int i = 0; i < t->words; i++)
			net[i] = htonl(t->w[side * t->words + i]);
		inet_ntop(t->words == 1 ? AF_INET : AF_INET6, net, addr[side], sizeof(addr[side]));
	}
	snprintf(text, cap, "%s port %u to %s port %u", addr[0], t->w[2 * t->words] >> 16, addr[1],
		 t->w[2 * t->words] & 0xffff);
}

static uint16_t tuple_queue(struct tuple t, const uint8_t *key, uint16_t reta_size, uint16_t queues)
{
	uint32_t hash = rte_softrss(t.w, 2 * t.words + 1, key);

	return (uint16_t)((hash & (reta_size - 1u)) % queues); /* what mr_ethdev_rss_spread() wrote there */
}

static int judge_spread(const struct mr_ethdev_rss_proof *proof, uint16_t queues, struct mr_err *err)
{
	uint32_t fair = proof->tuples / queues;

	if (proof->least >= fair / 2 && proof->most <= fair * 2)
		return 0;
	return mr_err_set(err, EDOM,
			  "RSS spreads badly: %u to %u flows a queue where %u is fair; use fewer queues",
			  proof->least, proof->most, fair);
}

int mr_ethdev_rss_prove(const uint8_t *key, uint8_t key_len, uint16_t reta_size, uint16_t queues,
			struct mr_ethdev_rss_proof *ret_proof, struct mr_err *err)
{
	struct mr_ethdev_rss_proof proof = { .tuples = PROOF_TUPLES, .least = UINT32_MAX };
	uint32_t flows[RTE_MAX_QUEUES_PER_PORT] = { 0 };
	uint64_t state = 0x6d5a6d5a00000001ULL;
	char first[160] = "";

	if (key_len < MR_ETHDEV_RSS_KEY_MIN || queues == 0 || queues > RTE_MAX_QUEUES_PER_PORT ||
	    queues > reta_size || !rte_is_power_of_2(reta_size))
		return mr_err_set(
			err, EINVAL,
			"RSS with a key of %u octets, %u table entries and %u queues can't be proven",
			key_len, reta_size, queues);
	for (uint32_t i = 0; i < proof.tuples; i++) {
		struct tuple t = tuple_random(&state, i % 2 == 0 ? 1 : 4);
		uint16_t there = tuple_queue(t, key, reta_size, queues);
		uint16_t back = tuple_queue(tuple_reverse(&t), key, reta_size, queues);

		flows[there]++;
		if (there != back && proof.asymmetric++ == 0)
			tuple_format(&t, first, sizeof(first));
	}
	for (uint16_t q = 0; q < queues; q++) {
		proof.least = RTE_MIN(proof.least, flows[q]);
		proof.most = RTE_MAX(proof.most, flows[q]);
	}
	*ret_proof = proof;
	if (proof.asymmetric != 0)
		return mr_err_set(
			err, EPROTO,
			"RSS key isn't symmetric: the two directions of %u of %u flows go to different "
			"queues, first %s",
			proof.asymmetric, proof.tuples, first);
	return judge_spread(&proof, queues, err);
}

int mr_ethdev_rss_prove_port(const struct mr_port *port, struct mr_ethdev_rss_proof *ret_proof,
			     struct mr_err *err)
{
	const struct mr_ethdev *dev = (const struct mr_ethdev *)port;
	uint8_t key[MR_ETHDEV_RSS_KEY_MAX];
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = sizeof(key) };
	struct rte_eth_dev_info info;
	int rc;

	rc = rte_eth_dev_info_get(dev->port_id, &info);
	if (rc == 0 && info.hash_key_size > sizeof(key))
		rc = -ENOTSUP;
	if (rc == 0) {
		conf.rss_key_len = info.hash_key_size == 0 ? MR_ETHDEV_RSS_KEY_MIN : info.hash_key_size;
		rc = rte_eth_dev_rss_hash_conf_get(dev->port_id, &conf);
	}
	if (rc != 0 || info.reta_size == 0)
		return mr_err_set(err, ENOTSUP, "%s: driver %s doesn't tell its RSS key and table",
				  port->name, info.driver_name == NULL ? "?" : info.driver_name);
	return mr_ethdev_rss_prove(key, conf.rss_key_len, info.reta_size, port->queues, ret_proof, err);
}

int mr_ethdev_rss_conf(const struct rte_eth_dev_info *info, uint8_t key[MR_ETHDEV_RSS_KEY_MAX],
		       struct rte_eth_rss_conf *ret_conf)
{
	uint64_t types = (RTE_ETH_RSS_IP | RTE_ETH_RSS_TCP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_SCTP) &
			 info->flow_type_rss_offloads;
	uint8_t len = info->hash_key_size == 0 ? MR_ETHDEV_RSS_KEY_MIN : info->hash_key_size;

	if (types == 0 || len > MR_ETHDEV_RSS_KEY_MAX)
		return -ENOTSUP;
	mr_ethdev_rss_key(key, len);
	*ret_conf = (struct rte_eth_rss_conf){ .rss_key = key, .rss_key_len = len, .rss_hf = types };
	return 0;
}

int mr_ethdev_rss_spread(uint16_t port_id, uint16_t queues)
{
	struct rte_eth_rss_reta_entry64 reta[RTE_ETH_RSS_RETA_SIZE_512 / RTE_ETH_RETA_GROUP_SIZE] = { 0 };
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(port_id, &info);

	if (rc != 0)
		return rc;
	if (info.reta_size == 0 || info.reta_size > RTE_ETH_RSS_RETA_SIZE_512)
		return -ENOTSUP;
	for (uint16_t i = 0; i < info.reta_size; i++) {
		reta[i / RTE_ETH_RETA_GROUP_SIZE].mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
		reta[i / RTE_ETH_RETA_GROUP_SIZE].reta[i % RTE_ETH_RETA_GROUP_SIZE] = i % queues;
	}
	return rte_eth_dev_rss_reta_update(port_id, reta, info.reta_size);
}

static bool key_is_set(uint16_t port_id, const struct rte_eth_rss_conf *wanted)
{
	uint8_t key[MR_ETHDEV_RSS_KEY_MAX] = { 0 };
	struct rte_eth_rss_conf conf = { .rss_key = key, .rss_key_len = wanted->rss_key_len };

	return rte_eth_dev_rss_hash_conf_get(port_id, &conf) == 0 &&
	       memcmp(key, wanted->rss_key, wanted->rss_key_len) == 0;
}

bool mr_ethdev_rss_key_set(uint16_t port_id, struct rte_eth_rss_conf *wanted)
{
	return key_is_set(port_id, wanted) ||
	       (rte_eth_dev_rss_hash_update(port_id, wanted) == 0 && key_is_set(port_id, wanted));
}

int mr_ethdev_rss_flow_symmetric(uint16_t port_id, uint16_t queues, uint64_t types)
{
	static const enum rte_flow_item_type l3[] = { RTE_FLOW_ITEM_TYPE_IPV4, RTE_FLOW_ITEM_TYPE_IPV6 };
	const struct rte_flow_attr attr = { .ingress = 1 };
	uint16_t queue[RTE_MAX_QUEUES_PER_PORT];
	const struct rte_flow_action_rss rss = {
		.func = RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ,
		.types = types,
		.queue_num = queues,
		.queue = queue,
	};
	const struct rte_flow_action actions[] = { { .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss },
						   { .type = RTE_FLOW_ACTION_TYPE_END } };

	for (uint16_t q = 0; q < queues; q++)
		queue[q] = q;
	for (size_t i = 0; i < RTE_DIM(l3); i++) {
		const struct rte_flow_item pattern[] = { { .type = RTE_FLOW_ITEM_TYPE_ETH },
							 { .type = l3[i] },
							 { .type = RTE_FLOW_ITEM_TYPE_END } };
		struct rte_flow_error error;

		if (rte_flow_create(port_id, &attr, pattern, actions, &error) == NULL)
			return -rte_errno;
	}
	return 0;
}
