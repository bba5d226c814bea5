/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_MOUNTUSE_H
#define ANKLUME_MOUNTUSE_H

/* Who has a part of our file system mounted elsewhere: Incus, for a container's device. */

#include "errors.h"

/*
 * -EBUSY with an example in ERR when a directory of the mount at MOUNT is bound anywhere, in any
 * mount namespace. Copies of the whole mount, as services in namespaces of their own have, go away
 * with it and do not count.
 */
int mountuse_check(const char *mount, struct error *err);

/* The example, from the text of a /proc/PID/mountinfo: its "root", to free; NULL: none. */
char *mountuse_find(char *mountinfo, unsigned int major, unsigned int minor);

#endif
