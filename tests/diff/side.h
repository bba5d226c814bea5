/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_SIDE_H
#define DIFF_SIDE_H

/* One side of the comparison: a directory, the processes that act in it, and one that looks. */

#include "observe.h"

#include <limits.h>

/* Where a side lives. Borrowed by every side made of it. */
struct place {
	const char *name; /* "native", "mount" */
	char plain[PATH_MAX]; /* where trees are made and removed */
	char view[PATH_MAX]; /* where the actors go: the same, or an idmapped bind of it */
	char base[PATH_MAX]; /* the same files without the filesystem under test in between */
};

struct side {
	const struct place *place;
	char top[32]; /* name of the tree below the three paths of place */
	struct process {
		pid_t pid;
		int sock;
		struct actor_state state; /* actors only */
	} actors[ACTORS], observer;
};

/* Makes the tree TOP and starts the processes. USERNS: for the second actor, or -1. */
int side_start(struct side *s, const struct place *place, const char *top, int userns);

/* Ends the processes and removes the tree. */
void side_stop(struct side *s);

/* Start operation OP; the result is read with side_result(). */
void side_send(struct side *s, const struct op *op);
void side_result(struct side *s, const struct op *op, struct strbuf *out);

/* Look at what OP touched, or (OP NULL) at the whole tree. */
void side_look(struct side *s, const struct op *op);
void side_seen(struct side *s, struct strbuf *out);

#endif
