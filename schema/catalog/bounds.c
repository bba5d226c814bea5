/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bounds.h"

#include "merge.h"
#include "path.h"
#include "str.h"

/* All holds of a volume in its mark, and what one needs there beside its texts. */
#define HOLDS_MAX 1900
#define HOLD_OVERHEAD 72

static int check_text(const char *what, const char *text, size_t max, struct error *err)
{
	if (!text)
		return 0;
	if (!str_is_utf8(text))
		return error_set(err, -EINVAL, "%s is not UTF-8 text", what);
	if (str_json_length(text) > max)
		return error_set(err, -E2BIG, "%s is longer than %zu bytes", what, max);
	return 0;
}

static int check_name(const char *what, const char *name, struct error *err)
{
	if (name_is_valid(name))
		return 0;
	return error_set(err, -EINVAL, "'%s' is no valid name for a %s", name, what);
}

/* The names of N siblings, items of SIZE bytes. */
static int check_siblings(
	const char *what, void *items, size_t n, size_t size, size_t name_offset, struct error *err)
{
	cleanup_merge struct merge m = {0};
	const char *twice;
	int r;

	for (size_t i = 0; i < n; i++) {
		const char *name = *(char **)((char *)items + i * size + name_offset);

		r = check_name(what, name, err);
		if (r < 0)
			return r;
	}

	r = merge_init(&m, NULL, 0, items, n, size, name_offset);
	if (r < 0)
		return r;
	twice = merge_find_double(&m);
	if (twice)
		return error_set(err, -EINVAL, "%s '%s' stands twice", what, twice);
	return 0;
}

static int check_volume(const struct volume *v, struct error *err)
{
	int r = -EINVAL;

	if (!v->path || !path_is_clean_absolute(v->path))
		return error_set(err, r, "volume '%s': path is not absolute", v->name);
	if (v->mode > 07777 || v->size_bytes > INT64_MAX)
		return error_set(err, r, "volume '%s': mode or size is out of range", v->name);
	if (v->uid == (uid_t)-1 || v->gid == (gid_t)-1)
		return error_set(err, r, "volume '%s': owner is out of range", v->name);

	r = check_text("path", v->path, VOLUME_PATH_MAX, err);
	if (r == 0)
		r = check_text("class", v->class, CATALOG_CLASS_MAX, err);
	if (r == 0)
		r = check_text("description", v->description, SIZE_MAX, err);
	return r < 0 ? error_prefix(err, r, "volume '%s'", v->name) : 0;
}

int bounds_check_owner(const char *project, const char *instance, struct error *err)
{
	int r;

	if (!project || !*project || !instance || !*instance)
		return error_set(err, -EINVAL, "an owner needs a project and an instance");

	r = check_text("project", project, CATALOG_OWNER_MAX, err);
	return r < 0 ? r : check_text("instance", instance, CATALOG_OWNER_MAX, err);
}

static int check_machine(const struct machine *m, struct error *err)
{
	int r;

	r = bounds_check_owner(m->project, m->instance, err);
	if (r == 0)
		r = check_siblings("volume", m->volumes, m->n_volumes, MERGE_OF(volume), err);
	for (size_t i = 0; r == 0 && i < m->n_volumes; i++)
		r = check_volume(&m->volumes[i], err);
	return r < 0 ? error_prefix(err, r, "machine '%s'", m->name) : 0;
}

int bounds_check_infra(const struct infra *infra, struct error *err)
{
	int r;

	r = check_siblings("domain", infra->domains, infra->n_domains, MERGE_OF(domain), err);
	for (size_t i = 0; r == 0 && i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		r = check_siblings("machine", d->machines, d->n_machines, MERGE_OF(machine), err);
		for (size_t j = 0; r == 0 && j < d->n_machines; j++)
			r = check_machine(&d->machines[j], err);
		if (r < 0)
			return error_prefix(err, r, "domain '%s'", d->name);
	}
	return r;
}

int bounds_check_hold(const struct hold *hold, int64_t now, struct error *err)
{
	if (!name_is_valid(hold->tag))
		return error_set(err, -EINVAL,
			"'%s' is no valid tag: use small letters, digits and '-'", hold->tag);
	if (!str_is_plain_text(hold->reason))
		return error_set(err, -EINVAL, "the reason of a hold is one line of UTF-8 text");
	if (hold->until && hold->until <= now)
		return error_set(err, -EINVAL, "the end of hold '%s' is past", hold->tag);
	return check_text("the reason of a hold", hold->reason, CATALOG_REASON_MAX, err);
}

int bounds_check_holds(const struct volume *volume, struct error *err)
{
	size_t weight = 0;

	for (size_t i = 0; i < volume->n_holds; i++) {
		const struct hold *h = &volume->holds[i];

		weight += HOLD_OVERHEAD + str_json_length(h->tag) + str_json_length(h->reason) +
			  str_json_length(h->actor);
	}
	if (weight <= HOLDS_MAX)
		return 0;
	return error_set(err, -E2BIG,
		"%zu holds have no room in the volume's mark; release one or give shorter reasons",
		volume->n_holds);
}
