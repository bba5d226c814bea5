/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "world.h"

#include <string.h>

#include "array.h"

void world_init(struct world *world)
{
	*world = (struct world){0};
}

static void objects_finish(struct world_objects *objects)
{
	for (size_t i = 0; i < objects->n_items; i++) {
		struct world_object *o = &objects->items[i];

		for (size_t j = 0; j < o->n_users; j++) {
			free(o->users[j].project);
			free(o->users[j].name);
		}
		free(o->users);
		free(o->name);
	}
	free(objects->items);
}

void world_finish(struct world *world)
{
	for (size_t i = 0; i < world->n_projects; i++) {
		struct world_project *p = &world->projects[i];

		for (size_t j = 0; j < p->n_instances; j++)
			free(p->instances[j].name);
		free(p->instances);
		objects_finish(&p->images);
		objects_finish(&p->profiles);
		objects_finish(&p->networks);
		objects_finish(&p->volumes);
		free(p->name);
	}
	free(world->projects);
	world_init(world);
}

struct world_project *world_add_project(struct world *world, const char *name)
{
	struct world_project *p = array_append(&world->projects, &world->n_projects, sizeof(*p));

	if (!p)
		return NULL;
	p->name = strdup(name);
	return p->name ? p : NULL;
}

struct world_instance *world_add_instance(struct world_project *project, const char *name)
{
	struct world_instance *i =
		array_append(&project->instances, &project->n_instances, sizeof(*i));

	if (!i)
		return NULL;
	i->name = strdup(name);
	return i->name ? i : NULL;
}

struct world_object *world_add_object(struct world_objects *objects, const char *name)
{
	struct world_object *o = array_append(&objects->items, &objects->n_items, sizeof(*o));

	if (!o)
		return NULL;
	o->is_managed = true;
	o->name = strdup(name);
	return o->name ? o : NULL;
}

struct world_user *world_add_user(struct world_object *object, enum world_user_kind kind,
	const char *project, const char *name)
{
	struct world_user *u = array_append(&object->users, &object->n_users, sizeof(*u));

	if (!u)
		return NULL;
	u->kind = kind;
	u->project = strdup(project);
	u->name = strdup(name);
	return u->project && u->name ? u : NULL;
}

/* Every item of the world begins with its name. */
static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(void *items, size_t n, size_t size)
{
	if (n > 1)
		qsort(items, n, size, compare_names);
}

static void sort_objects(struct world_objects *objects)
{
	sort(objects->items, objects->n_items, sizeof(*objects->items));
}

void world_sort(struct world *world)
{
	sort(world->projects, world->n_projects, sizeof(*world->projects));
	for (size_t i = 0; i < world->n_projects; i++) {
		struct world_project *p = &world->projects[i];

		sort(p->instances, p->n_instances, sizeof(*p->instances));
		sort_objects(&p->images);
		sort_objects(&p->profiles);
		sort_objects(&p->networks);
		sort_objects(&p->volumes);
	}
}

struct world_project *world_find_project(const struct world *world, const char *name)
{
	for (size_t i = 0; i < world->n_projects; i++) {
		if (strcmp(world->projects[i].name, name) == 0)
			return &world->projects[i];
	}
	return NULL;
}

struct world_instance *world_find_instance(const struct world_project *project, const char *name)
{
	for (size_t i = 0; i < project->n_instances; i++) {
		if (strcmp(project->instances[i].name, name) == 0)
			return &project->instances[i];
	}
	return NULL;
}
