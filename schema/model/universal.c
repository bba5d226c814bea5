/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "universal.h"

#include <string.h>

const struct universal_volume universal_volumes[UNIVERSAL_COUNT] = {
	{"workspace", "/workspace"},
	{"home", "/home"},
	{"root", "/root"},
	{"etc", "/etc"},
	{"usr-local", "/usr/local"},
	{"opt", "/opt"},
	{"var", "/var"},
	{"srv", "/srv"},
};

const struct universal_volume *universal_find(const char *name)
{
	for (size_t i = 0; i < UNIVERSAL_COUNT; i++) {
		if (strcmp(universal_volumes[i].name, name) == 0)
			return &universal_volumes[i];
	}
	return NULL;
}
