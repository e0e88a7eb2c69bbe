/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML events to a tree. libyaml's own document loader has no limits and looks anchors up in quadratic time,
 * so that a small file could keep it busy for minutes: hence the event interface, and limits checked per
 * event.
 */
#include <errno.h>
#include <string.h>
#include <yaml.h>

#include "base/mr_err.h"
#include "config/mr_config_priv.h"

struct builder {
	const char *name;
	const char *text;
	size_t len;
	struct mr_config_arena *arena;
	struct mr_config_errors *errors;
	struct mr_config_node *open[MR_CONFIG_DEPTH_MAX]; /* lists and maps around the next event */
	unsigned depth;
	unsigned n_nodes;
	struct mr_config_node *anchored[MR_CONFIG_ANCHORS_MAX];
	unsigned n_anchors;
	unsigned n_documents;
	struct mr_config_node *root;
};

static int fail(struct builder *b, unsigned line, const char *what)
{
	mr_config_complain(b->errors, false, b->name, line, NULL, "%s", what);
	return mr_errno(EINVAL);
}

static unsigned line_of(const yaml_mark_t *mark)
{
	return (unsigned)mark->line + 1;
}

/* The line of an octet offset. */
static unsigned line_at(const struct builder *b, size_t offset)
{
	unsigned line = 1;

	for (size_t i = 0; i < offset && i < b->len; i++)
		line += b->text[i] == '\n';
	return line;
}

/* Does the line's indentation hold a tab? YAML forbids it and libyaml says so only in riddles. */
static bool has_tab_indent(const struct builder *b, unsigned line)
{
	const char *p = b->text, *end = b->text + b->len;

	for (; line > 1 && p != NULL; line--) {
		p = memchr(p, '\n', (size_t)(end - p));
		if (p != NULL)
			p++;
	}
	while (p != NULL && p < end && *p == ' ')
		p++;
	return p != NULL && p < end && *p == '\t';
}

static int fail_yaml(struct builder *b, const yaml_parser_t *parser)
{
	unsigned line = line_of(&parser->problem_mark);
	const char *problem = parser->problem != NULL ? parser->problem : "not YAML";

	if (parser->error == YAML_MEMORY_ERROR)
		return mr_errno(ENOMEM);
	if (parser->error == YAML_READER_ERROR) {
		line = line_at(b, parser->problem_offset);
		mr_config_complain(b->errors, false, b->name, line, NULL,
				   "not UTF-8 text: %s; save the file as UTF-8", problem);
	} else if (has_tab_indent(b, line)) {
		mr_config_complain(b->errors, false, b->name, line, NULL, "a tab; indent with spaces");
	} else if (parser->context != NULL) {
		mr_config_complain(b->errors, false, b->name, line, NULL,
				   "not YAML: %s %s that starts in line %u; look at indentation and quotes",
				   problem, parser->context, line_of(&parser->context_mark));
	} else {
		mr_config_complain(b->errors, false, b->name, line, NULL,
				   "not YAML: %s; look at indentation and quotes", problem);
	}
	return mr_errno(EINVAL);
}

/* A new node at the end of the innermost open list or map. */
static int node_add(struct builder *b, enum mr_config_node_kind kind, const yaml_event_t *event,
		    struct mr_config_node **ret_node)
{
	unsigned line = line_of(&event->start_mark);
	struct mr_config_node *parent, *node;

	if (++b->n_nodes > MR_CONFIG_NODES_MAX)
		return fail(b, line, "more values than a configuration can have");
	node = mr_config_alloc(b->arena, sizeof(*node));
	if (node == NULL)
		return mr_errno(ENOMEM);
	node->kind = kind;
	node->line = line;
	if (b->depth == 0) {
		b->root = node;
	} else {
		parent = b->open[b->depth - 1];
		if (parent->last == NULL)
			parent->first = node;
		else
			parent->last->next = node;
		parent->last = node;
	}
	*ret_node = node;
	return 0;
}

/* Remember the node under its anchor. Lists and maps are remembered when they end, so no alias makes a cycle.
 */
static int node_anchor(struct builder *b, struct mr_config_node *node)
{
	if (node->anchor == NULL)
		return 0;
	if (b->n_anchors == MR_CONFIG_ANCHORS_MAX)
		return fail(b, node->line, "more anchors than a configuration can have");
	b->anchored[b->n_anchors++] = node;
	return 0;
}

static int node_tag_anchor(struct builder *b, struct mr_config_node *node, const yaml_char_t *tag,
			   const yaml_char_t *anchor)
{
	if (tag != NULL)
		return fail(b, node->line,
			    "tags (!...) aren't used here; remove it, or put the text in quotes");
	if (anchor == NULL)
		return 0;
	node->anchor = mr_config_strndup(b->arena, (const char *)anchor, strlen((const char *)anchor));
	return node->anchor == NULL ? mr_errno(ENOMEM) : 0;
}

static int on_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct mr_config_node *node;
	int ret = node_add(b, MR_CONFIG_N_SCALAR, event, &node);

	if (ret == 0)
		ret = node_tag_anchor(b, node, event->data.scalar.tag, event->data.scalar.anchor);
	if (ret != 0)
		return ret;
	for (size_t i = 0; i < len; i++)
		if (mr_config_unprintable(text + i, len - i) != 0)
			return fail(b, node->line,
				    "a value with a line break, control or invisible character in it; "
				    "remove that character");
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = mr_config_strndup(b->arena, text, len);
	if (node->text == NULL)
		return mr_errno(ENOMEM);
	return node_anchor(b, node);
}

static int on_alias(struct builder *b, const yaml_event_t *event)
{
	const char *anchor = (const char *)event->data.alias.anchor;
	struct mr_config_node *node;
	int ret = node_add(b, MR_CONFIG_N_ALIAS, event, &node);

	if (ret != 0)
		return ret;
	for (unsigned i = b->n_anchors; i > 0 && node->target == NULL; i--)
		if (strcmp(b->anchored[i - 1]->anchor, anchor) == 0)
			node->target = b->anchored[i - 1];
	if (node->target == NULL)
		return fail(b, node->line,
			    "an alias (*...) without an anchor (&...) before it; define the anchor first");
	return 0;
}

static int on_open(struct builder *b, const yaml_event_t *event)
{
	bool is_map = event->type == YAML_MAPPING_START_EVENT;
	struct mr_config_node *node;
	int ret = node_add(b, is_map ? MR_CONFIG_N_MAP : MR_CONFIG_N_LIST, event, &node);

	if (ret == 0)
		ret = is_map ? node_tag_anchor(b, node, event->data.mapping_start.tag,
					       event->data.mapping_start.anchor)
			     : node_tag_anchor(b, node, event->data.sequence_start.tag,
					       event->data.sequence_start.anchor);
	if (ret != 0)
		return ret;
	if (b->depth == MR_CONFIG_DEPTH_MAX)
		return fail(b, node->line,
			    "nested deeper than a configuration can be; look at indentation and brackets");
	b->open[b->depth++] = node;
	return 0;
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->n_documents++ != 0)
			return fail(b, line_of(&event->start_mark),
				    "a second document ('---'); a configuration is one document");
		return 0;
	case YAML_SCALAR_EVENT:
		return on_scalar(b, event);
	case YAML_ALIAS_EVENT:
		return on_alias(b, event);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return on_open(b, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return node_anchor(b, b->open[--b->depth]);
	default:
		return 0;
	}
}

/* Whether a line can start at the offset: libyaml breaks lines also at CR, NEL, LS and PS, and skips a BOM.
 */
static bool follows_break(const struct builder *b, size_t offset)
{
	if (offset == 0)
		return true;
	for (size_t n = 1; n <= 3 && n <= offset; n++)
		if (b->text[offset - n] != '\t' && mr_config_unprintable(b->text + offset - n, n) == n)
			return true;
	return false;
}

/* libyaml compares every %TAG with all before it, in one call: a file of them alone would take minutes. */
static int refuse_directives(struct builder *b)
{
	for (size_t i = 0; i < b->len; i++)
		if (b->text[i] == '%' && follows_break(b, i))
			return fail(b, line_at(b, i), "a directive (%...) isn't used here; remove the line");
	return 0;
}

int mr_config_tree(const char *text, size_t len, const char *name, struct mr_config_arena *arena,
		   struct mr_config_node **ret_root, struct mr_config_errors *errors)
{
	struct builder b = { .name = name, .text = text, .len = len, .arena = arena, .errors = errors };
	yaml_parser_t parser;
	yaml_event_t event;
	bool at_end = false;
	int ret = refuse_directives(&b);

	if (ret != 0)
		return ret;
	if (!yaml_parser_initialize(&parser))
		return mr_errno(ENOMEM);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	while (ret == 0 && !at_end) {
		if (!yaml_parser_parse(&parser, &event)) {
			ret = fail_yaml(&b, &parser);
			break;
		}
		at_end = event.type == YAML_STREAM_END_EVENT;
		ret = on_event(&b, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (ret == 0)
		*ret_root = b.root;
	return ret;
}
