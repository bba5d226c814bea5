/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LISTEND_H
#define ANKLUME_LISTEND_H

/*
 * Where a listing of a btrfs directory ends: at the entry that was the last when it began. A name that is
 * renamed comes again at the end, so a listing that goes on to what is new may never end; btrfs itself
 * remembers the last entry with the open directory (Linux, fs/btrfs/inode.c: btrfs_opendir()), which is
 * opened anew for each request here. So the end is part of the offsets that the kernel gives back.
 * Other filesystems order by hash or place: their offsets are left alone.
 */

#include "fhandle.h"

#include <stddef.h>

/* What an offset from the kernel says about the directory DIR. */
struct listend {
	off_t off; /* the base's own */
	off_t last; /* no entry behind this offset belongs to the listing; 0: not known */
};

struct listend listend_unpack(const struct fhandle *dir, off_t cookie);
off_t listend_pack(const struct listend *at);

/*
 * Find the end of a listing that goes on, or that begins and may not fit into SIZE bytes of an answer; leave
 * it at 0 where there is no need. FD, of the directory DIR, is then at AT->off.
 */
void listend_find(struct listend *at, const struct fhandle *dir, int fd, size_t size);

#endif
