/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "dircache.h"
#include "entry.h"
#include "reply.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/statvfs.h>

/*
 * A file may be stored to through a mapping after its last descriptor was closed: the mapping
 * holds the base's file, and neither the kernel's FUSE nor we hear of it. Whoever may take a read
 * lease on the base's file knows that nobody can write to it (fcntl(2), F_SETLEASE). Nobody who
 * opens the file meets the lease: filemode_attach() waits for the same lock.
 */
static void check_mapped(struct call *c, struct node *node)
{
	if (!__atomic_load_n(&node->maybe_mapped, __ATOMIC_RELAXED))
		return;

	node_lock(&c->fs->nodes, node);
	if (node->n_writers == 0) {
		cleanup_fd int fd = fhandle_open(
			&c->fs->mounts, &node->handle, O_RDONLY | O_NONBLOCK | O_LARGEFILE);

		if (fd >= 0 && fcntl(fd, F_SETLEASE, F_RDLCK) == 0)
			__atomic_store_n(&node->maybe_mapped, 0, __ATOMIC_RELAXED);
	}
	node_unlock(&c->fs->nodes, node);
}

static int do_getattr(struct call *c, fuse_ino_t ino, struct node *node, struct stat *ret)
{
	cleanup_fd int fd = -1;
	int r;

	if (call_is_virtual(c, ino)) {
		struct fuse_entry_param e;

		r = entry_of_fixed(c, ino, &e);
		*ret = e.attr;
		return r;
	}
	if (!node)
		return -ESTALE;

	/* After each change in it the kernel asks for the attributes of the directory. */
	if (node->type == S_IFDIR) {
		int dir_fd = dircache_open(&c->fs->mounts, &node->handle);

		r = dir_fd < 0 ? dir_fd : entry_stat(node, dir_fd, ret);
		if (r == 0 && ret->st_nlink == 0)
			dircache_forget(&node->handle);
		return r;
	}
	check_mapped(c, node);
	fd = call_open_path(c, node);
	return fd < 0 ? fd : entry_stat(node, fd, ret);
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_GETATTR);
	struct node *node = call_node(&c, ino);
	struct stat st;
	int r = do_getattr(&c, ino, node, &st);

	(void)fi;
	reply_attr(&c, r, node, &st);
}

static int do_readlink(struct call *c, fuse_ino_t ino, char *buf, size_t len)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int fd = -1;
	ssize_t n;

	if (!node)
		return call_is_virtual(c, ino) ? -EINVAL : -ESTALE;
	fd = call_open_path(c, node);
	if (fd < 0)
		return fd;

	n = readlinkat(fd, "", buf, len);
	if (n < 0)
		return -errno;
	if ((size_t)n >= len)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return 0;
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct call c = call_begin(req, OP_READLINK);
	char target[PATH_MAX + 1];
	int r = do_readlink(&c, ino, target, sizeof(target));

	if (r < 0) {
		reply_err(&c, r);
		return;
	}
	call_answering(&c);
	fuse_reply_readlink(req, target);
}

static int do_statfs(struct call *c, fuse_ino_t ino, struct statvfs *ret)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int fd = -1;

	if (call_is_virtual(c, ino))
		return fstatvfs(c->fs->base_fd, ret) < 0 ? -errno : 0;
	if (!node)
		return -ESTALE;

	fd = call_open_path(c, node);
	if (fd < 0)
		return fd;
	return fstatvfs(fd, ret) < 0 ? -errno : 0;
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct call c = call_begin(req, OP_STATFS);
	struct statvfs st;
	int r = do_statfs(&c, ino, &st);

	if (r < 0) {
		reply_err(&c, r);
		return;
	}
	call_answering(&c);
	fuse_reply_statfs(req, &st);
}
