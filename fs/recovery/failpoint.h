/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FAILPOINT_H
#define ANKLUME_FAILPOINT_H

/*
 * Places where a test lets the daemon die: in the test's own build (anklume-fs-failpoints) alone. The file that
 * $ANKLUME_FAILPOINT names says which, in one line:
 *
 *     POINT OP ACTION [COUNT]     unlink: "syscall unlink kill", "read * abort 3"
 *
 * POINT is a name below, OP one of op_names or "*", ACTION kill (SIGKILL), abort (SIGABRT), stop
 * (SIGSTOP), or what hangs the one thread: spin (it loops), wait (pause(2)). Each death takes one off COUNT (1), the last one removes the file: the next process
 * lives. The file is read when the daemon starts and whenever it reloads.
 */

#include "fs.h"

enum failpoint {
	FAILPOINT_READ, /* the request was read, nothing was done */
	FAILPOINT_STARTED, /* the journal knows what comes */
	FAILPOINT_SYSCALL, /* the base was changed, the journal does not know */
	FAILPOINT_DONE, /* the journal knows the result */
	FAILPOINT_REPLY, /* the kernel has the answer */
	FAILPOINT_TAKEOVER, /* everything was asked for again, of whatever operation; nothing read */
	FAILPOINT_COUNT,
};

#ifdef ANKLUME_FAILPOINTS
void failpoint_load(void);
void failpoint_hit(enum failpoint point, enum op op);
#else
static inline void failpoint_load(void)
{
}

static inline void failpoint_hit(enum failpoint point, enum op op)
{
	(void)point;
	(void)op;
}
#endif

#endif
