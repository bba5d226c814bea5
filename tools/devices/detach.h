/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DETACH_H
#define ANKLUME_DETACH_H

#include "errors.h"

#include <sys/types.h>

/*
 * umount2(PATH, MNT_DETACH) in the mount namespace of process PID, by a child of ours: what is
 * needed where a mount inside a container is dead. Incus looks at the path before it unmounts it,
 * takes ENOTCONN for "not there", and leaves the mount (deviceHandleMounts). -EINVAL: nothing is
 * mounted there; -ESRCH: no such process here.
 */
int detach_inside(pid_t pid, const char *path, struct error *err);

#endif
