/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rebuild.h"

#include "datadir.h"
#include "str.h"
#include "volmark.h"

#include <string.h>

void rebuild_report_finish(struct rebuild_report *report)
{
	drift_list_finish(&report->problems);
	free(report->aside);
	*report = (struct rebuild_report){0};
}

struct harvest {
	struct infra infra;
	struct rebuild_report *report;
	struct error *err;
};

static int add_problem(struct harvest *h, enum drift_kind kind, const char *domain,
	const char *machine, const char *volume, const char *detail)
{
	cleanup_free char *path = NULL;

	if (asprintf(&path, "%s/%s/%s", domain, machine, volume) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return drift_list_add(&h->report->problems, kind, path, detail);
}

static int harvest_mark(
	void *context, const char *domain, const char *machine, const char *volume, int fd)
{
	cleanup_error struct error detail = {0};
	struct harvest *h = context;
	int r = volmark_read(fd, domain, machine, volume, &h->infra, &detail);

	if (r == -ENODATA)
		return add_problem(h, DRIFT_NO_MARK, domain, machine, volume, NULL);
	if (r == -EBADMSG)
		return add_problem(h, DRIFT_MARK_DAMAGED, domain, machine, volume, detail.text);
	return r < 0 ? error_set(h->err, r, "%s", error_text(&detail, r)) : 0;
}

static int harvest_odd(void *context, const char *path)
{
	struct harvest *h = context;

	return drift_list_add(&h->report->problems, DRIFT_ODD, path, NULL);
}

static void count_machine(struct rebuild_report *report, const struct machine *m)
{
	report->n_volumes += m->n_volumes;
	report->n_overrides += m->has_owner_override;
	for (size_t i = 0; i < m->n_volumes; i++) {
		const struct volume *v = &m->volumes[i];

		report->n_overrides += (v->readonly_override != FLAG_INHERIT) +
				       (v->protected_override != FLAG_INHERIT) +
				       v->has_ids_override;
		report->n_holds += v->n_holds;
	}
}

static void count(struct rebuild_report *report, const struct infra *infra)
{
	for (size_t i = 0; i < infra->n_domains; i++) {
		for (size_t j = 0; j < infra->domains[i].n_machines; j++)
			count_machine(report, &infra->domains[i].machines[j]);
	}
}

/* Only what is beyond help is replaced without being asked twice. */
static int check_may_replace(const char *path, struct error *err)
{
	cleanup_catalog struct catalog *cat = NULL;
	int r = catalog_open(path, CATALOG_READ, &cat, err);

	if (r == 0)
		r = catalog_check_integrity(cat, err);
	if (r == -ENOENT || r == -EBADMSG)
		return 0;
	if (r < 0)
		return r;
	return error_set(err, -EEXIST,
		"catalogue '%s' is sound; a rebuild would lose its audit trail; add --force", path);
}

#define LISTED_MAX 10

/* Add a line for each volume of OLD that NEW lacks, of which the first few are named. */
static size_t list_lost(const struct infra *old, const struct infra *new, struct strbuf *lines)
{
	size_t n = 0;

	for (size_t i = 0; i < old->n_domains; i++) {
		const struct domain *d = &old->domains[i];
		const struct domain *new_d = infra_find_domain(new, d->name);

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];
			const struct machine *new_m =
				new_d ? domain_find_machine(new_d, m->name) : NULL;

			for (size_t k = 0; k < m->n_volumes; k++) {
				if (new_m && machine_find_volume(new_m, m->volumes[k].name))
					continue;
				if (n++ < LISTED_MAX)
					strbuf_printf(lines, "  '%s/%s/%s'\n", d->name, m->name,
						m->volumes[k].name);
			}
		}
	}
	if (n > LISTED_MAX)
		strbuf_printf(lines, "  and %zu more\n", n - LISTED_MAX);
	return n;
}

/*
 * A base whose disk is not mounted has no marks, and would make an empty catalogue of a good one:
 * what the old catalogue still tells must be found in the base.
 */
static int check_nothing_lost(const char *path, const struct infra *new, struct error *err)
{
	cleanup_catalog struct catalog *cat = NULL;
	cleanup_strbuf struct strbuf lines = STRBUF_INIT;
	cleanup_infra struct infra old = {0};
	uint64_t generation;
	size_t n;
	int r;

	r = catalog_open(path, CATALOG_READ, &cat, err);
	if (r == 0)
		r = catalog_load(cat, &old, &generation, err);
	if (r == -ENOMEM || r == -EBUSY)
		return r;
	if (r < 0) {
		/* Beyond reading: the marks are all there is. */
		error_finish(err);
		return 0;
	}

	n = list_lost(&old, new, &lines);
	if (n == 0)
		return 0;
	if (lines.failed)
		return -ENOMEM;
	return error_set(err, -ENODEV,
		"no directory or no good mark for %zu recorded volume%s:\n%s"
		"  is the disk mounted? 'catalog rebuild --drop-missing' gives them up",
		n, n == 1 ? "" : "s", lines.data);
}

/* A new catalogue at PATH from INFRA, closed and whole. */
static int build(
	const char *path, const struct infra *infra, const struct actor *actor, struct error *err)
{
	cleanup_catalog struct catalog *cat = NULL;
	int r = catalog_open(path, CATALOG_WRITE, &cat, err);

	return r < 0 ? r : catalog_import(cat, infra, actor, err);
}

static int replace(const char *path, const struct infra *infra, const struct actor *actor,
	char **ret_aside, struct error *err)
{
	cleanup_free char *temp = NULL;
	int r;

	if (asprintf(&temp, "%s.rebuild-%d", path, (int)getpid()) < 0) {
		temp = NULL;
		return -ENOMEM;
	}

	catalog_remove(temp);
	r = build(temp, infra, actor, err);
	if (r == 0)
		r = catalog_replace(path, temp, ret_aside, err);
	if (r < 0)
		catalog_remove(temp);
	return r;
}

/* Ids that two marks claimed went to one of them: the other's mark is wrong now. */
static int refresh_marks(const char *path, int base_fd, struct error *err)
{
	struct mark_store marks = volmark_store(&base_fd);
	cleanup_catalog struct catalog *cat = NULL;
	int r = catalog_open(path, CATALOG_WRITE, &cat, err);

	return r < 0 ? r : catalog_write_marks(cat, &marks, NULL, err);
}

static int rebuild(const char *path, int base_fd, const struct actor *actor,
	const struct rebuild_options *options, struct harvest *h, struct error *err)
{
	int r;

	r = options->is_forced ? 0 : check_may_replace(path, err);
	if (r == 0)
		r = datadir_walk(base_fd, harvest_mark, harvest_odd, h, err);
	if (r < 0)
		return r;

	if (!options->is_dropping)
		r = check_nothing_lost(path, &h->infra, err);
	if (r < 0)
		return r;
	count(h->report, &h->infra);
	if (h->report->n_volumes == 0 && !options->is_forced)
		return error_set(err, -ENODATA,
			"no volume of the data base has a mark, so there is nothing to rebuild "
			"catalogue '%s' from; add --force for an empty one",
			path);
	if (options->is_dry_run)
		return 0;

	r = replace(path, &h->infra, actor, &h->report->aside, err);
	return r < 0 ? r : refresh_marks(path, base_fd, err);
}

int rebuild_catalog(const char *path, int base_fd, const struct actor *actor,
	const struct rebuild_options *options, struct rebuild_report *ret, struct error *err)
{
	cleanup_rebuild_report struct rebuild_report report = {0};
	struct harvest h = {.report = &report, .err = err};
	int r = rebuild(path, base_fd, actor, options, &h, err);

	infra_finish(&h.infra);
	if (r < 0)
		return r;

	*ret = report;
	report = (struct rebuild_report){0};
	return 0;
}
