/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_MOUNTINFO_H
#define ANKLUME_MOUNTINFO_H

/* /proc/<pid>/mountinfo (proc(5)): which mount is where, and what of which filesystem it shows. */

#include "cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

struct mount {
	unsigned int major, minor; /* of the filesystem: one superblock, one pair */
	char *root; /* what of the filesystem is mounted, "/pro/pro-dev/db" */
	char *point; /* where */
	bool is_readonly; /* this mount, whatever the filesystem */
};

struct mount_list {
	struct mount *items; /* in the order of mounting: a later one hides an earlier one */
	size_t n_items;
};

void mount_list_finish(struct mount_list *list);

/* TEXT as the kernel writes it. -EBADMSG, -ENOMEM. */
int mountinfo_parse(const char *text, struct mount_list *ret);

/* The mounts that process PID sees; 0 is this one. -ENOENT: no such process here; -errno. */
int mountinfo_load(pid_t pid, struct mount_list *ret);

/* The mount that is visible at exactly POINT; NULL when there is none. */
const struct mount *mountinfo_at(const struct mount_list *list, const char *point);

/* The mount that the existing PATH (resolved) lies on. NULL when there is none. */
const struct mount *mountinfo_holding(const struct mount_list *list, const char *path);

/* The same directory of the same filesystem. */
bool mount_shows_same(const struct mount *a, const struct mount *b);

DEFINE_FINISH(mount_list_finishp, struct mount_list, mount_list_finish)

#define cleanup_mount_list cleanup_(mount_list_finishp)

#endif
