/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "caller.h"
#include "creds.h"
#include "filemode.h"
#include "reply.h"

#include <fcntl.h>
#include <linux/falloc.h>

/*
 * A descriptor of INO for one system call. With passthrough open files have none; the inode is
 * there as long as it is open, even without a name: the kernel's backing file pins it.
 */
static int reopen(struct call *c, fuse_ino_t ino, int flags, struct node **ret)
{
	*ret = call_node(c, ino);
	if (!*ret)
		return -ESTALE;
	return fhandle_open(
		&c->fs->mounts, &(*ret)->handle, flags | O_NONBLOCK | O_NOCTTY | O_LARGEFILE);
}

/*
 * Change the data behind FD for the caller. What then becomes of set-id bits depends on who the
 * caller is (inode(7)), which these requests do not say.
 */
static void become_writer(struct call *c, const struct stat *st)
{
	struct caller_rights rights;

	if (!(st->st_mode & (S_ISUID | S_ISGID)) ||
		caller_rights(fuse_req_ctx(c->req)->pid, st->st_gid, &rights) < 0)
		creds_as_writer(st->st_gid, false);
	else
		creds_as_writer(rights.is_member ? st->st_gid : CREDS_NOBODY, rights.has_fsetid);
}

#define FALLOC_HARMLESS (FALLOC_FL_KEEP_SIZE | FALLOC_FL_INSERT_RANGE | FALLOC_FL_UNSHARE_RANGE)

static int do_fallocate(struct call *c, fuse_ino_t ino, int mode, off_t offset, off_t length)
{
	cleanup_fd int fd = -1;
	struct node *node = call_node(c, ino);
	struct stat st;
	int r;

	if (!node)
		return -ESTALE;
	r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r == 0 && (mode & ~FALLOC_HARMLESS))
		r = call_allow(c, node, POLICY_SHRINK, NULL);
	if (r < 0)
		return r;

	/* O_APPEND, which means nothing here, lets append-only files (chattr +a) grow. */
	fd = reopen(c, ino, O_RDWR | O_APPEND, &node);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;

	become_writer(c, &st);
	return fallocate(fd, mode, offset, length) < 0 ? -errno : 0;
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length,
	struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_FALLOCATE);

	(void)fi;
	reply_err(&c, do_fallocate(&c, ino, mode, offset, length));
}

/*
 * Without passthrough the kernel keeps stores to mappings until it writes them out, which it does not
 * before it asks for holes (Linux, fs/fuse/file.c: fuse_lseek()): the base may still have a hole there.
 */
static bool may_hide_stores(struct call *c, struct node *node)
{
	bool r;

	node_lock(&c->fs->nodes, node);
	r = node->n_writers > 0 && node->backing_id == 0;
	node_unlock(&c->fs->nodes, node);
	return r;
}

/* As lseek(2), where all is data up to the end. */
static off_t seek_without_holes(int fd, off_t off, int whence)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (off < 0 || off >= st.st_size) {
		errno = ENXIO;
		return -1;
	}
	return whence == SEEK_HOLE ? st.st_size : off;
}

static int do_lseek(struct call *c, fuse_ino_t ino, off_t off, int whence, off_t *ret)
{
	cleanup_fd int fd = -1;
	struct node *node;

	fd = reopen(c, ino, O_RDONLY, &node);
	if (fd < 0)
		return fd;
	if (may_hide_stores(c, node))
		*ret = seek_without_holes(fd, off, whence);
	else
		*ret = lseek(fd, off, whence);
	return *ret < 0 ? -errno : 0;
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_LSEEK);
	off_t found;
	int r = do_lseek(&c, ino, off, whence, &found);

	(void)fi;
	if (r < 0) {
		reply_err(&c, r);
		return;
	}
	call_answering(&c);
	fuse_reply_lseek(req, found);
}

struct copy {
	fuse_ino_t in, out;
	off_t off_in, off_out;
	size_t len;
	unsigned int flags;
};

/*
 * A file that has become append-only (chattr +a) may be written to anywhere by those who have it
 * open, but is opened anew with O_APPEND only, which copy_file_range() does not take. At
 * -EOPNOTSUPP the kernel copies through the files that it has open itself (Linux, fs/fuse/file.c:
 * fuse_copy_file_range()).
 */
static int open_target(struct call *c, fuse_ino_t ino, struct node **ret)
{
	int fd = reopen(c, ino, O_WRONLY, ret);
	cleanup_fd int append_fd = fd == -EPERM ? reopen(c, ino, O_WRONLY | O_APPEND, ret) : -1;

	return append_fd >= 0 ? -EOPNOTSUPP : fd;
}

static ssize_t do_copy(struct call *c, struct copy *copy)
{
	cleanup_fd int in = -1;
	cleanup_fd int out = -1;
	struct node *source;
	struct node *target = call_node(c, copy->out);
	struct stat st;
	ssize_t n;
	int r;

	if (!target)
		return -ESTALE;
	r = call_allow(c, target, POLICY_CHANGE, NULL);
	if (r < 0)
		return r;

	in = reopen(c, copy->in, O_RDONLY, &source);
	if (in < 0)
		return in;
	out = open_target(c, copy->out, &target);
	if (out < 0)
		return out;
	if (fstat(out, &st) < 0)
		return -errno;

	become_writer(c, &st);
	n = copy_file_range(in, &copy->off_in, out, &copy->off_out, copy->len, copy->flags);
	return n < 0 ? -errno : n;
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in,
	struct fuse_file_info *fi_in, fuse_ino_t ino_out, off_t off_out,
	struct fuse_file_info *fi_out, size_t len, int flags)
{
	struct call c = call_begin(req, OP_COPY_FILE_RANGE);
	struct copy copy = {ino_in, ino_out, off_in, off_out, len, (unsigned int)flags};
	ssize_t n = do_copy(&c, &copy);

	(void)fi_in;
	(void)fi_out;
	if (n < 0) {
		reply_err(&c, (int)n);
		return;
	}
	call_answering(&c);
	fuse_reply_write(req, (size_t)n);
}
