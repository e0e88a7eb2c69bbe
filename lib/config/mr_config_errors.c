/* SPDX-License-Identifier: Apache-2.0 */
/* What is said to the user, and the memory that a configuration lives in. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "config/mr_config_priv.h"

struct mr_config_block {
	struct mr_config_block *next;
	max_align_t data[];
};

void *mr_config_alloc(struct mr_config_arena *arena, size_t size)
{
	struct mr_config_block *block = calloc(1, sizeof(*block) + size);

	if (block == NULL)
		return NULL;
	block->next = arena->head;
	arena->head = block;
	return block->data;
}

char *mr_config_strndup(struct mr_config_arena *arena, const char *text, size_t len)
{
	char *copy = mr_config_alloc(arena, len + 1);

	if (copy != NULL)
		memcpy(copy, text, len);
	return copy;
}

void mr_config_arena_free(struct mr_config_arena *arena)
{
	struct mr_config_block *block = arena->head, *next;

	for (; block != NULL; block = next) {
		next = block->next;
		free(block);
	}
	arena->head = NULL;
}

size_t mr_config_unprintable(const char *text, size_t len)
{
	/* UTF-8 of the C1 controls, of line and paragraph separator, and of U+FEFF, U+FFFE, U+FFFF */
	static const struct {
		size_t len; /* octets of the character */
		uint8_t lead[2];
		uint8_t low, high; /* range of the last octet */
	} bad[] = {
		{ 2, { 0xc2, 0 }, 0x80, 0x9f },
		{ 3, { 0xe2, 0x80 }, 0xa8, 0xa9 },
		{ 3, { 0xef, 0xbb }, 0xbf, 0xbf },
		{ 3, { 0xef, 0xbf }, 0xbe, 0xbf },
	};
	const uint8_t *p = (const uint8_t *)text;

	if (len == 0)
		return 0;
	if (p[0] < 0x20 || p[0] == 0x7f)
		return 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		size_t n = bad[i].len;

		if (len >= n && memcmp(p, bad[i].lead, n - 1) == 0 && p[n - 1] >= bad[i].low &&
		    p[n - 1] <= bad[i].high)
			return n;
	}
	return 0;
}

const char *mr_config_quote(char buf[MR_CONFIG_QUOTE_MAX], const char *text)
{
	static const char cut[] = "...'";
	size_t len = strlen(text), n = 0, step;

	buf[n++] = '\'';
	for (size_t i = 0; i < len; i += step) {
		size_t unprintable = mr_config_unprintable(text + i, len - i);

		if (n > MR_CONFIG_QUOTE_MAX - sizeof(cut) - 4) {
			/* don't leave half a character behind */
			while ((text[i] & 0xc0) == 0x80 && i > 0 && n > 1) {
				i--;
				n--;
			}
			memcpy(buf + n, cut, sizeof(cut));
			return buf;
		}
		step = unprintable != 0 ? unprintable : 1;
		buf[n++] = unprintable != 0 ? '?' : text[i];
	}
	buf[n++] = '\'';
	buf[n] = '\0';
	return buf;
}

/* Append to a line that is cut at its end rather than refused. */
static void text_add(char *text, const char *fmt, va_list ap)
{
	size_t len = strlen(text);

	vsnprintf(text + len, MR_CONFIG_ERROR_TEXT_MAX - len, fmt, ap);
}

static __attribute__((format(printf, 2, 3))) void text_addf(char *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_add(text, fmt, ap);
	va_end(ap);
}

void mr_config_complain(struct mr_config_errors *errors, bool warning, const char *name, unsigned line,
			const char *path, const char *fmt, ...)
{
	struct mr_config_error *e;
	va_list ap;

	if (warning)
		errors->n_warnings++;
	else
		errors->n_errors++;
	if (errors->n == MR_CONFIG_ERRORS_MAX)
		return;
	e = &errors->list[errors->n++];
	e->line = line;
	e->warning = warning;
	e->text[0] = '\0';
	if (name != NULL && line != 0)
		text_addf(e->text, "%s:%u: ", name, line);
	else if (name != NULL)
		text_addf(e->text, "%s: ", name);
	if (path != NULL && path[0] != '\0')
		text_addf(e->text, "%s: ", path);
	va_start(ap, fmt);
	text_add(e->text, fmt, ap);
	va_end(ap);
}

void mr_config_errors_print(const struct mr_config_errors *errors, FILE *out)
{
	unsigned more = errors->n_errors + errors->n_warnings - errors->n;

	for (unsigned i = 0; i < errors->n; i++)
		fprintf(out, "%s%s\n", errors->list[i].warning ? "warning: " : "", errors->list[i].text);
	if (more != 0)
		fprintf(out, "and %u more\n", more);
}
