/* SPDX-License-Identifier: Apache-2.0 */
#include "config/mr_config_priv.h"

#include <string.h>

static const struct mr_config_row *find(const struct mr_config_section *section, const char *key, size_t len)
{
	for (unsigned i = 0; i < section->n_rows; i++)
		if (strlen(section->rows[i].key) == len && memcmp(section->rows[i].key, key, len) == 0)
			return &section->rows[i];
	return NULL;
}

int mr_config_set(struct mr_config *cfg, const char *setting, struct mr_err *err)
{
	const struct mr_config_section *section = &mr_config_root;
	const char *eq = strchr(setting, '='), *at = setting;
	const struct mr_config_row *row = NULL;
	char why[MR_CONFIG_WHY_MAX], allowed[MR_CONFIG_VALUE_MAX];
	char *base = (char *)cfg;
	int rc;

	if (eq == NULL)
		return mr_err_set(err, EINVAL, "'%s' is no setting; write KEY=VALUE, e.g. flow.idle_timeout=60s", setting);
	while (section != NULL && at < eq) {
		size_t len = strcspn(at, ".=");

		row = find(section, at, len);
		if (row == NULL || row->type == MR_CONFIG_T_LIST)
			break;
		base += row->offset;
		section = row->type == MR_CONFIG_T_MAP ? row->sub : NULL;
		at += len + 1;
	}
	if (row == NULL || section != NULL || at != eq + 1)
		return mr_err_set(err, EINVAL, "%.*s: no such key to set; `millrace check --keys` lists them",
				  (int)(eq - setting), setting);
	rc = mr_config_value_set(row, eq + 1, &cfg->source->arena, base, why);
	if (rc == -EINVAL)
		return mr_err_set(err, EINVAL, "%.*s: %s; allowed: %s", (int)(eq - setting), setting, why,
				  mr_config_allowed(row, allowed));
	return rc == 0 ? 0 : mr_err_set(err, -rc, "out of memory");
}
