/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_OBSERVE_H
#define DIFF_OBSERVE_H

/* What a process beside the actors, root and outside of namespaces, sees after a step. */

#include "op.h"

#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

/* What was seen last, to tell whether a time moved. */
#define SEEN_MAX 64

struct observer {
	struct seen {
		char key[OP_PATH_LEN + 8];
		struct statx stat;
	} seen[SEEN_MAX];
	size_t n_seen;
	char base[PATH_MAX + 64]; /* the tree without the filesystem under test in between */
};

/* The state of the actor that did the step. */
struct actor_state {
	pid_t pid;
	int fds[SLOTS];
};

/*
 * The paths of OP, their directories, and its slots, a line each. Times are "<", "=" or ">" against
 * what was seen there before, "?" where that is not known; "?" equals everything.
 */
void observe_step(struct observer *o, const struct op *op, const struct actor_state *actor,
	struct strbuf *out);

/*
 * The whole tree below the current directory, a line a file, and a line for each file that looks
 * different in the base: there everything must be equal, times, inode numbers and blocks too.
 */
void observe_tree(struct observer *o, struct strbuf *out);

#endif
