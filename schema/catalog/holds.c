/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "changes.h"
#include "bounds.h"
#include "tx.h"

#include <string.h>

/* Longer names of actors are cut: the audit row has the whole one. */
#define HOLD_ACTOR_MAX 64

static int clear_expired(
	struct tx *tx, const char *object, const struct volume *v, struct error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n_holds; i++) {
		const struct hold *h = &v->holds[i];

		if (h->until == 0 || h->until > tx->now)
			continue;
		r = db_run(tx->cat, STMT_DELETE_HOLD, err, db_int(v->id), db_text(h->tag));
		if (r == 0)
			r = tx_audit(tx, "hold.expire", object, h->tag, err);
	}
	return r;
}

static const struct hold *find_hold(const struct volume *v, const char *tag, int64_t now)
{
	for (size_t i = 0; i < v->n_holds; i++) {
		const struct hold *h = &v->holds[i];

		if (str_equal(h->tag, tag) && (h->until == 0 || h->until > now))
			return h;
	}
	return NULL;
}

/* All holds of the volume as they stand now fit into its mark. */
static int check_room(struct catalog *cat, int64_t volume, struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	int r = volumes_load_one(cat, volume, &record, err);

	return r < 0 ? r : bounds_check_holds(record.volume, err);
}

static int add_hold(struct tx *tx, const struct volume_record *record, const struct hold *hold,
	struct error *err)
{
	cleanup_free char *object = volume_record_name(record);
	cleanup_free char *detail = NULL;
	int64_t volume = record->volume->id;
	int r;

	if (asprintf(&detail, "%s: %s", hold->tag, hold->reason) < 0)
		detail = NULL;
	if (!object || !detail)
		return -ENOMEM;
	if (find_hold(record->volume, hold->tag, tx->now))
		return error_set(err, -EEXIST,
			"volume '%s' has a hold '%s' already; release it or choose another tag",
			object, hold->tag);

	r = clear_expired(tx, object, record->volume, err);
	if (r == 0)
		r = volumes_insert_hold(tx->cat, volume, hold, err);
	if (r == 0)
		r = check_room(tx->cat, volume, err);
	if (r == 0)
		r = db_run(tx->cat, STMT_TOUCH_VOLUME, err, db_int(volume), db_int(tx->generation));
	if (r == 0)
		r = tx_audit(tx, "hold.add", object, detail, err);
	return r < 0 ? r : tx_mark(tx, volume, err);
}

int catalog_hold(struct catalog *cat, int64_t volume, const char *tag, const char *reason,
	int64_t until, const struct actor *actor, const struct mark_store *marks, struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	cleanup_free char *who =
		str_cut(actor && actor->user ? actor->user : "unknown", HOLD_ACTOR_MAX);
	cleanup_tx struct tx tx = {0};
	struct hold hold = {
		.tag = (char *)tag, .reason = (char *)reason, .actor = who, .until = until};
	int r;

	if (!who)
		return -ENOMEM;
	r = tx_begin(&tx, cat, actor, marks, err);
	if (r < 0)
		return r;

	hold.since = tx.now;
	r = bounds_check_hold(&hold, tx.now, err);
	if (r == 0)
		r = volumes_load_one(cat, volume, &record, err);
	if (r == 0)
		r = add_hold(&tx, &record, &hold, err);
	return r < 0 ? r : tx_commit(&tx, err);
}

static int remove_hold(
	struct tx *tx, const struct volume_record *record, const char *tag, struct error *err)
{
	cleanup_free char *object = volume_record_name(record);
	int64_t volume = record->volume->id;
	int r;

	if (!object)
		return -ENOMEM;

	r = db_run(tx->cat, STMT_DELETE_HOLD, err, db_int(volume), db_text(tag));
	if (r == 0 && sqlite3_changes(tx->cat->db) == 0)
		return error_set(err, -ENOENT, "volume '%s' has no hold '%s'", object, tag);
	if (r == 0)
		r = db_run(tx->cat, STMT_TOUCH_VOLUME, err, db_int(volume), db_int(tx->generation));
	if (r == 0)
		r = tx_audit(tx, "hold.release", object, tag, err);
	return r < 0 ? r : tx_mark(tx, volume, err);
}

int catalog_release(struct catalog *cat, int64_t volume, const char *tag, const struct actor *actor,
	const struct mark_store *marks, struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	cleanup_tx struct tx tx = {0};
	int r;

	r = tx_begin(&tx, cat, actor, marks, err);
	if (r == 0)
		r = volumes_load_one(cat, volume, &record, err);
	if (r == 0)
		r = remove_hold(&tx, &record, tag, err);
	return r < 0 ? r : tx_commit(&tx, err);
}
