/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ROOTFS_H
#define ANKLUME_ROOTFS_H

/* Files of an instance or of a storage volume, out of the archive that Incus exports. */

#include <stdbool.h>

#include "errors.h"

struct idmap;

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

/*
 * The same with all of a storage volume's files, owners as IDS calls them. What is there and has no
 * id in it is an error, -ERANGE. *RET_FOUND is false when the archive is none of a volume.
 */
int rootfs_extract_volume(
	int tar_fd, const struct idmap *ids, int to_fd, bool *ret_found, struct error *err);

#endif
