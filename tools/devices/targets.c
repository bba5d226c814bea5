/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "targets.h"

#include "specfile.h"
#include "str.h"

#include <string.h>

void target_list_finish(struct target_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		device_list_finish(&list->items[i].devices);
	free(list->items);
	*list = (struct target_list){NULL, 0};
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

const char *target_project(const struct target *t)
{
	return t->machine->project ? t->machine->project : "default";
}

const char *target_instance(const struct target *t)
{
	return t->machine->instance ? t->machine->instance : t->machine->name;
}

struct device_list target_persistent(const struct target *t, struct device *items)
{
	struct device_list list = {items, 0};

	for (size_t i = 0; i < t->devices.n_items; i++) {
		if (t->devices.items[i].origin == DEVICE_PERSISTENT)
			items[list.n_items++] = t->devices.items[i];
	}
	return list;
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

int targets_choose(const struct spec *spec, char *const *words, int n, struct target_list *ret,
	struct error *err)
{
	int r = 0;

	if (n == 0)
		return choose(ret, spec, NULL, err);
	for (int i = 0; i < n && r == 0; i++)
		r = choose(ret, spec, words[i], err);
	return r;
}

int targets_load(struct cmd_env *env, int argc, char **argv, struct spec **ret_spec,
	struct target_list *ret, struct error *err)
{
	bool has_spec = argc > 0 && !env->spec && is_spec_word(argv[0]);
	const char *path;
	int r;

	r = specfile_find(env, has_spec ? argv[0] : NULL, &path, err);
	if (r == 0)
		r = specfile_load(env, path, ret_spec, err);
	if (r == 0)
		r = specfile_check_mount(env, *ret_spec, err);
	return r ? r : targets_choose(*ret_spec, argv + has_spec, argc - has_spec, ret, err);
}
