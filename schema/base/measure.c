/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "datadir.h"

#include "fdio.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* One descriptor per level: a tree that somebody dug deeper on purpose must not eat them all. */
#define DEPTH_MAX 128

struct measure {
	struct datadir_usage usage;
	dev_t device;
};

static void count(struct measure *m, const struct stat *st)
{
	m->usage.size_bytes += (uint64_t)st->st_blocks * 512;
	if (st->st_mtim.tv_sec > m->usage.newest)
		m->usage.newest = st->st_mtim.tv_sec;
}

static int measure_directory(struct measure *m, int parent_fd, const char *name, size_t depth);

static int measure_entry(struct measure *m, int parent_fd, const char *name, size_t depth)
{
	struct stat st;
	int r;

	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.st_dev != m->device)
		return 0;

	m->usage.n_entries++;
	count(m, &st);
	if (!S_ISDIR(st.st_mode))
		return 0;

	r = measure_directory(m, parent_fd, name, depth);
	return r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? 0 : r;
}

static int measure_directory(struct measure *m, int parent_fd, const char *name, size_t depth)
{
	cleanup_fd int fd = -1;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *entry;
	int r = 0;

	if (depth == DEPTH_MAX) {
		m->usage.is_partial = true;
		return 0;
	}

	fd = open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	steal_fd(&fd);

	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = measure_entry(m, dirfd(dir), entry->d_name, depth + 1);
	}
	return r == 0 ? -errno : r;
}

int datadir_measure(int fd, struct datadir_usage *ret)
{
	struct measure m = {0};
	struct stat st;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	m.device = st.st_dev;
	count(&m, &st);

	r = measure_directory(&m, fd, ".", 0);
	if (r == 0)
		*ret = m.usage;
	return r;
}
