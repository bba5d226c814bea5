/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "escrow.h"

#include "cleanup.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int))];
};

int escrow_open(struct escrow *e)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -errno;
	escrow_adopt(e, pair[0], pair[1]);
	return 0;
}

void escrow_adopt(struct escrow *e, int tx, int rx)
{
	*e = (struct escrow){.tx = tx, .rx = rx};
}

void escrow_finish(struct escrow *e)
{
	cleanup_closep(&e->tx);
	cleanup_closep(&e->rx);
	*e = ESCROW_NONE;
}

static int send_fd(int socket, uint64_t node, int fd)
{
	struct iovec iov = {.iov_base = &node, .iov_len = sizeof(node)};
	union control control = {0};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(socket, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

uint64_t escrow_put(struct escrow *e, uint64_t node, int fd)
{
	struct escrow_item *item = &e->items[(e->n_put + 1) % ESCROW_MAX];

	if (e->tx < 0 || e->n_put - e->n_left == ESCROW_MAX || send_fd(e->tx, node, fd) < 0)
		return 0;
	*item = (struct escrow_item){.node = node};
	return ++e->n_put;
}

size_t escrow_release(struct escrow *e, uint64_t ticket)
{
	size_t n = 0;

	e->items[ticket % ESCROW_MAX].is_released = true;
	while (e->n_left < e->n_put && e->items[(e->n_left + 1) % ESCROW_MAX].is_released) {
		e->n_left++;
		n++;
	}
	return n;
}

void escrow_discard(const struct escrow *e, size_t n)
{
	char nothing;

	/* Without room for a descriptor the kernel closes it. */
	for (; n > 0; n--)
		while (recv(e->rx, &nothing, sizeof(nothing), 0) < 0 && errno == EINTR)
			;
}

uint64_t escrow_oldest(const struct escrow *e)
{
	return e->n_left < e->n_put ? e->items[(e->n_left + 1) % ESCROW_MAX].node : 0;
}

int escrow_peek(const struct escrow *e, uint64_t *ret_node)
{
	union control control;
	struct iovec iov = {.iov_base = ret_node, .iov_len = sizeof(*ret_node)};
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	do
		n = recvmsg(e->rx, &header, MSG_PEEK | MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return -EAGAIN;
	c = CMSG_FIRSTHDR(&header);
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -EBADMSG;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}
