/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "flow/mr_flow_rec.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Community ID, version 1, seed 0: the name of a flow that Zeek, Suricata, Arkime and others give it too
 * (github.com/corelight/community-id-spec). Both directions have the same; of tunnelled flows it is the inner one's.
 */

#define MR_COMMUNITY_ID_OCTETS 30u /* "1:" and 28 characters of base64 */

/** @param ret_text  no end mark. Pure function. No allocation of ours. */
void mr_community_id(const struct mr_flow_rec *rec, char ret_text[MR_COMMUNITY_ID_OCTETS]);

#ifdef __cplusplus
}
#endif
