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
