/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INITLOG_H
#define ANKLUME_INITLOG_H

/*
 * How the connection was made: where, and its INIT exchange. The kernel greets once in the life of a mount; libfuse
 * answers nothing before it was greeted. So the exchange is kept, in a sealed memfd that no stray
 * store can change, and a later process hears it again.
 */

#include "errors.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define INIT_MESSAGE_MAX 8192

struct init_exchange {
	char mount_point
		[PATH_MAX]; /* without symlinks: it must not be looked at while nobody serves */
	uint32_t request_len, answer_len;
	_Alignas(8) char request[INIT_MESSAGE_MAX];
	_Alignas(8) char answer[INIT_MESSAGE_MAX];
};

/* A sealed memfd that holds X. Returns 0 or -errno. */
int initlog_write(const struct init_exchange *x, int *ret_fd);

/*
 * True when the answer in A tells the kernel what the one in B does. Not so the minor version of the protocol,
 * which is that of libfuse's headers: a newer library has another, and nothing depends on it. The kernel
 * asks only whether it is below 23 (Linux, fs/fuse/: fc->minor), libfuse goes by the kernel's.
 */
bool initlog_agrees(const struct init_exchange *a, const struct init_exchange *b);

/* -EUCLEAN: FD holds something else. */
int initlog_read(int fd, struct init_exchange *ret);

#endif
