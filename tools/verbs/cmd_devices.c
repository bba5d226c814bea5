/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "emit.h"
#include "hostvars.h"
#include "path.h"
#include "rows.h"
#include "specfile.h"
#include "str.h"
#include "wire.h"

#include <string.h>
#include <sys/stat.h>

/* A machine that was asked for, and its devices. */
struct target {
	const struct domain *domain;
	const struct machine *machine;
	struct device_list devices;
};

struct target_list {
	struct target *items;
	size_t n_items;
};

static void target_list_finish(struct target_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		device_list_finish(&list->items[i].devices);
	free(list->items);
}

static inline void target_list_finishp(struct target_list *list)
{
	int saved_errno = errno;

	target_list_finish(list);
	errno = saved_errno;
}

/* "machine", "domain", "domain/machine"; NULL is every machine of an enabled domain. */
static bool word_fits(const char *word, const struct domain *d, const struct machine *m)
{
	const char *slash = word ? strchr(word, '/') : NULL;

	if (!word)
		return d->is_enabled;
	if (!slash)
		return str_equal(word, m->name) || str_equal(word, d->name);
	return str_equal(slash + 1, m->name) && strlen(d->name) == (size_t)(slash - word) &&
	       str_has_prefix(word, d->name);
}

static bool is_chosen(const struct target_list *list, const struct machine *m)
{
	for (size_t i = 0; i < list->n_items; i++) {
		if (list->items[i].machine == m)
			return true;
	}
	return false;
}

static int add_target(struct target_list *list, const struct spec *spec, const struct domain *d,
	const struct machine *m)
{
	struct target *items = reallocarray(list->items, list->n_items + 1, sizeof(*items));
	struct target *t;

	if (!items)
		return -ENOMEM;
	list->items = items;
	t = &items[list->n_items];
	*t = (struct target){.domain = d, .machine = m};
	device_list_init(&t->devices);
	list->n_items++;
	return spec_list_devices(spec, d->name, m->name, &t->devices);
}

/* Add the machines that WORD means. */
static int choose(
	struct target_list *list, const struct spec *spec, const char *word, struct error *err)
{
	const struct infra *infra = spec_get_infra(spec);
	size_t n = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];
			int r = 0;

			if (!word_fits(word, d, m))
				continue;
			n++;
			if (!word || !is_chosen(list, m))
				r = add_target(list, spec, d, m);
			if (r < 0)
				return error_errno(err, r, "devices of '%s/%s'", d->name, m->name);
		}
	}
	if (word && n == 0)
		return error_set(err, CMD_NO_VOLUME, "no machine or domain '%s' in the spec", word);
	return 0;
}

/* The Incus project and instance that a machine's commands are for. */
static const char *project_of(const struct target *t)
{
	return t->machine->project ? t->machine->project : "default";
}

static const char *instance_of(const struct target *t)
{
	return t->machine->instance ? t->machine->instance : t->machine->name;
}

static int print_json(const struct cmd_env *env, const struct target_list *list, struct error *err)
{
	cleanup_json json_t *root = json_object();

	for (size_t i = 0; i < list->n_items; i++) {
		const struct target *t = &list->items[i];
		cleanup_free char *text = emit_json(&t->devices);
		cleanup_free char *name = NULL;
		json_t *devices = text ? json_loads(text, 0, NULL) : NULL;
		json_t *item = json_pack("{s:s s:s s:o}", "project", project_of(t), "instance",
			instance_of(t), "devices", devices);

		if (asprintf(&name, "%s/%s", t->domain->name, t->machine->name) < 0)
			name = NULL;
		if (!item || !name || json_object_set_new(root, name, item) < 0)
			return error_set(err, -ENOMEM, "out of memory");
	}
	return out_value(env->out, OUT_JSON, root, err);
}

/*
 * The devices that are ours to attach, borrowed from T: shared volumes and what the user declared
 * are somebody else's to add. ITEMS has room for all of T's.
 */
static struct device_list persistent_devices(const struct target *t, struct device *items)
{
	struct device_list list = {items, 0};

	for (size_t i = 0; i < t->devices.n_items; i++) {
		if (t->devices.items[i].origin == DEVICE_PERSISTENT)
			items[list.n_items++] = t->devices.items[i];
	}
	return list;
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

	ours = persistent_devices(t, items);
	*ret_n = ours.n_items;
	if (strcmp(format, "commands") == 0)
		return emit_commands(&ours, project_of(t), instance_of(t));
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
				instance_of(t), project_of(t));
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

/* The first operand is the spec when it names a YAML file or a directory that holds a spec. */
static bool is_spec_word(const char *word)
{
	static const char *const markers[] = {"base.yml", "anklume.yml"};

	if (str_has_suffix(word, ".yml") || str_has_suffix(word, ".yaml"))
		return true;

	for (size_t i = 0; i < ARRAY_SIZE(markers); i++) {
		cleanup_free char *path = NULL;

		if (asprintf(&path, "%s/%s", word, markers[i]) < 0)
			return false;
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
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

int cmd_devices(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_(target_list_finishp) struct target_list targets = {NULL, 0};
	cleanup_spec struct spec *spec = NULL;
	bool has_spec = argc > 0 && !env->spec && is_spec_word(argv[0]);
	const char *path;
	int r;

	if (env->write && env->format_name && strcmp(env->format_name, "host_vars") != 0)
		return cmd_usage(err, "--write writes host_vars, not '%s'", env->format_name);

	r = specfile_find(env, has_spec ? argv[0] : NULL, &path, err);
	if (r == 0)
		r = specfile_load(env, path, &spec, err);
	if (r == 0)
		r = specfile_check_mount(env, spec, err);
	if (r != 0)
		return r;

	if (argc == has_spec)
		r = choose(&targets, spec, NULL, err);
	for (int i = has_spec; i < argc && r == 0; i++)
		r = choose(&targets, spec, argv[i], err);
	return r != 0 ? r : print_devices(env, &targets, err);
}
