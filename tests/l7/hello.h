/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

/* Builds TLS messages by hand. */
namespace l7
{

inline std::string u8(unsigned v)
{
	return std::string(1, (char)v);
}
inline std::string u16(unsigned v)
{
	return u8(v >> 8) + u8(v & 0xff);
}
inline std::string u24(unsigned v)
{
	return u8(v >> 16) + u16(v & 0xffff);
}
inline std::string u32(uint32_t v)
{
	return u16(v >> 16) + u16(v & 0xffff);
}
/* With their length in front. */
inline std::string vec8(const std::string &s)
{
	return u8((unsigned)s.size()) + s;
}
inline std::string vec16(const std::string &s)
{
	return u16((unsigned)s.size()) + s;
}
inline std::string vec24(const std::string &s)
{
	return u24((unsigned)s.size()) + s;
}
inline std::string list16(const std::vector<unsigned> &v)
{
	std::string s;

	for (unsigned x : v)
		s += u16(x);
	return s;
}

inline std::string unhex(const std::string &hex)
{
	std::string s;

	for (size_t i = 0; i + 1 < hex.size(); i += 2)
		s += (char)std::stoi(hex.substr(i, 2), nullptr, 16);
	return s;
}

inline std::string extension(unsigned type, const std::string &value = "")
{
	return u16(type) + vec16(value);
}
inline std::string sni_extension(const std::string &name)
{
	return extension(0, vec16(u8(0) + vec16(name)));
}
inline std::string alpn_extension(const std::vector<std::string> &names)
{
	std::string s;

	for (const std::string &n : names)
		s += vec8(n);
	return extension(16, vec16(s));
}

inline std::string client_hello(unsigned version, const std::vector<unsigned> &ciphers,
				const std::string &extensions)
{
	return u8(1) + vec24(u16(version) + std::string(32, 'r') + vec8("") + vec16(list16(ciphers)) +
			     vec8(std::string(1, '\0')) + (extensions.empty() ? "" : vec16(extensions)));
}
inline std::string server_hello(unsigned version, unsigned cipher, const std::string &extensions,
				const std::string &random = std::string(32, 's'))
{
	return u8(2) + vec24(u16(version) + random + vec8("") + u16(cipher) + u8(0) +
			     (extensions.empty() ? "" : vec16(extensions)));
}

inline std::string record(unsigned type, const std::string &body, unsigned version = 0x0303)
{
	return u8(type) + u16(version) + vec16(body);
}
/* A handshake message cut into records of at most @p max octets. */
inline std::string records(const std::string &message, size_t max, unsigned version = 0x0303)
{
	std::string s;

	for (size_t at = 0; at < message.size(); at += max)
		s += record(22, message.substr(at, max), version);
	return s;
}

} // namespace l7
