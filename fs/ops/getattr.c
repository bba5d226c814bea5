/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "creds.h"
#include "dircache.h"
#include "entry.h"
#include "fuseproto.h"
#include "reply.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Only its owner may have one, or CAP_LEASE (fcntl(2)). */
static int lease_as_owner(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	creds_as_user(st.st_uid);
	return fcntl(fd, F_SETLEASE, F_RDLCK) < 0 ? -errno : 0;
}

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

		if (fd >= 0 && lease_as_owner(fd) == 0)
			__atomic_store_n(&node->maybe_mapped, 0, __ATOMIC_RELAXED);
	}
	node_unlock(&c->fs->nodes, node);
}

/*
 * A descriptor to look at NODE through. After each change in it the kernel asks for the attributes
 * of a directory, so those are kept open; what is not is the caller's to close, *RET_OWNED.
 */
static int open_to_look(struct call *c, struct node *node, int *ret_owned)
{
	int fd = -ESTALE;

	if (node->type == S_IFDIR)
		fd = dircache_open(&c->fs->mounts, &node->handle);
	else
		check_mapped(c, node);
	if (fd == -ESTALE)
		fd = *ret_owned = call_open_path(c, node);
	return fd;
}

/* True when the base knows when the inode behind FD was made. */
static bool read_birth(int fd, struct timespec *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &stx) < 0 || !(stx.stx_mask & STATX_BTIME))
		return false;
	*ret = (struct timespec){.tv_sec = stx.stx_btime.tv_sec, .tv_nsec = stx.stx_btime.tv_nsec};
	return true;
}

struct birth {
	bool is_known;
	struct timespec time;
};

/* BIRTH: NULL, or the birth time is wanted as well. */
static int do_getattr(
	struct call *c, fuse_ino_t ino, struct node *node, struct stat *ret, struct birth *birth)
{
	cleanup_fd int owned_fd = -1;
	int fd, r;

	if (call_is_virtual(c, ino)) {
		struct fuse_entry_param e;

		r = entry_of_fixed(c, ino, &e);
		*ret = e.attr;
		return r;
	}
	if (!node)
		return -ESTALE;

	fd = open_to_look(c, node, &owned_fd);
	if (fd < 0)
		return fd;
	r = entry_stat(node, fd, ret);
	if (r == 0 && birth)
		birth->is_known = read_birth(fd, &birth->time);
	if (r == 0 && node->type == S_IFDIR && ret->st_nlink == 0)
		dircache_forget(&node->handle);
	return r;
}

/* GETATTR, and STATX: see request_serve(). */
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	bool is_statx = call_opcode() == FUSEPROTO_STATX;
	struct call c = call_begin(req, is_statx ? OP_STATX : OP_GETATTR);
	struct node *node = call_node(&c, ino);
	struct birth birth = {0};
	struct stat st;
	int r = do_getattr(&c, ino, node, &st, is_statx ? &birth : NULL);

	(void)fi;
	if (is_statx)
		reply_statx(&c, r, node, &st, birth.is_known ? &birth.time : NULL);
	else
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
