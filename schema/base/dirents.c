/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dirents.h"

#include <fcntl.h>
#include <string.h>

DIR *dirents_open(int fd)
{
	cleanup_fd int own_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own_fd < 0 ? NULL : fdopendir(own_fd);

	if (dir)
		steal_fd(&own_fd);
	return dir;
}

int dirents_each(int fd, int (*fn)(void *context, int fd, const char *name), void *context)
{
	cleanup_dir DIR *dir = dirents_open(fd);
	const struct dirent *entry;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0) {
		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = fn(context, fd, entry->d_name);
	}
	return r;
}
