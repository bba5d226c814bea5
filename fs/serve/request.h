/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_REQUEST_H
#define ANKLUME_REQUEST_H

/* One request of the kernel: read it into the journal, so that it outlives the process; serve it. */

#include "journal.h"

struct fuse_session;

/*
 * Data goes through this process: requests are as long as a WRITE from now on, and there is room for them
 * before they are read.
 */
void request_expect_writes(void);

/*
 * Read the next request into E, which forgets the last one. 1; 0: the file system is unmounted;
 * -EAGAIN (a device that does not block), -EINTR; other -errno: nothing was read. Where there is no memory for
 * it a request waits; what the kernel could not copy it has answered with EIO.
 */
int request_read(struct fuse_session *se, struct journal_entry *e);

/* Answer the request in E. */
void request_serve(struct fuse_session *se, struct journal_entry *e);

#endif
