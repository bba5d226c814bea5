/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devices.h"

#include <string.h>

#include "datadir.h"
#include "devrows.h"
#include "devshare.h"
#include "live.h"
#include "naming.h"
#include "seed.h"
#include "str.h"
#include "survey.h"

/*
 * A universal volume that nobody has filled yet would hide the instance's own /etc or /var: it is
 * not wanted until 'pod' has filled it.
 */
static int hold_unseeded(struct survey *s, const struct target *t, const struct incus_instance *in,
	struct device_list *wanted, struct devrows *rows, struct error *err)
{
	cleanup_free char *instance = NULL;
	cleanup_fd int base_fd = -1;
	size_t n = 0;
	int r = 0;

	if (t->machine->is_vm || datadir_open(s->how.base, false, &base_fd, NULL) < 0)
		return 0;
	if (asprintf(&instance, "%s/%s", in->project, in->name) < 0) {
		instance = NULL;
		return error_set(err, -ENOMEM, "out of memory");
	}
	for (size_t i = 0; r == 0 && i < wanted->n_items; i++) {
		const struct device *d = &wanted->items[i];
		const struct volume *v =
			machine_find_volume(t->machine, d->name + strlen(PERSISTENT_DEVICE_PREFIX));

		if (!v || json_object_get(in->expanded_devices, d->name) ||
			!seed_is_missing(base_fd, t->domain, t->machine, v)) {
			wanted->items[n++] = *d;
			continue;
		}
		rows->n_refused++;
		r = devrows_add_row(rows, t->machine->name, instance, d->name, "seed", "needs-seed",
			"empty, it would hide the instance's own files: 'pod migrate' fills it",
			err);
	}
	wanted->n_items = n;
	return r;
}

/* Plan for, or do to, one machine's instance. */
static int do_target(struct survey *s, const struct target *t, bool is_doing, struct devrows *rows,
	struct error *err)
{
	cleanup_attach_result struct attach_result result = {{NULL, 0}};
	cleanup_free struct device *items = calloc(t->devices.n_items + 1, sizeof(*items));
	const struct incus_instance *in = survey_find(s, t);
	const struct device_list *applied;
	struct device_list wanted;
	int r;

	if (!items)
		return error_set(err, -ENOMEM, "out of memory");
	wanted = target_persistent(t, items);
	if (!in) {
		rows->n_absent++;
		return devrows_add_row(rows, t->machine->name, NULL, NULL, "absent", NULL,
			"no such instance in Incus", err);
	}

	applied = applied_find(&s->applied, in->project, in->name);
	r = hold_unseeded(s, t, in, &wanted, rows, err);
	if (r < 0)
		return r;
	r = attach_plan(&s->how, in, &wanted, applied, &result);
	if (r < 0)
		return error_set(err, r, "out of memory");
	if (is_doing)
		r = attach_run(&s->how, in->project, in->name, &wanted, applied, &result, err);
	return r < 0 ? r : devrows_add(rows, t, in, &result, err);
}

/* One row for each of the instances that have the same volume. */
static int add_share(struct devrows *rows, const struct devshare *share,
	const struct devshare_instance *instances, struct error *err)
{
	cleanup_strbuf struct strbuf names = STRBUF_INIT;
	int r = 0;

	for (size_t i = 0; i < share->n_instances; i++) {
		const struct devshare_instance *in = &instances[share->instances[i]];

		strbuf_printf(&names, "%s%s/%s", i ? ", " : "", in->project, in->name);
	}
	if (names.failed)
		return error_set(err, -ENOMEM, "out of memory");

	for (size_t i = 0; i < share->n_instances && r == 0; i++) {
		const struct devshare_instance *in = &instances[share->instances[i]];
		cleanup_free char *detail = NULL;
		cleanup_free char *name = NULL;

		if (asprintf(&name, "%s/%s", in->project, in->name) < 0)
			name = NULL;
		if (asprintf(&detail, "%s is on %s (a copy, or a restored snapshot?)",
			    share->source, names.data) < 0)
			detail = NULL;
		r = devrows_add_row(rows, NULL, name, NULL, "shared", NULL, detail, err);
	}
	return r;
}

/* Volumes that several instances have: after `incus copy` or the restore of a snapshot. */
static int add_shares(struct survey *s, struct devrows *rows, struct error *err)
{
	size_t n = s->instances.n_items;
	cleanup_free struct devshare_instance *instances = calloc(n + 1, sizeof(*instances));
	cleanup_free struct device_list *lists = calloc(n + 1, sizeof(*lists));
	cleanup_devshare_list struct devshare_list shares = {NULL, 0};
	int r = instances && lists ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct incus_instance *in = &s->instances.items[i];

		r = live_parse(in->expanded_devices, &lists[i]);
		instances[i] = (struct devshare_instance){
			in->project, in->name, &lists[i], in->is_running};
	}
	if (r == 0)
		r = devshare_find(instances, n, s->how.tree, &shares);
	if (r < 0)
		error_set(err, r, "out of memory");
	for (size_t i = 0; i < shares.n_items && r == 0; i++)
		r = add_share(rows, &shares.items[i], instances, err);
	for (size_t i = 0; lists && i < n; i++)
		device_list_finish(&lists[i]);
	return r;
}

static int do_all(struct survey *s, const struct cmd_env *env, bool is_doing, struct devrows *rows,
	struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < s->targets.n_items && r == 0; i++)
		r = do_target(s, &s->targets.items[i], is_doing, rows, err);
	if (r == 0)
		r = add_shares(s, rows, err);
	if (r != 0)
		return r;
	return devrows_end(
		rows, env, s->incus, is_doing, "All devices are as the spec wants them.", err);
}

static int run(struct cmd_env *env, int argc, char **argv, bool is_doing, struct error *err)
{
	cleanup_survey struct survey s = SURVEY_INIT;
	cleanup_devrows struct devrows rows = {NULL};
	int r;

	r = devrows_init(&rows, err);
	if (r == 0)
		r = survey_open(&s, env, argc, argv, is_doing ? CATALOG_WRITE : CATALOG_READ, err);
	return r ? r : do_all(&s, env, is_doing, &rows, err);
}

int devices_diff(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	return run(env, argc, argv, false, err);
}

int devices_apply(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	return run(env, argc, argv, !env->is_dry_run, err);
}

int devices_apply_spec(struct cmd_env *env, struct spec *spec, struct error *err)
{
	cleanup_survey struct survey s = {.spec = spec};
	cleanup_devrows struct devrows rows = {NULL};
	bool is_doing = !env->is_dry_run;
	int r;

	r = devrows_init(&rows, err);
	if (r == 0)
		r = targets_choose(spec, NULL, 0, &s.targets, err);
	if (r == 0)
		r = survey_open_incus(&s, env, is_doing ? CATALOG_WRITE : CATALOG_READ, err);
	return r ? r : do_all(&s, env, is_doing, &rows, err);
}
