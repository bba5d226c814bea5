/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copymeta.h"

#include "fdio.h"
#include "str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

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
	/* What only a path can name: descriptors by O_PATH, and names of symlinks, for l*xattr(2). */
	const struct fd_path from = fd_path(from_fd);
	const struct fd_path dir = fd_path(to_dirfd);
	cleanup_free char *to = NULL;
	cleanup_free char *list = NULL;
	cleanup_free char *value = NULL;
	ssize_t len;
	int r = 0;

	/* Most files have none: asking for the length first spares the buffers. */
	len = listxattr(from.text, NULL, 0);
	if (len == 0 || (len < 0 && (errno == EOPNOTSUPP || errno == ENODATA)))
		return 0;
	list = malloc(XATTR_LIST_MAX);
	if (!list || asprintf(&to, "%s/%s", dir.text, name) < 0)
		return -ENOMEM;
	len = listxattr(from.text, list, XATTR_LIST_MAX);
	if (len < 0)
		return error_errno(err, -errno, "cannot list the attributes");

	for (const char *key = list; r == 0 && key < list + len; key += strlen(key) + 1) {
		if (!skip || !str_has_prefix(key, skip))
			r = copy_xattr(from.text, to, key, &value, err);
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
