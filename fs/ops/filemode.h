/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FILEMODE_H
#define ANKLUME_FILEMODE_H

/*
 * How an open file does its I/O: by passthrough (the kernel goes straight to the base) or through
 * this process. The mode is a constant of the base's filesystem, never of one open: an inode that
 * mixes them answers EIO (Linux, fs/fuse/iomode.c). Every open of an inode shares one backing id.
 */

#include "call.h"

/*
 * The file of the base behind HANDLE, with these FLAGS of open(2). One that is append-only (chattr +a) is
 * opened for writing with O_APPEND or not at all: so it is where the caller MAY_APPEND. -errno.
 */
int filemode_open(
	struct fhandle_mounts *mounts, const struct fhandle *handle, int flags, bool may_append);

/*
 * -ENFILE: without passthrough, the open files of NODE's filesystem have all the descriptors but those that
 * the requests of others need. Before anything is made: a creation that fails leaves nothing.
 */
int filemode_check_room(struct call *c, const struct node *node);

/*
 * Make FD (taken, also on failure) an open file of NODE, opened with FI's flags; sets fh and mode
 * in FI. Ends with filemode_detach().
 */
int filemode_attach(struct call *c, struct node *node, int fd, struct fuse_file_info *fi);

/* The kernel has released the open file FH, or was never told of it. */
void filemode_detach(struct fs *fs, uint64_t fh);

/*
 * The descriptor of the open file FH, for I/O without passthrough; opened again when an earlier
 * process had it. Borrowed. -ESTALE: no such file.
 */
int filemode_fd(struct fs *fs, uint64_t fh);

#endif
