/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"
#include "bounds.h"
#include "tx.h"

/* Both flags are set the same way. */
struct flag_setting {
	enum db_stmt stmt;
	unsigned int flag;
	const char *action;
};

static enum flag_override get_override(const struct volume *v, unsigned int flag)
{
	return flag == VOLUME_READONLY ? v->readonly_override : v->protected_override;
}

/* What VALUE amounts to: an override that says what the spec says is none. */
static enum flag_override reduce(
	const struct volume *v, unsigned int flag, enum flag_override value)
{
	bool is_in_spec = v->spec_flags & flag;

	if (value == FLAG_INHERIT || (value == FLAG_ON) == is_in_spec)
		return FLAG_INHERIT;
	return value;
}

static int change_flag(struct tx *tx, const struct volume_record *record,
	const struct flag_setting *setting, enum flag_override value, struct error *err)
{
	const struct volume *v = record->volume;
	bool is_in_spec = v->spec_flags & setting->flag;
	cleanup_free char *object = volume_record_name(record);
	cleanup_free char *detail = NULL;
	int r;

	if (asprintf(&detail, "%s -> %s",
		    changes_flag_text(is_in_spec, get_override(v, setting->flag)),
		    changes_flag_text(is_in_spec, value)) < 0)
		detail = NULL;
	if (!object || !detail)
		return -ENOMEM;

	r = db_run(
		tx->cat, setting->stmt, err, db_int(v->id), db_int(value), db_int(tx->generation));
	if (r == 0)
		r = tx_audit(tx, setting->action, object, detail, err);
	return r < 0 ? r : tx_mark(tx, v->id, err);
}

static int set_flag(struct catalog *cat, int64_t volume, const struct flag_setting *setting,
	enum flag_override value, const struct actor *actor, const struct mark_store *marks,
	bool *ret_changed, struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	cleanup_tx struct tx tx = {0};
	bool is_changed;
	int r;

	r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = volumes_load_one(cat, volume, &record, err);
	if (r < 0)
		return r;

	value = reduce(record.volume, setting->flag, value);
	is_changed = value != get_override(record.volume, setting->flag);
	/*
	 * A command that was killed before its commit may have left the mark ahead of the record:
	 * saying the same again puts that right.
	 */
	r = is_changed ? change_flag(&tx, &record, setting, value, err) : tx_mark(&tx, volume, err);
	if (r == 0)
		r = tx_commit(&tx, err);
	if (r == 0 && ret_changed)
		*ret_changed = is_changed;
	return r;
}

int catalog_set_readonly(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err)
{
	static const struct flag_setting setting = {
		STMT_SET_READONLY, VOLUME_READONLY, "flag.readonly"};

	return set_flag(cat, volume, &setting, value, actor, marks, ret_changed, err);
}

int catalog_set_protected(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err)
{
	static const struct flag_setting setting = {
		STMT_SET_PROTECTED, VOLUME_PROTECTED, "flag.protected"};

	return set_flag(cat, volume, &setting, value, actor, marks, ret_changed, err);
}

static int change_owner_ids(struct tx *tx, const struct volume_record *record, bool is_override,
	uid_t uid, gid_t gid, struct error *err)
{
	const struct volume *v = record->volume;
	cleanup_free char *object = volume_record_name(record);
	cleanup_free char *detail = NULL;
	int r;

	if (asprintf(&detail, "%u:%u%s -> %u:%u%s", v->uid, v->gid,
		    v->has_ids_override ? "" : " (spec)", uid, gid,
		    is_override ? "" : " (spec)") < 0)
		detail = NULL;
	if (!object || !detail)
		return -ENOMEM;

	r = db_run(tx->cat, STMT_SET_OWNER_IDS, err, db_int(v->id),
		is_override ? db_int(uid) : db_null(), is_override ? db_int(gid) : db_null(),
		db_int(tx->generation));
	if (r == 0)
		r = tx_audit(tx, "owner.ids", object, detail, err);
	return r < 0 ? r : tx_mark(tx, v->id, err);
}

int catalog_set_owner_ids(struct catalog *cat, int64_t volume, uid_t uid, gid_t gid,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	cleanup_tx struct tx tx = {0};
	bool is_override;
	bool is_changed;
	int r;

	if ((uid == (uid_t)-1) != (gid == (gid_t)-1))
		return error_set(err, -EINVAL, "an owner is a uid and a gid");

	r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = volumes_load_one(cat, volume, &record, err);
	if (r < 0)
		return r;

	if (uid == (uid_t)-1) {
		uid = record.spec_uid;
		gid = record.spec_gid;
	}
	is_override = uid != record.spec_uid || gid != record.spec_gid;
	is_changed = is_override != record.volume->has_ids_override || uid != record.volume->uid ||
		     gid != record.volume->gid;
	if (is_changed)
		r = change_owner_ids(&tx, &record, is_override, uid, gid, err);
	if (r == 0)
		r = tx_commit(&tx, err);
	if (r == 0 && ret_changed)
		*ret_changed = is_changed;
	return r;
}

/* A machine's owner: what the spec says and what is in force. */
struct owner {
	char *name; /* "domain/machine" */
	char *spec_project, *spec_instance;
	char *project, *instance;
	bool has_override;
};

static void owner_finish(struct owner *o)
{
	free(o->name);
	free(o->spec_project);
	free(o->spec_instance);
	free(o->project);
	free(o->instance);
}

#define cleanup_owner cleanup_(owner_finish)

static int load_owner(struct catalog *cat, int64_t machine, struct owner *ret, struct error *err)
{
	char **const texts[] = {
		&ret->name, &ret->spec_project, &ret->spec_instance, &ret->project, &ret->instance};
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r;

	r = db_query(cat, STMT_GET_MACHINE, &q, err, db_int(machine));
	if (r == 0)
		r = db_step(cat, q, err);
	if (r < 0)
		return r;
	if (r == 0)
		return error_set(err, -ENOENT, "catalogue '%s' has no such machine", cat->path);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (db_column_text(q, i, texts[i]) < 0)
			return -ENOMEM;
	}
	ret->has_override = sqlite3_column_int(q, ARRAY_SIZE(texts));
	return 0;
}

static int mark_machine(struct tx *tx, int64_t machine, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r;

	r = db_query(tx->cat, STMT_LIST_VOLUMES_OF_MACHINE, &q, err, db_int(machine));
	while (r == 0 && (r = db_step(tx->cat, q, err)) > 0)
		r = tx_mark(tx, sqlite3_column_int64(q, 0), err);
	return r;
}

static int change_owner_instance(struct tx *tx, int64_t machine, const struct owner *old,
	bool is_override, const char *project, const char *instance, struct error *err)
{
	cleanup_free char *detail = NULL;
	int r;

	if (asprintf(&detail, "%s/%s%s -> %s/%s%s", old->project, old->instance,
		    old->has_override ? "" : " (spec)", project, instance,
		    is_override ? "" : " (spec)") < 0) {
		detail = NULL;
		return -ENOMEM;
	}

	r = db_run(tx->cat, STMT_SET_OWNER_INSTANCE, err, db_int(machine),
		db_text(is_override ? project : NULL), db_text(is_override ? instance : NULL));
	if (r == 0)
		r = db_run(
			tx->cat, STMT_TOUCH_MACHINE, err, db_int(machine), db_int(tx->generation));
	if (r == 0)
		r = tx_audit(tx, "owner.instance", old->name, detail, err);
	return r < 0 ? r : mark_machine(tx, machine, err);
}

int catalog_set_owner_instance(struct catalog *cat, int64_t machine, const char *project,
	const char *instance, const struct actor *actor, const struct mark_store *marks,
	bool *ret_changed, struct error *err)
{
	cleanup_owner struct owner old = {0};
	cleanup_tx struct tx tx = {0};
	bool is_override;
	bool is_changed;
	int r = 0;

	if (project || instance)
		r = bounds_check_owner(project, instance, err);
	if (r == 0)
		r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = load_owner(cat, machine, &old, err);
	if (r < 0)
		return r;

	if (!project) {
		project = old.spec_project;
		instance = old.spec_instance;
	}
	is_override =
		!str_equal(project, old.spec_project) || !str_equal(instance, old.spec_instance);
	is_changed = is_override != old.has_override || !str_equal(project, old.project) ||
		     !str_equal(instance, old.instance);
	if (is_changed)
		r = change_owner_instance(&tx, machine, &old, is_override, project, instance, err);
	if (r == 0)
		r = tx_commit(&tx, err);
	if (r == 0 && ret_changed)
		*ret_changed = is_changed;
	return r;
}
