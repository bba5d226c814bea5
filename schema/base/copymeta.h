/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_COPYMETA_H
#define ANKLUME_COPYMETA_H

#include <stdbool.h>
#include <sys/stat.h>

#include "errors.h"

/*
 * Give NAME in TO_DIRFD (its last component is never followed) the owner, mode, extended attributes
 * (ACLs, capabilities and labels among them) and times of FROM_FD, which may be an O_PATH
 * descriptor, with its stat in ST. An attribute that the target does not take is an error that
 * names it. Attributes whose name begins with SKIP (NULL = none) are left out.
 */
int copymeta(int from_fd, const struct stat *st, int to_dirfd, const char *name, const char *skip,
	struct error *err);

/* Only the extended attributes. */
int copymeta_xattrs(
	int from_fd, int to_dirfd, const char *name, const char *skip, struct error *err);

#endif
