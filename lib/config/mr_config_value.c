/* SPDX-License-Identifier: Apache-2.0 */
/* Text to value and back, one function a type. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mr_err.h"
#include "config/mr_config_priv.h"

struct unit {
	const char *suffix;
	uint64_t factor;
};

/* Largest first: a value is written with the first that divides it. The last one is the unit of the field. */
static const struct unit durations[] = {
	{ "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 }, { NULL, 0 }
};
static const struct unit sizes[] = {
	{ "GiB", 1ULL << 30 },
	{ "G", 1ULL << 30 },
	{ "MiB", 1ULL << 20 },
	{ "M", 1ULL << 20 },
	{ "KiB", 1ULL << 10 },
	{ "k", 1ULL << 10 },
	{ "K", 1ULL << 10 },
	{ "GB", 1000000000 },
	{ "MB", 1000000 },
	{ "kB", 1000 },
	{ "B", 1 },
	{ NULL, 0 },
};
static const struct unit counts[] = {
	{ "G", 1000000000 }, { "M", 1000000 }, { "k", 1000 }, { "", 1 }, { NULL, 0 }
};
static const struct unit plain[] = { { "", 1 }, { NULL, 0 } };

static const struct {
	const char *noun;
	const struct unit *units; /* of a number, else NULL */
} types[MR_CONFIG_T_MAX] = {
	[MR_CONFIG_T_BOOL] = { "true or false", NULL },
	[MR_CONFIG_T_CHOICE] = { "true, false or auto", NULL },
	[MR_CONFIG_T_UINT] = { "a whole number", plain },
	[MR_CONFIG_T_COUNT] = { "a count", counts },
	[MR_CONFIG_T_DURATION] = { "a duration", durations },
	[MR_CONFIG_T_SIZE] = { "a size", sizes },
	[MR_CONFIG_T_WORD] = { "one of", NULL },
	[MR_CONFIG_T_STRING] = { "text", NULL },
	[MR_CONFIG_T_CPU] = { "a CPU number", NULL },
	[MR_CONFIG_T_CPUS] = { "a list of CPUs like 2-5,8", NULL },
	[MR_CONFIG_T_MAP] = { "a map (key: value lines, indented)", NULL },
	[MR_CONFIG_T_LIST] = { "a list of maps (each starts with '- ')", NULL },
};

static __attribute__((format(printf, 2, 3))) int wrong(char *why, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, MR_CONFIG_WHY_MAX, fmt, ap);
	va_end(ap);
	return mr_errno(EINVAL);
}

static void uint_store(const struct mr_config_row *row, void *field, uint64_t value)
{
	uint16_t v16 = (uint16_t)value;
	uint32_t v32 = (uint32_t)value;

	if (row->size == sizeof(v16))
		memcpy(field, &v16, sizeof(v16));
	else if (row->size == sizeof(v32))
		memcpy(field, &v32, sizeof(v32));
	else
		memcpy(field, &value, sizeof(value));
}

static uint64_t uint_fetch(const struct mr_config_row *row, const void *field)
{
	uint16_t v16;
	uint32_t v32;
	uint64_t v64;

	if (row->size == sizeof(v16))
		return memcpy(&v16, field, sizeof(v16)), v16;
	if (row->size == sizeof(v32))
		return memcpy(&v32, field, sizeof(v32)), v32;
	return memcpy(&v64, field, sizeof(v64)), v64;
}

/* Decimal digits at *p, which moves behind them. False: there are none, or more than 64 bits hold. */
static bool digits(const char **p, uint64_t *ret)
{
	const char *start = *p;
	uint64_t v = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++)
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, (uint64_t)(**p - '0'), &v))
			return false;
	*ret = v;
	return *p != start;
}

static const struct unit *unit_find(const struct unit *units, const char *suffix)
{
	for (; units->suffix != NULL; units++)
		if (strcmp(units->suffix, suffix) == 0)
			return units;
	return NULL;
}

#define NUMBER_MAX 32

static const char *number_text(const struct mr_config_row *row, uint64_t v, char buf[NUMBER_MAX])
{
	const struct unit *unit = types[row->type].units;

	if (v == 0) {
		snprintf(buf, NUMBER_MAX, "%s", row->zero != NULL ? row->zero : "0");
		return buf;
	}
	while (v % unit->factor != 0)
		unit++;
	snprintf(buf, NUMBER_MAX, "%llu%s", (unsigned long long)(v / unit->factor), unit->suffix);
	return buf;
}

static int set_number(const struct mr_config_row *row, const char *text, void *field, char *why)
{
	uint64_t v, step = row->step != 0 ? row->step : 1;
	char quoted[MR_CONFIG_QUOTE_MAX], step_text[NUMBER_MAX];
	const struct unit *unit;
	const char *p = text;

	mr_config_quote(quoted, text);
	if (row->zero != NULL && strcmp(text, row->zero) == 0) {
		uint_store(row, field, 0);
		return 0;
	}
	if (*p < '0' || *p > '9')
		return wrong(why, "%s isn't %s", quoted, types[row->type].noun);
	if (!digits(&p, &v))
		return wrong(why, "%s is too large", quoted);
	while (*p == ' ')
		p++;
	unit = unit_find(types[row->type].units, *p == '\0' && row->unit != NULL ? row->unit : p);
	if (unit == NULL)
		return wrong(why, "%s isn't %s", quoted, types[row->type].noun);
	if (__builtin_mul_overflow(v, unit->factor, &v) || v > row->max)
		return wrong(why, "%s is too large", quoted);
	if (v < row->min && !(v == 0 && row->zero != NULL))
		return wrong(why, "%s is too small", quoted);
	if (v % step != 0)
		return wrong(why, "%s isn't a multiple of %s", quoted, number_text(row, step, step_text));
	uint_store(row, field, v);
	return 0;
}

static int set_bool(const char *text, enum mr_config_choice *ret)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on" };

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(words[i], text) == 0) {
			*ret = i % 2 == 0 ? MR_CONFIG_NO : MR_CONFIG_YES;
			return 0;
		}
	return mr_errno(EINVAL);
}

static int set_choice(const struct mr_config_row *row, const char *text, void *field, char *why)
{
	char quoted[MR_CONFIG_QUOTE_MAX];
	enum mr_config_choice choice = MR_CONFIG_AUTO;
	bool is_auto = row->type == MR_CONFIG_T_CHOICE && strcmp(text, "auto") == 0;

	if (!is_auto && set_bool(text, &choice) != 0)
		return wrong(why, "%s isn't %s", mr_config_quote(quoted, text), types[row->type].noun);
	if (row->type == MR_CONFIG_T_CHOICE)
		memcpy(field, &choice, sizeof(choice));
	else
		*(bool *)field = choice == MR_CONFIG_YES;
	return 0;
}

static int set_word(const struct mr_config_row *row, const char *text, void *field, char *why)
{
	char quoted[MR_CONFIG_QUOTE_MAX];

	for (uint32_t i = 0; row->words[i] != NULL; i++)
		if (strcmp(row->words[i], text) == 0) {
			memcpy(field, &i, sizeof(i));
			return 0;
		}
	return wrong(why, "%s isn't known", mr_config_quote(quoted, text));
}

static int set_string(const struct mr_config_row *row, const char *text, struct mr_config_arena *arena,
		      void *field, char *why)
{
	size_t len = strlen(text);
	char quoted[MR_CONFIG_QUOTE_MAX];
	char *copy;

	if (len < row->min)
		return wrong(why, "%s is too short", mr_config_quote(quoted, text));
	if (len > row->max)
		return wrong(why, "%s is too long", mr_config_quote(quoted, text));
	copy = mr_config_strndup(arena, text, len);
	if (copy == NULL)
		return mr_errno(ENOMEM);
	memcpy(field, &copy, sizeof(copy));
	return 0;
}

static int set_cpu(const char *text, void *field, char *why)
{
	char quoted[MR_CONFIG_QUOTE_MAX];
	const char *p = text;
	int32_t cpu = MR_CONFIG_CPU_AUTO;
	uint64_t v;

	if (strcmp(text, "auto") != 0) {
		if (!digits(&p, &v) || *p != '\0' || v > MR_CONFIG_CPU_ID_MAX)
			return wrong(why, "%s isn't a CPU number", mr_config_quote(quoted, text));
		cpu = (int32_t)v;
	}
	memcpy(field, &cpu, sizeof(cpu));
	return 0;
}

/* "7" or "2-5" at *p, which moves behind it; spaces around are fine. */
static bool cpu_range(const char **p, uint64_t *ret_first, uint64_t *ret_last)
{
	while (**p == ' ')
		(*p)++;
	if (!digits(p, ret_first))
		return false;
	*ret_last = *ret_first;
	if (**p == '-') {
		(*p)++;
		if (!digits(p, ret_last))
			return false;
	}
	while (**p == ' ')
		(*p)++;
	return *ret_first <= *ret_last && *ret_last <= MR_CONFIG_CPU_ID_MAX;
}

static int set_cpus(const char *text, void *field, char *why)
{
	bool has[MR_CONFIG_CPU_ID_MAX + 1] = { false };
	struct mr_config_cpus cpus = { .n = 0 };
	char quoted[MR_CONFIG_QUOTE_MAX];
	uint64_t first, last;
	bool more = strcmp(text, "auto") != 0;

	mr_config_quote(quoted, text);
	for (const char *p = text; more; p++) {
		if (!cpu_range(&p, &first, &last) || (*p != ',' && *p != '\0'))
			return wrong(why, "%s isn't a list of CPUs", quoted);
		for (uint64_t i = first; i <= last; i++) {
			if (has[i])
				return wrong(why, "%s names CPU %u twice", quoted, (unsigned)i);
			has[i] = true;
		}
		more = *p == ',';
	}
	for (unsigned i = 0; i <= MR_CONFIG_CPU_ID_MAX; i++) {
		if (!has[i])
			continue;
		if (cpus.n == MR_CONFIG_CPUS_MAX)
			return wrong(why, "%s has more than %d CPUs", quoted, MR_CONFIG_CPUS_MAX);
		cpus.v[cpus.n++] = (uint16_t)i;
	}
	memcpy(field, &cpus, sizeof(cpus));
	return 0;
}

static const char *cpus_text(const struct mr_config_cpus *cpus, char buf[MR_CONFIG_VALUE_MAX])
{
	size_t len = 0;

	snprintf(buf, MR_CONFIG_VALUE_MAX, "auto");
	for (unsigned i = 0, last; i < cpus->n && len < MR_CONFIG_VALUE_MAX; i = last + 1) {
		for (last = i; last + 1 < cpus->n && cpus->v[last + 1] == cpus->v[last] + 1;)
			last++;
		len += (size_t)snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, last > i ? "%s%u-%u" : "%s%u",
					i > 0 ? "," : "", cpus->v[i], cpus->v[last]);
	}
	return buf;
}

int mr_config_value_set(const struct mr_config_row *row, const char *text, struct mr_config_arena *arena,
			void *field, char why[MR_CONFIG_WHY_MAX])
{
	switch (row->type) {
	case MR_CONFIG_T_BOOL:
	case MR_CONFIG_T_CHOICE:
		return set_choice(row, text, field, why);
	case MR_CONFIG_T_WORD:
		return set_word(row, text, field, why);
	case MR_CONFIG_T_STRING:
		return set_string(row, text, arena, field, why);
	case MR_CONFIG_T_CPU:
		return set_cpu(text, field, why);
	case MR_CONFIG_T_CPUS:
		return set_cpus(text, field, why);
	case MR_CONFIG_T_MAP:
	case MR_CONFIG_T_LIST:
		return wrong(why, "a single value where keys belong");
	default:
		return set_number(row, text, field, why);
	}
}

const char *mr_config_value_get(const struct mr_config_row *row, const void *field,
				char buf[MR_CONFIG_VALUE_MAX])
{
	static const char *const choices[MR_CONFIG_CHOICE_MAX] = { "auto", "false", "true" };
	const char *text;
	uint32_t index;
	int32_t cpu;

	switch (row->type) {
	case MR_CONFIG_T_BOOL:
		return *(const bool *)field ? "true" : "false";
	case MR_CONFIG_T_CHOICE:
		return memcpy(&index, field, sizeof(index)), choices[index];
	case MR_CONFIG_T_WORD:
		return memcpy(&index, field, sizeof(index)), row->words[index];
	case MR_CONFIG_T_STRING:
		return memcpy(&text, field, sizeof(text)), text;
	case MR_CONFIG_T_CPU:
		memcpy(&cpu, field, sizeof(cpu));
		snprintf(buf, MR_CONFIG_VALUE_MAX, cpu == MR_CONFIG_CPU_AUTO ? "auto" : "%d", cpu);
		return buf;
	case MR_CONFIG_T_CPUS:
		return cpus_text(field, buf);
	case MR_CONFIG_T_MAP:
	case MR_CONFIG_T_LIST:
		return NULL;
	default:
		return number_text(row, uint_fetch(row, field), buf);
	}
}

static void allowed_words(const struct mr_config_row *row, char *buf, size_t len)
{
	for (unsigned i = 0; row->words[i] != NULL && len < MR_CONFIG_VALUE_MAX; i++)
		len += (size_t)snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, "%s %s", i > 0 ? "," : "",
					row->words[i]);
}

static void allowed_numbers(const struct mr_config_row *row, char *buf, size_t len)
{
	/* the word for 0 is said at the end, so the range itself is of plain numbers */
	struct mr_config_row range = *row;
	char min[NUMBER_MAX], max[NUMBER_MAX];

	range.zero = NULL;
	snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, " from %s to %s%s%s",
		 number_text(&range, row->min, min), number_text(&range, row->max, max),
		 row->zero != NULL ? ", or " : "", row->zero != NULL ? row->zero : "");
}

const char *mr_config_allowed(const struct mr_config_row *row, char buf[MR_CONFIG_VALUE_MAX])
{
	size_t len = (size_t)snprintf(buf, MR_CONFIG_VALUE_MAX, "%s", types[row->type].noun);

	if (row->type == MR_CONFIG_T_WORD)
		allowed_words(row, buf, len);
	else if (row->type == MR_CONFIG_T_STRING)
		snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, " of %llu to %llu octets",
			 (unsigned long long)row->min, (unsigned long long)row->max);
	else if (row->type == MR_CONFIG_T_CPU)
		snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, " from 0 to %d, or auto",
			 MR_CONFIG_CPU_ID_MAX);
	else if (row->type == MR_CONFIG_T_CPUS)
		snprintf(buf + len, MR_CONFIG_VALUE_MAX - len, ", or auto");
	else if (types[row->type].units != NULL)
		allowed_numbers(row, buf, len);
	return buf;
}
