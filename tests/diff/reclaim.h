/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DIFF_RECLAIM_H
#define DIFF_RECLAIM_H

/*
 * How many objects of its caches the kernel has looked at so far to give their memory back
 * (/proc/vmstat, slabs_scanned): equal before and after, and no inode has left its memory. 0 when
 * it cannot be read.
 */
unsigned long long reclaim_count(void);

#endif
