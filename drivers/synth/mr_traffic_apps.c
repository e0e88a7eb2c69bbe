/* SPDX-License-Identifier: Apache-2.0 */
/* What the flows of a mix say. One function and one row for each application. */
#include "drivers/synth/mr_traffic_mix.h"

#include <string.h>

#define HTTP_BODY 3400
#define NAME_TTL  300

void mr_traffic_noise(struct mr_wbuf *w, uint32_t n, uint32_t seed)
{
	for (uint32_t i = 0; i < n; i++)
		mr_wbuf_put_u8(w, (uint8_t)(mr_traffic_mix32(seed << 16 ^ i) >> 24));
}

static void text(struct mr_wbuf *w, const char *s)
{
	mr_wbuf_put_bytes(w, s, strlen(s));
}

static uint32_t name_digits(struct mr_wbuf *w)
{
	mr_wbuf_put_bytes(w, "\0\0\0\0\0\0", 6);
	return (uint32_t)w->len - 6;
}

/* GET and an answer of three segments, again and again (RFC 9112). */
static void say_http(struct mr_traffic_mix *mix)
{
	uint8_t room[HTTP_BODY + 512];
	char head[128];
	struct mr_wbuf w;
	uint32_t name_at;

	mr_traffic_loop_begin(mix);
	mr_wbuf_init(&w, room, sizeof(room));
	text(&w, "GET /index.html?lang=en HTTP/1.1\r\nHost: " MR_TRAFFIC_NAME);
	name_at = name_digits(&w);
	text(&w, MR_TRAFFIC_DOMAIN "\r\nUser-Agent: millrace-gen/1.0\r\nAccept: */*\r\n\r\n");
	mr_traffic_say_data(mix, &(struct mr_traffic_say){ .payload = &w, .name_at = name_at });

	mr_wbuf_init(&w, room, sizeof(room));
	text(&w, "HTTP/1.1 200 OK\r\nServer: millrace-gen\r\nContent-Type: application/octet-stream\r\n");
	snprintf(head, sizeof(head), "Content-Length: %d\r\n\r\n", HTTP_BODY);
	text(&w, head);
	mr_traffic_noise(&w, HTTP_BODY, 1);
	mr_traffic_say_data(mix, &(struct mr_traffic_say){ .side = 1, .payload = &w });
	mr_traffic_loop_end(mix);
	mix->overflow |= w.overflow;
}

/* One address asked for and told (RFC 1035 section 4). */
static void dns_message(struct mr_traffic_mix *mix, bool answer)
{
	uint8_t room[512];
	struct mr_wbuf w;
	uint32_t name_at;

	mr_wbuf_init(&w, room, sizeof(room));
	mr_wbuf_put_u16(&w, 0);			       /* id, of each packet its own */
	mr_wbuf_put_u16(&w, answer ? 0x8180 : 0x0100); /* recursion desired, available */
	mr_wbuf_put_u16(&w, 1);
	mr_wbuf_put_u16(&w, answer);
	mr_wbuf_put_u32(&w, 0);
	mr_wbuf_put_u8(&w, sizeof(MR_TRAFFIC_NAME) - 1 + 6);
	text(&w, MR_TRAFFIC_NAME);
	name_at = name_digits(&w);
	text(&w, "\7example\3com");
	mr_wbuf_put_u8(&w, 0);
	mr_wbuf_put_u32(&w, 1 << 16 | 1); /* A, IN */
	if (answer) {
		mr_wbuf_put_u16(&w, 0xc00c); /* the name in the question */
		mr_wbuf_put_u32(&w, 1 << 16 | 1);
		mr_wbuf_put_u32(&w, NAME_TTL);
		mr_wbuf_put_u16(&w, 4);
		mr_wbuf_put_u32(&w, 192u << 24 | 2 << 8 | 1); /* RFC 5737 */
	}
	mr_traffic_say(mix, &(struct mr_traffic_say){
				    .side = answer, .payload = &w, .name_at = name_at, .id = true });
	mix->overflow |= w.overflow;
}

int mr_traffic_scripts(struct mr_traffic_mix *mix, struct mr_err *err)
{
	int rc = 0;

	mr_traffic_script_begin(mix, MR_TRAFFIC_HTTP, 80, MR_TRAFFIC_TCP);
	say_http(mix);
	mr_traffic_script_end(mix);
	for (int v13 = 0; v13 <= 1; v13++) {
		mr_traffic_script_begin(mix, v13 ? MR_TRAFFIC_TLS13 : MR_TRAFFIC_TLS12, 443, MR_TRAFFIC_TCP);
		mr_traffic_say_tls(mix, v13);
		mr_traffic_script_end(mix);
	}
	mr_traffic_script_begin(mix, MR_TRAFFIC_DNS, 53, MR_TRAFFIC_UDP);
	mr_traffic_loop_begin(mix);
	dns_message(mix, false);
	dns_message(mix, true);
	mr_traffic_loop_end(mix);
	mr_traffic_script_end(mix);
	for (unsigned key = 0; key < MR_TRAFFIC_QUIC_KEYS && rc == 0; key++) {
		mr_traffic_script_begin(mix, MR_TRAFFIC_QUIC, 443, MR_TRAFFIC_UDP);
		rc = mr_traffic_say_quic(mix, key, err);
		mr_traffic_script_end(mix);
	}
	return rc;
}

const char *mr_traffic_app_name(enum mr_traffic_app app)
{
	static const char *const names[MR_TRAFFIC_APP_MAX] = {
		NULL, "web", "http", "tls", "tls12", "tls13", "dns", "quic",
	};

	return names[app];
}

void mr_traffic_host(enum mr_traffic_app app, uint32_t flow, char ret[MR_TRAFFIC_HOST_MAX])
{
	uint32_t names = app == MR_TRAFFIC_QUIC ? MR_TRAFFIC_QUIC_KEYS : 1000000;

	snprintf(ret, MR_TRAFFIC_HOST_MAX, MR_TRAFFIC_NAME "%06u" MR_TRAFFIC_DOMAIN, flow % names);
}
