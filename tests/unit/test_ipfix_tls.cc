// SPDX-License-Identifier: Apache-2.0
// The TLS transport against `openssl s_server`, with certificates made here.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdlib>
#include <memory>

#include "ipfix_peer.h"

extern char **environ;

// A folder that disappears with the test.
class Folder
{
      public:
	std::string path;

	Folder()
	{
		char name[] = "ipfix_tls.XXXXXX"; // in the working directory: the build folder's

		EXPECT_NE(nullptr, mkdtemp(name)) << strerror(errno);
		path = name;
	}
	~Folder()
	{
		for (const auto &f : files)
			unlink(f.c_str());
		rmdir(path.c_str());
	}
	std::string file(const std::string &name)
	{
		files.push_back(path + "/" + name);
		return files.back();
	}
	std::string file(const std::string &name, const std::string &content)
	{
		std::string f = file(name);
		FILE *out = fopen(f.c_str(), "w");

		EXPECT_EQ(content.size(), fwrite(content.data(), 1, content.size(), out));
		fclose(out);
		return f;
	}

      private:
	std::vector<std::string> files;
};

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Cert = std::unique_ptr<X509, decltype(&X509_free)>;

static Key make_key()
{
	return Key(EVP_EC_gen("P-256"), EVP_PKEY_free);
}

static void add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);

	EXPECT_NE(nullptr, ext) << value;
	X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);
}

// Signed by @p ca_key, which is the CA's when @p ca isn't NULL, else its own. Valid from yesterday.
static Cert make_cert(const char *cn, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key, const char *san,
		      long end_s = 86400)
{
	static int serial = 1;
	Cert cert(X509_new(), X509_free);
	X509_NAME *name = X509_get_subject_name(cert.get());

	X509_set_version(cert.get(), 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), serial++);
	X509_gmtime_adj(X509_getm_notBefore(cert.get()), -2 * 86400);
	X509_gmtime_adj(X509_getm_notAfter(cert.get()), end_s);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
	X509_set_issuer_name(cert.get(), ca != nullptr ? X509_get_subject_name(ca) : name);
	X509_set_pubkey(cert.get(), key);
	if (ca == nullptr)
		add_extension(cert.get(), NID_basic_constraints, "critical,CA:TRUE");
	if (san != nullptr)
		add_extension(cert.get(), NID_subject_alt_name, san);
	EXPECT_GT(X509_sign(cert.get(), ca_key, EVP_sha256()), 0);
	return cert;
}

static std::string pem(const std::function<int(BIO *)> &write)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = nullptr;

	EXPECT_EQ(1, write(bio));
	size_t len = static_cast<size_t>(BIO_get_mem_data(bio, &data));
	std::string text(data, len);
	BIO_free(bio);
	return text;
}

static std::string cert_pem(X509 *cert)
{
	return pem([&](BIO *bio) { return PEM_write_bio_X509(bio, cert); });
}

static std::string key_pem(EVP_PKEY *key, const char *pass_phrase = nullptr)
{
	return pem([&](BIO *bio) {
		return PEM_write_bio_PrivateKey(bio, key,
						pass_phrase != nullptr ? EVP_aes_128_cbc() : nullptr, nullptr,
						0, nullptr, (void *)pass_phrase);
	});
}

// A CA, and what it signed.
class Pki
{
      public:
	Folder dir;
	std::string ca, other_ca, key, cert, expired, other_name, other_cert, encrypted_key, other_key;

	Pki()
	{
		Key ca_key = make_key(), other_ca_key = make_key(), k = make_key(), k2 = make_key();
		Cert ca_cert = make_cert("Test CA", ca_key.get(), nullptr, ca_key.get(), nullptr);
		Cert other = make_cert("Other CA", other_ca_key.get(), nullptr, other_ca_key.get(), nullptr);
		const char *names = "IP:127.0.0.1,IP:::1,DNS:collector.test";
		auto sign = [&](const char *san, long end_s) {
			return cert_pem(
				make_cert("collector", k.get(), ca_cert.get(), ca_key.get(), san, end_s)
					.get());
		};

		ca = dir.file("ca.pem", cert_pem(ca_cert.get()));
		other_ca = dir.file("other_ca.pem", cert_pem(other.get()));
		key = dir.file("key.pem", key_pem(k.get()));
		other_key = dir.file("other_key.pem", key_pem(k2.get()));
		encrypted_key = dir.file("encrypted_key.pem", key_pem(k.get(), "secret"));
		cert = dir.file("cert.pem", sign(names, 86400));
		expired = dir.file("expired.pem", sign(names, -86400));
		other_name = dir.file("other_name.pem", sign("IP:192.0.2.1,DNS:elsewhere.test", 86400));
		other_cert = dir.file("other_cert.pem", cert_pem(make_cert("collector", k.get(), other.get(),
									   other_ca_key.get(), names)
									 .get()));
	}
};

// openssl s_server on a free port of 127.0.0.1. What it prints, messages included, comes through a pipe that
// is only read when the test asks.
class Server
{
      public:
	uint16_t port = 0;
	std::string output;

	Server(const Pki &pki, const std::string &cert, std::vector<std::string> more = {},
	       uint16_t want_port = 0)
	{
		std::vector<std::string> args = { "openssl", "s_server",
						  "-accept", "127.0.0.1:" + std::to_string(want_port),
						  "-cert",   cert,
						  "-key",    pki.key };
		std::vector<char *> argv;
		posix_spawn_file_actions_t actions;
		int in[2], out[2];

		args.insert(args.end(), more.begin(), more.end());
		for (auto &a : args)
			argv.push_back(a.data());
		argv.push_back(nullptr);
		EXPECT_EQ(0, pipe2(in, O_CLOEXEC));
		EXPECT_EQ(0, pipe2(out, O_CLOEXEC));
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, in[0],
						 0); // stays open and silent: it takes commands there
		posix_spawn_file_actions_adddup2(&actions, out[1], 1);
		posix_spawn_file_actions_adddup2(&actions, out[1], 2);
		EXPECT_EQ(0, posix_spawnp(&pid, "openssl", &actions, nullptr, argv.data(), environ));
		posix_spawn_file_actions_destroy(&actions);
		close(in[0]);
		close(out[1]);
		command_fd = in[1];
		output_fd = out[0];
		fcntl(output_fd, F_SETFL, O_NONBLOCK);
		EXPECT_TRUE(wait_output("ACCEPT")) << output;
		EXPECT_TRUE(wait_output("\n", output.find("ACCEPT")));
		port = want_port;
		if (port == 0) { // then it says which one
			size_t colon = output.find(':', output.find("ACCEPT"));

			port = static_cast<uint16_t>(strtoul(output.c_str() + colon + 1, nullptr, 10));
		}
	}
	Server(const Server &) = delete;
	~Server()
	{
		kill_now();
	}
	void kill_now()
	{
		if (pid <= 0)
			return;
		kill(pid, SIGKILL);
		waitpid(pid, nullptr, 0);
		close(command_fd);
		close(output_fd);
		pid = 0;
	}
	void read_output()
	{
		char room[1 << 16];
		ssize_t n;

		while ((n = read(output_fd, room, sizeof(room))) > 0)
			output.append(room, static_cast<size_t>(n));
	}
	bool wait_output(const std::string &text, size_t from = 0)
	{
		return until([&] {
			read_output();
			return output.find(text, from) != std::string::npos;
		});
	}
	// The messages, which begin with the first one and go on to the end.
	std::string messages()
	{
		size_t start = output.find("MR|");

		return start == std::string::npos ? "" : output.substr(start);
	}

      private:
	pid_t pid = 0;
	int command_fd = -1, output_fd = -1;
};

class TlsLink : public Link
{
      public:
	explicit TlsLink(const Pki &pki, uint16_t port, const char *host = "127.0.0.1")
	    : Link(MR_IPFIX_TLS, host, port)
	{
		conf.tls_ca = pki.ca.c_str();
	}
};

class IpfixTls : public testing::Test
{
      protected:
	static std::unique_ptr<Pki> pki;

	static void SetUpTestSuite()
	{
		pki = std::make_unique<Pki>();
	}
	static void TearDownTestSuite()
	{
		pki.reset();
	}
	// No connection, one line with the reason, nothing taken, nothing of a message at the peer.
	static void expect_refusal(TlsLink &link, Server *server, const char *reason)
	{
		testing::internal::CaptureStderr();
		EXPECT_TRUE(link.wait_errors(1));
		EXPECT_FALSE(link.up());
		for (int i = 0; i < 3; i++) {
			link.now_ns += 10 * kSecond;
			EXPECT_TRUE(link.wait_errors(2 + i));
		}
		EXPECT_FALSE(link.send_one("MR|secret|"));
		std::string log = testing::internal::GetCapturedStderr();
		EXPECT_NE(std::string::npos, log.find(reason)) << log;
		EXPECT_NE(std::string::npos, log.find("collector=c1")) << log;
		EXPECT_EQ(1, std::count(log.begin(), log.end(), '\n')) << log;
		EXPECT_EQ(0u, link.generation);
		EXPECT_EQ(0u, link.stats().messages);
		if (server != nullptr) {
			server->read_output();
			EXPECT_EQ("", server->messages());
		}
	}
	static void expect_open_error(TlsLink &link, const char *text)
	{
		EXPECT_EQ(-EINVAL, link.open());
		EXPECT_NE(nullptr, strstr(link.err.msg, text)) << link.err.msg;
	}
};
std::unique_ptr<Pki> IpfixTls::pki;

// ---- the right peer ----

class IpfixTlsVersion : public IpfixTls, public testing::WithParamInterface<const char *>
{
};
INSTANTIATE_TEST_SUITE_P(Versions, IpfixTlsVersion, testing::Values("-tls1_2", "-tls1_3"),
			 [](const auto &param) { return std::string(param.param + 1); });

TEST_P(IpfixTlsVersion, DeliversInOrderAndSaysGoodbye)
{
	Server server(*pki, pki->cert, { GetParam() });
	TlsLink link(*pki, server.port);
	std::vector<std::string> msgs;
	std::string all;

	for (unsigned i = 0; i < 500; i++) {
		msgs.push_back(message(i, 20 + 10 * i));
		all += msgs.back();
	}
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	EXPECT_EQ(1u, link.generation);
	EXPECT_EQ(std::vector<bool>(500, true), link.send(msgs));
	EXPECT_TRUE(until([&] {
		link.up();
		server.read_output();
		return link.stats().delivered_messages == 500;
	}));
	struct mr_ipfix_transport_stats st = link.close(5000);
	EXPECT_EQ(500u, st.delivered_messages);
	EXPECT_EQ(0u, st.errors);
	EXPECT_TRUE(server.wait_output("DONE\n")); // instead of ERROR, which an end without goodbye gives
	EXPECT_EQ(all + "DONE\n", server.messages().substr(0, all.size() + 5));
}

TEST_P(IpfixTlsVersion, ShowsItsCertificate)
{
	Server server(*pki, pki->cert,
		      { GetParam(), "-Verify", "1", "-verify_return_error", "-CAfile", pki->ca });
	TlsLink link(*pki, server.port);

	link.conf.tls_cert = pki->cert.c_str();
	link.conf.tls_key = pki->key.c_str();
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	EXPECT_TRUE(link.send_one("MR|mutual|"));
	EXPECT_TRUE(server.wait_output("MR|mutual|"));
	EXPECT_TRUE(link.up());
}

TEST_F(IpfixTls, VerifiesAGivenName)
{
	Server server(*pki, pki->cert,
		      { "-servername", "collector.test", "-servername_fatal", "-cert2", pki->cert, "-key2",
			pki->key });
	TlsLink link(*pki, server.port);

	link.conf.tls_name = "collector.test";
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up()) << "the name is also the SNI, without which the server refuses";
	EXPECT_TRUE(link.send_one("MR|named|"));
	EXPECT_TRUE(server.wait_output("MR|named|"));
}

// s_server stops to read when nobody takes its output.
TEST_F(IpfixTls, ASlowReaderMeetsTheBoundAndLosesNothing)
{
	Server server(*pki, pki->cert);
	TlsLink link(*pki, server.port);
	std::string taken;
	unsigned i = 0;
	int refused = 0;

	link.conf.send_buffer = 8 << 20; // more than the kernel takes
	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	EXPECT_TRUE(until([&] {
		std::string m = message(i, 1400);

		while (link.send_one(m)) {
			taken += m;
			m = message(++i, 1400);
		}
		return ++refused == 50;
	}));
	EXPECT_LE(link.stats().queued_octets, 8u << 20);
	EXPECT_GT(link.stats().queued_octets, 7u << 20);
	EXPECT_EQ(i, link.stats().messages);
	EXPECT_TRUE(until([&] {
		link.up();
		server.read_output();
		return link.stats().delivered_messages == i && server.messages().size() >= taken.size();
	}));
	EXPECT_TRUE(server.messages() == taken);
}

TEST_F(IpfixTls, AKilledCollectorCostsExactlyWhatItDidNotTake)
{
	auto server = std::make_unique<Server>(*pki, pki->cert);
	uint16_t port = server->port;
	TlsLink link(*pki, port);
	uint64_t i = 0, taken_packets = 0;

	ASSERT_EQ(0, link.open()) << link.err.msg;
	ASSERT_TRUE(link.wait_up());
	for (;; i++) {
		struct mr_ipfix_load load = {};

		load.packets = i;
		if (!link.send({ message(static_cast<unsigned>(i), 1400) }, { load })[0])
			break;
		taken_packets += i;
	}
	server->read_output();
	server->kill_now();
	ASSERT_TRUE(link.wait_down());
	struct mr_ipfix_transport_stats st = link.stats();
	uint64_t delivered_packets = 0;

	for (uint64_t k = 0; k < st.delivered_messages; k++)
		delivered_packets += k;
	EXPECT_EQ(i, st.messages);
	EXPECT_GT(st.lost_messages, 0u);
	EXPECT_EQ(0u, st.pending_messages);
	EXPECT_EQ(taken_packets - delivered_packets, st.lost_packets);
	EXPECT_GE(st.delivered_messages, server->messages().size() / 1400);

	server = std::make_unique<Server>(*pki, pki->cert, std::vector<std::string>(), port);
	EXPECT_TRUE(until([&] {
		link.now_ns += 10 * kMs;
		return link.up();
	}));
	EXPECT_EQ(2u, link.generation);
	EXPECT_TRUE(link.send_one("MR|fresh|"));
	EXPECT_TRUE(server->wait_output("MR|fresh|"));
	EXPECT_EQ("MR|fresh|", server->messages());
}

// ---- the wrong peer ----

TEST_F(IpfixTls, RefusesAnExpiredCertificate)
{
	Server server(*pki, pki->expired);
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "certificate has expired");
}

TEST_F(IpfixTls, RefusesAnotherCa)
{
	Server server(*pki, pki->other_cert);
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "its certificate is refused: unable to get local issuer certificate");
}

TEST_F(IpfixTls, RefusesAnotherAddress)
{
	Server server(*pki, pki->other_name);
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "IP address mismatch (expected name 127.0.0.1)");
}

TEST_F(IpfixTls, RefusesAnotherName)
{
	Server server(*pki, pki->cert);
	TlsLink link(*pki, server.port);

	link.conf.tls_name = "elsewhere.test";
	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "hostname mismatch (expected name elsewhere.test)");
}

TEST_F(IpfixTls, RefusesTls11)
{
	Server server(*pki, pki->cert, { "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0" });
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "protocol version");
}

TEST_F(IpfixTls, IsRefusedWithoutAClientCertificateByTls12)
{
	Server server(*pki, pki->cert,
		      { "-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", pki->ca });
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	expect_refusal(link, &server, "handshake failure");
}

// In TLS 1.3 the client is done before the server has looked at its certificate, so the refusal comes to an
// open connection; what was sent on it is lost and counted.
TEST_F(IpfixTls, IsRefusedWithoutAClientCertificateByTls13)
{
	Server server(*pki, pki->cert,
		      { "-tls1_3", "-Verify", "1", "-verify_return_error", "-CAfile", pki->ca });
	TlsLink link(*pki, server.port);

	ASSERT_EQ(0, link.open()) << link.err.msg;
	testing::internal::CaptureStderr();
	EXPECT_TRUE(link.wait_errors(1));
	EXPECT_FALSE(link.up());
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("certificate required")) << log;
	server.read_output();
	EXPECT_EQ("", server.messages());
}

TEST_F(IpfixTls, SaysNothingToAPlainTextServer)
{
	Sock listener(SOCK_STREAM, "127.0.0.1");
	TlsLink link(*pki, listener.port);
	std::string heard;

	ASSERT_EQ(0, listen(listener.fd, 8));
	ASSERT_EQ(0, link.open()) << link.err.msg;
	EXPECT_FALSE(link.up());
	Sock peer = listener.accept_one();
	ASSERT_EQ(13, send(peer.fd, "220 welcome\r\n", 13, 0));
	testing::internal::CaptureStderr();
	EXPECT_TRUE(link.wait_errors(1));
	std::string log = testing::internal::GetCapturedStderr();
	EXPECT_NE(std::string::npos, log.find("the peer doesn't speak TLS")) << log;
	EXPECT_FALSE(link.send_one("MR|secret|"));
	for (std::string piece; !(piece = peer.take()).empty();)
		heard += piece;
	ASSERT_FALSE(heard.empty());
	EXPECT_EQ(0x16, heard[0]); // a handshake record
	EXPECT_EQ(std::string::npos, heard.find("MR|"));
}

TEST_F(IpfixTls, GivesUpASilentServer)
{
	Sock listener(SOCK_STREAM, "127.0.0.1");
	TlsLink link(*pki, listener.port);

	ASSERT_EQ(0, listen(listener.fd, 8));
	ASSERT_EQ(0, link.open()) << link.err.msg;
	EXPECT_FALSE(link.up());
	Sock peer = listener.accept_one();
	EXPECT_FALSE(link.up());
	link.now_ns += 5 * kSecond - 1;
	EXPECT_FALSE(link.up());
	EXPECT_EQ(0u, link.stats().errors);
	link.now_ns++;
	EXPECT_FALSE(link.up());
	EXPECT_EQ(1u, link.stats().errors);
}

// ---- files ----

TEST_F(IpfixTls, NeedsACa)
{
	TlsLink link(*pki, 4740);

	link.conf.tls_ca = nullptr;
	expect_open_error(link, "no tls.ca; give the PEM file");
}

TEST_F(IpfixTls, NamesAMissingFile)
{
	TlsLink link(*pki, 4740);
	std::string missing = pki->dir.path + "/missing.pem";

	link.conf.tls_ca = missing.c_str();
	EXPECT_EQ(-ENOENT, link.open());
	EXPECT_NE(nullptr, strstr(link.err.msg, ("tls.ca " + missing + ": No such file").c_str()))
		<< link.err.msg;
	link.conf.tls_ca = pki->ca.c_str();
	link.conf.tls_cert = pki->cert.c_str();
	link.conf.tls_key = missing.c_str();
	EXPECT_EQ(-ENOENT, link.open());
	EXPECT_NE(nullptr, strstr(link.err.msg, ("tls.key " + missing).c_str())) << link.err.msg;
	link.conf.tls_cert = missing.c_str();
	link.conf.tls_key = pki->key.c_str();
	EXPECT_EQ(-ENOENT, link.open());
	EXPECT_NE(nullptr, strstr(link.err.msg, ("tls.certificate " + missing).c_str())) << link.err.msg;
}

TEST_F(IpfixTls, NamesAFileThatIsNoPem)
{
	std::string noise = pki->dir.file("noise.pem", "not a certificate\n");
	std::string empty = pki->dir.file("empty.pem", "");

	for (const char *path : { noise.c_str(), empty.c_str(), pki->dir.path.c_str(), pki->key.c_str() }) {
		TlsLink link(*pki, 4740);

		link.conf.tls_ca = path;
		expect_open_error(link, "give a PEM file with CA certificates");
	}
	TlsLink link(*pki, 4740);

	link.conf.tls_cert = noise.c_str();
	link.conf.tls_key = pki->key.c_str();
	expect_open_error(link, "give a PEM file with the certificate");
	link.conf.tls_cert = pki->cert.c_str();
	link.conf.tls_key = noise.c_str();
	expect_open_error(link, "give a PEM private key without a pass phrase");
	link.conf.tls_key = pki->encrypted_key.c_str();
	expect_open_error(link, "give a PEM private key without a pass phrase");
}

TEST_F(IpfixTls, WantsCertificateAndKeyTogether)
{
	TlsLink link(*pki, 4740);

	link.conf.tls_cert = pki->cert.c_str();
	expect_open_error(link, "give both or none");
	link.conf.tls_cert = nullptr;
	link.conf.tls_key = pki->key.c_str();
	expect_open_error(link, "give both or none");
	link.conf.tls_cert = pki->cert.c_str();
	link.conf.tls_key = pki->other_key.c_str();
	expect_open_error(link, "doesn't belong to tls.certificate");
}
