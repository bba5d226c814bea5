/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fhandle.h"

#include "checksum.h"
#include "fdio.h"
#include "log.h"

#include <fcntl.h>
#include <string.h>

/* struct file_handle ends in a flexible array: the kernel's view of one with room for ours. */
union kernel_handle {
	struct file_handle head;
	unsigned char room[sizeof(struct file_handle) + FHANDLE_BYTES];
};

void fhandle_mounts_init(struct fhandle_mounts *mounts)
{
	memset(mounts, 0, sizeof(*mounts));
	pthread_mutex_init(&mounts->lock, NULL);
}

void fhandle_mounts_finish(struct fhandle_mounts *mounts)
{
	for (unsigned int i = 0; i < mounts->n; i++)
		close(mounts->items[i].fd);
	mounts->n = 0;
	pthread_mutex_destroy(&mounts->lock);
}

static int find_mount(struct fhandle_mounts *mounts, int id)
{
	unsigned int n = __atomic_load_n(&mounts->n, __ATOMIC_ACQUIRE);

	for (unsigned int i = 0; i < n; i++) {
		if (mounts->items[i].id == id)
			return (int)i;
	}
	return -ENOENT;
}

/* A descriptor on the mount of NAME that open_by_handle_at() takes: not O_PATH. */
static int open_on_mount(int dirfd, const char *name, int flags)
{
	const int oflags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	int fd = openat(dirfd, flags & AT_EMPTY_PATH ? "." : name, oflags);

	/* A bare file as a mount's root: "." of it does not exist, reopen it through /proc. */
	if (fd < 0 && errno == ENOTDIR && (flags & AT_EMPTY_PATH))
		fd = open(fd_path(dirfd).text, oflags & ~O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

static int add_mount(struct fhandle_mounts *mounts, int id, int dirfd, const char *name, int flags)
{
	cleanup_fd int fd = open_on_mount(dirfd, name, flags);
	struct stat st;
	int i;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;

	pthread_mutex_lock(&mounts->lock);
	i = find_mount(mounts, id);
	if (i == -ENOENT && mounts->n < FHANDLE_MOUNTS) {
		i = (int)mounts->n;
		mounts->items[i] =
			(struct fhandle_mount){.id = id, .fd = steal_fd(&fd), .dev = st.st_dev};
		if (mounts->on_add)
			mounts->on_add((unsigned int)i, mounts->items[i].fd);
		__atomic_store_n(&mounts->n, mounts->n + 1, __ATOMIC_RELEASE);
	} else if (i == -ENOENT) {
		if (!mounts->is_overfull)
			log_error("'%s': more than %d mounts below the base", name, FHANDLE_MOUNTS);
		mounts->is_overfull = true;
		i = -ENFILE;
	}
	pthread_mutex_unlock(&mounts->lock);
	return i;
}

int fhandle_mounts_restore(struct fhandle_mounts *mounts, unsigned int index, int taken_fd)
{
	union kernel_handle kernel = {.head.handle_bytes = FHANDLE_BYTES};
	cleanup_fd int fd = taken_fd;
	struct stat st;
	int id;

	if (index != mounts->n || index >= FHANDLE_MOUNTS)
		return -EINVAL;
	if (name_to_handle_at(fd, "", &kernel.head, &id, AT_EMPTY_PATH) < 0 || fstat(fd, &st) < 0)
		return -errno;
	mounts->items[index] =
		(struct fhandle_mount){.id = id, .fd = steal_fd(&fd), .dev = st.st_dev};
	mounts->n++;
	return 0;
}

int fhandle_get(
	struct fhandle_mounts *mounts, int dirfd, const char *name, int flags, struct fhandle *ret)
{
	union kernel_handle kernel = {.head.handle_bytes = FHANDLE_BYTES};
	int mount_id;
	int i;

	if (name_to_handle_at(dirfd, name, &kernel.head, &mount_id, flags) < 0)
		return -errno;

	i = find_mount(mounts, mount_id);
	if (i < 0)
		i = add_mount(mounts, mount_id, dirfd, name, flags);
	if (i < 0)
		return i;

	ret->type = kernel.head.handle_type;
	ret->mount = (uint16_t)i;
	ret->len = (uint16_t)kernel.head.handle_bytes;
	memcpy(ret->bytes, kernel.head.f_handle, ret->len);
	return 0;
}

int fhandle_open(struct fhandle_mounts *mounts, const struct fhandle *handle, int flags)
{
	union kernel_handle kernel = {
		.head.handle_bytes = handle->len, .head.handle_type = handle->type};
	int fd;

	memcpy(kernel.head.f_handle, handle->bytes, handle->len);
	fd = open_by_handle_at(mounts->items[handle->mount].fd, &kernel.head, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Handle types and struct btrfs_fid: Linux, include/linux/exportfs.h and fs/btrfs/export.h. */
#define BTRFS_HANDLE_FIRST 0x4d
#define BTRFS_HANDLE_LAST 0x4f
#define BTRFS_HANDLE_ROOT 8

bool fhandle_is_btrfs(const struct fhandle *h, uint64_t *ret_root)
{
	if (h->type < BTRFS_HANDLE_FIRST || h->type > BTRFS_HANDLE_LAST ||
		h->len < BTRFS_HANDLE_ROOT + sizeof(*ret_root))
		return false;
	if (ret_root)
		memcpy(ret_root, h->bytes + BTRFS_HANDLE_ROOT, sizeof(*ret_root));
	return true;
}

bool fhandle_equal(const struct fhandle *a, const struct fhandle *b)
{
	return a->len == b->len && a->type == b->type && a->mount == b->mount &&
	       memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* A final mix: handles differ in few low bits, buckets are taken from the low bits. */
uint32_t fhandle_hash(const struct fhandle *h)
{
	uint32_t x = checksum_add(CHECKSUM_SEED ^ h->mount, h->bytes, h->len);

	x ^= x >> 16;
	x *= 0x85ebca6bu;
	x ^= x >> 13;
	return x;
}

uint32_t fhandle_checksum(uint32_t x, const struct fhandle *h)
{
	x = checksum_add(x, &h->type, sizeof(h->type));
	x = checksum_add(x, &h->mount, sizeof(h->mount));
	x = checksum_add(x, &h->len, sizeof(h->len));
	return checksum_add(x, h->bytes, h->len <= FHANDLE_BYTES ? h->len : FHANDLE_BYTES);
}
