/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PINS_H
#define ANKLUME_PINS_H

/*
 * Inodes that have lost their last name while the kernel still knows them: a directory somebody is
 * in, an O_PATH descriptor, an open file without passthrough. A descriptor keeps each alive. Most
 * are forgotten within the same breath: until then the escrow has them, should this process die.
 * Those that stay go to the holder, as long as there is room; what has none is this process's alone.
 */

#include "errors.h"
#include "escrow.h"
#include "pinname.h"
#include "pinroom.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

TAILQ_HEAD(pin_queue, pin);

struct pins {
	pthread_mutex_t lock;
	void *by_node; /* tsearch(3) tree; lock */
	struct pin_queue unstored; /* the oldest first; lock */
	struct pin_queue gone; /* to be freed without the lock; lock */
	struct pinroom room; /* at the holder; lock */
	bool is_full; /* what is unstored waits for one that is stored to go; lock */
	struct escrow escrow; /* lock */
	size_t n; /* of them; atomic */
	size_t n_leaving; /* the escrow's, to be discarded without the lock; lock */
	int timer_fd; /* readable when pins are due to be stored */
};

/* True: NODE, which FD is of, is to be kept. */
typedef bool (*pins_wanted_fn)(void *data, uint64_t node, int fd);

/*
 * The inode behind FD, a name of which went, has none left. A directory has one name only, and what
 * its link count says is the file system's own affair.
 */
bool pins_is_nameless(int fd);

int pins_init(struct pins *p, struct error *err);
void pins_finish(struct pins *p);

/*
 * NODE, which FD (the caller's) is of, is about to lose a name and perhaps its last: from now on
 * the inode outlives this process. The ticket goes to pins_keep() when that was the last name, and
 * to pins_withdraw() when it was not.
 */
uint64_t pins_announce(struct pins *p, uint64_t node, int fd);
void pins_withdraw(struct pins *p, uint64_t node, uint64_t ticket);

/* Keep FD (taken) for NODE. False: it is kept already, or there is no memory; FD is closed. */
bool pins_keep(struct pins *p, uint64_t node, int fd, uint64_t ticket);

/* A copy of the descriptor that keeps NODE, the caller's to close. -ESTALE: there is none. */
int pins_open(struct pins *p, uint64_t node);

/* How many descriptors there are. */
size_t pins_count(const struct pins *p);

/* The kernel has forgotten NODE. */
void pins_drop(struct pins *p, uint64_t node);

/* timer_fd is readable: give to the holder what has stayed for long. */
void pins_store_lasting(struct pins *p);

/* The names of the escrow's two ends at the holder. */
#define PINS_TX "escrow-tx"
#define PINS_RX "escrow-rx"

/*
 * To a holder that has nothing, everything; to the one that we have, what it does not. The escrow
 * too: -errno: there is none, what lasts is safe nevertheless.
 */
int pins_store_all(struct pins *p);
int pins_store_rest(struct pins *p);

/*
 * Everything to a process that may take over or may not (fdstore_collect()): what the holder does
 * not have stays where it is.
 */
int pins_copy_all(struct pins *p);

/* Nothing of it is for the next process. */
void pins_unstore_all(struct pins *p);

/* FD (taken) was stored by an earlier process, under a name of FORM. */
bool pins_restore(struct pins *p, uint64_t node, enum pin_form form, int fd);

/*
 * The escrow of an earlier process (TX and RX are taken; -1: it had none): each descriptor in it is
 * offered to WANTED, stored when that says so, and let go.
 */
void pins_restore_escrow(struct pins *p, int tx, int rx, pins_wanted_fn wanted, void *data);

#endif
