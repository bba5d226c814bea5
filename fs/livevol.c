/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "livevol.h"

#include "fdio.h"
#include "naming.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int livevol_table_init(struct livevol_table *t)
{
	memset(t, 0, sizeof(*t));
	t->items = mmap(NULL, (size_t)LIVEVOLS_MAX * sizeof(*t->items), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->items == MAP_FAILED)
		return -errno;
	pthread_rwlock_init(&t->lock, NULL);
	return 0;
}

void livevol_table_finish(struct livevol_table *t)
{
	for (uint32_t i = 0; i <= t->max_id; i++) {
		free(t->items[i].name);
		free(t->items[i].owner_cgroup);
	}
	munmap(t->items, (size_t)LIVEVOLS_MAX * sizeof(*t->items));
	pthread_rwlock_destroy(&t->lock);
}

struct livevol *livevol_get(struct livevol_table *t, uint64_t id)
{
	if (id >= LIVEVOLS_MAX || __atomic_load_n(&t->items[id].id, __ATOMIC_ACQUIRE) == 0)
		return NULL;
	return &t->items[id];
}

/* Fill the root node from the directory behind FD. */
static int set_root(struct livevol *v, uint32_t id, int fd, struct fhandle_mounts *mounts)
{
	struct fhandle handle;
	struct stat st;
	int r;

	r = fhandle_get(mounts, fd, "", AT_EMPTY_PATH, &handle);
	if (r < 0)
		return r;
	if (fstat(fd, &st) < 0)
		return -errno;

	v->root.handle = handle;
	v->root.ino = node_make_ino(&handle, &st);
	v->root.volume = id;
	v->root.type = S_IFDIR;
	__atomic_store_n(&v->is_present, 1, __ATOMIC_RELEASE);
	return 0;
}

/*
 * Find the root directory unless a good one is known. Requests read the handle without a lock, so
 * it is replaced only while the old one leads nowhere and every use of it fails anyway.
 */
static int find_root(struct livevol *v, uint32_t id, int base_fd, struct fhandle_mounts *mounts)
{
	cleanup_fd int known = -1;
	cleanup_fd int fd = -1;
	int r;

	if (v->is_present)
		known = fhandle_open(mounts, &v->root.handle, O_PATH | O_DIRECTORY);
	if (known >= 0)
		return 0;

	__atomic_store_n(&v->is_present, 0, __ATOMIC_RELEASE);
	fd = open_beneath(base_fd, v->name, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return fd;

	r = set_root(v, id, fd, mounts);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* Put NEXT in *TEXT unless it says the same already. */
static void replace(char **text, char **next)
{
	free(*text);
	*text = steal_ptr(next);
}

int livevol_update(struct livevol_table *t, int base_fd, struct fhandle_mounts *mounts,
	const struct domain *domain, const struct machine *machine, const struct volume *volume)
{
	cleanup_free char *name = NULL;
	cleanup_free char *cgroup = NULL;
	struct livevol *v;

	if (volume->id <= 0 || volume->id >= LIVEVOLS_MAX)
		return -ERANGE;
	if (asprintf(&name, "%s/%s/%s", domain->name, machine->name, volume->name) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (machine->instance) {
		cgroup = naming_cgroup(machine->project, machine->instance);
		if (!cgroup)
			return -ENOMEM;
	}

	v = &t->items[volume->id];
	pthread_rwlock_wrlock(&t->lock);
	replace(&v->name, &name);
	replace(&v->owner_cgroup, &cgroup);
	if ((uint32_t)volume->id > t->max_id)
		t->max_id = (uint32_t)volume->id;
	pthread_rwlock_unlock(&t->lock);

	/* Only this thread changes names, so reading ours without the lock is safe. */
	find_root(v, (uint32_t)volume->id, base_fd, mounts);
	__atomic_store_n(&v->flags, volume->flags, __ATOMIC_RELEASE);
	__atomic_store_n(&v->id, (uint32_t)volume->id, __ATOMIC_RELEASE);
	return 0;
}

int livevol_serve_directory(struct livevol_table *t, int dir_fd, struct fhandle_mounts *mounts,
	const char *name, unsigned int flags)
{
	struct livevol *v = &t->items[1];
	int r;

	v->name = strdup(name);
	if (!v->name)
		return -ENOMEM;
	r = set_root(v, 1, dir_fd, mounts);
	if (r < 0)
		return r;

	v->flags = flags;
	v->id = 1;
	t->max_id = 1;
	return 0;
}
