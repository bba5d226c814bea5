/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PROVEN_H
#define ANKLUME_PROVEN_H

/*
 * The executable that serves is kept beside the mount: should the one that is installed later not
 * come to serve, anklume-fs-start (fs/hold/start.c) goes back to it. See docs/decisions/067.
 */

#include "attempts.h"
#include "fdstore.h"

struct proven {
	int exe_fd; /* what is kept as the one that served last; -1: nothing */
	int attempts_fd; /* -1: nobody counts, a holder of our own does without */
	struct attempts *attempts; /* of attempts_fd; NULL: as -1 */
};

#define PROVEN_INIT                             \
	{                                       \
		.exe_fd = -1, .attempts_fd = -1 \
	}

/* What an earlier process left among KEPT. */
void proven_take(struct proven *p, struct fdstore *kept);

/* This process serves: its executable is the one to go back to. */
void proven_ready(struct proven *p);

/* Another executable takes the place of this one in this process: it is one attempt. */
void proven_hand_over(const struct proven *p);

/* Puts what the next executable must find. */
void proven_keep(const struct proven *p);

/* Unmounted: there is nothing to go back for. */
void proven_forget(void);

void proven_finish(struct proven *p);

#endif
