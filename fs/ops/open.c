/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "creds.h"
#include "dircache.h"
#include "entry.h"
#include "filemode.h"
#include "kcache.h"
#include "once.h"
#include "reply.h"

#include <fcntl.h>

/*
 * Flags for the daemon's own descriptor: it never creates by accident, never appends (offsets
 * come from the kernel), and needs no alignment. O_TRUNC comes as a request of its own. It waits
 * where the caller would not: only regular files come here, and what they wait for is the lease of
 * check_mapped().
 */
#define OPEN_MASK (O_ACCMODE | O_NOATIME | O_LARGEFILE)

static int base_flags(int flags)
{
	return (flags & OPEN_MASK) | O_NOCTTY;
}

static int do_open(struct call *c, struct node *node, struct fuse_file_info *fi)
{
	int fd;
	int r = 0;

	if (openfile_is_writable(fi->flags))
		r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r == 0)
		r = filemode_check_room(c, node);
	if (r < 0)
		return r;

	/* Opened for real, also where passthrough needs no descriptor: the base's errors count. */
	fd = filemode_open(
		&c->fs->mounts, &node->handle, base_flags(fi->flags), fi->flags & O_APPEND);
	return fd < 0 ? fd : filemode_attach(c, node, fd, fi);
}

static void reply_open(struct call *c, struct fuse_file_info *fi)
{
	call_answering(c);
	if (fuse_reply_open(c->req, fi) == -ENOENT)
		filemode_detach(c->fs, fi->fh);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_OPEN);
	struct node *node = call_node(&c, ino);
	int r = node ? do_open(&c, node, fi) : -ESTALE;

	if (r < 0)
		reply_err(&c, r);
	else
		reply_open(&c, fi);
}

/* The name is taken after all: what open(2) does without O_EXCL. */
static int open_existing(struct call *c, const struct node *dir, int dir_fd, const char *name,
	struct fuse_file_info *fi, struct fuse_entry_param *ret)
{
	struct node *node;
	int r;

	r = entry_lookup(c, dir, dir_fd, name, ret, &node);
	if (r < 0)
		return r;
	r = node->type == S_IFREG ? do_open(c, node, fi) : -ESTALE;
	if (r < 0)
		entry_forget(c->fs, ret->ino, 1);
	return r;
}

/* The new file behind FD becomes a node and an open file; FD is taken. */
static int adopt_new(struct call *c, const struct node *dir, int new_fd, struct fuse_file_info *fi,
	struct fuse_entry_param *ret)
{
	cleanup_fd int fd = new_fd;
	struct node *node;
	int r;

	r = entry_of_fd(c, dir, fd, ret, &node);
	if (r < 0)
		return r;
	__atomic_store_n(&node->file_caps, NODE_CAPS_NONE, __ATOMIC_RELAXED);
	/* Until the reply the kernel has nothing of it that would have to be dropped. */
	__atomic_store_n(&node->attr_granted, 0, __ATOMIC_RELAXED);

	r = filemode_attach(c, node, steal_fd(&fd), fi);
	if (r < 0) {
		entry_forget(c->fs, ret->ino, 1);
		return r;
	}
	kcache_grant_attr(node);
	ret->attr_timeout = entry_attr_timeout(node, &ret->attr);
	return r;
}

static int create_as_caller(struct call *c, int dir_fd, const char *name, mode_t mode, int flags)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(c->req);
	int r = creds_as_creator(ctx->uid, ctx->gid, ctx->umask, mode);
	int fd;

	if (r < 0)
		return r;
	fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);
	return fd < 0 ? -errno : fd;
}

/* Where, and may it be. NAME is NULL for a file without one. */
static int begin_create(
	struct call *c, fuse_ino_t parent, const char *name, struct node **ret_dir, int *ret_dir_fd)
{
	int r;

	r = call_change(c, parent, name, ret_dir);
	if (r == 0)
		r = call_allow(c, *ret_dir, POLICY_CHANGE, name);
	if (r == 0 && !once_is_repeated())
		r = filemode_check_room(c, *ret_dir);
	if (r < 0)
		return r;

	*ret_dir_fd = dircache_open(&c->fs->mounts, &(*ret_dir)->handle);
	return *ret_dir_fd < 0 ? *ret_dir_fd : 0;
}

struct create {
	struct call *c;
	int dir_fd; /* of dircache.h */
	const char *name;
	mode_t mode;
	int flags; /* of open(2), for the base */
	int fd; /* the new file; -1 when an earlier process made it */
};

static int act_create(void *arg)
{
	struct create *cr = arg;

	cr->fd = create_as_caller(
		cr->c, cr->dir_fd, cr->name, cr->mode, cr->flags | O_CREAT | O_EXCL | O_NOFOLLOW);
	return cr->fd < 0 ? cr->fd : 0;
}

static bool was_created(const struct intent *before, void *arg)
{
	const struct create *cr = arg;

	return once_name_is_new(before, cr->dir_fd, cr->name, S_IFREG);
}

/* A new file in *RET_FD. -EEXIST: the name is taken. */
static int create_once(struct create *cr, int *ret_fd)
{
	const struct once once = {
		.c = cr->c, .act = act_create, .was_made = was_created, .arg = cr};
	int r = once_run(&once);

	if (r < 0)
		return r;
	if (cr->fd < 0)
		cr->fd = openat(cr->dir_fd, cr->name, cr->flags | O_NOFOLLOW | O_CLOEXEC);
	*ret_fd = cr->fd;
	return cr->fd < 0 ? -errno : 0;
}

static int do_create(struct call *c, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi, struct fuse_entry_param *ret)
{
	struct create cr = {
		.c = c, .name = name, .mode = mode, .flags = base_flags(fi->flags), .fd = -1};
	struct node *dir;
	int fd;
	int r;

	r = begin_create(c, parent, name, &dir, &cr.dir_fd);
	if (r < 0)
		return r;
	r = create_once(&cr, &fd);
	if (r == -EEXIST && !(fi->flags & O_EXCL))
		return open_existing(c, dir, cr.dir_fd, name, fi, ret);
	if (r < 0)
		return r;
	kcache_drop_attr(c->fs->session, dir, parent);
	return adopt_new(c, dir, fd, fi, ret);
}

/* It has no name that would keep it for an O_PATH descriptor when it is no longer open. */
static void pin_nameless(struct call *c, struct node *node)
{
	int fd = call_open_path(c, node);

	if (fd >= 0)
		fs_pin(c->fs, node, fd, pins_announce(&c->fs->pins, slot_id(&node->slot), fd));
}

static int do_tmpfile(struct call *c, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi,
	struct fuse_entry_param *ret)
{
	int dir_fd;
	struct node *dir;
	int fd;
	int r;

	r = begin_create(c, parent, NULL, &dir, &dir_fd);
	if (r < 0)
		return r;

	/* O_EXCL says that the file may never be linked (open(2)), so it is kept. */
	fd = create_as_caller(
		c, dir_fd, ".", mode, base_flags(fi->flags) | O_TMPFILE | (fi->flags & O_EXCL));
	if (fd < 0)
		return fd;
	r = adopt_new(c, dir, fd, fi, ret);
	if (r == 0)
		pin_nameless(c, node_get(&c->fs->nodes, ret->ino));
	return r;
}

static void reply_create(
	struct call *c, int r, const struct fuse_entry_param *entry, struct fuse_file_info *fi)
{
	if (r < 0) {
		reply_err(c, r);
		return;
	}
	call_answering(c);
	if (fuse_reply_create(c->req, entry, fi) == -ENOENT) {
		filemode_detach(c->fs, fi->fh);
		entry_forget(c->fs, entry->ino, 1);
	}
}

void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_CREATE);
	struct fuse_entry_param entry;
	int r = do_create(&c, parent, name, mode, fi, &entry);

	reply_create(&c, r, &entry, fi);
}

void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_TMPFILE);
	struct fuse_entry_param entry;
	int r = do_tmpfile(&c, parent, mode, fi, &entry);

	reply_create(&c, r, &entry, fi);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_RELEASE);

	(void)ino;
	filemode_detach(c.fs, fi->fh);
	reply_err(&c, 0);
}
