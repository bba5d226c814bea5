/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "opath.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452 /* the same on all architectures but alpha */
#endif

static pthread_once_t is_known = PTHREAD_ONCE_INIT;
static bool has_fchmodat2;

/* A call that is there finds that -1 is no descriptor; one that is not, or is filtered, says else. */
static void look_for_calls(void)
{
	has_fchmodat2 = syscall(SYS_fchmodat2, -1, "", 0, AT_EMPTY_PATH) < 0 && errno == EBADF;
}

struct fd_path {
	char text[32];
};

static struct fd_path path_of(int fd)
{
	struct fd_path path;

	snprintf(path.text, sizeof(path.text), "/proc/self/fd/%d", fd);
	return path;
}

int opath_chmod(int fd, mode_t mode)
{
	pthread_once(&is_known, look_for_calls);
	if (has_fchmodat2)
		return (int)syscall(SYS_fchmodat2, fd, "", mode, AT_EMPTY_PATH);
	return chmod(path_of(fd).text, mode);
}

int opath_truncate(int fd, off_t size)
{
	return truncate(path_of(fd).text, size);
}

ssize_t opath_getxattr(int fd, const char *name, void *value, size_t size)
{
	return getxattr(path_of(fd).text, name, value, size);
}

ssize_t opath_listxattr(int fd, char *names, size_t size)
{
	return listxattr(path_of(fd).text, names, size);
}

int opath_setxattr(int fd, const char *name, const void *value, size_t size, int flags)
{
	return setxattr(path_of(fd).text, name, value, size, flags);
}

int opath_removexattr(int fd, const char *name)
{
	return removexattr(path_of(fd).text, name);
}
