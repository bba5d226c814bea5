/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "copyfile.h"

#include "cleanup.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define CHUNK_BYTES (1024 * 1024)
#define RANGE_BYTES (INT64_C(1) << 30) /* one call of copy_file_range(2), so that signals get in */

/* Where copy_file_range(2) does not do between these two files. */
static bool is_refusal(int error)
{
	return error == EXDEV || error == ENOSYS || error == EOPNOTSUPP || error == EINVAL ||
	       error == ETXTBSY;
}

static int write_whole(int fd, const char *data, size_t len, off_t offset)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

static int copy_by_hand(int from_fd, int to_fd, off_t start, off_t end)
{
	cleanup_free char *buf = malloc(CHUNK_BYTES);

	if (!buf)
		return -ENOMEM;
	while (start < end) {
		size_t want = end - start < CHUNK_BYTES ? (size_t)(end - start) : CHUNK_BYTES;
		ssize_t n = pread(from_fd, buf, want, start);
		int r;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0; /* shorter meanwhile */
		r = write_whole(to_fd, buf, (size_t)n, start);
		if (r < 0)
			return r;
		start += n;
	}
	return 0;
}

static int copy_range(int from_fd, int to_fd, off_t start, off_t end)
{
	off_t in = start;
	off_t out = start;

	while (in < end) {
		off_t left = end - in;
		ssize_t n = copy_file_range(from_fd, &in, to_fd, &out,
			(size_t)(left < RANGE_BYTES ? left : RANGE_BYTES), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && is_refusal(errno))
			return copy_by_hand(from_fd, to_fd, in, end);
		if (n < 0)
			return -errno;
		/* Some filesystems answer 0 for what they cannot do that way. */
		if (n == 0)
			return copy_by_hand(from_fd, to_fd, in, end);
	}
	return 0;
}

/* The next range with data from POS on: 0 at the end. Where holes cannot be asked for, all is data. */
static int next_data(int fd, off_t pos, off_t size, off_t *ret_start, off_t *ret_end)
{
	*ret_start = lseek(fd, pos, SEEK_DATA);
	if (*ret_start < 0 && errno == ENXIO)
		return 0;
	if (*ret_start < 0 && errno != EINVAL)
		return -errno;
	if (*ret_start < 0) {
		*ret_start = pos;
		*ret_end = size;
		return pos < size;
	}
	*ret_end = lseek(fd, *ret_start, SEEK_HOLE);
	if (*ret_end < 0)
		return -errno;
	if (*ret_end > size)
		*ret_end = size;
	return *ret_start < *ret_end;
}

int copyfile(int from_fd, int to_fd, uint64_t *ret_bytes, bool *ret_is_shared)
{
	struct stat st;
	off_t start;
	off_t end = 0;
	int r;

	*ret_is_shared = ioctl(to_fd, FICLONE, from_fd) == 0;
	if (*ret_is_shared)
		return 0;
	if (errno == ENOSPC || errno == EDQUOT || errno == EIO)
		return -errno;
	if (fstat(from_fd, &st) < 0)
		return -errno;

	while ((r = next_data(from_fd, end, st.st_size, &start, &end)) > 0) {
		r = copy_range(from_fd, to_fd, start, end);
		if (r < 0)
			return r;
		*ret_bytes += (uint64_t)(end - start);
	}
	if (r == 0 && ftruncate(to_fd, st.st_size) < 0)
		r = -errno;
	return r;
}
