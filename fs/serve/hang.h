/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HANG_H
#define ANKLUME_HANG_H

/*
 * Requests that take too long, and what the watchdog outside is told. A worker that waits for its
 * own process is helped by another process: the manager hears nothing more, kills this one and
 * starts the next. One that waits in the kernel, for a base that does not answer, is not: it could
 * not even be killed.
 */

#include "underway.h"
#include "session.h"

#define HANG_WORKERS_MAX 512 /* of a session, and of one that was given up */

enum hang_verdict {
	HANG_NONE,
	HANG_DAEMON, /* nothing but another process helps */
	HANG_BASE, /* nothing but the base helps */
};

/* A worker as it was the last time. */
struct hang_sample {
	uint64_t progress;
	uint64_t user, kernel;
	bool is_blamed; /* for this request, in the journal */
};

struct hang {
	int timer_fd; /* poll it; then hang_look() is due */
	int64_t limit_ms; /* a request that is older is stuck */
	int64_t said_ms; /* when it was last said; 0: never */
	struct hang_sample samples[HANG_WORKERS_MAX];
};

/* How long a request may take: half of what the manager's watchdog waits, or DEFAULT_MS. */
int hang_init(struct hang *h, uint32_t default_ms, struct error *err);
void hang_finish(struct hang *h);

/* Judge the requests under way, log what hangs, tell the manager unless it shall act. */
enum hang_verdict hang_look(struct hang *h, struct fs *fs, const struct session *s);

/* How many requests are stuck. */
unsigned int hang_count(const struct hang *h, const struct session *s);
/* The oldest request under way; false: there is none. */
bool hang_oldest(const struct session *s, struct underway *ret);

/* Let every caller of the mount at PATH have an error, now and from now on (fusectl). -errno. */
int hang_abort(const char *path);

#endif
