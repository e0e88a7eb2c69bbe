/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_ssh_kex.h"

#include <string.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_digest.h"

#define COOKIE_OCTETS 16u
#define HASSH_MAX     4096u /* octets of the string; those of known programs have less than 1,500 */

/* The kinds of algorithms that are told: their list and their field. */
static const struct {
	uint8_t list;
	enum mr_l7_field field;
} kinds[MR_L7_SSH_KINDS] = {
	{ MR_L7_SSH_LIST_KEX, MR_L7_F_SSH_KEX },
	{ MR_L7_SSH_LIST_HOST_KEY, MR_L7_F_SSH_HOST_KEY },
	{ MR_L7_SSH_LIST_CIPHER, MR_L7_F_SSH_CIPHER },
	{ MR_L7_SSH_LIST_MAC, MR_L7_F_SSH_MAC },
	{ MR_L7_SSH_LIST_COMPRESSION, MR_L7_F_SSH_COMPRESSION },
};

bool mr_l7_ssh_kexinit_parse(const uint8_t *payload, uint32_t len, struct mr_l7_ssh_kexinit *ret_kexinit)
{
	struct mr_l7_ssh_kexinit k;
	struct mr_rbuf r;

	mr_rbuf_init(&r, payload, len);
	mr_rbuf_take(&r, 1 + COOKIE_OCTETS);
	for (unsigned int i = 0; i < MR_L7_SSH_LIST_MAX; i++) {
		k.list[i].len = mr_rbuf_get_u32(&r);
		k.list[i].data = mr_rbuf_take(&r, k.list[i].len);
	}
	if (r.underflow)
		return false;
	*ret_kexinit = k;
	return true;
}

void mr_l7_ssh_put_hassh(const struct mr_l7_ssh_kexinit *kexinit, bool server, struct mr_l7_sink *sink)
{
	static const uint8_t lists[] = { MR_L7_SSH_LIST_CIPHER, MR_L7_SSH_LIST_MAC,
					 MR_L7_SSH_LIST_COMPRESSION };
	const struct mr_l7_ssh_list *list = &kexinit->list[MR_L7_SSH_LIST_KEX];
	enum mr_l7_field string = server ? MR_L7_F_SSH_HASSH_SERVER_STRING : MR_L7_F_SSH_HASSH_STRING;
	char md5[2 * MR_L7_MD5_OCTETS];
	uint8_t text[HASSH_MAX];
	struct mr_wbuf w;

	mr_wbuf_init(&w, text, sizeof(text));
	mr_wbuf_put_bytes(&w, list->data, list->len);
	for (unsigned int i = 0; i < sizeof(lists); i++) {
		list = &kexinit->list[lists[i] + server];
		mr_wbuf_put_u8(&w, ';');
		mr_wbuf_put_bytes(&w, list->data, list->len);
	}
	if (w.overflow)
		return;
	mr_l7_md5_hex(text, w.len, md5);
	mr_l7_put(sink, server ? MR_L7_F_SSH_HASSH_SERVER : MR_L7_F_SSH_HASSH, md5, sizeof(md5));
	if (mr_l7_wanted(sink, string))
		mr_l7_put(sink, string, text, w.len);
}

/* Cuts the first name off; false: none is left. */
static bool next_name(struct mr_l7_ssh_list *rest, struct mr_l7_ssh_list *ret_name)
{
	const uint8_t *comma;

	if (rest->len == 0)
		return false;
	comma = memchr(rest->data, ',', rest->len);
	*ret_name = *rest;
	if (comma == NULL) {
		rest->len = 0;
		return true;
	}
	ret_name->len = (uint32_t)(comma - rest->data);
	rest->data += ret_name->len + 1;
	rest->len -= ret_name->len + 1;
	return true;
}

/* FNV-1a, folded. */
static uint16_t name_hash(struct mr_l7_ssh_list name)
{
	uint32_t h = 2166136261u;

	for (uint32_t i = 0; i < name.len; i++)
		h = (h ^ name.data[i]) * 16777619u;
	return (uint16_t)(h ^ h >> 16);
}

void mr_l7_ssh_keep(struct mr_l7_ssh_names *names, const struct mr_l7_ssh_kexinit *kexinit)
{
	unsigned int n = 0;

	for (unsigned int kind = 0; kind < MR_L7_SSH_KINDS; kind++) {
		struct mr_l7_ssh_list rest = kexinit->list[kinds[kind].list], name;

		while (next_name(&rest, &name)) {
			if (n == MR_L7_SSH_NAMES_MAX) {
				names->full = true;
				return;
			}
			names->hash[n++] = name_hash(name);
			names->count[kind]++;
		}
	}
}

/* The client's first name that the server has too. */
static struct mr_l7_ssh_list choose(const uint16_t *hashes, unsigned int count, bool client_kept,
				    struct mr_l7_ssh_list rest)
{
	struct mr_l7_ssh_list chosen = { 0 }, name;
	unsigned int best = count;

	while (next_name(&rest, &name)) {
		uint16_t hash = name_hash(name);
		unsigned int i = 0;

		while (i < best && hashes[i] != hash)
			i++;
		if (i == best)
			continue;
		chosen = name;
		if (!client_kept)
			break;
		best = i;
	}
	return chosen;
}

/* Ciphers that authenticate by themselves: the MAC agreed on isn't used (RFC 5647 section 5.1 and OpenSSH).
 */
static bool is_aead(struct mr_l7_ssh_list cipher)
{
	return memmem(cipher.data, cipher.len, "gcm", 3) != NULL ||
	       memmem(cipher.data, cipher.len, "poly1305", 8) != NULL;
}

void mr_l7_ssh_put_chosen(const struct mr_l7_ssh_names *names, bool client_kept,
			  const struct mr_l7_ssh_kexinit *kexinit, struct mr_l7_sink *sink)
{
	const uint16_t *hashes = names->hash;
	bool aead = false;

	for (unsigned int kind = 0; kind < MR_L7_SSH_KINDS && !names->full; kind++) {
		struct mr_l7_ssh_list name =
			choose(hashes, names->count[kind], client_kept, kexinit->list[kinds[kind].list]);

		hashes += names->count[kind];
		if (name.data == NULL)
			continue;
		if (kinds[kind].field == MR_L7_F_SSH_CIPHER)
			aead = is_aead(name);
		if (kinds[kind].field != MR_L7_F_SSH_MAC || !aead)
			mr_l7_put(sink, kinds[kind].field, name.data, name.len);
	}
}
