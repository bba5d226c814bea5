/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_MERGE_H
#define ANKLUME_CATALOG_MERGE_H

/*
 * Two arrays of named things (domains, machines or volumes) walked side by side in name order, so
 * that comparing a spec with the records costs a sort and one pass. Pure.
 */

#include "cleanup.h"

#include <stddef.h>

struct merge {
	void **have, **want; /* sorted by name */
	size_t n_have, n_want;
	size_t i, j;
	size_t name_offset;
};

/* The arrays are borrowed and keep their order. -ENOMEM. Finish M in either case. */
int merge_init(struct merge *m, void *have, size_t n_have, void *want, size_t n_want, size_t size,
	size_t name_offset);
void merge_finish(struct merge *m);

/* The next name, NULL at the end; *RET_HAVE or *RET_WANT is NULL where that side lacks it. */
const char *merge_next(struct merge *m, void *ret_have, void *ret_want);

/* A name that stands twice on the wanted side, NULL when there is none. */
const char *merge_find_double(const struct merge *m);

#define cleanup_merge cleanup_(merge_finish)

#define MERGE_OF(type) sizeof(struct type), offsetof(struct type, name)

#endif
