/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_WRITEBACK_H
#define ANKLUME_WRITEBACK_H

/*
 * Errors of the base's write-back, to be told once to every file that was open when they happened
 * (fsync(2)). The base does so for its own open files (Linux, lib/errseq.c). With passthrough each
 * inode that is open for writing has one of those here, the listener: it hears even of what only
 * the caller of an O_SYNC write was told. A count in the node carries that to the mount's open files.
 */

#include "call.h"

/*
 * FD (taken) listens for NODE, which is being opened for writing; closed at once if there is a
 * listener, or if few descriptors are left: then fsync opens the inode. Under node_lock().
 */
void writeback_listen(struct node *node, int fd);

/* The same for a NODE that an earlier process had open for writing. */
void writeback_listen_again(struct fs *fs, struct node *node);

/* Nobody has NODE open any more. Under node_lock(). */
void writeback_forget(struct node *node);

#endif
