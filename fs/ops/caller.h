/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CALLER_H
#define ANKLUME_CALLER_H

/*
 * Who asks: from the request's pid. The kernel keeps the caller waiting while its request is
 * served, so the pid cannot be reused meanwhile.
 */

#include "policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * CALLER_OWNER when PID runs in the cgroup CGROUP ("lxc.payload.<instance>"). Only the first
 * component of a path counts: deeper ones are made by whoever lives there. Every hierarchy that
 * names a payload must name this one, and one must. Unknown, gone, unreadable: CALLER_OTHER.
 */
enum policy_caller caller_identify(pid_t pid, const char *cgroup);

/* The same decision on the text of /proc/PID/cgroup. */
enum policy_caller caller_from_cgroups(const char *text, const char *cgroup);

/*
 * True when PID may see trusted.* attributes: CAP_SYS_ADMIN in the initial user namespace
 * (xattr(7)), which is taken to be this process's own.
 */
bool caller_is_admin(pid_t pid);

/* Who a caller is to a file, where the kernel leaves it to us to know. */
struct caller_rights {
	uid_t fsuid; /* as the host sees it */
	bool is_member; /* of the group that was asked for */
	bool has_fowner, has_fsetid; /* effective CAP_FOWNER, CAP_FSETID */
};

/*
 * The rights of PID concerning a file of group GID. -EOPNOTSUPP: it lives in another user
 * namespace, where its ids and capabilities say nothing about ours. Else an errno of /proc.
 */
int caller_rights(pid_t pid, gid_t gid, struct caller_rights *ret);

/* The command name of PID for log lines, "?" when it cannot be had. Returns BUF. */
const char *caller_command(pid_t pid, char *buf, size_t len);

#endif
