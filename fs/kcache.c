/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "kcache.h"

#include "str.h"
#include "vtree.h"

#include <fuse_lowlevel.h>

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

void kcache_drop_changed_dirs(
	struct fuse_session *session, const struct vtree *before, const struct vtree *after)
{
	if (!session)
		return;

	/* -ENOENT only says that the kernel has no such inode: nothing to drop. */
	for (size_t i = 0; i < before->n_dirs; i++) {
		const struct vtree_dir *dir = &before->dirs[i];

		if (!same_entries(dir, vtree_dir(after, dir->id)))
			fuse_lowlevel_notify_inval_inode(session, dir->id, 0, 0);
	}
}
