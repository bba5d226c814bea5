/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "drift.h"

#include "datadir.h"
#include "volmark.h"

#include <string.h>

void drift_list_finish(struct drift_list *list)
{
	for (size_t i = 0; i < list->n_items; i++) {
		free(list->items[i].path);
		free(list->items[i].detail);
	}
	free(list->items);
	*list = (struct drift_list){0};
}

int drift_list_add(
	struct drift_list *list, enum drift_kind kind, const char *path, const char *detail)
{
	struct drift *items = list->items;
	struct drift *d;

	if ((list->n_items & (list->n_items - 1)) == 0) {
		items = reallocarray(items, list->n_items ? list->n_items * 2 : 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		list->items = items;
	}

	d = &items[list->n_items++];
	*d = (struct drift){.kind = kind, .path = strdup(path)};
	if (detail)
		d->detail = strdup(detail);
	return d->path && (d->detail || !detail) ? 0 : -ENOMEM;
}

/* What is wrong with the directory or the mark of one volume: 1 and *RET_KIND, 0 for nothing. */
static int examine(int base_fd, const struct domain *d, const struct machine *m,
	const struct volume *v, enum drift_kind *ret_kind, struct error *detail)
{
	cleanup_fd int fd = -1;
	int r = datadir_open_volume(base_fd, d->name, m->name, v->name, &fd);

	if (r == -ENOENT || r == -ELOOP || r == -ENOTDIR) {
		*ret_kind = DRIFT_NO_DIRECTORY;
		return 1;
	}
	if (r == 0)
		r = volmark_compare(fd, d, m, v, detail);
	if (r == -ENODATA)
		*ret_kind = DRIFT_NO_MARK;
	else if (r == -EBADMSG || r == -ENOTSUP)
		*ret_kind = DRIFT_MARK_DAMAGED;
	else if (r == 1)
		*ret_kind = DRIFT_MARK_DIFFERS;
	else
		return r;
	return 1;
}

static int examine_volume(int base_fd, const struct domain *d, const struct machine *m,
	const struct volume *v, struct drift_list *list, struct error *err)
{
	cleanup_error struct error detail = {0};
	cleanup_free char *path = NULL;
	enum drift_kind kind = DRIFT_NO_DIRECTORY;
	int r = examine(base_fd, d, m, v, &kind, &detail);

	if (r == 0)
		return 0;
	if (asprintf(&path, "%s/%s/%s", d->name, m->name, v->name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	if (r < 0)
		return error_set(err, r, "volume '%s': %s", path, error_text(&detail, r));
	return drift_list_add(list, kind, path, detail.text);
}

int drift_find_in_records(
	const struct infra *infra, int base_fd, struct drift_list *list, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			const struct machine *m = &d->machines[j];

			for (size_t k = 0; r == 0 && k < m->n_volumes; k++)
				r = examine_volume(base_fd, d, m, &m->volumes[k], list, err);
		}
	}
	return r;
}

struct search {
	const struct infra *infra;
	struct drift_list *list;
};

static bool is_recorded(
	const struct infra *infra, const char *domain, const char *machine, const char *volume)
{
	const struct domain *d = infra_find_domain(infra, domain);
	const struct machine *m = d ? domain_find_machine(d, machine) : NULL;

	return m && machine_find_volume(m, volume);
}

static int found_directory(
	void *context, const char *domain, const char *machine, const char *volume, int fd)
{
	struct search *s = context;
	cleanup_infra struct infra marked = {0};
	cleanup_error struct error detail = {0};
	cleanup_free char *path = NULL;
	int r;

	if (is_recorded(s->infra, domain, machine, volume))
		return 0;
	if (asprintf(&path, "%s/%s/%s", domain, machine, volume) < 0) {
		path = NULL;
		return -ENOMEM;
	}

	r = volmark_read(fd, domain, machine, volume, &marked, &detail);
	if (r == -ENOMEM)
		return r;
	/* A mark that is of no use is a mere detail here: nobody knows the directory. */
	return drift_list_add(
		s->list, r == 0 ? DRIFT_UNRECORDED : DRIFT_UNDECLARED, path, detail.text);
}

static int found_odd(void *context, const char *path)
{
	struct search *s = context;

	return drift_list_add(s->list, DRIFT_ODD, path, NULL);
}

int drift_find_in_base(
	const struct infra *infra, int base_fd, struct drift_list *list, struct error *err)
{
	struct search s = {infra, list};

	return datadir_walk(base_fd, found_directory, found_odd, &s, err);
}
