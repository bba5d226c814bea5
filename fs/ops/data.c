/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads and writes where the kernel refuses passthrough for the base. */

#include "ops.h"

#include "creds.h"
#include "filemode.h"
#include "reply.h"

#include <fcntl.h>

/*
 * As pread(2), but less only at the end of the file: the kernel takes less for the end, and cuts the
 * file off there (Linux, fs/fuse/file.c: fuse_short_read()).
 */
static ssize_t read_all(int fd, char *data, size_t size, off_t off)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = pread(fd, data + done, size - done, off + (off_t)done);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < size);
	return n < 0 ? -errno : (ssize_t)done;
}

/*
 * A file that has become immutable (chattr +i) may be read by those who have it open for both, but is
 * opened anew for reading only, as on a base that has become read-only. RET_OWN is the caller's to close.
 */
static int fd_to_read(struct call *c, fuse_ino_t ino, uint64_t fh, int *ret_own)
{
	int fd = filemode_fd(c->fs, fh);
	const struct node *node = fd == -EPERM || fd == -EROFS ? call_node(c, ino) : NULL;

	if (node)
		fd = *ret_own = fhandle_open(&c->fs->mounts, &node->handle, O_RDONLY | O_NOCTTY);
	return fd;
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_READ);
	cleanup_free char *data = malloc(size);
	cleanup_fd int own_fd = -1;
	int fd = fd_to_read(&c, ino, fi->fh, &own_fd);
	ssize_t n;

	n = fd < 0 ? fd : data ? read_all(fd, data, size, off) : -ENOMEM;
	if (n < 0) {
		reply_err(&c, (int)n);
		return;
	}
	call_answering(&c);
	fuse_reply_buf(req, data, (size_t)n);
}

/* As pwrite(2), but all of it as long as there is no error; -errno when the rest is an error. */
static ssize_t write_all(int fd, const char *data, size_t size, off_t off, bool or_nothing)
{
	size_t done = 0;
	ssize_t n;

	do {
		n = pwrite(fd, data + done, size - done, off + (off_t)done);
		if (n > 0)
			done += (size_t)n;
	} while (n > 0 && done < size);
	if (done == size || (done > 0 && !or_nothing))
		return (ssize_t)done;
	return n < 0 ? -errno : -EIO;
}

/*
 * A descriptor with O_APPEND writes at the end whatever the offset. What was sent again may be there
 * already, in whole or in part; any other offset is refused, as the file is append-only.
 */
static int skip_written(int fd, size_t size, off_t off, size_t *ret)
{
	struct stat st;

	*ret = 0;
	if (!(fcntl(fd, F_GETFL) & O_APPEND))
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < off || (st.st_size > off && !call_is_resent()))
		return -EPERM;
	*ret = (size_t)(st.st_size - off) < size ? (size_t)(st.st_size - off) : size;
	return 0;
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off,
	struct fuse_file_info *fi)
{
	struct call c = call_begin(req, OP_WRITE);
	int fd = filemode_fd(c.fs, fi->fh);
	size_t skip = 0;
	ssize_t n;

	(void)ino;
	creds_as_passer();
	/* Of pages of a mapping, and of O_DIRECT, the kernel takes all or an error. */
	n = fd < 0 ? fd : skip_written(fd, size, off, &skip);
	if (n == 0 && skip < size)
		n = write_all(fd, data + skip, size - skip, off + (off_t)skip,
			fi->writepage || (fi->flags & O_DIRECT));
	if (n >= 0)
		n += (ssize_t)skip;
	if (n < 0) {
		reply_err(&c, (int)n);
		return;
	}
	call_answering(&c);
	fuse_reply_write(req, (size_t)n);
}
