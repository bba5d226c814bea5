/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FDSTORE_H
#define ANKLUME_FDSTORE_H

/*
 * Descriptors that outlive this process, kept by whoever restarts it: systemd's file descriptor
 * store (FileDescriptorStoreMax= in systemd.service(5)), or our own holder, which speaks the same
 * protocol. The next process finds them in its table, named by $LISTEN_FDNAMES.
 */

#include "cleanup.h"
#include "errors.h"

#include <stdbool.h>

struct fdstore_item {
	char *name;
	int fd; /* -1: taken out by fdstore_steal() */
};

/* What an earlier process left. */
struct fdstore {
	struct fdstore_item *items; /* the order is the keeper's */
	size_t n_items;
	bool is_borrowed; /* the descriptors are somebody else's, who keeps them open */
};

/*
 * Take over what was handed to this process: close-on-exec from now on, and no child sees $LISTEN_*
 * any more. Nothing there is no error: RET is empty. Call it once, before any thread starts;
 * fdstore_finish() frees. -EINVAL: $LISTEN_* makes no sense; -ENOMEM. RET is then empty too.
 */
int fdstore_take(struct fdstore *ret, struct error *err);

/* True when there is a descriptor NAME (left). */
bool fdstore_has(const struct fdstore *s, const char *name);

/* The first descriptor NAME, which stays S's own; -ENOENT when there is none (left). */
int fdstore_get(const struct fdstore *s, const char *name);

/*
 * The first descriptor NAME, which now belongs to the caller; -ENOENT when there is none (left).
 * What the keeper has is not changed. Several of one name are given out one after the other.
 */
int fdstore_steal(struct fdstore *s, const char *name);

/* Close what nobody stole and free; S is empty then. The keeper still has what was closed. */
void fdstore_finish(struct fdstore *s);

DEFINE_FINISH(fdstore_finishp, struct fdstore, fdstore_finish)

#define cleanup_fdstore cleanup_(fdstore_finishp)

/*
 * Have FD kept under NAME beside what has that name already; FD stays open here and may be closed.
 * The very same open file again is no second one. A name is at most 255 printable ASCII characters
 * without ':'. Kept even when the descriptor polls as broken, as /dev/fuse of a dead mount does.
 *
 * Returns 1: sent, and kept even if this process dies the next moment; 0: nobody keeps
 * descriptors (no $NOTIFY_SOCKET); -EINVAL: NAME; -EBADF; other -errno: not kept. That the store
 * is full is not told: the unit must allow enough. Any thread; may block while the keeper is slow.
 */
int fdstore_put(const char *name, int fd);

/*
 * Until fdstore_collect_end(), what the calling thread puts and drops is not sent, but put into S and
 * out of it, as copies unless S->is_borrowed. The end says 0, or -errno when something is missing. As if somebody kept
 * descriptors even where nobody does.
 */
void fdstore_collect(struct fdstore *s);
int fdstore_collect_end(void);

/* True when fdstore_put() is worth the call. */
bool fdstore_has_keeper(void);

/* Have everything of NAME forgotten. Returns as fdstore_put(). */
int fdstore_drop(const char *name);

#endif
