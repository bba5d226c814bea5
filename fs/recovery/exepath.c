/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "exepath.h"

#include <limits.h>

#define VARIABLE "ANKLUME_FS_PATH"

const char *exepath_get(void)
{
	return getenv(VARIABLE);
}

int exepath_set(const char *path)
{
	return setenv(VARIABLE, path, 1) < 0 ? -errno : 0;
}

int exepath_init(struct error *err)
{
	char path[PATH_MAX];
	ssize_t n;

	if (exepath_get())
		return 0;
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return error_errno(err, -errno, "our own executable");
	path[n] = '\0';
	return setenv(VARIABLE, path, 1) < 0 ? error_errno(err, -errno, "our own executable") : 0;
}
