// SPDX-License-Identifier: Apache-2.0
// Writes small captures of every flavour for tests, in either byte order.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

class CaptureWriter {
public:
	explicit CaptureWriter(bool big_endian) : big_(big_endian)
	{
	}

	std::string out;

	CaptureWriter &u8(uint8_t v)
	{
		out.push_back(static_cast<char>(v));
		return *this;
	}
	CaptureWriter &u16(uint16_t v)
	{
		return number(v, 2);
	}
	CaptureWriter &u32(uint32_t v)
	{
		return number(v, 4);
	}
	CaptureWriter &u64(uint64_t v)
	{
		return number(v, 8);
	}
	CaptureWriter &bytes(const std::string &s)
	{
		out += s;
		return *this;
	}

	// ---- pcap ----
	CaptureWriter &pcap_header(uint32_t magic, uint32_t network, uint16_t major = 2)
	{
		return u32(magic).u16(major).u16(4).u32(0).u32(0).u32(65535).u32(network);
	}
	// modified: 8 more octets in the header
	CaptureWriter &pcap_record(uint32_t sec, uint32_t frac, const std::string &data, uint32_t wire, bool modified = false)
	{
		u32(sec).u32(frac).u32(static_cast<uint32_t>(data.size())).u32(wire);
		if (modified)
			u32(1).u16(0x0800).u8(0).u8(0);
		return bytes(data);
	}

	// ---- pcapng ----
	CaptureWriter &block(uint32_t type, std::string body)
	{
		body.resize((body.size() + 3) & ~size_t{ 3 });
		const uint32_t total = static_cast<uint32_t>(body.size() + 12);
		return u32(type).u32(total).bytes(body).u32(total);
	}
	CaptureWriter &section()
	{
		return block(0x0a0d0d0a, fresh().u32(0x1a2b3c4d).u16(1).u16(0).u64(UINT64_MAX).out);
	}
	CaptureWriter &interface(uint16_t linktype, uint32_t snaplen, const std::string &options = "")
	{
		return block(1, fresh().u16(linktype).u16(0).u32(snaplen).bytes(options).out);
	}
	CaptureWriter &packet(uint32_t iface, uint64_t ticks, const std::string &data, uint32_t wire,
			      const std::string &options = "")
	{
		CaptureWriter w = fresh();
		w.u32(iface).u32(static_cast<uint32_t>(ticks >> 32)).u32(static_cast<uint32_t>(ticks));
		w.u32(static_cast<uint32_t>(data.size())).u32(wire).bytes(data);
		w.out.resize((w.out.size() + 3) & ~size_t{ 3 });
		return block(6, w.bytes(options).out);
	}
	CaptureWriter &packet_old(uint16_t iface, uint64_t ticks, const std::string &data, uint32_t wire)
	{
		CaptureWriter w = fresh();
		w.u16(iface).u16(0).u32(static_cast<uint32_t>(ticks >> 32)).u32(static_cast<uint32_t>(ticks));
		return block(2, w.u32(static_cast<uint32_t>(data.size())).u32(wire).bytes(data).out);
	}
	CaptureWriter &packet_plain(const std::string &data, uint32_t wire)
	{
		return block(3, fresh().u32(wire).bytes(data).out);
	}
	std::string option(uint16_t code, const std::string &value) const
	{
		CaptureWriter w = fresh();
		w.u16(code).u16(static_cast<uint16_t>(value.size())).bytes(value);
		w.out.resize((w.out.size() + 3) & ~size_t{ 3 });
		return w.out;
	}
	CaptureWriter fresh() const
	{
		return CaptureWriter(big_);
	}

private:
	bool big_;

	CaptureWriter &number(uint64_t v, int octets)
	{
		for (int i = 0; i < octets; i++)
			u8(static_cast<uint8_t>(v >> 8 * (big_ ? octets - 1 - i : i)));
		return *this;
	}
};
