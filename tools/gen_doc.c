/* SPDX-License-Identifier: Apache-2.0 */
/* Writes the pages of docs/ that come from tables in the code: gen-doc config|counters|fields FILE */
#include <stdio.h>
#include <string.h>

#include "base/mr_counter.h"
#include "config/mr_config.h"
#include "ipfix/mr_ipfix_detail.h"

static const struct {
	const char *name;
	void (*write)(FILE *out);
} pages[] = {
	{ "config", mr_config_doc },
	{ "counters", mr_counter_doc },
	{ "fields", mr_ipfix_fields_doc },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof(pages) / sizeof(pages[0]); i++) {
		FILE *out;

		if (strcmp(argv[1], pages[i].name) != 0)
			continue;
		out = fopen(argv[2], "w");
		if (out != NULL)
			pages[i].write(out);
		if (out == NULL || fclose(out) != 0) {
			perror(argv[2]);
			return 1;
		}
		return 0;
	}
	fprintf(stderr, "usage: gen-doc config|counters|fields FILE\n");
	return 2;
}
