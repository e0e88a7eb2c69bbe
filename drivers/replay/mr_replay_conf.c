/* SPDX-License-Identifier: Apache-2.0 */
#include "drivers/replay/mr_replay_conf.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/replay/mr_replay.h"

#define REPLAY_RATE_MAX 1000000000ull /* packets a second: one each nanosecond, the resolution of times */

/* A whole number with an optional k, M or G. */
static int replay_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t unit = 1, v;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -EINVAL;
	errno = 0;
	v = strtoull(text, &end, 10);
	if (errno != 0)
		return -ERANGE;
	if (*end != '\0') {
		unit = *end == 'k' ? 1000 : *end == 'M' ? 1000000 : *end == 'G' ? 1000000000 : 0;
		end++;
	}
	if (unit == 0 || *end != '\0')
		return -EINVAL;
	if (v > max / unit)
		return -ERANGE;
	*ret = v * unit;
	return 0;
}

/* One "option=value". */
static int replay_option(struct mr_replay_conf *c, char *text, struct mr_err *err)
{
	char *value = strchr(text, '=');
	uint64_t n;

	if (value == NULL)
		return mr_err_set(err, EINVAL, "replay: \"%s\" has no value, write option=value", text);
	*value++ = '\0';
	if (strcmp(text, "loop") == 0) {
		if (replay_number(value, UINT32_MAX, &n) != 0)
			return mr_err_set(err, EINVAL, "replay: loop=%s: give a number of rounds, 0 for no end", value);
		c->loop = (uint32_t)n;
	} else if (strcmp(text, "shift") == 0) {
		c->shift = strcmp(value, "yes") == 0;
		if (!c->shift && strcmp(value, "no") != 0)
			return mr_err_set(err, EINVAL, "replay: shift=%s: say yes or no", value);
	} else if (strcmp(text, "rate") == 0) {
		if (replay_number(value, REPLAY_RATE_MAX, &n) != 0 || n == 0)
			return mr_err_set(err, EINVAL, "replay: rate=%s: give packets a second, 1 to 1G", value);
		c->rate_pps = n;
	} else if (strcmp(text, "timing") == 0) {
		if (strcmp(value, "captured") != 0)
			return mr_err_set(err, EINVAL, "replay: timing=%s: only \"captured\" is known", value);
		c->timing = true;
	} else {
		return mr_err_set(err, EINVAL, "replay: option \"%s\" is not known, only loop, shift, rate, timing", text);
	}
	return 0;
}

/* Take the next file name off the text, unescaped in place. Returns the character that ended it. */
static char replay_file(char **at)
{
	char *in = *at, *out = *at;
	char end;

	while (*in != '\0' && *in != ',' && *in != ';') {
		if (*in == '\\' && in[1] != '\0')
			in++;
		*out++ = *in++;
	}
	end = *in;
	*at = in + (end != '\0');
	*out = '\0';
	return end;
}

static int replay_conf_fill(struct mr_replay_conf *c, struct mr_err *err)
{
	char *at = c->text, *save = NULL;
	char end = ',';
	int rc;

	while (end == ',') {
		c->files[c->file_count] = at;
		end = replay_file(&at);
		if (*c->files[c->file_count++] == '\0')
			return mr_err_set(err, EINVAL, "replay: a file name is missing, write replay:FILE[,FILE...]");
	}
	if (end != ';')
		return 0;
	for (char *opt = strtok_r(at, ";", &save); opt != NULL; opt = strtok_r(NULL, ";", &save)) {
		rc = replay_option(c, opt, err);
		if (rc != 0)
			return rc;
	}
	if (c->timing && c->rate_pps != 0)
		return mr_err_set(err, EINVAL, "replay: rate and timing exclude each other, leave one out");
	if (c->shift && c->loop == 1)
		return mr_err_set(err, EINVAL, "replay: shift is for later rounds, add loop=2 or more, or loop=0");
	return 0;
}

int mr_replay_conf_parse(const char *device, struct mr_replay_conf *ret_conf, struct mr_err *err)
{
	const char prefix[] = "replay:";
	struct mr_replay_conf c = { .loop = 1 };
	size_t files_max = 1;
	int rc;

	if (strncmp(device, prefix, sizeof(prefix) - 1) == 0)
		device += sizeof(prefix) - 1;
	for (const char *p = device; *p != '\0'; p++)
		files_max += *p == ',';
	c.text = strdup(device);
	c.files = calloc(files_max, sizeof(*c.files));
	if (c.text == NULL || c.files == NULL)
		rc = mr_err_set(err, ENOMEM, "replay: no memory");
	else
		rc = replay_conf_fill(&c, err);
	if (rc != 0) {
		mr_replay_conf_free(&c);
		return rc;
	}
	*ret_conf = c;
	return 0;
}

void mr_replay_conf_free(struct mr_replay_conf *conf)
{
	free(conf->files);
	free(conf->text);
}

char *mr_replay_device(const char *const *files, size_t count, const char *options)
{
	size_t len = sizeof("replay:") + 1 + (options != NULL ? strlen(options) : 0);
	char *device, *out;

	for (size_t i = 0; i < count; i++)
		len += 2 * strlen(files[i]) + 1;
	device = malloc(len);
	if (device == NULL)
		return NULL;
	out = stpcpy(device, "replay:");
	for (size_t i = 0; i < count; i++) {
		if (i != 0)
			*out++ = ',';
		for (const char *p = files[i]; *p != '\0'; p++) {
			if (strchr("\\,;", *p) != NULL)
				*out++ = '\\';
			*out++ = *p;
		}
	}
	*out = '\0';
	if (options != NULL)
		snprintf(out, len - (size_t)(out - device), ";%s", options);
	return device;
}
