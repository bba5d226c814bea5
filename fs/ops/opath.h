/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_OPATH_H
#define ANKLUME_OPATH_H

/*
 * What fchmod(2), fgetxattr(2) and their like refuse to an O_PATH descriptor, for any kind of file,
 * symbolic links too: through its name in /proc/self/fd; chmod by fchmodat2(2) where the kernel has
 * it (Linux 6.6). (getxattrat(2) and its like, of 6.13, take no O_PATH descriptor with
 * AT_EMPTY_PATH: fs/xattr.c, path_getxattrat().) All return as the calls that they are named after
 * do, with errno set.
 */

#include <sys/types.h>

int opath_chmod(int fd, mode_t mode);
int opath_truncate(int fd, off_t size);

ssize_t opath_getxattr(int fd, const char *name, void *value, size_t size);
ssize_t opath_listxattr(int fd, char *names, size_t size);
int opath_setxattr(int fd, const char *name, const void *value, size_t size, int flags);
int opath_removexattr(int fd, const char *name);

#endif
