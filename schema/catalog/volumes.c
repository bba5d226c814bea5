/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "volumes.h"

#include <string.h>
#include <time.h>

/* The orders of DOMAIN_COLUMNS, MACHINE_COLUMNS, VOLUME_COLUMNS, HOLD_COLUMNS in statements.def. */
enum { DOMAIN_ID, DOMAIN_NAME, DOMAIN_ENABLED, DOMAIN_ORPHAN };

enum {
	MACHINE_ID,
	MACHINE_DOMAIN,
	MACHINE_NAME,
	MACHINE_PROJECT,
	MACHINE_INSTANCE,
	MACHINE_OVERRIDE,
	MACHINE_VM,
	MACHINE_EPHEMERAL,
	MACHINE_ORPHAN,
};

enum {
	VOLUME_COL_ID,
	VOLUME_COL_MACHINE,
	VOLUME_COL_NAME,
	VOLUME_COL_PATH,
	VOLUME_COL_CLASS,
	VOLUME_COL_DESCRIPTION,
	VOLUME_COL_SIZE,
	VOLUME_COL_UID,
	VOLUME_COL_GID,
	VOLUME_COL_IDS_OVERRIDE,
	VOLUME_COL_MODE,
	VOLUME_COL_READONLY,
	VOLUME_COL_PROTECTED,
	VOLUME_COL_READONLY_OVERRIDE,
	VOLUME_COL_PROTECTED_OVERRIDE,
	VOLUME_COL_ORPHAN,
	VOLUME_COL_GENERATION,
	VOLUME_COL_SPEC_UID, /* only in GET_VOLUME */
	VOLUME_COL_SPEC_GID,
};

enum { HOLD_VOLUME, HOLD_TAG, HOLD_REASON, HOLD_ACTOR, HOLD_SINCE, HOLD_UNTIL };

static const char *column_name(sqlite3_stmt *q, int column)
{
	const char *name = (const char *)sqlite3_column_text(q, column);

	return name ? name : "";
}

static int read_domain(sqlite3_stmt *q, struct infra *infra)
{
	struct domain *d = infra_add_domain(infra, column_name(q, DOMAIN_NAME));

	if (!d)
		return -ENOMEM;
	d->id = sqlite3_column_int64(q, DOMAIN_ID);
	d->is_enabled = sqlite3_column_int(q, DOMAIN_ENABLED);
	d->orphan_since = sqlite3_column_int64(q, DOMAIN_ORPHAN);
	return 0;
}

static int read_machine(sqlite3_stmt *q, struct domain *domain)
{
	struct machine *m = domain_add_machine(domain, column_name(q, MACHINE_NAME));

	if (!m)
		return -ENOMEM;
	m->id = sqlite3_column_int64(q, MACHINE_ID);
	m->has_owner_override = sqlite3_column_int(q, MACHINE_OVERRIDE);
	m->is_vm = sqlite3_column_int(q, MACHINE_VM);
	m->is_ephemeral = sqlite3_column_int(q, MACHINE_EPHEMERAL);
	m->orphan_since = sqlite3_column_int64(q, MACHINE_ORPHAN);
	if (db_column_text(q, MACHINE_PROJECT, &m->project) < 0)
		return -ENOMEM;
	return db_column_text(q, MACHINE_INSTANCE, &m->instance);
}

static int read_volume_text(sqlite3_stmt *q, struct volume *v)
{
	if (db_column_text(q, VOLUME_COL_PATH, &v->path) < 0 ||
		db_column_text(q, VOLUME_COL_CLASS, &v->class) < 0)
		return -ENOMEM;
	return db_column_text(q, VOLUME_COL_DESCRIPTION, &v->description);
}

static int read_volume(sqlite3_stmt *q, struct machine *machine)
{
	struct volume *v = machine_add_volume(machine, column_name(q, VOLUME_COL_NAME));

	if (!v)
		return -ENOMEM;
	v->id = sqlite3_column_int64(q, VOLUME_COL_ID);
	v->size_bytes = sqlite3_column_int64(q, VOLUME_COL_SIZE);
	v->uid = sqlite3_column_int64(q, VOLUME_COL_UID);
	v->gid = sqlite3_column_int64(q, VOLUME_COL_GID);
	v->has_ids_override = sqlite3_column_int(q, VOLUME_COL_IDS_OVERRIDE);
	v->mode = sqlite3_column_int(q, VOLUME_COL_MODE);
	if (sqlite3_column_int(q, VOLUME_COL_READONLY))
		v->spec_flags |= VOLUME_READONLY;
	if (sqlite3_column_int(q, VOLUME_COL_PROTECTED))
		v->spec_flags |= VOLUME_PROTECTED;
	v->readonly_override = sqlite3_column_int(q, VOLUME_COL_READONLY_OVERRIDE);
	v->protected_override = sqlite3_column_int(q, VOLUME_COL_PROTECTED_OVERRIDE);
	v->orphan_since = sqlite3_column_int64(q, VOLUME_COL_ORPHAN);
	v->generation = sqlite3_column_int64(q, VOLUME_COL_GENERATION);
	return read_volume_text(q, v);
}

static int read_hold(sqlite3_stmt *q, struct volume *volume)
{
	struct hold *h = volume_add_hold(volume, column_name(q, HOLD_TAG));

	if (!h)
		return -ENOMEM;
	h->since = sqlite3_column_int64(q, HOLD_SINCE);
	h->until = sqlite3_column_int64(q, HOLD_UNTIL);
	if (db_column_text(q, HOLD_REASON, &h->reason) < 0)
		return -ENOMEM;
	return db_column_text(q, HOLD_ACTOR, &h->actor);
}

static void set_effective_flags(struct infra *infra)
{
	int64_t now = time(NULL);

	for (size_t i = 0; i < infra->n_domains; i++) {
		struct domain *d = &infra->domains[i];

		for (size_t j = 0; j < d->n_machines; j++) {
			struct machine *m = &d->machines[j];

			for (size_t k = 0; k < m->n_volumes; k++)
				m->volumes[k].flags = volume_effective_flags(&m->volumes[k], now);
		}
	}
}

static int load_domains(
	struct catalog *cat, enum db_stmt stmt, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query_values(cat, stmt, NULL, 0, &q, err);

	while (r == 0 && (r = db_step(cat, q, err)) > 0)
		r = read_domain(q, infra);
	return r;
}

/* A row whose parent did not come before it: the foreign keys are broken. */
static int refuse_stray(struct catalog *cat, const char *what, struct error *err)
{
	return error_set(err, -EBADMSG,
		"catalogue '%s' is damaged: %s without a parent\n" DB_WAY_OUT, cat->path, what);
}

/* Rows come in the order of their parents, so that one finger on the parents is enough. */
static int load_machines(
	struct catalog *cat, enum db_stmt stmt, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	size_t d = 0;
	int r = db_query_values(cat, stmt, NULL, 0, &q, err);

	while (r == 0 && (r = db_step(cat, q, err)) > 0) {
		int64_t parent = sqlite3_column_int64(q, MACHINE_DOMAIN);

		while (d < infra->n_domains && infra->domains[d].id != parent)
			d++;
		if (d == infra->n_domains)
			return refuse_stray(cat, "a machine", err);
		r = read_machine(q, &infra->domains[d]);
	}
	return r;
}

/* A finger on a machine of INFRA. */
struct machine_cursor {
	struct infra *infra;
	size_t domain, machine;
};

static struct machine *cursor_get(const struct machine_cursor *c)
{
	return &c->infra->domains[c->domain].machines[c->machine];
}

/* Onto the first machine at or behind C; false at the end. */
static bool cursor_settle(struct machine_cursor *c)
{
	while (c->domain < c->infra->n_domains &&
		c->machine >= c->infra->domains[c->domain].n_machines) {
		c->domain++;
		c->machine = 0;
	}
	return c->domain < c->infra->n_domains;
}

static struct machine *cursor_find(struct machine_cursor *c, int64_t id)
{
	while (cursor_settle(c)) {
		if (cursor_get(c)->id == id)
			return cursor_get(c);
		c->machine++;
	}
	return NULL;
}

static int load_volumes(
	struct catalog *cat, enum db_stmt stmt, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	struct machine_cursor c = {.infra = infra};
	int r = db_query_values(cat, stmt, NULL, 0, &q, err);

	while (r == 0 && (r = db_step(cat, q, err)) > 0) {
		struct machine *m = cursor_find(&c, sqlite3_column_int64(q, VOLUME_COL_MACHINE));

		r = m ? read_volume(q, m) : refuse_stray(cat, "a volume", err);
	}
	return r;
}

static struct volume *find_volume(struct machine_cursor *c, size_t *index, int64_t id)
{
	while (cursor_settle(c)) {
		struct machine *m = cursor_get(c);

		for (; *index < m->n_volumes; (*index)++) {
			if (m->volumes[*index].id == id)
				return &m->volumes[*index];
		}
		c->machine++;
		*index = 0;
	}
	return NULL;
}

static int load_holds(struct catalog *cat, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	struct machine_cursor c = {.infra = infra};
	size_t index = 0;
	int r = db_query_values(cat, STMT_LIST_HOLDS, NULL, 0, &q, err);

	while (r == 0 && (r = db_step(cat, q, err)) > 0) {
		struct volume *v = find_volume(&c, &index, sqlite3_column_int64(q, HOLD_VOLUME));

		r = v ? read_hold(q, v) : refuse_stray(cat, "a hold", err);
	}
	return r;
}

int volumes_load(struct catalog *cat, enum volumes_view view, struct infra *ret, struct error *err)
{
	bool of_spec = view == VOLUMES_OF_SPEC;
	int r;

	infra_init(ret);
	r = load_domains(cat, of_spec ? STMT_LIST_SPEC_DOMAINS : STMT_LIST_DOMAINS, ret, err);
	if (r == 0)
		r = load_machines(
			cat, of_spec ? STMT_LIST_SPEC_MACHINES : STMT_LIST_MACHINES, ret, err);
	if (r == 0)
		r = load_volumes(
			cat, of_spec ? STMT_LIST_SPEC_VOLUMES : STMT_LIST_VOLUMES, ret, err);
	if (r == 0)
		r = load_holds(cat, ret, err);
	if (r == 0)
		set_effective_flags(ret);
	return r;
}

int catalog_load(
	struct catalog *cat, struct infra *ret, uint64_t *ret_generation, struct error *err)
{
	cleanup_rollback struct catalog *begun = NULL;
	cleanup_infra struct infra infra = {0};
	uint64_t generation;
	int r;

	r = db_begin(cat, false, err);
	if (r < 0)
		return r;
	begun = cat;

	r = catalog_get_generation(cat, &generation, err);
	if (r == 0)
		r = volumes_load(cat, VOLUMES_IN_FORCE, &infra, err);
	if (r < 0)
		return r;

	*ret = infra;
	infra_init(&infra);
	if (ret_generation)
		*ret_generation = generation;
	return 0;
}

/* Start STMT for VOLUME and stand on its one row. */
static int query_of(
	struct catalog *cat, enum db_stmt stmt, int64_t volume, sqlite3_stmt **q, struct error *err)
{
	int r = db_query(cat, stmt, q, err, db_int(volume));

	if (r == 0)
		r = db_step(cat, *q, err);
	if (r == 0)
		return error_set(
			err, -ENOENT, "catalogue '%s' has no such volume any more", cat->path);
	return r < 0 ? r : 0;
}

static int load_domain_of(
	struct catalog *cat, int64_t volume, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = query_of(cat, STMT_GET_DOMAIN_OF, volume, &q, err);

	return r < 0 ? r : read_domain(q, infra);
}

static int load_machine_of(
	struct catalog *cat, int64_t volume, struct infra *infra, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = query_of(cat, STMT_GET_MACHINE_OF, volume, &q, err);

	return r < 0 ? r : read_machine(q, &infra->domains[0]);
}

static int load_volume(
	struct catalog *cat, int64_t volume, struct volume_record *record, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = query_of(cat, STMT_GET_VOLUME, volume, &q, err);

	if (r < 0)
		return r;
	record->spec_uid = sqlite3_column_int64(q, VOLUME_COL_SPEC_UID);
	record->spec_gid = sqlite3_column_int64(q, VOLUME_COL_SPEC_GID);
	return read_volume(q, &record->infra.domains[0].machines[0]);
}

static int load_holds_of(struct catalog *cat, int64_t id, struct volume *volume, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query(cat, STMT_GET_HOLDS, &q, err, db_int(id));

	while (r == 0 && (r = db_step(cat, q, err)) > 0)
		r = read_hold(q, volume);
	return r;
}

int volumes_load_one(
	struct catalog *cat, int64_t volume, struct volume_record *ret, struct error *err)
{
	struct machine *m;
	int r;

	memset(ret, 0, sizeof(*ret));
	r = load_domain_of(cat, volume, &ret->infra, err);
	if (r == 0)
		r = load_machine_of(cat, volume, &ret->infra, err);
	if (r == 0)
		r = load_volume(cat, volume, ret, err);
	if (r < 0)
		return r;

	m = &ret->infra.domains[0].machines[0];
	r = load_holds_of(cat, volume, &m->volumes[0], err);
	if (r < 0)
		return r;

	set_effective_flags(&ret->infra);
	ret->domain = &ret->infra.domains[0];
	ret->machine = m;
	ret->volume = &m->volumes[0];
	return 0;
}

void volume_record_finish(struct volume_record *record)
{
	infra_finish(&record->infra);
}

char *volume_record_name(const struct volume_record *record)
{
	char *text;

	if (asprintf(&text, "%s/%s/%s", record->domain->name, record->machine->name,
		    record->volume->name) < 0)
		return NULL;
	return text;
}

static struct db_value id_or_next(int64_t id)
{
	return id ? db_int(id) : db_null();
}

int volumes_insert_domain(
	struct catalog *cat, const struct domain *domain, int64_t *ret_id, struct error *err)
{
	int r = db_run(cat, STMT_INSERT_DOMAIN, err, id_or_next(domain->id), db_text(domain->name),
		db_int(domain->is_enabled), db_int(domain->orphan_since));

	if (r == 0)
		*ret_id = sqlite3_last_insert_rowid(cat->db);
	return r;
}

int volumes_insert_machine(struct catalog *cat, int64_t domain, const struct machine *m,
	int64_t *ret_id, struct error *err)
{
	/* Where only the override is known (from a mark), it stands in for the spec's word. */
	const char *owner_project = m->has_owner_override ? m->project : NULL;
	const char *owner_instance = m->has_owner_override ? m->instance : NULL;
	int r = db_run(cat, STMT_INSERT_MACHINE, err, id_or_next(m->id), db_int(domain),
		db_text(m->name), db_text(m->project), db_text(m->instance), db_text(owner_project),
		db_text(owner_instance), db_int(m->is_vm), db_int(m->is_ephemeral),
		db_int(m->orphan_since));

	if (r == 0)
		*ret_id = sqlite3_last_insert_rowid(cat->db);
	return r;
}

int volumes_insert_volume(struct catalog *cat, int64_t machine, const struct volume *v,
	uint64_t generation, int64_t *ret_id, struct error *err)
{
	struct db_value owner_uid = v->has_ids_override ? db_int(v->uid) : db_null();
	struct db_value owner_gid = v->has_ids_override ? db_int(v->gid) : db_null();
	int r = db_run(cat, STMT_INSERT_VOLUME, err, id_or_next(v->id), db_int(machine),
		db_text(v->name), db_text(v->path), db_text(v->class), db_text(v->description),
		db_int(v->size_bytes), db_int(v->uid), db_int(v->gid), owner_uid, owner_gid,
		db_int(v->mode), db_int(!!(v->spec_flags & VOLUME_READONLY)),
		db_int(!!(v->spec_flags & VOLUME_PROTECTED)), db_int(v->readonly_override),
		db_int(v->protected_override), db_int(v->orphan_since), db_int(generation));

	if (r == 0)
		*ret_id = sqlite3_last_insert_rowid(cat->db);
	return r;
}

int volumes_insert_hold(
	struct catalog *cat, int64_t volume, const struct hold *hold, struct error *err)
{
	return db_run(cat, STMT_INSERT_HOLD, err, db_int(volume), db_text(hold->tag),
		db_text(hold->reason), db_text(hold->actor), db_int(hold->since),
		db_int(hold->until));
}
