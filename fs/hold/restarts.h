/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_RESTARTS_H
#define ANKLUME_HOLD_RESTARTS_H

/* When the next daemon starts, and which executable: decided from how the last ones went. */

#include "ending.h"

/* Zero-initialise. Only daemons that never said READY=1 count: those in a row since the last did. */
struct restarts {
	unsigned int n_failed; /* by their own fault, as far as we can tell */
	unsigned int n_killed; /* SIGKILL: by somebody else */
};

/* One became ready. */
void restarts_ready(struct restarts *r);

/* One ended before it was ready. */
void restarts_failed(struct restarts *r, const struct ending *e);

/* One never became ready, and is killed for it: callers shall not wait for another like it. */
void restarts_hung(struct restarts *r);

/* N_FAILED, as if the executable that failed last had used up its tries: the next one is another. */
unsigned int restarts_use_up(unsigned int n_failed);

/* How long to wait before the next one: nothing at first, at most 5 s. */
int restarts_delay_ms(const struct restarts *r);

/*
 * Start the executable that worked last, not what is installed now? After RESTARTS_TRIES failures,
 * and then by turns: what is installed may have been repaired.
 */
#define RESTARTS_TRIES 3
bool restarts_wants_proven(const struct restarts *r);

#endif
