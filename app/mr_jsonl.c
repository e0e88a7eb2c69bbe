/* SPDX-License-Identifier: Apache-2.0 */
#include "app/mr_jsonl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ipfix/mr_flow_json.h"

#define BUFFER (1 << 20)

struct mr_jsonl {
	FILE *file;
	char *path, *part;
	int error; /* errno of the first failure */
	struct mr_flow_json json;
	char line[MR_FLOW_JSON_MAX + 1];
};

static void destroy(struct mr_jsonl *j)
{
	free(j->path);
	free(j->part);
	free(j);
}

int mr_jsonl_open(const char *path, uint64_t observation_point, struct mr_jsonl **ret_jsonl,
		  struct mr_err *err)
{
	struct mr_jsonl *j = calloc(1, sizeof(*j));
	int rc;

	if (j == NULL || (j->path = strdup(path)) == NULL || asprintf(&j->part, "%s.part", path) < 0) {
		if (j != NULL)
			destroy(j);
		return mr_err_set(err, ENOMEM, "%s: out of memory", path);
	}
	j->file = fopen(j->part, "we");
	if (j->file == NULL) {
		rc = mr_err_set(err, errno, "%s: cannot write: %s", path, strerror(errno));
		destroy(j);
		return rc;
	}
	setvbuf(j->file, NULL, _IOFBF, BUFFER);
	mr_flow_json_init(&j->json, observation_point);
	*ret_jsonl = j;
	return 0;
}

int mr_jsonl_put(struct mr_jsonl *j, const struct mr_flow_rec *rec)
{
	struct mr_wbuf w;

	if (j->error != 0)
		return -j->error;
	mr_wbuf_init(&w, j->line, sizeof(j->line));
	mr_flow_json_put(&j->json, rec, &w);
	mr_wbuf_put_u8(&w, '\n');
	if (w.overflow || fwrite(j->line, 1, w.len, j->file) != w.len)
		j->error = errno == 0 ? EIO : errno;
	return -j->error;
}

int mr_jsonl_close(struct mr_jsonl *j, bool keep, struct mr_err *err)
{
	int rc = 0;

	if (j == NULL)
		return 0;
	if (fclose(j->file) != 0 && j->error == 0)
		j->error = errno;
	if (!keep)
		unlink(j->part);
	else if (j->error == 0 && rename(j->part, j->path) != 0)
		j->error = errno;
	if (j->error != 0) {
		rc = mr_err_set(err, j->error, "%s: cannot write: %s", j->path, strerror(j->error));
		unlink(j->part);
	}
	destroy(j);
	return rc;
}
