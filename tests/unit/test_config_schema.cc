// SPDX-License-Identifier: Apache-2.0
// Every key by its row: defaults, ranges, round trip, the shipped files and the manual.
#include <cstring>
#include <fstream>
#include <random>
#include <set>
#include <sstream>

#include "base/mr_log.h"
#include "config/mr_config_priv.h"
#include "config_util.h"

using namespace config_test;

namespace
{

std::string file_text(const std::string &path)
{
	std::ifstream in(path, std::ios::binary);
	std::stringstream s;

	s << in.rdbuf();
	return s.str();
}

std::string source_path(const std::string &relative)
{
	const char *root = getenv("MILLRACE_SOURCE");

	return std::string(root != nullptr ? root : ".") + "/" + relative;
}

// Where a key stands: the rows from the top down to it.
using Trail = std::vector<const mr_config_row *>;

void each_key(const mr_config_section &sec, Trail trail, const std::function<void(const Trail &)> &f)
{
	for (unsigned i = 0; i < sec.n_rows; i++) {
		const mr_config_row &row = sec.rows[i];

		trail.push_back(&row);
		if (row.sub != nullptr)
			each_key(*row.sub, trail, f);
		else
			f(trail);
		trail.pop_back();
	}
}

std::string path_of(const Trail &trail, const char *index)
{
	std::string path;

	for (const auto *row : trail) {
		path += path.empty() ? "" : ".";
		path += row->key;
		path += row->type == MR_CONFIG_T_LIST ? index : "";
	}
	return path;
}

// YAML that sets just this key; line_of_key is where.
std::string yaml_for(const Trail &trail, const std::string &value, unsigned *line_of_key)
{
	std::string text, indent;
	unsigned line = 0;

	for (const auto *row : trail) {
		if (row == trail.back()) {
			text += indent + row->key + ": " + value + "\n";
			*line_of_key = ++line;
			break;
		}
		text += indent + row->key + ":\n";
		line++;
		indent += "  ";
		if (row->type != MR_CONFIG_T_LIST)
			continue;
		text += indent + "-\n";
		line++;
		indent += "  ";
		for (unsigned i = 0; i < row->sub->n_rows; i++)
			if (row->sub->rows[i].required && &row->sub->rows[i] != trail.back()) {
				text += indent + row->sub->rows[i].key + ": x\n";
				line++;
			}
	}
	return text;
}

const void *field_at(const Trail &trail, const mr_config *cfg)
{
	auto base = reinterpret_cast<const char *>(cfg);

	for (const auto *row : trail) {
		base += row->offset;
		if (row->type == MR_CONFIG_T_LIST)
			base = *reinterpret_cast<const char *const *>(base);
	}
	return base;
}

std::string value_at(const Trail &trail, const mr_config *cfg)
{
	char buf[MR_CONFIG_VALUE_MAX];
	const char *text = mr_config_value_get(trail.back(), field_at(trail, cfg), buf);

	return text != nullptr ? text : "(not set)";
}

bool is_number(const mr_config_row *row)
{
	return row->type == MR_CONFIG_T_UINT || row->type == MR_CONFIG_T_COUNT ||
	       row->type == MR_CONFIG_T_DURATION || row->type == MR_CONFIG_T_SIZE;
}

std::string number(const mr_config_row *row, uint64_t value)
{
	const char *unit = row->type == MR_CONFIG_T_DURATION ? "ms"
			   : row->type == MR_CONFIG_T_SIZE   ? "B"
							     : "";

	return std::to_string(value) + unit;
}

uint64_t number_at(const Trail &trail, const mr_config *cfg)
{
	const void *field = field_at(trail, cfg);

	switch (trail.back()->size) {
	case 2:
		return *static_cast<const uint16_t *>(field);
	case 4:
		return *static_cast<const uint32_t *>(field);
	default:
		return *static_cast<const uint64_t *>(field);
	}
}

} // namespace

// --- schema
// ---------------------------------------------------------------------------------------------------

TEST(ConfigSchema, EveryRowIsWholeAndEveryKeyUnique)
{
	std::set<std::string> paths;
	unsigned n = 0;

	each_key(mr_config_root, {}, [&](const Trail &trail) {
		const mr_config_row *row = trail.back();
		std::string path = path_of(trail, "[]");

		n++;
		EXPECT_TRUE(paths.insert(path).second) << path;
		ASSERT_NE(nullptr, row->doc) << path;
		EXPECT_GT(strlen(row->doc), 15u) << path;
		EXPECT_EQ(1, (row->def != nullptr) + (row->def_doc != nullptr) + row->required) << path;
		EXPECT_EQ(row->type == MR_CONFIG_T_WORD, row->words != nullptr) << path;
		if (is_number(row)) {
			EXPECT_LT(row->min, row->max) << path;
			EXPECT_TRUE(row->size == 8 || row->max < 1ULL << 8 * row->size) << path;
			EXPECT_TRUE(row->size == 2 || row->size == 4 || row->size == 8) << path;
			EXPECT_EQ(0u, row->step != 0 ? (row->min % row->step) + (row->max % row->step) : 0)
				<< path;
			EXPECT_FALSE(row->zero != nullptr && row->min == 0) << path;
		}
	});
	EXPECT_GT(n, 45u);
	EXPECT_LE(mr_config_root.n_rows, 64u);
}

TEST(ConfigSchema, LogLevelsAreTheLogsOwn)
{
	for (const char *word : { "error", "warning", "notice", "info", "debug" }) {
		mr_log_level level;
		Result r = load(std::string(port) + "probe: {log_level: " + word + "}\n");

		ASSERT_EQ(0, mr_log_level_parse(word, &level));
		ASSERT_EQ(0, r.ret);
		EXPECT_EQ(level, r.cfg->probe.log_level);
	}
}

TEST(ConfigDefaults, AreWhatTheContractSays)
{
	Config cfg(mr_config_defaults(), mr_config_free);

	ASSERT_NE(nullptr, cfg);
	EXPECT_EQ(nullptr, cfg->probe.name);
	EXPECT_EQ(1u, cfg->probe.observation_domain);
	EXPECT_EQ(0u, cfg->probe.observation_point);
	EXPECT_EQ(uint32_t(MR_LOG_NOTICE), cfg->probe.log_level);
	EXPECT_EQ(MR_CONFIG_CPU_AUTO, cfg->cores.main);
	EXPECT_EQ(MR_CONFIG_CPU_AUTO, cfg->cores.exporter);
	EXPECT_EQ(0u, cfg->cores.workers.n);
	EXPECT_EQ(0u, cfg->cores.worker_count);
	EXPECT_EQ(MR_CONFIG_AUTO, cfg->cores.allow_shared);
	EXPECT_EQ(MR_CONFIG_POWER_POLL, cfg->cores.power);
	EXPECT_EQ(MR_CONFIG_HUGEPAGES_AUTO, cfg->memory.hugepages);
	EXPECT_EQ(0u, cfg->memory.per_node);
	EXPECT_EQ(0u, cfg->n_ports);
	EXPECT_EQ(1000000u, cfg->flow.max_flows);
	EXPECT_EQ(50u, cfg->flow.ipv6_percent);
	EXPECT_EQ(30000u, cfg->flow.idle_timeout_ms);
	EXPECT_EQ(300000u, cfg->flow.active_timeout_ms);
	EXPECT_EQ(1000u, cfg->flow.tcp_linger_ms);
	EXPECT_EQ(30000u, cfg->flow.fragment_timeout_ms);
	EXPECT_EQ(16384u, cfg->flow.max_fragments);
	EXPECT_TRUE(cfg->flow.vlan_in_key);
	EXPECT_FALSE(cfg->flow.port_in_key);
	EXPECT_TRUE(cfg->inspect.tcp);
	EXPECT_TRUE(cfg->inspect.applications);
	EXPECT_EQ(256u << 10, cfg->inspect.depth);
	EXPECT_EQ(64u << 20, cfg->inspect.memory);
	EXPECT_EQ(64u << 20, cfg->inspect.values_memory);
	EXPECT_EQ(256u, cfg->inspect.value_max);
	EXPECT_EQ(1024u, cfg->inspect.uri_max);
	EXPECT_EQ(2048u, cfg->inspect.flow_values_max);
	EXPECT_EQ(MR_CONFIG_TUNNELS_INNER, cfg->inspect.tunnels);
	EXPECT_EQ(4u, cfg->inspect.tunnel_depth);
	EXPECT_EQ(25u, cfg->inspect.tunnel_percent);
	EXPECT_EQ(0u, cfg->inspect.vxlan_port);
	EXPECT_EQ(MR_CONFIG_ALL, cfg->export_.mode);
	EXPECT_EQ(60000u, cfg->export_.stats_interval_ms);
	EXPECT_EQ(0u, cfg->export_.n_collectors);
	EXPECT_EQ(nullptr, cfg->export_.file);
	EXPECT_EQ(nullptr, cfg->export_.jsonl);
	EXPECT_EQ(60000u, cfg->telemetry.stats_interval_ms);
}

TEST(ConfigDefaults, OfPortsAndCollectors)
{
	Result r = load("ports: [{device: a}, {device: b, name: x}]\n"
			"export: {collectors: [{host: h}, {host: '::1', transport: tls, tls: {ca: c}}]}\n");

	ASSERT_EQ(0, r.ret);
	EXPECT_STREQ("port0", r.cfg->ports[0].name);
	EXPECT_STREQ("x", r.cfg->ports[1].name);
	EXPECT_EQ(MR_CONFIG_TAP, r.cfg->ports[0].role);
	EXPECT_TRUE(r.cfg->ports[0].promiscuous);
	EXPECT_EQ(MR_CONFIG_TIMESTAMPS_AUTO, r.cfg->ports[0].timestamps);
	const mr_config_collector *c = r.cfg->export_.collectors;
	EXPECT_STREQ("h:4739", c[0].name);
	EXPECT_EQ(4739, c[0].port);
	EXPECT_EQ(MR_CONFIG_UDP, c[0].transport);
	EXPECT_EQ(MR_CONFIG_COMPAT, c[0].profile);
	EXPECT_EQ(1420, c[0].mtu);
	EXPECT_EQ(60000u, c[0].template_refresh_ms);
	EXPECT_EQ(4096u, c[0].template_refresh_messages);
	EXPECT_EQ(4u << 20, c[0].send_buffer);
	EXPECT_STREQ("[::1]:4740", c[1].name);
	EXPECT_EQ(4740, c[1].port);
}

// Writing the documented default into the file changes nothing.
TEST(ConfigDefaults, DocumentedIsInEffect)
{
	each_key(mr_config_root, {}, [](const Trail &trail) {
		const mr_config_row *row = trail.back();
		unsigned line;

		if (row->def == nullptr)
			return;
		Result with = load(yaml_for(trail, row->def, &line), false);
		ASSERT_EQ(0, with.ret) << path_of(trail, "[0]") << ": " << with.errors.at(0);
		// the same file without the line
		std::string text = yaml_for(trail, row->def, &line);
		size_t start = 0;
		for (unsigned i = 1; i < line; i++)
			start = text.find('\n', start) + 1;
		Result without = load(text.substr(0, start), false);
		ASSERT_EQ(0, without.ret) << text;
		EXPECT_EQ(dump(with.cfg.get()), dump(without.cfg.get())) << text;
	});
}

TEST(ConfigRange, EveryNumberTakesItsEndsAndNothingBeyond)
{
	each_key(mr_config_root, {}, [](const Trail &trail) {
		const mr_config_row *row = trail.back();
		std::string path = path_of(trail, "[0]");
		uint64_t step = row->step != 0 ? row->step : 1;
		char allowed[MR_CONFIG_VALUE_MAX];
		unsigned line;

		if (!is_number(row))
			return;
		mr_config_allowed(row, allowed);
		for (uint64_t value : { row->min, row->min + step, row->max - step, row->max }) {
			Result r = load(yaml_for(trail, number(row, value), &line), false);

			ASSERT_EQ(0, r.ret) << path << " " << value;
			EXPECT_EQ(value, number_at(trail, r.cfg.get())) << path;
			EXPECT_EQ(line, mr_config_line(r.cfg.get(), field_at(trail, r.cfg.get()))) << path;
		}
		auto refused = [&](const std::string &text, const std::string &why) {
			Result r = load(yaml_for(trail, text, &line), false);
			std::string want = "t.yaml:" + std::to_string(line) + ": " + path + ": '" + text +
					   "' " + why + "; allowed: " + allowed;

			ASSERT_EQ(1u, r.errors.size()) << path << " " << text;
			EXPECT_EQ(want, r.errors[0]);
		};
		if (row->max != UINT64_MAX)
			refused(number(row, row->max + 1), "is too large");
		refused("99999999999999999999999", "is too large");
		// 0 is allowed below the minimum where it has a word
		if (row->min > 1 || (row->min == 1 && row->zero == nullptr))
			refused(number(row, row->min - 1), "is too small");
		if (row->step > 1)
			refused(number(row, row->min + 1), "isn't a multiple of 1s");
		const char *noun = row->type == MR_CONFIG_T_COUNT      ? "isn't a count"
				   : row->type == MR_CONFIG_T_DURATION ? "isn't a duration"
				   : row->type == MR_CONFIG_T_SIZE     ? "isn't a size"
								       : "isn't a whole number";
		for (const char *text : { "many", "-1", "1.5", "0x10", "5 parsecs", "+5" })
			refused(text, noun);
		if (row->zero != nullptr) {
			for (std::string text : { std::string(row->zero), std::string("0") }) {
				Result r = load(yaml_for(trail, text, &line), false);

				ASSERT_EQ(0, r.ret) << path;
				// ports of collectors are filled in by transport
				EXPECT_EQ(path == "export.collectors[0].port" ? 4739u : 0u,
					  number_at(trail, r.cfg.get()))
					<< path;
			}
		}
	});
}

TEST(ConfigRange, EveryTextTakesItsLengthsAndNothingBeyond)
{
	each_key(mr_config_root, {}, [](const Trail &trail) {
		const mr_config_row *row = trail.back();
		unsigned line;

		if (row->type != MR_CONFIG_T_STRING)
			return;
		for (size_t len : { row->min, row->max }) {
			std::string text(len, 'y');
			Result r = load(yaml_for(trail, text, &line), false);

			ASSERT_EQ(0, r.ret) << path_of(trail, "[0]");
			EXPECT_EQ(text, value_at(trail, r.cfg.get()));
		}
		Result too_long = load(yaml_for(trail, std::string(row->max + 1, 'y'), &line), false);
		ASSERT_EQ(1u, too_long.errors.size());
		EXPECT_NE(std::string::npos,
			  too_long.errors[0].find("...' is too long; allowed: text of 1 to "));
		EXPECT_EQ(0u, too_long.errors[0].find("t.yaml:" + std::to_string(line) + ": " +
						      path_of(trail, "[0]")));
		Result empty = load(yaml_for(trail, "''", &line), false);
		ASSERT_EQ(1u, empty.errors.size());
		EXPECT_NE(std::string::npos, empty.errors[0].find("'' is too short; allowed: "));
	});
}

TEST(ConfigRange, EveryWordAndSwitch)
{
	each_key(mr_config_root, {}, [](const Trail &trail) {
		const mr_config_row *row = trail.back();
		std::vector<std::string> words;
		unsigned line;

		for (unsigned i = 0; row->words != nullptr && row->words[i] != nullptr; i++)
			words.push_back(row->words[i]);
		if (row->type == MR_CONFIG_T_BOOL || row->type == MR_CONFIG_T_CHOICE)
			words = { "true", "false" };
		if (row->type == MR_CONFIG_T_CHOICE)
			words.push_back("auto");
		if (words.empty())
			return;
		for (const auto &word : words) {
			Result r = load(yaml_for(trail, word, &line), false);

			ASSERT_EQ(0, r.ret) << path_of(trail, "[0]") << " " << word;
			EXPECT_EQ(word, value_at(trail, r.cfg.get()));
		}
		EXPECT_EQ(1u, load(yaml_for(trail, "perhaps", &line), false).errors.size());
	});
}

// --- round trip, shipped files, manual
// --------------------------------------------------------------------------------

namespace
{

class Generator
{
      public:
	explicit Generator(unsigned seed) : rng(seed)
	{
	}

	std::string file()
	{
		text.clear();
		section(mr_config_root, 0);
		return text;
	}

      private:
	std::mt19937_64 rng;
	std::string text;

	uint64_t below(uint64_t n)
	{
		return std::uniform_int_distribution<uint64_t>(0, n - 1)(rng);
	}

	std::string value(const mr_config_row &row)
	{
		static const char *const strings[] = { "x", "a b", "q\\\\\\\"", "\u00fc: #", "- &*" };

		switch (row.type) {
		case MR_CONFIG_T_BOOL:
			return below(2) ? "yes" : "off";
		case MR_CONFIG_T_CHOICE:
			return below(2) ? "auto" : "on";
		case MR_CONFIG_T_WORD: {
			unsigned n = 0;
			while (row.words[n] != nullptr)
				n++;
			return row.words[below(n)];
		}
		case MR_CONFIG_T_STRING:
			return std::string("\"") + strings[below(5)] + "\"";
		case MR_CONFIG_T_CPU:
			return below(4) ? std::to_string(below(1024)) : "auto";
		case MR_CONFIG_T_CPUS:
			return std::to_string(below(10)) + "-" + std::to_string(10 + below(100)) + "," +
			       std::to_string(200 + below(500));
		default: {
			uint64_t step = row.step != 0 ? row.step : 1, span = (row.max - row.min) / step;
			return number(&row, row.min + step * (span == UINT64_MAX ? rng() : below(span + 1)));
		}
		}
	}

	void section(const mr_config_section &sec, unsigned indent)
	{
		std::string pad(indent, ' ');

		for (unsigned i = 0; i < sec.n_rows; i++) {
			const mr_config_row &row = sec.rows[i];

			if (!row.required && below(3) == 0)
				continue;
			text += pad + row.key + ": ";
			if (row.type == MR_CONFIG_T_MAP) {
				text += "\n";
				section(*row.sub, indent + 2);
			} else if (row.type == MR_CONFIG_T_LIST) {
				text += "\n";
				for (uint64_t n = below(4); n > 0; n--) {
					text += pad + "-\n";
					section(*row.sub, indent + 2);
				}
			} else {
				text += value(row) + "\n";
			}
		}
	}
};

} // namespace

TEST(ConfigRoundTrip, DumpLoadsToTheSame)
{
	Generator generator(1);

	for (int i = 0; i < 500; i++) {
		std::string text = generator.file();
		Result first = load(text, false);

		ASSERT_EQ(0, first.ret) << first.errors[0] << "\n" << text;
		std::string dumped = dump(first.cfg.get());
		Result second = load(dumped, false);
		ASSERT_EQ(0, second.ret) << second.errors[0] << "\n" << dumped;
		EXPECT_EQ(dumped, dump(second.cfg.get())) << text;
		auto errors = std::make_unique<mr_config_errors>();
		EXPECT_EQ(0, mr_config_check_reload(first.cfg.get(), second.cfg.get(), errors.get()));
	}
}

TEST(ConfigShipped, FilesLoadAndPassWithoutWarning)
{
	for (const char *name : { "config/millrace.yaml", "config/profiles/lab.yaml",
				  "config/profiles/10g.yaml", "config/profiles/100g.yaml" }) {
		auto errors = std::make_unique<mr_config_errors>();
		mr_config *cfg = nullptr;

		ASSERT_EQ(0, mr_config_load(source_path(name).c_str(), &cfg, errors.get()))
			<< errors->list[0].text;
		EXPECT_EQ(0, mr_config_check(cfg, errors.get())) << errors->list[0].text;
		EXPECT_EQ(0u, errors->n_warnings) << errors->list[0].text;
		EXPECT_EQ(name == std::string("config/profiles/10g.yaml") ? 2u : 1u, cfg->n_ports);
		mr_config_free(cfg);
	}
}

// What the annotated file shows as default is the default: it differs only where it says so.
TEST(ConfigShipped, AnnotatedFileShowsDefaults)
{
	Result r = load(file_text(source_path("config/millrace.yaml")));
	Config defaults(mr_config_defaults(), mr_config_free);

	ASSERT_EQ(0, r.ret);
	each_key(mr_config_root, {}, [&](const Trail &trail) {
		if (trail.size() == 2 && trail[0]->type == MR_CONFIG_T_MAP) {
			EXPECT_EQ(value_at(trail, defaults.get()), value_at(trail, r.cfg.get()))
				<< path_of(trail, "");
		}
	});
}

// The inline and TLS examples in its comments load as well.
TEST(ConfigShipped, CommentedExamplesLoad)
{
	std::stringstream in(file_text(source_path("config/millrace.yaml")));
	std::string line, text;
	unsigned n = 0;

	while (std::getline(in, line)) {
		if (line.compare(0, 3, "#  ") == 0) {
			line.erase(0, 1);
			n++;
		}
		text += line + "\n";
	}
	EXPECT_GT(n, 15u);
	Result r = load(text);
	ASSERT_TRUE(r.errors.empty()) << r.errors[0] << "\n" << text;
}

TEST(ConfigManual, CheckedInFileIsWhatTheSchemaSays)
{
	std::string want = text_of(mr_config_doc);

	EXPECT_TRUE(want == file_text(source_path("docs/config.md")))
		<< "docs/config.md is old: run `ninja -C build config-doc` and commit it";
}

TEST(ConfigManual, NamesEveryKeyWithItsDefault)
{
	std::string manual = text_of(mr_config_doc), keys = text_of(mr_config_keys);

	each_key(mr_config_root, {}, [&](const Trail &trail) {
		const mr_config_row *row = trail.back();
		char allowed[MR_CONFIG_VALUE_MAX];
		std::string shown = row->required	  ? "required"
				    : row->def != nullptr ? row->def
							  : row->def_doc;

		mr_config_allowed(row, allowed);
		EXPECT_NE(std::string::npos, manual.find("| `" + std::string(row->key) + "` | " + allowed +
							 " | " + shown + " |"))
			<< row->key;
		EXPECT_NE(std::string::npos, keys.find("  " + path_of(trail, "[]") + " ")) << row->key;
	});
}
