/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "instance.h"

#include <string.h>

#include "str.h"
#include "url.h"

#define STATUS_STOPPED 102
#define STATUS_ERROR 112
#define PROTECTION "security.protection.delete"
#define STOP_TIMEOUT_S 60 /* a clean stop that takes longer is an error of Incus */

void incus_instance_finish(struct incus_instance *instance)
{
	free(instance->project);
	free(instance->name);
	free(instance->status);
	json_decref(instance->json);
	*instance = (struct incus_instance){NULL};
}

void incus_instance_list_finish(struct incus_instance_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		incus_instance_finish(&list->items[i]);
	free(list->items);
	*list = (struct incus_instance_list){NULL, 0};
}

/* Incus takes "true", "1", "yes" and "on" in any case (shared/util/boolean.go). */
static bool is_true(const char *value)
{
	static const char *const words[] = {"true", "1", "yes", "on"};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (value && strcasecmp(value, words[i]) == 0)
			return true;
	}
	return false;
}

/* The object KEY of JSON, made there when it is missing. Borrowed. */
static json_t *object_of(json_t *json, const char *key)
{
	json_t *object = json_object_get(json, key);

	if (json_is_object(object))
		return object;
	return json_object_set_new(json, key, json_object()) == 0 ? json_object_get(json, key)
								  : NULL;
}

const char *incus_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

/* Numbers, not words: those are for people (doc/rest-api.md). */
static void take_status(struct incus_instance *in)
{
	in->status_code = json_integer_value(json_object_get(in->json, "status_code"));
	in->is_running = in->status_code != STATUS_STOPPED && in->status_code != STATUS_ERROR;
}

static void take_protection(struct incus_instance *in, bool is_expanded)
{
	const char *value = json_string_value(json_object_get(in->expanded_config, PROTECTION));

	in->is_protected = !is_expanded || is_true(value);
}

static int take_objects(struct incus_instance *in)
{
	in->config = object_of(in->json, "config");
	in->devices = object_of(in->json, "devices");
	in->expanded_config = object_of(in->json, "expanded_config");
	in->expanded_devices = object_of(in->json, "expanded_devices");
	return in->config && in->devices && in->expanded_config && in->expanded_devices ? 0
											: -ENOMEM;
}

int incus_instance_parse(json_t *json, struct incus_instance *ret, struct error *err)
{
	cleanup_incus_instance struct incus_instance in = {NULL};
	const char *name = json_string_value(json_object_get(json, "name"));
	const char *project = json_string_value(json_object_get(json, "project"));
	const char *status = json_string_value(json_object_get(json, "status"));
	const char *type = json_string_value(json_object_get(json, "type"));
	bool is_expanded = json_is_object(json_object_get(json, "expanded_config"));

	if (!name || !type || !json_is_integer(json_object_get(json, "status_code")))
		return error_set(
			err, -EBADMSG, "Incus sent an instance without name, type, status");

	in.json = json_incref(json);
	in.name = strdup(name);
	in.project = strdup(project ? project : "default");
	in.status = strdup(status ? status : "Unknown");
	if (!in.name || !in.project || !in.status || take_objects(&in) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	in.is_vm = str_equal(type, "virtual-machine");
	in.is_ephemeral = json_is_true(json_object_get(json, "ephemeral"));
	take_status(&in);
	take_protection(&in, is_expanded);

	*ret = in;
	in = (struct incus_instance){NULL};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct incus_instance *x = a;
	const struct incus_instance *y = b;
	int r = strcmp(x->project, y->project);

	return r ? r : strcmp(x->name, y->name);
}

int incus_instance_list(struct incus *incus, const char *project, struct incus_instance_list *ret,
	struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list list = {NULL, 0};
	cleanup_incus_json json_t *array = NULL;
	json_t *item;
	size_t i;
	int r;

	r = incus_get(incus,
		project ? url_format("/1.0/instances?recursion=1&project=%s", project)
			: strdup("/1.0/instances?recursion=1&all-projects=true"),
		&array, NULL, err);
	if (r < 0)
		return r;
	list.items = calloc(json_array_size(array) + 1, sizeof(*list.items));
	if (!list.items)
		return error_set(err, -ENOMEM, "out of memory");

	json_array_foreach (array, i, item) {
		r = incus_instance_parse(item, &list.items[list.n_items], err);
		if (r < 0)
			return r;
		list.n_items++;
	}
	qsort(list.items, list.n_items, sizeof(*list.items), compare);
	*ret = list;
	list = (struct incus_instance_list){NULL, 0};
	return 0;
}

const struct incus_instance *incus_instance_find(
	const struct incus_instance_list *list, const char *project, const char *name)
{
	struct incus_instance key = {.project = (char *)project, .name = (char *)name};

	if (list->n_items == 0)
		return NULL;
	return bsearch(&key, list->items, list->n_items, sizeof(*list->items), compare);
}

static char *instance_path(const char *project, const char *name)
{
	return url_format("/1.0/instances/%s?project=%s", name, project);
}

int incus_instance_get(struct incus *incus, const char *project, const char *name,
	struct incus_instance *ret, struct error *err)
{
	cleanup_incus_json json_t *json = NULL;
	int r = incus_get(incus, instance_path(project, name), &json, NULL, err);

	return r < 0 ? r : incus_instance_parse(json, ret, err);
}

int incus_instance_edit(struct incus *incus, const char *project, const char *name,
	int (*edit)(json_t *object, void *context, struct error *err), void *context,
	struct error *err)
{
	return incus_edit(incus, instance_path(project, name), edit, context, err);
}

static int edit_protection(json_t *object, void *context, struct error *err)
{
	json_t *config = object_of(object, "config");
	const char *expanded = json_string_value(
		json_object_get(json_object_get(object, "expanded_config"), PROTECTION));

	(void)context;
	if (!is_true(expanded))
		return 0;
	/* "false" here is in force also where a profile says true; without the key it were not. */
	if (json_object_set_new(config, PROTECTION, json_string("false")) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 1;
}

int incus_instance_unprotect(
	struct incus *incus, const char *project, const char *name, struct error *err)
{
	return incus_instance_edit(incus, project, name, edit_protection, NULL, err);
}

static json_t *state_body(const char *action, bool force)
{
	return json_pack("{s:s s:b s:i}", "action", action, "force", force, "timeout",
		force ? -1 : STOP_TIMEOUT_S);
}

int incus_instance_set_state(struct incus *incus, const char *project, const char *name,
	const char *action, bool force, struct error *err)
{
	json_t *body = state_body(action, force);

	if (!body)
		return error_set(err, -ENOMEM, "out of memory");
	return incus_send(incus, "PUT",
		url_format("/1.0/instances/%s/state?project=%s", name, project), body, err);
}

int incus_instance_delete(
	struct incus *incus, const char *project, const char *name, struct error *err)
{
	return incus_send(incus, "DELETE", instance_path(project, name), NULL, err);
}

void incus_instance_prepare_stop(struct incus_call *call, const struct incus_instance *instance)
{
	*call = (struct incus_call){
		.method = "PUT",
		.path = url_format(
			"/1.0/instances/%s/state?project=%s", instance->name, instance->project),
		.body = state_body("stop", true),
	};
}

void incus_instance_prepare_delete(struct incus_call *call, const struct incus_instance *instance)
{
	*call = (struct incus_call){
		.method = "DELETE",
		.path = instance_path(instance->project, instance->name),
	};
}

int incus_instance_get_pid(
	struct incus *incus, const char *project, const char *name, pid_t *ret, struct error *err)
{
	cleanup_incus_json json_t *state = NULL;
	int r;

	r = incus_get(incus, url_format("/1.0/instances/%s/state?project=%s", name, project),
		&state, NULL, err);
	if (r < 0)
		return r;

	*ret = json_integer_value(json_object_get(state, "pid"));
	return 0;
}
