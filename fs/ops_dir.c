/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "creds.h"
#include "entry.h"
#include "path.h"
#include "reply.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>

static int open_dir(struct call *c, const struct node *dir)
{
	return fhandle_open(&c->fs->mounts, &dir->handle, O_PATH | O_DIRECTORY);
}

static struct creds_scope enter_caller(struct call *c, mode_t mode)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(c->req);

	return creds_enter(ctx->uid, ctx->gid, ctx->umask, mode);
}

/* What is common to all ways of making a name: may it be, and where. */
static int begin_make(
	struct call *c, fuse_ino_t parent, const char *name, struct node **ret_dir, int *ret_dir_fd)
{
	int r;

	r = call_change(c, parent, name, ret_dir);
	if (r == 0)
		r = call_allow(c, *ret_dir, POLICY_CHANGE, name);
	if (r < 0)
		return r;

	*ret_dir_fd = open_dir(c, *ret_dir);
	return *ret_dir_fd < 0 ? *ret_dir_fd : 0;
}

static int do_mknod(struct call *c, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev,
	struct fuse_entry_param *ret)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int r;

	r = begin_make(c, parent, name, &dir, &dir_fd);
	if (r < 0)
		return r;
	{
		cleanup_creds struct creds_scope scope = enter_caller(c, mode);

		if (mknodat(dir_fd, name, mode, rdev) < 0)
			return -errno;
	}
	return entry_lookup(c, dir, dir_fd, name, ret, NULL);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct call c = call_begin(req, OP_MKNOD);
	struct fuse_entry_param entry;
	int r = do_mknod(&c, parent, name, mode, rdev, &entry);

	reply_entry(&c, r, &entry);
}

static int do_mkdir(struct call *c, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_entry_param *ret)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int r;

	/* Nothing is made at the virtual levels, but a name that could never be is told apart. */
	if (call_is_virtual(c, parent) && !name_is_valid(name))
		return -EINVAL;

	r = begin_make(c, parent, name, &dir, &dir_fd);
	if (r < 0)
		return r;
	{
		cleanup_creds struct creds_scope scope = enter_caller(c, mode);

		if (mkdirat(dir_fd, name, mode) < 0)
			return -errno;
	}
	return entry_lookup(c, dir, dir_fd, name, ret, NULL);
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct call c = call_begin(req, OP_MKDIR);
	struct fuse_entry_param entry;
	int r = do_mkdir(&c, parent, name, mode, &entry);

	reply_entry(&c, r, &entry);
}

static int do_symlink(struct call *c, const char *target, fuse_ino_t parent, const char *name,
	struct fuse_entry_param *ret)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int r;

	r = begin_make(c, parent, name, &dir, &dir_fd);
	if (r < 0)
		return r;
	{
		cleanup_creds struct creds_scope scope = enter_caller(c, 0);

		if (symlinkat(target, dir_fd, name) < 0)
			return -errno;
	}
	return entry_lookup(c, dir, dir_fd, name, ret, NULL);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct call c = call_begin(req, OP_SYMLINK);
	struct fuse_entry_param entry;
	int r = do_symlink(&c, target, parent, name, &entry);

	reply_entry(&c, r, &entry);
}

static int do_link(struct call *c, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name,
	struct fuse_entry_param *ret)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int dir_fd = -1;
	cleanup_fd int fd = -1;
	struct node *dir;
	int r;

	if (!node)
		return -ESTALE;
	r = begin_make(c, new_parent, new_name, &dir, &dir_fd);
	if (r < 0)
		return r;
	if (node->volume != dir->volume)
		return -EXDEV;

	fd = fhandle_open(&c->fs->mounts, &node->handle, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd;
	if (linkat(fd, "", dir_fd, new_name, AT_EMPTY_PATH) < 0)
		return -errno;
	return entry_lookup(c, dir, dir_fd, new_name, ret, NULL);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct call c = call_begin(req, OP_LINK);
	struct fuse_entry_param entry;
	int r = do_link(&c, ino, new_parent, new_name, &entry);

	reply_entry(&c, r, &entry);
}

/* An inode that is about to lose a name, and perhaps its last one. */
struct victim {
	struct node *node; /* NULL: the kernel does not know it */
	int fd;
};

static struct victim find_victim(
	struct call *c, const struct node *dir, int dir_fd, const char *name)
{
	struct victim v = {.fd = -1};
	struct fhandle handle;

	if (fhandle_get(&c->fs->mounts, dir_fd, name, 0, &handle) < 0)
		return v;
	v.node = node_find(&c->fs->nodes, &handle, dir->volume);
	if (v.node)
		v.fd = fhandle_open(&c->fs->mounts, &handle, O_PATH | O_NOFOLLOW);
	return v;
}

/* Keep it when the name was its last: somebody may be in it still. */
static void pin_victim(struct call *c, struct victim *v, int r)
{
	struct stat st;

	if (r == 0 && v->fd >= 0 && fstat(v->fd, &st) == 0 &&
		(st.st_nlink == 0 || S_ISDIR(st.st_mode)))
		node_pin(&c->fs->nodes, v->node, steal_fd(&v->fd));
	if (v->fd >= 0)
		close(v->fd);
}

/* Remove NAME from PARENT. -EPERM: the volume is protected or held; -EROFS: it is readonly. */
static int do_remove(struct call *c, fuse_ino_t parent, const char *name, int flags)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int r;

	r = call_change(c, parent, name, &dir);
	if (r == 0)
		r = call_allow(c, dir, POLICY_REMOVE, name);
	if (r < 0)
		return r;

	dir_fd = open_dir(c, dir);
	if (dir_fd < 0)
		return dir_fd;

	struct victim victim = find_victim(c, dir, dir_fd, name);

	r = unlinkat(dir_fd, name, flags) < 0 ? -errno : 0;
	pin_victim(c, &victim, r);
	return r;
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct call c = call_begin(req, OP_UNLINK);

	reply_err(&c, do_remove(&c, parent, name, 0));
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct call c = call_begin(req, OP_RMDIR);

	reply_err(&c, do_remove(&c, parent, name, AT_REMOVEDIR));
}

struct rename {
	struct node *from, *to;
	int from_fd, to_fd;
	const char *name, *new_name;
	unsigned int flags;
};

/* Renaming one of two hard links over the other does nothing (rename(2)). */
static bool is_same_inode(const struct rename *rn)
{
	struct stat a, b;

	return fstatat(rn->from_fd, rn->name, &a, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(rn->to_fd, rn->new_name, &b, AT_SYMLINK_NOFOLLOW) == 0 &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * True when the rename takes something away: an existing target, an exchange, a whiteout left
 * behind, or an entry of the volume's top directory that is moved out of sight.
 */
static bool rename_destroys(struct call *c, const struct rename *rn)
{
	struct stat st;

	if (rn->flags & (RENAME_EXCHANGE | RENAME_WHITEOUT))
		return true;
	if (rn->from == &call_volume(c, rn->from)->root && rn->to != rn->from)
		return true;
	if (rn->flags & RENAME_NOREPLACE)
		return false;
	return fstatat(rn->to_fd, rn->new_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !is_same_inode(rn);
}

static int rename_allow(struct call *c, const struct rename *rn)
{
	int r;

	r = call_allow(c, rn->from, POLICY_CHANGE, rn->name);
	if (r == 0 && call_may_deny(c, rn->from, POLICY_REMOVE) && rename_destroys(c, rn))
		r = call_allow(c, rn->from, POLICY_REMOVE, rn->name);
	return r;
}

static int do_rename(struct call *c, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct rename rn = {.name = name, .new_name = new_name, .flags = flags};
	const struct fuse_ctx *ctx = fuse_req_ctx(c->req);
	cleanup_fd int from_fd = -1;
	cleanup_fd int to_fd = -1;
	int r;

	r = call_change(c, parent, name, &rn.from);
	if (r == 0)
		r = call_change(c, new_parent, new_name, &rn.to);
	if (r < 0)
		return r;
	if (rn.from->volume != rn.to->volume)
		return -EXDEV;

	rn.from_fd = from_fd = open_dir(c, rn.from);
	rn.to_fd = to_fd = open_dir(c, rn.to);
	if (from_fd < 0 || to_fd < 0)
		return from_fd < 0 ? from_fd : to_fd;

	r = rename_allow(c, &rn);
	if (r < 0)
		return r;

	/* A whiteout is created with the caller's ids; anything else ignores them. */
	cleanup_creds struct creds_scope scope = flags & RENAME_WHITEOUT
							 ? creds_enter(ctx->uid, ctx->gid, 0, 0)
							 : (struct creds_scope){0};

	struct victim victim = {.fd = -1};

	if (!(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		victim = find_victim(c, rn.to, to_fd, new_name);
	r = renameat2(from_fd, name, to_fd, new_name, flags) < 0 ? -errno : 0;
	pin_victim(c, &victim, r);
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct call c = call_begin(req, OP_RENAME);

	reply_err(&c, do_rename(&c, parent, name, new_parent, new_name, flags));
}
