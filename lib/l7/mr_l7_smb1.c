/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of SMB 1 (MS-CIFS, MS-SMB). Commands may come in a chain (AndX). */
#include "l7/mr_l7_smb_priv.h"
#include "l7/mr_l7_text.h"

#define HEADER_LEN   32u
#define CHAIN_MAX    4u		 /* commands of a message that are read */
#define MORE_TO_COME 0xc0000016u /* NT status of a login that isn't at its end */
#define NO_COMMAND   0xffu

enum {
	OPEN = 0x02,
	DELETE = 0x06,
	OPEN_ANDX = 0x2d,
	NEGOTIATE = 0x72,
	SESSION_SETUP_ANDX = 0x73,
	TREE_CONNECT = 0x70,
	TREE_CONNECT_ANDX = 0x75,
	NT_CREATE_ANDX = 0xa2,
};

/* One command: its words, and the octets behind them. */
struct block {
	const uint8_t *message; /* its header: names in UTF-16 are aligned to that */
	size_t message_len;
	const uint8_t *words;
	unsigned word_count;
	const uint8_t *data;
	size_t data_len; /* as told, but not more than is there */
	bool unicode;
};

static const char *const dialects[] = {
	"PC NETWORK PROGRAM 1.0",
	"MICROSOFT NETWORKS 1.03",
	"MICROSOFT NETWORKS 3.0",
	"LANMAN1.0",
	"LM1.2X002",
	"DOS LANMAN2.1",
	"LANMAN2.1",
	"Windows for Workgroups 3.1a",
	"NT LM 0.12",
	"NT LANMAN 1.0",
	"Samba",
	"XENIX CORE",
};

static void put_command(struct mr_smb *s, uint8_t command, struct mr_l7_sink *sink)
{
	static const char *const names[256] = {
		[0x00] = "CREATE_DIRECTORY",
		[0x01] = "DELETE_DIRECTORY",
		[0x02] = "OPEN",
		[0x03] = "CREATE",
		[0x04] = "CLOSE",
		[0x05] = "FLUSH",
		[0x06] = "DELETE",
		[0x07] = "RENAME",
		[0x08] = "QUERY_INFORMATION",
		[0x09] = "SET_INFORMATION",
		[0x0a] = "READ",
		[0x0b] = "WRITE",
		[0x10] = "CHECK_DIRECTORY",
		[0x12] = "SEEK",
		[0x23] = "QUERY_INFORMATION2",
		[0x24] = "LOCKING_ANDX",
		[0x25] = "TRANSACTION",
		[0x26] = "TRANSACTION_SECONDARY",
		[0x2b] = "ECHO",
		[0x2d] = "OPEN_ANDX",
		[0x2e] = "READ_ANDX",
		[0x2f] = "WRITE_ANDX",
		[0x32] = "TRANSACTION2",
		[0x33] = "TRANSACTION2_SECONDARY",
		[0x34] = "FIND_CLOSE2",
		[0x70] = "TREE_CONNECT",
		[0x71] = "TREE_DISCONNECT",
		[0x72] = "NEGOTIATE",
		[0x73] = "SESSION_SETUP_ANDX",
		[0x74] = "LOGOFF_ANDX",
		[0x75] = "TREE_CONNECT_ANDX",
		[0x80] = "QUERY_INFORMATION_DISK",
		[0x81] = "SEARCH",
		[0xa0] = "NT_TRANSACT",
		[0xa1] = "NT_TRANSACT_SECONDARY",
		[0xa2] = "NT_CREATE_ANDX",
		[0xa4] = "NT_CANCEL",
		[0xa5] = "NT_RENAME",
		[0xc0] = "OPEN_PRINT_FILE",
	};

	if ((s->smb1_commands[command / 32] >> command % 32 & 1) != 0)
		return;
	s->smb1_commands[command / 32] |= 1u << command % 32;
	mr_l7_put_string(sink, MR_L7_F_SMB_COMMAND, names[command] != NULL ? names[command] : "other");
}

static uint16_t word(const struct block *b, unsigned i)
{
	return i < b->word_count ? mr_smb_le16(b->words + 2 * i) : 0;
}

/* Reads the block at this offset of the message; false: it isn't there. */
static bool read_block(const uint8_t *p, size_t len, size_t at, struct block *ret)
{
	size_t data_at;

	if (at >= len || len - at < 3 + 2u * p[at])
		return false;
	data_at = at + 1 + 2u * p[at] + 2;
	*ret = (struct block){ .message = p, .message_len = len, .words = p + at + 1, .word_count = p[at] };
	ret->data = p + data_at;
	ret->data_len = mr_smb_le16(ret->data - 2);
	if (ret->data_len > len - data_at)
		ret->data_len = len - data_at;
	ret->unicode = (mr_smb_le16(p + 10) & 0x8000) != 0;
	return true;
}

/* Puts the string at offset @p at of the data, up to its zero; returns the offset behind that. */
static size_t put_string(const struct block *b, size_t at, enum mr_l7_field field, struct mr_l7_sink *sink)
{
	size_t unit = b->unicode ? 2 : 1, end;

	if (b->unicode && ((size_t)(b->data - b->message) + at) % 2 != 0)
		at++;
	end = at;
	while (end + unit <= b->data_len && (b->data[end] != 0 || (b->unicode && b->data[end + 1] != 0)))
		end += unit;
	if (end > b->data_len || end == at)
		return end + unit;
	if (b->unicode)
		mr_l7_put_utf16(sink, field, b->data + at, end - at);
	else
		mr_l7_put(sink, field, b->data + at, end - at);
	return end + unit;
}

static void read_offer(struct mr_smb *s, const struct block *b)
{
	const uint8_t *p = b->data;
	size_t left = b->data_len;

	for (unsigned n = 0; n < MR_SMB1_OFFERED && left > 1 && p[0] == 2; n++) {
		const uint8_t *end = memchr(p + 1, 0, left - 1);

		if (end == NULL)
			break;
		s->offered[n] = 0;
		for (unsigned i = 0; i < sizeof(dialects) / sizeof(dialects[0]); i++)
			if (mr_l7_equals((struct mr_l7_text){ p + 1, (size_t)(end - p - 1) }, dialects[i]))
				s->offered[n] = (uint8_t)(i + 1);
		left -= (size_t)(end + 1 - p);
		p = end + 1;
	}
}

static void put_dialect(struct mr_smb *s, unsigned index, struct mr_l7_sink *sink)
{
	if (s->dialect_told || index >= MR_SMB1_OFFERED || s->offered[index] == 0)
		return;
	s->dialect_told = true;
	mr_l7_put_string(sink, MR_L7_F_SMB_DIALECT, dialects[s->offered[index] - 1]);
}

/* With extended security a token, else two passwords, account and domain (MS-CIFS section 2.2.4.53.1). */
static void read_session_setup(struct mr_smb *s, const struct block *b, struct mr_l7_sink *sink)
{
	size_t at = (size_t)word(b, 7) + word(b, 8);

	if (b->word_count == 12) {
		mr_smb_put_ntlm(s, b->data, b->data_len, sink);
	} else if (b->word_count == 13) {
		at = put_string(b, at, MR_L7_F_SMB_USER, sink);
		put_string(b, at, MR_L7_F_SMB_DOMAIN, sink);
		s->values++;
	}
}

static void read_request(struct mr_smb *s, uint8_t command, const struct block *b, struct mr_l7_sink *sink)
{
	struct block ascii = *b;

	s->values++;
	switch (command) {
	case NEGOTIATE:
		read_offer(s, b);
		break;
	case SESSION_SETUP_ANDX:
		read_session_setup(s, b, sink);
		break;
	case TREE_CONNECT: /* 4 marks a string, which is never UTF-16 here */
		ascii.unicode = false;
		put_string(&ascii, 1, MR_L7_F_SMB_SHARE, sink);
		break;
	case TREE_CONNECT_ANDX: /* behind the password */
		put_string(b, word(b, 3), MR_L7_F_SMB_SHARE, sink);
		break;
	case OPEN:
	case DELETE: /* 4 marks a string */
		put_string(b, 1, MR_L7_F_SMB_FILE, sink);
		break;
	case OPEN_ANDX:
	case NT_CREATE_ANDX:
		put_string(b, 0, MR_L7_F_SMB_FILE, sink);
		break;
	default:
		s->values--;
		break;
	}
}

static void read_response(struct mr_smb *s, uint8_t command, uint32_t status, const struct block *b,
			  struct mr_l7_sink *sink)
{
	if (command == NEGOTIATE && status == 0 && b->word_count > 0) {
		put_dialect(s, word(b, 0), sink);
	} else if (command == SESSION_SETUP_ANDX && status != MORE_TO_COME) {
		mr_l7_put_number(sink, MR_L7_F_SMB_LOGIN_STATUS, status);
		s->values++;
	}
}

/* Commands that another may follow, by name. */
static bool is_andx(uint8_t command)
{
	return command == 0x24 || (command >= 0x2d && command <= 0x2f) ||
	       (command >= 0x73 && command <= 0x75) || command == NT_CREATE_ANDX;
}

void mr_smb1_read(struct mr_smb *s, const uint8_t *p, size_t len, struct mr_l7_sink *sink)
{
	size_t at = HEADER_LEN;
	struct block b;
	uint8_t command;

	if (len < HEADER_LEN)
		return;
	command = p[4];
	for (unsigned i = 0; i < CHAIN_MAX && command != NO_COMMAND && read_block(p, len, at, &b); i++) {
		put_command(s, command, sink);
		if (p[9] & 0x80)
			read_response(s, command, mr_smb_le32(p + 5), &b, sink);
		else
			read_request(s, command, &b, sink);
		if (!is_andx(command) || b.word_count < 2 || word(&b, 1) <= at)
			break;
		at = word(&b, 1);
		command = b.words[0];
	}
	if (p[9] & 0x80)
		mr_l7_end_transaction(sink);
}
