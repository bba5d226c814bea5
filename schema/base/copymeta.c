/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copymeta.h"

#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#define FD_PATH_SIZE 64

/* What only a path can name: descriptors by O_PATH, and names of symlinks, for l*xattr(2). */
static void make_fd_path(char buf[FD_PATH_SIZE], int fd)
{
	snprintf(buf, FD_PATH_SIZE, "/proc/self/fd/%d", fd);
}

static int copy_xattr(
	const char *from, const char *to, const char *key, char **value, struct error *err)
{
	ssize_t len;

	if (!*value) {
		*value = malloc(XATTR_SIZE_MAX);
		if (!*value)
			return -ENOMEM;
	}
	len = getxattr(from, key, *value, XATTR_SIZE_MAX);
	if (len < 0 && errno == ENODATA)
		return 0;
	if (len < 0)
		return error_errno(err, -errno, "cannot read attribute '%s'", key);
	if (lsetxattr(to, key, *value, (size_t)len, 0) < 0)
		return error_errno(err, -errno, "cannot set attribute '%s'", key);
	return 0;
}

int copymeta_xattrs(
	int from_fd, int to_dirfd, const char *name, const char *skip, struct error *err)
{
	char from[FD_PATH_SIZE];
	char dir[FD_PATH_SIZE];
	cleanup_free char *to = NULL;
	cleanup_free char *list = NULL;
	cleanup_free char *value = NULL;
	ssize_t len;
	int r = 0;

	make_fd_path(from, from_fd);
	make_fd_path(dir, to_dirfd);
	/* Most files have none: asking for the length first spares the buffers. */
	len = listxattr(from, NULL, 0);
	if (len == 0 || (len < 0 && (errno == EOPNOTSUPP || errno == ENODATA)))
		return 0;
	list = malloc(XATTR_LIST_MAX);
	if (!list || asprintf(&to, "%s/%s", dir, name) < 0)
		return -ENOMEM;
	len = listxattr(from, list, XATTR_LIST_MAX);
	if (len < 0)
		return error_errno(err, -errno, "cannot list the attributes");

	for (const char *key = list; r == 0 && key < list + len; key += strlen(key) + 1) {
		if (!skip || !str_has_prefix(key, skip))
			r = copy_xattr(from, to, key, &value, err);
	}
	return r;
}

int copymeta(int from_fd, const struct stat *st, int to_dirfd, const char *name, const char *skip,
	struct error *err)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	int r;

	if (fchownat(to_dirfd, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, -errno, "cannot set the owner");
	/* Behind the owner, whose change clears the set-id bits. The name is ours alone to make. */
	if (!S_ISLNK(st->st_mode) && fchmodat(to_dirfd, name, st->st_mode & 07777, 0) < 0)
		return error_errno(err, -errno, "cannot set the mode");
	r = copymeta_xattrs(from_fd, to_dirfd, name, skip, err);
	if (r < 0)
		return r;
	if (utimensat(to_dirfd, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return error_errno(err, -errno, "cannot set the times");
	return 0;
}
