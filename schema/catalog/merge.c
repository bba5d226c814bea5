/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "merge.h"

#include "cleanup.h"

#include <string.h>

static const char *name_of(const void *item, size_t name_offset)
{
	return *(char *const *)((const char *)item + name_offset);
}

static int compare(const void *a, const void *b, void *name_offset)
{
	return strcmp(name_of(*(void *const *)a, *(size_t *)name_offset),
		name_of(*(void *const *)b, *(size_t *)name_offset));
}

/* Pointers to the N items of SIZE bytes, sorted by name. NULL when out of memory. */
static void **sort_by_name(void *items, size_t n, size_t size, size_t name_offset)
{
	void **sorted = calloc(n + 1, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < n; i++)
		sorted[i] = (char *)items + i * size;
	qsort_r(sorted, n, sizeof(*sorted), compare, &name_offset);
	return sorted;
}

int merge_init(struct merge *m, void *have, size_t n_have, void *want, size_t n_want, size_t size,
	size_t name_offset)
{
	*m = (struct merge){
		.have = sort_by_name(have, n_have, size, name_offset),
		.want = sort_by_name(want, n_want, size, name_offset),
		.n_have = n_have,
		.n_want = n_want,
		.name_offset = name_offset,
	};
	return m->have && m->want ? 0 : -ENOMEM;
}

void merge_finish(struct merge *m)
{
	int saved_errno = errno;

	free(m->have);
	free(m->want);
	*m = (struct merge){0};
	errno = saved_errno;
}

const char *merge_next(struct merge *m, void *ret_have, void *ret_want)
{
	const char *have = m->i < m->n_have ? name_of(m->have[m->i], m->name_offset) : NULL;
	const char *want = m->j < m->n_want ? name_of(m->want[m->j], m->name_offset) : NULL;
	int order = have && want ? strcmp(have, want) : !have - !want;

	*(void **)ret_have = have && order <= 0 ? m->have[m->i++] : NULL;
	*(void **)ret_want = want && order >= 0 ? m->want[m->j++] : NULL;
	return have && order <= 0 ? have : want;
}

const char *merge_find_double(const struct merge *m)
{
	for (size_t i = 1; i < m->n_want; i++) {
		const char *name = name_of(m->want[i], m->name_offset);

		if (strcmp(name, name_of(m->want[i - 1], m->name_offset)) == 0)
			return name;
	}
	return NULL;
}
