/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices.h"

#include "devrows.h"
#include "live.h"
#include "naming.h"
#include "path.h"
#include "str.h"
#include "survey.h"

#include <string.h>

/* "name" or "project/name"; without words every instance fits. */
static bool is_asked_for(const struct incus_instance *in, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char *slash = strchr(argv[i], '/');

		if (!slash && str_equal(argv[i], in->name))
			return true;
		if (slash && str_equal(slash + 1, in->name) &&
			strlen(in->project) == (size_t)(slash - argv[i]) &&
			str_has_prefix(argv[i], in->project))
			return true;
	}
	return argc == 0;
}

/* A pd-* device of the instance itself that shows something of the tree. */
static bool is_ours(const struct survey *s, const struct device *d)
{
	const char *source = device_get(d, "source");
	cleanup_free char *normal = source && *source == '/' ? path_normalise(source) : NULL;

	return normal && str_has_prefix(d->name, PERSISTENT_DEVICE_PREFIX) &&
	       path_is_inside(normal, s->how.tree);
}

/*
 * Plug one device anew where that is needed, and see whether it helped. KNOWN is what is seen of
 * it; NULL: look.
 */
static int heal_device(struct survey *s, const struct incus_instance *in, const struct device *d,
	const enum sight *known, bool is_doing, struct devrows *rows, struct error *err)
{
	cleanup_error struct error why = {NULL};
	cleanup_free char *name = NULL;
	enum sight before = known ? *known : SIGHT_GOOD;
	enum sight sight;
	const char *result = NULL;
	int r = 0;

	if (!known)
		r = attach_look(&s->how, in->project, in->name, &d, 1, &before, &why);
	if (r == 0 && before != SIGHT_GOOD && is_doing) {
		r = attach_replug(&s->how, in->project, in->name, d, &why);
		if (r == 0)
			r = attach_look(&s->how, in->project, in->name, &d, 1, &sight, &why);
		if (r == 0 && sight != SIGHT_GOOD)
			r = error_set(
				&why, -EIO, "plugged anew, but it still is %s", sight_word(sight));
	}
	if (r < 0)
		result = "failed";
	else if (before != SIGHT_GOOD)
		result = is_doing ? "done" : "would";
	rows->n_failed += r < 0;
	rows->n_changed += r == 0 && before != SIGHT_GOOD;
	if (asprintf(&name, "%s/%s", in->project, in->name) < 0)
		name = NULL;
	return devrows_add_row(rows, NULL, name, d->name,
		r < 0 && before == SIGHT_GOOD ? "unknown" : sight_word(before), result,
		r < 0 ? error_text(&why, r) : NULL, err);
}

/* The devices of LIST that are ours, borrowed, into OURS. */
static size_t choose_ours(
	const struct survey *s, const struct device_list *list, const struct device **ours)
{
	size_t n = 0;

	for (size_t i = 0; i < list->n_items; i++) {
		if (is_ours(s, &list->items[i]))
			ours[n++] = &list->items[i];
	}
	return n;
}

/* One look serves all devices; only where that fails is each asked for its own error. */
static int heal_instance(struct survey *s, const struct incus_instance *in, bool is_doing,
	struct devrows *rows, struct error *err)
{
	cleanup_device_list struct device_list local = {NULL, 0};
	cleanup_free const struct device **ours = NULL;
	cleanup_free enum sight *seen = NULL;
	bool is_known;
	size_t n;
	int r = live_parse(in->devices, &local);

	ours = calloc(local.n_items + 1, sizeof(*ours));
	seen = calloc(local.n_items + 1, sizeof(*seen));
	if (r < 0 || !ours || !seen)
		return error_set(err, -ENOMEM, "out of memory");

	rows->n_instances++;
	n = choose_ours(s, &local, ours);
	if (n == 0)
		return 0;
	is_known = attach_look(&s->how, in->project, in->name, ours, n, seen, NULL) == 0;
	for (size_t i = 0; i < n && r == 0; i++)
		r = heal_device(s, in, ours[i], is_known ? &seen[i] : NULL, is_doing, rows, err);
	return r;
}

int devices_heal(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_survey struct survey s = SURVEY_INIT;
	cleanup_devrows struct devrows rows = {NULL};
	bool is_doing = !env->is_dry_run;
	int r;

	r = devrows_init(&rows, err);
	if (r == 0)
		r = survey_open_incus(&s, env, is_doing ? CATALOG_WRITE : CATALOG_READ, err);
	for (size_t i = 0; i < s.instances.n_items && r == 0; i++) {
		const struct incus_instance *in = &s.instances.items[i];

		if (in->is_running && !in->is_vm && is_asked_for(in, argc, argv))
			r = heal_instance(&s, in, is_doing, &rows, err);
	}
	if (r == 0 && argc > 0 && rows.n_instances == 0)
		return error_set(err, CMD_NO_VOLUME, "no running container '%s'", argv[0]);
	return r != 0 ? r
		      : devrows_end(&rows, env, s.incus, is_doing,
				"All running containers see their volumes.", err);
}
