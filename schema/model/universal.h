/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_UNIVERSAL_H
#define ANKLUME_UNIVERSAL_H

#include <stddef.h>

/*
 * The volumes of a machine that keeps everything but what its image brings: "persistent_data:
 * universal" stands for all of them, in this order.
 */
#define UNIVERSAL_WORD "universal"
#define UNIVERSAL_COUNT 8

struct universal_volume {
	const char *name;
	const char *path;
};

extern const struct universal_volume universal_volumes[UNIVERSAL_COUNT];

/* NULL when none of them is called NAME. */
const struct universal_volume *universal_find(const char *name);

#endif
