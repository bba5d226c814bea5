/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_H
#define ANKLUME_CATALOG_H

/*
 * The SQLite file that records every domain, machine and volume, their owners, flags and holds,
 * and the audit trail. One exported write is one transaction and one audit row per change; the
 * generation grows by one with each transaction that changed something. Nothing is ever deleted
 * by apply: what left the spec becomes an orphan.
 */

#include "errors.h"
#include "volume.h"

struct catalog; /* opaque; one thread at a time */

enum catalog_mode {
	CATALOG_READ, /* must exist */
	CATALOG_WRITE, /* created, 0600, when missing; migrated when old */
};

/*
 * Open PATH. -ENOENT: missing and mode is READ; -EBADMSG: not a database, or corrupt ("catalog
 * rebuild" is the way out, and ERR says so); -ENOTSUP: written by a newer version; -ENOSPC; -EBUSY
 * after 5 s behind another writer.
 */
int catalog_open(const char *path, enum catalog_mode mode, struct catalog **ret, struct error *err);
void catalog_close(struct catalog *cat);

/* The number of the last change. */
int catalog_get_generation(struct catalog *cat, uint64_t *ret, struct error *err);

/*
 * Everything recorded, orphans included, flags effective as of now, sorted by name, from one
 * consistent read; *RET_GENERATION (may be NULL) belongs to it. The caller finishes RET.
 */
int catalog_load(
	struct catalog *cat, struct infra *ret, uint64_t *ret_generation, struct error *err);

/* Who makes a change, for the audit rows. Borrowed strings. */
struct actor {
	const char *user; /* login name, with sudo's user in front: "alice (root)" */
	const char *command; /* the command line */
};

enum change_kind {
	CHANGE_CREATED,
	CHANGE_UPDATED,
	CHANGE_UNCHANGED,
	CHANGE_ORPHANED,
	CHANGE_ADOPTED, /* an orphan that the spec declares again */
};

/* One line of the report on an apply: a volume, and for UPDATED what changed ("path, owner"). */
struct change {
	enum change_kind kind;
	char *volume; /* "domain/machine/volume" */
	char *detail; /* NULL = nothing to add */
};

struct change_list {
	struct change *items;
	size_t n_items;
};

void change_list_finish(struct change_list *list);

/*
 * Make the records match INFRA, in one transaction. Volumes that INFRA lacks become orphans and
 * keep their flags; overrides and holds are never touched. MARKS is the marks' writer below (may
 * be NULL). With DRY_RUN the report is computed and nothing is written. Sorted by volume.
 */
struct mark_writer;
int catalog_apply(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	bool dry_run, const struct mark_writer *marks, struct change_list *ret, struct error *err);

/*
 * Called inside the transaction for each volume whose record changed, so that the mark on the
 * volume's directory never lags behind an acknowledged change. An error rolls everything back.
 * -ENOENT (no such directory yet) is not an error.
 */
struct mark_writer {
	int (*write)(void *context, const struct domain *domain, const struct machine *machine,
		const struct volume *volume, struct error *err);
	void *context;
};

/* Single changes. *RET_CHANGED (may be NULL) is false when the record already said so. */
int catalog_set_readonly(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_writer *marks, bool *ret_changed,
	struct error *err);
int catalog_set_protected(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_writer *marks, bool *ret_changed,
	struct error *err);
int catalog_set_owner_ids(struct catalog *cat, int64_t volume, uid_t uid, gid_t gid,
	const struct actor *actor, const struct mark_writer *marks, bool *ret_changed,
	struct error *err);
/* The owner instance belongs to the machine: every volume of it changes owner. */
int catalog_set_owner_instance(struct catalog *cat, int64_t machine, const char *project,
	const char *instance, const struct actor *actor, const struct mark_writer *marks,
	bool *ret_changed, struct error *err);
/* -EEXIST: the volume has a hold of that tag; -E2BIG: too many holds or too long a reason. */
int catalog_hold(struct catalog *cat, int64_t volume, const char *tag, const char *reason,
	int64_t until, const struct actor *actor, const struct mark_writer *marks,
	struct error *err);
/* -ENOENT: no hold of that tag. */
int catalog_release(struct catalog *cat, int64_t volume, const char *tag, const struct actor *actor,
	const struct mark_writer *marks, struct error *err);

struct audit_entry {
	int64_t id;
	int64_t time; /* seconds since the epoch */
	uint64_t generation;
	char *actor;
	char *command;
	char *action; /* "volume.create", "flag.protected", "hold.add", ... */
	char *object; /* "domain/machine/volume" */
	char *detail; /* "off -> on"; NULL = none */
};

struct audit_list {
	struct audit_entry *items;
	size_t n_items;
};

void audit_list_finish(struct audit_list *list);

/* The newest LIMIT rows (0 = all), oldest first; OBJECT (may be NULL) filters by exact object. */
int catalog_list_audit(struct catalog *cat, const char *object, size_t limit,
	struct audit_list *ret, struct error *err);

/* Put a whole INFRA (from the marks) into an empty catalogue: overrides, holds, owners and all. */
int catalog_import(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	struct error *err);

/* PRAGMA integrity_check and foreign_key_check. -EBADMSG with the first finding in ERR. */
int catalog_check_integrity(struct catalog *cat, struct error *err);

static inline void catalog_closep(struct catalog **cat)
{
	int saved_errno = errno;

	catalog_close(*cat);
	errno = saved_errno;
}

static inline void change_list_finishp(struct change_list *list)
{
	int saved_errno = errno;

	change_list_finish(list);
	errno = saved_errno;
}

static inline void audit_list_finishp(struct audit_list *list)
{
	int saved_errno = errno;

	audit_list_finish(list);
	errno = saved_errno;
}

#define cleanup_catalog cleanup_(catalog_closep)
#define cleanup_change_list cleanup_(change_list_finishp)
#define cleanup_audit_list cleanup_(audit_list_finishp)

#endif
