/* SPDX-License-Identifier: Apache-2.0 */
#include "ipfix/mr_ipfix_ie.h"

#include <stdio.h>

#include "ipfix/mr_ipfix_detail.h"
#include "l7/mr_l7_fields.h"

/* Ours, by id. */
static const struct mr_ipfix_ie ie_private[] = {
#define X(ID, block, element, octets, name_, type_, semantics_, units_, json, doc)                           \
	[element] = { .name = (name_),                                                                       \
		      .type = MR_IPFIX_T_##type_,                                                            \
		      .semantics = MR_IPFIX_S_##semantics_,                                                  \
		      .units = MR_IPFIX_UNIT_##units_ },
	MR_IPFIX_DETAILS_OWN(X)
#undef X
};

#define IE_PRIVATE_N (sizeof(ie_private) / sizeof(ie_private[0]))

/* clang-format off */
#define NUMBER_TYPE(octets) \
	((octets) == 1 ? MR_IPFIX_T_U8 : (octets) == 2 ? MR_IPFIX_T_U16 : (octets) == 4 ? MR_IPFIX_T_U32 : MR_IPFIX_T_U64)
#define FIELD_TYPE(type, octets) \
	((type) == MR_L7_TEXT ? MR_IPFIX_T_STRING : (type) == MR_L7_OCTETS ? MR_IPFIX_T_OCTETS : NUMBER_TYPE(octets))
/* clang-format on */

/* Of application protocols: element and key in flows.jsonl have the same name. */
static const struct mr_ipfix_ie ie_l7[MR_L7_FIELD_MAX] = {
#define X(ID, name_, type_, octets, bits, pen, element, doc)                                                 \
	[MR_L7_F_##ID] = { .name = (name_), .type = FIELD_TYPE(type_, octets) },
	MR_L7_FIELDS(X)
#undef X
};

static const struct mr_ipfix_ie *l7_find(uint16_t id)
{
	for (unsigned i = 0; i < MR_L7_FIELD_MAX; i++)
		if (mr_l7_field_info[i].pen != 0 && mr_l7_field_info[i].element == id &&
		    (mr_l7_field_info[i].bits & MR_L7_HIDDEN) == 0)
			return &ie_l7[i];
	return NULL;
}

const struct mr_ipfix_ie *mr_ipfix_ie_find(uint32_t pen, uint16_t id)
{
	const struct mr_ipfix_ie *ie = NULL;

	if (pen == 0 || pen == MR_IPFIX_PEN_REVERSE)
		ie = id <= MR_IPFIX_IANA_MAX ? &mr_ipfix_ie_iana[id] : NULL;
	else if (pen == MR_PEN)
		ie = id < IE_PRIVATE_N && ie_private[id].name != NULL ? &ie_private[id] : l7_find(id);
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
