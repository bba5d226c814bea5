/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops.h"

#include "creds.h"
#include "entry.h"
#include "reply.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/statvfs.h>

static int open_node(struct call *c, const struct node *node)
{
	return fhandle_open(&c->fs->mounts, &node->handle, O_PATH | O_NOFOLLOW);
}

static int do_getattr(struct call *c, fuse_ino_t ino, const struct node *node, struct stat *ret)
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

	fd = open_node(c, node);
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

static int set_owner(int fd, gid_t group, const struct stat *attr, int to_set)
{
	cleanup_creds struct creds_scope scope = creds_enter_group(group, false);
	uid_t uid = to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1;
	gid_t gid = to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1;

	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_mode(int fd, mode_t mode)
{
	/* An O_PATH descriptor takes no fchmod(); its name in /proc does, for any kind of file. */
	cleanup_creds struct creds_scope scope = creds_enter(0, 0, 0, mode);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return chmod(path, mode & 07777) < 0 ? -errno : 0;
}

static int set_size(
	struct call *c, const struct node *node, const struct stat *old, off_t size, int to_set)
{
	/* FATTR_KILL_SUIDGID, under libfuse's name: the caller may not keep set-id bits. */
	bool keep_setid = !(to_set & FUSE_SET_ATTR_KILL_SUID);
	cleanup_creds struct creds_scope scope = creds_enter_group(old->st_gid, keep_setid);
	cleanup_fd int out = -1;
	int r = 0;

	if (size < old->st_size)
		r = call_allow(c, node, POLICY_SHRINK, NULL);
	if (r < 0)
		return r;

	out = fhandle_open(&c->fs->mounts, &node->handle, O_WRONLY | O_NONBLOCK | O_LARGEFILE);
	if (out < 0)
		return out;
	return ftruncate(out, size) < 0 ? -errno : 0;
}

static struct timespec pick_time(int to_set, int set, int now, struct timespec value)
{
	if (to_set & now)
		return (struct timespec){.tv_nsec = UTIME_NOW};
	if (to_set & set)
		return value;
	return (struct timespec){.tv_nsec = UTIME_OMIT};
}

static int set_times(int fd, const struct stat *attr, int to_set)
{
	const struct timespec times[2] = {
		pick_time(to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW, attr->st_atim),
		pick_time(to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW, attr->st_mtim),
	};

	return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

#define SET_OWNER (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)
#define SET_TIMES                                                              \
	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME | \
		FUSE_SET_ATTR_MTIME_NOW)

static int do_setattr(
	struct call *c, fuse_ino_t ino, const struct stat *attr, int to_set, struct stat *ret)
{
	cleanup_fd int fd = -1;
	struct node *node;
	struct stat old;
	int r;

	r = call_change(c, ino, NULL, &node);
	if (r == 0)
		r = call_allow(c, node, POLICY_CHANGE, NULL);
	if (r < 0)
		return r;

	fd = open_node(c, node);
	if (fd < 0)
		return fd;
	if ((to_set & (SET_OWNER | FUSE_SET_ATTR_SIZE)) && fstat(fd, &old) < 0)
		return -errno;

	/* The owner before the mode: chown(2) clears set-id bits that chmod(2) then sets. */
	if (to_set & SET_OWNER)
		r = set_owner(fd, old.st_gid, attr, to_set);
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = set_mode(fd, attr->st_mode);
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = set_size(c, node, &old, attr->st_size, to_set);
	if (r == 0 && (to_set & SET_TIMES))
		r = set_times(fd, attr, to_set);
	return r < 0 ? r : entry_stat(node, fd, ret);
}

void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_SETATTR);
	struct stat st;
	int r = do_setattr(&c, ino, attr, to_set, &st);

	(void)fi;
	reply_attr(&c, r, call_node(&c, ino), &st);
}

static int do_readlink(struct call *c, fuse_ino_t ino, char *buf, size_t len)
{
	struct node *node = call_node(c, ino);
	cleanup_fd int fd = -1;
	ssize_t n;

	if (!node)
		return call_is_virtual(c, ino) ? -EINVAL : -ESTALE;
	fd = open_node(c, node);
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

	if (r < 0)
		reply_err(&c, r);
	else
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

	fd = open_node(c, node);
	if (fd < 0)
		return fd;
	return fstatvfs(fd, ret) < 0 ? -errno : 0;
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct call c = call_begin(req, OP_STATFS);
	struct statvfs st;
	int r = do_statfs(&c, ino, &st);

	if (r < 0)
		reply_err(&c, r);
	else
		fuse_reply_statfs(req, &st);
}
