/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CATALOG_H
#define ANKLUME_CATALOG_H

/*
 * The SQLite file that records every domain, machine and volume, their owners, flags and holds,
 * and the audit trail. One exported write is one transaction and one audit row per change; the
 * generation grows by one with each transaction that changed something. Nothing is ever deleted
 * by apply: what left the spec becomes an orphan.
 */

#include "cleanup.h"
#include "errors.h"
#include "volume.h"

struct catalog; /* opaque; one thread at a time */

/*
 * Longest texts in bytes, quotes and backslashes counted twice: what the mark of a volume has room
 * for (see volmark.h).
 */
#define CATALOG_CLASS_MAX 63
#define CATALOG_OWNER_MAX 100 /* project and instance, each */
#define CATALOG_REASON_MAX 255

enum catalog_mode {
	CATALOG_READ, /* must exist */
	CATALOG_WRITE, /* created, 0600, with its directory, when missing; migrated when old */
};

/*
 * Open PATH. -ENOENT: missing and mode is READ; -EBADMSG: not a database, or corrupt, or empty
 * ("catalog rebuild" is the way out, and ERR says so); -EISDIR; -ENOTSUP: written by a newer
 * version; -EROFS, -EACCES, -ENOSPC; -EBUSY after 5 s behind another writer.
 *
 * A reader works beside a writer and sees the last committed state. Every call on a catalogue that
 * was replaced by a rebuild since it was opened is -ESTALE: close it and open it again.
 */
int catalog_open(const char *path, enum catalog_mode mode, struct catalog **ret, struct error *err);
void catalog_close(struct catalog *cat);

/* A new catalogue in memory: what a dry run compares with where there is none yet. */
int catalog_open_empty(struct catalog **ret, struct error *err);

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

/*
 * One line of the report on an apply: a volume and what happened to it, as "path /a -> /b, owner
 * 0:0 -> 999:999, protected: spec off, override on kept".
 */
struct change {
	enum change_kind kind;
	char *volume; /* "domain/machine/volume" */
	char *detail; /* NULL = nothing to add */
};

struct change_list {
	struct change *items; /* sorted by domain, machine, volume */
	size_t n_items;
	bool is_changed; /* something was, be it only a machine without volumes */
};

void change_list_finish(struct change_list *list);

/*
 * The marks on the volumes' directories repeat the records (schema/base/volmark.h). They are
 * written inside the transaction, so that they never lag behind an acknowledged change; an error
 * rolls everything back and the marks with it.
 */
struct mark_store {
	/*
	 * Make the mark say what VOLUME says: 1 when it was written, 0 when it said so already.
	 * With DURABLE it is on the disk before the return. -ENOENT (no directory yet) is no error.
	 */
	int (*write)(void *context, const struct domain *domain, const struct machine *machine,
		const struct volume *volume, bool durable, struct error *err);
	/*
	 * Add to INFRA what the mark of a volume without a record says, so that flags and holds
	 * outlive a lost catalogue. -ENOENT, -ENODATA: there is none; -EBADMSG: it is damaged or
	 * another volume's; both are no error.
	 */
	int (*read)(void *context, const char *domain, const char *machine, const char *volume,
		struct infra *infra, struct error *err);
	/* Wait until everything written is on the disk. */
	int (*sync)(void *context, struct error *err);
	void *context;
};

/*
 * Make the records match INFRA, in one transaction. Volumes that INFRA lacks become orphans and
 * keep their flags; overrides and holds are never touched. MARKS may be NULL; marks that differ
 * from their record are repaired on the way. Make the directories first (datadir.h): a volume
 * without one gets its mark only at the next apply.
 *
 * With DRY_RUN all this happens to a copy in memory and no mark is written. -EINVAL: INFRA has a
 * name that is not valid or stands twice; -E2BIG: a text that has no room in the mark.
 */
int catalog_apply(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	bool dry_run, const struct mark_store *marks, struct change_list *ret, struct error *err);

/* Make every mark say what its record says; *RET_WRITTEN (may be NULL) is how many did not. */
int catalog_write_marks(struct catalog *cat, const struct mark_store *marks, size_t *ret_written,
	struct error *err);

/*
 * Single changes. *RET_CHANGED (may be NULL) is false when the record already said so; then there
 * is no new generation and no audit row. -ENOENT: no such volume or machine.
 *
 * An override that equals what the spec says now is recorded as none (FLAG_INHERIT): who unprotects
 * what the spec protects, and protects it again, is back to following the spec. FLAG_INHERIT
 * drops the override. An apply never does either, it keeps overrides as they are.
 */
int catalog_set_readonly(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err);
int catalog_set_protected(struct catalog *cat, int64_t volume, enum flag_override value,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err);
/* UID and GID both (uid_t)-1: as the spec says. The directory itself is the caller's business. */
int catalog_set_owner_ids(struct catalog *cat, int64_t volume, uid_t uid, gid_t gid,
	const struct actor *actor, const struct mark_store *marks, bool *ret_changed,
	struct error *err);
/*
 * The owner instance belongs to the machine: every volume of it changes owner. PROJECT and INSTANCE
 * both NULL: as the spec says. -E2BIG: longer than CATALOG_OWNER_MAX.
 */
int catalog_set_owner_instance(struct catalog *cat, int64_t machine, const char *project,
	const char *instance, const struct actor *actor, const struct mark_store *marks,
	bool *ret_changed, struct error *err);
/*
 * Put a hold on a volume; UNTIL 0 = until released. Expired holds of the volume are cleared away
 * on the way. -EEXIST: it has a hold of that tag; -EINVAL: TAG is no valid name, REASON is not
 * plain UTF-8 text, UNTIL is past; -E2BIG: REASON is longer than CATALOG_REASON_MAX, or the mark
 * has no room for so many holds.
 */
int catalog_hold(struct catalog *cat, int64_t volume, const char *tag, const char *reason,
	int64_t until, const struct actor *actor, const struct mark_store *marks,
	struct error *err);
/* -ENOENT: no hold of that tag. */
int catalog_release(struct catalog *cat, int64_t volume, const char *tag, const struct actor *actor,
	const struct mark_store *marks, struct error *err);

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

/* Something that happened outside the catalogue: an instance was deleted. Borrowed strings. */
struct audit_note {
	const char *action; /* "instance.delete" */
	const char *object;
	const char *detail; /* NULL = none */
};

/*
 * Add the N NOTES to the audit trail, in one transaction. The generation stays: no record changed,
 * and the daemon has nothing to learn.
 */
int catalog_note(struct catalog *cat, const struct audit_note *notes, size_t n,
	const struct actor *actor, struct error *err);

/*
 * Put a whole INFRA (from the marks) into an empty catalogue: overrides, holds, owners and all.
 * Row ids are kept where they are free; later ones start at a distance, so that an id that some
 * lost record had does not come back. -ENOTEMPTY.
 */
int catalog_import(struct catalog *cat, const struct infra *infra, const struct actor *actor,
	struct error *err);

/*
 * Put the closed catalogue at NEW_PATH in the place of PATH, in the same directory. What was there
 * is kept, log and all, as *RET_ASIDE ("<PATH>.damaged-<date>", NULL where there was nothing; the
 * caller frees). Its writers are kept out meanwhile: -EBUSY after 5 s of waiting.
 */
int catalog_replace(const char *path, const char *new_path, char **ret_aside, struct error *err);

/* Remove the files of a catalogue that nobody has open. */
void catalog_remove(const char *path);

/* PRAGMA integrity_check and foreign_key_check. -EBADMSG with the first finding in ERR. */
int catalog_check_integrity(struct catalog *cat, struct error *err);

DEFINE_CLEANUP(catalog_closep, struct catalog *, catalog_close)

DEFINE_FINISH(change_list_finishp, struct change_list, change_list_finish)

DEFINE_FINISH(audit_list_finishp, struct audit_list, audit_list_finish)

#define cleanup_catalog cleanup_(catalog_closep)
#define cleanup_change_list cleanup_(change_list_finishp)
#define cleanup_audit_list cleanup_(audit_list_finishp)

#endif
