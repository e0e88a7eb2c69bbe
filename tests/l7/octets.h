/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

/* Octets of messages, written so that they can be read. */
namespace l7
{

/* "03 00 00 13": pairs of digits, blanks between them as one likes. */
inline std::string hex(const std::string &text)
{
	std::string digits, ret;

	for (char c : text)
		if (c != ' ')
			digits += c;
	for (size_t i = 0; i + 1 < digits.size(); i += 2)
		ret += (char)strtoul(digits.substr(i, 2).c_str(), nullptr, 16);
	return ret;
}

inline std::string big(uint64_t number, unsigned octets)
{
	std::string ret;

	while (octets-- > 0)
		ret += (char)(number >> 8 * octets);
	return ret;
}

inline std::string little(uint64_t number, unsigned octets)
{
	std::string ret = big(number, octets);

	return std::string(ret.rbegin(), ret.rend());
}

inline std::string zeros(size_t n)
{
	return std::string(n, '\0');
}

/* ASCII as UTF-16, little-endian. */
inline std::string wide(const std::string &text)
{
	std::string ret;

	for (char c : text)
		(ret += c) += '\0';
	return ret;
}

/* One BER element. */
inline std::string ber(unsigned tag, const std::string &content)
{
	std::string ret = tag > 0xff ? big(tag, 2) : big(tag, 1);

	ret += content.size() < 0x80 ? big(content.size(), 1) : hex("82") + big(content.size(), 2);
	return ret + content;
}

} // namespace l7
