/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SESSION_H
#define ANKLUME_SESSION_H

/* The worker threads that read requests from the kernel and answer them. */

#include "fs.h"

struct session; /* opaque */

/* Start the workers. END_FD (an eventfd, borrowed) becomes readable when the last has ended. */
int session_start(struct fs *fs, int end_fd, struct session **ret, struct error *err);

/*
 * Wait until every request that was under way when this was called has been answered. What was
 * changed before the call is then in force for all. -ETIMEDOUT: not so within TIMEOUT_S seconds.
 */
int session_quiesce(struct session *s, int timeout_s);

/*
 * Have the workers end at the boundary of their requests. 0: they have, and END_FD says nothing of
 * it, unless it did before; session_finish() frees. -ETIMEDOUT: one is still at its request; the session is
 * given up and ends with it: session_watch() by another, and session_finish() when it has ended.
 */
int session_stop(struct session *s, int timeout_ms);

/*
 * OLD, which was given up, is looked at and waited for together with S from now on; NULL: it has ended, or
 * there is none.
 */
void session_watch(struct session *s, struct session *old);

/* The workers, to be looked at. */
unsigned int session_count(const struct session *s);
const struct worker *session_worker(const struct session *s, unsigned int i);

/* True when every worker has ended. */
bool session_has_ended(const struct session *s);

/* True when they have because the kernel said that there is no mount any more. */
bool session_is_unmounted(const struct session *s);

/* Join the workers, which end when the file system is unmounted. Frees S. NULL is allowed. */
void session_finish(struct session *s);

#endif
