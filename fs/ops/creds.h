/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CREDS_H
#define ANKLUME_CREDS_H

/*
 * With which identity the daemon touches the base. It keeps its capabilities (the kernel has
 * checked permissions already, against the mount's idmap: default_permissions), but creates with
 * the caller's ids and umask, and without those powers that would make a result differ from what
 * the caller would get:
 *
 *  - CAP_SYS_RESOURCE is dropped for good: it ignores quotas and eats ext4's reserved blocks.
 *  - CAP_FSETID is off except where a set-id bit is asked for, or the caller may keep it: what
 *    changes a file must clear them for everybody else (inode(7)).
 */

#include "cleanup.h"
#include "errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Once, before threads: keep capabilities over fsuid changes, drop CAP_SYS_RESOURCE. */
int creds_init_process(struct error *err);

/* Once per worker: an own umask (unshare(CLONE_FS)), no CAP_FSETID. Returns 0 or -errno. */
int creds_init_thread(void);

/* Create as UID:GID with UMASK; MODE is what will be asked for. Ends with creds_leave(). */
struct creds_scope {
	uid_t uid;
	gid_t gid;
	int raised_fsetid;
};

struct creds_scope creds_enter(uid_t uid, gid_t gid, mode_t umask, mode_t mode);
void creds_leave(struct creds_scope *scope);

/*
 * Change a file of group GID as somebody who belongs to that group. With KEEP_SETID also as
 * somebody who may leave set-id bits alone (CAP_FSETID), which chown, truncate, and writes
 * otherwise clear; a set-group-id bit without group execution always stays.
 */
struct creds_scope creds_enter_group(gid_t gid, bool keep_setid);

/*
 * Write data to a file of group GID: as creds_enter_group(), and as a user who is nobody, so that
 * the blocks that a file system keeps for root (ext4: resuid) stay kept. GID CREDS_NOBODY: as
 * somebody who is not in its group, either.
 */
struct creds_scope creds_enter_writer(gid_t gid, bool keep_setid);

/* No user and no group has this id: the next one, 4294967295, means "no id". */
#define CREDS_NOBODY ((uid_t)-2)

/* Held for its end alone, which clang does not count as a use. */
#define cleanup_creds cleanup_(creds_leave) __attribute__((unused))

#endif
