/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "files.h"

#include "catalog.h"
#include "fdio.h"

#include <fcntl.h>
#include <libgen.h>
#include <string.h>
#include <sys/file.h>

/*
 * Its directory also leads to the data base and is nobody's secret: the catalogue's own mode and
 * the volumes' modes say who may look.
 */
#define DIRECTORY_MODE 0755

int files_lock_parent(const char *path, int *ret_fd)
{
	cleanup_free char *copy = strdup(path);
	cleanup_fd int fd = -1;
	const char *parent;
	int r;

	if (!copy)
		return -ENOMEM;
	parent = dirname(copy);
	r = mkdir_parents(parent, DIRECTORY_MODE);
	if (r < 0)
		return r;

	fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}

void catalog_remove(const char *path)
{
	static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		cleanup_free char *name = NULL;

		if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
			name = NULL;
		else
			unlink(name);
	}
}
