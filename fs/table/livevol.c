/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "livevol.h"

#include "checksum.h"
#include "fdio.h"
#include "log.h"
#include "naming.h"

#include <fcntl.h>
#include <search.h>
#include <string.h>
#include <sys/mman.h>

int livevol_table_init(struct livevol_table *t, void *memory)
{
	memset(t, 0, sizeof(*t));
	t->is_owned = !memory;
	t->items = memory ? memory
			  : mmap(NULL, (size_t)LIVEVOLS_MAX * sizeof(*t->items),
				    PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (t->items == MAP_FAILED)
		return -errno;
	t->n = &t->items[0].number;
	pthread_rwlock_init(&t->lock, NULL);
	return 0;
}

uint32_t livevol_count(const struct livevol_table *t)
{
	return __atomic_load_n(t->n, __ATOMIC_ACQUIRE);
}

static uint32_t livevol_check(const struct livevol *v)
{
	uint32_t x = CHECKSUM_SEED;

	x = checksum_add(x, &v->row, sizeof(v->row));
	x = checksum_add(x, &v->number, sizeof(v->number));
	x = checksum_add(x, &v->root.ino, sizeof(v->root.ino));
	return fhandle_checksum(x, &v->root.handle);
}

static void keep_item(void *item)
{
	(void)item; /* the tree's nodes go, the items belong to the mapping */
}

void livevol_table_finish(struct livevol_table *t)
{
	tdestroy(t->by_row, keep_item);
	if (t->is_owned)
		munmap(t->items, (size_t)LIVEVOLS_MAX * sizeof(*t->items));
	pthread_rwlock_destroy(&t->lock);
}

struct livevol *livevol_get(struct livevol_table *t, uint32_t number)
{
	if (number == 0 || number > livevol_count(t))
		return NULL;
	return &t->items[number];
}

static int compare_rows(const void *a, const void *b)
{
	uint64_t x = ((const struct livevol *)a)->row;
	uint64_t y = ((const struct livevol *)b)->row;

	return x < y ? -1 : x > y;
}

struct livevol *livevol_find(struct livevol_table *t, uint64_t row)
{
	struct livevol key = {.row = row};
	struct livevol **found;

	pthread_rwlock_rdlock(&t->lock);
	found = tfind(&key, &t->by_row, compare_rows);
	pthread_rwlock_unlock(&t->lock);
	return found ? *found : NULL;
}

/* The entry of ROW, made if need be; visible to requests once it is published. */
static int find_or_add(struct livevol_table *t, uint64_t row, struct livevol **ret)
{
	struct livevol *v = livevol_find(t, row);

	if (!v && *t->n + 1 >= LIVEVOLS_MAX)
		return -ENFILE;
	if (!v) {
		/* What a dead process began here and did not publish does not count. */
		v = &t->items[*t->n + 1];
		memset(v, 0, sizeof(*v));
		v->row = row;
		v->number = *t->n + 1;
	}
	*ret = v;
	return 0;
}

static int publish(struct livevol_table *t, struct livevol *v)
{
	void *node;

	if (v->number <= *t->n)
		return 0;

	pthread_rwlock_wrlock(&t->lock);
	node = tsearch(v, &t->by_row, compare_rows);
	pthread_rwlock_unlock(&t->lock);
	if (!node)
		return -ENOMEM;
	__atomic_store_n(t->n, v->number, __ATOMIC_RELEASE);
	return 0;
}

/* Fill the root node from the directory behind FD. */
static int set_root(struct livevol *v, int fd, struct fhandle_mounts *mounts)
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
	v->root.volume = v->number;
	v->root.type = S_IFDIR;
	v->check = livevol_check(v);
	__atomic_store_n(&v->is_present, 1, __ATOMIC_RELEASE);
	return 0;
}

/*
 * Somebody has put another directory, or a disk, in the place of the one that is served. Names of
 * the old one are in the kernel's caches and under running containers: it goes on being served.
 */
static void warn_if_replaced(const struct livevol *v, int fd, struct fhandle_mounts *mounts)
{
	struct fhandle now;

	if (fd >= 0 && fhandle_get(mounts, fd, "", AT_EMPTY_PATH, &now) == 0 &&
		fhandle_equal(&now, &v->root.handle))
		return;
	log_warning(
		"the directory of volume '%s' was moved or replaced in the base: the old one is "
		"served until the daemon starts anew",
		v->name);
}

/* What passes without anybody's doing, and says nothing of the volume. */
static bool is_shortage(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM;
}

/*
 * Find the root directory unless a good one is known. Requests read the handle without a lock, so
 * it is replaced only while the old one leads nowhere and every use of it fails anyway: gone, that is,
 * and not out of reach for want of a descriptor.
 */
static int find_root(struct livevol *v, int base_fd, struct fhandle_mounts *mounts)
{
	cleanup_fd int fd = open_beneath(base_fd, v->name, O_PATH | O_DIRECTORY, 0);
	cleanup_fd int known = -ESTALE;
	int r;

	if (v->is_present)
		known = fhandle_open(mounts, &v->root.handle, O_PATH | O_DIRECTORY);
	if (is_shortage(fd))
		return fd;
	if (known >= 0) {
		warn_if_replaced(v, fd, mounts);
		return 0;
	}
	if (known != -ESTALE && known != -ENOENT)
		return known;

	__atomic_store_n(&v->is_present, 0, __ATOMIC_SEQ_CST);
	if (fd < 0)
		return fd;
	r = set_root(v, fd, mounts);
	return r == -EOPNOTSUPP ? 0 : r;
}

int livevol_table_adopt(struct livevol_table *t, void *memory)
{
	int r = livevol_table_init(t, memory);

	if (r == 0 && *t->n >= LIVEVOLS_MAX)
		return -EUCLEAN;
	for (uint32_t i = 1; r == 0 && i <= *t->n; i++) {
		struct livevol *v = &t->items[i];

		if (v->number != i)
			return -EUCLEAN;
		if (v->is_present &&
			(v->root.handle.mount >= FHANDLE_MOUNTS ||
				v->root.handle.len > FHANDLE_BYTES || v->check != livevol_check(v)))
			return -EUCLEAN;
		v->n_writers = 0;
		v->name[sizeof(v->name) - 1] = '\0';
		v->owner_cgroup[0] = '\0'; /* nobody owns it until the catalogue says who */
		if (!tsearch(v, &t->by_row, compare_rows))
			r = -ENOMEM;
	}
	return r;
}

int livevol_update(struct livevol_table *t, int base_fd, struct fhandle_mounts *mounts,
	const struct domain *domain, const struct machine *machine, const struct volume *volume)
{
	cleanup_free char *cgroup = NULL;
	struct livevol *v;
	int found;
	int r;

	if (machine->instance) {
		cgroup = naming_cgroup(machine->project, machine->instance);
		if (!cgroup)
			return -ENOMEM;
	}
	r = find_or_add(t, (uint64_t)volume->id, &v);
	if (r < 0)
		return r;

	pthread_rwlock_wrlock(&t->lock);
	snprintf(v->name, sizeof(v->name), "%s/%s/%s", domain->name, machine->name, volume->name);
	/* Half a name of a cgroup would be another's: too long is nobody. */
	if (!cgroup || strlen(cgroup) >= sizeof(v->owner_cgroup))
		v->owner_cgroup[0] = '\0';
	else
		strcpy(v->owner_cgroup, cgroup);
	pthread_rwlock_unlock(&t->lock);

	/* Only this thread changes names, so reading ours without the lock is safe. */
	found = find_root(v, base_fd, mounts);
	if (found < 0 && found != -ENOENT)
		log_error("volume '%s': its directory cannot be opened: %s", v->name,
			error_text(NULL, found));
	__atomic_store_n(&v->flags, volume->flags, __ATOMIC_RELEASE);
	r = publish(t, v);
	return r == 0 && is_shortage(found) ? -EAGAIN : r;
}

int livevol_serve_directory(struct livevol_table *t, int dir_fd, struct fhandle_mounts *mounts,
	const char *name, unsigned int flags)
{
	struct livevol *v;
	int r;

	r = find_or_add(t, 1, &v);
	if (r < 0)
		return r;
	snprintf(v->name, sizeof(v->name), "%s", name);
	r = set_root(v, dir_fd, mounts);
	if (r < 0)
		return r;
	v->flags = flags;
	return publish(t, v);
}
