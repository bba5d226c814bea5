/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OPENFILE_H
#define ANKLUME_OPENFILE_H

/*
 * Open files, by the handle (fi->fh) that the kernel gives back. With passthrough none needs a
 * descriptor here: the kernel reads and writes the base by itself. What is left reopens the inode by
 * handle (fallocate, seek for holes) or asks its listener (fsync, see writeback.h).
 */

#include "slots.h"

#include <stdbool.h>

struct openfile {
	struct slot slot;
	uint64_t node; /* node id */
	int fd; /* of this process; -1 with passthrough, or not opened again after a crash */
	int flags; /* open(2) flags of the caller */
	uint32_t wb_errors; /* of node.wb_errors, how many this file was told of; node lock */
	uint32_t check; /* of node and flags */
};

#define OPENFILES_MAX (UINT32_C(1) << 24)

struct openfile_table {
	struct slot_table slots;
	uint32_t n_fds; /* atomic: how many have a descriptor */
};

/* An empty table; MEMORY and EPOCH as for slots_init(). */
int openfile_table_init(struct openfile_table *t, void *memory, uint32_t epoch);

/*
 * Take over the open files that a dead process left in MEMORY; none has a descriptor. Damaged
 * ones are dropped and counted.
 */
int openfile_table_adopt(
	struct openfile_table *t, void *memory, uint32_t epoch, uint32_t *ret_damaged);
void openfile_table_finish(struct openfile_table *t);

/* A new open file that owns FD. -ENFILE. */
int openfile_add(struct openfile_table *t, uint64_t node, int fd, int flags, uint32_t wb_errors,
	uint64_t *ret_fh);

/* NULL when FH names none. Valid until openfile_remove(): the kernel sends RELEASE last. */
struct openfile *openfile_get(struct openfile_table *t, uint64_t fh);

/* FD (taken) becomes the descriptor of FILE, which has none. */
void openfile_set_fd(struct openfile_table *t, struct openfile *file, int fd);

/* Closes its descriptor. */
void openfile_remove(struct openfile_table *t, struct openfile *file);

bool openfile_is_writable(int flags);

/* A mapping of it can be stored to: that takes reading, too (mmap(2)). */
bool openfile_is_mappable(int flags);

#endif
