/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "db.h"
#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

/* "<path>.damaged-<UTC>", with a number when that is taken. Caller frees. */
static char *choose_aside(const char *path)
{
	time_t now = time(NULL);
	struct tm tm;
	char date[32];

	gmtime_r(&now, &tm);
	strftime(date, sizeof(date), "%Y%m%d-%H%M%S", &tm);
	for (int i = 1; i < 1000; i++) {
		char *aside;
		struct stat st;
		int n = i == 1 ? asprintf(&aside, "%s.damaged-%s", path, date)
			       : asprintf(&aside, "%s.damaged-%s-%d", path, date, i);

		if (n < 0)
			return NULL;
		if (lstat(aside, &st) < 0)
			return aside;
		free(aside);
	}
	return NULL;
}

/*
 * Keep writers of the old catalogue out for as long as the result stays open. A file that is no
 * database has no writers either. SQLite leaves a log alone whose database was moved, so closing
 * this later does not touch the new one's.
 */
static int lock_old(const char *path, struct catalog **ret, struct error *err)
{
	cleanup_catalog struct catalog *old = NULL;
	int r = db_open_raw(path, &old, err);

	if (r == 0)
		r = db_begin(old, true, err);
	if (r == -EBUSY || r == -ENOMEM)
		return r;

	*ret = r == 0 ? steal_ptr(&old) : NULL;
	return 0;
}

/* Database, log and shared memory keep belonging together. */
static int set_aside(const char *path, const char *aside)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		cleanup_free char *from = NULL;
		cleanup_free char *to = NULL;

		if (asprintf(&from, "%s%s", path, suffixes[i]) < 0)
			from = NULL;
		if (asprintf(&to, "%s%s", aside, suffixes[i]) < 0)
			to = NULL;
		if (!from || !to)
			return -ENOMEM;
		if (rename(from, to) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

static int swap_files(const char *path, const char *new_path, const char *aside, int parent_fd)
{
	int r = set_aside(path, aside);

	if (r == 0 && rename(new_path, path) < 0)
		r = -errno;
	if (r < 0)
		set_aside(aside, path);
	else if (fsync(parent_fd) < 0)
		r = -errno;
	return r;
}

int catalog_replace(const char *path, const char *new_path, char **ret_aside, struct error *err)
{
	cleanup_catalog struct catalog *old = NULL;
	cleanup_free char *aside = NULL;
	cleanup_fd int parent_fd = -1;
	struct stat st;
	bool has_old;
	int r;

	r = files_lock_parent(path, &parent_fd);
	if (r < 0)
		return error_errno(err, r, "cannot lock the directory of catalogue '%s'", path);

	has_old = lstat(path, &st) == 0;
	if (has_old) {
		r = lock_old(path, &old, err);
		if (r < 0)
			return r;
	}
	aside = choose_aside(path);
	if (!aside)
		return error_set(err, -ENOMEM, "no name to keep catalogue '%s' under", path);

	r = swap_files(path, new_path, aside, parent_fd);
	if (r < 0)
		return error_errno(err, r, "cannot replace catalogue '%s'", path);
	*ret_aside = has_old ? steal_ptr(&aside) : NULL;
	return 0;
}
