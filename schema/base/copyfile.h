/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_COPYFILE_H
#define ANKLUME_COPYFILE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Make the empty file TO_FD hold what FROM_FD holds: by sharing its blocks where the filesystem can
 * (FICLONE, ioctl_ficlone(2)), else extent by extent, holes left out. *RET_BYTES grows by what was
 * copied and not shared. -ENOSPC, -EIO ...
 */
int copyfile(int from_fd, int to_fd, uint64_t *ret_bytes, bool *ret_is_shared);

#endif
