/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Every field that an application parser may find: one row makes the id, the name in flows.jsonl, the IPFIX
 * element and the row in docs/fields.md. Rows may be added anywhere; the number of a private element never changes.
 */

enum mr_l7_type {
	MR_L7_TEXT,   /* octets that are meant to be read */
	MR_L7_NUMBER, /* unsigned; width in octets is that of the element */
	MR_L7_OCTETS, /* shown in hex */
};

/** Bits of a row. */
enum {
	MR_L7_MANY = 1 << 0, /* each transaction has its own: flows.jsonl has a list, IPFIX the first */
	MR_L7_HIDDEN = 1 << 1, /* not exported: for rules only */
};

/*
 * X(ID, name, type, octets, bits, pen, element, doc)
 * octets: width of a number, else 0. pen: 0 for an IANA element, else MR_L7_PEN with an element of our own.
 * Private elements by protocol: HTTP 100.., HTTP/2 130.., DNS 150.., TLS 200.., QUIC 240.., SSH 260.., SMTP 280..,
 * FTP 300.., SMB 320.., RDP 340.., DHCP 360.., NTP 380.., SNMP 400.., SIP 420.., MQTT 440.., Modbus 460...
 * tls_sni is 16. Numbers below 100 are of lib/ipfix/mr_ipfix_detail.h otherwise.
 */
#define MR_L7_PEN 32473u

/* clang-format off */

#define MR_L7_FIELDS_HTTP(X) \
	X(HTTP_METHOD, "http_method", MR_L7_TEXT, 0, MR_L7_MANY, 0, 459, "request method") \
	X(HTTP_HOST, "http_host", MR_L7_TEXT, 0, MR_L7_MANY, 0, 460, "host that the request names") \
	X(HTTP_URI, "http_uri", MR_L7_TEXT, 0, MR_L7_MANY, 0, 461, "request target as sent") \
	X(HTTP_STATUS, "http_status", MR_L7_NUMBER, 2, MR_L7_MANY, 0, 457, "status code of the answer") \
	X(HTTP_VERSION, "http_version", MR_L7_TEXT, 0, MR_L7_MANY, 0, 462, "version of the request, else of the answer") \
	X(HTTP_USER_AGENT, "http_user_agent", MR_L7_TEXT, 0, MR_L7_MANY, 0, 468, "program that the client says it is") \
	X(HTTP_CONTENT_TYPE, "http_content_type", MR_L7_TEXT, 0, MR_L7_MANY, 0, 469, "media type of the answer's body") \
	X(HTTP_REASON, "http_reason", MR_L7_TEXT, 0, MR_L7_MANY, 0, 470, "text behind the status code") \
	X(HTTP_REQUEST_TYPE, "http_request_type", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 100, \
	  "media type of the request's body") \
	X(HTTP_REFERER, "http_referer", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 101, "page that led to the request") \
	X(HTTP_SERVER, "http_server", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 102, "program that the server says it is") \
	X(HTTP_LOCATION, "http_location", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 103, "where the answer redirects to") \
	X(HTTP_REQUEST_LENGTH, "http_request_length", MR_L7_NUMBER, 8, MR_L7_MANY, MR_L7_PEN, 104, \
	  "content length that the request announces") \
	X(HTTP_LENGTH, "http_length", MR_L7_NUMBER, 8, MR_L7_MANY, MR_L7_PEN, 105, \
	  "content length that the answer announces") \
	X(HTTP_UPGRADE, "http_upgrade", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 106, \
	  "protocol that the server changes to (status 101)") \
	X(HTTP_NOTE, "http_note", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 107, \
	  "what is odd about a message (names: lib/l7/README.md)") \
	X(HTTP_COOKIE, "http_cookie", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 108, "cookies of the request") \
	X(HTTP_REQUEST_HEADER, "http_request_header", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 109, \
	  "one header line of the request, without its end") \
	X(HTTP_HEADER, "http_header", MR_L7_TEXT, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 110, \
	  "one header line of the answer, without its end") \
	X(HTTP_REQUEST_BODY, "http_request_body", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 111, \
	  "start of the request's body, decompressed") \
	X(HTTP_BODY, "http_body", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 112, \
	  "start of the answer's body, decompressed")

/* the fields of HTTP/1 where they mean the same */
#define MR_L7_FIELDS_HTTP2(X) \
	X(HTTP2_SCHEME, "http2_scheme", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 130, "scheme of the request") \
	X(HTTP2_STREAM, "http2_stream", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 131, "stream of the request or answer")

#define MR_L7_FIELDS_DNS(X) \
	X(DNS_NAME, "dns_name", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 150, "name asked for, escaped as in zone files") \
	X(DNS_TYPE, "dns_type", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 151, "record type asked for") \
	X(DNS_CLASS, "dns_class", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 152, "class asked for") \
	X(DNS_ID, "dns_id", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 153, "identification of the query") \
	X(DNS_FLAGS, "dns_flags", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 154, "second word of the answer's header") \
	X(DNS_RCODE, "dns_rcode", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 155, "response code, with EDNS's upper bits") \
	X(DNS_ANSWERS, "dns_answers", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 156, \
	  "records in the answer section, as its header says") \
	X(DNS_ANSWER_NAME, "dns_answer_name", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 157, "owner of an answer record") \
	X(DNS_ANSWER_TYPE, "dns_answer_type", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 158, "type of an answer record") \
	X(DNS_ANSWER_TTL, "dns_answer_ttl", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 159, \
	  "seconds that an answer record may be kept") \
	X(DNS_ANSWER, "dns_answer", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 160, "data of an answer record, as in zone files") \
	X(DNS_AUTHORITY, "dns_authority", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 161, "data of an authority record") \
	X(DNS_ADDITIONAL, "dns_additional", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 162, "data of an additional record") \
	X(DNS_EDNS_SIZE, "dns_edns_size", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 163, \
	  "largest datagram that the sender of EDNS takes") \
	X(DNS_OPCODE, "dns_opcode", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 165, \
	  "kind of the query when it isn't 0 (4: notify, 5: update)") \
	X(DNS_NOTE, "dns_note", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 164, "what is odd about a message (names: lib/l7/README.md)")

#define MR_L7_FIELDS_TLS(X) \
	X(TLS_SNI, "tls_sni", MR_L7_TEXT, 0, 0, MR_L7_PEN, 16, "server name that the client asks for") \
	X(TLS_VERSION, "tls_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 201, "version that the server chose") \
	X(TLS_CLIENT_VERSION, "tls_client_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 202, "highest version offered") \
	X(TLS_RECORD_VERSION, "tls_record_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 203, \
	  "version of the record that begins the ClientHello") \
	X(TLS_ALPN, "tls_alpn", MR_L7_TEXT, 0, 0, MR_L7_PEN, 204, "application protocol that the server chose") \
	X(TLS_ALPN_OFFERED, "tls_alpn_offered", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 205, \
	  "application protocols offered, first choice first") \
	X(TLS_CIPHER, "tls_cipher", MR_L7_NUMBER, 2, 0, MR_L7_PEN, 206, "cipher suite chosen, IANA number") \
	X(TLS_JA3, "tls_ja3", MR_L7_TEXT, 0, 0, MR_L7_PEN, 207, "JA3 fingerprint of the client") \
	X(TLS_JA3S, "tls_ja3s", MR_L7_TEXT, 0, 0, MR_L7_PEN, 208, "JA3S fingerprint of the server") \
	X(TLS_JA4, "tls_ja4", MR_L7_TEXT, 0, 0, MR_L7_PEN, 209, "JA4 fingerprint of the client") \
	X(TLS_JA3_STRING, "tls_ja3_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 210, "what JA3 is the MD5 of") \
	X(TLS_JA3S_STRING, "tls_ja3s_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 211, "what JA3S is the MD5 of") \
	X(TLS_CERT_SUBJECT, "tls_cert_subject", MR_L7_TEXT, 0, 0, MR_L7_PEN, 212, "subject of the server's certificate") \
	X(TLS_CERT_ISSUER, "tls_cert_issuer", MR_L7_TEXT, 0, 0, MR_L7_PEN, 213, "issuer of the server's certificate") \
	X(TLS_CERT_SERIAL, "tls_cert_serial", MR_L7_TEXT, 0, 0, MR_L7_PEN, 214, "its serial number, hex") \
	X(TLS_CERT_NOT_BEFORE, "tls_cert_not_before", MR_L7_NUMBER, 8, 0, MR_L7_PEN, 215, "valid from, s since 1970") \
	X(TLS_CERT_NOT_AFTER, "tls_cert_not_after", MR_L7_NUMBER, 8, 0, MR_L7_PEN, 216, "valid until, s since 1970") \
	X(TLS_CERT_SHA1, "tls_cert_sha1", MR_L7_TEXT, 0, 0, MR_L7_PEN, 217, "SHA-1 of the server's certificate") \
	X(TLS_CERT_SHA256, "tls_cert_sha256", MR_L7_TEXT, 0, 0, MR_L7_PEN, 218, "SHA-256 of the server's certificate") \
	X(TLS_ECH, "tls_ech", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 219, "1: encrypted ClientHello or its GREASE, 2: ESNI") \
	X(TLS_RESUMED, "tls_resumed", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 220, "1: an earlier session is resumed") \
	X(TLS_CERT, "tls_cert", MR_L7_OCTETS, 0, MR_L7_MANY | MR_L7_HIDDEN, MR_L7_PEN, 221, \
	  "certificates of the server, DER")

#define MR_L7_FIELDS_QUIC(X) \
	X(QUIC_VERSION, "quic_version", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 240, \
	  "version of the client, again after a Version Negotiation") \
	X(QUIC_USER_AGENT, "quic_user_agent", MR_L7_TEXT, 0, 0, MR_L7_PEN, 241, "client, from its transport parameters") \
	X(QUIC_DCID_OCTETS, "quic_dcid_octets", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 242, \
	  "length of the first destination connection id") \
	X(QUIC_SCID_OCTETS, "quic_scid_octets", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 243, \
	  "length of the client's connection id") \
	X(QUIC_RETRY, "quic_retry", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 244, "1: the server had the client validated by Retry") \
	X(QUIC_OFFERED_VERSION, "quic_offered_version", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 245, \
	  "versions that the server's Version Negotiation names")

#define MR_L7_FIELDS_SSH(X) \
	X(SSH_CLIENT, "ssh_client", MR_L7_TEXT, 0, 0, MR_L7_PEN, 260, "identification line of the client") \
	X(SSH_SERVER, "ssh_server", MR_L7_TEXT, 0, 0, MR_L7_PEN, 261, "identification line of the server") \
	X(SSH_CLIENT_VERSION, "ssh_client_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 262, "protocol version of the client") \
	X(SSH_SERVER_VERSION, "ssh_server_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 263, "protocol version of the server") \
	X(SSH_CLIENT_SOFTWARE, "ssh_client_software", MR_L7_TEXT, 0, 0, MR_L7_PEN, 264, "software of the client") \
	X(SSH_SERVER_SOFTWARE, "ssh_server_software", MR_L7_TEXT, 0, 0, MR_L7_PEN, 265, "software of the server") \
	X(SSH_HASSH, "ssh_hassh", MR_L7_TEXT, 0, 0, MR_L7_PEN, 266, "HASSH fingerprint of the client") \
	X(SSH_HASSH_SERVER, "ssh_hassh_server", MR_L7_TEXT, 0, 0, MR_L7_PEN, 267, "HASSH fingerprint of the server") \
	X(SSH_HASSH_STRING, "ssh_hassh_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 268, "what HASSH is the MD5 of") \
	X(SSH_HASSH_SERVER_STRING, "ssh_hassh_server_string", MR_L7_TEXT, 0, MR_L7_HIDDEN, MR_L7_PEN, 269, \
	  "what the HASSH of the server is the MD5 of") \
	X(SSH_KEX, "ssh_kex", MR_L7_TEXT, 0, 0, MR_L7_PEN, 270, "key exchange chosen") \
	X(SSH_HOST_KEY, "ssh_host_key", MR_L7_TEXT, 0, 0, MR_L7_PEN, 271, "kind of host key chosen") \
	X(SSH_CIPHER, "ssh_cipher", MR_L7_TEXT, 0, 0, MR_L7_PEN, 272, "cipher chosen, client to server") \
	X(SSH_MAC, "ssh_mac", MR_L7_TEXT, 0, 0, MR_L7_PEN, 273, \
	  "message authentication chosen, client to server; none beside a cipher that brings its own") \
	X(SSH_COMPRESSION, "ssh_compression", MR_L7_TEXT, 0, 0, MR_L7_PEN, 274, "compression chosen, client to server")

#define MR_L7_FIELDS_SMTP(X) \
	X(SMTP_BANNER, "smtp_banner", MR_L7_TEXT, 0, 0, MR_L7_PEN, 280, "server's greeting behind its code") \
	X(SMTP_HELO, "smtp_helo", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 281, \
	  "name that the client gives with HELO or EHLO") \
	X(SMTP_MAIL_FROM, "smtp_mail_from", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 282, \
	  "sender of the envelope, without <>") \
	X(SMTP_RCPT_TO, "smtp_rcpt_to", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 283, \
	  "recipient of the envelope, without <>") \
	X(SMTP_SUBJECT, "smtp_subject", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 284, \
	  "Subject line of the message, folded lines joined") \
	X(SMTP_STARTTLS, "smtp_starttls", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 285, "1: encrypted from here on")

#define MR_L7_FIELDS_FTP(X) \
	X(FTP_BANNER, "ftp_banner", MR_L7_TEXT, 0, 0, MR_L7_PEN, 300, "server's greeting behind its code") \
	X(FTP_USER, "ftp_user", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 301, "name given with USER") \
	X(FTP_COMMAND, "ftp_command", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 302, "command verb as sent") \
	X(FTP_COMMAND_DATA, "ftp_command_data", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 303, \
	  "what follows the verb; never a password") \
	X(FTP_FILE, "ftp_file", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 304, \
	  "path of RETR, STOR, APPE and DELE") \
	X(FTP_REPLY_CODE, "ftp_reply_code", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 305, \
	  "answer to USER, PASS, ACCT and AUTH") \
	X(FTP_AUTH_TLS, "ftp_auth_tls", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 306, "1: encrypted from here on")

#define MR_L7_FIELDS_SMB(X) \
	X(SMB_DIALECT, "smb_dialect", MR_L7_TEXT, 0, 0, MR_L7_PEN, 320, \
	  "dialect that the server chose: NT LM 0.12, 2.0.2, 3.1.1 ...") \
	X(SMB_COMMAND, "smb_command", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 321, "command, each once") \
	X(SMB_SHARE, "smb_share", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 322, "path of a tree connect") \
	X(SMB_FILE, "smb_file", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 323, "file name of a create or open") \
	X(SMB_USER, "smb_user", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 324, "user of an NTLM session setup") \
	X(SMB_DOMAIN, "smb_domain", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 325, \
	  "domain of an NTLM session setup") \
	X(SMB_HOST, "smb_host", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 326, \
	  "workstation of an NTLM session setup") \
	X(SMB_LOGIN_STATUS, "smb_login_status", MR_L7_NUMBER, 4, MR_L7_MANY, MR_L7_PEN, 327, \
	  "NT status that ends a session setup, 0: success")

#define MR_L7_FIELDS_RDP(X) \
	X(RDP_COOKIE, "rdp_cookie", MR_L7_TEXT, 0, 0, MR_L7_PEN, 340, \
	  "user name (mstshash) or routing token of the connection request") \
	X(RDP_REQUESTED_PROTOCOLS, "rdp_requested_protocols", MR_L7_NUMBER, 4, 0, MR_L7_PEN, 341, \
	  "bits of RDP_NEG_REQ: 1 TLS, 2 CredSSP, 4 RDSTLS, 8 early user, 16 AAD") \
	X(RDP_SELECTED_PROTOCOL, "rdp_selected_protocol", MR_L7_NUMBER, 4, 0, MR_L7_PEN, 342, \
	  "protocol that the server chose, 0: standard RDP security") \
	X(RDP_FAILURE_CODE, "rdp_failure_code", MR_L7_NUMBER, 4, 0, MR_L7_PEN, 343, \
	  "why the server refuses, of RDP_NEG_FAILURE") \
	X(RDP_CLIENT_VERSION, "rdp_client_version", MR_L7_NUMBER, 4, 0, MR_L7_PEN, 344, \
	  "RDP version of the client, major << 16 | minor") \
	X(RDP_CLIENT_BUILD, "rdp_client_build", MR_L7_NUMBER, 4, 0, MR_L7_PEN, 345, \
	  "build number of the client") \
	X(RDP_CLIENT_NAME, "rdp_client_name", MR_L7_TEXT, 0, 0, MR_L7_PEN, 346, "host name of the client")

#define MR_L7_FIELDS_DHCP(X) \
	X(DHCP_MESSAGE_TYPE, "dhcp_message_type", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 360, \
	  "DISCOVER, OFFER, REQUEST ...; BOOTP without option 53") \
	X(DHCP_HOSTNAME, "dhcp_hostname", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 361, "option 12") \
	X(DHCP_VENDOR_CLASS, "dhcp_vendor_class", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 362, "option 60") \
	X(DHCP_CLIENT_MAC, "dhcp_client_mac", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 363, \
	  "hardware address of the client") \
	X(DHCP_REQUESTED_ADDRESS, "dhcp_requested_address", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 364, \
	  "option 50") \
	X(DHCP_ASSIGNED_ADDRESS, "dhcp_assigned_address", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 365, "yiaddr") \
	X(DHCP_SERVER_ID, "dhcp_server_id", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 366, "option 54") \
	X(DHCP_PARAMETERS, "dhcp_parameters", MR_L7_OCTETS, 0, MR_L7_MANY, MR_L7_PEN, 367, \
	  "option 55, the options asked for: tells systems apart") \
	X(DHCP_FQDN, "dhcp_fqdn", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 368, "name of option 81") \
	X(DHCPV6_MESSAGE_TYPE, "dhcpv6_message_type", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 370, \
	  "SOLICIT, ADVERTISE, REQUEST ..., within a relay's message too") \
	X(DHCPV6_CLIENT_ID, "dhcpv6_client_id", MR_L7_OCTETS, 0, MR_L7_MANY, MR_L7_PEN, 371, "DUID of the client") \
	X(DHCPV6_VENDOR_CLASS, "dhcpv6_vendor_class", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 372, "option 16") \
	X(DHCPV6_FQDN, "dhcpv6_fqdn", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 373, "name of option 39") \
	X(DHCPV6_ADDRESS, "dhcpv6_address", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 374, "address that a reply assigns")

#define MR_L7_FIELDS_NTP(X) \
	X(NTP_VERSION, "ntp_version", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 380, "version number") \
	X(NTP_MODE, "ntp_mode", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 381, \
	  "mode, each once: 3 client, 4 server, 6 control, 7 private ...") \
	X(NTP_STRATUM, "ntp_stratum", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 382, \
	  "stratum of the first message that isn't a client's") \
	X(NTP_REFERENCE_ID, "ntp_reference_id", MR_L7_TEXT, 0, 0, MR_L7_PEN, 383, \
	  "reference id of that message: name or address") \
	X(NTP_REQUEST_CODE, "ntp_request_code", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 384, \
	  "request code of private mode, 20 and 42 are monlist") \
	X(NTP_MONLIST, "ntp_monlist", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 385, \
	  "1: the list of last clients was asked for or sent") \
	X(NTP_CONTROL_OPCODE, "ntp_control_opcode", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 386, \
	  "operation of control mode")

#define MR_L7_FIELDS_SNMP(X) \
	X(SNMP_VERSION, "snmp_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 400, "1, 2c or 3") \
	X(SNMP_COMMUNITY, "snmp_community", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 401, \
	  "community of versions 1 and 2c") \
	X(SNMP_PDU_TYPE, "snmp_pdu_type", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 402, \
	  "get-request, response ...; encrypted where it can't be seen") \
	X(SNMP_OID, "snmp_oid", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 403, \
	  "first object identifier; of a version 1 trap its enterprise") \
	X(SNMP_USER, "snmp_user", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 404, \
	  "user of version 3's security model")

#define MR_L7_FIELDS_SIP(X) \
	X(SIP_METHOD, "sip_method", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 420, "method of a request") \
	X(SIP_URI, "sip_uri", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 421, "target of a request") \
	X(SIP_FROM, "sip_from", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 422, "From line") \
	X(SIP_TO, "sip_to", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 423, "To line") \
	X(SIP_CALL_ID, "sip_call_id", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 424, "Call-ID line") \
	X(SIP_USER_AGENT, "sip_user_agent", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 425, \
	  "User-Agent or Server line") \
	X(SIP_STATUS, "sip_status", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 426, "status code of a response")

#define MR_L7_FIELDS_MQTT(X) \
	X(MQTT_VERSION, "mqtt_version", MR_L7_TEXT, 0, 0, MR_L7_PEN, 440, "3.1, 3.1.1 or 5.0") \
	X(MQTT_CLIENT_ID, "mqtt_client_id", MR_L7_TEXT, 0, 0, MR_L7_PEN, 441, "client identifier") \
	X(MQTT_USER, "mqtt_user", MR_L7_TEXT, 0, 0, MR_L7_PEN, 442, "user name") \
	X(MQTT_TOPIC, "mqtt_topic", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 443, \
	  "topic that something is published under, repetitions left out") \
	X(MQTT_SUBSCRIBE_TOPIC, "mqtt_subscribe_topic", MR_L7_TEXT, 0, MR_L7_MANY, MR_L7_PEN, 444, \
	  "topic filter that the client subscribes to") \
	X(MQTT_RETURN_CODE, "mqtt_return_code", MR_L7_NUMBER, 1, 0, MR_L7_PEN, 445, \
	  "answer to CONNECT, 0: accepted")

#define MR_L7_FIELDS_MODBUS(X) \
	X(MODBUS_UNIT, "modbus_unit", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 460, \
	  "unit identifier of a new kind of request") \
	X(MODBUS_FUNCTION, "modbus_function", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 461, \
	  "function code, each once for a unit") \
	X(MODBUS_ADDRESS, "modbus_address", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 462, \
	  "first register or coil of that request") \
	X(MODBUS_QUANTITY, "modbus_quantity", MR_L7_NUMBER, 2, MR_L7_MANY, MR_L7_PEN, 463, \
	  "registers or coils of that request") \
	X(MODBUS_EXCEPTION, "modbus_exception", MR_L7_NUMBER, 1, MR_L7_MANY, MR_L7_PEN, 464, \
	  "exception code of a response")

#define MR_L7_FIELDS(X) \
	MR_L7_FIELDS_HTTP(X) \
	MR_L7_FIELDS_HTTP2(X) \
	MR_L7_FIELDS_DNS(X) \
	MR_L7_FIELDS_TLS(X) \
	MR_L7_FIELDS_QUIC(X) \
	MR_L7_FIELDS_SSH(X) \
	MR_L7_FIELDS_SMTP(X) \
	MR_L7_FIELDS_FTP(X) \
	MR_L7_FIELDS_SMB(X) \
	MR_L7_FIELDS_RDP(X) \
	MR_L7_FIELDS_DHCP(X) \
	MR_L7_FIELDS_NTP(X) \
	MR_L7_FIELDS_SNMP(X) \
	MR_L7_FIELDS_SIP(X) \
	MR_L7_FIELDS_MQTT(X) \
	MR_L7_FIELDS_MODBUS(X)
/* clang-format on */

enum mr_l7_field {
#define MR_L7_ID(ID, name, type, octets, bits, pen, element, doc) MR_L7_F_##ID,
	MR_L7_FIELDS(MR_L7_ID)
#undef MR_L7_ID
		MR_L7_FIELD_MAX
};

struct mr_l7_field_info {
	const char *name;
	const char *doc;
	uint32_t pen;
	uint16_t element;
	uint8_t type; /* enum mr_l7_type */
	uint8_t octets;
	uint8_t bits;
};

extern const struct mr_l7_field_info mr_l7_field_info[MR_L7_FIELD_MAX];

#ifdef __cplusplus
}
#endif
