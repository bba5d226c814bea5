/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client's functions for shell tests: incusop OPERATION ARG... prints what came back, or the
 * errno's name and the message, and exits with 1.
 */
#include "client.h"
#include "events.h"
#include "exec.h"
#include "instance.h"
#include "instfile.h"
#include "log.h"
#include "resource.h"

#include <string.h>

static int do_list(struct incus *incus, char **argv, struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list list = {NULL, 0};
	int r = incus_instance_list(incus, argv[0], &list, err);

	for (size_t i = 0; i < list.n_items; i++) {
		const struct incus_instance *in = &list.items[i];

		printf("%s/%s %s%s%s\n", in->project, in->name, in->status,
			in->is_running ? " running" : "", in->is_protected ? " protected" : "");
	}
	return r;
}

static int do_delete(struct incus *incus, char **argv, struct error *err)
{
	return incus_instance_delete(incus, argv[0], argv[1], err);
}

static int do_state(struct incus *incus, char **argv, struct error *err)
{
	return incus_instance_set_state(
		incus, argv[0], argv[1], argv[2], argv[3] && strcmp(argv[3], "force") == 0, err);
}

static int do_unprotect(struct incus *incus, char **argv, struct error *err)
{
	int r = incus_instance_unprotect(incus, argv[0], argv[1], err);

	if (r >= 0)
		printf("%d\n", r);
	return r;
}

static int do_pid(struct incus *incus, char **argv, struct error *err)
{
	pid_t pid = 0;
	int r = incus_instance_get_pid(incus, argv[0], argv[1], &pid, err);

	if (r == 0)
		printf("%d\n", (int)pid);
	return r;
}

/* Set a key of an instance, counting how often the change was made. */
struct key_edit {
	char **words; /* key, value */
	unsigned int n_tries;
};

static int edit_key(json_t *object, void *context, struct error *err)
{
	struct key_edit *edit = context;
	json_t *config = json_object_get(object, "config");

	edit->n_tries++;
	if (json_object_set_new(config, edit->words[0], json_string(edit->words[1])) < 0)
		return error_set(err, -ENOMEM, "out of memory");
	return 1;
}

static int do_set(struct incus *incus, char **argv, struct error *err)
{
	struct key_edit edit = {argv + 2, 0};
	int r = incus_instance_edit(incus, argv[0], argv[1], edit_key, &edit, err);

	printf("tries %u\n", edit.n_tries);
	return r;
}

static int do_resources(struct incus *incus, char **argv, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list list = {NULL, 0};
	enum incus_kind kind = 0;
	int r;

	while (kind < N_INCUS_KINDS && strcmp(incus_kind_name(kind), argv[0]) != 0)
		kind++;
	if (kind == N_INCUS_KINDS)
		return -EINVAL;
	r = incus_resource_list(incus, kind, argv[1], &list, err);
	for (size_t i = 0; i < list.n_items; i++) {
		const struct incus_resource *res = &list.items[i];

		printf("%s%s%s%s%s%s\n", res->project ? res->project : "", res->project ? "/" : "",
			res->pool ? res->pool : "", res->pool ? "/" : "", res->name,
			res->n_used_by ? " used" : "");
	}
	return r;
}

/* delete-resource KIND PROJECT NAME */
static int do_delete_resource(struct incus *incus, char **argv, struct error *err)
{
	cleanup_incus_resource_list struct incus_resource_list list = {NULL, 0};
	enum incus_kind kind = 0;
	int r;

	while (kind < N_INCUS_KINDS && strcmp(incus_kind_name(kind), argv[0]) != 0)
		kind++;
	r = kind < N_INCUS_KINDS
		    ? incus_resource_list(incus, kind, *argv[1] ? argv[1] : NULL, &list, err)
		    : -EINVAL;
	for (size_t i = 0; i < list.n_items && r == 0; i++) {
		if (strcmp(list.items[i].name, argv[2]) == 0)
			return incus_resource_delete(incus, &list.items[i], err);
	}
	return r ? r : -ENOENT;
}

static int do_exec(struct incus *incus, char **argv, struct error *err)
{
	cleanup_free char *out = NULL;
	cleanup_free char *errors = NULL;
	int status = -1;
	int r = incus_exec(incus, argv[0], argv[1], (const char *const *)argv + 2, &status, &out,
		&errors, err);

	if (r == 0)
		printf("status %d\nout %serr %s", status, out, errors);
	return r;
}

static int do_push(struct incus *incus, char **argv, struct error *err)
{
	const struct instfile info = {INSTFILE_FILE, 33, 34, 0640};

	return incus_file_push(
		incus, argv[0], argv[1], argv[2], &info, argv[3], strlen(argv[3]), err);
}

static int do_mkdir(struct incus *incus, char **argv, struct error *err)
{
	const struct instfile info = {INSTFILE_DIRECTORY, 33, 34, 0750};

	return incus_file_push(incus, argv[0], argv[1], argv[2], &info, NULL, 0, err);
}

static int do_pull(struct incus *incus, char **argv, struct error *err)
{
	cleanup_free char *data = NULL;
	struct instfile info;
	size_t len;
	int r = incus_file_pull(incus, argv[0], argv[1], argv[2], &info, &data, &len, err);

	if (r == 0)
		printf("%d %u:%u %o %zu %s\n", info.type, info.uid, info.gid, info.mode, len, data);
	return r;
}

static int do_rm(struct incus *incus, char **argv, struct error *err)
{
	return incus_file_delete(incus, argv[0], argv[1], argv[2], err);
}

/* stop-all PROJECT, delete-all PROJECT: every instance of it at once. */
static int run_all(struct incus *incus, const char *project,
	void (*prepare)(struct incus_call *call, const struct incus_instance *instance),
	struct error *err)
{
	cleanup_incus_instance_list struct incus_instance_list list = {NULL, 0};
	cleanup_free struct incus_call *calls = NULL;
	size_t n_failed;
	int r = incus_instance_list(incus, project, &list, err);

	if (r < 0)
		return r;
	calls = calloc(list.n_items + 1, sizeof(*calls));
	for (size_t i = 0; i < list.n_items; i++)
		prepare(&calls[i], &list.items[i]);
	n_failed = incus_call_all(incus, calls, list.n_items, 0);
	for (size_t i = 0; i < list.n_items; i++) {
		if (calls[i].r < 0)
			printf("%s: %s\n", list.items[i].name, calls[i].err.text);
		incus_call_finish(&calls[i]);
	}
	printf("failed %zu of %zu\n", n_failed, list.n_items);
	return 0;
}

static int do_stop_all(struct incus *incus, char **argv, struct error *err)
{
	return run_all(incus, argv[0], incus_instance_prepare_stop, err);
}

static int do_delete_all(struct incus *incus, char **argv, struct error *err)
{
	return run_all(incus, argv[0], incus_instance_prepare_delete, err);
}

/* events N: the next N events; "ready" first. */
static int do_events(struct incus *incus, char **argv, struct error *err)
{
	cleanup_incus_events struct incus_events *events = NULL;
	int r = incus_events_open(NULL, &events, err);

	(void)incus;
	if (r == 0)
		puts("ready");
	fflush(stdout);
	for (int i = 0; i < atoi(argv[0]) && r == 0; i++) {
		cleanup_incus_event struct incus_event event = {NULL};

		r = incus_events_next(events, 20000, &event, err);
		if (r == 0)
			printf("%s %s/%s%s%s\n", event.action, event.project, event.name,
				event.old_name ? " was " : "",
				event.old_name ? event.old_name : "");
		fflush(stdout);
	}
	return r;
}

static int do_version(struct incus *incus, char **argv, struct error *err)
{
	(void)argv;
	(void)err;
	printf("%s %d %d\n", incus_get_version(incus), incus_has_extension(incus, "etag"),
		incus_has_extension(incus, "no-such-thing"));
	return 0;
}

static const struct {
	const char *name;
	int min_args;
	int (*run)(struct incus *incus, char **argv, struct error *err);
} operations[] = {
	{"delete", 2, do_delete},
	{"delete-all", 1, do_delete_all},
	{"delete-resource", 3, do_delete_resource},
	{"events", 1, do_events},
	{"exec", 3, do_exec},
	{"list", 0, do_list},
	{"mkdir", 3, do_mkdir},
	{"pid", 2, do_pid},
	{"pull", 3, do_pull},
	{"push", 4, do_push},
	{"resources", 1, do_resources},
	{"rm", 3, do_rm},
	{"set", 4, do_set},
	{"state", 3, do_state},
	{"stop-all", 1, do_stop_all},
	{"unprotect", 2, do_unprotect},
	{"version", 0, do_version},
};

static int run(int argc, char **argv, struct error *err)
{
	cleanup_incus struct incus *incus = NULL;
	const char *reply_ms = getenv("INCUSOP_REPLY_MS");
	const char *operation_ms = getenv("INCUSOP_OPERATION_MS");
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (strcmp(argv[1], operations[i].name) != 0 || argc - 2 < operations[i].min_args)
			continue;
		r = incus_open(NULL, &incus, err);
		if (r == 0 && reply_ms && operation_ms)
			incus_set_timeouts(incus, atoi(reply_ms), atoi(operation_ms));
		return r < 0 ? r : operations[i].run(incus, argv + 2, err);
	}
	return error_set(err, -EINVAL, "no such operation, or too few words");
}

int main(int argc, char **argv)
{
	cleanup_error struct error err = {NULL};
	int r;

	log_init("incusop", getenv("INCUSOP_DEBUG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARNING);
	if (argc < 2)
		return 2;
	r = run(argc, argv, &err);
	if (r < 0)
		printf("%s: %s\n", strerrorname_np(-r), error_text(&err, r));
	return r < 0;
}
