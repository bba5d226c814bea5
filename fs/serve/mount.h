/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_MOUNT_H
#define ANKLUME_MOUNT_H

/* /dev/fuse, mount(2) and the first handshake, done here and not by libfuse: see mount.c. */

#include "fs.h"

/* The subtype under which the service mounts, and by which it knows a mount of ours again. */
#define MOUNT_SUBTYPE "anklume-fs"

/*
 * Refuse a mount point that is in use: -ENOTEMPTY, -ENOTDIR, -EBUSY (already a mount of ours). One
 * that is missing is fine. Changes nothing, but takes the mount of a daemon that died away.
 */
int mount_check_point(const char *mount, struct error *err);

/*
 * Make the mount point when it is missing, and close it (mode 0000): nobody but root may enter the
 * bare directory, and nothing is ever found in it.
 */
int mount_make_point(const char *mount, struct error *err);

/* Change the flags of a mount that is up: `mount -o remount`. */
int mount_change_flags(const char *mount, unsigned long flags, struct error *err);

/*
 * Mount FS at its mount point, answer INIT and give FS a session on /dev/fuse, which does not
 * block, ready to serve.
 * Afterwards has_passthrough and has_idmap say what the kernel agreed to.
 */
int mount_start(struct fs *fs, struct error *err);

/*
 * Give FS a session on the mount that an earlier process made: FUSE_FD (taken) is its device, and
 * fs->init what was said at its start. -EPROTO: this program would have answered differently.
 */
int mount_resume(struct fs *fs, int fuse_fd, struct error *err);

/*
 * Take the mount away. With others still inside (an open file, a container's bind) it is detached
 * lazily, and the daemon goes on serving those: *RET_LAZY says so. NULL: then it stays, -EBUSY. 0 also where
 * somebody has detached it before. -EEXIST: something else is mounted over it.
 */
int mount_stop(struct fs *fs, bool *ret_lazy);

#endif
