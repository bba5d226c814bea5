/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gather.h"

#include <string.h>

#include "instance.h"
#include "resource.h"
#include "str.h"
#include "url.h"

static int no_memory(struct error *err)
{
	return error_set(err, -ENOMEM, "out of memory");
}

static int add_projects(struct incus *incus, struct world *world, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list list = {NULL, 0};
	int r = incus_resource_list(incus, INCUS_PROJECT, NULL, &list, err);

	for (size_t i = 0; i < list.n_items && r == 0; i++) {
		if (!world_add_project(world, list.items[i].name))
			r = no_memory(err);
	}
	return r;
}

/* Incus checked them when they were set: they are numbers. */
static int64_t priority(const struct incus_instance *in, const char *key)
{
	const char *value = json_string_value(json_object_get(in->expanded_config, key));

	return value ? strtoll(value, NULL, 10) : 0;
}

static int add_instance(struct world_project *p, const struct incus_instance *in)
{
	struct world_instance *i = world_add_instance(p, in->name);

	if (!i)
		return -ENOMEM;
	i->is_protected = in->is_protected;
	/* Protected, and nothing that says so: Incus did not tell what is in force. */
	i->is_unreadable = in->is_protected &&
			   !json_object_get(in->expanded_config, "security.protection.delete");
	i->stop_priority = priority(in, "boot.stop.priority");
	i->start_priority = priority(in, "boot.autostart.priority");
	return 0;
}

/* A project that was made after the projects were listed is none of this run's business. */
static int add_instances(struct incus *incus, struct world *world, struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list list = {NULL, 0};
	int r = incus_instance_list(incus, NULL, &list, err);

	for (size_t i = 0; i < list.n_items && r == 0; i++) {
		struct world_project *p = world_find_project(world, list.items[i].project);

		if (p && add_instance(p, &list.items[i]) < 0)
			r = no_memory(err);
	}
	return r;
}

static const struct {
	const char *collection;
	enum world_user_kind kind;
} user_kinds[] = {
	{"/1.0/instances/", WORLD_USER_INSTANCE},
	{"/1.0/profiles/", WORLD_USER_PROFILE},
};

/* "/1.0/instances/web?project=pro"; without a project it is the default one's. */
static int add_user(struct world_object *o, const char *reference)
{
	cleanup_free char *name = url_last_segment(reference);
	cleanup_free char *project = url_parameter(reference, "project");
	enum world_user_kind kind = WORLD_USER_OTHER;

	for (size_t i = 0; i < ARRAY_SIZE(user_kinds); i++) {
		if (str_has_prefix(reference, user_kinds[i].collection))
			kind = user_kinds[i].kind;
	}
	if (!name || !world_add_user(o, kind, project ? project : WORLD_DEFAULT, name))
		return -ENOMEM;
	return 0;
}

/* The name of RES among the objects of its project: of a volume with its pool in front. */
static char *object_name(const struct incus_resource *res)
{
	char *text;

	if (!res->pool)
		return strdup(res->name);
	return asprintf(&text, "%s/%s", res->pool, res->name) < 0 ? NULL : text;
}

static int add_object(struct world_objects *objects, const struct incus_resource *res)
{
	cleanup_free char *name = object_name(res);
	struct world_object *o = name ? world_add_object(objects, name) : NULL;
	json_t *reference;
	size_t i;

	if (!o)
		return -ENOMEM;
	o->is_managed = res->is_managed;
	json_array_foreach (res->used_by, i, reference) {
		const char *text = json_string_value(reference);

		if (text && add_user(o, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The list of PROJECT where objects of a kind go, NULL for a kind that is not looked at. */
static struct world_objects *objects_of(struct world_project *p, enum incus_kind kind)
{
	switch (kind) {
	case INCUS_IMAGE:
		return &p->images;
	case INCUS_PROFILE:
		return &p->profiles;
	case INCUS_NETWORK:
		return &p->networks;
	case INCUS_VOLUME:
		return &p->volumes;
	default:
		return NULL;
	}
}

static int add_objects(
	struct incus *incus, enum incus_kind kind, struct world *world, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list list = {NULL, 0};
	int r = incus_resource_list(incus, kind, NULL, &list, err);

	for (size_t i = 0; i < list.n_items && r == 0; i++) {
		const char *project = list.items[i].project;
		struct world_project *p =
			world_find_project(world, project ? project : WORLD_DEFAULT);

		if (p && add_object(objects_of(p, kind), &list.items[i]) < 0)
			r = no_memory(err);
	}
	return r;
}

int gather_world(struct incus *incus, enum gather_what what, struct world *ret, struct error *err)
{
	static const enum incus_kind kinds[] = {
		INCUS_IMAGE, INCUS_PROFILE, INCUS_NETWORK, INCUS_VOLUME};
	cleanup_world struct world world = {0};
	int r;

	r = add_projects(incus, &world, err);
	if (r == 0)
		r = add_instances(incus, &world, err);
	for (size_t i = 0; i < ARRAY_SIZE(kinds) && r == 0 && what == GATHER_ALL; i++)
		r = add_objects(incus, kinds[i], &world, err);
	if (r < 0)
		return r;

	world_sort(&world);
	*ret = world;
	world_init(&world);
	return 0;
}

int gather_count_instances(struct incus *incus, const char *project, size_t *ret, struct error *err)
{
	cleanup_incus_json json_t *list = NULL;
	int r = incus_get(
		incus, url_format("/1.0/instances?project=%s", project), &list, NULL, err);

	if (r < 0)
		return r;
	if (!json_is_array(list))
		return error_set(err, -EBADMSG, "Incus sent no list of instances");
	*ret = json_array_size(list);
	return 0;
}
