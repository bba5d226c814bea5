/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ROOTFS_H
#define ANKLUME_ROOTFS_H

/* The root filesystem of an instance, out of the archive that Incus exports. */

#include <stdbool.h>

#include "errors.h"

/*
 * Fill the empty directory TO_FD, which nobody else may write to, with what lies below PATH
 * ("/etc") in the archive behind TAR_FD (a file): owners, modes, attributes, ACLs, times, hard
 * links, devices; those of PATH itself for TO_FD. A hard link whose other name lies elsewhere
 * becomes a file. *RET_FOUND is false when PATH is no directory there. Nothing outside of
 * TO_FD is written, whatever the archive says. What it holds and we cannot keep is an error.
 *
 * Changes the working directory meanwhile.
 */
int rootfs_extract(int tar_fd, const char *path, int to_fd, bool *ret_found, struct error *err);

#endif
