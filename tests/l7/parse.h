/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "l7/mr_l7.h"

/* Runs one parser as the stream layer would, and keeps what it finds. */
namespace l7
{

/* Octets from a literal with zeros in it. */
template <size_t N> std::string octets(const char (&literal)[N])
{
	return std::string(literal, N - 1);
}

inline const mr_l7_ops *find(const std::string &name)
{
	for (const mr_l7_ops *const *o = mr_l7_all; *o != nullptr; o++)
		if (name == (*o)->name)
			return *o;
	ADD_FAILURE() << "no protocol " << name;
	return nullptr;
}

struct Found {
	std::string name, value; /* numbers in decimal */
	bool operator==(const Found &o) const
	{
		return name == o.name && value == o.value;
	}
};

inline std::ostream &operator<<(std::ostream &out, const Found &f)
{
	return out << f.name << '=' << f.value;
}

class Parse : public mr_l7_sink
{
      public:
	explicit Parse(const std::string &protocol, uint8_t transport = MR_L7_TCP)
	    : ops_(find(protocol)), state_(ops_->state_size), transport_(transport)
	{
		value = on_value;
		end_of_transaction = on_end;
		memset(&all_, 0xff, sizeof(all_));
		hidden = &all_;
	}
	~Parse()
	{
		close();
	}
	Parse(const Parse &) = delete;

	/* As one segment or datagram. */
	mr_l7_want feed(unsigned dir, const std::string &data, bool end = false, bool gap = false)
	{
		mr_l7_input in = {};
		uint32_t used = 0;

		if (want_ != MR_L7_MORE)
			return want_;
		if (gap)
			held_[dir].clear();
		held_[dir] += data;
		/* a copy of its own for each call, so that sanitizers see reads past the end */
		std::vector<uint8_t> copy(held_[dir].begin(), held_[dir].end());
		in.data = copy.data();
		in.len = (uint32_t)copy.size();
		in.dir = (uint8_t)dir;
		in.gap = gap;
		in.end = end;
		in.transport = transport_;
		in.port[0] = port[0];
		in.port[1] = port[1];
		in.time_ns = time_ns;
		want_ = ops_->parse(state_.data(), &in, this, &used);
		EXPECT_LE(used, in.len);
		held_[dir].erase(0, transport_ == MR_L7_TCP ? used : in.len);
		if (want_ == MR_L7_MORE && held_[dir].size() >= MR_L7_WINDOW)
			want_ = MR_L7_BROKEN;
		return want_;
	}

	/* The same octets in pieces of 1..max_piece. */
	mr_l7_want feed_in_pieces(unsigned dir, const std::string &data, std::mt19937 &rng, size_t max_piece)
	{
		for (size_t at = 0, n; at < data.size(); at += n) {
			n = std::min(data.size() - at, (size_t)(1 + rng() % max_piece));
			feed(dir, data.substr(at, n));
		}
		return want_;
	}

	void close()
	{
		if (!closed_ && ops_->close != nullptr)
			ops_->close(state_.data(), this);
		closed_ = true;
	}

	/* All values of a field, in order. */
	std::vector<std::string> all(const std::string &name) const
	{
		std::vector<std::string> ret;

		for (const Found &f : found)
			if (f.name == name)
				ret.push_back(f.value);
		return ret;
	}
	/* Its only value; "" and a failure when it has none or several. */
	std::string one(const std::string &name) const
	{
		std::vector<std::string> v = all(name);

		EXPECT_EQ(v.size(), 1u) << name;
		return v.size() == 1 ? v[0] : "";
	}

	std::vector<Found> found;
	unsigned transactions = 0;
	uint16_t port[2] = { 40000, 0 };
	uint64_t time_ns = 1700000000000000000;

      private:
	static void on_value(mr_l7_sink *sink, mr_l7_field field, const void *data, size_t len, bool more)
	{
		Parse *self = static_cast<Parse *>(sink);
		const struct mr_l7_field_info &info = mr_l7_field_info[field];
		std::string value;
		uint64_t number;

		if (info.type == MR_L7_NUMBER) {
			ASSERT_EQ(len, sizeof(number)) << info.name;
			memcpy(&number, data, sizeof(number));
			value = std::to_string(number);
		} else if (len != 0) {
			value.assign((const char *)data, len);
		}
		if (self->open_[field] != 0) {
			self->found[self->open_[field] - 1].value += value;
		} else {
			self->found.push_back({ info.name, value });
			self->open_[field] = self->found.size();
		}
		if (!more)
			self->open_[field] = 0;
	}
	static void on_end(mr_l7_sink *sink)
	{
		static_cast<Parse *>(sink)->transactions++;
	}

	const mr_l7_ops *ops_;
	std::vector<uint8_t> state_;
	std::string held_[2];
	uint8_t transport_;
	mr_l7_want want_ = MR_L7_MORE;
	mr_l7_set all_;
	size_t open_[MR_L7_FIELD_MAX] = {}; /* 1 + index in found of the value that more parts follow of */
	bool closed_ = false;
};

/* What the probe says of the first octets of a direction. */
inline mr_l7_probe probe(const std::string &protocol, const std::string &data, unsigned dir = 0,
			 uint8_t transport = MR_L7_TCP, uint16_t responder_port = 0)
{
	std::vector<uint8_t> copy(data.begin(), data.end());
	mr_l7_input in = {};

	in.data = copy.data();
	in.len = (uint32_t)copy.size();
	in.dir = (uint8_t)dir;
	in.transport = transport;
	in.port[0] = 40000;
	in.port[1] = responder_port;
	return find(protocol)->probe(&in);
}

} // namespace l7
