/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_UNTOLD_H
#define ANKLUME_UNTOLD_H

/*
 * Changes that no answer told the kernel of. A request was executed, its daemon died, and its
 * caller was killed before the next one read it again: the kernel has taken it back and goes on
 * with the names and attributes that it had, for as long as those are good (kcache.h). The journal
 * still knows the request; its entry is kept until the kernel has been told.
 */

#include "journal.h"
#include "kcache.h"

#include <pthread.h>
#include <stdbool.h>

struct fs;

struct untold {
	struct journal_entry *entries[JOURNAL_ENTRIES];
	size_t n;
	struct kcache_name names[2 * JOURNAL_ENTRIES];
	pthread_t thread;
	bool is_telling;
};

/*
 * The request in E, of a dead process, may have changed its inodes: the kernel drops what it has of
 * their attributes, whoever told it what before. Takes no lock that a request may hold.
 */
void untold_drop_attrs(struct fs *fs, const struct journal_entry *e);

/* Nobody waits for the answer to E any more. Takes the entry, released in the end. */
void untold_add(struct fs *fs, struct journal_entry *e);

/*
 * Tell the kernel of what was added; once the workers run: the kernel takes locks of directories
 * that callers hold who wait for a worker. Not waited for, but by untold_finish(), to be called
 * when the connection has ended.
 */
void untold_tell(struct fs *fs);
void untold_finish(struct fs *fs);

#endif
