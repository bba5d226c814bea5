/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_FDIO_H
#define ANKLUME_FDIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS: PATH can never
 * leave DIRFD and no component may be a symlink. Returns a close-on-exec descriptor or -errno;
 * -ELOOP: a symlink is in the way, -EXDEV: the path leaves DIRFD.
 */
int open_beneath(int dirfd, const char *path, int flags, mode_t mode);

/*
 * Read the whole of PATH (relative to DIRFD) into memory the caller frees; *RET_DATA is
 * NUL-terminated behind *RET_LEN bytes. -EFBIG when it holds more than MAX bytes; -EISDIR.
 */
int read_file(int dirfd, const char *path, size_t max, char **ret_data, size_t *ret_len);

/* Write LEN bytes to PATH by a temporary file, fsync and rename: the old or the new, never half. */
int write_file_atomic(int dirfd, const char *path, const void *data, size_t len, mode_t mode);

/* Create PATH and its missing parents with MODE. Existing directories are left alone. */
int mkdir_parents(const char *path, mode_t mode);

/*
 * FD by its name in /proc, for calls that take a path and no O_PATH descriptor. It leads to any kind
 * of file, also to one without a name.
 */
struct fd_path {
	char text[32];
};
struct fd_path fd_path(int fd);

/* Standard input, output and error become /dev/null: whoever waits for their end has it. */
void stdio_to_null(void);

#endif
