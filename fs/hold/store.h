/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_HOLD_STORE_H
#define ANKLUME_HOLD_STORE_H

/* The descriptors that the holder keeps for the daemon, by name. */

#include <stddef.h>
#include <stdint.h>

#define STORE_NAME_MAX 255 /* as systemd */

struct store_item {
	char *name;
	int fd;
	uint32_t hash; /* of the name, in what store_add() made */
};

struct store {
	struct store_item *items; /* in the order they came */
	size_t n_items;
};

/*
 * Keep FD under NAME. Returns 1, and FD belongs to the store; 0: the very same open file is kept
 * under NAME already and FD was closed; -ENOMEM: FD is the caller's still.
 */
int store_add(struct store *s, const char *name, int fd);

/* Close everything of NAME. Returns how many there were. */
size_t store_remove(struct store *s, const char *name);

/* The descriptor that came last under NAME, borrowed; -1 when there is none. */
int store_find(const struct store *s, const char *name);

void store_finish(struct store *s);

#endif
