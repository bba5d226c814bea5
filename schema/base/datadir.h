/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_DATADIR_H
#define ANKLUME_DATADIR_H

/*
 * Directories of the data base. Every path is resolved with openat2 RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS: a symlink planted in the base is an error (-ELOOP), never followed. (The
 * path of the base itself is the administrator's word and may lead over symlinks.)
 */

#include "errors.h"
#include "volume.h"

/*
 * A volume is made under a name with this in front, beside its own. It is no valid name, so nobody
 * asks for it, and the parent is locked while it exists: one that is found is what a crash left.
 */
#define DATADIR_UNFINISHED_PREFIX ".new-"

/*
 * Beside the volumes of a machine lie what was deleted (trash.h) and, with their volume's name
 * behind the prefix, trees that are not whole yet (a copy, a seed). No valid names either.
 */
#define DATADIR_TRASH ".trash"
#define DATADIR_PARTIAL_PREFIX ".part-"

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
 *
 * What was created is durable only after datadir_sync().
 */
int datadir_ensure(int base_fd, const struct domain *domain, const struct machine *machine,
	const struct volume *volume, bool dry_run, enum datadir_state *ret, struct error *err);

/*
 * Wait until all that was created is on the disk: once after a batch, before success is reported.
 * It is a syncfs(2), which also waits for what others are writing to the base.
 */
int datadir_sync(int base_fd, struct error *err);

/* Open a volume's root directory read-only. -ENOENT, -ELOOP, -ENOTDIR. */
int datadir_open_volume(
	int base_fd, const char *domain, const char *machine, const char *volume, int *ret_fd);

/* Open a machine's directory read-only. As datadir_open_volume(). */
int datadir_open_machine(int base_fd, const char *domain, const char *machine, int *ret_fd);

/*
 * Call FN for every directory three levels below the base, in name order, with its open
 * descriptor. Symlinks, files and names that are not valid are passed to ODD instead (may be
 * NULL), with their path relative to the base, which may hold any byte. The top's lost+found, the
 * trash, and half-made directories are passed over. A negative return stops the walk.
 */
int datadir_walk(int base_fd,
	int (*fn)(
		void *context, const char *domain, const char *machine, const char *volume, int fd),
	int (*odd)(void *context, const char *path), void *context, struct error *err);

struct datadir_usage {
	uint64_t size_bytes; /* allocated; a file with several links counts once per link */
	uint64_t n_entries; /* files and directories below the volume's root */
	int64_t newest; /* the latest modification of any of them or the root, in seconds */
	bool is_partial; /* it is nested so deep that the rest was not counted */
};

/*
 * What the volume directory FD holds, on its own file system, following nothing. What vanishes
 * meanwhile is passed over. -EACCES, -ENOMEM ...
 */
int datadir_measure(int fd, struct datadir_usage *ret);

#endif
