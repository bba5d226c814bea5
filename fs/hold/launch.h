/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_LAUNCH_H
#define ANKLUME_HOLD_LAUNCH_H

/* Start the daemon with everything that is kept for it, as systemd does (sd_listen_fds(3)). */

#include "store.h"

#include <stdint.h>
#include <sys/types.h>

struct launch {
	const char *path; /* the executable, absolute */
	int exe_fd; /* ... or this one, -1: PATH */
	char *const *argv;
	const struct store *store;
	uint64_t watchdog_usec; /* 0: none is asked for */
};

/*
 * Returns at once; that the executable cannot be run shows in its end, with status 127. The
 * process and a descriptor of it are the caller's.
 */
int launch_daemon(const struct launch *l, pid_t *ret_pid, int *ret_pidfd);

/*
 * Become the executable of L, in this process. What is kept is in its place before it is tried:
 * when that fails the process ends, with status 127.
 */
_Noreturn void launch_exec(const struct launch *l);

#endif
