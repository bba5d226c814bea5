/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "resource.h"

#include <string.h>

#include "str.h"
#include "url.h"

/* Where each kind is found. */
static const struct {
	const char *name;
	const char *collection;
	const char *key; /* of the object's name */
	bool has_project;
} kinds[N_INCUS_KINDS] = {
	[INCUS_PROJECT] = {"project", "projects", "name", false},
	[INCUS_PROFILE] = {"profile", "profiles", "name", true},
	[INCUS_NETWORK] = {"network", "networks", "name", true},
	[INCUS_IMAGE] = {"image", "images", "fingerprint", true},
	[INCUS_VOLUME] = {"volume", NULL, "name", true},
	[INCUS_POOL] = {"storage pool", "storage-pools", "name", false},
};

const char *incus_kind_name(enum incus_kind kind)
{
	return kinds[kind].name;
}

static void resource_finish(struct incus_resource *res)
{
	free(res->project);
	free(res->pool);
	free(res->name);
	json_decref(res->json);
}

void incus_resource_list_finish(struct incus_resource_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		resource_finish(&list->items[i]);
	free(list->items);
	*list = (struct incus_resource_list){NULL, 0};
}

/* The member KEY of JSON, FALLBACK (stolen) put there when it is missing. Borrowed. */
static json_t *member(json_t *json, const char *key, json_t *fallback)
{
	json_t *found = json_object_get(json, key);

	if (found && json_typeof(found) == json_typeof(fallback)) {
		json_decref(fallback);
		return found;
	}
	return json_object_set_new(json, key, fallback) == 0 ? fallback : NULL;
}

static int copy_text(char **to, const char *text)
{
	*to = text ? strdup(text) : NULL;
	return text && !*to ? -ENOMEM : 0;
}

static int parse(enum incus_kind kind, json_t *json, const char *project, const char *pool,
	struct incus_resource *ret, struct error *err)
{
	const char *name = json_string_value(json_object_get(json, kinds[kind].key));
	const char *own = json_string_value(json_object_get(json, "project"));
	json_t *managed = json_object_get(json, "managed");

	if (!name)
		return error_set(err, -EBADMSG, "Incus sent a nameless %s", incus_kind_name(kind));

	*ret = (struct incus_resource){.kind = kind, .json = json_incref(json)};
	if (own)
		project = own;
	ret->config = member(json, "config", json_object());
	ret->devices = member(json, "devices", json_object());
	ret->used_by = member(json, "used_by", json_array());
	if (copy_text(&ret->name, name) < 0 || copy_text(&ret->pool, pool) < 0 ||
		copy_text(&ret->project, kinds[kind].has_project ? project : NULL) < 0 ||
		!ret->config || !ret->devices || !ret->used_by) {
		resource_finish(ret);
		return error_set(err, -ENOMEM, "out of memory");
	}
	ret->n_used_by = json_array_size(ret->used_by);
	ret->is_managed = !managed || json_is_true(managed);
	return 0;
}

/* A snapshot is called "volume/snapshot". */
static bool is_snapshot(enum incus_kind kind, json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));

	return kind == INCUS_VOLUME && name && strchr(name, '/');
}

/* Append what GET PATH (owned) lists. */
static int append(struct incus *incus, enum incus_kind kind, char *path, const char *project,
	const char *pool, struct incus_resource_list *list, struct error *err)
{
	cleanup_incus_json json_t *array = NULL;
	struct incus_resource *items;
	json_t *item;
	size_t i;
	int r;

	r = incus_get(incus, path, &array, NULL, err);
	if (r < 0)
		return r;
	items = reallocarray(
		list->items, list->n_items + json_array_size(array) + 1, sizeof(*items));
	if (!items)
		return error_set(err, -ENOMEM, "out of memory");
	list->items = items;

	json_array_foreach (array, i, item) {
		if (is_snapshot(kind, item))
			continue;
		r = parse(kind, item, project, pool, &items[list->n_items], err);
		if (r < 0)
			return r;
		list->n_items++;
	}
	return 0;
}

static int append_volumes(struct incus *incus, const char *project,
	struct incus_resource_list *list, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list pools = {NULL, 0};
	int r = incus_resource_list(incus, INCUS_POOL, NULL, &pools, err);

	for (size_t i = 0; i < pools.n_items && r == 0; i++) {
		const char *pool = pools.items[i].name;
		const char *fmt = "/1.0/storage-pools/%s/volumes/custom?recursion=1&project=%s";
		char *path = project ? url_format(fmt, pool, project)
				     : url_format("/1.0/storage-pools/%s/volumes/custom"
						  "?recursion=1&all-projects=true",
					       pool);

		r = append(incus, INCUS_VOLUME, path, project, pool, list, err);
	}
	return r;
}

static char *list_path(enum incus_kind kind, const char *project)
{
	if (!kinds[kind].has_project)
		return url_format("/1.0/%s?recursion=1", kinds[kind].collection);
	if (!project)
		return url_format("/1.0/%s?recursion=1&all-projects=true", kinds[kind].collection);
	return url_format("/1.0/%s?recursion=1&project=%s", kinds[kind].collection, project);
}

int incus_resource_list(struct incus *incus, enum incus_kind kind, const char *project,
	struct incus_resource_list *ret, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list list = {NULL, 0};
	int r;

	if (kind == INCUS_VOLUME)
		r = append_volumes(incus, project, &list, err);
	else
		r = append(incus, kind, list_path(kind, project), project, NULL, &list, err);
	if (r < 0)
		return r;

	*ret = list;
	list = (struct incus_resource_list){NULL, 0};
	return 0;
}

static char *resource_path(const struct incus_resource *res)
{
	const char *project = res->project ? res->project : "default";

	if (res->kind == INCUS_VOLUME)
		return url_format("/1.0/storage-pools/%s/volumes/custom/%s?project=%s", res->pool,
			res->name, project);
	if (!kinds[res->kind].has_project)
		return url_format("/1.0/%s/%s", kinds[res->kind].collection, res->name);
	return url_format("/1.0/%s/%s?project=%s", kinds[res->kind].collection, res->name, project);
}

int incus_resource_delete(
	struct incus *incus, const struct incus_resource *resource, struct error *err)
{
	return incus_send(incus, "DELETE", resource_path(resource), NULL, err);
}

int incus_resource_edit(struct incus *incus, const struct incus_resource *resource,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err)
{
	return incus_edit(incus, resource_path(resource), edit, context, err);
}

void incus_resource_prepare_delete(struct incus_call *call, const struct incus_resource *resource)
{
	*call = (struct incus_call){.method = "DELETE", .path = resource_path(resource)};
}
