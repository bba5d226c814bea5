/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_ENDING_H
#define ANKLUME_HOLD_ENDING_H

/* How a process ended. */

#include <stdbool.h>

struct ending {
	bool is_known; /* it was our child, or the kernel tells of others too (Linux 6.15) */
	int signal; /* that killed it; 0: it exited */
	int status; /* that it exited with */
};

/* Look at the process behind PIDFD, which has ended, and reap it when it was our child. */
struct ending ending_of(int pidfd);

/* "was killed by SIGKILL", "exited with 3" or "ended", in BUF. */
const char *ending_text(const struct ending *e, char *buf, unsigned long size);

#endif
