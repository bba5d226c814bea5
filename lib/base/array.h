/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_ARRAY_H
#define ANKLUME_ARRAY_H

#include <stddef.h>

/*
 * Room for one more element behind the *N of SIZE bytes in *ITEMS (pass the address of the
 * pointer), zeroed and counted; valid until the next one. The capacity is the next power of two,
 * so that it needs no field of its own. NULL when out of memory: nothing has changed.
 */
void *array_append(void *items, size_t *n, size_t size);

#endif
