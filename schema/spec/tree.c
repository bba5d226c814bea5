/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include <string.h>

#include "path.h"
#include "str.h"
#include "universal_map.h"

static int compare_machines(const void *a, const void *b, void *data)
{
	const struct tree *tree = data;
	size_t x = *(const size_t *)a;
	size_t y = *(const size_t *)b;
	int r = strcmp(tree->machines[x].name, tree->machines[y].name);

	return r ? r : x < y ? -1 : x > y;
}

static int compare_domains(const void *a, const void *b, void *data)
{
	const struct tree *tree = data;
	size_t x = *(const size_t *)a;
	size_t y = *(const size_t *)b;
	int r = strcmp(tree->domains[x].key->text, tree->domains[y].key->text);

	return r ? r : x < y ? -1 : x > y;
}

static int make_index(size_t n, size_t **ret, int (*compare)(const void *, const void *, void *),
	struct tree *tree)
{
	size_t *index = reallocarray(NULL, n + 1, sizeof(*index));

	if (!index)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		index[i] = i;
	qsort_r(index, n, sizeof(*index), compare, tree);
	*ret = index;
	return 0;
}

static char *full_name(const struct tree *tree, const char *domain, const char *machine)
{
	char *name;

	if (tree->layout == LAYOUT_INFRA)
		return strdup(machine);
	return asprintf(&name, "%s-%s", domain, machine) < 0 ? NULL : name;
}

/* "universal", or a list: what it stands for, which all others then take for a map. */
static int expand_universal(const struct tree *tree, struct tree_machine *m)
{
	const struct yamlnode *value = yamlnode_get(m->body, tree_volumes_key(tree));

	if (!value || !universal_map_is_valid(value))
		return 0;
	m->universal = universal_map_new(value);
	return m->universal ? 0 : -ENOMEM;
}

static int add_machines(struct tree *tree, struct tree_domain *domain, size_t index)
{
	const struct yamlnode *map = yamlnode_get_set(domain->body, "machines");

	domain->first_machine = tree->n_machines;
	for (size_t i = 0; yamlnode_is(map, YAMLNODE_MAP) && i < map->n_pairs; i++) {
		struct tree_machine *m = &tree->machines[tree->n_machines];

		if (map->pairs[i].value->type != YAMLNODE_MAP)
			continue;
		m->key = map->pairs[i].key;
		m->body = map->pairs[i].value;
		m->domain = index;
		m->name = full_name(tree, domain->key->text, m->key->text);
		tree->n_machines++;
		domain->n_machines++;
		if (!m->name || expand_universal(tree, m) < 0)
			return -ENOMEM;
	}
	return 0;
}

static size_t count_machines(const struct yamlpair *domains, size_t n)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		const struct yamlnode *map = yamlnode_get(domains[i].value, "machines");

		if (yamlnode_is(map, YAMLNODE_MAP))
			count += map->n_pairs;
	}
	return count;
}

static int fill(struct tree *tree, const struct yamlpair *domains, size_t n)
{
	int r;

	tree->domains = calloc(n + 1, sizeof(*tree->domains));
	tree->machines = calloc(count_machines(domains, n) + 1, sizeof(*tree->machines));
	if (!tree->domains || !tree->machines)
		return -ENOMEM;

	for (size_t i = 0; i < n; i++) {
		struct tree_domain *d = &tree->domains[tree->n_domains];

		if (domains[i].value->type != YAMLNODE_MAP)
			continue;
		d->key = domains[i].key;
		d->body = domains[i].value;
		r = add_machines(tree, d, tree->n_domains);
		if (r < 0)
			return r;
		tree->n_domains++;
	}
	r = make_index(tree->n_machines, &tree->by_name, compare_machines, tree);
	if (r == 0)
		r = make_index(tree->n_domains, &tree->domains_by_name, compare_domains, tree);
	return r;
}

int tree_init(struct tree *ret, enum key_layout layout, const struct yamlnode *root,
	const struct yamlnode *policies, const struct yamlpair *domains, size_t n)
{
	int r;

	*ret = (struct tree){.layout = layout, .root = root};
	if (layout == LAYOUT_INFRA) {
		ret->global = yamlnode_get_set(root, "global");
		ret->shared = yamlnode_get_set(root, "shared_volumes");
	}
	if (!yamlnode_is(ret->global, YAMLNODE_MAP))
		ret->global = NULL;
	if (!yamlnode_is(ret->shared, YAMLNODE_MAP))
		ret->shared = NULL;
	if (yamlnode_is(policies, YAMLNODE_LIST))
		ret->policies = policies;

	r = fill(ret, domains, n);
	if (r < 0)
		tree_finish(ret);
	return r;
}

void tree_finish(struct tree *tree)
{
	for (size_t i = 0; i < tree->n_machines; i++) {
		free(tree->machines[i].name);
		free(tree->machines[i].universal);
	}
	free(tree->machines);
	free(tree->domains);
	free(tree->by_name);
	free(tree->domains_by_name);
	*tree = (struct tree){0};
}

const struct tree_domain *tree_find_domain(const struct tree *tree, const char *name)
{
	size_t low = 0;
	size_t high = tree->n_domains;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct tree_domain *d = &tree->domains[tree->domains_by_name[middle]];

		if (strcmp(d->key->text, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == tree->n_domains ||
		strcmp(tree->domains[tree->domains_by_name[low]].key->text, name) != 0)
		return NULL;
	return &tree->domains[tree->domains_by_name[low]];
}

const struct tree_machine *tree_find_machine(const struct tree *tree, const char *name)
{
	size_t low = 0;
	size_t high = tree->n_machines;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(tree->machines[tree->by_name[middle]].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == tree->n_machines || strcmp(tree->machines[tree->by_name[low]].name, name) != 0)
		return NULL;
	return &tree->machines[tree->by_name[low]];
}

const char *tree_volumes_key(const struct tree *tree)
{
	return tree->layout == LAYOUT_INFRA ? "persistent_data" : "persistent";
}

const struct yamlnode *tree_volumes(const struct tree *tree, const struct tree_machine *machine)
{
	const struct yamlnode *map = yamlnode_get(machine->body, tree_volumes_key(tree));

	if (machine->universal)
		return &machine->universal->map;
	return yamlnode_is(map, YAMLNODE_MAP) ? map : NULL;
}

const struct yamlnode *tree_volume_path(const struct yamlnode *volume)
{
	const struct yamlnode *path = volume;

	if (volume->type == YAMLNODE_MAP)
		path = yamlnode_get(volume, "path");
	if (!yamlnode_is(path, YAMLNODE_STRING) || !path_is_clean_absolute(path->text))
		return NULL;
	return path;
}

bool tree_bool(const struct yamlnode *map, const char *key, bool fallback)
{
	const struct yamlnode *value = yamlnode_get(map, key);

	return yamlnode_is(value, YAMLNODE_BOOL) ? value->is_true : fallback;
}

const char *tree_text(const struct yamlnode *map, const char *key, const char *fallback)
{
	const struct yamlnode *value = yamlnode_get(map, key);

	return yamlnode_is(value, YAMLNODE_STRING) ? value->text : fallback;
}
