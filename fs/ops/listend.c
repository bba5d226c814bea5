/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "listend.h"

#include <linux/fuse.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Offsets of btrfs count the names that a directory ever had; both parts must fit below the sign. */
#define PART_BITS 31
#define PART_MAX ((INT64_C(1) << PART_BITS) - 1)
#define IS_PACKED (INT64_C(1) << 62)

struct listend listend_unpack(const struct fhandle *dir, off_t cookie)
{
	/* Where names are ordered by hash, offsets have any bits. */
	if (!fhandle_is_btrfs(dir, NULL) || !(cookie & IS_PACKED))
		return (struct listend){.off = cookie};
	return (struct listend){.off = cookie & PART_MAX, .last = cookie >> PART_BITS & PART_MAX};
}

off_t listend_pack(const struct listend *at)
{
	if (at->last == 0 || at->off > PART_MAX)
		return at->off;
	return IS_PACKED | at->last << PART_BITS | at->off;
}

/* True: FD has an entry at OFF or behind it. */
static bool has_more(int fd, off_t off)
{
	char entry[512];

	return lseek(fd, off, SEEK_SET) == off &&
	       syscall(SYS_getdents64, fd, entry, sizeof(entry)) > 0;
}

/* The largest offset with an entry at it or behind it; 0: none from OFF on, or it is too large. */
static off_t last_from(int fd, off_t off)
{
	off_t last = off;
	off_t beyond = off;

	if (!has_more(fd, last))
		return 0;
	for (off_t step = 64;; step *= 4) {
		beyond = last + step;
		if (beyond > PART_MAX)
			return 0;
		if (!has_more(fd, beyond))
			break;
		last = beyond;
	}
	while (beyond - last > 1) {
		off_t middle = last + (beyond - last) / 2;

		if (has_more(fd, middle))
			last = middle;
		else
			beyond = middle;
	}
	return last;
}

/* A directory's size on btrfs is twice the length of its names, so it has half as many at most. */
static bool may_need_more_than(int fd, size_t size)
{
	struct stat st;

	return fstat(fd, &st) == 0 &&
	       (size_t)st.st_size * (FUSE_NAME_OFFSET + sizeof(uint64_t)) / 2 > size;
}

void listend_find(struct listend *at, const struct fhandle *dir, int fd, size_t size)
{
	if (at->last != 0 || !fhandle_is_btrfs(dir, NULL))
		return;
	if (at->off == 0 && !may_need_more_than(fd, size))
		return;
	at->last = last_from(fd, at->off);
	lseek(fd, at->off, SEEK_SET);
}
