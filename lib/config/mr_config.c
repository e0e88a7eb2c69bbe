/* SPDX-License-Identifier: Apache-2.0 */
/* From the tree to the struct: each map is read by the rows of its section. */
#include "config/mr_config.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mr_err.h"
#include "config/mr_config_priv.h"

#define PATH_MAX_LEN 256 /* of a key path; the deepest in the schema is far shorter, a user's typo is cut */

struct loader {
	struct mr_config *cfg;
	struct mr_config_errors *errors;
	char path[PATH_MAX_LEN]; /* of the key that is being read */
	unsigned visits;
	int fatal; /* -errno that ends loading: memory, or aliases without end */
};

static void load_map(struct loader *l, const struct mr_config_node *node, const struct mr_config_section *sec,
		     void *base);

static __attribute__((format(printf, 3, 4))) void path_push(struct loader *l, size_t *ret_len,
							    const char *fmt, ...)
{
	va_list ap;

	*ret_len = strlen(l->path);
	va_start(ap, fmt);
	vsnprintf(l->path + *ret_len, sizeof(l->path) - *ret_len, fmt, ap);
	va_end(ap);
}

static void path_pop(struct loader *l, size_t len)
{
	l->path[len] = '\0';
}

static void mark(struct loader *l, const void *field, unsigned line, bool is_key)
{
	struct mr_config_source *source = l->cfg->source;

	if (source->n_marks == source->cap_marks) {
		unsigned cap = source->cap_marks == 0 ? 64 : 2 * source->cap_marks;
		void *marks = realloc(source->marks, cap * sizeof(*source->marks));

		if (marks == NULL) {
			l->fatal = mr_errno(ENOMEM);
			return;
		}
		source->marks = marks;
		source->cap_marks = cap;
	}
	source->marks[source->n_marks++] = (struct mr_config_mark){ field, line, is_key };
}

unsigned mr_config_key_line(const struct mr_config *cfg, const void *field)
{
	const struct mr_config_source *source = cfg->source;

	for (unsigned i = 0; source != NULL && i < source->n_marks; i++)
		if (source->marks[i].field == field && source->marks[i].is_key)
			return source->marks[i].line;
	return 0;
}

unsigned mr_config_line(const struct mr_config *cfg, const void *field)
{
	const struct mr_config_source *source = cfg->source;
	unsigned line = mr_config_key_line(cfg, field);

	for (unsigned i = 0; source != NULL && line == 0 && i < source->n_marks; i++)
		if (source->marks[i].field == field)
			line = source->marks[i].line;
	return line;
}

#define complain(l, line, ...)                                                                               \
	mr_config_complain((l)->errors, false, (l)->cfg->source->name, line, (l)->path, __VA_ARGS__)

static void *field_of(const struct mr_config_row *row, void *base)
{
	return (char *)base + row->offset;
}

/* --- defaults ------------------------------------------------------------------------------------------ */

static int set_defaults(const struct mr_config_section *sec, struct mr_config_arena *arena, void *base)
{
	char why[MR_CONFIG_WHY_MAX];
	int ret = 0;

	for (unsigned i = 0; i < sec->n_rows && ret == 0; i++) {
		const struct mr_config_row *row = &sec->rows[i];

		if (row->type == MR_CONFIG_T_MAP)
			ret = set_defaults(row->sub, arena, field_of(row, base));
		else if (row->def != NULL)
			ret = mr_config_value_set(row, row->def, arena, field_of(row, base), why);
		assert(ret != -EINVAL); /* the schema contradicts itself */
	}
	return ret;
}

struct mr_config *mr_config_defaults(void)
{
	struct mr_config *cfg = calloc(1, sizeof(*cfg));

	if (cfg == NULL)
		return NULL;
	cfg->source = calloc(1, sizeof(*cfg->source));
	if (cfg->source == NULL || set_defaults(&mr_config_root, &cfg->source->arena, cfg) != 0) {
		mr_config_free(cfg);
		errno = ENOMEM;
		return NULL;
	}
	return cfg;
}

void mr_config_free(struct mr_config *cfg)
{
	if (cfg == NULL)
		return;
	if (cfg->source != NULL) {
		mr_config_arena_free(&cfg->source->arena);
		free(cfg->source->marks);
		free(cfg->source);
	}
	free(cfg);
}

/* --- unknown keys -------------------------------------------------------------------------------------- */

#define KEY_LEN_MAX 40 /* longer than any key: nobody meant one of ours */

/* Levenshtein's distance, one row of the matrix at a time. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[KEY_LEN_MAX + 1];
	size_t n = strlen(b);

	for (unsigned j = 0; j <= n; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= n; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

static const char *nearest_key(const struct mr_config_section *sec, const char *key)
{
	size_t len = strlen(key);
	unsigned best = (unsigned)(1 + len / 3); /* beyond that it is another word, no typing error */
	const char *ret = NULL;

	for (unsigned i = 0; len <= KEY_LEN_MAX && i < sec->n_rows; i++) {
		unsigned d = distance(key, sec->rows[i].key);

		if (d < best || (d == best && ret == NULL)) {
			best = d;
			ret = sec->rows[i].key;
		}
	}
	return ret;
}

/* Path of the first section or list that has exactly this key, for keys that stand in the wrong place. */
static bool find_home(const struct mr_config_section *sec, const char *key, char *path, size_t size)
{
	for (unsigned i = 0; i < sec->n_rows; i++)
		if (strcmp(sec->rows[i].key, key) == 0)
			return true;
	for (unsigned i = 0; i < sec->n_rows; i++) {
		const struct mr_config_row *row = &sec->rows[i];
		size_t len = strlen(path);

		if (row->sub == NULL)
			continue;
		snprintf(path + len, size - len, "%s%s%s", len > 0 ? "." : "", row->key,
			 row->type == MR_CONFIG_T_LIST ? "[]" : "");
		if (find_home(row->sub, key, path, size))
			return true;
		path[len] = '\0';
	}
	return false;
}

static void unknown_key(struct loader *l, const struct mr_config_node *key,
			const struct mr_config_section *sec)
{
	const char *near = nearest_key(sec, key->text);
	char list[MR_CONFIG_ERROR_TEXT_MAX / 2] = "", home[PATH_MAX_LEN] = "";

	if (near != NULL) {
		complain(l, key->line, "unknown key; did you mean '%s'?", near);
		return;
	}
	if (find_home(&mr_config_root, key->text, home, sizeof(home))) {
		complain(l, key->line, "unknown key here; it belongs to %s",
			 home[0] != '\0' ? home : "the top level");
		return;
	}
	for (unsigned i = 0; i < sec->n_rows; i++) {
		size_t len = strlen(list);

		snprintf(list + len, sizeof(list) - len, "%s%s", i > 0 ? ", " : "", sec->rows[i].key);
	}
	complain(l, key->line, "unknown key; the keys here are %s", list);
}

/* --- reading ------------------------------------------------------------------------------------------- */

static bool is_null(const struct mr_config_node *node)
{
	return node->kind == MR_CONFIG_N_SCALAR && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

static void wrong_type(struct loader *l, const struct mr_config_node *node, const struct mr_config_row *row)
{
	static const char *const found[] = { "is a single value", "is a list", "is a map", "is an alias" };
	char allowed[MR_CONFIG_VALUE_MAX];

	complain(l, node->line, "%s; allowed: %s", is_null(node) ? "has no value" : found[node->kind],
		 mr_config_allowed(row, allowed));
}

/* One visit of a key or an entry. False: there were so many that only aliases of aliases can be the reason.
 */
static bool visit(struct loader *l, const struct mr_config_node *node)
{
	if (l->fatal == 0 && ++l->visits > MR_CONFIG_VISITS_MAX) {
		complain(l, node->line, "aliases repeat more than a configuration can hold; write it out");
		l->fatal = mr_errno(EINVAL);
	}
	return l->fatal == 0;
}

/* The entries of a YAML list as one "a,b,c", so that lists of CPUs can be written either way. */
static bool join_list(struct loader *l, const struct mr_config_node *list, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (const struct mr_config_node *e = list->first; e != NULL && visit(l, e); e = e->next) {
		const struct mr_config_node *entry = mr_config_deref(e);

		if (entry->kind != MR_CONFIG_N_SCALAR || strlen(entry->text) + 2 > size - len)
			return false;
		len += (size_t)snprintf(buf + len, size - len, "%s%s", len > 0 ? "," : "", entry->text);
	}
	return len > 0;
}

static void load_value(struct loader *l, const struct mr_config_node *node, const struct mr_config_row *row,
		       void *field)
{
	char why[MR_CONFIG_WHY_MAX], allowed[MR_CONFIG_VALUE_MAX], joined[MR_CONFIG_VALUE_MAX];
	const char *text = node->text;
	int ret;

	if (row->type == MR_CONFIG_T_CPUS && node->kind == MR_CONFIG_N_LIST &&
	    join_list(l, node, joined, sizeof(joined)))
		text = joined;
	else if (node->kind != MR_CONFIG_N_SCALAR || is_null(node)) {
		wrong_type(l, node, row);
		return;
	}
	ret = mr_config_value_set(row, text, &l->cfg->source->arena, field, why);
	if (ret == -EINVAL)
		complain(l, node->line, "%s; allowed: %s", why, mr_config_allowed(row, allowed));
	else if (ret != 0)
		l->fatal = ret;
}

static void load_entry(struct loader *l, const struct mr_config_node *node, const struct mr_config_row *row,
		       void *item)
{
	const struct mr_config_node *map = mr_config_deref(node);

	/* aliases make entries share their lines, so an entry is marked where it stands in the list */
	mark(l, item, node->line, false);
	if (set_defaults(row->sub, &l->cfg->source->arena, item) != 0)
		l->fatal = mr_errno(ENOMEM);
	else if (map->kind != MR_CONFIG_N_MAP)
		complain(l, node->line, "isn't a map; allowed: '- ' and then key: value lines");
	else
		load_map(l, map, row->sub, item);
}

static void load_list(struct loader *l, const struct mr_config_node *node, const struct mr_config_row *row,
		      void *base)
{
	unsigned n = 0;
	char *items;
	size_t len;

	if (node->kind != MR_CONFIG_N_LIST) {
		if (!is_null(node))
			wrong_type(l, node, row);
		return;
	}
	for (const struct mr_config_node *e = node->first; e != NULL; e = e->next)
		n++;
	if (n > row->max) {
		complain(l, node->line, "has %u entries; at most %u are allowed", n, (unsigned)row->max);
		return;
	}
	items = mr_config_alloc(&l->cfg->source->arena, n * row->sub->size);
	if (items == NULL) {
		l->fatal = mr_errno(ENOMEM);
		return;
	}
	memcpy(field_of(row, base), &items, sizeof(items));
	memcpy((char *)base + row->count_offset, &n, sizeof(n));
	n = 0;
	for (const struct mr_config_node *e = node->first; e != NULL && visit(l, e); e = e->next, n++) {
		path_push(l, &len, "[%u]", n);
		load_entry(l, e, row, items + n * row->sub->size);
		path_pop(l, len);
	}
}

static void load_row(struct loader *l, const struct mr_config_node *node, const struct mr_config_row *row,
		     void *base)
{
	if (row->type == MR_CONFIG_T_LIST)
		load_list(l, node, row, base);
	else if (row->type != MR_CONFIG_T_MAP)
		load_value(l, node, row, field_of(row, base));
	else if (node->kind == MR_CONFIG_N_MAP)
		load_map(l, node, row->sub, field_of(row, base));
	else if (!is_null(node))
		wrong_type(l, node, row);
}

/*
 * One key of a map. Keys that a merge (<<) brings in step back behind the map's own and behind earlier merges
 * (YAML's merge key type), all other repeated keys are faults.
 */
static void load_key(struct loader *l, const struct mr_config_node *key, const struct mr_config_section *sec,
		     void *base, uint64_t *seen, bool merged)
{
	const struct mr_config_node *value = mr_config_deref(key->next);
	const struct mr_config_row *row = NULL;
	bool again;

	for (unsigned i = 0; i < sec->n_rows && row == NULL; i++)
		if (strcmp(sec->rows[i].key, mr_config_deref(key)->text) == 0)
			row = &sec->rows[i];
	if (row == NULL) {
		unknown_key(l, mr_config_deref(key), sec);
		return;
	}
	again = (*seen & 1ULL << (row - sec->rows)) != 0;
	if (again && !merged)
		complain(l, key->line, "is here a second time, first in line %u; keep one",
			 mr_config_line(l->cfg, field_of(row, base)));
	if (again)
		return;
	*seen |= 1ULL << (row - sec->rows);
	mark(l, field_of(row, base), key->line, row->sub == NULL);
	load_row(l, value, row, base);
}

static bool is_merge(const struct mr_config_node *key)
{
	return key->kind == MR_CONFIG_N_SCALAR && key->plain && strcmp(key->text, "<<") == 0;
}

static void load_keys(struct loader *l, const struct mr_config_node *map, const struct mr_config_section *sec,
		      void *base, uint64_t *seen, bool merged)
{
	char quoted[MR_CONFIG_QUOTE_MAX];
	size_t len;

	for (const struct mr_config_node *key = map->first; key != NULL && visit(l, key);
	     key = key->next->next) {
		const struct mr_config_node *word = mr_config_deref(key);

		if (is_merge(key))
			continue;
		if (word->kind != MR_CONFIG_N_SCALAR) {
			complain(l, key->line, "a key that isn't a word; allowed: key: value");
			continue;
		}
		/* in its quotes only when it is none of ours, which hold nothing that needs them */
		mr_config_quote(quoted, word->text);
		path_push(l, &len, "%s%.*s", l->path[0] != '\0' ? "." : "", (int)strlen(quoted) - 2,
			  quoted + 1);
		load_key(l, key, sec, base, seen, merged);
		path_pop(l, len);
	}
}

/* The maps behind "<<" of a map: one, or a list of them, the first one strongest. */
static void load_merges(struct loader *l, const struct mr_config_node *map,
			const struct mr_config_section *sec, void *base, uint64_t *seen)
{
	for (const struct mr_config_node *key = map->first; key != NULL && l->fatal == 0;
	     key = key->next->next) {
		const struct mr_config_node *value = mr_config_deref(key->next), *from;
		bool is_list = value->kind == MR_CONFIG_N_LIST;

		if (!is_merge(key))
			continue;
		for (from = is_list ? value->first : value; from != NULL && visit(l, from);
		     from = is_list ? from->next : NULL) {
			const struct mr_config_node *source = mr_config_deref(from);

			if (source->kind != MR_CONFIG_N_MAP) {
				complain(l, key->line,
					 "<< of something that isn't a map; allowed: <<: *anchor of a map");
				break;
			}
			load_keys(l, source, sec, base, seen, true);
			load_merges(l, source, sec, base, seen);
		}
	}
}

static void load_map(struct loader *l, const struct mr_config_node *node, const struct mr_config_section *sec,
		     void *base)
{
	uint64_t seen = 0;

	load_keys(l, node, sec, base, &seen, false);
	load_merges(l, node, sec, base, &seen);
	for (unsigned i = 0; i < sec->n_rows && l->fatal == 0; i++)
		if (sec->rows[i].required && (seen & 1ULL << i) == 0)
			complain(l, node->line, "has no '%s'; add it", sec->rows[i].key);
}

/* --- defaults that depend on other keys ---------------------------------------------------------------- */

#define IPFIX_PORT     4739 /* RFC 7011 section 10 */
#define IPFIX_TLS_PORT 4740

static const char *name_make(struct loader *l, const char *fmt, const char *text, unsigned n)
{
	char buf[MR_CONFIG_ERROR_TEXT_MAX];
	const char *name;

	snprintf(buf, sizeof(buf), fmt, text, n);
	name = mr_config_strndup(&l->cfg->source->arena, buf, strlen(buf));
	if (name == NULL)
		l->fatal = mr_errno(ENOMEM);
	return name;
}

static void complete(struct loader *l)
{
	for (unsigned i = 0; i < l->cfg->n_ports; i++) {
		struct mr_config_port *port = &l->cfg->ports[i];

		if (port->name == NULL)
			port->name = name_make(l, "%s%u", "port", i);
	}
	for (unsigned i = 0; i < l->cfg->export_.n_collectors; i++) {
		struct mr_config_collector *c = &l->cfg->export_.collectors[i];

		if (c->port == 0)
			c->port = c->transport == MR_CONFIG_TLS ? IPFIX_TLS_PORT : IPFIX_PORT;
		if (c->name == NULL)
			c->name = name_make(l, strchr(c->host, ':') != NULL ? "[%s]:%u" : "%s:%u", c->host,
					    c->port);
	}
}

/* --- the steps together -------------------------------------------------------------------------------- */

static void load_root(struct loader *l, const struct mr_config_node *root)
{
	const struct mr_config_node *map = root == NULL ? NULL : mr_config_deref(root);

	if (map == NULL || is_null(map))
		return; /* all defaults */
	if (map->kind == MR_CONFIG_N_MAP)
		load_map(l, map, &mr_config_root, l->cfg);
	else
		complain(l, root->line,
			 "the file isn't a map; allowed: sections like 'flow:' with keys indented below");
}

int mr_config_parse(const char *text, size_t len, const char *name, struct mr_config **ret,
		    struct mr_config_errors *errors)
{
	struct loader l = { .errors = errors };
	struct mr_config_arena arena = { NULL };
	struct mr_config_node *root = NULL;
	unsigned n_errors = errors->n_errors;

	if (len > MR_CONFIG_FILE_MAX) {
		mr_config_complain(errors, false, name, 0, NULL, "larger than 1 MiB; is it a configuration?");
		return mr_errno(EFBIG);
	}
	l.cfg = mr_config_defaults();
	if (l.cfg == NULL)
		l.fatal = mr_errno(ENOMEM);
	if (l.fatal == 0)
		l.cfg->source->name = mr_config_strndup(&l.cfg->source->arena, name, strlen(name));
	if (l.fatal == 0)
		l.fatal = mr_config_tree(text, len, name, &arena, &root, errors);
	if (l.fatal == 0)
		load_root(&l, root);
	if (l.fatal == 0 && errors->n_errors == n_errors)
		complete(&l);
	mr_config_arena_free(&arena);
	if (l.fatal == -ENOMEM)
		mr_config_complain(errors, false, name, 0, NULL, "out of memory");
	if (errors->n_errors != n_errors) {
		mr_config_free(l.cfg);
		return l.fatal != 0 ? l.fatal : mr_errno(EINVAL);
	}
	*ret = l.cfg;
	return 0;
}

/* Up to one octet more than allowed, so that the limit shows. A pipe or device could keep us waiting for
 * ever. */
static int read_file(const char *path, char *buf, size_t *ret_len, struct mr_config_errors *errors)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code = 0;
	struct stat st;
	size_t len = 0;
	ssize_t n = 1;

	if (fd < 0 || fstat(fd, &st) != 0) {
		code = errno;
	} else if (!S_ISREG(st.st_mode)) {
		mr_config_complain(errors, false, path, 0, NULL, "isn't a regular file; name a YAML file");
		close(fd);
		return mr_errno(EINVAL);
	}
	while (code == 0 && n != 0 && len <= MR_CONFIG_FILE_MAX) {
		n = read(fd, buf + len, MR_CONFIG_FILE_MAX + 1 - len);
		if (n >= 0)
			len += (size_t)n;
		else if (errno != EINTR)
			code = errno;
	}
	if (fd >= 0)
		close(fd);
	*ret_len = len;
	if (code == 0)
		return 0;
	mr_config_complain(errors, false, path, 0, NULL, "%s; name a file that can be read", strerror(code));
	return mr_errno(code);
}

int mr_config_load(const char *path, struct mr_config **ret, struct mr_config_errors *errors)
{
	char *buf = malloc(MR_CONFIG_FILE_MAX + 1);
	size_t len;
	int code;

	if (buf == NULL) {
		mr_config_complain(errors, false, path, 0, NULL, "out of memory");
		return mr_errno(ENOMEM);
	}
	code = read_file(path, buf, &len, errors);
	if (code == 0)
		code = mr_config_parse(buf, len, path, ret, errors);
	free(buf);
	return code;
}
