/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "vtree.h"

#include <string.h>
#include <time.h>

#define FIXED_ID (UINT64_C(1) << 62)
#define KIND_SHIFT 56
#define ROW_MASK ((UINT64_C(1) << KIND_SHIFT) - 1)

uint64_t vtree_make_id(enum vtree_kind kind, uint64_t row)
{
	return kind == VTREE_ROOT ? VTREE_ROOT_ID : FIXED_ID | (uint64_t)kind << KIND_SHIFT | row;
}

bool vtree_is_fixed_id(uint64_t id)
{
	return id == VTREE_ROOT_ID || (id & FIXED_ID);
}

enum vtree_kind vtree_id_kind(uint64_t id)
{
	return id & FIXED_ID ? (enum vtree_kind)((id & ~FIXED_ID) >> KIND_SHIFT) : VTREE_ROOT;
}

uint64_t vtree_id_row(uint64_t id)
{
	return id & ROW_MASK;
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(((const struct vtree_entry *)a)->name, ((const struct vtree_entry *)b)->name);
}

static int compare_dirs(const void *a, const void *b)
{
	uint64_t x = ((const struct vtree_dir *)a)->id;
	uint64_t y = ((const struct vtree_dir *)b)->id;

	return x < y ? -1 : x > y;
}

/* A new directory of N children under PARENT; its children are filled in by the caller. */
static struct vtree_dir *add_dir(
	struct vtree *tree, uint64_t id, uint64_t parent, const char *name, size_t n)
{
	struct vtree_dir *dir = &tree->dirs[tree->n_dirs];

	dir->id = id;
	dir->parent = parent;
	dir->name = strdup(name);
	dir->entries = calloc(n ? n : 1, sizeof(*dir->entries));
	tree->n_dirs++; /* counted before the check, so that vtree_free() sees a half-made one */
	return dir->name && dir->entries ? dir : NULL;
}

static void add_entry(struct vtree_dir *dir, const char *name, uint64_t id)
{
	dir->entries[dir->n_entries++] = (struct vtree_entry){.name = name, .id = id};
}

static int add_machine(struct vtree *tree, uint64_t parent, const struct machine *machine,
	const char **ret_name, uint64_t *ret_id)
{
	uint64_t id = vtree_make_id(VTREE_MACHINE, (uint64_t)machine->id);
	struct vtree_dir *dir = add_dir(tree, id, parent, machine->name, machine->n_volumes);

	if (!dir)
		return -ENOMEM;

	for (size_t i = 0; i < machine->n_volumes; i++) {
		const struct volume *v = &machine->volumes[i];
		char *name = strdup(v->name);

		if (!name)
			return -ENOMEM;
		tree->volume_names[tree->n_volume_names++] = name;
		add_entry(dir, name, vtree_make_id(VTREE_VOLUME, (uint64_t)v->id));
	}
	*ret_name = dir->name;
	*ret_id = id;
	return 0;
}

static int add_domain(
	struct vtree *tree, const struct domain *domain, const char **ret_name, uint64_t *ret_id)
{
	uint64_t id = vtree_make_id(VTREE_DOMAIN, (uint64_t)domain->id);
	struct vtree_dir *dir = add_dir(tree, id, VTREE_ROOT_ID, domain->name, domain->n_machines);
	int r = dir ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < domain->n_machines; i++) {
		const char *name;
		uint64_t child;

		r = add_machine(tree, id, &domain->machines[i], &name, &child);
		if (r == 0)
			add_entry(dir, name, child);
	}
	if (r < 0)
		return r;
	*ret_name = dir->name;
	*ret_id = id;
	return 0;
}

static int fill(struct vtree *tree, const struct infra *infra)
{
	struct vtree_dir *root = add_dir(tree, VTREE_ROOT_ID, VTREE_ROOT_ID, "", infra->n_domains);
	int r = root ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < infra->n_domains; i++) {
		const char *name;
		uint64_t id;

		r = add_domain(tree, &infra->domains[i], &name, &id);
		if (r == 0)
			add_entry(root, name, id);
	}
	return r;
}

static bool row_ids_fit(const struct infra *infra)
{
	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		if (d->id <= 0 || (uint64_t)d->id > ROW_MASK)
			return false;
		for (size_t j = 0; j < d->n_machines; j++) {
			if (d->machines[j].id <= 0 || (uint64_t)d->machines[j].id > ROW_MASK)
				return false;
		}
	}
	return true;
}

int vtree_build(const struct infra *infra, struct vtree **ret)
{
	struct vtree *tree = calloc(1, sizeof(*tree));
	size_t n_dirs = 1 + infra->n_domains;
	int r = -ENOMEM;

	if (!tree)
		return -ENOMEM;
	for (size_t i = 0; i < infra->n_domains; i++)
		n_dirs += infra->domains[i].n_machines;

	tree->built = time(NULL);
	tree->dirs = calloc(n_dirs, sizeof(*tree->dirs));
	tree->volume_names = calloc(infra_count_volumes(infra) + 1, sizeof(char *));
	if (tree->dirs && tree->volume_names)
		r = row_ids_fit(infra) ? fill(tree, infra) : -ERANGE;
	if (r < 0) {
		vtree_free(tree);
		return r;
	}

	for (size_t i = 0; i < tree->n_dirs; i++)
		qsort(tree->dirs[i].entries, tree->dirs[i].n_entries, sizeof(struct vtree_entry),
			compare_entries);
	qsort(tree->dirs, tree->n_dirs, sizeof(*tree->dirs), compare_dirs);
	*ret = tree;
	return 0;
}

void vtree_free(struct vtree *tree)
{
	if (!tree)
		return;

	for (size_t i = 0; i < tree->n_dirs; i++) {
		free(tree->dirs[i].name);
		free(tree->dirs[i].entries);
	}
	for (size_t i = 0; i < tree->n_volume_names; i++)
		free(tree->volume_names[i]);
	free(tree->volume_names);
	free(tree->dirs);
	free(tree);
}

const struct vtree_dir *vtree_dir(const struct vtree *tree, uint64_t id)
{
	struct vtree_dir key = {.id = id};

	return bsearch(&key, tree->dirs, tree->n_dirs, sizeof(key), compare_dirs);
}

uint64_t vtree_child(const struct vtree_dir *dir, const char *name)
{
	struct vtree_entry key = {.name = name};
	const struct vtree_entry *entry =
		bsearch(&key, dir->entries, dir->n_entries, sizeof(key), compare_entries);

	return entry ? entry->id : 0;
}
