/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_PINROOM_H
#define ANKLUME_PINROOM_H

/*
 * How many pins may be stored: what the next process can be told of (see pinname.h; the names of all
 * else come to 6 KiB at most), and three quarters of the descriptors that a process may have (RLIMIT_NOFILE).
 * The rest is for the next process to serve with.
 */

#include <stdbool.h>
#include <stddef.h>

#define PINROOM_MAX 16384
#define PINROOM_NAMES_MAX (120 * 1024) /* bytes, with what separates them */

struct pinroom {
	size_t n, n_bytes; /* taken */
	size_t n_max;
};

void pinroom_init(struct pinroom *r);

bool pinroom_has(const struct pinroom *r, const char *name);

/* NAME is stored, whether there was room or not, and is not any more. */
void pinroom_take(struct pinroom *r, const char *name);
void pinroom_give(struct pinroom *r, const char *name);

#endif
