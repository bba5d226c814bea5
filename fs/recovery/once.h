/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ONCE_H
#define ANKLUME_ONCE_H

/*
 * Changes that must not be made twice. A request that a dead process left is sent again; what it
 * wrote into the journal, and a look at the base where it died in between, tell whether the change
 * was made. Nobody else can have touched the names meanwhile through this mount: the kernel holds
 * the directories' locks until the request is answered (Linux, fs/namei.c).
 */

#include "call.h"
#include "journal.h"

/* One change. ARG is handed to both functions. */
struct once {
	struct call *c;
	const struct fhandle *source, *target; /* what there is before, for the journal; or NULL */
	int (*act)(void *arg); /* make it: 0 or -errno */
	bool (*was_made)(const struct intent *before, void *arg); /* by a process that died */
	void *arg;
};

/* The result of the change, made now or earlier: 0 or -errno. */
int once_run(const struct once *once);

/* True when the request of this thread has a change behind it, or may have: it was allowed then. */
bool once_is_repeated(void);

/* True when OP goes through once_run(). */
bool once_covers(enum op op);

/* What there was before the change, recorded by an earlier process; NULL: this is the first. */
const struct intent *once_before(void);

/* True when NAME in DIR_FD is HANDLE's inode; *RET_ABSENT tells that there is no such name. */
bool once_name_is(struct call *c, int dir_fd, const char *name, const struct fhandle *handle,
	bool *ret_absent);

/* True when NAME in DIR_FD is of TYPE (S_IFMT bits) and no older than the intent BEFORE. */
bool once_name_is_new(const struct intent *before, int dir_fd, const char *name, mode_t type);

#endif
