/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rmtree.h"

#include "dirents.h"
#include "fdio.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* One descriptor per level; what lies deeper is lifted to the top and removed from there. */
#define DEPTH_MAX 64

struct removal {
	int top_fd;
	uint64_t mount; /* id of the mount that all of it is on */
	unsigned int n_lifted;
	struct error *err;
};

static int fail(struct removal *rm, int r, const char *name)
{
	if (rm->err && !rm->err->text)
		error_errno(rm->err, r, "cannot remove '%s'", name);
	return r;
}

static int mount_of(int fd, uint64_t *ret)
{
	struct statx stx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return -errno;
	*ret = stx.stx_mnt_id;
	return 0;
}

/* Take the flags off that forbid a removal. Of a file only when it can be opened without waiting. */
static void clear_flags(int dirfd, const char *name)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOFOLLOW;
	cleanup_fd int fd = -1;
	struct stat st;
	int bits;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		(!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return;
	fd = open_beneath(dirfd, name, flags, 0);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &bits) < 0)
		return;
	bits &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	ioctl(fd, FS_IOC_SETFLAGS, &bits);
}

static int unlink_once(int dirfd, const char *name, int flags)
{
	return unlinkat(dirfd, name, flags) < 0 ? -errno : 0;
}

/* EPERM is also what Linux says of a directory on some filesystems, and of flags. */
static int unlink_name(int dirfd, const char *name, int flags)
{
	int r = unlink_once(dirfd, name, flags);

	if (r != -EPERM && r != -EACCES)
		return r;
	clear_flags(dirfd, name);
	clear_flags(dirfd, ".");
	return unlink_once(dirfd, name, flags);
}

/* Move the directory NAME to the top under a name of its own. */
static int lift(struct removal *rm, int dirfd, const char *name)
{
	char lifted[32];
	int r;

	clear_flags(dirfd, name);
	do {
		snprintf(lifted, sizeof(lifted), ".lifted-%u", rm->n_lifted++);
		r = renameat2(dirfd, name, rm->top_fd, lifted, RENAME_NOREPLACE) < 0 ? -errno : 0;
	} while (r == -EEXIST);
	return r;
}

static int remove_children(struct removal *rm, int fd, size_t depth);

static int remove_directory(struct removal *rm, int dirfd, const char *name, size_t depth)
{
	cleanup_fd int fd = open_beneath(dirfd, name, O_RDONLY | O_DIRECTORY, 0);
	uint64_t mount = 0;
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fail(rm, fd, name);
	r = mount_of(fd, &mount);
	if (r == 0 && mount != rm->mount)
		r = -EBUSY;
	if (r < 0)
		return fail(rm, r, name);

	r = remove_children(rm, fd, depth);
	if (r < 0)
		return rm->err && rm->err->text ? error_prefix(rm->err, r, "'%s'", name) : r;
	r = unlink_name(dirfd, name, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? fail(rm, r, name) : 0;
}

static int remove_name(struct removal *rm, int dirfd, const char *name, size_t depth)
{
	struct stat st;
	int r;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(rm, -errno, name);
	if (!S_ISDIR(st.st_mode))
		r = unlink_name(dirfd, name, 0);
	else if (depth < DEPTH_MAX)
		return remove_directory(rm, dirfd, name, depth + 1);
	else
		r = lift(rm, dirfd, name);
	return r < 0 && r != -ENOENT ? fail(rm, r, name) : 0;
}

/* One directory on the way, and whether anything was in it. */
struct level {
	struct removal *removal;
	size_t depth;
	size_t n_found;
};

static int remove_child(void *context, int fd, const char *name)
{
	struct level *level = context;

	level->n_found++;
	return remove_name(level->removal, fd, name, level->depth);
}

/* Until nothing is found: entries may be passed over while others go, and lifted ones come. */
static int remove_children(struct removal *rm, int fd, size_t depth)
{
	struct level level;
	int r;

	do {
		level = (struct level){rm, depth, 0};
		r = dirents_each(fd, remove_child, &level);
	} while (r == 0 && level.n_found > 0);
	return r;
}

int rmtree(int parent_fd, const char *name, struct error *err)
{
	cleanup_fd int top_fd = open_beneath(parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
	struct removal rm = {.top_fd = top_fd, .err = err};
	uint64_t mount = 0;
	int r;

	if (top_fd < 0)
		return error_errno(err, top_fd, "cannot open '%s'", name);
	r = mount_of(parent_fd, &rm.mount);
	if (r == 0)
		r = mount_of(top_fd, &mount);
	if (r == 0 && mount != rm.mount)
		r = -EBUSY;
	if (r < 0)
		return fail(&rm, r, name);

	r = remove_children(&rm, top_fd, 0);
	if (r < 0)
		return rm.err && rm.err->text ? error_prefix(err, r, "'%s'", name)
					      : fail(&rm, r, name);
	r = unlink_name(parent_fd, name, AT_REMOVEDIR);
	return r < 0 ? fail(&rm, r, name) : 0;
}
