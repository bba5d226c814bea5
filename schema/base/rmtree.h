/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_RMTREE_H
#define ANKLUME_RMTREE_H

#include "errors.h"

/*
 * Remove NAME in PARENT_FD, a directory with all that it holds, however deep. Symlinks are removed,
 * never followed, and nothing that is mounted below is entered: -EBUSY. The immutable and append
 * flags (chattr(1)) are taken off what carries them. What cannot be removed is named in ERR, as a
 * path below NAME; the rest stays for the next try. -ENOENT when there is no NAME.
 */
int rmtree(int parent_fd, const char *name, struct error *err);

#endif
