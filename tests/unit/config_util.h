// SPDX-License-Identifier: Apache-2.0
// Shared by the tests of lib/config.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/mr_config.h"

namespace config_test
{

using Config = std::unique_ptr<mr_config, decltype(&mr_config_free)>;

struct Result {
	int ret = 0;
	Config cfg{ nullptr, mr_config_free };
	std::vector<std::string> errors, warnings;

	void take(const mr_config_errors &e)
	{
		for (unsigned i = 0; i < e.n; i++)
			(e.list[i].warning ? warnings : errors).push_back(e.list[i].text);
		EXPECT_EQ(e.n_errors, errors.size());
	}
};

// The steps of `millrace check`: parse, then judge across fields.
inline Result load(const std::string &text, bool check = true)
{
	auto errors = std::make_unique<mr_config_errors>();
	mr_config *cfg = nullptr;
	Result r;

	r.ret = mr_config_parse(text.data(), text.size(), "t.yaml", &cfg, errors.get());
	EXPECT_EQ(r.ret == 0, cfg != nullptr);
	EXPECT_EQ(r.ret == 0, errors->n_errors == 0);
	r.cfg.reset(cfg);
	if (r.ret == 0 && check) {
		r.ret = mr_config_check(cfg, errors.get());
		EXPECT_EQ(r.ret == 0, errors->n_errors == 0);
	}
	r.take(*errors);
	return r;
}

inline std::string text_of(const std::function<void(FILE *)> &write)
{
	char *buf = nullptr;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	write(f);
	fclose(f);
	std::string text(buf, len);
	free(buf);
	return text;
}

inline std::string dump(const mr_config *cfg)
{
	return text_of([cfg](FILE *f) { mr_config_dump(cfg, f); });
}

const char port[] = "ports: [{device: eth0}]\n"; // one line that makes a configuration complete

} // namespace config_test
