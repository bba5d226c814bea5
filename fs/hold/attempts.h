/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_ATTEMPTS_H
#define ANKLUME_HOLD_ATTEMPTS_H

/*
 * How many daemons in a row began and did not become ready: in a memfd that is kept beside the
 * mount, where the service manager starts the daemon and counts nothing that we could read. The
 * program that begins a daemon counts it, the daemon itself takes that back when it is ready.
 */

#include <stdbool.h>
#include <stdint.h>

#define ATTEMPTS_NAME "attempts" /* of the descriptor */

/* What took so long to fail was hanging: callers have waited enough for it. */
#define ATTEMPTS_PATIENCE_MS 5000

struct attempts {
	uint32_t magic;
	uint32_t n_begun; /* since one was ready; atomic */
	int64_t began_ms; /* the last one, CLOCK_BOOTTIME */
};

/* A new one, and its memory; to close and to munmap(2). -errno. */
int attempts_make(int *ret_fd, struct attempts **ret);

/* The memory behind FD. -EUCLEAN: it is none of ours; other -errno. */
int attempts_map(int fd, struct attempts **ret);

/*
 * One begins now. Returns how many failed before it; one that took longer than
 * ATTEMPTS_PATIENCE_MS counts as all that are granted to an executable (RESTARTS_TRIES).
 */
unsigned int attempts_begin(struct attempts *a, int64_t now_ms);

/* The one that runs is ready. */
void attempts_ready(struct attempts *a);

#endif
