/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PINS_H
#define ANKLUME_PINS_H

/*
 * Inodes that have lost their last name while the kernel still knows them: a directory somebody is
 * in, an O_PATH descriptor, an open file without passthrough. A descriptor keeps each alive. Most
 * are forgotten within the same breath; those that stay go to the holder, to outlive this process.
 */

#include "errors.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct pins {
	pthread_mutex_t lock;
	void *by_node; /* tsearch(3) tree; lock */
	size_t n_unstored; /* lock */
	int timer_fd; /* readable when pins are due to be stored */
};

int pins_init(struct pins *p, struct error *err);
void pins_finish(struct pins *p);

/* Keep FD (taken) for NODE. False: it is kept already, or there is no memory; FD is closed. */
bool pins_keep(struct pins *p, uint64_t node, int fd);

/* As pins_keep(), and store it before returning: nothing else holds the inode. */
bool pins_keep_stored(struct pins *p, uint64_t node, int fd);

/* The kernel has forgotten NODE. */
void pins_drop(struct pins *p, uint64_t node);

/* timer_fd is readable: give to the holder what has stayed for long. */
void pins_store_lasting(struct pins *p);

/* Everything to a new holder. */
void pins_store_all(struct pins *p);

/* The name under which the pin of NODE is stored, and back. 0: NAME is no pin's. */
#define PIN_NAME_MAX 24
const char *pins_name(uint64_t node, char buf[static PIN_NAME_MAX]);
uint64_t pins_node_of_name(const char *name);

/* FD (taken) was stored by an earlier process. */
bool pins_restore(struct pins *p, uint64_t node, int fd);

#endif
