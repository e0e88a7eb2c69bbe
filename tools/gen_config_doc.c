/* SPDX-License-Identifier: Apache-2.0 */
/* Writes docs/config.md from the schema: ninja -C build config-doc */
#include <stdio.h>

#include "config/mr_config.h"

int main(int argc, char **argv)
{
	FILE *out;

	if (argc != 2) {
		fprintf(stderr, "usage: gen-config-doc FILE\n");
		return 2;
	}
	out = fopen(argv[1], "w");
	if (out == NULL) {
		perror(argv[1]);
		return 1;
	}
	mr_config_doc(out);
	if (fclose(out) != 0) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
