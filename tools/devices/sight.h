/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_SIGHT_H
#define ANKLUME_SIGHT_H

/*
 * What a running container sees of a volume. Incus saying that a device is plugged is not enough:
 * a mount that was replaced on the host is another filesystem now, and the container keeps the
 * old one.
 */

#include "device.h"
#include "errors.h"
#include "mountinfo.h"

enum sight {
	SIGHT_GOOD, /* the source, as the host sees it now */
	SIGHT_STALE, /* something else: the filesystem that was there before */
	SIGHT_MISSING, /* nothing is mounted there */
	SIGHT_WRONG_MODE, /* read-only where it should be writable, or the other way round */
};

/* "good", "stale", ... */
const char *sight_word(enum sight sight);

/*
 * What is seen of DEVICE (a disk with source and path) in a container whose mounts are INSIDE; the
 * host's are OUTSIDE. -ENOTCONN: the source's own mount is dead; -ENOENT: there is no source.
 */
int sight_look(const struct device *device, const struct mount_list *inside,
	const struct mount_list *outside, enum sight *ret, struct error *err);

#endif
