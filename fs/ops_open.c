/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "creds.h"
#include "entry.h"
#include "filemode.h"
#include "reply.h"

#include <fcntl.h>
#include <linux/fuse.h>

/*
 * Flags for the daemon's own descriptor: it never creates by accident, never appends (offsets
 * come from the kernel), and needs no alignment.
 */
#define OPEN_MASK (O_ACCMODE | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME | O_LARGEFILE)

static int base_flags(int flags)
{
	return (flags & OPEN_MASK) | O_NONBLOCK | O_NOCTTY;
}

/* O_TRUNC of a file that holds data is as bad as its removal. */
static int allow_truncate(struct call *c, const struct node *node)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (!call_may_deny(c, node, POLICY_SHRINK))
		return 0;

	fd = fhandle_open(&c->fs->mounts, &node->handle, O_PATH);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_size > 0 ? call_allow(c, node, POLICY_SHRINK, NULL) : 0;
}

static int allow_open(struct call *c, const struct node *node, int flags)
{
	int r = 0;

	if (openfile_is_writable(flags) || (flags & O_TRUNC))
		r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r == 0 && (flags & O_TRUNC))
		r = allow_truncate(c, node);
	return r;
}

/* Empty the file behind FD, with the powers over set-id bits that the caller has. */
static int truncate_fd(struct call *c, int fd)
{
	const struct fuse_open_in *in = call_arguments();
	bool keep_setid = c->op == OP_OPEN && !(in->open_flags & FUSE_OPEN_KILL_SUIDGID);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;

	cleanup_creds struct creds_scope scope = creds_enter_group(st.st_gid, keep_setid);

	return ftruncate(fd, 0) < 0 ? -errno : 0;
}

/* FD was opened with FLAGS. open(2) empties a file that it opens for reading, ftruncate(2) does not. */
static int truncate_open(struct call *c, const struct node *node, int fd, int flags)
{
	cleanup_fd int writable = -1;

	if (openfile_is_writable(flags))
		return truncate_fd(c, fd);

	writable = fhandle_open(&c->fs->mounts, &node->handle, base_flags(O_WRONLY));
	return writable < 0 ? writable : truncate_fd(c, writable);
}

static int do_open(struct call *c, struct node *node, struct fuse_file_info *fi)
{
	cleanup_fd int fd = -1;
	int r;

	r = allow_open(c, node, fi->flags);
	if (r < 0)
		return r;

	/* Opened for real, also where passthrough needs no descriptor: the base's errors count. */
	fd = fhandle_open(&c->fs->mounts, &node->handle, base_flags(fi->flags) & ~O_TRUNC);
	if (fd < 0)
		return fd;
	if (fi->flags & O_TRUNC) {
		r = truncate_open(c, node, fd, fi->flags);
		if (r < 0)
			return r;
	}
	return filemode_attach(c, node, steal_fd(&fd), fi);
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_OPEN);
	struct node *node = call_node(&c, ino);
	int r = node ? do_open(&c, node, fi) : -ESTALE;

	if (r < 0)
		reply_err(&c, r);
	else if (fuse_reply_open(req, fi) == -ENOENT)
		filemode_detach(&c, fi->fh);
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
	__atomic_store_n(&node->lacks_caps, 1, __ATOMIC_RELAXED);

	r = filemode_attach(c, node, steal_fd(&fd), fi);
	if (r < 0)
		entry_forget(c->fs, ret->ino, 1);
	ret->attr_timeout = entry_attr_timeout(node, &ret->attr);
	return r;
}

static int create_as_caller(struct call *c, int dir_fd, const char *name, mode_t mode, int flags)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(c->req);
	cleanup_creds struct creds_scope scope = creds_enter(ctx->uid, ctx->gid, ctx->umask, mode);
	int fd = openat(dir_fd, name, flags | O_CLOEXEC, mode);

	return fd < 0 ? -errno : fd;
}

static int do_create(struct call *c, fuse_ino_t parent, const char *name, mode_t mode,
	struct fuse_file_info *fi, struct fuse_entry_param *ret)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int fd;
	int r;

	r = call_change(c, parent, name, &dir);
	if (r == 0)
		r = call_allow(c, dir, POLICY_CHANGE, name);
	if (r < 0)
		return r;

	dir_fd = fhandle_open(&c->fs->mounts, &dir->handle, O_PATH | O_DIRECTORY);
	if (dir_fd < 0)
		return dir_fd;

	fd = create_as_caller(
		c, dir_fd, name, mode, base_flags(fi->flags) | O_CREAT | O_EXCL | O_NOFOLLOW);
	if (fd == -EEXIST && !(fi->flags & O_EXCL))
		return open_existing(c, dir, dir_fd, name, fi, ret);
	if (fd < 0)
		return fd;
	return adopt_new(c, dir, fd, fi, ret);
}

static int do_tmpfile(struct call *c, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi,
	struct fuse_entry_param *ret)
{
	cleanup_fd int dir_fd = -1;
	struct node *dir;
	int fd;
	int r;

	r = call_change(c, parent, NULL, &dir);
	if (r == 0)
		r = call_allow(c, dir, POLICY_CHANGE, NULL);
	if (r < 0)
		return r;

	dir_fd = fhandle_open(&c->fs->mounts, &dir->handle, O_PATH | O_DIRECTORY);
	if (dir_fd < 0)
		return dir_fd;

	/* O_EXCL says that the file may never be linked (open(2)), so it is kept. */
	fd = create_as_caller(
		c, dir_fd, ".", mode, base_flags(fi->flags) | O_TMPFILE | (fi->flags & O_EXCL));
	if (fd < 0)
		return fd;
	return adopt_new(c, dir, fd, fi, ret);
}

static void reply_create(
	struct call *c, int r, const struct fuse_entry_param *entry, struct fuse_file_info *fi)
{
	if (r < 0) {
		reply_err(c, r);
	} else if (fuse_reply_create(c->req, entry, fi) == -ENOENT) {
		filemode_detach(c, fi->fh);
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
	filemode_detach(&c, fi->fh);
	reply_err(&c, 0);
}
