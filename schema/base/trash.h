/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_TRASH_H
#define ANKLUME_TRASH_H

/*
 * Deleted volumes wait in <base>/<domain>/<machine>/.trash/ as
 *
 *	<volume>.<deleted>.<until>	db.20300131T120000Z.20300214T120000Z
 *
 * both times in UTC. On the volume's own filesystem, so that moving there is one rename; nothing but
 * the name and the mark on the directory says what it is, so that a lost catalogue loses none. What
 * is being removed for good has the prefix below in front: it is not whole any more.
 */

#include "cleanup.h"
#include "datadir.h"

#define TRASH_GOING_PREFIX ".going-"
#define TRASH_GRACE_S (14 * 86400)

struct trash_entry {
	char *domain, *machine, *volume; /* where it was */
	char *name; /* of its directory in the trash */
	int64_t deleted, until; /* seconds since the epoch; from UNTIL on 'trash empty' takes it */
	bool is_going;
};

struct trash_list {
	struct trash_entry *items; /* by domain, machine, volume, time */
	size_t n_items;
};

void trash_list_finish(struct trash_list *list);

/*
 * All that is in the trash. Names that are not ours are passed to ODD (may be NULL) as paths below
 * the base. -ELOOP ... with the path in ERR.
 */
int trash_list_load(int base_fd, struct trash_list *ret,
	int (*odd)(void *context, const char *path), void *context, struct error *err);

/* "domain/machine/volume@<deleted>": what 'trash ls' shows and 'volume undelete' takes. */
#define TRASH_ID_MAX 256
const char *trash_id(const struct trash_entry *entry, char buf[TRASH_ID_MAX]);

/* The open directory of ENTRY. */
int trash_open(int base_fd, const struct trash_entry *entry, int *ret_fd);

/* One move, as the step of a change of the catalogue. Texts borrowed. */
struct trash_move {
	int base_fd;
	const char *domain, *machine, *volume; /* outside the trash */
	int64_t id; /* row of the volume, as its mark has it */
	int64_t now, until; /* put only */
	const struct trash_entry *entry; /* take only */
	char name[160]; /* put: the entry's name, once it is there */
};

/*
 * Move the volume's directory into the trash, durably. A directory that lies there already, by the
 * id in its mark, is fine. -ENOENT; -EBUSY: something is mounted on it.
 */
int trash_put(void *move, struct error *err);
void trash_put_undo(void *move);

/* Move an entry back, durably, under the volume's name. -EEXIST: there is one; -EXDEV. */
int trash_take(void *move, struct error *err);
void trash_take_undo(void *move);

/* Remove ENTRY for good. A crash leaves what was not removed yet as one that is going. */
int trash_remove(int base_fd, const struct trash_entry *entry, struct error *err);

DEFINE_FINISH(trash_list_finishp, struct trash_list, trash_list_finish)

#define cleanup_trash_list cleanup_(trash_list_finishp)

#endif
