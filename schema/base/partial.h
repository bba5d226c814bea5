/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PARTIAL_H
#define ANKLUME_PARTIAL_H

/*
 * A tree in the making, <base>/<domain>/<machine>/.part-<volume>: whoever fills it holds its lock.
 * One without a lock is what a crash left; the next attempt begins anew.
 */

#include "datadir.h"

/* What a whole one carries until it is recorded: where it comes from. */
#define PARTIAL_XATTR "trusted.anklume.from"

/*
 * Make it, empty and locked by the descriptor *RET_FD, mode 0700. -EBUSY: somebody is at it.
 */
int partial_begin(int base_fd, const char *domain, const char *machine, const char *volume,
	int *ret_fd, struct error *err);

/* All of FD is on the disk, and FD says that it came from SOURCE. */
int partial_finish(int fd, const char *source, struct error *err);

/* True when FD is a directory that partial_finish() was called for with SOURCE. */
bool partial_is_from(int fd, const char *source);

/* It is recorded: it carries no sign any more. */
void partial_forget(int fd);

/* Remove it again. -EBUSY: something is mounted in it; what could be removed is. */
int partial_remove(int base_fd, const char *domain, const char *machine, const char *volume,
	struct error *err);

/* The same for one that must be empty: what is in it stays. -ENOTEMPTY ... */
int partial_remove_empty(int base_fd, const char *domain, const char *machine, const char *volume);

/* Call FN for each that nobody is at. */
int partial_each(int base_fd,
	int (*fn)(void *context, const char *domain, const char *machine, const char *volume),
	void *context, struct error *err);

#endif
