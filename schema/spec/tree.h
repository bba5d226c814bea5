/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TREE_H
#define ANKLUME_TREE_H

/*
 * The parsed files of one spec as one tree, whatever the layout: what rules and enrichment read.
 * It borrows the documents' nodes. Domains and machines that are no mappings were reported by the
 * key walk and are left out.
 */

#include "keys.h"

struct tree_domain {
	const struct yamlnode *key;
	const struct yamlnode *body;
	size_t first_machine; /* in the tree's machines */
	size_t n_machines;
};

struct tree_machine {
	const struct yamlnode *key;
	const struct yamlnode *body;
	size_t domain; /* index */
	char *name; /* of its directory and its instance: upstream's full name; owned */
	struct universal_map *universal; /* NULL = its volumes are a map by themselves; owned */
};

struct tree {
	enum key_layout layout;
	const struct yamlnode *root;
	const struct yamlnode *global; /* NULL in the anklume layout */
	const struct yamlnode *shared; /* shared_volumes, NULL = none */
	const struct yamlnode *policies; /* NULL = none */
	struct tree_domain *domains;
	size_t n_domains;
	struct tree_machine *machines; /* domain by domain */
	size_t n_machines;
	size_t *by_name; /* indexes of the machines, sorted by name, then by place */
	size_t *domains_by_name;
};

/* Fill RET from DOMAINS (N pairs of name and body). The caller finishes RET. -ENOMEM. */
int tree_init(struct tree *ret, enum key_layout layout, const struct yamlnode *root,
	const struct yamlnode *policies, const struct yamlpair *domains, size_t n);
void tree_finish(struct tree *tree);

/* NULL when there is none; of several machines with one name the first. */
const struct tree_domain *tree_find_domain(const struct tree *tree, const char *name);
const struct tree_machine *tree_find_machine(const struct tree *tree, const char *name);

/*
 * The machine's volumes, a map: persistent_data or persistent, the universal ones by name. NULL when
 * it has none.
 */
const struct yamlnode *tree_volumes(const struct tree *tree, const struct tree_machine *machine);

/* The key that holds them. */
const char *tree_volumes_key(const struct tree *tree);

/*
 * The path that VOLUME (a map, or in the short form a string) mounts at, clean and absolute; NULL
 * when it has no such path.
 */
const struct yamlnode *tree_volume_path(const struct yamlnode *volume);

/* The boolean KEY of MAP, FALLBACK where it is missing or none. */
bool tree_bool(const struct yamlnode *map, const char *key, bool fallback);

/* The text of KEY in MAP when it is a string, else FALLBACK. */
const char *tree_text(const struct yamlnode *map, const char *key, const char *fallback);

static inline const struct tree_domain *tree_domain_of(
	const struct tree *tree, const struct tree_machine *machine)
{
	return &tree->domains[machine->domain];
}

#endif
