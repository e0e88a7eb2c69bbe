/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "talk.h"

/*
 * A typical conversation of each protocol, composed from the examples of its specification. test_l7_probe
 * shows the start of each to every other protocol: a row added to talks() takes part there by itself, also
 * one of a protocol that has no parser (here).
 */
/* clang-format off */
namespace l7
{

inline Talk smtp_talk() /* RFC 5321 appendix D.1, with a mail of RFC 5322 */
{
	return { "smtp", MR_L7_TCP, 25, {
		{ 1, "220 foo.com Simple Mail Transfer Service Ready ESMTP\r\n" },
		{ 0, "EHLO bar.com\r\n" },
		{ 1, "250-foo.com greets bar.com\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 HELP\r\n" },
		{ 0, "MAIL FROM:<Smith@bar.com> SIZE=500\r\nRCPT TO:<Jones@foo.com>\r\nRCPT TO:<Green@foo.com>\r\n"
		     "RCPT TO:<Brown@foo.com>\r\nDATA\r\n" },
		{ 1, "250 OK\r\n250 OK\r\n550 No such user here\r\n250 OK\r\n354 Start mail input\r\n" },
		{ 0, "From: John Doe <jdoe@machine.example>\r\nSubject: Saying\r\n Hello\r\nTo: Mary\r\n\r\n"
		     "Subject: not one\r\nRCPT TO:<nobody@foo.com>\r\n..\r\n.\r\n" },
		{ 1, "250 OK\r\n" },
		{ 0, "QUIT\r\n" },
		{ 1, "221 foo.com Service closing transmission channel\r\n" },
	} };
}

inline Talk ftp_talk()
{
	return { "ftp", MR_L7_TCP, 21, {
		{ 1, "220-Welcome to\r\n220 FTP server (vsFTPd 3.0.3)\r\n" },
		{ 0, "USER anonymous\r\n" },
		{ 1, "331 Please specify the password.\r\n" },
		{ 0, "PASS secret@example.org\r\n" },
		{ 1, "230 Login successful.\r\n" },
		{ 0, "TYPE I\r\n" },
		{ 1, "200 Switching to Binary mode.\r\n" },
		{ 0, "PASV\r\n" },
		{ 1, "227 Entering Passive Mode (192,0,2,1,195,80).\r\n" },
		{ 0, "RETR pub/read me.txt\r\n" },
		{ 1, "150 Opening BINARY mode data connection.\r\n226 Transfer complete.\r\n" },
		{ 0, "STOR up.bin\r\nQUIT\r\n" },
		{ 1, "550 Permission denied.\r\n221 Goodbye.\r\n" },
	} };
}

inline std::string nbss(const std::string &message)
{
	return big(message.size(), 4) + message;
}

inline std::string smb2(unsigned command, bool response, const std::string &body, uint32_t status = 0)
{
	return hex("fe 53 4d 42 40 00 01 00") .insert(8, little(status, 4) + little(command, 2) + hex("01 00") +
	       little(response ? 1 : 0, 4) + zeros(44)) + body;
}

/* MS-NLMP section 2.2.1.3 */
inline std::string ntlm_authenticate(const std::string &domain, const std::string &user, const std::string &host)
{
	std::string head = octets("NTLMSSP\0") + little(3, 4), names;
	auto name = [&](const std::string &text) {
		std::string ret = little(2 * text.size(), 2) + little(2 * text.size(), 2) + little(72 + names.size(), 4);

		names += wide(text);
		return ret;
	};

	head += name("") + name("") + name(domain) + name(user) + name(host) + name("");
	return head + little(1, 4) + zeros(8) + names;
}

inline Talk smb_talk() /* MS-SMB2 section 4: negotiate, log in, open a file */
{
	std::string ntlm = ntlm_authenticate("EXAMPLE", "alice", "DESKTOP-1"), share = wide("\\\\server\\share"),
		    file = wide("docs\\plan.txt");
	std::string tree = little(9, 2) + zeros(2) + little(72, 2) + little(share.size(), 2) + share;
	std::string create = little(57, 2) + zeros(42) + little(120, 2) + little(file.size(), 2) + zeros(8) + file;
	std::string setup = little(25, 2) + zeros(10) + little(88, 2) + little(ntlm.size(), 2) + zeros(8) + ntlm;

	return { "smb", MR_L7_TCP, 445, {
		{ 0, nbss(smb2(0, false, little(36, 2) + little(2, 2) + zeros(32) + hex("02 02 10 02"))) },
		{ 1, nbss(smb2(0, true, little(65, 2) + little(1, 2) + hex("10 02") + zeros(58))) },
		{ 0, nbss(smb2(1, false, setup)) },
		{ 1, nbss(smb2(1, true, little(9, 2) + zeros(6), 0xc0000016)) },
		{ 0, nbss(smb2(1, false, setup)) },
		{ 1, nbss(smb2(1, true, little(9, 2) + zeros(6))) },
		{ 0, nbss(smb2(3, false, tree)) },
		{ 1, nbss(smb2(3, true, little(16, 2) + zeros(14))) },
		{ 0, nbss(smb2(5, false, create)) },
		{ 1, nbss(smb2(5, true, little(89, 2) + zeros(86))) },
		{ 1, nbss(smb2(8, true, little(17, 2) + zeros(9000))) },
		{ 1, nbss(smb2(6, true, little(60, 2) + zeros(58))) },
	} };
}

inline std::string x224(const std::string &rest) /* code and what follows, in a TPKT */
{
	return hex("03 00") + big(rest.size() + 5, 2) + big(rest.size(), 1) + rest;
}

inline Talk rdp_talk() /* MS-RDPBCGR section 4.1: standard RDP security */
{
	std::string core = hex("01 c0") + little(216, 2) + little(0x00080004, 4) + zeros(12) + little(2600, 4) +
			   wide("ELTONS-DEV2") + zeros(32 - 22) + zeros(160);
	std::string gcc = hex("00 05 00 14 7c 00 01 81 2a 00 08 00 10 00 01 c0 00") + "Duca" + big(0x8000 | core.size(), 2) +
			  core;
	std::string params = ber(0x30, ber(2, hex("22")));
	std::string initial = ber(0x7f65, ber(4, hex("01")) + ber(4, hex("01")) + ber(1, hex("ff")) + params + params +
						  params + ber(4, gcc));

	return { "rdp", MR_L7_TCP, 3389, {
		{ 0, x224(hex("e0 00 00 00 00 00") + "Cookie: mstshash=eltons\r\n" + hex("01 00 08 00 00 00 00 00")) },
		{ 1, x224(hex("d0 00 00 12 34 00 02 00 08 00 00 00 00 00")) },
		{ 0, hex("03 00") + big(initial.size() + 7, 2) + hex("02 f0 80") + initial },
	} };
}

inline std::string bootp(unsigned op, const std::string &yiaddr, const std::string &options)
{
	return big(op, 1) + hex("01 06 00 39 03 f3 26") + zeros(8) + yiaddr + zeros(8) + hex("00 0c 29 ab cd ef") +
	       zeros(10 + 64 + 128) + hex("63 82 53 63") + options + hex("ff");
}

inline Talk dhcp_talk() /* RFC 2131 section 3.1 */
{
	return { "dhcp", MR_L7_UDP, 67, {
		{ 0, bootp(1, zeros(4), hex("35 01 01 32 04 c0 00 02 07 0c 03") + "pc1" + hex("3c 08") + "MSFT 5.0" +
						hex("37 03 01 03 06 51 07 00 00 00") + "pc1." ) },
		{ 1, bootp(2, hex("c0 00 02 09"), hex("35 01 02 36 04 c0 00 02 01 33 04 00 00 0e 10")) },
		{ 0, bootp(1, zeros(4), hex("35 01 03 32 04 c0 00 02 09 36 04 c0 00 02 01 0c 03") + "pc1") },
		{ 1, bootp(2, hex("c0 00 02 09"), hex("35 01 05 36 04 c0 00 02 01 33 04 00 00 0e 10")) },
	} };
}

inline std::string option6(unsigned code, const std::string &value)
{
	return big(code, 2) + big(value.size(), 2) + value;
}

inline Talk dhcpv6_talk() /* RFC 8415 sections 18 and 21 */
{
	std::string client = option6(1, hex("00 01 00 01 2c e8 a1 b2 00 0c 29 ab cd ef"));
	std::string server = option6(2, hex("00 03 00 01 00 0c 29 00 00 01"));
	std::string address = option6(5, hex("20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 07") + zeros(8));

	return { "dhcpv6", MR_L7_UDP, 547, {
		{ 0, hex("01 12 34 56") + client + option6(8, zeros(2)) + option6(16, hex("00 00 01 37 00 08") + "MSFT 5.0") +
			     option6(39, hex("00 03") + "pc1" + hex("07") + "example") + option6(3, zeros(12)) },
		{ 1, hex("02 12 34 56") + client + server + option6(3, zeros(12) + address) },
		{ 1, hex("07 12 34 56") + client + server + option6(3, zeros(12) + address) },
	} };
}

inline Talk ntp_talk() /* RFC 5905 section 7.3 */
{
	return { "ntp", MR_L7_UDP, 123, {
		{ 0, hex("23 00 06 20") + zeros(36) + hex("e8 f2 01 02 03 04 05 06") },
		{ 1, hex("24 01 06 e9 00 00 01 00 00 00 02 00") + "GPS" + zeros(1) + hex("e8 f2 00 00 00 00 00 00") +
			     hex("e8 f2 01 02 03 04 05 06 e8 f2 01 03 00 00 00 00 e8 f2 01 03 00 10 00 00") },
	} };
}

inline std::string snmp_pdu(unsigned tag, const std::string &oid)
{
	return ber(tag, ber(2, hex("26 47")) + ber(2, hex("00")) + ber(2, hex("00")) +
				ber(0x30, ber(0x30, ber(6, oid) + ber(5, ""))));
}

inline Talk snmp_talk()
{
	auto message = [](const std::string &pdu) { return ber(0x30, ber(2, hex("01")) + ber(4, "public") + pdu); };

	return { "snmp", MR_L7_UDP, 161, {
		{ 0, message(snmp_pdu(0xa0, hex("2b 06 01 02 01 01 01 00"))) },
		{ 1, message(snmp_pdu(0xa2, hex("2b 06 01 02 01 01 01 00"))) },
		{ 0, message(snmp_pdu(0xa5, hex("2b 06 01 04 01 82 37 01"))) },
	} };
}

inline Talk sip_talk(uint8_t transport = MR_L7_UDP) /* RFC 3261 section 4 */
{
	return { "sip", transport, 5060, {
		{ 0, "INVITE sip:bob@biloxi.com SIP/2.0\r\nVia: SIP/2.0/UDP pc33.atlanta.com;branch=z9hG4bK776asdhds\r\n"
		     "Max-Forwards: 70\r\nTo: Bob <sip:bob@biloxi.com>\r\n"
		     "From: Alice <sip:alice@atlanta.com>;tag=1928301774\r\nCall-ID: a84b4c76e66710@pc33.atlanta.com\r\n"
		     "CSeq: 314159 INVITE\r\nUser-Agent: softphone/1\r\nContent-Type: application/sdp\r\n"
		     "Content-Length: 20\r\n\r\nv=0\r\nm=audio 4000 0\r\n" },
		{ 1, "SIP/2.0 180 Ringing\r\nTo: Bob <sip:bob@biloxi.com>;tag=a6c85cf\r\nl: 0\r\n\r\n" },
		{ 1, "SIP/2.0 200 OK\r\nf: Alice <sip:alice@atlanta.com>;tag=1928301774\r\n"
		     "i: a84b4c76e66710@pc33.atlanta.com\r\nServer: pbx\r\nContent-Length: 0\r\n\r\n" },
	} };
}

inline Talk mqtt_talk() /* MQTT 3.1.1 sections 3.1, 3.2, 3.8, 3.3 */
{
	auto text = [](const std::string &s) { return big(s.size(), 2) + s; };
	auto packet = [](unsigned first, const std::string &rest) {
		return big(first, 1) + (rest.size() < 128 ? big(rest.size(), 1) :
				       big(rest.size() % 128 | 128, 1) + big(rest.size() / 128, 1)) + rest;
	};

	return { "mqtt", MR_L7_TCP, 1883, {
		{ 0, packet(0x10, text("MQTT") + hex("04 c6 00 3c") + text("sensor-7") + text("will/topic") +
					  text("gone") + text("alice") + text("secret")) },
		{ 1, hex("20 02 00 00") },
		{ 0, packet(0x82, big(10, 2) + text("a/b") + hex("01") + text("c/#") + hex("02")) },
		{ 1, hex("90 04 00 0a 01 02") },
		{ 1, packet(0x30, text("a/b") + std::string(5000, 'x')) + packet(0x30, text("a/b") + "2") +
			     packet(0x32, text("c/d") + big(11, 2) + "3") },
		{ 0, hex("c0 00") },
		{ 1, hex("d0 00") },
	} };
}

inline Talk modbus_talk() /* application protocol v1.1b3 sections 6.3, 6.11, 7 */
{
	return { "modbus", MR_L7_TCP, 502, {
		{ 0, hex("00 01 00 00 00 06 11 03 00 6b 00 03") },
		{ 1, hex("00 01 00 00 00 09 11 03 06 02 2b 00 00 00 64") },
		{ 0, hex("00 02 00 00 00 06 11 03 00 00 00 01") },
		{ 1, hex("00 02 00 00 00 05 11 03 02 00 01") },
		{ 0, hex("00 03 00 00 00 09 11 10 00 01 00 01 02 00 0a") },
		{ 1, hex("00 03 00 00 00 03 11 90 02") },
		{ 0, hex("00 04 00 00 00 06 12 05 00 ac ff 00") },
		{ 1, hex("00 04 00 00 00 06 12 05 00 ac ff 00") },
	} };
}

/* Starts of what isn't read here, and must not be taken for what is. */
inline std::vector<Talk> foreign_talks()
{
	return {
		{ "http", MR_L7_TCP, 80, { { 0, "GET /ftp/SMTP HTTP/1.1\r\nHost: example.org\r\n\r\n" },
					   { 1, "HTTP/1.1 220 OK\r\nServer: x\r\n\r\n" } } },
		{ "http", MR_L7_TCP, 80, { { 0, "OPTIONS * HTTP/1.1\r\nHost: example.org\r\n\r\n" } } },
		{ "rtsp", MR_L7_TCP, 554, { { 0, "OPTIONS rtsp://example.org/a RTSP/1.0\r\nCSeq: 1\r\n\r\n" },
					    { 1, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n" } } },
		{ "ssdp", MR_L7_UDP, 1900, { { 0, "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\r\n" } } },
		{ "pop3", MR_L7_TCP, 110, { { 1, "+OK POP3 ready\r\n" }, { 0, "USER bob\r\n" } } },
		{ "imap", MR_L7_TCP, 143, { { 1, "* OK IMAP4rev1 ready\r\n" }, { 0, "a1 LOGIN bob x\r\n" } } },
		{ "nntp", MR_L7_TCP, 119, { { 1, "200 news.example.org ready\r\n" }, { 0, "MODE READER\r\n" } } },
		{ "irc", MR_L7_TCP, 6667, { { 0, "NICK bob\r\nUSER bob 0 * :Bob\r\n" }, { 0, "USER bob 0 * :Bob\r\n" } } },
		{ "ssh", MR_L7_TCP, 22, { { 1, "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n" } } },
		{ "telnet", MR_L7_TCP, 23, { { 1, hex("ff fd 18 ff fd 20 ff fd 23 ff fd 27") } } },
		{ "tls", MR_L7_TCP, 443, { { 0, hex("16 03 01 02 00 01 00 01 fc 03 03") + std::string(32, 'r') +
						       hex("20") + std::string(32, 's') + hex("00 04 13 01 13 02 01 00") },
					   { 1, hex("16 03 03 00 7a 02 00 00 76 03 03") + std::string(32, 'r') } } },
		/* as long as a message of NTP */
		{ "dns", MR_L7_UDP, 53, { { 0, hex("23 00 01 00 00 01 00 00 00 00 00 00 03") + "www" + hex("0e") +
						       "rather-longish" + hex("07") + "example" + hex("03") + "com" +
						       hex("00 00 01 00 01") } } },
		{ "dns", MR_L7_TCP, 53, { { 0, hex("00 21 23 00 01 00 00 01 00 00 00 00 00 00 03") + "www" + hex("07") +
						       "example" + hex("03") + "com" + hex("00 00 01 00 01") } } },
		{ "quic", MR_L7_UDP, 443, { { 0, hex("c3 00 00 00 01 08 83 94 c8 f0 3e 51 57 08 00 00 44 9e") +
							 std::string(1182, 'q') } } },
		{ "s7comm", MR_L7_TCP, 102, { { 0, x224(hex("e0 00 00 00 01 00 c0 01 0a c1 02 01 00 c2 02 01 02")) },
					      { 1, x224(hex("d0 00 01 00 02 00 c0 01 0a c1 02 01 00 c2 02 01 02")) } } },
		{ "ldap", MR_L7_TCP, 389, { { 0, ber(0x30, ber(2, hex("01")) + ber(0x60, ber(2, hex("03")) + ber(4, "cn") +
										       ber(0x80, "x"))) } } },
		{ "cldap", MR_L7_UDP, 389, { { 0, ber(0x30, ber(2, hex("01")) + ber(0x63, ber(4, "") + ber(10, hex("00")))) } } },
		{ "tftp", MR_L7_UDP, 69, { { 0, octets("\0\1file\0octet\0") } } },
		{ "syslog", MR_L7_UDP, 514, { { 0, "<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick" } } },
		{ "stun", MR_L7_UDP, 3478, { { 0, hex("00 01 00 00 21 12 a4 42") + std::string(12, 'i') } } },
		{ "rtp", MR_L7_UDP, 4000, { { 0, hex("80 00 1a 2b 00 00 00 a0 de ad be ef") + std::string(160, '\x7f') } } },
		{ "netbios-ns", MR_L7_UDP, 137, { { 0, hex("12 34 01 10 00 01 00 00 00 00 00 00 20") + std::string(32, 'C') +
							       hex("00 00 20 00 01") } } },
		{ "zeros", MR_L7_UDP, 9, { { 0, zeros(300) } } },
		{ "zeros", MR_L7_TCP, 9, { { 0, zeros(300) } } },
		{ "ones", MR_L7_UDP, 9, { { 0, std::string(300, '\xff') } } },
		{ "blanks", MR_L7_TCP, 9, { { 0, std::string(300, ' ') } } },
	};
}

inline std::vector<Talk> talks()
{
	std::vector<Talk> ret = { smtp_talk(), ftp_talk(), smb_talk(), rdp_talk(), dhcp_talk(), dhcpv6_talk(), ntp_talk(), snmp_talk(),
				  sip_talk(), sip_talk(MR_L7_TCP), mqtt_talk(), modbus_talk() };

	for (Talk &t : foreign_talks())
		ret.push_back(t);
	return ret;
}

} // namespace l7
/* clang-format on */
