/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_YAMLMAP_H
#define ANKLUME_YAMLMAP_H

/* The pairs of a mapping from its children: merge keys unfolded, each key once. */

#include "yamldoc.h"

/*
 * CHILDREN are N nodes, key and value by turns. A merge key (<<) adds the pairs of its value behind
 * the map's own, which win; of several maps in a list the first wins. *RET is the caller's.
 * -EINVAL: '<<' has a value that cannot be merged; -ENOMEM. A key that is no scalar or is there
 * twice is an error in DIAGS and left out.
 */
int yamlmap_collect(struct yamlnode *const *children, size_t n, struct diags *diags,
	struct yamlpair **ret, size_t *ret_n);

#endif
