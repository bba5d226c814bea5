/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FHANDLE_H
#define ANKLUME_FHANDLE_H

/*
 * Base inodes by file handle (name_to_handle_at(2)): a few bytes that survive renames and this
 * process, instead of a descriptor per inode. A handle names an inode within one mount; a volume
 * may hold other mounts, so each handle carries the number of its mount here.
 */

#include "errors.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* ext4 8, tmpfs 12, xfs 12, btrfs 20. Longer ones (network filesystems) are refused at start. */
#define FHANDLE_BYTES 40
#define FHANDLE_MOUNTS 512

struct fhandle {
	int32_t type;
	uint16_t mount; /* index in struct fhandle_mounts */
	uint16_t len;
	unsigned char bytes[FHANDLE_BYTES];
};

/* Mounts seen below the base, found once and kept. */
struct fhandle_mounts {
	pthread_mutex_t lock; /* taken to add; entries below n are constant */
	unsigned int n; /* atomic */
	bool is_overfull; /* one more was seen; lock */
	void (*on_add)(unsigned int index, int fd); /* NULL, or told of every new one */
	struct fhandle_mount {
		int id; /* mount id, as name_to_handle_at() reports it */
		int fd; /* a directory or file on that mount, opened for reading */
		dev_t dev;
		int passthrough; /* atomic: 0 unknown, 1 yes, -1 refused */
	} items[FHANDLE_MOUNTS];
};

void fhandle_mounts_init(struct fhandle_mounts *mounts);
void fhandle_mounts_finish(struct fhandle_mounts *mounts);

/*
 * Put FD (taken) in place as mount INDEX: handles made by an earlier process have that number. In
 * order from 0. -EINVAL: out of order; -errno.
 */
int fhandle_mounts_restore(struct fhandle_mounts *mounts, unsigned int index, int fd);

/*
 * The handle of NAME in DIRFD ("" with AT_EMPTY_PATH in FLAGS: of DIRFD itself), symlinks not
 * followed. -ENOENT; -EOPNOTSUPP: the filesystem has no handles; -EOVERFLOW: longer than ours;
 * -ENFILE: on one mount too many.
 */
int fhandle_get(
	struct fhandle_mounts *mounts, int dirfd, const char *name, int flags, struct fhandle *ret);

/* open(2) by handle, close-on-exec. -ESTALE: the inode is gone. Needs CAP_DAC_READ_SEARCH. */
int fhandle_open(struct fhandle_mounts *mounts, const struct fhandle *handle, int flags);

/* Of a btrfs inode: then *RET_ROOT, where not NULL, is the id of its subvolume. */
bool fhandle_is_btrfs(const struct fhandle *h, uint64_t *ret_root);

bool fhandle_equal(const struct fhandle *a, const struct fhandle *b);
uint32_t fhandle_hash(const struct fhandle *h);

/* Go on with the checksum X over H. */
uint32_t fhandle_checksum(uint32_t x, const struct fhandle *h);

#endif
