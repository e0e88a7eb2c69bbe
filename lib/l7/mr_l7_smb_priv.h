/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/mr_buf.h"
#include "l7/mr_l7_frame.h"

/** What the readers of SMB 1 and of SMB 2 and 3 share. */

#define MR_SMB_SHOWN_MAX  4096u /* octets of a message: names and logins stand at its start */
#define MR_SMB_VALUES_MAX 200u	/* files, shares and logins of a flow */
#define MR_SMB1_OFFERED	  16u

struct mr_smb {
	struct mr_l7_frames frames;
	uint32_t smb1_commands[8]; /* a bit each: told */
	uint32_t smb2_commands;
	uint8_t offered[MR_SMB1_OFFERED]; /* dialects of SMB 1 that the client offered, in its order; index +
					     1 */
	uint8_t values;
	bool dialect_told;
};

/** The header's magic number is checked, what it has beside isn't. @p len >= 4. */
void mr_smb1_read(struct mr_smb *s, const uint8_t *p, size_t len, struct mr_l7_sink *sink);
void mr_smb2_read(struct mr_smb *s, const uint8_t *p, size_t len, struct mr_l7_sink *sink);

/** User, domain and host of an NTLM AUTHENTICATE message (MS-NLMP section 2.2.1.3) somewhere in @p data. */
void mr_smb_put_ntlm(struct mr_smb *s, const uint8_t *data, size_t len, struct mr_l7_sink *sink);

static inline uint16_t mr_smb_le16(const uint8_t *p)
{
	return __builtin_bswap16(mr_get_u16(p));
}

static inline uint32_t mr_smb_le32(const uint8_t *p)
{
	return __builtin_bswap32(mr_get_u32(p));
}

/** The part of a message that an offset and a length in it mean; NULL when it isn't (wholly) there, or is
 * empty. */
static inline const uint8_t *mr_smb_part(const uint8_t *p, size_t len, size_t at, size_t part_len)
{
	return part_len > 0 && at <= len && part_len <= len - at ? p + at : NULL;
}
