/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that OpenSSL 3 calls deprecated: they work on a context on the stack and can't fail.
 * EVP_DigestInit_ex() of 3.0 allocates each time, on a context that is used again too, and takes twice as
 * long for a hundred octets.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "l7/mr_l7_digest.h"

#include <openssl/md5.h>
#include <openssl/sha.h>

void mr_l7_sha1(const void *data, size_t len, uint8_t ret_digest[MR_L7_SHA1_OCTETS])
{
	SHA_CTX ctx;

	SHA1_Init(&ctx);
	SHA1_Update(&ctx, data, len);
	SHA1_Final(ret_digest, &ctx);
}

void mr_l7_sha256(const void *data, size_t len, uint8_t ret_digest[MR_L7_SHA256_OCTETS])
{
	SHA256_CTX ctx;

	SHA256_Init(&ctx);
	SHA256_Update(&ctx, data, len);
	SHA256_Final(ret_digest, &ctx);
}

void mr_l7_md5_hex(const void *data, size_t len, char ret_text[2 * MR_L7_MD5_OCTETS])
{
	uint8_t digest[MR_L7_MD5_OCTETS];
	MD5_CTX ctx;

	MD5_Init(&ctx);
	MD5_Update(&ctx, data, len);
	MD5_Final(digest, &ctx);
	mr_l7_hex(digest, sizeof(digest), ret_text);
}

void mr_l7_hex(const uint8_t *data, size_t len, char *ret_text)
{
	static const char digits[16] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		ret_text[2 * i] = digits[data[i] >> 4];
		ret_text[2 * i + 1] = digits[data[i] & 15];
	}
}
