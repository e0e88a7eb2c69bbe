/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_ie.h"

#include <stdio.h>

/* Ours, by id. An id is never given a new meaning, also when no template carries it. */
static const struct mr_ipfix_ie ie_private[] = {
	[1] = { "clientRttMicroseconds", MR_IPFIX_T_U32, MR_IPFIX_S_QUANTITY, MR_IPFIX_UNIT_US },
	[2] = { "serverRttMicroseconds", MR_IPFIX_T_U32, MR_IPFIX_S_QUANTITY, MR_IPFIX_UNIT_US },
	[3] = { "applicationRttMicroseconds", MR_IPFIX_T_U32, MR_IPFIX_S_QUANTITY, MR_IPFIX_UNIT_US },
	[4] = { "retransmittedPackets", MR_IPFIX_T_U32, MR_IPFIX_S_DELTA, MR_IPFIX_UNIT_PACKETS },
	[5] = { "reverseRetransmittedPackets", MR_IPFIX_T_U32, MR_IPFIX_S_DELTA, MR_IPFIX_UNIT_PACKETS },
	[6] = { "outOfOrderPackets", MR_IPFIX_T_U32, MR_IPFIX_S_DELTA, MR_IPFIX_UNIT_PACKETS },
	[7] = { "zeroWindowPackets", MR_IPFIX_T_U32, MR_IPFIX_S_DELTA, MR_IPFIX_UNIT_PACKETS },
	[16] = { "tlsServerName", MR_IPFIX_T_STRING, MR_IPFIX_S_DEFAULT, MR_IPFIX_UNIT_NONE },
};

#define IE_PRIVATE_N (sizeof(ie_private) / sizeof(ie_private[0]))

const struct mr_ipfix_ie *mr_ipfix_ie_find(uint32_t pen, uint16_t id)
{
	const struct mr_ipfix_ie *ie = NULL;

	if (pen == 0 || pen == MR_IPFIX_PEN_REVERSE)
		ie = id <= MR_IPFIX_IANA_MAX ? &mr_ipfix_ie_iana[id] : NULL;
	else if (pen == MR_PEN)
		ie = id < IE_PRIVATE_N ? &ie_private[id] : NULL;
	return ie != NULL && ie->name != NULL ? ie : NULL;
}

char *mr_ipfix_ie_name(uint32_t pen, uint16_t id, char buf[MR_IPFIX_NAME_MAX])
{
	const struct mr_ipfix_ie *ie = mr_ipfix_ie_find(pen, id);

	if (ie == NULL)
		snprintf(buf, MR_IPFIX_NAME_MAX, "e%uid%u", pen, id);
	else if (pen == MR_IPFIX_PEN_REVERSE)
		snprintf(buf, MR_IPFIX_NAME_MAX, "reverse%c%s", ie->name[0] & ~0x20, ie->name + 1);
	else
		snprintf(buf, MR_IPFIX_NAME_MAX, "%s", ie->name);
	return buf;
}
