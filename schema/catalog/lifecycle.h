/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_LIFECYCLE_H
#define ANKLUME_CATALOG_LIFECYCLE_H

/*
 * Volumes that come, go and move one at a time, beside what an apply does. Each function is one
 * transaction, one audit row or two, and one step on the base.
 */

#include "catalog.h"

/*
 * What a change of a record does to the volume's directory. run() is called inside the transaction,
 * when the record has changed and neither mark nor commit has been written; undo() (may be NULL)
 * when the commit does not happen. A process that is killed in between leaves the directory moved
 * and the record as it was: run() must take what lies where it should already for done.
 */
struct catalog_step {
	int (*run)(void *context, struct error *err);
	void (*undo)(void *context);
	void *context;
};

/*
 * Record a volume in a machine that is recorded; it is an orphan until a spec declares it. A record
 * that its directory's mark has kept comes back with id, flags and holds. -ENOENT: no such machine;
 * -EEXIST: there is such a volume; -EINVAL, -E2BIG: as of catalog_apply().
 */
int catalog_create_volume(struct catalog *cat, const char *domain, const char *machine,
	const struct volume *volume, const struct actor *actor, const struct mark_store *marks,
	const struct catalog_step *step, struct error *err);

/*
 * Forget a volume; its mark, which is written anew before, stays on its directory and has all that
 * the record said. -EPERM: it is protected, read-only or on hold, as ERR says with the verb that
 * lifts it. DETAIL goes into the audit row.
 */
int catalog_remove_volume(struct catalog *cat, int64_t volume, const char *detail,
	const struct actor *actor, const struct mark_store *marks, const struct catalog_step *step,
	struct error *err);

/*
 * Record what a mark says: RECORD holds one volume, under the name that it is to have. Row id,
 * overrides and holds come back. -EEXIST: the name is recorded.
 */
int catalog_restore_volume(struct catalog *cat, const struct infra *record,
	const struct actor *actor, const struct mark_store *marks, const struct catalog_step *step,
	struct error *err);

/* Give a volume another name, or another machine. -ENOENT: no such machine; -EEXIST. */
int catalog_rename_volume(struct catalog *cat, int64_t volume, const char *domain,
	const char *machine, const char *name, const struct actor *actor,
	const struct mark_store *marks, const struct catalog_step *step, struct error *err);

/*
 * Give a volume a new row id because another directory takes the place of its own: the daemon's
 * inode numbers come from the id, and so no name that a kernel remembers of the old directory is
 * taken for one of the new. ACTION is the audit row's.
 */
int catalog_renumber_volume(struct catalog *cat, int64_t volume, const char *action,
	const char *detail, const struct actor *actor, const struct mark_store *marks,
	const struct catalog_step *step, struct error *err);

/* 0, or -EPERM with what forbids the removal of VOLUME in ERR, as catalog_remove_volume(). */
int catalog_check_removable(const struct volume *volume, const char *name, struct error *err);

#endif
