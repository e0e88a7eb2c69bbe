// SPDX-License-Identifier: Apache-2.0
#include <memory>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "../l7/hello.h"
#include "../l7/parse.h"

extern "C" {
#include "l7/mr_l7_tls_hello.h"
#include "l7/mr_l7_x509.h"
}

using namespace l7;

namespace
{

/* --- a handshake of OpenSSL with itself, as the oracle --- */

using Names = std::vector<std::pair<std::string, std::string>>;

struct Certificate {
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();

	/* @p names  attributes in order. @p padding  octets of an extension that make it larger */
	explicit Certificate(const Names &names, size_t padding = 0)
	{
		X509_NAME *name = X509_get_subject_name(cert);

		X509_set_version(cert, 2);
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(cert), 0x8badf00d12345678);
		ASN1_TIME_set(X509_getm_notBefore(cert), 1500000000);
		ASN1_TIME_set(X509_getm_notAfter(cert), 2600000000); /* 2052: GeneralizedTime */
		for (const auto &n : names)
			X509_NAME_add_entry_by_txt(name, n.first.c_str(), MBSTRING_UTF8,
						   (const unsigned char *)n.second.c_str(), -1, -1, 0);
		X509_set_issuer_name(cert, name);
		X509_set_pubkey(cert, key);
		if (padding != 0) {
			std::string comment(padding, 'x');
			X509_EXTENSION *e =
				X509V3_EXT_conf_nid(nullptr, nullptr, NID_netscape_comment, comment.c_str());

			X509_add_ext(cert, e, -1);
			X509_EXTENSION_free(e);
		}
		X509_sign(cert, key, EVP_sha256());
	}
	~Certificate()
	{
		EVP_PKEY_free(key);
		X509_free(cert);
	}
	std::string der() const
	{
		unsigned char *p = nullptr;
		int len = i2d_X509(cert, &p);
		std::string s((char *)p, (size_t)len);

		OPENSSL_free(p);
		return s;
	}
	std::string subject() const
	{
		BIO *bio = BIO_new(BIO_s_mem());
		char *p;

		X509_NAME_print_ex(bio, X509_get_subject_name(cert), 0,
				   XN_FLAG_SEP_CPLUS_SPC | ASN1_STRFLGS_UTF8_CONVERT);
		long len = BIO_get_mem_data(bio, &p);
		std::string s(p, (size_t)len);
		BIO_free(bio);
		return s;
	}
	std::string fingerprint(const EVP_MD *md) const
	{
		unsigned char digest[EVP_MAX_MD_SIZE];
		unsigned int len;
		std::string s;
		char text[4];

		X509_digest(cert, md, digest, &len);
		for (unsigned int i = 0; i < len; i++) {
			snprintf(text, sizeof(text), "%s%02x", i == 0 ? "" : ":", digest[i]);
			s += text;
		}
		return s;
	}
};

struct Flight {
	unsigned dir;
	std::string octets;
};

int choose_alpn(SSL *, const unsigned char **out, unsigned char *outlen, const unsigned char *, unsigned int,
		void *)
{
	*out = (const unsigned char *)"h2";
	*outlen = 2;
	return SSL_TLSEXT_ERR_OK;
}

struct Handshake {
	SSL_CTX *client = SSL_CTX_new(TLS_client_method()), *server = SSL_CTX_new(TLS_server_method());
	SSL_SESSION *session = nullptr;
	std::vector<Flight> flights;
	std::string version, cipher_name;
	unsigned cipher = 0;
	bool resumed = false;

	explicit Handshake(const Certificate &cert, int tls_version)
	{
		for (SSL_CTX *c : { client, server }) {
			SSL_CTX_set_security_level(c, 0);
			SSL_CTX_set_min_proto_version(c, tls_version);
			SSL_CTX_set_max_proto_version(c, tls_version);
			SSL_CTX_set_cipher_list(c, "ALL:@SECLEVEL=0");
		}
		SSL_CTX_use_certificate(server, cert.cert);
		SSL_CTX_use_PrivateKey(server, cert.key);
		SSL_CTX_set_alpn_select_cb(server, choose_alpn, nullptr);
		SSL_CTX_set_session_id_context(server, (const unsigned char *)"x", 1);
		SSL_CTX_set_alpn_protos(client, (const unsigned char *)"\2h2\10http/1.1", 12);
	}
	~Handshake()
	{
		SSL_SESSION_free(session);
		SSL_CTX_free(client);
		SSL_CTX_free(server);
	}

	/* Moves what @p from wrote to @p to. */
	void move(SSL *from, SSL *to, unsigned dir)
	{
		char buf[65536];
		int n = BIO_read(SSL_get_wbio(from), buf, sizeof(buf));

		if (n <= 0)
			return;
		flights.push_back({ dir, std::string(buf, (size_t)n) });
		BIO_write(SSL_get_rbio(to), buf, n);
	}

	void run(size_t max_fragment = 0)
	{
		SSL *c = SSL_new(client), *s = SSL_new(server);

		flights.clear();
		if (max_fragment != 0)
			SSL_set_max_send_fragment(s, (long)max_fragment);
		for (SSL *x : { c, s })
			SSL_set_bio(x, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
		SSL_set_tlsext_host_name(c, "www.example.org");
		if (session != nullptr)
			SSL_set_session(c, session);
		SSL_set_connect_state(c);
		SSL_set_accept_state(s);
		for (int i = 0; i < 10 && !(SSL_is_init_finished(c) && SSL_is_init_finished(s)); i++) {
			SSL_do_handshake(c);
			move(c, s, 0);
			SSL_do_handshake(s);
			move(s, c, 1);
		}
		ASSERT_TRUE(SSL_is_init_finished(c) && SSL_is_init_finished(s))
			<< ERR_error_string(ERR_get_error(), nullptr);
		SSL_write(s, "hello", 5);
		move(s, c, 1);
		char buf[16];
		SSL_read(c, buf, sizeof(buf)); /* takes the tickets of TLS 1.3 */
		cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(c));
		resumed = SSL_session_reused(c);
		SSL_SESSION_free(session);
		session = SSL_get1_session(c);
		SSL_shutdown(c);
		SSL_shutdown(s);
		SSL_free(c);
		SSL_free(s);
	}
};

const Names example_name = {
	{ "C", "DE" },
	{ "O", "Millrace & Söhne" },
	{ "CN", "www.example.org" },
};

struct Version {
	int number;
	const char *name;
};
const Version versions[] = {
	{ TLS1_VERSION, "TLS 1.0" },
	{ TLS1_1_VERSION, "TLS 1.1" },
	{ TLS1_2_VERSION, "TLS 1.2" },
	{ TLS1_3_VERSION, "TLS 1.3" },
};

mr_l7_want feed_all(Parse &p, const std::vector<Flight> &flights)
{
	mr_l7_want want = MR_L7_MORE;

	for (const Flight &f : flights)
		want = p.feed(f.dir, f.octets);
	return want;
}

TEST(L7Tls, HandshakesOfOpenSsl)
{
	Certificate cert(example_name);

	for (const Version &v : versions) {
		SCOPED_TRACE(v.name);
		Handshake h(cert, v.number);
		h.run();
		Parse p("tls");

		EXPECT_EQ(probe("tls", h.flights[0].octets), MR_L7_YES);
		EXPECT_EQ(probe("tls", h.flights[1].octets, 1), MR_L7_YES);
		EXPECT_EQ(feed_all(p, h.flights), MR_L7_DONE);
		EXPECT_EQ(p.one("tls_sni"), "www.example.org");
		EXPECT_EQ(p.one("tls_version"), v.name);
		EXPECT_EQ(p.one("tls_client_version"), v.name);
		EXPECT_EQ(p.one("tls_record_version"), "TLS 1.0");
		EXPECT_EQ(p.one("tls_cipher"), std::to_string(h.cipher));
		EXPECT_EQ(p.all("tls_alpn_offered"), (std::vector<std::string>{ "h2", "http/1.1" }));
		EXPECT_EQ(p.one("tls_ja3").size(), 32u);
		EXPECT_EQ(p.one("tls_ja3s").size(), 32u);
		EXPECT_EQ(p.one("tls_ja4").size(), 36u);
		EXPECT_TRUE(p.all("tls_resumed").empty());
		if (v.number == TLS1_3_VERSION) {
			EXPECT_TRUE(p.all("tls_cert_subject").empty());
			continue;
		}
		EXPECT_EQ(p.one("tls_alpn"), "h2");
		EXPECT_EQ(p.one("tls_cert_subject"), "C=DE, O=Millrace & Söhne, CN=www.example.org");
		EXPECT_EQ(p.one("tls_cert_issuer"), p.one("tls_cert_subject"));
		EXPECT_EQ(p.one("tls_cert_serial"), "00:8B:AD:F0:0D:12:34:56:78");
		EXPECT_EQ(p.one("tls_cert_not_before"), "1500000000");
		EXPECT_EQ(p.one("tls_cert_not_after"), "2600000000");
		EXPECT_EQ(p.one("tls_cert_sha1"), cert.fingerprint(EVP_sha1()));
		EXPECT_EQ(p.one("tls_cert_sha256"), cert.fingerprint(EVP_sha256()));
		EXPECT_EQ(p.one("tls_cert"), cert.der());
	}
}

TEST(L7Tls, Resumption)
{
	Certificate cert(example_name);

	for (const Version &v : versions) {
		SCOPED_TRACE(v.name);
		Handshake h(cert, v.number);
		Parse p("tls");

		h.run();
		h.run();
		ASSERT_TRUE(h.resumed);
		EXPECT_EQ(feed_all(p, h.flights), MR_L7_DONE);
		EXPECT_EQ(p.one("tls_resumed"), "1");
		EXPECT_EQ(p.one("tls_version"), v.name);
	}
}

/* RFC 8446 section 4.1.4: the client has no share for the group that the server wants. */
TEST(L7Tls, HelloRetryRequest)
{
	Certificate cert(example_name);
	Handshake h(cert, TLS1_3_VERSION);
	Parse p("tls");

	SSL_CTX_set1_groups_list(h.client, "X25519:P-256");
	SSL_CTX_set1_groups_list(h.server, "P-256");
	h.run();
	EXPECT_EQ(feed_all(p, h.flights), MR_L7_DONE);
	EXPECT_EQ(p.one("tls_version"), "TLS 1.3");
	EXPECT_EQ(p.one("tls_ja3s_string").substr(0, 4), "771,");
	p.one("tls_ja3");
}

/* Any segmentation, any size of records: the same values. */
TEST(L7Tls, AnySegmentation)
{
	std::mt19937 rng(4711);
	Certificate cert(example_name, 3000);

	for (const Version &v : versions) {
		for (size_t fragment : { 0, 512, 700 }) {
			SCOPED_TRACE(std::string(v.name) + " " + std::to_string(fragment));
			Handshake h(cert, v.number);
			h.run(fragment);
			Parse whole("tls");

			feed_all(whole, h.flights);
			for (size_t max : { 1, 3, 50, 600 }) {
				Parse pieces("tls");

				for (const Flight &f : h.flights)
					pieces.feed_in_pieces(f.dir, f.octets, rng, max);
				EXPECT_EQ(pieces.found, whole.found) << max;
			}
		}
	}
}

TEST(L7Tls, Rfc8448SimpleHandshake)
{
	std::string hello = unhex(
		"010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef6283024dece7000006130113031302010000"
		"910000000b0009000006736572766572ff01000100000a00140012001d0017001800190100010101020103010400230000"
		"0033002600240"
		"01d002099381de560e4bd43d23d8e435a7dbafeb3c06e51c13cae4d5413691e529aaf2c002b0003020304000d0020001e"
		"040305030603020308040805080604010501060102010402050206020202002d00020101001c00024001");
	std::string answer =
		unhex("020000560303a6af06a4121860dc5e6e60249cd34c95930c8ac5cb1434dac155772ed3e2692800"
		      "130100002e00330024001d0020c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1"
		      "b04e751f0f002b00020304");
	Parse p("tls");

	ASSERT_EQ(hello.size(), 196u);
	EXPECT_EQ(p.feed(0, record(22, hello, 0x0301)), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, record(22, answer)), MR_L7_DONE);
	EXPECT_EQ(p.one("tls_sni"), "server");
	EXPECT_EQ(p.one("tls_client_version"), "TLS 1.3");
	EXPECT_EQ(p.one("tls_version"), "TLS 1.3");
	EXPECT_EQ(p.one("tls_cipher"), "4865");
	EXPECT_EQ(p.one("tls_ja3_string"),
		  "771,4865-4867-4866,0-65281-10-35-51-43-13-45-28,29-23-24-25-256-257-258-259-260,");
}

/* The examples in the publication of JA3. */
TEST(L7Tls, Ja3OfItsPublication)
{
	Parse a("tls"), b("tls");
	std::string ext = sni_extension("x") + extension(10, vec16(list16({ 23, 24, 25 }))) +
			  extension(11, vec8(u8(0)));

	a.feed(0, record(22, client_hello(769, { 47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4 },
					  ext)));
	EXPECT_EQ(a.one("tls_ja3_string"),
		  "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0");
	EXPECT_EQ(a.one("tls_ja3"), "ada70206e40642a3e4461f35503241d5");
	b.feed(0, record(22, client_hello(769, { 4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99 }, "")));
	EXPECT_EQ(b.one("tls_ja3"), "de350869b8c85de67a350c8d186f11e6");
}

/* The example in the publication of JA4, with GREASE in each list. */
std::string ja4_example(const std::string &alpn, bool sni = true)
{
	std::string ext = extension(0x1a1a);

	for (unsigned type : { 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
			       0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015 }) {
		if (type == 0)
			ext += sni ? sni_extension("example.org") : "";
		else if (type == 0x10)
			ext += alpn.empty() ? "" : alpn_extension({ alpn, "http/1.1" });
		else if (type == 0x0d)
			ext += extension(type, vec16(list16({ 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501,
							      0x0806, 0x0601 })));
		else if (type == 0x2b)
			ext += extension(type, vec8(list16({ 0x7a7a, 0x0304, 0x0303 })));
		else
			ext += extension(type);
	}
	return client_hello(0x0303,
			    { 0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
			      0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035 },
			    ext);
}

std::string ja4(const std::string &message)
{
	Parse p("tls");

	p.feed(0, record(22, message));
	return p.one("tls_ja4");
}

TEST(L7Tls, Ja4OfItsPublication)
{
	EXPECT_EQ(ja4(ja4_example("h2")), "t13d1516h2_8daaf6152771_e5627efa2ab1");
	EXPECT_EQ(ja4(ja4_example("http/1.1")).substr(0, 10), "t13d1516h1");
	EXPECT_EQ(ja4(ja4_example("", false)), "t13i151400_8daaf6152771_e5627efa2ab1");
	EXPECT_EQ(ja4(ja4_example("\xab")).substr(8, 2), "ab");
	EXPECT_EQ(ja4(ja4_example("\xab\xcd")).substr(8, 2), "ad");
	EXPECT_EQ(ja4(ja4_example("0\xab")).substr(8, 2), "3b");
	EXPECT_EQ(ja4(ja4_example("01\xab\xcd")).substr(8, 2), "3d");
	EXPECT_EQ(ja4(ja4_example("0\xab\xcd"
				  "1"))
			  .substr(8, 2),
		  "01");
	EXPECT_EQ(ja4(ja4_example("q")).substr(8, 2), "qq");
	EXPECT_EQ(ja4(client_hello(0x0300, {}, "")), "ts3i000000_000000000000_000000000000");
	EXPECT_EQ(ja4(client_hello(0x0302, { 47 }, "")), "t11i010000_ba72b8082249_000000000000");
}

TEST(L7Tls, Ja4CountsStopAt99)
{
	std::vector<unsigned> ciphers(300);

	for (unsigned i = 0; i < ciphers.size(); i++)
		ciphers[i] = 0x3000 - i;
	EXPECT_EQ(ja4(client_hello(0x0303, ciphers, "")).substr(4, 2), "99");

	Parse p("tls"); /* more than any client has: no fingerprint, the other values are there */
	p.feed(0, record(22, client_hello(0x0303, std::vector<unsigned>(3000, 47), sni_extension("x"))));
	EXPECT_TRUE(p.all("tls_ja4").empty());
	EXPECT_TRUE(p.all("tls_ja3").empty());
	EXPECT_EQ(p.one("tls_sni"), "x");
}

TEST(L7Tls, EncryptedNames)
{
	Parse ech("tls"), esni("tls");

	ech.feed(0, record(22, client_hello(0x0303, { 0x1301 }, extension(0xfe0d, "x"))));
	esni.feed(0, record(22, client_hello(0x0303, { 0x1301 }, extension(0xffce, "x"))));
	EXPECT_EQ(ech.one("tls_ech"), "1");
	EXPECT_EQ(esni.one("tls_ech"), "2");
}

/* SSL 2 framing of a hello that offers more, as clients of around 2000 sent it, and an answer in records. */
TEST(L7Tls, Ssl2CompatibleHello)
{
	std::string body = u8(1) + u16(0x0301) + u16(6) + u16(0) + u16(16) +
			   unhex("0000350100800000").substr(0, 6) + std::string(16, 'c');
	std::string hello = u16(0x8000 | (unsigned)body.size()) + body;
	Parse p("tls");

	EXPECT_EQ(probe("tls", hello), MR_L7_YES);
	EXPECT_EQ(probe("tls", hello.substr(0, 2)), MR_L7_MAYBE);
	EXPECT_EQ(probe("tls", octets("\x80\x00\x07garbage behind")), MR_L7_NO);
	EXPECT_EQ(p.feed(0, hello.substr(0, 20)), MR_L7_MORE);
	EXPECT_EQ(p.feed(0, hello.substr(20)), MR_L7_MORE);
	EXPECT_EQ(p.one("tls_client_version"), "TLS 1.0");
	EXPECT_EQ(p.feed(1, record(22, server_hello(0x0301, 0x35, ""), 0x0301)), MR_L7_MORE);
	EXPECT_EQ(p.feed(0, record(22, u8(16) + vec24("key"), 0x0301) + record(20, u8(1), 0x0301)),
		  MR_L7_MORE);
	EXPECT_EQ(p.feed(0, record(23, "data", 0x0301)), MR_L7_DONE);
	EXPECT_EQ(p.one("tls_version"), "TLS 1.0");
}

TEST(L7Tls, Ssl2)
{
	Certificate cert(example_name);
	std::string der = cert.der();
	std::string hello =
		u8(1) + u16(2) + u16(3) + u16(0) + u16(16) + unhex("010080") + std::string(16, 'c');
	std::string answer = u8(4) + u8(0) + u8(1) + u16(2) + u16((unsigned)der.size()) + u16(3) + u16(16) +
			     der + unhex("010080") + std::string(16, 'i');
	Parse p("tls");

	EXPECT_EQ(p.feed(0, u16(0x8000 | (unsigned)hello.size()) + hello), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, u16(0x8000 | (unsigned)answer.size()) + answer), MR_L7_DONE);
	EXPECT_EQ(p.one("tls_version"), "SSL 2.0");
	EXPECT_EQ(p.one("tls_cert_subject"), "C=DE, O=Millrace & Söhne, CN=www.example.org");
}

/* Only the server's own certificate is told of; those behind it are for rules, one beyond the window is
 * skipped. */
TEST(L7Tls, Chain)
{
	Certificate leaf(example_name), ca(Names{ { "CN", "ca" } }, 20000), root(Names{ { "CN", "root" } });
	std::string chain = vec24(leaf.der()) + vec24(ca.der()) + vec24(root.der());
	std::string flight = records(server_hello(0x0303, 47, "") + u8(11) + vec24(vec24(chain)), 16000);
	std::mt19937 rng(1);
	Parse p("tls"), pieces("tls");

	EXPECT_EQ(p.feed(1, flight), MR_L7_MORE);
	EXPECT_EQ(p.all("tls_cert"), (std::vector<std::string>{ leaf.der(), root.der() }));
	EXPECT_EQ(p.one("tls_cert_subject"), "C=DE, O=Millrace & Söhne, CN=www.example.org");
	pieces.feed_in_pieces(1, flight, rng, 700);
	EXPECT_EQ(pieces.found, p.found);
}

/* A capture that begins in the middle, and one that lost a piece. */
TEST(L7Tls, Gaps)
{
	Parse p("tls"), middle("tls");

	EXPECT_EQ(p.feed(0, record(22, client_hello(0x0303, { 47 }, sni_extension("a.b")))), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, record(22, server_hello(0x0303, 47, ""))), MR_L7_MORE);
	EXPECT_EQ(p.feed(1, record(22, "encrypted"), false, true), MR_L7_DONE);
	EXPECT_EQ(p.one("tls_version"), "TLS 1.2");
	EXPECT_EQ(probe("tls", record(23, "data")), MR_L7_YES);
	EXPECT_EQ(middle.feed(1, record(23, "data")), MR_L7_DONE);
	EXPECT_TRUE(middle.found.empty());
}

/* RFC 8446 section 2.3: data of the client before the server has answered is no end. */
TEST(L7Tls, EarlyData)
{
	Parse p("tls");

	EXPECT_EQ(p.feed(0, record(22, client_hello(0x0303, { 0x1301 }, "")) + record(23, "early")),
		  MR_L7_MORE);
	EXPECT_EQ(p.feed(1, record(22, server_hello(0x0303, 0x1301,
						    extension(43, u16(0x0304)) + extension(41, u16(0))))),
		  MR_L7_DONE);
	EXPECT_EQ(p.one("tls_version"), "TLS 1.3");
	EXPECT_EQ(p.one("tls_resumed"), "1");
}

/* An extension that ends behind the message: the ones before it are told of. */
TEST(L7Tls, ExtensionBeyondTheEnd)
{
	Parse p("tls");

	EXPECT_EQ(p.feed(0, record(22, client_hello(0x0303, { 47 },
						    sni_extension("a.b") + u16(11) + u16(9) + "1234"))),
		  MR_L7_MORE);
	EXPECT_EQ(p.one("tls_sni"), "a.b");
	EXPECT_EQ(p.one("tls_ja3_string"), "771,47,0,,");
	EXPECT_EQ(p.one("tls_ja4").substr(0, 10), "t12d010100");
}

TEST(L7Tls, Malformed)
{
	std::string hello = client_hello(0x0303, { 47 }, sni_extension("example.org"));

	for (size_t cut = 5; cut < hello.size(); cut++) { /* lengths that lie, at each place */
		std::string lie = u8(1) + vec24(hello.substr(4, cut - 4));
		Parse p("tls");

		p.feed(0, record(22, lie));
		EXPECT_TRUE(p.all("tls_sni").size() <= 1);
	}
	Parse empty("tls"), other("tls"), between("tls");
	EXPECT_EQ(empty.feed(0, record(22, u8(1) + u24(0))), MR_L7_BROKEN);
	EXPECT_EQ(other.feed(0, record(22, hello) + "GET / HTTP/1.1\r\n"), MR_L7_BROKEN);
	EXPECT_EQ(between.feed(0, record(22, hello.substr(0, 20)) + record(21, "xx") +
					  record(22, hello.substr(20))),
		  MR_L7_BROKEN);
	for (const char *text :
	     { "GET / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "\x16\x03\x09\x00\x05", "\x17\x03\x03\xff\xff" })
		EXPECT_EQ(probe("tls", text), MR_L7_NO) << text;
	EXPECT_EQ(probe("tls", "\x16\x03"), MR_L7_MAYBE);
}

/* --- certificates --- */

TEST(L7X509, NamesAsOpenSslPrintsThem)
{
	const std::vector<Names> names = {
		example_name,
		{ { "C", "US" }, { "ST", "California" }, { "L", "Mountain View" }, { "street", "1 Way" } },
		{ { "DC", "org" }, { "DC", "example" }, { "UID", "42" }, { "emailAddress", "a@b.org" } },
		{ { "1.3.6.1.4.1.311.60.2.1.3", "DE" },
		  { "businessCategory", "Private" },
		  { "serialNumber", "HRB 1" } },
		{ { "GN", "Ada" },
		  { "SN", "Lovelace" },
		  { "title", "Countess" },
		  { "initials", "AL" },
		  { "name", "x" } },
		{ { "2.5.4.97", "VATDE-1" },
		  { "2.5.4.17", "10115" },
		  { "2.5.4.65", "p" },
		  { "2.5.4.46", "q" } },
	};

	for (const auto &n : names) {
		Certificate cert(n);
		std::string der = cert.der();
		mr_l7_x509 parsed;
		char text[1024];

		ASSERT_TRUE(mr_l7_x509_parse((const uint8_t *)der.data(), der.size(), &parsed));
		EXPECT_EQ(std::string(text, mr_l7_x509_name(parsed.subject, text, sizeof(text))),
			  cert.subject());
	}
}

TEST(L7X509, OddNames)
{
	/* 2.999.3 = a UniversalString; UTF-16; two attributes in one RDN; a value that doesn't fit */
	std::string oid = unhex("0603883703");
	std::string pair1 = u8(0x30) + vec8(oid + u8(0x1c) + vec8(u32('A') + u32(0x1f600)));
	std::string pair2 = u8(0x30) + vec8(unhex("0603550403") + u8(0x1e) + vec8(u16(0x20ac) + u16(0xe4)));
	std::string name = u8(0x31) + vec8(pair1 + pair2) + u8(0x31) +
			   vec8(u8(0x30) + vec8(unhex("0603550406") + u8(0x13) + vec8("DE")));
	mr_l7_der der = { (const uint8_t *)name.data(), name.size() };
	char text[64];

	EXPECT_EQ(std::string(text, mr_l7_x509_name(der, text, sizeof(text))), "2.999.3=A😀 + CN=€ä, C=DE");
	EXPECT_EQ(std::string(text, mr_l7_x509_name(der, text, 14)), "2.999.3=A😀"); /* cut */
}

TEST(L7X509, TimesAsOpenSslReadsThem)
{
	Certificate cert(example_name);

	for (int64_t t :
	     { (int64_t)0, (int64_t)951782400, (int64_t)951868799, (int64_t)1709164800, (int64_t)2524607999,
	       (int64_t)2524608000, (int64_t)4107542400, (int64_t)253402300799 }) {
		mr_l7_x509 parsed;

		ASN1_TIME_set(X509_getm_notAfter(cert.cert), t);
		X509_sign(cert.cert, cert.key, EVP_sha256());
		std::string der = cert.der();
		ASSERT_TRUE(mr_l7_x509_parse((const uint8_t *)der.data(), der.size(), &parsed));
		EXPECT_EQ(parsed.not_after_s, t);
	}
}

TEST(L7X509, CutOrChangedAnywhere)
{
	Certificate cert(example_name);
	std::string der = cert.der();
	std::mt19937 rng(7);
	char text[256];

	for (size_t i = 0; i < 20000; i++) {
		std::vector<uint8_t> bad(der.begin(),
					 der.begin() + (long)(i < der.size() ? i : 1 + rng() % der.size()));
		mr_l7_x509 parsed;

		if (i >= der.size())
			bad[rng() % bad.size()] = (uint8_t)rng();
		if (mr_l7_x509_parse(bad.data(), bad.size(), &parsed)) {
			EXPECT_LE(mr_l7_x509_name(parsed.subject, text, sizeof(text)), sizeof(text));
		}
	}
}

} // namespace
