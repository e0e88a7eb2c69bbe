/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/mr_config.h"

#ifdef __cplusplus
extern "C" {
#endif

/* --- the schema: one row a key ------------------------------------------------------------------------- */

enum mr_config_type {
	MR_CONFIG_T_BOOL,     /* bool */
	MR_CONFIG_T_CHOICE,   /* enum mr_config_choice: true, false, auto */
	MR_CONFIG_T_UINT,     /* uint16_t, uint32_t, uint64_t, as all numbers */
	MR_CONFIG_T_COUNT,    /* with k, M, G */
	MR_CONFIG_T_DURATION, /* ms */
	MR_CONFIG_T_SIZE,     /* octets */
	MR_CONFIG_T_WORD,     /* an enum, by its words */
	MR_CONFIG_T_STRING,   /* const char *, length from min to max */
	MR_CONFIG_T_CPU,      /* int32_t */
	MR_CONFIG_T_CPUS,     /* struct mr_config_cpus */
	MR_CONFIG_T_MAP,      /* the struct that sub describes */
	MR_CONFIG_T_LIST,     /* pointer to max such structs, and their number at count_offset */
	MR_CONFIG_T_MAX
};

struct mr_config_section;

struct mr_config_row {
	const char *key;
	enum mr_config_type type;
	size_t offset;		  /* of the field in the section's struct */
	size_t size;		  /* of the field, octets */
	size_t count_offset;	  /* LIST: of the unsigned with the number of entries */
	uint64_t min, max;	  /* in the field's unit */
	uint64_t step;		  /* value must be a multiple; 0: any */
	const char *unit;	  /* suffix that a bare number stands for */
	const char *zero;	  /* word for 0, which is then allowed below min */
	const char *const *words; /* WORD: NULL-terminated, in the order of the enum */
	const struct mr_config_section *sub;
	const char *def;     /* default, read by the same code as the file; NULL: not set */
	const char *def_doc; /* what happens without it, when def is NULL */
	bool required;	     /* has no default */
	bool reloadable;     /* takes effect at reload; for MAP and LIST: all below too */
	const char *doc;
};

struct mr_config_section {
	const struct mr_config_row *rows;
	unsigned n_rows; /* <= 64: seen keys are bits of a word */
	size_t size;	 /* of the struct */
};

extern const struct mr_config_section mr_config_root;

/* --- memory and lines ---------------------------------------------------------------------------------- */

struct mr_config_block;

struct mr_config_arena {
	struct mr_config_block *head;
};

/** Zeroed memory until mr_config_arena_free(); NULL when memory is out. */
void *mr_config_alloc(struct mr_config_arena *arena, size_t size);
char *mr_config_strndup(struct mr_config_arena *arena, const char *text, size_t len);
void mr_config_arena_free(struct mr_config_arena *arena);

struct mr_config_mark {
	const void *field;
	unsigned line;
	bool is_key; /* false: the section that starts at the same address */
};

struct mr_config_source {
	struct mr_config_arena arena;
	const char *name; /* of the file; NULL: none */
	struct mr_config_mark *marks;
	unsigned n_marks, cap_marks;
};

/** The line of @p field when the file set this key itself, else 0. */
unsigned mr_config_key_line(const struct mr_config *cfg, const void *field);

/* --- errors -------------------------------------------------------------------------------------------- */

/** Append "NAME:LINE: PATH: text"; @p name and @p path may be NULL, @p line 0. */
void mr_config_complain(struct mr_config_errors *errors, bool warning, const char *name, unsigned line,
			const char *path, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#define MR_CONFIG_QUOTE_MAX 64

/** Text from the file, in quotes, cut to fit and safe for a terminal. Returns @p buf. */
const char *mr_config_quote(char buf[MR_CONFIG_QUOTE_MAX], const char *text);

/** Octets of the character at @p text when it must not stand in a configuration (controls, BOM ...), else 0.
 */
size_t mr_config_unprintable(const char *text, size_t len);

/* --- values -------------------------------------------------------------------------------------------- */

#define MR_CONFIG_WHY_MAX   128
#define MR_CONFIG_VALUE_MAX 1024 /* any value but a string as text */

/**
 * Read @p text into the field. 0, -ENOMEM, or -EINVAL with what is wrong in @p why and the field as it was.
 */
int mr_config_value_set(const struct mr_config_row *row, const char *text, struct mr_config_arena *arena,
			void *field, char why[MR_CONFIG_WHY_MAX]);

/** The value as mr_config_value_set() reads it. Returns @p buf, for strings the string itself, maybe NULL. */
const char *mr_config_value_get(const struct mr_config_row *row, const void *field,
				char buf[MR_CONFIG_VALUE_MAX]);

/** What the row allows, for messages and the manual. Returns @p buf. */
const char *mr_config_allowed(const struct mr_config_row *row, char buf[MR_CONFIG_VALUE_MAX]);

/* --- the file as a tree -------------------------------------------------------------------------------- */

#define MR_CONFIG_NODES_MAX   20000 /* in a file */
#define MR_CONFIG_ANCHORS_MAX 256
#define MR_CONFIG_DEPTH_MAX   16
#define MR_CONFIG_VISITS_MAX  20000 /* keys and list entries read, every use of an alias counted */

enum mr_config_node_kind { MR_CONFIG_N_SCALAR, MR_CONFIG_N_LIST, MR_CONFIG_N_MAP, MR_CONFIG_N_ALIAS };

struct mr_config_node {
	enum mr_config_node_kind kind;
	unsigned line;
	bool plain;	  /* SCALAR without quotes */
	const char *text; /* SCALAR, no unprintable characters in it */
	const char *anchor;
	struct mr_config_node *first, *last; /* LIST: entries; MAP: key, value, key, value ... */
	struct mr_config_node *next;
	struct mr_config_node *target; /* ALIAS: complete before the alias, so there are no cycles */
};

/**
 * Read YAML within the limits above. *ret_root is NULL for a file without content.
 * Errors: -EINVAL with one entry in @p errors, -ENOMEM.
 */
int mr_config_tree(const char *text, size_t len, const char *name, struct mr_config_arena *arena,
		   struct mr_config_node **ret_root, struct mr_config_errors *errors);

static inline const struct mr_config_node *mr_config_deref(const struct mr_config_node *node)
{
	while (node->kind == MR_CONFIG_N_ALIAS)
		node = node->target;
	return node;
}

#ifdef __cplusplus
}
#endif
