/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_BACKING_H
#define ANKLUME_BACKING_H

/*
 * Passthrough ids: files of the base that the kernel reads and writes by itself. They belong to
 * the connection, outlive the process, and nobody can list them: the newest is kept in the state.
 */

#include "fs.h"

/* An id for FD, which may be closed afterwards; > 0, or -errno. Linux, fs/fuse/backing.c. */
int backing_open(struct fs *fs, int fd);
void backing_close(struct fs *fs, int id);

/* Close what a dead process had opened and not recorded, or not closed. Single-threaded. */
void backing_sweep(struct fs *fs);

#endif
