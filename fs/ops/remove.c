/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What takes a name away: unlink, rmdir, rename. */

#include "ops.h"

#include "creds.h"
#include "dircache.h"
#include "kcache.h"
#include "once.h"
#include "reply.h"

#include <fcntl.h>
#include <linux/fs.h>

static int open_dir(struct call *c, const struct node *dir)
{
	return dircache_open(&c->fs->mounts, &dir->handle);
}

/* An inode that is about to lose a name, and perhaps its last one. */
struct victim {
	struct fhandle handle;
	bool is_there;
	struct node *node; /* NULL: the kernel does not know it */
	int fd;
	uint64_t ticket; /* of pins_announce() */
};

/* What is under NAME now; on a repeated request, what was there before the first try. */
static struct victim find_victim(
	struct call *c, const struct node *dir, int dir_fd, const char *name)
{
	const struct intent *before = once_before();
	struct victim v = {.fd = -1};

	if (before && before->had_target) {
		v.handle = before->target;
		v.is_there = true;
	} else if (!before) {
		v.is_there = fhandle_get(&c->fs->mounts, dir_fd, name, 0, &v.handle) == 0;
	}
	if (!v.is_there)
		return v;
	v.node = node_find(&c->fs->nodes, &v.handle, dir->volume);
	if (v.node)
		v.fd = fhandle_open(&c->fs->mounts, &v.handle, O_PATH | O_NOFOLLOW);
	if (v.fd >= 0)
		v.ticket = pins_announce(&c->fs->pins, slot_id(&v.node->slot), v.fd);
	return v;
}

/* Keep it when the name was its last: somebody may be in it still. */
static void pin_victim(struct call *c, struct victim *v, bool is_removed)
{
	if (v->fd < 0)
		return;
	if (is_removed && pins_is_nameless(v->fd)) {
		if (v->node->type == S_IFDIR)
			dircache_forget(&v->handle);
		fs_pin(c->fs, v->node, v->fd, v->ticket);
	} else {
		pins_withdraw(&c->fs->pins, slot_id(&v->node->slot), v->ticket);
		close(v->fd);
	}
}

struct removal {
	struct call *c;
	int dir_fd;
	const char *name;
	int flags; /* of unlinkat(2) */
};

static int act_remove(void *arg)
{
	const struct removal *rm = arg;

	return unlinkat(rm->dir_fd, rm->name, rm->flags) < 0 ? -errno : 0;
}

/* Gone, or another one by now, which was put there behind our back and is not ours to remove. */
static bool was_removed(const struct intent *before, void *arg)
{
	const struct removal *rm = arg;
	bool is_absent;

	return before->had_target &&
	       !once_name_is(rm->c, rm->dir_fd, rm->name, &before->target, &is_absent);
}

/* Remove NAME from PARENT. -EPERM: the volume is protected or held; -EROFS: it is readonly. */
static int do_remove(struct call *c, fuse_ino_t parent, const char *name, int flags)
{
	struct removal rm = {.c = c, .name = name, .flags = flags};
	struct once once = {.c = c, .act = act_remove, .was_made = was_removed, .arg = &rm};
	struct victim victim;
	struct node *dir;
	int r;

	r = call_change(c, parent, name, &dir);
	if (r == 0)
		r = call_allow(c, dir, POLICY_REMOVE, name);
	if (r < 0)
		return r;

	rm.dir_fd = open_dir(c, dir);
	if (rm.dir_fd < 0)
		return rm.dir_fd;

	victim = find_victim(c, dir, rm.dir_fd, name);
	once.target = victim.is_there ? &victim.handle : NULL;
	r = once_run(&once);
	pin_victim(c, &victim, r == 0);
	if (r == 0)
		kcache_drop_attr(c->fs->session, dir, parent);
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
	struct call *c;
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
static bool rename_destroys(const struct rename *rn)
{
	struct stat st;

	if (rn->flags & (RENAME_EXCHANGE | RENAME_WHITEOUT))
		return true;
	if (rn->from == &call_volume(rn->c, rn->from)->root && rn->to != rn->from)
		return true;
	if (rn->flags & RENAME_NOREPLACE)
		return false;
	return fstatat(rn->to_fd, rn->new_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !is_same_inode(rn);
}

static int rename_allow(const struct rename *rn)
{
	int r;

	r = call_allow(rn->c, rn->from, POLICY_CHANGE, rn->name);
	if (r == 0 && call_may_deny(rn->c, rn->from, POLICY_REMOVE) && rename_destroys(rn))
		r = call_allow(rn->c, rn->from, POLICY_REMOVE, rn->name);
	return r;
}

static int act_rename(void *arg)
{
	const struct rename *rn = arg;
	const struct fuse_ctx *ctx = fuse_req_ctx(rn->c->req);
	int r = 0;

	/* A whiteout is created with the caller's ids; anything else ignores them. */
	if (rn->flags & RENAME_WHITEOUT)
		r = creds_as_creator(ctx->uid, ctx->gid, 0, 0);
	if (r < 0)
		return r;
	return renameat2(rn->from_fd, rn->name, rn->to_fd, rn->new_name, rn->flags) < 0 ? -errno
											: 0;
}

/* The new name is the old inode, and the old name is what the rename leaves behind. */
static bool was_renamed(const struct intent *before, void *arg)
{
	const struct rename *rn = arg;
	bool is_absent, is_old_absent;

	if (!before->had_source ||
		(before->had_target && fhandle_equal(&before->source, &before->target)) ||
		!once_name_is(rn->c, rn->to_fd, rn->new_name, &before->source, &is_absent))
		return false;
	if (rn->flags & RENAME_EXCHANGE)
		return before->had_target &&
		       once_name_is(rn->c, rn->from_fd, rn->name, &before->target, &is_old_absent);
	if (once_name_is(rn->c, rn->from_fd, rn->name, &before->source, &is_old_absent))
		return false;
	return is_old_absent || (rn->flags & RENAME_WHITEOUT);
}

static int rename_open(struct rename *rn, fuse_ino_t parent, fuse_ino_t new_parent)
{
	int r;

	r = call_change(rn->c, parent, rn->name, &rn->from);
	if (r == 0)
		r = call_change(rn->c, new_parent, rn->new_name, &rn->to);
	if (r < 0)
		return r;
	if (rn->from->volume != rn->to->volume)
		return -EXDEV;

	rn->from_fd = open_dir(rn->c, rn->from);
	if (rn->from_fd < 0)
		return rn->from_fd;
	rn->to_fd = open_dir(rn->c, rn->to);
	return rn->to_fd < 0 ? rn->to_fd : 0;
}

/* The inode of HANDLE (NULL: none), whose change time a rename has moved. */
static void drop_moved(const struct rename *rn, const struct fhandle *handle)
{
	struct node *node = handle ? node_find(&rn->c->fs->nodes, handle, rn->from->volume) : NULL;

	if (node)
		kcache_drop_attr(rn->c->fs->session, node, slot_id(&node->slot));
}

static int do_rename(struct rename *rn, fuse_ino_t parent, fuse_ino_t new_parent)
{
	struct once once = {.c = rn->c, .act = act_rename, .was_made = was_renamed, .arg = rn};
	struct fhandle source;
	struct victim victim;
	int r;

	r = rename_open(rn, parent, new_parent);
	if (r == 0)
		r = rename_allow(rn);
	if (r < 0)
		return r;

	if (!once_is_repeated() &&
		fhandle_get(&rn->c->fs->mounts, rn->from_fd, rn->name, 0, &source) == 0)
		once.source = &source;
	victim = find_victim(rn->c, rn->to, rn->to_fd, rn->new_name);
	once.target = victim.is_there ? &victim.handle : NULL;

	r = once_run(&once);
	pin_victim(rn->c, &victim, r == 0 && !(rn->flags & RENAME_EXCHANGE));
	/* Also after an error: a whiteout may have been made, and taken away again. */
	kcache_drop_attr(rn->c->fs->session, rn->from, parent);
	kcache_drop_attr(rn->c->fs->session, rn->to, new_parent);
	drop_moved(rn, once.source);
	if (rn->flags & RENAME_EXCHANGE)
		drop_moved(rn, once.target);
	return r;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned int flags)
{
	struct call c = call_begin(req, OP_RENAME);
	struct rename rn = {.c = &c, .name = name, .new_name = new_name, .flags = flags};

	reply_err(&c, do_rename(&rn, parent, new_parent));
}
