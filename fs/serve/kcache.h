/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_KCACHE_H
#define ANKLUME_KCACHE_H

/*
 * What the kernel caches of ours: how long it may, and telling it to drop something.
 *
 * The daemon is the only writer of the base, and every change made through the mount updates the
 * kernel's caches by itself, so entries, attributes and absent names are good for ever. Names of
 * the virtual levels come and go with the catalogue and are asked for again after a second.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fuse_session;
struct node;
struct vtree;

#define KCACHE_FOREVER_S 31536000.0 /* a year, in seconds as libfuse takes timeouts */
#define KCACHE_VIRTUAL_S 1.0

/*
 * Attributes of a file that is open for writing: one tick, which is also how coarse its times
 * are. Data goes to the base by passthrough, and the kernel does not learn of the times that a
 * store to mapped memory changes; but with 0 it would ask again within the very open(2). What was
 * cached goes when the file is closed.
 * Set-id bits, which the next write clears in the base, are not kept at all.
 */
#define KCACHE_WRITER_S 0.001

/*
 * Attributes of NODE go to the kernel: call before they are read from the base. True when the
 * kernel may have had some already.
 */
bool kcache_grant_attr(struct node *node);

/*
 * NODE, known to the kernel as INO, has changed in a way that the kernel does not learn of by its
 * own request, or not in time: a reply to GETATTR, LOOKUP or READDIRPLUS that was made before the
 * change may arrive after it, and only a notification outdates it (Linux, fs/fuse/inode.c:
 * fuse_reverse_inval_inode() raises attr_version, fuse_dir_changed() does not). Call after the
 * change and before its reply. Attributes only: takes no lock that a request may hold. SESSION may
 * be NULL.
 */
void kcache_drop_attr(struct fuse_session *session, struct node *node, uint64_t ino);

/* The same for an inode of which nothing is known here but INO, whatever the kernel may have. */
void kcache_forget_attr(struct fuse_session *session, uint64_t ino);

/* The same, and the pages: of a directory, its listing. */
void kcache_drop_content(struct fuse_session *session, uint64_t ino);

/* NAME (borrowed) in the directory DIR is not what the kernel has. */
struct kcache_name {
	uint64_t dir;
	const char *name;
};

/*
 * The next path walk asks for these names again. Not from a request handler: the kernel takes the
 * lock of the directory, which a caller may hold that waits for an answer. It does so where no
 * signal ends it, so a process of its own tells it, and this one waits as one that can be killed:
 * a daemon that cannot die would never be replaced, and the caller never be answered. Other
 * threads may run. 0; -errno: not told.
 */
int kcache_expire_names(
	struct fuse_session *session, const struct kcache_name *names, size_t n_names);

/*
 * Drop cached listings of virtual directories whose entries differ between the two trees, and the
 * names in them that are gone or lead elsewhere. Not
 * from a request handler (libfuse, fuse_lowlevel_notify_inval_inode). SESSION may be NULL.
 */
void kcache_drop_changed_dirs(
	struct fuse_session *session, const struct vtree *before, const struct vtree *after);

#endif
