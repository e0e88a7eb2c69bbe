/* SPDX-License-Identifier: Apache-2.0 */
/* The schema and a configuration as text: manual, list of keys, YAML; and two configurations compared. */
#include <errno.h>
#include <string.h>

#include "base/mr_err.h"
#include "config/mr_config_priv.h"

#define PATH_SIZE 128

static void path_add(char path[PATH_SIZE], const struct mr_config_row *row)
{
	size_t len = strlen(path);

	snprintf(path + len, PATH_SIZE - len, "%s%s%s", len > 0 ? "." : "", row->key,
		 row->type == MR_CONFIG_T_LIST ? "[]" : "");
}

static const char *default_text(const struct mr_config_row *row)
{
	if (row->required)
		return "required";
	return row->def != NULL ? row->def : row->def_doc;
}

/* --- manual -------------------------------------------------------------------------------------------- */

static const char doc_head[] =
	"# Configuration\n"
	"\n"
	"Generated from the schema in `lib/config/mr_config_schema.c`; don't edit it, run `ninja -C build "
	"config-doc`.\n"
	"\n"
	"The configuration is one YAML file. `millrace check -c FILE` judges it without touching hardware "
	"and names\n"
	"file, line and key of every fault. Keys that stand nowhere below are faults, not ignored. Sections "
	"and keys\n"
	"that are left out have their defaults; only `ports` has none. `config/millrace.yaml` is an "
	"annotated\n"
	"example, `config/profiles/` has starting points by line rate.\n"
	"\n"
	"## Values\n"
	"\n"
	"| Kind | How to write it |\n"
	"|---|---|\n"
	"| duration | a whole number with `ms`, `s`, `m` or `h`: `500ms`, `30s`, `5m`. A bare number is "
	"seconds. |\n"
	"| size | a whole number with `KiB`, `MiB`, `GiB` (or `k`, `M`, `G`: the same), `B`, or the decimal "
	"`kB`, `MB`, "
	"`GB`. A bare number is octets where the key says nothing else. |\n"
	"| count | a whole number, also with `k`, `M` and `G` for thousands, millions and billions: `2M`. |\n"
	"| whole number | digits only |\n"
	"| true, false | also `yes`, `on` and `no`, `off` |\n"
	"| text | quotes are needed only where YAML needs them (`: `, ` #`, a leading `*` or `&` ...) |\n"
	"\n"
	"A file has at most 1 MiB. Anchors, aliases and merge keys (`<<: *anchor`) work; the keys of a map "
	"win over\n"
	"those merged into it. Tags, directives, several documents in one file and environment variables "
	"don't.\n"
	"\n"
	"Reload: yes marks what may change while the probe runs. The running program doesn't take changes yet: "
	"today each\n"
	"takes a restart, and SIGHUP is answered by a log line.\n";

static void doc_section(FILE *out, const struct mr_config_row *row, const char *parent, bool reloadable)
{
	char path[PATH_SIZE] = "", allowed[MR_CONFIG_VALUE_MAX];
	const struct mr_config_section *sec = row->sub;

	snprintf(path, sizeof(path), "%s", parent);
	path_add(path, row);
	fprintf(out, "\n## %s\n\n%s", path, row->doc);
	if (row->type == MR_CONFIG_T_LIST)
		fprintf(out, " A list of up to %u entries.", (unsigned)row->max);
	fprintf(out, "\n\n| Key | Allowed | Default | Reload | Meaning |\n|---|---|---|---|---|\n");
	for (unsigned i = 0; i < sec->n_rows; i++) {
		const struct mr_config_row *key = &sec->rows[i];

		if (key->sub == NULL)
			fprintf(out, "| `%s` | %s | %s | %s | %s |\n", key->key,
				mr_config_allowed(key, allowed), default_text(key),
				reloadable || key->reloadable ? "yes" : "no", key->doc);
	}
	for (unsigned i = 0; i < sec->n_rows; i++)
		if (sec->rows[i].sub != NULL)
			doc_section(out, &sec->rows[i], path, reloadable || sec->rows[i].reloadable);
}

void mr_config_doc(FILE *out)
{
	fputs(doc_head, out);
	for (unsigned i = 0; i < mr_config_root.n_rows; i++)
		doc_section(out, &mr_config_root.rows[i], "", mr_config_root.rows[i].reloadable);
}

static void keys_section(FILE *out, const struct mr_config_section *sec, const char *parent)
{
	for (unsigned i = 0; i < sec->n_rows; i++) {
		const struct mr_config_row *row = &sec->rows[i];
		char path[PATH_SIZE], allowed[MR_CONFIG_VALUE_MAX];

		snprintf(path, sizeof(path), "%s", parent);
		path_add(path, row);
		if (row->sub != NULL)
			keys_section(out, row->sub, path);
		else
			fprintf(out, "  %-47s %s; default: %s\n", path, mr_config_allowed(row, allowed),
				default_text(row));
	}
}

void mr_config_keys(FILE *out)
{
	keys_section(out, &mr_config_root, "");
}

/* --- YAML ---------------------------------------------------------------------------------------------- */

static const void *field_of(const struct mr_config_row *row, const void *base)
{
	return (const char *)base + row->offset;
}

/* Text always in quotes: it may look like something else, and then only two characters need care. */
static void dump_string(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputs("\"\n", out);
}

static const char *list_items(const struct mr_config_row *row, const void *base, unsigned *ret_n)
{
	const char *items;

	memcpy(&items, field_of(row, base), sizeof(items));
	memcpy(ret_n, (const char *)base + row->count_offset, sizeof(*ret_n));
	return items;
}

static void dump_section(FILE *out, const struct mr_config_section *sec, const void *base, int indent)
{
	for (unsigned i = 0; i < sec->n_rows; i++) {
		const struct mr_config_row *row = &sec->rows[i];
		const void *field = field_of(row, base);
		char buf[MR_CONFIG_VALUE_MAX];
		const char *text = mr_config_value_get(row, field, buf);
		unsigned n;

		if (row->sub == NULL && text == NULL)
			continue;
		fprintf(out, "%*s%s:%s", indent, "", row->key, row->sub != NULL ? "\n" : " ");
		if (row->type == MR_CONFIG_T_MAP) {
			dump_section(out, row->sub, field, indent + 2);
		} else if (row->type == MR_CONFIG_T_LIST) {
			const char *items = list_items(row, base, &n);

			for (unsigned k = 0; k < n; k++) {
				fprintf(out, "%*s-\n", indent + 2, "");
				dump_section(out, row->sub, items + k * row->sub->size, indent + 4);
			}
		} else if (row->type == MR_CONFIG_T_STRING) {
			dump_string(out, text);
		} else {
			fprintf(out, "%s\n", text);
		}
	}
}

void mr_config_dump(const struct mr_config *cfg, FILE *out)
{
	dump_section(out, &mr_config_root, cfg, 0);
}

/* --- reload -------------------------------------------------------------------------------------------- */

struct differ {
	const struct mr_config *wanted;
	struct mr_config_errors *errors;
};

static void differ_say(struct differ *d, const void *field, const char *path, const char *was, const char *is)
{
	const struct mr_config_source *source = d->wanted->source;

	mr_config_complain(
		d->errors, false, source != NULL ? source->name : NULL, mr_config_line(d->wanted, field),
		path, "was %s and would be %s, which needs a restart; restart, or put the old value back",
		was, is);
}

static void diff_value(struct differ *d, const struct mr_config_row *row, const void *was, const void *is,
		       const char *path)
{
	char was_buf[MR_CONFIG_VALUE_MAX], is_buf[MR_CONFIG_VALUE_MAX];
	char was_quoted[MR_CONFIG_QUOTE_MAX], is_quoted[MR_CONFIG_QUOTE_MAX];
	const char *was_text = mr_config_value_get(row, was, was_buf);
	const char *is_text = mr_config_value_get(row, is, is_buf);

	if (was_text == is_text || (was_text != NULL && is_text != NULL && strcmp(was_text, is_text) == 0))
		return;
	differ_say(d, is, path, was_text != NULL ? mr_config_quote(was_quoted, was_text) : "not set",
		   is_text != NULL ? mr_config_quote(is_quoted, is_text) : "not set");
}

static void diff_section(struct differ *d, const struct mr_config_section *sec, const void *was,
			 const void *is, const char *parent);

static void diff_list(struct differ *d, const struct mr_config_row *row, const void *was, const void *is,
		      const char *path)
{
	unsigned n_was, n_is;
	const char *was_items = list_items(row, was, &n_was), *is_items = list_items(row, is, &n_is);
	char was_text[32], is_text[32], item[PATH_SIZE + 16];

	if (n_was != n_is) {
		snprintf(was_text, sizeof(was_text), "%u long", n_was);
		snprintf(is_text, sizeof(is_text), "%u", n_is);
		differ_say(d, field_of(row, is), path, was_text, is_text);
		return;
	}
	for (unsigned i = 0; i < n_is; i++) {
		snprintf(item, sizeof(item), "%s[%u]", path, i);
		diff_section(d, row->sub, was_items + i * row->sub->size, is_items + i * row->sub->size,
			     item);
	}
}

static void diff_section(struct differ *d, const struct mr_config_section *sec, const void *was,
			 const void *is, const char *parent)
{
	for (unsigned i = 0; i < sec->n_rows; i++) {
		const struct mr_config_row *row = &sec->rows[i];
		char path[PATH_SIZE];

		if (row->reloadable)
			continue;
		snprintf(path, sizeof(path), "%s%s%s", parent, parent[0] != '\0' ? "." : "", row->key);
		if (row->type == MR_CONFIG_T_MAP)
			diff_section(d, row->sub, field_of(row, was), field_of(row, is), path);
		else if (row->type == MR_CONFIG_T_LIST)
			diff_list(d, row, was, is, path);
		else
			diff_value(d, row, field_of(row, was), field_of(row, is), path);
	}
}

int mr_config_check_reload(const struct mr_config *running, const struct mr_config *wanted,
			   struct mr_config_errors *errors)
{
	struct differ d = { wanted, errors };
	unsigned n_errors = errors->n_errors;

	diff_section(&d, &mr_config_root, running, wanted, "");
	return errors->n_errors == n_errors ? 0 : mr_errno(EINVAL);
}
