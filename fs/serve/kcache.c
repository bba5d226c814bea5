/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kcache.h"

#include "node.h"
#include "str.h"
#include "vtree.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

bool kcache_grant_attr(struct node *node)
{
	/* Ordered with the stat that follows, as kcache_drop_attr() is with the change before it. */
	return __atomic_exchange_n(&node->attr_granted, 1, __ATOMIC_SEQ_CST);
}

void kcache_drop_attr(struct fuse_session *session, struct node *node, uint64_t ino)
{
	if (__atomic_exchange_n(&node->attr_granted, 0, __ATOMIC_SEQ_CST) && session)
		fuse_lowlevel_notify_inval_inode(session, ino, -1, 0);
}

static bool same_entries(const struct vtree_dir *a, const struct vtree_dir *b)
{
	if (!b || a->n_entries != b->n_entries)
		return false;
	for (size_t i = 0; i < a->n_entries; i++) {
		if (a->entries[i].id != b->entries[i].id ||
			!str_equal(a->entries[i].name, b->entries[i].name))
			return false;
	}
	return true;
}

/*
 * Names that went, or now mean something else: a second is long enough to write into a volume that
 * was removed. They are made to time out, so that the next path walk asks again; a kernel that
 * cannot do so (before 6.2) drops them.
 */
static void drop_changed_names(
	struct fuse_session *session, const struct vtree_dir *before, const struct vtree_dir *after)
{
	for (size_t i = 0; i < before->n_entries; i++) {
		const char *name = before->entries[i].name;

		if (after && vtree_child(after, name) == before->entries[i].id)
			continue;
		if (fuse_lowlevel_notify_expire_entry(session, before->id, name, strlen(name)) ==
			-ENOSYS)
			fuse_lowlevel_notify_inval_entry(session, before->id, name, strlen(name));
	}
}

void kcache_drop_changed_dirs(
	struct fuse_session *session, const struct vtree *before, const struct vtree *after)
{
	if (!session)
		return;

	/* -ENOENT only says that the kernel has no such inode: nothing to drop. */
	for (size_t i = 0; i < before->n_dirs; i++) {
		const struct vtree_dir *dir = &before->dirs[i];
		const struct vtree_dir *now = vtree_dir(after, dir->id);

		if (same_entries(dir, now))
			continue;
		drop_changed_names(session, dir, now);
		fuse_lowlevel_notify_inval_inode(session, dir->id, 0, 0);
	}
}
