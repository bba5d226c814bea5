/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_TX_H
#define ANKLUME_CATALOG_TX_H

/*
 * One change of the catalogue: transaction, generation, audit rows, marks. The marks are written
 * and made durable before the commit, so that no acknowledged change is missing from them; when
 * the commit does not happen, they are put back to what the record says.
 */

#include "cleanup.h"
#include "lifecycle.h"
#include "volumes.h"

struct tx {
	struct catalog *cat; /* NULL when nothing is open */
	const struct actor *actor;
	const struct mark_store *marks; /* NULL = none */
	int64_t now;
	uint64_t generation; /* that the change will have */
	bool is_dirty; /* something changed */
	size_t n_written; /* marks written so far */
	int64_t *marked; /* volumes whose mark was written */
	size_t n_marked;
	const struct catalog_step *step; /* that was run; NULL = none */
};

/* The caller declares TX cleanup_tx, zeroed: what is not committed is undone. */
int tx_begin(struct tx *tx, struct catalog *cat, const struct actor *actor,
	const struct mark_store *marks, struct error *err);
int tx_commit(struct tx *tx, struct error *err);
void tx_finish(struct tx *tx);

/* Record that ACTION happened to OBJECT. DETAIL may be NULL. */
int tx_audit(struct tx *tx, const char *action, const char *object, const char *detail,
	struct error *err);

/* Make the mark of a volume say what its record says now; a missing directory is fine. */
int tx_mark(struct tx *tx, int64_t volume, struct error *err);

/* Run STEP (NULL = nothing); it is undone when the commit does not happen. */
int tx_step(struct tx *tx, const struct catalog_step *step, struct error *err);

/* As tx_mark() for every volume; what this change did not concern is repaired where possible. */
int tx_mark_all(struct tx *tx, struct error *err);

DEFINE_FINISH(tx_finishp, struct tx, tx_finish)

#define cleanup_tx cleanup_(tx_finishp)

#endif
