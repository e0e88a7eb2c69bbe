/* SPDX-License-Identifier: Apache-2.0 */
/* Any text: it loads or it says why, and what loads can be written and loaded again to the same. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/mr_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(condition)                                                                                   \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                      \
			abort();                                                                             \
		}                                                                                            \
	} while (0)

static void require_lines(const struct mr_config_errors *errors)
{
	REQUIRE(errors->n <= errors->n_errors + errors->n_warnings && errors->n <= MR_CONFIG_ERRORS_MAX);
	for (unsigned i = 0; i < errors->n; i++) {
		const char *text = errors->list[i].text;

		REQUIRE(strncmp(text, "fuzz", 4) == 0);
		for (; *text != '\0'; text++)
			REQUIRE((unsigned char)*text >= 0x20 && *text != 0x7f);
	}
}

static char *dump(const struct mr_config *cfg, size_t *ret_len)
{
	char *text = NULL;
	FILE *f = open_memstream(&text, ret_len);

	REQUIRE(f != NULL);
	mr_config_dump(cfg, f);
	REQUIRE(fclose(f) == 0);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mr_config_errors errors, none;
	struct mr_config *cfg = NULL, *again = NULL;
	size_t len, len_again;
	char *text, *text_again;
	int ret;

	errors.n = errors.n_errors = errors.n_warnings = 0;
	ret = mr_config_parse((const char *)data, size, "fuzz", &cfg, &errors);
	require_lines(&errors);
	REQUIRE((ret == 0) == (cfg != NULL) && (ret == 0) == (errors.n_errors == 0));
	if (ret != 0)
		return 0;
	ret = mr_config_check(cfg, &errors);
	require_lines(&errors);
	REQUIRE((ret == 0) == (errors.n_errors == 0));
	text = dump(cfg, &len);
	none.n = none.n_errors = none.n_warnings = 0;
	ret = mr_config_parse(text, len, "fuzz", &again, &none);
	if (ret != 0)
		mr_config_errors_print(&none, stderr);
	REQUIRE(ret == 0);
	text_again = dump(again, &len_again);
	REQUIRE(len == len_again && memcmp(text, text_again, len) == 0);
	REQUIRE(mr_config_check_reload(cfg, again, &none) == 0);
	free(text);
	free(text_again);
	mr_config_free(cfg);
	mr_config_free(again);
	return 0;
}
