/* SPDX-License-Identifier: Apache-2.0 */
/* QUIC version 1 connections: Initials encrypted as RFC 9001 section 5 says, noise behind them. */
#include "drivers/synth/mr_traffic_mix.h"

#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#define DATAGRAM 1200 /* an Initial's datagram has so many at least (RFC 9000 section 14.1) */
#define CID	 8
#define TAG	 16
#define HEADER	 (1 + 4 + 1 + CID + 1 + 2 + 2) /* of a long header packet; an Initial has one more */

struct keys {
	uint8_t key[16], iv[12], hp[16];
};

static bool hmac(const uint8_t *key, size_t key_len, const uint8_t *data, size_t n, uint8_t out[32])
{
	return HMAC(EVP_sha256(), key, (int)key_len, data, n, out, NULL) != NULL;
}

/* HKDF-Expand-Label of a block at most (RFC 8446 section 7.1, RFC 5869 section 2.3). */
static bool expand(const uint8_t secret[32], const char *label, uint8_t *out, uint16_t n)
{
	uint8_t room[64], block[32];
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, sizeof(room));
	mr_wbuf_put_u16(&w, n);
	mr_wbuf_put_u8(&w, (uint8_t)(6 + strlen(label)));
	mr_wbuf_put_bytes(&w, "tls13 ", 6);
	mr_wbuf_put_bytes(&w, label, strlen(label));
	mr_wbuf_put_u8(&w, 0); /* no context */
	mr_wbuf_put_u8(&w, 1); /* the first block */
	if (!hmac(secret, 32, room, w.len, block))
		return false;
	memcpy(out, block, n);
	return true;
}

static bool derive(const uint8_t dcid[CID], bool server, struct keys *ret)
{
	static const uint8_t salt[] = { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
					0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a };
	uint8_t initial[32], secret[32];

	return hmac(salt, sizeof(salt), dcid, CID, initial) &&
	       expand(initial, server ? "server in" : "client in", secret, sizeof(secret)) &&
	       expand(secret, "quic key", ret->key, sizeof(ret->key)) &&
	       expand(secret, "quic iv", ret->iv, sizeof(ret->iv)) &&
	       expand(secret, "quic hp", ret->hp, sizeof(ret->hp));
}

/* Packet number 0, in two octets at the end of the header: the nonce is the IV. */
static bool seal(const struct keys *k, uint8_t *packet, size_t header, size_t plain)
{
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	uint8_t *body = packet + header, mask[16];
	int n;
	bool ok = c != NULL && EVP_EncryptInit_ex(c, EVP_aes_128_gcm(), NULL, k->key, k->iv) == 1 &&
		  EVP_EncryptUpdate(c, NULL, &n, packet, (int)header) == 1 &&
		  EVP_EncryptUpdate(c, body, &n, body, (int)plain) == 1 &&
		  EVP_EncryptFinal_ex(c, body + n, &n) == 1 &&
		  EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, body + plain) == 1 &&
		  EVP_EncryptInit_ex(c, EVP_aes_128_ecb(), NULL, k->hp, NULL) == 1 &&
		  EVP_EncryptUpdate(c, mask, &n, body + 2, sizeof(mask)) == 1;

	EVP_CIPHER_CTX_free(c);
	if (!ok)
		return false;
	packet[0] ^= mask[0] & 0x0f;
	packet[header - 2] ^= mask[1];
	packet[header - 1] ^= mask[2];
	return true;
}

static void varint2(struct mr_wbuf *w, size_t v)
{
	mr_wbuf_put_u16(w, (uint16_t)(0x4000 | v));
}

static void cid(struct mr_wbuf *w, uint8_t kind, unsigned key)
{
	mr_wbuf_put_u32(w, (uint32_t)kind << 24 | key);
	mr_wbuf_put_u32(w, mr_traffic_mix32((uint32_t)kind << 8 | key));
}

enum { CID_FIRST = 0xc1, CID_SERVER = 0xc3 };

/* Up to the packet number; @p rest octets follow it. */
static void long_header(struct mr_wbuf *w, uint8_t type, bool server, unsigned key, size_t rest)
{
	mr_wbuf_put_u8(w, (uint8_t)(0xc0 | type << 4 | 1));
	mr_wbuf_put_u32(w, 1);
	mr_wbuf_put_u8(w, server ? 0 : CID); /* the client's own id is empty */
	if (!server)
		cid(w, CID_FIRST, key);
	mr_wbuf_put_u8(w, server ? CID : 0);
	if (server)
		cid(w, CID_SERVER, key);
	if (type == 0)
		mr_wbuf_put_u8(w, 0); /* no token */
	varint2(w, 2 + rest);
	mr_wbuf_put_u16(w, 0);
}

/* An Initial that is @p octets long: frames, then padding. */
static bool initial(struct mr_wbuf *w, bool server, unsigned key, const struct mr_wbuf *frames, size_t octets)
{
	size_t begin = w->len, header = HEADER + 1;
	size_t plain = octets - header - TAG;
	uint8_t first[CID];
	struct mr_wbuf first_w;
	struct keys keys;

	mr_wbuf_init(&first_w, first, sizeof(first));
	cid(&first_w, CID_FIRST, key);
	long_header(w, 0, server, key, plain + TAG);
	mr_wbuf_put_bytes(w, frames->data, frames->len);
	for (size_t i = frames->len; i < plain + TAG; i++)
		mr_wbuf_put_u8(w, 0);
	return !w->overflow && !frames->overflow && derive(first, server, &keys) &&
	       seal(&keys, w->data + begin, header, plain);
}

/* ACK of packet 0 (server), and CRYPTO with the hello (RFC 9000 section 19). */
static void hello_frames(struct mr_wbuf *w, bool server, unsigned key)
{
	char digits[8];
	struct mr_traffic_hello hello = { .alpn = "h3", .digits = digits, .only_13 = true, .quic = true };
	uint8_t room[DATAGRAM];
	struct mr_wbuf message;

	snprintf(digits, sizeof(digits), "%06u", key);
	mr_wbuf_init(&message, room, sizeof(room));
	if (server) {
		mr_wbuf_put_bytes(w, "\2\0\0\0\0", 5);
		mr_traffic_server_hello(&message, &hello);
	} else {
		(void)mr_traffic_client_hello(&message, &hello);
	}
	mr_wbuf_put_u8(w, 6);
	mr_wbuf_put_u8(w, 0);
	varint2(w, message.len);
	mr_wbuf_put_bytes(w, message.data, message.len);
	w->overflow |= message.overflow;
}

static void say_short(struct mr_traffic_mix *mix, bool server, unsigned key, uint32_t octets)
{
	uint8_t room[MR_TRAFFIC_MSS];
	struct mr_wbuf w;

	mr_wbuf_init(&w, room, sizeof(room));
	mr_wbuf_put_u8(&w, (uint8_t)(0x40 | key)); /* fixed bit; what else it says is masked */
	if (!server)
		cid(&w, CID_SERVER, key);
	mr_traffic_noise(&w, octets - (uint32_t)w.len, octets);
	mr_traffic_say(mix, &(struct mr_traffic_say){ .side = server, .payload = &w });
}

int mr_traffic_say_quic(struct mr_traffic_mix *mix, unsigned key, struct mr_err *err)
{
	uint8_t room[DATAGRAM], frames_room[DATAGRAM];
	struct mr_wbuf w, frames;

	for (int server = 0; server <= 1; server++) {
		size_t octets = server ? 200 : DATAGRAM;

		mr_wbuf_init(&w, room, sizeof(room));
		mr_wbuf_init(&frames, frames_room, sizeof(frames_room));
		hello_frames(&frames, server, key);
		if (!initial(&w, server, key, &frames, octets))
			return mr_err_set(err, ENOMEM, "the QUIC packets could not be encrypted by OpenSSL");
		if (server) { /* EncryptedExtensions to Finished */
			size_t rest = DATAGRAM - octets - HEADER;

			long_header(&w, 2, server, key, rest);
			mr_traffic_noise(&w, (uint32_t)rest, 9);
		}
		mr_traffic_say(mix, &(struct mr_traffic_say){ .side = (uint8_t)server, .payload = &w });
	}
	mr_traffic_loop_begin(mix);
	say_short(mix, false, key, 90);
	say_short(mix, true, key, 1250);
	say_short(mix, true, key, 600);
	mr_traffic_loop_end(mix);
	return 0;
}
