/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base.h"

#include "path.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/vfs.h>
#include <sys/mount.h>
#include <sys/xattr.h>
#include <time.h>

/* Any name in the trusted namespace serves: asked for, never written. */
#define PROBE_XATTR "trusted.anklume.probe"

/* realpath(3) of a path whose last components may not exist yet. */
static char *resolve_future(const char *path)
{
	cleanup_free char *head = strdup(path);
	cleanup_free char *real = NULL;
	char *text;

	if (!head)
		return NULL;
	for (;;) {
		char *slash = strrchr(head, '/');

		real = realpath(*head ? head : "/", NULL);
		if (real || errno != ENOENT || !slash)
			break;
		*slash = '\0';
	}
	if (!real || asprintf(&text, "%s%s", real, path + strlen(head)) < 0)
		return NULL;
	return text;
}

static int check_apart(const char *base, const char *mount, struct error *err)
{
	cleanup_free char *real_base = realpath(base, NULL);
	cleanup_free char *real_mount = resolve_future(mount);

	if (!real_base)
		return error_errno(err, -errno, "base '%s'", base);
	if (!real_mount)
		return error_errno(err, -errno, "mount point '%s'", mount);

	if (path_is_inside(real_base, real_mount))
		return error_set(err, -ELOOP,
			"base '%s' lies under the mount point '%s': it would hide itself", base,
			mount);
	if (path_is_inside(real_mount, real_base))
		return error_set(
			err, -ELOOP, "mount point '%s' lies inside the base '%s'", mount, base);
	return 0;
}

/*
 * Unless its server keeps them for ever, handles of a FUSE file system open only as long as the
 * kernel still has the inode; and nobody can tell from here.
 */
static int check_lasting(int fd, const char *base, struct error *err)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0)
		return error_errno(err, -errno, "base '%s'", base);
	if (st.f_type == FUSE_SUPER_MAGIC)
		return error_set(err, -EOPNOTSUPP,
			"base '%s': its filesystem is FUSE, whose file handles do not last; use ext4, "
			"xfs or btrfs",
			base);
	return 0;
}

static int check_handles(int fd, const char *base, struct fhandle_mounts *mounts, struct error *err)
{
	struct fhandle handle;
	int again;
	int r;

	r = fhandle_get(mounts, fd, "", AT_EMPTY_PATH, &handle);
	if (r == -EOVERFLOW)
		return error_set(err, -EOPNOTSUPP,
			"base '%s': its filesystem's file handles are longer than %d bytes", base,
			FHANDLE_BYTES);
	if (r < 0)
		return error_set(err, -EOPNOTSUPP,
			"base '%s': its filesystem has no file handles; use ext4, xfs or btrfs",
			base);

	again = fhandle_open(mounts, &handle, O_PATH | O_DIRECTORY);
	if (again == -EPERM)
		return error_set(err, -EPERM,
			"base '%s': cannot open by handle; run as root (CAP_DAC_READ_SEARCH)",
			base);
	if (again < 0)
		return error_set(err, -EOPNOTSUPP,
			"base '%s': its filesystem cannot open by file handle; use ext4, xfs or btrfs",
			base);
	close(again);
	return 0;
}

static int check_xattrs(int fd, const char *base, struct error *err)
{
	char value[1];

	if (fgetxattr(fd, PROBE_XATTR, value, sizeof(value)) >= 0 || errno == ENODATA ||
		errno == ERANGE)
		return 0;
	return error_set(err, -EOPNOTSUPP,
		"base '%s': its filesystem has no extended attributes (trusted.*)", base);
}

/* A daemon that was unmounted a moment ago may not have ended yet: umount(8) does not wait. */
static bool take_lock(int fd)
{
	const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	for (int i = 0; i < 250; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}

#define ATIME_FLAGS (MS_NOATIME | MS_STRICTATIME | MS_NODIRATIME)

static int set_atime(int tree, unsigned long flags)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR__ATIME, .attr_set = MOUNT_ATTR_RELATIME};

	if (flags & MS_NOATIME)
		attr.attr_set = MOUNT_ATTR_NOATIME;
	else if (flags & MS_STRICTATIME)
		attr.attr_set = MOUNT_ATTR_STRICTATIME;
	if (flags & MS_NODIRATIME)
		attr.attr_set |= MOUNT_ATTR_NODIRATIME;
	return mount_setattr(tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr));
}

/* Open the base, where the usual access times will not do in a copy of its mount. */
static int open_with_atime(const char *base, unsigned long flags)
{
	cleanup_fd int tree = -1;

	if (!(flags & ATIME_FLAGS))
		return open(base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	tree = open_tree(AT_FDCWD, base, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (tree < 0 || set_atime(tree, flags) < 0)
		return -1;
	return openat(tree, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int base_open(const char *base, const char *mount, unsigned long mount_flags,
	struct fhandle_mounts *mounts, int *ret_fd, struct error *err)
{
	cleanup_fd int fd = open_with_atime(base, mount_flags);
	int r;

	if (fd < 0)
		return error_errno(err, -errno, "base '%s'", base);

	r = check_apart(base, mount, err);
	if (r < 0)
		return r;
	if (!take_lock(fd))
		return error_set(err, -EBUSY, "another daemon serves the base '%s'", base);

	r = check_lasting(fd, base, err);
	if (r == 0)
		r = check_handles(fd, base, mounts, err);
	if (r == 0)
		r = check_xattrs(fd, base, err);
	if (r < 0)
		return r;

	*ret_fd = steal_fd(&fd);
	return 0;
}
