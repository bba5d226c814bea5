/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dircache.h"

#include <fcntl.h>

/* Counts removed directories: who has seen another number holds what may have been removed. */
static uint32_t n_removed; /* atomic */

static __thread struct {
	struct entry {
		struct fhandle dir;
		int fd;
		uint64_t used; /* the thread's clock at the last use; 0 = empty */
	} entries[DIRCACHE_SIZE];
	uint64_t clock;
	uint32_t n_removed; /* as seen last */
} cache;

static void drop(struct entry *e)
{
	if (e->used == 0)
		return;
	close(e->fd);
	e->used = 0;
}

static struct entry *find(const struct fhandle *dir)
{
	for (int i = 0; i < DIRCACHE_SIZE; i++) {
		struct entry *e = &cache.entries[i];

		if (e->used != 0 && fhandle_equal(&e->dir, dir))
			return e;
	}
	return NULL;
}

static struct entry *oldest(void)
{
	struct entry *found = &cache.entries[0];

	for (int i = 1; i < DIRCACHE_SIZE; i++) {
		if (cache.entries[i].used < found->used)
			found = &cache.entries[i];
	}
	return found;
}

void dircache_begin(void)
{
	uint32_t now = __atomic_load_n(&n_removed, __ATOMIC_ACQUIRE);

	if (now == cache.n_removed)
		return;
	dircache_clear();
	cache.n_removed = now;
}

int dircache_open(struct fhandle_mounts *mounts, const struct fhandle *dir)
{
	struct entry *e = find(dir);

	if (!e) {
		int fd = fhandle_open(mounts, dir, O_PATH | O_DIRECTORY);

		if (fd < 0)
			return fd;
		e = oldest();
		drop(e);
		e->dir = *dir;
		e->fd = fd;
	}
	e->used = ++cache.clock;
	return e->fd;
}

void dircache_forget(const struct fhandle *dir)
{
	struct entry *e = find(dir);
	uint32_t now = __atomic_add_fetch(&n_removed, 1, __ATOMIC_RELEASE);

	if (e)
		drop(e);
	/* This thread is up to date, unless it had missed others before. */
	if (cache.n_removed + 1 == now)
		cache.n_removed = now;
}

void dircache_clear(void)
{
	for (int i = 0; i < DIRCACHE_SIZE; i++)
		drop(&cache.entries[i]);
}
