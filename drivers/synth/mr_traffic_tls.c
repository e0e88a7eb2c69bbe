/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshakes as far as they are in the clear (RFC 5246, RFC 8446); what is encrypted is noise. */
#include "drivers/synth/mr_traffic_mix.h"

#include <string.h>

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO = 2,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE = 12,
	SERVER_HELLO_DONE = 14,
	CLIENT_KEY_EXCHANGE = 16
};
enum { RECORD_CCS = 20, RECORD_HANDSHAKE = 22, RECORD_DATA = 23 };
enum { SUITE_13 = 0x1301, SUITE_12 = 0xc02b }; /* with AES-128-GCM; ECDHE-ECDSA */

#define X25519	   29
#define KEY_OCTETS 32
#define ANSWER	   (2 * MR_TRAFFIC_MSS + 700)
#define ROOM	   4096

/* O=Millrace, CN=*.example.com, serial number 4711, 2020-01-01 to 2049-12-31, P-256, signed by itself */
static const uint8_t certificate[] = {
	0x30, 0x82, 0x01, 0x62, 0x30, 0x82, 0x01, 0x08, 0xa0, 0x03, 0x02, 0x01, 0x02, 0x02, 0x02, 0x12, 0x67,
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x30, 0x2b, 0x31, 0x11, 0x30,
	0x0f, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x08, 0x4d, 0x69, 0x6c, 0x6c, 0x72, 0x61, 0x63, 0x65, 0x31,
	0x16, 0x30, 0x14, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x0d, 0x2a, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70,
	0x6c, 0x65, 0x2e, 0x63, 0x6f, 0x6d, 0x30, 0x1e, 0x17, 0x0d, 0x32, 0x30, 0x30, 0x31, 0x30, 0x31, 0x30,
	0x30, 0x30, 0x30, 0x30, 0x30, 0x5a, 0x17, 0x0d, 0x34, 0x39, 0x31, 0x32, 0x33, 0x31, 0x30, 0x30, 0x30,
	0x30, 0x30, 0x30, 0x5a, 0x30, 0x2b, 0x31, 0x11, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x04, 0x0a, 0x0c, 0x08,
	0x4d, 0x69, 0x6c, 0x6c, 0x72, 0x61, 0x63, 0x65, 0x31, 0x16, 0x30, 0x14, 0x06, 0x03, 0x55, 0x04, 0x03,
	0x0c, 0x0d, 0x2a, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x6f, 0x6d, 0x30, 0x59,
	0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x3e, 0xd7, 0xa2, 0x8e, 0xc6, 0x48, 0xed, 0xce, 0x5d,
	0x5b, 0x7e, 0x25, 0x2f, 0x6b, 0x2a, 0xaf, 0xbb, 0x44, 0x83, 0x51, 0x14, 0xa2, 0x4b, 0x3c, 0xaa, 0x8f,
	0x71, 0x0f, 0x64, 0x99, 0x3b, 0xc2, 0x57, 0x11, 0xa3, 0x4c, 0xdc, 0x92, 0x29, 0x08, 0x0b, 0x63, 0x9f,
	0x09, 0x97, 0x7f, 0xeb, 0x7c, 0xa9, 0x1e, 0xcc, 0xe1, 0x64, 0x9b, 0xfe, 0xa8, 0xad, 0x85, 0xc7, 0x2b,
	0x20, 0x6a, 0xde, 0x7e, 0xa3, 0x1c, 0x30, 0x1a, 0x30, 0x18, 0x06, 0x03, 0x55, 0x1d, 0x11, 0x04, 0x11,
	0x30, 0x0f, 0x82, 0x0d, 0x2a, 0x2e, 0x65, 0x78, 0x61, 0x6d, 0x70, 0x6c, 0x65, 0x2e, 0x63, 0x6f, 0x6d,
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, 0x03, 0x48, 0x00, 0x30, 0x45,
	0x02, 0x21, 0x00, 0xc5, 0xba, 0x8e, 0xd9, 0xbe, 0x08, 0x1c, 0xf2, 0x47, 0x8f, 0x81, 0x1c, 0xc7, 0x6b,
	0x05, 0xa8, 0x50, 0x4b, 0x59, 0xd6, 0x93, 0x56, 0x4a, 0x54, 0xb0, 0xfc, 0xc6, 0x81, 0x8c, 0x78, 0xd7,
	0xcd, 0x02, 0x20, 0x30, 0xc9, 0xa6, 0x12, 0x2b, 0x0b, 0x44, 0x35, 0xfd, 0xb5, 0xd5, 0x8b, 0x4f, 0x19,
	0xbd, 0x9f, 0xe6, 0x18, 0x75, 0x85, 0x2d, 0x19, 0xcb, 0xe0, 0x21, 0x22, 0xc9, 0x0b, 0xa8, 0xf3, 0x78,
	0xa1,
};

/* A length of @p octets octets that is known when what it counts has been written. */
static size_t length_begin(struct mr_wbuf *w, unsigned octets)
{
	for (unsigned i = 0; i < octets; i++)
		mr_wbuf_put_u8(w, 0);
	return w->len;
}

static void length_end(struct mr_wbuf *w, size_t begin, unsigned octets)
{
	size_t n = w->len - begin;

	if (w->overflow)
		return;
	for (unsigned i = 1; i <= octets; i++, n >>= 8)
		w->data[begin - i] = (uint8_t)n;
}

static size_t message_begin(struct mr_wbuf *w, uint8_t type)
{
	mr_wbuf_put_u8(w, type);
	return length_begin(w, 3);
}

static size_t extension_begin(struct mr_wbuf *w, uint16_t type)
{
	mr_wbuf_put_u16(w, type);
	return length_begin(w, 2);
}

static void extension(struct mr_wbuf *w, uint16_t type, const void *data, size_t n)
{
	mr_wbuf_put_u16(w, type);
	mr_wbuf_put_u16(w, (uint16_t)n);
	mr_wbuf_put_bytes(w, data, n);
}

static uint32_t server_name(struct mr_wbuf *w, const char *digits)
{
	size_t ext = extension_begin(w, 0), list = length_begin(w, 2), name, at;

	mr_wbuf_put_u8(w, 0); /* host_name */
	name = length_begin(w, 2);
	mr_wbuf_put_bytes(w, MR_TRAFFIC_NAME, sizeof(MR_TRAFFIC_NAME) - 1);
	at = w->len;
	mr_wbuf_put_bytes(w, digits, 6);
	mr_wbuf_put_bytes(w, MR_TRAFFIC_DOMAIN, sizeof(MR_TRAFFIC_DOMAIN) - 1);
	length_end(w, name, 2);
	length_end(w, list, 2);
	length_end(w, ext, 2);
	return (uint32_t)at;
}

static void alpn(struct mr_wbuf *w, const char *protocol)
{
	size_t ext = extension_begin(w, 16), list = length_begin(w, 2), name = length_begin(w, 1);

	mr_wbuf_put_bytes(w, protocol, strlen(protocol));
	length_end(w, name, 1);
	length_end(w, list, 2);
	length_end(w, ext, 2);
}

static void key_share(struct mr_wbuf *w, bool client)
{
	size_t ext = extension_begin(w, 51);

	if (client)
		mr_wbuf_put_u16(w, 4 + KEY_OCTETS);
	mr_wbuf_put_u16(w, X25519);
	mr_wbuf_put_u16(w, KEY_OCTETS);
	mr_traffic_noise(w, KEY_OCTETS, client ? 1 : 2);
	length_end(w, ext, 2);
}

/* Limits that a client may set (RFC 9000 section 18.2): idle timeout, data, streams; no source id. */
static void transport_parameters(struct mr_wbuf *w)
{
	static const uint8_t values[] = { 0x01, 0x04, 0x80, 0x00, 0x75, 0x30, 0x04, 0x04, 0x80, 0x10,
					  0x00, 0x00, 0x08, 0x01, 0x10, 0x09, 0x01, 0x03, 0x0f, 0x00 };

	extension(w, 57, values, sizeof(values));
}

static void client_extensions_13(struct mr_wbuf *w, const struct mr_traffic_hello *hello)
{
	static const uint8_t only[] = { 2, 0x03, 0x04 }, modes[] = { 1, 1 };

	extension(w, 43, only, sizeof(only));
	extension(w, 45, modes, sizeof(modes));
	key_share(w, true);
	if (hello->quic)
		transport_parameters(w);
}

uint32_t mr_traffic_client_hello(struct mr_wbuf *w, const struct mr_traffic_hello *hello)
{
	static const uint8_t groups[] = { 0, 4, 0, X25519, 0, 23 };
	static const uint8_t signatures[] = { 0, 6, 0x04, 0x03, 0x08, 0x04, 0x04, 0x01 };
	static const uint8_t point_formats[] = { 1, 0 };
	static const uint8_t extended_master_secret[1];
	size_t message = message_begin(w, CLIENT_HELLO), ext;
	uint32_t name_at;

	mr_wbuf_put_u16(w, 0x0303);
	mr_traffic_noise(w, 32, 3);
	mr_wbuf_put_u8(w, hello->quic ? 0 : 32); /* session id */
	mr_traffic_noise(w, hello->quic ? 0 : 32, 4);
	mr_wbuf_put_u16(w, 2);
	mr_wbuf_put_u16(w, hello->only_13 ? SUITE_13 : SUITE_12);
	mr_wbuf_put_u16(w, 0x0100); /* no compression */
	ext = length_begin(w, 2);
	name_at = server_name(w, hello->digits);
	extension(w, 10, groups, sizeof(groups));
	extension(w, 13, signatures, sizeof(signatures));
	alpn(w, hello->alpn);
	if (hello->only_13) {
		client_extensions_13(w, hello);
	} else {
		extension(w, 11, point_formats, sizeof(point_formats));
		extension(w, 23, extended_master_secret, 0);
	}
	length_end(w, ext, 2);
	length_end(w, message, 3);
	return name_at;
}

void mr_traffic_server_hello(struct mr_wbuf *w, const struct mr_traffic_hello *hello)
{
	static const uint8_t chosen[] = { 0x03, 0x04 };
	size_t message = message_begin(w, SERVER_HELLO), ext;

	mr_wbuf_put_u16(w, 0x0303);
	mr_traffic_noise(w, 32, 5);
	/* 1.3 gives back the client's session id; another one is a new session of 1.2 */
	mr_wbuf_put_u8(w, hello->quic ? 0 : 32);
	mr_traffic_noise(w, hello->quic ? 0 : 32, hello->only_13 ? 4 : 6);
	mr_wbuf_put_u16(w, hello->only_13 ? SUITE_13 : SUITE_12);
	mr_wbuf_put_u8(w, 0);
	ext = length_begin(w, 2);
	if (hello->only_13) {
		extension(w, 43, chosen, sizeof(chosen));
		key_share(w, false);
	} else {
		extension(w, 23, chosen, 0);
		alpn(w, hello->alpn);
	}
	length_end(w, ext, 2);
	length_end(w, message, 3);
}

static void certificate_message(struct mr_wbuf *w)
{
	size_t message = message_begin(w, CERTIFICATE), list = length_begin(w, 3), one = length_begin(w, 3);

	mr_wbuf_put_bytes(w, certificate, sizeof(certificate));
	length_end(w, one, 3);
	length_end(w, list, 3);
	length_end(w, message, 3);
}

/* An ECDSA signature in DER: nobody can check it. */
static void server_key_exchange(struct mr_wbuf *w)
{
	size_t message = message_begin(w, SERVER_KEY_EXCHANGE), signature;

	mr_wbuf_put_u8(w, 3); /* named curve */
	mr_wbuf_put_u16(w, X25519);
	mr_wbuf_put_u8(w, KEY_OCTETS);
	mr_traffic_noise(w, KEY_OCTETS, 2);
	mr_wbuf_put_u16(w, 0x0403);
	signature = length_begin(w, 2);
	mr_wbuf_put_u16(w, 0x3044);
	for (uint32_t i = 0; i < 2; i++) {
		mr_wbuf_put_u16(w, 0x0220);
		mr_wbuf_put_u8(w, 1); /* positive, whatever follows */
		mr_traffic_noise(w, 31, 7 + i);
	}
	length_end(w, signature, 2);
	length_end(w, message, 3);
}

static void client_key_exchange(struct mr_wbuf *w)
{
	size_t message = message_begin(w, CLIENT_KEY_EXCHANGE);

	mr_wbuf_put_u8(w, KEY_OCTETS);
	mr_traffic_noise(w, KEY_OCTETS, 1);
	length_end(w, message, 3);
}

static size_t record_begin(struct mr_wbuf *w, uint8_t type, uint16_t version)
{
	mr_wbuf_put_u8(w, type);
	mr_wbuf_put_u16(w, version);
	return length_begin(w, 2);
}

static void noise_record(struct mr_wbuf *w, uint8_t type, uint32_t n)
{
	size_t record = record_begin(w, type, 0x0303);

	mr_traffic_noise(w, n, n);
	length_end(w, record, 2);
}

static void change_cipher_spec(struct mr_wbuf *w)
{
	size_t record = record_begin(w, RECORD_CCS, 0x0303);

	mr_wbuf_put_u8(w, 1);
	length_end(w, record, 2);
}

static void say_and_clear(struct mr_traffic_mix *mix, struct mr_wbuf *w, uint8_t side, uint32_t name_at)
{
	mr_traffic_say_data(mix, &(struct mr_traffic_say){ .side = side, .payload = w, .name_at = name_at });
	mix->overflow |= w->overflow;
	w->len = 0;
}

static void server_flight(struct mr_wbuf *w, const struct mr_traffic_hello *hello)
{
	size_t record = record_begin(w, RECORD_HANDSHAKE, 0x0303);

	mr_traffic_server_hello(w, hello);
	if (hello->only_13) {
		length_end(w, record, 2);
		change_cipher_spec(w);
		noise_record(w, RECORD_DATA, 700); /* EncryptedExtensions to Finished */
		return;
	}
	certificate_message(w);
	server_key_exchange(w);
	(void)message_begin(w, SERVER_HELLO_DONE);
	length_end(w, record, 2);
}

static void client_finish(struct mr_wbuf *w, bool v13)
{
	size_t record;

	if (!v13) {
		record = record_begin(w, RECORD_HANDSHAKE, 0x0303);
		client_key_exchange(w);
		length_end(w, record, 2);
	}
	change_cipher_spec(w);
	noise_record(w, v13 ? RECORD_DATA : RECORD_HANDSHAKE, v13 ? 53 : 40);
}

void mr_traffic_say_tls(struct mr_traffic_mix *mix, bool v13)
{
	struct mr_traffic_hello hello = { .alpn = v13 ? "h2" : "http/1.1",
					  .digits = "\0\0\0\0\0\0",
					  .only_13 = v13 };
	uint8_t room[ROOM];
	struct mr_wbuf w;
	uint32_t name_at;
	size_t record;

	mr_wbuf_init(&w, room, sizeof(room));
	record = record_begin(&w, RECORD_HANDSHAKE, 0x0301);
	name_at = mr_traffic_client_hello(&w, &hello);
	length_end(&w, record, 2);
	say_and_clear(mix, &w, 0, name_at);
	server_flight(&w, &hello);
	say_and_clear(mix, &w, 1, 0);
	client_finish(&w, v13);
	say_and_clear(mix, &w, 0, 0);
	if (!v13) {
		change_cipher_spec(&w);
		noise_record(&w, RECORD_HANDSHAKE, 40);
		say_and_clear(mix, &w, 1, 0);
	}
	mr_traffic_loop_begin(mix);
	noise_record(&w, RECORD_DATA, 210);
	say_and_clear(mix, &w, 0, 0);
	noise_record(&w, RECORD_DATA, ANSWER - 5);
	say_and_clear(mix, &w, 1, 0);
	mr_traffic_loop_end(mix);
}
