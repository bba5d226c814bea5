/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_COPYTREE_H
#define ANKLUME_COPYTREE_H

#include <stdint.h>

#include "errors.h"

struct copytree_report {
	uint64_t n_entries; /* files, directories and all else, the top not counted */
	uint64_t n_shared; /* files whose blocks are shared with the original */
	uint64_t n_bytes; /* copied, holes not counted */
};

/*
 * Make the empty directory TO_FD, which nobody else may write to, a copy of FROM_FD: all kinds of
 * entries with owner, mode, attributes and times, hard links as hard links, holes as holes, blocks
 * shared where the filesystem can. Attributes of the top whose name begins with SKIP are left out
 * (NULL = none). Symlinks are copied, never followed; whatever somebody does to FROM_FD meanwhile,
 * nothing outside of it is read. What is mounted below FROM_FD is an error. Stops at the first
 * error, with the path in ERR; what there is of the copy is the caller's to remove.
 *
 * Durable only after a syncfs(2). A tree that others write to is not copied as of one moment.
 */
int copytree(
	int from_fd, int to_fd, const char *skip, struct copytree_report *ret, struct error *err);

#endif
