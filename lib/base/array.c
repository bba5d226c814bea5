/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "array.h"

#include <stdlib.h>
#include <string.h>

void *array_append(void *items, size_t *n, size_t size)
{
	void **array = items;
	char *grown = *array;

	if ((*n & (*n - 1)) == 0) {
		grown = reallocarray(*array, *n ? *n * 2 : 1, size);
		if (!grown)
			return NULL;
		*array = grown;
	}
	return memset(grown + size * (*n)++, 0, size);
}
