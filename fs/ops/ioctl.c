/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "reply.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

/*
 * File attributes (chattr(1), project ids): the only ioctls that a FUSE file system is asked for
 * by the kernel itself, which has checked who may (Linux, fs/file_attr.c). Everything else would
 * be a program's own, meant for the base's file system: -ENOTTY.
 */
static const struct attr_ioctl {
	unsigned int cmd;
	size_t size;
	bool is_change;
} attr_ioctls[] = {
	{FS_IOC_GETFLAGS, sizeof(int), false},
	{FS_IOC_SETFLAGS, sizeof(int), true},
	{FS_IOC_FSGETXATTR, sizeof(struct fsxattr), false},
	{FS_IOC_FSSETXATTR, sizeof(struct fsxattr), true},
};

static const struct attr_ioctl *find_ioctl(unsigned int cmd)
{
	for (size_t i = 0; i < ARRAY_SIZE(attr_ioctls); i++) {
		if (attr_ioctls[i].cmd == cmd)
			return &attr_ioctls[i];
	}
	return NULL;
}

/*
 * A directory that folds case answers to names that the kernel does not know to be one: it would keep the
 * absence of one spelling while another comes.
 */
static bool would_fold_case(int fd, const struct attr_ioctl *what, const void *data)
{
	int flags;

	return what->cmd == FS_IOC_SETFLAGS && (*(const int *)data & FS_CASEFOLD_FL) &&
	       (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & FS_CASEFOLD_FL));
}

static int do_ioctl(struct call *c, fuse_ino_t ino, const struct attr_ioctl *what, void *data)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int fd = -1;
	int r = 0;

	if (!node)
		return call_is_virtual(c, ino) ? -ENOTTY : -ESTALE;
	/* A fifo or device must not be opened for this. */
	if (node->type != S_IFREG && node->type != S_IFDIR)
		return -ENOTTY;
	if (what->is_change)
		r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r < 0)
		return r;

	fd = fhandle_open(&c->fs->mounts, &node->handle, O_RDONLY | O_LARGEFILE);
	if (fd < 0)
		return fd;
	if (would_fold_case(fd, what, data))
		return -EOPNOTSUPP;
	if (ioctl(fd, what->cmd, data) < 0)
		return -errno;

	/* The kernel does not drop what it cached of the inode: its change time has moved. */
	if (what->is_change)
		fuse_lowlevel_notify_inval_inode(c->fs->session, ino, -1, 0);
	return 0;
}

void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned int cmd, void *arg,
	struct fuse_file_info *fi, unsigned int flags, const void *in, size_t in_size,
	size_t out_size)
{
	struct call c = call_begin(req, OP_IOCTL);
	const struct attr_ioctl *what = find_ioctl(cmd);
	union {
		int flags;
		struct fsxattr xattr;
	} data = {0};
	int r = -ENOTTY;

	(void)arg;
	(void)fi;
	(void)flags;
	if (what && (what->is_change ? in_size : out_size) >= what->size) {
		if (what->is_change)
			memcpy(&data, in, what->size);
		r = do_ioctl(&c, ino, what, &data);
	}
	if (r < 0) {
		reply_err(&c, r);
		return;
	}
	call_answering(&c);
	fuse_reply_ioctl(req, 0, &data, what->is_change ? 0 : what->size);
}
