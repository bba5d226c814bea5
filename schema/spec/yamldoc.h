/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_YAMLDOC_H
#define ANKLUME_YAMLDOC_H

/*
 * One YAML file as a tree in which every key and value knows its place. Plain scalars get the type
 * that YAML 1.1 gives them, as PyYAML and therefore anklume itself reads them: yes and on are
 * booleans, 0750 is octal, "yes" is a string. Anchors, aliases and merge keys (<<) are resolved.
 *
 * The input is untrusted: size, depth, number of values and what aliases expand to are bounded.
 */

#include "cleanup.h"
#include "diags.h"
#include "errors.h"

#include <stdint.h>

#define YAMLDOC_SIZE_MAX (16u * 1024 * 1024)
#define YAMLDOC_DEPTH_MAX 64u
#define YAMLDOC_NODES_MAX 2000000u
#define YAMLDOC_ALIASED_MAX 100000u /* values that all aliases together stand for */
#define YAMLDOC_ANCHORS_MAX 1000u

enum yamlnode_type {
	YAMLNODE_NULL,
	YAMLNODE_BOOL,
	YAMLNODE_INT,
	YAMLNODE_FLOAT,
	YAMLNODE_DATE,
	YAMLNODE_STRING,
	YAMLNODE_LIST,
	YAMLNODE_MAP,
};

struct yamlnode {
	enum yamlnode_type type;
	bool is_plain; /* a scalar without quotes */
	bool is_true; /* BOOL */
	bool is_open; /* being read: an alias to it would be a loop */
	uint32_t weight; /* values in the expanded subtree, this one included */
	struct mark mark;
	union {
		struct {
			const char *text; /* scalars: as written, without quotes; no NUL inside */
			int64_t integer; /* INT: saturated */
		};
		struct {
			struct yamlpair *pairs; /* MAP, in the order of the file */
			size_t n_pairs;
		};
		struct {
			struct yamlnode **items; /* LIST */
			size_t n_items;
		};
	};
};

struct yamlpair {
	struct yamlnode *key; /* always a scalar; its type may be any */
	struct yamlnode *value;
};

struct yamldoc; /* opaque; owns all its nodes */

/*
 * Read and parse the file at PATH. -EINVAL: it could not be read to its end as YAML, the errors are
 * in DIAGS. Other errno: it could not be read, and ERR says why. 0: *RET is what was found, but
 * DIAGS may have errors all the same: of a key that is there twice the first counts, and a control
 * character is replaced, so that all errors of a file come in one run.
 */
int yamldoc_load(const char *path, struct diags *diags, struct yamldoc **ret, struct error *err);

/* As above for LEN bytes of TEXT that are called NAME in messages. -EINVAL or -ENOMEM. */
int yamldoc_parse(
	const char *name, const char *text, size_t len, struct diags *diags, struct yamldoc **ret);

void yamldoc_free(struct yamldoc *doc);

/* The document's value; a NULL node marked as the whole file when there is none. Borrowed. */
const struct yamlnode *yamldoc_root(const struct yamldoc *doc);

/* A string node TEXT (copied) that stands for the file itself. NULL when out of memory. */
struct yamlnode *yamldoc_add_name(struct yamldoc *doc, const char *text);

/* The pair or the value of KEY in MAP. NULL when it is missing or MAP (may be NULL) is no map. */
const struct yamlpair *yamlnode_find(const struct yamlnode *map, const char *key);
const struct yamlnode *yamlnode_get(const struct yamlnode *map, const char *key);

/* As yamlnode_get(), but NULL for an empty value, which anklume reads as an absent one. */
const struct yamlnode *yamlnode_get_set(const struct yamlnode *map, const char *key);

static inline bool yamlnode_is(const struct yamlnode *node, enum yamlnode_type type)
{
	return node && node->type == type;
}

/* "a string", "a mapping" ... for messages. */
const char *yamlnode_kind(const struct yamlnode *node);

/*
 * TEXT cut to a length that suits a message, "..." showing the cut. Control characters are
 * struct diags' business.
 */
#define YAMLDOC_SHOWN_MAX 64
struct shown {
	char text[YAMLDOC_SHOWN_MAX + 4];
};
const char *shown_set(struct shown *shown, const char *text);

/* The same in a buffer that lives as long as the block around it. */
#define SHOWN(text) shown_set(&(struct shown){{0}}, text)

DEFINE_CLEANUP(yamldoc_freep, struct yamldoc *, yamldoc_free)

#define cleanup_yamldoc cleanup_(yamldoc_freep)

#endif
