/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <string>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "hello.h"

/* Makes QUIC packets (RFC 9001 section 5) with the HKDF of OpenSSL: independent of the library's own. */
namespace l7
{

constexpr uint32_t quic_v1 = 1, quic_v2 = 0x6b3343cf;

inline std::string hkdf(int mode, const std::string &key, const std::string &salt_or_info, size_t len)
{
	EVP_KDF *kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	std::string out(len, 0);
	const char *name = mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY ? OSSL_KDF_PARAM_SALT : OSSL_KDF_PARAM_INFO;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, const_cast<char *>("SHA256"), 0),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<char *>(key.data()),
						  key.size()),
		OSSL_PARAM_construct_octet_string(name, const_cast<char *>(salt_or_info.data()),
						  salt_or_info.size()),
		OSSL_PARAM_construct_end(),
	};

	EVP_KDF_derive(ctx, (unsigned char *)&out[0], len, params);
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return out;
}

inline std::string hkdf_label(const std::string &secret, const std::string &label, size_t len)
{
	return hkdf(EVP_KDF_HKDF_MODE_EXPAND_ONLY, secret,
		    u16((unsigned)len) + vec8("tls13 " + label) + u8(0), len);
}

struct QuicKeys {
	std::string key, iv, hp;

	QuicKeys(uint32_t version, bool server, const std::string &id)
	{
		std::string salt = unhex(version == quic_v2 ? "0dede3def700a6db819381be6e269dcbf9bd2ed9"
							    : "38762cf7f55934b34d179ae6a4c80cadccbb7f0a");
		std::string prefix = version == quic_v2 ? "quicv2 " : "quic ";
		std::string secret = hkdf_label(hkdf(EVP_KDF_HKDF_MODE_EXTRACT_ONLY, id, salt, 32),
						server ? "server in" : "client in", 32);

		key = hkdf_label(secret, prefix + "key", 16);
		iv = hkdf_label(secret, prefix + "iv", 12);
		hp = hkdf_label(secret, prefix + "hp", 16);
	}
};

/* @p header up to and with the packet number of 4 octets, its first octet saying so. */
inline std::string protect(const QuicKeys &k, std::string header, const std::string &plain)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	std::string nonce = k.iv, sealed(plain.size() + 16, 0);
	unsigned char mask[16];
	int n, more;

	for (size_t i = 0; i < 4; i++)
		nonce[8 + i] = (char)(nonce[8 + i] ^ header[header.size() - 4 + i]);
	EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), nullptr, (const unsigned char *)k.key.data(),
			   (const unsigned char *)nonce.data());
	EVP_EncryptUpdate(ctx, nullptr, &n, (const unsigned char *)header.data(), (int)header.size());
	EVP_EncryptUpdate(ctx, (unsigned char *)&sealed[0], &n, (const unsigned char *)plain.data(),
			  (int)plain.size());
	EVP_EncryptFinal_ex(ctx, (unsigned char *)&sealed[(size_t)n], &more);
	EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, &sealed[plain.size()]);
	EVP_EncryptInit_ex(ctx, EVP_aes_128_ecb(), nullptr, (const unsigned char *)k.hp.data(), nullptr);
	EVP_EncryptUpdate(ctx, mask, &n, (const unsigned char *)sealed.data(), 16);
	EVP_CIPHER_CTX_free(ctx);
	header[0] = (char)(header[0] ^ (mask[0] & 0x0f));
	for (size_t i = 0; i < 4; i++)
		header[header.size() - 4 + i] = (char)(header[header.size() - 4 + i] ^ mask[1 + i]);
	return header + sealed;
}

/* A varint of 2 octets. */
inline std::string varint(unsigned v)
{
	return u16(0x4000 | v);
}

inline std::string crypto_frame(size_t offset, const std::string &data)
{
	return u8(6) + varint((unsigned)offset) + varint((unsigned)data.size()) + data;
}

struct QuicPacket {
	uint32_t version = quic_v1;
	bool server = false;
	std::string dcid = unhex("8394c8f03e515708"), scid, token;
	std::string key_id = dcid; /* that the keys come from */
	unsigned number = 0;

	std::string initial(std::string payload, size_t pad_to = 1162) const
	{
		std::string header;

		if (payload.size() < pad_to)
			payload.resize(pad_to);
		header = u8(version == quic_v2 ? 0xd3 : 0xc3) + u32(version) + vec8(dcid) + vec8(scid) +
			 vec8(token) + varint((unsigned)(4 + payload.size() + 16)) + u32(number);
		return protect(QuicKeys(version, server, key_id), header, payload);
	}
};

} // namespace l7
