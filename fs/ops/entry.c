/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entry.h"

#include "kcache.h"

#include <fcntl.h>
#include <string.h>

double entry_attr_timeout(const struct node *node, const struct stat *st)
{
	if (!node)
		return KCACHE_VIRTUAL_S;
	if (__atomic_load_n(&node->n_writers, __ATOMIC_SEQ_CST) > 0)
		return st->st_mode & (S_ISUID | S_ISGID) ? 0 : KCACHE_WRITER_S;
	return __atomic_load_n(&node->maybe_mapped, __ATOMIC_SEQ_CST) ? 0 : KCACHE_FOREVER_S;
}

static void fill(
	struct fuse_entry_param *e, fuse_ino_t ino, const struct node *node, const struct stat *st)
{
	memset(e, 0, sizeof(*e));
	e->ino = ino;
	e->attr = *st;
	e->attr.st_ino = node->ino;
	e->entry_timeout = KCACHE_FOREVER_S;
	e->attr_timeout = entry_attr_timeout(node, st);
}

/* What NAME in FD is: FLAGS 0 and a name, or AT_EMPTY_PATH and "". */
static int stat_name(int fd, const char *name, int flags, struct stat *ret)
{
	return fstatat(fd, name, ret, flags | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int look_up(struct call *c, const struct node *dir, int fd, const char *name, int flags,
	struct fuse_entry_param *ret, struct node **ret_node)
{
	struct fhandle handle;
	struct node *node;
	struct stat st;
	int r;

	r = fhandle_get(&c->fs->mounts, fd, name, flags, &handle);
	if (r == 0)
		r = stat_name(fd, name, flags, &st);
	if (r == 0)
		r = node_lookup(&c->fs->nodes, &handle, &st, dir->volume, &node);
	if (r < 0)
		return r;

	/* Known to the kernel before: somebody may have changed it since it was looked at. */
	if (!kcache_grant_attr(node) && __atomic_load_n(&node->nlookup, __ATOMIC_RELAXED) > 1)
		stat_name(fd, name, flags, &st);

	fill(ret, slot_id(&node->slot), node, &st);
	if (ret_node)
		*ret_node = node;
	return 0;
}

int entry_lookup(struct call *c, const struct node *dir, int dir_fd, const char *name,
	struct fuse_entry_param *ret, struct node **ret_node)
{
	return look_up(c, dir, dir_fd, name, 0, ret, ret_node);
}

int entry_of_fd(struct call *c, const struct node *dir, int fd, struct fuse_entry_param *ret,
	struct node **ret_node)
{
	return look_up(c, dir, fd, "", AT_EMPTY_PATH, ret, ret_node);
}

int entry_stat(struct node *node, int fd, struct stat *ret)
{
	kcache_grant_attr(node);
	if (fstatat(fd, "", ret, AT_EMPTY_PATH) < 0)
		return -errno;
	ret->st_ino = node->ino;
	return 0;
}

static int entry_of_volume(struct call *c, uint64_t id, struct fuse_entry_param *ret)
{
	struct node *root = call_node(c, id);
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	if (!root)
		return -ENOENT;
	fd = fhandle_open(&c->fs->mounts, &root->handle, O_PATH | O_DIRECTORY);
	if (fd < 0)
		return fd == -ESTALE ? -ENOENT : fd;
	r = entry_stat(root, fd, &st);
	if (r < 0)
		return r;

	fill(ret, id, root, &st);
	ret->entry_timeout = KCACHE_VIRTUAL_S;
	return 0;
}

int entry_of_fixed(struct call *c, uint64_t id, struct fuse_entry_param *ret)
{
	const struct vtree_dir *dir;
	int r = -ENOENT;

	if (vtree_id_kind(id) == VTREE_VOLUME)
		return entry_of_volume(c, id, ret);

	memset(ret, 0, sizeof(*ret));
	pthread_rwlock_rdlock(&c->fs->tree_lock);
	dir = vtree_dir(c->fs->tree, id);
	if (dir) {
		ret->ino = id;
		ret->attr.st_ino = id;
		ret->attr.st_mode = S_IFDIR | 0755;
		ret->attr.st_nlink = 2 + dir->n_entries;
		ret->attr.st_blksize = 4096;
		ret->attr.st_atim.tv_sec = c->fs->tree->built;
		ret->attr.st_mtim.tv_sec = c->fs->tree->built;
		ret->attr.st_ctim.tv_sec = c->fs->tree->built;
		ret->entry_timeout = KCACHE_VIRTUAL_S;
		ret->attr_timeout = KCACHE_VIRTUAL_S;
		r = 0;
	}
	pthread_rwlock_unlock(&c->fs->tree_lock);
	return r;
}

void entry_forget(struct fs *fs, fuse_ino_t ino, uint64_t n)
{
	if (!vtree_is_fixed_id(ino) && node_forget(&fs->nodes, ino, n))
		pins_drop(&fs->pins, ino);
}
