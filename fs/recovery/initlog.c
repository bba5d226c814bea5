/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "initlog.h"

#include <fcntl.h>
#include <linux/fuse.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

int initlog_write(const struct init_exchange *x, int *ret_fd)
{
	cleanup_fd int fd = memfd_create("anklume-fs-init", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (pwrite(fd, x, sizeof(*x), 0) != sizeof(*x))
		return errno ? -errno : -EIO;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

bool initlog_agrees(const struct init_exchange *a, const struct init_exchange *b)
{
	const size_t minor = sizeof(struct fuse_out_header) + offsetof(struct fuse_init_out, minor);
	const size_t after = minor + sizeof(uint32_t);

	return a->answer_len == b->answer_len && a->answer_len >= after &&
	       memcmp(a->answer, b->answer, minor) == 0 &&
	       memcmp(a->answer + after, b->answer + after, a->answer_len - after) == 0;
}

int initlog_read(int fd, struct init_exchange *ret)
{
	const struct fuse_in_header *in = (const void *)ret->request;
	const struct fuse_out_header *out = (const void *)ret->answer;

	if (pread(fd, ret, sizeof(*ret), 0) != sizeof(*ret))
		return -EUCLEAN;
	if (ret->request_len > sizeof(ret->request) || ret->answer_len > sizeof(ret->answer) ||
		ret->request_len < sizeof(*in) || ret->answer_len < sizeof(*out) ||
		in->opcode != FUSE_INIT || in->len != ret->request_len ||
		out->len != ret->answer_len || out->unique != in->unique)
		return -EUCLEAN;
	return 0;
}
