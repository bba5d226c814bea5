/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DIRCACHE_H
#define ANKLUME_DIRCACHE_H

/*
 * Descriptors of the directories that a thread has worked in last. Most requests name one of a
 * few directories, and to open one by handle and close it again costs as much as what is done in
 * it. Each thread has its own, so there is nothing to lock and nothing to count: what
 * dircache_open() returns stays open for as many other directories as a request can name.
 */

#include "fhandle.h"

#define DIRCACHE_SIZE 16

/* The thread begins a request. What others have seen removed is closed now: not while it is in use. */
void dircache_begin(void);

/* An O_PATH descriptor of the directory, borrowed until the thread's next request. -errno. */
int dircache_open(struct fhandle_mounts *mounts, const struct fhandle *dir);

/*
 * The directory was removed: nobody shall hold it. This thread lets go at once, any other at its next
 * request.
 */
void dircache_forget(const struct fhandle *dir);

/* Close all of this thread: before it ends, or sleeps where no request wakes it. */
void dircache_clear(void);

#endif
