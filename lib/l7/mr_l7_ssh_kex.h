/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "l7/mr_l7.h"

#ifdef __cplusplus
extern "C" {
#endif

/** @file SSH_MSG_KEXINIT (RFC 4253 section 7.1): fingerprints, and what both sides agree on. */

#define MR_L7_SSH_KEXINIT 20u

/** The name-lists of a KEXINIT, in its order. */
enum {
	MR_L7_SSH_LIST_KEX,
	MR_L7_SSH_LIST_HOST_KEY,
	MR_L7_SSH_LIST_CIPHER, /* client to server; the one behind it server to client, as for the next two */
	MR_L7_SSH_LIST_MAC = 4,
	MR_L7_SSH_LIST_COMPRESSION = 6,
	MR_L7_SSH_LIST_MAX = 8 /* the languages behind these are of no interest */
};

struct mr_l7_ssh_list {
	const uint8_t *data; /* names with commas between; borrowed */
	uint32_t len;
};

struct mr_l7_ssh_kexinit {
	struct mr_l7_ssh_list list[MR_L7_SSH_LIST_MAX];
};

#define MR_L7_SSH_KINDS	    5u	/* of algorithms that are told: one field each */
#define MR_L7_SSH_NAMES_MAX 96u /* OpenSSH and PuTTY have about 50 */

/**
 * What is kept of the first KEXINIT until the other side's comes: a hash of each name. Two names of one list
 * having the same hash by chance (1 in 1,000 for lists of hostile length) would make a wrong name.
 */
struct mr_l7_ssh_names {
	uint16_t hash[MR_L7_SSH_NAMES_MAX];
	uint8_t count[MR_L7_SSH_KINDS];
	bool full; /* there were more: nothing is told of them */
};

/** @param payload  of the packet, from its message number on. false: malformed */
bool mr_l7_ssh_kexinit_parse(const uint8_t *payload, uint32_t len, struct mr_l7_ssh_kexinit *ret_kexinit);

/** Put HASSH and its string. */
void mr_l7_ssh_put_hassh(const struct mr_l7_ssh_kexinit *kexinit, bool server, struct mr_l7_sink *sink);

/** Fill zeroed @p names. */
void mr_l7_ssh_keep(struct mr_l7_ssh_names *names, const struct mr_l7_ssh_kexinit *kexinit);

/** Put what client and server agree on. @param client_kept  @p names are the client's, @p kexinit is the
 * server's */
void mr_l7_ssh_put_chosen(const struct mr_l7_ssh_names *names, bool client_kept,
			  const struct mr_l7_ssh_kexinit *kexinit, struct mr_l7_sink *sink);

#ifdef __cplusplus
}
#endif
