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
 * Each of these changes copies the credentials in the kernel, so a worker does not change back: it
 * stays what it was last. A request of an operation whose result could depend on that begins at
 * rest (call_begin()); the others (fs/ops/call.c, creds_matter()) say who they are where it matters.
 */

#include "errors.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Once, before threads: keep capabilities over fsuid changes, drop CAP_SYS_RESOURCE. */
int creds_init_process(struct error *err);

/* Once per worker: an own umask (unshare(CLONE_FS)). Returns 0 or -errno. */
int creds_init_thread(void);

/* As root of no other group, without CAP_FSETID. */
void creds_rest(void);

/* Create as UID:GID with UMASK; MODE is what will be asked for. -EOVERFLOW: cannot be those. */
int creds_as_creator(uid_t uid, gid_t gid, mode_t umask, mode_t mode);

/*
 * Change a file of group GID as somebody who belongs to that group, or with CREDS_NOBODY does not.
 * WITH_SETID also as somebody who may leave set-id bits alone (CAP_FSETID), which chown, truncate,
 * and writes otherwise clear; in the group a set-group-id bit without group execution always stays.
 */
void creds_in_group(gid_t gid, bool with_setid);

/*
 * Write data to a file of group GID: as creds_in_group(), and as a user who is nobody, so that the
 * blocks that a file system keeps for root (ext4: resuid) stay kept.
 */
void creds_as_writer(gid_t gid, bool with_setid);

/*
 * Write data for whomever, as creds_as_writer(), and leave set-id bits alone: whoever may not keep them
 * has had them taken away by a SETATTR before (Linux, fs/fuse/file.c and fs/backing-file.c:
 * file_remove_privs() of the FUSE file, with the caller's own credentials).
 */
void creds_as_passer(void);

/* As UID, for what only the owner of a file may: a lease (fcntl(2)). */
void creds_as_user(uid_t uid);

/* No user and no group has this id: the next one, 4294967295, means "no id". */
#define CREDS_NOBODY ((uid_t)-2)

#endif
