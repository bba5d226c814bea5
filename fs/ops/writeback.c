/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "writeback.h"

#include "ops.h"
#include "reply.h"
#include "rlimits.h"

#include <fcntl.h>
#include <unistd.h>

/* The lowest free number is given out, so a number tells how many are in use. */
static bool is_spare(int fd)
{
	return (uint64_t)fd < rlimits_fds() / 2;
}

void writeback_listen(struct node *node, int fd)
{
	if (node->listener >= 0 || !is_spare(fd))
		close(fd);
	else
		__atomic_store_n(&node->listener, fd, __ATOMIC_RELEASE);
}

static int open_listener(struct fs *fs, const struct node *node)
{
	return fhandle_open(&fs->mounts, &node->handle, O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

void writeback_listen_again(struct fs *fs, struct node *node)
{
	int fd = node->listener < 0 ? open_listener(fs, node) : -1;

	if (fd >= 0)
		writeback_listen(node, fd);
}

void writeback_forget(struct node *node)
{
	if (node->listener < 0)
		return;
	close(node->listener);
	__atomic_store_n(&node->listener, -1, __ATOMIC_RELAXED);
}

/* The base's answer R to fsync is the answer to FH, whose file may have more to hear. */
static int report(struct call *c, struct node *node, uint64_t fh, int r)
{
	struct openfile *file = openfile_get(&c->fs->files, fh);

	node_lock(&c->fs->nodes, node);
	if (r == -EIO || r == -ENOSPC || r == -EDQUOT) {
		node->wb_errors++;
		node->wb_errno = r;
	}
	if (file && file->wb_errors != node->wb_errors) {
		file->wb_errors = node->wb_errors;
		r = node->wb_errno;
	}
	node_unlock(&c->fs->nodes, node);
	return r;
}

/*
 * The dead process may have heard of lost writes, and the base tells nobody else of this inode. But the
 * descriptor of the filesystem is older than that process's end, and has not been told. It speaks for all files:
 * better one error too many. Asked once, for it hears once.
 */
static int lost_meanwhile(struct fs *fs, const struct node *node)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static struct {
		bool is_known;
		int r;
	} told[FHANDLE_MOUNTS];
	unsigned int mount = node->handle.mount;
	int r;

	pthread_mutex_lock(&lock);
	if (!told[mount].is_known) {
		told[mount].r = syncfs(fs->mounts.items[mount].fd) < 0 ? -errno : 0;
		told[mount].is_known = true;
	}
	r = told[mount].r;
	pthread_mutex_unlock(&lock);
	return r;
}

static int do_fsync(struct call *c, fuse_ino_t ino, int datasync, uint64_t fh)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int own_fd = -1;
	int fd;
	int r;

	if (!node)
		return -ESTALE;
	/* The request's own file keeps it open meanwhile. */
	fd = __atomic_load_n(&node->listener, __ATOMIC_ACQUIRE);
	if (fd < 0)
		fd = own_fd = open_listener(c->fs, node);
	if (fd < 0)
		return fd;
	r = (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0;
	if (r == 0 && call_is_resent())
		r = lost_meanwhile(c->fs, node);
	return report(c, node, fh, r);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_FSYNC);

	reply_err(&c, do_fsync(&c, ino, datasync, fi ? fi->fh : 0));
}
