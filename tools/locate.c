/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "locate.h"

#include <string.h>

#include "path.h"
#include "select.h"
#include "str.h"

const char *locate_below(const char *path, const char *dir)
{
	if (*path != '/' || !path_is_inside(path, dir))
		return NULL;

	path += strlen(dir);
	while (*path == '/')
		path++;
	return path;
}

void place_list_finish(struct place_list *list)
{
	for (size_t i = 0; i < list->n_items; i++)
		free(list->items[i].rest);
	free(list->items);
	*list = (struct place_list){NULL, 0};
}

static int add_place(struct place_list *list, const struct domain *domain,
	const struct machine *machine, const struct volume *volume, const char *rest)
{
	struct place *items = reallocarray(list->items, list->n_items + 1, sizeof(*items));
	char *copy;

	if (!items)
		return -ENOMEM;
	list->items = items;

	copy = strdup(rest);
	if (!copy)
		return -ENOMEM;
	items[list->n_items++] = (struct place){domain, machine, volume, copy};
	return 0;
}

/* The part of *PATH up to the next slash, which *PATH then is behind. */
static char *next_part(char **path)
{
	char *part = strsep(path, "/");

	return part && *part ? part : NULL;
}

/* PATH is relative to the base or the mount. */
static int locate_in_tree(
	const struct infra *infra, const char *path, struct place_list *ret, struct error *err)
{
	cleanup_free char *copy = strdup(path);
	char *rest = copy;
	const char *parts[3] = {NULL};
	const struct domain *domain;
	const struct machine *machine = NULL;
	const struct volume *volume = NULL;

	if (!copy)
		return -ENOMEM;

	for (size_t i = 0; i < ARRAY_SIZE(parts) && rest; i++)
		parts[i] = next_part(&rest);
	if (!parts[0])
		return error_set(err, -ENOENT, "that is the top of the tree; name a place in it");

	domain = infra_find_domain(infra, parts[0]);
	if (domain && parts[1])
		machine = domain_find_machine(domain, parts[1]);
	if (machine && parts[2])
		volume = machine_find_volume(machine, parts[2]);
	if (!domain || (parts[1] && !machine) || (parts[2] && !volume))
		return error_set(err, -ENOENT,
			"'%s' is not declared; 'anklume-fsctl orphans' lists what is not", path);
	return add_place(ret, domain, machine, volume, rest ? rest : "");
}

/* The volume of MACHINE that PATH is in, the innermost where one is mounted in another. */
static int locate_in_machine(const struct domain *domain, const struct machine *machine,
	const char *path, struct place_list *ret)
{
	const struct volume *best = NULL;

	for (size_t i = 0; i < machine->n_volumes; i++) {
		const struct volume *v = &machine->volumes[i];

		if (!v->path || !path_is_inside(path, v->path))
			continue;
		if (!best || strlen(v->path) > strlen(best->path))
			best = v;
	}
	if (!best)
		return 0;
	return add_place(ret, domain, machine, best, locate_below(path, best->path));
}

/* "m", "domain/m", "project/instance" or "instance"; NULL is every machine. */
static bool machine_fits(
	const struct domain *domain, const struct machine *machine, const char *word)
{
	const char *slash = word ? strchr(word, '/') : NULL;
	size_t len = slash ? (size_t)(slash - word) : 0;

	if (!word)
		return true;
	if (!slash)
		return str_equal(word, machine->name) || str_equal(word, machine->instance);
	if (str_equal(slash + 1, machine->name) && strlen(domain->name) == len &&
		strncmp(word, domain->name, len) == 0)
		return true;
	return str_equal(slash + 1, machine->instance) && machine->project &&
	       strlen(machine->project) == len && strncmp(word, machine->project, len) == 0;
}

static int locate_inside(const struct infra *infra, const char *machine, const char *path,
	struct place_list *ret, struct error *err)
{
	size_t n_fits = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			int r;

			if (!machine_fits(d, &d->machines[j], machine))
				continue;
			n_fits++;
			r = locate_in_machine(d, &d->machines[j], path, ret);
			if (r < 0)
				return r;
		}
	}
	if (ret->n_items > 0)
		return 0;
	if (machine && n_fits == 0)
		return error_set(err, -ENOENT, "no machine or instance '%s'", machine);
	if (machine)
		return error_set(err, -ENOENT, "'%s' of '%s' is in no volume", path, machine);
	return error_set(err, -ENOENT,
		"'%s' is neither in the base, nor in the mount, nor in a volume", path);
}

static int locate_name(
	const struct infra *infra, const char *word, struct place_list *ret, struct error *err)
{
	cleanup_selection struct selection s = {NULL, 0};
	int r = 0;

	for (size_t i = 0; i < infra->n_domains && r == 0; i++) {
		const struct domain *d = &infra->domains[i];

		if (str_equal(d->name, word))
			r = add_place(ret, d, NULL, NULL, "");
		for (size_t j = 0; j < d->n_machines && r == 0; j++) {
			if (machine_fits(d, &d->machines[j], word))
				r = add_place(ret, d, &d->machines[j], NULL, "");
		}
	}
	if (r < 0 || ret->n_items > 0)
		return r;

	r = select_volumes(infra, &word, 1, SELECT_MANY, &s, err);
	for (size_t i = 0; i < s.n_items && r == 0; i++)
		r = add_place(ret, s.items[i].domain, s.items[i].machine, s.items[i].volume, "");
	return r;
}

int locate(const struct infra *infra, const char *base, const char *mount, const char *word,
	struct place_list *ret, struct error *err)
{
	const char *colon = strstr(word, ":/");
	cleanup_free char *machine = colon && *word != '/' ? strndup(word, colon - word) : NULL;
	const char *text = machine ? colon + 1 : word;
	cleanup_free char *path = path_normalise(text);
	const char *rest;

	if (!path || (colon && *word != '/' && !machine))
		return error_set(err, -ENOMEM, "out of memory");
	if (*text != '/')
		return locate_name(infra, word, ret, err);
	if (!path_is_clean_absolute(path))
		return error_set(err, -ENOENT, "'%s': write the path without '.' and '..'", text);
	if (machine)
		return locate_inside(infra, machine, path, ret, err);

	rest = locate_below(path, mount);
	if (!rest)
		rest = locate_below(path, base);
	if (rest)
		return locate_in_tree(infra, rest, ret, err);
	return locate_inside(infra, NULL, path, ret, err);
}

char *place_path(const struct place *place, const char *root)
{
	cleanup_strbuf struct strbuf b = STRBUF_INIT;

	strbuf_printf(&b, "%s/%s", root, place->domain->name);
	if (place->machine)
		strbuf_printf(&b, "/%s", place->machine->name);
	if (place->volume)
		strbuf_printf(&b, "/%s", place->volume->name);
	if (*place->rest)
		strbuf_printf(&b, "/%s", place->rest);
	return strbuf_steal(&b);
}

char *place_inside(const struct place *place)
{
	char *text;

	if (!place->volume || !place->volume->path)
		return NULL;
	if (!*place->rest)
		return strdup(place->volume->path);
	return asprintf(&text, "%s/%s", place->volume->path, place->rest) < 0 ? NULL : text;
}
