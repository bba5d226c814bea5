/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devshare.h"

#include "array.h"
#include "naming.h"
#include "path.h"
#include "str.h"

#include <string.h>

/* One use of a source by one instance. */
struct use {
	char *source;
	size_t instance;
};

struct use_list {
	struct use *items;
	size_t n_items;
};

static void use_list_finish(struct use_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		free(list->items[i].source);
	free(list->items);
}

void devshare_list_finish(struct devshare_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].source);
		free(list->items[i].instances);
	}
	free(list->items);
	*list = (struct devshare_list){NULL, 0};
}

static int compare_uses(const void *a, const void *b)
{
	const struct use *x = a;
	const struct use *y = b;
	int r = strcmp(x->source, y->source);

	return r ? r : (x->instance > y->instance) - (x->instance < y->instance);
}

static int add_uses(
	struct use_list *list, const struct device_list *devices, size_t instance, const char *tree)
{
	for (size_t i = 0; i < devices->n_items; i++) {
		const char *source = device_get(&devices->items[i], "source");
		cleanup_free char *normal = NULL;
		struct use *use;

		if (!str_has_prefix(devices->items[i].name, PERSISTENT_DEVICE_PREFIX) || !source ||
			*source != '/')
			continue;
		normal = path_normalise(source);
		if (!normal)
			return -ENOMEM;
		if (!path_is_inside(normal, tree))
			continue;
		use = array_append(&list->items, &list->n_items, sizeof(*use));
		if (!use)
			return -ENOMEM;
		use->source = steal_ptr(&normal);
		use->instance = instance;
	}
	return 0;
}

/* The uses at FIRST up to END are of one source; keep it when instances differ. */
static int add_share(struct devshare_list *ret, struct use *uses, size_t first, size_t end)
{
	struct devshare *share;

	if (uses[first].instance == uses[end - 1].instance)
		return 0;

	share = array_append(&ret->items, &ret->n_items, sizeof(*share));
	if (!share)
		return -ENOMEM;
	share->source = steal_ptr(&uses[first].source);
	for (size_t i = first; i < end; i++) {
		size_t *instance;

		if (i > first && uses[i].instance == uses[i - 1].instance)
			continue;
		instance = array_append(&share->instances, &share->n_instances, sizeof(*instance));
		if (!instance)
			return -ENOMEM;
		*instance = uses[i].instance;
	}
	return 0;
}

int devshare_find(const struct devshare_instance *instances, size_t n, const char *tree,
	struct devshare_list *ret)
{
	cleanup_(use_list_finish) struct use_list uses = {NULL, 0};
	size_t end;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++)
		r = add_uses(&uses, instances[i].expanded, i, tree);
	if (r < 0 || uses.n_items == 0)
		return r;

	qsort(uses.items, uses.n_items, sizeof(*uses.items), compare_uses);
	for (size_t first = 0; first < uses.n_items && r == 0; first = end) {
		end = first + 1;
		while (end < uses.n_items &&
			strcmp(uses.items[end].source, uses.items[first].source) == 0)
			end++;
		r = add_share(ret, uses.items, first, end);
	}
	return r;
}
