// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>

#include "base/mr_clock.h"
#include "flow/mr_flow_rec.h"
#include "ipfix/mr_ipfix_decode.h"
#include "ipfix/mr_ipfix_exporter_priv.h"
#include "ipfix/mr_ipfix_value.h"

using Bytes = std::vector<uint8_t>;

constexpr uint64_t T0 = 1767225600ull * MR_NS_PER_S; // 2026-01-01

// A collector under the test's control, in the place of any network transport.
struct Fake {
	bool up = true;
	uint32_t connection = 1;
	bool reliable = false;
	std::function<bool(size_t nth)> takes = [](size_t) { return true; }; // the nth message offered
	size_t offered = 0;
	std::vector<Bytes> taken;
	std::vector<mr_ipfix_load> loads; // of taken
	size_t largest_call = 0;
	bool closed = false;
	struct mr_ipfix_transport_stats stats = {};

	// The connection breaks, and the last n messages that were taken with it.
	void lose(size_t n)
	{
		for (size_t i = loads.size() - n; i < loads.size(); i++) {
			stats.lost_messages++;
			stats.lost_packets += loads[i].packets;
			stats.lost_octets += loads[i].octets;
			stats.lost_records += loads[i].records;
			stats.lost_flows += loads[i].flows;
		}
		taken.resize(taken.size() - n);
		loads.resize(loads.size() - n);
		connection++;
	}
};

inline std::map<std::string, Fake> fakes; // by name of the collector

inline Fake *fake_of(struct mr_ipfix_transport *t)
{
	return reinterpret_cast<Fake *>(t);
}

inline int fake_open(const struct mr_ipfix_collector_conf *conf, uint64_t, struct mr_ipfix_transport **ret,
		     struct mr_err *err)
{
	if (conf->host != nullptr && strcmp(conf->host, "nowhere.invalid") == 0)
		return mr_err_set(err, ENOENT, "nowhere.invalid: no such host");
	*ret = reinterpret_cast<struct mr_ipfix_transport *>(&fakes[conf->name]);
	return 0;
}

inline unsigned fake_send(struct mr_ipfix_transport *t, const struct iovec *msgs,
			  const struct mr_ipfix_load *loads, unsigned n, bool *ret_taken)
{
	Fake *f = fake_of(t);
	unsigned took = 0;

	f->largest_call = std::max<size_t>(f->largest_call, n);
	for (unsigned i = 0; i < n; i++) {
		ret_taken[i] = f->up && f->takes(f->offered++) && (!f->reliable || took == i);
		if (!ret_taken[i])
			continue;
		const uint8_t *p = static_cast<const uint8_t *>(msgs[i].iov_base);
		f->taken.emplace_back(p, p + msgs[i].iov_len);
		f->loads.push_back(loads[i]);
		took++;
	}
	return took;
}

inline enum mr_ipfix_state fake_poll(struct mr_ipfix_transport *t, uint64_t, uint32_t *ret_generation)
{
	*ret_generation = fake_of(t)->connection;
	return fake_of(t)->up ? MR_IPFIX_UP : MR_IPFIX_DOWN;
}

inline void fake_stats(const struct mr_ipfix_transport *t, struct mr_ipfix_transport_stats *ret)
{
	*ret = reinterpret_cast<const Fake *>(t)->stats;
}

inline void fake_close(struct mr_ipfix_transport *t, unsigned, struct mr_ipfix_transport_stats *ret_stats)
{
	fake_of(t)->closed = true;
	if (ret_stats != nullptr)
		fake_stats(t, ret_stats);
}

inline const struct mr_ipfix_transport_ops fake_udp = { MR_IPFIX_UDP, "udp",	 false,	     fake_open,
							fake_send,    fake_poll, fake_stats, fake_close };
inline const struct mr_ipfix_transport_ops fake_tcp = { MR_IPFIX_TCP, "tcp",	 true,	     fake_open,
							fake_send,    fake_poll, fake_stats, fake_close };
// fakes for the network beside the real file
inline const struct mr_ipfix_transport_ops *const fake_transports[MR_IPFIX_PROTO_MAX] = {
	&fake_udp, &fake_tcp, nullptr, &mr_ipfix_transport_file
};

inline struct mr_ipfix_collector_conf collector(const char *name, enum mr_ipfix_proto proto,
						enum mr_ipfix_profile profile)
{
	struct mr_ipfix_collector_conf c = {};

	c.name = name;
	c.proto = proto;
	c.profile = profile;
	return c;
}

// An exporter over fake transports.
struct Exporter {
	std::vector<struct mr_ipfix_collector_conf> collectors;
	struct mr_ipfix_exporter_conf conf = {};
	struct mr_ipfix_metering metering = {};
	struct mr_ipfix_exporter *exp = nullptr;
	struct mr_err err = {};

	Exporter()
	{
		fakes.clear();
		conf.odid = 7;
		conf.observation_point = 42;
		metering.start_ns = T0;
	}
	~Exporter()
	{
		if (exp != nullptr)
			close(T0);
	}
	int open(uint64_t now_ns = T0)
	{
		conf.collectors = collectors.data();
		conf.n_collectors = (unsigned)collectors.size();
		return mr_ipfix_exporter_open_with(&conf, fake_transports, now_ns, &exp, &err);
	}
	void put(const struct mr_flow_rec &rec, uint64_t now_ns = T0)
	{
		mr_ipfix_exporter_put(exp, &rec, 1, now_ns);
	}
	void tick(uint64_t now_ns)
	{
		mr_ipfix_exporter_tick(exp, now_ns, &metering);
	}
	void flush(uint64_t now_ns = T0)
	{
		mr_ipfix_exporter_flush(exp, now_ns);
	}
	struct mr_ipfix_totals totals() const
	{
		struct mr_ipfix_totals t;
		mr_ipfix_exporter_totals(exp, &t);
		return t;
	}
	std::vector<struct mr_ipfix_collector_stats> stats() const
	{
		std::vector<struct mr_ipfix_collector_stats> s(collectors.size());
		mr_ipfix_exporter_stats(exp, s.data(), (unsigned)s.size());
		return s;
	}
	struct Final {
		std::vector<struct mr_ipfix_collector_stats> stats;
		struct mr_ipfix_totals totals;
	};
	Final close(uint64_t now_ns, unsigned limit_ms = 0)
	{
		Final f;
		f.stats.resize(collectors.size());
		mr_ipfix_exporter_close(exp, now_ns, &metering, limit_ms, f.stats.data(), &f.totals);
		exp = nullptr;
		return f;
	}
};

// One decoded record; keys are names as in JSON.
struct Record {
	uint16_t template_id;
	uint16_t scopes;
	uint32_t odid;
	uint32_t export_time_s;
	std::map<std::string, Bytes> values;
	std::vector<std::string> order;
	std::string json;

	bool has(const std::string &name) const
	{
		return values.count(name) != 0;
	}
	uint64_t number(const std::string &name) const
	{
		uint64_t v = 0;
		for (uint8_t b : values.at(name))
			v = v << 8 | b;
		return v;
	}
};

struct Template {
	uint16_t id;
	uint16_t scopes;
	bool withdrawn;
	std::vector<struct mr_ipfix_field> fields;
};

// The decoder, with everything that it reports.
struct Decoder {
	std::vector<Record> records;
	std::vector<Template> templates;
	struct Gap {
		uint32_t odid, expected, got;
	};
	std::vector<Gap> gaps;
	struct mr_err err = {};
	struct mr_ipfix_decoder *d;

	Decoder()
	{
		static const struct mr_ipfix_decoder_ops ops = { on_record, on_template, on_gap };
		d = mr_ipfix_decoder_new(&ops, this);
	}
	~Decoder()
	{
		mr_ipfix_decoder_free(d);
	}
	Decoder(const Decoder &) = delete;

	int message(const Bytes &m)
	{
		// a copy of exactly this size: a sanitizer sees a read past its end
		std::unique_ptr<uint8_t[]> exact(new uint8_t[m.size()]);
		std::copy(m.begin(), m.end(), exact.get());
		return mr_ipfix_decode_message(d, exact.get(), m.size(), &err);
	}
	struct mr_ipfix_decoder_stats stats() const
	{
		struct mr_ipfix_decoder_stats s;
		mr_ipfix_decoder_stats(d, &s);
		return s;
	}
	std::vector<Record> flows() const
	{
		std::vector<Record> out;
		for (const Record &r : records)
			if (r.scopes == 0)
				out.push_back(r);
		return out;
	}
	std::vector<Record> options(unsigned id) const
	{
		std::vector<Record> out;
		for (const Record &r : records)
			if (r.template_id == id)
				out.push_back(r);
		return out;
	}

	static void on_record(void *ctx, const struct mr_ipfix_data *data)
	{
		static std::vector<uint8_t> room(1 << 20);
		Record r = { data->template_->id,
			     data->template_->scopes,
			     data->odid,
			     data->export_time_s,
			     {},
			     {},
			     {} };
		char name[MR_IPFIX_NAME_MAX];
		struct mr_wbuf w;

		for (unsigned i = 0; i < data->template_->n; i++) {
			const struct mr_ipfix_template_field *f = &data->template_->field[i];
			std::string key = mr_ipfix_ie_name(f->spec.pen, f->spec.id, name);

			if (f->nth > 1)
				key += "_" + std::to_string(f->nth);
			r.values[key] =
				Bytes(data->values[i].data, data->values[i].data + data->values[i].len);
			r.order.push_back(key);
		}
		mr_wbuf_init(&w, room.data(), room.size());
		mr_ipfix_data_json(&w, data);
		r.json.assign(reinterpret_cast<char *>(w.data), w.len);
		static_cast<Decoder *>(ctx)->records.push_back(r);
	}
	static void on_template(void *ctx, const struct mr_ipfix_template *t, bool withdrawn)
	{
		Template out = { t->id, t->scopes, withdrawn, {} };

		for (unsigned i = 0; i < t->n; i++)
			out.fields.push_back(t->field[i].spec);
		static_cast<Decoder *>(ctx)->templates.push_back(out);
	}
	static void on_gap(void *ctx, uint32_t odid, uint32_t expected, uint32_t got)
	{
		static_cast<Decoder *>(ctx)->gaps.push_back({ odid, expected, got });
	}
};

// Flow records with every member set to something, as the flow table would.
struct Random {
	std::mt19937_64 rng;

	explicit Random(uint64_t seed) : rng(seed)
	{
	}
	uint64_t operator()(uint64_t below)
	{
		return rng() % below;
	}
	struct mr_flow_rec rec()
	{
		static const uint8_t protos[] = { 6, 6, 17, 1, 58, 47 };
		struct mr_flow_rec r = {};
		unsigned seen = 1 + (unsigned)(*this)(3); // bit per direction

		r.flow_id = rng();
		r.family = (*this)(2) != 0 ? 6 : 4;
		r.proto = protos[(*this)(sizeof(protos))];
		for (int dir = 0; dir < 2; dir++) {
			for (int i = 0; i < (r.family == 6 ? 16 : 4); i++)
				r.addr[dir][i] = (uint8_t)rng();
			for (auto &octet : r.mac[dir])
				octet = (uint8_t)rng();
			if (r.proto == 6 || r.proto == 17)
				r.port[dir] = (uint16_t)rng();
			if ((seen >> dir & 1) == 0)
				continue;
			r.start_ns[dir] = T0 + (*this)(86400 * MR_NS_PER_S);
			r.end_ns[dir] = r.start_ns[dir] + (*this)(3600 * MR_NS_PER_S);
			r.packets[dir] = 1 + (*this)(1ull << 40);
			r.octets[dir] = 20 + (*this)(1ull << 50);
			r.layer2_octets[dir] = r.octets[dir] + 14;
			r.min_len[dir] = (uint16_t)rng();
			r.max_len[dir] = (uint16_t)rng();
			r.tcp_flags[dir] = (uint8_t)rng();
			r.tos[dir] = (uint8_t)rng();
			r.min_ttl[dir] = (uint8_t)rng();
			r.max_ttl[dir] = (uint8_t)rng();
		}
		r.icmp = (uint16_t)rng();
		r.vlan = (*this)(2) != 0 ? 0xfff : (uint16_t)(*this)(4095);
		r.inner_vlan = (*this)(2) != 0 ? 0xfff : (uint16_t)(*this)(4095);
		r.tcp_window = (uint16_t)rng();
		r.tcp_options = (uint32_t)rng();
		r.mpls_label = (uint32_t)rng() & 0xffffff;
		r.end_reason = (uint8_t)(1 + (*this)(5));
		r.frag_flags = (uint8_t)rng();
		r.direction = (uint8_t)(*this)(2);
		r.ingress = (uint8_t)rng();
		r.egress = (uint8_t)rng();
		return r;
	}
	// a plain TCP flow over IPv4: one size of record, one template
	struct mr_flow_rec tcp4(bool both)
	{
		struct mr_flow_rec r;

		do
			r = rec();
		while (r.packets[0] == 0 || (r.packets[1] != 0) != both);
		r.family = 4;
		r.proto = 6;
		memset(&r.addr[0][4], 0, 12);
		memset(&r.addr[1][4], 0, 12);
		return r;
	}
};

inline uint16_t u16_at(const Bytes &m, size_t off)
{
	return (uint16_t)(m[off] << 8 | m[off + 1]);
}

inline uint32_t u32_at(const Bytes &m, size_t off)
{
	return (uint32_t)u16_at(m, off) << 16 | u16_at(m, off + 2);
}
