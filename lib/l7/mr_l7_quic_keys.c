/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_quic_keys.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/mr_buf.h"
#include "l7/mr_l7_digest.h"

#define SALT_OCTETS   20u
#define HASH_BLOCK    64u
#define LABEL_MAX     40u /* of HKDF-Expand-Label: "tls13 quicv2 hp" and its lengths are 22 octets */
#define NUMBER_MAX    4u  /* octets of a packet number */
#define SAMPLE_OCTETS 16u
#define DRAFT(n)      (0xff000000u + (n))
#define FACEBOOK(n)   (0xfaceb000u + (n)) /* of mvfst */

/* What differs between versions. */
struct version {
	uint8_t salt[SALT_OCTETS];
	const char *key, *iv, *hp; /* labels */
};

static const struct version draft_21 = {
	{ 0x7f, 0xbc, 0xdb, 0x0e, 0x7c, 0x66, 0xbb, 0xe9, 0x19, 0x3a,
	  0x96, 0xcd, 0x21, 0x51, 0x9e, 0xbd, 0x7a, 0x02, 0x64, 0x4a },
	"tls13 quic key",
	"tls13 quic iv",
	"tls13 quic hp",
};
static const struct version draft_23 = {
	{ 0xc3, 0xee, 0xf7, 0x12, 0xc7, 0x2e, 0xbb, 0x5a, 0x11, 0xa7,
	  0xd2, 0x43, 0x2b, 0xb4, 0x63, 0x65, 0xbe, 0xf9, 0xf5, 0x02 },
	"tls13 quic key",
	"tls13 quic iv",
	"tls13 quic hp",
};
static const struct version draft_29 = {
	{ 0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
	  0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99 },
	"tls13 quic key",
	"tls13 quic iv",
	"tls13 quic hp",
};
static const struct version rfc_9001 = {
	{ 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	  0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	"tls13 quic key",
	"tls13 quic iv",
	"tls13 quic hp",
};
static const struct version rfc_9369 = {
	{ 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	  0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	"tls13 quicv2 key",
	"tls13 quicv2 iv",
	"tls13 quicv2 hp",
};

static const struct version *find(uint32_t version)
{
	if (version == MR_L7_QUIC_V1 || version == DRAFT(33) || version == DRAFT(34))
		return &rfc_9001;
	if (version == MR_L7_QUIC_V2)
		return &rfc_9369;
	if (version >= DRAFT(29) && version <= DRAFT(32))
		return &draft_29;
	if ((version >= DRAFT(23) && version <= DRAFT(28)) || version == FACEBOOK(2))
		return &draft_23;
	if (version == DRAFT(21) || version == DRAFT(22) || version == FACEBOOK(1))
		return &draft_21;
	return NULL;
}

bool mr_l7_quic_is_readable(uint32_t version)
{
	return find(version) != NULL;
}

struct contexts {
	EVP_CIPHER_CTX *gcm, *ecb; /* AES-128, their cipher set */
};

static _Thread_local struct contexts *contexts;
static pthread_key_t contexts_key; /* only for its destructor */
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void contexts_free(void *p)
{
	struct contexts *c = p;

	EVP_CIPHER_CTX_free(c->gcm);
	EVP_CIPHER_CTX_free(c->ecb);
	free(c);
}

static void contexts_key_make(void)
{
	pthread_key_create(&contexts_key, contexts_free);
}

/* This thread's contexts, or NULL: no memory. */
static struct contexts *contexts_get(void)
{
	struct contexts *c = contexts;

	if (c != NULL)
		return c;
	pthread_once(&contexts_once, contexts_key_make);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return NULL;
	c->gcm = EVP_CIPHER_CTX_new();
	c->ecb = EVP_CIPHER_CTX_new();
	if (c->gcm == NULL || c->ecb == NULL ||
	    EVP_DecryptInit_ex(c->gcm, EVP_aes_128_gcm(), NULL, NULL, NULL) != 1 ||
	    EVP_EncryptInit_ex(c->ecb, EVP_aes_128_ecb(), NULL, NULL, NULL) != 1) {
		contexts_free(c);
		return NULL;
	}
	pthread_setspecific(contexts_key, c);
	contexts = c;
	return c;
}

/* RFC 2104, for keys and texts of a few octets. */
static void hmac(const uint8_t *key, size_t key_len, const uint8_t *text, size_t text_len,
		 uint8_t ret_mac[MR_L7_SHA256_OCTETS])
{
	uint8_t inner[HASH_BLOCK + LABEL_MAX], outer[HASH_BLOCK + MR_L7_SHA256_OCTETS];

	memset(inner, 0x36, HASH_BLOCK);
	memset(outer, 0x5c, HASH_BLOCK);
	for (size_t i = 0; i < key_len; i++) {
		inner[i] ^= key[i];
		outer[i] ^= key[i];
	}
	memcpy(inner + HASH_BLOCK, text, text_len);
	mr_l7_sha256(inner, HASH_BLOCK + text_len, outer + HASH_BLOCK);
	mr_l7_sha256(outer, sizeof(outer), ret_mac);
}

/* HKDF-Expand-Label of RFC 8446 section 7.1 without context, for at most one block of output. */
static void expand(const uint8_t secret[MR_L7_SHA256_OCTETS], const char *label, uint8_t *ret_out,
		   uint8_t len)
{
	uint8_t text[LABEL_MAX], mac[MR_L7_SHA256_OCTETS];
	struct mr_wbuf w;

	mr_wbuf_init(&w, text, sizeof(text));
	mr_wbuf_put_u16(&w, len);
	mr_wbuf_put_u8(&w, (uint8_t)strlen(label));
	mr_wbuf_put_bytes(&w, label, strlen(label));
	mr_wbuf_put_u8(&w, 0); /* context */
	mr_wbuf_put_u8(&w, 1); /* number of the block */
	hmac(secret, MR_L7_SHA256_OCTETS, text, w.len, mac);
	memcpy(ret_out, mac, len);
}

bool mr_l7_quic_derive(uint32_t version, bool server, const uint8_t *id, uint8_t id_len,
		       struct mr_l7_quic_keys *ret_keys)
{
	const struct version *v = find(version);
	uint8_t secret[MR_L7_SHA256_OCTETS];

	if (v == NULL || id_len > MR_L7_QUIC_ID_MAX)
		return false;
	hmac(v->salt, SALT_OCTETS, id, id_len, secret);
	expand(secret, server ? "tls13 server in" : "tls13 client in", secret, sizeof(secret));
	expand(secret, v->key, ret_keys->key, sizeof(ret_keys->key));
	expand(secret, v->iv, ret_keys->iv, sizeof(ret_keys->iv));
	expand(secret, v->hp, ret_keys->hp, sizeof(ret_keys->hp));
	return true;
}

/*
 * Takes the header protection off (RFC 9001 section 5.4): the first octet and the packet number in clear.
 * @return octets of the number, 0: OpenSSL refuses
 */
static uint32_t unmask(struct contexts *c, const struct mr_l7_quic_keys *keys, const uint8_t *packet,
		       uint32_t number_at, uint8_t *ret_first, uint8_t ret_number[NUMBER_MAX])
{
	uint8_t mask[SAMPLE_OCTETS];
	uint32_t n;
	int len;

	if (EVP_EncryptInit_ex(c->ecb, NULL, NULL, keys->hp, NULL) != 1 ||
	    EVP_EncryptUpdate(c->ecb, mask, &len, packet + number_at + NUMBER_MAX, SAMPLE_OCTETS) != 1)
		return 0;
	*ret_first = packet[0] ^ (mask[0] & 0x0f);
	n = (*ret_first & 3u) + 1;
	for (uint32_t i = 0; i < n; i++)
		ret_number[i] = packet[number_at + i] ^ mask[1 + i];
	return n;
}

uint32_t mr_l7_quic_open(const struct mr_l7_quic_keys *keys, const uint8_t *packet, uint32_t len,
			 uint32_t number_at, uint8_t ret_plain[MR_L7_QUIC_PLAIN_MAX])
{
	struct contexts *c = contexts_get();
	uint8_t first, number[NUMBER_MAX], iv[sizeof(keys->iv)], tag[MR_L7_QUIC_TAG];
	uint32_t number_len, payload;
	int n, more;

	if (c == NULL || len < number_at + NUMBER_MAX + SAMPLE_OCTETS ||
	    len > number_at + MR_L7_QUIC_PLAIN_MAX)
		return 0;
	number_len = unmask(c, keys, packet, number_at, &first, number);
	if (number_len == 0)
		return 0;
	payload = len - number_at - number_len - MR_L7_QUIC_TAG;
	/* the numbers of a handshake's first packets fit their octets, so nothing needs to be put before them
	 */
	memcpy(iv, keys->iv, sizeof(iv));
	for (uint32_t i = 0; i < number_len; i++)
		iv[sizeof(iv) - number_len + i] ^= number[i];
	memcpy(tag, packet + len - MR_L7_QUIC_TAG, sizeof(tag));
	if (EVP_DecryptInit_ex(c->gcm, NULL, NULL, keys->key, iv) == 1 &&
	    EVP_CIPHER_CTX_ctrl(c->gcm, EVP_CTRL_AEAD_SET_TAG, MR_L7_QUIC_TAG, tag) == 1 &&
	    EVP_DecryptUpdate(c->gcm, NULL, &n, &first, 1) == 1 &&
	    EVP_DecryptUpdate(c->gcm, NULL, &n, packet + 1, (int)number_at - 1) == 1 &&
	    EVP_DecryptUpdate(c->gcm, NULL, &n, number, (int)number_len) == 1 &&
	    EVP_DecryptUpdate(c->gcm, ret_plain, &n, packet + number_at + number_len, (int)payload) == 1 &&
	    EVP_DecryptFinal_ex(c->gcm, ret_plain + n, &more) == 1)
		return (uint32_t)n;
	return 0;
}
