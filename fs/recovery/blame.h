/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_BLAME_H
#define ANKLUME_BLAME_H

/*
 * Which request brings the process down: on SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT the
 * thread's journal entry is marked, and the process dies as it would have. Who is killed from
 * outside (SIGKILL) blames nobody.
 */

/* A request with as many marks is answered EIO and not tried again. */
#define BLAME_MAX 2

/* Once, before threads. */
void blame_install(void);

#endif
