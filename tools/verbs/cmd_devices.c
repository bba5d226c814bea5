/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "devices.h"
#include "emit.h"
#include "hostvars.h"
#include "targets.h"
#include "wire.h"

#include <string.h>

static int print_json(const struct cmd_env *env, const struct target_list *list, struct error *err)
{
	cleanup_json json_t *root = json_object();

	for (size_t i = 0; i < list->n_items; i++) {
		const struct target *t = &list->items[i];
		cleanup_free char *text = emit_json(&t->devices);
		cleanup_free char *name = NULL;
		json_t *devices = text ? json_loads(text, 0, NULL) : NULL;
		json_t *item = json_pack("{s:s s:s s:o}", "project", target_project(t), "instance",
			target_instance(t), "devices", devices);

		if (asprintf(&name, "%s/%s", t->domain->name, t->machine->name) < 0)
			name = NULL;
		if (!item || !name || json_object_set_new(root, name, item) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_value(env->out, OUT_JSON, root, err);
}

/* What one machine's devices are in one of the text formats; caller frees. */
static char *emit_text(const char *format, const struct target *t, size_t *ret_n)
{
	cleanup_free struct device *items = calloc(t->devices.n_items + 1, sizeof(*items));
	struct device_list ours;

	if (!items)
		return NULL;

	*ret_n = t->devices.n_items;
	if (strcmp(format, "host_vars") == 0)
		return emit_host_vars(&t->devices);

	ours = target_persistent(t, items);
	*ret_n = ours.n_items;
	if (strcmp(format, "commands") == 0)
		return emit_commands(&ours, target_project(t), target_instance(t));
	return emit_incus_yaml(&ours);
}

/* Documents of several machines are told apart by a comment, which all text formats know. */
static int print_text(const struct cmd_env *env, const char *format, const struct target_list *list,
	struct error *err)
{
	bool is_yaml = strcmp(format, "commands") != 0;

	for (size_t i = 0; i < list->n_items; i++) {
		const struct target *t = &list->items[i];
		size_t n_devices;
		cleanup_free char *text = emit_text(format, t, &n_devices);

		if (!text)
			return error_set(err, -ENOMEM, "out of memory");
		if (list->n_items > 1 && n_devices == 0)
			continue;
		if (list->n_items > 1)
			fprintf(env->out, "%s# %s/%s: instance %s, project %s\n",
				is_yaml ? "---\n" : "", t->domain->name, t->machine->name,
				target_instance(t), target_project(t));
		fputs(text, env->out);
	}
	return 0;
}

static int write_host_vars(
	const struct cmd_env *env, const struct target_list *list, struct error *err)
{
	for (size_t i = 0; i < list->n_items; i++) {
		const struct target *t = &list->items[i];
		bool changed;
		int r;

		r = hostvars_write(
			env->write, t->machine->name, &t->devices, env->is_dry_run, &changed, err);
		if (r < 0)
			return r == -EEXIST || r == -EBADMSG ? CMD_REFUSED : r;
		if (env->is_quiet || (t->devices.n_items == 0 && !changed))
			continue;
		fprintf(env->out, "%s: %s/%s.yml\n",
			!changed          ? "Unchanged"
			: env->is_dry_run ? "Would be written"
					  : "Written",
			env->write, t->machine->name);
	}
	return 0;
}

/* The formats of diff, apply and heal are of no use here. */
static int check_print_format(const struct cmd_env *env, struct error *err)
{
	static const char *const formats[] = {"incus", "json", "commands", "host_vars"};

	for (size_t i = 0; env->format_name && i < ARRAY_SIZE(formats); i++) {
		if (strcmp(env->format_name, formats[i]) == 0)
			return 0;
	}
	return env->format_name ? cmd_usage(err,
					  "no format '%s' here, there are: incus json commands "
					  "host_vars",
					  env->format_name)
				: 0;
}

static int print_devices(
	const struct cmd_env *env, const struct target_list *targets, struct error *err)
{
	const char *format = env->format_name ? env->format_name : "incus";

	if (env->write)
		return write_host_vars(env, targets, err);
	if (strcmp(format, "json") == 0)
		return print_json(env, targets, err);
	return print_text(env, format, targets, err);
}

/* The words that are no machines but something to do. */
static const struct {
	const char *word;
	int (*run)(struct cmd_env *env, int argc, char **argv, struct error *err);
} actions[] = {
	{"apply", devices_apply},
	{"diff", devices_diff},
	{"heal", devices_heal},
};

int cmd_devices(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_target_list struct target_list targets = {NULL, 0};
	cleanup_spec struct spec *spec = NULL;
	int r;

	for (size_t i = 0; argc > 0 && i < ARRAY_SIZE(actions); i++) {
		if (strcmp(argv[0], actions[i].word) == 0)
			return actions[i].run(env, argc - 1, argv + 1, err);
	}
	if (env->write && env->format_name && strcmp(env->format_name, "host_vars") != 0)
		return cmd_usage(err, "--write writes host_vars, not '%s'", env->format_name);
	r = check_print_format(env, err);
	if (r == 0)
		r = targets_load(env, argc, argv, &spec, &targets, err);
	return r != 0 ? r : print_devices(env, &targets, err);
}
