/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "ipfix/mr_ipfix_stream.h"

struct tls {
	struct mr_ipfix_stream stream;
	SSL_CTX *ctx;
	BIO_METHOD *socket_method;
	char *peer_name; /* what the peer's certificate must be made out to */
	bool peer_is_address;
	SSL *ssl; /* NULL: no connection */
	bool broken; /* no goodbye any more */
};

static struct tls *tls_of(struct mr_ipfix_stream *s)
{
	return (struct tls *)s;
}

/* OpenSSL's own socket BIO would raise SIGPIPE, and ours counts octets on the wire. */
static int socket_write(BIO *bio, const char *data, int len)
{
	ssize_t n = mr_ipfix_stream_raw_write(BIO_get_data(bio), data, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN)
		BIO_set_retry_write(bio);
	return n < 0 ? -1 : (int)n;
}

static int socket_read(BIO *bio, char *room, int len)
{
	ssize_t n = mr_ipfix_stream_raw_read(BIO_get_data(bio), room, (size_t)len);

	BIO_clear_retry_flags(bio);
	if (n == -EAGAIN)
		BIO_set_retry_read(bio);
	return n < 0 ? -1 : (int)n;
}

static long socket_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *socket_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "ipfix socket");

	if (m == NULL)
		return NULL;
	BIO_meth_set_write(m, socket_write);
	BIO_meth_set_read(m, socket_read);
	BIO_meth_set_ctrl(m, socket_ctrl);
	return m;
}

static int because_tls(struct tls *t)
{
	unsigned long code = ERR_peek_last_error();
	const char *text = ERR_reason_error_string(code);
	long verdict = SSL_get_verify_result(t->ssl);

	if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK)
		return mr_ipfix_stream_because(&t->stream, EPROTO,
					       "its certificate is refused: %s (expected name %s)",
					       X509_verify_cert_error_string(verdict), t->peer_name);
	if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER)
		text = "the peer doesn't speak TLS";
	return mr_ipfix_stream_because(&t->stream, EPROTO, "TLS: %s", text != NULL ? text : "unknown error");
}

/* -EAGAIN, or why it can't go on. */
static int tls_result(struct tls *t, int ret)
{
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return mr_ipfix_stream_because(&t->stream, EPIPE, "the collector closed the connection");
	case SSL_ERROR_SSL:
		t->broken = true;
		return because_tls(t);
	default: /* the socket, which has left its reason */
		t->broken = true;
		return -EIO;
	}
}

/* One session on the connected socket. */
static int session_new(struct tls *t)
{
	BIO *bio;

	t->broken = false;
	t->ssl = SSL_new(t->ctx);
	if (t->ssl == NULL)
		return -ENOMEM;
	bio = BIO_new(t->socket_method);
	if (bio == NULL)
		return -ENOMEM;
	BIO_set_data(bio, &t->stream);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_connect_state(t->ssl);
	if (!t->peer_is_address && SSL_set_tlsext_host_name(t->ssl, t->peer_name) != 1)
		return -ENOMEM;
	return 0;
}

static int tls_handshake(struct mr_ipfix_stream *s)
{
	struct tls *t = tls_of(s);
	int ret;

	if (t->ssl == NULL && session_new(t) < 0)
		return mr_ipfix_stream_because(s, ENOMEM, "TLS: out of memory");
	ERR_clear_error();
	ret = SSL_do_handshake(t->ssl);
	return ret == 1 ? 0 : tls_result(t, ret);
}

static ssize_t tls_write(struct mr_ipfix_stream *s, const void *data, size_t len)
{
	struct tls *t = tls_of(s);
	size_t n;
	int ret;

	ERR_clear_error();
	ret = SSL_write_ex(t->ssl, data, len, &n);
	return ret == 1 ? (ssize_t)n : tls_result(t, ret);
}

static ssize_t tls_read(struct mr_ipfix_stream *s, void *room, size_t len)
{
	struct tls *t = tls_of(s);
	size_t n;
	int ret;

	ERR_clear_error();
	ret = SSL_read_ex(t->ssl, room, len, &n);
	return ret == 1 ? (ssize_t)n : tls_result(t, ret);
}

static void tls_stop(struct mr_ipfix_stream *s)
{
	struct tls *t = tls_of(s);

	if (t->ssl == NULL)
		return;
	ERR_clear_error();
	if (!t->broken && SSL_is_init_finished(t->ssl))
		SSL_shutdown(t->ssl);
	SSL_free(t->ssl);
	t->ssl = NULL;
}

static const struct mr_ipfix_layer tls_layer = {
	.framed = true,
	.handshake = tls_handshake,
	.write = tls_write,
	.read = tls_read,
	.stop = tls_stop,
};

/* Without this OpenSSL asks for the pass phrase on the terminal, and waits. */
static int no_pass_phrase(char *room, int len, int rwflag, void *arg)
{
	return -1;
}

/* Keys are called as in the configuration: export.collectors[].tls. */
static int check_readable(const char *key, const char *path, struct mr_err *err)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return mr_err_set(err, errno, "%s %s: %s; correct the path or its permissions", key, path,
				  strerror(errno));
	close(fd);
	return 0;
}

static int pem_error(const char *key, const char *path, const char *want, struct mr_err *err)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return mr_err_set(err, EINVAL, "%s %s can't be used (%s); give %s", key, path,
			  text != NULL ? text : "unknown error", want);
}

static int load_ca(struct tls *t, const struct mr_ipfix_collector_conf *conf, struct mr_err *err)
{
	int rc;

	if (conf->tls_ca == NULL)
		return mr_err_set(err, EINVAL,
				  "no tls.ca; give the PEM file of the CA that signed the collector's certificate");
	rc = check_readable("tls.ca", conf->tls_ca, err);
	if (rc == 0 && SSL_CTX_load_verify_file(t->ctx, conf->tls_ca) != 1)
		rc = pem_error("tls.ca", conf->tls_ca, "a PEM file with CA certificates", err);
	return rc;
}

static int load_own(struct tls *t, const struct mr_ipfix_collector_conf *conf, struct mr_err *err)
{
	int rc;

	if (conf->tls_cert == NULL && conf->tls_key == NULL)
		return 0;
	if (conf->tls_cert == NULL || conf->tls_key == NULL)
		return mr_err_set(err, EINVAL,
				  "tls.certificate and tls.key go together; give both or none");
	rc = check_readable("tls.key", conf->tls_key, err);
	if (rc == 0)
		rc = check_readable("tls.certificate", conf->tls_cert, err);
	if (rc < 0)
		return rc;
	/* the key first: a certificate that comes second and doesn't match drops it, which the check then
	 * tells */
	if (SSL_CTX_use_PrivateKey_file(t->ctx, conf->tls_key, SSL_FILETYPE_PEM) != 1)
		return pem_error("tls.key", conf->tls_key, "a PEM private key without a pass phrase", err);
	if (SSL_CTX_use_certificate_chain_file(t->ctx, conf->tls_cert) != 1)
		return pem_error("tls.certificate", conf->tls_cert,
				 "a PEM file with the certificate, then its chain", err);
	if (SSL_CTX_check_private_key(t->ctx) != 1)
		return mr_err_set(err, EINVAL, "tls.key %s doesn't belong to tls.certificate %s; give the pair",
				  conf->tls_key, conf->tls_cert);
	return 0;
}

static int set_peer_name(struct tls *t, const struct mr_ipfix_collector_conf *conf)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(t->ctx);
	uint8_t addr[sizeof(struct in6_addr)];

	t->peer_name = strdup(conf->tls_name != NULL ? conf->tls_name : conf->host);
	if (t->peer_name == NULL)
		return -ENOMEM;
	t->peer_is_address =
		inet_pton(AF_INET, t->peer_name, addr) == 1 || inet_pton(AF_INET6, t->peer_name, addr) == 1;
	X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (t->peer_is_address)
		return X509_VERIFY_PARAM_set1_ip_asc(param, t->peer_name) == 1 ? 0 : -ENOMEM;
	return X509_VERIFY_PARAM_set1_host(param, t->peer_name, 0) == 1 ? 0 : -ENOMEM;
}

static int context_new(struct tls *t, const struct mr_ipfix_collector_conf *conf, struct mr_err *err)
{
	int rc;

	ERR_clear_error();
	t->socket_method = socket_method_new();
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->socket_method == NULL || t->ctx == NULL || set_peer_name(t, conf) < 0)
		return mr_err_set(err, ENOMEM, "TLS can't be set up: out of memory");
	SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION);
	SSL_CTX_set_options(t->ctx, SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_session_cache_mode(t->ctx, SSL_SESS_CACHE_OFF);
	/* the queue appends between two attempts to write the same octets, and wants to know of each record
	 */
	SSL_CTX_set_mode(t->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_default_passwd_cb(t->ctx, no_pass_phrase);
	rc = load_ca(t, conf, err);
	return rc == 0 ? load_own(t, conf, err) : rc;
}

static void tls_free(struct tls *t)
{
	mr_ipfix_stream_fini(&t->stream);
	SSL_CTX_free(t->ctx);
	BIO_meth_free(t->socket_method);
	free(t->peer_name);
	free(t);
}

static int tls_open(const struct mr_ipfix_collector_conf *conf, uint64_t now_ns,
		    struct mr_ipfix_transport **ret, struct mr_err *err)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return mr_err_set(err, ENOMEM, "out of memory");
	rc = mr_ipfix_stream_init(&t->stream, &tls_layer, MR_IPFIX_TLS_PORT, conf, now_ns, err);
	if (rc == 0)
		rc = context_new(t, conf, err);
	if (rc < 0) {
		tls_free(t);
		return rc;
	}
	*ret = (struct mr_ipfix_transport *)t;
	return 0;
}

static void tls_close(struct mr_ipfix_transport *transport, unsigned limit_ms,
		      struct mr_ipfix_transport_stats *ret_stats)
{
	struct tls *t = (struct tls *)transport;

	mr_ipfix_stream_finish(&t->stream, limit_ms, ret_stats);
	tls_free(t);
}

const struct mr_ipfix_transport_ops mr_ipfix_transport_tls = {
	.proto = MR_IPFIX_TLS,
	.name = "tls",
	.reliable = true,
	.open = tls_open,
	.send = mr_ipfix_stream_send,
	.poll = mr_ipfix_stream_poll,
	.stats = mr_ipfix_stream_stats,
	.close = tls_close,
};
