/* SPDX-License-Identifier: Apache-2.0 */
#include "l7/mr_l7_digest.h"

#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

struct contexts {
	EVP_MD_CTX *digest[MR_L7_DIGEST_MAX]; /* each with its digest set, or NULL */
};

static _Thread_local struct contexts *contexts;
static pthread_key_t contexts_key; /* only for its destructor */
static pthread_once_t contexts_once = PTHREAD_ONCE_INIT;

static void contexts_free(void *p)
{
	struct contexts *c = p;

	for (unsigned int i = 0; i < MR_L7_DIGEST_MAX; i++)
		EVP_MD_CTX_free(c->digest[i]);
	free(c);
}

static void contexts_key_make(void)
{
	pthread_key_create(&contexts_key, contexts_free);
}

static EVP_MD_CTX *context_make(enum mr_l7_digest which)
{
	const EVP_MD *md[MR_L7_DIGEST_MAX] = { EVP_md5(), EVP_sha1(), EVP_sha256() };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx != NULL && EVP_DigestInit_ex(ctx, md[which], NULL) == 1)
		return ctx;
	EVP_MD_CTX_free(ctx);
	return NULL;
}

static EVP_MD_CTX *context_get(enum mr_l7_digest which)
{
	if (contexts == NULL) {
		pthread_once(&contexts_once, contexts_key_make);
		contexts = calloc(1, sizeof(*contexts));
		if (contexts == NULL)
			return NULL;
		pthread_setspecific(contexts_key, contexts);
	}
	if (contexts->digest[which] == NULL)
		contexts->digest[which] = context_make(which);
	return contexts->digest[which];
}

bool mr_l7_digest(enum mr_l7_digest which, const void *data, size_t len, uint8_t *ret_digest)
{
	EVP_MD_CTX *ctx = context_get(which);

	/* no digest named: the one that the context has, without OpenSSL looking it up again */
	return ctx != NULL && EVP_DigestInit_ex(ctx, NULL, NULL) == 1 && EVP_DigestUpdate(ctx, data, len) == 1 &&
	       EVP_DigestFinal_ex(ctx, ret_digest, NULL) == 1;
}

void mr_l7_hex(const uint8_t *data, size_t len, char *ret_text)
{
	static const char digits[16] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[data[i] >> 4];
		ret_text[2 * i + 1] = digits[data[i] & 15];
	}
}

bool mr_l7_md5_hex(const void *data, size_t len, char ret_text[2 * MR_L7_MD5_OCTETS])
{
	uint8_t digest[MR_L7_MD5_OCTETS];

	if (!mr_l7_digest(MR_L7_MD5, data, len, digest))
		return false;
	mr_l7_hex(digest, sizeof(digest), ret_text);
	return true;
}
