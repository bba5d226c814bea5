/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_LISTERS_H
#define ANKLUME_LISTERS_H

/*
 * Which processes look at what they list. READDIRPLUS makes an inode of every entry, which saves
 * 'ls -l' and 'du' a LOOKUP each, and costs 'find' many times what the names alone do. The kernel
 * cannot tell them apart at the start of a directory (fuse_use_readdirplus(), fs/fuse/readdir.c:
 * always "plus" there), but allows entries without an inode. So a process starts with all but one
 * entry of each directory; when it has walked on several times without a look at the one that was
 * left out, it gets inodes of directories only. One look at a file, and it gets everything again.
 *
 * A guess that is wrong costs LOOKUPs, nothing else. Threads count as processes: the kernel names
 * no others. Without locks: what two of them say at once in the same place may be lost.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LISTERS 256

/* Entries that are not directories and come before the one that is left out. */
#define LISTER_BEFORE_SAMPLE 16

enum listing {
	LISTING_ALL,
	LISTING_SAMPLED, /* without the inode of one entry that is no directory */
	LISTING_DIRECTORIES, /* inodes of directories only: they will be descended into */
};

struct lister {
	_Alignas(8) uint32_t process; /* 0 = nobody */
	uint16_t seen; /* seconds of the monotonic clock, the low bits */
	uint8_t n_samples; /* left out, and not looked at since */
	uint8_t looks; /* 1: has looked at a file */
};

struct listers {
	struct lister slots[LISTERS]; /* each atomic, by process */
};

/* How to list a directory for PROCESS (0: unknown, LISTING_ALL). */
enum listing listers_ask(struct listers *l, pid_t process);

/* An entry was left out of a LISTING_SAMPLED. */
void listers_sampled(struct listers *l, pid_t process);

/* PROCESS has looked up something that is no directory. */
void listers_looked(struct listers *l, pid_t process);

#endif
