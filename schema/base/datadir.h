/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DATADIR_H
#define ANKLUME_DATADIR_H

/*
 * Directories of the data base. Every path is resolved with openat2 RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS: a symlink planted in the base is an error (-ELOOP), never followed.
 */

#include "errors.h"
#include "volume.h"

/* Open the base read-only; with CREATE it and its parents are made (0755) when missing. */
int datadir_open(const char *base, bool create, int *ret_fd, struct error *err);

enum datadir_state {
	DATADIR_CREATED,
	DATADIR_EXISTS,
	DATADIR_MISSING, /* only with dry_run */
};

/*
 * Make sure <base>/<domain>/<machine>/<volume> exists. A volume directory that is created gets
 * the volume's owner and mode before it appears under its name; an existing one is not touched
 * in any way. -ENOTDIR, -ELOOP, -ENOSPC, -EROFS ... with the path in ERR.
 */
int datadir_ensure(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool dry_run, enum datadir_state *ret, struct error *err);

/* Open a volume's root directory read-only. -ENOENT, -ELOOP, -ENOTDIR. */
int datadir_open_volume(
	int base_fd, const char *domain, const char *machine, const char *volume, int *ret_fd);

/*
 * Call FN for every directory three levels below the base, in name order, with its open
 * descriptor. Symlinks, files and names that are not valid are passed to ODD instead (may be
 * NULL), with their path relative to the base. A negative return stops the walk.
 */
int datadir_walk(int base_fd,
	int (*fn)(
		void *context, const char *domain, const char *machine, const char *volume, int fd),
	int (*odd)(void *context, const char *path), void *context, struct error *err);

#endif
