/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_KEEP_H
#define ANKLUME_KEEP_H

/*
 * What the holder keeps for the next process, by name:
 *
 *	base      the base's directory, with the lock on it
 *	mount-N   one descriptor on each mount of the base, N as in file handles
 *	init      how the connection was made (initlog.h)
 *	state     the tables and the journal (state.h)
 *	@N        the inode of node N, which has no name any more (pins.h, pinname.h)
 *	escrow-tx, escrow-rx
 *	          inodes about to lose their last name, in flight (escrow.h)
 *	exe       the executable that made all this
 *	fuse      the connection; stored last: who finds it finds all the others
 */

#include "fs.h"

/*
 * Give a holder everything, and the one that we have what it does not have yet. Does nothing without
 * fs->has_resend.
 */
void keep_all(struct fs *fs);
void keep_rest(struct fs *fs);

/* The same, for a process that is only asked, or takes over in this one's place (handover.h). */
void keep_copies(struct fs *fs);

/*
 * The mount is gone: there is nothing to go on with. A service manager may keep descriptors over a
 * stop (FileDescriptorStorePreserve=), and who finds "fuse" goes on with a dead mount.
 */
void keep_nothing(struct fs *fs);

/* The other way: FS's base, tables and pins from KEPT. -EPROTO, -EXDEV, -ENOENT ... */
int keep_resume(struct fs *fs, struct fdstore *kept, struct error *err);

#endif
