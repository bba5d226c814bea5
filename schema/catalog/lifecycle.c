/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lifecycle.h"

#include "bounds.h"
#include "import.h"
#include "str.h"
#include "tx.h"

#include <string.h>

/* One row's id; *RET stays as it is when there is none. */
static int find_id(struct catalog *cat, enum db_stmt stmt, const struct db_value *values, size_t n,
	int64_t *ret, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query_values(cat, stmt, values, n, &q, err);

	if (r == 0)
		r = db_step(cat, q, err);
	if (r > 0)
		*ret = sqlite3_column_int64(q, 0);
	return r < 0 ? r : 0;
}

#define FIND_ID(cat, stmt, ret, err, ...)                                                      \
	find_id(cat, stmt, (const struct db_value[]){__VA_ARGS__},                             \
		sizeof((const struct db_value[]){__VA_ARGS__}) / sizeof(struct db_value), ret, \
		err)

static int find_machine(struct catalog *cat, const char *domain, const char *machine, int64_t *ret,
	struct error *err)
{
	int64_t domain_id = 0;
	int r;

	*ret = 0;
	r = FIND_ID(cat, STMT_FIND_DOMAIN, &domain_id, err, db_text(domain));
	if (r == 0 && domain_id)
		r = FIND_ID(cat, STMT_FIND_MACHINE, ret, err, db_int(domain_id), db_text(machine));
	if (r == 0 && !*ret)
		return error_set(err, -ENOENT,
			"no machine '%s/%s' is recorded\n"
			"  declare it in the spec and run 'anklume-fsctl apply'",
			domain, machine);
	return r;
}

static int check_free(struct catalog *cat, int64_t machine, const char *object, const char *name,
	struct error *err)
{
	int64_t taken = 0;
	int r = FIND_ID(cat, STMT_FIND_VOLUME, &taken, err, db_int(machine), db_text(name));

	if (r == 0 && taken)
		return error_set(err, -EEXIST, "there is a volume '%s' already", object);
	return r;
}

/* An infra of one volume, without ids: the shape that bounds and marks are checked in. */
static int make_infra(
	struct infra *ret, const char *domain, const char *machine, const struct volume *volume)
{
	struct domain *d = infra_add_domain(ret, domain);
	struct machine *m = d ? domain_add_machine(d, machine) : NULL;
	struct volume *v = m ? machine_add_volume(m, volume->name) : NULL;

	if (!v)
		return -ENOMEM;
	v->path = strdup(volume->path);
	v->class = volume->class ? strdup(volume->class) : NULL;
	v->description = volume->description ? strdup(volume->description) : NULL;
	m->project = strdup(domain);
	m->instance = strdup(machine);
	if (!v->path || (volume->class && !v->class) || (volume->description && !v->description) ||
		!m->project || !m->instance)
		return -ENOMEM;
	v->size_bytes = volume->size_bytes;
	v->uid = volume->uid;
	v->gid = volume->gid;
	v->mode = volume->mode;
	v->spec_flags = volume->spec_flags;
	return 0;
}

/* The record that a mark gave back says what is wanted now; flags, holds and id stay. */
static int update_restored(
	struct tx *tx, int64_t id, const struct volume *volume, struct error *err)
{
	return db_run(tx->cat, STMT_UPDATE_VOLUME, err, db_int(id), db_text(volume->path),
		db_text(volume->class), db_text(volume->description), db_int(volume->size_bytes),
		db_int(volume->uid), db_int(volume->gid), db_int(volume->mode),
		db_int(!!(volume->spec_flags & VOLUME_READONLY)),
		db_int(!!(volume->spec_flags & VOLUME_PROTECTED)), db_int(tx->now),
		db_int(tx->generation));
}

/* Insert the volume of WANT, or bring back the record that the mark of its directory has kept. */
static int insert(struct tx *tx, int64_t machine, const struct infra *want, int64_t *ret_id,
	struct error *err)
{
	cleanup_infra struct infra restored = {0};
	cleanup_infra struct infra damaged = {0};
	struct volume row = want->domains[0].machines[0].volumes[0];
	int r;

	r = import_from_marks(tx, want, &restored, &damaged, err);
	if (r < 0)
		return r;
	if (restored.n_domains) {
		r = FIND_ID(
			tx->cat, STMT_FIND_VOLUME, ret_id, err, db_int(machine), db_text(row.name));
		return r < 0 ? r : update_restored(tx, *ret_id, &row, err);
	}

	row.orphan_since = tx->now;
	return volumes_insert_volume(tx->cat, machine, &row, tx->generation, ret_id, err);
}

int catalog_create_volume(struct catalog *cat, const char *domain, const char *machine,
	const struct volume *volume, const struct actor *actor, const struct mark_store *marks,
	const struct catalog_step *step, struct error *err)
{
	cleanup_infra struct infra want = {0};
	cleanup_free char *object = NULL;
	cleanup_tx struct tx tx = {0};
	int64_t machine_id;
	int64_t id = 0;
	int r;

	if (asprintf(&object, "%s/%s/%s", domain, machine, volume->name) < 0) {
		object = NULL;
		return -ENOMEM;
	}
	r = make_infra(&want, domain, machine, volume);
	if (r == 0)
		r = bounds_check_infra(&want, err);
	if (r == 0)
		r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = find_machine(cat, domain, machine, &machine_id, err);
	if (r == 0)
		r = check_free(cat, machine_id, object, volume->name, err);
	if (r == 0)
		r = insert(&tx, machine_id, &want, &id, err);
	if (r == 0)
		r = tx_audit(&tx, "volume.create", object, volume->path, err);
	if (r == 0)
		r = tx_step(&tx, step, err);
	if (r == 0)
		r = tx_mark(&tx, id, err);
	return r < 0 ? r : tx_commit(&tx, err);
}

static const struct {
	unsigned int flag;
	const char *word;
	const char *way_out; /* one %s: the volume */
} obstacles[] = {
	{VOLUME_HELD, "on hold", "anklume-fsctl holds %s"},
	{VOLUME_PROTECTED, "protected", "anklume-fsctl unprotect %s"},
	{VOLUME_READONLY, "read-only", "anklume-fsctl readonly off %s"},
};

int catalog_check_removable(const struct volume *volume, const char *name, struct error *err)
{
	cleanup_strbuf struct strbuf words = STRBUF_INIT;
	cleanup_strbuf struct strbuf ways = STRBUF_INIT;

	for (size_t i = 0; i < ARRAY_SIZE(obstacles); i++) {
		if (!(volume->flags & obstacles[i].flag))
			continue;
		strbuf_printf(&words, "%s%s", words.len ? " and " : "", obstacles[i].word);
		strbuf_puts(&ways, "\n  see '");
		strbuf_printf(&ways, obstacles[i].way_out, name);
		strbuf_puts(&ways, "'");
	}
	if (words.failed || ways.failed)
		return -ENOMEM;
	if (!words.len)
		return 0;
	return error_set(err, -EPERM, "volume '%s' is %s%s", name, words.data, ways.data);
}

/* What a change of VOLUME starts with: its record and its name, in a transaction. */
struct volume_change {
	struct tx tx;
	struct volume_record record;
	char *object; /* "domain/machine/volume" */
};

static void finish_change(struct volume_change *ch)
{
	tx_finish(&ch->tx);
	free(ch->object);
	volume_record_finish(&ch->record);
}

DEFINE_FINISH(finish_changep, struct volume_change, finish_change)
#define cleanup_volume_change cleanup_(finish_changep)

static int begin_change(struct volume_change *ch, struct catalog *cat, int64_t volume,
	const struct actor *actor, const struct mark_store *marks, struct error *err)
{
	int r;

	r = tx_begin(&ch->tx, cat, actor, marks, err);
	if (r == 0)
		r = volumes_load_one(cat, volume, &ch->record, err);
	if (r < 0)
		return r;
	ch->object = volume_record_name(&ch->record);
	return ch->object ? 0 : -ENOMEM;
}

int catalog_remove_volume(struct catalog *cat, int64_t volume, const char *detail,
	const struct actor *actor, const struct mark_store *marks, const struct catalog_step *step,
	struct error *err)
{
	cleanup_volume_change struct volume_change ch = {0};
	int r;

	r = begin_change(&ch, cat, volume, actor, marks, err);
	if (r == 0)
		r = catalog_check_removable(ch.record.volume, ch.object, err);
	if (r == 0)
		r = tx_mark(&ch.tx, volume, err);
	if (r == 0)
		r = db_run(cat, STMT_DELETE_HOLDS, err, db_int(volume));
	if (r == 0)
		r = db_run(cat, STMT_DELETE_VOLUME, err, db_int(volume));
	if (r == 0)
		r = tx_audit(&ch.tx, "volume.remove", ch.object, detail, err);
	if (r == 0)
		r = tx_step(&ch.tx, step, err);
	return r < 0 ? r : tx_commit(&ch.tx, err);
}

/* The id of what RECORD says, once it is recorded. */
static int find_record(
	struct catalog *cat, const struct infra *record, int64_t *ret_id, struct error *err)
{
	const struct domain *d = &record->domains[0];
	const struct machine *m = &d->machines[0];
	int64_t domain = 0;
	int64_t machine = 0;
	int r;

	*ret_id = 0;
	r = FIND_ID(cat, STMT_FIND_DOMAIN, &domain, err, db_text(d->name));
	if (r == 0 && domain)
		r = FIND_ID(
			cat, STMT_FIND_MACHINE, &machine, err, db_int(domain), db_text(m->name));
	if (r == 0 && machine)
		r = FIND_ID(cat, STMT_FIND_VOLUME, ret_id, err, db_int(machine),
			db_text(m->volumes[0].name));
	return r;
}

int catalog_restore_volume(struct catalog *cat, const struct infra *record,
	const struct actor *actor, const struct mark_store *marks, const struct catalog_step *step,
	struct error *err)
{
	const struct domain *d = &record->domains[0];
	const struct machine *m = &d->machines[0];
	cleanup_free char *object = NULL;
	cleanup_tx struct tx tx = {0};
	int64_t id;
	int r;

	if (asprintf(&object, "%s/%s/%s", d->name, m->name, m->volumes[0].name) < 0) {
		object = NULL;
		return -ENOMEM;
	}
	r = bounds_check_infra(record, err);
	if (r == 0)
		r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = find_record(cat, record, &id, err);
	if (r == 0 && id)
		return error_set(err, -EEXIST, "there is a volume '%s' already", object);
	if (r == 0)
		r = import_infra(&tx, record, err);
	if (r == 0)
		r = find_record(cat, record, &id, err);
	/* A record of this change, whatever it was before: its mark is written anew. */
	if (r == 0)
		r = db_run(cat, STMT_TOUCH_VOLUME, err, db_int(id), db_int(tx.generation));
	if (r == 0)
		r = tx_step(&tx, step, err);
	if (r == 0)
		r = tx_mark(&tx, id, err);
	return r < 0 ? r : tx_commit(&tx, err);
}

int catalog_rename_volume(struct catalog *cat, int64_t volume, const char *domain,
	const char *machine, const char *name, const struct actor *actor,
	const struct mark_store *marks, const struct catalog_step *step, struct error *err)
{
	cleanup_volume_change struct volume_change ch = {0};
	cleanup_free char *to = NULL;
	int64_t machine_id;
	int r;

	if (asprintf(&to, "%s/%s/%s", domain, machine, name) < 0) {
		to = NULL;
		return -ENOMEM;
	}
	r = begin_change(&ch, cat, volume, actor, marks, err);
	if (r == 0)
		r = find_machine(cat, domain, machine, &machine_id, err);
	if (r == 0)
		r = check_free(cat, machine_id, to, name, err);
	if (r == 0)
		r = db_run(cat, STMT_MOVE_VOLUME, err, db_int(volume), db_int(machine_id),
			db_text(name), db_int(ch.tx.generation));
	if (r == 0)
		r = tx_audit(&ch.tx, "volume.rename", ch.object, to, err);
	if (r == 0)
		r = tx_audit(&ch.tx, "volume.renamed", to, ch.object, err);
	if (r == 0)
		r = tx_step(&ch.tx, step, err);
	if (r == 0)
		r = tx_mark(&ch.tx, volume, err);
	return r < 0 ? r : tx_commit(&ch.tx, err);
}

/* Holds point to the volume: for this transaction the reference is checked at its end. */
static int renumber(struct tx *tx, int64_t volume, int64_t *ret_id, struct error *err)
{
	int r = db_script(tx->cat, "PRAGMA defer_foreign_keys = ON", err);

	if (r == 0)
		r = db_run_values(tx->cat, STMT_TAKE_VOLUME_ID, NULL, 0, err);
	if (r == 0)
		r = find_id(tx->cat, STMT_GET_TAKEN_ID, NULL, 0, ret_id, err);
	if (r == 0)
		r = db_run(tx->cat, STMT_RENUMBER_VOLUME, err, db_int(volume), db_int(*ret_id),
			db_int(tx->generation));
	if (r == 0)
		r = db_run(tx->cat, STMT_RENUMBER_HOLDS, err, db_int(volume), db_int(*ret_id));
	return r;
}

int catalog_renumber_volume(struct catalog *cat, int64_t volume, const char *action,
	const char *detail, const struct actor *actor, const struct mark_store *marks,
	const struct catalog_step *step, struct error *err)
{
	cleanup_volume_change struct volume_change ch = {0};
	int64_t id = 0;
	int r;

	r = begin_change(&ch, cat, volume, actor, marks, err);
	if (r == 0)
		r = renumber(&ch.tx, volume, &id, err);
	if (r == 0)
		r = tx_audit(&ch.tx, action, ch.object, detail, err);
	if (r == 0)
		r = tx_step(&ch.tx, step, err);
	if (r == 0)
		r = tx_mark(&ch.tx, id, err);
	return r < 0 ? r : tx_commit(&ch.tx, err);
}
