/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_CREDS_H
#define ANKLUME_CREDS_H

/*
 * With which identity a worker touches the base. It keeps its capabilities (the kernel has checked
 * permissions already, against the mount's idmap: default_permissions), but creates with the
 * caller's ids and umask, and without those powers that would make a result differ from what the
 * caller would get:
 *
 *  - CAP_SYS_RESOURCE is dropped for good: it ignores quotas and eats ext4's reserved blocks.
 *  - CAP_FSETID is off except where a set-id bit is asked for, or the caller may keep it: what
 *    changes a file must clear them for everybody else (inode(7)).
 *
 * Each of these changes copies the credentials in the kernel. So a worker stays what it was last
 * until somebody needs it to be something else: whose result depends on who it is says so before.
 * All that does not depend on it has a capability to rest on: to look, open and list
 * (CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE), to rename and remove (CAP_FOWNER in sticky directories).
 */

#include "errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Once, before threads: keep capabilities over fsuid changes, drop CAP_SYS_RESOURCE. */
int creds_init_process(struct error *err);

/* Once per worker: an own umask (unshare(CLONE_FS)). Returns 0 or -errno. */
int creds_init_thread(void);

/* Create as UID:GID with UMASK; MODE is what will be asked for. */
void creds_as_creator(uid_t uid, gid_t gid, mode_t umask, mode_t mode);

/*
 * Change a file of group GID as somebody who belongs to that group, or with CREDS_NOBODY does not,
 * and as a user who is nobody, so that the blocks that a file system keeps for root (ext4: resuid)
 * stay kept. With KEEP_SETID also as somebody who may leave set-id bits alone (CAP_FSETID), which
 * chown, truncate, and writes otherwise clear; a set-group-id bit without group execution always
 * stays for a member.
 */
void creds_as_member(gid_t gid, bool keep_setid);

/* Look at processes in /proc as root: not all of it is for everybody (ptrace(2), FSCREDS). */
void creds_as_root(void);

/* No user and no group has this id: the next one, 4294967295, means "no id". */
#define CREDS_NOBODY ((uid_t)-2)

#endif
