/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ESCROW_H
#define ANKLUME_ESCROW_H

/*
 * Descriptors that outlive this process without a message to the holder. They are sent into a
 * socket and not received: what is in flight is kept by the kernel as long as the receiving end is
 * open (unix(7), SCM_RIGHTS), and the holder has that end as well. Two system calls without a
 * wake-up, instead of two messages that wake another process.
 *
 * First in, first out: what is not needed any more leaves when all before it has left. Not locked,
 * but for escrow_discard().
 */

#include "errors.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ESCROW_MAX 256 /* a socket takes about 270 by default (net.core.wmem_default) */

struct escrow {
	int tx, rx; /* -1: nothing outlives this process */
	uint64_t n_put, n_left; /* tickets n_left + 1 ... n_put are in it */
	struct escrow_item {
		uint64_t node;
		bool is_released;
	} items[ESCROW_MAX]; /* by ticket % ESCROW_MAX */
};

#define ESCROW_NONE ((struct escrow){.tx = -1, .rx = -1})

/* A new one, or that of an earlier process (TX and RX are taken). */
int escrow_open(struct escrow *e);
void escrow_adopt(struct escrow *e, int tx, int rx);
void escrow_finish(struct escrow *e);

/* Put in FD, which is of NODE and stays the caller's. The ticket; 0: there is no room. */
uint64_t escrow_put(struct escrow *e, uint64_t node, int fd);

/*
 * TICKET is not needed any more. Returns how many may leave now: the caller's to discard, in its
 * own time, and with no lock held: the last descriptor of a large inode may be among them.
 */
size_t escrow_release(struct escrow *e, uint64_t ticket);
void escrow_discard(const struct escrow *e, size_t n);

/* The node that has waited the longest; 0: none. */
uint64_t escrow_oldest(const struct escrow *e);

/*
 * What an earlier process left, one by one: the oldest, without taking it out. The descriptor, the
 * caller's to close; -EAGAIN: there is nothing more. escrow_discard(e, 1) goes on to the next.
 */
int escrow_peek(const struct escrow *e, uint64_t *ret_node);

#endif
