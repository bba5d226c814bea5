/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tx.h"

#include "str.h"

#include <time.h>

/*
 * Few marks are made durable one by one (an fsync of one directory); many at once by the store's
 * sync, which also waits for whatever else is being written to the base.
 */
#define DURABLE_ONE_BY_ONE 32

/* Who and which command, from outside: readable, and no novel. */
#define TEXT_MAX 4096

int catalog_get_generation(struct catalog *cat, uint64_t *ret, struct error *err)
{
	cleanup_stmt sqlite3_stmt *q = NULL;
	int r = db_query_values(cat, STMT_GET_GENERATION, NULL, 0, &q, err);

	if (r == 0)
		r = db_step(cat, q, err);
	if (r < 0)
		return r;
	if (r == 0)
		return db_error(cat, SQLITE_CORRUPT, err);

	*ret = sqlite3_column_int64(q, 0);
	return 0;
}

int tx_begin(struct tx *tx, struct catalog *cat, const struct actor *actor,
	const struct mark_store *marks, struct error *err)
{
	int r = db_begin(cat, true, err);

	if (r < 0)
		return r;

	*tx = (struct tx){.cat = cat, .actor = actor, .marks = marks, .now = time(NULL)};
	r = catalog_get_generation(cat, &tx->generation, err);
	tx->generation++;
	return r;
}

int tx_audit(struct tx *tx, const char *action, const char *object, const char *detail,
	struct error *err)
{
	cleanup_free char *user =
		str_cut(tx->actor && tx->actor->user ? tx->actor->user : "unknown", TEXT_MAX);
	cleanup_free char *command =
		str_cut(tx->actor && tx->actor->command ? tx->actor->command : "", TEXT_MAX);

	if (!user || !command)
		return -ENOMEM;

	tx->is_dirty = true;
	return db_run(tx->cat, STMT_INSERT_AUDIT, err, db_int(tx->now), db_int(tx->generation),
		db_text(user), db_text(command), db_text(action), db_text(object), db_text(detail));
}

int catalog_note(struct catalog *cat, const struct audit_note *notes, size_t n,
	const struct actor *actor, struct error *err)
{
	cleanup_tx struct tx tx = {0};
	int r = tx_begin(&tx, cat, actor, NULL, err);

	if (r < 0)
		return r;

	tx.generation--; /* the one that is in force, not a new one */
	for (size_t i = 0; i < n && r == 0; i++)
		r = tx_audit(&tx, notes[i].action, notes[i].object, notes[i].detail, err);
	tx.is_dirty = false;
	return r < 0 ? r : tx_commit(&tx, err);
}

static int remember_marked(struct tx *tx, int64_t volume)
{
	int64_t *marked = tx->marked;

	if ((tx->n_marked & (tx->n_marked - 1)) == 0) {
		marked = reallocarray(marked, tx->n_marked ? tx->n_marked * 2 : 1, sizeof(*marked));
		if (!marked)
			return -ENOMEM;
		tx->marked = marked;
	}
	marked[tx->n_marked++] = volume;
	return 0;
}

static int write_mark(struct tx *tx, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, struct error *err)
{
	bool durable = tx->n_written < DURABLE_ONE_BY_ONE;
	int r = remember_marked(tx, volume->id);

	if (r == 0)
		r = tx->marks->write(tx->marks->context, domain, machine, volume, durable, err);
	if (r == -ENOENT)
		return 0;
	if (r > 0)
		tx->n_written++;
	return r < 0 ? r : 0;
}

static bool writes_marks(const struct tx *tx)
{
	return tx->marks && tx->marks->write;
}

int tx_mark(struct tx *tx, int64_t volume, struct error *err)
{
	cleanup_volume_record struct volume_record record = {0};
	int r;

	if (!writes_marks(tx))
		return 0;

	r = volumes_load_one(tx->cat, volume, &record, err);
	return r < 0 ? r : write_mark(tx, record.domain, record.machine, record.volume, err);
}

int tx_step(struct tx *tx, const struct catalog_step *step, struct error *err)
{
	int r;

	if (!step)
		return 0;
	r = step->run(step->context, err);
	if (r == 0)
		tx->step = step;
	return r;
}

static int mark_machine(struct tx *tx, const struct domain *domain, const struct machine *machine,
	struct error *err)
{
	for (size_t i = 0; i < machine->n_volumes; i++) {
		const struct volume *v = &machine->volumes[i];
		bool is_ours = v->generation == tx->generation;
		int r = write_mark(tx, domain, machine, v, is_ours ? err : NULL);

		if (r < 0 && (is_ours || r == -ENOMEM))
			return r;
	}
	return 0;
}

int tx_mark_all(struct tx *tx, struct error *err)
{
	cleanup_infra struct infra infra = {0};
	int r;

	if (!writes_marks(tx))
		return 0;

	r = volumes_load(tx->cat, VOLUMES_IN_FORCE, &infra, err);
	for (size_t i = 0; r == 0 && i < infra.n_domains; i++) {
		const struct domain *d = &infra.domains[i];

		for (size_t j = 0; r == 0 && j < d->n_machines; j++)
			r = mark_machine(tx, d, &d->machines[j], err);
	}
	return r;
}

int tx_commit(struct tx *tx, struct error *err)
{
	int r = 0;

	if (tx->is_dirty)
		r = db_run(tx->cat, STMT_SET_GENERATION, err, db_int(tx->generation));
	if (r == 0 && tx->n_written > DURABLE_ONE_BY_ONE)
		r = tx->marks->sync(tx->marks->context, err);
	if (r == 0)
		r = db_commit(tx->cat, err);
	if (r == 0)
		tx->cat = NULL;
	return r;
}

/* The change did not happen: the marks say again what the records say, as far as possible. */
static void restore_marks(struct tx *tx)
{
	for (size_t i = 0; i < tx->n_marked; i++) {
		cleanup_volume_record struct volume_record record = {0};

		if (volumes_load_one(tx->cat, tx->marked[i], &record, NULL) < 0)
			continue;
		tx->marks->write(tx->marks->context, record.domain, record.machine, record.volume,
			false, NULL);
	}
}

void tx_finish(struct tx *tx)
{
	if (tx->cat) {
		db_rollback(tx->cat);
		if (tx->step && tx->step->undo)
			tx->step->undo(tx->step->context);
		restore_marks(tx);
	}
	free(tx->marked);
	*tx = (struct tx){0};
}
