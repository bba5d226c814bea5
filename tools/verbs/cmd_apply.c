/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"
#include "devices.h"
#include "datadir.h"
#include "rebuild.h"
#include "report.h"
#include "rows.h"
#include "specfile.h"
#include "volmark.h"
#include "wire.h"

#include <string.h>

/*
 * The order of an apply, and what a crash leaves behind at each step:
 *
 * 1. The spec is read and checked whole. Nothing has happened.
 * 2. Directories are made, each with its owner and mode before its name. A crash leaves empty
 *    directories that no record names: the mount does not show them, nobody can put data there,
 *    the next run finds them. The other order would show volumes without a place.
 * 3. One transaction records everything. Within it the mark on each changed directory is written,
 *    and all of it is synced, before the commit: a crash leaves a mark that is ahead of the
 *    catalogue, never one that has not heard of a protection that somebody relies on. The next run
 *    finds the same differences. Marks that somebody removed are written too.
 * 4. The daemon takes the generation into force. A crash before that leaves it at the older one;
 *    the next run tells it again even when it finds nothing to change.
 */
struct apply {
	struct cmd_env *env;
	const struct infra *infra; /* as declared */
	struct selection declared;
	enum datadir_state *states; /* one per item of DECLARED */
	struct cmd_state before; /* what was recorded */
	struct change_list changes;
	int base_fd;
	uint64_t generation;
	struct report report;
};

static void apply_finish(struct apply *a)
{
	selection_finish(&a->declared);
	free(a->states);
	cmd_state_finish(&a->before);
	change_list_finish(&a->changes);
	report_finish(&a->report);
	if (a->base_fd >= 0)
		close(a->base_fd);
}

static inline void apply_finishp(struct apply *a)
{
	int saved_errno = errno;

	apply_finish(a);
	errno = saved_errno;
}

/* What is recorded so far; a missing catalogue records nothing. */
static int load_before(struct apply *a, struct error *err)
{
	int r = cmd_state_open(&a->before, a->env, CATALOG_READ, err);

	if (r == -ENOENT) {
		error_finish(err);
		return 0;
	}
	return r;
}

/*
 * Without a catalogue, but over volumes that carry marks, an apply would start a new record of the
 * spec's volumes alone: orphans would vanish from the mount. The marks come first.
 */
static int check_lost_catalog(const struct apply *a, struct error *err)
{
	const struct rebuild_options options = {.is_dry_run = true};
	cleanup_rebuild_report struct rebuild_report marked = {0};
	cleanup_error struct error why = {0};
	int r;

	if (a->before.catalog || a->base_fd < 0)
		return 0;
	r = rebuild_catalog(a->env->catalog, a->base_fd, &a->env->actor, &options, &marked, &why);
	if (r == -ENODATA)
		return 0;
	if (r < 0)
		return error_set(err, r, "%s", error_text(&why, r));

	error_set(err, 0,
		"no catalogue '%s', but\n"
		"  %zu volumes in '%s' carry the marks of one\n"
		"  run 'anklume-fsctl catalog rebuild' first",
		a->env->catalog, marked.n_volumes, a->env->base);
	return CMD_CATALOG_DAMAGED;
}

static bool is_recorded(const struct apply *a, const struct volume_ref *ref)
{
	const struct domain *d = infra_find_domain(&a->before.infra, ref->domain->name);
	const struct machine *m = d ? domain_find_machine(d, ref->machine->name) : NULL;

	return m && machine_find_volume(m, ref->volume->name);
}

/*
 * A recorded volume without its directory means lost data, or a base whose disk is not mounted:
 * making it anew would start a database on nothing.
 */
static int check_missing(const struct apply *a, struct error *err)
{
	const struct volume_ref *first = NULL;
	char name[VOLUME_NAME_MAX];
	size_t n = 0;

	if (a->env->is_recreate)
		return 0;

	for (size_t i = 0; i < a->declared.n_items; i++) {
		const struct volume_ref *ref = &a->declared.items[i];
		cleanup_fd int fd = -1;

		if (!is_recorded(a, ref))
			continue;
		if (a->base_fd >= 0 &&
			datadir_open_volume(a->base_fd, ref->domain->name, ref->machine->name,
				ref->volume->name, &fd) != -ENOENT)
			continue;
		if (n++ == 0)
			first = ref;
	}
	if (n == 0)
		return 0;
	return error_set(err, CMD_REFUSED,
		"directories of %zu recorded volume%s are missing, such as\n"
		"  '%s/%s': is the disk mounted?\n"
		"  'apply --recreate' makes them anew, empty",
		n, n == 1 ? "" : "s", a->env->base, volume_ref_name(first, name));
}

static int ensure_directories(struct apply *a, struct error *err)
{
	for (size_t i = 0; i < a->declared.n_items; i++) {
		const struct volume_ref *ref = &a->declared.items[i];
		int r;

		a->states[i] = DATADIR_MISSING;
		if (a->base_fd < 0)
			continue; /* dry run without a base */
		r = datadir_ensure(a->base_fd, ref->domain, ref->machine, ref->volume,
			a->env->is_dry_run, &a->states[i], err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_base(struct apply *a, struct error *err)
{
	int r = datadir_open(a->env->base, !a->env->is_dry_run, &a->base_fd, err);

	if (r == -ENOENT && a->env->is_dry_run) {
		error_finish(err);
		return 0;
	}
	return r;
}

/* A dry run compares with the catalogue that is there, or with an empty one. */
static int open_catalog(const struct apply *a, struct catalog **ret, struct error *err)
{
	if (!a->env->is_dry_run)
		return catalog_open(a->env->catalog, CATALOG_WRITE, ret, err);
	if (a->before.catalog)
		return catalog_open(a->env->catalog, CATALOG_READ, ret, err);
	return catalog_open_empty(ret, err);
}

static int record(struct apply *a, struct error *err)
{
	const struct mark_store marks = volmark_store(&a->base_fd);
	cleanup_catalog struct catalog *cat = NULL;
	int r;

	r = open_catalog(a, &cat, err);
	if (r == 0)
		r = catalog_apply(cat, a->infra, &a->env->actor, a->env->is_dry_run,
			a->base_fd >= 0 ? &marks : NULL, &a->changes, err);
	if (r == 0)
		r = catalog_get_generation(cat, &a->generation, err);
	return r;
}

/* Index by name of what happened to the directories. */
struct directory {
	char name[VOLUME_NAME_MAX];
	enum datadir_state state;
};

static int compare_directories(const void *a, const void *b)
{
	return strcmp(((const struct directory *)a)->name, ((const struct directory *)b)->name);
}

static int report_change(
	struct apply *a, const struct change *c, const struct directory *dir, struct error *err)
{
	bool is_made = dir && dir->state != DATADIR_EXISTS;

	switch (c->kind) {
	case CHANGE_CREATED:
		return report_add(&a->report, REPORT_CREATED, c->volume,
			dir && !is_made ? "directory was there" : NULL, err);
	case CHANGE_UPDATED:
		return report_add(&a->report, REPORT_UPDATED, c->volume, c->detail, err);
	case CHANGE_ORPHANED:
		return report_add(&a->report, REPORT_ORPHANED, c->volume, c->detail, err);
	case CHANGE_ADOPTED:
		return report_add(&a->report, REPORT_ADOPTED, c->volume, c->detail, err);
	case CHANGE_UNCHANGED:
		break;
	}
	return report_add(&a->report, is_made ? REPORT_RECREATED : REPORT_EXISTS, c->volume,
		is_made ? "directory was missing" : NULL, err);
}

static int report_changes(struct apply *a, struct error *err)
{
	size_t n = a->declared.n_items;
	cleanup_free struct directory *directories = calloc(n ? n : 1, sizeof(*directories));
	int r = 0;

	if (!directories)
		return error_set(err, -ENOMEM, "out of memory");

	for (size_t i = 0; i < n; i++) {
		volume_ref_name(&a->declared.items[i], directories[i].name);
		directories[i].state = a->states[i];
	}
	qsort(directories, n, sizeof(*directories), compare_directories);

	for (size_t i = 0; i < a->changes.n_items && r == 0; i++) {
		struct directory key = {.state = DATADIR_MISSING};

		snprintf(key.name, sizeof(key.name), "%s", a->changes.items[i].volume);
		r = report_change(a, &a->changes.items[i],
			bsearch(&key, directories, n, sizeof(key), compare_directories), err);
	}
	return r;
}

static int apply(struct apply *a, struct error *err)
{
	int r;

	r = report_init(&a->report, err);
	if (r == 0)
		r = select_all(a->infra, &a->declared, err);
	if (r < 0)
		return r;
	a->report.counts = COUNT_APPLY;
	a->report.nothing = "No persistent_data in the spec.";
	a->states = calloc(a->declared.n_items ? a->declared.n_items : 1, sizeof(*a->states));
	if (!a->states)
		return error_set(err, -ENOMEM, "out of memory");

	r = load_before(a, err);
	if (r == 0)
		r = open_base(a, err);
	if (r == 0)
		r = check_lost_catalog(a, err);
	if (r == 0)
		r = check_missing(a, err);
	if (r == 0)
		r = ensure_directories(a, err);
	if (r == 0)
		r = record(a, err);
	if (r == 0)
		r = report_changes(a, err);
	return r != 0 ? r : report_end(&a->report, a->env, a->generation, err);
}

int cmd_apply(struct cmd_env *env, int argc, char **argv, struct error *err)
{
	cleanup_spec struct spec *spec = NULL;
	cleanup_(apply_finishp) struct apply a = {.env = env, .base_fd = -1};
	const char *path;
	int r;

	if (env->is_attaching && env->format != OUT_TABLE)
		return cmd_usage(err, "--devices prints tables only; run 'devices apply' after it");
	r = specfile_find(env, argc > 0 ? argv[0] : NULL, &path, err);
	if (r == 0)
		r = specfile_load(env, path, &spec, err);
	if (r == 0)
		r = specfile_check_mount(env, spec, err);
	if (r != 0)
		return r;

	a.infra = spec_get_infra(spec);
	r = apply(&a, err);
	/* Only now do the sources exist, and the daemon shows them. */
	return r == 0 && env->is_attaching ? devices_apply_spec(env, steal_ptr(&spec), err) : r;
}
