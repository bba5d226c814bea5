/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules.h"

#include <string.h>

#include "naming.h"
#include "path.h"
#include "shared.h"
#include "str.h"

/* Incus refuses longer names of devices. */
#define DEVICE_NAME_MAX 64

enum mount_kind {
	MOUNT_STORAGE,
	MOUNT_USER,
	MOUNT_PROFILE,
	MOUNT_SHARED,
	MOUNT_VOLUME, /* ours: last, so that a clash is reported where it is ours to change */
};

static const char *const mount_nouns[] = {
	[MOUNT_STORAGE] = "storage volume",
	[MOUNT_USER] = "device",
	[MOUNT_PROFILE] = "profile device",
	[MOUNT_SHARED] = "shared volume",
	[MOUNT_VOLUME] = "volume",
};

/* Something that is mounted into one machine. */
struct mount {
	enum mount_kind kind;
	const char *name;
	char *path; /* normalised; owned */
	struct mark mark;
};

struct mounts {
	const struct tree *tree;
	const struct tree_machine *machine;
	struct diags *diags;
	struct mount *items;
	size_t n_items, cap_items;
};

static const struct {
	const char *dir;
	enum diag_level level;
	const char *why;
} excluded[] = {
	/* S2-4 */
	{"/tmp", DIAG_ERROR, "the machine empties it at each start"},
	{"/proc", DIAG_ERROR, "the kernel makes it"},
	{"/sys", DIAG_ERROR, "the kernel makes it"},
	{"/dev", DIAG_ERROR, "the kernel makes it"},
	{"/run", DIAG_ERROR, "the machine empties it at each start"},
	{"/var/run", DIAG_WARNING, "in most machines it is a link to '/run'"},
	{"/var/lock", DIAG_WARNING, "in most machines it is a link to '/run/lock'"},
};

static void add_mount(struct mounts *m, enum mount_kind kind, const char *name, const char *path,
	struct mark mark)
{
	cleanup_free char *copy = path_normalise(path);

	if (m->n_items == m->cap_items) {
		size_t cap = m->cap_items ? m->cap_items * 2 : 16;
		struct mount *items = reallocarray(m->items, cap, sizeof(*items));

		if (items) {
			m->items = items;
			m->cap_items = cap;
		}
	}
	if (!copy || m->n_items == m->cap_items) {
		m->diags->out_of_memory = true;
		return;
	}
	m->items[m->n_items++] = (struct mount){kind, name, steal_ptr(&copy), mark};
}

static void check_excluded(struct mounts *m, const char *name, const struct yamlnode *path)
{
	cleanup_free char *clean = path_normalise(path->text);

	if (!clean) {
		m->diags->out_of_memory = true;
		return;
	}
	if (strcmp(clean, "/") == 0)
		diags_error(m->diags, path->mark,
			"machine '%s': %s.%s: path must not be '/': a volume is no root",
			SHOWN(m->machine->key->text), tree_volumes_key(m->tree), SHOWN(name));

	for (size_t i = 0; i < ARRAY_SIZE(excluded); i++) {
		bool is_error = excluded[i].level == DIAG_ERROR;

		if (path_is_inside(clean, excluded[i].dir))
			(is_error ? diags_error : diags_warning)(m->diags, path->mark,
				"machine '%s': %s.%s: path %s in '%s': %s",
				SHOWN(m->machine->key->text), tree_volumes_key(m->tree),
				SHOWN(name), is_error ? "must not be" : "is", excluded[i].dir,
				excluded[i].why);
	}
}

static void add_volumes(struct mounts *m)
{
	const struct yamlnode *volumes = tree_volumes(m->tree, m->machine);

	for (size_t i = 0; volumes && i < volumes->n_pairs; i++) {
		const char *name = volumes->pairs[i].key->text;
		const struct yamlnode *path = tree_volume_path(volumes->pairs[i].value);

		if (name_is_valid(name) &&
			strlen(name) + strlen(PERSISTENT_DEVICE_PREFIX) > DEVICE_NAME_MAX)
			diags_error(m->diags, volumes->pairs[i].key->mark,
				"machine '%s': %s.%s: the device name '" PERSISTENT_DEVICE_PREFIX
				"...' would be longer than Incus' %d characters",
				SHOWN(m->machine->key->text), tree_volumes_key(m->tree),
				SHOWN(name), DEVICE_NAME_MAX);
		if (!path)
			continue;
		check_excluded(m, name, path);
		add_mount(m, MOUNT_VOLUME, name, path->text, path->mark);
	}
}

static void add_shared(struct mounts *m)
{
	const struct yamlnode *shared = m->tree->shared;

	for (size_t i = 0; shared && i < shared->n_pairs; i++) {
		const struct yamlpair *pair = &shared->pairs[i];
		const struct yamlnode *path = yamlnode_get_set(pair->value, "path");
		cleanup_free char *text = NULL;

		if (!shared_access(m->tree, pair, m->machine))
			continue;
		text = shared_path(pair);
		if (!text)
			m->diags->out_of_memory = true;
		else if (path_is_clean_absolute(text))
			add_mount(m, MOUNT_SHARED, pair->key->text, text,
				path ? path->mark : pair->key->mark);
	}
}

static void add_storage(struct mounts *m)
{
	const struct yamlnode *storage = yamlnode_get(m->machine->body, "storage_volumes");

	for (size_t i = 0; yamlnode_is(storage, YAMLNODE_MAP) && i < storage->n_pairs; i++) {
		const struct yamlnode *path = tree_volume_path(storage->pairs[i].value);

		if (path)
			add_mount(m, MOUNT_STORAGE, storage->pairs[i].key->text, path->text,
				path->mark);
	}
}

/* Disk devices with a path; the root disk at '/' holds everything and is in nobody's way. */
static void add_devices(struct mounts *m, enum mount_kind kind, const struct yamlnode *devices,
	const struct yamlnode *overriding)
{
	for (size_t i = 0; yamlnode_is(devices, YAMLNODE_MAP) && i < devices->n_pairs; i++) {
		const struct yamlpair *pair = &devices->pairs[i];
		const struct yamlnode *path = tree_volume_path(pair->value);

		if (!path || strcmp(path->text, "/") == 0 || pair->value->type != YAMLNODE_MAP)
			continue;
		if (strcmp(tree_text(pair->value, "type", ""), "disk") != 0)
			continue;
		if (yamlnode_find(overriding, pair->key->text))
			continue;
		add_mount(m, kind, pair->key->text, path->text, path->mark);
	}
}

static void add_profiles(struct mounts *m)
{
	const struct yamlnode *names = yamlnode_get(m->machine->body, "profiles");
	const struct yamlnode *known =
		yamlnode_get(tree_domain_of(m->tree, m->machine)->body, "profiles");
	const struct yamlnode *own = yamlnode_get(m->machine->body, "devices");

	for (size_t i = 0; yamlnode_is(names, YAMLNODE_LIST) && i < names->n_items; i++) {
		const struct yamlnode *name = names->items[i];
		const struct yamlnode *profile = NULL;

		if (name->type == YAMLNODE_STRING)
			profile = yamlnode_get(known, name->text);
		add_devices(m, MOUNT_PROFILE, yamlnode_get(profile, "devices"), own);
	}
}

/* By path with '/' before all other bytes, so that a directory's children follow it at once. */
static int compare_paths(const char *a, const char *b)
{
	for (; *a && *a == *b; a++)
		b++;
	if (*a == *b)
		return 0;
	if (!*a || !*b)
		return *a ? 1 : -1;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int compare_mounts(const void *a, const void *b)
{
	const struct mount *x = a;
	const struct mount *y = b;
	int r = compare_paths(x->path, y->path);

	if (r == 0)
		r = (int)x->kind - (int)y->kind;
	if (r == 0 && x->mark.line != y->mark.line)
		r = x->mark.line < y->mark.line ? -1 : 1;
	return r ? r : x->mark.col < y->mark.col ? -1 : x->mark.col > y->mark.col;
}

static void report_equal(struct mounts *m, const struct mount *first, const struct mount *second)
{
	cleanup_free char *place = diags_place(m->diags, first->mark);

	if (second->kind == MOUNT_VOLUME)
		diags_error(m->diags, second->mark,
			"machine '%s': %s.%s: duplicate mount path '%s', used by %s '%s' at %s",
			SHOWN(m->machine->key->text), tree_volumes_key(m->tree),
			SHOWN(second->name), SHOWN(second->path), mount_nouns[first->kind],
			SHOWN(first->name), place ? place : "?");
	else if (second->kind == MOUNT_SHARED && first->kind == MOUNT_SHARED)
		diags_error(m->diags, second->mark,
			"shared volume '%s': duplicate mount path '%s' on machine '%s', "
			"used by shared volume '%s' at %s",
			SHOWN(second->name), SHOWN(second->path), SHOWN(m->machine->key->text),
			SHOWN(first->name), place ? place : "?");
}

static void report_nested(struct mounts *m, const struct mount *outer, const struct mount *inner)
{
	const struct mount *ours = inner->kind == MOUNT_VOLUME ? inner : outer;

	if (ours->kind != MOUNT_VOLUME)
		return;
	diags_warning(m->diags, ours->mark,
		"machine '%s': '%s' (%s '%s') lies inside '%s' (%s '%s'): mount '%s' first, or it "
		"hides the other",
		SHOWN(m->machine->key->text), SHOWN(inner->path), mount_nouns[inner->kind],
		SHOWN(inner->name), SHOWN(outer->path), mount_nouns[outer->kind],
		SHOWN(outer->name), SHOWN(outer->path));
}

/*
 * Sorted as above, the directories around a path are the last ones seen that it lies inside:
 * each mount keeps the index of the one around it.
 */
static void check_paths(struct mounts *m)
{
	cleanup_free size_t *around = reallocarray(NULL, m->n_items + 1, sizeof(*around));

	if (!around) {
		m->diags->out_of_memory = true;
		return;
	}
	if (m->n_items)
		qsort(m->items, m->n_items, sizeof(*m->items), compare_mounts);

	for (size_t i = 0; i < m->n_items; i++) {
		const struct mount *item = &m->items[i];
		size_t up = i ? i - 1 : SIZE_MAX;

		if (i && strcmp(m->items[i - 1].path, item->path) == 0) {
			around[i] = around[i - 1];
			report_equal(m, &m->items[i - 1], item);
			continue;
		}
		while (up != SIZE_MAX && !path_is_inside(item->path, m->items[up].path))
			up = around[up];
		around[i] = up;
		if (up != SIZE_MAX && strcmp(m->items[up].path, "/") != 0)
			report_nested(m, &m->items[up], item);
	}
}

/* "pd-" belongs to our devices, whoever would make another one of that name. */
static void check_reserved(struct mounts *m, const char *key, const char *noun)
{
	const struct yamlnode *map = yamlnode_get(m->machine->body, key);
	const struct yamlnode *volumes = tree_volumes(m->tree, m->machine);

	for (size_t i = 0; yamlnode_is(map, YAMLNODE_MAP) && i < map->n_pairs; i++) {
		const struct yamlnode *name = map->pairs[i].key;
		const struct yamlpair *volume;
		cleanup_free char *place = NULL;

		if (!str_has_prefix(name->text, PERSISTENT_DEVICE_PREFIX))
			continue;
		volume = yamlnode_find(volumes, name->text + strlen(PERSISTENT_DEVICE_PREFIX));
		if (!volume) {
			diags_error(m->diags, name->mark,
				"machine '%s': %s '%s': names with '" PERSISTENT_DEVICE_PREFIX
				"' are reserved for volumes",
				SHOWN(m->machine->key->text), noun, SHOWN(name->text));
			continue;
		}
		place = diags_place(m->diags, name->mark);
		diags_error(m->diags, volume->key->mark,
			"machine '%s': %s.%s: device name '%s' collision with the %s at %s",
			SHOWN(m->machine->key->text), tree_volumes_key(m->tree),
			SHOWN(volume->key->text), SHOWN(name->text), noun, place ? place : "?");
	}
}

static void check_machine(
	const struct tree *tree, const struct tree_machine *machine, struct diags *diags)
{
	struct mounts m = {.tree = tree, .machine = machine, .diags = diags};

	add_volumes(&m);
	add_shared(&m);
	add_storage(&m);
	add_devices(&m, MOUNT_USER, yamlnode_get(machine->body, "devices"), NULL);
	add_profiles(&m);
	check_paths(&m);
	check_reserved(&m, "devices", "device");
	check_reserved(&m, "storage_volumes", "storage volume");

	for (size_t i = 0; i < m.n_items; i++)
		free(m.items[i].path);
	free(m.items);
}

void rules_check_mounts(const struct tree *tree, struct diags *diags)
{
	for (size_t i = 0; i < tree->n_machines; i++)
		check_machine(tree, &tree->machines[i], diags);
}
