/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ENRICH_H
#define ANKLUME_ENRICH_H

/* A checked tree as nouns: defaults filled in, names towards Incus derived. Pure. */

#include "device.h"
#include "tree.h"

/*
 * The nesting prefix of Incus names for this spec where the level's own prefix is LEVEL_PREFIX:
 * LEVEL_PREFIX, or "" when the spec switches it off. The anklume layout has none at level 0.
 */
const char *enrich_prefix(
	enum key_layout layout, const struct yamlnode *root, const char *level_prefix);

/* persistent_data_base, normalised, or its default. Caller frees; NULL when out of memory. */
char *enrich_data_base(const struct tree *tree);

/* Fill RET, which the caller finishes: domains, machines and volumes in the tree's order. -ENOMEM. */
int enrich_infra(const struct tree *tree, const char *prefix, struct infra *ret);

/*
 * Append the devices of machine MACHINE_INDEX of domain DOMAIN_INDEX (equal in INFRA and TREE) in
 * upstream's order: sv-, pd-, the machine's own. -ENOMEM.
 */
int enrich_devices(const struct tree *tree, const struct infra *infra, const char *data_base,
	size_t domain_index, size_t machine_index, struct device_list *ret);

#endif
