/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "import.h"

#include "bounds.h"
#include "merge.h"

/*
 * Ids below the next multiple of this may have named records that left no mark (machines without
 * volumes, volumes without directory): they are not given out again.
 */
#define ID_DISTANCE (INT64_C(1) << 20)

/* No catalogue gives out as many; a larger one would use up the ids of those to come. */
#define ID_MAX (INT64_C(1) << 40)

/* *RET_ID stays 0 when STMT finds no row. */
static int find_id(struct catalog *cat, sqlite3_stmt *q, int64_t *ret_id, struct error *err)
{
	int r = db_step(cat, q, err);

	if (r > 0)
		*ret_id = sqlite3_column_int64(q, 0);
	return r < 0 ? r : 0;
}

/* ID, or 0 where it is taken or nonsense. */
static int id_if_free(
	struct catalog *cat, enum db_stmt stmt, int64_t id, int64_t *ret, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int64_t taken = 0;
	int r;

	r = db_query(cat, stmt, &q, err, db_int(id));
	if (r == 0)
		r = find_id(cat, q, &taken, err);
	*ret = id <= 0 || id > ID_MAX || taken ? 0 : id;
	return r;
}

static int find_domain(struct catalog *cat, const char *name, int64_t *ret, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query(cat, STMT_FIND_DOMAIN, &q, err, db_text(name));

	return r < 0 ? r : find_id(cat, q, ret, err);
}

static int find_machine(
	struct catalog *cat, int64_t domain, const char *name, int64_t *ret, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query(cat, STMT_FIND_MACHINE, &q, err, db_int(domain), db_text(name));

	return r < 0 ? r : find_id(cat, q, ret, err);
}

static int need_domain(struct tx *tx, const struct domain *d, int64_t *ret_id, struct error *err)
{
	struct domain row = *d;
	int r;

	*ret_id = 0;
	r = find_domain(tx->cat, d->name, ret_id, err);
	if (r < 0 || *ret_id)
		return r;

	r = id_if_free(tx->cat, STMT_HAS_DOMAIN_ID, d->id, &row.id, err);
	if (r == 0)
		r = volumes_insert_domain(tx->cat, &row, ret_id, err);
	return r < 0 ? r : tx_audit(tx, "domain.restore", d->name, NULL, err);
}

static int need_machine(struct tx *tx, const struct domain *d, int64_t domain,
	const struct machine *m, int64_t *ret_id, struct error *err)
{
	cleanup_free char *object = NULL;
	struct machine row = *m;
	int r;

	*ret_id = 0;
	r = find_machine(tx->cat, domain, m->name, ret_id, err);
	if (r < 0 || *ret_id)
		return r;

	if (asprintf(&object, "%s/%s", d->name, m->name) < 0) {
		object = NULL;
		return -ENOMEM;
	}
	r = id_if_free(tx->cat, STMT_HAS_MACHINE_ID, m->id, &row.id, err);
	if (r == 0)
		r = volumes_insert_machine(tx->cat, domain, &row, ret_id, err);
	return r < 0 ? r : tx_audit(tx, "machine.restore", object, NULL, err);
}

static int import_volume(struct tx *tx, const char *object, int64_t machine, const struct volume *v,
	struct error *err)
{
	uint64_t generation = v->generation ? v->generation : tx->generation;
	struct volume row = *v;
	int64_t id;
	int r;

	r = id_if_free(tx->cat, STMT_HAS_VOLUME_ID, v->id, &row.id, err);
	if (r == 0)
		r = volumes_insert_volume(tx->cat, machine, &row, generation, &id, err);
	for (size_t i = 0; r == 0 && i < v->n_holds; i++)
		r = volumes_insert_hold(tx->cat, id, &v->holds[i], err);
	return r < 0 ? r : tx_audit(tx, "volume.restore", object, NULL, err);
}

static int import_machine(struct tx *tx, const struct domain *d, int64_t domain,
	const struct machine *m, struct error *err)
{
	int64_t machine;
	int r = need_machine(tx, d, domain, m, &machine, err);

	for (size_t i = 0; r == 0 && i < m->n_volumes; i++) {
		cleanup_free char *object = NULL;

		if (asprintf(&object, "%s/%s/%s", d->name, m->name, m->volumes[i].name) < 0) {
			object = NULL;
			return -ENOMEM;
		}
		r = import_volume(tx, object, machine, &m->volumes[i], err);
	}
	return r;
}

static void rise_above(struct tx *tx, const struct machine *m)
{
	for (size_t i = 0; i < m->n_volumes; i++) {
		if (m->volumes[i].generation >= tx->generation)
			tx->generation = m->volumes[i].generation + 1;
	}
}

int import_infra(struct tx *tx, const struct infra *infra, struct error *err)
{
	int r = 0;

	for (size_t i = 0; i < infra->n_domains; i++) {
		for (size_t j = 0; j < infra->domains[i].n_machines; j++)
			rise_above(tx, &infra->domains[i].machines[j]);
	}

	for (size_t i = 0; r == 0 && i < infra->n_domains; i++) {
		const struct domain *d = &infra->domains[i];
		int64_t domain;

		r = need_domain(tx, d, &domain, err);
		for (size_t j = 0; r == 0 && j < d->n_machines; j++)
			r = import_machine(tx, d, domain, &d->machines[j], err);
	}
	return r;
}

/* The names alone. */
static int add_name(
	struct infra *infra, const char *domain, const char *machine, const char *volume)
{
	struct domain *d = infra_find_domain(infra, domain);
	struct machine *m;

	if (!d)
		d = infra_add_domain(infra, domain);
	if (!d)
		return -ENOMEM;
	m = domain_find_machine(d, machine);
	if (!m)
		m = domain_add_machine(d, machine);
	return m && machine_add_volume(m, volume) ? 0 : -ENOMEM;
}

struct mark_search {
	const struct mark_store *marks;
	struct infra *restored;
	struct infra *damaged;
};

static int search_mark(const struct mark_search *s, const struct domain *d, const struct machine *m,
	const struct volume *v, struct error *err)
{
	int r = s->marks->read(s->marks->context, d->name, m->name, v->name, s->restored, err);

	if (r == -EBADMSG)
		return add_name(s->damaged, d->name, m->name, v->name);
	return r == -ENOENT || r == -ENODATA ? 0 : r;
}

/* The volumes of WANT that HAVE (NULL = none) lacks. */
static int search_machine(const struct mark_search *s, const struct domain *d,
	const struct machine *have, const struct machine *want, struct error *err)
{
	cleanup_merge struct merge m = {0};
	struct volume *h;
	struct volume *w;
	int r;

	r = merge_init(&m, have ? have->volumes : NULL, have ? have->n_volumes : 0, want->volumes,
		want->n_volumes, MERGE_OF(volume));
	while (r == 0 && merge_next(&m, &h, &w)) {
		if (!h)
			r = search_mark(s, d, want, w, err);
	}
	return r;
}

static int search_domain(const struct mark_search *s, const struct domain *have,
	const struct domain *want, struct error *err)
{
	cleanup_merge struct merge m = {0};
	struct machine *h;
	struct machine *w;
	int r;

	r = merge_init(&m, have ? have->machines : NULL, have ? have->n_machines : 0,
		want->machines, want->n_machines, MERGE_OF(machine));
	while (r == 0 && merge_next(&m, &h, &w)) {
		if (w)
			r = search_machine(s, want, h, w, err);
	}
	return r;
}

int import_from_marks(struct tx *tx, const struct infra *want, struct infra *ret_restored,
	struct infra *ret_damaged, struct error *err)
{
	struct mark_search s = {tx->marks, ret_restored, ret_damaged};
	cleanup_infra struct infra have = {0};
	int r;

	if (!tx->marks || !tx->marks->read)
		return 0;

	r = volumes_load(tx->cat, VOLUMES_OF_SPEC, &have, err);
	for (size_t i = 0; r == 0 && i < want->n_domains; i++) {
		const struct domain *d = &want->domains[i];

		r = search_domain(&s, infra_find_domain(&have, d->name), d, err);
	}
	return r < 0 ? r : import_infra(tx, ret_restored, err);
}

static int check_is_empty(struct catalog *cat, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int64_t n = 0;
	int r = db_query_values(cat, STMT_COUNT_RECORDS, NULL, 0, &q, err);

	if (r == 0)
		r = find_id(cat, q, &n, err);
	if (r == 0 && n > 0)
		r = error_set(err, -ENOTEMPTY, "catalogue '%s' is not empty", cat->path);
	return r;
}

int catalog_import(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	struct error *err)
{
	cleanup_tx struct tx tx = {0};
	int r;

	r = bounds_check_infra(infra, err);
	if (r == 0)
		r = tx_begin(&tx, cat, actor, NULL, err);
	if (r == 0)
		r = check_is_empty(cat, err);
	if (r == 0)
		r = import_infra(&tx, infra, err);
	if (r == 0)
		r = db_run(cat, STMT_SKIP_IDS, err, db_int(ID_DISTANCE));
	return r < 0 ? r : tx_commit(&tx, err);
}
