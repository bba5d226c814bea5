/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_BASE_H
#define ANKLUME_BASE_H

/* The data base directory: what it must be able to do before it is served. */

#include "errors.h"
#include "fhandle.h"

/*
 * Open BASE, take it for this process alone, and check it. Where MOUNT_FLAGS asks for other than
 * the usual access times (MS_NOATIME, MS_STRICTATIME, MS_NODIRATIME), through a private copy of
 * the base's mount that has them: the kernel's passthrough reads obey the base's mount, not ours.
 *  -EBUSY       another daemon serves it
 *  -ELOOP       it lies at or below MOUNT, or MOUNT below it
 *  -EOPNOTSUPP  its filesystem has no file handles or no trusted.* attributes
 *  -EPERM       this process may not open by handle
 */
int base_open(const char *base, const char *mount, unsigned long mount_flags,
	struct fhandle_mounts *mounts, int *ret_fd, struct error *err);

#endif
