/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of SMB 2 and 3 (MS-SMB2); several may stand in one frame. */
#include "l7/mr_l7_smb_priv.h"
#include "l7/mr_l7_text.h"

#define HEADER_LEN   64u
#define CHAIN_MAX    16u	 /* messages of a frame that are read */
#define MORE_TO_COME 0xc0000016u /* NT status of a login that isn't at its end */

enum {
	NEGOTIATE = 0,
	SESSION_SETUP = 1,
	TREE_CONNECT = 3,
	CREATE = 5,
	COMMAND_MAX = 19,
};

static void put_command(struct mr_smb *s, unsigned command, struct mr_l7_sink *sink)
{
	static const char *const names[COMMAND_MAX] = {
		"NEGOTIATE",	 "SESSION_SETUP", "LOGOFF",   "TREE_CONNECT", "TREE_DISCONNECT",
		"CREATE",	 "CLOSE",	  "FLUSH",    "READ",	      "WRITE",
		"LOCK",		 "IOCTL",	  "CANCEL",   "ECHO",	      "QUERY_DIRECTORY",
		"CHANGE_NOTIFY", "QUERY_INFO",	  "SET_INFO", "OPLOCK_BREAK",
	};

	if (command >= COMMAND_MAX || (s->smb2_commands >> command & 1) != 0)
		return;
	s->smb2_commands |= 1u << command;
	mr_l7_put_string(sink, MR_L7_F_SMB_COMMAND, names[command]);
}

/* 0x0302 is 3.0.2; the last part is left out where it is 0. 0x02ff: the client shall say again what it can.
 */
static void put_dialect(struct mr_smb *s, uint16_t dialect, struct mr_l7_sink *sink)
{
	char room[16];
	struct mr_wbuf w;

	if (s->dialect_told || dialect == 0x02ff)
		return;
	s->dialect_told = true;
	mr_wbuf_init(&w, room, sizeof(room));
	mr_l7_write_decimal(&w, dialect >> 8);
	mr_wbuf_put_u8(&w, '.');
	mr_l7_write_decimal(&w, dialect >> 4 & 15);
	if ((dialect & 15) != 0) {
		mr_wbuf_put_u8(&w, '.');
		mr_l7_write_decimal(&w, dialect & 15);
	}
	mr_l7_put(sink, MR_L7_F_SMB_DIALECT, w.data, w.len);
}

/* A name in UTF-16 whose offset and length stand at @at. */
static void put_name(struct mr_smb *s, enum mr_l7_field field, const uint8_t *p, size_t len, size_t at,
		     struct mr_l7_sink *sink)
{
	const uint8_t *name;

	if (len < at + 4)
		return;
	name = mr_smb_part(p, len, mr_smb_le16(p + at), mr_smb_le16(p + at + 2));
	if (name == NULL)
		return;
	mr_l7_put_utf16(sink, field, name, mr_smb_le16(p + at + 2));
	s->values++;
}

static void read_request(struct mr_smb *s, unsigned command, const uint8_t *p, size_t len,
			 struct mr_l7_sink *sink)
{
	if (command == SESSION_SETUP)
		mr_smb_put_ntlm(s, p, len, sink);
	else if (command == TREE_CONNECT)
		put_name(s, MR_L7_F_SMB_SHARE, p, len, HEADER_LEN + 4, sink);
	else if (command == CREATE)
		put_name(s, MR_L7_F_SMB_FILE, p, len, HEADER_LEN + 44, sink);
}

static void read_response(struct mr_smb *s, unsigned command, const uint8_t *p, size_t len,
			  struct mr_l7_sink *sink)
{
	uint32_t status = mr_smb_le32(p + 8);

	if (command == NEGOTIATE && status == 0 && len >= HEADER_LEN + 6) {
		put_dialect(s, mr_smb_le16(p + HEADER_LEN + 4), sink);
	} else if (command == SESSION_SETUP && status != MORE_TO_COME) {
		mr_l7_put_number(sink, MR_L7_F_SMB_LOGIN_STATUS, status);
		s->values++;
	}
	mr_l7_end_transaction(sink);
}

void mr_smb2_read(struct mr_smb *s, const uint8_t *p, size_t len, struct mr_l7_sink *sink)
{
	for (unsigned i = 0; i < CHAIN_MAX && len >= HEADER_LEN; i++) {
		unsigned command = mr_smb_le16(p + 12);
		uint32_t next = mr_smb_le32(p + 20);
		size_t own = next >= HEADER_LEN && next < len ? next : len;

		put_command(s, command, sink);
		if (p[16] & 1)
			read_response(s, command, p, own, sink);
		else
			read_request(s, command, p, own, sink);
		if (own == len)
			break;
		p += own;
		len -= own;
	}
}
