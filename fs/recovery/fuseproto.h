/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FUSEPROTO_H
#define ANKLUME_FUSEPROTO_H

/*
 * What of the kernel's FUSE protocol is newer than Debian 12's <linux/fuse.h> (7.38) and has no
 * function in libfuse. Values: Linux, include/uapi/linux/fuse.h.
 */

#include <linux/fuse.h>
#include <stdint.h>
#include <sys/ioctl.h>

/* 7.39: GETATTR with a birth time. Begins as struct fuse_getattr_in does; answered by the second. */
#define FUSEPROTO_STATX 52

struct fuseproto_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t flags; /* AT_STATX_* of statx(2) */
	uint32_t mask; /* STATX_* */
};

struct fuseproto_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct fuseproto_statx_out {
	uint64_t valid_s; /* how long the kernel may keep it */
	uint32_t valid_ns;
	uint32_t flags;
	uint64_t spare[2];
	struct fuseproto_statx {
		uint32_t mask; /* STATX_* that are filled in */
		uint32_t blksize;
		uint64_t attributes; /* ignored by Linux 6.18 */
		uint32_t nlink;
		uint32_t uid;
		uint32_t gid;
		uint16_t mode;
		uint16_t spare1;
		uint64_t ino;
		uint64_t size;
		uint64_t blocks;
		uint64_t attributes_mask;
		struct fuseproto_time atime, btime, ctime, mtime;
		uint32_t rdev_major, rdev_minor;
		uint32_t dev_major, dev_minor;
		uint64_t spare2[14];
	} stat;
};
_Static_assert(sizeof(struct fuseproto_statx_out) == 288, "as the kernel lays it out");

/* 7.40: bits of INIT's flags2 << 32. */
#define FUSEPROTO_ALLOW_IDMAP (UINT64_C(1) << 40)
#define FUSEPROTO_HAS_RESEND (UINT64_C(1) << 39)

/*
 * 7.40: written as a notification (unique 0), has every request that was read and not answered
 * sent again, with a bit set in its `unique`; the answer carries that bit as well.
 */
#define FUSEPROTO_NOTIFY_RESEND 7
#define FUSEPROTO_UNIQUE_RESENT (UINT64_C(1) << 63)

/* 7.40: passthrough ids. They belong to the connection and outlive the process. */
struct fuseproto_backing_map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

#define FUSEPROTO_BACKING_OPEN _IOW(229, 1, struct fuseproto_backing_map)
#define FUSEPROTO_BACKING_CLOSE _IOW(229, 2, uint32_t)

/* The name of a request's opcode in small letters ("unlink"), "request" where there is none. */
const char *fuseproto_opcode_name(uint32_t opcode);

#endif
